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

    /// The loaded models whose prefixes are kept.
    pub(crate) fn keeping(&self) -> Vec<(Arc<dyn Generator>, Arc<Kept>)> {
        let entries = self.shared.lock();
        entries.values().filter_map(kept_of).collect()
    }

    /// The loaded models that generate, or the one of that name.
    pub(crate) fn generators(&self, name: Option<&str>) -> Vec<Arc<dyn Generator>> {
        let entries = self.shared.lock();
        let wanted = entries.iter().filter(|(other, _)| name.is_none_or(|name| name == *other));
        let generators = wanted.filter_map(|(_, entry)| match entry {
            Entry::Ready(slot) => match &slot.model {
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

/// Keeps what is worth it of a model that leaves the memory, and drops it. Blocks.
pub(super) fn leave(entry: Entry) {
    if let Some((generator, kept)) = kept_of(&entry) {
        kept.keep(&*generator);
    }
}

fn kept_of(entry: &Entry) -> Option<(Arc<dyn Generator>, Arc<Kept>)> {
    let Entry::Ready(slot) = entry else { return None };
    match (&slot.model, &slot.kept) {
        (Loaded::Generator(generator), Some(kept)) => Some((generator.clone(), kept.clone())),
        _ => None,
    }
}
