//! From response structures to HTTP responses.

pub(crate) mod xml;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use serde_json::{Map, Value};

use crate::route::Routed;
use crate::schema::{Kind, Location, Member, Protocol, Shape, TimestampFormat};
use crate::timestamp;
use crate::value::Output;

/// The response that carries `output`.
pub fn encode<O: Output>(routed: &Routed, output: &O, request_id: &str) -> Response<Bytes> {
    let shape = routed.operation.schema.as_ref().and_then(|schema| schema.output);
    let mut tree = tree_of(output);
    let mut response = head(routed, shape, &mut tree, request_id);
    let protocol = routed.service.protocol;
    let (media_type, body) = match (protocol, output.payload()) {
        (_, Some(payload)) => ("application/octet-stream", payload),
        (Protocol::RestJson, None) => ("application/json", rest_json_body(shape, tree)),
        (Protocol::Json10 | Protocol::Json11, None) => {
            (json_media_type(protocol), json_body(shape, Value::Object(tree)))
        }
        (Protocol::Query | Protocol::RestXml, None) => {
            ("text/xml", Bytes::from(xml::response(routed, shape, &Value::Object(tree), request_id)))
        }
    };
    response.headers_mut().entry(CONTENT_TYPE).or_insert(HeaderValue::from_static(media_type));
    response.map(|()| body)
}

/// Status and headers of a response whose body is an event stream.
pub fn encode_stream_head<O: Output>(routed: &Routed, output: &O, request_id: &str) -> Response<()> {
    let shape = routed.operation.schema.as_ref().and_then(|schema| schema.output);
    let mut response = head(routed, shape, &mut tree_of(output), request_id);
    let media_type = HeaderValue::from_static("application/vnd.amazon.eventstream");
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    response
}

/// Media type of the JSON protocols.
pub(crate) fn json_media_type(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Json10 => "application/x-amz-json-1.0",
        Protocol::Json11 => "application/x-amz-json-1.1",
        _ => "application/json",
    }
}

/// Sets the header that carries the request id.
pub(crate) fn request_id_header(headers: &mut HeaderMap, protocol: Protocol, request_id: &str) {
    let name = if protocol == Protocol::RestXml { "x-amz-request-id" } else { "x-amzn-requestid" };
    if let Ok(value) = HeaderValue::from_str(request_id) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

/// The structure as JSON. Generated types always serialise to objects (or to null for `()`).
fn tree_of<O: Output>(output: &O) -> Map<String, Value> {
    match serde_json::to_value(output) {
        Ok(Value::Object(tree)) => tree,
        _ => Map::new(),
    }
}

/// Moves the members that travel as status and headers out of `tree`.
fn head(routed: &Routed, shape: Option<&Shape>, tree: &mut Map<String, Value>, request_id: &str) -> Response<()> {
    let mut response = Response::new(());
    let success = routed.operation.schema.as_ref().map_or(200, |schema| schema.status);
    *response.status_mut() = StatusCode::from_u16(success).unwrap_or(StatusCode::OK);
    request_id_header(response.headers_mut(), routed.service.protocol, request_id);
    for member in shape.map_or(&[][..], Shape::members) {
        if matches!(member.location, Location::Body | Location::Payload) {
            continue;
        }
        let Some(value) = tree.shift_remove(member.name) else { continue };
        match member.location {
            Location::Status => {
                let status = value.as_u64().and_then(|status| u16::try_from(status).ok());
                *response.status_mut() =
                    status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(StatusCode::OK);
            }
            Location::Headers => prefixed_headers(response.headers_mut(), member, &value),
            _ => header(response.headers_mut(), member.wire_name, &header_text(member.shape, value)),
        }
    }
    response
}

/// Sets a header unless the value cannot stand in one.
fn header(headers: &mut HeaderMap, name: &str, text: &str) {
    if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(text)) {
        headers.insert(name, value);
    }
}

fn prefixed_headers(headers: &mut HeaderMap, member: &Member, value: &Value) {
    for (key, value) in value.as_object().into_iter().flatten() {
        header(headers, &format!("{}{key}", member.wire_name), value.as_str().unwrap_or_default());
    }
}

fn header_text(shape: &Shape, mut value: Value) -> String {
    present(shape, &mut value, TimestampFormat::Rfc822);
    match value {
        Value::String(text) => text,
        Value::Array(items) => items.iter().map(plain_text).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

/// A scalar without quotes.
pub(crate) fn plain_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn rest_json_body(shape: Option<&Shape>, mut tree: Map<String, Value>) -> Bytes {
    let Some(shape) = shape else { return Bytes::new() };
    match shape.members().iter().find(|member| member.location == Location::Payload) {
        Some(payload) => match tree.shift_remove(payload.name) {
            Some(value) => json_body(Some(payload.shape), value),
            None => Bytes::new(),
        },
        None => json_body(Some(shape), Value::Object(tree)),
    }
}

/// JSON text of `value`.
pub(crate) fn json_body(shape: Option<&Shape>, mut value: Value) -> Bytes {
    if let Some(shape) = shape {
        present(shape, &mut value, TimestampFormat::EpochSeconds);
    }
    Bytes::from(value.to_string())
}

/// Turns the milliseconds of every moment into the wire's format and members' names into those of the wire.
pub(crate) fn present(shape: &Shape, value: &mut Value, default: TimestampFormat) {
    match (&shape.kind, value) {
        (Kind::Timestamp(format), value) => {
            if let Some(millis) = value.as_i64() {
                *value = timestamp::write(millis, format.unwrap_or(default));
            }
        }
        (Kind::Structure(members) | Kind::Union(members), Value::Object(tree)) => {
            for member in *members {
                if let Some(inner) = tree.get_mut(member.name) {
                    present(member.shape, inner, default);
                }
                if member.wire_name != member.name
                    && member.location == Location::Body
                    && let Some(inner) = tree.shift_remove(member.name)
                {
                    tree.insert(member.wire_name.to_owned(), inner);
                }
            }
        }
        (Kind::List { element, .. }, Value::Array(items)) => {
            items.iter_mut().for_each(|item| present(element, item, default));
        }
        (Kind::Map { value: inner, .. }, Value::Object(entries)) => {
            entries.values_mut().for_each(|entry| present(inner, entry, default));
        }
        _ => {}
    }
}
