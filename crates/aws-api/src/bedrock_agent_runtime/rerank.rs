//! `Rerank`.

use aws_wire::generated::bedrock_agent_runtime::{
    RerankDocument, RerankDocumentType, RerankRequest, RerankResponse, RerankResult,
};
use base::{Error, Result};

use super::search::refuse_fields;
use crate::body::full;
use crate::call::{Answer, name_model};
use crate::dispatch::AwsCall;

pub(super) async fn rerank(call: AwsCall) -> Answer {
    let input: RerankRequest = call.decode()?;
    if input.next_token.is_some() {
        return Err(Error::invalid("`nextToken` is none that was given.")
            .with_hint("All results are given at once.")
            .into());
    }
    let configuration = input.reranking_configuration.bedrock_reranking_configuration;
    let model = configuration.model_configuration;
    let fields = model.additional_model_request_fields.unwrap_or_default();
    refuse_fields(fields.keys().next().map(String::as_str))?;
    let query = input.queries.into_iter().next().and_then(|query| query.text_query.text);
    let query = query.ok_or_else(|| Error::invalid("The query has no text."))?;
    let documents = input.sources.into_iter().map(|source| text(source.inline_document_source));
    let texts = documents.collect::<Result<Vec<String>>>()?;
    let ranking = call.api.answers().rerank(&call.ctx, &model.model_arn, &query, &texts).await?;
    let most = configuration.number_of_results.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
    let result = |(index, relevance_score): (usize, f64)| RerankResult {
        index: i32::try_from(index).unwrap_or(i32::MAX),
        relevance_score,
        document: None,
    };
    let results = ranking.order.into_iter().take(most).map(result).collect();
    let mut response = call.encode(&RerankResponse { results, next_token: None }).map(full);
    name_model(&mut response, &ranking.served_by);
    Ok(response)
}

/// What is read of a document; of JSON its text as it would be sent.
fn text(document: RerankDocument) -> Result<String> {
    match document.r#type {
        RerankDocumentType::Text => document
            .text_document
            .and_then(|document| document.text)
            .ok_or_else(|| Error::invalid("A document of the type TEXT has no `textDocument.text`.")),
        RerankDocumentType::Json => document
            .json_document
            .map(|json| json.to_string())
            .ok_or_else(|| Error::invalid("A document of the type JSON has no `jsonDocument`.")),
    }
}
