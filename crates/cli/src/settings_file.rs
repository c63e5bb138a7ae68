//! What commands take from `craton.toml`: where the server of this folder keeps its data, listens and has its models. The
//! server reads the rest.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow};
use serde::Deserialize;

/// Where `craton.toml` is looked for.
const DEFAULT: &str = "craton.toml";

/// The settings that say where a server is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Places {
    pub(crate) data_dir: Option<PathBuf>,
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) models_dir: Option<PathBuf>,
}

impl Places {
    /// Reads the file that `craton up` would read here: the one that `CRATON_CONFIG` names, else `craton.toml`.
    ///
    /// # Errors
    /// The file cannot be read or understood, or the one that is named is not there.
    pub(crate) fn read(environment: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let named = environment("CRATON_CONFIG").filter(|value| !value.is_empty()).map(PathBuf::from);
        match read_settings(named.as_deref())? {
            Some((path, text)) => parse_settings(&path, &text),
            None => Ok(Self::default()),
        }
    }
}

/// The settings file that is named, or `craton.toml` where there is one: its path and text.
///
/// # Errors
/// It cannot be read, or the one that is named is not there.
pub fn read_settings(named: Option<&Path>) -> Result<Option<(PathBuf, String)>> {
    let path = match named {
        Some(path) => path,
        None if Path::new(DEFAULT).exists() => Path::new(DEFAULT),
        None => return Ok(None),
    };
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read the settings in `{}`", path.display()))?;
    Ok(Some((path.to_owned(), text)))
}

/// Reads the settings of a file's text.
///
/// # Errors
/// The text is malformed or holds what `T` refuses; the error names the line.
pub fn parse_settings<T: for<'a> Deserialize<'a>>(path: &Path, text: &str) -> Result<T> {
    toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| text[..span.start].lines().count().max(1));
        let (path, message) = (path.display(), error.message());
        anyhow!("`{path}`, line {line}: {message}\nhint: `craton up --help` lists the settings; here their names have underscores")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_named_file_says_where_the_server_is_whatever_else_it_holds() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("some.toml");
        std::fs::write(&path, "data_dir = \"/var/lib/x\"\nlisten = \"127.0.0.1:9\"\nqueue = 3\n").unwrap();
        let named = |name: &str| (name == "CRATON_CONFIG").then(|| path.display().to_string());
        let places = Places::read(named).unwrap();
        assert_eq!(places.data_dir.as_deref(), Some(Path::new("/var/lib/x")));
        assert_eq!((places.listen, places.models_dir), (Some("127.0.0.1:9".parse().unwrap()), None));
        std::fs::write(&path, "queue = 3\nlisten = 5\n").unwrap();
        let error = Places::read(named).unwrap_err().to_string();
        assert!(error.contains("some.toml`, line 2"), "{error}");
        std::fs::remove_file(&path).unwrap();
        assert!(Places::read(named).unwrap_err().to_string().contains("cannot read the settings"));
    }
}
