//! Amazon Nova's `messages-v1` body.

use base::{Error, Result};
use models::{
    CachePoint, Chat, ChatEvent, ChatRequest, Content, Message, Role, Sampling, Stop, ToolChoice, ToolSpec, Usage,
};
use serde_json::{Value, json};

use super::{BlockStep, Blocks, Decoded, Encode, Origin};
use crate::bedrock_runtime::turns;
use crate::bedrock_runtime::usage::{Counted, MOST_CACHE_POINTS};
use crate::json_fields::{Fields, Node, Wording};

/// Decodes a Nova body.
pub(super) fn decode(origin: Origin, body: &Value) -> Result<Decoded> {
    let root = Fields::root(body, Wording::Schema)?;
    root.only(&["schemaVersion", "messages", "system", "inferenceConfig", "toolConfig"])?;
    if let Some(version) = root.optional("schemaVersion") {
        version.one_of(&["messages-v1"])?;
    }
    let node = root.required("messages")?;
    let items = node.list()?;
    if items.is_empty() {
        return Err(node.error("expected minimum item count: 1, found: 0"));
    }
    let mut of_messages = Vec::new();
    let mut messages = Vec::with_capacity(items.len());
    for (at, item) in items.iter().enumerate() {
        let (turn, after) = message(item)?;
        messages.push(turn);
        of_messages.extend(after.into_iter().map(|blocks| CachePoint::Message { message: at, blocks }));
    }
    turns::check_order(messages.iter().map(|message| message.role), Role::User)?;
    let blocks = |item: &Node<'_>| item.value["content"].as_array().map_or(0, Vec::len);
    turns::check_content(items.iter().map(blocks))?;
    turns::check_tool_results(&messages)?;
    let tool_config = root.object("toolConfig")?;
    if tool_config.is_none() {
        turns::check_without_tools(&messages)?;
    }
    let (tools, mut cache_points) = match &tool_config {
        Some(config) => pointed(&config.required("tools")?.list()?, tool, CachePoint::Tools)?,
        None => (Vec::new(), Vec::new()),
    };
    let (system, of_system) = pointed(&root.list("system")?, system_text, CachePoint::System)?;
    cache_points.extend(of_system.into_iter().chain(of_messages));
    if cache_points.len() > MOST_CACHE_POINTS {
        return Err(Error::invalid(format!(
            "The request has {} cache points. The maximum number of cache points is {MOST_CACHE_POINTS}.",
            cache_points.len()
        )));
    }
    let encoder = Encoder { pointed: !cache_points.is_empty(), ..Encoder::default() };
    let mut request = ChatRequest {
        model: origin.requested,
        system,
        messages,
        cache_points,
        tools,
        tool_choice: tool_config.as_ref().map_or(Ok(ToolChoice::Auto), tool_choice)?,
        ..ChatRequest::default()
    };
    if let ToolChoice::Tool(name) = &request.tool_choice {
        turns::check_choice(&request.tools, name)?;
    }
    if let Some(config) = root.object("inferenceConfig")? {
        inference_config(&config, &mut request)?;
    }
    Ok(Decoded::Chat(Box::new(request), Box::new(encoder)))
}

/// Items among which cache points stand: the others, and the points, each after so many of them.
fn pointed<T>(
    items: &[Node<'_>],
    read: fn(&Node<'_>) -> Result<T>,
    point: fn(usize) -> CachePoint,
) -> Result<(Vec<T>, Vec<CachePoint>)> {
    let (mut others, mut points) = (Vec::new(), Vec::new());
    for item in items {
        match is_cache_point(&item.fields()?)? {
            true => points.push(point(others.len())),
            false => others.push(read(item)?),
        }
    }
    Ok((others, points))
}

fn is_cache_point(item: &Fields<'_>) -> Result<bool> {
    let Some(point) = item.object("cachePoint")? else { return Ok(false) };
    point.required("type")?.one_of(&["default"])?;
    Ok(true)
}

fn inference_config(config: &Fields<'_>, request: &mut ChatRequest) -> Result<()> {
    config.only(&["maxTokens", "max_new_tokens", "temperature", "topP", "top_p", "topK", "top_k", "stopSequences"])?;
    // The first names are documented for every Nova model, the others stand in early examples of the same page.
    request.max_tokens = match config.count("maxTokens", 1, u32::MAX)? {
        Some(limit) => Some(limit),
        None => config.count("max_new_tokens", 1, u32::MAX)?,
    };
    let either = |first: &str, second: &str| if config.has(first) { first.to_owned() } else { second.to_owned() };
    request.sampling = Sampling {
        temperature: config.number("temperature", 0.0, 1.0)?,
        top_p: config.number(&either("topP", "top_p"), 0.0, 1.0)?,
        top_k: config.count(&either("topK", "top_k"), 0, u32::MAX)?.filter(|k| *k > 0),
        ..Sampling::default()
    };
    request.stop = config.texts("stopSequences")?;
    Ok(())
}

fn system_text(item: &Node<'_>) -> Result<String> {
    item.fields()?.required("text")?.text().map(str::to_owned)
}

/// A turn, and after how many of its blocks its cache points are.
fn message(item: &Node<'_>) -> Result<(Message, Vec<usize>)> {
    let fields = item.fields()?;
    fields.only(&["role", "content"])?;
    let role = match fields.required("role")?.one_of(&["user", "assistant"])? {
        "user" => Role::User,
        _ => Role::Assistant,
    };
    let (mut content, mut after) = (Vec::new(), Vec::new());
    for block in fields.required("content")?.list()? {
        match is_cache_point(&block.fields()?)? {
            true => after.push(content.len()),
            false => content.push(decode_block(&block)?),
        }
    }
    Ok((Message { role, content }, after))
}

fn decode_block(item: &Node<'_>) -> Result<Content> {
    let fields = item.fields()?;
    if let Some(text) = fields.text("text")? {
        return Ok(Content::Text(text.to_owned()));
    }
    if let Some(call) = fields.object("toolUse")? {
        let input = call.required("input")?;
        input.fields()?;
        return Ok(Content::ToolUse {
            id: call.required("toolUseId")?.text()?.to_owned(),
            name: call.required("name")?.text()?.to_owned(),
            input: input.value.clone(),
        });
    }
    if let Some(result) = fields.object("toolResult")? {
        return tool_result(&result);
    }
    for what in ["image", "document", "video", "audio"] {
        if fields.has(what) {
            return Ok(Content::Unsupported { what });
        }
    }
    Err(item.error("required key [text] not found"))
}

fn tool_result(result: &Fields<'_>) -> Result<Content> {
    let mut text = String::new();
    for part in result.required("content")?.list()? {
        let fields = part.fields()?;
        if !text.is_empty() {
            text.push('\n');
        }
        if let Some(piece) = fields.text("text")? {
            text.push_str(piece);
        } else if let Some(json) = fields.optional("json") {
            text.push_str(&json.value.to_string());
        } else {
            return Ok(Content::Unsupported { what: "image" });
        }
    }
    Ok(Content::ToolResult {
        id: result.required("toolUseId")?.text()?.to_owned(),
        content: text,
        is_error: result.text("status")? == Some("error"),
    })
}

fn tool(item: &Node<'_>) -> Result<ToolSpec> {
    let fields = item.fields()?.required("toolSpec")?.fields()?;
    let schema = fields.required("inputSchema")?.fields()?.required("json")?;
    // The schema may be an object or its text.
    let schema = match schema.value.as_str() {
        Some(text) => serde_json::from_str(text).map_err(|_| schema.error("is not JSON"))?,
        None => schema.fields().map(|_| schema.value.clone())?,
    };
    Ok(ToolSpec {
        name: fields.required("name")?.text()?.to_owned(),
        description: fields.text("description")?.map(str::to_owned),
        schema,
    })
}

fn tool_choice(config: &Fields<'_>) -> Result<ToolChoice> {
    let Some(choice) = config.object("toolChoice")? else { return Ok(ToolChoice::Auto) };
    choice.only(&["auto", "any", "tool"])?;
    if choice.has("any") {
        return Ok(ToolChoice::Any);
    }
    Ok(match choice.object("tool")? {
        Some(tool) => ToolChoice::Tool(tool.required("name")?.text()?.to_owned()),
        None => ToolChoice::Auto,
    })
}

#[derive(Default)]
struct Encoder {
    /// Whether the request has cache points.
    pointed: bool,
    blocks: Blocks,
}

impl Encode for Encoder {
    fn answer(&self, chat: &Chat) -> Value {
        let content: Vec<Value> = chat.content.iter().filter_map(encode_block).collect();
        json!({
            "output": {"message": {"content": content, "role": "assistant"}},
            "stopReason": stop_reason(&chat.reason),
            "usage": usage(chat.usage, self.pointed),
        })
    }

    fn chunks(&mut self, event: &ChatEvent) -> Vec<Value> {
        let mut chunks: Vec<Value> = self.blocks.steps(event).into_iter().filter_map(chunk).collect();
        match event {
            ChatEvent::Started { .. } => chunks.push(json!({"messageStart": {"role": "assistant"}})),
            ChatEvent::Finished { reason, usage: used, .. } => {
                chunks.push(json!({"messageStop": {"stopReason": stop_reason(reason)}}));
                chunks.push(json!({"metadata": {"usage": usage(*used, self.pointed), "metrics": {}, "trace": {}}}));
            }
            _ => {}
        }
        chunks
    }
}

fn encode_block(block: &Content) -> Option<Value> {
    match block {
        Content::Text(text) => Some(json!({"text": text})),
        Content::ToolUse { id, name, input } => {
            Some(json!({"toolUse": {"toolUseId": id, "name": name, "input": input}}))
        }
        Content::CutToolUse { .. } | Content::ToolResult { .. } | Content::Unsupported { .. } => None,
    }
}

fn chunk(step: BlockStep<'_>) -> Option<Value> {
    Some(match step {
        BlockStep::TextStart(_) => return None,
        BlockStep::Text(index, text) => {
            json!({"contentBlockDelta": {"delta": {"text": text}, "contentBlockIndex": index}})
        }
        BlockStep::ToolStart(index, id, name) => json!({
            "contentBlockStart": {
                "start": {"toolUse": {"toolUseId": id, "name": name}},
                "contentBlockIndex": index,
            },
        }),
        BlockStep::ToolInput(index, json) => {
            json!({"contentBlockDelta": {"delta": {"toolUse": {"input": json}}, "contentBlockIndex": index}})
        }
        BlockStep::Stop(index) => json!({"contentBlockStop": {"contentBlockIndex": index}}),
    })
}

fn usage(usage: Usage, pointed: bool) -> Value {
    let counted = Counted::of(usage, pointed);
    json!({
        "inputTokens": counted.input,
        "outputTokens": counted.output,
        "totalTokens": counted.total,
        "cacheReadInputTokenCount": counted.cache_read,
        "cacheWriteInputTokenCount": counted.cache_write,
    })
}

fn stop_reason(stop: &Stop) -> &'static str {
    match stop {
        Stop::EndTurn => "end_turn",
        Stop::MaxTokens | Stop::ContextFull | Stop::Loop => "max_tokens",
        Stop::StopSequence(_) => "stop_sequence",
        Stop::ToolUse => "tool_use",
    }
}
