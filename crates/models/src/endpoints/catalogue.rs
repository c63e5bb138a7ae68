//! Hosted models and endpoint configurations: made, looked at, removed; and the tags and lists of all that hosting has.

use std::collections::HashSet;

use base::{Arn, Error, ErrorKind, Page, PageRequest, Result, Timestamp};
use identity::Ctx;
use identity::kms::KeyRef;
use identity::sts::ServiceAssumption;
use serde_json::Value;

use super::asynchronous::Asynchronous;
use super::resource::{Body, Endpoint, EndpointConfig, EndpointStatus, Hosted, HostedModel, HostingKind, VariantSpec};
use super::store::{self, Kept, Scope};
use super::weights::Container;
use super::{SERVICE, instance_types, resource};
use crate::{Models, Tags, imported};

/// The most replicas that may be asked for.
const MOST_INSTANCES: u32 = 100;
/// The most tags of a resource.
const MOST_TAGS: usize = 50;

/// A model to be hosted.
#[derive(Debug, Clone, Default)]
pub struct NewHostedModel {
    /// Its name.
    pub name: String,
    /// The container, which names the weights.
    pub container: Container,
    /// The role that the service acts as.
    pub role_arn: Option<String>,
    /// As its maker described it, in the words of the API.
    pub described: Value,
    /// Its tags.
    pub tags: Tags,
}

/// An endpoint configuration to be made.
#[derive(Debug, Clone, Default)]
pub struct NewEndpointConfig {
    /// Its name.
    pub name: String,
    /// The variants.
    pub variants: Vec<VariantSpec>,
    /// Where the answers go, where requests are answered later.
    pub asynchronous: Option<Asynchronous>,
    /// The key that storage would be encrypted under. Nothing is stored; that it may be used is checked.
    pub kms_key: Option<String>,
    /// The role that the service acts as.
    pub role_arn: Option<String>,
    /// As its maker described it, in the words of the API.
    pub described: Value,
    /// Its tags.
    pub tags: Tags,
}

/// By what a list is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HostingOrder {
    /// By name.
    Name,
    /// By the time at which it was made.
    #[default]
    Created,
    /// By status, then by name.
    Status,
}

/// Which resources to list.
#[derive(Debug, Clone, Default)]
pub struct HostingFilter {
    /// Whose name has this in it.
    pub name_contains: Option<String>,
    /// Made after this, and before that.
    pub created: (Option<Timestamp>, Option<Timestamp>),
    /// Changed after this, and before that.
    pub modified: (Option<Timestamp>, Option<Timestamp>),
    /// Only endpoints in this state.
    pub status: Option<EndpointStatus>,
    /// By what they are sorted.
    pub order: HostingOrder,
    /// The first first; the last otherwise.
    pub ascending: bool,
}

impl HostingFilter {
    fn takes(&self, kept: &Kept) -> bool {
        let within = |time: Timestamp, (after, before): (Option<Timestamp>, Option<Timestamp>)| {
            after.is_none_or(|after| time > after) && before.is_none_or(|before| time < before)
        };
        self.name_contains.as_ref().is_none_or(|part| kept.name.contains(part.as_str()))
            && within(kept.created, self.created)
            && within(kept.updated, self.modified)
            && self.status.is_none_or(|status| kept.status == Some(status))
    }

    /// Where a resource stands among those that are listed.
    fn place(&self, kept: &Kept) -> String {
        match self.order {
            HostingOrder::Name => kept.name.clone(),
            HostingOrder::Created => format!("{:016}:{}", kept.created.as_millis(), kept.name),
            HostingOrder::Status => format!("{}:{}", kept.status.map_or("", EndpointStatus::as_str), kept.name),
        }
    }
}

impl Models {
    /// Makes a model that endpoints can host.
    ///
    /// # Errors
    /// Invalid, where the container names no weights that are known, the licence's terms are not accepted or the role
    /// cannot be assumed; Denied, where the caller may not pass it; NotImplemented, for what is not served; AlreadyExists.
    pub async fn create_hosted_model(&self, ctx: &Ctx, new: NewHostedModel) -> Result<Hosted<HostedModel>> {
        let (models, ctx) = (self.clone(), ctx.clone());
        // A task of its own: an import that it begins is named by a row, or ended, also where the caller goes away.
        let making = tokio::spawn(async move {
            let (scope, row) = models.new_model(&ctx, &new).await?;
            let made: Result<Hosted<HostedModel>> = models.keep_new(&scope, row.clone()).await;
            if made.is_err() {
                let unmade: Hosted<HostedModel> = resource::hosted(&scope, row.1)?;
                models.drop_unused(&scope, vec![unmade.body.source]).await;
            }
            made
        });
        making.await.map_err(Error::internal)?
    }

    /// The row of a model to be made.
    pub(super) async fn new_model(&self, ctx: &Ctx, new: &NewHostedModel) -> Result<(Scope, (HostingKind, Kept))> {
        let scope = Scope::of(ctx);
        check_tags(&new.tags)?;
        if let Some(role) = &new.role_arn {
            let arn = HostingKind::Model.arn(&scope, &new.name);
            self.check_role(ctx, role, &arn).await?;
        }
        if store::find(&self.inner.store, &scope, HostingKind::Model, &new.name).await?.is_some() {
            return Err(HostingKind::Model.taken(&scope, &new.name));
        }
        let source = self.source_of(ctx, new).await?;
        let body = HostedModel { source, role_arn: new.role_arn.clone(), described: new.described.clone() };
        let row = resource::row(&new.name, &body, (new.tags.clone(), None, self.inner.clock.now()))?;
        Ok((scope, row))
    }

    /// The model of this name in the caller's account and region.
    ///
    /// # Errors
    /// NotFound.
    pub async fn hosted_model(&self, ctx: &Ctx, name: &str) -> Result<Hosted<HostedModel>> {
        self.hosted_resource(&Scope::of(ctx), name).await
    }

    /// Removes a model. Endpoints that host it keep its weights.
    ///
    /// # Errors
    /// NotFound.
    pub async fn delete_hosted_model(&self, ctx: &Ctx, name: &str) -> Result<()> {
        let (models, ctx, name) = (self.clone(), ctx.clone(), name.to_owned());
        // A task of its own: weights that nothing names any more leave also where the caller goes away.
        let removing = tokio::spawn(async move {
            let removed = models.hosted_model(&ctx, &name).await?;
            models.remove_resource(&ctx, HostingKind::Model, &name).await?;
            models.drop_unused(&Scope::of(&ctx), vec![removed.body.source]).await;
            Ok(())
        });
        removing.await.map_err(Error::internal)?
    }

    /// Makes an endpoint configuration.
    ///
    /// # Errors
    /// Invalid, for numbers and types of instances that cannot be; NotFound, where a model is not there; Denied, where the
    /// caller may not use the key or pass the role; AlreadyExists.
    pub async fn create_endpoint_config(&self, ctx: &Ctx, new: NewEndpointConfig) -> Result<Hosted<EndpointConfig>> {
        for variant in &new.variants {
            self.hosted_model(ctx, &variant.model).await?;
        }
        let (scope, row) = self.new_config(ctx, &new).await?;
        self.keep_new(&scope, row).await
    }

    /// The row of a configuration to be made, whose models are there.
    pub(super) async fn new_config(&self, ctx: &Ctx, new: &NewEndpointConfig) -> Result<(Scope, (HostingKind, Kept))> {
        let scope = Scope::of(ctx);
        check_tags(&new.tags)?;
        check_variants(&new.variants)?;
        let answers = new.asynchronous.as_ref();
        answers.map_or(Ok(()), Asynchronous::check)?;
        for key in new.kms_key.iter().chain(answers.and_then(|answers| answers.kms_key.as_ref())) {
            self.check_hosting_key(ctx, key).await?;
        }
        if let Some(role) = &new.role_arn {
            self.check_role(ctx, role, &HostingKind::Config.arn(&scope, &new.name)).await?;
        }
        let (variants, asynchronous) = (new.variants.clone(), new.asynchronous.clone());
        let body = EndpointConfig { variants, asynchronous, described: new.described.clone() };
        let row = resource::row(&new.name, &body, (new.tags.clone(), None, self.inner.clock.now()))?;
        Ok((scope, row))
    }

    /// The endpoint configuration of this name in the caller's account and region.
    ///
    /// # Errors
    /// NotFound.
    pub async fn endpoint_config(&self, ctx: &Ctx, name: &str) -> Result<Hosted<EndpointConfig>> {
        self.hosted_resource(&Scope::of(ctx), name).await
    }

    /// Removes an endpoint configuration. Endpoints that were made after it stay as they are.
    ///
    /// # Errors
    /// NotFound.
    pub async fn delete_endpoint_config(&self, ctx: &Ctx, name: &str) -> Result<()> {
        self.remove_resource(ctx, HostingKind::Config, name).await
    }

    /// The models of the caller's account and region.
    ///
    /// # Errors
    /// Unavailable, where the database cannot be read.
    pub async fn hosted_models(
        &self,
        ctx: &Ctx,
        filter: &HostingFilter,
        page: &PageRequest,
    ) -> Result<Page<Hosted<HostedModel>>> {
        self.listed(ctx, (HostingKind::Model, filter, page), resource::hosted).await
    }

    /// The endpoint configurations of the caller's account and region.
    ///
    /// # Errors
    /// Unavailable, where the database cannot be read.
    pub async fn endpoint_configs(
        &self,
        ctx: &Ctx,
        filter: &HostingFilter,
        page: &PageRequest,
    ) -> Result<Page<Hosted<EndpointConfig>>> {
        self.listed(ctx, (HostingKind::Config, filter, page), resource::hosted).await
    }

    /// The endpoints of the caller's account and region.
    ///
    /// # Errors
    /// Unavailable, where the database cannot be read.
    pub async fn endpoints(
        &self,
        ctx: &Ctx,
        filter: &HostingFilter,
        page: &PageRequest,
    ) -> Result<Page<Hosted<Endpoint>>> {
        self.listed(ctx, (HostingKind::Endpoint, filter, page), resource::endpoint).await
    }

    async fn listed<T>(
        &self,
        ctx: &Ctx,
        (kind, filter, page): (HostingKind, &HostingFilter, &PageRequest),
        read: fn(&Scope, Kept) -> Result<Hosted<T>>,
    ) -> Result<Page<Hosted<T>>> {
        let scope = Scope::of(ctx);
        let mut rows = store::list(&self.inner.store, &scope, kind).await?;
        rows.retain(|kept| filter.takes(kept));
        let mut placed: Vec<(String, Kept)> = rows.into_iter().map(|kept| (filter.place(&kept), kept)).collect();
        placed.sort_by(|a, b| a.0.cmp(&b.0));
        if !filter.ascending {
            placed.reverse();
        }
        let follows = |place: &String| match &page.after {
            None => true,
            Some(after) if filter.ascending => place > after,
            Some(after) => place < after,
        };
        let limit = page.limit as usize + 1;
        let shown = placed.into_iter().filter(|(place, _)| follows(place)).take(limit).collect();
        let page = Page::cut(page, shown, |(place, _)| place.clone());
        let next_after = page.next_after.clone();
        let items = page.items.into_iter().map(|(_, kept)| read(&scope, kept)).collect::<Result<Vec<_>>>()?;
        Ok(Page { items, next_after })
    }

    /// The tags of a model, a configuration or an endpoint of the caller's account and region, by its ARN.
    ///
    /// # Errors
    /// NotFound; NotImplemented, for other resources of the service.
    pub async fn hosting_tags(&self, ctx: &Ctx, arn: &str) -> Result<Tags> {
        let (scope, (kind, name)) = (Scope::of(ctx), named(ctx, arn)?);
        let kept = store::find(&self.inner.store, &scope, kind, &name).await?;
        kept.map(|kept| kept.tags).ok_or_else(|| kind.missing(&scope, &name))
    }

    /// Adds tags, and replaces those of the same keys. All of them, afterwards.
    ///
    /// # Errors
    /// As [`Models::hosting_tags`]; Invalid, for more tags than a resource has.
    pub async fn tag_hosting(&self, ctx: &Ctx, arn: &str, new: Tags) -> Result<Tags> {
        check_tags(&new)?;
        self.change_hosting_tags(ctx, arn, |mut tags| {
            tags.retain(|(key, _)| new.iter().all(|(other, _)| other != key));
            tags.extend(new.iter().cloned());
            check_tags(&tags).map(|()| tags)
        })
        .await
    }

    /// Removes the tags of these keys.
    ///
    /// # Errors
    /// As [`Models::hosting_tags`].
    pub async fn untag_hosting(&self, ctx: &Ctx, arn: &str, keys: &[String]) -> Result<()> {
        let changed = self.change_hosting_tags(ctx, arn, |mut tags| {
            tags.retain(|(key, _)| !keys.contains(key));
            Ok(tags)
        });
        changed.await.map(drop)
    }

    async fn change_hosting_tags(
        &self,
        ctx: &Ctx,
        arn: &str,
        change: impl Fn(Tags) -> Result<Tags> + Send + Sync,
    ) -> Result<Tags> {
        let (scope, (kind, name)) = (Scope::of(ctx), named(ctx, arn)?);
        let changed = store::change(&self.inner.store, &scope, (kind, &name), |kept| {
            let tags = change(kept.tags.clone())?;
            Ok(Some(Kept { tags, ..kept }))
        });
        changed.await?.map(|kept| kept.tags).ok_or_else(|| kind.missing(&scope, &name))
    }

    /// The resource of this name.
    pub(super) async fn hosted_resource<T: Body>(&self, scope: &Scope, name: &str) -> Result<Hosted<T>> {
        let kept = store::find(&self.inner.store, scope, T::KIND, name).await?;
        resource::hosted(scope, kept.ok_or_else(|| T::KIND.missing(scope, name))?)
    }

    async fn keep_new<T: Body>(&self, scope: &Scope, row: (HostingKind, Kept)) -> Result<Hosted<T>> {
        let kept = row.1.clone();
        self.insert_new(scope, &[row]).await?;
        resource::hosted(scope, kept)
    }

    /// Keeps new rows, all or none.
    ///
    /// # Errors
    /// AlreadyExists, in AWS's words about the last of them that is there.
    pub(super) async fn insert_new(&self, scope: &Scope, rows: &[(HostingKind, Kept)]) -> Result<()> {
        self.insert_unless(scope, rows, None).await
    }

    /// As [`Models::insert_new`], unless `check` has something against it.
    ///
    /// # Errors
    /// Those of `check`.
    pub(super) async fn insert_unless(
        &self,
        scope: &Scope,
        rows: &[(HostingKind, Kept)],
        check: Option<store::Check<'_>>,
    ) -> Result<()> {
        let Err(error) = store::insert(&self.inner.store, scope, rows, check).await else { return Ok(()) };
        if error.kind == ErrorKind::AlreadyExists {
            for (kind, new) in rows.iter().rev() {
                if store::find(&self.inner.store, scope, *kind, &new.name).await?.is_some() {
                    return Err(kind.taken(scope, &new.name));
                }
            }
        }
        Err(error)
    }

    async fn remove_resource(&self, ctx: &Ctx, kind: HostingKind, name: &str) -> Result<()> {
        let scope = Scope::of(ctx);
        match store::remove(&self.inner.store, &scope, &[(kind, name)]).await? {
            true => Ok(()),
            false => Err(kind.missing(&scope, name)),
        }
    }

    /// Checks that the caller may pass the role and that the service may act as it.
    pub(super) async fn check_role(&self, ctx: &Ctx, role: &str, source: &Arn) -> Result<()> {
        self.inner.identity.pass_role(ctx, role, SERVICE).await?;
        let wish = ServiceAssumption {
            service: SERVICE.to_owned(),
            role_arn: role.to_owned(),
            source_arn: Some(source.to_string()),
            session_name: "SageMaker".to_owned(),
            region: ctx.region().clone(),
        };
        self.inner.identity.assume_role_as_service(&wish).await.map(drop).map_err(|error| match error.kind {
            ErrorKind::Denied => Error::invalid(format!(
                "Could not assume role {role}. Please ensure that the role exists and allows principal '{SERVICE}' to assume the role."
            )),
            _ => error,
        })
    }

    /// Checks that a key is there and enabled. It encrypts nothing, so that the caller need only be allowed to describe it
    /// (`kms:DescribeKey`) through the service.
    ///
    /// # Errors
    /// Invalid, where it is not there or not enabled, or the caller may not know of it.
    pub(super) async fn check_hosting_key(&self, ctx: &Ctx, key: &str) -> Result<()> {
        let refused = |error: identity::kms::Error| {
            let error = Error::from(error);
            Error::invalid(format!("The KMS key `{key}` cannot be used: {}", error.message))
        };
        let named = KeyRef::parse(key).map_err(refused)?;
        let found = self.inner.identity.kms().describe_key(&ctx.via("sagemaker"), &named).await.map_err(refused)?;
        let problem = match (found.enabled, found.deletion.is_some()) {
            (_, true) => "it is to be deleted",
            (false, false) => "it is disabled",
            (true, false) => return Ok(()),
        };
        Err(Error::invalid(format!("The KMS key `{key}` cannot be used: {problem}.")).with_hint("Name another."))
    }
}

/// What an ARN of the caller's account and region names.
fn named(ctx: &Ctx, arn: &str) -> Result<(HostingKind, String)> {
    let invalid = || Error::invalid(format!("The resource ARN \"{arn}\" is invalid."));
    let parsed: Arn = arn.parse().map_err(|_| invalid())?;
    let (kind, name) = parsed.resource.split_once('/').ok_or_else(invalid)?;
    let Some(kind) = HostingKind::of(kind) else {
        return Err(Error::not_implemented(format!("Tags of a `{kind}` are not implemented.")));
    };
    match kind.arn(&Scope::of(ctx), name).to_string() == arn {
        true => Ok((kind, name.to_owned())),
        false => Err(Error::not_found(format!("Could not find resource \"{arn}\"."))),
    }
}

pub(super) fn check_tags(tags: &Tags) -> Result<()> {
    if tags.len() > MOST_TAGS {
        return Err(Error::invalid(format!("A resource has at most {MOST_TAGS} tags.")));
    }
    imported::check_tags(tags)
}

/// # Errors
/// Invalid, for variants that cannot be.
fn check_variants(variants: &[VariantSpec]) -> Result<()> {
    let mut names = HashSet::new();
    for variant in variants {
        if !names.insert(&variant.name) {
            return Err(Error::invalid(format!("The variant name \"{}\" is given twice.", variant.name)));
        }
        instance_types::check(&variant.instance_type)?;
        check_instances(variant.instances, variant.scaling.map_or(1, |scaling| scaling.least.min(1)))?;
        if !variant.weight.is_finite() || variant.weight < 0.0 {
            return Err(Error::invalid(format!("The weight of the variant \"{}\" is negative.", variant.name)));
        }
        if let Some(scaling) = variant.scaling {
            check_instances(scaling.most, 1)?;
            if scaling.least > scaling.most {
                return Err(Error::invalid(format!(
                    "MinInstanceCount ({}) of the variant \"{}\" is above MaxInstanceCount ({}).",
                    scaling.least, variant.name, scaling.most
                )));
            }
        }
    }
    match variants.iter().any(|variant| variant.weight > 0.0) {
        true => Ok(()),
        false => Err(Error::invalid("At least one variant must have a weight above 0.")),
    }
}

/// # Errors
/// Invalid, for fewer than `least` replicas or more than may be.
pub(super) fn check_instances(instances: u32, least: u32) -> Result<()> {
    if (least..=MOST_INSTANCES).contains(&instances) {
        return Ok(());
    }
    Err(Error::invalid(format!("{instances} is not a number of instances."))
        .with_hint(format!("A variant has {least} to {MOST_INSTANCES} instances.")))
}
