//! Endpoints: made, changed, removed. What an endpoint's row says is what is to be; a task brings it about, and whoever
//! starts next goes on with what was left.

use std::collections::HashSet;
use std::time::Duration;

use base::{Error, ErrorKind, Result};
use identity::Ctx;

use super::catalogue::{check_instances, check_tags};
use super::resource::{
    self, Endpoint, EndpointConfig, EndpointStatus, EndpointVariant, Generation, Hosted, HostedModel, HostingKind,
    Pending, Rollout,
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
    /// How later updates are to go about.
    pub rollout: Option<Rollout>,
    /// Its tags.
    pub tags: Tags,
}

/// A configuration that an endpoint is changed to.
#[derive(Debug, Clone, Default)]
pub struct EndpointChange {
    /// Its name.
    pub config: String,
    /// What the endpoint keeps.
    pub retained: Retained,
    /// How what is new takes over.
    pub rollout: Option<Rollout>,
}

/// What an endpoint keeps of itself when it is changed to another configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retained {
    /// The shares of variants of the same names.
    pub weights: bool,
    /// The replicas of variants of the same names.
    pub instances: bool,
    /// How its last update went about.
    pub rollout: bool,
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
        check_tags(&new.tags)?;
        let config = self.endpoint_config(ctx, &new.config).await?;
        let variants = self.variants_of(ctx, &config.body).await?;
        let asynchronous = self.written_as_role(ctx, config.body.asynchronous, &variants).await?;
        let body = Endpoint { rollout: new.rollout, asynchronous, ..blank(new.config.clone(), variants) };
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
    pub async fn update_endpoint(&self, ctx: &Ctx, name: &str, asked: EndpointChange) -> Result<Hosted<Endpoint>> {
        let EndpointChange { config, retained, rollout } = asked;
        let before = self.endpoint(ctx, name).await?;
        let described = self.endpoint_config(ctx, &config).await?;
        let mut variants = self.variants_of(ctx, &described.body).await?;
        let asynchronous = self.written_as_role(ctx, described.body.asynchronous, &variants).await?;
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
        self.begin_update(ctx, name, |body| {
            let rollout = if retained.rollout { body.rollout.clone() } else { rollout.clone() };
            let (variants, asynchronous) = (variants.clone(), asynchronous.clone());
            Ok(Pending { config: config.clone(), variants, rollout, market: None, asynchronous })
        })
        .await
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
            let (config, asynchronous) = (endpoint.config.clone(), endpoint.asynchronous.clone());
            Ok(Pending { config, variants, rollout: None, market: None, asynchronous })
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

    /// Changes an endpoint that stands as it is said; whether it still did.
    pub(super) async fn settle(
        &self,
        scope: &Scope,
        (name, from): (&str, EndpointStatus),
        change: impl Fn(&mut Endpoint) + Send + Sync,
    ) -> Result<bool> {
        self.settle_with(scope, (name, from), &[], change).await
    }

    /// As [`Models::settle`], with other rows that are changed with it or not at all.
    pub(super) async fn settle_with(
        &self,
        scope: &Scope,
        (name, from): (&str, EndpointStatus),
        beside: &[(HostingKind, Kept)],
        change: impl Fn(&mut Endpoint) + Send + Sync,
    ) -> Result<bool> {
        self.settle_where(scope, (name, from), beside, |body| {
            change(body);
            true
        })
        .await
    }

    /// As [`Models::settle_with`], where `change` says that it changed something. What is under way only whoever is about it
    /// settles.
    pub(super) async fn settle_where(
        &self,
        scope: &Scope,
        (name, from): (&str, EndpointStatus),
        beside: &[(HostingKind, Kept)],
        change: impl Fn(&mut Endpoint) -> bool + Send + Sync,
    ) -> Result<bool> {
        let now = self.inner.clock.now();
        let driver = self.inner.endpoints.server().filter(|_| from.is_passing());
        store::settle(&self.inner.store, scope, (name, driver), beside, |kept| {
            if kept.status != Some(from) {
                return Ok(None);
            }
            let mut body = resource::endpoint(scope, kept.clone())?.body;
            if !change(&mut body) {
                return Ok(None);
            }
            let status = Some(body.status);
            let body = serde_json::to_string(&body).map_err(Error::internal)?;
            Ok(Some(Kept { status, body, updated: now, ..kept }))
        })
        .await
    }
}

/// A new endpoint.
pub(super) fn blank(config: String, variants: Vec<EndpointVariant>) -> Endpoint {
    Endpoint {
        status: EndpointStatus::Creating,
        generation: Generation::default(),
        config,
        variants,
        pending: None,
        failure: None,
        recovers: false,
        rollout: None,
        asynchronous: None,
        market: None,
    }
}

/// Notes that an endpoint cannot answer.
pub(super) fn fail(body: &mut Endpoint, error: &Error) {
    body.status = EndpointStatus::Failed;
    body.failure = Some(told(error));
    // Of what takes too long, or finds no room beside others now, whoever made it decides.
    body.recovers = matches!(error.kind, ErrorKind::NotFound | ErrorKind::Damaged | ErrorKind::Unavailable);
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

/// What is told of a failure: at most as much as AWS tells.
pub(super) fn told(error: &Error) -> String {
    error.public_text().chars().take(1024).collect()
}
