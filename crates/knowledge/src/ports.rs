//! What knowledge bases need of models: the composition root provides it, under the permissions of the context it is given.

use std::ops::Range;

use async_trait::async_trait;
use base::Result;
use identity::Ctx;

/// What a text is embedded for; some models read questions and passages differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// A question.
    Query,
    /// A passage that questions are to find.
    Passage,
}

/// What is known of an embedding model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddingModel {
    /// The model that answers, where the id is an alias.
    pub served_by: String,
    /// Changes whenever the vectors of the same text would: the hash of the model's file.
    pub fingerprint: String,
    /// The length of its vectors.
    pub dimension: usize,
    /// The most tokens that it reads of a text.
    pub max_tokens: usize,
}

/// Embeds texts, each call permitted or denied to the context as `bedrock:InvokeModel` is.
#[async_trait]
pub trait Embedder: Send + Sync {
    /// What is known of the model that an id or ARN names.
    ///
    /// # Errors
    /// NotFound, where there is no such model or it embeds nothing; Denied.
    async fn model(&self, ctx: &Ctx, model: &str) -> Result<EmbeddingModel>;

    /// The vectors of the texts, in order.
    ///
    /// # Errors
    /// As [`model`](Self::model); Invalid, for a text that is longer than the model reads; Unavailable.
    async fn embed(&self, ctx: &Ctx, model: &str, texts: Vec<String>, purpose: Purpose) -> Result<Vec<Vec<f32>>>;

    /// The byte ranges of the model's tokens in the text, ascending. Tokens that stand for nothing in the text are left out.
    ///
    /// # Errors
    /// As [`model`](Self::model).
    async fn tokens(&self, ctx: &Ctx, model: &str, text: &str) -> Result<Vec<Range<usize>>>;
}
