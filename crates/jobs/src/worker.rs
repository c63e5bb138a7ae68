//! Running jobs as they come.

use std::time::Duration;

use base::Result;
use tokio::task::JoinSet;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::store;
use crate::{Jobs, State};

/// How often a worker looks for work that another process made.
const POLL_SHARED: Duration = Duration::from_secs(2);

/// How often a worker looks for work where every event is known; only a clock that jumps makes this needed.
const POLL_ALONE: Duration = Duration::from_secs(30);

/// The pause where what is due waits for others of its kind, or another worker was first.
const PAUSE_WITH_NOTHING_TO_TAKE: Duration = Duration::from_millis(500);

/// The pause after the database failed.
const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(1);

/// Workers at work. Dropping it breaks them off: their jobs are taken again when the leases lapse. [`stop`](Self::stop) is
/// orderly.
#[must_use = "dropping it stops the workers"]
#[derive(Debug)]
pub struct Running {
    workers: JoinSet<()>,
    stop: DropGuard,
}

impl Running {
    /// Stops: no job is begun any more, running handlers are cancelled and have ten seconds to return, and jobs that did
    /// not end go back into the queue without counting the attempt.
    pub async fn stop(mut self) {
        self.stop.disarm().cancel();
        while let Some(ended) = self.workers.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a job worker ended early");
            }
        }
    }
}

impl Jobs {
    /// Runs jobs as they become due, at most `workers` (at least one) at a time, until the result is stopped or dropped.
    /// New jobs begin at once, those made by another process within two seconds. Call it once, within a Tokio runtime.
    pub fn start(&self, workers: usize) -> Running {
        let stop = CancellationToken::new();
        let mut set = JoinSet::new();
        let (jobs, token) = (self.clone(), stop.clone());
        set.spawn(async move {
            jobs.recover().await;
            let mut workers: JoinSet<()> = (0..workers.max(1)).map(|_| jobs.clone().work(token.clone())).collect();
            while let Some(ended) = workers.join_next().await {
                if let Err(error) = ended {
                    tracing::error!(%error, "a job worker ended early");
                }
            }
        });
        Running { workers: set, stop: stop.drop_guard() }
    }

    /// Where only this process uses the database, the jobs that are said to run belong to a dead one: they are taken again
    /// at once.
    async fn recover(&self) {
        let inner = self.inner();
        if inner.store.is_shared() {
            return;
        }
        match store::expire_leases(&inner.store, &inner.lease_owner, inner.clock.now()).await {
            Ok(0) => {}
            Ok(jobs) => tracing::info!(jobs, "jobs go on that the last server left behind"),
            Err(error) => tracing::error!(?error, "jobs of the last server wait until their leases lapse"),
        }
    }

    async fn work(self, stop: CancellationToken) {
        let mut wakes = self.inner().wakes();
        while !stop.is_cancelled() {
            // What happens from here on wakes the wait below.
            wakes.borrow_and_update();
            let pause = match self.work_once(&stop).await {
                Ok(Some(pause)) => pause,
                Ok(None) => continue,
                Err(error) => {
                    tracing::error!(?error, "looking for jobs failed");
                    PAUSE_AFTER_ERROR
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                _ = wakes.changed() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Runs the next due job, or says how long there will be none.
    async fn work_once(&self, stop: &CancellationToken) -> Result<Option<Duration>> {
        let inner = self.inner();
        let due = store::next_due(&inner.store).await?;
        let longest = if inner.store.is_shared() { POLL_SHARED } else { POLL_ALONE };
        let wait = due.map_or(i64::MAX, |due| due.as_millis() - inner.clock.now().as_millis());
        if let Ok(wait @ 1..) = u64::try_from(wait) {
            self.record_open().await?;
            return Ok(Some(longest.min(Duration::from_millis(wait))));
        }
        self.run_schedules().await?;
        Ok(if self.run_next(stop).await? { None } else { Some(PAUSE_WITH_NOTHING_TO_TAKE) })
    }

    /// The gauge of open jobs, by state.
    async fn record_open(&self) -> Result<()> {
        for (state, count) in store::count_open(&self.inner().store).await? {
            debug_assert!(matches!(state, State::Queued | State::Running));
            metrics::gauge!("craton_jobs_open", "state" => state.as_str()).set(count as f64);
        }
        Ok(())
    }
}
