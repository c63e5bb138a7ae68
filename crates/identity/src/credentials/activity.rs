//! When keys and console sessions were last used: noted in memory, written now and then.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};

use base::{Result, Timestamp};

use crate::credentials::store as tables;
use crate::open::Identity;

/// The least time between two notes of the same thing, in milliseconds.
const RESOLUTION: i64 = 60_000;

/// What can be used.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Used {
    /// An access key.
    AccessKey {
        /// `AKIA…`
        id: String,
        /// The region that the request was signed for.
        region: Option<String>,
        /// The service that the request was signed for.
        service: Option<String>,
    },
    /// The API key of this id.
    ApiKey(String),
    /// The console session whose token has this hash.
    ConsoleSession(String),
    /// A session of the role of this id, in this region.
    Role {
        /// `AROA…`
        id: String,
        /// The region that the request was for.
        region: String,
    },
}

/// The uses that are not written yet.
pub(crate) struct Activity {
    pending: Mutex<HashMap<Used, Timestamp>>,
}

/// When a cached thing was last noted.
#[derive(Debug)]
pub(crate) struct LastNoted(AtomicI64);

impl LastNoted {
    /// Nothing was noted since `at`.
    pub(crate) fn at(at: Option<Timestamp>) -> Self {
        Self(AtomicI64::new(at.map_or(i64::MIN, Timestamp::as_millis)))
    }

    /// The last use.
    pub(crate) fn get(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }
}

impl Activity {
    pub(crate) fn new() -> Self {
        Self { pending: Mutex::new(HashMap::new()) }
    }

    /// Notes a use at `now`, unless one within the last minute was noted.
    pub(crate) fn note(&self, last: &LastNoted, now: Timestamp, used: impl FnOnce() -> Used) {
        if now.as_millis().saturating_sub(last.get().as_millis()) < RESOLUTION {
            return;
        }
        last.0.store(now.as_millis(), Ordering::Relaxed);
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).insert(used(), now);
    }

    /// Notes a use at `now`.
    pub(crate) fn note_always(&self, used: Used, now: Timestamp) {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).insert(used, now);
    }

    /// The use of `used` that is not written yet.
    pub(crate) fn pending(&self, used: &Used) -> Option<Timestamp> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).get(used).copied()
    }

    fn snapshot(&self) -> HashMap<Used, Timestamp> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Forgets the notes that were written, but no newer ones.
    fn forget(&self, written: &HashMap<Used, Timestamp>) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        pending.retain(|used, at| written.get(used) != Some(at));
    }
}

impl Identity {
    /// Writes when keys and console sessions were last used. Happens once a minute by itself; to be called before the
    /// process ends, so that the last minute is not lost.
    ///
    /// # Errors
    /// The store's; what was not written is kept for the next time.
    pub async fn flush_last_used(&self) -> Result<()> {
        let uses = self.0.activity.snapshot();
        if uses.is_empty() {
            return Ok(());
        }
        tables::write_uses(&self.0.store, &uses).await?;
        self.0.activity.forget(&uses);
        Ok(())
    }
}
