//! What is asked.

use bytes::Bytes;
use models::{Sampling, Serving};

/// A question, and what its answer is to be made of.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The question.
    pub text: String,
    /// What may answer it.
    pub source: Source,
    /// The model that writes the answer; none for the best sentences of the passages, as they stand.
    pub generation: Option<Generation>,
    /// What is done with the question before anything is retrieved.
    pub orchestration: Option<Orchestration>,
    /// The session whose conversation this continues; none begins one.
    pub session: Option<String>,
    /// The ARN of the customer's key that a session which begins is sealed under.
    pub session_key: Option<String>,
    /// What becomes of an answer of which nothing is supported.
    pub unsupported: Unsupported,
}

/// What may answer a question.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "one is made for a question")]
pub enum Source {
    /// The passages of a knowledge base.
    KnowledgeBase(Search),
    /// One document that comes with the question.
    Document(Document),
}

/// How a knowledge base is searched.
#[derive(Debug, Clone)]
pub struct Search {
    /// What is retrieved. Its text is the question's, which stands in [`Ask`].
    pub retrieve: knowledge::Retrieve,
    /// A model that puts what was retrieved into its order.
    pub reranking: Option<Reranking>,
    /// A model that reads conditions on metadata out of the question.
    pub implicit_filter: Option<ImplicitFilter>,
}

impl Search {
    /// Retrieves, and nothing else.
    #[must_use]
    pub fn of(retrieve: knowledge::Retrieve) -> Self {
        Self { retrieve, reranking: None, implicit_filter: None }
    }
}

/// A model that puts passages into the order of their relevance.
#[derive(Debug, Clone)]
pub struct Reranking {
    /// Its id or ARN.
    pub model: String,
    /// How many passages are left; none: all.
    pub results: Option<usize>,
    /// Which metadata it reads beside the text.
    pub metadata: RerankMetadata,
}

/// Which metadata a reranking model reads beside a passage's text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum RerankMetadata {
    /// None.
    #[default]
    None,
    /// All but what Bedrock adds.
    All,
    /// These fields.
    Only(Vec<String>),
    /// All but these, and but what Bedrock adds.
    Without(Vec<String>),
}

/// A model that reads conditions on metadata out of a question.
#[derive(Debug, Clone)]
pub struct ImplicitFilter {
    /// Its id or ARN.
    pub model: String,
    /// The fields that conditions may be on.
    pub attributes: Vec<Attribute>,
}

/// A field of metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Its name.
    pub key: String,
    /// What its values are.
    pub kind: AttributeKind,
    /// What it tells, for the model.
    pub description: String,
}

/// What the values of a field of metadata are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttributeKind {
    /// Text.
    Text,
    /// Numbers.
    Number,
    /// True or false.
    Boolean,
    /// Lists of texts.
    TextList,
}

/// How a model writes.
#[derive(Debug, Clone, Default)]
pub struct Writing {
    /// How tokens are drawn. Without a temperature the likeliest is taken, so that the same question has the same answer.
    pub sampling: Sampling,
    /// The most tokens to write.
    pub max_tokens: Option<u32>,
    /// Texts that end the answer; they are not part of it.
    pub stop: Vec<String>,
    /// How the request is served beside others.
    pub serving: Serving,
}

/// The model that writes an answer.
#[derive(Debug, Clone, Default)]
pub struct Generation {
    /// Its id or ARN.
    pub model: String,
    /// The prompt's template, with `$search_results$`; none: the default one.
    pub template: Option<String>,
    /// How it writes.
    pub writing: Writing,
}

/// What is done with a question before anything is retrieved. The model that writes the answer does it.
#[derive(Debug, Clone, Default)]
pub struct Orchestration {
    /// The prompt's template, with `$conversation_history$` and `$output_format_instructions$`; none: the default one.
    pub template: Option<String>,
    /// Whether a question may become several queries.
    pub decompose: bool,
    /// How the model writes.
    pub writing: Writing,
}

/// What becomes of an answer of which no sentence is supported by a passage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unsupported {
    /// The best sentences of the passages take its place where they answer the question; otherwise there is no answer.
    #[default]
    Extract,
    /// There is no answer.
    Refuse,
    /// It stays, without citations: for judging models.
    Keep,
}

/// A document that comes with a question.
#[derive(Debug, Clone)]
pub enum Document {
    /// An object of the caller's.
    S3 {
        /// `s3://BUCKET/KEY`.
        uri: String,
    },
    /// Its bytes.
    Bytes {
        /// What the caller calls it.
        name: String,
        /// Its media type.
        media_type: String,
        /// The bytes.
        bytes: Bytes,
    },
}
