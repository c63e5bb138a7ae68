//! A context: the sequences' caches, and the computing of batches.

use std::ffi::c_void;
use std::ptr::NonNull;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use inference::CacheType;
use inference::backend::Input;
use llama_cpp_sys_2 as sys;

use super::{Model, Pool, log};

/// The sizes of a context and how it computes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parameters {
    /// Sequences.
    pub(crate) sequences: u32,
    /// Tokens of each of them, or of all together where they share a buffer.
    pub(crate) context: u32,
    /// Whether they share a buffer.
    pub(crate) unified: bool,
    /// Most tokens of a batch.
    pub(crate) batch: u32,
    /// Whether attention is computed in one pass: `None` where llama.cpp chooses.
    pub(crate) flash_attention: Option<bool>,
    /// How the caches' numbers are stored.
    pub(crate) cache_type: CacheType,
}

const fn number_type(cache_type: CacheType) -> sys::ggml_type {
    match cache_type {
        CacheType::F16 => sys::GGML_TYPE_F16,
        CacheType::F32 => sys::GGML_TYPE_F32,
        CacheType::Q8_0 => sys::GGML_TYPE_Q8_0,
    }
}

/// A context of a model. For one thread at a time.
pub(crate) struct Context {
    pointer: NonNull<sys::llama_context>,
    model: Arc<Model>,
    pool: Rc<Pool>,
    batch: Batch,
    limit: Box<Limit>,
    /// Which tokens of the last batch have logits.
    asked: Vec<bool>,
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: made by llama.cpp, freed once, before the model and the threads that it keeps.
        unsafe { sys::llama_free(self.pointer.as_ptr()) }
    }
}

impl Context {
    /// A context of the model, computed by the pool's threads; `None` where there is no memory for it. llama.cpp tells more in
    /// its log.
    pub(crate) fn new(model: Arc<Model>, pool: Rc<Pool>, parameters: Parameters) -> Option<Self> {
        // SAFETY: returns a plain value.
        let mut p = unsafe { sys::llama_context_default_params() };
        let buffers = if parameters.unified { 1 } else { parameters.sequences };
        p.n_ctx = parameters.context.checked_mul(buffers)?;
        p.n_seq_max = parameters.sequences;
        p.n_batch = parameters.batch;
        p.n_ubatch = parameters.batch;
        p.flash_attn_type = match parameters.flash_attention {
            None => sys::LLAMA_FLASH_ATTN_TYPE_AUTO,
            Some(true) => sys::LLAMA_FLASH_ATTN_TYPE_ENABLED,
            Some(false) => sys::LLAMA_FLASH_ATTN_TYPE_DISABLED,
        };
        p.type_k = number_type(parameters.cache_type);
        p.type_v = number_type(parameters.cache_type);
        // Sequences that share one buffer change each other's rounding.
        p.kv_unified = parameters.unified;
        // A window's cells are kept whole, so that a prompt's beginning can be used again.
        p.swa_full = true;
        p.no_perf = true;
        // SAFETY: the model is alive and stays so as long as the context, which shares it.
        let pointer = unsafe { sys::llama_init_from_model(model.pointer.as_ptr(), p) };
        let pointer = NonNull::new(pointer)?;
        let limit = Box::new(Limit { origin: Instant::now(), until: AtomicU64::new(u64::MAX) });
        let data = std::ptr::from_ref::<Limit>(&limit).cast_mut().cast::<c_void>();
        // SAFETY: the limit stays where it is as long as the context, and is only read through the pointer.
        unsafe { sys::llama_set_abort_callback(pointer.as_ptr(), Some(is_over), data) };
        Some(Self { pointer, model, pool, batch: Batch::default(), limit, asked: Vec::new() })
    }

    /// Sets how many threads compute a single token and several tokens from now on. llama.cpp may compute a batch in parts,
    /// and then it is the part's size that counts.
    pub(crate) fn set_threads(&mut self, single: u32, several: u32) {
        let number = |threads: u32| i32::try_from(threads).unwrap_or(i32::MAX).max(1);
        // SAFETY: the context is alive and nothing computes in it; the pool's groups stay as long as it.
        unsafe {
            sys::llama_set_n_threads(self.pointer.as_ptr(), number(single), number(several));
            sys::llama_attach_threadpool(self.pointer.as_ptr(), self.pool.of(single), self.pool.of(several));
        }
    }

    /// Reads a batch. With a limit it is given up after that long, and then the sequences' caches are as before.
    ///
    /// # Errors
    /// [`Stop`]. After [`Stop::Failed`] the caches of the batch's sequences are undefined.
    pub(crate) fn decode(&mut self, inputs: &[Input], limit: Option<Duration>) -> Result<(), Stop> {
        self.asked.clear();
        self.limit.set(limit.filter(|_| self.model.has_plain_cache()));
        // SAFETY: the batch's arrays have as many elements as it says and outlive the call; sequences and positions are
        // checked by llama.cpp, which refuses those that it does not have.
        let code = unsafe { sys::llama_decode(self.pointer.as_ptr(), self.batch.fill(inputs)) };
        match code {
            0 => {}
            GIVEN_UP => {
                // Parts of the batch may have been read before.
                for input in inputs {
                    let also = input.also.0..input.also.0 + input.also.1;
                    for sequence in std::iter::once(input.sequence).chain(also) {
                        self.forget(sequence, input.position);
                    }
                }
                return Err(Stop::GivenUp);
            }
            1 => return Err(Stop::Failed("there is no room for the batch in the cache".to_owned())),
            code => return Err(Stop::Failed(log::take_error().unwrap_or_else(|| format!("code {code}")))),
        }
        self.asked.extend(inputs.iter().map(|input| input.logits));
        Ok(())
    }

    /// The logits after the last batch's `index`-th token; `None` where it did not ask for them.
    pub(crate) fn logits(&mut self, index: usize) -> Option<&[f32]> {
        if !*self.asked.get(index)? {
            return None;
        }
        // SAFETY: the context is alive and the token asked for logits.
        let logits = unsafe { sys::llama_get_logits_ith(self.pointer.as_ptr(), i32::try_from(index).ok()?) };
        let size = usize::try_from(self.model.tokens()).ok()?;
        // SAFETY: a row of logits has one number for each token of the vocabulary, and stays until the next batch, which
        // needs `&mut self`.
        NonNull::new(logits).map(|logits| unsafe { std::slice::from_raw_parts(logits.as_ptr(), size) })
    }

    /// Forgets the sequence's tokens at `from` and later; `false` where it could not keep the earlier ones and forgot nothing.
    pub(crate) fn forget(&mut self, sequence: u32, from: u32) -> bool {
        let (sequence, from) = (sequence as i32, from as i32);
        // SAFETY: the context and its memory are alive and nothing computes in them.
        unsafe {
            let memory = sys::llama_get_memory(self.pointer.as_ptr());
            sys::llama_memory_seq_rm(memory, sequence, from, -1)
        }
    }
}

/// What a sequence holds.
impl Context {
    /// Lets a sequence begin with the first `tokens` tokens of another one.
    pub(crate) fn share(&mut self, from: u32, to: u32, tokens: u32) {
        // SAFETY: the context and its memory are alive and nothing computes in them.
        unsafe {
            let memory = sys::llama_get_memory(self.pointer.as_ptr());
            sys::llama_memory_seq_cp(memory, from as i32, to as i32, 0, tokens as i32);
        }
    }

    /// Writes down what a sequence holds; whether that went well.
    pub(crate) fn save(&mut self, sequence: u32, state: &mut Vec<u8>) -> bool {
        // SAFETY: the context is alive and nothing computes in it.
        let size = unsafe { sys::llama_state_seq_get_size(self.pointer.as_ptr(), sequence as i32) };
        state.clear();
        state.reserve_exact(size);
        // SAFETY: the buffer has room for `size` bytes, of which llama.cpp tells how many it wrote.
        let written = unsafe {
            let place = state.as_mut_ptr();
            sys::llama_state_seq_get_data(self.pointer.as_ptr(), place, size, sequence as i32)
        };
        if written != size {
            return false;
        }
        // SAFETY: all of them were written.
        unsafe { state.set_len(size) };
        true
    }

    /// Puts what was written down into an empty sequence.
    ///
    /// # Errors
    /// llama.cpp's reason.
    pub(crate) fn restore(&mut self, sequence: u32, state: &[u8]) -> Result<(), String> {
        // SAFETY: llama.cpp reads no more than the buffer's length, and refuses what does not fit.
        let read = unsafe {
            let (place, size) = (state.as_ptr(), state.len());
            sys::llama_state_seq_set_data(self.pointer.as_ptr(), place, size, sequence as i32)
        };
        match read == state.len() {
            true => Ok(()),
            false => Err(log::take_error().unwrap_or_else(|| format!("{read} of {} bytes fit", state.len()))),
        }
    }
}

/// Why a batch was not read.
#[derive(Debug)]
pub(crate) enum Stop {
    /// It took longer than it was allowed to.
    GivenUp,
    /// llama.cpp's reason.
    Failed(String),
}

/// llama.cpp's code for a batch that was given up.
const GIVEN_UP: i32 = 2;

/// When the present batch is given up.
struct Limit {
    origin: Instant,
    /// Nanoseconds after `origin`.
    until: AtomicU64,
}

impl Limit {
    fn set(&self, limit: Option<Duration>) {
        let until = limit.map_or(u64::MAX, |limit| (self.origin.elapsed() + limit).as_nanos() as u64);
        self.until.store(until, Ordering::Relaxed);
    }
}

/// Asked by llama.cpp between two steps of a batch.
unsafe extern "C" fn is_over(data: *mut c_void) -> bool {
    // SAFETY: the data is the context's limit, which lives as long as the context computes.
    let limit = unsafe { &*data.cast::<Limit>() };
    let until = limit.until.load(Ordering::Relaxed);
    until != u64::MAX && limit.origin.elapsed().as_nanos() as u64 >= until
}

/// A batch's arrays, kept to be refilled.
#[derive(Default)]
struct Batch {
    tokens: Vec<sys::llama_token>,
    positions: Vec<sys::llama_pos>,
    counts: Vec<i32>,
    sequences: Vec<sys::llama_seq_id>,
    /// Pointers into `sequences`.
    places: Vec<*mut sys::llama_seq_id>,
    wanted: Vec<i8>,
}

impl Batch {
    /// llama.cpp's view of the inputs; good until the batch is filled again.
    fn fill(&mut self, inputs: &[Input]) -> sys::llama_batch {
        fn set<T>(to: &mut Vec<T>, values: impl Iterator<Item = T>) {
            to.clear();
            to.extend(values);
        }
        set(&mut self.tokens, inputs.iter().map(|input| input.token as i32));
        set(&mut self.positions, inputs.iter().map(|input| input.position as i32));
        set(&mut self.counts, inputs.iter().map(|input| 1 + input.also.1 as i32));
        let all = |input: &Input| std::iter::once(input.sequence).chain(input.also.0..input.also.0 + input.also.1);
        set(&mut self.sequences, inputs.iter().flat_map(all).map(|sequence| sequence as i32));
        let mut rest = self.sequences.as_mut_slice();
        self.places.clear();
        for count in &self.counts {
            let (theirs, others) = rest.split_at_mut(*count as usize);
            self.places.push(theirs.as_mut_ptr());
            rest = others;
        }
        set(&mut self.wanted, inputs.iter().map(|input| i8::from(input.logits)));
        sys::llama_batch {
            n_tokens: inputs.len() as i32,
            token: self.tokens.as_mut_ptr(),
            embd: std::ptr::null_mut(),
            pos: self.positions.as_mut_ptr(),
            n_seq_id: self.counts.as_mut_ptr(),
            seq_id: self.places.as_mut_ptr(),
            logits: self.wanted.as_mut_ptr(),
        }
    }
}
