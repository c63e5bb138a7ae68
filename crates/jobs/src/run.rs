//! Running one job.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base::{Error, ErrorKind, Result};
use futures::FutureExt as _;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::context::Attempt;
use crate::store::{self, Found, LEASE_MS, Standing, Taken};
use crate::transition::{Circumstances, after_attempt};
use crate::{Handler, Job, JobContext, Jobs};

/// How long a handler may take to return after the server was told to stop.
const STOP_PATIENCE: Duration = Duration::from_secs(10);

impl Jobs {
    /// Runs everything that is due now, one job after another, and returns how many attempts were made. For tests and for
    /// programs that drive the jobs themselves; a server uses [`start`](Self::start).
    ///
    /// # Errors
    /// As [`::store::Store::write`]. A job's failure is in the job.
    pub async fn run_due_once(&self) -> Result<usize> {
        let stop = CancellationToken::new();
        self.run_schedules().await?;
        let mut attempts = 0;
        while self.run_next(&stop).await? {
            attempts += 1;
        }
        Ok(attempts)
    }

    /// Takes and runs the next due job. False: there is none.
    pub(crate) async fn run_next(&self, stop: &CancellationToken) -> Result<bool> {
        let now = self.inner().clock.now();
        match store::take(&self.inner().store, &self.inner().lease_owner, &self.inner().long(), now).await? {
            Found::Nothing => Ok(false),
            Found::Ended(job) => {
                self.note_end(&job);
                Ok(true)
            }
            Found::Work(taken) => {
                self.run(*taken, stop).await;
                Ok(true)
            }
        }
    }

    /// Runs one attempt and records its result. Where that cannot be recorded, the lease lapses and the job is taken again.
    async fn run(&self, taken: Taken, stop: &CancellationToken) {
        let (id, kind) = (taken.job.id.clone(), taken.job.kind.clone());
        let attempt = Arc::new(Attempt::new(taken, stop.child_token()));
        self.inner().running().insert(id.clone(), attempt.cancelled.clone());
        self.inner().publish(&attempt.taken.job);
        metrics::counter!("craton_job_attempts_total", "kind" => kind.clone()).increment(1);
        let start = Instant::now();
        let result = self.supervise(&attempt, stop).await;
        metrics::histogram!("craton_job_attempt_seconds", "kind" => kind).record(start.elapsed().as_secs_f64());
        self.inner().running().remove(&id);
        if let Err(error) = self.finish(&attempt, result, stop.is_cancelled()).await {
            tracing::error!(job = %id, ?error, "the job's result was not recorded; it will run again");
        }
    }

    /// Runs the handler while keeping the lease. A handler that does not return after `stop` is dropped.
    async fn supervise(&self, attempt: &Arc<Attempt>, stop: &CancellationToken) -> Result<Value> {
        let kind = &attempt.taken.job.kind;
        let Some(handler) = self.inner().handler(kind) else {
            return Err(Error::not_implemented(format!("This server has no handler for jobs of kind `{kind}`."))
                .with_hint("The job was made by another version of Craton."));
        };
        let context = JobContext { inner: Arc::clone(self.inner()), attempt: Arc::clone(attempt) };
        let impatience = async {
            stop.cancelled().await;
            tokio::time::sleep(STOP_PATIENCE).await;
        };
        tokio::select! {
            result = handle(handler.as_ref(), context) => result,
            () = self.keep_lease(attempt) => Err(lost(attempt)),
            () = impatience => Err(Error::unavailable("The server stopped.")),
        }
    }

    /// Renews the lease for ever; cancels the handler when the job is to end. Returns some time after the lease was lost.
    async fn keep_lease(&self, attempt: &Attempt) {
        let period = Duration::from_millis(LEASE_MS.unsigned_abs() / 3);
        while !attempt.live().lost {
            tokio::time::sleep(period).await;
            self.renew(attempt).await;
        }
        tokio::time::sleep(STOP_PATIENCE).await;
    }

    pub(crate) async fn renew(&self, attempt: &Attempt) {
        match store::renew(&self.inner().store, &attempt.taken, self.inner().clock.now()).await {
            Ok(Some(false)) => {}
            Ok(Some(true)) => attempt.cancelled.cancel(),
            Ok(None) => attempt.lose(),
            Err(error) => tracing::warn!(job = %attempt.taken.job.id, ?error, "the job's lease was not renewed"),
        }
    }

    async fn finish(&self, attempt: &Attempt, result: Result<Value>, stopping: bool) -> Result<()> {
        if let Err(error) = &result {
            tracing::info!(job = %attempt.taken.job.id, attempt = attempt.taken.job.attempt, ?error, "an attempt failed");
        }
        let (now, jitter) = (self.inner().clock.now(), self.inner().random.next_u64());
        let taken = &attempt.taken;
        let (progress, put_off) = {
            let live = attempt.live();
            (live.job.progress.clone(), live.put_off)
        };
        let decide = |standing: &Standing| {
            let known = Circumstances {
                attempt: taken.job.attempt,
                max_attempts: taken.job.max_attempts,
                cancel_requested: standing.cancel_requested,
                advanced: standing.advanced,
                put_off,
                stopping,
                now,
                jitter,
            };
            after_attempt(result.clone(), &known)
        };
        match store::finish(&self.inner().store, taken, progress.as_ref(), decide, now).await? {
            Some(job) if job.state.is_end() => self.note_end(&job),
            Some(job) => self.inner().publish(&job),
            None => tracing::warn!(job = %taken.job.id, "the job was taken over; this attempt's result is dropped"),
        }
        Ok(())
    }

    fn note_end(&self, job: &Job) {
        let labels = [("kind", job.kind.clone()), ("state", job.state.as_str().to_owned())];
        metrics::counter!("craton_jobs_ended_total", &labels).increment(1);
        self.inner().publish(job);
        // Others may have waited for it.
        self.inner().wake();
    }
}

/// The handler's result; its panic is an error of ours.
async fn handle(handler: &dyn Handler, context: JobContext) -> Result<Value> {
    let caught = AssertUnwindSafe(async { handler.run(context).await }).catch_unwind().await;
    caught.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
        Err(Error::new(ErrorKind::Internal, "The job stopped by a fault of ours.")
            .with_hint("The server's log says more; please report it.")
            .with_detail(format!("panic: {text}")))
    })
}

fn lost(attempt: &Attempt) -> Error {
    Error::new(ErrorKind::Conflict, format!("The job `{}` was taken over.", attempt.taken.job.id))
}
