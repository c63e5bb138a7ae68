//! Metadata as JSON, typed so that equal values have equal JSON and values of different types never do.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use crate::document::Value;

/// A value: `{"s": text}`, `{"n": number}`, `{"b": boolean}`, `{"l": list of texts}` or `{"t": milliseconds}`.
pub(super) fn value(value: &Value) -> Json {
    match value {
        Value::Text(text) => json!({ "s": text }),
        Value::Number(number) => json!({ "n": number }),
        Value::Boolean(boolean) => json!({ "b": boolean }),
        Value::TextList(texts) => json!({ "l": texts }),
        Value::Time(millis) => json!({ "t": millis }),
    }
}

pub(super) fn metadata(metadata: &BTreeMap<String, Value>) -> String {
    Json::Object(metadata.iter().map(|(name, given)| (name.clone(), value(given))).collect()).to_string()
}

/// The metadata of its JSON; none where it is not what [`metadata`] writes.
pub(super) fn read_metadata(text: &str) -> Option<BTreeMap<String, Value>> {
    let object: Map<String, Json> = serde_json::from_str(text).ok()?;
    object.into_iter().map(|(name, json)| Some((name, read(&json)?))).collect()
}

fn read(json: &Json) -> Option<Value> {
    let (kind, given) = json.as_object()?.iter().next()?;
    Some(match kind.as_str() {
        "s" => Value::Text(given.as_str()?.to_owned()),
        "n" => Value::Number(given.as_f64()?),
        "b" => Value::Boolean(given.as_bool()?),
        "l" => Value::TextList(
            given.as_array()?.iter().map(|text| text.as_str().map(str::to_owned)).collect::<Option<_>>()?,
        ),
        "t" => Value::Time(given.as_i64()?),
        _ => return None,
    })
}
