//! Endpoints: the bodies of the containers that serve text and embeddings.
//!
//! - `messages`: OpenAI's chat completions, as the text generation containers take them.
//! - `inputs` of a model that generates: text generation inference (TGI), a prompt that is continued as it stands.
//! - `inputs` of a model that embeds: text embeddings inference (TEI).
//! - `text_inputs` of a model that embeds: the hub's sentence embeddings. `input`: OpenAI's.

use base::{Error, Result};
use models::{
    Chat, ChatEvent, Constraint, ContinuationRequest, EmbedRequest, RawPrompt, Sampling, Serving, Stop, TokenLogprob,
    Truncate,
};
use serde_json::{Value, json};

use super::{Decoded, Encode, Origin, openai};
use crate::json_fields::{Fields, Wording};

/// How many tokens are written where nothing is said, as the container has it.
const DEFAULT_MAX_TOKENS: u32 = 100;
/// As many stop sequences as the container takes.
const MAX_STOPS: usize = 4;

const PARAMETERS: &[&str] = &[
    "best_of",
    "decoder_input_details",
    "details",
    "do_sample",
    "frequency_penalty",
    "grammar",
    "max_new_tokens",
    "repetition_penalty",
    "return_full_text",
    "seed",
    "stop",
    "temperature",
    "top_k",
    "top_n_tokens",
    "top_p",
    "truncate",
    "typical_p",
    "watermark",
];

/// Decodes the body of an endpoint.
pub(super) fn decode(embeds: bool, origin: Origin, body: &Value) -> Result<Decoded> {
    let root = Fields::root(body, Wording::OpenAi)?;
    match () {
        () if embeds => vectors(origin, &root),
        () if root.has("messages") => openai::decode(origin, body),
        () if root.has("inputs") => generate(origin, &root),
        () => Err(root.error("there is neither `messages` nor `inputs`")),
    }
}

/// A prompt that is continued as it stands.
fn generate(origin: Origin, root: &Fields<'_>) -> Result<Decoded> {
    root.only(&["inputs", "parameters", "stream", "model"])?;
    let inputs = root.required("inputs")?;
    let prompt = inputs.text()?.to_owned();
    if prompt.is_empty() {
        return Err(inputs.error("it must not be empty"));
    }
    let empty = json!({});
    let parameters = match root.object("parameters")? {
        Some(parameters) => parameters,
        None => Fields::root(&empty, Wording::OpenAi)?,
    };
    parameters.only(PARAMETERS)?;
    refuse_unserved(&parameters)?;
    let details = parameters.boolean("details")?.unwrap_or(false);
    let full_text = parameters.boolean("return_full_text")?.unwrap_or(false);
    let request = ContinuationRequest {
        model: origin.requested,
        sampling: sampling(&parameters)?,
        max_tokens: Some(parameters.count("max_new_tokens", 1, u32::MAX)?.unwrap_or(DEFAULT_MAX_TOKENS)),
        stop: stop(&parameters)?,
        constraint: grammar(&parameters)?,
        // The container tells every token of a stream, and those of a whole answer where details are asked for.
        logprobs: (details || root.boolean("stream")?.unwrap_or(false)).then_some(0),
        echo: false,
        serving: Serving::default(),
        prompt: RawPrompt::Text(prompt.clone()),
    };
    let seed = request.sampling.seed;
    let encode = Generated { prompt: full_text.then_some(prompt), details, seed, text: String::new(), tokens: 0 };
    Ok(Decoded::Continuation(Box::new(request), Box::new(encode)))
}

/// What cannot be done is refused by name; what asks for nothing is taken.
fn refuse_unserved(parameters: &Fields<'_>) -> Result<()> {
    let refuse = |name: &str, asked: bool| match asked {
        true => Err(Error::not_implemented(format!("The parameter `{name}` is not implemented."))
            .with_hint("Send the request without it.")),
        false => Ok(()),
    };
    let is_set = |name: &str| Ok::<_, Error>(parameters.boolean(name)?.unwrap_or(false));
    refuse("decoder_input_details", is_set("decoder_input_details")?)?;
    refuse("watermark", is_set("watermark")?)?;
    refuse("truncate", parameters.optional("truncate").is_some())?;
    refuse("best_of", parameters.count("best_of", 1, u32::MAX)?.is_some_and(|count| count > 1))?;
    refuse("top_n_tokens", parameters.count("top_n_tokens", 0, u32::MAX)?.is_some_and(|count| count > 0))?;
    let differs = |value: Option<f32>, none: f32| value.is_some_and(|value| (value - none).abs() > f32::EPSILON);
    refuse("repetition_penalty", differs(parameters.number("repetition_penalty", 0.0, f64::MAX)?, 1.0))?;
    refuse("typical_p", differs(parameters.number("typical_p", 0.0, 1.0)?, 1.0))
}

/// The container draws tokens where it is told to, or how; otherwise it takes the likeliest.
fn sampling(parameters: &Fields<'_>) -> Result<Sampling> {
    let temperature = parameters.number("temperature", 0.0, 100.0)?;
    let top_p = parameters.number("top_p", 0.0, 1.0)?;
    let top_k = parameters.count("top_k", 0, u32::MAX)?.filter(|k| *k > 0);
    let draws = parameters.boolean("do_sample")?.unwrap_or(false)
        || temperature.is_some_and(|temperature| (temperature - 1.0).abs() > f32::EPSILON)
        || top_p.is_some_and(|top_p| top_p < 1.0)
        || top_k.is_some();
    Ok(Sampling {
        temperature: Some(if draws { temperature.unwrap_or(1.0) } else { 0.0 }),
        top_p,
        top_k,
        #[expect(clippy::cast_sign_loss, reason = "a seed is 64 bits, whatever its sign")]
        seed: parameters.integer("seed", i64::MIN, i64::MAX)?.map(|seed| seed as u64),
        frequency_penalty: parameters.number("frequency_penalty", -2.0, 2.0)?,
        ..Sampling::default()
    })
}

fn stop(parameters: &Fields<'_>) -> Result<Vec<String>> {
    let stop = parameters.texts("stop")?;
    match stop.len() > MAX_STOPS {
        true => Err(parameters.error(&format!("`stop` has at most {MAX_STOPS} sequences"))),
        false => Ok(stop),
    }
}

fn grammar(parameters: &Fields<'_>) -> Result<Option<Constraint>> {
    let Some(grammar) = parameters.object("grammar")? else { return Ok(None) };
    let value = grammar.required("value")?;
    Ok(Some(match grammar.required("type")?.one_of(&["json", "regex"])? {
        "regex" => Constraint::Regex(value.text()?.to_owned()),
        _ => Constraint::JsonSchema(value.value.clone()),
    }))
}

/// Writes answers as TGI does.
struct Generated {
    /// What the answer begins with, where the whole text is asked for.
    prompt: Option<String>,
    details: bool,
    seed: Option<u64>,
    text: String,
    tokens: usize,
}

impl Generated {
    fn whole(&self, text: &str) -> String {
        self.prompt.as_deref().unwrap_or_default().to_owned() + text
    }

    fn summary(&self, reason: &Stop, written: u32, input: u32) -> Value {
        json!({
            "finish_reason": finish_reason(reason),
            "generated_tokens": written,
            "input_length": input,
            "seed": self.seed,
        })
    }
}

impl Encode for Generated {
    fn answer(&self, chat: &Chat) -> Value {
        let mut answer = json!({"generated_text": self.whole(&chat.text())});
        if self.details {
            let mut details = self.summary(&chat.reason, chat.usage.output, chat.usage.input);
            details["prefill"] = json!([]);
            details["tokens"] = chat.logprobs.iter().map(token).collect();
            answer["details"] = details;
        }
        json!([answer])
    }

    fn chunks(&mut self, event: &ChatEvent) -> Vec<Value> {
        match event {
            ChatEvent::Text { text, logprobs } => {
                self.text.push_str(text);
                let mut chunks = Vec::new();
                for piece in logprobs {
                    self.tokens += 1;
                    chunks.push(json!({
                        "index": self.tokens, "token": token(piece), "generated_text": null, "details": null,
                    }));
                }
                chunks
            }
            ChatEvent::Finished { reason, usage, .. } => vec![json!({
                "index": self.tokens + 1,
                "token": {"id": 0, "text": "", "logprob": 0.0, "special": true},
                "generated_text": self.whole(&self.text),
                "details": self.summary(reason, usage.output, usage.input),
            })],
            _ => Vec::new(),
        }
    }
}

fn token(token: &TokenLogprob) -> Value {
    json!({"id": token.id, "text": token.token, "logprob": token.logprob, "special": false})
}

fn finish_reason(stop: &Stop) -> &'static str {
    match stop {
        Stop::EndTurn | Stop::ToolUse => "eos_token",
        Stop::StopSequence(_) => "stop_sequence",
        Stop::MaxTokens | Stop::ContextFull | Stop::Loop => "length",
    }
}

/// Texts to be embedded.
fn vectors(origin: Origin, root: &Fields<'_>) -> Result<Decoded> {
    let member = ["inputs", "text_inputs", "input"].into_iter().find(|name| root.has(name));
    let Some(member) = member else {
        return Err(root
            .error("there is neither `inputs` nor `text_inputs` nor `input`")
            .with_hint("The endpoint's model embeds text."));
    };
    root.only(&[member, "truncate", "normalize", "model", "encoding_format", "parameters", "mode"])?;
    let given = root.required(member)?;
    let texts = match given.value {
        Value::String(text) => vec![text.clone()],
        _ => given.texts()?,
    };
    if texts.is_empty() || texts.iter().any(String::is_empty) {
        return Err(given.error("it must not be empty"));
    }
    // The hub's own containers cut what is too long; the others are asked to.
    let truncates = root.boolean("truncate")?.unwrap_or(member == "text_inputs");
    let request = EmbedRequest {
        model: origin.requested,
        texts,
        truncate: if truncates { Truncate::End } else { Truncate::None },
        normalize: root.boolean("normalize")?,
        ..EmbedRequest::default()
    };
    let model = origin.model;
    let encode: super::EncodeVectors = match member {
        "inputs" => Box::new(|answer| json!(answer.vectors)),
        "text_inputs" => Box::new(|answer| json!({"embedding": answer.vectors})),
        _ => Box::new(move |answer| {
            let tokens: u64 = answer.token_counts.iter().copied().map(u64::from).sum();
            let data: Vec<Value> = answer
                .vectors
                .iter()
                .enumerate()
                .map(|(index, vector)| json!({"object": "embedding", "index": index, "embedding": vector}))
                .collect();
            let usage = json!({"prompt_tokens": tokens, "total_tokens": tokens});
            json!({"object": "list", "data": data, "model": model, "usage": usage})
        }),
    };
    Ok(Decoded::Embed(request, encode))
}

#[cfg(test)]
#[path = "endpoint_tests.rs"]
mod tests;
