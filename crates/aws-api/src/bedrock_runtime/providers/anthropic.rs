//! Anthropic's Messages API, version `bedrock-2023-05-31`.

use base::{Error, Result};
use models::{
    CachePoint, Chat, ChatEvent, ChatRequest, Content, Message, Role, Sampling, Stop, ToolChoice, ToolSpec, Usage,
};
use serde_json::{Value, json};

use super::{BlockStep, Blocks, Decoded, Encode, Origin};
use crate::bedrock_runtime::usage::{Counted, MOST_CACHE_POINTS};
use crate::json_fields::{Fields, Node, Wording};

const KNOWN: &[&str] = &[
    "anthropic_version",
    "anthropic_beta",
    "max_tokens",
    "messages",
    "metadata",
    "stop_sequences",
    "system",
    "temperature",
    "thinking",
    "tool_choice",
    "tools",
    "top_k",
    "top_p",
];

/// Decodes a Messages body.
pub(super) fn decode(origin: Origin, body: &Value) -> Result<Decoded> {
    let root = Fields::root(body, Wording::Anthropic)?;
    root.required("anthropic_version")?.one_of(&["bedrock-2023-05-31"])?;
    let max_tokens = root.required("max_tokens")?.integer(1, i64::MAX)?;
    let (messages, of_messages) = messages(&root.required("messages")?)?;
    root.only(KNOWN)?;
    if let Some(thinking) = root.object("thinking")?
        && thinking.required("type")?.text()? != "disabled"
    {
        return Err(thinking.error("Extended thinking is not supported by the model that serves this id."));
    }
    let tools = tools(&root)?;
    let mut cache_points = points(&root.list("tools")?, CachePoint::Tools)?;
    let system = root.optional("system");
    if let Some(blocks) = system.as_ref().filter(|system| system.value.is_array()) {
        cache_points.extend(points(&blocks.list()?, CachePoint::System)?);
    }
    cache_points.extend(of_messages);
    if cache_points.len() > MOST_CACHE_POINTS {
        return Err(Error::invalid(format!(
            "A maximum of {MOST_CACHE_POINTS} blocks with cache_control may be provided. Found {}.",
            cache_points.len()
        )));
    }
    let pointed = !cache_points.is_empty();
    let request = ChatRequest {
        model: origin.requested.clone(),
        system: system.map_or_else(|| Ok(Vec::new()), |system| texts_of(&system))?,
        messages,
        cache_points,
        tool_choice: tool_choice(&root, &tools)?,
        tools,
        sampling: Sampling {
            temperature: root.number("temperature", 0.0, 1.0)?,
            top_p: root.number("top_p", 0.0, 1.0)?,
            top_k: root.count("top_k", 0, u32::MAX)?.filter(|k| *k > 0),
            ..Sampling::default()
        },
        max_tokens: Some(u32::try_from(max_tokens).unwrap_or(u32::MAX)),
        stop: root.texts("stop_sequences")?,
        ..ChatRequest::default()
    };
    let encoder = Encoder {
        id: format!("msg_bdrk_{}", origin.unique),
        model: vendor_name(&origin.model).to_owned(),
        pointed,
        blocks: Blocks::default(),
    };
    Ok(Decoded::Chat(Box::new(request), Box::new(encoder)))
}

/// How many `cache_control`s a block has: none or one.
fn cache_control(block: &Fields<'_>) -> Result<usize> {
    let Some(control) = block.object("cache_control")? else { return Ok(0) };
    control.only(&["type", "ttl"])?;
    control.required("type")?.one_of(&["ephemeral"])?;
    if let Some(ttl) = control.optional("ttl") {
        ttl.one_of(&["5m", "1h"])?;
    }
    Ok(1)
}

/// The cache points of tools, or of the blocks of a system prompt: after so many of them.
fn points(items: &[Node<'_>], point: fn(usize) -> CachePoint) -> Result<Vec<CachePoint>> {
    let mut points = Vec::new();
    for (item, count) in items.iter().zip(1..) {
        points.extend((0..cache_control(&item.fields()?)?).map(|_| point(count)));
    }
    Ok(points)
}

/// How many cache points come after a block of a turn: its own, and those of a tool result's parts, which are kept whole.
fn points_after(item: &Node<'_>) -> Result<usize> {
    let fields = item.fields()?;
    let mut count = cache_control(&fields)?;
    if let Some(parts) = fields.optional("content").filter(|content| content.value.is_array()) {
        for part in parts.list()? {
            count += cache_control(&part.fields()?)?;
        }
    }
    Ok(count)
}

/// `anthropic.claude-3-haiku-20240307-v1:0` is `claude-3-haiku-20240307` in the vendor's own answers.
fn vendor_name(model: &str) -> &str {
    let name = model.strip_prefix("anthropic.").unwrap_or(model);
    name.rfind("-v")
        .filter(|at| name[at + 2..].starts_with(|c: char| c.is_ascii_digit()))
        .map_or(name, |at| &name[..at])
}

/// The turns and their cache points. Turns of one role in a row are one turn, as the vendor documents.
fn messages(node: &Node<'_>) -> Result<(Vec<Message>, Vec<CachePoint>)> {
    let items = node.list()?;
    if items.is_empty() {
        return Err(node.error("at least one message is required"));
    }
    let (mut turns, mut points): (Vec<Message>, Vec<CachePoint>) = (Vec::with_capacity(items.len()), Vec::new());
    let count = items.len();
    for (at, item) in items.into_iter().enumerate() {
        let fields = item.fields()?;
        let role = match fields.required("role")?.one_of(&["user", "assistant"])? {
            "user" => Role::User,
            _ => Role::Assistant,
        };
        let content_node = fields.required("content")?;
        let (content, after) = if is_empty(&content_node) { (Vec::new(), Vec::new()) } else { content(&content_node)? };
        if is_empty(&content_node) && (role == Role::User || at + 1 < count) {
            return Err(
                item.error("all messages must have non-empty content except for the optional final assistant message")
            );
        }
        fields.only(&["role", "content"])?;
        let before = match turns.last_mut() {
            Some(last) if last.role == role => {
                let before = last.content.len();
                last.content.extend(content);
                before
            }
            _ => {
                turns.push(Message { role, content });
                0
            }
        };
        let message = turns.len() - 1;
        points.extend(after.into_iter().map(|blocks| CachePoint::Message { message, blocks: before + blocks }));
    }
    if turns[0].role == Role::Assistant {
        return Err(node.error("first message must use the \"user\" role"));
    }
    // An empty beginning of the answer is none.
    turns.pop_if(|last| last.role == Role::Assistant && last.content.is_empty());
    check_last(node, &turns)?;
    check_tool_results(node, &turns)?;
    Ok((turns, points))
}

fn is_empty(content: &Node<'_>) -> bool {
    content.value.as_str() == Some("") || content.value.as_array().is_some_and(Vec::is_empty)
}

fn check_last(node: &Node<'_>, turns: &[Message]) -> Result<()> {
    match turns.last() {
        Some(Message { role: Role::Assistant, content }) => match content.last() {
            Some(Content::Text(text)) if text.ends_with(char::is_whitespace) => {
                Err(node.error("final assistant content cannot end with trailing whitespace"))
            }
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

/// Every tool result answers a call of the turn before, and every call is answered in the next turn.
fn check_tool_results(node: &Node<'_>, turns: &[Message]) -> Result<()> {
    let mut open: Vec<&str> = Vec::new();
    for turn in turns {
        for block in &turn.content {
            if let Content::ToolResult { id, .. } = block {
                let Some(at) = open.iter().position(|call| call == id) else {
                    return Err(node.error(&format!(
                        "unexpected `tool_use_id` found in `tool_result` blocks: {id}. Each `tool_result` block must \
                         have a corresponding `tool_use` block in the previous message."
                    )));
                };
                open.remove(at);
            }
        }
        if let Some(id) = open.first() {
            return Err(node.error(&format!(
                "`tool_use` ids were found without `tool_result` blocks immediately after: {id}. Each `tool_use` block \
                 must have a corresponding `tool_result` block in the next message."
            )));
        }
        open = turn
            .content
            .iter()
            .filter_map(|block| if let Content::ToolUse { id, .. } = block { Some(id.as_str()) } else { None })
            .collect();
    }
    Ok(())
}

/// The blocks of a turn, and after how many of them its cache points are.
fn content(node: &Node<'_>) -> Result<(Vec<Content>, Vec<usize>)> {
    if let Some(text) = node.value.as_str() {
        return Ok((vec![Content::Text(text.to_owned())], Vec::new()));
    }
    let (mut content, mut after) = (Vec::new(), Vec::new());
    for item in node.list()? {
        content.extend(block(&item)?);
        after.extend((0..points_after(&item)?).map(|_| content.len()));
    }
    Ok((content, after))
}

fn block(item: &Node<'_>) -> Result<Option<Content>> {
    let fields = item.fields()?;
    let kind = fields.required("type")?;
    Ok(Some(match kind.text()? {
        "text" => {
            let text = fields.required("text")?.text()?;
            if text.is_empty() {
                return Err(item.error("text content blocks must be non-empty"));
            }
            Content::Text(text.to_owned())
        }
        "tool_use" => Content::ToolUse {
            id: fields.required("id")?.text()?.to_owned(),
            name: fields.required("name")?.text()?.to_owned(),
            input: object(&fields.required("input")?)?,
        },
        "tool_result" => tool_result(&fields)?,
        "image" => Content::Unsupported { what: "image" },
        "document" => Content::Unsupported { what: "document" },
        // The vendor drops the thoughts of earlier turns as well.
        "thinking" | "redacted_thinking" => {
            return match fields.optional("cache_control") {
                Some(control) => Err(control.error("Extra inputs are not permitted")),
                None => Ok(None),
            };
        }
        other => {
            return Err(kind.error(&format!(
                "Input tag '{other}' found using 'type' does not match any of the expected tags: 'document', 'image', \
                 'redacted_thinking', 'text', 'thinking', 'tool_result', 'tool_use'"
            )));
        }
    }))
}

fn object(node: &Node<'_>) -> Result<Value> {
    node.fields()?;
    Ok(node.value.clone())
}

fn tool_result(fields: &Fields<'_>) -> Result<Content> {
    let mut text = String::new();
    if let Some(content) = fields.optional("content") {
        if content.value.is_array() {
            for part in content.list()? {
                match block(&part)? {
                    Some(Content::Text(piece)) if text.is_empty() => text = piece,
                    Some(Content::Text(piece)) => {
                        text.push('\n');
                        text.push_str(&piece);
                    }
                    Some(unsupported @ Content::Unsupported { .. }) => return Ok(unsupported),
                    _ => return Err(part.error("Input should be a text block")),
                }
            }
        } else {
            content.text()?.clone_into(&mut text);
        }
    }
    Ok(Content::ToolResult {
        id: fields.required("tool_use_id")?.text()?.to_owned(),
        content: text,
        is_error: fields.boolean("is_error")?.unwrap_or(false),
    })
}

/// A system prompt: a string or text blocks.
fn texts_of(node: &Node<'_>) -> Result<Vec<String>> {
    if node.value.is_string() {
        return Ok(vec![node.text()?.to_owned()]);
    }
    let text = |item: &Node<'_>| {
        let fields = item.fields()?;
        fields.required("type")?.one_of(&["text"])?;
        fields.required("text")?.text().map(str::to_owned)
    };
    node.list()?.iter().map(text).collect()
}

fn tools(root: &Fields<'_>) -> Result<Vec<ToolSpec>> {
    let tool = |item: &Node<'_>| {
        let fields = item.fields()?;
        if let Some(kind) = fields.optional("type")
            && kind.text()? != "custom"
        {
            return Err(kind.error("Only tools of type 'custom' are supported by the model that serves this id"));
        }
        Ok(ToolSpec {
            name: fields.required("name")?.text()?.to_owned(),
            description: fields.text("description")?.map(str::to_owned),
            schema: object(&fields.required("input_schema")?)?,
        })
    };
    root.list("tools")?.iter().map(tool).collect()
}

fn tool_choice(root: &Fields<'_>, tools: &[ToolSpec]) -> Result<ToolChoice> {
    let Some(choice) = root.object("tool_choice")? else { return Ok(ToolChoice::Auto) };
    if tools.is_empty() {
        return Err(choice.error("may only be specified while providing tools"));
    }
    Ok(match choice.required("type")?.one_of(&["auto", "any", "tool", "none"])? {
        "any" => ToolChoice::Any,
        "none" => ToolChoice::None,
        "tool" => {
            let name = choice.required("name")?.text()?;
            if !tools.iter().any(|tool| tool.name == name) {
                return Err(Error::invalid(format!("Tool '{name}' not found in provided tools")));
            }
            ToolChoice::Tool(name.to_owned())
        }
        _ => ToolChoice::Auto,
    })
}

struct Encoder {
    id: String,
    model: String,
    /// Whether the request has cache points.
    pointed: bool,
    blocks: Blocks,
}

impl Encoder {
    /// Tokens as the vendor counts them: clients add the three kinds of input. Without cache points all of it is plain
    /// input.
    fn usage(&self, usage: Usage) -> Value {
        let counted = Counted::of(usage, self.pointed);
        json!({
            "input_tokens": counted.input,
            "cache_creation_input_tokens": if self.pointed { counted.cache_write } else { 0 },
            "cache_read_input_tokens": if self.pointed { counted.cache_read } else { 0 },
            "output_tokens": counted.output,
        })
    }
}

impl Encode for Encoder {
    fn answer(&self, chat: &Chat) -> Value {
        let content: Vec<Value> = chat.content.iter().filter_map(encode_block).collect();
        let (stop_reason, stop_sequence) = stop_reason(&chat.reason);
        json!({
            "id": self.id,
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": content,
            "stop_reason": stop_reason,
            "stop_sequence": stop_sequence,
            "usage": self.usage(chat.usage),
        })
    }

    fn chunks(&mut self, event: &ChatEvent) -> Vec<Value> {
        let mut chunks: Vec<Value> = self.blocks.steps(event).into_iter().map(chunk).collect();
        match event {
            ChatEvent::Started { prompt_tokens: input, cached, cache_written, .. } => chunks.push(json!({
                "type": "message_start",
                "message": {
                    "id": self.id,
                    "type": "message",
                    "role": "assistant",
                    "model": self.model,
                    "content": [],
                    "stop_reason": null,
                    "stop_sequence": null,
                    "usage": self.usage(Usage {
                        input: *input,
                        output: 0,
                        cached: *cached,
                        cache_written: *cache_written,
                    }),
                },
            })),
            ChatEvent::Finished { reason, usage, .. } => {
                let (stop_reason, stop_sequence) = stop_reason(reason);
                chunks.push(json!({
                    "type": "message_delta",
                    "delta": {"stop_reason": stop_reason, "stop_sequence": stop_sequence},
                    "usage": self.usage(*usage),
                }));
                chunks.push(json!({"type": "message_stop"}));
            }
            _ => {}
        }
        chunks
    }
}

fn encode_block(block: &Content) -> Option<Value> {
    match block {
        Content::Text(text) => Some(json!({"type": "text", "text": text})),
        Content::ToolUse { id, name, input } => {
            Some(json!({"type": "tool_use", "id": id, "name": name, "input": input}))
        }
        Content::CutToolUse { .. } | Content::ToolResult { .. } | Content::Unsupported { .. } => None,
    }
}

fn chunk(step: BlockStep<'_>) -> Value {
    match step {
        BlockStep::TextStart(index) => {
            json!({"type": "content_block_start", "index": index, "content_block": {"type": "text", "text": ""}})
        }
        BlockStep::Text(index, text) => {
            json!({"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": text}})
        }
        BlockStep::ToolStart(index, id, name) => json!({
            "type": "content_block_start",
            "index": index,
            "content_block": {"type": "tool_use", "id": id, "name": name, "input": {}},
        }),
        BlockStep::ToolInput(index, json) => json!({
            "type": "content_block_delta",
            "index": index,
            "delta": {"type": "input_json_delta", "partial_json": json},
        }),
        BlockStep::Stop(index) => json!({"type": "content_block_stop", "index": index}),
    }
}

fn stop_reason(stop: &Stop) -> (&'static str, Option<&str>) {
    match stop {
        Stop::EndTurn => ("end_turn", None),
        Stop::MaxTokens | Stop::ContextFull | Stop::Loop => ("max_tokens", None),
        Stop::StopSequence(text) => ("stop_sequence", Some(text)),
        Stop::ToolUse => ("tool_use", None),
    }
}
