//! What a model reads out of a question before anything is retrieved: queries, and conditions on metadata. Both are written
//! under a JSON schema, so that they can be read whatever the model.

use base::{Error, Result};
use identity::Ctx;
use models::{ChatRequest, LoopDetector, Message, Usage};
use search::{Filter, Value};
use serde_json::{Map, Value as Json, json};

use super::Answers;
use super::ask::{Attribute, AttributeKind, Generation, ImplicitFilter, Orchestration, Writing};
use super::prompt::{self, Values};
use super::sessions::Turn;

#[cfg(test)]
mod tests;

/// The most queries that one question becomes.
const MOST_QUERIES: usize = 4;
/// The most conditions that are read out of one question.
const MOST_CONDITIONS: usize = 3;
/// The most tokens of such an answer.
const MOST_TOKENS: u32 = 512;

impl Answers {
    /// The queries for a question, itself first, then those that the model writes, and the tokens that it takes for them.
    ///
    /// # Errors
    /// As [`models::Models::chat`].
    pub(crate) async fn queries(
        &self,
        ctx: &Ctx,
        generation: &Generation,
        orchestration: &Orchestration,
        (question, turns): (&str, &[Turn]),
    ) -> Result<(Vec<String>, Usage)> {
        let most = if orchestration.decompose { MOST_QUERIES } else { 1 };
        let (listing, history) = (prompt::listing(most), told(turns));
        let values = Values {
            query: question,
            output_format_instructions: &listing,
            conversation_history: &history,
            current_time: &prompt::time(self.inner.clock.now()),
            ..Values::default()
        };
        let template = orchestration.template.as_deref().unwrap_or(prompt::QUERIES);
        let mut asked = prompt::render(template, values);
        if !prompt::has(template, "query") {
            asked = format!("{asked}\n\n{question}");
        }
        let schema = json!({
            "type": "object",
            "properties": {
                "queries": {
                    "type": "array", "items": { "type": "string", "minLength": 1, "maxLength": 300 },
                    "minItems": 1, "maxItems": most,
                },
            },
            "required": ["queries"],
            "additionalProperties": false,
        });
        let (answer, usage) = self.written(ctx, &generation.model, asked, schema, &orchestration.writing).await?;
        Ok((queries_of(question, &answer, most), usage))
    }

    /// The conditions that a question sets, as a model reads them, none where it reads none, and the tokens that it takes for
    /// them.
    ///
    /// # Errors
    /// As [`models::Models::chat`].
    pub(crate) async fn conditions(
        &self,
        ctx: &Ctx,
        implicit: &ImplicitFilter,
        question: &str,
    ) -> Result<(Option<Filter>, Usage)> {
        let fields: Vec<String> = implicit.attributes.iter().map(described).collect();
        let asked = format!(
            "Documents have these fields:\n{}\n\nWhich conditions on them does the question name? Leave out what it does \
             not name; where it names nothing, give no condition.\n\nQuestion: {question}\n\nReply with JSON alone: \
             {{\"conditions\": [{{\"field\": \"...\", \"operator\": \"...\", \"value\": ...}}]}}",
            fields.join("\n")
        );
        let schema = conditions_schema(&implicit.attributes);
        let (answer, usage) = self.written(ctx, &implicit.model, asked, schema, &Writing::default()).await?;
        Ok((filter_of(&answer, &implicit.attributes), usage))
    }

    /// JSON of the schema, or nothing where the model was cut short, and the tokens that it read and wrote.
    async fn written(
        &self,
        ctx: &Ctx,
        model: &str,
        asked: String,
        schema: Json,
        writing: &Writing,
    ) -> Result<(Json, Usage)> {
        let request = ChatRequest {
            model: model.to_owned(),
            messages: vec![Message::user(asked)],
            response_schema: Some(schema),
            lenient_schema: true,
            ..request(writing, Some(MOST_TOKENS))
        };
        let answer = self.inner.models.chat(ctx, request).await?.collect().await?;
        Ok((serde_json::from_str(&answer.text()).unwrap_or_default(), answer.usage))
    }
}

/// A request that is written as `writing` says, with its own limit of tokens or else `most`.
pub(crate) fn request(writing: &Writing, most: Option<u32>) -> ChatRequest {
    let mut sampling = writing.sampling.clone();
    sampling.temperature = sampling.temperature.or(Some(0.0));
    // At temperature 0 a small model says the same again and again.
    sampling.loop_detector = sampling.loop_detector.or(Some(LoopDetector::default()));
    ChatRequest {
        sampling,
        max_tokens: writing.max_tokens.filter(|tokens| *tokens > 0).or(most),
        stop: writing.stop.clone(),
        serving: writing.serving,
        ..ChatRequest::default()
    }
}

/// A conversation as text.
pub(crate) fn told(turns: &[Turn]) -> String {
    let turn = |turn: &Turn| format!("User: {}\nAssistant: {}", turn.question, turn.answer);
    turns.iter().map(turn).collect::<Vec<_>>().join("\n")
}

fn queries_of(question: &str, answer: &Json, most: usize) -> Vec<String> {
    let mut queries = vec![question.to_owned()];
    let written = answer["queries"].as_array().map_or(&[][..], Vec::as_slice);
    for query in written.iter().filter_map(Json::as_str).map(str::trim).take(most) {
        if !query.is_empty() && !queries.iter().any(|known| known == query) {
            queries.push(query.to_owned());
        }
    }
    queries
}

fn described(attribute: &Attribute) -> String {
    let kind = match attribute.kind {
        AttributeKind::Text => "text",
        AttributeKind::Number => "number",
        AttributeKind::Boolean => "true or false",
        AttributeKind::TextList => "list of texts",
    };
    format!("- {} ({kind}): {}", attribute.key, attribute.description)
}

fn operators(kind: AttributeKind) -> &'static [&'static str] {
    match kind {
        AttributeKind::Text => &["equals", "notEquals", "startsWith", "stringContains"],
        AttributeKind::Number => {
            &["equals", "notEquals", "greaterThan", "greaterThanOrEquals", "lessThan", "lessThanOrEquals"]
        }
        AttributeKind::Boolean => &["equals"],
        AttributeKind::TextList => &["listContains"],
    }
}

fn conditions_schema(attributes: &[Attribute]) -> Json {
    let one = |attribute: &Attribute| {
        let value = match attribute.kind {
            AttributeKind::Text | AttributeKind::TextList => json!({ "type": "string", "maxLength": 100 }),
            AttributeKind::Number => json!({ "type": "number" }),
            AttributeKind::Boolean => json!({ "type": "boolean" }),
        };
        json!({
            "type": "object",
            "properties": {
                "field": { "const": attribute.key },
                "operator": { "enum": operators(attribute.kind) },
                "value": value,
            },
            "required": ["field", "operator", "value"],
            "additionalProperties": false,
        })
    };
    let choices: Vec<Json> = attributes.iter().map(one).collect();
    json!({
        "type": "object",
        "properties": {
            "conditions": { "type": "array", "items": { "anyOf": choices }, "maxItems": MOST_CONDITIONS },
        },
        "required": ["conditions"],
        "additionalProperties": false,
    })
}

/// The conditions that are on known fields, with values of their kinds.
fn filter_of(answer: &Json, attributes: &[Attribute]) -> Option<Filter> {
    let written = answer["conditions"].as_array().map_or(&[][..], Vec::as_slice);
    let read = written.iter().filter_map(Json::as_object).filter_map(|one| condition(one, attributes));
    let mut conditions: Vec<Filter> = read.take(MOST_CONDITIONS).collect();
    match conditions.len() {
        0 | 1 => conditions.pop(),
        _ => Some(Filter::And(conditions)),
    }
}

fn condition(written: &Map<String, Json>, attributes: &[Attribute]) -> Option<Filter> {
    let field = written.get("field")?.as_str()?;
    let attribute = attributes.iter().find(|attribute| attribute.key == field)?;
    let operator = written.get("operator")?.as_str().filter(|name| operators(attribute.kind).contains(name))?;
    let given = written.get("value")?;
    let value = match attribute.kind {
        AttributeKind::Text | AttributeKind::TextList => Value::Text(given.as_str()?.to_owned()),
        AttributeKind::Number => Value::Number(given.as_f64()?),
        AttributeKind::Boolean => Value::Boolean(given.as_bool()?),
    };
    let (key, text) = (field.to_owned(), given.as_str().unwrap_or_default().to_owned());
    Some(match operator {
        "equals" => Filter::Equals(key, value),
        "notEquals" => Filter::NotEquals(key, value),
        "greaterThan" => Filter::GreaterThan(key, value),
        "greaterThanOrEquals" => Filter::GreaterThanOrEquals(key, value),
        "lessThan" => Filter::LessThan(key, value),
        "lessThanOrEquals" => Filter::LessThanOrEquals(key, value),
        "startsWith" => Filter::StartsWith(key, text),
        "stringContains" => Filter::StringContains(key, text),
        _ => Filter::ListContains(key, text),
    })
}

/// # Errors
/// Invalid, where an attribute is named twice.
pub(crate) fn check(implicit: &ImplicitFilter) -> Result<()> {
    let repeated = implicit
        .attributes
        .iter()
        .enumerate()
        .find(|(at, attribute)| implicit.attributes[..*at].iter().any(|earlier| earlier.key == attribute.key));
    match repeated {
        Some((_, attribute)) => Err(Error::invalid(format!("The attribute `{}` is described twice.", attribute.key))),
        None => Ok(()),
    }
}
