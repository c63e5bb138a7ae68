//! The hub: the catalogue's models under the ids and keys by which AWS's hubs name the same weights, and what answers
//! for each of them here.

mod served;

#[cfg(test)]
mod tests;

use base::{Error, Result, Timestamp};
use identity::Ctx;

use crate::Models;
use crate::catalogue::{CardKind, Entry, Licence};

pub use served::Served;

/// The hub that every account can read.
pub const PUBLIC_HUB: &str = "SageMakerPublicHub";
/// The version under which every model of the hub is listed: a catalogue's entry names one file.
pub(crate) const VERSION: &str = "1.0.0";
/// The day on which the catalogue was last changed: what the hub tells of its contents' age.
pub const CATALOGUED: Timestamp = Timestamp(1_795_651_200_000);
/// What the name of a bucket with the hub's files begins with; the region follows.
const BUCKET_PREFIX: &str = "jumpstart-cache-prod-";

/// A model of the hub: an entry of the catalogue, as AWS names it.
#[derive(Debug, Clone, PartialEq)]
pub struct HubModel {
    /// Its id in JumpStart, such as `huggingface-llm-mistral-small-24b-instruct-2501`.
    pub id: String,
    /// The version, such as `1.0.0`.
    pub version: String,
    /// Its name for people.
    pub title: String,
    /// Who trained it.
    pub provider: String,
    /// A sentence on what it is good for.
    pub description: String,
    /// The catalogue's name of the same weights.
    pub entry: String,
    /// What it is for.
    pub kind: CardKind,
    /// What it is for, in words: `text-generation`, `chat`, `tool-use`, `embedding`.
    pub tasks: Vec<String>,
    /// Whether its licence must be accepted before it is deployed.
    pub eula: bool,
    /// Its licence.
    pub licence: Licence,
    /// Languages it is made for (BCP 47).
    pub languages: Vec<String>,
    /// The number of its parameters.
    pub parameters: u64,
    /// The tokens that it was trained to read at most.
    pub context_length: u32,
}

impl HubModel {
    fn of(entry: &Entry) -> Self {
        Self {
            id: entry.jumpstart.clone(),
            version: VERSION.to_owned(),
            title: entry.title.clone(),
            provider: entry.provider.clone(),
            description: entry.description.clone(),
            entry: entry.name.clone(),
            kind: entry.kind,
            tasks: entry.tasks.clone(),
            eula: entry.licence.terms_must_be_accepted,
            licence: entry.licence.clone(),
            languages: entry.languages.clone(),
            parameters: entry.parameters,
            context_length: entry.context_length,
        }
    }

    /// What the hub's framework is called: what its id begins with, up to what it is for.
    #[must_use]
    pub fn framework(&self) -> &'static str {
        if self.id.starts_with("meta-") { "meta" } else { "huggingface" }
    }

    /// The key, in the hub's bucket, under which its weights are named: they are where the library has them, and no bytes
    /// are kept under it.
    #[must_use]
    pub fn artifact_key(&self) -> String {
        self.artifacts("inference")
    }

    /// The key under which its weights are named, unpacked and ready to be mapped.
    #[must_use]
    pub fn prepacked_artifact_key(&self) -> String {
        self.artifacts("inference-prepack")
    }

    fn artifacts(&self, what: &str) -> String {
        format!("{}-llm/{}/artifacts/{what}/v{}/", self.framework(), self.id, self.version)
    }

    /// `arn:aws:sagemaker:REGION:aws:hub-content/SageMakerPublicHub/Model/ID/VERSION`.
    #[must_use]
    pub fn arn(&self, region: &str) -> String {
        format!("arn:aws:sagemaker:{region}:aws:hub-content/{PUBLIC_HUB}/Model/{}/{}", self.id, self.version)
    }
}

/// The region of the hub's bucket, where `bucket` is one: `jumpstart-cache-prod-REGION`. Other names, however alike, are
/// anyone's.
#[must_use]
pub fn bucket_region(bucket: &str) -> Option<&str> {
    let region = bucket.strip_prefix(BUCKET_PREFIX)?;
    let parts: Vec<&str> = region.split('-').collect();
    let word = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
    match parts.as_slice() {
        [words @ .., number] if words.len() >= 2 && words.len() <= 3 => {
            let numbered = number.len() == 1 && number.bytes().all(|b| b.is_ascii_digit());
            (numbered && words.iter().all(word) && words[0].len() == 2).then_some(region)
        }
        _ => None,
    }
}

impl Models {
    /// The hub's models, in the order of their ids.
    #[must_use]
    pub fn hub_models(&self) -> Vec<HubModel> {
        let mut models: Vec<HubModel> = self.inner.catalogue.entries().iter().map(HubModel::of).collect();
        models.sort_by(|a, b| a.id.cmp(&b.id));
        models
    }

    /// The hub's model of that id.
    #[must_use]
    pub fn hub_model_by_id(&self, id: &str) -> Option<HubModel> {
        self.inner.catalogue.entries().iter().find(|entry| entry.jumpstart == id).map(HubModel::of)
    }

    /// The hub's model whose artifacts a key of the hub's bucket names: the key of a spec's `hosting_artifact_key` or
    /// `hosting_prepacked_artifact_key`, or one below it.
    #[must_use]
    pub fn hub_model_by_artifact(&self, key: &str) -> Option<HubModel> {
        let mut folders = key.split('/');
        let (_framework, id) = (folders.next()?, folders.next()?);
        let artifacts =
            folders.next() == Some("artifacts") && folders.next().is_some_and(|f| f.starts_with("inference"));
        let version = folders.next() == Some("v1.0.0");
        if artifacts && version { self.hub_model_by_id(id) } else { None }
    }

    /// The hub's model that a Marketplace source names: an ARN of the public hub's content, with or without a version, or
    /// the id alone.
    ///
    /// # Errors
    /// NotFound, where the hub has no such model or no such version of it.
    pub fn hub_model_by_source(&self, _ctx: &Ctx, source: &str) -> Result<HubModel> {
        let absent = || {
            Error::not_found(format!("The model source identifier `{source}` was not found."))
                .with_hint("`craton models list` shows the ids of the hub; `ListHubContents` lists them too.")
        };
        let Some((_, content)) = source.split_once(":aws:hub-content/") else {
            return self.hub_model_by_id(source).ok_or_else(absent);
        };
        let parts: Vec<&str> = content.split('/').collect();
        let (id, version) = match parts.as_slice() {
            [PUBLIC_HUB, "Model", id] => (*id, VERSION),
            [PUBLIC_HUB, "Model", id, version] => (*id, *version),
            _ => return Err(absent()),
        };
        self.hub_model_by_id(id).filter(|model| model.version == version).ok_or_else(absent)
    }
}
