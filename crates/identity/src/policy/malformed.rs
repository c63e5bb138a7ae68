//! Why a policy document is refused.

use std::fmt;

use base::Error;

use super::span::{self, Position};

/// What kind of fault a document has; services answer with different error codes for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is not a policy, or not one that is allowed there: `MalformedPolicyDocument`, S3's `MalformedPolicy`.
    Malformed,
    /// It is longer than such a policy may be: IAM's `LimitExceeded`.
    TooLarge,
}

impl Fault {
    /// IAM's error code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Malformed => "MalformedPolicyDocument",
            Self::TooLarge => "LimitExceeded",
        }
    }
}

/// A refused policy document: AWS's message, and what the writer may do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// Which error code fits.
    pub fault: Fault,
    /// AWS's wording, as far as it is known.
    pub message: String,
    /// What is wrong in this document, in more words than AWS has.
    pub hint: Option<String>,
    /// Where in the text it is, if that can be said.
    pub position: Option<Position>,
    /// The string of the text that is at fault: a value, or a member's name.
    word: Option<String>,
    /// The statement that is at fault, from 0.
    statement: Option<usize>,
}

impl Malformed {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self::of(Fault::Malformed, message.into())
    }

    pub(super) fn too_large(message: impl Into<String>) -> Self {
        Self::of(Fault::TooLarge, message.into())
    }

    fn of(fault: Fault, message: String) -> Self {
        Self { fault, message, hint: None, position: None, word: None, statement: None }
    }

    pub(super) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The hint and the place, as far as they are known, in one text.
    #[must_use]
    pub fn advice(&self) -> Option<String> {
        let place = self.position.map(|at| format!("See line {}, column {}.", at.line, at.column));
        let parts: Vec<String> = self.hint.clone().into_iter().chain(place).collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    }

    /// `word` is what is at fault.
    pub(super) fn at(mut self, word: impl Into<String>) -> Self {
        self.word = Some(word.into());
        self
    }

    /// The fault is at that place.
    pub(super) fn at_position(mut self, position: Position) -> Self {
        self.position = Some(position);
        self
    }

    /// The fault is in the statement with that number, from 0.
    pub(super) fn in_statement(mut self, number: usize) -> Self {
        self.statement = Some(number);
        self
    }

    /// Looks up where in `text` the fault is.
    pub(super) fn located(mut self, text: &str) -> Self {
        if self.position.is_none() {
            let within = self.statement.and_then(|number| span::of_statements(text).get(number).copied());
            let word = self.word.as_deref().and_then(|word| span::of_word(text, word, within));
            self.position = word.or_else(|| within.map(|span| span.start));
        }
        self
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Malformed {}

impl From<Malformed> for Error {
    fn from(malformed: Malformed) -> Self {
        let hint = malformed.advice();
        let error = Self::invalid(malformed.message);
        match hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }
}
