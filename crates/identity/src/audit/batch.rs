//! Entries that wait to be written together.

use std::mem;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ::store::Store;
use base::Result;

use super::{Seen, store};

/// How long an entry waits at most.
pub(crate) const INTERVAL: Duration = Duration::from_millis(500);

/// How many entries may wait before those who bring more must wait themselves.
pub(crate) const MOST: usize = 2_000;

/// The entries.
pub(crate) struct Batch {
    waiting: Mutex<Vec<Seen>>,
    /// Held while entries are written: one batch after the other.
    writing: tokio::sync::Mutex<()>,
}

impl Batch {
    pub(crate) fn new() -> Self {
        Self { waiting: Mutex::new(Vec::new()), writing: tokio::sync::Mutex::new(()) }
    }

    /// Adds entries; whether there are now so many that they must be written.
    pub(crate) fn push(&self, entries: Vec<Seen>) -> bool {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.extend(entries);
        waiting.len() >= MOST
    }

    /// Writes what waits. What cannot be written goes on waiting.
    pub(crate) async fn flush(&self, database: &Store) -> Result<()> {
        let _writing = self.writing.lock().await;
        let entries = mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        if entries.is_empty() {
            return Ok(());
        }
        let written = store::insert(database, &entries).await;
        if written.is_err() {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.splice(0..0, entries);
        }
        written
    }
}
