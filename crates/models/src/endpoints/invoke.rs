//! Requests to endpoints: which variant answers, and bringing back what left the memory.

use std::fmt;
use std::sync::Arc;

use base::{Error, ErrorKind, Result};
use identity::Ctx;

use super::lifecycle::fail;
use super::live::{Invocation, LiveVariant};
use super::resource;
use super::resource::{Endpoint, EndpointStatus, EndpointVariant, Hosted, HostingKind};
use super::store::{self, Scope};
use super::weights::{Served, Source};
use crate::aliases::{Provider, Resolved, Target};
use crate::loaded::Lease;
use crate::{Models, imported};

/// How often a variant is drawn for a request, where those that were drawn before left the endpoint.
const DRAWS: u32 = 3;

/// The variant of an endpoint that answers.
#[derive(Clone)]
pub struct EndpointTarget {
    /// The endpoint's ARN.
    pub arn: String,
    /// The endpoint's name.
    pub endpoint: String,
    /// The variant's name.
    pub variant: String,
    /// The model that answers.
    pub served: Served,
    scope: Scope,
    /// Whether the request named it; otherwise it was drawn.
    is_named: bool,
    live: Arc<LiveVariant>,
}

impl fmt::Debug for EndpointTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndpointTarget").field("arn", &self.arn).field("variant", &self.variant).finish_non_exhaustive()
    }
}

impl EndpointTarget {
    /// Notes a request that was refused before a model was asked.
    pub(crate) fn note_refusal(&self, ctx: &Ctx, error: &Error) {
        Invocation::begin(&self.live, ctx.now()).note_failure(error);
    }
}

impl Models {
    /// The variant of an endpoint that answers the next request: the one that is named, or one that is drawn by their
    /// shares.
    ///
    /// # Errors
    /// NotFound, in the words of AWS's runtime, where there is no such endpoint or it does not answer; Invalid, where it
    /// has no such variant or answers later alone.
    pub async fn resolve_endpoint(&self, ctx: &Ctx, name: &str, variant: Option<&str>) -> Result<Resolved> {
        let scope = Scope::of(ctx);
        let endpoint = self.answering_endpoint(&scope, name).await?;
        if endpoint.body.asynchronous.is_some() {
            return Err(answers_later(name));
        }
        self.drawn_variant(&endpoint, (scope, variant))
    }

    /// An endpoint that answers.
    ///
    /// # Errors
    /// NotFound, in the words of AWS's runtime, where there is no such endpoint or it does not answer.
    pub(super) async fn answering_endpoint(&self, scope: &Scope, name: &str) -> Result<Hosted<Endpoint>> {
        let missing = || Error::not_found(format!("Endpoint {name} of account {} not found.", scope.account));
        let kept = store::find(&self.inner.store, scope, HostingKind::Endpoint, name).await?.ok_or_else(missing)?;
        let endpoint = resource::endpoint(scope, kept)?;
        let status = endpoint.body.status;
        match status.answers() {
            true => Ok(endpoint),
            false => Err(missing().with_hint(format!("It is {}: {}", status.as_str(), advice(&endpoint)))),
        }
    }

    /// What answers for the ARN of an endpoint as a model of Bedrock's.
    pub(crate) async fn resolve_market(&self, ctx: &Ctx, arn: &str) -> Result<Resolved> {
        let scope = Scope::of(ctx);
        let missing = || Error::not_found(format!("The endpoint `{arn}` could not be found."));
        let name = arn.rsplit('/').next().unwrap_or_default();
        let kept = store::find(&self.inner.store, &scope, HostingKind::Endpoint, name).await?.ok_or_else(missing)?;
        let endpoint = resource::endpoint(&scope, kept)?;
        match &endpoint.body.market {
            None => {
                return Err(Error::invalid(format!(
                    "The endpoint `{arn}` is not registered with Bedrock Marketplace."
                ))
                .with_hint("Register it (`RegisterMarketplaceModelEndpoint`), or call `InvokeEndpoint`."));
            }
            Some(market) if market.incompatible.is_some() => {
                let reason = market.incompatible.as_deref().unwrap_or_default();
                return Err(Error::invalid(format!("The endpoint `{arn}` cannot be used from Bedrock: {reason}")));
            }
            Some(_) if !endpoint.body.status.answers() => {
                let status = endpoint.body.status.as_str();
                return Err(Error::invalid(format!("The endpoint `{arn}` is not in service: it is {status}."))
                    .with_hint(advice(&endpoint)));
            }
            Some(_) if endpoint.body.asynchronous.is_some() => return Err(answers_later(name)),
            Some(_) => {}
        }
        self.drawn_variant(&endpoint, (scope, None))
    }

    pub(super) fn drawn_variant(
        &self,
        endpoint: &Hosted<Endpoint>,
        (scope, named): (Scope, Option<&str>),
    ) -> Result<Resolved> {
        let variants = &endpoint.body.variants;
        let variant = match named {
            Some(name) => variants
                .iter()
                .find(|variant| variant.spec.name == name)
                .ok_or_else(|| Error::invalid(format!("Variant {name} of endpoint {} not found.", endpoint.name)))?,
            None => drawn(variants, self.inner.random.next_u64()).ok_or_else(|| Error::internal("no variant"))?,
        };
        let target = self.target_of(endpoint, variant, (scope, named.is_some()))?;
        let arn = target.arn.clone();
        Ok(Resolved {
            requested: arn.clone(),
            aws_id: arn,
            provider: Provider::Endpoint { embeds: target.served.embeds },
            serving_name: target.served.name.clone(),
            substituted: target.served.substituted,
            target: Target::Endpoint(Box::new(target)),
            dimension: None,
            dimensions: Vec::new(),
            profile: None,
        })
    }

    /// A variant of an endpoint that is or was in service.
    fn target_of(
        &self,
        endpoint: &Hosted<Endpoint>,
        variant: &EndpointVariant,
        (scope, is_named): (Scope, bool),
    ) -> Result<EndpointTarget> {
        let served = variant.served.clone();
        let arn = endpoint.arn.to_string();
        Ok(EndpointTarget {
            live: self.inner.endpoints.variant(&arn, &variant.spec.name),
            endpoint: endpoint.name.clone(),
            variant: variant.spec.name.clone(),
            served: served.ok_or_else(|| Error::internal("a variant in service that was never ready"))?,
            arn,
            scope,
            is_named,
        })
    }

    /// The variant's model, for one request, and which model that is. Where it is not in memory it is loaded, and the request
    /// waits as long as it may. Where the variant left the endpoint since it was drawn, another one is drawn.
    ///
    /// # Errors
    /// Those of loading; NotFound, where the endpoint is gone; Invalid, where a variant is that the request named; Denied,
    /// where an imported model's key may not be used; Throttled, where it is not loaded before the context's deadline.
    pub(crate) async fn lease_deployed(&self, ctx: &Ctx, target: &EndpointTarget) -> Result<(Lease, Served)> {
        let mut target = target.clone();
        for _ in 0..DRAWS {
            let invocation = Arc::new(Invocation::begin(&target.live, self.inner.clock.now()));
            match self.lease_for(ctx, &target, &invocation).await {
                Ok(Some((lease, served))) => return Ok((lease.invoked(invocation), served)),
                Ok(None) => target = self.drawn_again(&target).await.inspect_err(|e| invocation.note_failure(e))?,
                Err(error) => {
                    invocation.note_failure(&error);
                    return Err(error);
                }
            }
        }
        Err(gone(&target.endpoint))
    }

    /// As [`Models::lease_deployed`] for one variant; none where that has left the endpoint.
    async fn lease_for(
        &self,
        ctx: &Ctx,
        target: &EndpointTarget,
        invocation: &Arc<Invocation>,
    ) -> Result<Option<(Lease, Served)>> {
        // What is loaded is asked about here; what is not, when it is.
        if let Some(source) = target.live.source()
            && let Some(arn) = source.imported()
        {
            self.check_imported(target, &source, arn).await?;
        }
        if let Some(leased) = target.live.lease() {
            return Ok(Some(leased));
        }
        let (models, target, open) = (self.clone(), target.clone(), invocation.clone());
        // A task of its own: it goes on where the caller goes away, and the request is open as long as it does.
        let waking = tokio::spawn(async move {
            let _open = open;
            let _waits = target.live.waits();
            models.wake(&target).await
        });
        let woken = match ctx.deadline() {
            Some(deadline) => tokio::time::timeout_at(deadline.into(), waking).await.map_err(|_| {
                Error::throttled(imported::NOT_READY).with_hint("It is still being loaded, which goes on: ask again.")
            })?,
            None => waking.await,
        };
        woken.map_err(Error::internal)?
    }

    /// A variant that the endpoint has now.
    async fn drawn_again(&self, target: &EndpointTarget) -> Result<EndpointTarget> {
        let endpoint = self.endpoint_in(&target.scope, &target.endpoint).await?;
        if !endpoint.body.status.answers() {
            return Err(gone(&target.endpoint));
        }
        let named = target.is_named.then_some(target.variant.as_str());
        let resolved = self.drawn_variant(&endpoint, (target.scope.clone(), named))?;
        match resolved.target {
            Target::Endpoint(target) => Ok(*target),
            _ => Err(Error::internal("a variant of an endpoint is none")),
        }
    }

    /// Asks whether an imported model's key may be used still. Where it may not, the model leaves the memory.
    async fn check_imported(&self, target: &EndpointTarget, source: &Source, arn: &str) -> Result<()> {
        let ctx = self.hosting_ctx(&target.scope);
        let usable = async { self.sealed(&self.imported_model(&ctx, arn).await?).await }.await;
        match usable {
            Ok(_) => Ok(()),
            Err(error) => {
                if matches!(error.kind, ErrorKind::Denied | ErrorKind::NotFound) {
                    self.retire(target.live.take_of(source)).await;
                }
                Err(error)
            }
        }
    }

    /// Loads the model of a variant that is not in memory; none where the endpoint has no such variant any more.
    async fn wake(&self, target: &EndpointTarget) -> Result<Option<(Lease, Served)>> {
        let live = &target.live;
        let _waking = live.hold().await;
        if let Some(leased) = live.lease() {
            return Ok(Some(leased));
        }
        // The request is open already: who takes the variant down from now on waits for it.
        let endpoint = self.endpoint_in(&target.scope, &target.endpoint).await?;
        let variant = endpoint.body.variants.iter().find(|variant| variant.spec.name == target.variant);
        let Some(variant) = variant.filter(|_| endpoint.body.status.answers()) else { return Ok(None) };
        let ctx = self.hosting_ctx(&target.scope);
        let replicas = variant.spec.instances.max(1);
        let loaded = async {
            let served = self.served(&ctx, variant).await?;
            self.load_variant(&ctx, &target.arn, (variant, &served), replicas).await
        };
        let deployment = match loaded.await {
            Ok(deployment) => deployment,
            Err(error) => return Err(self.note_unloadable((&target.scope, &endpoint), variant, error).await),
        };
        // Nobody else loads one while this is held.
        self.retire(live.replace(Some(deployment))).await;
        let leased = live.lease();
        if variant.spec.instances == 0 {
            self.note_instances(&target.scope, (&endpoint, &target.variant), replicas).await?;
        }
        Ok(leased)
    }

    /// Notes that an endpoint in service cannot answer any more, where waiting does not help. Returns the error.
    pub(super) async fn note_unloadable(
        &self,
        (scope, endpoint): (&Scope, &Hosted<Endpoint>),
        variant: &EndpointVariant,
        error: Error,
    ) -> Error {
        let is_lasting = match error.kind {
            ErrorKind::NotFound | ErrorKind::Damaged => true,
            ErrorKind::Unavailable => matches!(self.could_load(&self.hosting_ctx(scope), variant).await, Ok(false)),
            _ => false,
        };
        if !is_lasting || endpoint.body.status != EndpointStatus::InService {
            return error;
        }
        let name = &endpoint.name;
        // Meanwhile something else may answer for it: what could not be loaded is nothing to that.
        let failed = |body: &mut Endpoint| {
            let is_asked_for = body.generation == endpoint.body.generation && body.variants.contains(variant);
            if is_asked_for {
                fail(body, &error);
            }
            is_asked_for
        };
        if let Err(failure) = self.settle_where(scope, (name, EndpointStatus::InService), &[], failed).await {
            tracing::error!(error = ?failure, endpoint = name, "an endpoint's failure could not be noted");
        }
        // What it was asked for is not what is missing.
        Error::unavailable(error.message.clone()).with_hint(error.hint.clone().unwrap_or_default())
    }

    /// Notes how many replicas a variant of an endpoint has from now on, where that stands as it did still.
    pub(super) async fn note_instances(
        &self,
        scope: &Scope,
        (endpoint, variant): (&Hosted<Endpoint>, &str),
        instances: u32,
    ) -> Result<()> {
        let (from, stands) = (endpoint.body.status, endpoint.body.generation);
        let noted = self.settle_where(scope, (&endpoint.name, from), &[], |body| {
            if body.generation != stands {
                return false;
            }
            if let Some(found) = body.variants.iter_mut().find(|found| found.spec.name == variant) {
                found.spec.instances = instances;
            }
            true
        });
        noted.await.map(drop)
    }
}

/// The variant that `number` draws, each as often as its share says.
fn drawn(variants: &[EndpointVariant], number: u64) -> Option<&EndpointVariant> {
    let total: f64 = variants.iter().map(|variant| variant.spec.weight).sum();
    // A number from 0 to below the total; 53 bits are as many as a double tells apart.
    #[expect(clippy::cast_precision_loss)]
    let mut point = (number >> 11) as f64 / (1_u64 << 53) as f64 * total;
    let found = variants.iter().find(|variant| {
        let is_it = point < variant.spec.weight;
        point -= variant.spec.weight;
        is_it
    });
    found.or_else(|| variants.iter().rfind(|variant| variant.spec.weight > 0.0))
}

/// That an endpoint answers no more.
fn gone(name: &str) -> Error {
    Error::unavailable(format!("The endpoint \"{name}\" does not answer any more."))
}

fn answers_later(name: &str) -> Error {
    Error::invalid(format!("The endpoint {name} is asynchronous."))
        .with_hint("Ask it with `InvokeEndpointAsync`: its answers go to S3.")
}

/// What to do about an endpoint that does not answer.
fn advice(endpoint: &Hosted<Endpoint>) -> String {
    match (endpoint.body.status, &endpoint.body.failure) {
        (EndpointStatus::Creating, _) => "wait until it is `InService`.".to_owned(),
        (EndpointStatus::Failed, Some(failure)) if endpoint.body.recovers => {
            format!("{failure} It is made ready by itself when that is mended.")
        }
        (EndpointStatus::Failed, Some(failure)) => failure.clone(),
        _ => "it takes no more requests.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::resource::VariantSpec;
    use super::*;

    fn variant(name: &str, weight: f64) -> EndpointVariant {
        let spec = VariantSpec {
            name: name.to_owned(),
            model: "m".to_owned(),
            instance_type: "ml.m5.large".to_owned(),
            weight,
            instances: 1,
            ..VariantSpec::default()
        };
        EndpointVariant { spec, source: Source::Local("m".to_owned()), served: None }
    }

    #[test]
    fn variants_are_drawn_by_their_shares() {
        let variants = [variant("a", 1.0), variant("never", 0.0), variant("b", 3.0)];
        let names: Vec<&str> =
            (0..8_u64).map(|part| drawn(&variants, part << 61).unwrap().spec.name.as_str()).collect();
        assert_eq!(names, ["a", "a", "b", "b", "b", "b", "b", "b"]);
        assert_eq!(drawn(&variants, u64::MAX).unwrap().spec.name, "b");
        assert!(drawn(&[variant("a", 0.0)], 7).is_none());
    }
}
