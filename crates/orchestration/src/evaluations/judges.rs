//! What is known of judges while they judge: by which key passports know them, and which of them tell no probabilities.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base::{ErrorKind, Result};
use identity::Ctx;
use models::{Models, Resolved, Target};
use tokio::sync::RwLock;

use super::patience::Patience;
use super::plan::sha256;
use super::upstream::{is_elsewhere, with_form};

/// The judges of one run.
pub(super) struct Judges {
    first_pause: Duration,
    known: Mutex<Known>,
    /// Read by whoever asks a judge behind another server; written by whoever asks it alone.
    asking: RwLock<()>,
}

#[derive(Default)]
struct Known {
    /// The keys, by what answers.
    keys: BTreeMap<String, String>,
    /// The keys of judges behind other servers that tell no probabilities.
    silent: BTreeSet<String>,
}

impl Judges {
    /// Of a run that waits so long before it asks again for the first time.
    pub(super) fn new(first_pause: Duration) -> Self {
        Self { first_pause, known: Mutex::default(), asking: RwLock::default() }
    }

    /// For one question.
    pub(super) fn patience(&self) -> Patience {
        Patience::new(self.first_pause)
    }

    /// The key of what was resolved. To tell it the whole library is looked through, which is done once until
    /// [`Judges::forget_keys`].
    ///
    /// # Errors
    /// NotFound, where the model is not here any more.
    pub(super) async fn key(&self, models: &Models, ctx: &Ctx, resolved: &Resolved) -> Result<String> {
        let place = place_of(&resolved.target);
        let known = self.known().keys.get(&place).cloned();
        if let Some(key) = known {
            return Ok(key);
        }
        let key = key_of(models, ctx, resolved).await?;
        self.known().keys.insert(place, key.clone());
        Ok(key)
    }

    /// Has the keys looked up again: a model of the same name may have another file by now.
    pub(super) fn forget_keys(&self) {
        self.known().keys.clear();
    }

    /// Who asks a judge behind another server, and who asks it alone.
    pub(super) fn asking(&self) -> &RwLock<()> {
        &self.asking
    }

    /// Is the judge of this key known to tell no probabilities?
    pub(super) fn is_silent(&self, key: &str) -> bool {
        self.known().silent.contains(key)
    }

    /// Notes that the judge of this key tells no probabilities, so that it is not asked for them again.
    pub(super) fn note_silent(&self, key: &str) {
        self.known().silent.insert(key.to_owned());
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a passport belongs to: what answers for a model id. Of a local model it has the hash of its file, of a pool its members, of an
/// inference profile what it is routed to, and of what is elsewhere the form of its verdicts.
///
/// # Errors
/// NotFound, where the model is not here any more.
pub(super) async fn key_of(models: &Models, ctx: &Ctx, resolved: &Resolved) -> Result<String> {
    let key = match &resolved.target {
        Target::Routed { profile, weighted, legs } => {
            let mut keys = Vec::with_capacity(legs.len());
            for leg in legs {
                let key = match key_of_one(models, ctx, &leg.target).await {
                    // What is not here does not answer; another one does.
                    Err(error) if error.kind == ErrorKind::NotFound => place_of(&leg.target),
                    key => key?,
                };
                keys.push((leg.weight, key));
            }
            of_legs(profile, *weighted, &keys)
        }
        target => key_of_one(models, ctx, target).await?,
    };
    Ok(if is_elsewhere(&resolved.target) { with_form(&key) } else { key })
}

async fn key_of_one(models: &Models, ctx: &Ctx, target: &Target) -> Result<String> {
    match target {
        Target::Local { name } => {
            let hash = models.get(ctx, name).await?.sha256.unwrap_or_default();
            Ok(format!("{name} {hash}"))
        }
        Target::Pool { name } => {
            let members = models.pool(ctx, name).await?.members.into_iter();
            Ok(of_pool(name, members.map(|member| format!("{} {}", member.base_url, member.model)).collect()))
        }
        Target::Endpoint(endpoint) => {
            let hash = match models.get(ctx, &endpoint.served.name).await {
                // An imported model, of which another one has another name as long as it is hosted.
                Err(error) if error.kind == ErrorKind::NotFound => String::new(),
                card => card?.sha256.unwrap_or_default(),
            };
            Ok(format!("{} {hash}", place_of(target)))
        }
        Target::Remote { base_url, model, .. } => Ok(format!("{base_url} {model}")),
        Target::Imported { .. } | Target::Routed { .. } => Ok(place_of(target)),
    }
}

/// The key of a pool of these members, whatever their order.
fn of_pool(name: &str, mut members: Vec<String>) -> String {
    members.sort_unstable();
    format!("pool:{name} {}", sha256(members.join("\n").as_bytes()))
}

/// The key of an inference profile that is routed to these, each with its share of the requests.
fn of_legs(profile: &str, weighted: bool, legs: &[(u32, String)]) -> String {
    let told = legs.iter().map(|(weight, key)| if weighted { format!("{weight} {key}") } else { key.clone() });
    format!("profile:{profile} {}", sha256(told.collect::<Vec<_>>().join("\n").as_bytes()))
}

/// What answers, without what has to be looked up: models of different kinds may have one name.
fn place_of(target: &Target) -> String {
    match target {
        Target::Local { name } => format!("local:{name}"),
        Target::Imported { model } => model.arn.to_string(),
        Target::Remote { base_url, model, .. } => format!("remote:{base_url} {model}"),
        Target::Pool { name } => format!("pool:{name}"),
        Target::Endpoint(endpoint) => format!("{} {} {}", endpoint.arn, endpoint.variant, endpoint.served.name),
        Target::Routed { profile, weighted, legs } => {
            let legs: Vec<(u32, String)> = legs.iter().map(|leg| (leg.weight, place_of(&leg.target))).collect();
            of_legs(profile, *weighted, &legs)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn legs(keys: &[(u32, &str)]) -> Vec<(u32, String)> {
        keys.iter().map(|(weight, key)| (*weight, (*key).to_owned())).collect()
    }

    #[test]
    fn models_of_one_name_are_told_apart() {
        let local = || Target::Local { name: "tiny".to_owned() };
        let remote = || Target::Remote { base_url: "tiny".to_owned(), model: "tiny".to_owned(), api_key: None };
        let pool = || Target::Pool { name: "tiny".to_owned() };
        let leg = |target| models::Leg { region: "r".to_owned(), weight: 1, target };
        let routed = |target| Target::Routed { profile: "tiny".to_owned(), weighted: false, legs: vec![leg(target)] };
        let all = [local(), remote(), pool(), routed(local()), routed(pool()), routed(remote())];
        let places: BTreeSet<String> = all.iter().map(place_of).collect();
        assert_eq!(places.len(), all.len(), "{places:?}");
        assert_eq!(place_of(&routed(pool())), place_of(&routed(pool())));
    }

    #[test]
    fn other_members_and_other_targets_are_another_judge() {
        let pool = |members: &[&str]| of_pool("p", members.iter().map(|member| (*member).to_owned()).collect());
        assert_eq!(pool(&["a m", "b m"]), pool(&["b m", "a m"]));
        assert!(pool(&["a m", "b m"]) != pool(&["a m"]) && pool(&["a m"]).starts_with("pool:p "));
        let [one, two] = [legs(&[(1, "a"), (2, "b")]), legs(&[(2, "a"), (1, "b")])];
        assert_eq!(of_legs("p", false, &one), of_legs("p", false, &two), "weights that draw nothing");
        assert_ne!(of_legs("p", true, &one), of_legs("p", true, &two));
        assert_ne!(of_legs("p", false, &one), of_legs("p", false, &legs(&[(1, "b"), (2, "a")])), "the first answers");
    }
}
