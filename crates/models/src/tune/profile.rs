//! What a tuning sets.

use std::time::Duration;

use inference::{Batching, CacheType, CoreSet, LoadOptions};
use serde::{Deserialize, Serialize};

/// How a tuned model is loaded. What is not here is as in the server's settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TunedSettings {
    /// The engines that serve the model side by side.
    #[serde(default = "one")]
    pub replicas: u32,
    /// The cores of each of them; empty: wherever the system likes.
    #[serde(default, with = "as_texts")]
    pub cores: Vec<CoreSet>,
    /// The most threads that read prompts; 0: as many as the machine, or the replica's core set, has cores.
    pub prefill_threads: u32,
    /// The most threads that write answers; 0: as many as the machine, or the replica's core set, has cores.
    pub decode_threads: u32,
    /// The requests that are decoded side by side, by each replica.
    pub parallel: u32,
    /// The tokens of context of each of them; 0: as many as the model was trained for.
    pub context_per_sequence: u32,
    /// The tokens of the buffer that requests share which begin alike; 0: none.
    pub shared_cells: u32,
    /// How the numbers of the caches are stored.
    #[serde(default, with = "as_text")]
    pub cache_type: CacheType,
    /// Whether attention is computed in one pass; none: as the server's settings say, or the engine chooses.
    #[serde(default)]
    pub one_pass: Option<bool>,
    /// Requests of one shape that are gathered into batches, where they are.
    #[serde(default)]
    pub static_batches: Option<StaticBatches>,
    /// The model of the library whose weights are loaded, where that is another: the same in fewer bits.
    #[serde(default)]
    pub weights: Option<String>,
}

/// Requests of about one length that begin and end together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaticBatches {
    /// So many make a batch.
    pub size: u32,
    /// How long a smaller batch is waited for, in milliseconds.
    pub wait_ms: u64,
    /// The most tokens that an answer may have.
    pub max_tokens: u32,
}

const fn one() -> u32 {
    1
}

impl TunedSettings {
    /// What the options of the server say.
    #[must_use]
    pub fn of(options: &LoadOptions) -> Self {
        Self {
            replicas: options.replicas.max(1),
            cores: options.cores.clone(),
            prefill_threads: options.prefill_threads,
            decode_threads: options.decode_threads,
            parallel: options.parallel.max(1),
            context_per_sequence: options.context_per_sequence,
            shared_cells: options.shared_cells,
            cache_type: options.cache_type,
            one_pass: options.attention,
            static_batches: match options.batching {
                Batching::Continuous => None,
                Batching::Static { size, wait, max_tokens } => {
                    let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                    Some(StaticBatches { size, wait_ms, max_tokens })
                }
            },
            weights: None,
        }
    }

    /// The options of the server with these in place of its own.
    #[must_use]
    pub fn options(&self, base: &LoadOptions) -> LoadOptions {
        LoadOptions {
            cores: self.cores.clone(),
            cache_type: self.cache_type,
            attention: self.one_pass.or(base.attention),
            prefill_threads: self.prefill_threads,
            decode_threads: self.decode_threads,
            parallel: self.parallel,
            context_per_sequence: self.context_per_sequence,
            shared_cells: self.shared_cells,
            batching: self.static_batches.map_or(Batching::Continuous, |batches| Batching::Static {
                size: batches.size,
                wait: Duration::from_millis(batches.wait_ms),
                max_tokens: batches.max_tokens,
            }),
            ..base.clone().with_replicas(self.replicas)
        }
    }
}

/// A model's profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tuned {
    /// The job that found it.
    pub job: String,
    /// How the model is loaded.
    pub settings: TunedSettings,
    /// The files that were measured, where the weights are another model's.
    pub pinned: Option<PinnedWeights>,
}

/// Weights of another model that were measured in place of a model's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinnedWeights {
    /// The digest of the tuned model's own files.
    pub own: String,
    /// The digest of the other model's.
    pub other: String,
}

/// A value that is kept as its text.
mod as_text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(super) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// Values that are kept as their texts.
mod as_texts {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<T: Display, S: Serializer>(values: &[T], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(values.iter().map(ToString::to_string))
    }

    pub(super) fn deserialize<'de, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        let texts = Vec::<String>::deserialize(deserializer)?;
        texts.iter().map(|text| text.parse().map_err(D::Error::custom)).collect()
    }
}
