//! Filters on metadata, with the meaning that the retrieval filters of Bedrock's knowledge bases have.
//!
//! Every comparison is false for a document that lacks the field or has another type there, those with `not` in their
//! name included: `notEquals` finds the documents that have the field with another value. [`Filter::Not`] is the plain
//! complement, so that `Not(Equals(..))` finds those without the field too.

use std::cmp::Ordering;
use std::fmt;
use std::ops::{Bound, Deref};

use crate::document::Value;

#[cfg(test)]
mod tests;

/// A condition on a document's metadata.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// The field has this value.
    Equals(String, Value),
    /// The field is there and has another value.
    NotEquals(String, Value),
    /// The field has one of these values.
    In(String, Vec<Value>),
    /// The field is there and has none of these values.
    NotIn(String, Vec<Value>),
    /// The field is a number or a time above this one.
    GreaterThan(String, Value),
    /// The field is a number or a time that is not below this one.
    GreaterThanOrEquals(String, Value),
    /// The field is a number or a time below this one.
    LessThan(String, Value),
    /// The field is a number or a time that is not above this one.
    LessThanOrEquals(String, Value),
    /// The field is a number or a time between these.
    Range(String, Bound<Value>, Bound<Value>),
    /// The field is a text that begins so; letters' case counts.
    StartsWith(String, String),
    /// The field is a text that contains this, or a list of texts one of which does; letters' case counts.
    StringContains(String, String),
    /// The field is a list of texts that has this one.
    ListContains(String, String),
    /// All of these hold; so does an empty list.
    And(Vec<Filter>),
    /// At least one of these holds; an empty list never does.
    Or(Vec<Filter>),
    /// This does not hold.
    Not(Box<Filter>),
}

impl Filter {
    /// Whether it holds for a document whose metadata `field` looks up.
    pub fn holds<V: Deref<Target = Value>>(&self, field: &impl Fn(&str) -> Option<V>) -> bool {
        let compares = |name: &str, value: &Value, accepted: fn(Ordering) -> bool| {
            field(name).and_then(|found| order(&found, value)).is_some_and(accepted)
        };
        match self {
            Self::Equals(name, value) => field(name).is_some_and(|found| *found == *value),
            Self::NotEquals(name, value) => field(name).is_some_and(|found| *found != *value),
            Self::In(name, values) => field(name).is_some_and(|found| values.contains(&found)),
            Self::NotIn(name, values) => field(name).is_some_and(|found| !values.contains(&found)),
            Self::GreaterThan(name, value) => compares(name, value, Ordering::is_gt),
            Self::GreaterThanOrEquals(name, value) => compares(name, value, Ordering::is_ge),
            Self::LessThan(name, value) => compares(name, value, Ordering::is_lt),
            Self::LessThanOrEquals(name, value) => compares(name, value, Ordering::is_le),
            Self::Range(name, from, to) => field(name).is_some_and(|found| within(&found, from, to)),
            Self::StartsWith(name, beginning) => match field(name).as_deref() {
                Some(Value::Text(text)) => text.starts_with(beginning.as_str()),
                _ => false,
            },
            Self::StringContains(name, part) => match field(name).as_deref() {
                Some(Value::Text(text)) => text.contains(part.as_str()),
                Some(Value::TextList(texts)) => texts.iter().any(|text| text.contains(part.as_str())),
                _ => false,
            },
            Self::ListContains(name, member) => match field(name).as_deref() {
                Some(Value::TextList(texts)) => texts.contains(member),
                _ => false,
            },
            Self::And(filters) => filters.iter().all(|filter| filter.holds(field)),
            Self::Or(filters) => filters.iter().any(|filter| filter.holds(field)),
            Self::Not(filter) => !filter.holds(field),
        }
    }
}

/// How two numbers or two times compare; nothing else has an order.
fn order(found: &Value, value: &Value) -> Option<Ordering> {
    match (found, value) {
        (Value::Number(a), Value::Number(b)) => a.partial_cmp(b),
        (Value::Time(a), Value::Time(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

fn within(found: &Value, from: &Bound<Value>, to: &Bound<Value>) -> bool {
    let ordered = matches!(found, Value::Number(_) | Value::Time(_));
    let above = match from {
        Bound::Included(from) => order(found, from).is_some_and(Ordering::is_ge),
        Bound::Excluded(from) => order(found, from).is_some_and(Ordering::is_gt),
        Bound::Unbounded => true,
    };
    let below = match to {
        Bound::Included(to) => order(found, to).is_some_and(Ordering::is_le),
        Bound::Excluded(to) => order(found, to).is_some_and(Ordering::is_lt),
        Bound::Unbounded => true,
    };
    ordered && above && below
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Boolean(boolean) => write!(f, "{boolean}"),
            Self::TextList(texts) => write!(f, "{texts:?}"),
            Self::Time(millis) => write!(f, "time {millis}"),
        }
    }
}

/// The filter as an expression, for explanations.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Equals(name, value) => write!(f, "{name} = {value}"),
            Self::NotEquals(name, value) => write!(f, "{name} != {value}"),
            Self::In(name, values) => write!(f, "{name} in [{}]", Joined(values, ", ")),
            Self::NotIn(name, values) => write!(f, "{name} not in [{}]", Joined(values, ", ")),
            Self::GreaterThan(name, value) => write!(f, "{name} > {value}"),
            Self::GreaterThanOrEquals(name, value) => write!(f, "{name} >= {value}"),
            Self::LessThan(name, value) => write!(f, "{name} < {value}"),
            Self::LessThanOrEquals(name, value) => write!(f, "{name} <= {value}"),
            Self::Range(name, from, to) => range(f, name, from, to),
            Self::StartsWith(name, beginning) => write!(f, "{name} starts with {beginning:?}"),
            Self::StringContains(name, part) => write!(f, "{name} contains {part:?}"),
            Self::ListContains(name, member) => write!(f, "{name} has {member:?}"),
            Self::And(filters) if filters.is_empty() => f.write_str("true"),
            Self::Or(filters) if filters.is_empty() => f.write_str("false"),
            Self::And(filters) => write!(f, "({})", Joined(filters, " and ")),
            Self::Or(filters) => write!(f, "({})", Joined(filters, " or ")),
            Self::Not(filter) => write!(f, "not ({filter})"),
        }
    }
}

fn range(f: &mut fmt::Formatter<'_>, name: &str, from: &Bound<Value>, to: &Bound<Value>) -> fmt::Result {
    match from {
        Bound::Included(value) => write!(f, "{value} <= ")?,
        Bound::Excluded(value) => write!(f, "{value} < ")?,
        Bound::Unbounded => {}
    }
    f.write_str(name)?;
    match to {
        Bound::Included(value) => write!(f, " <= {value}"),
        Bound::Excluded(value) => write!(f, " < {value}"),
        Bound::Unbounded => Ok(()),
    }
}

struct Joined<'a, T>(&'a [T], &'a str);

impl<T: fmt::Display> fmt::Display for Joined<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().enumerate().try_for_each(|(at, item)| {
            f.write_str(if at == 0 { "" } else { self.1 })?;
            write!(f, "{item}")
        })
    }
}
