//! The work of an import job.

use std::ops::ControlFlow;
use std::sync::Weak;

use base::{Error, ErrorKind, Result};
use checkpoint::{Accepted, Quantization, Room, examine};
use futures::future::BoxFuture;
use identity::kms::{DataKeySpec, KeyRef};
use identity::{Ctx, JobOwner, ServiceAssumption};
use jobs::{Handler, JobContext, Progress};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::job::{ImportJob, ImportStatus};
use super::location::Location;
use super::vault::{Key, Writer};
use super::{Card, ImportedModel, data_key_context, failure, store};
use crate::bucket::BucketFolder;
use crate::{Inner, Models};

/// The service that assumes the role.
pub(super) const SERVICE: &str = "bedrock.amazonaws.com";
/// The kind of the jobs that import.
pub(crate) const JOB_KIND: &str = "model-import";
/// How often an import is tried where the disk or the database fails, or the process dies.
pub(super) const MAX_ATTEMPTS: u32 = 5;

/// Runs the jobs.
pub(crate) struct ImportHandler(Weak<Inner>);

impl ImportHandler {
    pub(crate) fn new(inner: Weak<Inner>) -> Self {
        Self(inner)
    }
}

impl Handler for ImportHandler {
    fn run(&self, job: JobContext) -> BoxFuture<'_, Result<Value>> {
        Box::pin(async move {
            let inner = self.0.upgrade().ok_or_else(|| Error::unavailable("The server is stopping."))?;
            Models { inner }.import(&job).await
        })
    }
}

impl Models {
    /// Does the work of a job from its beginning. What an earlier attempt wrote is written anew.
    async fn import(&self, work: &JobContext) -> Result<Value> {
        let owner = work.owner();
        let owner = JobOwner {
            account: owner.account.clone(),
            region: owner.region.clone(),
            principal_arn: owner.principal_arn.clone(),
            principal_id: owner.principal_id.clone(),
        };
        let ctx = self.inner.identity.job_ctx(&owner).await?;
        let id = work.input()["import"].as_str().unwrap_or_default();
        let job = store::job(&self.inner.store, &ctx, id).await?;
        let job = job.ok_or_else(|| Error::not_found(format!("There is no import job `{id}` any more.")))?;
        if job.status == ImportStatus::Completed {
            return Ok(done(&job));
        }
        let made = self.make(work, &ctx, &job).await;
        if made.is_err() {
            // Nothing of a model that is none stays; what cannot be removed now is removed at the next start.
            self.inner.loaded.forget(&super::loaded_name(&job.model_id)).await;
            let _ = self.inner.vault.remove(&job.model_id).await;
        }
        made
    }

    async fn make(&self, work: &JobContext, ctx: &Ctx, job: &ImportJob) -> Result<Value> {
        let role = self.role(ctx, job).await?;
        let location = Location::parse(&job.source_uri)?;
        let source = BucketFolder::new(self.inner.objects.clone(), role.clone(), &location.bucket, &location.prefix);
        let quantization = super::quantization(&job.quantization)?;
        say(work, "examining the checkpoint").await;
        let accepted = self.examine(ctx, job, &source, &location, quantization).await?;
        let (key, data_key) = self.data_key(&role, job).await?;
        let mut writer = self.inner.vault.create(&job.model_id, &key).await?;
        self.convert(work, job, &accepted, quantization, &source, &location, &mut writer).await?;
        let bytes = writer.finish().await?;
        say(work, "trying the model").await;
        let tried = self.try_out(&job.model_id, &key).await?;
        let now = self.inner.clock.now();
        let model = ImportedModel {
            id: job.model_id.clone(),
            name: job.model_name.clone(),
            arn: job.model_arn.clone(),
            architecture: accepted.config().architecture.class().to_owned(),
            instruct: tried.instruct,
            job_arn: job.arn.clone(),
            job_name: job.name.clone(),
            source_uri: job.source_uri.clone(),
            kms_key_arn: job.kms_key_arn.clone(),
            role_arn: job.role_arn.clone(),
            bytes,
            data_key,
            card: Card::of(&accepted, quantization, tried),
            tags: job.model_tags.clone(),
            created: now,
        };
        let ended =
            ImportJob { status: ImportStatus::Completed, modified: now, ended: Some(now), failure: None, ..job.clone() };
        if !store::complete(&self.inner.store, ctx, &model, &ended).await? {
            return Err(Error::conflict("The import job has ended meanwhile."));
        }
        Ok(done(job))
    }

    /// The role that the job was given, assumed for the job alone.
    async fn role(&self, ctx: &Ctx, job: &ImportJob) -> Result<Ctx> {
        let wish = ServiceAssumption {
            service: SERVICE.to_owned(),
            role_arn: job.role_arn.clone(),
            source_arn: Some(job.arn.to_string()),
            session_name: format!("BedrockModelImport-{}", job.id),
            region: ctx.region().clone(),
        };
        let role = self.inner.identity.assume_role_as_service(&wish).await;
        role.map_err(|error| failure::no_role(&job.role_arn, error))
    }

    async fn examine(
        &self,
        ctx: &Ctx,
        job: &ImportJob,
        source: &BucketFolder,
        location: &Location,
        quantization: Quantization,
    ) -> Result<Accepted> {
        let room = Room { disk: self.inner.vault.free_space().await?, memory: self.inner.loaded.budget_bytes() };
        let examined = examine(source, quantization, room).await.map_err(|error| of_reading(location, error))?;
        let report = super::report_json(&examined.report).to_string();
        store::set_report(&self.inner.store, ctx, &job.id, &report, self.inner.clock.now()).await?;
        match examined.accepted {
            Some(accepted) => Ok(accepted),
            None => Err(failure::unfit(&examined.report)),
        }
    }

    /// A key for the model's file, in the clear and as it is kept.
    async fn data_key(&self, role: &Ctx, job: &ImportJob) -> Result<(Key, Vec<u8>)> {
        let Some(arn) = &job.kms_key_arn else {
            let key = Key::random(self.inner.random.as_ref());
            let sealed = self.inner.identity.keyring().seal(super::KEY_PURPOSE, key.as_bytes())?;
            return Ok((key, sealed));
        };
        let refused = |error: identity::kms::Error| failure::no_key(arn, error.into());
        let reference = KeyRef::parse(arn).map_err(refused)?;
        let context = data_key_context(&job.model_arn);
        let kms = self.inner.identity.kms();
        let made = kms.generate_data_key(role, &reference, &context, DataKeySpec::Aes256).await.map_err(refused)?;
        // Whoever may encrypt and not decrypt would have a model that never loads.
        kms.decrypt(role, &made.ciphertext, &context, None).await.map_err(refused)?;
        Ok((Key::from_slice(&made.plaintext)?, made.ciphertext))
    }

    #[expect(clippy::too_many_arguments, reason = "each is one thing that the conversion joins")]
    async fn convert(
        &self,
        work: &JobContext,
        job: &ImportJob,
        accepted: &Accepted,
        quantization: Quantization,
        source: &BucketFolder,
        location: &Location,
        writer: &mut Writer,
    ) -> Result<()> {
        let plan = accepted.plan(&job.model_name, quantization);
        let (total, cancelled) = (plan.source_bytes(), work.cancelled());
        let (tell, mut told) = watch::channel(0_u64);
        let mut progress = |bytes: u64| {
            tell.send_replace(bytes);
            if cancelled.is_cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let writing = plan.write(source, writer, self.inner.quantizer.as_ref(), &mut progress);
        tokio::pin!(writing);
        loop {
            tokio::select! {
                written = &mut writing => return written.map_err(|error| of_reading(location, error)),
                Ok(()) = told.changed() => {
                    let done = *told.borrow_and_update();
                    let (unit, message) = ("bytes".to_owned(), "importing the weights".to_owned());
                    work.progress(Progress { done, total: Some(total), unit, message }).await;
                }
            }
        }
    }
}

/// Which error of the conversion is whose.
fn of_reading(location: &Location, error: checkpoint::Error) -> Error {
    match error {
        checkpoint::Error::Source { error, .. } if matches!(error.kind, ErrorKind::Denied | ErrorKind::NotFound) => {
            failure::no_access(location, error)
        }
        checkpoint::Error::Source { error, .. } | checkpoint::Error::Sink(error) => error,
        checkpoint::Error::Refused(finding) => Error::invalid(format!("The model cannot be imported. {finding}")),
        checkpoint::Error::Cancelled => Error::conflict("The import was cancelled."),
    }
}

async fn say(work: &JobContext, message: &str) {
    let message = message.to_owned();
    work.progress(Progress { done: 0, total: None, unit: "bytes".to_owned(), message }).await;
}

fn done(job: &ImportJob) -> Value {
    json!({"importedModelArn": job.model_arn.to_string(), "importedModelName": job.model_name})
}
