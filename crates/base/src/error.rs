//! The one error type of domain code.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

/// What went wrong, as far as a caller can act on it. `aws-api` maps kinds to each service's own exceptions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The thing named does not exist, or the caller may not know that it does.
    NotFound,
    /// A thing of that name exists already.
    AlreadyExists,
    /// The request itself is wrong; sending it again cannot help.
    Invalid,
    /// The caller is known and may not do this.
    Denied,
    /// The caller is not known.
    Unauthenticated,
    /// The thing is in a state that forbids this.
    Conflict,
    /// Too much at once; the same request may succeed later.
    Throttled,
    /// Something needed is not reachable or not ready; the same request may succeed later.
    Unavailable,
    /// The request took longer than it may.
    Timeout,
    /// Something that is stored is damaged; the same request cannot succeed before it is replaced.
    Damaged,
    /// A known operation or option that is not built.
    NotImplemented,
    /// A fault of ours.
    Internal,
}

impl ErrorKind {
    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::NotFound,
        Self::AlreadyExists,
        Self::Invalid,
        Self::Denied,
        Self::Unauthenticated,
        Self::Conflict,
        Self::Throttled,
        Self::Unavailable,
        Self::Timeout,
        Self::Damaged,
        Self::NotImplemented,
        Self::Internal,
    ];

    /// The kind's name, as it is stored and as Craton's own API says it. It never changes.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "NotFound",
            Self::AlreadyExists => "AlreadyExists",
            Self::Invalid => "Invalid",
            Self::Denied => "Denied",
            Self::Unauthenticated => "Unauthenticated",
            Self::Conflict => "Conflict",
            Self::Throttled => "Throttled",
            Self::Unavailable => "Unavailable",
            Self::Timeout => "Timeout",
            Self::Damaged => "Damaged",
            Self::NotImplemented => "NotImplemented",
            Self::Internal => "Internal",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ErrorKind {
    type Err = Error;

    /// # Errors
    /// Internal, for a name that no kind has.
    fn from_str(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == name);
        found.ok_or_else(|| Error::internal(format!("error kind `{name}`")))
    }
}

/// The result of domain code.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of domain code: a public `message`, an optional `hint` that says what to do, and a private `detail`
/// that is logged and never sent to a caller.
#[derive(Clone, PartialEq, Eq)]
pub struct Error {
    /// What a caller can act on.
    pub kind: ErrorKind,
    /// What failed, with the thing quoted in backticks. May be shown to the caller.
    pub message: String,
    /// The cause as our own code saw it. Logged only.
    pub detail: Option<String>,
    /// What the caller may do about it. May be shown to the caller.
    pub hint: Option<String>,
    /// What AWS calls it, where its service tells errors of one kind apart: `MalformedPolicyDocument`.
    pub code: Option<&'static str>,
    /// In how many seconds the same request may succeed, where that is known.
    pub retry_after: Option<NonZeroU32>,
}

macro_rules! constructors {
    ($($(#[$doc:meta])* $name:ident => $kind:ident;)*) => {
        impl Error {
            $($(#[$doc])*
            pub fn $name(message: impl Into<String>) -> Self {
                Self::new(ErrorKind::$kind, message)
            })*
        }
    };
}

constructors! {
    /// [`ErrorKind::NotFound`]
    not_found => NotFound;
    /// [`ErrorKind::AlreadyExists`]
    already_exists => AlreadyExists;
    /// [`ErrorKind::Invalid`]
    invalid => Invalid;
    /// [`ErrorKind::Denied`]
    denied => Denied;
    /// [`ErrorKind::Unauthenticated`]
    unauthenticated => Unauthenticated;
    /// [`ErrorKind::Conflict`]
    conflict => Conflict;
    /// [`ErrorKind::Throttled`]
    throttled => Throttled;
    /// [`ErrorKind::Unavailable`]
    unavailable => Unavailable;
    /// [`ErrorKind::Timeout`]
    timeout => Timeout;
    /// [`ErrorKind::Damaged`]
    damaged => Damaged;
    /// [`ErrorKind::NotImplemented`]
    not_implemented => NotImplemented;
}

impl Error {
    /// An error of `kind` that says `message`.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), detail: None, hint: None, code: None, retry_after: None }
    }

    /// A fault of ours: the caller learns only that there was one, `detail` is logged.
    pub fn internal(detail: impl fmt::Display) -> Self {
        let mut error = Self::new(ErrorKind::Internal, "An internal error occurred.");
        error.detail = Some(detail.to_string());
        error
    }

    /// Adds the private cause.
    #[must_use]
    pub fn with_detail(mut self, detail: impl fmt::Display) -> Self {
        self.detail = Some(detail.to_string());
        self
    }

    /// Adds what the caller may do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says which of AWS's exceptions it is.
    #[must_use]
    pub fn with_code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    /// Says when the same request may succeed: whole seconds, rounded up, at least 1.
    #[must_use]
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        let seconds = after.as_secs().saturating_add(u64::from(after.subsec_nanos() > 0)).max(1);
        self.retry_after = NonZeroU32::new(u32::try_from(seconds).unwrap_or(u32::MAX));
        self
    }

    /// `retry_after` as a number, at least 1.
    #[must_use]
    pub fn retry_after_seconds(&self) -> Option<u32> {
        self.retry_after.map(NonZeroU32::get)
    }

    /// Message and hint in one line, for wire formats that have no place for a hint.
    #[must_use]
    pub fn public_text(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{} {}", self.message, hint),
            None => self.message.clone(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, " {hint}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {self}", self.kind)?;
        if let Some(detail) = &self.detail {
            write!(f, " ({detail})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}
