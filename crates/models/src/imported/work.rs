//! The work of an import job.

use std::future::Future;
use std::ops::ControlFlow;
use std::sync::{Arc, Weak};

use base::{Error, ErrorKind, Result};
use checkpoint::{Accepted, Examination, ModelFacts, Plan, Quantization, Report, Room, Sink, examine};
use futures::future::BoxFuture;
use identity::{Ctx, JobOwner};
use jobs::{Handler, JobContext, Progress};
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::files::Unfinished;
use super::job::{ImportJob, ImportStatus};
use super::location::Location;
use super::{Card, ImportedModel, Named, failure, store};
use crate::at_rest::{Header, SealedModel, Writer};
use crate::bucket::BucketFolder;
use crate::{Inner, Models};

/// The service that assumes the role.
pub(crate) const SERVICE: &str = "bedrock.amazonaws.com";
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
        let gone = || Error::not_found(format!("There is no import job `{id}` any more."));
        let job = store::job(&self.inner.store, &ctx, &Named::Id(id)).await?.ok_or_else(gone)?;
        match job.status {
            ImportStatus::InProgress => {}
            ImportStatus::Completed => return Ok(done(&job)),
            ImportStatus::Failed => return Err(Error::conflict("The import job has ended meanwhile.")),
        }
        // Two runs may overlap, where one lost its lease and does not know yet: each has a file of its own.
        let file = self.inner.imported_files.unfinished(&job.model_id, self.inner.random.as_ref());
        match self.make(work, &ctx, &job, &file).await {
            Ok(true) => Ok(done(&job)),
            // Another run was faster.
            Ok(false) => match store::job(&self.inner.store, &ctx, &Named::Id(id)).await?.ok_or_else(gone)? {
                job if job.status == ImportStatus::Completed => Ok(done(&job)),
                _ => Err(Error::conflict("The import job has ended meanwhile.")),
            },
            Err(error) => {
                self.inner.loaded.forget(&job.model_arn.to_string()).await;
                Err(error)
            }
        }
    }

    /// Makes the model of a job, in `file`. False, where the job has ended meanwhile: nothing was made then.
    async fn make(&self, work: &JobContext, ctx: &Ctx, job: &ImportJob, file: &Unfinished) -> Result<bool> {
        let role = self.role(ctx, job).await?;
        let location = Location::parse(&job.source_uri)?;
        let objects = self.inner.objects.clone();
        let source = Arc::new(BucketFolder::new(objects, role.clone(), &location.bucket, &location.prefix));
        let quantization = super::quantization(&job.quantization)?;
        say(work, "examining the checkpoint").await;
        let (accepted, facts, report) = self.examine(ctx, job, source.clone(), quantization).await?;
        let key = self.new_data_key(&role, job).await?;
        let plan = accepted.plan(&job.model_name, quantization);
        let path = self.inner.imported_files.path(file.name());
        let head = Header { bytes: plan.bytes(), head: plan.header_bytes(), wrapped_key: key.sealed.clone() };
        let (writer, bytes) = (Writer::create(&path, head, &key.plain).await?, plan.bytes());
        let (tell, told) = watch::channel(0);
        let total = plan.source_bytes();
        let converting = self.convert(work, job, plan, source.clone(), writer, tell);
        telling(work, total, told, converting).await?.finish().await?;
        let mut model = ImportedModel {
            id: job.model_id.clone(),
            name: job.model_name.clone(),
            arn: job.model_arn.clone(),
            architecture: accepted.config().architecture.class().to_owned(),
            instruct: false,
            job_arn: job.arn.clone(),
            job_name: job.name.clone(),
            source_uri: job.source_uri.clone(),
            kms_key_arn: key.kms_key_arn,
            role_arn: job.role_arn.clone(),
            bytes,
            file: file.name().to_owned(),
            data_key: key.sealed,
            card: Card::default(),
            tags: job.model_tags.clone(),
            created: self.inner.clock.now(),
        };
        // Whoever may encrypt and not decrypt would have a model that never loads.
        let made = SealedModel::new(path, self.data_key(&model).await?);
        self.check_template(job, &made).await?;
        say(work, "measuring the quality").await;
        let quality = self.measure(work, job, &made, (&accepted, &facts, source), file.name()).await?;
        say(work, "trying the model").await;
        let (trial, instruct) = self.try_out(work, job, made).await?;
        // Role and key may have been taken away while the weights were copied and tried.
        self.role(ctx, job).await?;
        self.data_key(&model).await?;
        (model.instruct, model.card) = (instruct, Card::new(&facts, &report, quantization, quality, trial));
        model.created = self.inner.clock.now();
        let ended = ImportJob {
            status: ImportStatus::Completed,
            kms_key_arn: model.kms_key_arn.clone(),
            modified: model.created,
            ended: Some(model.created),
            failure: None,
            ..job.clone()
        };
        // Where it is not known what the database did, the next start sees whether the model has the file.
        file.keep();
        let completed = store::complete(&self.inner.store, ctx, &model, &ended).await?;
        if !completed {
            self.inner.imported_files.remove(file.name()).await?;
        }
        Ok(completed)
    }

    /// The role that the job was given, assumed for the job alone.
    pub(super) async fn role(&self, ctx: &Ctx, job: &ImportJob) -> Result<Ctx> {
        let session = format!("BedrockModelImport-{}", job.id);
        let role = self.assume((&job.service, &job.role_arn), &job.arn, session, ctx.region().clone()).await;
        role.map_err(|error| failure::no_role(&job.role_arn, error))
    }

    async fn examine(
        &self,
        ctx: &Ctx,
        job: &ImportJob,
        source: Arc<BucketFolder>,
        quantization: Quantization,
    ) -> Result<(Accepted, ModelFacts, Report)> {
        let examined = self.examined(source, quantization).await?.map_err(|error| of_reading(job, error))?;
        let report = super::report_json(&examined.report).to_string();
        store::set_report(&self.inner.store, ctx, &job.id, &report, self.inner.clock.now()).await?;
        match (examined.accepted, examined.facts) {
            (Some(accepted), Some(facts)) => Ok((accepted, facts, examined.report)),
            _ => Err(failure::unfit(&examined.report)),
        }
    }

    /// Examines a checkpoint, on a thread that may compute. Few are examined at once: each may take some hundred MiB.
    pub(super) async fn examined(
        &self,
        source: Arc<BucketFolder>,
        quantization: Quantization,
    ) -> Result<checkpoint::Result<Examination>> {
        let room = self.import_room().await?;
        let turn = self.inner.examinations.clone().acquire_owned().await.map_err(Error::internal)?;
        let runtime = Handle::current();
        let examined = tokio::task::spawn_blocking(move || {
            let examined = runtime.block_on(examine(source.as_ref(), quantization, room));
            drop(turn);
            examined
        });
        examined.await.map_err(Error::internal)
    }

    /// The room for an imported model.
    pub(super) async fn import_room(&self) -> Result<Room> {
        let disk = self.inner.imported_files.free_space().await?;
        Ok(Room::new(disk, self.inner.loaded.budget_bytes(), self.inner.loaded.options()))
    }

    /// Writes the weights to `sink` and gives it back. `tell` is told the bytes that were read.
    ///
    /// # Errors
    /// Those of reading the checkpoint and of the sink; Conflict, where the job is cancelled.
    pub(super) async fn convert<S: Sink + 'static>(
        &self,
        work: &JobContext,
        job: &ImportJob,
        plan: Plan,
        source: Arc<BucketFolder>,
        mut sink: S,
        tell: watch::Sender<u64>,
    ) -> Result<S> {
        let (quantizer, runtime, cancelled) = (self.inner.quantizer.clone(), Handle::current(), work.cancelled());
        // Converting computes: on a thread that may. It ends at the next block where the job is cancelled or given up.
        let given_up = CancellationToken::new();
        let _given_up = given_up.clone().drop_guard();
        let writing = tokio::task::spawn_blocking(move || {
            let mut progress = |bytes: u64| {
                tell.send_replace(bytes);
                match cancelled.is_cancelled() || given_up.is_cancelled() {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                }
            };
            let written = plan.write(source.as_ref(), &mut sink, quantizer.as_ref(), &mut progress);
            runtime.block_on(written).map(|()| sink)
        });
        writing.await.map_err(Error::internal)?.map_err(|error| of_reading(job, error))
    }
}

/// Tells how far the weights are, until `converting` is done.
async fn telling<T>(
    work: &JobContext,
    total: u64,
    mut told: watch::Receiver<u64>,
    converting: impl Future<Output = T>,
) -> T {
    tokio::pin!(converting);
    loop {
        tokio::select! {
            done = &mut converting => return done,
            Ok(()) = told.changed() => {
                let done = *told.borrow_and_update();
                let (unit, message) = ("bytes".to_owned(), "importing the weights".to_owned());
                work.progress(Progress { done, total: Some(total), unit, message }).await;
            }
        }
    }
}

/// Which error of reading a checkpoint is whose.
pub(super) fn of_reading(job: &ImportJob, error: checkpoint::Error) -> Error {
    match error {
        checkpoint::Error::Source { error, .. } if matches!(error.kind, ErrorKind::Denied | ErrorKind::NotFound) => {
            failure::no_access(&job.source_uri, error)
        }
        checkpoint::Error::Source { error, .. }
        | checkpoint::Error::Sink(error)
        | checkpoint::Error::Template(error) => error,
        checkpoint::Error::Refused(finding) => Error::invalid(format!("The model cannot be imported. {finding}")),
        checkpoint::Error::Quantizer(reason) => Error::internal(reason),
        checkpoint::Error::Cancelled => Error::conflict("The import was cancelled."),
    }
}

pub(super) async fn say(work: &JobContext, message: &str) {
    let message = message.to_owned();
    work.progress(Progress { done: 0, total: None, unit: "bytes".to_owned(), message }).await;
}

fn done(job: &ImportJob) -> Value {
    json!({"importedModelArn": job.model_arn.to_string(), "importedModelName": job.model_name})
}
