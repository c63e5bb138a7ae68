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

mod json;
mod messages;

use std::sync::Arc;

use base::Clock;
use minijinja::{Environment, ErrorKind, context};
use serde_json::Value;

use crate::chat::{ChatMessage, ChatPrompt, Role, ToolSpec};
use crate::tool_calls::ToolFormat;
use crate::{Error, Result};

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
pub struct ChatTemplate {
    environment: Environment<'static>,
    tokens: Tokens,
    tool_format: ToolFormat,
    takes_system: bool,
}

/// The name of the only template in the environment.
const NAME: &str = "chat";

impl ChatTemplate {
    /// Compiles a template and tries what it can do. `strftime_now` in it shows the clock's time in UTC.
    pub fn new(source: &str, tokens: Tokens, clock: Arc<dyn Clock>) -> Result<Self> {
        let mut environment = Environment::new();
        environment.set_trim_blocks(true);
        environment.set_lstrip_blocks(true);
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_filter("tojson", json::tojson);
        environment.add_function(
            "raise_exception",
            |reason: String| -> std::result::Result<String, minijinja::Error> {
                Err(minijinja::Error::new(ErrorKind::InvalidOperation, reason))
            },
        );
        environment.add_function("strftime_now", move |format: String| strftime(clock.as_ref(), &format));
        environment.add_template_owned(NAME, source.to_owned()).map_err(|error| failed(&error))?;
        let mut template = Self { environment, tokens, tool_format: ToolFormat::Instructed, takes_system: true };
        template.takes_system = template.shows_system();
        template.tool_format = template.find_tool_format(source);
        Ok(template)
    }

    /// How the model writes tool calls.
    pub fn tool_format(&self) -> ToolFormat {
        self.tool_format
    }

    /// The conversation as text. It may begin with the opening token's spelling.
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
        let text = self.fill(&messages, tools, open).or_else(|error| {
            let joined = messages::alternating(&messages);
            if joined.len() == messages.len() { Err(error) } else { self.fill(&joined, tools, open) }
        })?;
        match continued {
            Some(content) => cut_after(text, &content),
            None => Ok(text),
        }
    }

    fn fill(&self, messages: &[ChatMessage], tools: &[ToolSpec], open: bool) -> Result<String> {
        let template = self.environment.get_template(NAME).map_err(|error| failed(&error))?;
        let tools = match tools {
            [] => Value::Null,
            tools => Value::Array(tools.iter().map(messages::tool).collect()),
        };
        let rendered = template.render(context! {
            messages => messages::all(messages, self.tool_format),
            tools,
            bos_token => self.tokens.bos,
            eos_token => self.tokens.eos,
            add_generation_prompt => open,
        });
        rendered.map_err(|error| failed(&error))
    }

    fn shows_system(&self) -> bool {
        let probe = "probe of the system role";
        let messages = [ChatMessage::new(Role::System, probe), ChatMessage::new(Role::User, "user")];
        self.fill(&messages, &[], true).is_ok_and(|text| text.contains(probe))
    }

    /// The format in which the template writes calls; `Instructed` where it shows neither tools nor calls.
    fn find_tool_format(&self, source: &str) -> ToolFormat {
        let tool = ToolSpec {
            name: "probe_of_tools".to_owned(),
            description: String::new(),
            schema: serde_json::json!({"type": "object", "properties": {}}),
        };
        let messages = [ChatMessage::new(Role::User, "user")];
        let shown = self.fill(&messages, std::slice::from_ref(&tool), true);
        match shown.is_ok_and(|text| text.contains(&tool.name)) {
            false => ToolFormat::Instructed,
            true if source.contains("[TOOL_CALLS]") => ToolFormat::Mistral,
            true if source.contains("<tool_call>") => ToolFormat::Hermes,
            true => ToolFormat::Llama3,
        }
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

fn strftime(clock: &dyn Clock, format: &str) -> std::result::Result<String, minijinja::Error> {
    let bad = |error: jiff::Error| minijinja::Error::new(ErrorKind::InvalidOperation, error.to_string());
    let now = jiff::Timestamp::from_millisecond(clock.now().as_millis()).map_err(bad)?;
    jiff::fmt::strtime::format(format, &now.to_zoned(jiff::tz::TimeZone::UTC)).map_err(bad)
}

fn failed(error: &minijinja::Error) -> Error {
    match error.detail() {
        Some(detail) => refused(detail),
        None => refused(&error.to_string()),
    }
}

fn refused(reason: &str) -> Error {
    Error::Template { reason: reason.to_owned() }
}

#[cfg(test)]
mod tests;
