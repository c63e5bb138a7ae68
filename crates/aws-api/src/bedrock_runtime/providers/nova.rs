//! Amazon Nova's `messages-v1` body.

use base::Result;
use models::{Chat, ChatEvent, ChatRequest, Content, Message, Role, Sampling, Stop, ToolChoice, ToolSpec, Usage};
use serde_json::{Value, json};

use super::{BlockStep, Blocks, Decoded, Encode, Origin};
use crate::bedrock_runtime::turns;
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
    let messages = items.iter().map(message).collect::<Result<Vec<Message>>>()?;
    turns::check_order(messages.iter().map(|message| message.role), Role::User)?;
    let blocks = |item: &Node<'_>| item.value["content"].as_array().map_or(0, Vec::len);
    turns::check_content(items.iter().map(blocks))?;
    turns::check_tool_results(&messages)?;
    let tool_config = root.object("toolConfig")?;
    if tool_config.is_none() {
        turns::check_without_tools(&messages)?;
    }
    let mut request = ChatRequest {
        model: origin.requested,
        system: root.list("system")?.iter().map(system_text).collect::<Result<_>>()?,
        messages,
        tools: tool_config.as_ref().map_or_else(|| Ok(Vec::new()), tools)?,
        tool_choice: tool_config.as_ref().map_or(Ok(ToolChoice::Auto), tool_choice)?,
        ..ChatRequest::default()
    };
    if let ToolChoice::Tool(name) = &request.tool_choice {
        turns::check_choice(&request.tools, name)?;
    }
    if let Some(config) = root.object("inferenceConfig")? {
        inference_config(&config, &mut request)?;
    }
    Ok(Decoded::Chat(Box::new(request), Box::new(Encoder::default())))
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

fn message(item: &Node<'_>) -> Result<Message> {
    let fields = item.fields()?;
    fields.only(&["role", "content"])?;
    let role = match fields.required("role")?.one_of(&["user", "assistant"])? {
        "user" => Role::User,
        _ => Role::Assistant,
    };
    let mut content = Vec::new();
    for block in fields.required("content")?.list()? {
        content.extend(decode_block(&block)?);
    }
    Ok(Message { role, content })
}

fn decode_block(item: &Node<'_>) -> Result<Option<Content>> {
    let fields = item.fields()?;
    if let Some(text) = fields.text("text")? {
        return Ok(Some(Content::Text(text.to_owned())));
    }
    if let Some(call) = fields.object("toolUse")? {
        let input = call.required("input")?;
        input.fields()?;
        return Ok(Some(Content::ToolUse {
            id: call.required("toolUseId")?.text()?.to_owned(),
            name: call.required("name")?.text()?.to_owned(),
            input: input.value.clone(),
        }));
    }
    if let Some(result) = fields.object("toolResult")? {
        return tool_result(&result).map(Some);
    }
    for what in ["image", "document", "video", "audio"] {
        if fields.has(what) {
            return Ok(Some(Content::Unsupported { what }));
        }
    }
    if fields.has("cachePoint") {
        return Ok(None);
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

fn tools(config: &Fields<'_>) -> Result<Vec<ToolSpec>> {
    let tool = |item: &Node<'_>| {
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
    };
    config.required("tools")?.list()?.iter().map(tool).collect()
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
    blocks: Blocks,
}

impl Encode for Encoder {
    fn answer(&self, chat: &Chat) -> Value {
        let content: Vec<Value> = chat.content.iter().filter_map(encode_block).collect();
        json!({
            "output": {"message": {"content": content, "role": "assistant"}},
            "stopReason": stop_reason(&chat.reason),
            "usage": usage(chat.usage),
        })
    }

    fn chunks(&mut self, event: &ChatEvent) -> Vec<Value> {
        let mut chunks: Vec<Value> = self.blocks.steps(event).into_iter().filter_map(chunk).collect();
        match event {
            ChatEvent::Started { .. } => chunks.push(json!({"messageStart": {"role": "assistant"}})),
            ChatEvent::Finished { reason, usage: used, .. } => {
                chunks.push(json!({"messageStop": {"stopReason": stop_reason(reason)}}));
                chunks.push(json!({"metadata": {"usage": usage(*used), "metrics": {}, "trace": {}}}));
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

fn usage(usage: Usage) -> Value {
    json!({
        "inputTokens": usage.input,
        "outputTokens": usage.output,
        "totalTokens": usage.input + usage.output,
        "cacheReadInputTokenCount": 0,
        "cacheWriteInputTokenCount": 0,
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
