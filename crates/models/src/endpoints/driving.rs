//! Bringing about what the row of an endpoint says: made ready, changed over, taken down.

use std::future::Future;
use std::time::Duration;

use base::{Error, ErrorKind, Result};
use identity::Ctx;
use tokio::sync::OwnedMutexGuard;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::deploy::in_time;
use super::lifecycle::{fail, told};
use super::live::Deployment;
use super::market;
use super::resource::{
    self, Endpoint, EndpointStatus, EndpointVariant, Generation, Hosted, HostingKind, MarketChange, Pending,
};
use super::store::{self, Scope};
use super::weights::Source;
use crate::Models;

impl Models {
    /// Has brought about what the endpoint's row says.
    pub(super) fn set_off(&self, scope: Scope, name: String) -> JoinHandle<()> {
        let models = self.clone();
        tokio::spawn(async move {
            if let Err(error) = models.drive(&scope, &name).await {
                // The next look at all endpoints goes on with it.
                tracing::error!(?error, endpoint = name, "what an endpoint shall be could not be brought about");
            }
        })
    }

    /// Brings about what the endpoint's row says, until that is how it is.
    async fn drive(&self, scope: &Scope, name: &str) -> Result<()> {
        let arn = HostingKind::Endpoint.arn(scope, name).to_string();
        let gate = self.inner.endpoints.gate(&arn);
        let held = gate.lock().await;
        let driven = self.drive_held(scope, name).await;
        drop(held);
        drop(gate);
        if !driven? {
            self.inner.endpoints.forget(&arn);
        }
        Ok(())
    }

    /// As [`Models::drive`], for whoever holds the endpoint's gate; whether the endpoint is there still.
    async fn drive_held(&self, scope: &Scope, name: &str) -> Result<bool> {
        loop {
            let Some(kept) = store::find(&self.inner.store, scope, HostingKind::Endpoint, name).await? else {
                self.leave(scope, name).await;
                return Ok(false);
            };
            let endpoint = resource::endpoint(scope, kept)?;
            let (status, arn) = (endpoint.body.status, endpoint.arn.to_string());
            let stands = (arn.as_str(), endpoint.body.generation);
            if status.is_passing() && !self.takes_on(scope, name).await? {
                // Another server does. Requests are answered here as far as the row says, and end where it is to be removed.
                if status == EndpointStatus::Deleting {
                    self.leave(scope, name).await;
                }
                return Ok(true);
            }
            if status.is_passing() && self.still_stands(stands).await.is_err() {
                // Another server settled it before it was taken on: what comes next is whoever's who is first.
                if let Some(server) = self.inner.endpoints.server() {
                    store::drive_on(&self.inner.store, scope, (name, server), base::Timestamp(0)).await?;
                }
                continue;
            }
            match status {
                EndpointStatus::Creating => {
                    self.while_driving(scope, name, Box::pin(self.bring_up(scope, &endpoint))).await?;
                }
                EndpointStatus::Updating => {
                    let changing = Box::pin(self.change_over(scope, &endpoint));
                    let left = self.while_driving(scope, name, changing).await?;
                    // What the row says by now is nobody's to settle any more: this may take as long as it does.
                    if let Some((variants, wait)) = left.replaced {
                        self.leave_others(&arn, &variants, wait).await;
                    }
                    self.drop_unused(scope, left.sources).await;
                }
                EndpointStatus::Deleting => {
                    let left = self.while_driving(scope, name, Box::pin(self.take_down(scope, &endpoint))).await?;
                    self.drop_unused(scope, left.sources).await;
                    return Ok(false);
                }
                EndpointStatus::InService => {
                    if let Err(error) = self.agree(scope, &endpoint, None).await {
                        if error.kind == ErrorKind::Conflict && self.still_stands(stands).await.is_err() {
                            // It is to be otherwise since, which is what is brought about now.
                            continue;
                        }
                        return Err(error);
                    }
                    self.publish_endpoint(scope, &endpoint);
                    return Ok(true);
                }
                EndpointStatus::Failed => {
                    self.leave_others(&arn, &[], Duration::ZERO).await;
                    self.publish_endpoint(scope, &endpoint);
                    return Ok(true);
                }
            }
        }
    }

    /// Makes a new endpoint ready.
    async fn bring_up(&self, scope: &Scope, endpoint: &Hosted<Endpoint>) -> Result<()> {
        let (arn, variants) = (endpoint.arn.to_string(), &endpoint.body.variants);
        let chosen = self.chosen(scope, endpoint, variants.clone()).await;
        let _held = self.hold_variants(&arn, [variants.as_slice()]).await;
        let outcome = match chosen {
            Ok(variants) => self.deploy(scope, (&arn, endpoint.body.generation), (variants, Duration::ZERO)).await,
            Err(error) => Err(error),
        };
        let settled = self.settle(scope, (&endpoint.name, EndpointStatus::Creating), |body| match &outcome {
            Ok(variants) => {
                body.status = EndpointStatus::InService;
                body.variants.clone_from(variants);
                body.failure = None;
                body.recovers = false;
            }
            Err(error) => fail(body, error),
        });
        if let (true, Err(error)) = (settled.await?, &outcome) {
            tracing::warn!(?error, endpoint = endpoint.name, "an endpoint failed");
        }
        Ok(())
    }

    /// Has what is pending take over.
    async fn change_over(&self, scope: &Scope, endpoint: &Hosted<Endpoint>) -> Result<Leftovers> {
        let arn = endpoint.arn.to_string();
        let pending = endpoint.body.pending.clone().unwrap_or_else(|| Pending {
            config: endpoint.body.config.clone(),
            variants: endpoint.body.variants.clone(),
            rollout: None,
            market: None,
            asynchronous: endpoint.body.asynchronous.clone(),
        });
        // What answered before does so until then, also after a restart, where there is memory for it; unless what is to take
        // over does already.
        let is_done = |variant: &EndpointVariant| self.inner.endpoints.variant(&arn, &variant.spec.name).is_as(variant);
        if !pending.variants.iter().all(is_done)
            && let Err(error) = self.agree(scope, endpoint, Some(0)).await
        {
            tracing::warn!(?error, endpoint = endpoint.name, "what an endpoint is changed from does not answer");
        }
        let rollout = pending.rollout.clone().unwrap_or_default();
        let wait = Duration::from_secs(rollout.termination_wait_seconds.into());
        let limit = rollout.most_seconds.map(|most| (Instant::now() + Duration::from_secs(most.into()), most));
        let chosen = within(limit, self.chosen(scope, endpoint, pending.variants.clone())).await;
        // Until the row says what answers, nothing is brought back after what it said before.
        let held = self.hold_variants(&arn, [endpoint.body.variants.as_slice(), &pending.variants]).await;
        let stands = (arn.as_str(), endpoint.body.generation);
        let outcome = match chosen {
            Ok(variants) => within(limit, self.deploy(scope, stands, (variants, wait))).await,
            Err(error) => Err(error),
        };
        if let Err(error) = &outcome {
            tracing::warn!(?error, endpoint = endpoint.name, "an endpoint was not changed");
            if limit.is_some_and(|(end, _)| end <= Instant::now()) {
                // What is being loaded ends soon, in nothing.
                self.retire_strays(&arn).await;
            }
        }
        let is_settled = match &outcome {
            Ok(variants) => self.settle_change(scope, endpoint, &pending, variants).await?,
            Err(error) => {
                let failed = |body: &mut Endpoint| {
                    body.status = EndpointStatus::InService;
                    body.pending = None;
                    body.failure = Some(told(error));
                };
                self.settle(scope, (&endpoint.name, EndpointStatus::Updating), failed).await?
            }
        };
        drop(held);
        if !is_settled {
            return Ok(Leftovers::default());
        }
        let replaced = outcome.ok().map(|variants| (variants, wait));
        Ok(Leftovers { replaced, sources: endpoint.body.sources() })
    }

    /// Notes that variants answer that were pending; whether the endpoint was still to be changed to them.
    async fn settle_change(
        &self,
        scope: &Scope,
        endpoint: &Hosted<Endpoint>,
        pending: &Pending,
        variants: &[EndpointVariant],
    ) -> Result<bool> {
        let ctx = self.hosting_ctx(scope);
        let registered = endpoint.body.market.as_ref();
        let model = registered.and_then(|market| self.hub_model_by_source(&ctx, &market.source).ok());
        let incompatible = model.and_then(|model| market::incompatibility(variants, &model));
        let change = |body: &mut Endpoint| {
            body.status = EndpointStatus::InService;
            body.pending = None;
            body.config.clone_from(&pending.config);
            body.variants = variants.to_vec();
            body.asynchronous.clone_from(&pending.asynchronous);
            body.failure = None;
            if pending.rollout.is_some() {
                body.rollout.clone_from(&pending.rollout);
            }
            if let Some(market) = &mut body.market {
                market.incompatible.clone_from(&incompatible);
                if let Some(MarketChange { role_arn, kms_key }) = &pending.market {
                    market.role_arn.clone_from(role_arn);
                    market.kms_key.clone_from(kms_key);
                }
            }
        };
        let parts = match &pending.market {
            Some(asked) => self.market_parts(scope, endpoint, (asked, variants)).await?,
            None => Vec::new(),
        };
        self.settle_with(scope, (&endpoint.name, EndpointStatus::Updating), &parts, change).await
    }

    /// Holds variants, so that nobody else loads a model for them. The endpoint's gate is held.
    async fn hold_variants<const N: usize>(
        &self,
        arn: &str,
        lists: [&[EndpointVariant]; N],
    ) -> Vec<OwnedMutexGuard<()>> {
        let mut names: Vec<&str> = lists.into_iter().flatten().map(|variant| variant.spec.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let mut held = Vec::with_capacity(names.len());
        for name in names {
            held.push(self.inner.endpoints.variant(arn, name).hold().await);
        }
        held
    }

    /// These variants, each with the model that is to answer for it: weights that are being imported are waited for.
    ///
    /// # Errors
    /// As [`Models::answering`] and [`Models::wait_for_import`]; Timeout, where that takes longer than a variant gives it.
    async fn chosen(
        &self,
        scope: &Scope,
        endpoint: &Hosted<Endpoint>,
        mut variants: Vec<EndpointVariant>,
    ) -> Result<Vec<EndpointVariant>> {
        for variant in &mut variants {
            keep_served(&endpoint.body, variant);
            if variant.served.is_none() {
                let waiting = (endpoint.name.as_str(), endpoint.body.generation);
                in_time(variant, self.wait_for_import(scope, waiting, &variant.source)).await?;
            }
        }
        // The wait may take hours: only now it is looked which models there are.
        let ctx = self.hosting_ctx(scope);
        for variant in &mut variants {
            variant.served = Some(self.served(&ctx, variant).await?);
        }
        Ok(variants)
    }

    /// Has these variants, which are chosen and held, answer for an endpoint that stands as it is said. What they asked for is
    /// loaded before any takes over; where that fails, those that answered go on. What answered before leaves `wait` later.
    async fn deploy(
        &self,
        scope: &Scope,
        (arn, stands): (&str, Generation),
        (variants, wait): (Vec<EndpointVariant>, Duration),
    ) -> Result<Vec<EndpointVariant>> {
        let ctx = self.hosting_ctx(scope);
        if let [alone] = variants.as_slice() {
            self.deploy_one(&ctx, (arn, stands), (alone, wait), None).await?;
            return Ok(variants);
        }
        let mut new = Vec::new();
        for variant in &variants {
            match self.prepared(&ctx, (arn, stands), variant).await {
                Ok(Prepared::Another(deployment)) => new.push((variant.spec.name.clone(), deployment)),
                Ok(Prepared::Kept) => {}
                Err(error) => {
                    for (_, deployment) in new {
                        self.retire(deployment).await;
                    }
                    return Err(error);
                }
            }
        }
        for (name, deployment) in new {
            self.retire_after(arn, wait, self.inner.endpoints.variant(arn, &name).replace(deployment)).await;
        }
        Ok(variants)
    }

    /// As [`Models::deploy`] for one variant: the old deployment may leave the memory first. `most`: how often memory is waited
    /// for, where that is bounded.
    pub(super) async fn deploy_one(
        &self,
        ctx: &Ctx,
        (arn, stands): (&str, Generation),
        (variant, wait): (&EndpointVariant, Duration),
        most: Option<u32>,
    ) -> Result<()> {
        if self.inner.endpoints.variant(arn, &variant.spec.name).is_as(variant) {
            return Ok(());
        }
        let served = self.served(ctx, variant).await?;
        self.redeploy(ctx, (arn, stands), (variant, &served), (variant.spec.instances, wait), most).await
    }

    /// The deployment that a variant asks for, where it is another than the one that answers.
    async fn prepared(
        &self,
        ctx: &Ctx,
        (arn, stands): (&str, Generation),
        variant: &EndpointVariant,
    ) -> Result<Prepared> {
        if self.inner.endpoints.variant(arn, &variant.spec.name).is_as(variant) {
            return Ok(Prepared::Kept);
        }
        let (served, replicas) = (self.served(ctx, variant).await?, variant.spec.instances);
        match replicas {
            0 => Ok(Prepared::Another(None)),
            _ => {
                let deployment = self.load_beside(ctx, (arn, stands), (variant, &served), replicas).await?;
                Ok(Prepared::Another(Some(deployment)))
            }
        }
    }

    /// Takes out of memory what an endpoint has beside these variants, `wait` later and when its requests have ended.
    pub(super) async fn leave_others(&self, arn: &str, variants: &[EndpointVariant], wait: Duration) {
        let names: Vec<&str> = variants.iter().map(|variant| variant.spec.name.as_str()).collect();
        for gone in self.inner.endpoints.take_others(arn, &names) {
            self.retire_after(arn, wait, gone.replace(None)).await;
            let models = self.clone();
            // A request that came before may bring it back.
            tokio::spawn(async move {
                gone.drained().await;
                models.retire(gone.replace(None)).await;
            });
        }
    }

    /// Takes out of memory what is left here of an endpoint that is gone. Its gate is held.
    async fn leave(&self, scope: &Scope, name: &str) {
        let arn = HostingKind::Endpoint.arn(scope, name).to_string();
        self.retire_leaving(&arn, None).await;
        for live in self.inner.endpoints.take_others(&arn, &[]) {
            self.retire(live.replace(None)).await;
            live.drained().await;
            // A request that came before may have brought it back.
            self.retire(live.replace(None)).await;
        }
        self.inner.endpoints.unpublish(&arn);
    }

    /// Takes an endpoint out of service and away.
    async fn take_down(&self, scope: &Scope, endpoint: &Hosted<Endpoint>) -> Result<Leftovers> {
        self.leave(scope, &endpoint.name).await;
        let name = endpoint.name.as_str();
        let is_whole = endpoint.body.market.as_ref().is_some_and(|market| market.whole);
        let beside: &[_] = if is_whole { &[(HostingKind::Config, name), (HostingKind::Model, name)] } else { &[] };
        let driver = self.inner.endpoints.server();
        let is_removed = store::remove_endpoint(&self.inner.store, scope, (name, driver), beside).await?;
        let sources = if is_removed { endpoint.body.sources() } else { Vec::new() };
        Ok(Leftovers { replaced: None, sources })
    }
}

/// What is cleared away when it is settled how an endpoint stands.
#[derive(Debug, Default)]
struct Leftovers {
    /// The variants that answer now: others leave the memory, that much later.
    replaced: Option<(Vec<EndpointVariant>, Duration)>,
    /// Weights that the endpoint had: they leave where nobody else hosts them.
    sources: Vec<Source>,
}

/// What is done within a time, where there is one: until a moment, that many seconds after the update began.
async fn within<T>(limit: Option<(Instant, u32)>, doing: impl Future<Output = Result<T>>) -> Result<T> {
    let Some((end, most)) = limit else { return doing.await };
    tokio::time::timeout_at(end, doing).await.unwrap_or_else(|_| {
        Err(Error::timeout(format!("The update took longer than {most} s."))
            .with_hint("Raise `MaximumExecutionTimeoutInSeconds`."))
    })
}

/// What is to answer for a variant.
enum Prepared {
    /// What does now.
    Kept,
    /// Another deployment, or none.
    Another(Option<Deployment>),
}

/// The variant of that name as it was.
fn before<'a>(endpoint: &'a Endpoint, variant: &EndpointVariant) -> Option<&'a EndpointVariant> {
    endpoint.variants.iter().find(|old| old.spec.name == variant.spec.name)
}

/// Has the model that answers for a source answer for it still, also where another would be chosen by now; but not one
/// that only stands in for it.
fn keep_served(endpoint: &Endpoint, variant: &mut EndpointVariant) {
    if variant.served.as_ref().is_none_or(|served| served.substituted) {
        let old = before(endpoint, variant).filter(|old| old.source == variant.source);
        variant.served = old.and_then(|old| old.served.clone()).filter(|served| !served.substituted);
    }
}
