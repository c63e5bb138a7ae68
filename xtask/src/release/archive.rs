//! Archives whose bytes depend on their contents alone.

use std::io::Write as _;

use anyhow::{Context as _, Result};
use flate2::{Compression, GzBuilder};
use tar::{EntryType, Header};

/// A file or folder of an archive.
pub(super) struct Entry {
    path: String,
    mode: u32,
    kind: EntryType,
    contents: Vec<u8>,
    /// User and group.
    owner: u64,
}

impl Entry {
    pub(super) fn file(path: impl Into<String>, contents: Vec<u8>) -> Self {
        Self { path: path.into(), mode: 0o644, kind: EntryType::Regular, contents, owner: 0 }
    }

    pub(super) fn program(path: impl Into<String>, contents: Vec<u8>) -> Self {
        Self { mode: 0o755, ..Self::file(path, contents) }
    }

    pub(super) fn folder(path: impl Into<String>) -> Self {
        let path = format!("{}/", path.into());
        Self { path, mode: 0o755, kind: EntryType::Directory, contents: Vec::new(), owner: 0 }
    }

    /// The same, belonging to `owner` and closed to others.
    pub(super) fn owned(self, owner: u64, mode: u32) -> Self {
        Self { owner, mode, ..self }
    }
}

/// A tar file of `entries` by name, each with the time `time`.
pub(super) fn tar_of(mut entries: Vec<Entry>, time: u64) -> Result<Vec<u8>> {
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    let mut archive = tar::Builder::new(Vec::new());
    for entry in entries {
        let mut header = Header::new_gnu();
        header.set_entry_type(entry.kind);
        header.set_mode(entry.mode);
        header.set_uid(entry.owner);
        header.set_gid(entry.owner);
        header.set_mtime(time);
        header.set_size(entry.contents.len() as u64);
        archive
            .append_data(&mut header, &entry.path, entry.contents.as_slice())
            .with_context(|| format!("cannot archive `{}`", entry.path))?;
    }
    Ok(archive.into_inner()?)
}

/// `bytes`, compressed.
pub(super) fn gzip(bytes: &[u8], time: u64) -> Result<Vec<u8>> {
    /// "Unknown": the system that compresses does not matter.
    const ANY_SYSTEM: u8 = 255;
    let time = u32::try_from(time).unwrap_or_default();
    let builder = GzBuilder::new().mtime(time).operating_system(ANY_SYSTEM);
    let mut encoder = builder.write(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}
