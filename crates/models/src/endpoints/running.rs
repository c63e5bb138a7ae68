//! Looking after all endpoints: going on with what was left, mending what is otherwise than it should be, scaling, and telling
//! metrics.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use base::{AccountId, Arn, Error, Result};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::deploy::TRIES;
use super::resource::{self, Endpoint, EndpointStatus, EndpointVariant, Hosted, HostingKind, Pending};
use super::scaling::{self, Load, Pressure};
use super::store::{self, Scope};
use crate::Models;

/// How often all endpoints are looked at.
const EVERY: Duration = Duration::from_secs(1);

/// What looks after all endpoints, until it is stopped.
#[derive(Debug)]
pub struct Hosting {
    stop: watch::Sender<()>,
    task: JoinHandle<()>,
}

impl Hosting {
    /// Ends it.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        // A panic was logged when it happened.
        let _ = self.task.await;
    }
}

/// How soon something that failed is tried again, the first time and at most.
const AGAIN: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(300));

/// What is remembered from one look at all endpoints to the next.
#[derive(Debug, Default)]
pub(crate) struct Looks {
    /// Since when variants have had too few replicas, or too many, by endpoint and variant.
    pressures: HashMap<(String, String), Pressure>,
    /// When what was tried for an endpoint is tried again, and the pause before that, by what it is and the endpoint.
    tries: HashMap<(Mend, String), (Duration, Duration)>,
}

/// What may be mended of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Mend {
    /// What is in memory is not what its row says.
    Memory,
    /// It failed for a reason that may have gone away.
    Failure,
    /// Another model stands in for the one that it names.
    StandIn,
}

impl Looks {
    /// Whether something is to be tried at `now`; the next time that is later, and each time the pause is longer.
    fn is_due(&mut self, mend: Mend, arn: &str, now: Duration) -> bool {
        let (next, pause) = self.tries.entry((mend, arn.to_owned())).or_insert((now, AGAIN.0));
        if now < *next {
            return false;
        }
        *next = now + *pause;
        *pause = (*pause * 2).min(AGAIN.1);
        true
    }

    /// Forgets what was tried of something that needs no mending.
    fn is_well(&mut self, mend: Mend, arn: &str) {
        self.tries.remove(&(mend, arn.to_owned()));
    }

    /// Forgets endpoints that are gone.
    fn keep(&mut self, arns: &HashSet<String>) {
        self.tries.retain(|(_, arn), _| arns.contains(arn));
    }
}

impl Models {
    /// Goes on with what endpoints were about when the process ended, loads what is in service, removes weights that nobody
    /// hosts, and scales from now on.
    #[must_use]
    pub fn start_endpoints(&self) -> Hosting {
        let (stop, mut stopped) = watch::channel(());
        let (models, started) = (self.clone(), self.inner.clock.now());
        let task = tokio::spawn(async move {
            if let Err(error) = models.resume_endpoints().await {
                tracing::error!(?error, "endpoints could not be looked at");
            }
            if let Err(error) = models.sweep_hosted(started).await {
                tracing::warn!(?error, "weights that nobody hosts stay");
            }
            let (begun, mut looks) = (Instant::now(), Looks::default());
            loop {
                tokio::select! {
                    () = tokio::time::sleep(EVERY) => {}
                    _ = stopped.changed() => break,
                }
                if let Err(error) = models.look_after_endpoints(&mut looks, begun.elapsed()).await {
                    tracing::warn!(?error, "endpoints could not be looked at");
                }
            }
        });
        Hosting { stop, task }
    }

    /// Goes on with what endpoints were about, brings back the models of those in service, and removes those of accounts
    /// that are closed.
    pub(crate) async fn resume_endpoints(&self) -> Result<()> {
        for account in self.inner.identity.closed_accounts().await? {
            self.remove_endpoints_of(&account).await?;
        }
        for (scope, row) in store::endpoints(&self.inner.store).await? {
            let Some(endpoint) = readable(&scope, row) else { continue };
            if endpoint.body.status != EndpointStatus::Failed {
                drop(self.set_off(scope, endpoint.name));
            }
        }
        Ok(())
    }

    /// Removes the endpoints of an account that is closed.
    pub(crate) async fn remove_endpoints_of(&self, account: &AccountId) -> Result<()> {
        let now = self.inner.clock.now();
        for (scope, kept) in store::endpoints(&self.inner.store).await? {
            if scope.account != *account || kept.status == Some(EndpointStatus::Deleting) {
                continue;
            }
            let leaves = |kept: store::Kept| {
                Ok(Some(store::Kept { status: Some(EndpointStatus::Deleting), updated: now, ..kept }))
            };
            store::change(&self.inner.store, &scope, (HostingKind::Endpoint, &kept.name), leaves).await?;
            drop(self.set_off(scope, kept.name));
        }
        Ok(())
    }

    /// One look at all endpoints, at the time `now` of a steady clock: what is in memory here is compared with what their rows
    /// say, whoever wrote those.
    pub(crate) async fn look_after_endpoints(&self, looks: &mut Looks, now: Duration) -> Result<()> {
        let (mut pressures, mut seen) = (HashMap::new(), HashSet::new());
        for (scope, row) in store::endpoints(&self.inner.store).await? {
            seen.insert(HostingKind::Endpoint.arn(&scope, &row.name).to_string());
            let Some(endpoint) = readable(&scope, row) else { continue };
            if endpoint.body.status.is_passing() {
                if endpoint.body.status.answers() {
                    self.publish_endpoint(&scope, &endpoint);
                }
                self.go_on(scope, endpoint.name);
                continue;
            }
            self.publish_endpoint(&scope, &endpoint);
            if endpoint.body.status == EndpointStatus::Failed {
                self.look_after_failed(&scope, &endpoint, (&mut *looks, now)).await;
                continue;
            }
            self.look_after_answering(&scope, &endpoint, (&mut *looks, now)).await;
            for variant in &endpoint.body.variants {
                let key = (endpoint.arn.to_string(), variant.spec.name.clone());
                let pressure = looks.pressures.get(&key).copied().unwrap_or_default();
                if let Some(next) = self.scale_by_load((&scope, &endpoint), variant, (pressure, now)) {
                    pressures.insert(key, next);
                }
            }
        }
        looks.pressures = pressures;
        looks.keep(&seen);
        self.leave_unknown(&seen);
        Ok(())
    }

    /// Takes out of memory the endpoints that have no row any more: another server removed them.
    fn leave_unknown(&self, known: &HashSet<String>) {
        for arn in self.inner.endpoints.arns().into_iter().filter(|arn| !known.contains(arn)) {
            if let Some((scope, name)) = scope_of(&arn) {
                self.go_on(scope, name);
            }
        }
    }

    /// Has an endpoint in service be what its row says, where it is not, and answer by its own model where that was pulled
    /// since another stood in for it.
    async fn look_after_answering(
        &self,
        scope: &Scope,
        endpoint: &Hosted<Endpoint>,
        (looks, now): (&mut Looks, Duration),
    ) {
        let (arn, variants) = (endpoint.arn.to_string(), &endpoint.body.variants);
        let names: Vec<&str> = variants.iter().map(|variant| variant.spec.name.as_str()).collect();
        let agrees =
            |variant: &EndpointVariant| self.inner.endpoints.variant(&arn, &variant.spec.name).agrees_with(variant);
        if variants.iter().all(agrees) && !self.inner.endpoints.has_others(&arn, &names) {
            looks.is_well(Mend::Memory, &arn);
        } else if looks.is_due(Mend::Memory, &arn, now) {
            self.go_on(scope.clone(), endpoint.name.clone());
        }
        let stands_in = |variant: &&EndpointVariant| variant.served.as_ref().is_some_and(|served| served.substituted);
        let stand_ins: Vec<&EndpointVariant> = variants.iter().filter(stands_in).collect();
        if stand_ins.is_empty() {
            looks.is_well(Mend::StandIn, &arn);
        } else if looks.is_due(Mend::StandIn, &arn, now) {
            for variant in stand_ins {
                match self.answering(&self.hosting_ctx(scope), &variant.source).await {
                    Ok(served) if !served.substituted => return self.answer_by_its_own(scope, &endpoint.name).await,
                    // What stands in does so still.
                    Ok(_) | Err(_) => {}
                }
            }
        }
    }

    /// Has the model answer that an endpoint names, in place of what stands in for it: as any update.
    async fn answer_by_its_own(&self, scope: &Scope, name: &str) {
        let chosen_again = |body: &mut Endpoint| {
            let again = |variant: &EndpointVariant| EndpointVariant { served: None, ..variant.clone() };
            let variants = body.variants.iter().map(again).collect();
            let (config, asynchronous) = (body.config.clone(), body.asynchronous.clone());
            body.pending = Some(Pending { config, variants, rollout: None, market: None, asynchronous });
            body.status = EndpointStatus::Updating;
        };
        match self.settle(scope, (name, EndpointStatus::InService), chosen_again).await {
            Ok(_) => self.go_on(scope.clone(), name.to_owned()),
            Err(error) => tracing::warn!(?error, endpoint = name, "what stands in goes on"),
        }
    }

    /// Has an endpoint made ready that failed, when what it failed for has gone.
    async fn look_after_failed(
        &self,
        scope: &Scope,
        endpoint: &Hosted<Endpoint>,
        (looks, now): (&mut Looks, Duration),
    ) {
        let arn = endpoint.arn.to_string();
        if !endpoint.body.recovers || !looks.is_due(Mend::Failure, &arn, now) {
            return;
        }
        let ctx = self.hosting_ctx(scope);
        for variant in &endpoint.body.variants {
            // What it lacks still is what it failed for, or as good a reason.
            if !matches!(self.could_load(&ctx, variant).await, Ok(true)) {
                return;
            }
        }
        tracing::info!(endpoint = endpoint.name, "what an endpoint failed for has gone");
        let again = |body: &mut Endpoint| {
            body.status = EndpointStatus::Creating;
            body.variants.iter_mut().for_each(|variant| variant.served = None);
        };
        match self.settle(scope, (&endpoint.name, EndpointStatus::Failed), again).await {
            Ok(_) => self.go_on(scope.clone(), endpoint.name.clone()),
            Err(error) => tracing::warn!(?error, endpoint = endpoint.name, "an endpoint stays as it failed"),
        }
    }

    /// Goes on with an endpoint with which nobody does: whoever did failed, or is another server.
    fn go_on(&self, scope: Scope, name: String) {
        let gate = self.inner.endpoints.gate(&HostingKind::Endpoint.arn(&scope, &name).to_string());
        if gate.try_lock().is_ok() {
            drop(gate);
            drop(self.set_off(scope, name));
        }
    }

    /// Has what is in memory of an endpoint in service be what its row says. Its gate is held.
    ///
    /// # Errors
    /// As [`Models::load_variant`]; where nothing answers any more and waiting does not help, the endpoint has failed then.
    pub(super) async fn agree(&self, scope: &Scope, endpoint: &Hosted<Endpoint>, most: Option<u32>) -> Result<()> {
        let (ctx, arn) = (self.hosting_ctx(scope), endpoint.arn.to_string());
        self.leave_others(&arn, &endpoint.body.variants, Duration::ZERO).await;
        for variant in &endpoint.body.variants {
            let live = self.inner.endpoints.variant(&arn, &variant.spec.name);
            if live.agrees_with(variant) {
                continue;
            }
            // Whoever loads a model for it now leaves it as the row says.
            let Some(_held) = live.try_hold() else { continue };
            if let Err(error) =
                self.deploy_one(&ctx, (&arn, endpoint.body.generation), (variant, Duration::ZERO), most).await
            {
                return Err(match live.key() {
                    Some(_) => error,
                    None => self.note_unloadable((scope, endpoint), variant, error).await,
                });
            }
        }
        Ok(())
    }

    /// Scales a variant that follows its load; none where it does not.
    fn scale_by_load(
        &self,
        (scope, endpoint): (&Scope, &Hosted<Endpoint>),
        variant: &EndpointVariant,
        (pressure, now): (Pressure, Duration),
    ) -> Option<Pressure> {
        let scaling = variant.spec.scaling?;
        let doing = self.inner.endpoints.variant(&endpoint.arn.to_string(), &variant.spec.name).state();
        let load = Load {
            replicas: doing.replicas,
            slots: doing.slots / doing.replicas.max(1),
            running: doing.status.active,
            queued: doing.status.queued.saturating_add(doing.waiting),
        };
        let (next, decided) = scaling::step(scaling, pressure, load, now);
        if let Some(replicas) = decided {
            let (models, scope) = (self.clone(), scope.clone());
            let (endpoint, variant) = (endpoint.clone(), variant.spec.name.clone());
            tokio::spawn(async move {
                if let Err(error) = models.rescale(&scope, (&endpoint, &variant), replicas).await {
                    tracing::warn!(?error, endpoint = endpoint.name, replicas, "an endpoint was not scaled");
                }
            });
        }
        Some(next)
    }

    /// Gives a variant so many replicas, unless something else is done with its endpoint, or was since the endpoint was as it
    /// is given.
    ///
    /// # Errors
    /// As [`Models::redeploy`]; NotFound, where the endpoint or the variant is gone.
    pub(super) async fn rescale(
        &self,
        scope: &Scope,
        (before, variant): (&Hosted<Endpoint>, &str),
        replicas: u32,
    ) -> Result<()> {
        let (arn, name) = (before.arn.to_string(), before.name.as_str());
        let gate = self.inner.endpoints.gate(&arn);
        let Ok(_held) = gate.try_lock() else { return Ok(()) };
        let endpoint = self.endpoint_in(scope, name).await?;
        let is_another = endpoint.body.generation != before.body.generation;
        if is_another || endpoint.body.status != EndpointStatus::InService {
            return Ok(());
        }
        let found = endpoint.body.variants.iter().find(|found| found.spec.name == variant);
        let found = found.ok_or_else(|| Error::not_found("The variant is gone."))?;
        tracing::info!(endpoint = name, variant, replicas, "scaled by its load");
        let ctx = self.hosting_ctx(scope);
        let _loading = self.inner.endpoints.variant(&arn, variant).hold().await;
        let served = self.served(&ctx, found).await?;
        // Updates wait for this, and this no longer for memory when there is one.
        let which = (arn.as_str(), endpoint.body.generation);
        self.redeploy(&ctx, which, (found, &served), (replicas, Duration::ZERO), Some(TRIES)).await?;
        self.note_instances(scope, (&endpoint, variant), replicas).await
    }
}

/// Whose endpoint an ARN names, and its name.
pub(super) fn scope_of(arn: &str) -> Option<(Scope, String)> {
    let parsed: Arn = arn.parse().ok()?;
    let name = parsed.resource.strip_prefix("endpoint/")?.to_owned();
    Some((Scope { account: parsed.account.parse().ok()?, region: parsed.region.parse().ok()? }, name))
}

/// The endpoint that a row tells of; one that cannot be read keeps no other from being looked after.
fn readable(scope: &Scope, row: store::Kept) -> Option<Hosted<Endpoint>> {
    let name = row.name.clone();
    let endpoint = resource::endpoint(scope, row);
    endpoint.inspect_err(|error| tracing::error!(?error, endpoint = name, "an endpoint's row cannot be read")).ok()
}
