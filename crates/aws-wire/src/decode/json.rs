//! JSON bodies.

use http::header::CONTENT_TYPE;
use http::request::Parts;
use serde_json::{Map, Value};

use super::{Violation, is_base64, join};
use crate::schema::{Kind, Location, Member, Shape};
use crate::timestamp;

/// The code of every unreadable JSON request.
pub(super) const CODE: &str = "SerializationException";

/// The whole body as the structure `shape`, with milliseconds for moments; unknown and null members are gone.
///
/// `wrong_type` is the code for a media type that is plainly not JSON. Depth is limited by the parser (128 levels).
pub(super) fn tree(shape: &Shape, parts: &Parts, body: &[u8], wrong_type: &'static str) -> Result<Value, Violation> {
    if body.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    check_media_type(parts, wrong_type)?;
    let value = parse(body)?;
    if shape.members().iter().any(|member| member.location == Location::Payload) && value.is_null() {
        return Ok(Value::Object(Map::new()));
    }
    checked(shape, value, "")
}

/// A missing media type passes, as AWS lets it.
fn check_media_type(parts: &Parts, code: &'static str) -> Result<(), Violation> {
    let Some(value) = parts.headers.get(CONTENT_TYPE) else { return Ok(()) };
    let text = String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase();
    let essence = text.split(';').next().unwrap_or_default().trim();
    let json = essence.is_empty()
        || essence == "application/json"
        || essence.starts_with("application/x-amz-json")
        || essence.ends_with("+json");
    if json {
        return Ok(());
    }
    Err(Violation::new(code, format!("The request's content type is '{essence}', but this operation takes JSON.")))
}

fn parse(body: &[u8]) -> Result<Value, Violation> {
    let text = std::str::from_utf8(body).map_err(|error| {
        Violation::new(CODE, format!("The body is not valid UTF-8 at byte {}.", error.valid_up_to()))
    })?;
    serde_json::from_str(text).map_err(|error| Violation::new(CODE, format!("The body is not valid JSON: {error}.")))
}

/// `value` as `shape`, recursively.
pub(super) fn checked(shape: &Shape, value: Value, path: &str) -> Result<Value, Violation> {
    let wrong = |kind: &str| {
        let place = if path.is_empty() { "The body".to_owned() } else { format!("The value at '{path}'") };
        Violation::new(CODE, format!("{place} is not {kind}."))
    };
    match (&shape.kind, value) {
        (Kind::Structure(members), Value::Object(tree)) => structure(members, tree, path),
        (Kind::Union(members), Value::Object(tree)) => {
            let tree = structure(members, tree, path)?;
            match tree.as_object().map_or(0, Map::len) {
                1 => Ok(tree),
                _ => {
                    let names: Vec<&str> = members.iter().map(|member| member.name).collect();
                    Err(wrong(&format!("a union with exactly one of the members [{}]", names.join(", "))))
                }
            }
        }
        (Kind::Structure(_) | Kind::Union(_), _) => Err(wrong("an object")),
        (Kind::List { element, .. }, Value::Array(items)) => {
            let each = |(at, item)| checked(element, item, &format!("{path}.{}.member", at + 1));
            Ok(Value::Array(items.into_iter().enumerate().map(each).collect::<Result<_, _>>()?))
        }
        (Kind::List { .. }, _) => Err(wrong("a list")),
        (Kind::Map { value: inner, .. }, Value::Object(entries)) => {
            let kept = entries.into_iter().filter(|(_, entry)| !entry.is_null());
            let each = |(key, entry)| checked(inner, entry, &format!("{path}.{key}")).map(|entry| (key, entry));
            Ok(Value::Object(kept.map(each).collect::<Result<_, _>>()?))
        }
        (Kind::Map { .. }, _) => Err(wrong("an object")),
        (Kind::String { .. }, value @ Value::String(_)) => Ok(value),
        (Kind::String { .. }, _) => Err(wrong("a string")),
        (Kind::Integer { wide, .. }, value) => {
            integer(&value, *wide).ok_or_else(|| wrong(if *wide { "a 64-bit integer" } else { "a 32-bit integer" }))
        }
        (Kind::Float { .. }, value @ Value::Number(_)) => Ok(value),
        (Kind::Float { .. }, _) => Err(wrong("a number")),
        (Kind::Boolean, value @ Value::Bool(_)) => Ok(value),
        (Kind::Boolean, _) => Err(wrong("a boolean")),
        (Kind::Blob { .. }, Value::String(text)) if is_base64(&text) => Ok(Value::String(text)),
        (Kind::Blob { .. }, _) => Err(wrong("a base64 string")),
        (Kind::Timestamp(_), value) => moment(&value).ok_or_else(|| wrong("a timestamp")),
        (Kind::Document, value) => Ok(value),
    }
}

fn structure(members: &[Member], mut tree: Map<String, Value>, path: &str) -> Result<Value, Violation> {
    let mut kept = Map::new();
    for member in members {
        if !matches!(member.location, Location::Body) {
            continue;
        }
        if let Some(value) = tree.shift_remove(member.wire_name)
            && (!value.is_null() || matches!(member.shape.kind, Kind::Document))
        {
            kept.insert(member.name.to_owned(), checked(member.shape, value, &join(path, member.name))?);
        }
    }
    Ok(Value::Object(kept))
}

/// A whole number; `3.0` is one, `3.5` is not.
fn integer(value: &Value, wide: bool) -> Option<Value> {
    #[expect(clippy::cast_possible_truncation, reason = "a whole number below 2^53")]
    let number = value.as_i64().or_else(|| {
        value.as_f64().filter(|number| number.fract() == 0.0 && number.abs() < 9e15).map(|number| number as i64)
    })?;
    (wide || i32::try_from(number).is_ok()).then(|| Value::from(number))
}

fn moment(value: &Value) -> Option<Value> {
    match value {
        Value::Number(seconds) => timestamp::from_seconds(seconds.as_f64()?).map(Value::from),
        Value::String(text) => timestamp::read(text).map(Value::from),
        _ => None,
    }
}
