//! Looking after all endpoints: going on with what was left, scaling, and telling metrics.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use base::{Error, Result};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::resource::{self, Endpoint, EndpointStatus, EndpointVariant, Hosted, HostingKind};
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

/// Since when variants have had too few replicas, or too many, by endpoint and variant.
pub(crate) type Pressures = HashMap<(String, String), Pressure>;

impl Models {
    /// Goes on with what endpoints were about when the process ended, loads what is in service, and scales from now on.
    #[must_use]
    pub fn start_endpoints(&self) -> Hosting {
        let (stop, mut stopped) = watch::channel(());
        let models = self.clone();
        let task = tokio::spawn(async move {
            if let Err(error) = models.resume_endpoints().await {
                tracing::error!(?error, "endpoints could not be looked at");
            }
            let (begun, mut pressures) = (Instant::now(), Pressures::new());
            loop {
                tokio::select! {
                    () = tokio::time::sleep(EVERY) => {}
                    _ = stopped.changed() => break,
                }
                if let Err(error) = models.look_after_endpoints(&mut pressures, begun.elapsed()).await {
                    tracing::warn!(?error, "endpoints could not be looked at");
                }
            }
        });
        Hosting { stop, task }
    }

    /// Goes on with what endpoints were about, and brings back the models of those in service.
    pub(crate) async fn resume_endpoints(&self) -> Result<()> {
        for (scope, row) in store::endpoints(&self.inner.store).await? {
            let Some(endpoint) = readable(&scope, row) else { continue };
            match endpoint.body.status {
                status if status.is_passing() => drop(self.set_off(scope, endpoint.name)),
                EndpointStatus::InService => self.warm(&scope, &endpoint),
                _ => {}
            }
        }
        Ok(())
    }

    /// Loads the models of an endpoint in service in the background. A request that comes first waits for the same load;
    /// where it fails the next request says why.
    fn warm(&self, scope: &Scope, endpoint: &Hosted<Endpoint>) {
        for variant in endpoint.body.variants.iter().filter(|variant| variant.spec.instances > 0) {
            let target = self.target_of(endpoint, variant, scope.clone());
            let (models, name) = (self.clone(), endpoint.name.clone());
            tokio::spawn(async move {
                let woken = match target {
                    Ok(target) => models.wake_by_itself(&target).await,
                    Err(error) => Err(error),
                };
                if let Err(error) = woken {
                    tracing::warn!(?error, endpoint = name, "an endpoint's model is not loaded yet");
                }
            });
        }
    }

    /// One look at all endpoints, at the time `now` of a steady clock.
    pub(crate) async fn look_after_endpoints(&self, pressures: &mut Pressures, now: Duration) -> Result<()> {
        let mut seen = Pressures::new();
        for (scope, row) in store::endpoints(&self.inner.store).await? {
            let Some(endpoint) = readable(&scope, row) else { continue };
            if endpoint.body.status.is_passing() {
                self.go_on(scope, endpoint);
                continue;
            }
            self.publish_endpoint(&scope, &endpoint);
            if endpoint.body.status != EndpointStatus::InService {
                continue;
            }
            for variant in &endpoint.body.variants {
                let key = (endpoint.arn.to_string(), variant.spec.name.clone());
                let pressure = pressures.get(&key).copied().unwrap_or_default();
                if let Some(next) = self.scale_by_load((&scope, &endpoint), variant, (pressure, now)) {
                    seen.insert(key, next);
                }
            }
        }
        *pressures = seen;
        Ok(())
    }

    /// Goes on with an endpoint with which nobody does: whoever did failed.
    fn go_on(&self, scope: Scope, endpoint: Hosted<Endpoint>) {
        let gate = self.inner.endpoints.gate(&endpoint.arn.to_string());
        if gate.try_lock().is_ok() {
            drop(self.set_off(scope, endpoint.name));
        }
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
            let (name, variant) = (endpoint.name.clone(), variant.spec.name.clone());
            tokio::spawn(async move {
                if let Err(error) = models.rescale(&scope, (&name, &variant), replicas).await {
                    tracing::warn!(?error, endpoint = name, replicas, "an endpoint was not scaled");
                }
            });
        }
        Some(next)
    }

    /// Gives a variant so many replicas, unless something else is done with its endpoint.
    pub(crate) async fn rescale(&self, scope: &Scope, (name, variant): (&str, &str), replicas: u32) -> Result<()> {
        let arn = HostingKind::Endpoint.arn(scope, name).to_string();
        let gate = self.inner.endpoints.gate(&arn);
        let Ok(_held) = gate.try_lock() else { return Ok(()) };
        let endpoint = self.endpoint_in(scope, name).await?;
        if endpoint.body.status != EndpointStatus::InService {
            return Ok(());
        }
        let found = endpoint.body.variants.iter().find(|found| found.spec.name == variant);
        let found = found.ok_or_else(|| Error::not_found("The variant is gone."))?;
        tracing::info!(endpoint = name, variant, replicas, "scaled by its load");
        let ctx = self.hosting_ctx(scope);
        let served = self.served(&ctx, found).await?;
        self.redeploy(&ctx, &arn, (found, &served), replicas).await?;
        self.note_instances(scope, (name, variant), replicas).await
    }
}

/// The endpoint that a row tells of; one that cannot be read keeps no other from being looked after.
fn readable(scope: &Scope, row: store::Kept) -> Option<Hosted<Endpoint>> {
    let name = row.name.clone();
    let endpoint = resource::endpoint(scope, row);
    endpoint.inspect_err(|error| tracing::error!(?error, endpoint = name, "an endpoint's row cannot be read")).ok()
}
