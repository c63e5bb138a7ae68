//! Golden conversations: short ones, written for this, and how each family's publisher documents that they are rendered.
//!
//! In a rendering, spaces and line ends around control tokens count for nothing, and `…` stands for any text of the
//! publisher's own without control tokens of the family, such as a system message where none is given, or a date.

use inference::{ChatMessage, ChatPrompt, Role, ToolSpec};
use serde_json::json;

use super::family::Family;

/// What stands for text of the publisher's own.
pub(super) const ANY: &str = "…";

/// A conversation, and how a family renders it.
pub(super) struct Golden {
    /// What is tried.
    pub(super) what: &'static str,
    pub(super) prompt: ChatPrompt,
    pub(super) rendering: String,
}

const SYSTEM: &str = "Answer in one word.";
const FIRST: &str = "What is the capital of France?";
const ANSWER: &str = "Paris.";
const SECOND: &str = "And of Italy?";
/// The tool's name, which a rendering of tools holds.
pub(super) const TOOL: &str = "get_weather";

/// The conversations for a family.
pub(super) fn conversations(family: Family) -> Vec<Golden> {
    let one = vec![ChatMessage::new(Role::User, FIRST)];
    let system = vec![ChatMessage::new(Role::System, SYSTEM), ChatMessage::new(Role::User, FIRST)];
    let turns = vec![
        ChatMessage::new(Role::User, FIRST),
        ChatMessage::new(Role::Assistant, ANSWER),
        ChatMessage::new(Role::User, SECOND),
    ];
    let [first, with_system, several] = renderings(family);
    let mut all = vec![
        Golden { what: "one question", prompt: prompt(one.clone(), vec![]), rendering: first },
        Golden { what: "a system message", prompt: prompt(system, vec![]), rendering: with_system },
        Golden { what: "several turns", prompt: prompt(turns, vec![]), rendering: several },
    ];
    if let Some(rendering) = with_tools(family) {
        all.push(Golden { what: "tools", prompt: prompt(one, vec![tool()]), rendering });
    }
    all
}

fn prompt(messages: Vec<ChatMessage>, tools: Vec<ToolSpec>) -> ChatPrompt {
    ChatPrompt { messages, tools, add_generation_prompt: true, continue_last: false }
}

fn tool() -> ToolSpec {
    ToolSpec {
        name: TOOL.to_owned(),
        description: "The weather of a city.".to_owned(),
        schema: json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}),
    }
}

/// One question, a system message, several turns.
fn renderings(family: Family) -> [String; 3] {
    match family {
        // <https://huggingface.co/HuggingFaceTB/SmolLM2-1.7B-Instruct>
        Family::ChatMl | Family::Qwen25 => {
            let turn = |role: &str, text: &str| format!("<|im_start|>{role}\n{text}<|im_end|>\n");
            let open = "<|im_start|>assistant\n";
            // Both publishers begin with a system message of their own where none is given; others do not.
            let own = if family == Family::Qwen25 { turn("system", ANY) } else { ANY.to_owned() };
            [
                format!("{own}{}{open}", turn("user", FIRST)),
                format!("{}{}{open}", turn("system", SYSTEM), turn("user", FIRST)),
                format!("{own}{}{}{}{open}", turn("user", FIRST), turn("assistant", ANSWER), turn("user", SECOND)),
            ]
        }
        // <https://www.llama.com/docs/model-cards-and-prompt-formats/llama3_1/>
        Family::Llama3 => {
            let turn =
                |role: &str, text: &str| format!("<|start_header_id|>{role}<|end_header_id|>\n\n{text}<|eot_id|>");
            let begin = "<|begin_of_text|>";
            let open = "<|start_header_id|>assistant<|end_header_id|>\n\n";
            [
                format!("{begin}{ANY}{}{open}", turn("user", FIRST)),
                format!("{begin}{}{}{open}", turn("system", &format!("{ANY}{SYSTEM}")), turn("user", FIRST)),
                format!(
                    "{begin}{ANY}{}{}{}{open}",
                    turn("user", FIRST),
                    turn("assistant", ANSWER),
                    turn("user", SECOND)
                ),
            ]
        }
        // <https://docs.mistral.ai/cookbooks/concept-deep-dive-tokenization-chat_templates>: the third format has no place
        // for a system message but before a question.
        Family::MistralV3 => [
            format!("<s>[INST]{FIRST}[/INST]"),
            format!("<s>[INST]{SYSTEM}\n\n{FIRST}[/INST]"),
            format!("<s>[INST]{FIRST}[/INST]{ANSWER}</s>[INST]{SECOND}[/INST]"),
        ],
        // The same page: the seventh has one.
        Family::MistralV7 => [
            format!("<s>{ANY}[INST]{FIRST}[/INST]"),
            format!("<s>[SYSTEM_PROMPT]{SYSTEM}[/SYSTEM_PROMPT][INST]{FIRST}[/INST]"),
            format!("<s>{ANY}[INST]{FIRST}[/INST]{ANSWER}</s>[INST]{SECOND}[/INST]"),
        ],
        // <https://ai.google.dev/gemma/docs/core/prompt-structure>: instructions stand before the first question.
        Family::Gemma => {
            let turn = |role: &str, text: &str| format!("<start_of_turn>{role}\n{text}<end_of_turn>\n");
            let open = "<start_of_turn>model\n";
            [
                format!("<bos>{}{open}", turn("user", FIRST)),
                format!("<bos>{}{open}", turn("user", &format!("{SYSTEM}\n\n{FIRST}"))),
                format!("<bos>{}{}{}{open}", turn("user", FIRST), turn("model", ANSWER), turn("user", SECOND)),
            ]
        }
        // <https://huggingface.co/microsoft/Phi-3.5-mini-instruct>
        Family::Phi3 => {
            let turn = |role: &str, text: &str| format!("<|{role}|>\n{text}<|end|>\n");
            let open = "<|assistant|>\n";
            [
                format!("{}{open}", turn("user", FIRST)),
                format!("{}{}{open}", turn("system", SYSTEM), turn("user", FIRST)),
                format!("{}{}{}{open}", turn("user", FIRST), turn("assistant", ANSWER), turn("user", SECOND)),
            ]
        }
        // <https://huggingface.co/deepseek-ai/DeepSeek-V2.5>
        Family::DeepSeek => {
            let (begin, end) = ("<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>");
            let (user, assistant) = ("<｜User｜>", "<｜Assistant｜>");
            [
                format!("{begin}{user}{FIRST}{assistant}{ANY}"),
                format!("{begin}{SYSTEM}{user}{FIRST}{assistant}{ANY}"),
                format!("{begin}{user}{FIRST}{assistant}{ANSWER}{end}{user}{SECOND}{assistant}{ANY}"),
            ]
        }
    }
}

/// How a question is rendered beside a tool, for the families whose publishers document one format of tools.
fn with_tools(family: Family) -> Option<String> {
    match family {
        Family::Qwen25 => Some(format!(
            "<|im_start|>system\n{ANY}{TOOL}{ANY}<|im_end|>\n<|im_start|>user\n{FIRST}<|im_end|>\n<|im_start|>assistant\n"
        )),
        Family::MistralV3 => {
            Some(format!("<s>[AVAILABLE_TOOLS]{ANY}{TOOL}{ANY}[/AVAILABLE_TOOLS][INST]{FIRST}[/INST]"))
        }
        Family::Llama3 => Some(format!(
            "<|begin_of_text|><|start_header_id|>system<|end_header_id|>{ANY}<|eot_id|>\
             <|start_header_id|>user<|end_header_id|>{ANY}{TOOL}{ANY}{FIRST}<|eot_id|>\
             <|start_header_id|>assistant<|end_header_id|>\n\n"
        )),
        // Others have no tools, or describe them as each application likes.
        _ => None,
    }
}
