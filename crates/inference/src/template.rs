//! Chat templates, as model files carry them.

use crate::Result;
use crate::chat::ChatPrompt;

/// A model's chat template.
#[derive(Debug)]
pub struct ChatTemplate {}

impl ChatTemplate {
    /// Renders.
    pub fn render(&self, _chat: &ChatPrompt) -> Result<String> {
        todo!()
    }
}
