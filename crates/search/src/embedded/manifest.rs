//! The one file that says which others make up the index. It is replaced as a whole, so that every change of the set of
//! files happens at one instant.

use std::path::Path;

use super::files::{Failure, Files};
use crate::codec::checksum;
use crate::document::Schema;
use crate::{Error, Result};

/// The format of all files of an index. A program reads this one and those before it.
pub(crate) const FORMAT: u32 = 1;
pub(crate) const MANIFEST: &str = "manifest.json";
const NEXT: &str = "manifest.next";

/// Which files make up the index.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Manifest {
    pub(crate) format: u32,
    /// Grows with every change of the manifest; part of new files' names.
    pub(crate) generation: u64,
    /// The file that holds everything up to the first of `logs`.
    pub(crate) base: Option<String>,
    /// The logs since, oldest first; changes are appended to the last.
    pub(crate) logs: Vec<String>,
    pub(crate) schema: Schema,
}

/// What is read first, whatever else a later format says.
#[derive(serde::Deserialize)]
struct Versioned {
    format: u32,
}

impl Manifest {
    pub(crate) fn new(schema: Schema, log: String) -> Self {
        Self { format: FORMAT, generation: 1, base: None, logs: vec![log], schema }
    }

    pub(crate) fn base_name(generation: u64) -> String {
        format!("base-{generation:08}")
    }

    pub(crate) fn log_name(generation: u64) -> String {
        format!("log-{generation:08}")
    }

    /// Whether it names the file.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.base.as_deref() == Some(name) || self.logs.iter().any(|log| log == name)
    }

    /// Reads the folder's manifest; none where there is none yet.
    pub(crate) fn read(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(MANIFEST);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                return Err(Error::corrupt(&path, "it is not text"));
            }
            Err(error) => return Err(Error::io(&path, &error)),
        };
        let (content, sum) = text.trim_end().rsplit_once('\n').unwrap_or((&text, ""));
        if u32::from_str_radix(sum, 16).ok() != Some(checksum(&[content.as_bytes()])) {
            return Err(Error::corrupt(&path, "its checksum differs"));
        }
        let unreadable = |error: serde_json::Error| Error::corrupt(&path, error.to_string());
        let Versioned { format } = serde_json::from_str(content).map_err(unreadable)?;
        if format > FORMAT {
            return Err(Error::Format { file: path, found: format, newest: FORMAT });
        }
        let manifest: Self = serde_json::from_str(content).map_err(unreadable)?;
        Ok(Some(manifest))
    }

    /// Replaces the folder's manifest by this one, durably. Should it fail, the old one is still there or the new one
    /// is, whole.
    pub(crate) fn write(&self, files: &dyn Files) -> std::result::Result<(), Failure> {
        let path = files.path(NEXT);
        let failure = |error: Error, undone| Failure { error, undone };
        let content = serde_json::to_string_pretty(self)
            .map_err(|error| failure(Error::corrupt(&path, error.to_string()), true))?;
        let text = format!("{content}\n{:08x}\n", checksum(&[content.as_bytes()]));
        let written = files.create(NEXT).and_then(|mut file| {
            file.write(text.as_bytes())?;
            file.sync()
        });
        if let Err(error) = written {
            // Best effort: the next one replaces it anyway.
            let _ = files.remove(NEXT);
            return Err(failure(Error::io(&path, &error), true));
        }
        let replaced = files.rename(NEXT, MANIFEST).and_then(|()| files.sync_folder());
        replaced.map_err(|error| failure(Error::io(&path, &error), false))
    }
}
