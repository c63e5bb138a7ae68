//! How far a pull is, and whether it shall stop.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base::Result;
use tokio_util::sync::CancellationToken;

use crate::library::stopped;

/// How a pull tells of itself and learns that it shall stop. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Meter {
    pub(crate) cancelled: CancellationToken,
    state: Arc<Mutex<Reading>>,
}

/// How far a pull is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) done: u64,
    pub(crate) total: Option<u64>,
    pub(crate) message: String,
}

impl Meter {
    pub(crate) fn new(cancelled: CancellationToken) -> Self {
        Self { cancelled, state: Arc::default() }
    }

    pub(crate) fn begin(&self, message: impl Into<String>, total: Option<u64>) {
        *self.lock() = Reading { done: 0, total, message: message.into() };
    }

    pub(crate) fn say(&self, message: impl Into<String>) {
        self.lock().message = message.into();
    }

    pub(crate) fn set(&self, done: u64) {
        self.lock().done = done;
    }

    /// Adds to what is done.
    ///
    /// # Errors
    /// [`stopped`], where the work shall stop.
    pub(crate) fn advance(&self, bytes: u64) -> Result<()> {
        self.lock().done += bytes;
        if self.cancelled.is_cancelled() { Err(stopped()) } else { Ok(()) }
    }

    pub(crate) fn read(&self) -> Reading {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Reading> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
