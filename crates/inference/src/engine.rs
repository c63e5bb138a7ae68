//! What the layers above see of an engine: loaded models, and how they are loaded.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::time::Duration;

use crate::chat::ChatPrompt;
use crate::generation::{GenerateRequest, Generation, Prompt, Tenant};
use crate::kept::KeptPrefix;
pub use crate::load::LoadOptions;
use crate::reading::{Passage, Reading};
use crate::scoring::{ScoreRequest, Scoring};
use crate::shape::{Heads, Prompting, Shape, Speeds};
use crate::tool_calls::ToolFormat;
use crate::{Result, Token};

/// A loaded model that generates text. Shared; dropping the last handle unloads it.
///
/// `tokenize`, `read`, `count`, `render_chat` and `generate` compute for up to some milliseconds (tokenizing, compiling a
/// constraint) and never wait for the model: call them from a blocking thread where that matters.
pub trait Generator: Send + Sync {
    /// Facts of the loaded model.
    fn info(&self) -> &ModelInfo;
    /// What it is doing now.
    fn status(&self) -> EngineStatus;
    /// The text's tokens, without an opening token. `parse_special` recognises the template's control tokens.
    fn tokenize(&self, text: &str, parse_special: bool) -> Result<Vec<Token>>;
    /// The tokens that the model would read for the prompt.
    fn read(&self, prompt: &Prompt) -> Result<Vec<Token>>;
    /// The number of tokens that the model would read for the prompt.
    fn count(&self, prompt: &Prompt) -> Result<usize> {
        Ok(self.read(prompt)?.len())
    }
    /// The bytes of text that the token stands for, which need not be UTF-8; of a control token its own spelling.
    fn spelling(&self, token: Token) -> Vec<u8>;
    /// The conversation as text, by the model file's own template.
    ///
    /// Give the result as [`Prompt::Text`] with `parse_special` and `add_bos`: an opening token that the template wrote
    /// is not doubled.
    fn render_chat(&self, chat: &ChatPrompt) -> Result<String>;
    /// Queues a request. `Err(QueueFull)` at once when as many wait as may; `Err(ContextOverflow)`, `Err(Constraint)`,
    /// `Err(Request)` at once for a request that can never be served.
    fn generate(&self, request: GenerateRequest) -> Result<Generation>;
    /// Queues a request to score continuations of a prompt, in one pass where they are short. Errors at once as
    /// [`Generator::generate`]; `Err(Request)` for a continuation that is empty or longer than [`CHUNK`].
    fn score(&self, request: ScoreRequest) -> Result<Scoring>;
    /// Forgets soon what was read for a tenant: what a request uses when that ends, everything else before the next
    /// request begins.
    fn forget(&self, tenant: Tenant);
    /// What was read of prompts that others began with, too, or that asked for it to be kept: worth more than the model's
    /// time in memory. Copies of what sequences hold are made only while no request runs. Waits for the step that is being
    /// computed: call it from a blocking thread. Nothing, where the model is being unloaded.
    fn used_again(&self) -> Vec<KeptPrefix>;
    /// Takes up what [`Generator::used_again`] told, perhaps in another process: later requests begin with it. What is for
    /// other weights or of other [`ModelInfo::states`] must not come here.
    fn remember(&self, prefixes: Vec<KeptPrefix>);
}

/// A loaded model that embeds text. Blocking: callers use a blocking thread.
pub trait Embedder: Send + Sync {
    /// Facts of the loaded model.
    fn info(&self) -> &EmbedderInfo;
    /// One vector of unit length for each text. A text longer than the model's limit is an
    /// [`Error::InputTooLong`](crate::Error::InputTooLong) unless truncation is asked for.
    fn embed(&self, texts: &[String], truncate: Truncate) -> Result<Embeddings>;
    /// The number of tokens that the model would read for the text, before truncation.
    fn count(&self, text: &str) -> Result<u32>;
    /// The bytes of the text that each token stands for, in the text's order, before truncation. The opening and the
    /// closing token, which stand for none, are left out.
    fn spans(&self, text: &str) -> Result<Vec<Range<usize>>>;
}

/// Reads and loads model files of the kinds that it knows.
pub trait Loader: Send + Sync {
    /// Checks the files and reads their facts without loading the weights.
    fn inspect(&self, files: &ModelFiles) -> Result<Facts>;
    /// Loads the model. Blocking, up to seconds.
    fn load(&self, files: &ModelFiles, options: &LoadOptions) -> Result<Loaded>;
    /// How well the model foretells the endings of passages, see [`read_all`](crate::reading::read_all): for each passage
    /// and ending one reading for each of its tokens, in order. Where the model wants an opening token, that comes first,
    /// and so the first token of a text has a reading, too. Control tokens are not recognised in the texts.
    ///
    /// Loads the model once, for this alone, with one sequence. Blocking, up to minutes for long texts or many; `done`
    /// counts the passages that are read; ends soon after `cancelled` became true, with the error Cancelled.
    ///
    /// # Errors
    /// ContextOverflow for a text longer than the context that the options give; ModelFile for a model that does not
    /// generate, and as for [`Loader::load`].
    fn read_all(
        &self,
        files: &ModelFiles,
        options: &LoadOptions,
        passages: &[Passage],
        cancelled: &AtomicBool,
        done: &AtomicUsize,
    ) -> Result<Vec<Vec<Vec<Reading>>>>;
    /// How fast weights of these formats are multiplied with the options' threads, and what steps and attention of such
    /// heads cost beside that: measured now, for a few seconds each. Nothing, where the engine does not tell.
    fn speeds(&self, _formats: &[String], _heads: Heads, _options: &LoadOptions) -> Speeds {
        Speeds::default()
    }
    /// Whether a model whose weights have so many bytes computes attention in one pass when it is loaded so, or in steps.
    fn attends_in_one_pass(&self, _weights_bytes: u64, options: &LoadOptions) -> bool {
        options.attention.unwrap_or(true)
    }
    /// How well the model foretells one text: [`Loader::read_all`] of it alone.
    ///
    /// # Errors
    /// As [`Loader::read_all`].
    fn read_along(
        &self,
        files: &ModelFiles,
        options: &LoadOptions,
        text: &str,
        cancelled: &AtomicBool,
    ) -> Result<Vec<Reading>> {
        let read = self.read_all(files, options, &[Passage::text(text)], cancelled, &AtomicUsize::new(0))?;
        Ok(read.into_iter().flatten().next().unwrap_or_default())
    }
}

/// A loaded model.
#[derive(Clone)]
pub enum Loaded {
    /// It generates text.
    Generator(Arc<dyn Generator>),
    /// It embeds text.
    Embedder(Arc<dyn Embedder>),
}

impl Loaded {
    /// The memory that it takes, in bytes.
    pub fn memory_bytes(&self) -> u64 {
        match self {
            Self::Generator(generator) => generator.info().memory_bytes,
            Self::Embedder(embedder) => embedder.info().memory_bytes,
        }
    }
}

impl std::fmt::Debug for Loaded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Generator(generator) => f.debug_tuple("Generator").field(generator.info()).finish(),
            Self::Embedder(embedder) => f.debug_tuple("Embedder").field(embedder.info()).finish(),
        }
    }
}

/// Facts of a loaded model that generates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelInfo {
    /// What it is called in metrics and logs: by the options, or as its file says.
    pub name: String,
    /// The architecture, as the model file names it (`llama`, `gemma3`, …).
    pub architecture: String,
    /// The number of parameters.
    pub parameters: u64,
    /// The tokens that one request may use, prompt and answer together.
    pub context_length: u32,
    /// The tokens that the vocabulary holds.
    pub vocabulary: u32,
    /// The memory that the model takes: weights, caches, working buffers; in bytes.
    pub memory_bytes: u64,
    /// Whether the model file has a chat template.
    pub has_chat_template: bool,
    /// How the model writes tool calls.
    pub tool_format: ToolFormat,
    /// The requests that are decoded side by side.
    pub parallel: u32,
    /// What the form and the rounding of a sequence's state depend on beside the weights; empty where states are not kept
    /// longer than the model is in memory.
    pub states: String,
}

/// What an engine is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EngineStatus {
    /// Requests that are being read or answered.
    pub active: u32,
    /// Requests that wait.
    pub queued: u32,
    /// Tokens written since the model was loaded.
    pub generated_tokens: u64,
    /// Tokens of all prompts since then.
    pub prompt_tokens: u64,
    /// Those of them that were taken from the cache.
    pub cached_tokens: u64,
    /// The bytes of what is kept for prompts to begin with, beside the sequences' own caches.
    pub cache_bytes: u64,
    /// How many beginnings that are.
    pub cache_entries: u64,
    /// Batches that were computed.
    pub batches: u64,
    /// Their tokens.
    pub batch_tokens: u64,
    /// Their requests.
    pub batch_sequences: u64,
}

impl EngineStatus {
    /// What two engines do together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            active: self.active + other.active,
            queued: self.queued + other.queued,
            generated_tokens: self.generated_tokens + other.generated_tokens,
            prompt_tokens: self.prompt_tokens + other.prompt_tokens,
            cached_tokens: self.cached_tokens + other.cached_tokens,
            cache_bytes: self.cache_bytes + other.cache_bytes,
            cache_entries: self.cache_entries + other.cache_entries,
            batches: self.batches + other.batches,
            batch_tokens: self.batch_tokens + other.batch_tokens,
            batch_sequences: self.batch_sequences + other.batch_sequences,
        }
    }
}

/// Facts of a loaded model that embeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbedderInfo {
    /// The model's name.
    pub name: String,
    /// The length of its vectors.
    pub dimensions: u32,
    /// The tokens that it reads of one text at most.
    pub max_tokens: u32,
    /// The memory that it takes, in bytes.
    pub memory_bytes: u64,
}

/// What becomes of a text that is too long to embed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Truncate {
    /// It is an error.
    #[default]
    None,
    /// Its start is cut off.
    Start,
    /// Its end is cut off.
    End,
}

/// Vectors of texts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Embeddings {
    /// One vector of unit length for each text, in order.
    pub vectors: Vec<Vec<f32>>,
    /// The tokens that were read of each text, after truncation.
    pub token_counts: Vec<u32>,
}

/// Where a model's files lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFiles {
    /// The folder of all its files.
    pub dir: PathBuf,
    /// The weights: a `.gguf` or `.safetensors` file.
    pub main: PathBuf,
}

/// What a model file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelKind {
    /// Generating text.
    Generator,
    /// Embedding text.
    Embedder,
}

/// What a model file says of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// What it is for.
    pub kind: ModelKind,
    /// The name that it gives itself.
    pub name: String,
    /// The architecture (`llama`, `bert`, …).
    pub architecture: String,
    /// The number of parameters.
    pub parameters: u64,
    /// The tokens that it was trained to read at most.
    pub context_length: u32,
    /// The tokens that the vocabulary holds.
    pub vocabulary: u32,
    /// The length of its vectors (an embedder's), or of its hidden state.
    pub dimensions: u32,
    /// The weights' bytes in memory.
    pub weights_bytes: u64,
    /// The bytes of cache that one token of context takes in one sequence, in floats of 16 bits; 0 for an embedder.
    pub cache_bytes_per_token: u64,
    /// Bytes of working buffers beside weights and cache.
    pub working_bytes: u64,
    /// How the weights are stored, such as `Q4_1` or `F32`.
    pub weights_format: String,
    /// Whether it has a chat template.
    pub has_chat_template: bool,
    /// The licence that it names, as it names it.
    pub licence: Option<String>,
    /// What it is built of; empty where the engine does not look.
    pub shape: Shape,
    /// How prompts are written for it.
    pub prompting: Prompting,
}

impl Facts {
    /// The context of one sequence under the options: what they ask for, within what the model was trained for.
    pub fn context_per_sequence(&self, options: &LoadOptions) -> u32 {
        match options.context_per_sequence {
            0 => self.context_length,
            asked => asked.min(self.context_length),
        }
    }

    /// An estimate of the memory that the model takes when it is loaded with the options, in bytes.
    pub fn memory_bytes(&self, options: &LoadOptions) -> u64 {
        let cells = u64::from(self.context_per_sequence(options)) * u64::from(options.parallel.max(1));
        let cells = cells + u64::from(options.shared_cells);
        let cache = options.cache_type.bytes(self.cache_bytes_per_token.saturating_mul(cells));
        // Replicas share the weights of a GPU and nothing else.
        let each = cache.saturating_add(self.working_bytes);
        let weights = self.weights_bytes.saturating_mul(options.copies_of_weights());
        weights.saturating_add(each.saturating_mul(options.replicas.max(1).into()))
    }
}

/// The tokens of a prompt that are read in one step. Longer steps are not faster and delay the answers beside them.
pub const CHUNK: u32 = 512;
/// The tokens of a deterministic request's prompt that are read in one step, where processors compute: what such requests
/// share of what was read before ends at a multiple of it. So judges' prompts, of which many are shorter than [`CHUNK`], share
/// nearly all that they begin with.
pub const GRAIN: u32 = 64;

/// An estimate of what computing a chunk takes beside weights and cache, in bytes: its hidden states some times over, one
/// row of logits for each sequence, and the vocabulary's bytes.
pub fn working_bytes(vocabulary: u64, dimensions: u64) -> u64 {
    let hidden = dimensions.saturating_mul(u64::from(CHUNK) * 4 * 16);
    let logits = vocabulary.saturating_mul(4 * 16);
    hidden.saturating_add(logits).saturating_add(vocabulary.saturating_mul(64))
}

/// The tokens of the buffer that sequences share, where nothing else is asked for.
pub const SHARED_CELLS: u32 = 8192;

/// How requests come together in batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Batching {
    /// A request joins what runs as soon as there is a sequence for it, and leaves when it is done.
    #[default]
    Continuous,
    /// Requests of about the same length are gathered, begin together and are done before the next ones begin: for many
    /// short ones of one shape.
    Static {
        /// So many make a batch; at most as many as are decoded side by side.
        size: u32,
        /// A smaller batch begins when its first request has waited for so long.
        wait: Duration,
        /// The most tokens that an answer may have.
        max_tokens: u32,
    },
}
