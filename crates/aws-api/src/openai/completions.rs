//! `POST /v1/completions`: prompts, each continued as it stands.

use base::{Error, Result};
use futures::future::FutureExt as _;
use http::StatusCode;
use models::{Chat, ChatEvent, ContinuationRequest, RawPrompt, TokenLogprob, Usage};
use serde_json::{Map, Value, json};

use super::chat::StreamOptions;
use super::choices::{self, Choices, MAX_CHOICES};
use super::{answer_id, chat_request, finish_reason, sse, system_fingerprint, unix_time, usage};
use crate::body::streamed;
use crate::call::{Answer, Call, Labels, json as respond, name_model};
use crate::json_fields::{Fields, Node, Wording};

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

/// Continues prompts.
pub(super) async fn create(call: Call<Labels>) -> Answer {
    let body = call.json()?;
    let root = Fields::root(&body, Wording::OpenAi)?;
    let asked = Asked::decode(&root)?;
    let echoes = asked.echoes(&root)?;
    let stream = StreamOptions::decode(&root)?;
    let starts = (0..asked.prompts.len() * asked.wanted).map(|index| asked.start(&call, index)).collect();
    let choices = Choices::start(starts).await?;
    let served_by = choices.served_by().clone();
    let writer = Writer {
        id: answer_id(&call, "cmpl"),
        created: unix_time(&call),
        fingerprint: system_fingerprint(&served_by),
        logprobs: asked.request.logprobs.is_some(),
        include_usage: stream.is_some_and(|options| options.include_usage),
        wanted: asked.wanted,
        offsets: vec![0; echoes.len()],
        echoes,
        used: Usage::default(),
        model: asked.request.model,
    };
    let mut response = match stream {
        None => respond(StatusCode::OK, &writer.whole(&choices.collect().await?)),
        Some(_) => sse::response(streamed(sse::stream(choices.stream().await?, writer))),
    };
    name_model(&mut response, &served_by);
    Ok(response)
}

/// What a request asks for.
struct Asked {
    prompts: Vec<RawPrompt>,
    /// How many answers each prompt gets.
    wanted: usize,
    /// The rest, which is the same for all.
    request: ContinuationRequest,
}

impl Asked {
    fn decode(root: &Fields<'_>) -> Result<Self> {
        let model = root.required("model")?.text()?.to_owned();
        let prompt = root.required("prompt")?;
        let prompts = prompts(&prompt)?;
        root.only(KNOWN)?;
        let wanted = choices::wanted(root)?;
        if let Some(best_of) = root.optional("best_of").filter(|node| node.value != &json!(wanted)) {
            return Err(best_of.error("it must equal `n`: all answers that are generated are given"));
        }
        if prompts.len() * wanted > MAX_CHOICES {
            return Err(prompt.error(&format!("at most {MAX_CHOICES} answers are given to one request")));
        }
        if root.text("suffix")?.is_some_and(|suffix| !suffix.is_empty()) {
            return Err(Error::not_implemented("`suffix` is not implemented."));
        }
        let request = ContinuationRequest {
            model,
            prompt: RawPrompt::default(),
            sampling: chat_request::sampling(root)?,
            max_tokens: Some(root.count("max_tokens", 1, u32::MAX)?.unwrap_or(DEFAULT_MAX_TOKENS)),
            stop: chat_request::stop(root)?,
            logprobs: root.integer("logprobs", 0, 5)?.and_then(|n| u8::try_from(n).ok()),
        };
        Ok(Self { prompts, wanted, request })
    }

    /// What precedes each answer: its prompt, where `echo` asks for it.
    fn echoes(&self, root: &Fields<'_>) -> Result<Vec<String>> {
        let echo = root.boolean("echo")?.unwrap_or(false);
        if echo && self.request.logprobs.is_some() {
            return Err(Error::not_implemented("`echo` together with `logprobs` is not implemented.")
                .with_hint("The engine reports the probabilities of tokens that it writes, not of the prompt's."));
        }
        let mut echoes = Vec::with_capacity(self.prompts.len() * self.wanted);
        for prompt in &self.prompts {
            let text = match prompt {
                _ if !echo => String::new(),
                RawPrompt::Text(text) => text.clone(),
                RawPrompt::Tokens(_) => {
                    return Err(Error::not_implemented("`echo` of a prompt given as token ids is not implemented.")
                        .with_hint("Send the prompt as text."));
                }
            };
            echoes.extend(std::iter::repeat_n(text, self.wanted));
        }
        Ok(echoes)
    }

    fn start(&self, call: &Call<Labels>, index: usize) -> choices::Start {
        let (api, ctx) = (call.api.clone(), call.ctx.clone());
        let request = ContinuationRequest {
            prompt: self.prompts[index / self.wanted].clone(),
            sampling: choices::sampling(&self.request.sampling, index),
            ..self.request.clone()
        };
        async move { api.models().continue_text(&ctx, request).await }.boxed()
    }
}

/// A prompt as text or token ids, or a list of either.
fn prompts(node: &Node<'_>) -> Result<Vec<RawPrompt>> {
    let prompts = match node.value {
        Value::Array(items) if items.first().is_some_and(Value::is_number) => vec![tokens(node)?],
        Value::Array(items) if items.first().is_some_and(Value::is_array) => {
            node.list()?.iter().map(tokens).collect::<Result<_>>()?
        }
        Value::Array(_) => node.texts()?.into_iter().map(RawPrompt::Text).collect(),
        _ => vec![RawPrompt::Text(node.text()?.to_owned())],
    };
    if prompts.is_empty() || prompts.iter().any(RawPrompt::is_empty) {
        return Err(node.error("it must not be empty"));
    }
    Ok(prompts)
}

fn tokens(node: &Node<'_>) -> Result<RawPrompt> {
    let token = |item: &Node<'_>| Ok(u32::try_from(item.integer(0, i64::from(u32::MAX))?).unwrap_or(u32::MAX));
    node.list()?.iter().map(token).collect::<Result<_>>().map(RawPrompt::Tokens)
}

/// Writes the answers to one request.
struct Writer {
    id: String,
    created: i64,
    model: String,
    fingerprint: String,
    logprobs: bool,
    include_usage: bool,
    /// How many answers each prompt gets.
    wanted: usize,
    /// What precedes each answer.
    echoes: Vec<String>,
    /// The characters of each answer that were written so far.
    offsets: Vec<usize>,
    used: Usage,
}

impl Writer {
    fn whole(mut self, chats: &[Chat]) -> Value {
        let mut choices = Vec::with_capacity(chats.len());
        for (index, chat) in chats.iter().enumerate() {
            choices::add(&mut self.used, index, self.wanted, chat.usage);
            let text = std::mem::take(&mut self.echoes[index]) + &chat.text();
            choices.push(self.choice(index, &text, &chat.logprobs, Some(finish_reason(&chat.reason))));
        }
        let mut out = self.envelope(choices);
        out["usage"] = usage(self.used);
        out
    }

    fn envelope(&self, choices: Vec<Value>) -> Value {
        json!({
            "id": self.id,
            "object": "text_completion",
            "created": self.created,
            "model": self.model,
            "system_fingerprint": self.fingerprint,
            "choices": choices,
        })
    }

    fn choice(&mut self, index: usize, text: &str, tokens: &[TokenLogprob], finish: Option<&'static str>) -> Value {
        let logprobs = if self.logprobs { self.token_logprobs(index, tokens) } else { Value::Null };
        json!({"text": text, "index": index, "logprobs": logprobs, "finish_reason": finish})
    }

    fn token_logprobs(&mut self, index: usize, tokens: &[TokenLogprob]) -> Value {
        let (mut offsets, mut tops) = (Vec::new(), Vec::new());
        for token in tokens {
            offsets.push(self.offsets[index]);
            self.offsets[index] += token.token.chars().count();
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

impl sse::Write<(usize, ChatEvent)> for Writer {
    fn event(&mut self, (index, event): &(usize, ChatEvent)) -> Vec<Value> {
        let choice = match event {
            ChatEvent::Started { .. } if !self.echoes[*index].is_empty() => {
                let prompt = std::mem::take(&mut self.echoes[*index]);
                self.choice(*index, &prompt, &[], None)
            }
            ChatEvent::Text { text, logprobs } => self.choice(*index, text, logprobs, None),
            ChatEvent::Finished { reason, usage, .. } => {
                choices::add(&mut self.used, *index, self.wanted, *usage);
                self.choice(*index, "", &[], Some(finish_reason(reason)))
            }
            _ => return Vec::new(),
        };
        let mut chunk = self.envelope(vec![choice]);
        if self.include_usage {
            chunk["usage"] = Value::Null;
        }
        vec![chunk]
    }

    fn end(&mut self) -> Vec<Value> {
        if !self.include_usage {
            return Vec::new();
        }
        let mut chunk = self.envelope(Vec::new());
        chunk["usage"] = usage(self.used);
        vec![chunk]
    }
}
