//! What a model will take and how fast it will be, from what it is built of and what the machine was measured to do.
//! Pure: nothing is read or measured here.
//!
//! **Memory** is the weights, the cache of `slots` sequences of `context` tokens, and the working buffers
//! ([`inference::Facts::memory_bytes`] takes the same parts).
//!
//! **Decoding** one token reads every matrix once, at the speed that this machine reads matrices of that format with
//! (`Rate::bytes_per_second`: the measured bandwidth, or less where unpacking them is slower); it reads the cache of the
//! tokens before, at the bandwidth; and it goes through the steps of each layer, at each of which the threads wait for each
//! other.
//!
//! **Reading a prompt** of `n` tokens reads every matrix once, and multiplies each of its numbers `n` times at the
//! measured rate of its format; attention adds a product that grows with the square of `n`; the rest of a layer moves its
//! hidden state some times through memory.

use inference::{Matrices, Rate, Shape};

/// Steps of a layer besides its products with matrices, at each of which threads wait: norms, rotations, copies into the
/// cache, attention's own products, additions.
const STEPS_OF_A_LAYER: f64 = 14.0;
/// Products with matrices of a layer: queries, keys, values, output, and three of the feed-forward part.
const PRODUCTS_OF_A_LAYER: f64 = 7.0;
/// How often a token's hidden state passes through memory in a layer while a prompt is read.
const PASSES_OF_A_LAYER: f64 = 24.0;
/// The products of attention while a prompt is read run at this part of the speed of 16-bit matrices.
const ATTENTION_PART: f64 = 0.5;
/// What drawing a token from one word of the vocabulary takes, in seconds.
const DRAW_SECONDS: f64 = 2.0e-9;

/// A model as a prediction takes it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sizes {
    pub(crate) shape: Shape,
    pub(crate) vocabulary: u32,
    pub(crate) hidden: u32,
    /// The tokens that it was trained to read at most.
    pub(crate) context_length: u32,
    pub(crate) weights_bytes: u64,
    /// The bytes of cache of one token in one sequence, in floats of 16 bits.
    pub(crate) cache_bytes_per_token: u64,
    pub(crate) working_bytes: u64,
}

/// What a machine was measured to do.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Machine {
    /// Bytes a second that all cores move together.
    pub(crate) bandwidth: f64,
    /// What a step of a computation costs beside its work, in seconds.
    pub(crate) step_seconds: f64,
    pub(crate) rates: Vec<Rate>,
}

/// The memory that a model takes, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Memory {
    pub(crate) weights: u64,
    pub(crate) cache: u64,
    /// Of `cache`, what is made only when sequences first begin alike.
    pub(crate) later: u64,
    pub(crate) working: u64,
}

impl Memory {
    /// All of it.
    pub(crate) fn total(self) -> u64 {
        self.weights.saturating_add(self.cache).saturating_add(self.working)
    }

    /// What there is of it as soon as the model is loaded.
    pub(crate) fn at_load(self) -> u64 {
        self.total().saturating_sub(self.later)
    }
}

/// How a model is to be loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) context: u32,
    pub(crate) slots: u32,
    pub(crate) replicas: u32,
    /// The tokens of the buffer that sequences share which begin alike.
    pub(crate) shared: u32,
    pub(crate) cache_type: inference::CacheType,
}

/// The memory of a model that is loaded as asked.
pub(crate) fn memory(sizes: &Sizes, asked: &Asked) -> Memory {
    let cells = |tokens: u64| asked.cache_type.bytes(sizes.cache_bytes_per_token.saturating_mul(tokens));
    let replicas = u64::from(asked.replicas.max(1));
    let own = u64::from(asked.context) * u64::from(asked.slots.max(1));
    let (all, kept) = (cells(own + u64::from(asked.shared)), cells(own));
    Memory {
        weights: sizes.weights_bytes,
        cache: all.saturating_mul(replicas),
        later: all.saturating_sub(kept).saturating_mul(replicas),
        working: sizes.working_bytes.saturating_mul(replicas),
    }
}

/// The tokens a second that one sequence is written with, `depth` tokens after its beginning.
pub(crate) fn decode_rate(sizes: &Sizes, machine: &Machine, depth: u32) -> f64 {
    let matrices: f64 =
        sizes.shape.matrices.iter().map(|part| part.bytes as f64 / machine.rate(part).bytes_per_second).sum();
    let looked = sizes.shape.window.map_or(depth, |window| depth.min(window));
    let cache = sizes.cache_bytes_per_token as f64 * f64::from(looked) / machine.bandwidth.max(1.0);
    let draw = f64::from(sizes.vocabulary) * DRAW_SECONDS;
    1.0 / (matrices + cache + machine.steps(sizes) + draw).max(1e-9)
}

/// The tokens a second that a prompt of so many is read with.
pub(crate) fn prefill_rate(sizes: &Sizes, machine: &Machine, tokens: u32) -> f64 {
    let n = f64::from(tokens.max(1));
    let shape = &sizes.shape;
    let product = |part: &Matrices| {
        let rate = machine.rate(part);
        let once = part.bytes as f64 / rate.bytes_per_second;
        let all = part.numbers as f64 * n / rate.numbers_per_second;
        // Whichever takes longer hides the other, but for a few rows, where neither is in full swing.
        once.max(all) + 0.25 * once.min(all)
    };
    let matrices: f64 = shape.matrices.iter().map(product).sum();
    let looked = shape.window.map_or(n, |window| n.min(f64::from(window) * 2.0));
    let heads = f64::from(shape.layers) * f64::from(shape.heads) * f64::from(shape.head_size);
    // Scores and sums, of half the square on average.
    let attention = heads * n * looked / (machine.half().numbers_per_second * ATTENTION_PART);
    let moved =
        f64::from(shape.layers) * f64::from(sizes.hidden) * 4.0 * PASSES_OF_A_LAYER * n / machine.bandwidth.max(1.0);
    let chunks = (n / f64::from(inference::CHUNK)).ceil();
    n / (matrices + attention + moved + machine.steps(sizes) * chunks).max(1e-9)
}

/// How far a prediction is from what was measured, as a part of that: 0.1 where it is a tenth too high.
pub(crate) fn error(predicted: f64, measured: f64) -> Option<f64> {
    (measured > 0.0 && predicted.is_finite()).then(|| predicted / measured - 1.0)
}

impl Machine {
    /// The rate of the matrices' format; of a format that was not measured, what the bandwidth allows.
    fn rate(&self, part: &Matrices) -> Rate {
        self.rates.iter().find(|rate| rate.format == part.format).cloned().unwrap_or_else(|| Rate {
            format: part.format.clone(),
            bytes_per_second: self.bandwidth.max(1.0),
            numbers_per_second: self.half().numbers_per_second,
        })
    }

    /// The rate of floats of 16 bits, in which attention computes.
    fn half(&self) -> Rate {
        let measured = self.rates.iter().find(|rate| rate.format == "F16").cloned();
        measured.unwrap_or_else(|| Rate {
            format: "F16".to_owned(),
            bytes_per_second: self.bandwidth.max(1.0),
            numbers_per_second: self.bandwidth.max(1.0),
        })
    }

    fn steps(&self, sizes: &Sizes) -> f64 {
        f64::from(sizes.shape.layers) * (STEPS_OF_A_LAYER + PRODUCTS_OF_A_LAYER) * self.step_seconds
    }
}
