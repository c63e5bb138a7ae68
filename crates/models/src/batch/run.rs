//! The work of a batch job.

use std::collections::HashSet;
use std::pin::pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use base::{Error, ErrorKind, Result};
use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use identity::{Access, Ask, Ctx, JobOwner};
use jobs::{Handler, JobContext, Progress};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::answer::Answered;
use super::job::{BatchError, BatchJob, BatchStatus, InputFile};
use super::store::Outcome;
use super::window::{Item, Reading, Seen, Window, lost};
use super::{failure, input, record, store};
use crate::{Inner, Models, Resolved, Target, imported};

/// The service that assumes the role.
pub(super) const SERVICE: &str = "bedrock.amazonaws.com";
/// The kind of the jobs that answer batches.
pub(crate) const JOB_KIND: &str = "model-invocation";
/// How often a batch is tried that gets no further.
pub(super) const MAX_ATTEMPTS: u32 = 5;
/// Records that an upstream is asked at once, at least.
const AT_AN_UPSTREAM: usize = 8;
/// Records that are kept in one transaction at most.
const KEPT_TOGETHER: usize = 64;
/// Records in a row that the model fails on before the job is broken off, to be tried again later.
const MOST_FAULTS: usize = 16;

/// Runs the jobs.
pub(crate) struct BatchHandler(Weak<Inner>);

impl BatchHandler {
    pub(crate) fn new(inner: Weak<Inner>) -> Self {
        Self(inner)
    }
}

impl Handler for BatchHandler {
    fn run(&self, job: JobContext) -> BoxFuture<'_, Result<Value>> {
        Box::pin(async move {
            let inner = self.0.upgrade().ok_or_else(|| Error::unavailable("The server is stopping."))?;
            Models { inner }.run_batch(&job).await
        })
    }
}

/// How the answering of a batch ended.
enum Over {
    /// Every record was processed.
    All,
    /// Somebody stopped it.
    Stopped,
    /// Its time is over.
    Late,
    /// The model fails, and went on failing.
    GaveUp(Error),
}

/// A run of a job.
struct Run<'a> {
    models: Models,
    work: &'a JobContext,
    /// The owner's.
    ctx: Ctx,
    job: BatchJob,
    stop: CancellationToken,
}

impl Models {
    async fn run_batch(&self, work: &JobContext) -> Result<Value> {
        let owner = work.owner();
        let owner = JobOwner {
            account: owner.account.clone(),
            region: owner.region.clone(),
            principal_arn: owner.principal_arn.clone(),
            principal_id: owner.principal_id.clone(),
        };
        let ctx = self.inner.identity.job_ctx(&owner).await?;
        let id = work.input()["batch"].as_str().unwrap_or_default();
        let gone = || Error::not_found(format!("There is no batch inference job `{id}` any more."));
        let job = store::job(&self.inner.store, &ctx, id).await?.ok_or_else(gone)?;
        let arn = job.arn.to_string();
        // Before the row is read: whoever stops the job after that finds the token.
        let stop = self.inner.stops.watch(&arn);
        let job = store::job(&self.inner.store, &ctx, &job.id).await?.ok_or_else(gone)?;
        let mut run = Run { models: self.clone(), work, ctx, job, stop };
        let ended = if run.job.status.is_end() { Ok(()) } else { run.run().await };
        self.inner.stops.forget(&arn);
        ended.map(|()| json!({"jobArn": arn, "status": run.job.status.as_str()}))
    }
}

impl Run<'_> {
    async fn run(&mut self) -> Result<()> {
        let files = match self.job.files.clone() {
            Some(files) => files,
            None if self.is_late() => return self.end(BatchStatus::Expired, None).await,
            None => {
                self.validate().await?;
                self.job.files.clone().unwrap_or_default()
            }
        };
        let may_go_on = self.advance(BatchStatus::InProgress).await?;
        let over = if may_go_on { self.answer(&files).await? } else { Over::Stopped };
        self.write(&files, over).await
    }

    /// Tries the role, and counts the records.
    async fn validate(&mut self) -> Result<()> {
        self.advance(BatchStatus::Validating).await?;
        self.say("validating the input").await;
        let role = self.role().await?;
        self.resolve(&role).await?;
        let inner = &self.models.inner;
        let found = input::files(&inner.objects, &role, &self.job.input, &inner.batch_limits).await;
        let files = found.map_err(|error| match error.kind {
            ErrorKind::Invalid | ErrorKind::Conflict => error,
            _ => failure::no_input(&self.job.input.uri, error),
        })?;
        self.models.try_output(&role, &self.job).await?;
        store::set_files(&inner.store, &self.ctx, &self.job.id, &files, inner.clock.now()).await?;
        self.job.counts.records = files.iter().map(|file| file.records).sum();
        self.job.files = Some(files);
        self.advance(BatchStatus::Scheduled).await.map(drop)
    }

    /// Answers every record that is not answered, and keeps what became of it.
    async fn answer(&mut self, files: &[InputFile]) -> Result<Over> {
        let (send, receive) = mpsc::channel(1);
        let reading = self.read(files, send);
        let keeping = self.keep(files, receive);
        tokio::pin!(reading);
        tokio::pin!(keeping);
        tokio::select! {
            over = &mut keeping => over,
            read = &mut reading => {
                read?;
                keeping.await
            }
        }
    }

    /// Hands out the records, window by window.
    async fn read(&self, files: &[InputFile], to: mpsc::Sender<Item>) -> Result<()> {
        let limits = &self.models.inner.batch_limits;
        let (mut window, mut seen) = (Window::default(), Seen::default());
        let place = self.job.input.parse()?;
        for (number, file) in (0u32..).zip(files) {
            let kept = store::kept_lines(&self.models.inner.store, &self.ctx, &self.job.id, number).await?;
            if kept.len() as u64 == file.records {
                continue;
            }
            let kept: HashSet<u32> = kept.into_iter().collect();
            let mut lines = input::lines(&self.models.inner.objects, &place, file, limits);
            let mut role = self.role().await?;
            let mut at = 0u32;
            while let Some(line) = lines.next(&role).await? {
                window.push((number, at), line, kept.contains(&at));
                at += 1;
                if window.is_full(limits.window_bytes, limits.window_records) {
                    seen = self.hand_out(std::mem::take(&mut window), seen, &to).await?;
                    // A session lasts an hour, a job may last a week.
                    role = self.role().await?;
                }
            }
        }
        if !window.is_empty() {
            self.hand_out(window, seen, &to).await?;
        }
        Ok(())
    }

    async fn hand_out(&self, window: Window, mut seen: Seen, to: &mpsc::Sender<Item>) -> Result<Seen> {
        let role = self.role().await?;
        let reading = Reading {
            job: self.job.id.clone(),
            kind: self.job.kind,
            resolved: self.resolve(&role).await?,
            dialects: self.models.inner.dialects.clone(),
            time: self.models.inner.clock.now(),
            role: Arc::new(role),
        };
        let sorted = tokio::task::spawn_blocking(move || {
            let items = reading.sorted(window, &mut seen);
            (items, seen)
        });
        let (items, seen) = sorted.await.map_err(lost)?;
        for item in items {
            if to.send(item).await.is_err() {
                break;
            }
        }
        Ok(seen)
    }

    /// Has the records answered, many at once, and keeps what became of them.
    async fn keep(&self, files: &[InputFile], items: mpsc::Receiver<Item>) -> Result<Over> {
        let mut answers = answers(&self.models, items, self.at_once().await?);
        let mut late = pin!(tokio::time::sleep(self.time_left()));
        let cancelled = self.work.cancelled();
        let (mut done, mut faults, mut succeeded) = (self.job.counts.processed(), Vec::new(), false);
        loop {
            let chunk = tokio::select! {
                biased;
                () = self.stop.cancelled() => return Ok(Over::Stopped),
                () = cancelled.cancelled() => return self.broken_off().await,
                () = &mut late => return Ok(Over::Late),
                chunk = answers.next() => chunk,
            };
            let Some(chunk) = chunk else { break };
            let (mut outcomes, mut wrong) = (Vec::new(), None);
            for answered in chunk {
                let (file, line, id, answered) = answered.map_err(Error::internal)?;
                match answered {
                    Ok(Answered::Fault(error)) => faults.push((self.refused(files, (file, line), id, &error), error)),
                    Ok(Answered::Refused(error)) => outcomes.push(self.refused(files, (file, line), id, &error)),
                    Ok(Answered::Answer { value, tokens }) => {
                        succeeded = true;
                        // The model works: what it failed on is the records' own.
                        outcomes.extend(faults.drain(..).map(|(outcome, _)| outcome));
                        outcomes.push(answer((file, line), &value, tokens));
                    }
                    Err(error) => wrong = Some(error),
                }
            }
            done += outcomes.len() as u64;
            if self.save(&outcomes, done).await? == BatchStatus::Stopping {
                return Ok(Over::Stopped);
            }
            if let Some(error) = wrong {
                return Err(error);
            }
            if faults.len() >= MOST_FAULTS {
                break;
            }
            if self.is_late() {
                return Ok(Over::Late);
            }
        }
        self.after(faults, succeeded, done).await
    }

    /// What follows when all were asked, or the model fails on one after the other.
    async fn after(&self, faults: Vec<(Outcome, Error)>, succeeded: bool, done: u64) -> Result<Over> {
        let many = faults.len() >= MOST_FAULTS || !succeeded;
        match faults.last() {
            None => Ok(Over::All),
            Some((_, error)) if many && self.work.attempt() < MAX_ATTEMPTS => {
                Err(Error { kind: ErrorKind::Unavailable, ..error.clone() })
            }
            Some((_, error)) if faults.len() >= MOST_FAULTS => Ok(Over::GaveUp(error.clone())),
            Some(_) => {
                let outcomes: Vec<Outcome> = faults.into_iter().map(|(outcome, _)| outcome).collect();
                self.save(&outcomes, done + outcomes.len() as u64).await?;
                Ok(Over::All)
            }
        }
    }

    async fn save(&self, outcomes: &[Outcome], done: u64) -> Result<BatchStatus> {
        let inner = &self.models.inner;
        if outcomes.is_empty() {
            return Ok(BatchStatus::InProgress);
        }
        let (keyring, now) = (inner.identity.keyring(), inner.clock.now());
        let status = store::save(&inner.store, keyring, &self.ctx, &self.job.id, outcomes, now).await?;
        metrics::counter!("craton_batch_records_total").increment(outcomes.len() as u64);
        let (unit, message) = ("records".to_owned(), "answering the records".to_owned());
        self.work.progress(Progress { done, total: Some(self.job.counts.records), unit, message }).await;
        status.ok_or_else(|| Error::conflict("The batch inference job has ended meanwhile."))
    }

    fn refused(&self, files: &[InputFile], (file, line): (u32, u32), id: String, error: &Error) -> Outcome {
        let code = self.models.inner.dialects.status(error);
        let name = files.get(file as usize).map_or_else(String::new, |file| file.name.clone());
        let line_number = u64::from(line) + 1;
        let told = BatchError { file: name, line: line_number, record_id: id, code, message: error.public_text() };
        Outcome {
            file,
            line,
            answer: record::error_object(code, error).to_string(),
            error: Some(told),
            input_tokens: 0,
            output_tokens: 0,
        }
    }

    /// The job was cancelled as a job, which is as good as stopped; or the server stops, or another worker has it.
    async fn broken_off(&self) -> Result<Over> {
        let job = self.models.inner.jobs.get(self.ctx.account(), self.work.id()).await?;
        match job.cancel_requested {
            true => Ok(Over::Stopped),
            false => Err(Error::unavailable("The server is stopping.")),
        }
    }

    /// Writes the results, and ends the job.
    async fn write(&mut self, files: &[InputFile], over: Over) -> Result<()> {
        let missing = || super::job::missing(&self.job.id);
        // The counts of this run and of those before.
        let job = store::job(&self.models.inner.store, &self.ctx, &self.job.id).await?.ok_or_else(missing)?;
        self.job.counts = job.counts;
        self.say("writing the results").await;
        let (status, message) = match over {
            Over::All => (BatchStatus::Completed, None),
            Over::Stopped => (BatchStatus::Stopped, None),
            Over::Late => (BatchStatus::PartiallyCompleted, Some("The time of the job is over.".to_owned())),
            Over::GaveUp(error) if job.counts.succeeded == 0 => return Err(error),
            Over::GaveUp(error) => (BatchStatus::PartiallyCompleted, Some(error.public_text())),
        };
        for (number, file) in (0u32..).zip(files) {
            let role = self.role().await?;
            self.models.write_results(&role, &self.job, (number, file)).await?;
        }
        let role = self.role().await?;
        self.models.write_manifest(&role, &self.job).await?;
        self.end(status, message).await
    }

    async fn end(&mut self, status: BatchStatus, message: Option<String>) -> Result<()> {
        let now = self.models.inner.clock.now();
        self.job.status = status;
        self.job.failure = message.map(failure::cut);
        (self.job.modified, self.job.ended) = (now, Some(now));
        store::end(&self.models.inner.store, &self.ctx, &self.job).await.map(drop)
    }

    /// Moves the job on; false where it is to stop.
    async fn advance(&mut self, to: BatchStatus) -> Result<bool> {
        let inner = &self.models.inner;
        store::advance(&inner.store, &self.ctx, &self.job.id, to, inner.clock.now()).await
    }

    /// The role that the job was given, assumed for the job alone.
    async fn role(&self) -> Result<Ctx> {
        let session = format!("BedrockBatchInference-{}", self.job.id);
        let named = (imported::SERVICE, self.job.role_arn.as_str());
        let role = self.models.assume(named, &self.job.arn, session, self.ctx.region().clone()).await;
        role.map_err(|error| failure::no_role(&self.job.role_arn, error))
    }

    /// What answers for the job's model id, for a role that may ask it. A foundation model is asked by the service itself;
    /// an inference profile and an imported model are the account's, and the role must be allowed to invoke them.
    async fn resolve(&self, role: &Ctx) -> Result<Resolved> {
        let named = &self.job.model_id;
        let resolved = self.models.resolve(role, named).await?;
        let (action, mut asks) = ("bedrock:InvokeModel", Vec::new());
        if let Some(profile) = &resolved.profile {
            let model = format!("arn:aws:bedrock:{}::foundation-model/{}", role.region(), resolved.aws_id);
            asks.push(Ask::new(action, profile.arn.clone()).resource_tags(&profile.tags));
            asks.push(Ask::new(action, model).key("bedrock:InferenceProfileArn", profile.arn.clone()));
        }
        let targets = match &resolved.target {
            Target::Routed { legs, .. } => legs.iter().map(|leg| &leg.target).collect(),
            target => vec![target],
        };
        for target in targets {
            if let Target::Imported { model } = target {
                asks.push(Ask::new(action, model.arn.to_string()).resource_tags(&model.tags));
            }
        }
        for ask in &asks {
            self.models.inner.identity.permit(role, ask, Access::Read).await?;
        }
        Ok(resolved)
    }

    /// How many records are asked at once: as many as the model has sequences, and some that wait for one.
    async fn at_once(&self) -> Result<usize> {
        let options = self.models.inner.loaded.options();
        let sequences = options.parallel.max(1) as usize;
        let resolved = self.models.resolve(&self.ctx, &self.job.model_id).await?;
        Ok(match resolved.target {
            Target::Remote { .. } | Target::Pool { .. } | Target::Routed { .. } => sequences.max(AT_AN_UPSTREAM),
            Target::Local { .. } | Target::Imported { .. } | Target::Endpoint(_) => {
                sequences + sequences.min(options.queue / 2).max(1)
            }
        })
    }

    fn is_late(&self) -> bool {
        self.models.inner.clock.now() >= self.job.expires
    }

    fn time_left(&self) -> Duration {
        let left = self.job.expires.as_millis().saturating_sub(self.models.inner.clock.now().as_millis());
        Duration::from_millis(u64::try_from(left).unwrap_or(0))
    }

    async fn say(&self, message: &str) {
        let (done, total) = (self.job.counts.processed(), Some(self.job.counts.records).filter(|total| *total > 0));
        let (unit, message) = ("records".to_owned(), message.to_owned());
        self.work.progress(Progress { done, total, unit, message }).await;
    }
}

/// A record's file, line, id, and what it came to.
type Given = (u32, u32, String, Result<Answered>);

/// What the records came to, as many as are ready at a time.
fn answers(
    models: &Models,
    items: mpsc::Receiver<Item>,
    at_once: usize,
) -> BoxStream<'static, Vec<std::result::Result<Given, JoinError>>> {
    let models = models.clone();
    let items = stream::unfold(items, |mut items| async move { items.recv().await.map(|item| (item, items)) });
    let given = items.map(move |item| {
        let models = models.clone();
        // On its own task: it goes on while others are kept.
        AbortOnDropHandle::new(tokio::spawn(async move {
            let (file, line, id) = (item.file, item.line, item.id.clone());
            (file, line, id, models.answer_record(item).await)
        }))
    });
    given.buffer_unordered(at_once).ready_chunks(KEPT_TOGETHER).boxed()
}

fn answer((file, line): (u32, u32), value: &Value, (input_tokens, output_tokens): (u64, u64)) -> Outcome {
    Outcome { file, line, answer: value.to_string(), error: None, input_tokens, output_tokens }
}
