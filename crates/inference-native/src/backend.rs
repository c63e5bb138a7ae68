//! A llama.cpp context as the scheduler's backend.

use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Instant;

use inference::backend::{Backend, Input, Open};
use inference::{Error, Facts, LoadOptions, Result};

use crate::llama::{Context, Model, Parameters, Stop};
use crate::threads::Threads;

/// Models with weights of fewer bytes compute attention in one pass ("flash"); see [`Shape::flash_attention`].
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
    small: bool,
}

impl Shape {
    pub(crate) fn new(facts: &Facts, options: &LoadOptions, chunk: u32, alike: usize) -> Self {
        let cores = available_parallelism().map_or(1, |cores| cores.get() as u32);
        let parallel = options.parallel.clamp(1, 64);
        let threads = |asked: u32| if asked == 0 { cores } else { asked }.clamp(1, 512);
        Self {
            parallel,
            // llama.cpp pads to this.
            context: facts.context_per_sequence(options).max(1).next_multiple_of(CELLS),
            batch: chunk.max(parallel),
            alike,
            prefill_threads: threads(options.prefill_threads),
            decode_threads: threads(options.decode_threads),
            small: facts.weights_bytes < SMALL_WEIGHTS,
        }
    }

    /// The same with attention in steps, whatever the model's size: so models of all sizes and batches of all lengths are
    /// computed alike.
    pub(crate) fn in_steps(self) -> Self {
        Self { small: false, ..self }
    }

    /// Whether attention is computed in one pass; `None` where a GPU computes and llama.cpp chooses.
    ///
    /// It is faster, but for a long sequence that is decoded alone the number of threads then shows in the rounding, and
    /// differs from what the sequence gets beside others. So such sequences are computed by one thread, which small models
    /// can afford: for them one-pass attention pays. Large ones use all threads and the other way.
    fn flash_attention(&self) -> Option<bool> {
        let gpu = cfg!(any(feature = "cuda", feature = "metal", feature = "vulkan"));
        (!gpu).then_some(self.small)
    }

    /// Whether the threads that compute a single token at this position show in its rounding.
    fn shows_threads(&self, position: u32) -> bool {
        self.flash_attention() == Some(true) && (position + 1).next_multiple_of(CELLS) >= CUT_FROM
    }
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

impl Open for NativeContext {
    fn open(&mut self, drive: &mut dyn FnMut(&mut dyn Backend)) -> Result<()> {
        let shape = self.shape;
        let parameters = Parameters {
            sequences: shape.parallel,
            context: shape.context,
            batch: shape.batch,
            flash_attention: shape.flash_attention(),
        };
        let context = Context::new(self.model.clone(), parameters).ok_or_else(|| Error::Engine {
            reason: format!(
                "no context of {} sequences with {} tokens each could be made",
                shape.parallel, shape.context
            ),
        })?;
        drive(&mut Native {
            context,
            shape,
            prefill: Threads::down_from(shape.prefill_threads),
            decode: Threads::from_one_to(shape.decode_threads),
            rows: Vec::new(),
        });
        Ok(())
    }
}

struct Native {
    context: Context,
    shape: Shape,
    prefill: Threads,
    decode: Threads,
    /// The logits of the parts of a batch but the last, which llama.cpp has.
    rows: Vec<Vec<f32>>,
}

impl Native {
    fn compute(&mut self, batch: &[Input]) -> Result<()> {
        let reads = batch.len() > 1 && batch[0].sequence == batch[1].sequence;
        let shows_threads = batch.iter().any(|input| self.shape.shows_threads(input.position));
        if shows_threads && batch.len() == 1 {
            self.context.set_threads(1, 1);
            return self.context.decode(batch, None).map_err(failed);
        }
        let threads = if reads { &mut self.prefill } else { &mut self.decode };
        loop {
            let number = threads.choose(batch.len());
            self.context.set_threads(if shows_threads { 1 } else { number }, number);
            let started = Instant::now();
            let outcome = self.context.decode(batch, threads.limit(batch.len()));
            threads.note(batch.len(), started.elapsed());
            match outcome {
                Ok(()) => return Ok(()),
                // With fewer threads, as the note made sure.
                Err(Stop::GivenUp) => {}
                Err(stop) => return Err(failed(stop)),
            }
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

impl Backend for Native {
    fn decode(&mut self, batch: &[Input]) -> Result<()> {
        self.rows.clear();
        let several = batch.windows(2).any(|pair| pair[0].sequence != pair[1].sequence);
        if !several || batch.len() <= self.shape.alike {
            return self.compute(batch);
        }
        // In parts of about the same size.
        let size = batch.len().div_ceil(batch.len().div_ceil(self.shape.alike));
        let mut parts = batch.chunks(size).peekable();
        while let Some(part) = parts.next() {
            self.compute(part)?;
            if parts.peek().is_some() {
                let logits = (0..part.len()).map(|at| self.context.logits(at).unwrap_or_default().to_vec());
                self.rows.extend(logits.collect::<Vec<_>>());
            }
        }
        Ok(())
    }

    fn logits(&mut self, index: usize) -> Result<&[f32]> {
        let logits = match self.rows.get(index) {
            Some(row) => Some(row.as_slice()).filter(|row| !row.is_empty()),
            None => self.context.logits(index - self.rows.len()),
        };
        logits.ok_or_else(|| Error::Engine { reason: format!("the batch has no logits at {index}") })
    }

    fn truncate(&mut self, sequence: u32, from: u32) -> Result<bool> {
        if self.context.forget(sequence, from) {
            return Ok(true);
        }
        match self.context.forget(sequence, 0) {
            true => Ok(false),
            false => Err(Error::Engine { reason: "a sequence could not be cleared".to_owned() }),
        }
    }
}
