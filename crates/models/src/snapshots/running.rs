//! Keeping prefixes now and then, and at the end.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::Models;
use crate::loaded::Keeping;

/// How often what is worth keeping is written.
const EVERY: Duration = Duration::from_secs(60);

/// The background task that keeps prefixes.
#[derive(Debug)]
pub struct Snapshotting {
    stop: watch::Sender<()>,
    task: JoinHandle<()>,
}

impl Snapshotting {
    /// Keeps what is worth it for the last time, and returns when that is written.
    pub async fn stop(self) {
        drop(self.stop);
        // A task that failed has nothing to stop.
        let _ = self.task.await;
    }
}

impl Models {
    /// Starts to keep the beginnings of prompts on disk, every minute and when it is stopped; does nothing where the
    /// settings keep none.
    #[must_use]
    pub fn start_snapshots(&self) -> Snapshotting {
        let (stop, mut stopped) = watch::channel(());
        let models = self.clone();
        let task = tokio::spawn(async move {
            let mut is_over = !models.inner.snapshots.as_ref().is_some_and(|snapshots| snapshots.are_kept());
            while !is_over {
                is_over = tokio::select! {
                    () = tokio::time::sleep(EVERY) => false,
                    _ = stopped.changed() => true,
                };
                models.keep_prefixes().await;
            }
        });
        Snapshotting { stop, task }
    }

    /// Writes what the loaded models have of prompts that is worth keeping, where the settings keep any.
    pub async fn keep_prefixes(&self) {
        for name in self.inner.loaded.names() {
            // One after the other: a model that is evicted meanwhile is not held.
            let loaded = self.inner.loaded.clone();
            let keep = move || loaded.keeping(&name).as_ref().map(Keeping::keep);
            // A panic is the engine's, which says so itself.
            let _ = tokio::task::spawn_blocking(keep).await;
        }
    }
}
