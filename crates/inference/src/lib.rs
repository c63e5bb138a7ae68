//! Traits of the engines that generate and embed, the scheduler, sampling, chat templates, and a deterministic fake.
//!
//! An engine knows nothing of accounts, permissions or any service's names. [`Generator`] and [`Embedder`] are what
//! the layers above see; [`scheduler`] turns a raw [`backend::Backend`] (one thread's batch decoder) into a
//! [`Generator`] that many requests share.

pub mod backend;
mod bandwidth;
pub mod chat;
pub mod constraint;
mod control;
mod cores;
pub mod engine;
mod error;
pub mod fair;
pub mod fake;
pub mod generation;
mod kept;
mod load;
pub mod loops;
mod prefix;
pub mod reading;
mod replicas;
pub mod sampling;
pub mod scheduler;
mod scoring;
mod shape;
pub mod template;
pub mod text;
pub mod tool_calls;

pub use bandwidth::memory_bandwidth;
pub use chat::{ChatMessage, ChatPrompt, Role, ToolCall, ToolSpec};
pub use constraint::Constraint;
pub use cores::{CoreSet, Pinned};
pub use engine::{
    Batching, CHUNK, Embedder, EmbedderInfo, Embeddings, EngineStatus, Facts, GRAIN, Generator, Loaded, Loader,
    ModelFiles, ModelInfo, ModelKind, SHARED_CELLS, Truncate, working_bytes,
};
pub use error::{Error, Result};
pub use generation::{
    Completion, Event, Finish, GenerateRequest, Generation, Priority, Prompt, Serving, StopReason, Tenant, Timing,
    TokenLogprob, TopLogprob, Usage,
};
pub use kept::KeptPrefix;
pub use load::{CacheType, LoadOptions, MOST_REPLICAS, MOST_SHARES, Split};
pub use loops::LoopDetector;
pub use reading::{Passage, Reading};
pub use replicas::Replicas;
pub use sampling::{NgramScope, NoRepeatNgram, Sampling};
pub use scoring::{ScoreRequest, Scores, Scoring};
pub use shape::{AttentionRate, ByThreads, CONTROL_TOKENS, Heads, Matrices, Prompting, Rate, Shape, Speeds};
pub use tool_calls::ToolFormat;

/// A token's number in its model's vocabulary.
pub type Token = u32;
