//! Constraints under which an answer calls a tool.

use serde_json::{Map, Value, json};

use crate::chat::ToolSpec;
use crate::constraint::Constraint;

/// The constraint under which an answer is exactly one call of one of the tools, as [`super::Parser`] reads it.
pub fn forced(tools: &[ToolSpec]) -> Constraint {
    Constraint::JsonSchema(match tools {
        [tool] => call(tool, ""),
        tools => any_of(tools, None),
    })
}

/// The constraint under which an answer is exactly one call of one of the tools, or JSON that `schema` admits.
pub fn offered(tools: &[ToolSpec], schema: &Value) -> Constraint {
    Constraint::JsonSchema(any_of(tools, Some(schema)))
}

fn any_of(tools: &[ToolSpec], schema: Option<&Value>) -> Value {
    let mut forms: Vec<Value> =
        tools.iter().enumerate().map(|(at, tool)| call(tool, &format!("/anyOf/{at}"))).collect();
    forms.extend(schema.map(|schema| moved(schema, &format!("/anyOf/{}", tools.len()))));
    json!({"anyOf": forms})
}

/// A call of the tool; `place` is the JSON pointer of where this schema will stand.
fn call(tool: &ToolSpec, place: &str) -> Value {
    json!({
        "type": "object",
        "properties": {
            "name": {"const": tool.name},
            "arguments": moved(&tool.schema, &format!("{place}/properties/arguments")),
        },
        "required": ["name", "arguments"],
        "additionalProperties": false,
    })
}

/// A schema as it must read at `place` of another one: its references to its own parts point there.
fn moved(schema: &Value, place: &str) -> Value {
    match schema {
        // A schema with an address of its own is the root of its references wherever it stands.
        Value::Object(members) if !members.contains_key("$id") => Value::Object(moved_members(members, place)),
        Value::Array(items) => items.iter().map(|item| moved(item, place)).collect(),
        other => other.clone(),
    }
}

fn moved_members(members: &Map<String, Value>, place: &str) -> Map<String, Value> {
    let member = |(key, value): (&String, &Value)| {
        let value = match (key.as_str(), value) {
            ("$ref", Value::String(to)) => match to.strip_prefix('#') {
                Some(pointer) if pointer.is_empty() || pointer.starts_with('/') => json!(format!("#{place}{pointer}")),
                _ => value.clone(),
            },
            // What stands here are values and no schemas.
            ("const" | "enum" | "default" | "examples", _) => value.clone(),
            // What stands here are schemas by any name.
            (
                "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas",
                Value::Object(named),
            ) => named.iter().map(|(name, schema)| (name.clone(), moved(schema, place))).collect(),
            _ => moved(value, place),
        };
        (key.clone(), value)
    };
    members.iter().map(member).collect()
}
