//! What is loaded, and what it is doing.

use std::time::Duration;

use base::Result;
use identity::Ctx;
use inference::LoadOptions;

use crate::catalogue::{CardKind, Recommended};
use crate::{Models, imported};

/// The loaded models and their memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// The most memory that loaded models may take together, in bytes.
    pub budget_bytes: u64,
    /// The memory that they take, in bytes.
    pub used_bytes: u64,
    /// The bytes of the beginnings of the caller's account's prompts that are kept on disk; none where the settings keep
    /// none.
    pub snapshot_bytes: Option<u64>,
    /// How models are loaded where no profile of theirs says otherwise.
    pub options: LoadOptions,
    /// The loaded models, by name.
    pub loaded: Vec<LoadedModel>,
}

/// Which options a model was loaded with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ProfileInUse {
    /// Those of the server's settings.
    #[default]
    Default,
    /// Those that a tuning found: its job.
    Tuned(String),
    /// Those of the server's settings, as the tuned ones could not be used.
    Unfit {
        /// Why not.
        reason: String,
    },
}

/// A loaded model.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadedModel {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub kind: CardKind,
    /// The memory that it takes, in bytes.
    pub memory_bytes: u64,
    /// Which options it was loaded with.
    pub profile: ProfileInUse,
    /// What those are.
    pub options: LoadOptions,
    /// Requests that hold it now.
    pub leases: usize,
    /// Sequences that are being read or answered; 0 for embedders.
    pub active_sequences: u32,
    /// Requests that wait for a sequence.
    pub queued: u32,
    /// Tokens written since it was loaded.
    pub generated_tokens: u64,
    /// Tokens of all prompts since then.
    pub prompt_tokens: u64,
    /// Those of them that were taken from the cache.
    pub cached_tokens: u64,
    /// The bytes that are kept for prompts to begin with, beside the sequences' own caches.
    pub cache_bytes: u64,
    /// How many beginnings that are.
    pub cache_entries: u64,
    /// The mean number of requests that were computed together; none before the first.
    pub occupancy: Option<f64>,
    /// The mean speed of the answers that finished lately, in tokens a second of decoding; none before the first.
    pub tokens_per_second: Option<f64>,
    /// The answers of the last minutes; none where there is none.
    pub recent: Option<RecentAnswers>,
}

/// The answers of the last minutes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RecentAnswers {
    /// How many there are.
    pub answers: usize,
    /// For how long an answer is one of them.
    pub window: Duration,
    /// Their waits for a sequence.
    pub queued: Percentiles,
    /// The times from their requests' arrival at the engine to their first tokens, the wait included.
    pub first_token: Percentiles,
    /// The tokens that were written of all of them together, a second of the window.
    pub tokens_per_second: f64,
}

/// Times of which so many percent are no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Percentiles {
    /// Half of them.
    pub p50: Duration,
    /// 95 % of them.
    pub p95: Duration,
}

impl Models {
    /// What is loaded. The engines are shared by all accounts; the imported models of others are counted and not named.
    pub fn status(&self, ctx: &Ctx) -> Status {
        let status = self.inner.loaded.status(|name| imported::is_visible(ctx, name));
        let snapshots = self.inner.snapshots.as_ref().filter(|snapshots| snapshots.are_kept());
        Status { snapshot_bytes: snapshots.map(|snapshots| snapshots.bytes(ctx.account())), ..status }
    }

    /// Unloads a model that no request is using.
    ///
    /// # Errors
    /// NotFound, where it is not loaded; Conflict, while requests are using it.
    pub async fn unload(&self, _ctx: &Ctx, name: &str) -> Result<()> {
        self.inner.loaded.unload(name).await
    }

    /// The largest chat model of the catalogue that fits the memory budget, by estimate.
    #[must_use]
    pub fn recommended_model(&self) -> Option<String> {
        self.recommended().map(|recommended| recommended.name)
    }

    /// As [`Models::recommended_model`], with what its licence asks for.
    #[must_use]
    pub fn recommended(&self) -> Option<Recommended> {
        self.inner.catalogue.largest_chat_model_within(self.inner.loaded.budget_bytes())
    }
}
