//! Removing blobs that no row names, and temporary files of writers that are gone.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base::{Result, Timestamp};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::blobs::store as garbage;
use crate::multipart::store as uploads;
use crate::open::Objects;

/// How many blobs are looked at together.
const BATCH: i64 = 500;

/// How often it is looked for what a lost removal left, besides at the start.
const SWEEP_EVERY: Duration = Duration::from_secs(6 * 60 * 60);

/// How long a blob in a shared store is left alone though no row names it, in milliseconds.
const YOUNG: i64 = 24 * 60 * 60 * 1_000;

/// How long garbage stays where other processes may be reading it, in milliseconds.
const SHARED_GRACE: i64 = 60 * 60 * 1_000;

/// How long nothing happens in a multipart upload before it is taken for forgotten, in seconds.
const FORGOTTEN: i64 = 7 * 24 * 60 * 60;

/// The background task that removes what nobody needs.
#[derive(Debug)]
pub struct Collector {
    stop: watch::Sender<()>,
    task: JoinHandle<()>,
}

/// What a collection removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Collected {
    /// Blobs of versions and parts that were deleted or replaced.
    pub garbage: u64,
    /// Blobs that never came to be part of anything.
    pub orphans: u64,
    /// Temporary files.
    pub files: u64,
    /// Multipart uploads in which nothing happened for a week.
    pub uploads: u64,
}

impl Collector {
    /// Waits until the present removal is done and lets none follow.
    pub async fn stop(self) {
        drop(self.stop);
        // A task that failed has nothing to stop.
        let _ = self.task.await;
    }
}

impl Objects {
    /// Starts the collector: it looks at everything at once, then at what is deleted as it is deleted.
    #[must_use]
    pub fn start(&self) -> Collector {
        let (stop, mut stopped) = watch::channel(());
        let objects = self.clone();
        let task = tokio::spawn(async move {
            tokio::select! {
                () = objects.keep_clean() => {}
                _ = stopped.changed() => {}
            }
        });
        Collector { stop, task }
    }

    /// Collects now, all of it: garbage, orphans, temporary files, forgotten uploads. Does nothing while someone holds
    /// the collection.
    ///
    /// # Errors
    /// The store's, and Unavailable where blobs cannot be removed.
    pub async fn collect(&self) -> Result<Collected> {
        let uploads = uploads::abort_idle(self.store(), self.now().plus_seconds(-FORGOTTEN), self.now()).await?;
        let garbage = self.collect_garbage().await?;
        let (orphans, files) = self.sweep().await?;
        Ok(Collected { garbage, orphans, files, uploads })
    }

    async fn keep_clean(&self) {
        loop {
            match self.collect().await {
                Ok(collected) if collected != Collected::default() => tracing::info!(?collected, "collected"),
                Ok(_) => {}
                Err(error) => tracing::warn!(?error, "collecting unused blobs failed; it is tried again"),
            }
            let next = tokio::time::Instant::now() + SWEEP_EVERY;
            loop {
                tokio::select! {
                    () = tokio::time::sleep_until(next) => break,
                    () = self.nudged() => {}
                }
                if let Err(error) = self.collect_garbage().await {
                    tracing::warn!(?error, "removing unused blobs failed; it is tried again");
                }
            }
        }
    }

    /// Removes the blobs of what was deleted or replaced.
    async fn collect_garbage(&self) -> Result<u64> {
        let grace = if self.blobs().folder().is_some() { 0 } else { SHARED_GRACE };
        let until = Timestamp(self.now().as_millis() - grace);
        let (mut removed, mut after) = (0, String::new());
        loop {
            let batch = garbage::garbage(self.store(), until, &after, BATCH).await?;
            let Some(last) = batch.last() else { return Ok(removed) };
            self.check_place().await?;
            after.clone_from(last);
            let Some(_right) = self.blobs().leases.removal() else { return Ok(removed) };
            let unused = self.blobs().leases.unused(batch).await;
            for blob in &unused {
                self.blobs().remove(blob).await?;
            }
            if !unused.is_empty() {
                // Only now, so that a death between leaves garbage that is removed again, not a blob that nobody knows.
                garbage::forget(self.store(), &unused).await?;
            }
            removed += unused.len() as u64;
        }
    }

    /// Removes blobs that no row names and temporary files.
    async fn sweep(&self) -> Result<(u64, u64)> {
        self.check_place().await?;
        let mut orphans = 0;
        for shard in 0..=u8::MAX {
            let found = self.blobs().list(&format!("{shard:02x}")).await?;
            // In this order: a writer's blob is in use until its row is committed, so one that is not in use any more
            // has its row by the time the rows are read.
            let old: Vec<String> = found
                .into_iter()
                .filter(|blob| self.may_be_orphan(blob.written) && !self.blobs().leases.holds(&blob.id))
                .map(|blob| blob.id)
                .collect();
            if old.is_empty() {
                continue;
            }
            let Some(_right) = self.blobs().leases.removal() else { return Ok((orphans, 0)) };
            let unnamed = garbage::unnamed(self.store(), old).await?;
            for blob in self.blobs().leases.unused(unnamed).await {
                self.blobs().remove(&blob).await?;
                orphans += 1;
            }
        }
        let Some(_right) = self.blobs().leases.removal() else { return Ok((orphans, 0)) };
        Ok((orphans, self.blobs().remove_stale_files().await?))
    }

    /// Whether a blob without a row, written at that time and not in use here, has no writer any more. A folder has no
    /// writers but this process; in a shared store it must be older than any upload lasts.
    fn may_be_orphan(&self, written: i64) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let young = i64::try_from(now).unwrap_or(i64::MAX).saturating_sub(YOUNG);
        self.blobs().folder().is_some() || written < young
    }
}
