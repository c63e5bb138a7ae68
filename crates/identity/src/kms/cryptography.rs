//! Encrypting and decrypting what fits into a request.

use base::Error as BaseError;
use zeroize::Zeroizing;

use super::access::{Found, Want};
use super::ciphertext::{self, Header};
use super::error::{Code, Error, Result};
use super::key::Loaded;
use super::key_ref::{Target, TargetName};
use super::{EncryptionContext, KeyRef, Kms, UseOptions, grants};
use crate::ctx::Ctx;

/// The most that [`Kms::encrypt`] takes, in bytes.
const MOST_PLAINTEXT: usize = 4_096;

/// What encrypting gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encrypted {
    /// The ARN of the key.
    pub key_arn: String,
    /// The ciphertext.
    pub ciphertext: Vec<u8>,
}

/// What decrypting gives.
#[derive(Clone, PartialEq, Eq)]
pub struct Decrypted {
    /// The ARN of the key.
    pub key_arn: String,
    /// The plaintext.
    pub plaintext: Zeroizing<Vec<u8>>,
}

/// What encrypting again gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReEncrypted {
    /// The ARN of the key before.
    pub source_arn: String,
    /// The ARN of the key now.
    pub destination_arn: String,
    /// The new ciphertext.
    pub ciphertext: Vec<u8>,
}

impl std::fmt::Debug for Decrypted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decrypted").field("key_arn", &self.key_arn).finish_non_exhaustive()
    }
}

impl Kms {
    /// Encrypts up to 4,096 bytes under a key.
    ///
    /// # Errors
    /// AccessDenied, NotFound, Disabled, InvalidState, Validation; DryRun, where that was asked for.
    pub async fn encrypt(
        &self,
        ctx: &Ctx,
        key: &KeyRef,
        plaintext: &[u8],
        context: &EncryptionContext,
        options: &UseOptions,
    ) -> Result<Encrypted> {
        if plaintext.is_empty() || plaintext.len() > MOST_PLAINTEXT {
            return Err(Error::validation(format!("The plaintext must have 1 to {MOST_PLAINTEXT} bytes.")));
        }
        let found = self.usable(ctx, key, &Want::cryptography("Encrypt", context), options).await?;
        let ciphertext = self.seal(&found.loaded, context, plaintext)?;
        Ok(Encrypted { key_arn: found.loaded.arn.clone(), ciphertext })
    }

    /// Decrypts what [`Kms::encrypt`] or [`Kms::generate_data_key`] made; `key`, where it is given, must be the key that
    /// it was made under.
    ///
    /// # Errors
    /// AccessDenied, InvalidCiphertext, IncorrectKey, NotFound, Disabled, InvalidState.
    pub async fn decrypt(
        &self,
        ctx: &Ctx,
        ciphertext: &[u8],
        context: &EncryptionContext,
        key: Option<&KeyRef>,
    ) -> Result<Decrypted> {
        self.decrypt_with(ctx, ciphertext, context, key, &UseOptions::default()).await
    }

    /// [`Kms::decrypt`] with grant tokens or as a dry run.
    ///
    /// # Errors
    /// As [`Kms::decrypt`], InvalidGrantToken, and DryRun.
    pub async fn decrypt_with(
        &self,
        ctx: &Ctx,
        ciphertext: &[u8],
        context: &EncryptionContext,
        key: Option<&KeyRef>,
        options: &UseOptions,
    ) -> Result<Decrypted> {
        let want = Want::cryptography("Decrypt", context);
        let (found, plaintext) = self.open(ctx, ciphertext, context, key, &want, options).await?;
        if options.dry_run {
            return Err(dry_run());
        }
        Ok(Decrypted { key_arn: found.loaded.arn.clone(), plaintext })
    }

    /// Decrypts and encrypts under another key or context; the plaintext does not leave this function.
    ///
    /// # Errors
    /// As [`Kms::decrypt_with`] and [`Kms::encrypt`].
    pub async fn re_encrypt(
        &self,
        ctx: &Ctx,
        ciphertext: &[u8],
        source: (Option<&KeyRef>, &EncryptionContext),
        destination: (&KeyRef, &EncryptionContext),
        options: &UseOptions,
    ) -> Result<ReEncrypted> {
        let to = self.find(ctx, &destination.0.target(ctx)?).await?;
        let from = ciphertext::header(ciphertext).map(|header| header.key_id);
        let same = from.is_some() && to.as_ref().map(|found| &found.loaded.key.id) == from.as_ref();
        let same = same.to_string();
        let want = Want::cryptography("ReEncryptFrom", source.1).key("kms:ReEncryptOnSameKey", same.clone());
        let (from, plaintext) = self.open(ctx, ciphertext, source.1, source.0, &want, options).await?;
        let want = Want::cryptography("ReEncryptTo", destination.1).key("kms:ReEncryptOnSameKey", same);
        let to = self.usable(ctx, destination.0, &want, options).await?;
        let ciphertext = self.seal(&to.loaded, destination.1, &plaintext)?;
        let (source_arn, destination_arn) = (from.loaded.arn.clone(), to.loaded.arn.clone());
        Ok(ReEncrypted { source_arn, destination_arn, ciphertext })
    }

    /// The key for one use: permitted, enabled, not a dry run.
    pub(super) async fn usable(&self, ctx: &Ctx, key: &KeyRef, want: &Want<'_>, options: &UseOptions) -> Result<Found> {
        grants::check_tokens(&options.grant_tokens)?;
        want.context.map_or(Ok(()), EncryptionContext::check)?;
        let found = self.permitted(ctx, key, want).await?;
        found.loaded.usable()?;
        if options.dry_run {
            return Err(dry_run());
        }
        Ok(found)
    }

    /// Encrypts under the present material of a key whose use was permitted.
    pub(super) fn seal(&self, key: &Loaded, context: &EncryptionContext, plaintext: &[u8]) -> Result<Vec<u8>> {
        let unusable = || BaseError::internal(format!("key `{}` has no usable material", key.key.id));
        let backing = key.backing.last().ok_or_else(unusable)?;
        let material = self.open_backing(&key.key, backing)?;
        let header = Header { key_id: key.key.id.clone(), backing_id: backing.id.clone() };
        let sealed = ciphertext::encrypt(self.0.0.random.as_ref(), &material, &header, context, plaintext);
        Ok(sealed.ok_or_else(unusable)?)
    }

    /// Decrypts, once the caller may do what it `want`s with the key.
    async fn open(
        &self,
        ctx: &Ctx,
        ciphertext: &[u8],
        context: &EncryptionContext,
        named: Option<&KeyRef>,
        want: &Want<'_>,
        options: &UseOptions,
    ) -> Result<(Found, Zeroizing<Vec<u8>>)> {
        grants::check_tokens(&options.grant_tokens)?;
        context.check()?;
        let header = ciphertext::header(ciphertext).ok_or_else(invalid)?;
        let found = match named {
            Some(key) => {
                let found = self.permitted(ctx, key, want).await?;
                if found.loaded.key.id != header.key_id {
                    return Err(incorrect_key());
                }
                found
            }
            None => self.permitted_by_ciphertext(ctx, &header, want).await?,
        };
        found.loaded.usable()?;
        let backing = found.loaded.backing.iter().find(|backing| backing.id == header.backing_id);
        let material = self.open_backing(&found.loaded.key, backing.ok_or_else(invalid)?)?;
        let plaintext = ciphertext::decrypt(&material, context, ciphertext).ok_or_else(invalid)?;
        Ok((found, plaintext))
    }

    /// The key that a ciphertext names, once the caller may do with it what it wants. A caller of another account must
    /// not learn whether there is such a key.
    async fn permitted_by_ciphertext(&self, ctx: &Ctx, header: &Header, want: &Want<'_>) -> Result<Found> {
        let unknown = || {
            Error::new(
                Code::AccessDenied,
                "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or \
                 you are not allowed to access.",
            )
        };
        let loaded = self.load(&header.key_id).await?.ok_or_else(unknown)?;
        let target = Target { account: loaded.key.account.clone(), name: TargetName::Id(header.key_id.clone()) };
        let found = self.find(ctx, &target).await?.ok_or_else(unknown)?;
        let own = found.loaded.key.account == *ctx.account();
        match self.permit(ctx, &found, want).await {
            Err(error) if error.code == Code::AccessDenied && !own && ctx.called_via().is_empty() => Err(unknown()),
            Err(error) => Err(error),
            Ok(()) => Ok(found),
        }
    }
}

/// The answer to a dry run that found nothing wrong.
pub(super) fn dry_run() -> Error {
    Error::new(Code::DryRun, "The request would have succeeded, but the DryRun option is set.")
}

fn incorrect_key() -> Error {
    Error::new(Code::IncorrectKey, "The key ID in the request does not identify a CMK that can perform this operation.")
}

fn invalid() -> Error {
    Error::new(Code::InvalidCiphertext, "The ciphertext is invalid.")
        .with_hint("It was changed, or the encryption context is not the one that it was encrypted with.")
}
