//! How a model is loaded.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::cores::CoreSet;
use crate::{Batching, Error, Result, SHARED_CELLS};

/// The most replicas of a model.
pub const MOST_REPLICAS: u32 = 64;
/// The most shares in which a model is cut for GPUs: as many as llama.cpp has devices for.
pub const MOST_SHARES: usize = 16;

/// How a model is loaded.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadOptions {
    /// What the model is called in metrics and logs, which everyone reads; none: as its file says.
    pub name: Option<String>,
    /// The requests that are decoded side by side, by each replica.
    pub parallel: u32,
    /// The tokens of context of each of them; 0: as many as the model was trained for. The cache's memory is
    /// `replicas` times `parallel` times this, taken when the model is loaded.
    pub context_per_sequence: u32,
    /// The requests that may wait beside those, at all replicas together.
    pub queue: usize,
    /// The most threads that read prompts; 0: as many as the machine, or the replica's core set, has cores.
    pub prefill_threads: u32,
    /// The most threads that write answers; 0: as many as the machine, or the replica's core set, has cores.
    pub decode_threads: u32,
    /// Layers that are computed on a GPU, in a build that has one.
    pub gpu_layers: u32,
    /// The tokens of the buffer that sequences share which begin alike; 0: none, each has a buffer of its own. The
    /// buffer is made when it is first needed.
    pub shared_cells: u32,
    /// How requests come together.
    pub batching: Batching,
    /// The memory for what prompts begin with beside the sequences' caches, in bytes, for all replicas together; taken as
    /// they come.
    pub prefix_cache_bytes: u64,
    /// How many engines serve the model, each with sequences, a queue and a thread of its own. They share the weights.
    pub replicas: u32,
    /// The cores that each replica computes on, one set a replica; empty: wherever the operating system likes.
    pub cores: Vec<CoreSet>,
    /// How the numbers of the sequences' caches are stored.
    pub cache_type: CacheType,
    /// Whether attention is computed in one pass ("flash"); none: the engine chooses by the model's size.
    pub attention: Option<bool>,
    /// How a model is cut for several GPUs. Without meaning in a build that has none.
    pub split: Split,
    /// The GPU of a model that is not cut, and of what is not cut of one that is cut by rows. As `split`.
    pub main_gpu: u32,
    /// How much of the model each GPU gets, in any unit; empty: as their free memory says. As `split`.
    pub tensor_split: Vec<f32>,
    /// The GPU of each replica, which has the whole model there; replicas on one GPU share its weights. Empty: all replicas
    /// as `split` says. As `split`.
    pub gpus: Vec<u32>,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            name: None,
            parallel: 8,
            context_per_sequence: 4096,
            queue: 64,
            prefill_threads: 0,
            decode_threads: 0,
            gpu_layers: 0,
            shared_cells: SHARED_CELLS,
            batching: Batching::Continuous,
            prefix_cache_bytes: 1 << 30,
            replicas: 1,
            cores: Vec::new(),
            cache_type: CacheType::default(),
            attention: None,
            split: Split::default(),
            main_gpu: 0,
            tensor_split: Vec::new(),
            gpus: Vec::new(),
        }
    }
}

impl LoadOptions {
    /// Checks what belongs together.
    ///
    /// # Errors
    /// Request, with what is wrong: no replica or more than [`MOST_REPLICAS`]; not one core set for each replica, or a core
    /// in two of them; a quantized cache without one-pass attention, which llama.cpp needs for it; shares that are
    /// negative, no numbers, all nothing, or more than [`MOST_SHARES`]; not one GPU for each replica, or GPUs of replicas
    /// for a model that is cut by rows or shares.
    pub fn validate(&self) -> Result<()> {
        let refuse = |reason: String| Err(Error::Request { reason });
        if !(1..=MOST_REPLICAS).contains(&self.replicas) {
            return refuse(format!("`replicas` is {} and must be 1 to {MOST_REPLICAS}", self.replicas));
        }
        if !self.cores.is_empty() && self.cores.len() != self.replicas as usize {
            return refuse(format!("{} core sets are given for {} replicas", self.cores.len(), self.replicas));
        }
        for (at, set) in self.cores.iter().enumerate() {
            if let Some(core) = self.cores[..at].iter().find_map(|other| other.common(set)) {
                return refuse(format!("core {core} is in two core sets"));
            }
        }
        if self.cache_type.is_quantized() && self.attention == Some(false) {
            return refuse(format!("a cache of type `{}` needs attention in one pass", self.cache_type));
        }
        if let Some(gpu) = self.gpus.iter().chain([&self.main_gpu]).find(|gpu| **gpu as usize >= MOST_SHARES) {
            return refuse(format!("there is no GPU {gpu}"));
        }
        if !self.gpus.is_empty() && self.gpus.len() != self.replicas as usize {
            return refuse(format!("{} GPUs are given for {} replicas", self.gpus.len(), self.replicas));
        }
        if !self.gpus.is_empty() && (self.split == Split::Row || !self.tensor_split.is_empty()) {
            return refuse("a replica with a GPU of its own has the whole model there: it cannot be cut".to_owned());
        }
        self.validate_shares()
    }

    fn validate_shares(&self) -> Result<()> {
        let refuse = |reason: &str| Err(Error::Request { reason: format!("the shares of the GPUs {reason}") });
        let shares = &self.tensor_split;
        if shares.len() > MOST_SHARES {
            return refuse(&format!("are {} and may be {MOST_SHARES}", shares.len()));
        }
        if shares.iter().any(|share| !share.is_finite() || *share < 0.0) {
            return refuse("must be 0 or more");
        }
        match !shares.is_empty() && shares.iter().all(|share| *share == 0.0) {
            true => refuse("are all 0"),
            false => Ok(()),
        }
    }

    /// The cores of a replica; none: all.
    #[must_use]
    pub fn cores_of(&self, replica: usize) -> Option<&CoreSet> {
        self.cores.get(replica)
    }

    /// The options of a replica: where it has a GPU of its own, with the whole model there.
    #[must_use]
    pub fn of_replica(&self, replica: usize) -> Self {
        match self.gpus.get(replica) {
            Some(gpu) => Self { split: Split::None, main_gpu: *gpu, ..self.clone() },
            None => self.clone(),
        }
    }

    /// These options with so many replicas: over the same GPUs in turn, and on core sets only where there is one for each.
    #[must_use]
    pub fn with_replicas(self, replicas: u32) -> Self {
        let cores = if self.cores.len() == replicas as usize { self.cores } else { Vec::new() };
        // Of none there is no turn, so none is what comes of it.
        let gpus = self.gpus.iter().copied().cycle().take(replicas as usize).collect();
        Self { replicas, cores, gpus, ..self }
    }

    /// How many times the weights are loaded: once for each GPU that replicas have of their own.
    #[must_use]
    pub fn copies_of_weights(&self) -> u64 {
        self.gpus.iter().collect::<BTreeSet<_>>().len().max(1) as u64
    }

    /// The requests that may wait at one replica.
    #[must_use]
    pub fn queue_of_each(&self) -> usize {
        self.queue.div_ceil(self.replicas.max(1) as usize)
    }

    /// The memory for what prompts begin with at one replica, in bytes.
    #[must_use]
    pub fn prefix_cache_of_each(&self) -> u64 {
        self.prefix_cache_bytes / u64::from(self.replicas.max(1))
    }
}

/// How the numbers of a cache are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CacheType {
    /// Floats of 16 bits.
    #[default]
    F16,
    /// Floats of 32 bits: twice the memory.
    F32,
    /// 32 integers of 8 bits with one scale: about half the memory, and a rounding that shows. Needs attention in one pass.
    Q8_0,
}

impl CacheType {
    /// Whether several numbers share a scale.
    #[must_use]
    pub const fn is_quantized(self) -> bool {
        matches!(self, Self::Q8_0)
    }

    /// The bytes of what takes `half` bytes in floats of 16 bits.
    #[must_use]
    pub const fn bytes(self, half: u64) -> u64 {
        match self {
            Self::F16 => half,
            Self::F32 => half.saturating_mul(2),
            // 32 bytes and a scale of two, for 32 floats of two bytes.
            Self::Q8_0 => half.saturating_mul(34) / 64,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::F16 => "f16",
            Self::F32 => "f32",
            Self::Q8_0 => "q8_0",
        }
    }
}

impl fmt::Display for CacheType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for CacheType {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let all = [Self::F16, Self::F32, Self::Q8_0];
        all.into_iter()
            .find(|kind| kind.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| Error::Request { reason: format!("`{text}` is no cache type: use `f16`, `f32` or `q8_0`") })
    }
}

/// How a model is cut for several GPUs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Split {
    /// It is not.
    None,
    /// Each gets some of the layers.
    #[default]
    Layer,
    /// Each gets some of every matrix's rows.
    Row,
}

impl Split {
    const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Layer => "layer",
            Self::Row => "row",
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Split {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let all = [Self::None, Self::Layer, Self::Row];
        all.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(text)).ok_or_else(|| Error::Request {
            reason: format!("`{text}` is no way to cut a model: use `none`, `layer` or `row`"),
        })
    }
}

#[cfg(test)]
mod tests;
