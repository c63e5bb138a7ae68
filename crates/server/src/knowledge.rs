//! What knowledge bases need of models: embeddings, asked for under the permissions of whoever the context names.

use std::ops::Range;

use async_trait::async_trait;
use base::{Arn, Result};
use identity::{Access, Ask, Ctx, Identity};
use knowledge::{Embedder, EmbeddingModel, Purpose};
use models::{EmbedRequest, Models, Priority, Serving, Truncate};

/// The embedding models of the deployment.
pub(crate) struct Embeddings {
    pub(crate) identity: Identity,
    pub(crate) models: Models,
}

impl Embeddings {
    /// The caller may invoke the model that the id or ARN names, as `InvokeModel` asks it.
    async fn permit(&self, ctx: &Ctx, model: &str) -> Result<()> {
        let resource = match model.parse::<Arn>() {
            Ok(_) => model.to_owned(),
            Err(_) => Arn::new("bedrock", Some(ctx.region()), None, format!("foundation-model/{model}")).to_string(),
        };
        self.identity.permit(ctx, &Ask::new("bedrock:InvokeModel", resource), Access::Read).await
    }
}

#[async_trait]
impl Embedder for Embeddings {
    async fn model(&self, ctx: &Ctx, model: &str) -> Result<EmbeddingModel> {
        self.permit(ctx, model).await?;
        let facts = self.models.embedding_facts(ctx, model).await?;
        Ok(EmbeddingModel {
            served_by: facts.served_by,
            fingerprint: facts.fingerprint,
            dimension: facts.dimension,
            max_tokens: facts.max_tokens,
        })
    }

    async fn embed(&self, ctx: &Ctx, model: &str, texts: Vec<String>, purpose: Purpose) -> Result<Vec<Vec<f32>>> {
        self.permit(ctx, model).await?;
        let request = EmbedRequest {
            model: model.to_owned(),
            texts,
            // The end of a long question counts for less; of a passage nothing is left out unnoticed.
            truncate: match purpose {
                Purpose::Query => Truncate::End,
                Purpose::Passage => Truncate::None,
            },
            purpose: match purpose {
                Purpose::Query => models::Purpose::Query,
                Purpose::Passage => models::Purpose::Passage,
            },
            // Passages are read in the background; somebody waits for what a question finds.
            serving: Serving {
                priority: match purpose {
                    Purpose::Query => Priority::Normal,
                    Purpose::Passage => Priority::Low,
                },
                ..Serving::default()
            },
            ..EmbedRequest::default()
        };
        Ok(self.models.embed(ctx, request).await?.vectors)
    }

    async fn tokens(&self, ctx: &Ctx, model: &str, text: &str) -> Result<Vec<Range<usize>>> {
        self.models.token_spans(ctx, model, text).await
    }
}
