//! Messages in the form that templates read, and as a template with fewer abilities can read them.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::json::text;
use crate::chat::{ChatMessage, Role, ToolCall, ToolSpec};
use crate::tool_calls::ToolFormat;

/// All messages as templates read them. Mistral's templates refuse call ids that have not nine characters.
pub(super) fn all(messages: &[ChatMessage], format: ToolFormat) -> Vec<Value> {
    let calls: Vec<&ToolCall> = messages.iter().flat_map(|message| &message.tool_calls).collect();
    let names: HashMap<&str, &str> = calls.iter().map(|call| (call.id.as_str(), call.name.as_str())).collect();
    let ids: HashMap<&str, String> =
        calls.iter().zip(0..).map(|(call, at)| (call.id.as_str(), format!("call{at:05}"))).collect();
    let id = |id: &str| match ids.get(id) {
        Some(short) if format == ToolFormat::Mistral => short.clone(),
        _ => id.to_owned(),
    };
    let one = |message: &ChatMessage| {
        let mut value = json!({"role": message.role, "content": message.content});
        if !message.tool_calls.is_empty() {
            let calls = message.tool_calls.iter().map(|call| {
                let function = json!({"name": call.name, "arguments": call.arguments});
                json!({"type": "function", "id": id(&call.id), "function": function})
            });
            value["tool_calls"] = calls.collect();
        }
        if let Some(call) = &message.tool_call_id {
            value["tool_call_id"] = id(call).into();
            if let Some(name) = names.get(call.as_str()) {
                value["name"] = (*name).into();
            }
        }
        value
    };
    messages.iter().map(one).collect()
}

/// A tool as templates read it.
pub(super) fn tool(tool: &ToolSpec) -> Value {
    let function = json!({"name": tool.name, "description": tool.description, "parameters": tool.schema});
    json!({"type": "function", "function": function})
}

/// The system text is put before the first user message.
pub(super) fn without_system(messages: Vec<ChatMessage>) -> Vec<ChatMessage> {
    let (system, mut others): (Vec<_>, Vec<_>) = messages.into_iter().partition(|message| message.role == Role::System);
    let system: Vec<String> = system.into_iter().map(|message| message.content).collect();
    if system.is_empty() {
        return others;
    }
    let system = system.join("\n\n");
    match others.iter_mut().find(|message| message.role == Role::User) {
        Some(user) => user.content = format!("{system}\n\n{}", user.content),
        None => others.insert(0, ChatMessage::new(Role::User, system)),
    }
    others
}

/// Tools, calls and results become text.
pub(super) fn without_tools(messages: Vec<ChatMessage>, tools: &[ToolSpec]) -> Vec<ChatMessage> {
    let mut plain: Vec<ChatMessage> = Vec::with_capacity(messages.len() + 1);
    let mut answering = false;
    for message in messages {
        let answers = message.role == Role::Tool;
        let text = match message.role {
            Role::Tool => format!("<tool_response>\n{}\n</tool_response>", message.content),
            _ => with_calls(&message),
        };
        match plain.last_mut() {
            Some(last) if answers && answering => last.content = format!("{}\n{text}", last.content),
            _ => plain.push(ChatMessage::new(if answers { Role::User } else { message.role }, text)),
        }
        answering = answers;
    }
    if !tools.is_empty() {
        let instructions = instructions(tools);
        match plain.first_mut() {
            Some(first) if first.role == Role::System => {
                first.content = format!("{}\n\n{instructions}", first.content);
            }
            _ => plain.insert(0, ChatMessage::new(Role::System, instructions)),
        }
    }
    plain
}

/// Neighbouring messages of one role are joined.
pub(super) fn alternating(messages: &[ChatMessage]) -> Vec<ChatMessage> {
    let mut joined: Vec<ChatMessage> = Vec::with_capacity(messages.len());
    for message in messages {
        match joined.last_mut() {
            Some(last) if last.role == message.role && message.role != Role::Tool => {
                last.content = format!("{}\n\n{}", last.content, message.content);
                last.tool_calls.extend(message.tool_calls.iter().cloned());
            }
            _ => joined.push(message.clone()),
        }
    }
    joined
}

fn with_calls(message: &ChatMessage) -> String {
    let calls = message.tool_calls.iter().map(|call| {
        let call = text(&json!({"name": call.name, "arguments": call.arguments}));
        format!("<tool_call>\n{call}\n</tool_call>")
    });
    let content = Some(message.content.clone()).filter(|content| !content.is_empty());
    content.into_iter().chain(calls).collect::<Vec<_>>().join("\n")
}

fn instructions(tools: &[ToolSpec]) -> String {
    let tools: Vec<String> = tools.iter().map(|spec| text(&tool(spec)["function"])).collect();
    format!(
        "You can call these tools:\n<tools>\n{}\n</tools>\n\
         To call a tool, write its name and its arguments as JSON between tags, like this:\n\
         <tool_call>\n{{\"name\": \"NAME\", \"arguments\": {{}}}}\n</tool_call>\n\
         The result follows between <tool_response> tags. Answer directly where no tool is needed.",
        tools.join("\n")
    )
}
