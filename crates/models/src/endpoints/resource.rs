//! What hosting is made of: models, endpoint configurations, endpoints.

use std::str::FromStr;

use base::{Arn, Error, Result, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::asynchronous::Asynchronous;
use super::scaling::Scaling;
use super::store::{Kept, Scope};
use super::weights::{Served, Source};
use crate::Tags;

/// Which of the three a resource is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostingKind {
    /// A model.
    Model,
    /// An endpoint configuration.
    Config,
    /// An endpoint.
    Endpoint,
}

impl HostingKind {
    /// As ARNs write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Config => "endpoint-config",
            Self::Endpoint => "endpoint",
        }
    }

    const fn in_words(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Config => "endpoint configuration",
            Self::Endpoint => "endpoint",
        }
    }

    /// The kind that an ARN's resource begins with.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        [Self::Model, Self::Config, Self::Endpoint].into_iter().find(|kind| kind.as_str() == text)
    }

    /// The ARN of a resource of this kind.
    pub(crate) fn arn(self, scope: &Scope, name: &str) -> Arn {
        Arn::new("sagemaker", Some(&scope.region), Some(&scope.account), format!("{}/{name}", self.as_str()))
    }

    /// That it is not there, in AWS's words.
    pub(crate) fn missing(self, scope: &Scope, name: &str) -> Error {
        Error::not_found(format!("Could not find {} \"{}\".", self.in_words(), self.arn(scope, name)))
    }

    /// That it is there already, in AWS's words.
    pub(crate) fn taken(self, scope: &Scope, name: &str) -> Error {
        Error::already_exists(format!(
            "Cannot create already existing {} \"{}\".",
            self.in_words(),
            self.arn(scope, name)
        ))
    }
}

/// Where an endpoint stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EndpointStatus {
    /// It is being made ready.
    Creating,
    /// It is removed as soon as its last request has ended.
    Deleting,
    /// It could not be made ready.
    Failed,
    /// It answers.
    InService,
    /// It answers, and another deployment is made ready to take over.
    Updating,
}

impl EndpointStatus {
    /// Every status, by name.
    pub const ALL: [Self; 5] = [Self::Creating, Self::Deleting, Self::Failed, Self::InService, Self::Updating];

    /// As AWS writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "Creating",
            Self::Deleting => "Deleting",
            Self::Failed => "Failed",
            Self::InService => "InService",
            Self::Updating => "Updating",
        }
    }

    /// Whether requests are answered.
    #[must_use]
    pub const fn answers(self) -> bool {
        matches!(self, Self::InService | Self::Updating)
    }

    /// Whether something is under way that ends by itself.
    pub(super) const fn is_passing(self) -> bool {
        matches!(self, Self::Creating | Self::Updating | Self::Deleting)
    }
}

impl FromStr for EndpointStatus {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|status| status.as_str() == text);
        found.ok_or_else(|| Error::internal(format!("endpoint status `{text}`")))
    }
}

/// Tells an endpoint from what it was before: it is another one whenever its status has changed, and where it was removed and
/// made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Generation(pub(super) i64);

impl Generation {
    /// That of what is made now. None that was removed before had it: statuses change less often than every millisecond.
    fn first(now: Timestamp) -> Self {
        Self(now.0)
    }

    /// The next one.
    pub(super) const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// A resource of hosting with what all of them have.
#[derive(Debug, Clone, PartialEq)]
pub struct Hosted<T> {
    /// Unique among those of its kind in account and region.
    pub name: String,
    /// Its ARN.
    pub arn: Arn,
    /// Its tags.
    pub tags: Tags,
    /// When it was made.
    pub created: Timestamp,
    /// When it changed last.
    pub modified: Timestamp,
    /// What it is.
    pub body: T,
}

/// What a resource of one kind is.
pub(crate) trait Body: Serialize + DeserializeOwned {
    const KIND: HostingKind;
}

/// A model: which weights, and who may be acted as.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HostedModel {
    /// Its weights.
    pub source: Source,
    /// The role that was given.
    pub role_arn: Option<String>,
    /// As its maker described it, in the words of the API.
    pub described: Value,
}

/// What endpoints are made after.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EndpointConfig {
    /// The variants, among which requests are divided.
    pub variants: Vec<VariantSpec>,
    /// Where the answers go, where requests are answered later.
    #[serde(default)]
    pub asynchronous: Option<Asynchronous>,
    /// As its maker described it, in the words of the API.
    pub described: Value,
}

/// One variant of an endpoint as it is asked for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct VariantSpec {
    /// Its name, unique in the endpoint.
    pub name: String,
    /// The model's name.
    pub model: String,
    /// The type of instance that was asked for: it says nothing about this machine.
    pub instance_type: String,
    /// Its share of the requests, in relation to the other variants'.
    pub weight: f64,
    /// Replicas.
    pub instances: u32,
    /// How the number of replicas follows the load.
    pub scaling: Option<Scaling>,
    /// How long it may take to be ready, in seconds.
    pub startup_seconds: Option<u32>,
    /// How long it may take until its weights are here, in seconds.
    #[serde(default)]
    pub download_seconds: Option<u32>,
    /// The most that its files may take, in GiB.
    #[serde(default)]
    pub volume_gb: Option<u32>,
}

/// An endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Where it stands. Kept beside the body.
    #[serde(skip, default = "unknown")]
    pub status: EndpointStatus,
    /// Kept beside the body, too.
    #[serde(skip)]
    pub(super) generation: Generation,
    /// The configuration that it was made after.
    pub config: String,
    /// What answers.
    pub variants: Vec<EndpointVariant>,
    /// What is being made ready to take over.
    pub pending: Option<Pending>,
    /// Why it failed, or why its last update did.
    pub failure: Option<String>,
    /// Whether it failed for a reason that may go away, such as a model that is not pulled: it is made ready when that has.
    #[serde(default)]
    pub recovers: bool,
    /// How its last update was asked to go about.
    #[serde(default)]
    pub rollout: Option<Rollout>,
    /// Where its answers go, where it answers later.
    #[serde(default)]
    pub asynchronous: Option<Asynchronous>,
    /// What makes it an endpoint of Bedrock's marketplace.
    pub market: Option<Market>,
}

impl Endpoint {
    /// The weights of its variants, and of those that are to take over.
    pub(super) fn sources(&self) -> Vec<Source> {
        let pending = self.pending.iter().flat_map(|pending| &pending.variants);
        self.variants.iter().chain(pending).map(|variant| variant.source.clone()).collect()
    }
}

fn unknown() -> EndpointStatus {
    EndpointStatus::Failed
}

/// A variant of an endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EndpointVariant {
    /// As it is asked for, with the share and the replicas that it has now.
    pub spec: VariantSpec,
    /// Its weights.
    pub source: Source,
    /// The model that answers; none before it was ready for the first time.
    pub served: Option<Served>,
}

/// Variants that take over when they are ready.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pending {
    /// The configuration that they are made after.
    pub config: String,
    /// The variants.
    pub variants: Vec<EndpointVariant>,
    /// How they take over.
    #[serde(default)]
    pub rollout: Option<Rollout>,
    /// What an endpoint of the marketplace has beside from then on.
    #[serde(default)]
    pub market: Option<MarketChange>,
    /// Where the answers go from then on, where requests are answered later.
    #[serde(default)]
    pub asynchronous: Option<Asynchronous>,
}

/// How variants take over.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Rollout {
    /// How long what answered before stays in memory, in seconds.
    pub termination_wait_seconds: u32,
    /// How long all of it may take, in seconds; where it takes longer, what answered before goes on.
    pub most_seconds: Option<u32>,
    /// As it was asked for, in the words of the API.
    pub described: Value,
}

/// What an endpoint of Bedrock's marketplace is changed to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MarketChange {
    /// The role.
    pub role_arn: String,
    /// The key.
    pub kms_key: Option<String>,
}

/// What an endpoint of Bedrock's marketplace has beside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Market {
    /// The model, as it was named: the ARN of a hub's content.
    pub source: String,
    /// Whether the model and the configuration were made for it, and leave with it.
    pub whole: bool,
    /// The role that was given.
    pub role_arn: String,
    /// The key that was given.
    pub kms_key: Option<String>,
    /// Why Bedrock cannot use it, where it cannot.
    pub incompatible: Option<String>,
    /// The token of the request that made it, and what that request asked for.
    pub request: Option<(String, String)>,
}

impl Body for HostedModel {
    const KIND: HostingKind = HostingKind::Model;
}

impl Body for EndpointConfig {
    const KIND: HostingKind = HostingKind::Config;
}

impl Body for Endpoint {
    const KIND: HostingKind = HostingKind::Endpoint;
}

/// A new row.
pub(crate) fn row<T: Body>(
    name: &str,
    body: &T,
    (tags, status, now): (Tags, Option<EndpointStatus>, Timestamp),
) -> Result<(HostingKind, Kept)> {
    let body = serde_json::to_string(body).map_err(Error::internal)?;
    let (name, generation) = (name.to_owned(), Generation::first(now));
    Ok((T::KIND, Kept { name, status, body, tags, created: now, updated: now, generation }))
}

/// The resource of a row.
pub(crate) fn hosted<T: Body>(scope: &Scope, kept: Kept) -> Result<Hosted<T>> {
    let body = serde_json::from_str(&kept.body).map_err(Error::internal)?;
    let Kept { name, tags, created, updated: modified, .. } = kept;
    Ok(Hosted { arn: T::KIND.arn(scope, &name), name, tags, created, modified, body })
}

/// The endpoint of a row.
pub(crate) fn endpoint(scope: &Scope, kept: Kept) -> Result<Hosted<Endpoint>> {
    let (status, generation) = (kept.status, kept.generation);
    let mut found: Hosted<Endpoint> = hosted(scope, kept)?;
    found.body.generation = generation;
    found.body.status = status.ok_or_else(|| Error::internal("an endpoint without a status"))?;
    Ok(found)
}
