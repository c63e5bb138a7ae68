//! Why a policy document is refused.

use std::fmt;

use base::Error;

/// What kind of fault a document has; services answer with different error codes for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is not a policy, or not one that is allowed there: `MalformedPolicyDocument`, S3's `MalformedPolicy`.
    Malformed,
    /// It is longer than such a policy may be: IAM's `LimitExceeded`.
    TooLarge,
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
}

impl Malformed {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { fault: Fault::Malformed, message: message.into(), hint: None }
    }

    pub(super) fn too_large(message: impl Into<String>) -> Self {
        Self { fault: Fault::TooLarge, message: message.into(), hint: None }
    }

    pub(super) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
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
        let error = Self::invalid(malformed.message);
        match malformed.hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }
}
