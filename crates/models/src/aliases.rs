//! Aliases: which local model or upstream answers for a model id.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use ::store::Store;
use base::{Clock, Error, Result, Secret, Timestamp};
use identity::{Ctx, Keyring};

use crate::catalogue::CardKind;
use crate::foundation::Known;
use crate::model_id::ModelId;
use crate::store::{self, AliasRow, TargetRow};
use crate::{EndpointTarget, ImportedModel, Models, UsedProfile, model_id, pools, remote};

/// What the sealing of upstream keys is bound to.
const KEY_PURPOSE: &str = "models/alias/api-key";
/// The longest id that an alias may have.
const MAX_ID_LENGTH: usize = 256;
/// What an alias's target begins with where it is a pool; no local model's name has a colon.
pub(crate) const POOL_PREFIX: &str = "pool:";

/// The body that `InvokeModel` takes for a model id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Provider {
    /// Anthropic Messages.
    Anthropic,
    /// Amazon Nova.
    Nova,
    /// Amazon Titan Text.
    TitanText,
    /// Amazon Titan Embeddings G1.
    TitanEmbedV1,
    /// Amazon Titan Text Embeddings V2.
    TitanEmbedV2,
    /// Cohere Embed v3.
    CohereEmbed,
    /// Amazon Rerank, which ranks texts: asked by `Rerank`, not by `InvokeModel`.
    AmazonRerank,
    /// Cohere Rerank, likewise.
    CohereRerank,
    /// Meta Llama.
    Llama,
    /// Mistral AI.
    Mistral,
    /// OpenAI chat completions.
    OpenAi,
    /// An imported model: the bodies of its family and OpenAI's, told apart by their members.
    Imported(Family),
    /// An endpoint: the bodies of the containers that serve text and embeddings.
    Endpoint {
        /// Whether its model embeds text, and does not generate it.
        embeds: bool,
    },
    /// A name of Craton's own, with no vendor's body.
    Craton,
}

/// The architecture of an imported model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// Llama 2 and Llama 3.
    Llama,
    /// Mistral.
    Mistral,
    /// Qwen2.
    Qwen2,
}

impl Provider {
    /// The provider whose ids look like `model`.
    #[must_use]
    pub fn of(model: &str) -> Self {
        const PREFIXES: [(&str, Provider); 11] = [
            ("anthropic.", Provider::Anthropic),
            ("amazon.nova-", Provider::Nova),
            ("amazon.titan-embed-text-v2", Provider::TitanEmbedV2),
            ("amazon.titan-embed-", Provider::TitanEmbedV1),
            ("amazon.titan-text-", Provider::TitanText),
            ("amazon.rerank-", Provider::AmazonRerank),
            ("cohere.embed-", Provider::CohereEmbed),
            ("cohere.rerank-", Provider::CohereRerank),
            ("meta.", Provider::Llama),
            ("mistral.", Provider::Mistral),
            ("openai.", Provider::OpenAi),
        ];
        PREFIXES.iter().find(|(prefix, _)| model.starts_with(prefix)).map_or(Self::Craton, |(_, provider)| *provider)
    }

    /// Whose it is, as AWS names the vendor.
    pub(crate) fn vendor(self) -> &'static str {
        match self {
            Self::Anthropic => "Anthropic",
            Self::Nova | Self::TitanText | Self::TitanEmbedV1 | Self::TitanEmbedV2 | Self::AmazonRerank => "Amazon",
            Self::CohereEmbed | Self::CohereRerank => "Cohere",
            Self::Llama | Self::Imported(Family::Llama) => "Meta",
            Self::Mistral | Self::Imported(Family::Mistral) => "Mistral AI",
            Self::Imported(Family::Qwen2) => "Qwen",
            Self::OpenAi => "OpenAI",
            Self::Craton | Self::Endpoint { .. } => "Craton",
        }
    }
}

/// What answers for a model id.
#[derive(Debug, Clone)]
pub enum Target {
    /// A local model, by its Craton name.
    Local {
        /// The name.
        name: String,
    },
    /// An imported model of the caller's account.
    Imported {
        /// The model.
        model: Box<ImportedModel>,
    },
    /// A model of an upstream that speaks OpenAI's dialect.
    Remote {
        /// The URL that `/chat/completions` is appended to, such as `http://127.0.0.1:11434/v1`.
        base_url: String,
        /// The upstream's name of the model.
        model: String,
        /// Its bearer key, if it asks for one.
        api_key: Option<Secret<String>>,
    },
    /// A pool of the deployment.
    Pool {
        /// Its name.
        name: String,
    },
    /// A variant of an endpoint of the caller's account.
    Endpoint(Box<EndpointTarget>),
    /// What an inference profile is routed to.
    Routed {
        /// The profile's id.
        profile: String,
        /// Whether the order is drawn by the targets' weights for each request; otherwise it is that of `legs`.
        weighted: bool,
        /// The targets.
        legs: Vec<Leg>,
    },
}

/// One target of an inference profile.
#[derive(Debug, Clone)]
pub struct Leg {
    /// Its region, in its owner's words.
    pub region: String,
    /// Its share of the requests, where the order is drawn.
    pub weight: u32,
    /// What answers there: no profile again.
    pub target: Target,
}

impl Target {
    /// The name that answers are signed with.
    #[must_use]
    pub fn serving_name(&self) -> &str {
        match self {
            Self::Local { name } | Self::Pool { name } => name,
            Self::Imported { model } => &model.name,
            Self::Endpoint(target) => &target.served.name,
            Self::Remote { model, .. } => model,
            Self::Routed { profile, .. } => profile,
        }
    }
}

/// An alias of the caller's account, or a built-in one that no alias of the account replaces.
#[derive(Debug, Clone)]
pub struct Alias {
    /// The model id.
    pub model_id: String,
    /// What answers for it. An upstream's key is never given back; see `has_api_key`.
    pub target: Target,
    /// Whether the upstream is sent a key.
    pub has_api_key: bool,
    /// Whether it is a default and not set by the account.
    pub built_in: bool,
    /// When it was set.
    pub updated_at: Option<Timestamp>,
}

/// What a model id came to.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// The id as the client sent it.
    pub requested: String,
    /// The id without ARN and inference profile.
    pub aws_id: String,
    /// The body that the id's `InvokeModel` takes.
    pub provider: Provider,
    /// What answers.
    pub target: Target,
    /// The length of the vectors, where the id is a known embedding model.
    pub dimension: Option<usize>,
    /// Every length that the id's vectors can have; empty where it is not a known embedding model.
    pub dimensions: Vec<usize>,
    /// The name that the answer is signed with.
    pub serving_name: String,
    /// Whether another model than the one named answers.
    pub substituted: bool,
    /// The inference profile that was named, if one was.
    pub profile: Option<UsedProfile>,
}

impl Models {
    /// What answers for a model id, without regard to profiles.
    ///
    /// # Errors
    /// As [`Models::resolve`].
    pub(crate) async fn resolve_direct(&self, ctx: &Ctx, model_id: &str, id: ModelId) -> Result<Resolved> {
        if id.imported {
            return Ok(imported(model_id, self.imported_model(ctx, &id.id).await?));
        }
        let known = self.inner.foundation.get(&id.model);
        if let Some(row) = store::find_alias(&self.inner.aliases.store, ctx, &id.id, &id.model).await? {
            let target = self.inner.aliases.unseal(row.target)?;
            let target = self.imported_target(ctx, target).await?;
            return Ok(resolved(model_id, id.model, known, target));
        }
        if let Some(known) = known {
            let target = self.default_target(known).await?;
            return Ok(resolved(model_id, id.model, Some(known), target));
        }
        if let Some(model) = self.find_imported(ctx, &id.id).await? {
            return Ok(imported(model_id, model));
        }
        if self.knows(&id.id).await? {
            let target = Target::Local { name: id.id.clone() };
            return Ok(resolved(model_id, id.id, None, target));
        }
        Err(model_id::invalid().with_hint(format!(
            "Nothing answers for `{model_id}`. `craton models list` shows the names, `craton models alias set ID NAME` lets one answer."
        )))
    }

    /// The aliases of the caller's account and region, then the built-in defaults that none of them replaces.
    ///
    /// # Errors
    /// Unavailable, where the database cannot be read.
    pub async fn aliases(&self, ctx: &Ctx) -> Result<Vec<Alias>> {
        let rows = store::list_aliases(&self.inner.aliases.store, ctx).await?;
        let mut aliases: Vec<Alias> = rows.into_iter().map(from_row).collect();
        for known in self.inner.foundation.models() {
            if aliases.iter().any(|alias| alias.model_id == known.id) {
                continue;
            }
            if let Ok(target) = self.default_target(known).await {
                let model_id = known.id.clone();
                aliases.push(Alias { model_id, target, has_api_key: false, built_in: true, updated_at: None });
            }
        }
        Ok(aliases)
    }

    /// Makes `target` answer for a model id in the caller's account and region, in place of what did. An imported model
    /// is given as a local one, by its ARN or name, and kept by its ARN.
    ///
    /// # Errors
    /// Invalid, where the id or the target is malformed, the local model is not known, or it is for something else
    /// than the id (an embedding id needs an embedding model).
    pub async fn set_alias(&self, ctx: &Ctx, model_id: &str, target: Target) -> Result<Alias> {
        let id = model_id::parse(ctx, model_id)?;
        if id.application {
            return Err(Error::invalid("An application inference profile answers for itself; no alias does.")
                .with_hint("`craton models profile route` says where its requests are sent."));
        }
        if id.imported {
            return Err(Error::invalid("An imported model answers for its ARN itself; nothing else does."));
        }
        if id.endpoint {
            return Err(Error::invalid("An endpoint answers for its ARN itself; nothing else does."));
        }
        if id.id.len() > MAX_ID_LENGTH {
            return Err(Error::invalid(format!("A model id has at most {MAX_ID_LENGTH} characters.")));
        }
        let target = match target {
            Target::Local { name } => match self.find_imported(ctx, &name).await? {
                Some(model) => of_imported(&id.model, &model)?,
                None => {
                    self.check_local(&id.model, &name).await?;
                    TargetRow::Local { name }
                }
            },
            Target::Imported { model } => of_imported(&id.model, &model)?,
            Target::Remote { base_url, model, api_key } => self.inner.aliases.seal(&base_url, &model, api_key)?,
            Target::Pool { name } => {
                self.pool(ctx, &name).await?;
                TargetRow::Local { name: format!("{POOL_PREFIX}{name}") }
            }
            Target::Routed { .. } => {
                return Err(Error::invalid("An alias names a model, a server or a pool.")
                    .with_hint("Route an inference profile instead: `craton models profile route`."));
            }
            Target::Endpoint(_) => return Err(Error::invalid("An alias names a model, a server or a pool.")),
        };
        let row = AliasRow { model_id: id.id, target, updated_at: self.inner.aliases.clock.now().as_millis() };
        store::put_alias(&self.inner.aliases.store, ctx, &row).await?;
        Ok(from_row(row))
    }

    /// Removes an alias of the caller's account and region; a built-in default then answers again.
    ///
    /// # Errors
    /// NotFound, where the account has none for the id.
    pub async fn remove_alias(&self, ctx: &Ctx, model_id: &str) -> Result<()> {
        let id = model_id::parse(ctx, model_id)?.id;
        if store::delete_alias(&self.inner.aliases.store, ctx, &id).await? {
            return Ok(());
        }
        let error = Error::not_found(format!("There is no alias for `{id}` in this account and region."));
        Err(match self.inner.foundation.get(&id) {
            Some(_) => {
                error.with_hint("What answers for it is a built-in default, which can be replaced, not removed.")
            }
            None => error.with_hint("`craton models alias list` shows the aliases."),
        })
    }

    /// Model ids and the local names that answer for them in the caller's account.
    pub(crate) async fn served_ids(&self, ctx: &Ctx) -> Result<Vec<(String, String)>> {
        let aliases = self.aliases(ctx).await?;
        Ok(aliases
            .into_iter()
            .filter_map(|alias| match alias.target {
                Target::Local { name } => Some((alias.model_id, name)),
                Target::Imported { .. }
                | Target::Remote { .. }
                | Target::Pool { .. }
                | Target::Endpoint(_)
                | Target::Routed { .. } => None,
            })
            .collect())
    }

    /// The imported model that an alias names by its ARN.
    async fn imported_target(&self, ctx: &Ctx, target: Target) -> Result<Target> {
        match target {
            Target::Local { name } if name.starts_with("arn:") => {
                let model = Box::new(self.imported_model(ctx, &name).await?);
                Ok(Target::Imported { model })
            }
            other => Ok(other),
        }
    }

    async fn default_target(&self, known: &Known) -> Result<Target> {
        if let Some(own) = &known.own
            && (self.inner.strict_aliases || self.inner.library.manifest(own).await?.is_some())
        {
            return Ok(Target::Local { name: own.clone() });
        }
        if self.inner.strict_aliases {
            return Err(Error::invalid(format!("No local model is `{}`, and substitution is off.", known.id))
                .with_hint(format!(
                    "Set one with `craton models alias set {} NAME`, or turn `strict_aliases` off.",
                    known.id
                )));
        }
        if let Some(better) = &known.better
            && self.inner.library.manifest(better).await?.is_some()
        {
            return Ok(Target::Local { name: better.clone() });
        }
        Ok(Target::Local { name: known.default.clone() })
    }

    /// Whether the catalogue or the library has a model of that name.
    async fn knows(&self, name: &str) -> Result<bool> {
        Ok(self.inner.catalogue.get(name).is_some() || self.inner.library.manifest(name).await?.is_some())
    }

    async fn check_local(&self, id: &str, name: &str) -> Result<()> {
        let kind = match (self.inner.catalogue.get(name), self.inner.library.manifest(name).await?) {
            (Some(entry), _) => entry.kind,
            (None, Some(manifest)) => manifest.card_kind(),
            (None, None) => {
                return Err(Error::invalid(format!("There is no local model `{name}`.")).with_hint(
                    "`craton models list` shows the names; pull the model first if it is not of the catalogue.",
                ));
            }
        };
        let wanted = self.inner.foundation.get(id).map_or_else(|| implied_kind(id), Known::wanted_kind);
        match wanted {
            Some(wanted) if wanted != kind => {
                let does = |kind| if kind == CardKind::Text { "generates text" } else { "embeds text" };
                Err(Error::invalid(format!("`{id}` {} and `{name}` {}.", does(wanted), does(kind))))
            }
            _ => Ok(()),
        }
    }
}

/// What an id of a vendor is for, by its provider; none where it is anyone's guess.
pub(crate) fn implied_kind(id: &str) -> Option<CardKind> {
    match Provider::of(id) {
        Provider::TitanEmbedV1 | Provider::TitanEmbedV2 | Provider::CohereEmbed => Some(CardKind::Embedding),
        Provider::Craton | Provider::AmazonRerank | Provider::CohereRerank => None,
        _ => Some(CardKind::Text),
    }
}

/// What a model id came to, where `target` answers for it.
pub(crate) fn resolved(requested: &str, aws_id: String, known: Option<&Known>, target: Target) -> Resolved {
    let serving_name = target.serving_name().to_owned();
    let own = known.and_then(|known| known.own.as_deref()).is_some_and(|own| own == serving_name);
    let dimensions = known.map(|known| known.dimensions.clone()).unwrap_or_default();
    Resolved {
        requested: requested.to_owned(),
        provider: known.map_or_else(|| Provider::of(&aws_id), |known| known.provider),
        substituted: !own && serving_name != aws_id,
        aws_id,
        target,
        dimension: dimensions.first().copied(),
        dimensions,
        serving_name,
        profile: None,
    }
}

/// What the ARN, the name or the id of an imported model came to.
fn imported(requested: &str, model: ImportedModel) -> Resolved {
    Resolved {
        requested: requested.to_owned(),
        aws_id: model.arn.to_string(),
        provider: Provider::Imported(model.family()),
        serving_name: model.name.clone(),
        target: Target::Imported { model: Box::new(model) },
        dimension: None,
        dimensions: Vec::new(),
        substituted: false,
        profile: None,
    }
}

/// An imported model as what answers for a model id.
fn of_imported(id: &str, model: &ImportedModel) -> Result<TargetRow> {
    match implied_kind(id) {
        Some(CardKind::Embedding) => {
            Err(Error::invalid(format!("`{id}` embeds text and `{}` generates text.", model.name)))
        }
        _ => Ok(TargetRow::Local { name: model.arn.to_string() }),
    }
}

fn from_row(row: AliasRow) -> Alias {
    let (target, has_api_key) = match row.target {
        TargetRow::Local { name } => (kept(name), false),
        TargetRow::Remote { base_url, model, sealed_api_key } => {
            (Target::Remote { base_url, model, api_key: None }, sealed_api_key.is_some())
        }
    };
    let updated_at = Some(Timestamp(row.updated_at));
    Alias { model_id: row.model_id, target, has_api_key, built_in: false, updated_at }
}

/// What a target is that is kept as a name.
fn kept(name: String) -> Target {
    match name.strip_prefix(POOL_PREFIX) {
        Some(pool) => Target::Pool { name: pool.to_owned() },
        None => Target::Local { name },
    }
}

/// # Errors
/// Invalid, where a server could have no model of that name.
pub(crate) fn check_upstream_model(model: &str) -> Result<()> {
    if model.trim().is_empty() || model.len() > MAX_ID_LENGTH {
        return Err(Error::invalid("An upstream's model name has 1 to 256 characters."));
    }
    Ok(())
}

/// # Errors
/// Invalid, where a header could not carry the key.
pub(crate) fn check_key(key: &Secret<String>) -> Result<()> {
    if key.reveal().is_empty() || !key.reveal().bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Error::invalid("An upstream's API key is made of printable ASCII characters without spaces."));
    }
    Ok(())
}

/// The kept aliases and what sealing and dating them needs.
pub(crate) struct Aliases {
    store: Store,
    sealing_key: Option<Arc<Keyring>>,
    clock: Arc<dyn Clock>,
}

impl Aliases {
    pub(crate) async fn open(store: Store, sealing_key: Option<Arc<Keyring>>, clock: Arc<dyn Clock>) -> Result<Self> {
        store::migrate(&store).await?;
        if let Some(keyring) = &sealing_key {
            store::reseal_api_keys(&store, |sealed| keyring.reseal(KEY_PURPOSE, sealed)).await?;
            pools::store::reseal_api_keys(&store, |sealed| keyring.reseal(pools::KEY_PURPOSE, sealed)).await?;
        }
        Ok(Self { store, sealing_key, clock })
    }

    fn seal(&self, base_url: &str, model: &str, api_key: Option<Secret<String>>) -> Result<TargetRow> {
        let base_url = remote::check_base_url(base_url)?;
        check_upstream_model(model)?;
        api_key.as_ref().map_or(Ok(()), check_key)?;
        let sealed_api_key = api_key.map(|key| self.seal_key(KEY_PURPOSE, &key)).transpose()?;
        Ok(TargetRow::Remote { base_url, model: model.to_owned(), sealed_api_key })
    }

    /// Seals an upstream's key for `purpose`.
    ///
    /// # Errors
    /// NotImplemented, where there is nothing to seal it with.
    pub(crate) fn seal_key(&self, purpose: &'static str, key: &Secret<String>) -> Result<Vec<u8>> {
        self.sealing_key()?.seal(purpose, key.reveal().as_bytes())
    }

    /// The key that was sealed for `purpose`.
    ///
    /// # Errors
    /// As that of the keyring.
    pub(crate) fn unseal_key(&self, purpose: &'static str, sealed: &[u8]) -> Result<Secret<String>> {
        let plain = self.sealing_key()?.open(purpose, sealed)?;
        let text = std::str::from_utf8(&plain).map_err(|e| Error::internal(format!("an API key: {e}")))?;
        Ok(Secret::new(text.to_owned()))
    }

    fn sealing_key(&self) -> Result<&Keyring> {
        self.sealing_key.as_deref().ok_or_else(|| {
            Error::not_implemented("This server was not given a key to seal upstream API keys with.")
                .with_hint("Use an upstream that asks for no key.")
        })
    }

    fn unseal(&self, row: TargetRow) -> Result<Target> {
        Ok(match row {
            TargetRow::Local { name } => kept(name),
            TargetRow::Remote { base_url, model, sealed_api_key } => {
                let open = |sealed: Vec<u8>| self.unseal_key(KEY_PURPOSE, &sealed);
                Target::Remote { base_url, model, api_key: sealed_api_key.map(open).transpose()? }
            }
        })
    }
}
