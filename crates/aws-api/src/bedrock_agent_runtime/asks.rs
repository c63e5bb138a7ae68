//! What the operations ask of their caller's policies: the knowledge base, and every model that works on the question.

use aws_wire::generated::bedrock_agent_runtime::{
    KnowledgeBaseRetrievalConfiguration, RerankRequest, RetrieveAndGenerateConfiguration, RetrieveAndGenerateRequest,
    RetrieveAndGenerateStreamRequest, RetrieveRequest,
};
use base::{Arn, ErrorKind, Result};
use futures::future::FutureExt as _;
use identity::{Ask, Ctx};
use knowledge::Knowledge;
use models::Models;

use crate::bedrock_runtime;
use crate::call::Asked;
use crate::dispatch::AwsCall;

/// Who asks, and what they ask of.
pub(super) struct Asking<'a> {
    pub(super) ctx: &'a Ctx,
    pub(super) knowledge: &'a Knowledge,
    pub(super) models: &'a Models,
}

impl<'a> From<&'a AwsCall> for Asking<'a> {
    fn from(call: &'a AwsCall) -> Self {
        Self { ctx: &call.ctx, knowledge: call.api.knowledge(), models: call.api.models() }
    }
}

/// The knowledge base that the path names.
pub(super) fn labelled<'a>(call: &'a AwsCall, action: &'static str) -> Asked<'a> {
    async move {
        Ok(vec![knowledge_base(call.api.knowledge(), &call.ctx, action, &call.label("knowledgeBaseId")).await?])
    }
    .boxed()
}

/// The knowledge base, and the models of the search.
pub(super) fn retrieve(call: &AwsCall) -> Asked<'_> {
    async move {
        let input: RetrieveRequest = call.decode()?;
        let configuration = input.retrieval_configuration.as_ref();
        Ok(Asking::from(call).of_retrieval(&call.label("knowledgeBaseId"), configuration).await?)
    }
    .boxed()
}

/// What generates an answer.
pub(super) fn generate(call: &AwsCall) -> Asked<'_> {
    async move {
        let input: RetrieveAndGenerateRequest = call.decode()?;
        Ok(Asking::from(call).of_generation(input.retrieve_and_generate_configuration.as_ref()).await?)
    }
    .boxed()
}

/// As [`generate`].
pub(super) fn generate_stream(call: &AwsCall) -> Asked<'_> {
    async move {
        let input: RetrieveAndGenerateStreamRequest = call.decode()?;
        Ok(Asking::from(call).of_generation(input.retrieve_and_generate_configuration.as_ref()).await?)
    }
    .boxed()
}

/// The operation, and its model.
pub(super) fn rerank(call: &AwsCall) -> Asked<'_> {
    async move {
        let input: RerankRequest = call.decode()?;
        let model = input.reranking_configuration.bedrock_reranking_configuration.model_configuration.model_arn;
        Ok(Asking::from(call).of_reranking(&model).await?)
    }
    .boxed()
}

/// The knowledge base of an id or ARN, with its tags.
///
/// # Errors
/// Unavailable, where the database cannot be read.
pub(crate) async fn knowledge_base(knowledge: &Knowledge, ctx: &Ctx, action: &'static str, named: &str) -> Result<Ask> {
    let resource = format!("knowledge-base/{}", named.rsplit('/').next().unwrap_or_default());
    let arn = Arn::new("bedrock", Some(ctx.region()), Some(ctx.account()), resource).to_string();
    let tags = match knowledge.tags(ctx, &arn).await {
        // Of one that is not there the handler tells.
        Err(error) if error.kind == ErrorKind::NotFound => Vec::new(),
        tags => tags?,
    };
    Ok(Ask::new(action, arn).resource_tags(&tags))
}

impl Asking<'_> {
    /// What retrieving asks for: the knowledge base, and the models of the search.
    ///
    /// # Errors
    /// Unavailable, where the database cannot be read; so below.
    pub(super) async fn of_retrieval(
        &self,
        base: &str,
        configuration: Option<&KnowledgeBaseRetrievalConfiguration>,
    ) -> Result<Vec<Ask>> {
        let mut asks = vec![knowledge_base(self.knowledge, self.ctx, "bedrock:Retrieve", base).await?];
        let search = configuration.and_then(|configuration| configuration.vector_search_configuration.as_ref());
        let Some(search) = search else { return Ok(asks) };
        if let Some(implicit) = &search.implicit_filter_configuration {
            asks.extend(self.of_model(&implicit.model_arn).await?);
        }
        let reranking = search.reranking_configuration.as_ref();
        if let Some(model) = reranking.and_then(|reranking| reranking.bedrock_reranking_configuration.as_ref()) {
            asks.extend(self.of_reranking(&model.model_configuration.model_arn).await?);
        }
        Ok(asks)
    }

    /// What generating an answer asks for: the operation itself, which is on no resource, then all that it reads and has
    /// written.
    pub(super) async fn of_generation(
        &self,
        configuration: Option<&RetrieveAndGenerateConfiguration>,
    ) -> Result<Vec<Ask>> {
        let mut asks = vec![Ask::new("bedrock:RetrieveAndGenerate", "*")];
        let Some(configuration) = configuration else { return Ok(asks) };
        if let Some(base) = &configuration.knowledge_base_configuration {
            asks.extend(self.of_retrieval(&base.knowledge_base_id, base.retrieval_configuration.as_ref()).await?);
            asks.extend(self.of_model(&base.model_arn).await?);
        }
        if let Some(external) = &configuration.external_sources_configuration {
            asks.extend(self.of_model(&external.model_arn).await?);
        }
        Ok(asks)
    }

    async fn of_reranking(&self, model: &str) -> Result<Vec<Ask>> {
        let mut asks = vec![Ask::new("bedrock:Rerank", "*")];
        asks.extend(self.of_model(model).await?);
        Ok(asks)
    }

    async fn of_model(&self, model: &str) -> Result<Vec<Ask>> {
        bedrock_runtime::asks(self.models, self.ctx, "bedrock:InvokeModel", model).await
    }
}
