//! What a model will take and how fast it will be, from what it is built of and what the machine was measured to do.
//! Pure: nothing is read or measured here.
//!
//! **Memory** is the weights, the cache of `slots` sequences of `context` tokens, and the working buffers
//! ([`inference::Facts::memory_bytes`] takes the same parts).
//!
//! **Decoding** one token reads every matrix once, at the speed that this machine reads matrices of that format with
//! (`Rate::bytes_per_second`: the measured bandwidth, or less where unpacking them is slower); it norms, rounds and adds what
//! goes into them and comes out of them; it attends to the tokens before, at the measured rate or as fast as the bandwidth
//! gives their cache, whichever is slower; and it goes through the steps of each layer, at each of which the threads wait for
//! each other. One thread does all of this where all of them are slower.
//!
//! **Reading a prompt** of `n` tokens reads every matrix once, and multiplies each number of the layers' matrices `n` times at
//! the measured rate of its format (those of the output once, for the last token), with what goes in and comes out;
//! attention adds products that grow with the square of `n`.

use inference::{AttentionRate, ByThreads, Matrices, Rate, Shape};

/// Steps of a layer, at each of which threads wait: seven products with matrices, norms, rotations, copies into the cache,
/// attention, additions.
const STEPS_OF_A_LAYER: f64 = 18.0;
/// llama.cpp counts the cells of a cache in steps of this, and attention in steps computes all of them.
const CELLS: u32 = 256;
/// What drawing a token from one word of the vocabulary takes, in seconds.
const DRAW_SECONDS: f64 = 2.0e-9;

/// Chooses a figure by who computes.
type Threads = fn(ByThreads) -> f64;
const BY_ONE: Threads = |figure| figure.one;
const BY_ALL: Threads = |figure| figure.all;

/// A model as a prediction takes it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sizes {
    pub(crate) shape: Shape,
    pub(crate) vocabulary: u32,
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
    pub(crate) step_seconds: ByThreads,
    pub(crate) rates: Vec<Rate>,
    pub(crate) in_one_pass: AttentionRate,
    pub(crate) in_steps: AttentionRate,
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

/// The tokens a second that one sequence is written with, `depth` tokens after its beginning, with attention in one pass or
/// in steps.
pub(crate) fn decode_rate(sizes: &Sizes, machine: &Machine, depth: u32, in_one_pass: bool) -> f64 {
    let shape = &sizes.shape;
    let looked = shape.window.map_or(depth, |window| depth.min(window));
    let cells = if in_one_pass { looked } else { (depth + 1).next_multiple_of(CELLS) };
    let cache = sizes.cache_bytes_per_token as f64 * f64::from(looked) / machine.bandwidth.max(1.0);
    let attention = machine.attention(in_one_pass).alone_per_second;
    let draw = f64::from(sizes.vocabulary) * DRAW_SECONDS;
    let seconds = |by: Threads| {
        let matrices: f64 = shape.matrices.iter().chain([&shape.output]).map(|part| machine.once(part, by)).sum();
        let computed = products(shape) * f64::from(cells) / by(attention);
        matrices + computed.max(cache) + machine.steps(sizes, by) + draw
    };
    // The engine tries both.
    1.0 / seconds(BY_ONE).min(seconds(BY_ALL)).max(1e-9)
}

/// The tokens a second that a prompt of so many is read with, with attention in one pass or in steps.
pub(crate) fn prefill_rate(sizes: &Sizes, machine: &Machine, tokens: u32, in_one_pass: bool) -> f64 {
    let n = f64::from(tokens.max(1));
    let shape = &sizes.shape;
    let product = |part: &Matrices| {
        let rate = machine.rate(part);
        let around = part.activations as f64 * seconds(rate.activations_together_per_second);
        let all = n * (part.numbers as f64 / rate.numbers_per_second + around);
        let once = part.bytes as f64 / rate.bytes_per_second.all.max(1.0);
        // Whichever takes longer hides the other, but for a few rows, where neither is in full swing.
        once.max(all) + 0.25 * once.min(all)
    };
    let matrices: f64 = shape.matrices.iter().map(product).sum();
    let chunk = f64::from(inference::CHUNK);
    let chunks = (n / chunk).ceil();
    // In one pass what lies behind a token or out of its window is left out; in steps a chunk is computed with all before it, and
    // with all of itself.
    let looked = match in_one_pass {
        true => shape.window.map_or(n, |window| n.min(f64::from(window) * 2.0)) / 2.0,
        false => (n + n.min(chunk)) / 2.0,
    };
    let attention = products(shape) * n * looked / machine.attention(in_one_pass).together_per_second;
    let all = matrices + machine.once(&shape.output, BY_ALL) + attention + machine.steps(sizes, BY_ALL) * chunks;
    // No prompt is read slower than its tokens are written one by one: where all threads are slow, the engine takes fewer.
    (n / all.max(1e-9)).max(decode_rate(sizes, machine, tokens / 2, in_one_pass))
}

/// The multiplications of a token with another one that it looks at: with its key and with its value, in all heads.
fn products(shape: &Shape) -> f64 {
    2.0 * f64::from(shape.layers) * f64::from(shape.heads) * f64::from(shape.head_size)
}

/// The seconds of one at a rate; none where no rate is known.
fn seconds(rate: f64) -> f64 {
    if rate > 0.0 { 1.0 / rate } else { 0.0 }
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
            bytes_per_second: self.even(),
            numbers_per_second: self.half().numbers_per_second,
            ..Rate::default()
        })
    }

    /// The seconds of one token's product with matrices.
    fn once(&self, part: &Matrices, by: Threads) -> f64 {
        let rate = self.rate(part);
        let around = part.activations as f64 * seconds(by(rate.activations_alone_per_second));
        part.bytes as f64 / by(rate.bytes_per_second).max(1.0) + around
    }

    /// The bandwidth, whoever reads.
    fn even(&self) -> ByThreads {
        ByThreads { one: self.bandwidth.max(1.0), all: self.bandwidth.max(1.0) }
    }

    /// The rate of attention; where it was not measured, half of that of 16-bit matrices.
    pub(crate) fn attention(&self, in_one_pass: bool) -> AttentionRate {
        let measured = if in_one_pass { self.in_one_pass } else { self.in_steps };
        let presumed = self.half().numbers_per_second / 2.0;
        let known = |rate: f64| if rate > 0.0 { rate } else { presumed };
        let alone = measured.alone_per_second;
        let either = if alone.all > 0.0 { alone.all } else { alone.one };
        let alone = ByThreads { one: if alone.one > 0.0 { alone.one } else { either }, all: either };
        AttentionRate { alone_per_second: alone.map(known), together_per_second: known(measured.together_per_second) }
    }

    /// The rate of floats of 16 bits.
    fn half(&self) -> Rate {
        let measured = self.rates.iter().find(|rate| rate.format == "F16").cloned();
        measured.unwrap_or_else(|| Rate {
            format: "F16".to_owned(),
            bytes_per_second: self.even(),
            numbers_per_second: self.bandwidth.max(1.0),
            ..Rate::default()
        })
    }

    fn steps(&self, sizes: &Sizes, by: Threads) -> f64 {
        f64::from(sizes.shape.layers) * STEPS_OF_A_LAYER * by(self.step_seconds)
    }
}
