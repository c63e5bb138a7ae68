//! Weights in buckets of one's own: they are imported when the model is made, by its role, and leave with the last that
//! hosts them.

use std::time::Duration;

use base::{Error, ErrorKind, Result, Timestamp};
use checkpoint::Quantization;
use identity::Ctx;

use super::SERVICE;
use super::catalogue::NewHostedModel;
use super::resource::{self, EndpointStatus, Generation, Hosted, HostedModel, HostingKind};
use super::store::{self, Scope};
use super::weights::Source;
use crate::{ImportStatus, Models, NewImport, bucket_region};

/// How often it is looked whether weights are here.
const LOOK: Duration = Duration::from_millis(500);
/// How long another server may take until a row names what it imports, in seconds.
const UNNAMED_SECONDS: i64 = 3600;
/// What the names of such models begin with, among those of imported models.
const PREFIX: &str = "hosted";
/// The letters and digits that tell models of one name apart.
const TOLD_APART: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";

impl Models {
    /// Begins to import the weights of a model to be made, where they lie in a bucket that is not the hub's.
    ///
    /// # Errors
    /// Invalid, where no role is given to read them as; NotImplemented, for archives; as [`Models::create_import_job`].
    pub(super) async fn bucket_source(&self, ctx: &Ctx, new: &NewHostedModel) -> Result<Option<Source>> {
        let Some(location) = new.container.location.as_deref().filter(|location| !is_of_hub(location)) else {
            return Ok(None);
        };
        if [".gz", ".tgz", ".tar", ".zip"].iter().any(|archive| location.ends_with(archive)) {
            return Err(Error::not_implemented(format!("Weights in archives are not implemented (`{location}`).")).with_hint(
                "Unpack it, and name the folder with the safetensors files by `ModelDataSource` with `CompressionType` `None`.",
            ));
        }
        let Some(role_arn) = new.role_arn.clone() else {
            return Err(Error::invalid(format!("The weights at {location} are read as the role of the model."))
                .with_hint("Name one by `ExecutionRoleArn`."));
        };
        let name = format!("{PREFIX}-{}-{}", new.name, self.inner.random.text(TOLD_APART, 6));
        let asked = NewImport {
            job_name: name.clone(),
            model_name: name,
            role_arn,
            source_uri: location.to_owned(),
            kms_key: None,
            quantization: Quantization::F16,
            bound: None,
            tags: Vec::new(),
            model_tags: Vec::new(),
            request_token: None,
        };
        let job = self.import_for(ctx, asked, SERVICE).await?;
        Ok(Some(Source::Bucket {
            uri: location.to_owned(),
            job: job.arn.to_string(),
            model: job.model_arn.to_string(),
        }))
    }

    /// Whether the weights of a source are not being imported any more.
    ///
    /// # Errors
    /// Invalid, where they cannot be imported, with the reason.
    pub(super) async fn is_here(&self, ctx: &Ctx, source: &Source) -> Result<bool> {
        let Source::Bucket { uri, job, .. } = source else { return Ok(true) };
        let job = self.import_job(ctx, job).await?;
        match job.status {
            ImportStatus::Completed => Ok(true),
            ImportStatus::InProgress => Ok(false),
            ImportStatus::Failed => {
                let reason = job.failure.unwrap_or_default();
                Err(Error::invalid(format!("The weights at {uri} cannot be hosted. {reason}")))
            }
        }
    }

    /// Waits until the weights of a source are here, for an endpoint.
    ///
    /// # Errors
    /// As [`Models::is_here`]; Conflict, where the endpoint is to be removed before, or is done with by another server.
    pub(super) async fn wait_for_import(
        &self,
        scope: &Scope,
        endpoint: (&str, Generation),
        source: &Source,
    ) -> Result<()> {
        loop {
            match self.is_importing(scope, endpoint, source).await {
                Ok(false) => return Ok(()),
                Ok(true) => {}
                // Hours may pass: that the database was away once is no reason to give up.
                Err(error) if error.kind == ErrorKind::Unavailable => {
                    tracing::warn!(?error, endpoint = endpoint.0, "weights are waited for still");
                }
                Err(error) => return Err(error),
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Whether weights are being imported for an endpoint that waits for them still.
    async fn is_importing(
        &self,
        scope: &Scope,
        (endpoint, stands): (&str, Generation),
        source: &Source,
    ) -> Result<bool> {
        if self.is_here(&self.hosting_ctx(scope), source).await? {
            return Ok(false);
        }
        let kept = store::find(&self.inner.store, scope, HostingKind::Endpoint, endpoint).await?;
        if kept.is_none_or(|kept| kept.generation != stands) {
            return Err(Error::conflict(format!("The endpoint \"{endpoint}\" is to be something else by now.")));
        }
        Ok(true)
    }

    /// Removes the weights of a bucket that no model of the account names and no endpoint hosts any more; where they are
    /// being imported, that ends.
    pub(super) async fn drop_unused(&self, scope: &Scope, sources: Vec<Source>) {
        for source in sources {
            if let Source::Bucket { job, model, .. } = source {
                self.drop_import(scope, (&job, &model)).await;
            }
        }
    }

    /// Removes the weights that were imported before `now` to be hosted and that nothing names: what requests left whose
    /// process ended.
    ///
    /// # Errors
    /// Unavailable, where the database cannot be read.
    pub(super) async fn sweep_hosted(&self, now: Timestamp) -> Result<()> {
        let before = if self.inner.store.is_shared() { now.plus_seconds(-UNNAMED_SECONDS) } else { now };
        for (ctx, job, model) in self.imports_for(SERVICE, before).await? {
            self.drop_import(&Scope::of(&ctx), (&job, &model)).await;
        }
        Ok(())
    }

    async fn drop_import(&self, scope: &Scope, (job, model): (&str, &str)) {
        if let Err(error) = self.drop_if_unused(scope, (job, model)).await {
            tracing::warn!(?error, model, "weights that nobody hosts stay");
        }
    }

    async fn drop_if_unused(&self, scope: &Scope, (job, model): (&str, &str)) -> Result<()> {
        let names = |source: &Source| source.imported() == Some(model);
        for kept in store::list(&self.inner.store, scope, HostingKind::Model).await? {
            let found: Hosted<HostedModel> = resource::hosted(scope, kept)?;
            if names(&found.body.source) {
                return Ok(());
            }
        }
        for kept in store::list(&self.inner.store, scope, HostingKind::Endpoint).await? {
            let endpoint = resource::endpoint(scope, kept)?.body;
            if endpoint.status != EndpointStatus::Deleting && endpoint.sources().iter().any(names) {
                return Ok(());
            }
        }
        let ctx = self.hosting_ctx(scope);
        // Whichever is first: the job makes no model, or it made the one that is removed.
        unless_gone(self.cancel_import(&ctx, job).await)?;
        unless_gone(self.delete_imported_model(&ctx, model).await)
    }
}

/// What is gone already needs no removing.
fn unless_gone(removed: Result<()>) -> Result<()> {
    match removed {
        Err(error) if error.kind == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Whether a location is in the hub's bucket.
fn is_of_hub(location: &str) -> bool {
    let bucket = location.strip_prefix("s3://").and_then(|rest| rest.split('/').next());
    bucket.is_some_and(|bucket| bucket_region(bucket).is_some())
}
