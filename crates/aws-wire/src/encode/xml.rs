//! XML of the Query protocol's answers.

use std::fmt::Write as _;

use serde_json::Value;

use crate::encode::plain_text;
use crate::route::Routed;
use crate::schema::{Kind, Shape, TimestampFormat};
use crate::timestamp;

/// `<OpResponse><OpResult>…</OpResult><ResponseMetadata>…</OpResponse>`.
pub(crate) fn response(routed: &Routed, shape: Option<&Shape>, tree: &Value, request_id: &str) -> String {
    let name = routed.operation.name;
    let mut text = format!("<{name}Response xmlns=\"{}\">", routed.service.xml_namespace);
    let wrapper = routed.operation.schema.as_ref().map_or("", |schema| schema.result_wrapper);
    if let Some(shape) = shape {
        let _ = write!(text, "<{wrapper}>");
        content(&mut text, shape, tree);
        let _ = write!(text, "</{wrapper}>");
    }
    text.push_str("<ResponseMetadata>");
    element(&mut text, "RequestId", request_id);
    let _ = write!(text, "</ResponseMetadata></{name}Response>");
    text
}

/// `<name>value</name>`, escaped. Characters that XML cannot hold become U+FFFD.
pub(crate) fn element(text: &mut String, name: &str, value: &str) {
    let _ = write!(text, "<{name}>");
    escape(text, value);
    let _ = write!(text, "</{name}>");
}

fn escape(text: &mut String, value: &str) {
    for letter in value.chars() {
        match letter {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            '\r' => text.push_str("&#xD;"),
            '\t' | '\n' => text.push(letter),
            '\0'..='\x1F' | '\u{FFFE}' | '\u{FFFF}' => text.push('\u{FFFD}'),
            _ => text.push(letter),
        }
    }
}

/// What stands between the tags of a value.
fn content(text: &mut String, shape: &Shape, value: &Value) {
    match (&shape.kind, value) {
        (Kind::Structure(members) | Kind::Union(members), Value::Object(tree)) => {
            for member in *members {
                if let Some(inner) = tree.get(member.name) {
                    named(text, member.wire_name, member.shape, inner);
                }
            }
        }
        (Kind::List { element, element_name, .. }, Value::Array(items)) => {
            items.iter().for_each(|item| named(text, element_name, element, item));
        }
        (Kind::Map { key, value: inner, .. }, Value::Object(entries)) => {
            for (name, entry) in entries {
                text.push_str("<entry>");
                named(text, "key", key, &Value::from(name.as_str()));
                named(text, "value", inner, entry);
                text.push_str("</entry>");
            }
        }
        (Kind::Timestamp(format), value) => {
            let format = format.unwrap_or(TimestampFormat::Iso8601);
            let shown = value.as_i64().map(|millis| timestamp::write(millis, format));
            escape(text, &plain_text(&shown.unwrap_or_default()));
        }
        (_, value) => escape(text, &plain_text(value)),
    }
}

/// A value under its name; flat lists repeat the name.
fn named(text: &mut String, name: &str, shape: &Shape, value: &Value) {
    if let (Kind::List { element, flat: true, .. }, Value::Array(items)) = (&shape.kind, value) {
        items.iter().for_each(|item| named(text, name, element, item));
        return;
    }
    let _ = write!(text, "<{name}>");
    content(text, shape, value);
    let _ = write!(text, "</{name}>");
}
