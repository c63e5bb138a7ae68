//! What an answer must look like: OpenAI's `response_format`, and `structured_outputs`, which vLLM and the imported models
//! of Bedrock know beside it.

use base::Result;
use models::Constraint;
use serde_json::Value;

use super::chat_request;
use crate::json_fields::{Fields, Node};

/// Where `response_format` stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a body of OpenAI's: a schema has a name and stands in `schema`.
    OpenAi,
    /// In a raw prompt's body of Bedrock's: it may also stand bare.
    Bedrock,
}

/// The constraint of a raw prompt's continuation.
pub(crate) fn constraint(root: &Fields<'_>, place: Place) -> Result<Option<Constraint>> {
    let format = match (place, bare_schema(root)?) {
        (Place::Bedrock, Some(schema)) => Some(Constraint::JsonSchemaLeniently(schema.clone())),
        _ => match chat_request::response_schema(root)? {
            (Some(schema), true) => Some(Constraint::JsonSchemaLeniently(schema)),
            (Some(schema), false) => Some(Constraint::JsonSchema(schema)),
            (None, _) => None,
        },
    };
    match (format, outputs(root)?) {
        (Some(_), Some(_)) => Err(root.error("`response_format` and `structured_outputs` exclude each other")),
        (format, outputs) => Ok(format.or(outputs)),
    }
}

/// The schema of a `json_schema` that is nothing else.
fn bare_schema<'a>(root: &Fields<'a>) -> Result<Option<&'a Value>> {
    let Some(schema) = root.object("response_format")?.and_then(|format| format.optional("json_schema")) else {
        return Ok(None);
    };
    let described = schema.fields()?.has("schema");
    Ok((!described).then_some(schema.value))
}

/// `structured_outputs`: one of a JSON schema, a regular expression, a choice of texts and a grammar.
pub(crate) fn outputs(root: &Fields<'_>) -> Result<Option<Constraint>> {
    let Some(outputs) = root.object("structured_outputs")? else { return Ok(None) };
    let outputs = outputs.without_nulls();
    outputs.only(&["choice", "grammar", "json", "regex"])?;
    let forms = ["json", "regex", "choice", "grammar"].into_iter();
    let mut given = forms.filter_map(|form| outputs.optional(form).map(|node| (form, node)));
    let (Some((form, node)), None) = (given.next(), given.next()) else {
        return Err(outputs.error("exactly one of `json`, `regex`, `choice` and `grammar` must be given"));
    };
    Ok(Some(match form {
        "json" => Constraint::JsonSchema(schema(&node)?),
        "regex" => Constraint::Regex(node.text()?.to_owned()),
        "choice" => choice(&node)?,
        _ => Constraint::Lark(node.text()?.to_owned()),
    }))
}

/// A schema as an object, or as the text of one.
fn schema(node: &Node<'_>) -> Result<Value> {
    match node.value {
        Value::String(text) => serde_json::from_str(text).map_err(|_| node.error("is not JSON")),
        _ => node.fields().map(|_| node.value.clone()),
    }
}

fn choice(node: &Node<'_>) -> Result<Constraint> {
    let texts = node.texts()?;
    if texts.is_empty() || texts.iter().any(String::is_empty) {
        return Err(node.error("it must not be empty"));
    }
    let quoted: Vec<String> = texts.into_iter().map(quoted).collect();
    Ok(Constraint::Lark(format!("start: {}", quoted.join(" | "))))
}

/// The text as a literal of a grammar, without what a grammar's definitions, groups and directives are known by.
fn quoted(text: String) -> String {
    let literal = Value::String(text).to_string();
    let escaped = literal.chars().map(|c| match c {
        '%' | ':' | '(' | '[' | '{' | '~' | '\u{7f}' => format!("\\u{:04x}", u32::from(c)),
        c => c.to_string(),
    });
    escaped.collect()
}
