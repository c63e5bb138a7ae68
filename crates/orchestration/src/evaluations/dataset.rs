//! Datasets: JSON lines in the shapes that Bedrock documents, read with the number of the line that is wrong.

use base::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::metrics::Family;

/// The most prompts of a job that is asked for through AWS's API.
pub const MOST_PROMPTS: usize = 1_000;
/// The most turns of a conversation.
pub const MOST_TURNS: usize = 5;
/// The most bytes of a prompt, an answer, a reference answer or a passage: what compares two texts takes time and memory by
/// the product of their lengths.
pub const LONGEST_TEXT: usize = 64 << 10;

/// What the lines of a dataset must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// What is evaluated.
    pub family: Family,
    /// Are the answers (or passages) part of the dataset, and not asked for?
    pub brings_answers: bool,
    /// The most records; none: any number.
    pub most: Option<usize>,
}

/// A line: a conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The number of its line, from 1.
    pub line: usize,
    /// Its turns, oldest first; at least one.
    pub turns: Vec<Turn>,
    /// The category that the line names, of model jobs.
    pub category: Option<String>,
}

/// A turn of a conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// What is asked.
    pub prompt: String,
    /// What should be answered; there may be several.
    pub references: Vec<String>,
    /// Contexts that should be found, for custom metrics.
    pub reference_contexts: Vec<String>,
    /// What was answered, where the dataset brings that.
    pub output: Option<Output>,
    /// The members `prompt`, `referenceResponses` and `referenceContexts` as the line has them, for the result.
    pub input: Map<String, Value>,
}

/// What a system answered.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Output {
    /// The text; none of retrieve-only systems.
    pub text: Option<String>,
    /// The model that wrote it.
    pub model: Option<String>,
    /// The knowledge base or other source.
    pub source: Option<String>,
    /// What was found, best first.
    pub passages: Vec<Passage>,
    /// What parts of the text cite.
    pub citations: Vec<Citation>,
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Passage {
    /// What it is called.
    pub name: Option<String>,
    /// Its text.
    pub text: String,
    /// What is known of it.
    pub metadata: Map<String, Value>,
}

/// A part of the answer, and what it cites.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Citation {
    /// The part's first and last character, counted from 0, where they are told.
    pub span: Option<(u64, u64)>,
    /// The part.
    pub text: String,
    /// What it cites.
    pub passages: Vec<Passage>,
}

/// Reads a dataset.
///
/// # Errors
/// Invalid, naming the line: one that is no JSON object or has not the shape; where there is none, or more than
/// [`Shape::most`].
pub fn read(text: &str, shape: Shape) -> Result<Vec<Record>> {
    let mut records = Vec::new();
    for (number, record) in lines(text, shape) {
        if shape.most.is_some_and(|most| records.len() == most) {
            return Err(too_many(shape, Some(number)));
        }
        records.push(record?);
    }
    check_count(records.len(), shape)?;
    Ok(records)
}

/// The lines of a dataset that are not empty, by their numbers from 1: each is a record, or Invalid, naming the line.
pub fn lines(text: &str, shape: Shape) -> impl Iterator<Item = (usize, Result<Record>)> {
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    lines.map(move |(number, line)| (number, record(number, line, shape).map_err(|error| of_line(number, error))))
}

/// Sees whether a dataset may have so many records.
///
/// # Errors
/// Invalid, where there are none or more than [`Shape::most`].
pub fn check_count(records: usize, shape: Shape) -> Result<()> {
    match shape.most {
        _ if records == 0 => Err(Error::invalid("The dataset is empty.").with_hint("It needs one JSON object a line.")),
        Some(most) if records > most => Err(too_many(shape, None)),
        _ => Ok(()),
    }
}

fn too_many(shape: Shape, line: Option<usize>) -> Error {
    let most = shape.most.unwrap_or_default();
    let line = line.map_or_else(String::new, |line| format!(": line {line} is one too many"));
    Error::invalid(format!("The dataset has more than {most} prompts{line}."))
        .with_hint("Sample it (`craton eval convert --sample`), or make several jobs of it.")
}

fn of_line(number: usize, error: Error) -> Error {
    Error { message: format!("Line {number} of the dataset is invalid: {}", error.message), ..error }
}

fn record(line: usize, text: &str, shape: Shape) -> Result<Record> {
    // A message of serde_json's names the column; its line is always 1 here.
    let value: Value = serde_json::from_str(text)
        .map_err(|error| Error::invalid(format!("It is no JSON (column {}): {error}.", error.column())))?;
    let Value::Object(object) = value else { return Err(Error::invalid("It is JSON, but no object.")) };
    if shape.family == Family::Model {
        let category = object.get("category").and_then(Value::as_str).map(str::to_owned);
        return Ok(Record { line, turns: vec![model_turn(object, shape)?], category });
    }
    let turns = array(&object, "conversationTurns")?;
    let most = if shape.family == Family::Retrieve { 1 } else { MOST_TURNS };
    if turns.is_empty() || turns.len() > most {
        return Err(Error::invalid(format!(
            "`conversationTurns` has {} turns; a {} record has 1 to {most}.",
            turns.len(),
            shape.family.as_str()
        )));
    }
    let turns = turns.iter().enumerate().map(|(at, turn)| {
        rag_turn(turn, shape).map_err(|error| Error { message: format!("Turn {}: {}", at + 1, error.message), ..error })
    });
    Ok(Record { line, turns: turns.collect::<Result<_>>()?, category: None })
}

/// `{"prompt", "referenceResponse", "category", "modelResponses": [{"response", "modelIdentifier"}]}`
fn model_turn(object: Map<String, Value>, shape: Shape) -> Result<Turn> {
    let prompt = text(&object, "prompt")?;
    let references = match object.get("referenceResponse") {
        None | Some(Value::Null) => Vec::new(),
        Some(_) => vec![text(&object, "referenceResponse")?],
    };
    let output = if shape.brings_answers {
        let responses = array(&object, "modelResponses")?;
        let [Value::Object(response)] = responses.as_slice() else {
            return Err(Error::invalid(format!("`modelResponses` has {} responses, not one.", responses.len())));
        };
        let model = Some(text(response, "modelIdentifier")?);
        Some(Output { text: Some(text(response, "response")?), model, ..Output::default() })
    } else {
        None
    };
    let kept = ["prompt", "referenceResponse", "category"];
    let input = object.into_iter().filter(|(name, _)| kept.contains(&name.as_str())).collect();
    Ok(Turn { prompt, references, reference_contexts: Vec::new(), output, input })
}

fn rag_turn(value: &Value, shape: Shape) -> Result<Turn> {
    let turn = value.as_object().ok_or_else(|| Error::invalid("It is no object."))?;
    let prompt = content(turn.get("prompt").and_then(Value::as_object), "prompt")?;
    let several = |name: &'static str| -> Result<Vec<String>> {
        match turn.get(name) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(_) => array(turn, name)?.iter().map(|one| content(one.as_object(), name)).collect(),
        }
    };
    let (references, reference_contexts) = (several("referenceResponses")?, several("referenceContexts")?);
    let output = match turn.get("output") {
        Some(Value::Object(object)) if shape.brings_answers => Some(output(object, shape.family)?),
        _ if shape.brings_answers => return Err(Error::invalid("`output` is missing, or no object.")),
        _ => None,
    };
    let kept = ["prompt", "referenceResponses", "referenceContexts"];
    let input = turn.iter().filter(|(name, _)| kept.contains(&name.as_str()));
    let input = input.map(|(name, value)| (name.clone(), value.clone())).collect();
    Ok(Turn { prompt, references, reference_contexts, output, input })
}

fn output(object: &Map<String, Value>, family: Family) -> Result<Output> {
    let source = Some(text(object, "knowledgeBaseIdentifier")?);
    let found = |name: &'static str| -> Result<Vec<Passage>> {
        let inner = object.get(name).and_then(Value::as_object);
        let inner = inner.ok_or_else(|| Error::invalid(format!("`output.{name}` is missing, or no object.")))?;
        array(inner, "retrievalResults")?.iter().map(passage).collect()
    };
    if family == Family::Retrieve {
        return Ok(Output { source, passages: found("retrievedResults")?, ..Output::default() });
    }
    let model = object.get("modelIdentifier").and_then(Value::as_str).map(str::to_owned);
    let passages = match object.get("retrievedPassages") {
        None | Some(Value::Null) => Vec::new(),
        Some(_) => found("retrievedPassages")?,
    };
    let citations = match object.get("citations") {
        None | Some(Value::Null) => Vec::new(),
        Some(_) => array(object, "citations")?.iter().map(citation).collect::<Result<_>>()?,
    };
    Ok(Output { text: Some(text(object, "text")?), model, source, passages, citations })
}

fn passage(value: &Value) -> Result<Passage> {
    let object = value.as_object().ok_or_else(|| Error::invalid("A retrieval result is no object."))?;
    let content = object.get("content").and_then(Value::as_object);
    let content = content.ok_or_else(|| Error::invalid("A retrieval result has no `content`."))?;
    let metadata = object.get("metadata").and_then(Value::as_object).cloned().unwrap_or_default();
    let name = object.get("name").and_then(Value::as_str).map(str::to_owned);
    Ok(Passage { name, text: text(content, "text")?, metadata })
}

fn citation(value: &Value) -> Result<Citation> {
    let object = value.as_object().ok_or_else(|| Error::invalid("A citation is no object."))?;
    let part = &object.get("generatedResponsePart").unwrap_or(&Value::Null)["textResponsePart"];
    let span = part["span"]["start"].as_u64().zip(part["span"]["end"].as_u64());
    let text = part["text"].as_str().unwrap_or_default().to_owned();
    let passages = array(object, "retrievedReferences")?.iter().map(passage).collect::<Result<_>>()?;
    Ok(Citation { span, text, passages })
}

/// The text of `{"content": [{"text": …}, …]}`.
fn content(object: Option<&Map<String, Value>>, name: &str) -> Result<String> {
    let object = object.ok_or_else(|| Error::invalid(format!("`{name}` is missing, or no object.")))?;
    let blocks = array(object, "content").map_err(|error| inside(name, error))?;
    let texts = blocks.iter().map(|block| {
        let block = block.as_object().ok_or_else(|| Error::invalid("a block of `content` is no object."))?;
        text(block, "text")
    });
    let texts: Vec<String> = texts.collect::<Result<_>>().map_err(|error| inside(name, error))?;
    if texts.is_empty() {
        return Err(Error::invalid(format!("`{name}` has no content.")));
    }
    let joined = texts.join("\n");
    if joined.len() > LONGEST_TEXT {
        return Err(too_long(name));
    }
    Ok(joined)
}

fn inside(name: &str, error: Error) -> Error {
    Error { message: format!("in `{name}`, {}", error.message), ..error }
}

fn text(object: &Map<String, Value>, name: &str) -> Result<String> {
    match object.get(name) {
        Some(Value::String(text)) if text.len() > LONGEST_TEXT => Err(too_long(name)),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(_) => Err(Error::invalid(format!("`{name}` is no text."))),
        None => Err(Error::invalid(format!("`{name}` is missing."))),
    }
}

fn too_long(name: &str) -> Error {
    Error::invalid(format!("`{name}` has more than {LONGEST_TEXT} bytes."))
}

fn array<'a>(object: &'a Map<String, Value>, name: &str) -> Result<&'a Vec<Value>> {
    match object.get(name) {
        Some(Value::Array(values)) => Ok(values),
        Some(_) => Err(Error::invalid(format!("`{name}` is no array."))),
        None => Err(Error::invalid(format!("`{name}` is missing."))),
    }
}

#[cfg(test)]
#[path = "dataset_tests.rs"]
mod tests;
