//! The file of one prefix.
//!
//! ```text
//! CRATONP1                    8 bytes
//! length of the rest          4 bytes, the smaller end first, as all numbers
//! what it was made by         32 bytes: SHA-256 of the weights' digest and of the engine's `states`
//! the file's key, sealed      the rest: by the deployment's keyring, for this account and this model alone
//! chunks                      1 MiB each, the last with what is left, and a tag of 16 bytes after each, as of an imported
//!                             model: how many tokens were read exactly, how many there are, the tokens, the state
//! ```

use std::fs::File;
use std::io::{self, Read as _, Write};
use std::path::Path;
use std::sync::Arc;

use base::{Error, Random, Result};
use identity::Keyring;
use inference::{KeptPrefix, Tenant, Token};
use ring::hmac;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::at_rest::{CHUNK, Cipher, TAG};

const MAGIC: &[u8; 8] = b"CRATONP1";
const KEY_BYTES: usize = 32;
/// Bytes before the sealed key.
const FIXED: usize = 8 + 4 + 32;
/// What the keyring makes of a key.
const SEALED_KEY: usize = KEY_BYTES + 33;
/// Bytes before the tokens.
const NUMBERS: usize = 16;

/// What a file is sealed by and bound to.
pub(super) struct Seal<'a> {
    pub(super) keyring: &'a Keyring,
    /// Names the account and the model.
    pub(super) purpose: &'a str,
    /// The weights' digest and the engine's `states`.
    pub(super) made_by: [u8; 32],
    /// A key without which the file must not open either.
    pub(super) secret: Option<&'a [u8]>,
}

impl Seal<'_> {
    /// The cipher of a file with this header, whose key is `key`.
    fn cipher(&self, key: &[u8], header: &[u8]) -> Result<Cipher> {
        match self.secret {
            None => Cipher::new(key, header),
            Some(secret) => Cipher::new(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), key).as_ref(), header),
        }
    }
}

/// The hash that stands in a file's header.
pub(super) fn made_by(weights: &str, states: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in [weights, states] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// The length of a prefix's file.
pub(super) fn length(prefix: &KeptPrefix) -> u64 {
    let plain = (NUMBERS + prefix.tokens.len() * size_of::<Token>() + prefix.state.len()) as u64;
    (FIXED + SEALED_KEY) as u64 + plain + plain.div_ceil(CHUNK as u64) * TAG as u64
}

/// Writes a prefix.
///
/// # Errors
/// Internal, Unavailable.
pub(super) fn write(file: &mut File, seal: &Seal<'_>, prefix: &KeptPrefix, random: &dyn Random) -> Result<()> {
    let mut key = Zeroizing::new(vec![0; KEY_BYTES]);
    random.fill(&mut key);
    let sealed = seal.keyring.seal(seal.purpose, &key)?;
    let mut header = MAGIC.to_vec();
    header.extend((32 + sealed.len() as u32).to_le_bytes());
    header.extend(seal.made_by);
    header.extend(sealed);
    file.write_all(&header).map_err(unwritten)?;
    let cipher = seal.cipher(&key, &header)?;
    let mut numbers = (prefix.exact as u64).to_le_bytes().to_vec();
    numbers.extend((prefix.tokens.len() as u64).to_le_bytes());
    numbers.extend(prefix.tokens.iter().flat_map(|token| token.to_le_bytes()));
    let mut chunks = Chunks { file, cipher, chunk: Vec::with_capacity(CHUNK + TAG), number: 0 };
    chunks.push(&numbers)?;
    chunks.push(&prefix.state)?;
    chunks.flush(true)
}

/// Encrypts what comes in chunks.
struct Chunks<'a> {
    file: &'a mut File,
    cipher: Cipher,
    chunk: Vec<u8>,
    number: u64,
}

impl Chunks<'_> {
    fn push(&mut self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            // A full chunk waits for what comes after it: it may be the last.
            if self.chunk.len() == CHUNK {
                self.flush(false)?;
            }
            let (now, later) = bytes.split_at(bytes.len().min(CHUNK - self.chunk.len()));
            self.chunk.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    fn flush(&mut self, last: bool) -> Result<()> {
        self.cipher.seal(self.number, last, &mut self.chunk)?;
        self.file.write_all(&self.chunk).map_err(unwritten)?;
        ::store::crash::point("models.snapshot.chunk.after");
        self.number += 1;
        self.chunk.clear();
        Ok(())
    }
}

fn unwritten(error: io::Error) -> Error {
    Error::unavailable("A prefix cannot be written.").with_detail(error)
}

/// Why a file is of no use.
#[derive(Debug)]
pub(super) enum Useless {
    /// It was made by other weights or another engine.
    Foreign,
    /// It is no such file, was changed, or was sealed for another account, model or deployment.
    Damaged,
    /// It cannot be read at the moment.
    Unreadable(io::Error),
}

impl From<io::Error> for Useless {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Damaged,
            _ => Self::Unreadable(error),
        }
    }
}

/// Reads the prefix of a tenant.
pub(super) fn read(path: &Path, seal: &Seal<'_>, tenant: Tenant) -> std::result::Result<KeptPrefix, Useless> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut header = vec![0; FIXED];
    file.read_exact(&mut header)?;
    let rest = u32::from_le_bytes(header[8..12].try_into().map_err(|_| Useless::Damaged)?) as usize;
    if rest != 32 + SEALED_KEY || !header.starts_with(MAGIC) {
        return Err(Useless::Damaged);
    }
    if header[12..FIXED] != seal.made_by {
        return Err(Useless::Foreign);
    }
    header.resize(FIXED + SEALED_KEY, 0);
    file.read_exact(&mut header[FIXED..])?;
    let key = seal.keyring.open(seal.purpose, &header[FIXED..]).map_err(|_| Useless::Damaged)?;
    let cipher = seal.cipher(&key, &header).map_err(|_| Useless::Damaged)?;
    let left = length.saturating_sub(header.len() as u64);
    parse(tenant, decrypted(&mut file, &cipher, left)?).ok_or(Useless::Damaged)
}

fn decrypted(file: &mut File, cipher: &Cipher, mut left: u64) -> std::result::Result<Vec<u8>, Useless> {
    let (mut plain, mut chunk, mut number) = (Vec::with_capacity(left as usize), Vec::new(), 0);
    while left > 0 {
        let length = left.min((CHUNK + TAG) as u64);
        left -= length;
        chunk.resize(length as usize, 0);
        file.read_exact(&mut chunk)?;
        plain.extend_from_slice(cipher.open(number, left == 0, &mut chunk).map_err(|_| Useless::Damaged)?);
        number += 1;
    }
    Ok(plain)
}

fn parse(tenant: Tenant, mut plain: Vec<u8>) -> Option<KeptPrefix> {
    let number = |from: usize| Some(u64::from_le_bytes(plain.get(from..from + 8)?.try_into().ok()?) as usize);
    let (exact, count) = (number(0)?, number(8)?);
    let end = count.checked_mul(size_of::<Token>())?.checked_add(NUMBERS)?;
    let (tokens, rest) = plain.get(NUMBERS..end)?.as_chunks::<4>();
    let tokens: Vec<Token> = tokens.iter().map(|bytes| Token::from_le_bytes(*bytes)).collect();
    if exact > tokens.len() || !rest.is_empty() {
        return None;
    }
    plain.drain(..end);
    Some(KeptPrefix { tenant, tokens, exact, uses: 1, state: Arc::new(plain) })
}
