//! The models in memory: loaded on first use, kept under a memory budget, unloaded when idle and least recently used.

mod keeping;
mod pace;
mod reading;
mod recent;
mod room;
#[cfg(test)]
mod tests;
pub(crate) mod tuned;
mod turns;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use base::{Error, Result};
use inference::{Finish, LoadOptions, Loaded, Loader, ModelFiles, Serving};
use tokio::sync::watch;

use crate::at_rest::{MemoryFile, Opening, SealedModel};
use crate::catalogue::CardKind;
use crate::endpoints::Invocation;
use crate::invoke::{errors, not_pulled};
use crate::snapshots::{Kept, Snapshots};
use crate::status::{LoadedModel, ProfileInUse, Status};
use crate::tune::TRIAL;
pub(crate) use keeping::Keeping;
use keeping::Leaving;
pub(crate) use pace::Pace;
pub(crate) use reading::{READER_CONTEXT, SetAside};
use room::Taken;
use tuned::Plan;
pub(crate) use tuned::{Borrowed, Sources, unreadable};
pub(crate) use turns::Turn;
use turns::Turns;

/// The loaded models. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Pool {
    shared: Arc<Shared>,
}

struct Shared {
    loader: Arc<dyn Loader>,
    options: LoadOptions,
    budget: u64,
    uses: AtomicU64,
    entries: Mutex<HashMap<String, Entry>>,
    /// Models that were taken out while requests used them: they are in memory until those have ended.
    draining: Mutex<Vec<room::Draining>>,
    /// How often others left no room.
    refusals: watch::Sender<u64>,
    tuned: tuned::Profiles,
    snapshots: OnceLock<Arc<Snapshots>>,
}

enum Entry {
    /// Being loaded; what it takes is set aside for it. The channel tells when it is over.
    Loading {
        taken: Taken,
        over: watch::Receiver<Option<Loading>>,
        /// It may not be used any more.
        unwanted: bool,
    },
    Ready(Arc<Slot>),
    /// Its files are being removed.
    Leaving,
}

/// How a load ended.
type Loading = Result<()>;

/// A loaded model. It is in use while anyone but the pool holds it.
struct Slot {
    /// What the pool knows it by.
    key: String,
    /// The model whose weights these are, as messages call it.
    name: String,
    model: Loaded,
    taken: Taken,
    profile: ProfileInUse,
    last_use: AtomicU64,
    speed: Mutex<Option<f64>>,
    /// How it was loaded.
    options: LoadOptions,
    /// The memory that the process took more when it had been loaded.
    grown: Option<u64>,
    paces: Mutex<pace::Paces>,
    /// What is kept on disk of the prompts that it reads.
    kept: Option<Arc<Kept>>,
    recent: Mutex<recent::Recent>,
    /// Who embeds.
    embedding: Arc<Turns>,
    /// Leases that have the model stay in memory, and are for no request.
    standing: AtomicUsize,
}

/// A loaded model in use: it stays in memory until this is dropped.
pub(crate) struct Lease {
    slot: Arc<Slot>,
    shared: Arc<Shared>,
    /// The request to an endpoint that it is for.
    invocation: Option<Arc<Invocation>>,
    /// Whether it has the model stay in memory, and is for no request.
    stands: bool,
}

impl Clone for Lease {
    /// A lease for a request, also of one that stands.
    fn clone(&self) -> Self {
        let (slot, shared) = (self.slot.clone(), self.shared.clone());
        Self { slot, shared, invocation: self.invocation.clone(), stands: false }
    }
}

impl Lease {
    /// The same, to have the model stay in memory and not for a request.
    pub(crate) fn standing(mut self) -> Self {
        if !std::mem::replace(&mut self.stands, true) {
            self.slot.standing.fetch_add(1, Ordering::AcqRel);
        }
        self
    }

    /// The model's name, as messages call it.
    pub(crate) fn name(&self) -> &str {
        &self.slot.name
    }

    /// The same, for a request to an endpoint, which is over when no such lease is left.
    pub(crate) fn invoked(mut self, invocation: Arc<Invocation>) -> Self {
        self.invocation = Some(invocation);
        self
    }

    /// The request to an endpoint that it is for.
    pub(crate) fn invocation(&self) -> Option<Arc<Invocation>> {
        self.invocation.clone()
    }

    /// Notes that the request that it is for was answered with vectors, of so many tokens of text.
    pub(crate) fn note_vectors(&self, prompt: u32) {
        if let Some(invocation) = &self.invocation {
            invocation.note_vectors(prompt);
        }
    }

    /// Notes that the request that it is for failed.
    pub(crate) fn note_failure(&self, error: &Error) {
        if let Some(invocation) = &self.invocation {
            invocation.note_failure(error);
        }
    }

    pub(crate) fn model(&self) -> &Loaded {
        &self.slot.model
    }

    /// Notes how soon and how fast an answer came, for the status.
    pub(crate) fn note_answer(&self, finish: &Finish) {
        let (tokens, timing) = (finish.usage.completion_tokens, finish.timing);
        let mut recent = self.slot.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.note(Instant::now(), timing.queued, timing.first_token, tokens);
        drop(recent);
        if let Some(invocation) = &self.invocation {
            invocation.note_answer(finish);
        }
        // This lease, the pool and those that stand: no other request had the model.
        if Arc::strong_count(&self.slot) == 2 + self.slot.standing.load(Ordering::Acquire) {
            self.slot.paces.lock().unwrap_or_else(PoisonError::into_inner).note(finish);
        }
        let decode = timing.decode;
        if tokens > 1 && !decode.is_zero() {
            let speed = f64::from(tokens - 1) / decode.as_secs_f64();
            let mut mean = self.slot.speed.lock().unwrap_or_else(PoisonError::into_inner);
            *mean = Some(mean.map_or(speed, |before| 0.8 * before + 0.2 * speed));
        }
    }

    /// Waits for a turn to embed text that costs so much: its bytes. The engine's threads are shared by as many callers as there
    /// are cores.
    ///
    /// # Errors
    /// Throttled, where as many of the account wait as may; Timeout, where the request's time is over before.
    pub(crate) async fn turn_to_embed(&self, serving: Serving, cost: u64) -> Result<Turn> {
        self.slot.embedding.take(serving, cost).await.map_err(|error| errors::of_invocation(self.name(), error))
    }

    /// Lets whoever is next have the turn, and waits for another one.
    ///
    /// # Errors
    /// Timeout, where the request's time is over before.
    pub(crate) async fn next_turn_to_embed(&self, turn: Turn, serving: Serving, cost: u64) -> Result<Turn> {
        turn.again(serving, cost).await.map_err(|error| errors::of_invocation(self.name(), error))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.stands {
            self.slot.standing.fetch_sub(1, Ordering::AcqRel);
        }
        self.slot.last_use.store(self.shared.tick(), Ordering::Relaxed);
    }
}

impl Pool {
    pub(crate) fn new(loader: Arc<dyn Loader>, options: LoadOptions, budget: u64) -> Self {
        let (uses, entries) = (AtomicU64::new(0), Mutex::new(HashMap::new()));
        let (tuned, snapshots) = (tuned::Profiles::default(), OnceLock::new());
        let (draining, refusals) = (Mutex::default(), watch::channel(0).0);
        let shared = Shared { loader, options, budget, uses, entries, draining, refusals, tuned, snapshots };
        Self { shared: Arc::new(shared) }
    }

    /// What reads and loads model files.
    pub(crate) fn loader(&self) -> Arc<dyn Loader> {
        self.shared.loader.clone()
    }

    /// How models are loaded.
    pub(crate) fn options(&self) -> &LoadOptions {
        &self.shared.options
    }

    pub(crate) fn budget_bytes(&self) -> u64 {
        self.shared.budget
    }

    /// The model, where it is in memory.
    pub(crate) fn loaded(&self, name: &str) -> Option<Lease> {
        match self.shared.lock().get(name) {
            Some(Entry::Ready(slot)) => Some(self.shared.lease(slot)),
            _ => None,
        }
    }

    /// The model, loaded from its weights where it is not in memory. Callers that come while it is being loaded wait for
    /// the same load; a caller that goes away does not stop it.
    ///
    /// # Errors
    /// Damaged, where a file is; Unavailable, where the model alone is above the budget; Throttled, where models in use
    /// leave no room; NotFound, while its files are being removed.
    pub(crate) async fn acquire(&self, name: &str, sources: impl Into<Sources>) -> Result<Lease> {
        self.acquire_by(name, &sources.into(), None).await
    }

    /// As [`Pool::acquire`], loaded with these options whatever the model's profile says.
    pub(crate) async fn acquire_with(
        &self,
        name: &str,
        sources: impl Into<Sources>,
        options: LoadOptions,
    ) -> Result<Lease> {
        self.acquire_by(name, &sources.into(), Some(&options)).await
    }

    async fn acquire_by(&self, name: &str, sources: &Sources, options: Option<&LoadOptions>) -> Result<Lease> {
        loop {
            let mut over = match self.find_or_start(name, sources, options)? {
                Found::Ready(lease) => return Ok(lease),
                Found::Loading(over) => over,
            };
            let outcome = over.wait_for(Option::is_some).await;
            let outcome = outcome.map_err(|_| Error::internal("the loading of a model was lost"))?.clone();
            if let Some(Err(failure)) = outcome {
                return Err(failure);
            }
        }
    }

    /// Unloads a model that is not in use.
    ///
    /// # Errors
    /// NotFound, where it is not loaded; Conflict, while it is in use or being loaded.
    pub(crate) async fn unload(&self, name: &str) -> Result<()> {
        let slot = {
            let mut entries = self.shared.lock();
            if !entries.contains_key(name) {
                return Err(Error::not_found(format!("The model `{name}` is not loaded.")));
            }
            take_idle(&mut entries, name)?.map(Leaving::new)
        };
        tracing::info!(model = name, "unloaded");
        tokio::task::spawn_blocking(move || slot.map(Leaving::leave)).await.map_err(Error::internal).map(drop)
    }

    /// Unloads a model, if it is loaded, and keeps it from being loaded until the value is dropped.
    ///
    /// # Errors
    /// Conflict, while it is in use or being loaded.
    pub(crate) async fn retire(&self, name: &str) -> Result<Retired> {
        let slot = {
            let mut entries = self.shared.lock();
            let slot = take_idle(&mut entries, name)?;
            entries.insert(name.to_owned(), Entry::Leaving);
            slot
        };
        let retired = Retired { shared: self.shared.clone(), name: name.to_owned() };
        tokio::task::spawn_blocking(move || drop(slot)).await.map_err(Error::internal)?;
        Ok(retired)
    }

    /// Takes a model out of memory that may not be used any more. Requests that use it end first; no new one begins.
    pub(crate) async fn forget(&self, name: &str) {
        let slot = {
            let mut entries = self.shared.lock();
            match entries.get_mut(name) {
                Some(Entry::Ready(slot)) => {
                    self.shared.drain(slot);
                    entries.remove(name)
                }
                // It leaves when it has come.
                Some(Entry::Loading { unwanted, .. }) => {
                    *unwanted = true;
                    None
                }
                _ => None,
            }
        };
        let Some(slot) = slot else { return };
        tracing::info!(model = name, "unloaded, as it may not be used any more");
        // Panics of the engine's end are its own.
        drop(tokio::task::spawn_blocking(move || drop(slot)).await);
    }

    pub(crate) fn is_loaded(&self, name: &str) -> bool {
        matches!(self.shared.lock().get(name), Some(Entry::Ready(_)))
    }

    /// What is loaded, of the models whose names the caller may know.
    pub(crate) fn status(&self, visible: impl Fn(&str) -> bool) -> Status {
        let entries = self.shared.lock();
        let mut loaded: Vec<LoadedModel> = entries.values().filter_map(describe).collect();
        loaded.retain(|model| visible(&model.name));
        loaded.sort_by(|a, b| a.name.cmp(&b.name));
        let used_bytes = room::taken_by(entries.values(), &self.shared.draining());
        let (budget_bytes, options) = (self.shared.budget, self.shared.options.clone());
        Status { budget_bytes, used_bytes, snapshot_bytes: None, options, loaded }
    }

    fn find_or_start(&self, name: &str, sources: &Sources, options: Option<&LoadOptions>) -> Result<Found> {
        let mut entries = self.shared.lock();
        Ok(match entries.get(name) {
            Some(Entry::Ready(slot)) => Found::Ready(self.shared.lease(slot)),
            Some(Entry::Loading { over, .. }) => Found::Loading(over.clone()),
            Some(Entry::Leaving) if name.starts_with("arn:") => {
                return Err(Error::not_found(format!("The imported model `{name}` is being deleted.")));
            }
            Some(Entry::Leaving) => return Err(not_pulled(name)),
            None => {
                let (tell, over) = watch::channel(None);
                entries.insert(
                    name.to_owned(),
                    Entry::Loading { taken: Taken::default(), over: over.clone(), unwanted: false },
                );
                let (shared, name, sources) = (self.shared.clone(), name.to_owned(), sources.clone());
                let options = options.cloned();
                tokio::spawn(async move {
                    let outcome = tokio::task::spawn_blocking(move || shared.load(&name, &sources, options)).await;
                    tell.send_replace(Some(outcome.unwrap_or_else(|panic| Err(Error::internal(panic)))));
                });
                Found::Loading(over)
            }
        })
    }
}

/// Where a model's weights are.
#[derive(Clone)]
pub(crate) enum Weights {
    /// In plain files.
    Files(ModelFiles),
    /// The same, with a digest of them.
    Known(ModelFiles, String),
    /// In an encrypted file: they are decrypted into memory when there is room for them.
    Sealed(SealedModel),
}

impl From<ModelFiles> for Weights {
    fn from(files: ModelFiles) -> Self {
        Self::Files(files)
    }
}

impl From<SealedModel> for Weights {
    fn from(model: SealedModel) -> Self {
        Self::Sealed(model)
    }
}

impl Weights {
    /// Enough of them to be inspected.
    fn open(&self) -> Result<Opened> {
        match self {
            Self::Files(files) | Self::Known(files, _) => Ok(Opened::Files(files.clone())),
            Self::Sealed(model) => Ok(Opened::Beginning(Box::new(model.open()?))),
        }
    }

    fn error(&self, name: &str, error: inference::Error) -> Error {
        match self {
            Self::Files(_) | Self::Known(..) => errors::of_loading(name, error),
            Self::Sealed(_) => errors::of_loading_imported(name, error),
        }
    }
}

/// Weights that the engine can read; those in memory stay there as long as this, or the engine's mapping of them.
enum Opened {
    Files(ModelFiles),
    Beginning(Box<Opening>),
    Memory(MemoryFile),
}

impl Opened {
    fn files(&self) -> ModelFiles {
        match self {
            Self::Files(files) => files.clone(),
            Self::Beginning(opening) => opening.files(),
            Self::Memory(memory) => memory.files(),
        }
    }

    /// All of them.
    fn finish(self) -> Result<Self> {
        self.finish_while(|| Ok(()))
    }

    /// All of them, as long as `goes_on` has nothing against it.
    fn finish_while(self, goes_on: impl Fn() -> Result<()>) -> Result<Self> {
        match self {
            Self::Beginning(opening) => Ok(Self::Memory(opening.finish_while(goes_on)?)),
            whole => Ok(whole),
        }
    }
}

/// A model that is not loaded while this is held.
pub(crate) struct Retired {
    shared: Arc<Shared>,
    name: String,
}

impl Drop for Retired {
    fn drop(&mut self) {
        self.shared.lock().remove(&self.name);
    }
}

/// Takes out a model that is not in use; none where it is not loaded.
fn take_idle(entries: &mut HashMap<String, Entry>, name: &str) -> Result<Option<Entry>> {
    match entries.get(name) {
        None => Ok(None),
        Some(Entry::Ready(slot)) if idle(slot) => Ok(entries.remove(name)),
        Some(_) => Err(Error::conflict(format!("The model `{name}` is in use."))
            .with_hint("Try again when its requests have ended.")),
    }
}

enum Found {
    Ready(Lease),
    Loading(watch::Receiver<Option<Loading>>),
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lease(self: &Arc<Self>, slot: &Arc<Slot>) -> Lease {
        slot.last_use.store(self.tick(), Ordering::Relaxed);
        Lease { slot: slot.clone(), shared: self.clone(), invocation: None, stands: false }
    }

    fn tick(&self) -> u64 {
        self.uses.fetch_add(1, Ordering::Relaxed)
    }

    /// Loads a model whose entry says that it is being loaded. Afterwards the entry is ready, or gone.
    fn load(&self, name: &str, sources: &Sources, options: Option<LoadOptions>) -> Loading {
        let unfinished = Unfinished { shared: self, name };
        let is_own = options.is_none();
        let plan = match options {
            Some(options) => {
                let whose = sources.whose(name);
                self.look_into(whose, sources.own())?.with(options, ProfileInUse::Default)
            }
            None => self.plan(name, sources)?,
        };
        let started = Instant::now();
        let (plan, Carried { model, grown }) = self.carry_out_or_pass_over(name, plan, sources)?;
        let taken = Taken::of(&plan, model.memory_bytes());
        let bytes = taken.bytes;
        let Plan { weights, options, profile, .. } = plan;
        let kept = is_own.then(|| self.kept(name, &weights, &model, &options)).flatten();
        tracing::info!(model = name, bytes, millis = started.elapsed().as_millis(), "loaded");
        metrics::counter!("craton_model_loads_total", "model" => label(name)).increment(1);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let slot = Slot {
            key: name.to_owned(),
            name: sources.whose(name).to_owned(),
            model,
            taken,
            profile,
            last_use: AtomicU64::new(self.tick()),
            speed: Mutex::new(None),
            options,
            grown,
            paces: Mutex::default(),
            kept,
            recent: Mutex::default(),
            embedding: Turns::new(cores, self.options.queue),
            standing: AtomicUsize::new(0),
        };
        let mut entries = self.lock();
        if let Err(error) = room::wanted(&entries, name) {
            drop(entries);
            return Err(error);
        }
        std::mem::forget(unfinished);
        entries.insert(name.to_owned(), Entry::Ready(Arc::new(slot)));
        Ok(())
    }
}

/// A model that was loaded as it was planned.
struct Carried {
    model: Loaded,
    /// The memory that the process took more for it.
    grown: Option<u64>,
}

/// Removes the entry of a load that did not end well, also where the engine panicked.
struct Unfinished<'a> {
    shared: &'a Shared,
    name: &'a str,
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        self.shared.lock().remove(self.name);
    }
}

/// Whether only the pool holds the model. Certain under the pool's lock: a lease is made there, or of another one.
fn idle(slot: &Arc<Slot>) -> bool {
    Arc::strong_count(slot) == 1
}

/// A model's name in metrics, which everyone reads: imported models are their account's own affair, all trials of a model
/// are one, and so are all deployments of endpoints, which come and go and whose figures tell them apart.
fn label(name: &str) -> String {
    match name.split_once(TRIAL) {
        Some((model, _)) => format!("{model}#tuning"),
        None if name.starts_with("arn:aws:sagemaker:") => "endpoint".to_owned(),
        None if name.starts_with("arn:") => "imported-model".to_owned(),
        None => name.to_owned(),
    }
}

fn describe(entry: &Entry) -> Option<LoadedModel> {
    let Entry::Ready(slot) = entry else { return None };
    let (kind, status) = match &slot.model {
        Loaded::Generator(generator) => (CardKind::Text, generator.status()),
        Loaded::Embedder(_) => (CardKind::Embedding, slot.embedding.status()),
    };
    Some(LoadedModel {
        name: slot.key.clone(),
        kind,
        memory_bytes: slot.taken.bytes,
        profile: slot.profile.clone(),
        options: slot.options.clone(),
        leases: Arc::strong_count(slot) - 1,
        active_sequences: status.active,
        queued: status.queued,
        generated_tokens: status.generated_tokens,
        prompt_tokens: status.prompt_tokens,
        cached_tokens: status.cached_tokens,
        cache_bytes: status.cache_bytes,
        cache_entries: status.cache_entries,
        occupancy: (status.batches > 0).then(|| status.batch_sequences as f64 / status.batches as f64),
        recent: slot.recent.lock().unwrap_or_else(PoisonError::into_inner).summary(Instant::now()),
        tokens_per_second: *slot.speed.lock().unwrap_or_else(PoisonError::into_inner),
    })
}
