//! The variants of endpoints in memory: which deployment answers, and which requests it answers.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use base::{Error, Timestamp};
use inference::{Finish, Loaded};
use tokio::sync::{OwnedMutexGuard, watch};

use super::figures::{Answer, Counted, Doing, EndpointFigures};
use super::resource::EndpointVariant;
use super::store::Scope;
use super::weights::{Served, Source};
use crate::loaded::Lease;

/// The variants of all endpoints, by the endpoint's ARN and their names.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    /// What this server is told apart by from others on the same database, where there may be others.
    server: OnceLock<String>,
    endpoints: Mutex<HashMap<String, Known>>,
    deployments: AtomicU64,
    /// What endpoints did at the last look, by their ARNs.
    published: Mutex<BTreeMap<String, (Scope, EndpointFigures)>>,
}

#[derive(Debug, Default)]
struct Known {
    variants: HashMap<String, Arc<LiveVariant>>,
    /// What answers no more and stays in memory for a while.
    leaving: Vec<Deployment>,
    /// Held by whoever changes the endpoint.
    gate: Arc<tokio::sync::Mutex<()>>,
}

impl Registry {
    /// The endpoints of a server of that name; without one there is no other.
    pub(crate) fn of(server: Option<String>) -> Self {
        Self { server: server.map_or_else(OnceLock::new, OnceLock::from), ..Self::default() }
    }

    /// What this server is told apart by from others on the same database; none where there are none.
    pub(super) fn server(&self) -> Option<&str> {
        self.server.get().map(String::as_str)
    }

    /// Has a server that is alone be one of several, as those on a shared database are, of that name.
    #[cfg(test)]
    pub(super) fn join_others(&self, name: &str) {
        let _ = self.server.get_or_init(|| name.to_owned());
    }

    /// A variant of an endpoint.
    pub(crate) fn variant(&self, arn: &str, name: &str) -> Arc<LiveVariant> {
        let mut endpoints = self.lock();
        let variants = &mut endpoints.entry(arn.to_owned()).or_default().variants;
        Arc::clone(variants.entry(name.to_owned()).or_insert_with(|| Arc::new(LiveVariant::new())))
    }

    /// What whoever changes the endpoint holds.
    pub(super) fn gate(&self, arn: &str) -> Arc<tokio::sync::Mutex<()>> {
        Arc::clone(&self.lock().entry(arn.to_owned()).or_default().gate)
    }

    /// The variants of an endpoint that are none of `names`; they are known no longer.
    pub(super) fn take_others(&self, arn: &str, names: &[&str]) -> Vec<Arc<LiveVariant>> {
        let mut endpoints = self.lock();
        let Some(known) = endpoints.get_mut(arn) else { return Vec::new() };
        let others: Vec<String> =
            known.variants.keys().filter(|name| !names.contains(&name.as_str())).cloned().collect();
        others.iter().filter_map(|name| known.variants.remove(name)).collect()
    }

    /// Whether an endpoint has variants in memory, or known there, that are none of `names`.
    pub(super) fn has_others(&self, arn: &str, names: &[&str]) -> bool {
        let endpoints = self.lock();
        let known = endpoints.get(arn);
        known.is_some_and(|known| known.variants.keys().any(|name| !names.contains(&name.as_str())))
    }

    /// The names of the deployments that answer for an endpoint, and of those that do so no more and stay for a while.
    pub(super) fn keys(&self, arn: &str) -> Vec<String> {
        let endpoints = self.lock();
        let Some(known) = endpoints.get(arn) else { return Vec::new() };
        let leaving = known.leaving.iter().map(|deployment| deployment.key.clone());
        known.variants.values().filter_map(|live| live.key()).chain(leaving).collect()
    }

    /// Has a deployment that answers no more stay in memory until it is taken.
    pub(super) fn keep_leaving(&self, arn: &str, deployment: Deployment) {
        self.lock().entry(arn.to_owned()).or_default().leaving.push(deployment);
    }

    /// The deployments of an endpoint that answer no more and are in memory still, or the one of that name; they are known
    /// no longer.
    pub(super) fn take_leaving(&self, arn: &str, key: Option<&str>) -> Vec<Deployment> {
        let mut endpoints = self.lock();
        let Some(known) = endpoints.get_mut(arn) else { return Vec::new() };
        known.leaving.extract_if(.., |deployment| key.is_none_or(|key| deployment.key == key)).collect()
    }

    /// The deployments of all endpoints that answer no more and only wait to leave; they are known no longer.
    pub(super) fn take_all_leaving(&self) -> Vec<Deployment> {
        self.lock().values_mut().flat_map(|known| std::mem::take(&mut known.leaving)).collect()
    }

    /// The names of the deployments that [`Registry::take_all_leaving`] would take.
    pub(super) fn keys_of_leaving(&self) -> Vec<String> {
        self.lock().values().flat_map(|known| &known.leaving).map(|deployment| deployment.key.clone()).collect()
    }

    /// The ARNs of the endpoints that are known here.
    pub(super) fn arns(&self) -> Vec<String> {
        self.lock().keys().cloned().collect()
    }

    /// Forgets an endpoint that is gone, unless somebody changes it or a request to it is open: two who change one endpoint
    /// must know of each other.
    pub(super) fn forget(&self, arn: &str) {
        let mut endpoints = self.lock();
        let is_unused = endpoints.get(arn).is_some_and(|known| {
            let idle = |variant: &Arc<LiveVariant>| Arc::strong_count(variant) == 1 && variant.key().is_none();
            Arc::strong_count(&known.gate) == 1 && known.leaving.is_empty() && known.variants.values().all(idle)
        });
        if is_unused {
            endpoints.remove(arn);
        }
    }

    /// Has an endpoint's figures be told.
    pub(super) fn publish(&self, scope: &Scope, figures: EndpointFigures) {
        let mut published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
        published.insert(figures.arn.clone(), (scope.clone(), figures));
    }

    /// Tells nothing any more of an endpoint that is gone.
    pub(super) fn unpublish(&self, arn: &str) {
        self.published.lock().unwrap_or_else(PoisonError::into_inner).remove(arn);
    }

    /// What is told, by ARN.
    pub(super) fn published(&self) -> Vec<(Scope, EndpointFigures)> {
        self.published.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// A name for a deployment in the pool of loaded models that no other has.
    pub(super) fn key(&self, arn: &str, variant: &str) -> String {
        format!("{arn}/{variant}#{}", self.deployments.fetch_add(1, Ordering::Relaxed))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.endpoints.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A model that is loaded for a variant. It stays in memory as long as this, or a request's lease of it.
pub(crate) struct Deployment {
    /// Its name in the pool of loaded models.
    key: String,
    lease: Lease,
    replicas: u32,
    /// The weights that the variant named when it was loaded.
    source: Source,
    /// The model that it is.
    served: Served,
}

impl Deployment {
    /// What was loaded for a variant.
    pub(super) fn new(key: String, lease: Lease, replicas: u32, (source, served): (Source, Served)) -> Self {
        Self { key, lease: lease.standing(), replicas, source, served }
    }

    /// Whether it is what a variant asks for, whatever its replicas.
    fn is_of(&self, variant: &EndpointVariant) -> bool {
        let named = variant.served.as_ref().is_none_or(|served| served.name == self.served.name);
        self.source == variant.source && named
    }

    /// Its name in the pool of loaded models.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// Gives it up: its name in the pool of loaded models, where it stays as long as nobody takes it out.
    pub(super) fn into_key(self) -> String {
        self.key
    }
}

impl fmt::Debug for Deployment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deployment").field("key", &self.key).field("replicas", &self.replicas).finish_non_exhaustive()
    }
}

/// A variant: the deployment that answers now, if any is loaded, and the requests that it was handed.
#[derive(Debug)]
pub(crate) struct LiveVariant {
    deployment: Mutex<Option<Deployment>>,
    /// Held by whoever loads one, for a request or because the endpoint is changed.
    waking: Arc<tokio::sync::Mutex<()>>,
    /// Requests that are not over.
    open: watch::Sender<usize>,
    /// Those of them that wait for the model to be loaded.
    waiting: watch::Sender<u32>,
    counted: Counted,
}

impl LiveVariant {
    fn new() -> Self {
        Self {
            deployment: Mutex::default(),
            waking: Arc::default(),
            open: watch::channel(0).0,
            waiting: watch::channel(0).0,
            counted: Counted::default(),
        }
    }

    pub(super) fn counted(&self) -> &Counted {
        &self.counted
    }

    /// The weights of the deployment that answers, if any does.
    pub(super) fn source(&self) -> Option<Source> {
        self.lock().as_ref().map(|deployment| deployment.source.clone())
    }

    /// Has none answer from now on, where the one that does is of these weights.
    #[must_use]
    pub(super) fn take_of(&self, source: &Source) -> Option<Deployment> {
        self.lock().take_if(|deployment| deployment.source == *source)
    }

    /// Waits until nobody else loads a deployment. While the guard is held nobody does, and requests for which none is
    /// loaded wait.
    pub(super) async fn hold(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.waking).lock_owned().await
    }

    /// As [`LiveVariant::hold`], unless somebody loads one.
    pub(super) fn try_hold(&self) -> Option<OwnedMutexGuard<()>> {
        Arc::clone(&self.waking).try_lock_owned().ok()
    }

    /// The deployment that answers, for a request, and the model that it is.
    pub(super) fn lease(&self) -> Option<(Lease, Served)> {
        self.lock().as_ref().map(|deployment| (deployment.lease.clone(), deployment.served.clone()))
    }

    /// The name of the deployment that answers.
    pub(super) fn key(&self) -> Option<String> {
        self.lock().as_ref().map(|deployment| deployment.key.clone())
    }

    /// The model that answers.
    pub(super) fn served(&self) -> Option<Served> {
        self.lock().as_ref().map(|deployment| deployment.served.clone())
    }

    /// The replicas that are loaded.
    #[cfg(test)]
    pub(super) fn replicas(&self) -> u32 {
        self.lock().as_ref().map_or(0, |deployment| deployment.replicas)
    }

    /// Whether what is in memory is what the variant asks for.
    pub(super) fn is_as(&self, variant: &EndpointVariant) -> bool {
        match self.lock().as_ref() {
            Some(deployment) => deployment.is_of(variant) && deployment.replicas == variant.spec.instances,
            None => variant.spec.instances == 0,
        }
    }

    /// As [`LiveVariant::is_as`] of a variant of an endpoint in service: one that follows its load has as many replicas as
    /// that asks for here, and another server's load may ask for others.
    pub(super) fn agrees_with(&self, variant: &EndpointVariant) -> bool {
        match variant.spec.scaling {
            Some(scaling) => {
                // Nothing is loaded: the first request brings it back, where that is how it may be.
                let may_be_none = scaling.least == 0 || variant.spec.instances == 0;
                self.lock().as_ref().map_or(may_be_none, |deployment| deployment.is_of(variant))
            }
            None => self.is_as(variant),
        }
    }

    /// Has another deployment, or none, answer from now on; the one that did until now.
    #[must_use]
    pub(super) fn replace(&self, deployment: Option<Deployment>) -> Option<Deployment> {
        std::mem::replace(&mut *self.lock(), deployment)
    }

    /// What it is doing.
    pub(super) fn state(&self) -> Doing {
        let waiting = *self.waiting.borrow();
        let deployment = self.lock();
        let Some(deployment) = deployment.as_ref() else { return Doing { waiting, ..Doing::default() } };
        let model = deployment.lease.model();
        let (status, slots) = match model {
            Loaded::Generator(generator) => (generator.status(), generator.info().parallel),
            Loaded::Embedder(_) => {
                let open = u32::try_from(*self.open.borrow()).unwrap_or(u32::MAX);
                (
                    inference::EngineStatus { active: open.saturating_sub(waiting), ..Default::default() },
                    deployment.replicas,
                )
            }
        };
        Doing { replicas: deployment.replicas, slots, status, waiting, memory_bytes: model.memory_bytes() }
    }

    /// Counts one that waits for the model to be loaded, until dropped.
    pub(super) fn waits(self: &Arc<Self>) -> Waits {
        self.waiting.send_modify(|waiting| *waiting += 1);
        Waits(Arc::clone(self))
    }

    /// Waits until no request is open.
    pub(super) async fn drained(&self) {
        // The sender lives as long as this.
        let _ = self.open.subscribe().wait_for(|open| *open == 0).await;
    }

    fn lock(&self) -> MutexGuard<'_, Option<Deployment>> {
        self.deployment.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One who waits for the model to be loaded.
pub(super) struct Waits(Arc<LiveVariant>);

impl Drop for Waits {
    fn drop(&mut self) {
        self.0.waiting.send_modify(|waiting| *waiting -= 1);
    }
}

/// A request to a variant. It is over when this is dropped.
pub(crate) struct Invocation {
    variant: Arc<LiveVariant>,
    begun: Instant,
    answered: Mutex<Option<Answer>>,
    failed: AtomicBool,
}

impl Invocation {
    /// A request that begins, at `now`.
    pub(super) fn begin(variant: &Arc<LiveVariant>, now: Timestamp) -> Self {
        variant.counted.begin(now);
        variant.open.send_modify(|open| *open += 1);
        let (begun, answered, failed) = (Instant::now(), Mutex::default(), AtomicBool::new(false));
        Self { variant: Arc::clone(variant), begun, answered, failed }
    }

    /// Notes how it was answered; the end is when it is dropped.
    pub(crate) fn note_answer(&self, finish: &Finish) {
        *self.answered() = Some(Answer::of(finish));
    }

    /// Notes vectors, of so many tokens of text.
    pub(crate) fn note_vectors(&self, prompt: u32) {
        *self.answered() = Some(Answer { prompt, ..Answer::default() });
    }

    /// Notes that it failed; a request fails once, whoever says so.
    pub(crate) fn note_failure(&self, error: &Error) {
        if !self.failed.swap(true, Ordering::AcqRel) {
            self.variant.counted.fail(error);
        }
    }

    fn answered(&self) -> MutexGuard<'_, Option<Answer>> {
        self.answered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Invocation {
    fn drop(&mut self) {
        if let Some(answer) = self.answered().take() {
            let now = Instant::now();
            let whole = now.saturating_duration_since(self.begun);
            self.variant.counted.answer(Answer { whole, ..answer }, now);
        }
        self.variant.open.send_modify(|open| *open -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deployments_of_one_variant_have_names_of_their_own() {
        let registry = Registry::default();
        let arn = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/chat";
        assert_ne!(registry.key(arn, "All"), registry.key(arn, "All"));
    }

    #[tokio::test]
    async fn a_variant_is_drained_when_its_last_request_is_over() {
        let registry = Registry::default();
        let variant = registry.variant("arn", "v");
        variant.drained().await;
        let (one, other) = (Invocation::begin(&variant, Timestamp(1)), Invocation::begin(&variant, Timestamp(2)));
        drop(one);
        let waiting = Arc::clone(&variant);
        let drained = tokio::spawn(async move { waiting.drained().await });
        assert!(!drained.is_finished());
        drop(other);
        drained.await.unwrap();
    }

    #[test]
    fn variants_that_are_no_longer_wanted_are_taken_out() {
        let registry = Registry::default();
        let (kept, other) = (registry.variant("arn", "a"), registry.variant("arn", "b"));
        assert!(registry.has_others("arn", &["a"]) && !registry.has_others("arn", &["a", "b"]));
        assert!(Arc::ptr_eq(&registry.take_others("arn", &["a"])[0], &other));
        assert!(Arc::ptr_eq(&kept, &registry.variant("arn", "a")));
    }

    #[test]
    fn an_endpoint_is_forgotten_when_nobody_changes_it_and_nobody_asks_it() {
        let registry = Registry::default();
        let (gate, variant) = (registry.gate("arn"), registry.variant("arn", "a"));
        registry.forget("arn");
        assert!(Arc::ptr_eq(&gate, &registry.gate("arn")), "whoever comes waits for who is there");
        drop(gate);
        registry.forget("arn");
        assert!(Arc::ptr_eq(&variant, &registry.variant("arn", "a")));
        drop(variant);
        registry.forget("arn");
        assert_eq!(registry.arns(), Vec::<String>::new());
    }

    #[test]
    fn a_request_fails_once_whoever_says_so() {
        let registry = Registry::default();
        let variant = registry.variant("arn", "a");
        let request = Invocation::begin(&variant, Timestamp(1));
        request.note_failure(&Error::internal("first"));
        request.note_failure(&Error::internal("second"));
        assert_eq!(variant.counted().totals(), (1, 1, 0));
    }
}
