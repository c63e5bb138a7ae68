//! Raw prompts in vendors' chat templates, read into messages.
//!
//! Sources: the prompt formats that Meta publishes for Llama 2 and Llama 3, Mistral AI for its instruct models, Amazon
//! for Titan Text ("User: … Bot:"), Anthropic for its text completions ("Human: … Assistant:"), and OpenAI's ChatML.

#[cfg(test)]
#[path = "prompts_tests.rs"]
mod tests;

use super::request::{Content, Message, Role};

/// The chat template that a raw prompt is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromptFormat {
    /// None: the prompt is one user message.
    Plain,
    /// `<|start_header_id|>user<|end_header_id|> … <|eot_id|>`: Llama 3.
    Llama3,
    /// `[INST] <<SYS>> … <</SYS>> … [/INST] …`: Llama 2 and Mistral.
    Inst,
    /// `<|im_start|>user … <|im_end|>`: ChatML.
    ChatMl,
    /// `\n\nHuman: …\n\nAssistant:`: Anthropic's text completions.
    HumanAssistant,
    /// `User: …\nBot:`: Titan Text.
    UserBot,
}

/// A prompt as messages.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Parsed {
    pub(crate) system: Vec<String>,
    pub(crate) messages: Vec<Message>,
}

/// The template that the prompt is written in.
#[must_use]
pub(crate) fn format_of(prompt: &str) -> PromptFormat {
    let start = prompt.trim_start();
    if prompt.contains("<|start_header_id|>") {
        PromptFormat::Llama3
    } else if prompt.contains("[INST]") && prompt.contains("[/INST]") {
        PromptFormat::Inst
    } else if prompt.contains("<|im_start|>") {
        PromptFormat::ChatMl
    } else if start.starts_with("Human:") && prompt.contains("\n\nAssistant:") {
        PromptFormat::HumanAssistant
    } else if start.starts_with("User:") && prompt.contains("\nBot:") {
        PromptFormat::UserBot
    } else {
        PromptFormat::Plain
    }
}

/// Reads a prompt. What follows the last opening of the assistant's turn is its beginning, to be continued. A prompt
/// that only looks like a template, without a user's turn, is plain text.
pub(crate) fn parse(prompt: &str) -> Parsed {
    let parsed = match format_of(prompt) {
        PromptFormat::Plain => None,
        PromptFormat::Llama3 => {
            tagged(prompt, "<|start_header_id|>", "<|end_header_id|>", &["<|eot_id|>", "<|eom_id|>"])
        }
        PromptFormat::ChatMl => tagged(prompt, "<|im_start|>", "\n", &["<|im_end|>"]),
        PromptFormat::Inst => inst(prompt),
        PromptFormat::HumanAssistant => labelled(prompt, "Human:", "Assistant:", "\n\n"),
        PromptFormat::UserBot => labelled(prompt, "User:", "Bot:", "\n"),
    };
    let has_user = |parsed: &Parsed| parsed.messages.iter().any(|message| message.role == Role::User);
    parsed.filter(has_user).unwrap_or_else(|| Parsed { system: Vec::new(), messages: vec![Message::user(prompt)] })
}

impl Parsed {
    fn push(&mut self, role: Role, text: &str) {
        if !text.is_empty() {
            self.messages.push(Message { role, content: vec![Content::Text(text.to_owned())] });
        }
    }
}

/// Turns that each begin with `open ROLE close` and end with one of `ends`.
fn tagged(prompt: &str, open: &str, close: &str, ends: &[&str]) -> Option<Parsed> {
    let mut parsed = Parsed::default();
    let mut turns = prompt.split(open);
    let before = turns.next()?.replace("<|begin_of_text|>", "");
    if !before.trim().is_empty() {
        return None;
    }
    for turn in turns {
        // A last turn of ChatML may be opened without a line of its own.
        let (role, text) = turn.split_once(close).unwrap_or((turn, ""));
        let text = ends.iter().fold(text.trim(), |text, end| text.trim_end_matches(end).trim());
        match role.trim() {
            "system" => parsed.system.extend((!text.is_empty()).then(|| text.to_owned())),
            "user" | "tool" | "ipython" => parsed.push(Role::User, text),
            "assistant" => parsed.push(Role::Assistant, text),
            _ => return None,
        }
    }
    Some(parsed)
}

/// `[INST] user [/INST] assistant </s>` again and again; the first user's text may open with a system prompt.
fn inst(prompt: &str) -> Option<Parsed> {
    let mut parsed = Parsed::default();
    let mut rest = prompt.trim().trim_start_matches("<s>").trim_start();
    while let Some(turn) = rest.strip_prefix("[INST]") {
        let (mut user, after) = turn.split_once("[/INST]")?;
        if let Some((system, text)) = user.trim().strip_prefix("<<SYS>>").and_then(|text| text.split_once("<</SYS>>")) {
            parsed.system.push(system.trim().to_owned());
            user = text;
        }
        parsed.push(Role::User, user.trim());
        let end = after.find("[INST]").unwrap_or(after.len());
        let answer = after[..end].trim().trim_end_matches("<s>").trim().trim_end_matches("</s>").trim();
        parsed.push(Role::Assistant, answer);
        rest = &after[end..];
    }
    rest.trim().is_empty().then_some(parsed)
}

/// Turns that each begin with one of two labels after `between`.
fn labelled(prompt: &str, user: &str, assistant: &str, between: &str) -> Option<Parsed> {
    let mut parsed = Parsed::default();
    let mut rest = prompt.trim();
    let next = |text: &str| {
        let at = |label: &str| text.find(&format!("{between}{label}"));
        [at(user), at(assistant)].into_iter().flatten().min().unwrap_or(text.len())
    };
    while !rest.is_empty() {
        let (role, text) = match (rest.strip_prefix(user), rest.strip_prefix(assistant)) {
            (Some(text), _) => (Role::User, text),
            (_, Some(text)) => (Role::Assistant, text),
            _ => return None,
        };
        let end = next(text);
        parsed.push(role, text[..end].trim());
        rest = text[end..].trim_start();
    }
    Some(parsed)
}
