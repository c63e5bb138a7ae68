//! Following a job live.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base::AccountId;
use futures::Stream;
use futures::stream;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{Job, JobId, Jobs};

/// How often a job that another process may be running is read again.
const REREAD: Duration = Duration::from_secs(1);

/// The jobs that somebody in this process watches, with the newest report of each.
#[derive(Debug, Default)]
pub(crate) struct Watched {
    jobs: Mutex<HashMap<JobId, watch::Sender<Option<Job>>>>,
    /// Cancelled once nothing is watched any more.
    over: CancellationToken,
}

impl Watched {
    fn lock(&self) -> MutexGuard<'_, HashMap<JobId, watch::Sender<Option<Job>>>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn subscribe(&self, id: &JobId) -> watch::Receiver<Option<Job>> {
        let mut watched = self.lock();
        watched.retain(|_, sender| sender.receiver_count() > 0);
        watched.entry(id.clone()).or_insert_with(|| watch::Sender::new(None)).subscribe()
    }

    /// Passes the job on to those who watch it; forgets it when it has ended or nobody watches any more.
    pub(crate) fn publish(&self, job: &Job) {
        let mut watched = self.lock();
        if let Some(sender) = watched.get(&job.id) {
            let heard = sender.send(Some(job.clone())).is_ok();
            if !heard || job.state.is_end() {
                watched.remove(&job.id);
            }
        }
    }
}

impl Jobs {
    /// The job as it is now and then whenever it changes, until it has ended. A slow reader misses reports in between,
    /// never the last one. Ends at once where the account has no such job, and after the newest report once
    /// [`end_watches`](Self::end_watches) was called.
    pub fn watch(&self, account: &AccountId, id: &JobId) -> impl Stream<Item = Job> + Send + use<> {
        let follow = Follow {
            receiver: self.inner().watched.subscribe(id),
            jobs: self.clone(),
            account: account.clone(),
            id: id.clone(),
            last: None,
        };
        stream::unfold(follow, |mut follow| async move {
            let job = follow.next().await?;
            follow.last = Some(job.clone());
            Some((job, follow))
        })
    }

    /// Ends all that is watched: the server stops, and a watch could last as long as its job.
    pub fn end_watches(&self) {
        self.inner().watched.over.cancel();
    }
}

struct Follow {
    receiver: watch::Receiver<Option<Job>>,
    jobs: Jobs,
    account: AccountId,
    id: JobId,
    /// What the reader has seen.
    last: Option<Job>,
}

impl Follow {
    async fn next(&mut self) -> Option<Job> {
        match &self.last {
            None => return self.read().await,
            Some(last) if last.state.is_end() => return None,
            Some(_) => {}
        }
        loop {
            let job = tokio::select! {
                changed = self.receiver.changed() => match changed {
                    Ok(()) => self.receiver.borrow_and_update().clone(),
                    // The sender went away after its last report: what it said last is in the database.
                    Err(_) => return self.read().await.filter(|job| Some(job) != self.last.as_ref()),
                },
                () = self.jobs.inner().watched.over.cancelled() => return None,
                () = tokio::time::sleep(REREAD), if self.jobs.inner().store.is_shared() => self.read().await,
            };
            if job.is_some() && job != self.last {
                return job;
            }
        }
    }

    async fn read(&self) -> Option<Job> {
        self.jobs.get(&self.account, &self.id).await.ok()
    }
}
