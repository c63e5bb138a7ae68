//! What is kept of one loaded model.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use inference::{Generator, KeptPrefix, Tenant};

use super::{Binding, Snapshots, account, file};

/// The prefixes of one loaded model: read when an account first asks it, written now and then. Everything blocks.
pub(crate) struct Kept {
    snapshots: Arc<Snapshots>,
    binding: Binding,
    /// The most bytes that are read for an account.
    most: u64,
    /// Whether a tenant's prefixes were read; held by the one who reads them.
    recalled: Mutex<HashMap<Tenant, Arc<Mutex<bool>>>>,
    files: Mutex<Vec<OnDisk>>,
    /// Files that gave way to others: they are not written again before their prefixes were used more often.
    evicted: Mutex<Vec<OnDisk>>,
    /// Held by the one who writes.
    writing: Mutex<()>,
}

/// A prefix on disk, without its state.
struct OnDisk {
    path: PathBuf,
    prefix: KeptPrefix,
    /// How often something was forgotten when it was read or taken from the model.
    since: u64,
}

impl Kept {
    /// Nothing so far; of each account at most so many bytes are read.
    pub(crate) fn new(snapshots: Arc<Snapshots>, binding: Binding, most: u64) -> Self {
        Self {
            snapshots,
            binding,
            most,
            recalled: Mutex::default(),
            files: Mutex::default(),
            evicted: Mutex::default(),
            writing: Mutex::default(),
        }
    }

    /// Has the engine begin with what was kept for the tenant. Reads it once, or again where it was forgotten meanwhile; who
    /// asks meanwhile for the same tenant waits.
    pub(crate) fn recall(&self, generator: &dyn Generator, tenant: Tenant) {
        let Some(account) = account(tenant) else { return };
        let recalled = lock(&self.recalled).entry(tenant).or_default().clone();
        let mut is_recalled = lock(&recalled);
        if *is_recalled {
            return;
        }
        let since = self.snapshots.forgotten();
        let read = self.snapshots.read(&account, &self.binding, self.most);
        *is_recalled = read.is_empty()
            || self.snapshots.unless_forgotten(since, &account, &self.binding.model, || {
                generator.remember(read.iter().map(|(_, prefix)| prefix.clone()).collect());
                lock(&self.files).extend(read.into_iter().map(|(path, prefix)| OnDisk::new(path, prefix, since)));
            });
    }

    /// How often something was forgotten so far.
    pub(crate) fn forgotten(&self) -> u64 {
        self.snapshots.forgotten()
    }

    /// Writes what is worth keeping and is not on disk, but nothing that was forgotten `since` the generator was taken from
    /// where it is found when something is forgotten. What cannot be written is tried again the next time.
    pub(crate) fn keep(&self, since: u64, generator: &dyn Generator) {
        let _alone = lock(&self.writing);
        let mut used = generator.used_again();
        self.note_evicted(&used);
        used.retain(|prefix| !self.is_evicted(prefix));
        let mut chosen = choose(used, self.snapshots.most());
        chosen.sort_by_key(|prefix| std::cmp::Reverse(prefix.tokens.len()));
        for prefix in chosen {
            if self.is_on_disk(&prefix) {
                continue;
            }
            let Some(account) = account(prefix.tenant) else { continue };
            match self.snapshots.keep(since, &account, &self.binding, &prefix) {
                Ok(Some(path)) => self.note(OnDisk::new(path, prefix, since)),
                Ok(None) => {}
                Err(error) => tracing::warn!(?error, model = self.binding.model, "a prefix is not kept"),
            }
        }
    }

    /// Notes which files are gone, though they were not forgotten and the model still has what they held.
    fn note_evicted(&self, used: &[KeptPrefix]) {
        let is_forgotten = |file: &OnDisk| {
            account(file.prefix.tenant)
                .is_none_or(|account| self.snapshots.is_forgotten(file.since, &account, &self.binding.model))
        };
        let gone: Vec<OnDisk> = lock(&self.files).extract_if(.., |file| !file.path.exists()).collect();
        let mut evicted = lock(&self.evicted);
        evicted.extend(gone);
        evicted.retain(|file| used.iter().any(|prefix| is_most_of(&file.prefix, prefix)) && !is_forgotten(file));
    }

    /// Whether the prefix was not used since its file gave way to others.
    fn is_evicted(&self, prefix: &KeptPrefix) -> bool {
        lock(&self.evicted).iter().any(|file| is_most_of(&file.prefix, prefix) && file.prefix.uses >= prefix.uses)
    }

    fn is_on_disk(&self, prefix: &KeptPrefix) -> bool {
        let mut files = lock(&self.files);
        let Some(file) = files.iter_mut().find(|file| is_most_of(&file.prefix, prefix)) else { return false };
        if file.prefix.uses < prefix.uses {
            file.prefix.uses = prefix.uses;
            self.snapshots.note_use(&file.path);
        }
        true
    }

    /// Notes a new file, which may make others superfluous.
    fn note(&self, new: OnDisk) {
        lock(&self.evicted).retain(|file| !is_most_of(&file.prefix, &new.prefix));
        let mut files = lock(&self.files);
        files.retain(|file| {
            let stays = !new.prefix.covers(&file.prefix);
            if !stays {
                self.snapshots.discard(&file.path);
            }
            stays
        });
        files.push(new);
    }
}

impl OnDisk {
    fn new(path: PathBuf, prefix: KeptPrefix, since: u64) -> Self {
        Self { path, prefix: KeptPrefix { state: Arc::default(), ..prefix }, since }
    }
}

/// What of the prefixes is within so many bytes on disk together: of each tenant in turn what was used most often, and of
/// that the last used first, as they come.
pub(super) fn choose(mut prefixes: Vec<KeptPrefix>, most: u64) -> Vec<KeptPrefix> {
    prefixes.sort_by_key(|prefix| std::cmp::Reverse(prefix.uses));
    let mut counts: HashMap<Tenant, usize> = HashMap::new();
    let mut ranked: Vec<(usize, KeptPrefix)> = Vec::with_capacity(prefixes.len());
    for prefix in prefixes {
        let count = counts.entry(prefix.tenant).or_default();
        ranked.push((*count, prefix));
        *count += 1;
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    let mut left = most;
    let fits = |prefix: &KeptPrefix| match left.checked_sub(file::length(prefix)) {
        Some(rest) => {
            left = rest;
            true
        }
        None => false,
    };
    ranked.into_iter().map(|(_, prefix)| prefix).filter(fits).collect()
}

/// Whether so much of a prefix is in another one, read as exactly, that it is not worth a file of its own: three quarters.
pub(super) fn is_most_of(other: &KeptPrefix, prefix: &KeptPrefix) -> bool {
    let common = other.tokens.iter().zip(&prefix.tokens).take_while(|(a, b)| a == b).count();
    other.tenant == prefix.tenant && common * 4 >= prefix.tokens.len() * 3 && other.exact * 4 >= prefix.exact * 3
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
