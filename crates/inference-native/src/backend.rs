//! A llama.cpp context as the scheduler's backend.

use std::rc::Rc;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Instant;

use inference::backend::{Backend, Care, Input, Layout, Open};
use inference::{CacheType, CoreSet, Error, Facts, LoadOptions, Result};

use crate::llama::{self, Context, HAS_GPU, Model, Parameters, Pool, Stop};
use crate::state;
use crate::threads::Threads;

/// Models with weights of fewer bytes compute attention in one pass ("flash"); see [`one_pass`].
const SMALL_WEIGHTS: u64 = 300_000_000;
/// From so many cells of cache on, one-pass attention of a sequence that is decoded alone is cut into one piece a thread
/// (ggml's `use_split_kv_path`).
const CUT_FROM: u32 = 512;
/// llama.cpp counts the cells of a cache in steps of this.
const CELLS: u32 = 256;

/// How a model is computed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// Sequences.
    pub(crate) parallel: u32,
    /// Tokens of each of them.
    pub(crate) context: u32,
    /// Most tokens of a batch.
    batch: u32,
    /// Most threads that read a prompt.
    prefill_threads: u32,
    /// Most threads that write answers.
    decode_threads: u32,
    /// How many sequences are decoded together; see [`Gguf::rows_alike`](crate::gguf::Gguf::rows_alike).
    alike: usize,
    /// Whether attention is computed in one pass; see [`one_pass`].
    one_pass: Option<bool>,
    /// What is asked for instead of the choice by size.
    attention: Option<bool>,
    cache_type: CacheType,
    /// Whether attention in one pass is computed so that threads do not show in its rounding.
    hides_threads: bool,
    /// Bytes of a token in a cache.
    token_bytes: u64,
    /// Tokens of the buffer that sequences share; 0: none.
    cells: u32,
}

/// Sequences that share a buffer.
const SHARED: u32 = 64;
/// Those that hold continuations for one step.
const SCRATCH: u32 = 96;

impl Shape {
    /// The shape of a replica, on its core set where it has one.
    pub(crate) fn new(facts: &Facts, options: &LoadOptions, (replica, chunk, alike): (usize, u32, usize)) -> Self {
        let machine = available_parallelism().map_or(1, |cores| cores.get() as u32);
        let set = options.cores_of(replica).map(CoreSet::count);
        let cores = set.unwrap_or(machine);
        let parallel = options.parallel.clamp(1, 64);
        // More threads than cores wait for each other.
        let most = set.unwrap_or(512).clamp(1, 512);
        let threads = |asked: u32| if asked == 0 { cores } else { asked }.clamp(1, most);
        Self {
            parallel,
            // llama.cpp pads to this.
            context: facts.context_per_sequence(options).max(1).next_multiple_of(CELLS),
            batch: chunk.max(parallel),
            alike,
            prefill_threads: threads(options.prefill_threads),
            decode_threads: threads(options.decode_threads),
            one_pass: one_pass(facts.weights_bytes, options),
            attention: options.attention,
            cache_type: options.cache_type,
            hides_threads: options.cache_type == CacheType::F16 && !HAS_GPU && llama::attends(facts),
            token_bytes: options.cache_type.bytes(facts.cache_bytes_per_token),
            cells: options.shared_cells.next_multiple_of(CELLS),
        }
    }

    /// The same with attention in steps and a cache of floats, whatever the model's size and the options: so models of all
    /// sizes and batches of all lengths are computed alike.
    pub(crate) fn in_steps(self) -> Self {
        let one_pass = (!HAS_GPU).then_some(false);
        Self { one_pass, attention: None, cache_type: CacheType::F16, cells: 0, ..self }
    }

    /// The error of a context that could not be made.
    fn no_memory(&self, parameters: &Parameters) -> Error {
        let buffers = if parameters.unified { 1 } else { parameters.sequences };
        let tokens = u64::from(parameters.context) * u64::from(buffers);
        let what = format!("caches of {tokens} tokens");
        Error::NoMemory { what, bytes: tokens.saturating_mul(self.token_bytes) }
    }

    /// What of it shows in the states of sequences.
    pub(crate) fn states(&self, chunk: u32, grain: u32) -> String {
        let one_pass = self.one_pass;
        format!("cache {}, one pass {one_pass:?}, read {chunk} tokens at once, or exactly {grain}", self.cache_type)
    }

    /// Whether attention in the buffer that sequences share is computed in one pass. Only so what other sequences hold is
    /// skipped, which pays where prompts begin in many ways; where nearly all of them begin alike, attention in steps is
    /// faster, and the options may ask for it.
    fn shared_in_one_pass(&self) -> bool {
        self.attention != Some(false) || self.cache_type.is_quantized()
    }

    /// Whether the threads that compute a single token at this position show in its rounding.
    fn shows_threads(&self, position: u32) -> bool {
        self.one_pass == Some(true) && !self.hides_threads && (position + 1).next_multiple_of(CELLS) >= CUT_FROM
    }
}

/// Whether attention is computed in one pass; `None` where a GPU computes and llama.cpp chooses.
///
/// Prompts are read faster so, but where it is not computed by our kernels ([`llama::attends`]), for a long sequence that is
/// decoded alone the number of threads then shows in the rounding, and differs from what the sequence gets beside others. So such sequences are computed by one thread, which small models
/// can afford: for them one-pass attention pays. Large ones use all threads and the other way. The options may ask for
/// either, and a quantized cache can be read in one pass alone.
pub(crate) fn one_pass(weights_bytes: u64, options: &LoadOptions) -> Option<bool> {
    let asked = options.attention.or(options.cache_type.is_quantized().then_some(true));
    asked.or((!HAS_GPU).then_some(weights_bytes < SMALL_WEIGHTS))
}

/// Opens contexts of one model.
pub(crate) struct NativeContext {
    model: Arc<Model>,
    shape: Shape,
}

impl NativeContext {
    pub(crate) fn new(model: Arc<Model>, shape: Shape) -> Self {
        Self { model, shape }
    }
}

impl NativeContext {
    fn context(&self, pool: &Rc<Pool>, parameters: Parameters) -> Result<Context> {
        Context::new(self.model.clone(), pool.clone(), parameters).ok_or_else(|| self.shape.no_memory(&parameters))
    }
}

impl Open for NativeContext {
    fn open(&mut self, drive: &mut dyn FnMut(&mut dyn Backend)) -> Result<()> {
        let shape = self.shape;
        let pool = Rc::<Pool>::default();
        let context = self.context(
            &pool,
            Parameters {
                sequences: shape.parallel,
                context: shape.context,
                unified: false,
                batch: shape.batch,
                flash_attention: shape.one_pass,
                cache_type: shape.cache_type,
            },
        )?;
        drive(&mut Native {
            opener: self,
            pool,
            context,
            shared: None,
            shape,
            prefill: Threads::down_from(shape.prefill_threads),
            decode: Threads::from_one_to(shape.decode_threads),
            together: Threads::down_from(shape.prefill_threads),
            rows: Vec::new(),
            last_shared: false,
        });
        Ok(())
    }
}

struct Native<'a> {
    opener: &'a NativeContext,
    /// The threads of both contexts.
    pool: Rc<Pool>,
    context: Context,
    /// The sequences that share a buffer; made when it is first needed.
    shared: Option<Context>,
    shape: Shape,
    prefill: Threads,
    decode: Threads,
    together: Threads,
    /// The logits of the parts of a batch but the last, which llama.cpp has.
    rows: Vec<Vec<f32>>,
    /// Whether the last batch was of shared sequences.
    last_shared: bool,
}

impl Native<'_> {
    fn compute(&mut self, batch: &[Input], care: Care) -> Result<()> {
        let reads = batch.len() > 1 && batch[0].sequence == batch[1].sequence;
        let shows_threads = care == Care::Exact && batch.iter().any(|input| self.shape.shows_threads(input.position));
        if shows_threads && batch.len() == 1 {
            self.context.set_threads(1, 1);
            return self.context.decode(batch, None).map_err(failed);
        }
        let threads = if reads { &mut self.prefill } else { &mut self.decode };
        timed(&mut self.context, threads, batch, shows_threads)
    }

    /// Computes a batch of shared sequences.
    fn compute_shared(&mut self, batch: &[Input]) -> Result<()> {
        let first = self.shape.parallel;
        let batch: Vec<Input> = batch
            .iter()
            .map(|input| Input {
                sequence: input.sequence - first,
                also: (input.also.0.saturating_sub(first), input.also.1),
                ..*input
            })
            .collect();
        self.open_shared()?;
        let Some(context) = &mut self.shared else { return Err(absent()) };
        timed(context, &mut self.together, &batch, false)
    }

    fn open_shared(&mut self) -> Result<()> {
        if self.shared.is_none() {
            self.shared = Some(self.opener.context(
                &self.pool,
                Parameters {
                    sequences: SHARED + SCRATCH,
                    context: self.shape.cells,
                    unified: true,
                    batch: self.shape.batch,
                    flash_attention: Some(self.shape.shared_in_one_pass()),
                    cache_type: self.shape.cache_type,
                },
            )?);
        }
        Ok(())
    }

    /// The context of a sequence and its number there.
    fn of(&mut self, sequence: u32) -> Result<(&mut Context, u32)> {
        match sequence.checked_sub(self.shape.parallel) {
            None => Ok((&mut self.context, sequence)),
            Some(number) => {
                self.open_shared()?;
                Ok((self.shared.as_mut().ok_or_else(absent)?, number))
            }
        }
    }
}

fn absent() -> Error {
    Error::Engine { reason: "there is no buffer that sequences share".to_owned() }
}

/// Computes a batch with the number of threads that is best at the moment.
fn timed(context: &mut Context, threads: &mut Threads, batch: &[Input], shows_threads: bool) -> Result<()> {
    loop {
        let number = threads.choose(batch.len());
        context.set_threads(if shows_threads { 1 } else { number }, number);
        let started = Instant::now();
        let outcome = context.decode(batch, threads.limit(batch.len()));
        threads.note(batch.len(), started.elapsed(), matches!(outcome, Err(Stop::GivenUp)));
        match outcome {
            Ok(()) => return Ok(()),
            // With other threads, as the note made sure.
            Err(Stop::GivenUp) => {}
            Err(stop) => return Err(failed(stop)),
        }
    }
}

fn failed(stop: Stop) -> Error {
    let reason = match stop {
        Stop::GivenUp => "it took too long".to_owned(),
        Stop::Failed(reason) => reason,
    };
    Error::Engine { reason: format!("llama.cpp could not decode: {reason}") }
}

impl Backend for Native<'_> {
    fn layout(&self) -> Layout {
        let shares = self.shape.cells > 0 && self.opener.model.has_plain_cache();
        Layout {
            separate: self.shape.parallel,
            shared: if shares { SHARED } else { 0 },
            scratch: if shares { SCRATCH } else { 0 },
            cells: if shares { self.shape.cells } else { 0 },
            batch: self.shape.batch,
            copies: self.opener.model.has_whole_states(),
            // Attention in one pass keeps values otherwise than attention in steps, and that is how both are kept then.
            exchanges: self.shape.one_pass == Some(self.shape.shared_in_one_pass()),
            all_cells: !self.shape.shared_in_one_pass(),
        }
    }

    fn decode(&mut self, batch: &[Input], care: Care) -> Result<()> {
        self.rows.clear();
        self.last_shared = batch.first().is_some_and(|input| input.sequence >= self.shape.parallel);
        if self.last_shared {
            return self.compute_shared(batch);
        }
        let several = batch.windows(2).any(|pair| pair[0].sequence != pair[1].sequence);
        if care == Care::Fast || !several || batch.len() <= self.shape.alike {
            return self.compute(batch, care);
        }
        // In parts of about the same size.
        let size = batch.len().div_ceil(batch.len().div_ceil(self.shape.alike));
        let mut parts = batch.chunks(size).peekable();
        while let Some(part) = parts.next() {
            self.compute(part, care)?;
            if parts.peek().is_some() {
                let logits = (0..part.len()).map(|at| self.context.logits(at).unwrap_or_default().to_vec());
                self.rows.extend(logits.collect::<Vec<_>>());
            }
        }
        Ok(())
    }

    fn logits(&mut self, index: usize) -> Result<&[f32]> {
        let logits = match (&mut self.shared, self.rows.get(index)) {
            (Some(shared), _) if self.last_shared => shared.logits(index),
            (_, Some(row)) => Some(row.as_slice()).filter(|row| !row.is_empty()),
            (_, None) => self.context.logits(index - self.rows.len()),
        };
        logits.ok_or_else(|| Error::Engine { reason: format!("the batch has no logits at {index}") })
    }

    fn truncate(&mut self, sequence: u32, from: u32) -> Result<bool> {
        let (context, sequence) = self.of(sequence)?;
        if context.forget(sequence, from) {
            return Ok(true);
        }
        match context.forget(sequence, 0) {
            true => Ok(false),
            false => Err(Error::Engine { reason: "a sequence could not be cleared".to_owned() }),
        }
    }

    fn share(&mut self, from: u32, to: u32, tokens: u32) -> Result<()> {
        let first = self.shape.parallel;
        if from < first {
            return Err(absent());
        }
        let (context, to) = self.of(to)?;
        context.share(from - first, to, tokens);
        Ok(())
    }

    fn save(&mut self, sequence: u32, state: &mut Vec<u8>) -> Result<()> {
        let (context, sequence) = self.of(sequence)?;
        match context.save(sequence, state) {
            true => Ok(()),
            false => Err(Error::Engine { reason: "a sequence could not be saved".to_owned() }),
        }
    }

    fn restore(&mut self, sequence: u32, state: &[u8]) -> Result<()> {
        let buffers = if sequence < self.shape.parallel { self.shape.parallel } else { 1 };
        let (context, sequence) = self.of(sequence)?;
        let state = state::adapted(state, buffers).ok_or_else(|| "its form is unknown".to_owned());
        state.and_then(|state| context.restore(sequence, &state)).map_err(|reason| {
            context.forget(sequence, 0);
            Error::Engine { reason: format!("a sequence could not be restored: {reason}") }
        })
    }
}

#[cfg(test)]
mod tests;
