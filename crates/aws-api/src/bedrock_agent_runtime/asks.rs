//! What the operations ask of their caller's policies: the knowledge base, and every model that works on the question.

use aws_wire::generated::bedrock_agent_runtime::{
    KnowledgeBaseRetrievalConfiguration, RerankRequest, RetrieveAndGenerateConfiguration, RetrieveAndGenerateRequest,
    RetrieveAndGenerateStreamRequest, RetrieveRequest,
};
use base::{Arn, ErrorKind, Result};
use futures::future::FutureExt as _;
use identity::{Ask, Ctx};

use crate::Api;
use crate::bedrock_runtime;
use crate::call::Asked;
use crate::dispatch::AwsCall;

const INVOKE: &str = "bedrock:InvokeModel";
const RERANK: &str = "bedrock:Rerank";

/// The knowledge base that the path names.
pub(super) fn labelled<'a>(call: &'a AwsCall, action: &'static str) -> Asked<'a> {
    async move { Ok(vec![knowledge_base(&call.api, &call.ctx, action, &call.label("knowledgeBaseId")).await?]) }.boxed()
}

/// The knowledge base, and the models of the search.
pub(super) fn retrieve(call: &AwsCall) -> Asked<'_> {
    async move {
        let input: RetrieveRequest = call.decode()?;
        let base = knowledge_base(&call.api, &call.ctx, "bedrock:Retrieve", &call.label("knowledgeBaseId")).await?;
        let mut asks = vec![base];
        asks.extend(of_search(call, input.retrieval_configuration.as_ref()).await?);
        Ok(asks)
    }
    .boxed()
}

/// What generates an answer: the operation itself, which is on no resource, then all that it reads and has written.
pub(super) fn generate(call: &AwsCall) -> Asked<'_> {
    async move {
        let input: RetrieveAndGenerateRequest = call.decode()?;
        of_generation(call, input.retrieve_and_generate_configuration.as_ref()).await
    }
    .boxed()
}

/// As [`generate`].
pub(super) fn generate_stream(call: &AwsCall) -> Asked<'_> {
    async move {
        let input: RetrieveAndGenerateStreamRequest = call.decode()?;
        of_generation(call, input.retrieve_and_generate_configuration.as_ref()).await
    }
    .boxed()
}

/// The operation, and its model.
pub(super) fn rerank(call: &AwsCall) -> Asked<'_> {
    async move {
        let input: RerankRequest = call.decode()?;
        let model = input.reranking_configuration.bedrock_reranking_configuration.model_configuration.model_arn;
        Ok(of_reranking(call, &model).await?)
    }
    .boxed()
}

/// The knowledge base of an id or ARN, with its tags.
///
/// # Errors
/// Unavailable, where the database cannot be read.
pub(crate) async fn knowledge_base(api: &Api, ctx: &Ctx, action: &'static str, named: &str) -> Result<Ask> {
    let resource = format!("knowledge-base/{}", named.rsplit('/').next().unwrap_or_default());
    let arn = Arn::new("bedrock", Some(ctx.region()), Some(ctx.account()), resource).to_string();
    let tags = match api.knowledge().tags(ctx, &arn).await {
        // Of one that is not there the handler tells.
        Err(error) if error.kind == ErrorKind::NotFound => Vec::new(),
        tags => tags?,
    };
    Ok(Ask::new(action, arn).resource_tags(&tags))
}

async fn of_generation(
    call: &AwsCall,
    configuration: Option<&RetrieveAndGenerateConfiguration>,
) -> Result<Vec<Ask>, crate::errors::Failure> {
    let mut asks = vec![Ask::new("bedrock:RetrieveAndGenerate", "*")];
    let invoke = |model: String| async move { bedrock_runtime::asks(&call.api, &call.ctx, INVOKE, &model).await };
    let Some(configuration) = configuration else { return Ok(asks) };
    if let Some(base) = &configuration.knowledge_base_configuration {
        asks.push(knowledge_base(&call.api, &call.ctx, "bedrock:Retrieve", &base.knowledge_base_id).await?);
        asks.extend(invoke(base.model_arn.clone()).await?);
        asks.extend(of_search(call, base.retrieval_configuration.as_ref()).await?);
    }
    if let Some(external) = &configuration.external_sources_configuration {
        asks.extend(invoke(external.model_arn.clone()).await?);
    }
    Ok(asks)
}

/// The models of a search.
async fn of_search(call: &AwsCall, configuration: Option<&KnowledgeBaseRetrievalConfiguration>) -> Result<Vec<Ask>> {
    let mut asks = Vec::new();
    let Some(search) = configuration.and_then(|configuration| configuration.vector_search_configuration.as_ref())
    else {
        return Ok(asks);
    };
    if let Some(implicit) = &search.implicit_filter_configuration {
        asks.extend(bedrock_runtime::asks(&call.api, &call.ctx, INVOKE, &implicit.model_arn).await?);
    }
    let reranking = search.reranking_configuration.as_ref();
    if let Some(model) = reranking.and_then(|reranking| reranking.bedrock_reranking_configuration.as_ref()) {
        asks.extend(of_reranking(call, &model.model_configuration.model_arn).await?);
    }
    Ok(asks)
}

async fn of_reranking(call: &AwsCall, model: &str) -> Result<Vec<Ask>> {
    let mut asks = vec![Ask::new(RERANK, "*")];
    asks.extend(bedrock_runtime::asks(&call.api, &call.ctx, INVOKE, model).await?);
    Ok(asks)
}
