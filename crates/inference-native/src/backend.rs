//! A llama.cpp context as the scheduler's backend.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::thread::available_parallelism;

use inference::backend::{Backend, Input, Open};
use inference::{Error, Facts, LoadOptions, Result};
use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::LlamaContextParams;
use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::token::LlamaToken;
use llama_cpp_sys_2::{LLAMA_FLASH_ATTN_TYPE_AUTO, LLAMA_FLASH_ATTN_TYPE_DISABLED, llama_flash_attn_type};

/// Weights of fewer bytes are written by one thread unless the settings say otherwise: with more, each of the many short
/// steps waits for the slowest thread, which costs a tenth alone but nearly everything beside another busy program.
const SMALL_WEIGHTS: u64 = 300_000_000;

/// The sizes of a context.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// Sequences.
    pub(crate) parallel: u32,
    /// Tokens of each of them.
    pub(crate) context: u32,
    /// Most tokens of a batch.
    batch: u32,
    prefill_threads: i32,
    decode_threads: i32,
    /// Whether sequences are decoded one by one.
    ///
    /// llama.cpp multiplies float matrices by other code for one row than for several (`llamafile_sgemm`), which
    /// rounds differently: an answer would depend on what else is being written. Quantised matrices round alike.
    apart: bool,
}

impl Shape {
    pub(crate) fn new(facts: &Facts, options: &LoadOptions, chunk: u32, apart: bool) -> Self {
        let cores = available_parallelism().map_or(1, |cores| cores.get() as u32);
        let parallel = options.parallel.clamp(1, 64);
        let threads = |asked: u32, default: u32| if asked == 0 { default } else { asked }.clamp(1, 512) as i32;
        Self {
            parallel,
            // llama.cpp pads to this.
            context: facts.context_per_sequence(options).max(1).next_multiple_of(256),
            batch: chunk.max(parallel),
            apart,
            prefill_threads: threads(options.prefill_threads, cores),
            decode_threads: threads(
                options.decode_threads,
                if facts.weights_bytes < SMALL_WEIGHTS { 1 } else { cores },
            ),
        }
    }

    /// The way of computing attention that gives a sequence the same bytes whatever is decoded beside it; where a GPU computes,
    /// llama.cpp's own choice.
    fn attention(&self) -> llama_flash_attn_type {
        let gpu = cfg!(any(feature = "cuda", feature = "metal", feature = "vulkan"));
        if gpu { LLAMA_FLASH_ATTN_TYPE_AUTO } else { LLAMA_FLASH_ATTN_TYPE_DISABLED }
    }

    fn parameters(&self) -> LlamaContextParams {
        LlamaContextParams::default()
            .with_n_ctx(NonZeroU32::new(self.context * self.parallel))
            .with_n_seq_max(self.parallel)
            .with_n_batch(self.batch)
            .with_n_ubatch(self.batch)
            .with_n_threads(self.decode_threads)
            .with_n_threads_batch(self.prefill_threads)
            // Sequences that share one buffer change each other's rounding.
            .with_kv_unified(false)
            // On a processor it cuts a long cache into one piece a thread for a sequence that is decoded alone, and not
            // for several: their sums are rounded differently (ggml's `use_split_kv_path`).
            .with_flash_attention_policy(self.attention())
            // A window's cells are kept whole, so that a prompt's beginning can be used again.
            .with_swa_full(true)
            .with_no_perf(true)
    }
}

/// Opens contexts of one model.
pub(crate) struct NativeContext {
    library: &'static LlamaBackend,
    model: Arc<LlamaModel>,
    shape: Shape,
}

impl NativeContext {
    pub(crate) fn new(library: &'static LlamaBackend, model: Arc<LlamaModel>, shape: Shape) -> Self {
        Self { library, model, shape }
    }
}

impl Open for NativeContext {
    fn open(&mut self, drive: &mut dyn FnMut(&mut dyn Backend)) -> Result<()> {
        let context = self.model.new_context(self.library, self.shape.parameters()).map_err(|error| Error::Engine {
            reason: format!(
                "no context of {} sequences with {} tokens each could be made: {error}",
                self.shape.parallel, self.shape.context
            ),
        })?;
        let batch = LlamaBatch::new(self.shape.batch as usize, 1);
        drive(&mut Native { context, batch, apart: self.shape.apart, asked: Vec::new(), rows: Vec::new() });
        Ok(())
    }
}

struct Native<'a> {
    context: LlamaContext<'a>,
    batch: LlamaBatch<'static>,
    apart: bool,
    /// Which tokens of the last batch have logits.
    asked: Vec<bool>,
    /// The logits of a batch whose sequences were decoded one by one.
    rows: Vec<Vec<f32>>,
}

impl Native<'_> {
    fn decode_together(&mut self, batch: &[Input]) -> Result<()> {
        self.batch.clear();
        for input in batch {
            let token = LlamaToken::new(input.token as i32);
            let added = self.batch.add(token, input.position as i32, &[input.sequence as i32], input.logits);
            added.map_err(|error| Error::Engine { reason: format!("the batch is too long: {error}") })?;
        }
        self.context
            .decode(&mut self.batch)
            .map_err(|error| Error::Engine { reason: format!("llama.cpp could not decode: {error}") })
    }
}

impl Backend for Native<'_> {
    fn decode(&mut self, batch: &[Input]) -> Result<()> {
        self.asked.clear();
        self.rows.clear();
        let several = batch.windows(2).any(|pair| pair[0].sequence != pair[1].sequence);
        if self.apart && several {
            for input in batch {
                self.decode_together(std::slice::from_ref(input))?;
                self.rows.push(if input.logits { self.context.get_logits_ith(0).to_vec() } else { Vec::new() });
            }
        } else {
            self.decode_together(batch)?;
        }
        self.asked.extend(batch.iter().map(|input| input.logits));
        Ok(())
    }

    fn logits(&mut self, index: usize) -> Result<&[f32]> {
        // llama-cpp-2 panics where there are none.
        match (self.asked.get(index), self.rows.get(index)) {
            (Some(true), Some(row)) => Ok(row),
            (Some(true), None) => Ok(self.context.get_logits_ith(index as i32)),
            _ => Err(Error::Engine { reason: format!("the batch has no logits at {index}") }),
        }
    }

    fn truncate(&mut self, sequence: u32, from: u32) -> Result<bool> {
        if self.context.kv_cache_seq_rm(sequence as i32, Some(from), None).is_ok() {
            return Ok(true);
        }
        let cleared = self.context.kv_cache_seq_rm(sequence as i32, None, None);
        cleared.map_err(|error| Error::Engine { reason: format!("a sequence could not be cleared: {error}") })?;
        Ok(false)
    }
}
