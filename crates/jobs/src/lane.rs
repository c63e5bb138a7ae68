//! Jobs that ask for the same thing.

pub(crate) mod store;

use base::{Result, Timestamp};

use crate::store::{Insert, insert, open_with_key};
use crate::{Job, JobId, Jobs, NewJob};

/// What jobs share that ask for the same thing, such as one endpoint: only so many of them are open at a time, and where one
/// is put off with its lane ([`JobContext::put_off_lane`](crate::JobContext::put_off_lane)), all that are queued wait as long, each
/// in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane {
    /// Its name, which is its own among the lanes of all kinds and accounts.
    pub name: String,
    /// How many of its jobs are queued or running at most.
    pub most: u32,
}

impl Jobs {
    /// As [`submit`](Self::submit), into a lane; none where as many of its jobs are open as may be. While the lane waits
    /// because one of its jobs was put off, this one does, too; but however often it is, it begins at `begins_by`.
    ///
    /// # Errors
    /// As [`submit`](Self::submit).
    pub async fn submit_in(&self, new: NewJob, lane: &Lane, begins_by: Option<Timestamp>) -> Result<Option<Job>> {
        // Transactions that count the same jobs and add to them would make each other begin again.
        let _alone = self.inner().filling.lock().await;
        let now = self.inner().clock.now();
        let id = &JobId::new(now, self.inner().random.as_ref());
        let input = &new.input.to_string();
        let new = &new;
        let made = self
            .inner()
            .store
            .write(|tx| async move {
                let row = Insert { lane: Some(&lane.name), begins_by, ..Insert::of(new, id, input, now) };
                if let Some(open) = open_with_key(&tx, &row).await? {
                    return Ok(Some(open));
                }
                if store::count_open(&tx, &lane.name).await? >= i64::from(lane.most) {
                    return Ok(None);
                }
                let busy = store::busy_until(&tx, &lane.name, now).await?;
                let latest = begins_by.unwrap_or(Timestamp(i64::MAX)).max(row.run_at);
                let run_at = busy.map_or(row.run_at, |until| row.run_at.max(until)).min(latest);
                insert(&tx, &Insert { run_at, ..row }).await.map(Some)
            })
            .await?;
        self.inner().wake();
        Ok(made)
    }
}
