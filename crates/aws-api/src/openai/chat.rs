//! `POST /v1/chat/completions`.

use http::StatusCode;
use models::ChatEvent;

use super::{ChatAnswer, answer_id, chat_request, sse, unix_time};
use crate::body::streamed;
use crate::call::{Answer, Call, Labels, json, name_model};
use crate::json_fields::{Fields, Wording};

/// Answers a conversation.
pub(super) async fn create(call: Call<Labels>) -> Answer {
    let body = call.json()?;
    let root = Fields::root(&body, Wording::OpenAi)?;
    let model = root.required("model")?.text()?.to_owned();
    let request = chat_request::decode(&root, model.clone())?;
    let stream = StreamOptions::decode(&root)?;
    let answer = ChatAnswer {
        id: answer_id(&call, "chatcmpl"),
        created: unix_time(&call),
        model,
        logprobs: request.logprobs.is_some(),
    };
    let events = call.api.models().chat(&call.ctx, request).await?;
    let served_by = events.served_by().clone();
    let mut response = match stream {
        None => json(StatusCode::OK, &answer.whole(&events.collect().await?)),
        Some(options) => {
            let served_by = served_by.clone();
            let write = move |event: &ChatEvent| {
                let mut chunks: Vec<_> = answer.chunks(event, &served_by).into_iter().collect();
                if let ChatEvent::Finished { usage, .. } = event
                    && options.include_usage
                {
                    chunks.push(answer.usage_chunk(*usage, &served_by));
                }
                chunks
            };
            sse::response(streamed(sse::stream(sse::started(events).await?, write)))
        }
    };
    name_model(&mut response, &served_by);
    Ok(response)
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
