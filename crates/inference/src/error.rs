use std::path::{Path, PathBuf};

/// An engine's result.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong in an engine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A model file is absent, damaged, or of a kind that the engine cannot load.
    #[error("model file `{}`: {reason}", file.display())]
    ModelFile {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
        /// What to do about it.
        hint: String,
    },
    /// The prompt leaves no room for even one new token.
    #[error("the prompt has {prompt} tokens and the context holds {context}")]
    ContextOverflow {
        /// The prompt's tokens; a lower bound where the text was too long to be worth tokenizing.
        prompt: usize,
        /// The context's tokens, prompt and answer together.
        context: usize,
    },
    /// A text to embed is longer than the model's limit, and truncation was not asked for.
    #[error("text {index} has {tokens} tokens and the model takes {limit}")]
    InputTooLong {
        /// The text's index in the request.
        index: usize,
        /// Its tokens.
        tokens: usize,
        /// The model's limit.
        limit: usize,
    },
    /// As many requests wait as may wait.
    #[error("{queued} requests are waiting for the model already")]
    QueueFull {
        /// The requests that wait.
        queued: usize,
        /// When there will be room, as far as that is known.
        retry_after: Option<std::time::Duration>,
    },
    /// A parameter is outside its range.
    #[error("{reason}")]
    Request {
        /// Which parameter, and its range.
        reason: String,
    },
    /// The constraint is malformed or cannot be met.
    #[error("constraint: {reason}")]
    Constraint {
        /// The grammar compiler's reason.
        reason: String,
    },
    /// The chat template is malformed or refused the messages.
    #[error("chat template: {reason}")]
    Template {
        /// The template engine's reason.
        reason: String,
    },
    /// The chat template could not be rendered at the moment, which says nothing about it or the messages.
    #[error("the chat template could not be rendered: {reason}")]
    TemplateUnavailable {
        /// What was in the way.
        reason: String,
    },
    /// The request's deadline passed.
    #[error("the deadline passed")]
    DeadlineExceeded,
    /// The request was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// The model was unloaded.
    #[error("the model was unloaded")]
    Stopped,
    /// The system gives no memory for what the model needs beside its weights.
    #[error("there is no memory for the {what}, which take {} MiB", bytes.div_ceil(1 << 20))]
    NoMemory {
        /// What it would be for.
        what: String,
        /// How much that is.
        bytes: u64,
    },
    /// The engine failed.
    #[error("engine: {reason}")]
    Engine {
        /// The engine's reason.
        reason: String,
    },
}

impl Error {
    /// The model in this file embeds text and cannot be asked how likely a text is.
    pub fn foretells_nothing(file: &Path) -> Self {
        Self::ModelFile {
            file: file.to_owned(),
            reason: "it embeds text and foretells no tokens".to_owned(),
            hint: "Name a model that generates text.".to_owned(),
        }
    }

    /// What the user can do about it, if there is anything to say.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::ModelFile { hint, .. } => Some(hint.clone()),
            Self::ContextOverflow { .. } => {
                Some("shorten the prompt, or load the model with a longer context per sequence".to_owned())
            }
            Self::InputTooLong { .. } => Some("shorten the text, or ask for truncation".to_owned()),
            Self::QueueFull { .. } => Some("try again later, or raise the queue's length".to_owned()),
            Self::TemplateUnavailable { .. } => Some("try again".to_owned()),
            Self::NoMemory { .. } => {
                Some("lower `parallel`, `context` or `replicas`, or store the caches as `q8_0`".to_owned())
            }
            _ => None,
        }
    }
}
