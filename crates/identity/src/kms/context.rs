//! The encryption context: what was encrypted together with the plaintext and must be said again to decrypt it.

use std::collections::BTreeMap;

use super::error::{Error, Result};

/// The most that all names and values of a context may have together, in bytes (KMS Developer Guide, "Quotas").
const MOST_BYTES: usize = 8_192;

/// Names and values that are authenticated with a ciphertext, in no order. They are no secret: they stand in audit logs
/// and in conditions of policies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EncryptionContext(BTreeMap<String, String>);

impl EncryptionContext {
    /// A context without names.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// A context of these pairs; of two with one name the last counts.
    pub fn from_pairs<K: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    /// The pairs, by name.
    #[must_use]
    pub fn pairs(&self) -> Vec<(String, String)> {
        self.0.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// Refuses what is too long.
    pub(super) fn check(&self) -> Result<()> {
        let bytes: usize = self.0.iter().map(|(name, value)| name.len() + value.len()).sum();
        if bytes > MOST_BYTES {
            return Err(Error::validation(format!("The encryption context is longer than {MOST_BYTES} bytes.")));
        }
        Ok(())
    }

    /// Appends the pairs in one form: sorted by name, each text after its length in bytes.
    pub(super) fn write_canonical(&self, out: &mut Vec<u8>) {
        let mut text = |text: &str| {
            out.extend_from_slice(&(text.len() as u64).to_be_bytes());
            out.extend_from_slice(text.as_bytes());
        };
        for (name, value) in &self.0 {
            text(name);
            text(value);
        }
    }
}
