//! What a caller asks of a model, in no vendor's dialect.

use base::{Error, Result};
use identity::Ctx;
use inference::{Constraint, LoopDetector, NoRepeatNgram, Priority};
use serde_json::Value;

use super::score::Normalize;

/// How a request is served beside others. An upstream is told nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Serving {
    /// How soon: in the queue of a model here, and in that for the members of a pool.
    pub priority: Priority,
    /// Whether the answer must not depend, in any bit, on what else runs or ran.
    pub deterministic: Determinism,
}

/// Whether an answer must not depend, in any bit, on what else runs or ran. No upstream can be held to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Determinism {
    /// It may.
    #[default]
    Off,
    /// It must not where a model here answers; an upstream's answer is taken as it comes.
    Here,
    /// It must not: where an upstream is to answer, the request is refused.
    Required,
}

/// Why an upstream is not asked for what must be deterministic.
pub(crate) const NOT_PROMISED: &str =
    "A remote model cannot be asked for `deterministic`: no server of its kind promises it.";

impl Serving {
    /// The same in the engine's terms, on behalf of the caller's account: accounts share nothing that was read.
    pub(crate) fn of(self, ctx: &Ctx) -> inference::Serving {
        // An account's number is one.
        let tenant = crate::snapshots::tenant(ctx.account());
        let deterministic = self.deterministic != Determinism::Off;
        inference::Serving { tenant, priority: self.priority, deterministic, deadline: None }
    }

    /// The same for a request that an upstream is to answer, with its deadline.
    ///
    /// # Errors
    /// Invalid, where the answer is required to be deterministic.
    pub(crate) fn at_an_upstream(self, ctx: &Ctx) -> Result<inference::Serving> {
        if self.deterministic == Determinism::Required {
            return Err(Error::invalid(NOT_PROMISED)
                .with_hint("Ask without it, perhaps with a `seed`, or ask a model of this server."));
        }
        Ok(inference::Serving { deadline: ctx.deadline(), ..self.of(ctx) })
    }
}

/// A conversation to be continued by the model.
#[derive(Debug, Clone, Default)]
pub struct ChatRequest {
    /// The model id as the client sent it: an AWS id, an ARN, an inference profile or a Craton name.
    pub model: String,
    /// System prompts, joined by blank lines.
    pub system: Vec<String>,
    /// The turns, oldest first. Where the last one is the assistant's, the model continues it.
    pub messages: Vec<Message>,
    /// Tools that the model may call.
    pub tools: Vec<ToolSpec>,
    /// Which of the tools the model may or must call.
    pub tool_choice: ToolChoice,
    /// How tokens are drawn.
    pub sampling: Sampling,
    /// The most tokens to generate; none: up to the end of the context.
    pub max_tokens: Option<u32>,
    /// Texts that end the answer; they are not part of it.
    pub stop: Vec<String>,
    /// A JSON schema that the answer's text must satisfy.
    pub response_schema: Option<Value>,
    /// Whether what cannot be enforced of `response_schema` is passed over; otherwise such a schema is refused.
    pub lenient_schema: bool,
    /// What the answer's text must look like, where no schema of JSON says it. It goes with neither tools nor
    /// `response_schema`.
    pub constraint: Option<Constraint>,
    /// How many alternatives to report for every token, 0 for the drawn token alone; none: no log probabilities.
    pub logprobs: Option<u8>,
    /// Where the conversation so far is worth keeping for later ones of the account that begin alike.
    pub cache_points: Vec<CachePoint>,
    /// How it is served beside others.
    pub serving: Serving,
}

/// A place in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CachePoint {
    /// After so many of the system prompts.
    System(usize),
    /// After so many of the tools. A template that writes them after the system prompt has nothing to keep there by
    /// itself.
    Tools(usize),
    /// Within a turn.
    Message {
        /// The turn's number.
        message: usize,
        /// The blocks of it that come before.
        blocks: usize,
    },
}

/// A raw prompt to be answered: Titan Text, Llama and Mistral bodies.
#[derive(Debug, Clone, Default)]
pub struct CompletionRequest {
    /// The model id as the client sent it.
    pub model: String,
    /// The prompt. A prompt in a vendor's chat template (see [`crate::PromptFormat`]) is rendered again in the
    /// local model's own template, anything else is one user message.
    pub prompt: String,
    /// System prompts that the body carries beside the prompt.
    pub system: Vec<String>,
    /// How tokens are drawn.
    pub sampling: Sampling,
    /// The most tokens to generate; none: up to the end of the context.
    pub max_tokens: Option<u32>,
    /// Texts that end the answer; they are not part of it.
    pub stop: Vec<String>,
    /// As [`ChatRequest::logprobs`].
    pub logprobs: Option<u8>,
    /// How it is served beside others.
    pub serving: Serving,
}

/// A text to be continued as it stands: OpenAI's `/v1/completions`, and the raw prompts of imported models.
#[derive(Debug, Clone, Default)]
pub struct ContinuationRequest {
    /// The model id as the client sent it.
    pub model: String,
    /// What is continued.
    pub prompt: RawPrompt,
    /// How tokens are drawn.
    pub sampling: Sampling,
    /// The most tokens to generate; none: up to the end of the context.
    pub max_tokens: Option<u32>,
    /// Texts that end the answer; they are not part of it.
    pub stop: Vec<String>,
    /// What the continuation must look like.
    pub constraint: Option<Constraint>,
    /// As [`ChatRequest::logprobs`].
    pub logprobs: Option<u8>,
    /// Whether the answer begins with the prompt itself, each of whose tokens has its log probability where they are asked
    /// for. Then `max_tokens` may be 0.
    pub echo: bool,
    /// How it is served beside others.
    pub serving: Serving,
}

/// Continuations of one prompt whose probabilities are asked for.
#[derive(Debug, Clone, Default)]
pub struct ScoreRequest {
    /// The model id as the client sent it.
    pub model: String,
    /// What comes before.
    pub prompt: ScorePrompt,
    /// What may follow it: at least one, each for itself. Control tokens are not recognised in them.
    pub continuations: Vec<RawPrompt>,
    /// How many of the likeliest tokens to tell beside each of the prompt's own; none: nothing is told of the prompt.
    pub echo: Option<u8>,
    /// Where only the likeliest continuation is wanted: what they are compared by. Those that cannot be the likeliest are
    /// then read only as far as is needed to know it.
    pub best_by: Option<Normalize>,
    /// Whether one of the continuations has to follow, so that each is read only as far as it has to be told from the
    /// others: [`super::score::Scores::choices`] has the probabilities. `best_by` then spares nothing more.
    pub is_choice: bool,
    /// How it is served beside others.
    pub serving: Serving,
}

/// What a [`ScoreRequest`] scores continuations of.
#[derive(Debug, Clone)]
pub enum ScorePrompt {
    /// A prompt as it stands.
    Raw(RawPrompt),
    /// A conversation in the model's own template, whose answer the continuations begin.
    Chat(Box<ChatRequest>),
}

impl Default for ScorePrompt {
    fn default() -> Self {
        Self::Raw(RawPrompt::default())
    }
}

impl From<RawPrompt> for ScorePrompt {
    fn from(prompt: RawPrompt) -> Self {
        Self::Raw(prompt)
    }
}

/// What a [`ContinuationRequest`] continues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RawPrompt {
    /// Text.
    Text(String),
    /// Tokens of the answering model's own vocabulary, read as they are.
    Tokens(Vec<u32>),
}

impl RawPrompt {
    /// Whether there is nothing to continue.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::Tokens(tokens) => tokens.is_empty(),
        }
    }
}

impl Default for RawPrompt {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

/// One turn.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Whose turn it is.
    pub role: Role,
    /// What it says, in order.
    pub content: Vec<Content>,
}

impl Message {
    /// A turn of the user that is one text.
    pub fn user(text: impl Into<String>) -> Self {
        Self { role: Role::User, content: vec![Content::Text(text.into())] }
    }

    /// A turn of the assistant that is one text.
    pub fn assistant(text: impl Into<String>) -> Self {
        Self { role: Role::Assistant, content: vec![Content::Text(text.into())] }
    }
}

/// Whose turn a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The caller's.
    User,
    /// The model's.
    Assistant,
}

/// A piece of a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Text.
    Text(String),
    /// The model calls a tool.
    ToolUse {
        /// The call's id, which its result repeats.
        id: String,
        /// The tool.
        name: String,
        /// Its arguments, a JSON object.
        input: Value,
    },
    /// A tool call of an answer that ended within its arguments.
    CutToolUse {
        /// The call's id.
        id: String,
        /// The tool.
        name: String,
        /// The arguments as far as they were written.
        arguments: String,
    },
    /// What a tool answered.
    ToolResult {
        /// The id of the call.
        id: String,
        /// The answer as text.
        content: String,
        /// Whether the tool failed.
        is_error: bool,
    },
    /// Something that no served model can read, such as an image: refused when the request is invoked.
    Unsupported {
        /// What it is, as the error says it: "image", "document", "video".
        what: &'static str,
    },
}

/// A tool that the model may call.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolSpec {
    /// Its name.
    pub name: String,
    /// What it does, for the model.
    pub description: Option<String>,
    /// The JSON schema of its arguments.
    pub schema: Value,
}

/// Which tools the model may or must call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ToolChoice {
    /// The model decides.
    #[default]
    Auto,
    /// The model must call one of the tools.
    Any,
    /// The model must call this tool.
    Tool(String),
    /// The model must not call a tool.
    None,
}

/// How tokens are drawn; what is absent takes the engine's default.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sampling {
    /// 0 always takes the likeliest token.
    pub temperature: Option<f32>,
    /// Nucleus sampling: the smallest set of tokens whose probabilities sum to this.
    pub top_p: Option<f32>,
    /// Only the likeliest `top_k` tokens.
    pub top_k: Option<u32>,
    /// Only tokens at least this share as likely as the likeliest.
    pub min_p: Option<f32>,
    /// The same seed draws the same tokens.
    pub seed: Option<u64>,
    /// Subtracted from a token's logit for every time it occurred.
    pub frequency_penalty: Option<f32>,
    /// Subtracted from a token's logit once it occurred.
    pub presence_penalty: Option<f32>,
    /// Added to the logits of these tokens.
    pub logit_bias: Vec<(u32, f32)>,
    /// Has no n-gram written twice.
    pub no_repeat_ngram: Option<NoRepeatNgram>,
    /// Ends an answer that repeats itself without end.
    pub loop_detector: Option<LoopDetector>,
}

/// Texts to be embedded.
#[derive(Debug, Clone, Default)]
pub struct EmbedRequest {
    /// The model id as the client sent it.
    pub model: String,
    /// The texts.
    pub texts: Vec<String>,
    /// What happens to texts longer than the model reads.
    pub truncate: Truncate,
    /// The length of the vectors; none: the model id's own.
    pub dimensions: Option<usize>,
    /// Whether vectors have unit length; none: yes.
    pub normalize: Option<bool>,
    /// What the texts are embedded for.
    pub purpose: Purpose,
    /// How they are embedded beside others. Vectors that are computed here are the same in every bit in any case.
    pub serving: Serving,
}

/// What texts are embedded for. It matters to models that were trained with other words before queries than before
/// passages, such as multilingual-e5-small; a local one gets the words that its authors prescribe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Purpose {
    /// Nobody says. A text that begins with words that the model knows is left as it is; others get those that its authors
    /// prescribe for everything but passages.
    #[default]
    Unstated,
    /// To search with.
    Query,
    /// To be found.
    Passage,
}

/// What happens to a text longer than the model reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Truncate {
    /// It is refused.
    #[default]
    None,
    /// Its start is dropped.
    Start,
    /// Its end is dropped.
    End,
}

/// A request whose input tokens are to be counted.
#[derive(Debug, Clone)]
pub enum CountRequest {
    /// A conversation, its template included.
    Chat(ChatRequest),
    /// A raw prompt, rendered as [`CompletionRequest::prompt`].
    Completion(CompletionRequest),
    /// A text that is continued as it stands.
    Continuation(ContinuationRequest),
    /// A bare text, without any template.
    Text {
        /// The model id as the client sent it.
        model: String,
        /// The text.
        text: String,
    },
}
