//! A conversation, as a chat template sees it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Instructions to the model.
    System,
    /// The user.
    User,
    /// The model.
    Assistant,
    /// The result of a tool.
    Tool,
}

/// A call of a tool by the model.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolCall {
    /// The call's id, which its result repeats.
    pub id: String,
    /// The tool.
    pub name: String,
    /// Its arguments: a JSON object.
    pub arguments: Value,
}

/// A tool that the model may call.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolSpec {
    /// The tool's name.
    pub name: String,
    /// What it does.
    pub description: String,
    /// JSON schema of its arguments.
    pub schema: Value,
}

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatMessage {
    /// Who speaks.
    pub role: Role,
    /// What is said; empty where only tools are called.
    pub content: String,
    /// The tools that an assistant's message calls.
    pub tool_calls: Vec<ToolCall>,
    /// The call that a tool's message answers.
    pub tool_call_id: Option<String>,
}

impl ChatMessage {
    /// A message of text.
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self { role, content: content.into(), tool_calls: Vec::new(), tool_call_id: None }
    }
}

/// A conversation to be rendered by a model's template.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatPrompt {
    /// The messages, oldest first.
    pub messages: Vec<ChatMessage>,
    /// The tools on offer.
    pub tools: Vec<ToolSpec>,
    /// Whether to open the assistant's turn at the end (ignored with `continue_last`).
    pub add_generation_prompt: bool,
    /// Whether the last message is an assistant's beginning that the model continues.
    pub continue_last: bool,
}

impl ChatPrompt {
    /// A conversation without tools that the model answers.
    pub fn new(messages: Vec<ChatMessage>) -> Self {
        Self { messages, tools: Vec::new(), add_generation_prompt: true, continue_last: false }
    }
}
