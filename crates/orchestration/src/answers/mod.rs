//! Answers: questions answered from the passages of knowledge bases, with citations that hold.
//!
//! [`Answers::answer`] retrieves for whoever reads, has a model write from what was found, and cites each sentence of it by
//! the very characters that say it ([`Citation`]); a sentence that no passage says is cited by none, and an answer without any
//! is no answer. Without a model the passages' own sentences answer. `docs/answers.md` has the rules and how well they do.

mod answer;
mod ask;
mod budget;
mod draft;
mod external;
mod extract;
mod library;
mod markers;
mod nearness;
mod prompt;
mod rerank;
mod retrieve;
mod sentences;
mod sessions;
mod store;
mod support;
#[cfg(test)]
mod tests;
mod transform;
mod write;

use std::sync::Arc;

use ::store::Store;
use base::{Clock, Random, Result};
use identity::Identity;
use models::Models;
use objects::Objects;

pub use answer::{Answer, AnswerEvent, AnswerStream, Citation, Reference, Voice};
pub use ask::{
    Ask, Attribute, AttributeKind, Document, Generation, ImplicitFilter, Orchestration, RerankMetadata, Reranking,
    Search, Source, Unsupported, Writing,
};
pub use library::Library;
pub use prompt::{LONGEST_TEMPLATE, NO_ANSWER};
pub use rerank::{MOST_TEXTS, Ranking};
pub use retrieve::Found;
pub use sessions::SESSION_SECONDS;
pub use store::TABLES;
pub use support::{SUPPORTED, said_share};

/// What answers stand on.
pub struct Parts {
    /// The database, for sessions.
    pub store: Store,
    /// Who may do what.
    pub identity: Identity,
    /// The models that write, rank and read conditions out of questions.
    pub models: Models,
    /// The buckets of documents that come with questions.
    pub objects: Objects,
    /// The knowledge bases.
    pub library: Arc<dyn Library>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Ids and keys.
    pub random: Arc<dyn Random>,
}

/// Answers from knowledge bases. Cheap to clone.
#[derive(Clone)]
pub struct Answers {
    inner: Arc<Parts>,
    floors: Arc<nearness::Floors>,
}

impl Answers {
    /// Opens the sessions that `parts.store` keeps.
    ///
    /// # Errors
    /// Conflict, where the database was written by a newer version.
    pub async fn open(parts: Parts) -> Result<Self> {
        parts.store.migrate(TABLES.name, TABLES.migrations).await?;
        Ok(Self { inner: Arc::new(parts), floors: Arc::default() })
    }
}
