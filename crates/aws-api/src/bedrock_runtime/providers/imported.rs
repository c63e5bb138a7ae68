//! Imported models. They take the raw prompts and the conversations of their service, whatever they are: what a body
//! has says what it is.
//!
//! - `messages`: OpenAI's chat completions.
//! - `prompt` with `max_tokens`, or with what no other body has: OpenAI's completions.
//! - `prompt` otherwise: the service's own, which is Llama's.
//!
//! A raw prompt is continued as it stands, its control tokens recognised. Mistral's own body of a raw prompt reads like
//! the two others, so an imported Mistral answers it with `outputs` beside what the form of the request asks for.
//! Conversations in the bodies of Anthropic and Amazon Nova are understood too.

use base::{Error, Result};
use models::{Chat, ChatEvent, ContinuationRequest, Family, Provider, RawPrompt, Stop, TokenLogprob};
use serde_json::{Map, Value, json};

use super::{Decoded, Encode, Origin, openai};
use crate::json_fields::{Fields, Wording};
use crate::openai::structured::{self, Place};
use crate::openai::{Asked, CompletionAnswer, chat_request, serving};

const DEFAULT_MAX_TOKENS: u32 = 512;
/// As many stop sequences as Mistral's own body takes.
const MAX_STOPS: usize = 10;

/// The members that only OpenAI's completions have.
const COMPLETION_MARKS: &[&str] = &[
    "best_of",
    "echo",
    "logit_bias",
    "logprobs",
    "max_tokens",
    "model",
    "n",
    "stream",
    "stream_options",
    "structured_outputs",
    "suffix",
    "user",
];

/// Decodes the body of an imported model.
pub(super) fn decode(family: Family, origin: Origin, body: &Value) -> Result<Decoded> {
    let has = |member: &str| body.get(member).is_some();
    let other = [
        ("anthropic_version", Provider::Anthropic),
        ("schemaVersion", Provider::Nova),
        ("inferenceConfig", Provider::Nova),
    ];
    if let Some((_, provider)) = other.iter().find(|(mark, _)| has(mark)) {
        return super::decode(*provider, origin, body);
    }
    let (request, encode) = match () {
        () if has("messages") => return openai::decode(origin, body),
        () if !has("prompt") => {
            return Err(Error::invalid(
                "Malformed input request: #: required key [prompt] not found, please reformat your input and try again.",
            )
            .with_hint("Send a raw prompt (`prompt`) or a conversation (`messages`)."));
        }
        () if !has("max_gen_len") && COMPLETION_MARKS.iter().any(|mark| has(mark)) => completion(origin, body)?,
        () => own(origin, body)?,
    };
    let encode = if family == Family::Mistral { Box::new(WithOutputs(encode)) } else { encode };
    Ok(Decoded::Continuation(Box::new(request), encode))
}

type Raw = (ContinuationRequest, Box<dyn Encode>);

/// OpenAI's completion body.
fn completion(origin: Origin, body: &Value) -> Result<Raw> {
    let root = Fields::root(body, Wording::OpenAi)?;
    let mut asked = Asked::decode(&root, origin.requested, MAX_STOPS)?;
    if asked.wanted != 1 || asked.prompts.len() != 1 {
        return Err(root
            .error("one answer is generated for each request")
            .with_hint("Send a request for each prompt and answer."));
    }
    let echoes = asked.echoes(&root)?;
    asked.request.prompt = asked.prompts.swap_remove(0);
    let (id, created) = (format!("cmpl-{}", origin.unique), origin.time.as_millis().div_euclid(1000));
    let answer = CompletionAnswer::new(id, created, &asked, echoes).named(origin.model);
    Ok((asked.request, Box::new(Completion(answer))))
}

/// The service's own body.
fn own(origin: Origin, body: &Value) -> Result<Raw> {
    let root = Fields::root(body, Wording::Schema)?.without_nulls();
    let prompt = root.required("prompt")?;
    root.only(&[
        "deterministic",
        "frequency_penalty",
        "images",
        "loop_detection",
        "max_gen_len",
        "min_p",
        "no_repeat_ngram_scope",
        "no_repeat_ngram_size",
        "presence_penalty",
        "priority",
        "prompt",
        "response_format",
        "return_logprobs",
        "seed",
        "stop",
        "temperature",
        "top_k",
        "top_p",
    ])?;
    if let Some(images) = root.optional("images").filter(|images| images.value != &json!([])) {
        return Err(images.error("the model does not support images"));
    }
    let text = prompt.text()?.to_owned();
    if text.is_empty() {
        return Err(prompt.error("expected minLength: 1, actual: 0"));
    }
    let logprobs = root.boolean("return_logprobs")?.unwrap_or(false);
    let request = ContinuationRequest {
        model: origin.requested,
        prompt: RawPrompt::Text(text),
        sampling: chat_request::sampling(&root)?,
        max_tokens: Some(root.count("max_gen_len", 1, u32::MAX)?.unwrap_or(DEFAULT_MAX_TOKENS)),
        stop: chat_request::stop(&root, MAX_STOPS)?,
        constraint: structured::constraint(&root, Place::Bedrock)?,
        logprobs: logprobs.then_some(0),
        echo: false,
        serving: serving::serving(&root)?,
    };
    Ok((request, Box::new(Own { logprobs, prompt_tokens: None })))
}

struct Own {
    logprobs: bool,
    /// Told in the first chunk alone.
    prompt_tokens: Option<u32>,
}

impl Own {
    fn tokens(&self, tokens: &[TokenLogprob]) -> Value {
        if !self.logprobs {
            return Value::Null;
        }
        let entry = |token: &TokenLogprob| {
            let mut entry = Map::new();
            entry.extend(token.id.map(|id| (id.to_string(), json!(token.logprob))));
            Value::Object(entry)
        };
        tokens.iter().map(entry).collect()
    }
}

impl Encode for Own {
    fn answer(&self, chat: &Chat) -> Value {
        json!({
            "generation": chat.text(),
            "prompt_token_count": chat.usage.input,
            "generation_token_count": chat.usage.output,
            "stop_reason": stop_reason(&chat.reason),
            "logprobs": self.tokens(&chat.logprobs),
        })
    }

    fn chunks(&mut self, event: &ChatEvent) -> Vec<Value> {
        match event {
            ChatEvent::Started { prompt_tokens, .. } => {
                self.prompt_tokens = Some(*prompt_tokens);
                Vec::new()
            }
            ChatEvent::Text { text, logprobs } if !text.is_empty() || self.logprobs => vec![json!({
                "generation": text,
                "prompt_token_count": self.prompt_tokens.take(),
                "generation_token_count": null,
                "stop_reason": null,
                "logprobs": self.tokens(logprobs),
            })],
            ChatEvent::Finished { reason, usage, .. } => vec![json!({
                "generation": "",
                "prompt_token_count": self.prompt_tokens.take(),
                "generation_token_count": usage.output,
                "stop_reason": stop_reason(reason),
                "logprobs": null,
            })],
            _ => Vec::new(),
        }
    }
}

fn stop_reason(stop: &Stop) -> &'static str {
    match stop {
        Stop::EndTurn | Stop::StopSequence(_) | Stop::ToolUse => "stop",
        Stop::MaxTokens | Stop::ContextFull | Stop::Loop => "length",
    }
}

struct Completion(CompletionAnswer);

impl Encode for Completion {
    fn answer(&self, chat: &Chat) -> Value {
        self.0.clone().whole(std::slice::from_ref(chat))
    }

    fn chunks(&mut self, event: &ChatEvent) -> Vec<Value> {
        self.0.chunk(0, event).into_iter().collect()
    }
}

/// The answers of another encoder with what Mistral's own body has.
struct WithOutputs(Box<dyn Encode>);

impl Encode for WithOutputs {
    fn answer(&self, chat: &Chat) -> Value {
        with_outputs(self.0.answer(chat))
    }

    fn chunks(&mut self, event: &ChatEvent) -> Vec<Value> {
        self.0.chunks(event).into_iter().map(with_outputs).collect()
    }
}

fn with_outputs(mut answer: Value) -> Value {
    let own = answer.get("generation").is_some();
    let (text, stop) =
        if own { ("/generation", "/stop_reason") } else { ("/choices/0/text", "/choices/0/finish_reason") };
    let output = json!({"text": answer.pointer(text), "stop_reason": answer.pointer(stop)});
    answer["outputs"] = json!([output]);
    answer
}

#[cfg(test)]
#[path = "imported_tests.rs"]
mod tests;
