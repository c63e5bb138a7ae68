//! Telling a running job that it is to stop.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

/// The jobs that run in this process, by ARN.
#[derive(Debug, Default)]
pub(crate) struct Stops(Mutex<HashMap<String, CancellationToken>>);

impl Stops {
    /// A token for the job's run, cancelled when it is to stop. A run that overlaps another one of the job shares it.
    pub(super) fn watch(&self, job: &str) -> CancellationToken {
        self.lock().entry(job.to_owned()).or_default().clone()
    }

    /// Tells the job's run.
    pub(super) fn stop(&self, job: &str) {
        if let Some(token) = self.lock().get(job) {
            token.cancel();
        }
    }

    /// Forgets the job.
    pub(super) fn forget(&self, job: &str) {
        self.lock().remove(job);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, CancellationToken>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
