//! The AWS model ids that are answered, and the facts that the catalogue operations tell of them.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};

use base::{Arn, Error, Result};
use identity::Ctx;
use serde::Deserialize;

use crate::Models;
use crate::aliases::{Alias, Provider, Target, implied_kind};
use crate::catalogue::CardKind;
use crate::library::Manifest;
use crate::model_id;

/// A model of the list of foundation models.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundationModel {
    /// `anthropic.claude-3-haiku-20240307-v1:0`, or a Craton name.
    pub id: String,
    /// `arn:aws:bedrock:REGION::foundation-model/ID`.
    pub arn: String,
    /// Its name for people.
    pub name: String,
    /// Its vendor, as AWS names it.
    pub provider_name: String,
    /// The body that `InvokeModel` takes.
    pub provider: Provider,
    /// What it is for.
    pub kind: CardKind,
    /// `TEXT` alone: no local model reads images.
    pub input_modalities: Vec<&'static str>,
    /// `TEXT` or `EMBEDDING`.
    pub output_modalities: Vec<&'static str>,
    /// Whether answers can be streamed.
    pub streaming: bool,
    /// None: no model can be customised.
    pub customizations: Vec<&'static str>,
    /// `ON_DEMAND` and, where AWS serves it only so, `INFERENCE_PROFILE`.
    pub inference_types: Vec<&'static str>,
    /// Whether the vendor still recommends it.
    pub lifecycle: Lifecycle,
    /// The local model, or the upstream's, that answers in the caller's account now; none where aliases are strict
    /// and nothing may stand in.
    pub served_by: Option<String>,
    /// Whether that is here: the local model is pulled, or an upstream answers.
    pub available: bool,
}

/// Whether the vendor still recommends a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifecycle {
    /// It does.
    Active,
    /// It has been superseded.
    Legacy,
}

impl Models {
    /// The AWS ids that are answered, in the order of vendors, then the pulled models under their Craton names, then
    /// the other ids for which the caller's account has set an alias.
    ///
    /// # Errors
    /// Unavailable, where the library or the database cannot be read.
    pub async fn foundation_models(&self, ctx: &Ctx) -> Result<Vec<FoundationModel>> {
        let pulled = self.inner.library.manifests().await?;
        let mut aliases: HashMap<String, Alias> =
            self.aliases(ctx).await?.into_iter().map(|alias| (alias.model_id.clone(), alias)).collect();
        let mut models = Vec::new();
        for known in self.inner.foundation.models() {
            models.push(answered(known.describe(ctx), aliases.remove(&known.id).as_ref(), &pulled));
        }
        for (name, manifest) in &pulled {
            let own = Target::Local { name: name.clone() };
            let alias = aliases.remove(name);
            let target = alias.map_or(own, |alias| alias.target);
            models.push(answered_by(describe(ctx, name, manifest.card_kind()), &target, &pulled));
        }
        let mut others: Vec<Alias> = aliases.into_values().collect();
        others.sort_by(|a, b| a.model_id.cmp(&b.model_id));
        for alias in others {
            let kind = self.kind_of(ctx, &alias, &pulled)?;
            models.push(answered_by(describe(ctx, &alias.model_id, kind), &alias.target, &pulled));
        }
        Ok(models)
    }

    /// What an id outside the table is for: what its vendor's ids are for, else what answers is for. Of an upstream's
    /// model nothing is known but that most generate text.
    fn kind_of(&self, ctx: &Ctx, alias: &Alias, pulled: &BTreeMap<String, Manifest>) -> Result<CardKind> {
        let model = model_id::parse(ctx, &alias.model_id)?.model;
        let own = match &alias.target {
            Target::Local { name } => pulled
                .get(name)
                .map(Manifest::card_kind)
                .or_else(|| self.inner.catalogue.get(name).map(|entry| entry.kind)),
            Target::Imported { .. } => Some(CardKind::Text),
            Target::Remote { .. } | Target::Pool { .. } | Target::Endpoint(_) | Target::Routed { .. } => None,
        };
        Ok(implied_kind(&model).or(own).unwrap_or(CardKind::Text))
    }

    /// One of [`Models::foundation_models`], by id or ARN.
    ///
    /// # Errors
    /// NotFound, where there is none of that id.
    pub async fn foundation_model(&self, ctx: &Ctx, model: &str) -> Result<FoundationModel> {
        let id = model_id::parse(ctx, model)?.id;
        let absent = || Error::not_found("Could not resolve the foundation model from the provided model identifier.");
        self.foundation_models(ctx).await?.into_iter().find(|known| known.id == id).ok_or_else(absent)
    }
}

/// `model` with what answers for it, if anything does.
fn answered(model: FoundationModel, alias: Option<&Alias>, pulled: &BTreeMap<String, Manifest>) -> FoundationModel {
    match alias {
        Some(alias) => answered_by(model, &alias.target, pulled),
        None => model,
    }
}

fn answered_by(model: FoundationModel, target: &Target, pulled: &BTreeMap<String, Manifest>) -> FoundationModel {
    let available = match target {
        // An imported model is named by its ARN.
        Target::Local { name } => pulled.contains_key(name) || name.starts_with("arn:"),
        Target::Imported { .. }
        | Target::Remote { .. }
        | Target::Pool { .. }
        | Target::Endpoint(_)
        | Target::Routed { .. } => true,
    };
    FoundationModel { served_by: Some(target.serving_name().to_owned()), available, ..model }
}

/// A model of which nothing is known but its id and what it is for.
fn describe(ctx: &Ctx, id: &str, kind: CardKind) -> FoundationModel {
    let provider = model_id::parse(ctx, id).map_or(Provider::Craton, |id| Provider::of(&id.model));
    FoundationModel {
        id: id.to_owned(),
        arn: arn(ctx, id),
        name: id.to_owned(),
        provider_name: provider.vendor().to_owned(),
        provider,
        kind,
        input_modalities: vec!["TEXT"],
        output_modalities: vec![output(kind)],
        streaming: kind == CardKind::Text,
        customizations: Vec::new(),
        inference_types: vec!["ON_DEMAND"],
        lifecycle: Lifecycle::Active,
        served_by: None,
        available: false,
    }
}

fn arn(ctx: &Ctx, id: &str) -> String {
    Arn::new("bedrock", Some(ctx.region()), None, format!("foundation-model/{id}")).to_string()
}

fn output(kind: CardKind) -> &'static str {
    match kind {
        CardKind::Text => "TEXT",
        CardKind::Embedding => "EMBEDDING",
    }
}

/// The embedded table of AWS ids.
#[derive(Debug)]
pub(crate) struct Table(Vec<Known>);

/// An AWS id that is answered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Known {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) vendor: String,
    pub(crate) provider: Provider,
    /// The local model that stands in.
    pub(crate) default: String,
    /// The very model, where the catalogue has it.
    pub(crate) own: Option<String>,
    /// A local model that stands in better than the default, once it is pulled.
    pub(crate) better: Option<String>,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) only_by_profile: bool,
    /// The lengths of its vectors, the default first; empty for text.
    pub(crate) dimensions: Vec<usize>,
}

impl Known {
    pub(crate) fn kind(&self) -> CardKind {
        if self.dimensions.is_empty() { CardKind::Text } else { CardKind::Embedding }
    }

    /// What a model must be to answer for the id; none where either ranks texts.
    pub(crate) fn wanted_kind(&self) -> Option<CardKind> {
        (!matches!(self.provider, Provider::AmazonRerank | Provider::CohereRerank)).then(|| self.kind())
    }

    fn describe(&self, ctx: &Ctx) -> FoundationModel {
        let types: &[&str] = if self.only_by_profile { &["ON_DEMAND", "INFERENCE_PROFILE"] } else { &["ON_DEMAND"] };
        FoundationModel {
            id: self.id.clone(),
            arn: arn(ctx, &self.id),
            name: self.name.clone(),
            provider_name: self.vendor.clone(),
            provider: self.provider,
            kind: self.kind(),
            input_modalities: vec!["TEXT"],
            output_modalities: vec![output(self.kind())],
            streaming: self.wanted_kind() == Some(CardKind::Text),
            customizations: Vec::new(),
            inference_types: types.to_vec(),
            lifecycle: self.lifecycle,
            served_by: None,
            available: false,
        }
    }
}

impl Table {
    /// Reads the embedded file.
    ///
    /// # Errors
    /// Internal, where the file is malformed; a test proves that it is not.
    pub(crate) fn built_in() -> Result<Self> {
        let broken = |e: String| Error::internal(format!("the table of foundation models: {e}"));
        let file: File = toml::from_str(include_str!("foundation.toml")).map_err(|e| broken(e.to_string()))?;
        file.model.into_iter().map(convert).collect::<Result<_, _>>().map(Self).map_err(broken)
    }

    pub(crate) fn models(&self) -> &[Known] {
        &self.0
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Known> {
        self.0.iter().find(|known| known.id == id)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    model: Vec<Raw>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    id: String,
    name: String,
    vendor: String,
    body: String,
    default: String,
    own: Option<String>,
    better: Option<String>,
    #[serde(default)]
    lifecycle: Option<String>,
    #[serde(default)]
    only_by_profile: bool,
    #[serde(default)]
    dimensions: Vec<usize>,
}

fn convert(raw: Raw) -> Result<Known, String> {
    let provider = match raw.body.as_str() {
        "anthropic" => Provider::Anthropic,
        "nova" => Provider::Nova,
        "titan-text" => Provider::TitanText,
        "titan-embed-v1" => Provider::TitanEmbedV1,
        "titan-embed-v2" => Provider::TitanEmbedV2,
        "cohere-embed" => Provider::CohereEmbed,
        "amazon-rerank" => Provider::AmazonRerank,
        "cohere-rerank" => Provider::CohereRerank,
        "llama" => Provider::Llama,
        "mistral" => Provider::Mistral,
        "openai" => Provider::OpenAi,
        other => return Err(format!("`{}` has the unknown body `{other}`", raw.id)),
    };
    let lifecycle = match raw.lifecycle.as_deref() {
        None => Lifecycle::Active,
        Some("legacy") => Lifecycle::Legacy,
        Some(other) => return Err(format!("`{}` has the unknown lifecycle `{other}`", raw.id)),
    };
    Ok(Known {
        id: raw.id,
        name: raw.name,
        vendor: raw.vendor,
        provider,
        default: raw.default,
        own: raw.own,
        better: raw.better,
        lifecycle,
        only_by_profile: raw.only_by_profile,
        dimensions: raw.dimensions,
    })
}
