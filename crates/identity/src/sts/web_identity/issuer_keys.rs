//! The keys of issuers that were read: strangers who send tokens decide neither how often nor how many are read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use base::{Clock, Error, Result, Timestamp};
use tokio::sync::{Mutex as Turn, Semaphore};

use super::keys::Keys;

/// How long keys are good, in milliseconds.
pub(super) const KEPT: i64 = 60_000;
/// How old keys must be to be read again for a token that none of them signed, in milliseconds.
pub(super) const READ_AGAIN: i64 = 10_000;
/// How long an issuer that failed is not asked again, in milliseconds.
pub(super) const FAILED: i64 = 5_000;
/// The most issuers that are asked at the same time.
pub(super) const AT_ONCE: usize = 16;
/// The most issuers whose keys are kept.
const CAPACITY: usize = 10_000;

/// What issuers answered last, and who is being asked.
pub(crate) struct IssuerKeys {
    clock: Arc<dyn Clock>,
    issuers: Mutex<HashMap<String, Arc<Turn<Option<Answer>>>>>,
    asking: Arc<Semaphore>,
}

struct Answer {
    at: Timestamp,
    keys: Result<Arc<Keys>>,
}

impl Answer {
    /// Whether the answer counts where keys may be `oldest` milliseconds old.
    fn counts(&self, now: Timestamp, oldest: i64) -> bool {
        let oldest = if self.keys.is_ok() { oldest } else { FAILED };
        (0..oldest).contains(&now.as_millis().saturating_sub(self.at.as_millis()))
    }
}

impl IssuerKeys {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, issuers: Mutex::default(), asking: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// The keys of `issuer`, which are less than `oldest` milliseconds old or what `read` gives. One reads, and whoever
    /// wants the same meanwhile waits for it. It goes on when its caller leaves, so that leaving asks no one twice.
    ///
    /// # Errors
    /// Those of `read`, for [`FAILED`] milliseconds. Throttled, where [`AT_ONCE`] issuers are being asked.
    pub(super) async fn get<F>(&self, issuer: &str, oldest: i64, read: impl FnOnce() -> F) -> Result<Arc<Keys>>
    where
        F: Future<Output = Result<Keys>> + Send + 'static,
    {
        let mut turn = self.turn(issuer).lock_owned().await;
        if let Some(answer) = turn.as_ref().filter(|answer| answer.counts(self.clock.now(), oldest)) {
            return answer.keys.clone();
        }
        let asking = Arc::clone(&self.asking).try_acquire_owned().map_err(|_| {
            Error::throttled("Too many identity providers are being asked for their keys.")
                .with_hint("Try again in some seconds.")
        })?;
        let (read, clock) = (read(), Arc::clone(&self.clock));
        let reading = tokio::spawn(async move {
            let keys = read.await.map(Arc::new);
            *turn = Some(Answer { at: clock.now(), keys: keys.clone() });
            drop(asking);
            keys
        });
        reading.await.map_err(Error::internal)?
    }

    fn turn(&self, issuer: &str) -> Arc<Turn<Option<Answer>>> {
        let mut issuers = self.issuers.lock().unwrap_or_else(PoisonError::into_inner);
        if issuers.len() >= CAPACITY && !issuers.contains_key(issuer) {
            // Those that somebody waits for stay.
            issuers.retain(|_, turn| Arc::strong_count(turn) > 1);
        }
        Arc::clone(issuers.entry(issuer.to_owned()).or_default())
    }
}
