//! Authenticated encryption under one key.

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use base::{Error, Random as _, Result, SystemRandom};
use zeroize::Zeroizing;

pub(crate) const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;

/// A key of AES-256-GCM.
pub(crate) struct CipherKey(Zeroizing<[u8; KEY_BYTES]>);

impl CipherKey {
    /// A new key.
    pub(crate) fn random() -> Self {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        SystemRandom.fill(bytes.as_mut());
        Self(bytes)
    }

    pub(crate) fn new(bytes: Zeroizing<[u8; KEY_BYTES]>) -> Self {
        Self(bytes)
    }

    /// The key of exactly these bytes; `None` where they are not 32.
    pub(crate) fn from_slice(bytes: &[u8]) -> Option<Self> {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        if bytes.len() != KEY_BYTES {
            return None;
        }
        key.copy_from_slice(bytes);
        Some(Self(key))
    }

    pub(crate) fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// Encrypts and authenticates `plaintext`, and authenticates `purpose`: a random nonce of 12 bytes, the ciphertext, and
    /// a tag of 16 bytes (NIST SP 800-38D).
    ///
    /// # Errors
    /// Internal, where `plaintext` is longer than the cipher allows (64 GiB).
    pub(crate) fn encrypt(&self, purpose: &[u8], plaintext: &[u8]) -> Result<Vec<u8>> {
        let mut nonce = [0; NONCE_BYTES];
        SystemRandom.fill(&mut nonce);
        let payload = Payload { msg: plaintext, aad: purpose };
        let ciphertext = self
            .cipher()
            .encrypt(Nonce::from_slice(&nonce), payload)
            .map_err(|_| Error::internal("plaintext too long to seal"))?;
        Ok([nonce.as_slice(), &ciphertext].concat())
    }

    /// What [`CipherKey::encrypt`] encrypted for the same `purpose`; `None` for anything else.
    pub(crate) fn decrypt(&self, purpose: &[u8], encrypted: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        if encrypted.len() < NONCE_BYTES + TAG_BYTES {
            return None;
        }
        let (nonce, ciphertext) = encrypted.split_at(NONCE_BYTES);
        let payload = Payload { msg: ciphertext, aad: purpose };
        self.cipher().decrypt(Nonce::from_slice(nonce), payload).map(Zeroizing::new).ok()
    }

    fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new(Key::<Aes256Gcm>::from_slice(self.0.as_slice()))
    }
}
