//! Inference profiles: AWS's own (`us.…`) and those of an account, and where their requests are sent.

mod resolve;
pub(crate) mod store;
pub(crate) mod system;
mod tags;
mod targets;

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use base::{Arn, Error, Page, PageRequest, Result, Timestamp};
use identity::Ctx;
use sha2::{Digest as _, Sha256};

pub use self::resolve::UsedProfile;
use self::store::ProfileRow;
use self::system::{GEOGRAPHIES, Geography};
pub use self::targets::{Readiness, TargetState};
use crate::aliases::POOL_PREFIX;
use crate::foundation::Known;
use crate::library::hex;
use crate::{Models, Tags, imported, model_id};

/// The most targets of a profile.
const MOST_TARGETS: usize = 16;
/// The heaviest weight.
const MOST_WEIGHT: u32 = 1_000;
/// What ids of application profiles are made of, and how long they are.
const ID_ALPHABET: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
const ID_LENGTH: usize = 12;

/// An inference profile.
#[derive(Debug, Clone, PartialEq)]
pub struct InferenceProfile {
    /// `us.anthropic.…`, or twelve lower-case letters and digits.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// Its name for people.
    pub name: String,
    /// What its owner says of it.
    pub description: Option<String>,
    /// The ARNs of the foundation models behind it.
    pub models: Vec<String>,
    /// Whose it is.
    pub kind: ProfileKind,
    /// When it was made, where an account made it.
    pub created: Option<Timestamp>,
    /// When it changed last, where an account made it.
    pub updated: Option<Timestamp>,
    /// Its tags.
    pub tags: Tags,
    /// Where its requests are sent, where that was set; otherwise as `inherited` says, or what answers for its model answers.
    pub routing: Option<Routing>,
    /// The ARN of what it was copied from, where an account made it.
    pub copied_from: Option<String>,
    /// Where the requests of the profile that it was copied from are sent, where that was set.
    pub inherited: Option<Routing>,
}

/// Whose a profile is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProfileKind {
    /// AWS's own.
    System,
    /// An account's.
    Application,
}

/// Where the requests of a profile are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routing {
    /// Whether the order in which targets are asked is drawn by their weights for each request; otherwise it is the
    /// list's.
    pub weighted: bool,
    /// The targets.
    pub targets: Vec<RouteTarget>,
}

/// One target of a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteTarget {
    /// Its region, in its owner's words.
    pub region: String,
    /// `pool:NAME`, a local model's name or another model id that is answered.
    pub target: String,
    /// Its share of the requests, where the order is drawn.
    pub weight: u32,
}

/// An application profile to be made.
#[derive(Debug, Clone, Default)]
pub struct NewProfile {
    /// Its name.
    pub name: String,
    /// What its owner says of it.
    pub description: Option<String>,
    /// The ARN of a foundation model or of one of AWS's profiles.
    pub copy_from: String,
    /// Its tags.
    pub tags: Tags,
    /// Makes the same request again the same request.
    pub request_token: Option<String>,
}

impl Models {
    /// Makes an application profile.
    ///
    /// # Errors
    /// Invalid, where the source is no model that is answered; AlreadyExists, where the request's token was used for
    /// another request.
    pub async fn create_inference_profile(&self, ctx: &Ctx, new: NewProfile) -> Result<InferenceProfile> {
        imported::check_tags(&new.tags)?;
        let source: Arn = new.copy_from.parse().map_err(|_| model_id::invalid())?;
        if !matches!(source.resource_type(), Some("foundation-model" | "inference-profile")) {
            return Err(model_id::invalid().with_hint("Copy a foundation model or a system-defined inference profile."));
        }
        self.resolve(ctx, &new.copy_from).await?;
        let now = self.inner.clock.now();
        let profile = ProfileRow {
            id: self.inner.random.text(ID_ALPHABET, ID_LENGTH),
            hash: fingerprint(&new),
            name: new.name,
            description: new.description,
            source: new.copy_from,
            tags: new.tags,
            created: now,
            updated: now,
        };
        let token = new.request_token.as_deref();
        match store::insert(&self.inner.store, ctx, &profile, token).await? {
            None => self.at_its_id(ctx, profile).await,
            Some(earlier) if earlier.hash == profile.hash => self.at_its_id(ctx, earlier).await,
            Some(_) => Err(Error::already_exists(format!(
                "The client request token `{}` was used for another request.",
                token.unwrap_or_default()
            ))),
        }
    }

    /// One profile, by id or ARN.
    ///
    /// # Errors
    /// NotFound.
    pub async fn inference_profile(&self, ctx: &Ctx, identifier: &str) -> Result<InferenceProfile> {
        let id = named(ctx, identifier).ok_or_else(|| missing(identifier))?;
        if let Some((geography, known)) = self.of_system(&id) {
            let routing = store::routing(&self.inner.store, ctx, &id).await?;
            return Ok(InferenceProfile { routing, ..describe(ctx, geography, known) });
        }
        let row = store::find(&self.inner.store, ctx, &id).await?.ok_or_else(|| missing(identifier))?;
        self.at_its_id(ctx, row).await
    }

    /// The profiles: the account's own by id, then AWS's.
    ///
    /// # Errors
    /// Unavailable, where the database cannot be read.
    pub async fn inference_profiles(
        &self,
        ctx: &Ctx,
        kind: Option<ProfileKind>,
        page: &PageRequest,
    ) -> Result<Page<InferenceProfile>> {
        let routings: HashMap<String, Routing> = store::routings(&self.inner.store, ctx).await?.into_iter().collect();
        let routing = |id: &str| routings.get(id).cloned();
        let mut profiles = Vec::new();
        for row in store::list(&self.inner.store, ctx).await? {
            let (own, source) = (routing(&row.id), copied_profile(ctx, &row)?);
            profiles.push(self.described(ctx, row, own, source.as_deref().and_then(routing))?);
        }
        for geography in GEOGRAPHIES.iter().filter(|geography| geography.listed) {
            for known in self.inner.foundation.models() {
                let profile = describe(ctx, geography, known);
                profiles.push(InferenceProfile { routing: routing(&profile.id), ..profile });
            }
        }
        profiles.retain(|profile| kind.is_none_or(|kind| profile.kind == kind));
        profiles.sort_by_key(key);
        let after = |profile: &InferenceProfile| page.after.as_ref().is_none_or(|after| key(profile) > *after);
        let rest: Vec<InferenceProfile> = profiles.into_iter().filter(after).take(page.limit as usize + 1).collect();
        Ok(Page::cut(page, rest, key))
    }

    /// Removes an application profile.
    ///
    /// # Errors
    /// NotFound; Invalid, for one of AWS's.
    pub async fn delete_inference_profile(&self, ctx: &Ctx, identifier: &str) -> Result<()> {
        let id = named(ctx, identifier).ok_or_else(|| missing(identifier))?;
        if self.of_system(&id).is_some() {
            return Err(Error::invalid(format!(
                "The inference profile `{id}` is system-defined and cannot be deleted."
            )));
        }
        if store::delete(&self.inner.store, ctx, &id).await? { Ok(()) } else { Err(missing(identifier)) }
    }

    /// Sets where the requests of a profile are sent, in place of what answers for its model.
    ///
    /// # Errors
    /// NotFound, where there is no such profile; Invalid, where a target answers for nothing.
    pub async fn route_profile(&self, ctx: &Ctx, identifier: &str, routing: Routing) -> Result<InferenceProfile> {
        let profile = self.inference_profile(ctx, identifier).await?;
        self.check_routing(ctx, &routing).await?;
        store::put_routing(&self.inner.store, ctx, &profile.id, &routing).await?;
        Ok(InferenceProfile { routing: Some(routing), ..profile })
    }

    /// Lets what answers for a profile's model answer for the profile again.
    ///
    /// # Errors
    /// NotFound, where there is no such profile or it was not routed.
    pub async fn unroute_profile(&self, ctx: &Ctx, identifier: &str) -> Result<()> {
        let profile = self.inference_profile(ctx, identifier).await?;
        if store::delete_routing(&self.inner.store, ctx, &profile.id).await? {
            return Ok(());
        }
        Err(Error::not_found(format!("The inference profile `{}` is not routed.", profile.id)))
    }

    async fn check_routing(&self, ctx: &Ctx, routing: &Routing) -> Result<()> {
        if routing.targets.is_empty() || routing.targets.len() > MOST_TARGETS {
            return Err(Error::invalid(format!("A profile has 1 to {MOST_TARGETS} targets.")));
        }
        for target in &routing.targets {
            let region = &target.region;
            if region.is_empty() || region.len() > 64 || !region.bytes().all(|b| b.is_ascii_graphic()) {
                return Err(Error::invalid("A region has 1 to 64 printable ASCII characters without spaces."));
            }
            if !(1..=MOST_WEIGHT).contains(&target.weight) {
                return Err(Error::invalid(format!("A target's weight is 1 to {MOST_WEIGHT}.")));
            }
            if let Some(pool) = target.target.strip_prefix(POOL_PREFIX) {
                self.pool(ctx, pool).await?;
            } else {
                self.direct_target(ctx, &target.target).await?;
            }
        }
        Ok(())
    }

    /// The geography and the model of one of AWS's profiles.
    fn of_system(&self, id: &str) -> Option<(&'static Geography, &Known)> {
        let (geography, model) = system::split(id)?;
        Some((geography, self.inner.foundation.get(model)?))
    }

    /// An account's profile with where its requests are sent.
    async fn at_its_id(&self, ctx: &Ctx, row: ProfileRow) -> Result<InferenceProfile> {
        let routing = store::routing(&self.inner.store, ctx, &row.id).await?;
        let inherited = match copied_profile(ctx, &row)? {
            Some(source) => store::routing(&self.inner.store, ctx, &source).await?,
            None => None,
        };
        self.described(ctx, row, routing, inherited)
    }

    fn described(
        &self,
        ctx: &Ctx,
        row: ProfileRow,
        routing: Option<Routing>,
        inherited: Option<Routing>,
    ) -> Result<InferenceProfile> {
        let source = model_id::parse(ctx, &row.source)?;
        let models = match self.of_system(&source.id) {
            Some((geography, known)) => models_of(ctx, geography, &known.id),
            None => vec![model_arn(ctx.region().as_str(), &source.model)],
        };
        Ok(InferenceProfile {
            arn: arn(ctx, ProfileKind::Application, &row.id),
            id: row.id,
            name: row.name,
            description: row.description,
            models,
            kind: ProfileKind::Application,
            created: Some(row.created),
            updated: Some(row.updated),
            tags: row.tags,
            routing,
            copied_from: Some(row.source),
            inherited,
        })
    }
}

/// The id of the profile of AWS's that a profile was copied from; none where that was a model.
fn copied_profile(ctx: &Ctx, row: &ProfileRow) -> Result<Option<String>> {
    let source = model_id::parse(ctx, &row.source)?;
    Ok((source.id != source.model).then_some(source.id))
}

/// One of AWS's profiles.
fn describe(ctx: &Ctx, geography: &Geography, known: &Known) -> InferenceProfile {
    let id = format!("{}{}", geography.prefix, known.id);
    let name = format!("{} {} {}", geography.name, known.vendor, known.name);
    let places = match geography.regions {
        [] => "every region".to_owned(),
        regions => regions.join(", "),
    };
    InferenceProfile {
        arn: arn(ctx, ProfileKind::System, &id),
        description: Some(format!("Routes requests to {} {} in {places}.", known.vendor, known.name)),
        models: models_of(ctx, geography, &known.id),
        id,
        name,
        kind: ProfileKind::System,
        created: None,
        updated: None,
        tags: Tags::new(),
        routing: None,
        copied_from: None,
        inherited: None,
    }
}

/// Profiles are listed by this: an account's own first.
fn key(profile: &InferenceProfile) -> String {
    let class = if profile.kind == ProfileKind::Application { 0 } else { 1 };
    format!("{class}:{}", profile.id)
}

fn models_of(ctx: &Ctx, geography: &Geography, model: &str) -> Vec<String> {
    match geography.regions {
        [] => vec![model_arn(ctx.region().as_str(), model)],
        regions => regions.iter().map(|region| model_arn(region, model)).collect(),
    }
}

fn model_arn(region: &str, model: &str) -> String {
    format!("arn:aws:bedrock:{region}::foundation-model/{model}")
}

/// The ARN of a profile of the caller's account and region.
fn arn(ctx: &Ctx, kind: ProfileKind, id: &str) -> String {
    let kind = match kind {
        ProfileKind::System => "inference-profile",
        ProfileKind::Application => "application-inference-profile",
    };
    Arn::new("bedrock", Some(ctx.region()), Some(ctx.account()), format!("{kind}/{id}")).to_string()
}

/// The id that an identifier names in the caller's account and region; none for an ARN of something else.
fn named(ctx: &Ctx, identifier: &str) -> Option<String> {
    if !identifier.starts_with("arn:") {
        return Some(identifier.to_owned());
    }
    let parsed: Arn = identifier.parse().ok()?;
    let id = parsed.resource_id().to_owned();
    let kind = if system::split(&id).is_some() { ProfileKind::System } else { ProfileKind::Application };
    (arn(ctx, kind, &id) == identifier).then_some(id)
}

fn missing(identifier: &str) -> Error {
    Error::not_found(format!("The inference profile `{identifier}` could not be found."))
}

/// What tells two requests apart.
fn fingerprint(new: &NewProfile) -> String {
    let asked = format!("{:?}", (&new.name, &new.description, &new.copy_from, &new.tags));
    hex(&Sha256::digest(asked.as_bytes()))
}
