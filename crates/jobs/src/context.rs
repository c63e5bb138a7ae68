//! What a handler knows of its job and tells about it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base::{Error, ErrorKind, Result, Timestamp};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::service::Inner;
use crate::store::{self, Taken};
use crate::{Job, JobId, Owner, Progress};

/// Progress is written at most this often; who watches sees each report.
const PROGRESS_WRITE_MS: i64 = 250;

/// A running job, as its handler sees it. Clones are the same job.
#[derive(Clone)]
pub struct JobContext {
    pub(crate) inner: Arc<Inner>,
    pub(crate) attempt: Arc<Attempt>,
}

/// One attempt.
pub(crate) struct Attempt {
    pub(crate) taken: Taken,
    pub(crate) cancelled: CancellationToken,
    pub(crate) live: Mutex<Live>,
}

/// How a handler gives a job back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PutOff {
    /// How much later it begins again.
    pub(crate) pause: Duration,
    /// Whether the other jobs of its lane wait as long.
    pub(crate) lane: bool,
}

/// What changes while the handler runs.
pub(crate) struct Live {
    pub(crate) job: Job,
    checkpoint: Option<Value>,
    progress_written: Option<Timestamp>,
    /// Another worker took the job: nothing that this attempt says counts any more.
    pub(crate) lost: bool,
    /// Where the handler gives it back.
    pub(crate) put_off: Option<PutOff>,
}

impl Attempt {
    pub(crate) fn new(taken: Taken, cancelled: CancellationToken) -> Self {
        let live = Live {
            job: taken.job.clone(),
            checkpoint: taken.checkpoint.clone(),
            progress_written: None,
            lost: false,
            put_off: None,
        };
        Self { taken, cancelled, live: Mutex::new(live) }
    }

    pub(crate) fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that another worker has the job, and stops the handler.
    pub(crate) fn lose(&self) {
        self.live().lost = true;
        self.cancelled.cancel();
    }
}

impl JobContext {
    /// The job's id.
    #[must_use]
    pub fn id(&self) -> &JobId {
        &self.attempt.taken.job.id
    }

    /// What the job was submitted with.
    #[must_use]
    pub fn input(&self) -> &Value {
        &self.attempt.taken.job.input
    }

    /// Which attempt this is, of those that count; from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt.taken.job.attempt
    }

    /// Whose job it is.
    #[must_use]
    pub fn owner(&self) -> &Owner {
        &self.attempt.taken.job.owner
    }

    /// Cancelled when the job is to end: somebody asked for it, the server stops, or another worker has taken the job
    /// over. The handler then returns soon, with any result.
    #[must_use]
    pub fn cancelled(&self) -> CancellationToken {
        self.attempt.cancelled.clone()
    }

    /// Gives the job back, so that its worker is free for others: where this attempt fails with an error that is tried
    /// again, it does not count, and the next begins so much later. How often, is the handler's to bound.
    pub fn put_off(&self, pause: Duration) {
        self.attempt.live().put_off = Some(PutOff { pause, lane: false });
    }

    /// As [`put_off`](Self::put_off), and the queued jobs of its [`Lane`](crate::Lane) wait as long, unless another of them is
    /// running: for what is in the way of all of them.
    pub fn put_off_lane(&self, pause: Duration) {
        self.attempt.live().put_off = Some(PutOff { pause, lane: true });
    }

    /// What this or an earlier attempt saved last.
    #[must_use]
    pub fn checkpoint(&self) -> Option<Value> {
        self.attempt.live().checkpoint.clone()
    }

    /// Saves how far the job has come; durable when this returns. Renews the lease.
    ///
    /// # Errors
    /// Conflict, where another worker has taken the job over; as [`store::Store::write`] otherwise.
    pub async fn save_checkpoint(&self, checkpoint: Value) -> Result<()> {
        let text = checkpoint.to_string();
        let now = self.inner.clock.now();
        if !store::save_checkpoint(&self.inner.store, &self.attempt.taken, &text, now).await? {
            self.attempt.lose();
            return Err(Error::new(ErrorKind::Conflict, format!("The job `{}` was taken over.", self.id())));
        }
        self.attempt.live().checkpoint = Some(checkpoint);
        Ok(())
    }

    /// Tells how far the job has come: at once to those who watch, and to the database at most four times a second
    /// unless the message changed.
    /// A report that cannot be written is dropped; the job goes on.
    pub async fn progress(&self, progress: Progress) {
        let now = self.inner.clock.now();
        let progress = Progress { total: progress.total.map(|total| total.max(progress.done)), ..progress };
        let write = {
            let mut live = self.attempt.live();
            if live.lost {
                return;
            }
            let told = |job: &Job| job.progress.as_ref().map(|progress| progress.message.clone());
            let before = told(&live.job);
            live.job.progress = Some(progress.clone());
            self.inner.publish(&live.job);
            let due = before != told(&live.job)
                || live.progress_written.is_none_or(|last| now.as_millis() - last.as_millis() >= PROGRESS_WRITE_MS);
            if due {
                live.progress_written = Some(now);
            }
            due
        };
        if !write {
            return;
        }
        match store::save_progress(&self.inner.store, &self.attempt.taken, &progress, now).await {
            Ok(true) => {}
            Ok(false) => self.attempt.lose(),
            Err(error) => tracing::warn!(job = %self.id(), ?error, "the job's progress was not written"),
        }
    }
}
