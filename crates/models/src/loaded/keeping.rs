//! Beginnings of prompts that outlive a model's time in memory.

use std::sync::Arc;

use inference::{Generator, LoadOptions, Loaded, Tenant};

use super::{Entry, Lease, Pool, Shared, Weights};
use crate::snapshots::{Binding, Kept, Snapshots};

/// What is derived from an imported model's data key, for its prefixes.
const PURPOSE: &[u8] = b"craton prefix snapshots 1";

impl Lease {
    /// Has the model begin with what was kept for the tenant. Blocks, the first time.
    pub(crate) fn recall(&self, tenant: Tenant) {
        if let (Some(kept), Loaded::Generator(generator)) = (&self.slot.kept, &self.slot.model) {
            kept.recall(&**generator, tenant);
        }
    }
}

impl Pool {
    /// Keeps prefixes there, of the models that are loaded from now on.
    pub(crate) fn keep_in(&self, snapshots: Arc<Snapshots>) {
        // It is said once, when everything is opened.
        let _ = self.shared.snapshots.set(snapshots);
    }

    /// The names of the loaded models.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = self.shared.lock();
        let ready = entries.iter().filter(|(_, entry)| matches!(entry, Entry::Ready(_)));
        ready.map(|(name, _)| name.clone()).collect()
    }

    /// The names that begin so, of models that are loaded or being loaded.
    pub(crate) fn keys_of(&self, beginning: &str) -> Vec<String> {
        self.shared.lock().keys().filter(|name| name.starts_with(beginning)).cloned().collect()
    }

    /// The model, where it is loaded and its prefixes are kept. It stays in memory as long as this.
    pub(crate) fn keeping(&self, name: &str) -> Option<Keeping> {
        self.shared.lock().get(name).and_then(Keeping::of)
    }

    /// The loaded models that generate, or all that are loaded from the model of that name.
    pub(crate) fn generators(&self, name: Option<&str>) -> Vec<Arc<dyn Generator>> {
        let entries = self.shared.lock();
        let generators = entries.values().filter_map(|entry| match entry {
            Entry::Ready(slot) if name.is_none_or(|name| name == slot.key || name == slot.name) => match &slot.model {
                Loaded::Generator(generator) => Some(generator.clone()),
                Loaded::Embedder(_) => None,
            },
            _ => None,
        });
        generators.collect()
    }
}

impl Shared {
    /// What is kept of a model that was just loaded; none where nothing is, or its states cannot be.
    pub(super) fn kept(
        &self,
        name: &str,
        weights: &Weights,
        model: &Loaded,
        options: &LoadOptions,
    ) -> Option<Arc<Kept>> {
        let snapshots = self.snapshots.get().filter(|snapshots| snapshots.are_kept())?;
        let Loaded::Generator(generator) = model else { return None };
        let (weights, secret) = match weights {
            Weights::Files(_) => return None,
            Weights::Known(_, digest) => (digest.clone(), None),
            Weights::Sealed(sealed) => (sealed.file_name(), Some(sealed.key_for(PURPOSE))),
        };
        let states = generator.info().states.clone();
        if states.is_empty() {
            return None;
        }
        let binding = Binding { model: name.to_owned(), weights, states, secret };
        Some(Arc::new(Kept::new(snapshots.clone(), binding, options.prefix_cache_of_each())))
    }
}

/// A model whose prefixes are kept, as it was when it was in its place in memory.
pub(crate) struct Keeping {
    generator: Arc<dyn Generator>,
    kept: Arc<Kept>,
    /// How often something was forgotten by then: what is forgotten later may not find the model any more.
    since: u64,
}

impl Keeping {
    /// The model of an entry. The lock of the entries is held.
    fn of(entry: &Entry) -> Option<Self> {
        let Entry::Ready(slot) = entry else { return None };
        match (&slot.model, &slot.kept) {
            (Loaded::Generator(generator), Some(kept)) => {
                Some(Self { generator: generator.clone(), since: kept.forgotten(), kept: kept.clone() })
            }
            _ => None,
        }
    }

    /// Keeps what is worth it. Blocks.
    pub(crate) fn keep(&self) {
        self.kept.keep(self.since, &*self.generator);
    }
}

/// A model that leaves the memory.
pub(super) struct Leaving {
    keeping: Option<Keeping>,
    _entry: Entry,
}

impl Leaving {
    /// An entry that is taken out. The lock of the entries is held.
    pub(super) fn new(entry: Entry) -> Self {
        Self { keeping: Keeping::of(&entry), _entry: entry }
    }

    /// Keeps what is worth it of the model, and drops it. Blocks.
    pub(super) fn leave(self) {
        if let Some(keeping) = &self.keeping {
            keeping.keep();
        }
    }
}
