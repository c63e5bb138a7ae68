//! The forms of answers that call a tool.

use std::collections::HashMap;

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use crate::chat::ToolSpec;
use crate::constraint::Constraint;
use crate::{Error, Result};

/// The keywords whose members are schemas by names of the author's.
const NAMED: [&str; 3] = ["properties", "patternProperties", "dependentSchemas"];
/// The keywords that hold schemas for others to refer to.
const DEFINITIONS: [&str; 2] = ["$defs", "definitions"];
/// The keywords that hold plain values.
const VALUES: [&str; 6] = ["const", "default", "dependentRequired", "enum", "example", "examples"];

/// The constraint under which an answer is exactly one call of one of the tools, as [`Parser`](super::Parser) reads it.
/// What a tool's schema says and cannot be enforced is passed over, as in [`Constraint::JsonSchemaLeniently`].
///
/// # Errors
/// Constraint, where a schema refers to a part of itself that is not there.
pub fn forced(tools: &[ToolSpec]) -> Result<Constraint> {
    let mut definitions = Map::new();
    let calls = tools.iter().map(|tool| call(tool, &mut definitions)).collect::<Result<Vec<Value>>>()?;
    Ok(Constraint::JsonSchemaLeniently(any_of(calls, definitions)))
}

/// The schema of an answer that is exactly one call of one of the tools, or JSON that `schema` admits.
///
/// # Errors
/// As [`forced`].
pub fn offered(tools: &[ToolSpec], schema: &Value) -> Result<Value> {
    let mut definitions = Map::new();
    let mut forms = tools.iter().map(|tool| call(tool, &mut definitions)).collect::<Result<Vec<Value>>>()?;
    forms.push(moved(schema, &mut definitions, || "the answer's schema".to_owned())?);
    Ok(any_of(forms, definitions))
}

fn any_of(forms: Vec<Value>, definitions: Map<String, Value>) -> Value {
    let mut schema = match <[Value; 1]>::try_from(forms) {
        Ok([form]) => form,
        Err(forms) => json!({"anyOf": forms}),
    };
    if !definitions.is_empty() {
        schema["$defs"] = Value::Object(definitions);
    }
    schema
}

fn call(tool: &ToolSpec, definitions: &mut Map<String, Value>) -> Result<Value> {
    let document = as_object(&tool.schema);
    let arguments = moved(&document, definitions, || format!("the schema of the tool `{}`", tool.name))?;
    Ok(json!({
        "type": "object",
        "properties": {"name": {"const": tool.name}, "arguments": arguments},
        "required": ["name", "arguments"],
        "additionalProperties": false,
    }))
}

/// The document as a part of a bigger one; what it refers to is added to the bigger one's definitions.
fn moved(document: &Value, definitions: &mut Map<String, Value>, name: impl Fn() -> String) -> Result<Value> {
    let mut moved = Moved { first: definitions.len(), references: Vec::new(), numbers: HashMap::new() };
    let schema = moved.schema(document);
    // A definition may refer to more of them.
    let mut at = 0;
    while let Some(reference) = moved.references.get(at).cloned() {
        let target = target(document, &reference)
            .ok_or_else(|| Error::Constraint { reason: format!("`{reference}` in {} refers to nothing", name()) })?;
        definitions.insert((moved.first + at).to_string(), moved.schema(target));
        at += 1;
    }
    Ok(schema)
}

/// The schema, which admits objects alone where it leaves that open: a call's arguments are one.
fn as_object(schema: &Value) -> Value {
    let mut schema = schema.clone();
    match schema.as_object_mut() {
        Some(keywords) => match keywords.get("type") {
            None => {
                keywords.insert("type".to_owned(), json!("object"));
            }
            Some(Value::Array(types)) if types.iter().any(|each| each == "object") => {
                keywords.insert("type".to_owned(), json!("object"));
            }
            Some(_) => {}
        },
        None => schema = json!({"type": "object"}),
    }
    schema
}

/// A schema on its way into a bigger one. A `$ref` counts from the document's root, so what is referred to is copied
/// among the definitions of the new root, once, under a number as its name: nothing in it would have to be escaped.
struct Moved {
    /// The number of the first reference.
    first: usize,
    /// What was referred to, in the order of their numbers.
    references: Vec<String>,
    /// The number of each, counted from the first.
    numbers: HashMap<String, usize>,
}

impl Moved {
    fn schema(&mut self, schema: &Value) -> Value {
        match schema {
            Value::Object(keywords) => {
                let kept = keywords.iter().filter(|(keyword, _)| !DEFINITIONS.contains(&keyword.as_str()));
                kept.map(|(keyword, value)| (keyword.clone(), self.keyword(keyword, value))).collect()
            }
            Value::Array(schemas) => schemas.iter().map(|schema| self.schema(schema)).collect(),
            plain => plain.clone(),
        }
    }

    fn keyword(&mut self, keyword: &str, value: &Value) -> Value {
        match value {
            Value::String(reference) if keyword == "$ref" && reference.starts_with('#') => self.reference(reference),
            Value::Object(schemas) if NAMED.contains(&keyword) => {
                schemas.iter().map(|(name, schema)| (name.clone(), self.schema(schema))).collect()
            }
            value if VALUES.contains(&keyword) => value.clone(),
            value => self.schema(value),
        }
    }

    /// The reference under its new name.
    fn reference(&mut self, reference: &str) -> Value {
        let at = *self.numbers.entry(reference.to_owned()).or_insert_with(|| {
            self.references.push(reference.to_owned());
            self.references.len() - 1
        });
        Value::String(format!("#/$defs/{}", self.first + at))
    }
}

/// The part of the document that `#` or `#/…` refers to: a JSON pointer as a URI fragment (RFC 6901, section 6).
fn target<'a>(document: &'a Value, reference: &str) -> Option<&'a Value> {
    let pointer = percent_decode_str(reference.strip_prefix('#')?).decode_utf8().ok()?;
    document.pointer(if pointer == "/" { "" } else { &pointer })
}

#[cfg(test)]
mod tests;
