//! From HTTP requests to request structures: assemble the members, check types, check constraints, deserialise.

mod form;
mod json;
mod rest;

use bytes::Bytes;
use http::request::Parts;
use serde_json::{Map, Value};

use crate::errors::WireError;
use crate::route::Routed;
use crate::schema::{Kind, Location, Protocol, Shape};
use crate::value::Input;
use crate::{timestamp, validate};

/// A request that the service's model does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Violation {
    /// The code on the wire.
    pub code: &'static str,
    /// What is wrong, in AWS's wording, with the member's path.
    pub message: String,
}

impl Violation {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// The answer: always status 400.
    #[must_use]
    pub fn to_wire(&self) -> WireError {
        WireError::with_status(400, self.code, self.message.clone())
    }
}

/// Reads the request of a routed operation.
///
/// Members that the model does not have are ignored, and so are members that are null, as AWS does.
///
/// # Errors
/// `SerializationException` (`MalformedInput` for Query) when the request is not readable or a member has the wrong type;
/// `ValidationException` (`ValidationError` for Query) when members break the model's constraints.
pub fn decode<I: Input>(routed: &Routed, parts: &Parts, body: &Bytes) -> Result<I, Violation> {
    let protocol = routed.service.protocol;
    let Some(shape) = routed.operation.schema.as_ref().and_then(|schema| schema.input) else {
        return deserialise(protocol, Value::Object(Map::new()));
    };
    let payload = shape.members().iter().find(|member| member.location == Location::Payload);
    let raw = payload.filter(|member| matches!(member.shape.kind, Kind::Blob { .. }));
    let tree = match protocol {
        Protocol::Query => form::tree(shape, parts, body)?,
        Protocol::Json10 | Protocol::Json11 => json::tree(shape, parts, body, "UnknownOperationException")?,
        Protocol::RestJson | Protocol::RestXml => rest::tree(routed, shape, parts, body)?,
    };
    let mut problems = validate::problems(shape, &tree, protocol);
    if let Some(member) = raw {
        problems.extend(validate::blob(member, body));
    }
    if !problems.is_empty() {
        return Err(Violation::new(validation_code(protocol), validate::sentence(&problems)));
    }
    let mut input: I = deserialise(protocol, tree)?;
    if raw.is_some() && !body.is_empty() {
        input.set_payload(body.clone());
    }
    Ok(input)
}

fn validation_code(protocol: Protocol) -> &'static str {
    if protocol == Protocol::Query { "ValidationError" } else { "ValidationException" }
}

fn serialization_code(protocol: Protocol) -> &'static str {
    if protocol == Protocol::Query { "MalformedInput" } else { "SerializationException" }
}

/// The tree has passed every check, so that only a gap in those could make this fail.
fn deserialise<I: Input>(protocol: Protocol, tree: Value) -> Result<I, Violation> {
    serde_json::from_value(tree).map_err(|error| Violation::new(serialization_code(protocol), error.to_string()))
}

/// A scalar from text, as paths, query strings, headers and forms carry it.
fn scalar(shape: &Shape, text: &str, path: &str, code: &'static str) -> Result<Value, Violation> {
    let wrong = |kind: &str| Violation::new(code, format!("The value at '{path}' is not {kind}."));
    Ok(match shape.kind {
        Kind::Integer { wide, .. } => {
            let number: i64 = text.trim().parse().map_err(|_| wrong("an integer"))?;
            if !wide && i32::try_from(number).is_err() {
                return Err(wrong("a 32-bit integer"));
            }
            Value::from(number)
        }
        Kind::Float { .. } => {
            let number: f64 = text.trim().parse().map_err(|_| wrong("a number"))?;
            if !number.is_finite() {
                return Err(wrong("a finite number"));
            }
            Value::from(number)
        }
        Kind::Boolean => match text.trim() {
            "true" | "True" => Value::Bool(true),
            "false" | "False" => Value::Bool(false),
            _ => return Err(wrong("a boolean")),
        },
        Kind::Timestamp(_) => Value::from(timestamp::read(text.trim()).ok_or_else(|| wrong("a timestamp"))?),
        Kind::Blob { .. } if !is_base64(text) => return Err(wrong("base64")),
        _ => Value::from(text),
    })
}

fn is_base64(text: &str) -> bool {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).is_ok()
}

/// Undoes percent escapes; the result must be UTF-8.
fn unescape(text: &str, path: &str, code: &'static str) -> Result<String, Violation> {
    let bytes = percent_encoding::percent_decode_str(text);
    let text =
        bytes.decode_utf8().map_err(|_| Violation::new(code, format!("The value at '{path}' is not valid UTF-8.")))?;
    Ok(text.into_owned())
}

/// One more step of a member's path: `inferenceConfig` + `maxTokens`. AWS writes members with a small first letter.
pub(crate) fn join(path: &str, name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|letter| letter.to_ascii_lowercase());
    let name: String = first.into_iter().chain(letters).collect();
    if path.is_empty() { name } else { format!("{path}.{name}") }
}
