//! The archive of a document and its parts.

use std::io::{Cursor, Read};

use zip::ZipArchive;
use zip::result::ZipError;

use super::xml::{Token, Xml};
use crate::encoding::decode;
use crate::limits::Budget;
use crate::{Error, Result};

/// Opens an archive.
pub(super) fn archive(bytes: &[u8]) -> Result<ZipArchive<Cursor<&[u8]>>> {
    ZipArchive::new(Cursor::new(bytes)).map_err(|error| refusal("the archive", &error))
}

/// A document's parts. All that are read may together become as large as the limits say.
pub(super) struct Package<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    budget: &'a Budget<'a>,
    left: u64,
}

impl<'a> Package<'a> {
    pub(super) fn open(bytes: &'a [u8], budget: &'a Budget<'a>) -> Result<Self> {
        Ok(Self { archive: archive(bytes)?, budget, left: budget.limits.expanded_bytes })
    }

    /// A part's text; none where there is no such part.
    pub(super) fn part(&mut self, name: &str) -> Result<Option<String>> {
        let Some(index) = self.archive.index_for_name(name) else { return Ok(None) };
        let mut bytes = Vec::new();
        self.read(index, &mut bytes)?;
        Ok(Some(decode(&bytes, None).text.into_owned()))
    }

    /// Expands every part of XML once, so that a reader that keeps no limits may follow.
    pub(super) fn measure(&mut self) -> Result<()> {
        for index in 0..self.archive.len() {
            let name = self.archive.name_for_index(index).and_then(Result::ok).unwrap_or_default();
            let is_xml =
                [".xml", ".rels", ".bin", ".vml"].iter().any(|ending| name.to_ascii_lowercase().ends_with(ending));
            if is_xml {
                self.read(index, &mut std::io::sink())?;
            }
        }
        Ok(())
    }

    /// Targets of the relationships of a part, by their ids.
    pub(super) fn relationships(&mut self, part: &str) -> Result<Vec<Relationship>> {
        let (folder, file) = part.rsplit_once('/').unwrap_or(("", part));
        let of = if folder.is_empty() { format!("_rels/{file}.rels") } else { format!("{folder}/_rels/{file}.rels") };
        let Some(text) = self.part(&of)? else { return Ok(Vec::new()) };
        let mut xml = Xml::new(&text);
        let mut found = Vec::new();
        while let Some(token) = xml.next()? {
            if let Token::Start(tag) = token
                && tag.name == "Relationship"
                && tag.attribute("TargetMode") != Some("External")
            {
                let value = |name: &str| tag.attribute(name).unwrap_or_default().to_owned();
                let target = resolved(folder, &value("Target"));
                found.push(Relationship { id: value("Id"), kind: value("Type"), target });
            }
        }
        Ok(found)
    }

    fn read(&mut self, index: usize, to: &mut impl std::io::Write) -> Result<()> {
        self.budget.check_time()?;
        let limit = self.budget.limits.expanded_bytes;
        let entry = self.archive.by_index(index).map_err(|error| refusal("a part", &error))?;
        let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
        let read = std::io::copy(&mut entry.take(self.left + 1), to);
        let read = read.map_err(|error| Error::corrupt(format!("its part `{name}` does not expand: {error}")))?;
        self.left = self.left.checked_sub(read).ok_or(Error::ExpandsTooMuch { limit })?;
        Ok(())
    }
}

/// What a part refers to.
pub(super) struct Relationship {
    pub(super) id: String,
    /// A URL; its last segment says what it is.
    pub(super) kind: String,
    /// A part's name.
    pub(super) target: String,
}

impl Relationship {
    pub(super) fn is(&self, kind: &str) -> bool {
        self.kind.rsplit('/').next() == Some(kind)
    }
}

/// A target as a part's name: from the root, or from the folder of the part that refers to it.
fn resolved(folder: &str, target: &str) -> String {
    if let Some(absolute) = target.strip_prefix('/') {
        return absolute.to_owned();
    }
    let mut segments: Vec<&str> = folder.split('/').filter(|segment| !segment.is_empty()).collect();
    for segment in target.split('/') {
        match segment {
            "." | "" => {}
            ".." => {
                segments.pop();
            }
            segment => segments.push(segment),
        }
    }
    segments.join("/")
}

fn refusal(what: &str, error: &ZipError) -> Error {
    match error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) | ZipError::InvalidPassword => Error::Encrypted,
        error => Error::corrupt(format!("{what} cannot be read: {error}")),
    }
}
