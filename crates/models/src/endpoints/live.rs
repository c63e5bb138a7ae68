//! The variants of endpoints in memory: which deployment answers, and which requests it answers.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use base::Error;
use inference::{Finish, Loaded};
use tokio::sync::watch;

use super::figures::{Answer, Counted, Doing};
use crate::loaded::Lease;

/// The variants of all endpoints, by the endpoint's ARN and their names.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    endpoints: Mutex<HashMap<String, Known>>,
    deployments: AtomicU64,
}

#[derive(Debug, Default)]
struct Known {
    variants: HashMap<String, Arc<LiveVariant>>,
    /// Held by whoever changes the endpoint.
    gate: Arc<tokio::sync::Mutex<()>>,
}

impl Registry {
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

    /// Forgets an endpoint that is gone.
    pub(super) fn forget(&self, arn: &str) {
        self.lock().remove(arn);
    }

    /// A name for a deployment in the pool of loaded models that no other has.
    pub(super) fn key(&self, arn: &str, variant: &str) -> String {
        format!("{arn}/{variant}#{}", self.deployments.fetch_add(1, Ordering::Relaxed))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.endpoints.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A deployment's name as metrics and logs show it: `endpoint:NAME/VARIANT`.
pub(crate) fn shown(key: &str) -> String {
    let name = key.split_once(":endpoint/").map_or(key, |(_, name)| name);
    format!("endpoint:{}", name.split('#').next().unwrap_or(name))
}

/// A model that is loaded for a variant. It stays in memory as long as this, or a request's lease of it.
pub(crate) struct Deployment {
    /// Its name in the pool of loaded models.
    pub(super) key: String,
    pub(super) lease: Lease,
    pub(super) replicas: u32,
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
    /// Held by whoever loads one because a request asks for it.
    pub(super) waking: tokio::sync::Mutex<()>,
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
            waking: tokio::sync::Mutex::default(),
            open: watch::channel(0).0,
            waiting: watch::channel(0).0,
            counted: Counted::default(),
        }
    }

    pub(super) fn counted(&self) -> &Counted {
        &self.counted
    }

    /// The deployment that answers, for a request.
    pub(super) fn lease(&self) -> Option<Lease> {
        self.lock().as_ref().map(|deployment| deployment.lease.clone())
    }

    /// The name of the deployment that answers.
    pub(super) fn key(&self) -> Option<String> {
        self.lock().as_ref().map(|deployment| deployment.key.clone())
    }

    /// The replicas that are loaded.
    pub(super) fn replicas(&self) -> u32 {
        self.lock().as_ref().map_or(0, |deployment| deployment.replicas)
    }

    /// Has another deployment, or none, answer from now on; the one that did until now.
    #[must_use]
    pub(super) fn replace(&self, deployment: Option<Deployment>) -> Option<Deployment> {
        std::mem::replace(&mut *self.lock(), deployment)
    }

    /// Has a deployment answer where none does; otherwise gives it back, and what answers is newer.
    pub(super) fn fill(&self, deployment: Deployment) -> (Lease, Option<Deployment>) {
        let mut there = self.lock();
        match there.as_ref() {
            Some(newer) => (newer.lease.clone(), Some(deployment)),
            None => (there.insert(deployment).lease.clone(), None),
        }
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
}

impl Invocation {
    /// A request that begins.
    pub(super) fn begin(variant: &Arc<LiveVariant>) -> Self {
        variant.open.send_modify(|open| *open += 1);
        Self { variant: Arc::clone(variant), begun: Instant::now(), answered: Mutex::default() }
    }

    /// Notes how it was answered; the end is when it is dropped.
    pub(crate) fn note_answer(&self, finish: &Finish) {
        *self.answered() = Some(Answer::of(finish));
    }

    /// Notes vectors, of so many tokens of text.
    pub(crate) fn note_vectors(&self, prompt: u32) {
        *self.answered() = Some(Answer { prompt, ..Answer::default() });
    }

    /// Notes that it failed.
    pub(crate) fn note_failure(&self, error: &Error) {
        self.variant.counted.fail(error);
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
    fn a_deployment_is_shown_by_its_endpoint_and_variant_alone() {
        let registry = Registry::default();
        let arn = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/chat";
        let (first, second) = (registry.key(arn, "All"), registry.key(arn, "All"));
        assert_ne!(first, second);
        assert_eq!((shown(&first), shown(&second)), ("endpoint:chat/All".to_owned(), "endpoint:chat/All".to_owned()));
    }

    #[tokio::test]
    async fn a_variant_is_drained_when_its_last_request_is_over() {
        let registry = Registry::default();
        let variant = registry.variant("arn", "v");
        variant.drained().await;
        let (one, other) = (Invocation::begin(&variant), Invocation::begin(&variant));
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
        let (kept, _) = (registry.variant("arn", "a"), registry.variant("arn", "b"));
        assert_eq!(registry.take_others("arn", &["a"]).len(), 1);
        assert!(Arc::ptr_eq(&kept, &registry.variant("arn", "a")));
        registry.forget("arn");
        assert!(!Arc::ptr_eq(&kept, &registry.variant("arn", "a")));
    }
}
