//! How far a pull is, and whether it shall stop.

use std::sync::atomic::{AtomicUsize, Ordering};
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
#[derive(Debug, Clone, Default)]
pub(crate) struct Reading {
    pub(crate) done: u64,
    pub(crate) total: Option<u64>,
    /// What is counted.
    pub(crate) unit: &'static str,
    pub(crate) message: String,
    /// Counted elsewhere.
    counter: Option<Arc<AtomicUsize>>,
}

impl Meter {
    pub(crate) fn new(cancelled: CancellationToken) -> Self {
        Self { cancelled, state: Arc::default() }
    }

    pub(crate) fn begin(&self, message: impl Into<String>, total: Option<u64>) {
        *self.lock() = Reading { done: 0, total, unit: "bytes", message: message.into(), counter: None };
    }

    /// Begins to tell of work that counts itself in the counter.
    pub(crate) fn count(&self, message: impl Into<String>, unit: &'static str, total: u64) -> Arc<AtomicUsize> {
        let counter = Arc::<AtomicUsize>::default();
        *self.lock() =
            Reading { done: 0, total: Some(total), unit, message: message.into(), counter: Some(counter.clone()) };
        counter
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
        let reading = self.lock().clone();
        match &reading.counter {
            Some(counter) => Reading { done: counter.load(Ordering::Relaxed) as u64, ..reading },
            None => reading,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Reading> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
