//! Many requests on one model: a bounded queue, continuous batching, one thread.
//!
//! The thread owns the [`Backend`](crate::backend::Backend) and repeats one step: read a chunk of one prompt, or write
//! the next token of every running answer.
//!
//! **Who is next** of those that wait stands in [`crate::fair`], and how they are gathered into batches of one shape, where
//! that is asked for ([`Batching::Static`]), in [`gather`].
//!
//! **Two kinds of sequences.** Most requests get a sequence with a buffer of its own, in which results do not depend on
//! what the others hold ([`separate`]). Requests that share most of their prompt, and scores, get sequences of one
//! buffer, where what they share is kept, read and multiplied with once ([`shared`]).
//!
//! **Cached prefixes.** A request begins with the most that anything has read of its prompt for the same tenant: the slot
//! itself, cells of another shared slot (nothing is copied), a copy of another slot, or of what was kept in memory when
//! its slot was needed ([`slots`], [`crate::prefix`]). One that begins with what another is just reading waits for it. A
//! deterministic request is read in short pieces of one length ([`Config::grain`]), each alone, and takes whole pieces that
//! were read so and nothing else, as only they are computed alike in every prompt.

mod cells;
mod gather;
mod job;
pub(crate) mod mailbox;
mod meters;
mod queue;
mod ranking;
mod separate;
mod sequence;
mod shared;
mod slots;
mod worker;

use std::sync::mpsc;
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use base::Random;
use futures::channel::oneshot;

use crate::backend::{Open, Vocabulary};
use crate::chat::ChatPrompt;
use crate::constraint::{Compiler, Constraint, Follower};
use crate::control::ControlTokens;
use crate::engine::{Batching, EngineStatus, Generator, ModelInfo};
use crate::generation::{GenerateRequest, Generation, Prompt, StopReason, Tenant};
use crate::kept::KeptPrefix;
use crate::loops::{LoopDetector, LoopState};
use crate::sampling::Sampler;
use crate::scoring::{ScoreRequest, Scoring};
use crate::template::ChatTemplate;
use crate::text::Assembler;
use crate::{Error, Result, Token};
use job::{Job, Scored, Work, Writing};
use queue::{Errand, Shared};
use worker::Sizes;

/// A model as the scheduler needs it.
pub struct Model {
    /// Its facts. `context_length` and `parallel` are the backend's.
    pub info: ModelInfo,
    /// Its vocabulary.
    pub vocabulary: Arc<dyn Vocabulary>,
    /// Its chat template, if it has one.
    pub template: Option<ChatTemplate>,
}

/// How requests are scheduled.
pub struct Config {
    /// The requests that may wait while all sequences are taken.
    pub queue: usize,
    /// The tokens of a prompt that are read in one step.
    pub chunk: u32,
    /// Those of a deterministic request, at most `chunk`. Shorter pieces are read a little slower, and prompts that begin
    /// alike share more: up to the last piece that is whole in both.
    pub grain: u32,
    /// How requests come together.
    pub batching: Batching,
    /// The memory for what prompts begin with, in bytes; taken as they come.
    pub cache_bytes: u64,
    /// Where seeds come from that a request does not give.
    pub random: Arc<dyn Random>,
}

/// A loaded model that many requests share. Dropping it ends their streams with [`Error::Stopped`] and waits for the
/// step that is being computed.
pub struct Scheduler {
    model: Arc<Model>,
    shared: Arc<Shared>,
    compiler: OnceLock<Result<Compiler>>,
    controls: ControlTokens,
    random: Arc<dyn Random>,
    chunk: usize,
    grain: usize,
    batching: Batching,
    thread: Option<JoinHandle<()>>,
}

impl Scheduler {
    /// Starts the thread and opens the backend on it; returns once that is done.
    pub fn start(model: Model, config: Config, open: impl Open) -> Result<Self> {
        Self::start_resting(model, config, open, worker::REST)
    }

    /// The same, that first tries after `rest` to open a backend again which could not be.
    fn start_resting(model: Model, config: Config, open: impl Open, rest: Duration) -> Result<Self> {
        let controls = ControlTokens::of(model.vocabulary.as_ref())?;
        let model = Arc::new(model);
        let shared = Arc::new(Shared::new(config.queue, model.info.parallel));
        let (opened, ready) = mpsc::sync_channel(1);
        let chunk = config.chunk.max(1) as usize;
        let grain = (config.grain.max(1) as usize).min(chunk);
        let thread = std::thread::Builder::new()
            .name("inference".to_owned())
            .spawn({
                let (model, shared) = (model.clone(), shared.clone());
                let sizes = Sizes { chunk, grain, cache: config.cache_bytes, rest };
                move || worker::run(&model, &shared, sizes, config.batching, open, &opened)
            })
            .map_err(|error| Error::Engine { reason: format!("no thread could be started: {error}") })?;
        // Made before the outcome is known, so that a failure joins the thread.
        let compiler = OnceLock::new();
        let scheduler = Self {
            model,
            shared,
            compiler,
            controls,
            random: config.random,
            chunk,
            grain,
            batching: config.batching,
            thread: Some(thread),
        };
        ready.recv().unwrap_or(Err(Error::Stopped))?;
        Ok(scheduler)
    }

    fn tokens(&self, prompt: &Prompt) -> Result<Vec<Token>> {
        let vocabulary = &self.model.vocabulary;
        match prompt {
            Prompt::Tokens(tokens) => match tokens.iter().find(|token| **token >= vocabulary.size()) {
                Some(token) => Err(Error::Request { reason: format!("there is no token {token}") }),
                None => Ok(tokens.clone()),
            },
            Prompt::Text { text, parse_special, add_bos } => {
                let mut tokens: Vec<Token> = vocabulary.bos().filter(|_| *add_bos).into_iter().collect();
                tokens.extend(vocabulary.tokenize(text, *parse_special)?);
                if tokens.len() > 1 && tokens[0] == tokens[1] && *add_bos && Some(tokens[0]) == vocabulary.bos() {
                    tokens.remove(0);
                }
                Ok(tokens)
            }
        }
    }

    /// Refuses a text that is too long by its length alone, before it costs the time to tokenize it.
    fn check_length(&self, prompt: &Prompt) -> Result<()> {
        let Prompt::Text { text, .. } = prompt else { return Ok(()) };
        let context = self.model.info.context_length as usize;
        let least = text.len() / self.model.vocabulary.longest().max(1);
        match least > context {
            true => Err(Error::ContextOverflow { prompt: least, context }),
            false => Ok(()),
        }
    }

    fn compile(&self, tenant: Tenant, constraint: &Constraint) -> Result<Follower> {
        let compiler = self.compiler.get_or_init(|| Compiler::new(self.model.vocabulary.clone()));
        compiler.as_ref().map_err(Clone::clone)?.compile_for(tenant.number(), constraint)
    }
}

impl Generator for Scheduler {
    fn info(&self) -> &ModelInfo {
        &self.model.info
    }

    fn status(&self) -> EngineStatus {
        self.shared.status()
    }

    fn tokenize(&self, text: &str, parse_special: bool) -> Result<Vec<Token>> {
        self.model.vocabulary.tokenize(text, parse_special)
    }

    fn read(&self, prompt: &Prompt) -> Result<Vec<Token>> {
        self.tokens(prompt)
    }

    fn spelling(&self, token: Token) -> Vec<u8> {
        sequence::spelling(token, self.model.vocabulary.as_ref())
    }

    fn render_chat(&self, chat: &ChatPrompt) -> Result<String> {
        match &self.model.template {
            Some(template) => template.render(self.controls.broken(chat).as_ref().unwrap_or(chat)),
            None => Err(Error::Template { reason: "the model file has no chat template".to_owned() }),
        }
    }

    fn generate(&self, request: GenerateRequest) -> Result<Generation> {
        let submitted = Instant::now();
        request.sampling.validate()?;
        request.loop_detector.as_ref().map_or(Ok(()), LoopDetector::validate)?;
        self.check_length(&request.prompt)?;
        let tokens = self.tokens(&request.prompt)?;
        let (limit, limit_reason) = self.limit(tokens.len(), request.max_tokens)?;
        let follower = request
            .constraint
            .as_ref()
            .map(|constraint| self.compile(request.serving.tenant, constraint))
            .transpose()?;
        let seed = match request.sampling.seed {
            Some(seed) => seed,
            None => self.random.next_u64(),
        };
        let (sender, receiver) = mailbox::channel();
        let writing = Writing {
            sampler: Sampler::new(request.sampling, seed, &tokens),
            limit,
            limit_reason,
            follower,
            assembler: Assembler::new(request.stop),
            loops: request.loop_detector.map(LoopState::new),
            logprobs: request.logprobs,
            sender,
        };
        let cache_points = self.cache_points(request.cache_points, tokens.len(), request.serving.deterministic);
        let (serving, work) = (request.serving, Work::Write(Box::new(writing)));
        self.shared.push(Job { tokens, serving, cache_points, submitted, work })?;
        Ok(Generation::new(receiver))
    }

    fn score(&self, request: ScoreRequest) -> Result<Scoring> {
        let submitted = Instant::now();
        self.check_length(&request.prompt)?;
        let tokens = self.tokens(&request.prompt)?;
        let continuations: Vec<Vec<Token>> =
            request.continuations.iter().map(|prompt| self.tokens(prompt)).collect::<Result<_>>()?;
        self.check_continuations(tokens.len(), &continuations)?;
        check_lengths(request.best_by.as_deref(), continuations.len())?;
        let (sender, receiver) = oneshot::channel();
        let ScoreRequest { echo, top, best_by, .. } = request;
        let scored = Scored { continuations, echo, top, best_by, sender: Some(sender) };
        let (serving, work) = (request.serving, Work::Score(scored));
        self.shared.push(Job { tokens, serving, cache_points: Vec::new(), submitted, work })?;
        Ok(Scoring::new(receiver))
    }

    fn forget(&self, tenant: Tenant) {
        self.shared.send(Errand::Forget(tenant));
    }

    fn used_again(&self) -> Vec<KeptPrefix> {
        let (sender, answer) = mpsc::sync_channel(1);
        self.shared.send(Errand::Tell(sender));
        // A worker that stops or fails tells nothing.
        answer.recv().unwrap_or_default()
    }

    fn remember(&self, prefixes: Vec<KeptPrefix>) {
        self.shared.send(Errand::Remember(prefixes));
    }
}

/// Refuses lengths that no continuations can be compared by.
fn check_lengths(lengths: Option<&[f64]>, continuations: usize) -> Result<()> {
    let Some(lengths) = lengths else { return Ok(()) };
    if lengths.len() == continuations && lengths.iter().all(|length| length.is_finite() && *length > 0.0) {
        return Ok(());
    }
    Err(Error::Request { reason: format!("{continuations} positive lengths are needed to compare by") })
}

impl Scheduler {
    /// Points within the prompt, ordered; of a deterministic request at the ends of its pieces.
    fn cache_points(&self, mut points: Vec<usize>, prompt: usize, deterministic: bool) -> Vec<usize> {
        if deterministic {
            points.iter_mut().for_each(|point| *point = *point / self.grain * self.grain);
        }
        points.retain(|point| *point > 0 && *point < prompt);
        points.sort_unstable();
        points.dedup();
        points
    }

    fn check_continuations(&self, prompt: usize, continuations: &[Vec<Token>]) -> Result<()> {
        let refuse = |reason: String| Err(Error::Request { reason });
        if prompt == 0 {
            return refuse("the prompt is empty".to_owned());
        }
        let context = self.model.info.context_length as usize;
        let longest = continuations.iter().map(Vec::len).max().unwrap_or(0);
        if prompt + longest > context {
            return Err(Error::ContextOverflow { prompt: prompt + longest, context });
        }
        match continuations.iter().position(|tokens| tokens.is_empty() || tokens.len() > self.chunk) {
            Some(at) if continuations[at].is_empty() => refuse(format!("continuation {at} is empty")),
            Some(at) => refuse(format!("continuation {at} has {longest} tokens and at most {} are scored", self.chunk)),
            None => Ok(()),
        }
    }

    /// The most tokens to write after a prompt, and why the answer ends there.
    fn limit(&self, prompt: usize, asked: Option<u32>) -> Result<(u32, StopReason)> {
        let context = self.model.info.context_length as usize;
        if prompt == 0 {
            return Err(Error::Request { reason: "the prompt is empty".to_owned() });
        }
        if prompt >= context {
            return Err(Error::ContextOverflow { prompt, context });
        }
        // Fits: less than `context_length`, which is a `u32`.
        let room = (context - prompt) as u32;
        let asked = match self.batching {
            Batching::Continuous => asked,
            Batching::Static { max_tokens, .. } => Some(asked.unwrap_or(max_tokens).min(max_tokens)),
        };
        match asked {
            Some(0) => Err(Error::Request { reason: "`max_tokens` is 0: it must be at least 1".to_owned() }),
            Some(asked) if asked <= room => Ok((asked, StopReason::MaxTokens)),
            _ => Ok((room, StopReason::ContextFull)),
        }
    }
}

impl Drop for Scheduler {
    fn drop(&mut self) {
        self.shared.stop();
        if let Some(thread) = self.thread.take() {
            // The thread catches its panics; there is nobody to tell of one that escaped.
            let _ = thread.join();
        }
    }
}

impl std::fmt::Debug for Scheduler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scheduler").field("info", &self.model.info).field("status", &self.status()).finish()
    }
}

#[cfg(test)]
mod tests;
