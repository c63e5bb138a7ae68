//! `CountTokens`: what a request would cost to read.

use aws_wire::generated::bedrock_runtime::{CountTokensInput, CountTokensRequest, CountTokensResponse};
use models::CountRequest;

use super::converse_request::Conversation;
use super::invoke_model::parse;
use super::providers::{self, Decoded, Origin};
use crate::body::full;
use crate::call::{Answer, name_model};
use crate::dispatch::AwsCall;

/// Counts the input tokens of a Converse request or of a vendor's body.
pub(super) async fn count_tokens(call: AwsCall) -> Answer {
    let input: CountTokensRequest = call.decode()?;
    let requests = match input.input {
        CountTokensInput::Converse(request) => {
            vec![CountRequest::Chat(Conversation::to_count(input.model_id, request).decode()?)]
        }
        CountTokensInput::InvokeModel(request) => {
            let body = parse(&request.body.0)?;
            let resolved = call.api.models().resolve(&call.ctx, &input.model_id).await?;
            let origin = Origin {
                requested: input.model_id,
                model: resolved.aws_id,
                unique: call.api.unique(),
                time: call.ctx.now(),
            };
            match providers::decode(resolved.provider, origin, &body)? {
                Decoded::Chat(request, _) => vec![CountRequest::Chat(*request)],
                Decoded::Completion(request, _) => vec![CountRequest::Completion(*request)],
                Decoded::Continuation(request, _) => vec![CountRequest::Continuation(*request)],
                Decoded::Embed(request, _) => request
                    .texts
                    .into_iter()
                    .map(|text| CountRequest::Text { model: request.model.clone(), text })
                    .collect(),
            }
        }
    };
    let (mut tokens, mut served_by) = (0_u64, None);
    for request in requests {
        let count = call.api.models().count_tokens(&call.ctx, request).await?;
        tokens += count.tokens;
        served_by = Some(count.served_by);
    }
    let input_tokens = i32::try_from(tokens).unwrap_or(i32::MAX);
    let mut response = call.encode(&CountTokensResponse { input_tokens }).map(full);
    if let Some(served_by) = served_by {
        name_model(&mut response, &served_by);
    }
    Ok(response)
}
