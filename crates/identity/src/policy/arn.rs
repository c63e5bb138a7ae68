//! ARNs and patterns of them, compared field by field.

use super::context::Context;
use super::pattern::{Pattern, Syntax, Variable, variable_length};

/// How many fields an ARN has: `arn:partition:service:region:account:resource`.
const FIELDS: usize = 6;

/// A pattern of ARNs: `*` for all, or one pattern for each field, so that a `*` in one of the first five never reaches
/// into the next, while one in the resource may stand for `/` and `:` too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ArnPattern {
    Everything,
    Fields(Box<[Pattern; FIELDS]>),
    /// Not of an ARN's form: matches nothing, but its variables must have values all the same.
    NotAnArn(Box<Pattern>),
}

/// What the fields that a pattern leaves out stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// Anything: `arn:aws:s3` is `arn:aws:s3:*:*:*` in a `Resource` element.
    Anything,
    /// The pattern is none.
    Refused,
}

impl ArnPattern {
    pub(super) fn compile(source: &str, syntax: Syntax, missing: Missing) -> Self {
        let whole = Pattern::compile(source, syntax);
        if whole.is_everything() {
            return Self::Everything;
        }
        let fields = split_pattern(source, syntax.variables);
        if fields.len() < FIELDS && missing == Missing::Refused {
            return Self::NotAnArn(Box::new(whole));
        }
        let field = |i: usize| Pattern::compile(fields.get(i).copied().unwrap_or("*"), syntax);
        Self::Fields(Box::new(std::array::from_fn(field)))
    }

    /// Whether the ARN with these fields matches; `None` is a text that is not an ARN, such as `*`.
    pub(super) fn matches(&self, fields: Option<[&str; FIELDS]>, context: &Context) -> bool {
        match (self, fields) {
            (Self::Everything, _) => true,
            (Self::Fields(patterns), Some(fields)) => {
                patterns.iter().zip(fields).rev().all(|(pattern, field)| pattern.matches(field, context))
            }
            _ => false,
        }
    }

    pub(super) fn variables(&self) -> impl Iterator<Item = &Variable> {
        let patterns: &[Pattern] = match self {
            Self::Fields(fields) => fields.as_slice(),
            Self::NotAnArn(pattern) => std::slice::from_ref(pattern),
            Self::Everything => &[],
        };
        patterns.iter().flat_map(Pattern::variables)
    }
}

/// The six fields of an ARN; `None` where there are fewer.
pub(super) fn split(text: &str) -> Option<[&str; FIELDS]> {
    let mut parts = text.splitn(FIELDS, ':');
    let fields = [parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?];
    Some(fields)
}

/// The fields of a pattern, at most six; colons inside `${…}` part nothing.
pub(super) fn split_pattern(source: &str, variables: bool) -> Vec<&str> {
    let mut fields = Vec::with_capacity(FIELDS);
    let (mut start, mut at) = (0, 0);
    while fields.len() < FIELDS - 1 {
        let rest = &source[at..];
        let Some(c) = rest.chars().next() else { break };
        if c == ':' {
            fields.push(&source[start..at]);
            start = at + 1;
        }
        at += if variables && c == '$' { variable_length(rest).unwrap_or(1) } else { c.len_utf8() };
    }
    fields.push(&source[start..]);
    fields
}
