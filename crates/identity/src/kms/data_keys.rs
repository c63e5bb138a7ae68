//! Keys for others to encrypt with, and random bytes.

use zeroize::Zeroizing;

use super::access::Want;
use super::error::{Error, Result};
use super::{EncryptionContext, KeyRef, Kms, UseOptions};
use crate::ask::Ask;
use crate::authorization::Access;
use crate::ctx::Ctx;

/// The most bytes that are given at once.
const MOST_BYTES: usize = 1_024;

/// How long a data key is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataKeySpec {
    /// 16 bytes.
    Aes128,
    /// 32 bytes.
    Aes256,
    /// So many bytes, 1 to 1,024.
    Bytes(usize),
}

/// A data key, in the clear and encrypted.
#[derive(Clone, PartialEq, Eq)]
pub struct DataKey {
    /// The ARN of the key that it is encrypted under.
    pub key_arn: String,
    /// The data key. To be forgotten after use.
    pub plaintext: Zeroizing<Vec<u8>>,
    /// The data key, encrypted: to be kept, and decrypted by [`Kms::decrypt`].
    pub ciphertext: Vec<u8>,
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DataKey").field("key_arn", &self.key_arn).finish_non_exhaustive()
    }
}

impl DataKeySpec {
    fn bytes(self) -> Result<usize> {
        match self {
            Self::Aes128 => Ok(16),
            Self::Aes256 => Ok(32),
            Self::Bytes(bytes) if (1..=MOST_BYTES).contains(&bytes) => Ok(bytes),
            Self::Bytes(_) => Err(Error::validation(format!("NumberOfBytes must be between 1 and {MOST_BYTES}."))),
        }
    }
}

impl Kms {
    /// Makes a data key and encrypts it under `key`.
    ///
    /// # Errors
    /// AccessDenied, NotFound, Disabled, InvalidState, Validation.
    pub async fn generate_data_key(
        &self,
        ctx: &Ctx,
        key: &KeyRef,
        context: &EncryptionContext,
        spec: DataKeySpec,
    ) -> Result<DataKey> {
        self.generate_data_key_with(ctx, key, context, spec, &UseOptions::default()).await
    }

    /// [`Kms::generate_data_key`] with grant tokens or as a dry run.
    ///
    /// # Errors
    /// As [`Kms::generate_data_key`], InvalidGrantToken, and DryRun.
    pub async fn generate_data_key_with(
        &self,
        ctx: &Ctx,
        key: &KeyRef,
        context: &EncryptionContext,
        spec: DataKeySpec,
        options: &UseOptions,
    ) -> Result<DataKey> {
        self.make_data_key(ctx, key, &Want::cryptography("GenerateDataKey", context), spec, options).await
    }

    /// Makes a data key for later: its plaintext is given to nobody now.
    ///
    /// # Errors
    /// As [`Kms::generate_data_key_with`].
    pub async fn generate_data_key_without_plaintext(
        &self,
        ctx: &Ctx,
        key: &KeyRef,
        context: &EncryptionContext,
        spec: DataKeySpec,
        options: &UseOptions,
    ) -> Result<super::Encrypted> {
        let want = Want::cryptography("GenerateDataKeyWithoutPlaintext", context);
        let DataKey { key_arn, ciphertext, .. } = self.make_data_key(ctx, key, &want, spec, options).await?;
        Ok(super::Encrypted { key_arn, ciphertext })
    }

    async fn make_data_key(
        &self,
        ctx: &Ctx,
        key: &KeyRef,
        want: &Want<'_>,
        spec: DataKeySpec,
        options: &UseOptions,
    ) -> Result<DataKey> {
        let mut plaintext = Zeroizing::new(vec![0; spec.bytes()?]);
        let found = self.usable(ctx, key, want, options).await?;
        self.0.0.random.fill(&mut plaintext);
        let context = want.context.cloned().unwrap_or_default();
        let ciphertext = self.seal(&found.loaded, &context, &plaintext)?;
        Ok(DataKey { key_arn: found.loaded.arn.clone(), plaintext, ciphertext })
    }

    /// Random bytes, 1 to 1,024.
    ///
    /// # Errors
    /// AccessDenied, Validation.
    pub async fn generate_random(&self, ctx: &Ctx, bytes: usize) -> Result<Zeroizing<Vec<u8>>> {
        self.0.permit(ctx, &Ask::new("kms:GenerateRandom", "*"), Access::Read).await?;
        let mut random = Zeroizing::new(vec![0; DataKeySpec::Bytes(bytes).bytes()?]);
        self.0.0.random.fill(&mut random);
        Ok(random)
    }
}
