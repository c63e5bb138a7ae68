//! The jobs as their callers see them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use ::store::Store;
use base::{AccountId, Clock, Page, PageRequest, Random, Result};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::store::{self, Insert, TABLES};
use crate::watch::Watched;
use crate::{Handler, Job, JobId, NewJob};

/// The durable jobs. Clones are the same.
#[derive(Clone)]
pub struct Jobs(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    /// Differs between processes, and between `Jobs` opened in one.
    pub(crate) lease_owner: String,
    pub(crate) watched: Watched,
    handlers: RwLock<HashMap<&'static str, Arc<dyn Handler>>>,
    /// The long kinds, each between bars.
    long: RwLock<String>,
    running: Mutex<HashMap<JobId, CancellationToken>>,
    /// Held by whoever adds to a lane.
    pub(crate) filling: tokio::sync::Mutex<()>,
    /// Counts the events after which a worker should look for work.
    work: watch::Sender<u64>,
}

impl Jobs {
    /// Opens the jobs in `store`, bringing their tables up to date. Nothing runs before [`start`](Self::start).
    ///
    /// # Errors
    /// As [`Store::migrate`].
    pub async fn open(store: Store, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Result<Self> {
        store.migrate(TABLES.name, TABLES.migrations).await?;
        let inner = Inner {
            lease_owner: random.uuid(),
            store,
            clock,
            random,
            watched: Watched::default(),
            handlers: RwLock::default(),
            long: RwLock::default(),
            running: Mutex::default(),
            filling: tokio::sync::Mutex::default(),
            work: watch::Sender::new(0),
        };
        Ok(Self(Arc::new(inner)))
    }

    /// Sets the handler of the jobs of `kind`. Register all before [`start`](Self::start): a job of a kind without
    /// handler fails.
    pub fn register(&self, kind: &'static str, handler: Arc<dyn Handler>) {
        self.0.handlers.write().unwrap_or_else(PoisonError::into_inner).insert(kind, handler);
    }

    /// As [`register`](Self::register), for jobs that take long: only two of the kind run at once, so that others find workers.
    pub fn register_long(&self, kind: &'static str, handler: Arc<dyn Handler>) {
        self.register(kind, handler);
        self.0.long.write().unwrap_or_else(PoisonError::into_inner).push_str(&format!("|{kind}|"));
    }

    /// Makes a job; it is durable when this returns. Where an open one with the same key is there, returns that.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub async fn submit(&self, new: NewJob) -> Result<Job> {
        self.submit_after(new, &[]).await
    }

    /// As [`submit`](Self::submit); the job waits until those in `needed` have succeeded, and fails when one of them
    /// fails or is cancelled.
    ///
    /// # Errors
    /// NotFound, where the account has no such job; Conflict, where one of them has failed or was cancelled.
    pub async fn submit_after(&self, new: NewJob, needed: &[JobId]) -> Result<Job> {
        let now = self.0.clock.now();
        let id = &JobId::new(now, self.0.random.as_ref());
        let input = &new.input.to_string();
        let new = &new;
        let job = self
            .0
            .store
            .write(|tx| async move {
                let job = store::insert(&tx, &Insert::of(new, id, input, now)).await?;
                if job.id == *id {
                    for needed in needed {
                        store::insert_need(&tx, &new.owner.account, id, needed).await?;
                    }
                }
                Ok(job)
            })
            .await?;
        self.0.wake();
        Ok(job)
    }

    /// The account's job.
    ///
    /// # Errors
    /// NotFound, where the account has none of that id.
    pub async fn get(&self, account: &AccountId, id: &JobId) -> Result<Job> {
        self.0.store.read(|tx| async move { store::find(&tx, account, id).await }).await
    }

    /// The account's jobs, newest first.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub async fn list(&self, account: &AccountId, page: &PageRequest) -> Result<Page<Job>> {
        store::list(&self.0.store, account, page).await
    }

    /// Whether a job of `kind`, of any account, has not ended.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub async fn any_open(&self, kind: &str) -> Result<bool> {
        self.0.store.read(|tx| async move { store::any_open(&tx, kind).await }).await
    }

    /// The oldest job of `kind`, of any account, that has not ended.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub async fn find_open(&self, kind: &str) -> Result<Option<Job>> {
        self.0.store.read(|tx| async move { store::find_open(&tx, kind).await }).await
    }

    /// Ends the account's job: a queued one at once; a running one when its handler, whose token is cancelled, returns. An
    /// ended one stays as it is.
    ///
    /// # Errors
    /// NotFound, where the account has none of that id.
    pub async fn cancel(&self, account: &AccountId, id: &JobId) -> Result<Job> {
        let job = store::cancel(&self.0.store, account, id, self.0.clock.now()).await?;
        match self.0.running().get(id) {
            Some(token) if job.cancel_requested => token.cancel(),
            _ => self.0.publish(&job),
        }
        Ok(job)
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.0
    }
}

impl Inner {
    pub(crate) fn handler(&self, kind: &str) -> Option<Arc<dyn Handler>> {
        self.handlers.read().unwrap_or_else(PoisonError::into_inner).get(kind).cloned()
    }

    pub(crate) fn long(&self) -> String {
        self.long.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The handlers' tokens of the jobs that run in this process.
    pub(crate) fn running(&self) -> MutexGuard<'_, HashMap<JobId, CancellationToken>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn publish(&self, job: &Job) {
        self.watched.publish(job);
    }

    /// Makes idle workers look for work.
    pub(crate) fn wake(&self) {
        self.work.send_modify(|count| *count = count.wrapping_add(1));
    }

    pub(crate) fn wakes(&self) -> watch::Receiver<u64> {
        self.work.subscribe()
    }
}
