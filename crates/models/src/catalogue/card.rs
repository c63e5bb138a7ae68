//! Cards: what is told of a model.

use base::{Error, Result};
use identity::Ctx;

use super::Entry;
use super::entry::Figure;
use crate::Models;
use crate::library::Manifest;
use crate::quality::QuantizationReport;
use crate::templates::TemplateReport;
use crate::terms::Acceptance;

/// What is known of a model that can be or has been pulled.
#[derive(Debug, Clone, PartialEq)]
pub struct Card {
    /// Its name in Craton, such as `smollm2-135m-instruct`.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// Who trained it.
    pub provider: String,
    /// What it is for.
    pub kind: CardKind,
    /// A sentence on what it is good for and where its files come from.
    pub description: String,
    /// Its licence.
    pub licence: Licence,
    /// The number of its parameters; 0 where it is not known.
    pub parameters: u64,
    /// The tokens that it was trained to read at most; 0 where it is not known.
    pub context_length: u32,
    /// The bytes to download.
    pub download_bytes: u64,
    /// The memory that it takes when loaded with the default options, by estimate, in bytes.
    pub memory_bytes: u64,
    /// Whether the sizes are rounded because only the download tells them exactly.
    pub sizes_are_approximate: bool,
    /// Languages it is made for (BCP 47).
    pub languages: Vec<String>,
    /// Whether it is made for conversations: its file has a chat template. None where that is not known, and for models
    /// that embed.
    pub chats: Option<bool>,
    /// Where it can be had, in the order in which a pull tries it.
    pub sources: Vec<CardSource>,
    /// Where its files were pulled from.
    pub pulled_from: Option<CardSource>,
    /// The AWS model ids that it answers in the caller's account now.
    pub serves_aws_ids: Vec<String>,
    /// The id under which AWS's hubs know the same weights, where they do.
    pub jumpstart_id: Option<String>,
    /// What it is for: `text-generation`, `chat`, `tool-use`, `embedding`.
    pub tasks: Vec<String>,
    /// How most of its weights are stored, where it is known in advance.
    pub format: Option<String>,
    /// Published figures of its quality, of its weights before they were quantized.
    pub quality: Vec<Figure>,
    /// Whether it fits the memory for models, by estimate.
    pub fits: bool,
    /// Whether its chat template is that of its family, where it was looked at.
    pub template: Option<TemplateReport>,
    /// The acceptance of its terms by the caller's account.
    pub accepted: Option<Acceptance>,
    /// Whether its files are here.
    pub state: CardState,
    /// Whether it is in memory.
    pub loaded: bool,
    /// The SHA-256 of the file that is loaded, where it is pinned or has been downloaded.
    pub sha256: Option<String>,
    /// What it cost to make it of another model, where it was made so.
    pub quantization: Option<QuantizationReport>,
    /// What was made of it and not accepted.
    pub refused_quantizations: Vec<QuantizationReport>,
}

/// A place that a model's files can be had from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardSource {
    /// As the pull command writes it.
    pub label: String,
    /// Who put the files there; empty where it is not known.
    pub uploader: String,
    /// Who published the model that they are made of; empty where it is not known.
    pub publisher: String,
}

/// What a model is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardKind {
    /// Generating text.
    Text,
    /// Embedding text.
    Embedding,
}

/// A model's licence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Licence {
    /// The SPDX identifier, or the licence's own name.
    pub name: String,
    /// Where it can be read; empty where it is not known.
    pub url: String,
    /// Whether pulling asks for its acceptance.
    pub terms_must_be_accepted: bool,
}

/// Whether a model's files are here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CardState {
    /// They are not.
    NotPulled,
    /// They are being fetched.
    Pulling {
        /// The id of the job.
        job: String,
    },
    /// They are.
    Ready,
    /// They were, and are damaged.
    Broken {
        /// What is wrong.
        reason: String,
    },
}

/// Which cards are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CardFilter {
    /// Only models for this.
    pub kind: Option<CardKind>,
    /// Only models whose files are here.
    pub ready: bool,
}

impl Models {
    /// The cards of the catalogue's models, then of other models that were pulled, as the filter asks.
    ///
    /// # Errors
    /// Unavailable, where the library or the database cannot be read.
    pub async fn list(&self, ctx: &Ctx, filter: CardFilter) -> Result<Vec<Card>> {
        let pulled = self.inner.library.manifests().await?;
        let served = self.served_ids(ctx).await?;
        let pulling = self.pulling(ctx).await?;
        let mut cards: Vec<Card> = self.inner.catalogue.entries().iter().map(from_entry).collect();
        for (name, manifest) in &pulled {
            match cards.iter_mut().find(|card| card.name == *name) {
                Some(card) => refine(card, manifest),
                None => cards.push(from_manifest(name, manifest)),
            }
        }
        let (accepted, budget) = (self.acceptances(ctx).await?, self.inner.loaded.budget_bytes());
        for card in &mut cards {
            card.fits = card.memory_bytes <= budget;
            let these = |one: &&Acceptance| one.model == card.name && one.url == card.licence.url;
            card.accepted = accepted.iter().find(these).cloned();
            card.loaded = self.inner.loaded.is_loaded(&card.name);
            card.serves_aws_ids =
                served.iter().filter(|(_, name)| *name == card.name).map(|(id, _)| id.clone()).collect();
            if let Some(job) = pulling.get(&card.name) {
                card.state = CardState::Pulling { job: job.clone() };
            }
        }
        cards.retain(|card| filter.kind.is_none_or(|kind| card.kind == kind));
        cards.retain(|card| !filter.ready || card.state == CardState::Ready);
        Ok(cards)
    }

    /// The card of one model, by its Craton name.
    ///
    /// # Errors
    /// NotFound, where the catalogue does not know it and it was not pulled.
    pub async fn get(&self, ctx: &Ctx, name: &str) -> Result<Card> {
        let cards = self.list(ctx, CardFilter::default()).await?;
        cards.into_iter().find(|card| card.name == name).ok_or_else(|| unknown(name))
    }
}

/// The error for a name that neither the catalogue nor the library knows.
pub(crate) fn unknown(name: &str) -> Error {
    Error::not_found(format!("There is no model `{name}`.")).with_hint("`craton models list` shows the names.")
}

fn from_entry(entry: &Entry) -> Card {
    Card {
        name: entry.name.clone(),
        title: entry.title.clone(),
        provider: entry.provider.clone(),
        kind: entry.kind,
        description: entry.description.clone(),
        licence: entry.licence.clone(),
        parameters: entry.parameters,
        context_length: entry.context_length,
        download_bytes: entry.download_bytes,
        memory_bytes: entry.memory_bytes,
        sizes_are_approximate: entry.sizes_are_approximate,
        languages: entry.languages.clone(),
        chats: (entry.kind == CardKind::Text).then_some(entry.chats),
        sources: entry.sources.iter().map(|origin| source(entry, origin)).collect(),
        pulled_from: None,
        serves_aws_ids: Vec::new(),
        jumpstart_id: Some(entry.jumpstart.clone()),
        tasks: entry.tasks.clone(),
        format: Some(entry.format.clone()),
        quality: entry.quality.clone(),
        fits: false,
        template: None,
        accepted: None,
        state: CardState::NotPulled,
        loaded: false,
        sha256: entry.pinned_main(),
        quantization: None,
        refused_quantizations: Vec::new(),
    }
}

fn source(entry: &Entry, origin: &super::Origin) -> CardSource {
    CardSource {
        label: origin.label(),
        uploader: origin.uploader().to_owned(),
        publisher: origin.publisher().unwrap_or(&entry.provider).to_owned(),
    }
}

fn pulled_from(manifest: &Manifest) -> CardSource {
    CardSource {
        label: manifest.source.clone(),
        uploader: manifest.uploader.clone(),
        publisher: manifest.publisher.clone(),
    }
}

fn from_manifest(name: &str, manifest: &Manifest) -> Card {
    let facts = &manifest.facts;
    let mut card = Card {
        name: name.to_owned(),
        title: if facts.title.is_empty() { name.to_owned() } else { facts.title.clone() },
        provider: manifest.provider.clone(),
        kind: manifest.card_kind(),
        description: match &manifest.quantization {
            Some(report) => format!("Made of `{}`: its weights are kept as {}.", report.source.name, report.to),
            None => format!("Pulled from `{}`.", manifest.source),
        },
        licence: Licence {
            name: manifest.licence.clone(),
            url: manifest.licence_url.clone(),
            terms_must_be_accepted: false,
        },
        parameters: facts.parameters,
        context_length: facts.context_length,
        download_bytes: 0,
        memory_bytes: facts.memory_bytes,
        sizes_are_approximate: false,
        languages: Vec::new(),
        chats: None,
        sources: vec![pulled_from(manifest)],
        pulled_from: None,
        serves_aws_ids: Vec::new(),
        jumpstart_id: None,
        tasks: tasks(manifest),
        format: None,
        quality: Vec::new(),
        fits: false,
        template: None,
        accepted: None,
        state: CardState::Ready,
        loaded: false,
        sha256: None,
        quantization: None,
        refused_quantizations: Vec::new(),
    };
    refine(&mut card, manifest);
    card
}

/// What a model is for of which nothing but its files is known.
fn tasks(manifest: &Manifest) -> Vec<String> {
    let tasks: &[&str] = match (manifest.facts.embeds, manifest.facts.chat_template) {
        (true, _) => &["embedding"],
        (false, Some(true)) => &["text-generation", "chat"],
        (false, _) => &["text-generation"],
    };
    tasks.iter().map(|task| (*task).to_owned()).collect()
}

/// Replaces what the catalogue estimates by what the files say.
fn refine(card: &mut Card, manifest: &Manifest) {
    card.state = match &manifest.broken {
        None => CardState::Ready,
        Some(reason) => CardState::Broken { reason: reason.clone() },
    };
    card.pulled_from = Some(pulled_from(manifest));
    // The catalogue knows better what a model was tuned for than whether its file carries a template.
    if card.chats.is_none() && !manifest.facts.embeds {
        card.chats = manifest.facts.chat_template;
    }
    card.download_bytes = manifest.files.iter().map(|file| file.bytes).sum();
    card.sizes_are_approximate = false;
    card.memory_bytes = manifest.facts.memory_bytes;
    card.sha256 = manifest.main_file().map(|file| file.sha256.clone());
    card.template.clone_from(&manifest.template);
    card.quantization.clone_from(&manifest.quantization);
    card.refused_quantizations.clone_from(&manifest.refused);
    if manifest.trust == crate::library::Trust::FirstDownload {
        card.description.push_str(" Its SHA-256 was recorded at the first download, not pinned in advance.");
    }
}
