//! What KMS refuses, by AWS's codes.

use std::fmt;

use base::ErrorKind;

/// The result of KMS's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A refusal of KMS: which of its exceptions, and the error with its text.
#[derive(Clone, PartialEq, Eq)]
pub struct Error {
    /// Which exception.
    pub code: Code,
    /// What to say.
    pub error: base::Error,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $status:literal, $kind:ident;)*) => {
        /// The exceptions of KMS (KMS API Reference, "Common Errors" and the operations' own).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// The exception's name on the wire.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            /// The HTTP status that goes with it.
            #[must_use]
            pub fn status(self) -> u16 {
                match self { $(Self::$name => $status),* }
            }

            fn kind(self) -> ErrorKind {
                match self { $(Self::$name => ErrorKind::$kind),* }
            }
        }
    };
}

codes! {
    /// The caller may not.
    AccessDenied = "AccessDeniedException", 400, Denied;
    /// An alias of that name exists.
    AlreadyExists = "AlreadyExistsException", 400, AlreadyExists;
    /// Another change is not finished.
    Conflict = "ConflictException", 400, Conflict;
    /// The key is disabled.
    Disabled = "DisabledException", 400, Conflict;
    /// The request would have succeeded.
    DryRun = "DryRunOperationException", 400, Conflict;
    /// The ciphertext was made under another key than the one named.
    IncorrectKey = "IncorrectKeyException", 400, Invalid;
    /// An alias that cannot be.
    InvalidAliasName = "InvalidAliasNameException", 400, Invalid;
    /// An ARN that cannot be, or names no principal.
    InvalidArn = "InvalidArnException", 400, Invalid;
    /// The ciphertext was changed, or the encryption context is another one.
    InvalidCiphertext = "InvalidCiphertextException", 400, Invalid;
    /// A grant id that cannot be.
    InvalidGrantId = "InvalidGrantIdException", 400, Invalid;
    /// A grant token that cannot be.
    InvalidGrantToken = "InvalidGrantTokenException", 400, Invalid;
    /// The key is for something else.
    InvalidKeyUsage = "InvalidKeyUsageException", 400, Invalid;
    /// A marker that no listing gave.
    InvalidMarker = "InvalidMarkerException", 400, Invalid;
    /// The key's state forbids it.
    InvalidState = "KMSInvalidStateException", 400, Conflict;
    /// A quota is reached.
    LimitExceeded = "LimitExceededException", 400, Conflict;
    /// A policy that cannot be, or that would lock everyone out.
    MalformedPolicyDocument = "MalformedPolicyDocumentException", 400, Invalid;
    /// The name is reserved.
    NotAuthorized = "NotAuthorizedException", 400, Denied;
    /// There is no such key, alias, grant or policy.
    NotFound = "NotFoundException", 400, NotFound;
    /// A tag that cannot be.
    Tag = "TagException", 400, Invalid;
    /// The key cannot do this.
    UnsupportedOperation = "UnsupportedOperationException", 400, Invalid;
    /// A parameter that cannot be.
    Validation = "ValidationException", 400, Invalid;
    /// The caller is not known.
    Unauthenticated = "UnrecognizedClientException", 400, Unauthenticated;
    /// Too much at once.
    Throttling = "ThrottlingException", 400, Throttled;
    /// Known and not built.
    NotImplemented = "NotImplementedException", 501, NotImplemented;
    /// Something that is needed did not answer in time.
    DependencyTimeout = "DependencyTimeoutException", 503, Timeout;
    /// The database is not reachable.
    Unavailable = "KeyUnavailableException", 500, Unavailable;
    /// Something that is stored is damaged.
    Damaged = "KMSInternalException", 500, Damaged;
    /// A fault of ours.
    Internal = "InternalFailure", 500, Internal;
}

impl Error {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, error: base::Error::new(code.kind(), message) }
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.error = self.error.with_hint(hint);
        self
    }

    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::new(Code::Validation, message)
    }
}

impl From<base::Error> for Error {
    fn from(error: base::Error) -> Self {
        let code = match error.kind {
            ErrorKind::NotFound => Code::NotFound,
            ErrorKind::AlreadyExists => Code::AlreadyExists,
            ErrorKind::Invalid => Code::Validation,
            ErrorKind::Denied => Code::AccessDenied,
            ErrorKind::Unauthenticated => Code::Unauthenticated,
            ErrorKind::Conflict => Code::InvalidState,
            ErrorKind::Throttled => Code::Throttling,
            ErrorKind::Unavailable => Code::Unavailable,
            ErrorKind::Timeout => Code::DependencyTimeout,
            ErrorKind::Damaged => Code::Damaged,
            ErrorKind::NotImplemented => Code::NotImplemented,
            ErrorKind::Internal => Code::Internal,
        };
        Self { code, error }
    }
}

impl From<Error> for base::Error {
    fn from(error: Error) -> Self {
        error.error
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?}", self.code.as_str(), self.error)
    }
}

impl std::error::Error for Error {}
