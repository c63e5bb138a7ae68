//! Constraints of the model, with AWS's wording for what breaks them.

use base64::Engine as _;
use serde_json::Value;

use crate::decode::join;
use crate::schema::{Bounds, Kind, Location, Member, Protocol, Shape};

/// Values longer than this are not quoted back.
const LONGEST_QUOTE: usize = 256;
/// The search ends when this many members are wrong: a body may hold millions, and each is told at greater length than
/// it was sent.
const MOST_PROBLEMS: usize = 50;

/// Everything wrong with `tree`, in the order of the model's members. A payload that is a blob is not looked at.
pub(crate) fn problems(shape: &Shape, tree: &Value, protocol: Protocol) -> Vec<String> {
    let mut check = Check { problems: Vec::new(), names_null: protocol != Protocol::Query };
    check.value(shape, tree, "", false);
    check.problems
}

/// `1 validation error detected: …`.
pub(crate) fn sentence(problems: &[String]) -> String {
    let (count, noun) = (problems.len(), if problems.len() == 1 { "error" } else { "errors" });
    format!("{count} validation {noun} detected: {}", problems.join("; "))
}

/// What is wrong with a raw body that is the member `payload`.
pub(crate) fn blob(payload: &Member, body: &[u8]) -> Option<String> {
    let Kind::Blob { length } = &payload.shape.kind else { return None };
    let path = join("", payload.name);
    if body.is_empty() {
        return payload
            .required
            .then(|| format!("Value null at '{path}' failed to satisfy constraint: Member must not be null"));
    }
    let rule = length_rule(*length, body.len())?;
    Some(format!("Value at '{path}' failed to satisfy constraint: {rule}"))
}

struct Check {
    problems: Vec<String>,
    /// Whether a missing member is reported as `Value null at` (JSON) or `Value at` (Query).
    names_null: bool,
}

impl Check {
    /// Checks `value` and all below. `hidden` values are not quoted.
    fn value(&mut self, shape: &Shape, value: &Value, path: &str, hidden: bool) {
        if self.problems.len() >= MOST_PROBLEMS {
            return;
        }
        let hidden = hidden || shape.sensitive;
        match (&shape.kind, value) {
            (Kind::Structure(members), Value::Object(_)) => {
                members.iter().for_each(|member| self.member(member, value, path, hidden));
            }
            (Kind::Union(members), Value::Object(tree)) => {
                for member in members.iter().filter(|member| tree.contains_key(member.name)) {
                    self.member(member, value, path, hidden);
                }
            }
            (Kind::List { element, length, .. }, Value::Array(items)) => {
                self.length(*length, items.len(), None, path);
                for (at, item) in items.iter().enumerate() {
                    if item.is_null() {
                        self.problem(None, path, "Member must not be null");
                    } else {
                        self.value(element, item, &format!("{path}.{}.member", at + 1), hidden);
                    }
                }
            }
            (Kind::Map { key, value: inner, length, .. }, Value::Object(entries)) => {
                self.length(*length, entries.len(), None, path);
                for (name, entry) in entries {
                    self.value(key, &Value::from(name.as_str()), path, hidden);
                    self.value(inner, entry, &format!("{path}.{name}"), hidden);
                }
            }
            _ => self.scalar(shape, value, path, hidden),
        }
    }

    fn member(&mut self, member: &Member, parent: &Value, path: &str, hidden: bool) {
        let path = join(path, member.name);
        match parent.get(member.name) {
            Some(value) => self.value(member.shape, value, &path, hidden),
            None if member.required && member.location != Location::Payload => self.missing(&path),
            None => {}
        }
    }

    fn scalar(&mut self, shape: &Shape, value: &Value, path: &str, hidden: bool) {
        let quoted = (!hidden).then_some(value);
        match (&shape.kind, value) {
            (Kind::String { length, pattern, values }, Value::String(text)) => {
                self.length(*length, text.chars().count(), quoted, path);
                if let Some(pattern) = pattern.as_ref().filter(|pattern| !pattern.matches(text)) {
                    let rule = format!("Member must satisfy regular expression pattern: {}", pattern.text());
                    self.problem(quoted, path, &rule);
                }
                if !values.is_empty() && !values.contains(&text.as_str()) {
                    self.problem(quoted, path, &format!("Member must satisfy enum value set: [{}]", values.join(", ")));
                }
            }
            (Kind::Integer { range, .. }, Value::Number(number)) => {
                if let Some(number) = number.as_i64() {
                    self.range(*range, number, quoted, path);
                }
            }
            (Kind::Float { range }, Value::Number(number)) => {
                if let Some(number) = number.as_f64() {
                    self.range(*range, number, quoted, path);
                }
            }
            (Kind::Blob { length }, Value::String(text)) => {
                let bytes = base64::engine::general_purpose::STANDARD.decode(text).map_or(0, |bytes| bytes.len());
                self.length(*length, bytes, None, path);
            }
            _ => {}
        }
    }

    fn length(&mut self, bounds: Bounds<u64>, length: usize, quoted: Option<&Value>, path: &str) {
        if let Some(rule) = length_rule(bounds, length) {
            self.problem(quoted, path, &rule);
        }
    }

    fn range<T: PartialOrd + std::fmt::Display>(
        &mut self,
        range: Bounds<T>,
        number: T,
        quoted: Option<&Value>,
        path: &str,
    ) {
        if let Some(min) = range.min.filter(|min| number < *min) {
            self.problem(quoted, path, &format!("Member must have value greater than or equal to {min}"));
        } else if let Some(max) = range.max.filter(|max| number > *max) {
            self.problem(quoted, path, &format!("Member must have value less than or equal to {max}"));
        }
    }

    fn missing(&mut self, path: &str) {
        let value = if self.names_null { "Value null" } else { "Value" };
        self.tell(format!("{value} at '{path}' failed to satisfy constraint: Member must not be null"));
    }

    fn problem(&mut self, quoted: Option<&Value>, path: &str, rule: &str) {
        let shown = quoted.map(crate::encode::plain_text).filter(|text| text.len() <= LONGEST_QUOTE);
        let value = shown.map_or("Value".to_owned(), |text| format!("Value '{text}'"));
        self.tell(format!("{value} at '{path}' failed to satisfy constraint: {rule}"));
    }

    fn tell(&mut self, problem: String) {
        if self.problems.len() < MOST_PROBLEMS {
            self.problems.push(problem);
        }
    }
}

fn length_rule(bounds: Bounds<u64>, length: usize) -> Option<String> {
    let length = u64::try_from(length).unwrap_or(u64::MAX);
    if let Some(min) = bounds.min.filter(|min| length < *min) {
        return Some(format!("Member must have length greater than or equal to {min}"));
    }
    let max = bounds.max.filter(|max| length > *max)?;
    Some(format!("Member must have length less than or equal to {max}"))
}
