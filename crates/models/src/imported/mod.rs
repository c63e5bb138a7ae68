//! Imported models: weights of an account's own, beside the foundation models that all share.

mod store;

use base::{Arn, Error, Result, Timestamp};
use identity::Ctx;

use crate::Models;

/// An imported model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedModel {
    /// Twelve lower-case letters and digits.
    pub id: String,
    /// The name, unique in account and region.
    pub name: String,
    /// `arn:aws:bedrock:REGION:ACCOUNT:imported-model/ID`
    pub arn: Arn,
    /// For example `mistral`.
    pub architecture: String,
    /// Whether it follows instructions.
    pub instruct: bool,
    /// `arn:aws:bedrock:REGION:ACCOUNT:model-import-job/ID`
    pub job_arn: Arn,
    /// The name of the job that imported it.
    pub job_name: String,
    /// Where its weights came from: `s3://…`.
    pub source_uri: String,
    /// The customer's key that it is encrypted under.
    pub kms_key_arn: Option<String>,
    /// When it was imported.
    pub created: Timestamp,
}

impl Models {
    /// The imported model of this name, id or ARN in the caller's account and region.
    ///
    /// # Errors
    /// NotFound.
    pub async fn imported_model(&self, ctx: &Ctx, identifier: &str) -> Result<ImportedModel> {
        let missing = || Error::not_found(format!("The imported model `{identifier}` could not be found."));
        let key = match identifier.parse::<Arn>() {
            Ok(arn) if *arn.account != *ctx.account().as_str() || *arn.region != *ctx.region().as_str() => {
                return Err(missing());
            }
            Ok(arn) => arn.resource_id().to_owned(),
            Err(_) => identifier.to_owned(),
        };
        store::read(&self.inner.store, ctx, &key).await?.ok_or_else(missing)
    }
}
