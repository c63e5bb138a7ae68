//! Rules for summaries of clinical findings, which need no judge: whether an impression contradicts its findings, and
//! whether it is written as one should be.
//!
//! They read English chest radiology and similar reports. A rule finds what its word lists know; what they do not
//! know is not judged.

mod consistency;
mod impression;
mod lexicon;
mod mentions;

pub use consistency::{Contradiction, ContradictionKind, contradictions};
pub use impression::{Rule, RuleOutcome, check_impression};

use serde::{Deserialize, Serialize};

use super::text::Part;

/// Characters of an impression that a rule objects to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The first character, from 0.
    pub start: usize,
    /// The character after the last.
    pub end: usize,
    /// The text.
    pub text: String,
}

/// What a rule objects to in an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Objection {
    /// The rule.
    pub rule: String,
    /// Why, as a sentence for people.
    pub reason: String,
    /// Where in the answer; empty where it is about all of it.
    pub spans: Vec<Span>,
    /// The words of the prompt that say otherwise.
    pub against: Option<Span>,
}

impl From<&Part> for Span {
    fn from(part: &Part) -> Self {
        Self { start: part.start, end: part.end, text: part.text.clone() }
    }
}

#[cfg(test)]
mod tests;
