//! `POST /v1/completions`: one prompt, one text.

use base::{Error, Result};
use http::StatusCode;
use models::{ChatEvent, CompletionRequest, TokenLogprob, Usage};
use serde_json::{Map, Value, json};

use super::chat::StreamOptions;
use super::{answer_id, chat_request, finish_reason, sse, system_fingerprint, unix_time, usage};
use crate::body::streamed;
use crate::call::{Answer, Call, Labels, json as respond, name_model};
use crate::json_fields::{Fields, Wording};

const DEFAULT_MAX_TOKENS: u32 = 16;

const KNOWN: &[&str] = &[
    "best_of",
    "echo",
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "max_tokens",
    "min_p",
    "model",
    "n",
    "presence_penalty",
    "prompt",
    "seed",
    "stop",
    "stream",
    "stream_options",
    "suffix",
    "temperature",
    "top_k",
    "top_p",
    "user",
];

/// Continues a prompt.
pub(super) async fn create(call: Call<Labels>) -> Answer {
    let body = call.json()?;
    let root = Fields::root(&body, Wording::OpenAi)?;
    let request = decode(&root)?;
    let echo = root.boolean("echo")?.unwrap_or(false);
    if echo && request.logprobs.is_some() {
        return Err(Error::not_implemented("`echo` together with `logprobs` is not implemented.")
            .with_hint("The engine reports the probabilities of tokens that it writes, not of the prompt's.")
            .into());
    }
    let stream = StreamOptions::decode(&root)?;
    let mut answer = Writer {
        id: answer_id(&call, "cmpl"),
        created: unix_time(&call),
        model: request.model.clone(),
        fingerprint: String::new(),
        logprobs: request.logprobs.is_some(),
        offset: 0,
    };
    let mut prompt = if echo { request.prompt.clone() } else { String::new() };
    let events = call.api.models().complete(&call.ctx, request).await?;
    let served_by = events.served_by().clone();
    answer.fingerprint = system_fingerprint(&served_by);
    let mut response = match stream {
        None => {
            let chat = events.collect().await?;
            let text = prompt + &chat.text();
            let reason = finish_reason(&chat.reason);
            respond(StatusCode::OK, &answer.object(&text, &chat.logprobs, Some(reason), Some(chat.usage)))
        }
        Some(options) => {
            let write = move |event: &ChatEvent| match event {
                ChatEvent::Started { .. } if !prompt.is_empty() => {
                    vec![answer.object(&std::mem::take(&mut prompt), &[], None, None)]
                }
                ChatEvent::Text { text, logprobs } => vec![answer.object(text, logprobs, None, None)],
                ChatEvent::Finished { reason, usage, .. } => {
                    let used = options.include_usage.then_some(*usage);
                    vec![answer.object("", &[], Some(finish_reason(reason)), used)]
                }
                _ => Vec::new(),
            };
            sse::response(streamed(sse::stream(sse::started(events).await?, write)))
        }
    };
    name_model(&mut response, &served_by);
    Ok(response)
}

fn decode(root: &Fields<'_>) -> Result<CompletionRequest> {
    let model = root.required("model")?.text()?.to_owned();
    let prompt = root.required("prompt")?;
    let prompt = match prompt.value {
        Value::Array(items) if items.len() == 1 && items[0].is_string() => prompt.texts()?.remove(0),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            return Err(prompt.error("one prompt is taken by each request").with_hint("Send one request per prompt."));
        }
        Value::Array(_) => {
            return Err(Error::not_implemented("Prompts given as token ids are not implemented.")
                .with_hint("Send the prompt as text: token ids differ from model to model."));
        }
        _ => prompt.text()?.to_owned(),
    };
    root.only(KNOWN)?;
    chat_request::one_choice(root)?;
    if let Some(best_of) = root.optional("best_of").filter(|node| node.value != &json!(1)) {
        return Err(best_of.error("one answer is generated for each request"));
    }
    if root.text("suffix")?.is_some_and(|suffix| !suffix.is_empty()) {
        return Err(Error::not_implemented("`suffix` is not implemented."));
    }
    Ok(CompletionRequest {
        model,
        prompt,
        sampling: chat_request::sampling(root)?,
        max_tokens: Some(root.count("max_tokens", 1, u32::MAX)?.unwrap_or(DEFAULT_MAX_TOKENS)),
        stop: chat_request::stop(root)?,
        logprobs: root.integer("logprobs", 0, 5)?.and_then(|n| u8::try_from(n).ok()),
        ..CompletionRequest::default()
    })
}

struct Writer {
    id: String,
    created: i64,
    model: String,
    fingerprint: String,
    logprobs: bool,
    /// Characters written so far.
    offset: usize,
}

impl Writer {
    fn object(
        &mut self,
        text: &str,
        tokens: &[TokenLogprob],
        finish: Option<&'static str>,
        used: Option<Usage>,
    ) -> Value {
        let logprobs = if self.logprobs { self.token_logprobs(tokens) } else { Value::Null };
        let mut out = json!({
            "id": self.id,
            "object": "text_completion",
            "created": self.created,
            "model": self.model,
            "system_fingerprint": self.fingerprint,
            "choices": [{"text": text, "index": 0, "logprobs": logprobs, "finish_reason": finish}],
        });
        if let Some(used) = used {
            out["usage"] = usage(used);
        }
        out
    }

    fn token_logprobs(&mut self, tokens: &[TokenLogprob]) -> Value {
        let (mut offsets, mut tops) = (Vec::new(), Vec::new());
        for token in tokens {
            offsets.push(self.offset);
            self.offset += token.token.chars().count();
            let top: Map<String, Value> = token.top.iter().map(|t| (t.token.clone(), json!(t.logprob))).collect();
            tops.push(Value::Object(top));
        }
        json!({
            "tokens": tokens.iter().map(|t| t.token.as_str()).collect::<Vec<_>>(),
            "token_logprobs": tokens.iter().map(|t| t.logprob).collect::<Vec<_>>(),
            "top_logprobs": tops,
            "text_offset": offsets,
        })
    }
}
