//! Imported models: weights of an account's own, beside the foundation models that all share.

mod card;
mod failure;
mod job;
mod location;
mod store;
mod trial;
mod use_of_key;
mod vault;
mod work;

use base::{Arn, Error, Page, PageRequest, Result, Timestamp};
use checkpoint::{Quantization, Report};
use identity::Ctx;
use identity::kms::EncryptionContext;
use serde_json::{Value, json};

use crate::Models;
pub use card::{Card, Quality};
pub use job::{ImportFilter, ImportJob, ImportStatus, NewImport, Tags};
pub(crate) use vault::Vault;
pub(crate) use work::{ImportHandler, JOB_KIND};

/// What the sealing of Craton's own data keys is bound to.
const KEY_PURPOSE: &str = "models/imported/data-key";

/// An imported model.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportedModel {
    /// Twelve lower-case letters and digits.
    pub id: String,
    /// The name, unique in account and region.
    pub name: String,
    /// `arn:aws:bedrock:REGION:ACCOUNT:imported-model/ID`
    pub arn: Arn,
    /// The class that its configuration names: `MistralForCausalLM`.
    pub architecture: String,
    /// Whether it follows instructions: it has a chat template.
    pub instruct: bool,
    /// `arn:aws:bedrock:REGION:ACCOUNT:model-import-job/ID`
    pub job_arn: Arn,
    /// The name of the job that imported it.
    pub job_name: String,
    /// Where its weights came from: `s3://…`.
    pub source_uri: String,
    /// The customer's key that it is encrypted under.
    pub kms_key_arn: Option<String>,
    /// The role that it was imported as, and that the customer's key is used as.
    pub role_arn: String,
    /// Bytes of its file.
    pub bytes: u64,
    /// The data key of its file, encrypted.
    pub(crate) data_key: Vec<u8>,
    /// What is known of it.
    pub card: Card,
    /// Its tags.
    pub tags: Tags,
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
        let key = local_part(ctx, identifier, "imported-model").ok_or_else(missing)?;
        store::model(&self.inner.store, ctx, &key).await?.ok_or_else(missing)
    }

    /// The imported models of the caller's account and region.
    ///
    /// # Errors
    /// Unavailable, where the database cannot be read.
    pub async fn imported_models(
        &self,
        ctx: &Ctx,
        filter: &ImportFilter,
        page: &PageRequest,
    ) -> Result<Page<ImportedModel>> {
        let models = store::models(&self.inner.store, ctx, filter, page).await?;
        Ok(Page::cut(page, models, |model| store::place(model.created, &model.id)))
    }

    /// Removes an imported model and its bytes.
    ///
    /// # Errors
    /// NotFound; Conflict, while requests are using it.
    pub async fn delete_imported_model(&self, ctx: &Ctx, identifier: &str) -> Result<()> {
        let model = self.imported_model(ctx, identifier).await?;
        let _retired = self.inner.loaded.retire(&loaded_name(&model.id)).await?;
        if !store::remove_model(&self.inner.store, ctx, &model.id).await? {
            return Err(Error::not_found(format!("The imported model `{identifier}` could not be found.")));
        }
        self.inner.vault.remove(&model.id).await
    }

    /// Removes files of models that are none: what an import left when its process died.
    pub(crate) async fn sweep_imported(&self) -> Result<()> {
        let known = store::known_ids(&self.inner.store).await?;
        self.inner.vault.sweep(&known).await
    }
}

/// What an imported model is called among the loaded ones. No model of the library has such a name.
pub(crate) fn loaded_name(id: &str) -> String {
    format!("imported-model/{id}")
}

/// The name or id that an identifier of `kind` has in the caller's account and region.
fn local_part(ctx: &Ctx, identifier: &str, kind: &str) -> Option<String> {
    match identifier.parse::<Arn>() {
        Ok(arn) => {
            let is_own = *arn.account == *ctx.account().as_str() && *arn.region == *ctx.region().as_str();
            (is_own && arn.service == "bedrock" && arn.resource_type() == Some(kind)).then(|| arn.resource_id().to_owned())
        }
        Err(_) => Some(identifier.to_owned()),
    }
}

fn arn(ctx: &Ctx, kind: &str, id: &str) -> Arn {
    Arn::new("bedrock", Some(ctx.region()), Some(ctx.account()), format!("{kind}/{id}"))
}

/// What the data key of a model is bound to: it decrypts nothing but that model.
fn data_key_context(model: &Arn) -> EncryptionContext {
    EncryptionContext::from_pairs([("aws:bedrock:imported-model-arn", model.to_string())])
}

/// # Errors
/// Internal.
fn quantization(name: &str) -> Result<Quantization> {
    Quantization::ALL
        .into_iter()
        .find(|quantization| quantization.name() == name)
        .ok_or_else(|| Error::internal(format!("quantization `{name}`")))
}

/// A report as it is kept and shown.
fn report_json(report: &Report) -> Value {
    let findings = report.findings.iter().map(|finding| {
        json!({
            "severity": format!("{:?}", finding.severity).to_lowercase(),
            "file": finding.file,
            "problem": finding.problem,
            "fix": finding.fix,
        })
    });
    json!({"passes": report.passes(), "findings": findings.collect::<Vec<_>>()})
}
