//! Weights in buckets of one's own: they are imported when the model is made, by its role, and leave with the last that
//! hosts them.

use std::time::Duration;

use base::{Error, ErrorKind, Result};
use checkpoint::Quantization;
use identity::Ctx;

use super::SERVICE;
use super::catalogue::NewHostedModel;
use super::resource::{self, EndpointStatus, Hosted, HostedModel, HostingKind};
use super::store::{self, Scope};
use super::weights::Source;
use crate::{ImportStatus, Models, NewImport, bucket_region};

/// How often it is looked whether weights are here.
const LOOK: Duration = Duration::from_millis(500);
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

    /// Waits until weights of a bucket are here.
    ///
    /// # Errors
    /// Invalid, where they cannot be imported, with the reason.
    pub(super) async fn imported_from(&self, ctx: &Ctx, (uri, job): (&str, &str)) -> Result<()> {
        loop {
            let job = self.import_job(ctx, job).await?;
            match job.status {
                ImportStatus::Completed => return Ok(()),
                ImportStatus::Failed => {
                    let reason = job.failure.unwrap_or_default();
                    return Err(Error::invalid(format!("The weights at {uri} cannot be hosted. {reason}")));
                }
                ImportStatus::InProgress => tokio::time::sleep(LOOK).await,
            }
        }
    }

    /// Removes the imported weights of a bucket that no model of the account names and no endpoint hosts any more.
    pub(super) async fn drop_unused(&self, scope: &Scope, sources: Vec<Source>) {
        for source in sources {
            if let Source::Bucket { model, .. } = source
                && let Err(error) = self.drop_if_unused(scope, &model).await
            {
                tracing::warn!(?error, model, "weights that nobody hosts stay");
            }
        }
    }

    async fn drop_if_unused(&self, scope: &Scope, model: &str) -> Result<()> {
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
        match self.delete_imported_model(&self.hosting_ctx(scope), model).await {
            Err(error) if error.kind == ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }
}

/// Whether a location is in the hub's bucket.
fn is_of_hub(location: &str) -> bool {
    let bucket = location.strip_prefix("s3://").and_then(|rest| rest.split('/').next());
    bucket.is_some_and(|bucket| bucket_region(bucket).is_some())
}
