//! Several engines that serve one model.
//!
//! **Who gets a request.** The replica with the fewest requests, those that wait included (join the shortest queue: with
//! as few queues as there are replicas, looking at all of them costs less than drawing two) — unless another one has read
//! the beginning of the prompt for the same tenant. That one gets it, as long as it has no more requests more than the
//! least busy one than it has read chunks of [`CHUNK`] bytes, and no more than half of what it decodes side by side. So
//! requests that all begin alike spread over the replicas as soon as one of them gets busy, and from then on several
//! have read what they begin with. A replica whose queue is full, or that could not be opened again after a crash, is
//! passed over.
//!
//! What a replica has read is known by hashes of its last prompts' beginnings, chunk by chunk. A hash that is remembered
//! wrongly costs time and changes no answer.
//!
//! **Crashes.** Each replica has a thread and a backend of its own: one that panics ends its own requests and is opened
//! again, and the others go on.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::chat::ChatPrompt;
use crate::engine::{EngineStatus, Generator, ModelInfo};
use crate::generation::{GenerateRequest, Generation, Prompt, Tenant};
use crate::kept::KeptPrefix;
use crate::load::LoadOptions;
use crate::scheduler::Scheduler;
use crate::scoring::{ScoreRequest, Scoring};
use crate::{Error, Result, Token};

/// Bytes of a prompt that are remembered by one hash.
const CHUNK: usize = 512;
/// Chunks of a prompt's beginning that are remembered; what comes after them tells replicas apart no better.
const CHUNKS: usize = 64;
/// Hashes that are remembered of each replica; the oldest are forgotten.
const HASHES: usize = 4096;

/// Schedulers that share one loaded model and stand for it as one.
#[derive(Debug)]
pub struct Replicas {
    info: ModelInfo,
    all: Vec<Scheduler>,
    state: Mutex<Vec<Known>>,
}

/// What is known of a replica beside its status.
#[derive(Debug, Default)]
struct Known {
    /// Requests that are just being handed to it.
    coming: usize,
    read: Read,
}

impl Replicas {
    /// Starts as many replicas as the options say; `start` starts each. One alone is not wrapped.
    ///
    /// # Errors
    /// Those of [`LoadOptions::validate`] and `start`.
    pub fn start(options: &LoadOptions, start: impl FnMut(usize) -> Result<Scheduler>) -> Result<Arc<dyn Generator>> {
        options.validate()?;
        let mut all = (0..options.replicas as usize).map(start).collect::<Result<Vec<_>>>()?;
        match (all.len(), all.pop()) {
            (1, Some(alone)) => Ok(Arc::new(alone)),
            (_, last) => {
                all.extend(last);
                Ok(Arc::new(Self::of(all)?))
            }
        }
    }

    /// These schedulers, which must serve the same model; their own `memory_bytes` say what all take together.
    ///
    /// # Errors
    /// Request, where there is none.
    pub fn of(all: Vec<Scheduler>) -> Result<Self> {
        let Some(first) = all.first() else {
            return Err(Error::Request { reason: "a model needs at least one replica".to_owned() });
        };
        let parallel = all.iter().map(|replica| replica.info().parallel).sum();
        let info = ModelInfo { parallel, ..first.info().clone() };
        let state = Mutex::new(all.iter().map(|_| Known::default()).collect());
        Ok(Self { info, all, state })
    }

    /// Hands a request to the replica that suits it best, and to the others in turn where it is refused for want of room.
    fn hand<T>(&self, tenant: Tenant, prompt: &Prompt, mut submit: impl FnMut(usize) -> Result<T>) -> Result<T> {
        let hashes = hashes(tenant, prompt);
        let mut refusals = Vec::new();
        let mut tried = vec![false; self.all.len()];
        while let Some(at) = self.choose(tenant, &hashes, &tried) {
            tried[at] = true;
            let outcome = submit(at);
            let mut state = self.lock();
            state[at].coming -= 1;
            match outcome {
                Ok(answer) => {
                    state[at].read.note(tenant, &hashes);
                    return Ok(answer);
                }
                Err(
                    error @ (Error::QueueFull { .. } | Error::Engine { .. } | Error::NoMemory { .. } | Error::Stopped),
                ) => refusals.push(error),
                Err(error) => return Err(error),
            }
        }
        Err(refused(refusals))
    }

    /// The best of the replicas that were not tried, which has one more request coming then.
    fn choose(&self, tenant: Tenant, hashes: &[u64], tried: &[bool]) -> Option<usize> {
        let loads: Vec<usize> = self.all.iter().map(|replica| load(replica.status())).collect();
        let mut state = self.lock();
        let candidates = (0..self.all.len()).filter(|at| !tried[*at]).map(|at| Candidate {
            at,
            load: loads[at] + state[at].coming,
            helps: state[at].read.helps(tenant, hashes),
            most: self.all[at].info().parallel as usize / 2,
            remembers: state[at].read.order.len(),
        });
        let best = best(candidates.collect())?;
        state[best].coming += 1;
        Some(best)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Known>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn load(status: EngineStatus) -> usize {
    status.active as usize + status.queued as usize
}

/// A replica that may get a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Candidate {
    at: usize,
    /// Its requests.
    load: usize,
    /// The chunks of the prompt that it has read.
    helps: usize,
    /// How many more requests than the least busy one it may have at most.
    most: usize,
    /// How many chunks are remembered of it: of two that are alike, the one that read less gets the request.
    remembers: usize,
}

/// The replica that gets the request: see the module's head.
fn best(candidates: Vec<Candidate>) -> Option<usize> {
    let least = candidates.iter().map(|candidate| candidate.load).min()?;
    let worth = |candidate: &Candidate| candidate.load - least <= candidate.helps.min(candidate.most);
    let suited = candidates.into_iter().filter(worth);
    let order = |c: &Candidate| (std::cmp::Reverse(c.helps), c.load, c.remembers, c.at);
    suited.min_by_key(order).map(|candidate| candidate.at)
}

/// What to tell of a request that no replica took: that all are full where any is, as then waiting helps.
fn refused(refusals: Vec<Error>) -> Error {
    let mut full: Option<(usize, Option<std::time::Duration>)> = None;
    for refusal in &refusals {
        if let Error::QueueFull { queued, retry_after } = refusal {
            let (sum, soonest) = full.unwrap_or_default();
            full = Some((sum + queued, soonest.into_iter().chain(*retry_after).min()));
        }
    }
    match full {
        Some((queued, retry_after)) => Error::QueueFull { queued, retry_after },
        None => refusals.into_iter().next_back().unwrap_or(Error::Stopped),
    }
}

/// What a replica has read last.
#[derive(Debug, Default)]
struct Read {
    by: HashMap<Tenant, HashSet<u64>>,
    /// The same, the oldest first.
    order: VecDeque<(Tenant, u64)>,
}

impl Read {
    /// How many of the hashes from the first one on are remembered.
    fn helps(&self, tenant: Tenant, hashes: &[u64]) -> usize {
        let known = self.by.get(&tenant);
        known.map_or(0, |known| hashes.iter().take_while(|hash| known.contains(hash)).count())
    }

    fn note(&mut self, tenant: Tenant, hashes: &[u64]) {
        for hash in hashes {
            if self.by.entry(tenant).or_default().insert(*hash) {
                self.order.push_back((tenant, *hash));
            }
        }
        while self.order.len() > HASHES {
            let Some((tenant, hash)) = self.order.pop_front() else { return };
            let Some(known) = self.by.get_mut(&tenant) else { continue };
            known.remove(&hash);
            if known.is_empty() {
                self.by.remove(&tenant);
            }
        }
    }

    fn forget(&mut self, tenant: Tenant) {
        self.by.remove(&tenant);
        self.order.retain(|(whose, _)| *whose != tenant);
    }
}

/// One hash for each whole chunk of the prompt's beginning, each of all up to its end.
fn hashes(tenant: Tenant, prompt: &Prompt) -> Vec<u64> {
    let mut hasher = DefaultHasher::new();
    tenant.hash(&mut hasher);
    match prompt {
        Prompt::Text { text, .. } => chained(hasher, text.as_bytes().chunks_exact(CHUNK)),
        Prompt::Tokens(tokens) => chained(hasher, tokens.chunks_exact(CHUNK / size_of::<Token>())),
    }
}

fn chained<T: std::hash::Hash>(mut hasher: DefaultHasher, chunks: impl Iterator<Item = T>) -> Vec<u64> {
    let next = |chunk: T| {
        chunk.hash(&mut hasher);
        hasher.finish()
    };
    chunks.take(CHUNKS).map(next).collect()
}

impl Generator for Replicas {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn status(&self) -> EngineStatus {
        self.all.iter().fold(EngineStatus::default(), |sum, replica| sum.plus(replica.status()))
    }

    // There is at least one replica, as `of` makes sure.
    fn tokenize(&self, text: &str, parse_special: bool) -> Result<Vec<Token>> {
        self.all[0].tokenize(text, parse_special)
    }

    fn read(&self, prompt: &Prompt) -> Result<Vec<Token>> {
        self.all[0].read(prompt)
    }

    fn spelling(&self, token: Token) -> Vec<u8> {
        self.all[0].spelling(token)
    }

    fn render_chat(&self, chat: &ChatPrompt) -> Result<String> {
        self.all[0].render_chat(chat)
    }

    fn generate(&self, request: GenerateRequest) -> Result<Generation> {
        self.hand(request.serving.tenant, &request.prompt, |at| {
            let generation = self.all[at].generate(request.clone())?;
            Ok(generation.by_replica(u32::try_from(at).unwrap_or(u32::MAX)))
        })
    }

    fn score(&self, request: ScoreRequest) -> Result<Scoring> {
        self.hand(request.serving.tenant, &request.prompt, |at| self.all[at].score(request.clone()))
    }

    fn forget(&self, tenant: Tenant) {
        self.all.iter().for_each(|replica| replica.forget(tenant));
        self.lock().iter_mut().for_each(|known| known.read.forget(tenant));
    }

    fn used_again(&self) -> Vec<KeptPrefix> {
        self.all.iter().flat_map(|replica| replica.used_again()).collect()
    }

    // Each gets all: nobody knows which of them will be asked.
    fn remember(&self, prefixes: Vec<KeptPrefix>) {
        self.all.iter().for_each(|replica| replica.remember(prefixes.clone()));
    }
}

#[cfg(test)]
mod tests;
