//! The file: its form, and its opening.
//!
//! ```text
//! CRATONM1                    8 bytes
//! length of the rest          4 bytes, the smaller end first, as all numbers
//! bytes of the model          8 bytes
//! bytes of its own header     8 bytes
//! the wrapped data key        the rest
//! chunks                      1 MiB of the model each, the last with what is left, and a tag of 16 bytes after each
//! ```
//!
//! Chunks are encrypted with AES-256-GCM after the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár: Online
//! authenticated-encryption and its nonce-reuse misuse-resistance, 2015): the nonce is the chunk's number and whether it is the
//! last, so chunks cannot be exchanged, left out or added. The key is derived from the data key and everything before the
//! chunks, so that cannot be changed either.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use base::{Error, Result};
use inference::ModelFiles;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use zeroize::Zeroizing;

use super::memory::MemoryFile;

/// Bytes of the model in a chunk.
pub(crate) const CHUNK: usize = 1 << 20;
/// Bytes that a chunk grows by.
pub(crate) const TAG: usize = 16;
const MAGIC: &[u8; 8] = b"CRATONM1";
/// Bytes before the wrapped key.
const FIXED: usize = 8 + 4 + 16;
/// KMS gives shorter ones.
const LONGEST_WRAPPED_KEY: usize = 6144;
/// The ending of files that are complete.
pub(super) const COMPLETE: &str = "model";
/// The ending of files that are being written.
pub(super) const PARTIAL: &str = "partial";

/// What stands before the chunks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Bytes of the model.
    pub bytes: u64,
    /// Bytes of its beginning that are enough to inspect it.
    pub head: u64,
    /// The data key, encrypted by KMS.
    pub wrapped_key: Vec<u8>,
}

impl Header {
    /// Reads the header of a file, to have its data key opened.
    ///
    /// # Errors
    /// NotFound; Damaged, where it is no such file or is not of the length that it says.
    pub fn read(path: &Path) -> Result<Self> {
        Ok(open(path)?.1)
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend((16 + self.wrapped_key.len() as u32).to_le_bytes());
        out.extend(self.bytes.to_le_bytes());
        out.extend(self.head.to_le_bytes());
        out.extend(&self.wrapped_key);
        out
    }

    fn chunks(&self) -> u64 {
        self.bytes.div_ceil(CHUNK as u64)
    }

    fn file_bytes(&self) -> Option<u64> {
        let tags = self.chunks().checked_mul(TAG as u64)?;
        self.bytes.checked_add(tags)?.checked_add((FIXED + self.wrapped_key.len()) as u64)
    }
}

/// Opens a file and reads its header; what is read next is its first chunk.
fn open(path: &Path) -> Result<(File, Header)> {
    let mut file = File::open(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Error::not_found("The model's file is gone.")
            .with_hint("Delete the model and import it again.")
            .with_detail(path.display()),
        _ => Error::unavailable("The model's file cannot be read.").with_detail(error),
    })?;
    let header = read_header(&mut file).ok_or_else(|| damaged("its header"))?;
    let length = file.metadata().map_err(Error::internal)?.len();
    match header.file_bytes() {
        Some(expected) if expected == length => Ok((file, header)),
        _ => Err(damaged("its length")),
    }
}

fn read_header(file: &mut File) -> Option<Header> {
    let mut fixed = [0; FIXED];
    file.read_exact(&mut fixed).ok()?;
    let number = |from: usize| fixed[from..from + 8].try_into().map(u64::from_le_bytes).ok();
    let rest = u32::from_le_bytes(fixed[8..12].try_into().ok()?) as usize;
    let key = rest.checked_sub(16).filter(|length| *length <= LONGEST_WRAPPED_KEY && fixed.starts_with(MAGIC))?;
    let mut wrapped_key = vec![0; key];
    file.read_exact(&mut wrapped_key).ok()?;
    let header = Header { bytes: number(12)?, head: number(20)?, wrapped_key };
    (header.head <= header.bytes).then_some(header)
}

/// Encrypts and decrypts the chunks of one file.
pub(crate) struct Cipher(LessSafeKey);

impl Cipher {
    /// The cipher of a file: its key is HMAC-SHA-256 of the header under the data key (NIST SP 800-108, one block).
    ///
    /// # Errors
    /// Internal, where the data key has not 32 bytes.
    pub(crate) fn new(data_key: &[u8], header: &[u8]) -> Result<Self> {
        if data_key.len() != 32 {
            return Err(Error::internal("a data key of another length"));
        }
        let key = hmac::Key::new(hmac::HMAC_SHA256, data_key);
        let mut context = hmac::Context::with_key(&key);
        context.update(b"craton model 1 ");
        context.update(header);
        let unbound = UnboundKey::new(&AES_256_GCM, context.sign().as_ref())
            .map_err(|_| Error::internal("a file key of another length"))?;
        Ok(Self(LessSafeKey::new(unbound)))
    }

    /// Encrypts a chunk in place and appends its tag.
    pub(crate) fn seal(&self, number: u64, last: bool, chunk: &mut Vec<u8>) -> Result<()> {
        self.0
            .seal_in_place_append_tag(nonce(number, last), Aad::empty(), chunk)
            .map_err(|_| Error::internal("a chunk is too long to seal"))
    }

    /// Decrypts a chunk in place.
    ///
    /// # Errors
    /// Damaged, where it is not the chunk of that number, or was changed.
    pub(crate) fn open<'a>(&self, number: u64, last: bool, chunk: &'a mut [u8]) -> Result<&'a [u8]> {
        match self.0.open_in_place(nonce(number, last), Aad::empty(), chunk) {
            Ok(plain) => Ok(plain),
            Err(_) => Err(damaged(&format!("chunk {number}"))),
        }
    }
}

/// The chunk's number in the first bytes, whether it is the last in the last one.
fn nonce(number: u64, last: bool) -> Nonce {
    let mut bytes = [0; NONCE_LEN];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    bytes[NONCE_LEN - 1] = u8::from(last);
    Nonce::assume_unique_for_key(bytes)
}

fn damaged(what: &str) -> Error {
    Error::damaged("The imported model's file is damaged, or its key is another.")
        .with_hint("Delete the model and import it again.")
        .with_detail(what)
}

/// An encrypted model and its data key, as KMS has just opened it.
#[derive(Clone)]
pub struct SealedModel {
    path: PathBuf,
    data_key: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for SealedModel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SealedModel").field("path", &self.path).finish_non_exhaustive()
    }
}

impl SealedModel {
    /// The model in the file, whose [`Header::wrapped_key`] is the data key.
    #[must_use]
    pub fn new(path: PathBuf, data_key: Zeroizing<Vec<u8>>) -> Self {
        Self { path, data_key }
    }

    /// A key for what is made of the model and must be unreadable where the model is: HMAC-SHA-256 of `purpose` under the
    /// data key.
    pub(crate) fn key_for(&self, purpose: &[u8]) -> Zeroizing<Vec<u8>> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.data_key);
        Zeroizing::new(hmac::sign(&key, purpose).as_ref().to_vec())
    }

    /// The name of its file.
    pub(crate) fn file_name(&self) -> String {
        self.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// Decrypts the model's beginning into a memory file that is as long as the model: enough to inspect it, and no more
    /// memory than that. Blocks.
    ///
    /// # Errors
    /// NotFound, Damaged, Unavailable; NotImplemented, where the system has no memory files.
    pub fn open(&self) -> Result<Opening> {
        let (file, header) = open(&self.path)?;
        let cipher = Cipher::new(&self.data_key, &header.encode())?;
        let memory = MemoryFile::new(header.bytes)?;
        let mut opening = Opening { memory, file, cipher, header, next: 0, chunk: Vec::new() };
        let head = opening.header.head.div_ceil(CHUNK as u64);
        opening.decrypt_until(head, || Ok(()))?;
        Ok(opening)
    }
}

/// A model that is being decrypted into memory.
pub struct Opening {
    memory: MemoryFile,
    file: File,
    cipher: Cipher,
    header: Header,
    /// The next chunk's number.
    next: u64,
    chunk: Vec<u8>,
}

impl Opening {
    /// Where the engine finds the model: by its path in this process alone.
    #[must_use]
    pub fn files(&self) -> ModelFiles {
        self.memory.files()
    }

    /// Decrypts the rest and seals the memory file: nobody can change it any more. Blocks.
    ///
    /// # Errors
    /// Damaged, Unavailable.
    pub fn finish(self) -> Result<MemoryFile> {
        self.finish_while(|| Ok(()))
    }

    /// As [`Opening::finish`], asking before each chunk whether to go on.
    ///
    /// # Errors
    /// As [`Opening::finish`], and what `goes_on` says.
    pub(crate) fn finish_while(mut self, goes_on: impl Fn() -> Result<()>) -> Result<MemoryFile> {
        self.decrypt_until(self.header.chunks(), goes_on)?;
        self.memory.seal()?;
        Ok(self.memory)
    }

    fn decrypt_until(&mut self, end: u64, goes_on: impl Fn() -> Result<()>) -> Result<()> {
        let chunks = self.header.chunks();
        while self.next < end {
            goes_on()?;
            let offset = self.next * CHUNK as u64;
            let length = (self.header.bytes - offset).min(CHUNK as u64) as usize;
            self.chunk.resize(length + TAG, 0);
            self.file.read_exact(&mut self.chunk).map_err(|error| match error.kind() {
                ErrorKind::UnexpectedEof => damaged("its end"),
                _ => Error::unavailable("The model's file cannot be read.").with_detail(error),
            })?;
            let last = self.next + 1 == chunks;
            let plain = self.cipher.open(self.next, last, &mut self.chunk)?;
            self.memory.write_at(offset, plain)?;
            self.next += 1;
        }
        Ok(())
    }
}

/// Removes what is left of files that were being written, and complete ones that are not among `kept`, when nobody writes.
///
/// # Errors
/// Unavailable, where the folder cannot be read; there need not be one.
pub fn sweep(folder: &Path, kept: &HashSet<PathBuf>) -> Result<usize> {
    let failed = |error: std::io::Error| Error::unavailable("The imported models cannot be listed.").with_detail(error);
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
        entries => entries.map_err(failed)?,
    };
    let mut removed = 0;
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        let ending = path.extension().and_then(|ending| ending.to_str());
        let stray = ending == Some(PARTIAL) || (ending == Some(COMPLETE) && !kept.contains(&path));
        if stray && fs::remove_file(&path).is_ok() {
            removed += 1;
        }
    }
    Ok(removed)
}
