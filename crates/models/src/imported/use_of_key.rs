//! The data key of a model's file: made when the model is imported, and opened whenever the model is used.

use base::{Arn, Error, Region, Result};
use identity::Ctx;
use identity::kms::{DataKeySpec, EncryptionContext, KeyRef};
use identity::sts::ServiceAssumption;
use zeroize::Zeroizing;

use super::job::ImportJob;
use super::{ImportedModel, failure, work};
use crate::Models;

/// What the sealing of Craton's own data keys is bound to.
const KEY_PURPOSE: &str = "models/imported/data-key";
const BYTES: usize = 32;

/// A data key, in the clear and as it is kept.
pub(super) struct DataKey {
    pub(super) plain: Zeroizing<Vec<u8>>,
    pub(super) sealed: Vec<u8>,
    /// The customer's key that it is sealed under.
    pub(super) kms_key_arn: Option<String>,
}

impl Models {
    /// Makes a data key under the customer's key, as the role, or under Craton's own.
    pub(super) async fn new_data_key(&self, role: &Ctx, job: &ImportJob) -> Result<DataKey> {
        let Some(arn) = &job.kms_key_arn else {
            let mut plain = Zeroizing::new(vec![0; BYTES]);
            self.inner.random.fill(&mut plain);
            let sealed = self.inner.identity.keyring().seal(KEY_PURPOSE, &plain)?;
            return Ok(DataKey { plain, sealed, kms_key_arn: None });
        };
        let refused = |error: identity::kms::Error| failure::no_key(arn, error.into());
        let (key, context) = (KeyRef::parse(arn).map_err(refused)?, context(&job.model_arn.to_string()));
        let made = self.inner.identity.kms().generate_data_key(role, &key, &context, DataKeySpec::Aes256).await;
        let made = made.map_err(refused)?;
        Ok(DataKey { plain: made.plaintext, sealed: made.ciphertext, kms_key_arn: Some(made.key_arn) })
    }

    /// The data key of a model's file, opened as the role that imported it. Asked before each use of the model, so that a
    /// key that was disabled or a permission that was taken away counts at once.
    ///
    /// # Errors
    /// Denied, where the role may not be assumed or not use the key, or the key cannot be used.
    pub(super) async fn data_key(&self, model: &ImportedModel) -> Result<Zeroizing<Vec<u8>>> {
        let Some(arn) = &model.kms_key_arn else {
            return self.inner.identity.keyring().open(KEY_PURPOSE, &model.data_key);
        };
        let session = format!("BedrockImportedModel-{}", model.id);
        let region = model.arn.region.parse().map_err(Error::internal)?;
        let role = self.assume((work::SERVICE, &model.role_arn), &model.job_arn, session, region).await;
        let role = role.map_err(|error| refused(model, arn, error))?;
        let opened = self.open_data_key(&role, &model.data_key, &model.arn.to_string()).await;
        opened.map_err(|error| refused(model, arn, error))
    }

    /// Opens a data key under the customer's key, as the role.
    pub(super) async fn open_data_key(&self, role: &Ctx, sealed: &[u8], model_arn: &str) -> Result<Zeroizing<Vec<u8>>> {
        let opened = self.inner.identity.kms().decrypt(role, sealed, &context(model_arn), None).await;
        opened.map(|opened| opened.plaintext).map_err(Error::from)
    }

    /// The role of a job, assumed by a service for that job alone.
    pub(crate) async fn assume(
        &self,
        (service, role): (&str, &str),
        job: &Arn,
        session: String,
        region: Region,
    ) -> Result<Ctx> {
        let wish = ServiceAssumption {
            service: service.to_owned(),
            role_arn: role.to_owned(),
            source_arn: Some(job.to_string()),
            session_name: session,
            region,
        };
        self.inner.identity.assume_role_as_service(&wish).await
    }
}

/// What the data key of a model is bound to: it opens nothing but that model.
fn context(model_arn: &str) -> EncryptionContext {
    EncryptionContext::from_pairs([("aws:bedrock:imported-model-arn", model_arn)])
}

/// The error of a model whose key cannot be used. Faults of the server stay what they are.
fn refused(model: &ImportedModel, key: &str, error: Error) -> Error {
    if failure::is_fault(&error) {
        return error;
    }
    let (role, name) = (&model.role_arn, &model.name);
    let reason = error.message.trim_end_matches('.');
    let denied = Error::denied(format!("The imported model `{name}` cannot be decrypted: {reason}."));
    denied.with_hint(
        error.hint.unwrap_or_else(|| format!("The model is encrypted under {key}, which {role} must be able to use.")),
    )
}
