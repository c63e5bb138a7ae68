//! Filters on metadata.

use aws_wire::generated::bedrock_agent_runtime::{FilterAttribute, RetrievalFilter};
use base::{Error, Result};
use search::{Filter, Value};
use serde_json::Value as Json;

#[cfg(test)]
mod tests;

/// How deep filters may be nested.
const DEEPEST: usize = 16;

/// A filter as the index takes it.
///
/// # Errors
/// Invalid, for a value that the comparison cannot have.
pub(crate) fn filter(wire: RetrievalFilter) -> Result<Filter> {
    nested(wire, 0)
}

fn nested(wire: RetrievalFilter, depth: usize) -> Result<Filter> {
    if depth > DEEPEST {
        return Err(
            Error::invalid("The filter is nested too deeply.").with_hint(format!("Nest at most {DEEPEST} lists."))
        );
    }
    let all = |filters: Vec<RetrievalFilter>| {
        filters.into_iter().map(|one| nested(one, depth + 1)).collect::<Result<Vec<_>>>()
    };
    Ok(match wire {
        RetrievalFilter::AndAll(filters) => Filter::And(all(filters)?),
        RetrievalFilter::OrAll(filters) => Filter::Or(all(filters)?),
        RetrievalFilter::Equals(one) => Filter::Equals(one.key.clone(), value(&one)?),
        // As Bedrock has it, a document without the field is found, too.
        RetrievalFilter::NotEquals(one) => Filter::Not(Box::new(Filter::Equals(one.key.clone(), value(&one)?))),
        RetrievalFilter::In(one) => Filter::In(one.key.clone(), values(&one)?),
        RetrievalFilter::NotIn(one) => Filter::NotIn(one.key.clone(), values(&one)?),
        RetrievalFilter::GreaterThan(one) => Filter::GreaterThan(one.key.clone(), number(&one)?),
        RetrievalFilter::GreaterThanOrEquals(one) => Filter::GreaterThanOrEquals(one.key.clone(), number(&one)?),
        RetrievalFilter::LessThan(one) => Filter::LessThan(one.key.clone(), number(&one)?),
        RetrievalFilter::LessThanOrEquals(one) => Filter::LessThanOrEquals(one.key.clone(), number(&one)?),
        RetrievalFilter::StartsWith(one) => Filter::StartsWith(one.key.clone(), text(&one)?),
        RetrievalFilter::StringContains(one) => Filter::StringContains(one.key.clone(), text(&one)?),
        RetrievalFilter::ListContains(one) => Filter::ListContains(one.key.clone(), text(&one)?),
    })
}

/// A value of metadata as JSON.
pub(crate) fn json(value: &Value) -> Json {
    match value {
        Value::Text(text) => text.as_str().into(),
        // Whole numbers are told as such.
        Value::Number(number) if number.fract() == 0.0 && number.abs() < 9e15 => {
            #[expect(clippy::cast_possible_truncation, reason = "it is a whole number that fits")]
            let whole = *number as i64;
            whole.into()
        }
        Value::Number(number) => (*number).into(),
        Value::Boolean(boolean) => (*boolean).into(),
        Value::TextList(texts) => texts.clone().into(),
        Value::Time(millis) => base::Timestamp(*millis).to_iso8601().into(),
    }
}

fn value(one: &FilterAttribute) -> Result<Value> {
    read(&one.value).ok_or_else(|| refused(one, "a text, a number, a boolean or a list of texts"))
}

fn values(one: &FilterAttribute) -> Result<Vec<Value>> {
    let list = one.value.as_array().and_then(|list| list.iter().map(read).collect::<Option<Vec<_>>>());
    list.ok_or_else(|| refused(one, "a list"))
}

fn number(one: &FilterAttribute) -> Result<Value> {
    one.value.as_f64().map(Value::Number).ok_or_else(|| refused(one, "a number"))
}

fn text(one: &FilterAttribute) -> Result<String> {
    one.value.as_str().map(str::to_owned).ok_or_else(|| refused(one, "a text"))
}

fn read(json: &Json) -> Option<Value> {
    match json {
        Json::String(text) => Some(Value::Text(text.clone())),
        Json::Number(number) => number.as_f64().map(Value::Number),
        Json::Bool(boolean) => Some(Value::Boolean(*boolean)),
        Json::Array(items) => {
            let texts = items.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>();
            texts.map(Value::TextList)
        }
        Json::Null | Json::Object(_) => None,
    }
}

fn refused(one: &FilterAttribute, wanted: &str) -> Error {
    Error::invalid(format!("The filter on `{}` has the value `{}`.", one.key, one.value))
        .with_hint(format!("Give {wanted}."))
}
