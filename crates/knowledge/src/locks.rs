//! Who may change what at one time, within this process: the work on a data source is done by one at a time, and nothing is
//! written while a backup copies what there is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard, OwnedRwLockWriteGuard, RwLock, RwLockReadGuard};

/// The locks of all knowledge bases. Those of data sources are small, and stay.
#[derive(Default)]
pub(crate) struct Locks {
    sources: Mutex<HashMap<String, Arc<AsyncMutex<()>>>>,
    writing: Arc<RwLock<()>>,
}

impl Locks {
    /// Waits until nobody else works on the data source.
    pub(crate) async fn source(&self, base: &str, source: &str) -> OwnedMutexGuard<()> {
        self.of(base, source).lock_owned().await
    }

    /// As [`source`](Self::source), if nobody works on it now.
    pub(crate) fn source_now(&self, base: &str, source: &str) -> Option<OwnedMutexGuard<()>> {
        self.of(base, source).try_lock_owned().ok()
    }

    fn of(&self, base: &str, source: &str) -> Arc<AsyncMutex<()>> {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(sources.entry(format!("{base}/{source}")).or_default())
    }

    /// Held while an index and its rows are changed.
    pub(crate) async fn writing(&self) -> RwLockReadGuard<'_, ()> {
        self.writing.read().await
    }

    /// Waits until nobody changes an index or its rows, and lets nobody as long as it is held.
    pub(crate) async fn still(&self) -> OwnedRwLockWriteGuard<()> {
        Arc::clone(&self.writing).write_owned().await
    }
}
