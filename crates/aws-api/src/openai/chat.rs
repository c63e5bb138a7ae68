//! `POST /v1/chat/completions`.

use futures::future::FutureExt as _;
use http::StatusCode;
use models::{ChatEvent, ChatRequest, ServedBy, Usage};
use serde_json::Value;

use super::choices::{self, Choices};
use super::{ChatAnswer, answer_id, chat_request, sse, unix_time};
use crate::body::streamed;
use crate::call::{Answer, Call, Labels, json, name_model};
use crate::json_fields::{Fields, Wording};

/// Answers a conversation.
pub(super) async fn create(call: Call<Labels>) -> Answer {
    let body = call.json()?;
    let root = Fields::root(&body, Wording::OpenAi)?;
    let model = root.required("model")?.text()?.to_owned();
    let wanted = choices::wanted(&root)?;
    let request = chat_request::decode(&root, model.clone())?;
    let stream = StreamOptions::decode(&root)?;
    let answer = ChatAnswer {
        id: answer_id(&call, "chatcmpl"),
        created: unix_time(&call),
        model,
        logprobs: request.logprobs.is_some(),
        include_usage: stream.is_some_and(|options| options.include_usage),
    };
    let choices = Choices::start((0..wanted).map(|index| start(&call, &request, index)).collect()).await?;
    let served_by = choices.served_by().clone();
    let mut response = match stream {
        None => json(StatusCode::OK, &answer.whole(&choices.collect().await?)),
        Some(_) => {
            let writer = Writer { answer, served_by: served_by.clone(), wanted, used: Usage::default() };
            sse::response(streamed(sse::stream(choices.stream().await?, writer)))
        }
    };
    name_model(&mut response, &served_by);
    Ok(response)
}

fn start(call: &Call<Labels>, request: &ChatRequest, index: usize) -> choices::Start {
    let (api, ctx, answered) = (call.api.clone(), call.ctx.clone(), call.answered.clone());
    let request = ChatRequest { sampling: choices::sampling(&request.sampling, index), ..request.clone() };
    async move { Ok(answered.watch(api.models().chat(&ctx, request).await?)) }.boxed()
}

/// Writes the chunks of a stream.
pub(super) struct Writer {
    pub(super) answer: ChatAnswer,
    pub(super) served_by: ServedBy,
    pub(super) wanted: usize,
    pub(super) used: Usage,
}

impl sse::Write<(usize, ChatEvent)> for Writer {
    fn event(&mut self, (index, event): &(usize, ChatEvent)) -> Vec<Value> {
        if let ChatEvent::Finished { usage, .. } = event {
            choices::add(&mut self.used, *index, self.wanted, *usage);
        }
        self.answer.chunk(*index, event, &self.served_by).into_iter().collect()
    }

    fn end(&mut self) -> Vec<Value> {
        let usage = self.answer.include_usage.then(|| self.answer.usage_chunk(self.used, &self.served_by));
        usage.into_iter().collect()
    }
}

/// What a streaming request asks for beside the answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct StreamOptions {
    /// One more chunk that tells the tokens used.
    pub(super) include_usage: bool,
}

impl StreamOptions {
    /// Reads `stream` and `stream_options`; none where the answer is to be sent as a whole.
    pub(super) fn decode(root: &Fields<'_>) -> base::Result<Option<Self>> {
        let stream = root.boolean("stream")?.unwrap_or(false);
        let options = root.object("stream_options")?;
        if !stream {
            return match options {
                Some(options) => Err(options.error("only allowed where `stream` is true")),
                None => Ok(None),
            };
        }
        let include_usage = match &options {
            Some(options) => options.boolean("include_usage")?.unwrap_or(false),
            None => false,
        };
        Ok(Some(Self { include_usage }))
    }
}
