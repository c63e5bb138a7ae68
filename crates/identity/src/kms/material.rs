//! A key's material: made here, sealed under the root key, opened for one use.

use base::{Error, Result};
use zeroize::Zeroizing;

use super::Kms;
use super::ciphertext::{KEY_BYTES, Material};
use super::key::{Backing, Key, RotationType};

impl Kms {
    /// New material for `key`, sealed.
    pub(super) fn new_backing(&self, key: &Key, rotation: Option<RotationType>) -> Result<Backing> {
        let id = self.0.0.random.uuid();
        let mut material: Material = Zeroizing::new([0; KEY_BYTES]);
        self.0.0.random.fill(material.as_mut());
        let sealed = self.0.0.keyring.seal(&purpose(key, &id), material.as_slice())?;
        Ok(Backing { id, sealed, since: self.0.0.clock.now(), rotation })
    }

    /// The material of one backing key.
    pub(crate) fn open_backing(&self, key: &Key, backing: &Backing) -> Result<Material> {
        let opened = self.0.0.keyring.open(&purpose(key, &backing.id), &backing.sealed)?;
        let mut material: Material = Zeroizing::new([0; KEY_BYTES]);
        if opened.len() != KEY_BYTES {
            return Err(Error::internal(format!("the material of key `{}` has {} bytes", key.id, opened.len())));
        }
        material.copy_from_slice(&opened);
        Ok(material)
    }
}

/// The material opens for this key of this account and region alone.
fn purpose(key: &Key, backing_id: &str) -> String {
    format!("kms:{}:{}:{}:{backing_id}", key.account, key.region, key.id)
}
