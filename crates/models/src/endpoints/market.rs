//! Endpoints of Bedrock's marketplace: ordinary endpoints, each made in one request with its model and its configuration.

use base::{Arn, Error, ErrorKind, Page, PageRequest, Result};
use identity::Ctx;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::catalogue::{HostingFilter, NewEndpointConfig, NewHostedModel, check_instances, check_tags};
use super::resource::{
    self, Endpoint, EndpointConfig, EndpointStatus, EndpointVariant, Hosted, HostedModel, HostingKind, Market,
    MarketChange, Pending, VariantSpec,
};
use super::store::{self, Kept, Scope};
use super::weights::{Container, Source, accepted};
use super::{instance_types, lifecycle};
use crate::library::hex;
use crate::{HubModel, Models, Tags};

/// The longest name.
const LONGEST_NAME: usize = 50;
/// The variant of such an endpoint.
const VARIANT: &str = "AllTraffic";

/// The tags of what was made for the marketplace.
const MARKET_TAGS: [&str; 3] =
    ["sagemaker-sdk:bedrock", "bedrock:marketplace-registration-status", "sagemaker-studio:hub-content-arn"];

/// What an endpoint of the marketplace runs on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MarketWish {
    /// Replicas.
    pub instances: u32,
    /// The type of instance.
    pub instance_type: String,
    /// The role that the service acts as.
    pub role_arn: String,
    /// The key that storage would be encrypted under. Nothing is stored; that it may be used is checked.
    pub kms_key: Option<String>,
}

/// An endpoint of the marketplace to be made.
#[derive(Debug, Clone, Default)]
pub struct NewMarketEndpoint {
    /// Its name.
    pub name: String,
    /// The model: the ARN of a hub's content, or the model's id there.
    pub source: String,
    /// Whether the licence's terms are accepted.
    pub eula: bool,
    /// What it runs on.
    pub wish: MarketWish,
    /// Its tags.
    pub tags: Tags,
    /// A request with the token of an earlier one is that one, sent again.
    pub request_token: Option<String>,
}

impl Models {
    /// Makes an endpoint of the marketplace, with its model and configuration, all or nothing.
    ///
    /// # Errors
    /// Invalid, for a name or numbers that cannot be, or where the licence's terms are not accepted; NotFound, where the hub
    /// has no such model; Denied, where the caller may not pass the role; AlreadyExists.
    pub async fn create_market_endpoint(&self, ctx: &Ctx, new: NewMarketEndpoint) -> Result<Hosted<Endpoint>> {
        check_name(&new.name)?;
        check_tags(&new.tags)?;
        let hash = fingerprint(&new);
        if let Some(earlier) = self.earlier_market(ctx, &new, &hash).await? {
            return Ok(earlier);
        }
        match self.make_market_endpoint(ctx, new.clone(), &hash).await {
            // The same request may have come twice at once.
            Err(error) if error.kind == ErrorKind::AlreadyExists => {
                match self.earlier_market(ctx, &new, &hash).await? {
                    Some(earlier) => Ok(earlier),
                    None => Err(self.taken_market(ctx, &new.name, error).await?),
                }
            }
            made => made,
        }
    }

    /// That an endpoint is there already, where it is, and not its parts.
    async fn taken_market(&self, ctx: &Ctx, name: &str, error: Error) -> Result<Error> {
        let (scope, kind) = (Scope::of(ctx), HostingKind::Endpoint);
        let found = store::find(&self.inner.store, &scope, kind, name).await?;
        Ok(found.map_or(error, |_| kind.taken(&scope, name)))
    }

    /// As [`Models::create_market_endpoint`], where no earlier request made it.
    async fn make_market_endpoint(&self, ctx: &Ctx, new: NewMarketEndpoint, hash: &str) -> Result<Hosted<Endpoint>> {
        let (model, tags) = (self.hub_model_by_source(ctx, &new.source)?, self.market_tags(ctx, &new.source)?);
        accepted(&model, Some(new.eula))?;
        check_wish(&new.wish)?;
        let scope = Scope::of(ctx);
        let spec = spec(&new.name, &new.wish);
        let made = NewHostedModel { tags: tags.clone(), ..model_for(ctx, &new, &model) };
        let (_, model_row) = self.new_model(ctx, &made).await?;
        let config = NewEndpointConfig {
            name: new.name.clone(),
            described: described_variants(&spec, new.wish.kms_key.as_deref()),
            variants: vec![spec.clone()],
            kms_key: new.wish.kms_key.clone(),
            tags: tags.clone(),
            ..NewEndpointConfig::default()
        };
        let (_, config_row) = self.new_config(ctx, &config).await?;
        let variant = EndpointVariant { spec, source: Source::Hub(model.id), served: None };
        let market = Market {
            source: new.source,
            whole: true,
            role_arn: new.wish.role_arn,
            kms_key: new.wish.kms_key,
            incompatible: None,
            request: new.request_token.map(|token| (token, hash.to_owned())),
        };
        let body = Endpoint { market: Some(market), ..lifecycle::blank(new.name.clone(), vec![variant]) };
        let tags = with(new.tags, &tags);
        check_tags(&tags)?;
        let row = resource::row(&new.name, &body, (tags, Some(body.status), self.inner.clock.now()))?;
        let kept = row.1.clone();
        let request = body.market.as_ref().and_then(|market| market.request.as_ref());
        // Another request with its token may have come meanwhile, for an endpoint of another name.
        let is_first = |endpoints: Vec<Kept>| -> Result<()> {
            let Some((token, hash)) = request else { return Ok(()) };
            match made_by(&scope, endpoints, (token.as_str(), hash.as_str()))? {
                Some(earlier) => Err(HostingKind::Endpoint.taken(&scope, &earlier.name)),
                None => Ok(()),
            }
        };
        self.insert_unless(&scope, &[model_row, config_row, row], Some(&is_first)).await?;
        self.set_off(scope.clone(), new.name);
        resource::endpoint(&scope, kept)
    }

    /// The tags by which policies know what was made for Bedrock's marketplace, beside those that its maker gives: AWS's
    /// own managed policies ask for them.
    ///
    /// # Errors
    /// NotFound, where the hub has no such model.
    pub fn market_tags(&self, ctx: &Ctx, source: &str) -> Result<Tags> {
        let content = self.hub_model_by_source(ctx, source)?.arn(ctx.region().as_str());
        let values = ["compatible", "registered", content.as_str()];
        Ok(MARKET_TAGS.iter().zip(values).map(|(key, value)| ((*key).to_owned(), value.to_owned())).collect())
    }

    /// The endpoint that a request with the same token made.
    ///
    /// # Errors
    /// AlreadyExists, where that request asked for something else.
    async fn earlier_market(&self, ctx: &Ctx, new: &NewMarketEndpoint, hash: &str) -> Result<Option<Hosted<Endpoint>>> {
        let Some(token) = &new.request_token else { return Ok(None) };
        let scope = Scope::of(ctx);
        let endpoints = store::list(&self.inner.store, &scope, HostingKind::Endpoint).await?;
        made_by(&scope, endpoints, (token.as_str(), hash))
    }

    /// The endpoint of the marketplace of this ARN, of the caller's account and region.
    ///
    /// # Errors
    /// NotFound, where there is none, or it is not registered.
    pub async fn market_endpoint(&self, ctx: &Ctx, arn: &str) -> Result<Hosted<Endpoint>> {
        let missing = || missing(arn);
        let name = named(ctx, arn).ok_or_else(missing)?;
        let endpoint = self.endpoint(ctx, &name).await.map_err(|error| match error.kind {
            ErrorKind::NotFound => missing(),
            _ => error,
        })?;
        if endpoint.body.market.is_some() { Ok(endpoint) } else { Err(missing()) }
    }

    /// The registered endpoints of the caller's account and region, the newest first, or those of one model.
    ///
    /// # Errors
    /// Unavailable, where the database cannot be read.
    pub async fn market_endpoints(
        &self,
        ctx: &Ctx,
        source: Option<&str>,
        page: &PageRequest,
    ) -> Result<Page<Hosted<Endpoint>>> {
        let all = PageRequest { limit: u32::MAX - 1, after: page.after.clone() };
        let mut listed = self.endpoints(ctx, &HostingFilter::default(), &all).await?;
        // A model has several names: its id, and ARNs with and without a version.
        let model = |source: &str| self.hub_model_by_source(ctx, source).ok().map(|model| model.id);
        let wanted = source.map(|source| (source, model(source)));
        let is_wanted = |market: &Market| match &wanted {
            None => true,
            Some((named, None)) => market.source == *named,
            Some((_, wanted)) => model(&market.source) == *wanted,
        };
        listed.items.retain(|endpoint| endpoint.body.market.as_ref().is_some_and(is_wanted));
        let place = |endpoint: &Hosted<Endpoint>| format!("{:016}:{}", endpoint.created.as_millis(), endpoint.name);
        Ok(Page::cut(page, listed.items, place))
    }

    /// Changes what an endpoint of the marketplace runs on.
    ///
    /// # Errors
    /// As [`Models::update_endpoint`]; Invalid, for numbers that cannot be.
    pub async fn update_market_endpoint(&self, ctx: &Ctx, arn: &str, wish: MarketWish) -> Result<Hosted<Endpoint>> {
        let endpoint = self.market_endpoint(ctx, arn).await?;
        check_wish(&wish)?;
        self.check_role(ctx, &wish.role_arn, &endpoint.arn).await?;
        if let Some(key) = &wish.kms_key {
            self.check_hosting_key(ctx, key).await?;
        }
        let wish = &wish;
        self.begin_update(ctx, &endpoint.name, |body| {
            let mut variants = body.variants.clone();
            for variant in &mut variants {
                variant.spec.instances = wish.instances;
                variant.spec.instance_type.clone_from(&wish.instance_type);
            }
            let market = MarketChange { role_arn: wish.role_arn.clone(), kms_key: wish.kms_key.clone() };
            let asynchronous = body.asynchronous.clone();
            Ok(Pending { config: body.config.clone(), variants, rollout: None, market: Some(market), asynchronous })
        })
        .await
    }

    /// The model and the configuration that were made for an endpoint of the marketplace, as they are when it has been
    /// changed; none where they are their owner's.
    pub(super) async fn market_parts(
        &self,
        scope: &Scope,
        endpoint: &Hosted<Endpoint>,
        (asked, variants): (&MarketChange, &[EndpointVariant]),
    ) -> Result<Vec<(HostingKind, Kept)>> {
        let is_whole = endpoint.body.market.as_ref().is_some_and(|market| market.whole);
        let [variant] = variants else { return Ok(Vec::new()) };
        if !is_whole {
            return Ok(Vec::new());
        }
        let (name, now, mut parts) = (&endpoint.name, self.inner.clock.now(), Vec::new());
        if let Some(kept) = store::find(&self.inner.store, scope, HostingKind::Config, name).await? {
            let described = described_variants(&variant.spec, asked.kms_key.as_deref());
            let config = EndpointConfig { variants: vec![variant.spec.clone()], asynchronous: None, described };
            let body = serde_json::to_string(&config).map_err(Error::internal)?;
            parts.push((HostingKind::Config, Kept { body, updated: now, ..kept }));
        }
        if let Some(kept) = store::find(&self.inner.store, scope, HostingKind::Model, name).await? {
            let mut model: Hosted<HostedModel> = resource::hosted(scope, kept.clone())?;
            model.body.role_arn = Some(asked.role_arn.clone());
            let body = serde_json::to_string(&model.body).map_err(Error::internal)?;
            parts.push((HostingKind::Model, Kept { body, updated: now, ..kept }));
        }
        Ok(parts)
    }

    /// Makes an endpoint usable from Bedrock, as one that hosts a model of the hub. Where it hosts another, the registration
    /// says that it is incompatible.
    ///
    /// # Errors
    /// NotFound, where there is no such endpoint or model; Invalid, where it is not in service.
    pub async fn register_market_endpoint(&self, ctx: &Ctx, arn: &str, source: &str) -> Result<Hosted<Endpoint>> {
        let name = named(ctx, arn).ok_or_else(|| missing(arn))?;
        let endpoint = self.endpoint(ctx, &name).await.map_err(|error| match error.kind {
            ErrorKind::NotFound => missing(arn),
            _ => error,
        })?;
        let status = endpoint.body.status;
        if status != EndpointStatus::InService {
            return Err(Error::invalid(format!(
                "The endpoint `{arn}` must be in service to be registered: it is {}.",
                status.as_str()
            )));
        }
        let model = self.hub_model_by_source(ctx, source)?;
        let incompatible = incompatibility(&endpoint.body.variants, &model);
        let role_arn = self.role_of(ctx, &endpoint.body.variants).await?;
        let tags = self.market_tags(ctx, source)?;
        let tagged = |before| with(before, &tags);
        self.change_market(ctx, &name, tagged, |body| {
            let before = body.market.take();
            body.market = Some(Market {
                source: source.to_owned(),
                whole: before.as_ref().is_some_and(|market| market.whole),
                role_arn: before.as_ref().map_or_else(|| role_arn.clone(), |market| market.role_arn.clone()),
                kms_key: before.as_ref().and_then(|market| market.kms_key.clone()),
                incompatible: incompatible.clone(),
                request: before.and_then(|market| market.request),
            });
        })
        .await
    }

    /// Takes an endpoint out of the marketplace. It goes on as an ordinary one, whose model and configuration are its
    /// owner's to remove.
    ///
    /// # Errors
    /// NotFound.
    pub async fn deregister_market_endpoint(&self, ctx: &Ctx, arn: &str) -> Result<()> {
        let endpoint = self.market_endpoint(ctx, arn).await?;
        let untagged = |mut tags: Tags| {
            tags.retain(|(key, _)| !MARKET_TAGS.contains(&key.as_str()));
            tags
        };
        self.change_market(ctx, &endpoint.name, untagged, |body| body.market = None).await.map(drop)
    }

    /// Removes an endpoint of the marketplace, with the model and the configuration that were made for it.
    ///
    /// # Errors
    /// NotFound.
    pub async fn delete_market_endpoint(&self, ctx: &Ctx, arn: &str) -> Result<()> {
        let endpoint = self.market_endpoint(ctx, arn).await?;
        self.delete_endpoint(ctx, &endpoint.name).await
    }

    /// The role of the first variant's model; empty where that is gone or has none.
    pub(super) async fn role_of(&self, ctx: &Ctx, variants: &[EndpointVariant]) -> Result<String> {
        let Some(variant) = variants.first() else { return Ok(String::new()) };
        match self.hosted_model(ctx, &variant.spec.model).await {
            Ok(Hosted { body: HostedModel { role_arn, .. }, .. }) => Ok(role_arn.unwrap_or_default()),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(String::new()),
            Err(error) => Err(error),
        }
    }

    async fn change_market(
        &self,
        ctx: &Ctx,
        name: &str,
        tagged: impl Fn(Tags) -> Tags + Send + Sync,
        change: impl Fn(&mut Endpoint) + Send + Sync,
    ) -> Result<Hosted<Endpoint>> {
        let (scope, now) = (Scope::of(ctx), self.inner.clock.now());
        let which = (HostingKind::Endpoint, name);
        let changed = store::change(&self.inner.store, &scope, which, |kept| {
            let mut body = resource::endpoint(&scope, kept.clone())?.body;
            change(&mut body);
            let body = serde_json::to_string(&body).map_err(Error::internal)?;
            Ok(Some(Kept { body, tags: tagged(kept.tags.clone()), updated: now, ..kept }))
        });
        let kept = changed.await?.ok_or_else(|| HostingKind::Endpoint.missing(&scope, name))?;
        resource::endpoint(&scope, kept)
    }
}

/// The endpoint that a request with a token made, of those of an account and region.
///
/// # Errors
/// AlreadyExists, where that request asked for something else.
fn made_by(scope: &Scope, endpoints: Vec<Kept>, (token, hash): (&str, &str)) -> Result<Option<Hosted<Endpoint>>> {
    for kept in endpoints {
        let endpoint = resource::endpoint(scope, kept)?;
        match endpoint.body.market.as_ref().and_then(|market| market.request.as_ref()) {
            Some((earlier, asked)) if earlier == token && asked == hash => return Ok(Some(endpoint)),
            Some((earlier, _)) if earlier == token => {
                return Err(Error::already_exists(format!(
                    "The client request token `{token}` was used for another request."
                )));
            }
            _ => {}
        }
    }
    Ok(None)
}

/// The tags, and these in place of those of the same keys.
fn with(mut tags: Tags, more: &Tags) -> Tags {
    tags.retain(|(key, _)| more.iter().all(|(other, _)| other != key));
    tags.extend(more.iter().cloned());
    tags
}

/// # Errors
/// Invalid, for a name that an endpoint of the marketplace cannot have.
fn check_name(name: &str) -> Result<()> {
    let is_fine = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && name.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
        && !name.ends_with('-');
    if is_fine && name.len() <= LONGEST_NAME {
        return Ok(());
    }
    Err(Error::invalid(format!("`{name}` is not a name for an endpoint."))
        .with_hint(format!("A name has 1 to {LONGEST_NAME} letters and digits, and hyphens between them.")))
}

fn check_wish(wish: &MarketWish) -> Result<()> {
    instance_types::check(&wish.instance_type)?;
    check_instances(wish.instances, 1)
}

/// Why Bedrock cannot use an endpoint of these variants as one of this model.
pub(super) fn incompatibility(variants: &[EndpointVariant], model: &HubModel) -> Option<String> {
    let hosts = |variant: &EndpointVariant| match &variant.source {
        Source::Hub(id) => *id == model.id,
        Source::Local(name) => *name == model.entry,
        Source::Imported(_) | Source::Bucket { .. } => false,
    };
    let other = variants.iter().find(|variant| !hosts(variant))?;
    Some(format!("The variant {} does not host the model {}.", other.spec.name, model.id))
}

fn spec(name: &str, wish: &MarketWish) -> VariantSpec {
    VariantSpec {
        name: VARIANT.to_owned(),
        model: name.to_owned(),
        instance_type: wish.instance_type.clone(),
        weight: 1.0,
        instances: wish.instances,
        ..VariantSpec::default()
    }
}

/// The model of an endpoint of the marketplace, as one that makes it by hand would describe it.
fn model_for(ctx: &Ctx, new: &NewMarketEndpoint, model: &HubModel) -> NewHostedModel {
    let location = format!("s3://jumpstart-cache-prod-{}/{}", ctx.region(), model.prepacked_artifact_key());
    let source = json!({
        "S3Uri": location, "S3DataType": "S3Prefix", "CompressionType": "None",
        "ModelAccessConfig": {"AcceptEula": new.eula},
    });
    NewHostedModel {
        name: new.name.clone(),
        container: Container { location: Some(location), eula: Some(new.eula), ..Container::default() },
        role_arn: Some(new.wish.role_arn.clone()),
        described: json!({
            "PrimaryContainer": {"ModelDataSource": {"S3DataSource": source}},
            "EnableNetworkIsolation": true,
        }),
        tags: Tags::new(),
    }
}

fn described_variants(spec: &VariantSpec, kms_key: Option<&str>) -> Value {
    json!({"KmsKeyId": kms_key, "ProductionVariants": [{
        "VariantName": spec.name,
        "ModelName": spec.model,
        "InstanceType": spec.instance_type,
        "InitialInstanceCount": spec.instances,
        "InitialVariantWeight": spec.weight,
    }]})
}

/// The name of the endpoint of the caller's account and region that an ARN names. A name alone is none: policies speak of ARNs.
fn named(ctx: &Ctx, arn: &str) -> Option<String> {
    let parsed: Arn = arn.parse().ok()?;
    let name = parsed.resource.strip_prefix("endpoint/")?;
    (HostingKind::Endpoint.arn(&Scope::of(ctx), name).to_string() == arn).then(|| name.to_owned())
}

fn missing(arn: &str) -> Error {
    Error::not_found(format!("The endpoint `{arn}` could not be found."))
}

/// What a request asks for, as one value.
fn fingerprint(new: &NewMarketEndpoint) -> String {
    let asked = format!("{:?}", (&new.name, &new.source, new.eula, &new.wish, &new.tags));
    hex(&Sha256::digest(asked.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_up_to_fifty_letters_and_digits() {
        for good in ["a", "chat-2", &"x".repeat(50)] {
            check_name(good).unwrap();
        }
        for bad in ["", "-a", "a-", "with space", "ä", "under_score", &"x".repeat(51)] {
            assert_eq!(check_name(bad).unwrap_err().kind, ErrorKind::Invalid, "{bad}");
        }
    }

    #[test]
    fn none_and_more_than_a_hundred_instances_are_refused() {
        let wish =
            |instances| MarketWish { instances, instance_type: "ml.g6.12xlarge".to_owned(), ..MarketWish::default() };
        for bad in [0, 101] {
            let error = check_wish(&wish(bad)).unwrap_err();
            assert!(error.public_text().contains("1 to 100"), "{error}");
        }
        check_wish(&wish(1)).unwrap();
        check_wish(&wish(100)).unwrap();
    }
}
