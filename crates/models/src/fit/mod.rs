//! The fit oracle: what a model will take and how fast it will be, before it is downloaded; and how far that was from
//! what came of it, after it has answered.

mod core;
mod machine;
mod sizes;
pub(crate) mod store;

#[cfg(test)]
mod tests;

use base::{Error, Result};
use identity::Ctx;
use inference::{CacheType, LoadOptions};

use self::core::{Asked, Machine, Sizes};
pub(crate) use self::machine::Latest;
use crate::Models;
use crate::catalogue::CardKind;
use crate::loaded::Pace;

/// The tokens of the prompt by which the speed of reading is told.
pub const PROMPT: u32 = 512;
/// How far into a sequence the speed of writing is told, in tokens.
pub const DEPTH: u32 = 256;

/// How a model would be loaded; what is not said is as the server's settings and the model have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FitAsk {
    /// Tokens of context of each sequence.
    pub context: Option<u32>,
    /// Sequences side by side.
    pub slots: Option<u32>,
    /// How the cache's numbers are stored.
    pub cache_type: Option<CacheType>,
    /// Whether the machine is measured anew, and not only when it is first asked for.
    pub anew: bool,
}

/// A prediction, and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// The model.
    pub name: String,
    /// Whether its own files were read, or the catalogue's figures had to do.
    pub from_files: bool,
    /// Tokens of context of each sequence.
    pub context: u32,
    /// Sequences side by side.
    pub slots: u32,
    /// How the cache's numbers are stored.
    pub cache_type: CacheType,
    /// The weights, in bytes.
    pub weights_bytes: u64,
    /// The caches of all sequences, with the buffer that they share, in bytes.
    pub cache_bytes: u64,
    /// Working buffers, in bytes.
    pub working_bytes: u64,
    /// All of it, in bytes.
    pub memory_bytes: u64,
    /// Of it, what is taken as soon as the model is loaded, in bytes: the shared buffer comes when it is first needed.
    pub load_bytes: u64,
    /// What models may take, without what models in use take now, in bytes. Idle ones make room.
    pub available_bytes: u64,
    /// Whether it fits into that.
    pub fits: bool,
    /// What is missing where it does not, in bytes.
    pub missing_bytes: u64,
    /// Tokens a second at which a prompt of [`PROMPT`] tokens is read; none for what does not generate, and
    /// where the engine does not tell how fast it multiplies.
    pub prefill_tokens_per_second: Option<f64>,
    /// Tokens a second at which one sequence is written, [`DEPTH`] tokens after its beginning.
    pub decode_tokens_per_second: Option<f64>,
    /// What was measured of the machine.
    pub basis: FitBasis,
    /// What came of it, where the model is in memory and has answered.
    pub measured: Option<FitMeasured>,
}

/// What was measured of the machine for a prediction.
#[derive(Debug, Clone, PartialEq)]
pub struct FitBasis {
    /// Bytes a second that all cores move together.
    pub bandwidth: f64,
    /// What a step of a computation costs beside its work, in seconds.
    pub step_seconds: inference::ByThreads,
    /// How fast weights of the model's formats are multiplied.
    pub rates: Vec<inference::Rate>,
    /// Whether the model attends in one pass, as it would be loaded.
    pub one_pass: bool,
    /// How fast attention is computed so.
    pub attention: inference::AttentionRate,
}

/// What came of a prediction, with its errors as parts of what was measured: 0.1 where it was a tenth too high.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct FitMeasured {
    /// The memory that the process took more when the model had been loaded, in bytes.
    pub memory_bytes: Option<u64>,
    /// The median speed of reading the latest prompts, each alone, in tokens a second.
    pub prefill_tokens_per_second: Option<f64>,
    /// The median speed of writing the latest answers, each alone, in tokens a second.
    pub decode_tokens_per_second: Option<f64>,
    /// The error in the memory, against what is taken at loading as it was loaded.
    pub memory_error: Option<f64>,
    /// The error in the speed of reading, for prompts of the length that they had.
    pub prefill_error: Option<f64>,
    /// The error in the speed of writing, for answers of the length that they had.
    pub decode_error: Option<f64>,
}

impl Models {
    /// What a model will take and how fast it will be on this machine, whether it is pulled or not; for one in memory also
    /// how far the prediction was from what came of it. The first time, the machine is measured: that takes some seconds.
    ///
    /// # Errors
    /// NotFound, where there is no such model; Invalid, for a context or a number of sequences that no model has.
    pub async fn fit(&self, _ctx: &Ctx, name: &str, ask: FitAsk) -> Result<Fit> {
        check(&ask)?;
        let (options, pace) = (self.inner.loaded.options().clone(), self.inner.loaded.pace(name));
        self.predicted(name, (&options, ask), pace.as_ref()).await
    }

    /// As [`Models::fit`] of what is in memory under a key of the pool, as that was loaded; none where nothing is.
    pub(crate) async fn fit_of_loaded(&self, name: &str, key: &str) -> Result<Option<Fit>> {
        let Some(pace) = self.inner.loaded.pace_of(key) else { return Ok(None) };
        self.predicted(name, (&pace.options, FitAsk::default()), Some(&pace)).await.map(Some)
    }

    async fn predicted(&self, name: &str, (options, ask): (&LoadOptions, FitAsk), pace: Option<&Pace>) -> Result<Fit> {
        let (sizes, kind, from_files) = self.sizes(name).await?;
        let asked = asked(&sizes, options, &ask);
        let matrices = sizes.shape.matrices.iter().chain([&sizes.shape.output]);
        let mut formats: Vec<String> = matrices.map(|part| part.format.clone()).collect();
        formats.push("F16".to_owned());
        formats.sort();
        formats.dedup();
        let machine = self.machine(formats.clone(), sizes.shape.heads(), ask.anew).await?;
        let one_pass = self.attends_in_one_pass(&sizes, options, asked.cache_type);
        let speeds = (kind == CardKind::Text && !machine.rates.is_empty()).then(|| {
            (
                core::prefill_rate(&sizes, &machine, PROMPT.min(asked.context), one_pass),
                core::decode_rate(&sizes, &machine, DEPTH, one_pass),
            )
        });
        let memory = core::memory(&sizes, &asked);
        let available = self.inner.loaded.room_beside_those_in_use(name);
        let missing = memory.total().saturating_sub(available);
        let measured = pace.map(|pace| self.compared(&sizes, &machine, pace));
        Ok(Fit {
            name: name.to_owned(),
            from_files,
            context: asked.context,
            slots: asked.slots,
            cache_type: asked.cache_type,
            weights_bytes: memory.weights,
            cache_bytes: memory.cache,
            working_bytes: memory.working,
            memory_bytes: memory.total(),
            load_bytes: memory.at_load(),
            available_bytes: available,
            fits: missing == 0,
            missing_bytes: missing,
            prefill_tokens_per_second: speeds.map(|(prefill, _)| prefill),
            decode_tokens_per_second: speeds.map(|(_, decode)| decode),
            basis: FitBasis {
                bandwidth: machine.bandwidth,
                step_seconds: machine.step_seconds,
                rates: machine.rates.iter().filter(|rate| formats.contains(&rate.format)).cloned().collect(),
                one_pass,
                attention: machine.attention(one_pass),
            },
            measured,
        })
    }

    fn attends_in_one_pass(&self, sizes: &Sizes, options: &LoadOptions, cache_type: CacheType) -> bool {
        let options = LoadOptions { cache_type, ..options.clone() };
        self.inner.loaded.loader().attends_in_one_pass(sizes.weights_bytes, &options)
    }

    /// Compares what is predicted for what was asked of the model with what was measured.
    fn compared(&self, sizes: &Sizes, machine: &Machine, pace: &Pace) -> FitMeasured {
        let asked = asked(sizes, &pace.options, &FitAsk::default());
        let expected = core::memory(sizes, &asked).at_load();
        let one_pass = self.attends_in_one_pass(sizes, &pace.options, pace.options.cache_type);
        let prefill = pace.prefill.map(|(speed, tokens)| (speed, core::prefill_rate(sizes, machine, tokens, one_pass)));
        let decode = pace.decode.map(|(speed, depth)| (speed, core::decode_rate(sizes, machine, depth, one_pass)));
        FitMeasured {
            memory_bytes: pace.memory_bytes,
            prefill_tokens_per_second: prefill.map(|(measured, _)| measured),
            decode_tokens_per_second: decode.map(|(measured, _)| measured),
            memory_error: pace.memory_bytes.and_then(|bytes| core::error(expected as f64, bytes as f64)),
            prefill_error: prefill.and_then(|(measured, predicted)| core::error(predicted, measured)),
            decode_error: decode.and_then(|(measured, predicted)| core::error(predicted, measured)),
        }
    }
}

fn check(ask: &FitAsk) -> Result<()> {
    if ask.context.is_some_and(|context| !(1..=1 << 24).contains(&context)) {
        return Err(Error::invalid("A context has 1 to 16,777,216 tokens."));
    }
    match ask.slots.is_some_and(|slots| !(1..=1024).contains(&slots)) {
        true => Err(Error::invalid("A model has 1 to 1,024 sequences side by side.")),
        false => Ok(()),
    }
}

/// What is asked, within what the model was trained for.
fn asked(sizes: &Sizes, options: &LoadOptions, ask: &FitAsk) -> Asked {
    let context = match ask.context.unwrap_or(options.context_per_sequence) {
        0 => sizes.context_length,
        context => context.min(sizes.context_length),
    };
    Asked {
        context,
        slots: ask.slots.unwrap_or(options.parallel),
        replicas: options.replicas,
        shared: options.shared_cells,
        cache_type: ask.cache_type.unwrap_or(options.cache_type),
    }
}
