//! The embedded back end: an index in a folder of this machine.
//!
//! A change is analysed, appended to the log, made durable, and then applied to the state in memory that every query
//! reads: whoever was told of a change finds it in the next query, and so does everybody else. Compactions write the
//! state to a new base file beside that work.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, RwLock, RwLockReadGuard, mpsc};
use std::thread::JoinHandle;

use crate::document::{Applied, Change, Document, Schema};
use crate::principals::Caller;
use crate::query::{Query, Results};
use crate::{Error, Result};

mod acls;
mod base_file;
mod base_writer;
mod compaction;
mod files;
mod keys;
mod log;
mod manifest;
mod opening;
mod records;
mod searching;
mod snapshot;
mod state;
#[cfg(test)]
pub(crate) mod tests;

use compaction::Pending;
pub use files::{Append, Files, OnDisk};
use log::{Log, MAX_RECORD};
use manifest::Manifest;
pub(crate) use state::{Analysed, analyse};
use state::{Prepared, State};

/// An index in a folder. One handle has it at a time; the handle may be shared between threads.
pub struct Embedded {
    inner: Arc<Inner>,
    /// Wakes the thread that compacts; taken when the handle goes.
    wake: Option<mpsc::Sender<()>>,
    compactor: Option<JoinHandle<()>>,
}

/// What the threads share.
struct Inner {
    files: Arc<dyn Files>,
    schema: Arc<Schema>,
    state: RwLock<State>,
    writer: Mutex<Writer>,
    /// Held by the one compaction that runs.
    compacting: Mutex<()>,
    /// Bytes of the logs that the manifest names; changed by whoever has the writer.
    logged: AtomicU64,
    /// Why the last compaction failed, and what there was to compact then.
    failure: Mutex<Option<(Error, Pending)>>,
    stopping: AtomicBool,
    /// Keeps others away as long as it is open.
    _lock: File,
}

/// What only the one who changes the index has.
struct Writer {
    log: Log,
    /// Bytes of the logs before that one.
    logged_before: u64,
    manifest: Manifest,
    /// Why nothing more may be changed.
    halted: Option<String>,
}

/// How large an index is.
#[derive(Debug, Clone, PartialEq)]
pub struct Statistics {
    /// Documents that are alive.
    pub documents: u64,
    /// Documents that were replaced or deleted since the last compaction.
    pub dead: u64,
    /// Documents that were put since the last compaction, dead ones included.
    pub recent: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// How often the set of files changed.
    pub generation: u64,
    /// Why the last compaction failed, where it did. The index works on; it is tried again as it grows.
    pub compaction_failure: Option<Error>,
}

impl Embedded {
    /// Opens the index in `folder`, or makes an empty one where there is none.
    ///
    /// # Errors
    /// Invalid: the schema. Schema: the index was made with another one. InUse: it is open elsewhere. Corrupt, Format:
    /// a file that cannot be used. Io, DiskFull.
    pub fn open(folder: &Path, schema: Schema) -> Result<Self> {
        std::fs::create_dir_all(folder).map_err(|error| Error::io(folder, &error))?;
        Self::open_on(Arc::new(OnDisk::new(folder)), schema)
    }

    /// As [`open`](Self::open), where what is done to the folder goes through `files`.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_on(files: Arc<dyn Files>, schema: Schema) -> Result<Self> {
        let inner = Arc::new(opening::open(files, schema)?);
        let (wake, woken) = mpsc::channel();
        let compactor = compaction::start(Arc::downgrade(&inner), woken)?;
        let index = Self { inner, wake: Some(wake), compactor: Some(compactor) };
        index.wake_compactor()?;
        Ok(index)
    }

    /// What its documents have in common.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.inner.schema
    }

    /// Applies a batch: all of it or nothing. When it returns, the batch is durable, and every query from then on sees it.
    ///
    /// # Errors
    /// Invalid: a change that cannot be right. DiskFull, Io: nothing was changed. Halted: after a failure that left open
    /// what is on the disk.
    pub fn apply(&self, mut changes: Vec<Change>) -> Result<Applied> {
        changes.iter_mut().try_for_each(|change| change.normalise(&self.inner.schema))?;
        if changes.is_empty() {
            return Ok(Applied::default());
        }
        let payload = records::write_batch(&changes);
        if payload.len() > MAX_RECORD {
            let reason = format!("a batch of {} bytes", payload.len());
            return Err(Error::invalid(reason, format!("split it into batches of at most {MAX_RECORD} bytes")));
        }
        let batch = changes.into_iter().map(|change| Prepared::new(change, &self.inner.schema)).collect();
        let applied = self.inner.commit(&payload, batch)?;
        self.wake_compactor()?;
        Ok(applied)
    }

    /// Answers a query.
    ///
    /// # Errors
    /// Invalid, where the query is.
    pub fn search(&self, query: &Query) -> Result<Results> {
        self.inner.read()?.search(query)
    }

    /// A document, whoever may see it; its vector is the one of unit length.
    ///
    /// # Errors
    /// Halted.
    pub fn get(&self, key: &str) -> Result<Option<Document>> {
        let state = self.inner.read()?;
        Ok(state.slot(key).map(|slot| state.document(slot)))
    }

    /// A document, if the caller may see it.
    ///
    /// # Errors
    /// Halted.
    pub fn get_permitted(&self, caller: &Caller, key: &str) -> Result<Option<Document>> {
        let state = self.inner.read()?;
        let permitted = state.slot(key).filter(|slot| state.permits(caller, *slot));
        Ok(permitted.map(|slot| state.document(slot)))
    }

    /// The keys that begin with `prefix` and come after `after`, ascending, at most `limit`.
    ///
    /// # Errors
    /// Halted.
    pub fn keys(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Vec<String>> {
        Ok(self.inner.read()?.keys_from(prefix, after, limit))
    }

    /// How large the index is.
    ///
    /// # Errors
    /// Halted, Io.
    pub fn statistics(&self) -> Result<Statistics> {
        let generation = self.inner.writer()?.manifest.generation;
        let failure = self.inner.failure.lock().map_err(|_| panicked())?.as_ref().map(|(error, _)| error.clone());
        let names = self.inner.files.list().map_err(|error| Error::io(self.inner.files.folder(), &error))?;
        // A file may go between the listing and the look.
        let size = |name: &String| std::fs::metadata(self.inner.files.path(name)).map_or(0, |file| file.len());
        let state = self.inner.read()?;
        Ok(Statistics {
            documents: state.alive.count(),
            dead: state.slots() as u64 - state.alive.count(),
            recent: (state.slots() - state.base_slots()) as u64,
            bytes: names.iter().map(size).sum(),
            generation,
            compaction_failure: failure,
        })
    }

    /// Writes everything into a new base file now, rather than when it is due.
    ///
    /// # Errors
    /// DiskFull, Io: the index goes on as it was. Halted.
    pub fn compact(&self) -> Result<()> {
        self.inner.compact()
    }

    /// Makes a copy of the index at this instant in `folder`, which must be absent or empty, while it is used. The copy
    /// is an index of its own.
    ///
    /// # Errors
    /// Invalid: the folder holds something. DiskFull, Io.
    pub fn snapshot(&self, folder: &Path) -> Result<()> {
        self.inner.snapshot(folder)
    }

    fn wake_compactor(&self) -> Result<()> {
        if self.inner.is_compaction_due()?
            && let Some(wake) = &self.wake
        {
            // It is gone only when the handle goes.
            let _ = wake.send(());
        }
        Ok(())
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.inner.stopping.store(true, Ordering::Relaxed);
        self.wake = None;
        if let Some(compactor) = self.compactor.take() {
            // A panic there was reported there.
            let _ = compactor.join();
        }
    }
}

impl Inner {
    fn read(&self) -> Result<RwLockReadGuard<'_, State>> {
        self.state.read().map_err(|_| panicked())
    }

    fn writer(&self) -> Result<MutexGuard<'_, Writer>> {
        self.writer.lock().map_err(|_| panicked())
    }

    /// The writer, if changes may be made.
    fn changing(&self) -> Result<MutexGuard<'_, Writer>> {
        let writer = self.writer()?;
        match &writer.halted {
            Some(reason) => Err(Error::Halted { reason: reason.clone() }),
            None => Ok(writer),
        }
    }

    fn commit(&self, payload: &[u8], batch: Vec<Prepared>) -> Result<Applied> {
        let mut writer = self.changing()?;
        if let Err(failure) = writer.log.append(payload) {
            if !failure.undone {
                writer.halted = Some(failure.error.to_string());
            }
            return Err(failure.error);
        }
        self.logged.store(writer.logged_before + writer.log.length(), Ordering::Relaxed);
        Ok(self.state.write().map_err(|_| panicked())?.apply(batch))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.files.path(name)
    }
}

fn panicked() -> Error {
    Error::Halted { reason: "a thread that changed the index panicked".to_owned() }
}
