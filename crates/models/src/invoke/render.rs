//! A conversation as the engine's template takes it.

use base::{Error, Result};
use inference::{ChatMessage, ChatPrompt, Generator, Prompt, ToolCall};

use super::errors;
use super::request::{ChatRequest, Content, Message, Role, ToolChoice, ToolSpec};

/// The prompt of a conversation in the model's own template.
///
/// # Errors
/// Invalid, where the model has no template, or its template refuses the messages.
pub(crate) fn prompt(generator: &dyn Generator, name: &str, request: &ChatRequest) -> Result<Prompt> {
    if !generator.info().has_chat_template {
        return Err(Error::invalid(format!("`{name}` is a base model without a chat template."))
            .with_hint("Send it a raw prompt (`/v1/completions`), or choose a model that is tuned to chat."));
    }
    let text = generator.render_chat(&chat_prompt(request)).map_err(|e| errors::of_invocation(name, e))?;
    Ok(Prompt::Text { text, parse_special: true, add_bos: true })
}

/// The conversation in the engine's terms: one system message, turns of one speaker joined, tool results on their own.
pub(crate) fn chat_prompt(request: &ChatRequest) -> ChatPrompt {
    let mut messages = Vec::new();
    let system: Vec<&str> = request.system.iter().map(String::as_str).filter(|text| !text.is_empty()).collect();
    if !system.is_empty() {
        messages.push(ChatMessage::new(inference::Role::System, system.join("\n\n")));
    }
    for message in &request.messages {
        append(&mut messages, message);
    }
    // A last turn without any text, such as one of thoughts alone, has no message: there is nothing to continue.
    let begun = |last: &ChatMessage| last.role == inference::Role::Assistant && last.tool_calls.is_empty();
    let continue_last = messages.last().is_some_and(begun);
    ChatPrompt { messages, tools: offered(request), add_generation_prompt: !continue_last, continue_last }
}

/// The tools that the model is told of.
pub(crate) fn offered(request: &ChatRequest) -> Vec<inference::ToolSpec> {
    let tools: Vec<&ToolSpec> = match &request.tool_choice {
        ToolChoice::None => Vec::new(),
        ToolChoice::Auto | ToolChoice::Any => request.tools.iter().collect(),
        ToolChoice::Tool(name) => request.tools.iter().filter(|tool| tool.name == *name).collect(),
    };
    tools.into_iter().map(tool).collect()
}

fn tool(tool: &ToolSpec) -> inference::ToolSpec {
    inference::ToolSpec {
        name: tool.name.clone(),
        description: tool.description.clone().unwrap_or_default(),
        schema: tool.schema.clone(),
    }
}

fn append(messages: &mut Vec<ChatMessage>, message: &Message) {
    let role = match message.role {
        Role::User => inference::Role::User,
        Role::Assistant => inference::Role::Assistant,
    };
    for content in &message.content {
        match content {
            Content::Text(text) => push_text(messages, role, text),
            Content::ToolUse { id, name, input } => {
                let call = ToolCall { id: id.clone(), name: name.clone(), arguments: input.clone() };
                turn(messages, role).tool_calls.push(call);
            }
            Content::ToolResult { id, content, is_error } => {
                let text = if *is_error { format!("Error: {content}") } else { content.clone() };
                let mut result = ChatMessage::new(inference::Role::Tool, text);
                result.tool_call_id = Some(id.clone());
                messages.push(result);
            }
            // Refused before anything is rendered, or never sent back.
            Content::Unsupported { .. } | Content::CutToolUse { .. } => {}
        }
    }
}

fn push_text(messages: &mut Vec<ChatMessage>, role: inference::Role, text: &str) {
    let turn = turn(messages, role);
    if !turn.content.is_empty() && !text.is_empty() {
        turn.content.push('\n');
    }
    turn.content.push_str(text);
}

/// The open turn of the speaker: the last message if it is theirs, else a new one.
fn turn(messages: &mut Vec<ChatMessage>, role: inference::Role) -> &mut ChatMessage {
    if messages.last().is_none_or(|last| last.role != role) {
        messages.push(ChatMessage::new(role, ""));
    }
    let last = messages.len() - 1;
    &mut messages[last]
}
