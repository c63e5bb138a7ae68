//! A deterministic engine without a model, for tests and for a server that is told to use it. Never a fallback.
//!
//! Its tokens are bytes. Its reply is a sentence that depends on the prompt alone; every logit depends on all tokens
//! before, so that an error in scheduling shows in the text.

mod embedder;
mod gated;
mod vocabulary;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize};

use base::{Clock, Random, SystemClock, SystemRandom};

use crate::backend::{Backend, Care, Input, Layout, Open, Vocabulary};
use crate::cores::Pinned;
use crate::engine::{Facts, Generator, LoadOptions, Loaded, Loader, ModelFiles, ModelInfo, ModelKind};
use crate::reading::{Passage, PassageTokens, Reading, read_all};
use crate::replicas::Replicas;
use crate::scheduler::{Config, Model, Scheduler};
use crate::template::{ChatTemplate, Tokens};
use crate::tool_calls::ToolFormat;
use crate::{Error, Result, Token};

pub use embedder::FakeEmbedder;
pub use gated::{Gate, GatedLoader};
pub use vocabulary::{END, FakeVocabulary, START};

/// The template of the fake: ChatML.
pub const TEMPLATE: &str = "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n\
                            {% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

/// The tokens of context that a fake has.
const CONTEXT: u32 = 8192;
/// The length of a fake embedder's vectors.
const DIMENSIONS: u32 = 384;
/// Tokens of a prompt that are read in one step.
const CHUNK: u32 = 64;
/// Those of a deterministic request.
const GRAIN: u32 = 32;
/// Sequences that share a buffer.
const SHARED: u32 = 16;
/// Those of them that hold continuations.
const SCRATCH: u32 = 8;
/// The tokens of that buffer.
const CELLS: u32 = 4096;

/// Loads a fake embedder for a `.safetensors` file and a fake generator for any other. The file is not opened.
#[derive(Clone)]
pub struct FakeLoader {
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl FakeLoader {
    /// A loader.
    pub fn new(clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self { clock, random }
    }

    /// A loaded fake generator. `replies` gives the reply to a prompt whose text contains the key; the first wins.
    pub fn generator(&self, options: &LoadOptions, replies: &[(&str, &str)]) -> Result<Scheduler> {
        self.replica(options, replies, 0)
    }

    /// A loaded fake generator of as many replicas as the options say.
    pub fn replicas(&self, options: &LoadOptions, replies: &[(&str, &str)]) -> Result<Arc<dyn Generator>> {
        Replicas::start(options, |at| self.replica(options, replies, at))
    }

    fn replica(&self, options: &LoadOptions, replies: &[(&str, &str)], at: usize) -> Result<Scheduler> {
        let replies = replies.iter().map(|(key, reply)| ((*key).to_owned(), (*reply).to_owned())).collect();
        self.scheduler(options, at, FakeOpen { parallel: options.parallel.max(1), replies })
    }

    /// The replica of that number over a backend.
    fn scheduler(&self, options: &LoadOptions, at: usize, open: impl Open) -> Result<Scheduler> {
        let vocabulary = Arc::new(FakeVocabulary);
        let tokens = Tokens { bos: String::new(), eos: "<|im_end|>".to_owned() };
        let template = ChatTemplate::ours(TEMPLATE, tokens, self.clock.clone())?;
        let facts = facts("fake", ModelKind::Generator);
        let info = ModelInfo {
            name: options.name.clone().unwrap_or_else(|| facts.name.clone()),
            architecture: facts.architecture.clone(),
            parameters: facts.parameters,
            context_length: facts.context_per_sequence(options),
            vocabulary: vocabulary.size(),
            memory_bytes: facts.memory_bytes(options),
            has_chat_template: true,
            tool_format: ToolFormat::Instructed,
            parallel: options.parallel.max(1),
            states: format!("fake, read {CHUNK} tokens at once, or exactly {GRAIN}"),
        };
        let open = Pinned::new(options.cores_of(at).cloned(), open);
        let (queue, cache_bytes) = (options.queue_of_each(), options.prefix_cache_of_each());
        let (batching, random) = (options.batching, self.random.clone());
        let config = Config { queue, chunk: CHUNK, grain: GRAIN, batching, cache_bytes, random };
        Scheduler::start(Model { info, vocabulary, template: Some(template) }, config, open)
    }
}

impl Default for FakeLoader {
    fn default() -> Self {
        Self::new(Arc::new(SystemClock), Arc::new(SystemRandom))
    }
}

impl std::fmt::Debug for FakeLoader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FakeLoader").finish_non_exhaustive()
    }
}

impl Loader for FakeLoader {
    fn inspect(&self, files: &ModelFiles) -> Result<Facts> {
        let name = files.main.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(facts(&name, kind(files)))
    }

    fn load(&self, files: &ModelFiles, options: &LoadOptions) -> Result<Loaded> {
        Ok(match kind(files) {
            ModelKind::Embedder => Loaded::Embedder(Arc::new(FakeEmbedder::new(DIMENSIONS))),
            ModelKind::Generator => Loaded::Generator(self.replicas(options, &[])?),
        })
    }

    fn read_all(
        &self,
        files: &ModelFiles,
        options: &LoadOptions,
        passages: &[Passage],
        cancelled: &AtomicBool,
        done: &AtomicUsize,
    ) -> Result<Vec<Vec<Vec<Reading>>>> {
        let facts = self.inspect(files)?;
        if facts.kind == ModelKind::Embedder {
            return Err(Error::foretells_nothing(&files.main));
        }
        let context = facts.context_per_sequence(options);
        let tokens = passages.iter().map(|passage| PassageTokens::new(&FakeVocabulary, passage, context));
        let tokens = tokens.collect::<Result<Vec<_>>>()?;
        read_all(&mut FakeOpen { parallel: 1, replies: Vec::new() }, &tokens, CHUNK, cancelled, done)
    }
}

fn kind(files: &ModelFiles) -> ModelKind {
    match files.main.extension().is_some_and(|extension| extension == "safetensors") {
        true => ModelKind::Embedder,
        false => ModelKind::Generator,
    }
}

fn facts(name: &str, kind: ModelKind) -> Facts {
    Facts {
        kind,
        name: name.to_owned(),
        architecture: "fake".to_owned(),
        parameters: 0,
        context_length: CONTEXT,
        vocabulary: FakeVocabulary.size(),
        dimensions: DIMENSIONS,
        weights_bytes: 0,
        cache_bytes_per_token: 4,
        working_bytes: 1 << 20,
        weights_format: String::new(),
        has_chat_template: kind == ModelKind::Generator,
        licence: None,
        shape: crate::Shape::default(),
        prompting: crate::Prompting::default(),
    }
}

/// Opens [`FakeBackend`]s.
#[derive(Debug, Clone)]
pub struct FakeOpen {
    /// The sequences of each.
    pub parallel: u32,
    /// Replies to prompts that contain the key.
    pub replies: Vec<(String, String)>,
}

impl Open for FakeOpen {
    fn open(&mut self, drive: &mut dyn FnMut(&mut dyn Backend)) -> Result<()> {
        drive(&mut FakeBackend::new(self));
        Ok(())
    }
}

/// A backend that computes nothing but hashes.
#[derive(Debug)]
pub struct FakeBackend {
    replies: Vec<(String, String)>,
    parallel: u32,
    sequences: Vec<Sequence>,
    logits: Vec<Vec<f32>>,
}

#[derive(Debug, Clone, Default)]
struct Sequence {
    tokens: Vec<Token>,
    /// Where the prompt ends: after the first token whose logits were asked for.
    prompt: Option<usize>,
    /// Whether what comes next may be another prompt's end: where its first token's logits are not asked for.
    begins: bool,
}

impl Sequence {
    fn read(&mut self, input: Input) {
        if std::mem::take(&mut self.begins) && !input.logits {
            self.prompt = None;
        }
        self.tokens.push(input.token);
        if input.logits && self.prompt.is_none() {
            self.prompt = Some(self.tokens.len());
        }
    }
}

impl FakeBackend {
    /// A backend with empty sequences.
    pub fn new(open: &FakeOpen) -> Self {
        let sequences = vec![Sequence::default(); (open.parallel + SHARED + SCRATCH) as usize];
        Self { replies: open.replies.clone(), parallel: open.parallel, sequences, logits: Vec::new() }
    }

    /// Ends the test whose batch no backend would take.
    fn check(&self, batch: &[Input], care: Care) {
        let shared = |input: &Input| input.sequence >= self.parallel;
        assert!(batch.iter().all(|input| shared(input) == shared(&batch[0])), "the kinds of sequences never mix");
        assert!(batch.len() <= self.layout().batch as usize, "a batch of {} tokens", batch.len());
        let one = batch.iter().all(|input| input.sequence == batch[0].sequence);
        let single = batch.windows(2).all(|pair| pair[0].sequence != pair[1].sequence);
        assert!(care == Care::Fast || one || single, "an exact batch is of one sequence or of single tokens");
    }

    fn compute(&self, sequence: &Sequence) -> Vec<f32> {
        let (prompt, written) = sequence.tokens.split_at(sequence.prompt.unwrap_or(sequence.tokens.len()));
        let all = hash(sequence.tokens.iter().copied());
        let mut logits: Vec<f32> = (0..FakeVocabulary.size()).map(|token| noise(all, token)).collect();
        // Under a constraint the reply does not fit: text that ends is likelier than text that goes on.
        for close in [b'"', b'}', b']'] {
            logits[usize::from(close)] += 1.0;
        }
        let reply = self.reply(prompt);
        let next = reply.as_bytes().get(written.len()).map_or(END, |byte| Token::from(*byte));
        logits[next as usize] += 8.0;
        logits
    }

    fn reply(&self, prompt: &[Token]) -> String {
        let bytes: Vec<u8> = prompt.iter().filter_map(|token| u8::try_from(*token).ok()).collect();
        let text = String::from_utf8_lossy(&bytes);
        let scripted = self.replies.iter().find(|(key, _)| text.contains(key.as_str()));
        scripted.map_or_else(|| sentence(hash(prompt.iter().copied())), |(_, reply)| reply.clone())
    }
}

impl Backend for FakeBackend {
    fn layout(&self) -> Layout {
        Layout {
            separate: self.parallel,
            shared: self.sequences.len() as u32 - self.parallel - SCRATCH,
            scratch: SCRATCH,
            cells: CELLS,
            batch: CHUNK.max(self.parallel),
            copies: true,
            exchanges: true,
            all_cells: false,
        }
    }

    fn decode(&mut self, batch: &[Input], care: Care) -> Result<()> {
        self.check(batch, care);
        self.logits.clear();
        for input in batch {
            let also = input.also.0..input.also.0 + input.also.1;
            for sequence in std::iter::once(input.sequence).chain(also) {
                let sequence = &mut self.sequences[sequence as usize];
                assert_eq!(sequence.tokens.len(), input.position as usize, "positions follow one another");
                sequence.read(*input);
            }
            let logits = match input.logits {
                true => self.compute(&self.sequences[input.sequence as usize]),
                false => Vec::new(),
            };
            self.logits.push(logits);
        }
        Ok(())
    }

    fn logits(&mut self, index: usize) -> Result<&[f32]> {
        Ok(&self.logits[index])
    }

    fn truncate(&mut self, sequence: u32, from: u32) -> Result<bool> {
        let sequence = &mut self.sequences[sequence as usize];
        sequence.prompt = sequence.prompt.filter(|prompt| *prompt <= from as usize);
        sequence.tokens.truncate(from as usize);
        sequence.begins = true;
        Ok(true)
    }

    fn share(&mut self, from: u32, to: u32, tokens: u32) -> Result<()> {
        assert!(from >= self.parallel && to >= self.parallel, "separate sequences share nothing");
        assert!(self.sequences[to as usize].tokens.is_empty(), "only an empty sequence begins with another");
        let from = &self.sequences[from as usize];
        let prompt = from.prompt.filter(|prompt| *prompt <= tokens as usize);
        let tokens = from.tokens[..tokens as usize].to_vec();
        self.sequences[to as usize] = Sequence { tokens, prompt, begins: true };
        Ok(())
    }

    fn save(&mut self, sequence: u32, state: &mut Vec<u8>) -> Result<()> {
        state.clear();
        let tokens = &self.sequences[sequence as usize].tokens;
        state.extend(tokens.iter().flat_map(|token| token.to_le_bytes()));
        Ok(())
    }

    fn restore(&mut self, sequence: u32, state: &[u8]) -> Result<()> {
        assert!(self.sequences[sequence as usize].tokens.is_empty(), "only an empty sequence is restored");
        let (tokens, _) = state.as_chunks::<4>();
        let tokens = tokens.iter().map(|bytes| Token::from_le_bytes(*bytes)).collect();
        self.sequences[sequence as usize] = Sequence { tokens, prompt: None, begins: true };
        Ok(())
    }
}

const WORDS: [&str; 16] = [
    "river", "quiet", "engine", "paper", "light", "under", "seven", "garden", "turns", "slowly", "carries", "bright",
    "morning", "signal", "over", "stone",
];

/// A sentence of 4 to 15 words.
fn sentence(seed: u64) -> String {
    let count = 4 + seed % 12;
    let word = |at: u64| WORDS[(mix(seed ^ at) % WORDS.len() as u64) as usize];
    let text = (0..count).map(word).collect::<Vec<_>>().join(" ");
    format!("{}{}.", text[..1].to_uppercase(), &text[1..])
}

fn noise(seed: u64, token: Token) -> f32 {
    (mix(seed ^ (u64::from(token) << 32)) >> 40) as f32 / (1 << 24) as f32
}

fn hash(tokens: impl Iterator<Item = Token>) -> u64 {
    tokens.fold(0, |state, token| mix(state ^ u64::from(token)))
}

/// SplitMix64 (Steele, Lea, Flood 2014): every bit of the result depends on every bit of the input.
fn mix(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests;
