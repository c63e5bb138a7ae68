//! Compiled constraints, kept for requests that bring them again.

use std::mem::Discriminant;
use std::sync::{Mutex, PoisonError};

use llguidance::Matcher;

use super::Constraint;

/// The most constraints that are kept.
const MOST: usize = 64;
/// The most bytes of text that those kept have together. What a schema compiles to grows with it.
const MOST_BYTES: usize = 1 << 20;
/// The most that one of them may have.
const LARGEST: usize = MOST_BYTES / 8;

/// What a constraint is found by.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Key {
    owner: u128,
    form: Discriminant<Constraint>,
    text: String,
}

impl Key {
    /// Of a constraint of this owner's: nobody can tell from the time that it takes what others asked for.
    pub(super) fn new(owner: u128, constraint: &Constraint) -> Self {
        let text = match constraint {
            Constraint::JsonSchema(schema) | Constraint::JsonSchemaLeniently(schema) => schema.to_string(),
            Constraint::Regex(text) | Constraint::Lark(text) => text.clone(),
        };
        Self { owner, form: std::mem::discriminant(constraint), text }
    }
}

/// The constraints that were used last, the latest at the end.
#[derive(Default)]
pub(super) struct Cache(Mutex<Vec<(Key, Matcher)>>);

impl Cache {
    /// A matcher of its own for an answer, if the constraint is kept.
    pub(super) fn get(&self, key: &Key) -> Option<Matcher> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept.iter().position(|(other, _)| other == key)?;
        let entry = kept.remove(at);
        let matcher = entry.1.deep_clone();
        kept.push(entry);
        Some(matcher)
    }

    /// Keeps a matcher that followed nothing yet, and drops those that were not used for the longest time.
    pub(super) fn put(&self, key: Key, matcher: &Matcher) {
        if key.text.len() > LARGEST {
            return;
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(other, _)| *other != key);
        kept.push((key, matcher.deep_clone()));
        let mut bytes: usize = kept.iter().map(|(key, _)| key.text.len()).sum();
        while kept.len() > MOST || bytes > MOST_BYTES {
            bytes -= kept.remove(0).0.text.len();
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}
