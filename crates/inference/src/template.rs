//! Chat templates, as model files carry them.

use std::sync::Arc;

use base::Clock;

use crate::Result;
use crate::chat::ChatPrompt;
use crate::tool_calls::ToolFormat;

/// The spellings of the tokens that templates write.
#[derive(Debug, Clone, Default)]
pub struct Tokens {
    /// The opening token; empty where there is none.
    pub bos: String,
    /// The closing token; empty where there is none.
    pub eos: String,
}

/// A model's chat template.
#[derive(Debug)]
pub struct ChatTemplate {}

impl ChatTemplate {
    /// Compiles a template.
    pub fn new(_source: &str, _tokens: Tokens, _clock: Arc<dyn Clock>) -> Result<Self> {
        Ok(Self {})
    }

    /// How the template writes tool calls.
    pub fn tool_format(&self) -> ToolFormat {
        ToolFormat::default()
    }

    /// Renders.
    pub fn render(&self, _chat: &ChatPrompt) -> Result<String> {
        todo!()
    }
}
