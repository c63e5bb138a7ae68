//! Conversations with an upstream's model.

use serde_json::{Value, json};

use super::{Client, Failure, Upstream, answer, sampling};
use crate::invoke::answer::{ChatStream, ServedBy};
use crate::invoke::request::{ChatRequest, Content, Message, Role, ToolChoice};

impl Client {
    /// Continues a conversation.
    pub(crate) async fn chat(
        &self,
        upstream: Upstream,
        request: &ChatRequest,
        served_by: ServedBy,
    ) -> Result<ChatStream, Failure> {
        super::refuse_constraint(request.constraint.as_ref()).map_err(Failure::request)?;
        sampling::refuse(&request.sampling).map_err(Failure::request)?;
        let body = body(&upstream.model, request);
        answer::stream(self, upstream, "chat/completions", &body, served_by).await
    }
}

/// The request in OpenAI's dialect.
fn body(model: &str, request: &ChatRequest) -> Value {
    let mut body = json!({
        "model": model,
        "messages": messages(request),
        "stream": true,
        "stream_options": { "include_usage": true },
    });
    sampling::write(&mut body, &request.sampling);
    let mut set = |name: &str, value: Option<Value>| {
        if let (Some(value), Some(body)) = (value, body.as_object_mut()) {
            body.insert(name.to_owned(), value);
        }
    };
    set("max_tokens", request.max_tokens.map(Value::from));
    set("stop", (!request.stop.is_empty()).then(|| json!(request.stop)));
    set("logprobs", request.logprobs.map(|_| Value::Bool(true)));
    set("top_logprobs", request.logprobs.map(Value::from));
    let schema = request.response_schema.as_ref();
    set("response_format", schema.map(|schema| json!({ "type": "json_schema", "json_schema": { "name": "answer", "schema": schema, "strict": !request.lenient_schema } })));
    if request.tool_choice != ToolChoice::None && !request.tools.is_empty() {
        set("tools", Some(tools(request)));
        set("tool_choice", Some(tool_choice(&request.tool_choice)));
    }
    if request.messages.last().is_some_and(|last| last.role == Role::Assistant) {
        // vLLM continues the last message only when told to; the other servers do it anyway and ignore this.
        set("continue_final_message", Some(Value::Bool(true)));
        set("add_generation_prompt", Some(Value::Bool(false)));
    }
    body
}

fn tools(request: &ChatRequest) -> Value {
    let tool = |tool: &crate::ToolSpec| {
        let mut function = json!({ "name": tool.name, "parameters": tool.schema });
        if let Some(description) = &tool.description {
            function["description"] = Value::from(description.as_str());
        }
        json!({ "type": "function", "function": function })
    };
    request.tools.iter().map(tool).collect()
}

fn tool_choice(choice: &ToolChoice) -> Value {
    match choice {
        ToolChoice::Auto => json!("auto"),
        ToolChoice::None => json!("none"),
        ToolChoice::Any => json!("required"),
        ToolChoice::Tool(name) => json!({ "type": "function", "function": { "name": name } }),
    }
}

fn messages(request: &ChatRequest) -> Vec<Value> {
    let mut messages = Vec::new();
    if !request.system.is_empty() {
        messages.push(json!({ "role": "system", "content": request.system.join("\n\n") }));
    }
    for message in &request.messages {
        append(&mut messages, message);
    }
    messages
}

fn append(messages: &mut Vec<Value>, message: &Message) {
    let mut texts = Vec::new();
    let mut calls = Vec::new();
    for content in &message.content {
        match content {
            Content::Text(text) => texts.push(text.as_str()),
            Content::ToolUse { id, name, input } => calls.push(json!({
                "id": id, "type": "function", "function": { "name": name, "arguments": input.to_string() },
            })),
            Content::ToolResult { id, content, is_error } => {
                let text = if *is_error { format!("Error: {content}") } else { content.clone() };
                messages.push(json!({ "role": "tool", "tool_call_id": id, "content": text }));
            }
            // Refused before anything is sent, or never sent back.
            Content::Unsupported { .. } | Content::CutToolUse { .. } => {}
        }
    }
    let role = if message.role == Role::User { "user" } else { "assistant" };
    if !calls.is_empty() {
        messages.push(json!({ "role": role, "content": texts.join("\n"), "tool_calls": calls }));
    } else if !texts.is_empty() {
        messages.push(json!({ "role": role, "content": texts.join("\n") }));
    }
}
