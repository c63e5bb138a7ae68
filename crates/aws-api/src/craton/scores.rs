//! `POST /craton/v1/score`: how likely each of several continuations of one prompt is.

use base::Result;
use http::StatusCode;
use models::{ChatRequest, Content, Message, Normalize, RawPrompt, Role, ScorePrompt, ScoreRequest, Scored, Scores};
use serde_json::{Value, json};

use crate::call::{Answer, Call, Labels, json as respond, name_model};
use crate::json_fields::{Fields, Node, Wording};
use crate::openai::serving;

/// Where scores are asked for, with the keys of the OpenAI API, too.
pub(crate) const PATH: &str = "/craton/v1/score";

/// Scores continuations.
pub(super) async fn score(call: Call<Labels>) -> Answer {
    let body = call.json()?;
    let root = Fields::root(&body, Wording::OpenAi)?;
    let (request, by) = decode(&root)?;
    let scores = call.api.models().score(&call.ctx, request).await?;
    call.answered.note_usage(scores.usage);
    let texts: Vec<String> = root.texts("continuations")?;
    let mut response = respond(StatusCode::OK, &describe(&scores, &texts, by));
    name_model(&mut response, &scores.served_by);
    Ok(response)
}

/// The model that the body names. The body is decoded and checked later, by the handler.
pub(super) fn model(call: &Call<Labels>) -> String {
    let body: Option<Value> = serde_json::from_slice(&call.body).ok();
    body.as_ref().and_then(|body| body["model"].as_str()).unwrap_or_default().to_owned()
}

/// What continuations are compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// The probability of each, normalized so.
    Whole(Normalize),
    /// The probability that the model writes it where it has to write one of them.
    Choices,
}

fn decode(root: &Fields<'_>) -> Result<(ScoreRequest, By)> {
    root.only(&[
        "model",
        "prompt",
        "messages",
        "system",
        "continuations",
        "normalize",
        "bestOnly",
        "priority",
        "deterministic",
    ])?;
    let model = root.required("model")?.text()?.to_owned();
    let continuations = root.required("continuations")?.texts()?.into_iter().map(RawPrompt::Text).collect();
    let by = match root.optional("normalize") {
        None => By::Whole(Normalize::None),
        Some(node) => match node.one_of(&["none", "tokens", "bytes", "choices"])? {
            "tokens" => By::Whole(Normalize::Tokens),
            "bytes" => By::Whole(Normalize::Bytes),
            "choices" => By::Choices,
            _ => By::Whole(Normalize::None),
        },
    };
    let prompt = prompt(root, &model)?;
    let best_only = root.boolean("bestOnly")?.unwrap_or(false);
    let best_by = match by {
        By::Whole(by) => best_only.then_some(by),
        By::Choices => None,
    };
    let serving = serving::serving(root)?;
    Ok((ScoreRequest { model, prompt, continuations, echo: None, best_by, is_choice: by == By::Choices, serving }, by))
}

/// A prompt as it stands, or a conversation.
fn prompt(root: &Fields<'_>, model: &str) -> Result<ScorePrompt> {
    let Some(messages) = root.optional("messages") else {
        if root.has("system") {
            return Err(root.error("`system` goes with `messages`"));
        }
        return Ok(RawPrompt::Text(root.required("prompt")?.text()?.to_owned()).into());
    };
    if root.has("prompt") {
        return Err(root.error("`prompt` and `messages` exclude each other"));
    }
    let chat = ChatRequest {
        model: model.to_owned(),
        system: root.text("system")?.map(str::to_owned).into_iter().collect(),
        messages: messages.list()?.iter().map(message).collect::<Result<_>>()?,
        ..ChatRequest::default()
    };
    Ok(ScorePrompt::Chat(Box::new(chat)))
}

/// `{"role": "user", "content": "…"}`.
fn message(item: &Node<'_>) -> Result<Message> {
    let fields = item.fields()?;
    fields.only(&["role", "content"])?;
    let role = match fields.required("role")?.one_of(&["user", "assistant"])? {
        "assistant" => Role::Assistant,
        _ => Role::User,
    };
    Ok(Message { role, content: vec![Content::Text(fields.required("content")?.text()?.to_owned())] })
}

fn describe(scores: &Scores, texts: &[String], by: By) -> Value {
    // Of continuations that were not read to their ends only the most that they can be is known.
    let are_whole = scores.continuations.iter().all(Scored::is_whole);
    let normalized = match by {
        By::Whole(by) => scores.continuations.iter().map(|scored| scored.normalized(by)).collect(),
        By::Choices => scores.choices(),
    };
    let (probabilities, best) = match by {
        By::Whole(by) => (scores.probabilities(by), scores.best(by)),
        By::Choices => (normalized.iter().copied().map(f64::exp).collect(), scores.best_choice()),
    };
    let one = |((scored, text), (probability, normalized)): ((&Scored, &String), (f64, f64))| {
        let mut one = json!({
            "text": text,
            "logProbability": scored.logprob(),
            "tokens": scored.tokens.iter().map(|token| token.token.as_str()).collect::<Vec<_>>(),
            "tokenLogProbabilities": scored.tokens.iter().map(|token| token.logprob).collect::<Vec<_>>(),
        });
        if are_whole || by == By::Choices {
            one["probability"] = json!(probability);
        }
        if !are_whole {
            one["atMost"] = json!(!scored.is_whole());
        }
        if by != By::Whole(Normalize::None) {
            one["normalizedLogProbability"] = json!(normalized);
        }
        one
    };
    let all = scores.continuations.iter().zip(texts).zip(probabilities.into_iter().zip(normalized));
    json!({
        "scores": all.map(one).collect::<Vec<Value>>(),
        "best": best,
        "usage": {
            "inputTokens": scores.usage.input,
            "outputTokens": scores.usage.output,
            "totalTokens": scores.usage.input + scores.usage.output,
            "cacheReadInputTokens": scores.usage.cached,
        },
    })
}
