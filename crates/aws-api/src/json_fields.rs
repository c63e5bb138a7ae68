//! Reads the members of a JSON body one by one and says, in the words of the API it belongs to, what is wrong with them.

use base::{Error, Result};
use serde_json::{Map, Value};

/// In whose words a wrong member is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wording {
    /// Bedrock's own schema check, used for most vendors' bodies: `Malformed input request: #/a/0: …`.
    Schema,
    /// Anthropic's: `messages.0.content: Field required`.
    Anthropic,
    /// OpenAI's, also used by Craton's own API: `Missing required parameter: 'messages[0].content'.`
    OpenAi,
}

/// A JSON value and where it stands in the body.
#[derive(Debug, Clone)]
pub(crate) struct Node<'a> {
    pub(crate) value: &'a Value,
    path: String,
    wording: Wording,
    nulls: bool,
}

/// A JSON object and where it stands in the body.
#[derive(Debug, Clone)]
pub(crate) struct Fields<'a> {
    map: &'a Map<String, Value>,
    path: String,
    wording: Wording,
    /// Whether a member that is `null` is there.
    nulls: bool,
}

impl<'a> Fields<'a> {
    /// The body itself, which must be an object.
    pub(crate) fn root(body: &'a Value, wording: Wording) -> Result<Self> {
        Node { value: body, path: String::new(), wording, nulls: wording == Wording::Schema }.fields()
    }

    /// The same object with members that are `null` taken for absent, at any depth.
    pub(crate) fn without_nulls(self) -> Self {
        Self { nulls: false, ..self }
    }

    /// The member `key`. A `null` counts as absent, but for [`Wording::Schema`], where it is a value of the wrong type
    /// unless [`Self::without_nulls`] says otherwise.
    pub(crate) fn optional(&self, key: &str) -> Option<Node<'a>> {
        let value = self.map.get(key)?;
        (self.nulls || !value.is_null()).then(|| Node {
            value,
            path: join(&self.path, key, self.wording),
            wording: self.wording,
            nulls: self.nulls,
        })
    }

    /// The member `key`, which must be there.
    pub(crate) fn required(&self, key: &str) -> Result<Node<'a>> {
        self.optional(key).ok_or_else(|| match self.wording {
            Wording::Schema => malformed(&self.path, &format!("required key [{key}] not found")),
            Wording::Anthropic => Error::invalid(format!("{}: Field required", join(&self.path, key, self.wording))),
            Wording::OpenAi => {
                Error::invalid(format!("Missing required parameter: '{}'.", join(&self.path, key, self.wording)))
            }
        })
    }

    /// Refuses members that are not in `known`.
    pub(crate) fn only(&self, known: &[&str]) -> Result<()> {
        let Some(key) = self.map.keys().find(|key| !known.contains(&key.as_str())) else { return Ok(()) };
        Err(match self.wording {
            Wording::Schema => malformed(&self.path, &format!("extraneous key [{key}] is not permitted")),
            Wording::Anthropic => {
                Error::invalid(format!("{}: Extra inputs are not permitted", join(&self.path, key, self.wording)))
            }
            Wording::OpenAi => Error::invalid(format!("Unrecognized request argument supplied: {key}")),
        })
    }

    /// An error about this object.
    pub(crate) fn error(&self, what: &str) -> Error {
        at(&self.path, what, self.wording)
    }

    /// Whether there is a member `key`, `null` included.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.map.contains_key(key)
    }

    /// [`Node::text`] of an optional member.
    pub(crate) fn text(&self, key: &str) -> Result<Option<&'a str>> {
        self.optional(key).map(|node| node.text()).transpose()
    }

    /// [`Node::number`] of an optional member.
    pub(crate) fn number(&self, key: &str, min: f64, max: f64) -> Result<Option<f32>> {
        self.optional(key).map(|node| node.number(min, max)).transpose()
    }

    /// [`Node::integer`] of an optional member.
    pub(crate) fn integer(&self, key: &str, min: i64, max: i64) -> Result<Option<i64>> {
        self.optional(key).map(|node| node.integer(min, max)).transpose()
    }

    /// [`Self::integer`] for counts.
    pub(crate) fn count(&self, key: &str, min: u32, max: u32) -> Result<Option<u32>> {
        Ok(self.integer(key, i64::from(min), i64::from(max))?.and_then(|n| u32::try_from(n).ok()))
    }

    /// [`Node::boolean`] of an optional member.
    pub(crate) fn boolean(&self, key: &str) -> Result<Option<bool>> {
        self.optional(key).map(|node| node.boolean()).transpose()
    }

    /// [`Node::list`] of an optional member; empty where there is none.
    pub(crate) fn list(&self, key: &str) -> Result<Vec<Node<'a>>> {
        self.optional(key).map_or_else(|| Ok(Vec::new()), |node| node.list())
    }

    /// [`Node::texts`] of an optional member; empty where there is none.
    pub(crate) fn texts(&self, key: &str) -> Result<Vec<String>> {
        self.optional(key).map_or_else(|| Ok(Vec::new()), |node| node.texts())
    }

    /// [`Node::fields`] of an optional member.
    pub(crate) fn object(&self, key: &str) -> Result<Option<Fields<'a>>> {
        self.optional(key).map(|node| node.fields()).transpose()
    }
}

impl<'a> Node<'a> {
    /// The value as a string.
    pub(crate) fn text(&self) -> Result<&'a str> {
        self.value.as_str().ok_or_else(|| self.wrong_type("String", "string"))
    }

    /// The value as a number within `min..=max`.
    pub(crate) fn number(&self, min: f64, max: f64) -> Result<f32> {
        let number = self.value.as_f64().ok_or_else(|| self.wrong_type("Number", "number"))?;
        if number < min {
            return Err(self.too_low(&min.to_string()));
        }
        if number > max {
            return Err(self.too_high(&max.to_string()));
        }
        #[expect(clippy::cast_possible_truncation, reason = "sampling parameters are single precision")]
        Ok(number as f32)
    }

    /// The value as a whole number within `min..=max`.
    pub(crate) fn integer(&self, min: i64, max: i64) -> Result<i64> {
        let number = match self.value.as_i64() {
            Some(number) => number,
            None if self.value.is_u64() => i64::MAX,
            None => return Err(self.wrong_type("Integer", "integer")),
        };
        if number < min {
            return Err(self.too_low(&min.to_string()));
        }
        if number > max {
            return Err(self.too_high(&max.to_string()));
        }
        Ok(number)
    }

    /// The value as a boolean.
    pub(crate) fn boolean(&self) -> Result<bool> {
        self.value.as_bool().ok_or_else(|| self.wrong_type("Boolean", "boolean"))
    }

    /// The value's elements.
    pub(crate) fn list(&self) -> Result<Vec<Node<'a>>> {
        let items = self.value.as_array().ok_or_else(|| self.wrong_type("JSONArray", "list"))?;
        Ok(items
            .iter()
            .enumerate()
            .map(|(index, value)| Node {
                value,
                path: join_index(&self.path, index, self.wording),
                wording: self.wording,
                nulls: self.nulls,
            })
            .collect())
    }

    /// The value as a list of strings.
    pub(crate) fn texts(&self) -> Result<Vec<String>> {
        self.list()?.iter().map(|item| item.text().map(str::to_owned)).collect()
    }

    /// The value as an object.
    pub(crate) fn fields(&self) -> Result<Fields<'a>> {
        let map = self.value.as_object().ok_or_else(|| self.wrong_type("JSONObject", "dictionary"))?;
        Ok(Fields { map, path: self.path.clone(), wording: self.wording, nulls: self.nulls })
    }

    /// The value as one of `choices`.
    pub(crate) fn one_of(&self, choices: &[&'static str]) -> Result<&'static str> {
        let text = self.text()?;
        choices.iter().find(|choice| **choice == text).copied().ok_or_else(|| match self.wording {
            Wording::Schema => self.error(&format!("{text} is not a valid enum value")),
            Wording::Anthropic | Wording::OpenAi => {
                let choices: Vec<String> = choices.iter().map(|choice| format!("'{choice}'")).collect();
                self.error(&format!("Input should be {}", choices.join(" or ")))
            }
        })
    }

    /// An error about this value.
    pub(crate) fn error(&self, what: &str) -> Error {
        at(&self.path, what, self.wording)
    }

    fn too_low(&self, min: &str) -> Error {
        match self.wording {
            Wording::Schema => self.error(&format!("{} is not greater or equal to {min}", self.value)),
            _ => self.error(&format!("Input should be greater than or equal to {min}")),
        }
    }

    fn too_high(&self, max: &str) -> Error {
        match self.wording {
            Wording::Schema => self.error(&format!("{} is not less or equal to {max}", self.value)),
            _ => self.error(&format!("Input should be less than or equal to {max}")),
        }
    }

    fn wrong_type(&self, schema: &str, plain: &str) -> Error {
        match self.wording {
            Wording::Schema => self.error(&format!("expected type: {schema}, found: {}", schema_type(self.value))),
            _ => self.error(&format!("Input should be a valid {plain}")),
        }
    }
}

/// The parameter that a message in [`Wording::OpenAi`] is about.
pub(crate) fn parameter(message: &str) -> Option<&str> {
    let rest = ["Missing required parameter: '", "Invalid value for '"].iter().find_map(|p| message.strip_prefix(p))?;
    rest.split_once('\'').map(|(name, _)| name)
}

fn schema_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "Null",
        Value::Bool(_) => "Boolean",
        Value::Number(number) if number.is_f64() => "BigDecimal",
        Value::Number(_) => "Integer",
        Value::String(_) => "String",
        Value::Array(_) => "JSONArray",
        Value::Object(_) => "JSONObject",
    }
}

fn join(path: &str, key: &str, wording: Wording) -> String {
    match wording {
        Wording::Schema => format!("{path}/{key}"),
        Wording::Anthropic | Wording::OpenAi if path.is_empty() => key.to_owned(),
        Wording::Anthropic | Wording::OpenAi => format!("{path}.{key}"),
    }
}

fn join_index(path: &str, index: usize, wording: Wording) -> String {
    match wording {
        Wording::Schema => format!("{path}/{index}"),
        Wording::Anthropic => format!("{path}.{index}"),
        Wording::OpenAi => format!("{path}[{index}]"),
    }
}

fn at(path: &str, what: &str, wording: Wording) -> Error {
    match wording {
        Wording::Schema => malformed(path, what),
        Wording::Anthropic if path.is_empty() => Error::invalid(what),
        Wording::Anthropic => Error::invalid(format!("{path}: {what}")),
        Wording::OpenAi if path.is_empty() => Error::invalid(format!("Invalid request: {what}.")),
        Wording::OpenAi => Error::invalid(format!("Invalid value for '{path}': {what}.")),
    }
}

fn malformed(path: &str, what: &str) -> Error {
    Error::invalid(format!("Malformed input request: #{path}: {what}, please reformat your input and try again."))
}

#[cfg(test)]
mod tests;
