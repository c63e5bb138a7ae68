//! Data keys from KMS.

use base::ErrorKind;
use identity::Ctx;
use identity::kms::{self, DataKeySpec, EncryptionContext, KeyRef};

use crate::encryption::{Envelope, Sealed};
use crate::error::{Code, Error, Result};
use crate::open::Objects;
use crate::seal::DataKey;
use crate::tags::Pairs;

impl Objects {
    /// A new data key under the KMS key `key`, or under the account's `aws/s3`, on behalf of the caller.
    ///
    /// # Errors
    /// AccessDenied, and those of KMS.
    pub(crate) async fn kms_data_key(
        &self,
        ctx: &Ctx,
        key: Option<&str>,
        context: Pairs,
        bucket_key: bool,
    ) -> Result<(DataKey, Envelope)> {
        let key = match key {
            Some(text) => KeyRef::parse(text).map_err(refused)?,
            None => KeyRef::aws_managed("s3"),
        };
        let about = EncryptionContext::from_pairs(context.clone());
        let made = self
            .identity()
            .kms()
            .generate_data_key(&ctx.via("s3"), &key, &about, DataKeySpec::Aes256)
            .await
            .map_err(refused)?;
        let data_key = DataKey::from_slice(&made.plaintext)?;
        let sealed = Sealed::Kms { key_arn: made.key_arn, bucket_key };
        Ok((data_key, Envelope { data_key: made.ciphertext, sealed, context: Some(context) }))
    }

    /// Has KMS open a data key, on behalf of the caller.
    ///
    /// # Errors
    /// AccessDenied, and those of KMS.
    pub(crate) async fn kms_open(&self, ctx: &Ctx, envelope: &Envelope) -> Result<DataKey> {
        let about = EncryptionContext::from_pairs(envelope.context.clone().unwrap_or_default());
        let opened = self.identity().kms().decrypt(&ctx.via("s3"), &envelope.data_key, &about, None).await;
        Ok(DataKey::from_slice(&opened.map_err(refused)?.plaintext)?)
    }
}

/// KMS's refusal as S3 passes it on: its code after `KMS.`, unless it is a missing permission.
fn refused(error: kms::Error) -> Error {
    let code = match error.code {
        kms::Code::NotFound | kms::Code::InvalidArn => Code::KmsNotFound,
        kms::Code::Disabled => Code::KmsDisabled,
        kms::Code::InvalidState => Code::KmsInvalidState,
        kms::Code::InvalidKeyUsage | kms::Code::UnsupportedOperation => Code::KmsInvalidKeyUsage,
        kms::Code::Validation => Code::InvalidArgument,
        _ if error.error.kind == ErrorKind::Denied => Code::AccessDenied,
        _ => return error.error.into(),
    };
    Error { code, error: base::Error::from(error), facts: None, body: None }
}
