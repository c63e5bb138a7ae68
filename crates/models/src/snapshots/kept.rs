//! What is kept of one loaded model.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use inference::{Generator, KeptPrefix, Tenant};

use super::{Binding, Snapshots, account};

/// The prefixes of one loaded model: read when an account first asks it, written now and then. Everything blocks.
pub(crate) struct Kept {
    snapshots: Arc<Snapshots>,
    binding: Binding,
    /// The most bytes that are read for an account.
    most: u64,
    /// Whether a tenant's prefixes were read; held by the one who reads them.
    recalled: Mutex<HashMap<Tenant, Arc<Mutex<bool>>>>,
    files: Mutex<Vec<OnDisk>>,
    /// Held by the one who writes.
    writing: Mutex<()>,
}

/// A prefix on disk, without its state.
struct OnDisk {
    path: PathBuf,
    prefix: KeptPrefix,
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
                lock(&self.files).extend(read.into_iter().map(|(path, prefix)| OnDisk::new(path, prefix)));
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
        used.sort_by_key(|prefix| std::cmp::Reverse(prefix.tokens.len()));
        lock(&self.files).retain(|file| file.path.exists());
        for prefix in used {
            if self.is_on_disk(&prefix) {
                continue;
            }
            let Some(account) = account(prefix.tenant) else { continue };
            match self.snapshots.keep(since, &account, &self.binding, &prefix) {
                Ok(Some(path)) => self.note(OnDisk::new(path, prefix)),
                Ok(None) => {}
                Err(error) => tracing::warn!(?error, model = self.binding.model, "a prefix is not kept"),
            }
        }
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
    fn new(path: PathBuf, prefix: KeptPrefix) -> Self {
        Self { path, prefix: KeptPrefix { state: Arc::default(), ..prefix } }
    }
}

/// Whether so much of a prefix is in another one, read as exactly, that it is not worth a file of its own: three quarters.
pub(super) fn is_most_of(other: &KeptPrefix, prefix: &KeptPrefix) -> bool {
    let common = other.tokens.iter().zip(&prefix.tokens).take_while(|(a, b)| a == b).count();
    other.tenant == prefix.tenant && common * 4 >= prefix.tokens.len() * 3 && other.exact * 4 >= prefix.exact * 3
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
