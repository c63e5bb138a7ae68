//! Chat templates, as model files carry them: Jinja with the conventions of Hugging Face's `transformers`.
//!
//! What a template cannot do is made up for, always in the same way:
//! - **No system role** (it refuses or drops the message): the system text and an empty line precede the first user
//!   message.
//! - **No tools**: they are described at the end of the system message, calls are asked for as
//!   [`ToolFormat::Instructed`]; earlier calls are written into the assistant's text, results into a user message
//!   between `<tool_response>` tags.
//! - **Roles must alternate**: neighbouring messages of one role are joined by an empty line, where the template
//!   refuses them otherwise.
//!
//! A template is a stranger's program. It may take so many steps; where [`isolate`] was called it also runs in a process
//! apart, with little memory and little time, so that whatever it does ends there with an error here.

mod apart;
mod jinja;
pub(crate) mod json;
mod messages;
mod pool;
mod worker;

use std::fmt;
use std::sync::Arc;

use base::Clock;
use serde_json::{Value, json};

use crate::chat::{ChatMessage, ChatPrompt, Role, ToolSpec};
use crate::tool_calls::ToolFormat;
use crate::{Error, Result};
use apart::Workers;
use jinja::{Jinja, Refusal};

pub use apart::{Program, isolate};
pub use worker::serve;

/// The spellings of the tokens that templates write.
#[derive(Debug, Clone, Default)]
pub struct Tokens {
    /// The opening token; empty where there is none.
    pub bos: String,
    /// The closing token; empty where there is none.
    pub eos: String,
}

/// A model's chat template.
pub struct ChatTemplate {
    renderer: Renderer,
    clock: Arc<dyn Clock>,
    tokens: Tokens,
    tool_format: ToolFormat,
    takes_system: bool,
}

impl fmt::Debug for ChatTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChatTemplate").field("tool_format", &self.tool_format).finish_non_exhaustive()
    }
}

/// Where a template is rendered.
enum Renderer {
    /// In this process.
    Here(Jinja),
    /// In processes of its own.
    Apart(Workers),
}

impl ChatTemplate {
    /// Compiles a stranger's template and tries what it can do: in processes apart, where [`isolate`] was called.
    /// `strftime_now` in it shows the clock's time in UTC.
    ///
    /// # Errors
    /// Template, where it is malformed or asks for more than templates may take: steps, memory, time.
    /// TemplateUnavailable, where it could not be tried at the moment.
    pub fn new(source: &str, tokens: Tokens, clock: Arc<dyn Clock>) -> Result<Self> {
        let renderer = match apart::program() {
            Some(program) => Renderer::Apart(Workers::new(program, source).map_err(failed)?),
            None => Renderer::Here(Jinja::new(source).map_err(failed)?),
        };
        Self::with(renderer, source, tokens, clock)
    }

    /// Compiles a template of our own.
    ///
    /// # Errors
    /// Template, where it is malformed.
    pub fn ours(source: &str, tokens: Tokens, clock: Arc<dyn Clock>) -> Result<Self> {
        Self::with(Renderer::Here(Jinja::new(source).map_err(failed)?), source, tokens, clock)
    }

    fn with(renderer: Renderer, source: &str, tokens: Tokens, clock: Arc<dyn Clock>) -> Result<Self> {
        let mut template = Self { renderer, clock, tokens, tool_format: ToolFormat::Instructed, takes_system: true };
        template.takes_system = template.shows_system()?;
        template.tool_format = template.find_tool_format(source)?;
        Ok(template)
    }

    /// How the model writes tool calls.
    pub fn tool_format(&self) -> ToolFormat {
        self.tool_format
    }

    /// The conversation as text. It may begin with the opening token's spelling.
    ///
    /// # Errors
    /// Template, where the template refuses it or asks for more than templates may take; TemplateUnavailable, where it
    /// could not be rendered at the moment.
    pub fn render(&self, chat: &ChatPrompt) -> Result<String> {
        let mut messages = chat.messages.clone();
        let mut tools = chat.tools.as_slice();
        if self.tool_format == ToolFormat::Instructed {
            messages = messages::without_tools(messages, tools);
            tools = &[];
        }
        if !self.takes_system {
            messages = messages::without_system(messages);
        }
        let continued = match (chat.continue_last, messages.last()) {
            (false, _) => None,
            (true, Some(last)) if last.role == Role::Assistant => Some(last.content.clone()),
            (true, _) => return Err(refused("only an assistant's last message can be continued")),
        };
        // An empty beginning is no beginning: the turn is only opened.
        let continued = continued.filter(|content| !content.trim().is_empty());
        if chat.continue_last && continued.is_none() {
            messages.pop();
        }
        let open = continued.is_none() && (chat.add_generation_prompt || chat.continue_last);
        let text = self.fill(&messages, tools, open).or_else(|refusal| {
            let joined = messages::alternating(&messages);
            match refusal {
                Refusal::Refused(_) if joined.len() != messages.len() => self.fill(&joined, tools, open),
                refusal => Err(refusal),
            }
        });
        match (continued, text.map_err(failed)?) {
            (Some(content), text) => cut_after(text, &content),
            (None, text) => Ok(text),
        }
    }

    fn fill(&self, messages: &[ChatMessage], tools: &[ToolSpec], open: bool) -> std::result::Result<String, Refusal> {
        let tools = match tools {
            [] => Value::Null,
            tools => Value::Array(tools.iter().map(messages::tool).collect()),
        };
        let variables = json!({
            "messages": messages::all(messages, self.tool_format),
            "tools": tools,
            "bos_token": self.tokens.bos,
            "eos_token": self.tokens.eos,
            "add_generation_prompt": open,
        });
        match &self.renderer {
            Renderer::Here(template) => template.render(&variables, self.clock.now()),
            Renderer::Apart(workers) => workers.render(variables, self.clock.now()),
        }
    }

    /// Whether what a probe shows holds; no, where the template refuses it.
    fn shows(&self, messages: &[ChatMessage], tools: &[ToolSpec], probe: &str) -> Result<bool> {
        match self.fill(messages, tools, true) {
            Ok(text) => Ok(text.contains(probe)),
            Err(Refusal::Refused(_)) => Ok(false),
            Err(exceeded) => Err(failed(exceeded)),
        }
    }

    fn shows_system(&self) -> Result<bool> {
        let probe = "probe of the system role";
        let messages = [ChatMessage::new(Role::System, probe), ChatMessage::new(Role::User, "user")];
        self.shows(&messages, &[], probe)
    }

    /// The format in which the template writes calls; `Instructed` where it shows neither tools nor calls.
    fn find_tool_format(&self, source: &str) -> Result<ToolFormat> {
        let tool = ToolSpec {
            name: "probe_of_tools".to_owned(),
            description: String::new(),
            schema: json!({"type": "object", "properties": {}}),
        };
        let messages = [ChatMessage::new(Role::User, "user")];
        Ok(match self.shows(&messages, std::slice::from_ref(&tool), &tool.name)? {
            false => ToolFormat::Instructed,
            true if source.contains("[TOOL_CALLS]") => ToolFormat::Mistral,
            true if source.contains("<tool_call>") => ToolFormat::Hermes,
            true => ToolFormat::Llama3,
        })
    }
}

/// Ends the text where the last message's content ends.
fn cut_after(mut text: String, content: &str) -> Result<String> {
    let found = [content, content.trim_end(), content.trim()];
    let end = found.iter().find_map(|content| text.rfind(content).map(|start| start + content.len()));
    match end {
        Some(end) => {
            text.truncate(end);
            Ok(text)
        }
        None => Err(refused("the template changes the last message, so it cannot be continued")),
    }
}

fn failed(refusal: Refusal) -> Error {
    match refusal {
        Refusal::Refused(reason) | Refusal::Exceeded(reason) => refused(&reason),
        Refusal::Unavailable(reason) => Error::TemplateUnavailable { reason },
    }
}

fn refused(reason: &str) -> Error {
    Error::Template { reason: reason.to_owned() }
}

#[cfg(test)]
mod tests;
