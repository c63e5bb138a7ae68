//! Encrypting values: each version under a data key of its own, which KMS encrypts.

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use base::Error as BaseError;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::error::{Code, Error, Result, not_decrypted, not_encrypted};
use super::secret::{Secret, Value};
use super::{SERVICE, Secrets};
use crate::ctx::Ctx;
use crate::kms::{DataKeySpec, EncryptionContext, KeyRef};

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 12;

/// The format byte of what is sealed here: AES-256-GCM, a random nonce, and the secret's ARN and the version's id as
/// additional data.
const FORMAT: u8 = 1;

/// A value as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sealed {
    pub(super) version: String,
    pub(super) is_text: bool,
    pub(super) sealed: Vec<u8>,
    pub(super) data_key: Vec<u8>,
    pub(super) key_arn: String,
    pub(super) digest: Vec<u8>,
}

impl Secrets {
    /// Encrypts the value of `version` under the secret's key, as the caller.
    pub(super) async fn seal(&self, ctx: &Ctx, secret: &Secret, version: &str, value: &Value) -> Result<Sealed> {
        let (key, context) = (key_of(secret)?, context(secret, version));
        let made = self.0.kms().generate_data_key(&ctx.via(SERVICE), &key, &context, DataKeySpec::Aes256).await;
        let made = made.map_err(not_encrypted)?;
        let mut nonce = [0; NONCE_BYTES];
        self.0.0.random.fill(&mut nonce);
        let aad = additional_data(secret, version);
        let payload = Payload { msg: value.bytes(), aad: &aad };
        let encrypted = cipher(&made.plaintext)?
            .encrypt(Nonce::from_slice(&nonce), payload)
            .map_err(|_| BaseError::internal("a value is too long to be sealed"))?;
        let sealed = [&[FORMAT], nonce.as_slice(), &encrypted].concat();
        Ok(Sealed {
            version: version.to_owned(),
            is_text: value.is_text(),
            sealed,
            data_key: made.ciphertext,
            key_arn: made.key_arn,
            digest: self.digest(secret, version, value)?,
        })
    }

    /// Decrypts the value of a version, as the caller.
    pub(super) async fn open(&self, ctx: &Ctx, secret: &Secret, kept: &Sealed) -> Result<Value> {
        let context = context(secret, &kept.version);
        let opened = self.0.kms().decrypt(&ctx.via(SERVICE), &kept.data_key, &context, None).await;
        let opened = opened.map_err(not_decrypted)?;
        let damaged = || BaseError::internal(format!("version `{}` of `{}` does not open", kept.version, secret.arn));
        let (head, encrypted) = kept.sealed.split_at_checked(1 + NONCE_BYTES).ok_or_else(damaged)?;
        if head[0] != FORMAT {
            return Err(damaged().into());
        }
        let aad = additional_data(secret, &kept.version);
        let payload = Payload { msg: encrypted, aad: &aad };
        let value =
            cipher(&opened.plaintext)?.decrypt(Nonce::from_slice(&head[1..]), payload).map_err(|_| damaged())?;
        Ok(if kept.is_text {
            Value::Text(base::Secret::new(String::from_utf8(value).map_err(|_| damaged())?))
        } else {
            Value::Bytes(base::Secret::new(value))
        })
    }

    /// What tells whether another value is the same, without giving it away: a hash, sealed under the root key.
    fn digest(&self, secret: &Secret, version: &str, value: &Value) -> Result<Vec<u8>> {
        Ok(self.0.0.keyring.seal(&purpose(secret, version), &hash(value))?)
    }

    /// Whether `value` is what a version holds.
    pub(super) fn is_same(&self, secret: &Secret, kept: &Sealed, value: &Value) -> Result<bool> {
        let digest = self.0.0.keyring.open(&purpose(secret, &kept.version), &kept.digest)?;
        Ok(bool::from(digest.as_slice().ct_eq(&hash(value))))
    }
}

fn purpose(secret: &Secret, version: &str) -> String {
    format!("secret-digest:{}:{version}", secret.arn)
}

fn hash(value: &Value) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update([u8::from(value.is_text())]);
    hash.update(value.bytes());
    hash.finalize().into()
}

fn cipher(key: &[u8]) -> Result<Aes256Gcm> {
    if key.len() != KEY_BYTES {
        return Err(BaseError::internal("a data key is not 32 bytes long").into());
    }
    Ok(Aes256Gcm::new(Key::<Aes256Gcm>::from_slice(key)))
}

fn additional_data(secret: &Secret, version: &str) -> Vec<u8> {
    format!("craton secret\0{}\0{version}", secret.arn).into_bytes()
}

/// The encryption context that Secrets Manager uses (its User Guide, "Secret encryption and decryption").
fn context(secret: &Secret, version: &str) -> EncryptionContext {
    EncryptionContext::from_pairs([("SecretARN", secret.arn.as_str()), ("SecretVersionId", version)])
}

/// The secret's key, by an ARN: of the secret's account, where the name says none.
fn key_of(secret: &Secret) -> Result<KeyRef> {
    let named = secret.kms_key.as_deref().unwrap_or("alias/aws/secretsmanager");
    let (account, region) = (&secret.account, &secret.region);
    let text = match named {
        _ if named.starts_with("arn:") => named.to_owned(),
        _ if named.starts_with("alias/") => format!("arn:aws:kms:{region}:{account}:{named}"),
        _ => format!("arn:aws:kms:{region}:{account}:key/{named}"),
    };
    KeyRef::parse(&text).map_err(|error| Error::new(Code::InvalidParameter, error.error.message))
}
