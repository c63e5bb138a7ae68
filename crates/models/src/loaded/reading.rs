//! Memory that is set aside for a while, and models that texts are read by.

use std::collections::hash_map::Entry as MapEntry;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use base::{Error, ErrorKind, Result};
use inference::{LoadOptions, Passage, Reading};
use tokio::sync::watch;

use super::room::Taken;
use super::{Entry, Pool, Shared, Weights};
use crate::at_rest::MemoryFile;
use crate::invoke::errors;

/// For each passage and each of its endings, what the model made of it.
pub(crate) type AllReadings = Vec<Vec<Vec<Reading>>>;

/// Tokens of context of a model that reads texts.
pub(crate) const READER_CONTEXT: u32 = 1024;

impl Pool {
    /// Sets memory aside for what is in memory for a while and is no loaded model.
    ///
    /// # Errors
    /// As [`Pool::acquire`] for want of room; Conflict, where something of this name is in memory.
    pub(crate) async fn set_aside(&self, name: &str, bytes: u64) -> Result<SetAside> {
        let taken = SetAside::begin(&self.shared, name)?;
        taken.resize(bytes).await?;
        Ok(taken)
    }

    /// Has a model read passages, loaded for that alone. See [`Loader::read_all`](inference::Loader::read_all), which
    /// counts them in `done`. Dropping the future ends it soon.
    ///
    /// # Errors
    /// As [`Pool::acquire`]; Invalid, where a text is longer than the model's context.
    pub(crate) async fn read_all(
        &self,
        name: &str,
        weights: impl Into<Weights>,
        passages: Arc<Vec<Passage>>,
        done: Arc<AtomicUsize>,
    ) -> Result<AllReadings> {
        let (weights, pool, name) = (weights.into(), self.clone(), name.to_owned());
        let taken = SetAside::begin(&self.shared, &name)?;
        let (left, cancelled) = Left::new();
        let read = tokio::task::spawn_blocking(move || {
            let (shared, options) = (&pool.shared, pool.one_reader());
            let opened = weights.open()?;
            let facts = shared.loader.inspect(&opened.files()).map_err(|error| weights.error(&name, error))?;
            drop(shared.set_aside(&name, facts.memory_bytes(&options))?);
            let opened = opened.finish()?;
            let read = shared.loader.read_all(&opened.files(), &options, &passages, &cancelled, &done);
            drop(taken);
            read.map_err(|error| errors::of_invocation(&name, error))
        });
        let read = read.await.map_err(Error::internal)?;
        drop(left);
        read
    }

    /// How many bytes are to be set aside for reading with a model in memory, its weights among them.
    ///
    /// # Errors
    /// Damaged, where they are.
    pub(crate) async fn reader_bytes(&self, name: &str, memory: MemoryFile) -> Result<(MemoryFile, u64)> {
        let (pool, name) = (self.clone(), name.to_owned());
        let inspected = tokio::task::spawn_blocking(move || {
            let inspected = pool.shared.loader.inspect(&memory.files());
            let facts = inspected.map_err(|error| errors::of_invocation(&name, error))?;
            Ok((memory, facts.memory_bytes(&pool.one_reader())))
        });
        inspected.await.map_err(Error::internal)?
    }

    /// Has a model in memory read passages, for which enough is set aside: see [`Pool::reader_bytes`].
    ///
    /// # Errors
    /// As [`Pool::read_all`].
    pub(crate) async fn read_all_within(
        &self,
        room: SetAside,
        memory: MemoryFile,
        passages: Arc<Vec<Passage>>,
    ) -> Result<AllReadings> {
        let pool = self.clone();
        let (left, cancelled) = Left::new();
        let read = tokio::task::spawn_blocking(move || {
            let (shared, options) = (&pool.shared, pool.one_reader());
            // The system may give less memory than models may take, and more at another time.
            let failed = |error| match error {
                inference::Error::NoMemory { .. } => {
                    Error { kind: ErrorKind::Throttled, ..errors::of_invocation(&room.name, error) }
                }
                error => errors::of_invocation(&room.name, error),
            };
            let done = AtomicUsize::new(0);
            shared.loader.read_all(&memory.files(), &options, &passages, &cancelled, &done).map_err(failed)
        });
        let read = read.await.map_err(Error::internal)?;
        drop(left);
        read
    }

    /// How a model is loaded that texts are read by.
    fn one_reader(&self) -> LoadOptions {
        LoadOptions { parallel: 1, context_per_sequence: READER_CONTEXT, ..self.shared.options.clone() }
    }
}

/// Tells a thread that nobody waits for it any more, when it is dropped.
struct Left(Arc<AtomicBool>);

impl Left {
    fn new() -> (Self, Arc<AtomicBool>) {
        let cancelled = Arc::new(AtomicBool::new(false));
        (Self(cancelled.clone()), cancelled)
    }
}

impl Drop for Left {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Memory that is set aside until this is dropped.
pub(crate) struct SetAside {
    shared: Arc<Shared>,
    name: String,
}

impl SetAside {
    fn begin(shared: &Arc<Shared>, name: &str) -> Result<Self> {
        match shared.lock().entry(name.to_owned()) {
            MapEntry::Occupied(_) => Err(Error::conflict(format!("`{name}` is in memory already."))),
            MapEntry::Vacant(place) => {
                // Nobody waits for it to be loaded: the name is its own.
                let (_, over) = watch::channel(None);
                place.insert(Entry::Loading { taken: Taken::default(), over, unwanted: false });
                Ok(Self { shared: shared.clone(), name: name.to_owned() })
            }
        }
    }

    /// Sets so many bytes aside from now on; as many as before where there is no room for them.
    ///
    /// # Errors
    /// As [`Pool::set_aside`] for want of room.
    pub(crate) async fn resize(&self, bytes: u64) -> Result<()> {
        let (shared, name) = (self.shared.clone(), self.name.clone());
        let resized = tokio::task::spawn_blocking(move || shared.set_aside(&name, bytes).map(drop));
        resized.await.map_err(Error::internal)?
    }
}

impl Drop for SetAside {
    fn drop(&mut self) {
        self.shared.lock().remove(&self.name);
    }
}
