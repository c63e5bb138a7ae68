//! Members in path, query string, headers and body.

use bytes::Bytes;
use http::HeaderMap;
use http::request::Parts;
use serde_json::{Map, Value};

use super::{Violation, join, json, scalar, unescape};
use crate::route::Routed;
use crate::schema::{Kind, Location, Member, Shape};

/// The request of a REST operation; a payload that is a blob is left out.
pub(super) fn tree(routed: &Routed, shape: &Shape, parts: &Parts, body: &Bytes) -> Result<Value, Violation> {
    let members = shape.members();
    let mut tree = match members.iter().find(|member| member.location == Location::Payload) {
        Some(payload) => payload_member(payload, parts, body)?,
        None if members.iter().any(|member| member.location == Location::Body) => {
            json::tree(shape, parts, body, json::CODE)?
        }
        None => Value::Object(Map::new()),
    };
    let query = query_pairs(parts.uri.query().unwrap_or_default())?;
    let Some(map) = tree.as_object_mut() else { return Ok(tree) };
    for member in members {
        let path = join("", member.name);
        let value = match member.location {
            Location::Uri => label(routed, member, &path)?,
            Location::Query => query_member(member, &query, &path, members)?,
            Location::Header => header(&parts.headers, member, &path)?,
            Location::Headers => prefixed(&parts.headers, member),
            Location::Body | Location::Payload | Location::Status => None,
        };
        if let Some(value) = value {
            map.insert(member.name.to_owned(), value);
        }
    }
    Ok(tree)
}

fn payload_member(payload: &Member, parts: &Parts, body: &Bytes) -> Result<Value, Violation> {
    let mut map = Map::new();
    match payload.shape.kind {
        Kind::Blob { .. } => {}
        Kind::Structure(_) | Kind::Union(_) | Kind::Document if !body.is_empty() => {
            map.insert(payload.name.to_owned(), json::tree(payload.shape, parts, body, json::CODE)?);
        }
        Kind::String { .. } if !body.is_empty() => {
            let text =
                std::str::from_utf8(body).map_err(|_| Violation::new(json::CODE, "The body is not valid UTF-8."))?;
            map.insert(payload.name.to_owned(), Value::from(text));
        }
        _ => {}
    }
    Ok(Value::Object(map))
}

fn label(routed: &Routed, member: &Member, path: &str) -> Result<Option<Value>, Violation> {
    let Some((_, raw)) = routed.labels.iter().find(|(name, _)| *name == member.wire_name) else { return Ok(None) };
    let text = unescape(raw, path, json::CODE)?;
    scalar(member.shape, &text, path, json::CODE).map(Some)
}

/// Names and values of a query string, unescaped; `+` is a space.
fn query_pairs(query: &str) -> Result<Vec<(String, String)>, Violation> {
    let mut pairs = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = unescape(&name.replace('+', " "), "query string", json::CODE)?;
        let value = unescape(&value.replace('+', " "), &name, json::CODE)?;
        pairs.push((name, value));
    }
    Ok(pairs)
}

fn query_member(
    member: &Member,
    pairs: &[(String, String)],
    path: &str,
    members: &[Member],
) -> Result<Option<Value>, Violation> {
    let mut values = pairs.iter().filter(|(name, _)| name == member.wire_name).map(|(_, value)| value);
    match &member.shape.kind {
        Kind::List { element, .. } => {
            let items: Vec<Value> =
                values.map(|text| scalar(element, text, path, json::CODE)).collect::<Result<_, _>>()?;
            Ok((!items.is_empty()).then_some(Value::Array(items)))
        }
        Kind::Map { value: inner, .. } => {
            let named = |name: &str| members.iter().any(|m| m.location == Location::Query && m.wire_name == name);
            let mut map = Map::new();
            for (name, text) in pairs.iter().filter(|(name, _)| !named(name)) {
                let value = scalar(inner, text, &join(path, name), json::CODE)?;
                map.insert(name.clone(), value);
            }
            Ok((!map.is_empty()).then_some(Value::Object(map)))
        }
        _ => values.next().map(|text| scalar(member.shape, text, path, json::CODE)).transpose(),
    }
}

fn header(headers: &HeaderMap, member: &Member, path: &str) -> Result<Option<Value>, Violation> {
    let Some(value) = headers.get(member.wire_name) else { return Ok(None) };
    let text = std::str::from_utf8(value.as_bytes())
        .map_err(|_| Violation::new(json::CODE, format!("The value at '{path}' is not valid UTF-8.")))?;
    let Kind::List { element, .. } = &member.shape.kind else {
        return scalar(member.shape, text, path, json::CODE).map(Some);
    };
    let items = text.split(',').map(|item| scalar(element, item.trim(), path, json::CODE));
    Ok(Some(Value::Array(items.collect::<Result<_, _>>()?)))
}

fn prefixed(headers: &HeaderMap, member: &Member) -> Option<Value> {
    let prefix = member.wire_name.to_ascii_lowercase();
    let mut map = Map::new();
    for (name, value) in headers {
        if let (Some(rest), Ok(text)) = (name.as_str().strip_prefix(&prefix), value.to_str()) {
            map.insert(rest.to_owned(), Value::from(text));
        }
    }
    (!map.is_empty()).then_some(Value::Object(map))
}
