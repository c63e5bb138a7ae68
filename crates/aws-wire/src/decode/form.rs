//! Query protocol: `Action=CreateUser&Tags.member.1.Key=team`.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use http::header::CONTENT_TYPE;
use http::request::Parts;
use serde_json::{Map, Value};

use super::{Violation, join, scalar, unescape};
use crate::schema::{Kind, Member, Shape};

const CODE: &str = "MalformedInput";
/// Deepest nesting that is followed; no model needs more.
const DEPTH: usize = 32;

type Fields = BTreeMap<String, String>;

/// The request, from the body's form or, for GET, the query string.
pub(super) fn tree(shape: &Shape, parts: &Parts, body: &[u8]) -> Result<Value, Violation> {
    if !body.is_empty() {
        check_media_type(parts)?;
    }
    let body = std::str::from_utf8(body).map_err(|_| Violation::new(CODE, "The body is not valid UTF-8."))?;
    let mut fields = Fields::new();
    for form in [parts.uri.query().unwrap_or_default(), body] {
        for pair in form.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = unescape(&name.replace('+', " "), "form", CODE)?;
            let value = unescape(&value.replace('+', " "), &name, CODE)?;
            fields.insert(name, value);
        }
    }
    structure(shape.members(), &fields, "", "", 0)
}

/// A missing media type passes, as AWS lets it.
fn check_media_type(parts: &Parts) -> Result<(), Violation> {
    let Some(value) = parts.headers.get(CONTENT_TYPE) else { return Ok(()) };
    let text = String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase();
    let essence = text.split(';').next().unwrap_or_default().trim();
    if essence.is_empty() || essence == "application/x-www-form-urlencoded" {
        return Ok(());
    }
    Err(Violation::new(CODE, format!("The request's content type is '{essence}', but this operation takes a form.")))
}

fn structure(members: &[Member], fields: &Fields, prefix: &str, path: &str, depth: usize) -> Result<Value, Violation> {
    let mut tree = Map::new();
    for member in members {
        let name = dotted(prefix, member.wire_name);
        if present(fields, &name) {
            let path = join(path, member.name);
            tree.insert(member.name.to_owned(), value(member.shape, fields, &name, &path, depth + 1)?);
        }
    }
    Ok(Value::Object(tree))
}

fn value(shape: &Shape, fields: &Fields, name: &str, path: &str, depth: usize) -> Result<Value, Violation> {
    if depth > DEPTH {
        return Err(Violation::new(CODE, format!("The value at '{path}' is nested too deeply.")));
    }
    match &shape.kind {
        Kind::Structure(members) | Kind::Union(members) => structure(members, fields, name, path, depth),
        Kind::List { element, element_name, flat, .. } => {
            let base = if *flat { name.to_owned() } else { dotted(name, element_name) };
            let item = |(at, index): (usize, u32)| {
                let path = format!("{path}.{}.member", at + 1);
                value(element, fields, &format!("{base}.{index}"), &path, depth + 1)
            };
            let items = indices(fields, &base).into_iter().enumerate().map(item);
            Ok(Value::Array(items.collect::<Result<_, _>>()?))
        }
        Kind::Map { value: inner, flat, .. } => {
            let base = if *flat { name.to_owned() } else { dotted(name, "entry") };
            let mut map = Map::new();
            for index in indices(fields, &base) {
                let key = fields.get(&format!("{base}.{index}.key")).cloned().unwrap_or_default();
                let path = join(path, &key);
                let entry = value(inner, fields, &format!("{base}.{index}.value"), &path, depth + 1)?;
                map.insert(key, entry);
            }
            Ok(Value::Object(map))
        }
        _ => match fields.get(name) {
            Some(text) => scalar(shape, text, path, CODE),
            None => Err(Violation::new(CODE, format!("The value at '{path}' is not a scalar."))),
        },
    }
}

fn dotted(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}

/// Whether `name` or anything below it is there.
fn present(fields: &Fields, name: &str) -> bool {
    fields.contains_key(name) || below(fields, name).next().is_some()
}

/// The names below `name`, without `name.`.
fn below<'a>(fields: &'a Fields, name: &str) -> impl Iterator<Item = &'a str> {
    let start = format!("{name}.");
    let length = start.len();
    let range = fields.range::<str, _>((Bound::Included(start.as_str()), Bound::Unbounded));
    let range: Vec<&str> = range.map(|(key, _)| key.as_str()).take_while(|key| key.starts_with(&start)).collect();
    range.into_iter().map(move |key| &key[length..])
}

/// The numbers directly below `name`, in order; they need not be consecutive.
fn indices(fields: &Fields, name: &str) -> BTreeSet<u32> {
    below(fields, name).filter_map(|rest| rest.split('.').next()?.parse().ok()).collect()
}
