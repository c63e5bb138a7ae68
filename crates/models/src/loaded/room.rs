//! The memory that loaded models take: weights that are mapped from one file are there once, however often it is loaded.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, Weak};

use base::{Error, Result};
use inference::LoadOptions;

use super::tuned::{Plan, Sources};
use super::{Carried, Entry, Leaving, Pool, Shared, Slot, Weights, idle, label, pace};
use crate::status::ProfileInUse;

/// The memory that a model takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Taken {
    /// All of it, in bytes.
    pub(super) bytes: u64,
    /// Which weights are mapped from files, and how many of the bytes they are.
    mapped: Option<(String, u64)>,
}

impl Taken {
    /// What a model takes that is loaded as planned and needs `bytes`.
    pub(super) fn of(plan: &Plan, bytes: u64) -> Self {
        let which = match &plan.weights {
            Weights::Known(_, digest) => Some(digest.clone()),
            Weights::Files(files) => Some(files.main.display().to_string()),
            // Decrypted for each by itself.
            Weights::Sealed(_) => None,
        };
        Self { bytes, mapped: which.map(|which| (which, plan.facts.weights_bytes.min(bytes))) }
    }
}

/// A model that left its place while requests used it.
#[derive(Clone)]
pub(super) struct Draining {
    slot: Weak<Slot>,
    key: String,
    taken: Taken,
}

impl Taken {
    /// Whether its weights are those of files of the library.
    pub(super) fn is_mapped(&self) -> bool {
        self.mapped.is_some()
    }
}

impl Entry {
    /// Whether it is being loaded and ends soon, in nothing.
    fn is_unwanted(&self) -> bool {
        matches!(self, Self::Loading { unwanted: true, .. })
    }

    fn taken(&self) -> Option<&Taken> {
        match self {
            Self::Loading { taken, .. } => Some(taken),
            Self::Ready(slot) => Some(&slot.taken),
            Self::Leaving => None,
        }
    }
}

/// # Errors
/// Unavailable, where a model that is being loaded may not be used any more.
pub(super) fn wanted(entries: &HashMap<String, Entry>, name: &str) -> Result<()> {
    match entries.get(name).is_some_and(Entry::is_unwanted) {
        true => Err(Error::unavailable(format!("The model `{name}` was unloaded.")).with_hint("Try again.")),
        false => Ok(()),
    }
}

/// The memory that these take together, in bytes.
pub(super) fn taken_by<'a>(entries: impl IntoIterator<Item = &'a Entry>, draining: &'a [Draining]) -> u64 {
    together(entries.into_iter().filter_map(Entry::taken).chain(draining.iter().map(|left| &left.taken)))
}

fn together<'a>(all: impl IntoIterator<Item = &'a Taken>) -> u64 {
    let mut mapped = HashSet::new();
    let each = |taken: &'a Taken| match &taken.mapped {
        Some((which, bytes)) if !mapped.insert(which) => taken.bytes - bytes,
        _ => taken.bytes,
    };
    all.into_iter().map(each).fold(0, u64::saturating_add)
}

impl Pool {
    /// Whether a model would fit if `other` were not in memory, beside what is in use. Blocks.
    ///
    /// # Errors
    /// Damaged, where its file is.
    pub(crate) fn fits_in_place_of(&self, other: &str, sources: &Sources, options: LoadOptions) -> Result<bool> {
        self.fits(sources, options, |key| key == other, |key| key == other)
    }

    /// Whether a model would fit beside what is in use if these were not in memory, and nothing that left its place. Blocks.
    ///
    /// # Errors
    /// Damaged, where its file is.
    pub(crate) fn fits_without(&self, gone: &[String], sources: &Sources, options: LoadOptions) -> Result<bool> {
        self.fits(sources, options, |key| gone.iter().any(|gone| gone == key), |_| true)
    }

    /// Whether a model would fit beside what is in use, without those in their places that are `gone` and those that left them and
    /// are `drained`.
    fn fits(
        &self,
        sources: &Sources,
        options: LoadOptions,
        gone: impl Fn(&str) -> bool,
        drained: impl Fn(&str) -> bool,
    ) -> Result<bool> {
        let plan = self.shared.look_into(sources.whose(""), sources.own())?.with(options, ProfileInUse::Default);
        let taken = Taken::of(&plan, plan.facts.memory_bytes(&plan.options));
        let (entries, draining) = (self.shared.lock(), self.shared.draining());
        let draining = draining.iter().filter(|left| !drained(&left.key)).map(|left| &left.taken);
        let staying = entries.iter().filter(|(name, entry)| match entry {
            Entry::Ready(slot) => !gone(name) && !idle(slot),
            entry => !(entry.is_unwanted() && drained(name)),
        });
        let needed = together(staying.filter_map(|(_, entry)| entry.taken()).chain(draining).chain([&taken]));
        Ok(needed <= self.shared.budget)
    }

    /// Whether models that left their places are used still, or some are being loaded that are not wanted any more: there is more
    /// room when their last requests, or those loads, have ended.
    pub(crate) fn is_draining(&self) -> bool {
        let entries = self.shared.lock();
        entries.values().any(Entry::is_unwanted) || !self.shared.draining().is_empty()
    }

    /// Tells how often others left no room.
    #[cfg(test)]
    pub(crate) fn refusals(&self) -> tokio::sync::watch::Receiver<u64> {
        self.shared.refusals.subscribe()
    }

    /// Whether a model would fit if nothing else were in memory. Blocks.
    ///
    /// # Errors
    /// Damaged, where its file is.
    pub(crate) fn could_fit(&self, sources: &Sources, options: LoadOptions) -> Result<bool> {
        let plan = self.shared.look_into(sources.whose(""), sources.own())?.with(options, ProfileInUse::Default);
        Ok(plan.facts.memory_bytes(&plan.options) <= self.shared.budget)
    }
}

impl Shared {
    /// Counts a model that leaves its place until the last request that uses it has ended. The lock of the entries is held.
    pub(super) fn drain(&self, slot: &Arc<Slot>) {
        if !idle(slot) {
            let left = Draining { slot: Arc::downgrade(slot), key: slot.key.clone(), taken: slot.taken.clone() };
            self.draining.lock().unwrap_or_else(PoisonError::into_inner).push(left);
        }
    }

    /// The models that left their places and are still used.
    pub(super) fn draining(&self) -> Vec<Draining> {
        let mut draining = self.draining.lock().unwrap_or_else(PoisonError::into_inner);
        draining.retain(|left| left.slot.strong_count() > 0);
        draining.clone()
    }

    /// Makes room for a model, and loads it as it was planned, as long as it is wanted. What the engine has begun it ends.
    pub(super) fn carry_out(&self, name: &str, plan: &Plan) -> Result<Carried> {
        // What is evicted is dropped here, outside the lock and before the new model takes its memory.
        let taken = Taken::of(plan, plan.facts.memory_bytes(&plan.options));
        let wanted = || wanted(&self.lock(), name);
        wanted()?;
        self.make_room((name, &plan.whose), taken)?.into_iter().for_each(Leaving::leave);
        let opened = plan.weights.open()?.finish_while(wanted)?;
        wanted()?;
        let options = LoadOptions { name: Some(label(name)), ..plan.options.clone() };
        let before = pace::resident_bytes();
        let loaded = self.loader.load(&opened.files(), &options);
        let model = loaded.map_err(|error| plan.weights.error(&plan.whose, error))?;
        let grown = pace::resident_bytes().zip(before).map(|(after, before)| after.saturating_sub(before));
        Ok(Carried { model, grown })
    }

    /// Sets `bytes` aside for what is being loaded and shares nothing with others.
    pub(super) fn set_aside(&self, name: &str, bytes: u64) -> Result<Vec<Leaving>> {
        self.make_room((name, name), Taken { bytes, mapped: None })
    }

    /// Sets aside what is taken by the model of a name that is being loaded; returns the idle models that had to leave for
    /// it.
    fn make_room(&self, (name, whose): (&str, &str), taken: Taken) -> Result<Vec<Leaving>> {
        let mut entries = self.lock();
        let draining = self.draining();
        let others: Vec<(&String, &Entry)> = entries.iter().filter(|(other, _)| *other != name).collect();
        let leaving = self.choose_leaving(&others, &draining, &taken).map_err(|missing| {
            let used = taken_by(others.iter().map(|(_, entry)| *entry), &draining);
            self.no_room(whose, taken.bytes, used, missing)
        })?;
        let left = leaving.iter().filter_map(|name| entries.remove(name)).map(Leaving::new).collect();
        for name in &leaving {
            tracing::info!(model = name, "unloaded to make room");
            metrics::counter!("craton_model_evictions_total", "model" => label(name)).increment(1);
        }
        if let Some(Entry::Loading { taken: reserved, .. }) = entries.get_mut(name) {
            *reserved = taken;
        }
        Ok(left)
    }

    /// The least recently used idle models without which there is room for `taken`.
    ///
    /// # Errors
    /// How many bytes are missing without all of them.
    fn choose_leaving(
        &self,
        others: &[(&String, &Entry)],
        draining: &[Draining],
        taken: &Taken,
    ) -> Result<Vec<String>, u64> {
        let last_use = |entry: &Entry| match entry {
            Entry::Ready(slot) if idle(slot) => Some(slot.last_use.load(Ordering::Relaxed)),
            _ => None,
        };
        let mut candidates: Vec<(u64, &String)> =
            others.iter().filter_map(|(name, entry)| Some((last_use(entry)?, *name))).collect();
        candidates.sort_unstable();
        let mut leaving: Vec<String> = Vec::new();
        let needed = |leaving: &[String]| {
            let staying = others.iter().filter(|(name, _)| !leaving.contains(name));
            let draining = draining.iter().map(|left| &left.taken);
            together(staying.filter_map(|(_, entry)| entry.taken()).chain(draining).chain([taken]))
        };
        for (_, name) in candidates {
            if needed(&leaving) <= self.budget {
                break;
            }
            leaving.push(name.clone());
        }
        match needed(&leaving).saturating_sub(self.budget) {
            0 => Ok(leaving),
            missing => Err(missing),
        }
    }

    fn no_room(&self, name: &str, bytes: u64, used: u64, missing: u64) -> Error {
        let (needs, has, missing) = (mib(bytes), mib(self.budget), mib(missing));
        if bytes > self.budget {
            return Error::unavailable(format!("The model `{name}` needs {needs} MiB and models may take {has} MiB."))
                .with_hint(format!(
                    "{missing} MiB are missing. Raise `memory_budget`, lower `parallel` or the context, or choose a smaller model."
                ));
        }
        self.refusals.send_modify(|count| *count += 1);
        let used = mib(used);
        Error::throttled(format!("The model `{name}` needs {needs} MiB; of {has} MiB, {used} MiB are in use."))
            .with_hint(format!(
                "{missing} MiB are missing. Try again when other models are idle, or raise `memory_budget`."
            ))
    }
}

/// Whole MiB, rounded up.
pub(super) fn mib(bytes: u64) -> u64 {
    bytes.div_ceil(1 << 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(bytes: u64, mapped: Option<(&str, u64)>) -> Taken {
        Taken { bytes, mapped: mapped.map(|(which, bytes)| (which.to_owned(), bytes)) }
    }

    #[test]
    fn weights_that_several_deployments_map_are_counted_once() {
        let all =
            [taken(500, Some(("a", 400))), taken(900, Some(("a", 400))), taken(50, Some(("b", 40))), taken(7, None)];
        assert_eq!(together(&all), 500 + 500 + 50 + 7);
        assert_eq!(together(&all[1..]), 900 + 50 + 7);
        assert_eq!(together([]), 0);
    }
}
