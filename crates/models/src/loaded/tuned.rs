//! The profiles with which tuned models are loaded.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use inference::{CoreSet, Facts, LoadOptions, Loaded};

use super::{Entry, Pool, Shared, mib};
use crate::status::ProfileInUse;
use crate::tune::Tuned;

/// The profiles by model.
#[derive(Default)]
pub(crate) struct Profiles(Mutex<HashMap<String, Kept>>);

/// A profile, and why its weights cannot be used, where they cannot.
#[derive(Clone)]
struct Kept {
    tuned: Tuned,
    unfit: Option<String>,
}

impl Profiles {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pool {
    /// Has a model loaded so from the next time on; as the server's settings say, where there is no profile.
    pub(crate) fn set_tuned(&self, model: &str, tuned: Option<Tuned>) {
        let mut profiles = self.shared.tuned.lock();
        match tuned {
            Some(tuned) => drop(profiles.insert(model.to_owned(), Kept { tuned, unfit: None })),
            None => drop(profiles.remove(model)),
        }
    }

    /// The model's profile.
    pub(crate) fn tuned(&self, model: &str) -> Option<Tuned> {
        self.shared.tuned.lock().get(model).map(|kept| kept.tuned.clone())
    }

    /// Notes why the profile cannot be used, or that it can: where not, the model is loaded as the server's settings say.
    pub(crate) fn set_unfit(&self, model: &str, reason: Option<String>) {
        if let Some(kept) = self.shared.tuned.lock().get_mut(model) {
            kept.unfit = reason;
        }
    }

    /// What the other models are doing: the tokens that they read and wrote, and the requests that hold them.
    pub(crate) fn others_work(&self, name: &str) -> (u64, usize) {
        let entries = self.shared.lock();
        let others = entries.iter().filter(|(other, _)| *other != name);
        others.fold((0, 0), |(tokens, leases), (_, entry)| match entry {
            Entry::Ready(slot) => {
                let work = match &slot.model {
                    Loaded::Generator(generator) => {
                        let status = generator.status();
                        status.generated_tokens + status.prompt_tokens
                    }
                    Loaded::Embedder(_) => 0,
                };
                (tokens + work, leases + std::sync::Arc::strong_count(slot) - 1)
            }
            _ => (tokens, leases),
        })
    }
}

impl Shared {
    /// The options with which a model is loaded: those of its profile, if that still fits.
    pub(super) fn options_of(&self, name: &str, facts: &Facts) -> (LoadOptions, ProfileInUse) {
        let Some(Kept { tuned, unfit }) = self.tuned.lock().get(name).cloned() else {
            return (self.options.clone(), ProfileInUse::Default);
        };
        let options = tuned.settings.options(&self.options);
        let needs = facts.memory_bytes(&options);
        let reason = unfit.or_else(|| {
            (needs > self.budget)
                .then(|| format!("Its profile needs {} MiB and models may take {} MiB.", mib(needs), mib(self.budget)))
        });
        match reason.or_else(|| unusable(&options)) {
            None => (options, ProfileInUse::Tuned(tuned.job)),
            Some(reason) => {
                tracing::warn!(model = name, reason, "the tuned profile is not used");
                (self.options.clone(), ProfileInUse::Unfit { reason })
            }
        }
    }
}

/// Why options cannot be used on this machine and with these settings, where they cannot.
fn unusable(options: &LoadOptions) -> Option<String> {
    if let Err(error) = options.validate() {
        return Some(format!("Its profile does not go with the server's settings: {error}."));
    }
    let available = CoreSet::available()?;
    let core = options.cores.iter().find_map(|set| available.lacks(set))?;
    Some(format!("Its profile needs core {core}, which the server may not use."))
}
