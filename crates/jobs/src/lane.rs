//! Jobs that ask for the same thing.

pub(crate) mod store;

use base::Result;

use crate::store::{Insert, insert, open_with_key};
use crate::{Job, JobId, Jobs, NewJob};

/// What jobs share that ask for the same thing, such as one endpoint: only so many of them are open at a time, and where one
/// is put off ([`JobContext::put_off`](crate::JobContext::put_off)), all that are queued wait as long, each in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane {
    /// Its name, which is its own among the lanes of all kinds and accounts.
    pub name: String,
    /// How many of its jobs are queued or running at most.
    pub most: u32,
}

impl Jobs {
    /// As [`submit`](Self::submit), into a lane; none where as many of its jobs are open as may be. While the lane waits
    /// because one of its jobs was put off, this one does, too.
    ///
    /// # Errors
    /// As [`submit`](Self::submit).
    pub async fn submit_in(&self, new: NewJob, lane: &Lane) -> Result<Option<Job>> {
        let now = self.inner().clock.now();
        let id = &JobId::new(now, self.inner().random.as_ref());
        let input = &new.input.to_string();
        let new = &new;
        let made = self
            .inner()
            .store
            .write(|tx| async move {
                let row = Insert { lane: Some(&lane.name), ..Insert::of(new, id, input, now) };
                if let Some(open) = open_with_key(&tx, &row).await? {
                    return Ok(Some(open));
                }
                if store::count_open(&tx, &lane.name).await? >= i64::from(lane.most) {
                    return Ok(None);
                }
                let busy = store::busy_until(&tx, &lane.name).await?;
                let run_at = busy.map_or(row.run_at, |until| row.run_at.max(until));
                insert(&tx, &Insert { run_at, ..row }).await.map(Some)
            })
            .await?;
        self.inner().wake();
        Ok(made)
    }
}
