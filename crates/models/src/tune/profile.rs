//! What a tuning sets, and what it may choose from.

use std::time::Duration;

use inference::{Batching, Facts, LoadOptions, SHARED_CELLS};
use serde::{Deserialize, Serialize};

/// How a tuned model is loaded. What is not here is as in the server's settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TunedSettings {
    /// The most threads that read prompts; 0: as many as the machine has cores.
    pub prefill_threads: u32,
    /// The most threads that write answers; 0: as many as the machine has cores.
    pub decode_threads: u32,
    /// The requests that are decoded side by side.
    pub parallel: u32,
    /// The tokens of context of each of them; 0: as many as the model was trained for.
    pub context_per_sequence: u32,
    /// The tokens of the buffer that requests share which begin alike; 0: none.
    pub shared_cells: u32,
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

/// How long a smaller batch is waited for, in milliseconds.
const WAIT_MS: u64 = 20;

impl TunedSettings {
    /// What the options of the server say.
    #[must_use]
    pub fn of(options: &LoadOptions) -> Self {
        Self {
            prefill_threads: options.prefill_threads,
            decode_threads: options.decode_threads,
            parallel: options.parallel.max(1),
            context_per_sequence: options.context_per_sequence,
            shared_cells: options.shared_cells,
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
            ..base.clone()
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
}

/// The weights that a profile may load.
#[derive(Debug, Clone)]
pub(super) struct Weighed {
    /// The model of the library; none: the tuned model itself.
    pub(super) name: Option<String>,
    pub(super) facts: Facts,
}

/// What bounds the candidates.
#[derive(Debug, Clone)]
pub(super) struct Space<'a> {
    pub(super) default: &'a LoadOptions,
    /// The profile that the model has.
    pub(super) current: Option<TunedSettings>,
    pub(super) weights: &'a [Weighed],
    pub(super) cores: u32,
    pub(super) budget: u64,
    /// The least context that a sequence must keep; none: that of the default.
    pub(super) least_context: Option<u32>,
    /// The most tokens of an answer, where answers may be bounded: then static batches are tried, too.
    pub(super) bounded_answers: Option<u32>,
    pub(super) embeds: bool,
}

impl Space<'_> {
    /// The candidates that fit the memory, the default first, then the present profile, then what differs from the
    /// default in one thing, then the rest in an order that `seed` decides.
    pub(super) fn candidates(&self, seed: u64) -> Vec<TunedSettings> {
        let default = TunedSettings::of(self.default);
        let mut rest: Vec<TunedSettings> = self.all(&default).into_iter().filter(|one| self.fits(one)).collect();
        rest.sort_by_cached_key(|one| {
            let far = distance(one, &default);
            (far.max(1), if far > 1 { mix(seed ^ fingerprint(one)) } else { mix(fingerprint(one)) })
        });
        let current = self.current.clone().filter(|current| self.fits(current));
        let mut found: Vec<TunedSettings> = Vec::with_capacity(rest.len() + 2);
        for one in std::iter::once(default).chain(current).chain(rest) {
            if !found.contains(&one) {
                found.push(one);
            }
        }
        found
    }

    fn all(&self, default: &TunedSettings) -> Vec<TunedSettings> {
        let fewer = [self.cores.div_ceil(2), self.cores.div_ceil(4), self.cores * 3 / 4];
        let threads = |own: u32| counts(own, &fewer);
        let decode = if self.embeds { vec![default.decode_threads] } else { threads(default.decode_threads) };
        let parallel =
            if self.embeds { vec![default.parallel] } else { counts(default.parallel, &[1, 2, 4, 8, 16, 32]) };
        let shared =
            if self.embeds { vec![default.shared_cells] } else { distinct([default.shared_cells, 0, SHARED_CELLS]) };
        let mut all = Vec::new();
        for weights in self.weights {
            for context in self.contexts(default, &weights.facts) {
                for prefill_threads in threads(default.prefill_threads) {
                    for decode_threads in &decode {
                        for parallel in &parallel {
                            all.extend(shared.iter().map(|shared_cells| TunedSettings {
                                prefill_threads,
                                decode_threads: *decode_threads,
                                parallel: *parallel,
                                context_per_sequence: context,
                                shared_cells: *shared_cells,
                                static_batches: default.static_batches,
                                weights: weights.name.clone(),
                            }));
                        }
                    }
                }
            }
        }
        let Some(max_tokens) = self.bounded_answers.filter(|_| !self.embeds) else { return all };
        let gathered = all.iter().filter(|one| one.parallel > 1).map(|one| {
            let batches = StaticBatches { size: one.parallel, wait_ms: WAIT_MS, max_tokens };
            TunedSettings { static_batches: Some(batches), ..one.clone() }
        });
        let gathered: Vec<TunedSettings> = gathered.collect();
        all.extend(gathered);
        all
    }

    /// The default's context and, where the caller needs less, powers of two down to that.
    fn contexts(&self, default: &TunedSettings, facts: &Facts) -> Vec<u32> {
        let mut contexts = vec![default.context_per_sequence];
        let Some(least) = self.least_context.filter(|_| !self.embeds) else { return contexts };
        let mut context = facts.context_per_sequence(self.default).next_power_of_two() / 2;
        while context >= least.max(1) {
            contexts.push(context);
            context /= 2;
        }
        contexts
    }

    fn fits(&self, one: &TunedSettings) -> bool {
        let weights = self.weights.iter().find(|weights| weights.name == one.weights);
        weights.is_some_and(|weights| weights.facts.memory_bytes(&one.options(self.default)) <= self.budget)
    }
}

/// In how many things two differ.
fn distance(one: &TunedSettings, other: &TunedSettings) -> u32 {
    u32::from(one.prefill_threads != other.prefill_threads)
        + u32::from(one.decode_threads != other.decode_threads)
        + u32::from(one.parallel != other.parallel)
        + u32::from(one.context_per_sequence != other.context_per_sequence)
        + u32::from(one.shared_cells != other.shared_cells)
        + u32::from(one.static_batches != other.static_batches)
        + u32::from(one.weights != other.weights)
}

fn fingerprint(one: &TunedSettings) -> u64 {
    let weights = one.weights.iter().flat_map(|name| name.bytes()).map(u64::from);
    let batch = one.static_batches.map_or(0, |batches| batches.size);
    let numbers =
        [one.prefill_threads, one.decode_threads, one.parallel, one.context_per_sequence, one.shared_cells, batch];
    numbers.map(u64::from).into_iter().chain(weights).fold(0, |state, number| mix(state ^ number))
}

/// SplitMix64 (Steele, Lea, Flood, Fast splittable pseudorandom number generators, OOPSLA 2014).
pub(super) fn mix(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Different numbers, the default's own first; 0 only where that is it.
fn counts(own: u32, others: &[u32]) -> Vec<u32> {
    let mut numbers = vec![own];
    for other in others {
        if *other > 0 && !numbers.contains(other) {
            numbers.push(*other);
        }
    }
    numbers
}

fn distinct<const N: usize>(numbers: [u32; N]) -> Vec<u32> {
    let mut found = Vec::new();
    for number in numbers {
        if !found.contains(&number) {
            found.push(number);
        }
    }
    found
}
