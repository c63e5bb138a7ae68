//! The log: every batch of changes, in order, made durable before it is acknowledged.
//!
//! A log begins with its magic and format. A record is `magic, length, number, checksum, payload`; the checksum covers
//! the three others. A record that was cut off by a crash is the last thing in the file: it is dropped, since it was
//! never acknowledged. A bad record with a good one behind it was damaged later, and the file is named.

use std::path::{Path, PathBuf};

use super::files::{Append, Failure, Files};
use super::manifest::FORMAT;
use crate::codec::{Decoded, Malformed, Reader, Writer, checksum};
use crate::{Error, Result};

const MAGIC: &[u8; 8] = b"CRTNSLOG";
const RECORD: &[u8; 4] = b"CREC";
const HEAD: usize = 16;
const RECORD_HEAD: usize = 20;
/// The largest batch, in bytes as it is written.
pub(crate) const MAX_RECORD: usize = 256 << 20;

/// A log that is appended to.
pub(crate) struct Log {
    file: Box<dyn Append>,
    path: PathBuf,
    length: u64,
    next: u64,
}

impl Log {
    /// Makes an empty log, durably.
    pub(crate) fn create(files: &dyn Files, name: &str) -> Result<Self> {
        let path = files.path(name);
        let mut head = Writer(MAGIC.to_vec());
        head.u32(FORMAT);
        head.u32(0);
        let made = files.create(name).and_then(|mut file| {
            file.write(&head.0)?;
            file.sync()?;
            files.sync_folder()?;
            Ok(file)
        });
        match made {
            Ok(file) => Ok(Self { file, path, length: HEAD as u64, next: 0 }),
            Err(error) => {
                let _ = files.remove(name);
                Err(Error::io(&path, &error))
            }
        }
    }

    /// Goes on with a log that was read.
    pub(crate) fn reopen(files: &dyn Files, name: &str, read: &Contents) -> Result<Self> {
        let path = files.path(name);
        let reopened = files.append(name, read.length).and_then(|mut file| {
            file.sync()?;
            Ok(file)
        });
        let file = reopened.map_err(|error| Error::io(&path, &error))?;
        Ok(Self { file, path, length: read.length, next: read.records.len() as u64 })
    }

    /// Appends a record and makes it durable.
    pub(crate) fn append(&mut self, payload: &[u8]) -> std::result::Result<(), Failure> {
        let mut head = Writer(RECORD.to_vec());
        head.u32(payload.len() as u32);
        head.u64(self.next);
        let sum = checksum(&[&head.0[4..], payload]);
        head.u32(sum);
        head.0.extend_from_slice(payload);
        if let Err(error) = self.file.write(&head.0) {
            let undone = self.file.cut(self.length).and_then(|()| self.file.sync()).is_ok();
            return Err(Failure { error: Error::io(&self.path, &error), undone });
        }
        // After a failed sync the system may have dropped what it could not write, so that nothing is known any more.
        self.file.sync().map_err(|error| Failure { error: Error::io(&self.path, &error), undone: false })?;
        self.length += head.0.len() as u64;
        self.next += 1;
        Ok(())
    }

    /// Its length in bytes.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }
}

/// What a log holds.
pub(crate) struct Contents {
    bytes: Vec<u8>,
    records: Vec<std::ops::Range<usize>>,
    /// The length of what is whole.
    pub(crate) length: u64,
}

impl Contents {
    /// Reads a log. A torn end is left out where `newest` says that it may have one.
    pub(crate) fn read(path: &Path, newest: bool) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|error| Error::io(path, &error))?;
        head(&bytes, path)?;
        let mut records = Vec::new();
        let mut at = HEAD;
        while at < bytes.len() {
            match record(&bytes[at..], records.len() as u64) {
                Some(length) => {
                    records.push(at + RECORD_HEAD..at + RECORD_HEAD + length);
                    at += RECORD_HEAD + length;
                }
                None if newest && !record_follows(&bytes[at + 1..]) => break,
                None => return Err(Error::corrupt(path, format!("the record at byte {at} is not whole"))),
            }
        }
        Ok(Self { bytes, records, length: at as u64 })
    }

    /// The records' payloads, from the `skipped`-th on.
    pub(crate) fn payloads(&self, skipped: usize) -> impl Iterator<Item = &[u8]> {
        self.records.iter().skip(skipped).map(|range| &self.bytes[range.clone()])
    }

    /// How many records there are.
    pub(crate) fn count(&self) -> usize {
        self.records.len()
    }
}

fn head(bytes: &[u8], path: &Path) -> Result<()> {
    let parse = || -> Decoded<u32> {
        let mut reader = Reader(bytes);
        if reader.bytes(MAGIC.len())? != MAGIC {
            return Err(Malformed("it is not a log"));
        }
        let format = reader.u32()?;
        reader.u32()?;
        Ok(format)
    };
    match parse() {
        Ok(format) if format <= FORMAT => Ok(()),
        Ok(found) => Err(Error::Format { file: path.to_owned(), found, newest: FORMAT }),
        Err(Malformed(reason)) => Err(Error::corrupt(path, reason)),
    }
}

/// The length of the payload of the whole record at the beginning of `bytes`, if there is one of that number.
fn record(bytes: &[u8], number: u64) -> Option<usize> {
    let (length, found) = any_record(bytes)?;
    (found == number).then_some(length)
}

fn any_record(bytes: &[u8]) -> Option<(usize, u64)> {
    let mut reader = Reader(bytes.strip_prefix(RECORD)?);
    let covered = reader.0;
    let length = reader.u32().ok()? as usize;
    let number = reader.u64().ok()?;
    let sum = reader.u32().ok()?;
    let payload = reader.bytes(length).ok()?;
    (checksum(&[&covered[..12], payload]) == sum).then_some((length, number))
}

/// Whether a whole record begins anywhere in `bytes`.
fn record_follows(bytes: &[u8]) -> bool {
    (0..bytes.len()).any(|at| bytes[at..].starts_with(RECORD) && any_record(&bytes[at..]).is_some())
}
