//! What a backup says of itself.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use base::{Error, Result};
use serde::{Deserialize, Serialize};

/// The layout that this version writes and reads.
pub(crate) const FORMAT: u32 = 1;
pub(crate) const MANIFEST: &str = "manifest.json";
pub(crate) const SUMS: &str = "SHA256SUMS";
/// The rows of the database, compressed.
pub(crate) const ROWS: &str = "database.jsonl.gz";

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The backup's layout.
    pub format: u32,
    /// The version of Craton that made it.
    pub craton: String,
    /// When its rows were read, in ISO 8601.
    pub created: String,
    /// How many steps of each module's tables had run.
    pub modules: BTreeMap<String, u32>,
    /// Rows of all tables.
    pub rows: u64,
    /// Where the root key is, without which nothing that is sealed opens.
    pub root_key: KeyPlace,
    /// Every file but the manifest and `SHA256SUMS`.
    pub files: Vec<FileEntry>,
}

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Relative to the backup's folder, with `/` between names.
    pub path: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its SHA-256 in hexadecimal.
    pub sha256: String,
}

/// Where the root key of a backup is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyPlace {
    /// In the backup.
    Included,
    /// In a file that was left out.
    LeftOut,
    /// Made of a passphrase.
    Passphrase,
    /// Printed by a command.
    Command,
}

impl Manifest {
    /// The text of a manifest file.
    pub(crate) fn parse(text: &[u8]) -> Result<Self> {
        /// What every layout's manifest has.
        #[derive(Deserialize)]
        struct Any {
            format: u32,
            craton: String,
        }
        let damaged = |error| Error::damaged("The backup's `manifest.json` cannot be read.").with_detail(error);
        let any: Any = serde_json::from_slice(text).map_err(damaged)?;
        if any.format != FORMAT {
            return Err(Error::invalid(format!(
                "The backup was made by Craton {} in its layout {}; this version reads layout {FORMAT}.",
                any.craton, any.format
            ))
            .with_hint("Use the version that made it."));
        }
        let manifest: Self = serde_json::from_slice(text).map_err(damaged)?;
        match manifest.files.iter().find(|file| !is_inside(&file.path)) {
            Some(file) => {
                Err(Error::damaged(format!("The backup names the file `{}`, outside its folder.", file.path)))
            }
            None => Ok(manifest),
        }
    }

    /// All bytes of its files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

/// Whether `path` stays in the folder that it is relative to.
fn is_inside(path: &str) -> bool {
    !path.is_empty() && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}
