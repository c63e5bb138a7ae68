//! Endpoints: made, changed, removed. What an endpoint's row says is what is to be; a task brings it about, and whoever
//! starts next goes on with what was left.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base::{Error, Result};
use identity::Ctx;
use tokio::task::JoinHandle;

use super::catalogue::check_instances;
use super::figures;
use super::live::Deployment;
use super::resource::{
    self, Endpoint, EndpointConfig, EndpointStatus, EndpointVariant, Hosted, HostedModel, HostingKind, Pending,
};
use super::store::{self, Kept, Scope};
use crate::{Models, Tags};

/// How long a request to remove an endpoint waits for its end: one that nobody uses is gone when it is answered.
const FAREWELL: Duration = Duration::from_secs(5);

/// An endpoint to be made.
#[derive(Debug, Clone, Default)]
pub struct NewEndpoint {
    /// Its name.
    pub name: String,
    /// The configuration that it is made after.
    pub config: String,
    /// Its tags.
    pub tags: Tags,
}

/// What an endpoint keeps of itself when it is changed to another configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retained {
    /// The shares of variants of the same names.
    pub weights: bool,
    /// The replicas of variants of the same names.
    pub instances: bool,
}

/// What a variant shall have.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct VariantWish {
    /// Its name.
    pub variant: String,
    /// Its share.
    pub weight: Option<f64>,
    /// Its replicas; 0: the model leaves the memory until it is asked again.
    pub instances: Option<u32>,
}

impl Models {
    /// Makes an endpoint. It is being made ready when this returns; its status tells how that ends.
    ///
    /// # Errors
    /// NotFound, where the configuration or a model of it is not there; AlreadyExists.
    pub async fn create_endpoint(&self, ctx: &Ctx, new: NewEndpoint) -> Result<Hosted<Endpoint>> {
        let config = self.endpoint_config(ctx, &new.config).await?;
        let variants = self.variants_of(ctx, &config.body).await?;
        let body = blank(new.config.clone(), variants);
        let scope = Scope::of(ctx);
        let row = resource::row(&new.name, &body, (new.tags, Some(body.status), self.inner.clock.now()))?;
        let kept = row.1.clone();
        self.insert_new(&scope, &[row]).await?;
        self.set_off(scope.clone(), new.name);
        resource::endpoint(&scope, kept)
    }

    /// The endpoint of this name in the caller's account and region.
    ///
    /// # Errors
    /// NotFound.
    pub async fn endpoint(&self, ctx: &Ctx, name: &str) -> Result<Hosted<Endpoint>> {
        self.endpoint_in(&Scope::of(ctx), name).await
    }

    pub(super) async fn endpoint_in(&self, scope: &Scope, name: &str) -> Result<Hosted<Endpoint>> {
        let kept = store::find(&self.inner.store, scope, HostingKind::Endpoint, name).await?;
        resource::endpoint(scope, kept.ok_or_else(|| HostingKind::Endpoint.missing(scope, name))?)
    }

    /// Changes an endpoint to another configuration: what that asks for is loaded, then takes over, and what answered before
    /// leaves when its requests have ended.
    ///
    /// # Errors
    /// NotFound, where the endpoint, the configuration or a model of it is not there; Conflict, where the endpoint is not in
    /// service.
    pub async fn update_endpoint(
        &self,
        ctx: &Ctx,
        name: &str,
        (config, retained): (&str, Retained),
    ) -> Result<Hosted<Endpoint>> {
        let before = self.endpoint(ctx, name).await?;
        let described = self.endpoint_config(ctx, config).await?;
        let mut variants = self.variants_of(ctx, &described.body).await?;
        for variant in &mut variants {
            let Some(old) = before.body.variants.iter().find(|old| old.spec.name == variant.spec.name) else {
                continue;
            };
            if retained.weights {
                variant.spec.weight = old.spec.weight;
            }
            if retained.instances {
                variant.spec.instances = old.spec.instances;
            }
        }
        let pending = Pending { config: config.to_owned(), variants };
        self.begin_update(ctx, name, |_| Ok(pending.clone())).await
    }

    /// Changes the shares and the replicas of an endpoint's variants.
    ///
    /// # Errors
    /// As [`Models::update_endpoint`]; Invalid, where there is no such variant or it cannot have so many.
    pub async fn scale_endpoint(&self, ctx: &Ctx, name: &str, wishes: &[VariantWish]) -> Result<Hosted<Endpoint>> {
        let mut named = HashSet::new();
        if let Some(twice) = wishes.iter().find(|wish| !named.insert(&wish.variant)) {
            return Err(Error::invalid(format!("The variant \"{}\" is given twice.", twice.variant)));
        }
        self.begin_update(ctx, name, |endpoint| {
            let mut variants = endpoint.variants.clone();
            for wish in wishes {
                let found = variants.iter_mut().find(|variant| variant.spec.name == wish.variant);
                let variant = found.ok_or_else(|| {
                    Error::invalid(format!("The endpoint \"{name}\" has no variant \"{}\".", wish.variant))
                })?;
                if let Some(instances) = wish.instances {
                    check_instances(instances, 0)?;
                    variant.spec.instances = instances;
                }
                if let Some(weight) = wish.weight {
                    variant.spec.weight = weight;
                }
            }
            if !variants.iter().any(|variant| variant.spec.weight > 0.0) {
                return Err(Error::invalid("At least one variant must have a weight above 0."));
            }
            Ok(Pending { config: endpoint.config.clone(), variants })
        })
        .await
    }

    /// Removes an endpoint. No new request is taken; those that run end first.
    ///
    /// # Errors
    /// NotFound.
    pub async fn delete_endpoint(&self, ctx: &Ctx, name: &str) -> Result<()> {
        let scope = Scope::of(ctx);
        let now = self.inner.clock.now();
        let which = (HostingKind::Endpoint, name);
        let changed = store::change(&self.inner.store, &scope, which, |kept| {
            Ok(Some(Kept { status: Some(EndpointStatus::Deleting), updated: now, ..kept }))
        });
        if changed.await?.is_none() {
            return Err(HostingKind::Endpoint.missing(&scope, name));
        }
        let end = self.set_off(scope, name.to_owned());
        // It ends also where nobody waits for it.
        let _ = tokio::time::timeout(FAREWELL, end).await;
        Ok(())
    }

    /// The variants that a configuration asks for, with the weights of their models as they are now.
    pub(super) async fn variants_of(&self, ctx: &Ctx, config: &EndpointConfig) -> Result<Vec<EndpointVariant>> {
        let mut variants = Vec::with_capacity(config.variants.len());
        for spec in &config.variants {
            let model: Hosted<HostedModel> = self.hosted_model(ctx, &spec.model).await?;
            variants.push(EndpointVariant { spec: spec.clone(), source: model.body.source, served: None });
        }
        Ok(variants)
    }

    /// Notes what shall take over, and has it brought about.
    pub(super) async fn begin_update(
        &self,
        ctx: &Ctx,
        name: &str,
        pending: impl Fn(&Endpoint) -> Result<Pending> + Send + Sync,
    ) -> Result<Hosted<Endpoint>> {
        let scope = Scope::of(ctx);
        let now = self.inner.clock.now();
        let which = (HostingKind::Endpoint, name);
        let changed = store::change(&self.inner.store, &scope, which, |kept| {
            let mut body = resource::endpoint(&scope, kept.clone())?.body;
            check_updatable(&scope, name, body.status)?;
            body.pending = Some(pending(&body)?);
            let body = serde_json::to_string(&body).map_err(Error::internal)?;
            Ok(Some(Kept { status: Some(EndpointStatus::Updating), body, updated: now, ..kept }))
        });
        let kept = changed.await?.ok_or_else(|| HostingKind::Endpoint.missing(&scope, name))?;
        self.set_off(scope.clone(), name.to_owned());
        resource::endpoint(&scope, kept)
    }

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
        let _held = gate.lock().await;
        loop {
            let Some(kept) = store::find(&self.inner.store, scope, HostingKind::Endpoint, name).await? else {
                self.inner.endpoints.forget(&arn);
                return Ok(());
            };
            let endpoint = resource::endpoint(scope, kept)?;
            match endpoint.body.status {
                EndpointStatus::Creating => self.bring_up(scope, &endpoint).await?,
                EndpointStatus::Updating => self.change_over(scope, &endpoint).await?,
                EndpointStatus::Deleting => return self.take_down(scope, &endpoint).await,
                EndpointStatus::InService | EndpointStatus::Failed => {
                    self.publish_endpoint(scope, &endpoint);
                    return Ok(());
                }
            }
        }
    }

    /// Makes a new endpoint ready.
    async fn bring_up(&self, scope: &Scope, endpoint: &Hosted<Endpoint>) -> Result<()> {
        let outcome = self.deploy(scope, endpoint, endpoint.body.variants.clone()).await;
        let settled = self.settle(scope, (&endpoint.name, EndpointStatus::Creating), |body| match &outcome {
            Ok(variants) => {
                body.status = EndpointStatus::InService;
                body.variants.clone_from(variants);
                body.failure = None;
            }
            Err(error) => {
                body.status = EndpointStatus::Failed;
                body.failure = Some(told(error));
            }
        });
        if let Err(error) = &outcome {
            tracing::warn!(?error, endpoint = endpoint.name, "an endpoint failed");
        }
        settled.await.map(drop)
    }

    /// Has what is pending take over.
    async fn change_over(&self, scope: &Scope, endpoint: &Hosted<Endpoint>) -> Result<()> {
        let pending = endpoint.body.pending.clone().unwrap_or_else(|| Pending {
            config: endpoint.body.config.clone(),
            variants: endpoint.body.variants.clone(),
        });
        let outcome = self.deploy(scope, endpoint, pending.variants).await;
        if let Err(error) = &outcome {
            tracing::warn!(?error, endpoint = endpoint.name, "an endpoint was not changed");
        }
        let settled = self.settle(scope, (&endpoint.name, EndpointStatus::Updating), |body| {
            body.status = EndpointStatus::InService;
            body.pending = None;
            match &outcome {
                Ok(variants) => {
                    body.config.clone_from(&pending.config);
                    body.variants.clone_from(variants);
                    body.failure = None;
                }
                Err(error) => body.failure = Some(told(error)),
            }
        });
        let is_settled = settled.await?;
        // A request that read the row before may have brought a model back that is to be gone.
        for variant in outcome.iter().flatten().filter(|variant| is_settled && variant.spec.instances == 0) {
            let live = self.inner.endpoints.variant(&endpoint.arn.to_string(), &variant.spec.name);
            self.retire(live.replace(None)).await;
        }
        Ok(())
    }

    /// Has these variants answer and no others. What they asked for is loaded before any takes over; where that fails, those
    /// that answered go on.
    async fn deploy(
        &self,
        scope: &Scope,
        endpoint: &Hosted<Endpoint>,
        mut variants: Vec<EndpointVariant>,
    ) -> Result<Vec<EndpointVariant>> {
        let (ctx, arn) = (self.hosting_ctx(scope), endpoint.arn.to_string());
        if let [alone] = variants.as_mut_slice() {
            self.deploy_one(&ctx, (&arn, endpoint), alone).await?;
        } else {
            let mut new = Vec::new();
            for variant in &mut variants {
                match self.prepared(&ctx, (&arn, endpoint), variant).await {
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
                self.retire(self.inner.endpoints.variant(&arn, &name).replace(deployment)).await;
            }
        }
        let names: Vec<&str> = variants.iter().map(|variant| variant.spec.name.as_str()).collect();
        for gone in self.inner.endpoints.take_others(&arn, &names) {
            self.retire(gone.replace(None)).await;
            let models = self.clone();
            // A request that came before may bring it back.
            tokio::spawn(async move {
                gone.drained().await;
                models.retire(gone.replace(None)).await;
            });
        }
        Ok(variants)
    }

    /// As [`Models::deploy`] for the only variant: the old deployment may leave the memory first.
    async fn deploy_one(
        &self,
        ctx: &Ctx,
        (arn, endpoint): (&str, &Hosted<Endpoint>),
        variant: &mut EndpointVariant,
    ) -> Result<()> {
        keep_served(&endpoint.body, variant);
        let served = self.served(ctx, variant).await?;
        let live = self.inner.endpoints.variant(arn, &variant.spec.name);
        if !is_as_before(&endpoint.body, variant) || live.replicas() != variant.spec.instances {
            self.redeploy(ctx, arn, (variant, &served), variant.spec.instances).await?;
        }
        variant.served = Some(served);
        Ok(())
    }

    /// The deployment that a variant asks for, where it is another than the one that answers.
    async fn prepared(
        &self,
        ctx: &Ctx,
        (arn, endpoint): (&str, &Hosted<Endpoint>),
        variant: &mut EndpointVariant,
    ) -> Result<Prepared> {
        keep_served(&endpoint.body, variant);
        let served = self.served(ctx, variant).await?;
        let replicas = variant.spec.instances;
        let is_there = is_as_before(&endpoint.body, variant)
            && self.inner.endpoints.variant(arn, &variant.spec.name).replicas() == replicas;
        let new = match (is_there, replicas) {
            (true, _) => Prepared::Kept,
            (false, 0) => Prepared::Another(None),
            (false, _) => Prepared::Another(Some(self.load_variant(ctx, arn, (variant, &served), replicas).await?)),
        };
        variant.served = Some(served);
        Ok(new)
    }

    /// Takes an endpoint out of service and away.
    async fn take_down(&self, scope: &Scope, endpoint: &Hosted<Endpoint>) -> Result<()> {
        let arn = endpoint.arn.to_string();
        for live in self.inner.endpoints.take_others(&arn, &[]) {
            self.retire(live.replace(None)).await;
            live.drained().await;
            // A request that came before may have brought it back.
            self.retire(live.replace(None)).await;
        }
        let mut which = vec![(HostingKind::Endpoint, endpoint.name.as_str())];
        if endpoint.body.market.as_ref().is_some_and(|market| market.whole) {
            which.extend([(HostingKind::Config, endpoint.name.as_str()), (HostingKind::Model, endpoint.name.as_str())]);
        }
        store::remove(&self.inner.store, scope, &which).await?;
        self.inner.endpoints.forget(&arn);
        figures::publish_end(scope, endpoint);
        Ok(())
    }

    /// Changes an endpoint that stands as it is said; whether it still did.
    pub(super) async fn settle(
        &self,
        scope: &Scope,
        (name, from): (&str, EndpointStatus),
        change: impl Fn(&mut Endpoint) + Send + Sync,
    ) -> Result<bool> {
        let (now, is_changed) = (self.inner.clock.now(), AtomicBool::new(false));
        let which = (HostingKind::Endpoint, name);
        let changed = store::change(&self.inner.store, scope, which, |kept| {
            is_changed.store(kept.status == Some(from), Ordering::Relaxed);
            if kept.status != Some(from) {
                return Ok(None);
            }
            let mut body = resource::endpoint(scope, kept.clone())?.body;
            change(&mut body);
            let status = Some(body.status);
            let body = serde_json::to_string(&body).map_err(Error::internal)?;
            Ok(Some(Kept { status, body, updated: now, ..kept }))
        });
        Ok(changed.await?.is_some() && is_changed.load(Ordering::Relaxed))
    }
}

/// What is to answer for a variant.
enum Prepared {
    /// What does now.
    Kept,
    /// Another deployment, or none.
    Another(Option<Deployment>),
}

/// A new endpoint.
pub(super) fn blank(config: String, variants: Vec<EndpointVariant>) -> Endpoint {
    Endpoint { status: EndpointStatus::Creating, config, variants, pending: None, failure: None, market: None }
}

/// # Errors
/// Conflict, where an endpoint in this state is not changed.
fn check_updatable(scope: &Scope, name: &str, status: EndpointStatus) -> Result<()> {
    let arn = HostingKind::Endpoint.arn(scope, name);
    match status {
        EndpointStatus::InService => Ok(()),
        EndpointStatus::Failed => Err(Error::conflict(format!("Cannot update failed endpoint \"{arn}\"."))
            .with_hint("Delete the endpoint and create it again.")),
        EndpointStatus::Creating | EndpointStatus::Updating | EndpointStatus::Deleting => {
            Err(Error::conflict(format!("Cannot update in-progress endpoint \"{arn}\".")))
        }
    }
}

/// The variant of that name as it was.
fn before<'a>(endpoint: &'a Endpoint, variant: &EndpointVariant) -> Option<&'a EndpointVariant> {
    endpoint.variants.iter().find(|old| old.spec.name == variant.spec.name)
}

/// Has the model that answers for a source answer for it still, also where another would be chosen by now.
fn keep_served(endpoint: &Endpoint, variant: &mut EndpointVariant) {
    if variant.served.is_none() {
        let old = before(endpoint, variant).filter(|old| old.source == variant.source);
        variant.served = old.and_then(|old| old.served.clone());
    }
}

/// Whether the variant has the weights that the one of its name had.
fn is_as_before(endpoint: &Endpoint, variant: &EndpointVariant) -> bool {
    before(endpoint, variant).is_some_and(|old| old.source == variant.source)
}

/// What is told of a failure: at most as much as AWS tells.
fn told(error: &Error) -> String {
    error.public_text().chars().take(1024).collect()
}
