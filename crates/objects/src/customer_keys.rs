//! Encryption with a key of the client's own (S3 User Guide, "Using server-side encryption with customer-provided keys").
//!
//! The key comes with every request that writes or reads the object and is kept nowhere. It seals the object's data key,
//! with a tag that no other key makes: whether a request brings the right key is told by whether the seal opens.

use std::fmt;

use base::Random;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use md5::{Digest as _, Md5};
use ring::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use ring::hmac;
use zeroize::Zeroizing;

use crate::checksums::decode_md5;
use crate::encryption::{Envelope, Sealed, StorageKey};
use crate::error::{Code, Error, Result};
use crate::seal::{DataKey, KEY};

/// A key of the client's own.
#[derive(Clone)]
pub struct CustomerKey {
    key: Zeroizing<[u8; KEY]>,
    md5: String,
}

/// Tells nothing of the key.
impl fmt::Debug for CustomerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CustomerKey").finish_non_exhaustive()
    }
}

impl CustomerKey {
    /// The key of a request: the values of the headers `x-amz-server-side-encryption-customer-algorithm`, `-key` and
    /// `-key-MD5`, which come all together or not at all.
    ///
    /// # Errors
    /// InvalidArgument, where one is missing, the key has not 32 bytes or is not what the MD5 is of;
    /// InvalidEncryptionAlgorithmError.
    pub fn parse(algorithm: Option<&str>, key: Option<&str>, md5: Option<&str>) -> Result<Option<Self>> {
        if algorithm.is_none() && key.is_none() && md5.is_none() {
            return Ok(None);
        }
        let missing = |what: &str| {
            Error::invalid_argument(format!(
                "Requests specifying Server Side Encryption with Customer provided keys must provide {what}."
            ))
        };
        let algorithm = algorithm.ok_or_else(|| missing("a valid encryption algorithm"))?;
        if algorithm != "AES256" {
            return Err(Error::new(
                Code::InvalidEncryptionAlgorithmError,
                "The Encryption request you specified is not valid. Supported value: AES256.",
            ));
        }
        let key = key.ok_or_else(|| missing("an appropriate secret key"))?;
        let md5 = md5.ok_or_else(|| missing("the client calculated MD5 of the secret key"))?;
        let bytes = Zeroizing::new(BASE64.decode(key).unwrap_or_default());
        let mut own = Zeroizing::new([0; KEY]);
        if bytes.len() != KEY {
            return Err(Error::invalid_argument("The secret key was invalid for the specified algorithm."));
        }
        own.copy_from_slice(&bytes);
        let digest: [u8; 16] = Md5::digest(own.as_slice()).into();
        if decode_md5(md5).ok() != Some(digest) {
            return Err(Error::invalid_argument(
                "The calculated MD5 hash of the key did not match the hash that was provided.",
            ));
        }
        Ok(Some(Self { key: own, md5: md5.to_owned() }))
    }

    /// The key's MD5 in base64, as answers repeat it.
    #[must_use]
    pub fn md5(&self) -> &str {
        &self.md5
    }

    /// A new data key for the object `arn`, sealed under this key.
    pub(crate) fn new_data_key(&self, random: &dyn Random, arn: &str) -> base::Result<(DataKey, Envelope)> {
        let data_key = DataKey::random(random);
        let sealed = self.sealing()?.seal(random, arn, &data_key)?;
        Ok((data_key, Envelope { data_key: sealed, sealed: Sealed::Customer, context: None }))
    }

    /// The data key of the object `arn`.
    ///
    /// # Errors
    /// AccessDenied, where it was sealed under another key.
    pub(crate) fn open(&self, arn: &str, sealed: &[u8]) -> Result<DataKey> {
        self.sealing()?.open_data_key(arn, sealed).map_err(|_| {
            Error::new(Code::AccessDenied, "Access Denied")
                .with_hint("The object was written with another key of the client's own.")
        })
    }

    /// What seals: derived from the key (NIST SP 800-108, one block), so that the key itself encrypts nothing.
    fn sealing(&self) -> base::Result<StorageKey> {
        let derived = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, self.key.as_slice()), b"craton customer key 1");
        let unbound =
            UnboundKey::new(&AES_256_GCM, derived.as_ref()).map_err(|_| base::Error::internal("a key's length"))?;
        Ok(StorageKey::from_key(LessSafeKey::new(unbound)))
    }
}

/// Whether a request that brings `given` may have an object that is sealed like this, as far as that is told by whether
/// there is a key.
///
/// # Errors
/// InvalidRequest.
pub(crate) fn check_given(sealed: &Sealed, given: Option<&CustomerKey>) -> Result<()> {
    match (sealed, given) {
        (Sealed::Customer, None) => Err(Error::new(
            Code::InvalidRequest,
            "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to \
             retrieve the object.",
        )),
        (Sealed::S3 | Sealed::Kms { .. }, Some(_)) => {
            Err(Error::new(Code::InvalidRequest, "The encryption parameters are not applicable to this object."))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY_TEXT: &str = "pO3upElrwuEXSoFwCfnZPdSsmt/xWeFa0N9KgDijwVs=";
    const MD5_TEXT: &str = "DWygnHRtgiJ77HCm+1rvHw==";

    fn refused(algorithm: Option<&str>, key: Option<&str>, md5: Option<&str>) -> String {
        CustomerKey::parse(algorithm, key, md5).unwrap_err().error.message
    }

    #[test]
    fn a_key_needs_its_algorithm_and_its_md5() {
        let (aes, key, md5) = (Some("AES256"), Some(KEY_TEXT), Some(MD5_TEXT));
        assert_eq!(CustomerKey::parse(aes, key, md5).unwrap().unwrap().md5(), MD5_TEXT);
        assert!(CustomerKey::parse(None, None, None).unwrap().is_none());
        assert!(refused(None, key, md5).contains("a valid encryption algorithm"));
        assert!(refused(aes, None, None).contains("an appropriate secret key"));
        assert!(refused(aes, key, None).contains("the client calculated MD5"));
        assert!(refused(aes, key, Some("AAAAAAAAAAAAAAAAAAAAAA==")).contains("did not match"));
        assert!(refused(aes, Some("c2hvcnQ="), md5).contains("invalid for the specified algorithm"));
        let error = CustomerKey::parse(Some("AES128"), key, md5).unwrap_err();
        assert_eq!(error.code, Code::InvalidEncryptionAlgorithmError);
    }

    #[test]
    fn nothing_of_a_key_is_shown() {
        let key = CustomerKey::parse(Some("AES256"), Some(KEY_TEXT), Some(MD5_TEXT)).unwrap().unwrap();
        assert_eq!(format!("{key:?}"), "CustomerKey { .. }");
    }
}
