//! What is asked while a model is tuned: requests of a workload's shape, the same for every candidate.

use std::sync::Arc;

use base::{Error, Result};
use inference::{ChatMessage, Role};
use serde::{Deserialize, Serialize};

use super::space::mix;

/// The most requests of a workload of the caller's own.
pub const MOST_REQUESTS: usize = 1_000;
/// The most bytes of text in them.
const MOST_BYTES: usize = 1 << 20;
/// The most tokens that one of them may ask for.
const MOST_TOKENS: u32 = 4_096;

/// Tokens of a user's turn and of its answer in a chat, and the turns before a new chat begins.
const TURN: u32 = 40;
const ANSWER: u32 = 48;
const TURNS: u32 = 6;
/// Tokens of a text to be moderated, and of the verdict.
const POST: u32 = 120;
const VERDICT: u32 = 4;
/// Tokens of a judge's rubric at most, and of what is judged by it.
const RUBRIC: u32 = 1_500;
const JUDGED: u32 = 80;
/// The most tokens of an answer that is asked for to warm up.
const WARMING: u32 = 4;
/// Tokens of a text to be embedded.
const SENTENCE: u32 = 24;

/// The shape of the requests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Workload {
    /// Conversations that grow turn by turn.
    Chat,
    /// Short texts and a verdict of few tokens.
    Moderation,
    /// A long rubric that all requests share, and grades that are scored after what is judged.
    Judge,
    /// Sentences to be embedded.
    Embed,
    /// The caller's own requests, asked in order over and over.
    Requests(Vec<OwnRequest>),
}

/// A request of the caller's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OwnRequest {
    /// A raw prompt, continued as it stands; embedded by a model that embeds.
    pub prompt: Option<String>,
    /// A conversation: who speaks and what is said.
    pub messages: Vec<(Role, String)>,
    /// The most tokens of the answer.
    pub max_tokens: u32,
}

impl Workload {
    /// The built-in workload of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Chat, Self::Moderation, Self::Judge, Self::Embed].into_iter().find(|one| one.name() == name)
    }

    /// Its name; that of a caller's own is `requests`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Moderation => "moderation",
            Self::Judge => "judge",
            Self::Embed => "embed",
            Self::Requests(_) => "requests",
        }
    }

    /// # Errors
    /// Invalid, where the model does not do that, and for requests of the caller's own that are none.
    pub(super) fn check(&self, model: &str, embeds: bool) -> Result<()> {
        if let Self::Requests(requests) = self {
            return check_own(requests, embeds);
        }
        match (self == &Self::Embed) == embeds {
            true => Ok(()),
            false => Err(Error::invalid(format!("The model `{model}` is not for the workload `{}`.", self.name()))
                .with_hint(if embeds {
                    "It embeds text: its workload is `embed`."
                } else {
                    "It generates text: its workloads are `chat`, `moderation` and `judge`."
                })),
        }
    }
}

fn check_own(requests: &[OwnRequest], embeds: bool) -> Result<()> {
    let text = |one: &OwnRequest| {
        one.prompt.as_ref().map_or(0, String::len) + one.messages.iter().map(|(_, text)| text.len()).sum::<usize>()
    };
    if requests.is_empty() || requests.len() > MOST_REQUESTS || requests.iter().map(text).sum::<usize>() > MOST_BYTES {
        return Err(Error::invalid(format!("A workload has 1 to {MOST_REQUESTS} requests and at most 1 MiB of text.")));
    }
    for (at, one) in (1..).zip(requests) {
        let whole = one.prompt.is_some() == one.messages.is_empty() && text(one) > 0;
        if !whole || (embeds && one.prompt.is_none()) || one.max_tokens == 0 || one.max_tokens > MOST_TOKENS {
            return Err(Error::invalid(format!("Request {at} of the workload cannot be asked."))
                .with_hint(format!("A request has `prompt` or `messages`, and `max_tokens` from 1 to {MOST_TOKENS}; for a model that embeds, `prompt`.")));
        }
    }
    Ok(())
}

/// What a client asks next.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Ask {
    Chat { messages: Vec<ChatMessage>, max_tokens: u32 },
    Text { text: String, max_tokens: u32 },
    Score { prompt: String, continuations: Vec<String> },
    Embed { text: String },
}

impl Ask {
    /// The same with an answer of few tokens: all is read and loaded that a request needs, and little is written.
    pub(super) fn brief(self) -> Self {
        match self {
            Self::Chat { messages, max_tokens } => Self::Chat { messages, max_tokens: max_tokens.min(WARMING) },
            Self::Text { text, max_tokens } => Self::Text { text, max_tokens: max_tokens.min(WARMING) },
            other => other,
        }
    }
}

/// How long the texts are: words for each token, and the tokens that a request may have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    pub(super) words_per_token: f64,
    pub(super) context: u32,
}

impl Scale {
    /// The scale of a model that makes `tokens` tokens of `words` words.
    pub(super) fn of(words: usize, tokens: usize, context: u32) -> Self {
        Self { words_per_token: words as f64 / tokens.max(1) as f64, context }
    }

    /// A text of about so many tokens, within a part of the context.
    fn text(&self, seed: u64, tokens: u32, parts: u32) -> String {
        let tokens = tokens.min(self.context / parts);
        words(seed, ((f64::from(tokens) * self.words_per_token) as usize).max(1))
    }
}

/// One who asks, and asks again when the answer is there.
#[derive(Debug, Clone)]
pub(super) struct Client {
    workload: Arc<Workload>,
    scale: Scale,
    number: u64,
    asked: u64,
    conversation: Vec<ChatMessage>,
}

impl Client {
    pub(super) fn new(workload: Arc<Workload>, scale: Scale, number: u64) -> Self {
        Self { workload, scale, number, asked: 0, conversation: Vec::new() }
    }

    /// What it asks next. Depends on its number and what it heard alone.
    pub(super) fn next(&mut self) -> Ask {
        let (scale, seed) = (self.scale, mix(self.number << 32 ^ self.asked));
        self.asked += 1;
        match &*self.workload.clone() {
            Workload::Chat => self.chat(seed),
            Workload::Moderation => Ask::Text {
                text: format!(
                    "Answer with one word, allowed or refused. Is this post allowed?\n\n{}\n\nVerdict:",
                    scale.text(seed, POST, 3)
                ),
                max_tokens: VERDICT,
            },
            Workload::Judge => Ask::Score {
                prompt: format!("{}\n\n{}\n\nGrade:", scale.text(0, RUBRIC, 2), scale.text(seed, JUDGED, 8)),
                continuations: ["1", "2", "3", "4", "5"].map(|grade| format!(" {grade}")).into(),
            },
            Workload::Embed => Ask::Embed { text: scale.text(seed, SENTENCE, 3) },
            Workload::Requests(requests) => {
                // The clients begin in different places.
                let at = (self.asked - 1).wrapping_add(self.number) as usize % requests.len();
                own(&requests[at])
            }
        }
    }

    /// Hears an answer, which a chat goes on from.
    pub(super) fn hear(&mut self, answer: &str) {
        if *self.workload == Workload::Chat {
            self.conversation.push(ChatMessage::new(Role::Assistant, answer));
        }
    }

    fn chat(&mut self, seed: u64) -> Ask {
        let turns = (self.scale.context / (2 * (TURN + ANSWER))).clamp(1, TURNS) as usize;
        if self.conversation.len() >= 2 * turns {
            self.conversation.clear();
        }
        self.conversation.push(ChatMessage::new(Role::User, self.scale.text(seed, TURN, 4)));
        Ask::Chat { messages: self.conversation.clone(), max_tokens: ANSWER.min(self.scale.context / 4).max(1) }
    }
}

fn own(request: &OwnRequest) -> Ask {
    let max_tokens = request.max_tokens;
    match &request.prompt {
        Some(text) => Ask::Text { text: text.clone(), max_tokens },
        None => {
            let messages = request.messages.iter().map(|(role, text)| ChatMessage::new(*role, text.as_str())).collect();
            Ask::Chat { messages, max_tokens }
        }
    }
}

const WORDS: [&str; 32] = [
    "the", "evening", "market", "opens", "when", "a", "quiet", "train", "arrives", "from", "north", "with", "letters",
    "and", "warm", "bread", "for", "every", "house", "that", "keeps", "its", "windows", "lit", "while", "rain",
    "falls", "over", "green", "hills", "near", "water",
];

/// A text of so many words.
pub(super) fn words(seed: u64, count: usize) -> String {
    let word = |at: usize| WORDS[(mix(seed ^ (at as u64) << 17) % WORDS.len() as u64) as usize];
    (0..count).map(word).collect::<Vec<_>>().join(" ")
}
