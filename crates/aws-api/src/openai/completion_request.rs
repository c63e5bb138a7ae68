//! The body of an OpenAI completion request: `POST /v1/completions`, and Bedrock bodies of the same form.

use base::{Error, Result};
use models::{ContinuationRequest, RawPrompt};
use serde_json::{Value, json};

use super::choices::{self, MAX_CHOICES};
use super::{chat_request, serving, structured};
use crate::json_fields::{Fields, Node};

const DEFAULT_MAX_TOKENS: u32 = 16;

const KNOWN: &[&str] = &[
    "best_of",
    "echo",
    "deterministic",
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "loop_detection",
    "max_tokens",
    "min_p",
    "model",
    "n",
    "no_repeat_ngram_scope",
    "no_repeat_ngram_size",
    "presence_penalty",
    "priority",
    "prompt",
    "response_format",
    "seed",
    "stop",
    "stream",
    "stream_options",
    "structured_outputs",
    "suffix",
    "temperature",
    "top_k",
    "top_p",
    "user",
];

/// What a request asks for.
pub(crate) struct Asked {
    /// The texts to be continued, at least one.
    pub(crate) prompts: Vec<RawPrompt>,
    /// How many answers each prompt gets.
    pub(crate) wanted: usize,
    /// The rest, which is the same for all.
    pub(crate) request: ContinuationRequest,
}

impl Asked {
    /// Decodes a completion body; `model` is the id to invoke, and there may be `stops` stop sequences. `stream` and
    /// `stream_options` are the caller's to read.
    pub(crate) fn decode(root: &Fields<'_>, model: String, stops: usize) -> Result<Self> {
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
        let echo = root.boolean("echo")?.unwrap_or(false);
        let max_tokens = root.count("max_tokens", u32::from(!echo), u32::MAX)?.unwrap_or(DEFAULT_MAX_TOKENS);
        let logprobs = root.integer("logprobs", 0, 5)?.and_then(|n| u8::try_from(n).ok());
        let as_tokens = prompts.iter().any(|prompt| matches!(prompt, RawPrompt::Tokens(_)));
        let by_the_engine = logprobs.is_some() || max_tokens == 0 || as_tokens;
        let request = ContinuationRequest {
            model,
            prompt: RawPrompt::default(),
            sampling: chat_request::sampling(root)?,
            max_tokens: Some(max_tokens),
            stop: chat_request::stop(root, stops)?,
            constraint: structured::constraint(root, structured::Place::OpenAi)?,
            logprobs,
            echo: echo && by_the_engine,
            serving: serving::serving(root)?,
        };
        Ok(Self { prompts, wanted, request })
    }

    /// What precedes each answer: its prompt, where `echo` asks for it and the answer does not begin with it by itself.
    pub(crate) fn echoes(&self, root: &Fields<'_>) -> Result<Vec<String>> {
        let echo = root.boolean("echo")?.unwrap_or(false) && !self.request.echo;
        let mut echoes = Vec::with_capacity(self.prompts.len() * self.wanted);
        for prompt in &self.prompts {
            let text = match prompt {
                RawPrompt::Text(text) if echo => text.clone(),
                _ => String::new(),
            };
            echoes.extend(std::iter::repeat_n(text, self.wanted));
        }
        Ok(echoes)
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
