//! Which blobs are in use: being written, or being read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedRwLockReadGuard, RwLock};

/// The blobs of this process that the collector must not remove.
#[derive(Default)]
pub(crate) struct Leases {
    counts: Mutex<HashMap<String, usize>>,
    /// Held shared between a look into the database and the lease of what was found there, so that the collector, which
    /// takes it alone, knows of every reader that may have seen a row that is gone now.
    gate: RwLock<()>,
    /// Held shared by whoever wants nothing removed, alone while something is.
    hold: Arc<RwLock<()>>,
}

/// Keeps some blobs from being removed while it lives.
pub(crate) struct Lease {
    leases: Arc<Leases>,
    ids: Vec<String>,
}

/// Nothing is removed while it lives.
#[derive(Debug)]
pub struct CollectionHold {
    _guard: OwnedRwLockReadGuard<()>,
}

impl Leases {
    pub(crate) fn take(self: &Arc<Self>, ids: impl IntoIterator<Item = String>) -> Lease {
        let ids: Vec<String> = ids.into_iter().collect();
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        for id in &ids {
            *counts.entry(id.clone()).or_default() += 1;
        }
        drop(counts);
        Lease { leases: Arc::clone(self), ids }
    }

    pub(crate) fn holds(&self, id: &str) -> bool {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).contains_key(id)
    }

    /// To be held between a read of rows and the lease of their blobs.
    pub(crate) async fn enter(&self) -> tokio::sync::RwLockReadGuard<'_, ()> {
        self.gate.read().await
    }

    /// Of `ids`, whose rows are gone, those that nobody reads or writes: after this nobody can begin to.
    pub(crate) async fn unused(&self, ids: Vec<String>) -> Vec<String> {
        let _alone = self.gate.write().await;
        ids.into_iter().filter(|id| !self.holds(id)).collect()
    }

    /// Waits until no removal runs and lets none begin.
    pub(crate) async fn hold(&self) -> CollectionHold {
        CollectionHold { _guard: Arc::clone(&self.hold).read_owned().await }
    }

    /// The right to remove; `None` while someone holds the collection.
    pub(crate) fn removal(&self) -> Option<tokio::sync::RwLockWriteGuard<'_, ()>> {
        self.hold.try_write().ok()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut counts = self.leases.counts.lock().unwrap_or_else(PoisonError::into_inner);
        for id in &self.ids {
            if let Some(count) = counts.get_mut(id) {
                *count -= 1;
                if *count == 0 {
                    counts.remove(id);
                }
            }
        }
    }
}
