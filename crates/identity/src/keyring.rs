//! The keys under which secrets at rest are sealed.

use std::fmt;

use base::{Error, Result};
use zeroize::Zeroizing;

use crate::cipher::{CipherKey, KEY_BYTES};

/// The first byte of what was sealed under the root key itself, as version 0.1 did. Its key is version 0 of the keyring.
const FIRST_FORMAT: u8 = 1;
/// The first byte of everything sealed since: the key's version follows in four bytes, the highest first.
const FORMAT: u8 = 2;
/// The version of the key that version 0.1 sealed under.
const FIRST_KEY: u32 = 0;
const ENTRY_BYTES: usize = 4 + KEY_BYTES;

/// The deployment's sealing keys, by version. The newest seals; every one opens. The ring itself is kept in the database,
/// wrapped under the root key, so that another root key changes one row and no sealed value.
pub struct Keyring {
    /// By version, rising; never empty.
    keys: Vec<(u32, CipherKey)>,
}

impl Keyring {
    /// A ring with one new key.
    pub(crate) fn random() -> Self {
        Self { keys: vec![(FIRST_KEY + 1, CipherKey::random())] }
    }

    /// A ring that opens what version 0.1 sealed under `root`, and seals under a new key.
    pub(crate) fn adopting(root: &CipherKey) -> Self {
        let first = CipherKey::new(Zeroizing::new(*root.bytes()));
        Self { keys: vec![(FIRST_KEY, first), (FIRST_KEY + 1, CipherKey::random())] }
    }

    /// The same ring with a new key that seals from now on.
    pub(crate) fn renewed(mut self) -> Self {
        self.keys.push((self.newest().0 + 1, CipherKey::random()));
        self
    }

    /// Encrypts and authenticates `plaintext` for `purpose`; only [`Keyring::open`] with the same purpose gives it back.
    ///
    /// The result is 33 bytes longer than `plaintext`: a format byte, the key's version in 4 bytes, a random nonce of 12
    /// bytes, the ciphertext and a tag of 16 bytes (AES-256-GCM, NIST SP 800-38D; the purpose is its additional data).
    ///
    /// # Errors
    /// Internal, where `plaintext` is longer than the cipher allows (64 GiB).
    pub fn seal(&self, purpose: &str, plaintext: &[u8]) -> Result<Vec<u8>> {
        let (version, key) = self.newest();
        let encrypted = key.encrypt(purpose.as_bytes(), plaintext)?;
        Ok([&[FORMAT], version.to_be_bytes().as_slice(), &encrypted].concat())
    }

    /// Decrypts what [`Keyring::seal`] made for the same `purpose`.
    ///
    /// # Errors
    /// Internal, where `sealed` was changed, or was sealed for another purpose or in another deployment.
    pub fn open(&self, purpose: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let opened = parse(sealed).and_then(|(version, encrypted)| {
            let (_, key) = self.keys.iter().find(|(known, _)| *known == version)?;
            key.decrypt(purpose.as_bytes(), encrypted)
        });
        opened.ok_or_else(|| Error::internal(format!("what was sealed for `{purpose}` does not open")))
    }

    /// What `sealed` is under the newest key; `None` where it is sealed under that already.
    ///
    /// # Errors
    /// As [`Keyring::open`].
    pub fn reseal(&self, purpose: &str, sealed: &[u8]) -> Result<Option<Vec<u8>>> {
        if parse(sealed).is_some_and(|(version, _)| version == self.newest().0) {
            return Ok(None);
        }
        self.seal(purpose, &self.open(purpose, sealed)?).map(Some)
    }

    /// Whether the ring came from a database of version 0.1, in which secrets were sealed under the root key.
    pub(crate) fn is_adopted(&self) -> bool {
        self.keys.iter().any(|(version, _)| *version == FIRST_KEY)
    }

    /// All keys in bytes, to be wrapped.
    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(self.keys.len() * ENTRY_BYTES));
        for (version, key) in &self.keys {
            bytes.extend_from_slice(&version.to_be_bytes());
            bytes.extend_from_slice(key.bytes());
        }
        bytes
    }

    /// The ring that [`Keyring::encode`] gave; `None` for anything else.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut keys = Vec::new();
        for entry in bytes.chunks(ENTRY_BYTES) {
            let (version, key) = entry.split_first_chunk::<4>()?;
            keys.push((u32::from_be_bytes(*version), CipherKey::from_slice(key)?));
        }
        let rising = !keys.is_empty() && keys.is_sorted_by(|a, b| a.0 < b.0);
        rising.then_some(Self { keys })
    }

    fn newest(&self) -> (u32, &CipherKey) {
        // A ring is made with a key and never loses one.
        let (version, key) = &self.keys[self.keys.len() - 1];
        (*version, key)
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring").field("newest", &self.newest().0).finish_non_exhaustive()
    }
}

/// The version of the key that sealed, and what it encrypted.
fn parse(sealed: &[u8]) -> Option<(u32, &[u8])> {
    match sealed.split_first()? {
        (&FIRST_FORMAT, encrypted) => Some((FIRST_KEY, encrypted)),
        (&FORMAT, rest) => {
            let (version, encrypted) = rest.split_first_chunk::<4>()?;
            Some((u32::from_be_bytes(*version), encrypted))
        }
        _ => None,
    }
}
