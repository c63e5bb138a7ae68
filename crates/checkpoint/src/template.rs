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
const FIX_BASE: &str = "It continues raw prompts and refuses conversations. If it was trained to converse, upload its template, as \
     `chat_template` in tokenizer_config.json or as chat_template.jinja.";

/// The template, if it renders a conversation. Its own file is preferred to `tokenizer_config.json`, as transformers
/// does. A model without one is a base model.
///
/// # Errors
/// Template, where it could not be tried at the moment.
pub(crate) async fn read(
    jinja: Option<&[u8]>,
    json: Option<&[u8]>,
    settings: &Map<String, Value>,
    vocabulary: &Vocabulary,
    report: &mut Report,
) -> crate::Result<Option<String>> {
    let (file, source) = match find(jinja, json, settings) {
        Ok(Some(found)) => found,
        Ok(None) => {
            report.add(Finding::warning(CONFIG, "the model has no chat template", FIX_BASE));
            return Ok(None);
        }
        Err(finding) => {
            report.add(finding);
            return Ok(None);
        }
    };
    let special = &vocabulary.special;
    let tokens = Tokens { bos: vocabulary.spelling(special.bos), eos: vocabulary.spelling(special.eos) };
    let tried = on_a_thread({
        let source = source.clone();
        move || try_out(&source, tokens)
    });
    let judged = tried.await?.map_err(|problem| Finding::error(file, problem, FIX_TEMPLATE));
    Ok(report.keep(judged).map(|()| source))
}

fn find(
    jinja: Option<&[u8]>,
    json: Option<&[u8]>,
    settings: &Map<String, Value>,
) -> Result<Option<(&'static str, String)>, Finding> {
    if let Some(jinja) = jinja {
        let text = std::str::from_utf8(jinja).map_err(|_| Finding::error(JINJA, "it is not UTF-8", FIX_TEMPLATE))?;
        return Ok(Some((JINJA, text.to_owned())));
    }
    if let Some(template) = settings.get("chat_template").and_then(chosen) {
        return Ok(Some((CONFIG, template.to_owned())));
    }
    if let Some(json) = json {
        let map: Map<String, Value> = serde_json::from_slice(json)
            .map_err(|error| Finding::error(JSON, format!("it is damaged: {error}"), FIX_TEMPLATE))?;
        if let Some(template) = map.get("chat_template").and_then(chosen) {
            return Ok(Some((JSON, template.to_owned())));
        }
    }
    Ok(None)
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
async fn on_a_thread(work: impl FnOnce() -> crate::Result<Tried> + Send + 'static) -> crate::Result<Tried> {
    let (sender, receiver) = oneshot::channel();
    let thread = std::thread::Builder::new().name("template".to_owned()).spawn(move || sender.send(work()));
    thread.map_err(unavailable)?;
    receiver.await.unwrap_or_else(|gone| Err(unavailable(gone)))
}

/// What is wrong with the template, if anything.
type Tried = Result<(), String>;

/// Renders a question.
fn try_out(source: &str, tokens: Tokens) -> crate::Result<Tried> {
    let template = match ChatTemplate::new(source, tokens, Arc::new(SystemClock)) {
        Ok(template) => template,
        Err(error) => return judged("the chat template cannot be read", error),
    };
    let question = "What is the capital of France?";
    let chat = ChatPrompt::new(vec![ChatMessage::new(Role::User, question)]);
    Ok(match template.render(&chat) {
        Ok(text) if text.contains(question) => Ok(()),
        Ok(_) => Err("the chat template leaves the question out".to_owned()),
        Err(error) => return judged("the chat template refuses a question", error),
    })
}

/// The template's own fault, or an error.
fn judged(problem: &str, error: inference::Error) -> crate::Result<Tried> {
    match error {
        inference::Error::Template { reason } => Ok(Err(format!("{problem}: {reason}"))),
        other => Err(unavailable(other)),
    }
}

fn unavailable(reason: impl std::fmt::Display) -> crate::Error {
    let error = base::Error::unavailable("The chat template could not be tried.");
    crate::Error::Template(error.with_detail(reason).with_hint("Try again."))
}
