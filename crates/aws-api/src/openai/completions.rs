//! `POST /v1/completions`: prompts, each continued as it stands.

use futures::future::FutureExt as _;
use http::StatusCode;
use models::ContinuationRequest;

use super::chat::StreamOptions;
use super::choices::{self, Choices};
use super::completion_answer::CompletionAnswer;
use super::completion_request::Asked;
use super::{MAX_STOPS, answer_id, sse, unix_time};
use crate::body::streamed;
use crate::call::{Answer, Call, Labels, json as respond, name_model};
use crate::json_fields::{Fields, Wording};

/// Continues prompts.
pub(super) async fn create(call: Call<Labels>) -> Answer {
    let body = call.json()?;
    let root = Fields::root(&body, Wording::OpenAi)?;
    let model = root.required("model")?.text()?.to_owned();
    let asked = Asked::decode(&root, model, MAX_STOPS)?;
    let echoes = asked.echoes(&root)?;
    let stream = StreamOptions::decode(&root)?;
    let starts = (0..asked.prompts.len() * asked.wanted).map(|index| start(&asked, &call, index)).collect();
    let choices = Choices::start(starts).await?;
    let served_by = choices.served_by().clone();
    let answer = CompletionAnswer::new(answer_id(&call, "cmpl"), unix_time(&call), &asked, echoes)
        .include_usage(stream.is_some_and(|options| options.include_usage));
    let mut response = match stream {
        None => respond(StatusCode::OK, &answer.whole(&choices.collect().await?)),
        Some(_) => sse::response(streamed(sse::stream(choices.stream().await?, answer))),
    };
    name_model(&mut response, &served_by);
    Ok(response)
}

fn start(asked: &Asked, call: &Call<Labels>, index: usize) -> choices::Start {
    let (api, ctx, answered) = (call.api.clone(), call.ctx.clone(), call.answered.clone());
    let request = ContinuationRequest {
        prompt: asked.prompts[index / asked.wanted].clone(),
        sampling: choices::sampling(&asked.request.sampling, index),
        ..asked.request.clone()
    };
    async move { Ok(answered.watch(api.models().continue_text(&ctx, request).await?)) }.boxed()
}
