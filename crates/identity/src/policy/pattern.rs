//! Patterns: text with wildcards and policy variables, compiled once and matched without recursion.

use std::borrow::Cow;
use std::sync::Arc;

use super::context::Context;

/// What has a meaning of its own inside a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Syntax {
    /// `*` stands for any characters, `?` for one.
    pub(super) wildcards: bool,
    /// `${key}` stands for a value of the request (documents of version 2012-10-17).
    pub(super) variables: bool,
}

/// A compiled pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    parts: Vec<Part>,
    has_variables: bool,
}

/// A `${key}` or `${key, 'default'}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Variable {
    /// In lower case: keys are compared without regard to case.
    pub(super) key: Arc<str>,
    pub(super) default: Option<Box<str>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(Box<str>),
    Any,
    One,
    Variable(Variable),
}

/// A part whose variable has got its value.
#[derive(Debug, Clone)]
enum Piece<'a> {
    Literal(&'a str),
    Any,
    One,
}

impl Pattern {
    /// Compiles `source`. A `${` that is never closed stands for itself.
    pub(super) fn compile(source: &str, syntax: Syntax) -> Self {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = source;
        while let Some(c) = rest.chars().next() {
            let special = match c {
                '*' if syntax.wildcards => Some((Part::Any, 1)),
                '?' if syntax.wildcards => Some((Part::One, 1)),
                '$' if syntax.variables => variable(rest),
                _ => None,
            };
            match special {
                Some((Part::Literal(text), length)) => {
                    literal.push_str(&text);
                    rest = &rest[length..];
                }
                Some((part, length)) => {
                    flush(&mut literal, &mut parts);
                    // Several `*` in a row match what one matches.
                    if part != Part::Any || parts.last() != Some(&Part::Any) {
                        parts.push(part);
                    }
                    rest = &rest[length..];
                }
                None => {
                    literal.push(c);
                    rest = &rest[c.len_utf8()..];
                }
            }
        }
        flush(&mut literal, &mut parts);
        let has_variables = parts.iter().any(|part| matches!(part, Part::Variable(_)));
        Self { parts, has_variables }
    }

    /// Whether it matches every text.
    pub(super) fn is_everything(&self) -> bool {
        self.parts == [Part::Any]
    }

    /// Its variables.
    pub(super) fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.parts.iter().filter_map(|part| match part {
            Part::Variable(variable) => Some(variable),
            _ => None,
        })
    }

    /// Whether `text` matches. A variable without a value matches nothing.
    pub(super) fn matches(&self, text: &str, context: &Context) -> bool {
        match self.parts.as_slice() {
            [] => text.is_empty(),
            [Part::Any] => true,
            [Part::Literal(literal)] => **literal == *text,
            [Part::Literal(start), Part::Any] => text.starts_with(&**start),
            _ => self.pieces(context).is_some_and(|pieces| glob(&pieces, text)),
        }
    }

    /// Whether `text` is what the pattern stands for, without regard to case. For patterns without wildcards.
    pub(super) fn equals_ignoring_case(&self, text: &str, context: &Context) -> bool {
        self.expand(context).is_some_and(|expanded| expanded.to_lowercase() == text.to_lowercase())
    }

    /// The text with the variables' values in it; wildcards stay as they are. `None` where a value is missing.
    pub(super) fn expand(&self, context: &Context) -> Option<Cow<'_, str>> {
        if let ([Part::Literal(literal)], false) = (self.parts.as_slice(), self.has_variables) {
            return Some(Cow::Borrowed(literal));
        }
        let mut text = String::new();
        for piece in self.pieces(context)? {
            match piece {
                Piece::Literal(literal) => text.push_str(literal),
                Piece::Any => text.push('*'),
                Piece::One => text.push('?'),
            }
        }
        Some(Cow::Owned(text))
    }

    fn pieces<'a>(&'a self, context: &'a Context) -> Option<Vec<Piece<'a>>> {
        self.parts
            .iter()
            .map(|part| {
                Some(match part {
                    Part::Literal(literal) => Piece::Literal(literal),
                    Part::Any => Piece::Any,
                    Part::One => Piece::One,
                    Part::Variable(variable) => Piece::Literal(variable.value(context)?),
                })
            })
            .collect()
    }
}

impl Variable {
    /// The request's value, or the default. Keys with several values have none that could be inserted.
    pub(super) fn value<'a>(&'a self, context: &'a Context) -> Option<&'a str> {
        match context.get(&self.key) {
            Some([value]) => Some(value),
            _ => self.default.as_deref(),
        }
    }
}

fn flush(literal: &mut String, parts: &mut Vec<Part>) {
    if !literal.is_empty() {
        parts.push(Part::Literal(std::mem::take(literal).into_boxed_str()));
    }
}

/// The variable at the start of `text`, which begins with `$`, and its length.
fn variable(text: &str) -> Option<(Part, usize)> {
    let length = variable_length(text)?;
    let inside = &text[2..length - 1];
    if ["*", "?", "$"].contains(&inside) {
        return Some((Part::Literal(inside.into()), length));
    }
    let (key, default) = match inside.split_once(',') {
        Some((key, quoted)) => {
            let default = quoted.trim().strip_prefix('\'')?.strip_suffix('\'')?;
            (key, Some(default.into()))
        }
        None => (inside, None),
    };
    let key = key.trim();
    (!key.is_empty()).then(|| (Part::Variable(Variable { key: key.to_lowercase().into(), default }), length))
}

/// The bytes of the `${…}` at the start of `text`, if there is one. A default in quotes may hold a brace.
pub(super) fn variable_length(text: &str) -> Option<usize> {
    let inside = text.strip_prefix("${")?;
    let brace = inside.find('}')?;
    let end = match inside.find('\'') {
        Some(quote) if quote < brace => inside.find("'}")? + 1,
        _ => brace,
    };
    Some(2 + end + 1)
}

/// Matches wildcards by going back to the last `*` only, so the work is at most the product of the two lengths.
fn glob(pieces: &[Piece<'_>], text: &str) -> bool {
    let mut at = 0;
    let mut rest = text;
    let mut star: Option<(usize, &str)> = None;
    loop {
        match pieces.get(at) {
            None if rest.is_empty() => return true,
            Some(Piece::Any) => {
                at += 1;
                star = Some((at, rest));
                continue;
            }
            Some(Piece::One) if !rest.is_empty() => {
                at += 1;
                rest = after_first(rest);
                continue;
            }
            Some(Piece::Literal(literal)) => {
                if let Some(after) = rest.strip_prefix(literal) {
                    at += 1;
                    rest = after;
                    continue;
                }
            }
            _ => {}
        }
        let Some((behind, from)) = star.filter(|(_, from)| !from.is_empty()) else { return false };
        rest = after_first(from);
        at = behind;
        star = Some((behind, rest));
    }
}

/// `text` without its first character.
fn after_first(text: &str) -> &str {
    let mut chars = text.chars();
    chars.next();
    chars.as_str()
}
