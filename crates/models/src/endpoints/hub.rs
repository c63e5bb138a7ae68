//! The hub's names of the catalogue's models, as far as hosting needs them.

use base::{Error, Result};
use identity::Ctx;

use crate::Models;
use crate::catalogue::{CardKind, Entry, Licence};

pub(super) struct HubModel {
    pub(super) id: String,
    pub(super) entry: String,
    pub(super) kind: CardKind,
    pub(super) eula: bool,
    pub(super) licence: Licence,
}

pub(super) struct HubServed {
    pub(super) name: String,
    pub(super) substituted: bool,
    pub(super) why: String,
}

impl HubModel {
    fn of(entry: &Entry) -> Self {
        let family = if entry.kind == CardKind::Embedding { "sentencesimilarity" } else { "llm" };
        Self {
            id: format!("huggingface-{family}-{}", entry.name.replace('.', "-")),
            entry: entry.name.clone(),
            kind: entry.kind,
            eula: entry.licence.terms_must_be_accepted,
            licence: entry.licence.clone(),
        }
    }

    pub(super) fn prepacked_artifact_key(&self) -> String {
        format!("huggingface-llm/{}/artifacts/inference-prepack/v1.0.0/", self.id)
    }
}

pub(super) fn bucket_region(bucket: &str) -> Option<&str> {
    bucket.strip_prefix("jumpstart-cache-prod-")
}

impl Models {
    pub(super) fn hub_model_by_id(&self, id: &str) -> Option<HubModel> {
        self.inner.catalogue.entries().iter().map(HubModel::of).find(|model| model.id == id)
    }

    pub(super) fn hub_model_by_artifact(&self, key: &str) -> Option<HubModel> {
        self.hub_model_by_id(key.split('/').nth(1)?)
    }

    pub(super) fn hub_model_by_source(&self, _ctx: &Ctx, source: &str) -> Result<HubModel> {
        let id = source.split_once("/Model/").map_or(source, |(_, rest)| rest.split('/').next().unwrap_or(rest));
        self.hub_model_by_id(id)
            .ok_or_else(|| Error::not_found(format!("The model source identifier `{source}` was not found.")))
    }

    pub(super) async fn hub_served(&self, _ctx: &Ctx, model: &HubModel) -> Result<HubServed> {
        let pulled = self.inner.library.manifests().await?;
        if pulled.contains_key(&model.entry) {
            return Ok(HubServed { name: model.entry.clone(), substituted: false, why: String::new() });
        }
        let alike = |manifest: &&crate::library::Manifest| manifest.card_kind() == model.kind;
        let best = pulled.values().filter(alike).max_by_key(|manifest| manifest.facts.parameters);
        match best.filter(|_| !self.inner.strict_aliases) {
            Some(best) => Ok(HubServed {
                name: best.name.clone(),
                substituted: true,
                why: format!("`{}` is not pulled; `{}` is the largest pulled model that fits.", model.entry, best.name),
            }),
            None => Err(crate::invoke::not_pulled(&model.entry)),
        }
    }
}

#[cfg(test)]
pub(super) fn of_entry(models: &Models, entry: &str) -> HubModel {
    models.inner.catalogue.get(entry).map(HubModel::of).unwrap()
}
