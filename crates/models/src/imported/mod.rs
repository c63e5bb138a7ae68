//! Imported models: weights of an account's own, beside the foundation models that all share.

mod card;
mod check;
mod failure;
mod files;
mod job;
mod location;
mod policies;
mod quality;
mod store;
mod tags;
mod template;
mod trial;
mod use_of_key;
mod work;

use std::future::Future;
use std::path::PathBuf;
use std::time::Instant;

use base::{Arn, Error, ErrorKind, Page, PageRequest, Result, Timestamp};
use checkpoint::{Quantization, Report};
use identity::Ctx;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::at_rest::SealedModel;
use crate::loaded::Lease;
use crate::{Family, Models};
pub use card::{Card, Exact, Quality, Trial};
pub use check::{CheckOutcome, CheckStep, ImportCheck};
pub(crate) use files::Files;
pub use job::{ImportFilter, ImportJob, ImportStatus, NewImport, Tags};
pub use policies::{ImportPolicy, ImportSides, Side};
pub(crate) use quality::ImportBound;
pub(crate) use store::{encrypted_under, known_names};
pub use tags::check as check_tags;
pub(crate) use work::{ImportHandler, JOB_KIND, SERVICE};

/// Checkpoints that are examined at once.
pub(crate) const EXAMINATIONS: usize = 2;

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
    /// The name of its file.
    pub(crate) file: String,
    /// The data key of its file, encrypted.
    pub(crate) data_key: Vec<u8>,
    /// What is known of it.
    pub card: Card,
    /// Its tags.
    pub tags: Tags,
    /// When it was imported.
    pub created: Timestamp,
}

impl ImportedModel {
    /// Its family, which decides the bodies that it is asked in.
    #[must_use]
    pub fn family(&self) -> Family {
        match self.architecture.as_str() {
            "MistralForCausalLM" => Family::Mistral,
            "Qwen2ForCausalLM" => Family::Qwen2,
            _ => Family::Llama,
        }
    }
}

impl Models {
    /// The imported model of this name, id or ARN in the caller's account and region.
    ///
    /// # Errors
    /// NotFound.
    pub async fn imported_model(&self, ctx: &Ctx, identifier: &str) -> Result<ImportedModel> {
        let missing = || Error::not_found(format!("The imported model `{identifier}` could not be found."));
        let named = named(ctx, identifier, "imported-model").ok_or_else(missing)?;
        store::model(&self.inner.store, ctx, &named).await?.ok_or_else(missing)
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
    /// NotFound; Conflict, while requests are using it or an endpoint hosts it.
    pub async fn delete_imported_model(&self, ctx: &Ctx, identifier: &str) -> Result<()> {
        let (models, ctx, wanted) = (self.clone(), ctx.clone(), identifier.to_owned());
        // A task of its own: it ends what it began also where the caller goes away.
        let removed = tokio::spawn(async move {
            let model = models.imported_model(&ctx, &wanted).await?;
            models.check_unhosted(&ctx, &model.arn.to_string()).await?;
            let retired = models.inner.loaded.retire(&model.arn.to_string()).await?;
            let _free = models.inner.imported_files.free().await;
            let removed = store::remove_model(&models.inner.store, &ctx, &model.id).await?;
            if removed {
                models.inner.imported_files.remove(&model.file).await?;
                models.forget_model(&model.arn.to_string()).await?;
            }
            drop(retired);
            Ok::<_, Error>(removed)
        });
        match removed.await.map_err(Error::internal)?? {
            true => Ok(()),
            false => Err(Error::not_found(format!("The imported model `{identifier}` could not be found."))),
        }
    }

    /// Keeps imported models from being removed as long as the value lives, for a backup.
    pub async fn hold_imported(&self) -> impl Send + use<> {
        self.inner.imported_files.hold().await
    }

    /// The files of all imported models, and their names.
    ///
    /// # Errors
    /// Unavailable, where the database cannot be read.
    pub async fn imported_files(&self) -> Result<Vec<(PathBuf, String)>> {
        let names = store::known_files(&self.inner.store).await?;
        Ok(names.into_iter().map(|name| (self.inner.imported_files.path(&name), name)).collect())
    }

    /// Removes files of models that are none: what imports left when their process ended. A folder of another deployment
    /// is left as it is.
    pub(crate) async fn sweep_imported(&self) -> Result<()> {
        let id = store::deployment(&self.inner.store, &self.inner.random.uuid()).await?;
        let known = store::known_files(&self.inner.store).await?;
        self.inner.imported_files.sweep(id, known).await
    }

    /// Whether an imported model is in memory.
    #[must_use]
    pub fn is_loaded(&self, model: &ImportedModel) -> bool {
        self.inner.loaded.is_loaded(&model.arn.to_string())
    }

    /// The imported model of this name, id or ARN, where there is one.
    pub(crate) async fn find_imported(&self, ctx: &Ctx, identifier: &str) -> Result<Option<ImportedModel>> {
        match named(ctx, identifier, "imported-model") {
            Some(named) => store::model(&self.inner.store, ctx, &named).await,
            None => Ok(None),
        }
    }

    /// The imported model, loaded. Its key is asked for each time, whether it is loaded already or not.
    ///
    /// # Errors
    /// Denied, where its key may not be used: it is then in memory no longer. Throttled with [`NOT_READY`], where it is
    /// not loaded before the context's deadline or models in use leave no room for it. Those of loading.
    pub(crate) async fn lease_imported(&self, ctx: &Ctx, model: &ImportedModel) -> Result<Lease> {
        let name = model.arn.to_string();
        match self.data_key(model).await {
            Ok(key) => match self.inner.loaded.loaded(&name) {
                Some(lease) => Ok(lease),
                None => ready(ctx.deadline(), self.load_imported(model.clone(), key)).await,
            },
            Err(error) => Err(self.refuse_imported(&name, error).await),
        }
    }

    /// The model's weights, which its key opens now.
    ///
    /// # Errors
    /// Denied, where its key may not be used.
    pub(crate) async fn sealed(&self, model: &ImportedModel) -> Result<SealedModel> {
        let key = self.data_key(model).await?;
        Ok(SealedModel::new(self.inner.imported_files.path(&model.file), key))
    }

    /// Loads the model, and asks for its key again when it is loaded: that may have been disabled meanwhile, when there was
    /// nothing to take out of memory.
    async fn load_imported(&self, model: ImportedModel, key: Zeroizing<Vec<u8>>) -> Result<Lease> {
        let models = self.clone();
        // A task of its own: it also asks where the caller goes away.
        let loading = tokio::spawn(async move {
            let name = model.arn.to_string();
            let sealed = SealedModel::new(models.inner.imported_files.path(&model.file), key);
            let lease = models.inner.loaded.acquire(&name, sealed).await?;
            match models.data_key(&model).await {
                Ok(_) => Ok(lease),
                Err(error) => {
                    drop(lease);
                    Err(models.refuse_imported(&name, error).await)
                }
            }
        });
        loading.await.map_err(Error::internal)?
    }

    /// The error for which a model's key is not there. Where it may not be used, the model is taken out of memory, with what
    /// it read.
    async fn refuse_imported(&self, name: &str, error: Error) -> Error {
        if error.kind == ErrorKind::Denied {
            self.inner.loaded.forget(name).await;
            // The caller learns why the model is refused, whatever becomes of that.
            if let Err(error) = self.forget_model(name).await {
                tracing::error!(?error, model = name, "what was read may be on disk until the next start");
            }
        }
        error
    }

    /// Whether there is an imported model of that ARN, and its key can be used.
    ///
    /// # Errors
    /// Unavailable, where the database cannot be read.
    pub(crate) async fn is_usable(&self, name: &str) -> Result<bool> {
        let arn: Arn = name.parse().map_err(Error::internal)?;
        let (account, region) = (arn.account.parse().map_err(Error::internal)?, arn.region.parse());
        let ctx = self.inner.identity.service_ctx(account, region.map_err(Error::internal)?, SERVICE);
        match self.find_imported(&ctx, name).await? {
            Some(model) => Ok(self.data_key(&model).await.is_ok()),
            None => Ok(false),
        }
    }
}

/// What AWS says of an imported model that is not in memory yet.
pub const NOT_READY: &str = "Model is not ready for inference. Wait and try your request again.";

/// The loaded model, or the advice to ask again.
async fn ready(deadline: Option<Instant>, loading: impl Future<Output = Result<Lease>>) -> Result<Lease> {
    let not_ready = |hint: String| Error::throttled(NOT_READY).with_hint(hint);
    let loaded = match deadline {
        Some(deadline) => tokio::time::timeout_at(deadline.into(), loading).await.map_err(|_| {
            not_ready("It is still being loaded, which goes on: ask again, or start the server with a longer `--request-timeout`.".to_owned())
        })?,
        None => loading.await,
    };
    loaded.map_err(|error| match error.kind {
        ErrorKind::Throttled => {
            not_ready([Some(error.message), error.hint].into_iter().flatten().collect::<Vec<_>>().join(" "))
        }
        _ => error,
    })
}

/// Whether the caller may know a loaded model's name: imported models are known to their own account alone.
pub(crate) fn is_visible(ctx: &Ctx, loaded: &str) -> bool {
    loaded.parse::<Arn>().map_or(true, |arn| *arn.account == *ctx.account().as_str())
}

/// What an identifier says of which model or job it means.
enum Named<'a> {
    /// Its id: an ARN's.
    Id(&'a str),
    /// Its id or, where none has that, its name.
    Either(&'a str),
}

impl Named<'_> {
    /// The id and the name to look for; no name is empty.
    fn columns(&self) -> (&str, &str) {
        match self {
            Self::Id(id) => (id, ""),
            Self::Either(named) => (named, named),
        }
    }
}

/// Which of the `kind` an identifier means; none, where it is an ARN of anything but one of the caller's account and region.
fn named<'a>(ctx: &Ctx, identifier: &'a str, kind: &str) -> Option<Named<'a>> {
    if !identifier.starts_with("arn:") {
        return Some(Named::Either(identifier));
    }
    let id = identifier.rsplit('/').next()?;
    (arn(ctx, kind, id).to_string() == identifier).then_some(Named::Id(id))
}

fn arn(ctx: &Ctx, kind: &str, id: &str) -> Arn {
    Arn::new("bedrock", Some(ctx.region()), Some(ctx.account()), format!("{kind}/{id}"))
}

/// # Errors
/// Internal.
fn quantization(name: &str) -> Result<Quantization> {
    Quantization::from_name(name).ok_or_else(|| Error::internal(format!("quantization `{name}`")))
}

/// An examination's report, as it is kept and shown.
#[must_use]
pub fn report_json(report: &Report) -> Value {
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

#[cfg(test)]
#[path = "ready_tests.rs"]
mod ready_tests;
