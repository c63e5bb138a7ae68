//! Encryption of blobs: AES-256-GCM in chunks, after the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár:
//! Online authenticated-encryption and its nonce-reuse misuse-resistance, 2015).
//!
//! A blob of n bytes is kept as chunks of 64 KiB of plaintext, each followed by its tag of 16 bytes. The nonce of a
//! chunk is its number and whether it is the last, so chunks cannot be exchanged, left out or added without a failing
//! tag, and a range is read by decrypting the chunks that it touches. Each blob has a key of its own, derived from its
//! object's data key and its id, so a nonce is never used twice under one key.

use base::{Error, Result};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use zeroize::Zeroizing;

/// Bytes of plaintext in a chunk; the last may have fewer.
pub(crate) const CHUNK: usize = 64 * 1024;

/// Bytes that a chunk grows by.
pub(crate) const TAG: usize = 16;

/// Bytes of a data key.
pub(crate) const KEY: usize = 32;

/// An object's data key: what the keys of its blobs are derived from.
#[derive(Clone)]
pub(crate) struct DataKey(Zeroizing<[u8; KEY]>);

impl DataKey {
    pub(crate) fn random(random: &dyn base::Random) -> Self {
        let mut bytes = Zeroizing::new([0; KEY]);
        random.fill(bytes.as_mut());
        Self(bytes)
    }

    /// # Errors
    /// Internal, where it is not 32 bytes long.
    pub(crate) fn from_slice(bytes: &[u8]) -> Result<Self> {
        let mut key = Zeroizing::new([0; KEY]);
        if bytes.len() != KEY {
            return Err(Error::internal("a data key of another length"));
        }
        key.copy_from_slice(bytes);
        Ok(Self(key))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// The cipher of the blob `id`. Its key is HMAC-SHA-256 of the id under the data key (NIST SP 800-108, one block).
    ///
    /// # Errors
    /// None that can happen: the key has the cipher's length.
    pub(crate) fn cipher(&self, blob: &str) -> Result<ChunkCipher> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.as_bytes());
        let derived = hmac::sign(&key, format!("craton blob 1 {blob}").as_bytes());
        let unbound = UnboundKey::new(&AES_256_GCM, derived.as_ref())
            .map_err(|_| Error::internal("a blob key of another length"))?;
        Ok(ChunkCipher(LessSafeKey::new(unbound)))
    }
}

/// Encrypts and decrypts the chunks of one blob.
pub(crate) struct ChunkCipher(LessSafeKey);

impl ChunkCipher {
    /// Encrypts `chunk` in place and appends its tag.
    ///
    /// # Errors
    /// Internal, where it is longer than the cipher allows.
    pub(crate) fn seal(&self, number: u64, last: bool, chunk: &mut Vec<u8>) -> Result<()> {
        self.0
            .seal_in_place_append_tag(nonce(number, last), Aad::empty(), chunk)
            .map_err(|_| Error::internal("a chunk is too long to seal"))
    }

    /// Decrypts `chunk`, which ends with its tag, in place; the plaintext is its beginning.
    ///
    /// # Errors
    /// Damaged, where the chunk is not the one that was sealed with this number in this blob.
    pub(crate) fn open<'a>(&self, number: u64, last: bool, chunk: &'a mut [u8]) -> Result<&'a mut [u8]> {
        self.0
            .open_in_place(nonce(number, last), Aad::empty(), chunk)
            .map_err(|_| damaged().with_detail(format!("chunk {number}")))
    }
}

pub(crate) fn damaged() -> Error {
    Error::damaged("What is stored of the object is damaged.")
        .with_hint("Put the object again, or restore it from a backup.")
}

/// The chunk's number in the first bytes, whether it is the last in the last one.
fn nonce(number: u64, last: bool) -> Nonce {
    let mut bytes = [0; NONCE_LEN];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    bytes[NONCE_LEN - 1] = u8::from(last);
    Nonce::assume_unique_for_key(bytes)
}

/// How many chunks a blob of `size` bytes has; an empty one has none.
pub(crate) fn chunk_count(size: u64) -> u64 {
    size.div_ceil(CHUNK as u64)
}

/// How many bytes a blob of `size` bytes has at rest.
pub(crate) fn sealed_size(size: u64) -> u64 {
    size + chunk_count(size) * TAG as u64
}

/// Some chunks of a blob, and where they stand at rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    /// The first chunk's number.
    pub(crate) first: u64,
    /// How many.
    pub(crate) count: u64,
    /// The offset of the first at rest.
    pub(crate) offset: u64,
    /// Their length at rest.
    pub(crate) length: u64,
}

/// The chunks of a blob of `size` bytes that hold its bytes `from..to`, which must not be empty.
pub(crate) fn span(size: u64, from: u64, to: u64) -> Span {
    let (chunk, stored) = (CHUNK as u64, (CHUNK + TAG) as u64);
    let first = from / chunk;
    let end = to.div_ceil(chunk);
    let offset = first * stored;
    let length = (end * stored).min(sealed_size(size)) - offset;
    Span { first, count: end - first, offset, length }
}

/// Decrypts the bytes `from..to` of a blob of `size` bytes out of the chunks that hold them, which are `sealed`.
///
/// # Errors
/// Damaged, where a chunk is not what was sealed, or is missing.
pub(crate) fn open_range(cipher: &ChunkCipher, size: u64, from: u64, to: u64, mut sealed: Vec<u8>) -> Result<Vec<u8>> {
    let span = span(size, from, to);
    if sealed.len() as u64 != span.length {
        return Err(damaged().with_detail(format!("{} bytes instead of {}", sealed.len(), span.length)));
    }
    let last = chunk_count(size) - 1;
    let mut written = 0;
    let mut at = 0;
    for number in span.first..span.first + span.count {
        let end = (at + CHUNK + TAG).min(sealed.len());
        let length = cipher.open(number, number == last, &mut sealed[at..end])?.len();
        // The plaintexts move together at the front of the buffer: no second one is needed.
        sealed.copy_within(at..at + length, written);
        written += length;
        at = end;
    }
    sealed.truncate(written);
    let skip = usize::try_from(from - span.first * CHUNK as u64).map_err(Error::internal)?;
    let length = usize::try_from(to - from).map_err(Error::internal)?;
    if skip + length > written {
        return Err(damaged().with_detail("a chunk is too short"));
    }
    sealed.truncate(skip + length);
    sealed.drain(..skip);
    Ok(sealed)
}
