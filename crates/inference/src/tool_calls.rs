//! Tool calls in a model's answer: found while it streams.
//!
//! Whatever the model's own format, `<tool_call>` blocks and answers that begin with a JSON call are recognised, as
//! models write those unasked. What looks like a call and is none (malformed, or of a tool that is not on offer) is
//! text. Text that may turn out to be a call is held back until it is certain.

mod forms;
mod scan;

use serde_json::{Value, json};

use crate::chat::ToolSpec;
use scan::Scanner;

pub use forms::{forced, offered};

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

/// What announces a call, and what may close it.
const MARKS: [(&str, &str); 3] = [("<tool_call>", "</tool_call>"), ("[TOOL_CALLS]", ""), ("<|python_tag|>", "")];
/// What stands between a tool's name and its arguments in Mistral's later format.
const ARGUMENTS: &str = "[ARGS]";
const CALL_ID: &str = "[CALL_ID]";

/// Separates text and tool calls in an answer, piece by piece. Without tools on offer all is text.
#[derive(Debug)]
pub struct Parser {
    tools: Vec<String>,
    /// What was not decided yet.
    pending: String,
    state: State,
    /// Whether only calls and white space came so far, so that JSON may be a call.
    at_start: bool,
}

#[derive(Debug)]
enum State {
    Text,
    /// After `opener` bytes of `pending`, which announce a call, stands its JSON.
    Call {
        opener: usize,
        closer: &'static str,
        scanner: Scanner,
    },
    /// A call ended: its closing mark is passed over, and white space.
    After {
        closer: &'static str,
    },
}

impl Parser {
    /// A parser for answers of a model with these tools on offer.
    ///
    /// All formats are recognised whatever `format` is; it is what the template asks for.
    pub fn new(_format: ToolFormat, tools: &[ToolSpec]) -> Self {
        let tools = tools.iter().map(|tool| tool.name.clone()).collect();
        Self { tools, pending: String::new(), state: State::Text, at_start: true }
    }

    /// Takes the next piece of the answer; returns the parts that are certain.
    pub fn push(&mut self, text: &str) -> Vec<Part> {
        if self.tools.is_empty() {
            return Vec::from_iter((!text.is_empty()).then(|| Part::Text(text.to_owned())));
        }
        self.pending.push_str(text);
        let mut parts = Vec::new();
        while self.step(&mut parts) {}
        parts
    }

    /// The rest, when the answer ended.
    pub fn finish(mut self) -> Vec<Part> {
        let mut parts = Vec::new();
        if matches!(self.state, State::After { .. }) {
            self.pending = self.pending.trim_start().to_owned();
        }
        emit(&mut parts, std::mem::take(&mut self.pending));
        parts
    }

    /// Decides a part of what is pending; `false` when more is needed.
    fn step(&mut self, parts: &mut Vec<Part>) -> bool {
        match &mut self.state {
            State::Text => self.text(parts),
            State::After { closer } => {
                let closer = *closer;
                let rest = self.pending.trim_start();
                if !closer.is_empty() && rest.len() < closer.len() && closer.starts_with(rest) {
                    return false;
                }
                let rest = rest.strip_prefix(closer).unwrap_or(rest).trim_start_matches([' ', '\n', '\r', '\t', ';']);
                self.pending = rest.to_owned();
                if self.pending.is_empty() {
                    self.state = State::After { closer: "" };
                    return false;
                }
                self.state = State::Text;
                true
            }
            State::Call { opener, closer, scanner } => {
                let (opener, closer) = (*opener, *closer);
                let Some(end) = scanner.end(&self.pending) else { return false };
                match calls(&self.pending[opener..end], &self.tools) {
                    Some(calls) => {
                        parts.extend(calls);
                        self.pending.drain(..end);
                        self.state = State::After { closer };
                    }
                    None => {
                        self.at_start = false;
                        emit(parts, self.pending.drain(..end).collect());
                        self.state = State::Text;
                    }
                }
                true
            }
        }
    }

    fn text(&mut self, parts: &mut Vec<Part>) -> bool {
        let blank = self.pending.len() - self.pending.trim_start().len();
        if self.at_start && self.pending[blank..].starts_with(['{', '[']) && !self.may_be_mark(blank) {
            self.state = State::Call { opener: 0, closer: "", scanner: Scanner::new(blank) };
            return true;
        }
        let found = MARKS.iter().filter_map(|(mark, closer)| Some((self.pending.find(mark)?, *mark, *closer)));
        if let Some((start, mark, closer)) = found.min() {
            // White space before the first call is dropped with it.
            let before = if self.at_start && start == blank { 0 } else { start };
            if before > 0 {
                self.at_start = false;
                emit(parts, self.pending.drain(..before).collect());
            }
            let opener = start - before + mark.len();
            self.state = State::Call { opener, closer, scanner: Scanner::new(opener) };
            return true;
        }
        let undecided = self.at_start && self.may_be_mark(blank);
        let keep = if undecided { self.pending.len() } else { self.possible_mark() };
        if keep < self.pending.len() {
            self.at_start = false;
            let certain = self.pending.len() - keep;
            emit(parts, self.pending.drain(..certain).collect());
        }
        false
    }

    /// Whether what is pending from `start` on is a mark, or its beginning.
    fn may_be_mark(&self, start: usize) -> bool {
        let rest = &self.pending[start..];
        MARKS.iter().any(|(mark, _)| mark.starts_with(rest) || rest.starts_with(mark))
    }

    /// The length of the longest end of `pending` that begins a mark.
    fn possible_mark(&self) -> usize {
        let longest = |mark: &str| (1..mark.len()).rev().find(|length| self.pending.ends_with(&mark[..*length]));
        MARKS.iter().filter_map(|(mark, _)| longest(mark)).max().unwrap_or(0)
    }
}

fn emit(parts: &mut Vec<Part>, text: String) {
    match parts.last_mut() {
        Some(Part::Text(last)) => last.push_str(&text),
        _ if text.is_empty() => {}
        _ => parts.push(Part::Text(text)),
    }
}

/// The calls that the text spells; `None` where it spells something else.
fn calls(text: &str, tools: &[String]) -> Option<Vec<Part>> {
    let start = text.find(['{', '['])?;
    let name = text[..start].trim();
    if text[start..].starts_with("[ARGS]") || text[start..].starts_with(CALL_ID) {
        let arguments = &text[text.find(ARGUMENTS)? + ARGUMENTS.len()..];
        return Some(vec![named(name, serde_json::from_str(arguments).ok()?, tools)?]);
    }
    let value: Value = serde_json::from_str(&text[start..]).ok()?;
    if !name.is_empty() {
        return Some(vec![named(name, value, tools)?]);
    }
    match value {
        Value::Array(calls) if !calls.is_empty() => calls.into_iter().map(|call| described(call, tools)).collect(),
        call => Some(vec![described(call, tools)?]),
    }
}

fn named(name: &str, arguments: Value, tools: &[String]) -> Option<Part> {
    let known = tools.iter().any(|tool| tool == name) && arguments.is_object();
    known.then(|| Part::Call { name: name.to_owned(), arguments })
}

fn described(mut call: Value, tools: &[String]) -> Option<Part> {
    if let Some(function) = call.get_mut("function").filter(|function| function.is_object()) {
        call = function.take();
    }
    let name = call.get("name")?.as_str()?.to_owned();
    let arguments = ["arguments", "parameters"].iter().find_map(|key| call.get_mut(key).map(Value::take));
    let arguments = match arguments {
        // Some models write the arguments as JSON within a string, as the OpenAI API does.
        Some(Value::String(text)) => serde_json::from_str(&text).ok()?,
        Some(arguments) => arguments,
        None => json!({}),
    };
    named(&name, arguments, tools)
}

#[cfg(test)]
mod tests;
