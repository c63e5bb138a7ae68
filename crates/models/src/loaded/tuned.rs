//! The profiles with which tuned models are loaded.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base::{Error, ErrorKind, Result};
use inference::{CoreSet, Facts, LoadOptions, Loaded};

use super::room::{mib, taken_by};
use super::{Carried, Entry, Pool, Shared, Weights};
use crate::status::ProfileInUse;
use crate::tune::Tuned;

/// The profiles by model.
#[derive(Default)]
pub(crate) struct Profiles(Mutex<HashMap<String, Tuned>>);

impl Profiles {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Tuned>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a model may be loaded from.
#[derive(Clone)]
pub(crate) struct Sources {
    own: Weights,
    borrowed: Option<Borrowed>,
    whose: Option<String>,
}

/// The weights of another model that a profile names.
#[derive(Clone)]
pub(crate) struct Borrowed {
    /// The profile.
    pub(crate) tuned: Tuned,
    /// The other model.
    pub(crate) whose: String,
    /// Its weights, or why they may not be used.
    pub(crate) weights: std::result::Result<Weights, String>,
}

impl Sources {
    /// A model's own weights and those that its profile names, where it names others.
    pub(crate) fn new(own: Weights, borrowed: Option<Borrowed>) -> Self {
        Self { own, borrowed, whose: None }
    }

    /// The weights of the model of this name, which are loaded under another.
    pub(crate) fn of(own: Weights, whose: &str) -> Self {
        Self { own, borrowed: None, whose: Some(whose.to_owned()) }
    }

    /// Whose weights they are that are loaded under `name`.
    pub(super) fn whose<'a>(&'a self, name: &'a str) -> &'a str {
        self.whose.as_deref().unwrap_or(name)
    }

    pub(super) fn own(&self) -> &Weights {
        &self.own
    }
}

impl<T: Into<Weights>> From<T> for Sources {
    fn from(own: T) -> Self {
        Self::new(own.into(), None)
    }
}

/// How a model is loaded: from which weights, and with which options.
pub(super) struct Plan {
    pub(super) weights: Weights,
    /// The model whose weights these are.
    pub(super) whose: String,
    pub(super) facts: Facts,
    pub(super) options: LoadOptions,
    pub(super) profile: ProfileInUse,
}

/// Weights that were looked into.
pub(super) struct Seen {
    weights: Weights,
    whose: String,
    facts: Facts,
}

impl Seen {
    /// The plan to load them so.
    pub(super) fn with(self, options: LoadOptions, profile: ProfileInUse) -> Plan {
        Plan { weights: self.weights, whose: self.whose, facts: self.facts, options, profile }
    }
}

impl Pool {
    /// Has a model loaded so from the next time on; as the server's settings say, where there is no profile.
    pub(crate) fn set_tuned(&self, model: &str, tuned: Option<Tuned>) {
        let mut profiles = self.shared.tuned.lock();
        match tuned {
            Some(tuned) => drop(profiles.insert(model.to_owned(), tuned)),
            None => drop(profiles.remove(model)),
        }
    }

    /// The model's profile.
    pub(crate) fn tuned(&self, model: &str) -> Option<Tuned> {
        self.shared.tuned.lock().get(model).cloned()
    }

    /// What the other models in memory leave of the budget.
    pub(crate) fn room_beside(&self, name: &str) -> u64 {
        let entries = self.shared.lock();
        let others = entries.iter().filter(|(other, _)| *other != name);
        self.shared.budget.saturating_sub(taken_by(others.map(|(_, entry)| entry), &self.shared.draining()))
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
    /// How a model is loaded: as its profile says, weights and options, if all of it still fits; else as the settings say.
    pub(super) fn plan(&self, name: &str, sources: &Sources) -> Result<Plan> {
        let tuned = self.tuned.lock().get(name).cloned();
        let Some(tuned) = tuned else {
            return Ok(self.look_into(name, &sources.own)?.with(self.options.clone(), ProfileInUse::Default));
        };
        match self.seen_of(name, sources, &tuned)?.and_then(|seen| self.fitting(seen, tuned)) {
            Ok(plan) => Ok(plan),
            Err(reason) => self.passed_over(name, sources, reason),
        }
    }

    /// The plan for a model whose profile cannot be used.
    pub(super) fn passed_over(&self, name: &str, sources: &Sources, reason: String) -> Result<Plan> {
        tracing::warn!(model = name, reason, "the tuned profile is not used");
        Ok(self.look_into(name, &sources.own)?.with(self.options.clone(), ProfileInUse::Unfit { reason }))
    }

    /// Loads a model as it was planned. Borrowed weights that cannot be loaded are passed over: the model itself is none
    /// the worse for them.
    pub(super) fn carry_out_or_pass_over(&self, name: &str, plan: Plan, sources: &Sources) -> Result<(Plan, Carried)> {
        match self.carry_out(name, &plan) {
            Ok(model) => Ok((plan, model)),
            Err(error) if plan.whose != sources.whose(name) && error.kind == ErrorKind::Damaged => {
                let plan = self.passed_over(name, sources, unreadable(&plan.whose, &error))?;
                let model = self.carry_out(name, &plan)?;
                Ok((plan, model))
            }
            Err(error) => Err(error),
        }
    }

    /// Reads what is to be known of weights.
    pub(super) fn look_into(&self, whose: &str, weights: &Weights) -> Result<Seen> {
        let opened = weights.open()?;
        let facts = self.loader.inspect(&opened.files()).map_err(|error| weights.error(whose, error))?;
        Ok(Seen { weights: weights.clone(), whose: whose.to_owned(), facts })
    }

    /// The weights of a profile, or why they cannot be used.
    fn seen_of(&self, name: &str, sources: &Sources, tuned: &Tuned) -> Result<std::result::Result<Seen, String>> {
        if tuned.settings.weights.is_none() {
            return self.look_into(name, &sources.own).map(Ok);
        }
        // A profile that came since then is for the next load.
        let Some(borrowed) = sources.borrowed.as_ref().filter(|borrowed| borrowed.tuned == *tuned) else {
            return Ok(Err("Its profile was changed while it was being loaded.".to_owned()));
        };
        let seen = borrowed.weights.clone().and_then(|weights| {
            self.look_into(&borrowed.whose, &weights).map_err(|error| unreadable(&borrowed.whose, &error))
        });
        Ok(seen)
    }

    /// The plan to load weights as a profile says, or why they cannot be loaded so.
    fn fitting(&self, seen: Seen, tuned: Tuned) -> std::result::Result<Plan, String> {
        let options = tuned.settings.options(&self.options);
        let needs = seen.facts.memory_bytes(&options);
        if needs > self.budget {
            let (needs, may) = (mib(needs), mib(self.budget));
            return Err(format!("Its profile needs {needs} MiB and models may take {may} MiB."));
        }
        match unusable(&options) {
            None => Ok(seen.with(options, ProfileInUse::Tuned(tuned.job))),
            Some(reason) => Err(reason),
        }
    }
}

/// What is said of a profile whose weights cannot be read.
pub(crate) fn unreadable(whose: &str, error: &Error) -> String {
    format!("Its profile loads the weights of `{whose}`, which cannot be read: {}", error.message)
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
