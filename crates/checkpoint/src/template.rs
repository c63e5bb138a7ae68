//! A checkpoint's chat template: found, and tried.

use std::sync::Arc;

use base::SystemClock;
use futures::channel::oneshot;
use inference::template::{ChatTemplate, Tokens};
use inference::{ChatMessage, ChatPrompt, Role};
use serde_json::{Map, Value};

use crate::finding::{Finding, Report};
use crate::tokenizer::{CONFIG, Vocabulary};

pub(crate) const JINJA: &str = "chat_template.jinja";
pub(crate) const JSON: &str = "chat_template.json";
const FIX_TEMPLATE: &str = "Upload the template that the model was trained with, as `chat_template` in tokenizer_config.json \
     or as chat_template.jinja.";

/// The template, if it renders a conversation. Its own file is preferred to `tokenizer_config.json`, as transformers
/// does.
pub(crate) async fn read(
    jinja: Option<&[u8]>,
    json: Option<&[u8]>,
    settings: &Map<String, Value>,
    vocabulary: &Vocabulary,
    report: &mut Report,
) -> Option<String> {
    let (file, source) = report.keep(find(jinja, json, settings))?;
    let special = &vocabulary.special;
    let tokens = Tokens { bos: vocabulary.spelling(special.bos), eos: vocabulary.spelling(special.eos) };
    let tried = on_a_thread({
        let source = source.clone();
        move || try_out(&source, tokens)
    });
    report.keep(tried.await.map_err(|problem| Finding::error(file, problem, FIX_TEMPLATE)))?;
    Some(source)
}

fn find(
    jinja: Option<&[u8]>,
    json: Option<&[u8]>,
    settings: &Map<String, Value>,
) -> Result<(&'static str, String), Finding> {
    if let Some(jinja) = jinja {
        let text = std::str::from_utf8(jinja).map_err(|_| Finding::error(JINJA, "it is not UTF-8", FIX_TEMPLATE))?;
        return Ok((JINJA, text.to_owned()));
    }
    if let Some(template) = settings.get("chat_template").and_then(chosen) {
        return Ok((CONFIG, template.to_owned()));
    }
    if let Some(json) = json {
        let map: Map<String, Value> = serde_json::from_slice(json)
            .map_err(|error| Finding::error(JSON, format!("it is damaged: {error}"), FIX_TEMPLATE))?;
        if let Some(template) = map.get("chat_template").and_then(chosen) {
            return Ok((JSON, template.to_owned()));
        }
    }
    Err(Finding::error(CONFIG, "the model has no chat template", FIX_TEMPLATE))
}

/// The template itself, or the one named `default` of several.
fn chosen(value: &Value) -> Option<&str> {
    if let Some(text) = value.as_str() {
        return Some(text);
    }
    let named = |template: &&Value| template.get("name").and_then(Value::as_str) == Some("default");
    value.as_array()?.iter().find(named)?.get("template")?.as_str()
}

/// A template may compute for seconds before it is ended; nobody else should wait for that.
async fn on_a_thread(work: impl FnOnce() -> Result<(), String> + Send + 'static) -> Result<(), String> {
    let (sender, receiver) = oneshot::channel();
    let thread = std::thread::Builder::new().name("template".to_owned()).spawn(move || sender.send(work()));
    let failed = || "the chat template could not be tried".to_owned();
    thread.map_err(|_| failed())?;
    receiver.await.unwrap_or_else(|_| Err(failed()))
}

/// Renders a question.
fn try_out(source: &str, tokens: Tokens) -> Result<(), String> {
    let template = ChatTemplate::new(source, tokens, Arc::new(SystemClock))
        .map_err(|error| format!("the chat template cannot be read: {}", reason(error)))?;
    let question = "What is the capital of France?";
    let chat = ChatPrompt::new(vec![ChatMessage::new(Role::User, question)]);
    let text =
        template.render(&chat).map_err(|error| format!("the chat template refuses a question: {}", reason(error)))?;
    match text.contains(question) {
        true => Ok(()),
        false => Err("the chat template leaves the question out".to_owned()),
    }
}

fn reason(error: inference::Error) -> String {
    match error {
        inference::Error::Template { reason } => reason,
        other => other.to_string(),
    }
}
