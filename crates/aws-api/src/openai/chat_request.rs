//! The body of an OpenAI chat request: `POST /v1/chat/completions`, and Bedrock bodies of the same form.

use base::{Error, Result};
use models::{ChatRequest, Constraint, Content, Message, Role, Sampling, ToolChoice, ToolSpec};
use serde_json::{Value, json};

use super::{MAX_STOPS, repetition, serving, structured};
use crate::json_fields::{Fields, Node};

/// Members that change how an answer is billed, stored or ranked elsewhere, and nothing here.
const WITHOUT_EFFECT: &[&str] = &[
    "metadata",
    "parallel_tool_calls",
    "prompt_cache_key",
    "reasoning_effort",
    "safety_identifier",
    "service_tier",
    "store",
    "user",
    "verbosity",
];

/// The most tokens that `logit_bias` may name.
const MAX_BIASES: usize = 1024;

const KNOWN: &[&str] = &[
    "deterministic",
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "loop_detection",
    "max_completion_tokens",
    "max_tokens",
    "messages",
    "min_p",
    "modalities",
    "model",
    "n",
    "no_repeat_ngram_scope",
    "no_repeat_ngram_size",
    "presence_penalty",
    "priority",
    "response_format",
    "seed",
    "stop",
    "stream",
    "stream_options",
    "structured_outputs",
    "temperature",
    "tool_choice",
    "tools",
    "top_k",
    "top_logprobs",
    "top_p",
];

/// Decodes a chat body; `model` is the id to invoke. `n`, `stream` and `stream_options` are the caller's to read.
pub(crate) fn decode(root: &Fields<'_>, model: String) -> Result<ChatRequest> {
    let (system, messages) = messages(&root.required("messages")?)?;
    for (legacy, instead) in [("functions", "tools"), ("function_call", "tool_choice")] {
        if root.optional(legacy).is_some() {
            return Err(Error::not_implemented(format!("`{legacy}` is not implemented."))
                .with_hint(format!("Use `{instead}`, which replaced it.")));
        }
    }
    let known: Vec<&str> = KNOWN.iter().chain(WITHOUT_EFFECT).copied().collect();
    root.only(&known)?;
    if let Some(modalities) = root.optional("modalities").filter(|node| node.value != &json!(["text"])) {
        return Err(modalities.error("only text is generated"));
    }
    let tools = tools(root)?;
    let limit = |key| root.count(key, 1, u32::MAX);
    let (mut response_schema, lenient_schema) = response_schema(root)?;
    let mut constraint = structured::outputs(root)?;
    if let (None, Some(Constraint::JsonSchema(schema))) = (&response_schema, &constraint) {
        response_schema = Some(schema.clone());
        constraint = None;
    }
    Ok(ChatRequest {
        cache_points: Vec::new(),
        model,
        system,
        messages,
        tool_choice: tool_choice(root, &tools)?,
        tools,
        sampling: sampling(root)?,
        max_tokens: match limit("max_completion_tokens")? {
            Some(limit) => Some(limit),
            None => limit("max_tokens")?,
        },
        stop: stop(root, MAX_STOPS)?,
        response_schema,
        lenient_schema,
        constraint,
        logprobs: logprobs(root)?,
        serving: serving::serving(root)?,
    })
}

/// `stop`: a string or up to `most`.
pub(crate) fn stop(root: &Fields<'_>, most: usize) -> Result<Vec<String>> {
    match root.optional("stop") {
        None => Ok(Vec::new()),
        Some(node) if node.value.is_string() => Ok(vec![node.text()?.to_owned()]),
        Some(node) => {
            let stop = node.texts()?;
            if stop.len() > most {
                return Err(node.error(&format!("at most {most} stop sequences may be given")));
            }
            Ok(stop)
        }
    }
}

/// The members that say how tokens are drawn.
pub(crate) fn sampling(root: &Fields<'_>) -> Result<Sampling> {
    let mut logit_bias = Vec::new();
    if let Some(node) = root.optional("logit_bias") {
        let fields = node.fields()?;
        if node.value.as_object().map_or(0, serde_json::Map::len) > MAX_BIASES {
            return Err(node.error(&format!("it may have at most {MAX_BIASES} tokens")));
        }
        for key in node.value.as_object().into_iter().flat_map(|map| map.keys()) {
            let token = key.parse().map_err(|_| node.error("keys are token ids"))?;
            logit_bias.push((token, fields.required(key)?.number(-100.0, 100.0)?));
        }
    }
    Ok(Sampling {
        temperature: root.number("temperature", 0.0, 2.0)?,
        top_p: root.number("top_p", 0.0, 1.0)?,
        top_k: root.count("top_k", 0, u32::MAX)?.filter(|k| *k > 0),
        min_p: root.number("min_p", 0.0, 1.0)?,
        #[expect(clippy::cast_sign_loss, reason = "a seed is 64 bits, whatever its sign")]
        seed: root.integer("seed", i64::MIN, i64::MAX)?.map(|seed| seed as u64),
        frequency_penalty: root.number("frequency_penalty", -2.0, 2.0)?,
        presence_penalty: root.number("presence_penalty", -2.0, 2.0)?,
        logit_bias,
        no_repeat_ngram: repetition::no_repeat_ngram(root)?,
        loop_detector: repetition::loop_detector(root)?,
    })
}

fn logprobs(root: &Fields<'_>) -> Result<Option<u8>> {
    let top = root.optional("top_logprobs");
    let wanted = root.boolean("logprobs")?.unwrap_or(false);
    match top {
        Some(node) if !wanted => Err(node.error("`logprobs` must be true where `top_logprobs` is given")),
        Some(node) => Ok(u8::try_from(node.integer(0, 20)?).ok()),
        None => Ok(wanted.then_some(0)),
    }
}

/// The schema of the answer, and whether what cannot be enforced of it may be passed over: all must be where `strict`
/// is true.
pub(super) fn response_schema(root: &Fields<'_>) -> Result<(Option<Value>, bool)> {
    let Some(format) = root.object("response_format")? else { return Ok((None, false)) };
    match format.required("type")?.one_of(&["text", "json_object", "json_schema"])? {
        "json_object" => Ok((Some(json!({"type": "object"})), false)),
        "json_schema" => {
            let described = format.required("json_schema")?.fields()?;
            let schema = described.required("schema")?;
            schema.fields()?;
            let strict = described.optional("strict").is_some_and(|strict| strict.value == &Value::Bool(true));
            Ok((Some(schema.value.clone()), !strict))
        }
        _ => Ok((None, false)),
    }
}

/// The system prompts and the turns. Messages of one side in a row are one turn: that is what chat templates know.
pub(crate) fn messages(node: &Node<'_>) -> Result<(Vec<String>, Vec<Message>)> {
    let (mut system, mut turns) = (Vec::new(), Vec::<Message>::new());
    for item in node.list()? {
        let fields = item.fields()?;
        let role = fields.required("role")?.one_of(&["system", "developer", "user", "assistant", "tool"])?;
        let (side, content) = match role {
            "user" => (Role::User, parts(&fields.required("content")?)?),
            "assistant" => (Role::Assistant, assistant(&fields)?),
            "tool" => (Role::User, vec![tool_result(&fields)?]),
            _ => {
                system.extend(plain_texts(&fields.required("content")?)?);
                continue;
            }
        };
        match turns.last_mut() {
            Some(last) if last.role == side => last.content.extend(content),
            _ => turns.push(Message { role: side, content }),
        }
    }
    if turns.is_empty() {
        return Err(node.error("there must be at least one user message"));
    }
    Ok((system, turns))
}

fn assistant(fields: &Fields<'_>) -> Result<Vec<Content>> {
    let mut content = match fields.optional("content") {
        // A message that only calls tools has no text, and clients write that in each of these ways.
        Some(node) if node.value.is_null() || node.value.as_str() == Some("") => Vec::new(),
        Some(node) => parts(&node)?,
        None => Vec::new(),
    };
    for call in fields.list("tool_calls")? {
        let call = call.fields()?;
        let function = call.required("function")?.fields()?;
        let arguments = function.required("arguments")?;
        let input = match arguments.value {
            Value::Object(_) => arguments.value.clone(),
            _ => serde_json::from_str(arguments.text()?).map_err(|_| arguments.error("is not JSON"))?,
        };
        content.push(Content::ToolUse {
            id: call.required("id")?.text()?.to_owned(),
            name: function.required("name")?.text()?.to_owned(),
            input,
        });
    }
    if content.is_empty() {
        return Err(fields.error("an assistant message needs `content` or `tool_calls`"));
    }
    Ok(content)
}

fn tool_result(fields: &Fields<'_>) -> Result<Content> {
    Ok(Content::ToolResult {
        id: fields.required("tool_call_id")?.text()?.to_owned(),
        content: plain_texts(&fields.required("content")?)?.join("\n"),
        is_error: false,
    })
}

fn plain_texts(node: &Node<'_>) -> Result<Vec<String>> {
    parts(node)?
        .into_iter()
        .map(|part| match part {
            Content::Text(text) => Ok(text),
            _ => Err(node.error("must be text")),
        })
        .collect()
}

fn parts(node: &Node<'_>) -> Result<Vec<Content>> {
    if node.value.is_string() {
        return Ok(vec![Content::Text(node.text()?.to_owned())]);
    }
    let part = |item: &Node<'_>| {
        let fields = item.fields()?;
        Ok(match fields.required("type")?.one_of(&["text", "refusal", "image_url", "input_audio", "file"])? {
            "text" => Content::Text(fields.required("text")?.text()?.to_owned()),
            "refusal" => Content::Text(fields.required("refusal")?.text()?.to_owned()),
            "image_url" => Content::Unsupported { what: "image" },
            "input_audio" => Content::Unsupported { what: "audio" },
            _ => Content::Unsupported { what: "document" },
        })
    };
    node.list()?.iter().map(part).collect()
}

/// The functions of `tools`.
pub(crate) fn tools(root: &Fields<'_>) -> Result<Vec<ToolSpec>> {
    let tool = |item: &Node<'_>| {
        let fields = item.fields()?;
        fields.required("type")?.one_of(&["function"])?;
        let function = fields.required("function")?.fields()?;
        let schema = match function.optional("parameters") {
            Some(schema) => schema.fields().map(|_| schema.value.clone())?,
            None => json!({"type": "object", "properties": {}}),
        };
        Ok(ToolSpec {
            name: function.required("name")?.text()?.to_owned(),
            description: function.text("description")?.map(str::to_owned),
            schema,
        })
    };
    root.list("tools")?.iter().map(tool).collect()
}

/// `tool_choice`: `auto`, `none`, `required` (`any`, as Mistral says it) or one function.
pub(crate) fn tool_choice(root: &Fields<'_>, tools: &[ToolSpec]) -> Result<ToolChoice> {
    let Some(node) = root.optional("tool_choice") else { return Ok(ToolChoice::Auto) };
    if tools.is_empty() && node.value != &json!("none") {
        return Err(node.error("`tool_choice` is only allowed when `tools` are specified"));
    }
    if node.value.is_string() {
        return Ok(match node.one_of(&["auto", "none", "required", "any"])? {
            "none" => ToolChoice::None,
            "required" | "any" => ToolChoice::Any,
            _ => ToolChoice::Auto,
        });
    }
    let name = node.fields()?.required("function")?.fields()?.required("name")?.text()?.to_owned();
    if !tools.iter().any(|tool| tool.name == name) {
        return Err(node.error(&format!("`{name}` is not one of the tools")));
    }
    Ok(ToolChoice::Tool(name))
}
