//! What KMS refuses, by AWS's codes (KMS API Reference, "Common Errors" and the operations' own).

use crate::codes::exceptions;

exceptions! {
    service: "KMS",
    codes: {
    /// The caller may not.
    AccessDenied = "AccessDeniedException", 400, Denied;
    /// An alias of that name exists.
    AlreadyExists = "AlreadyExistsException", 400, AlreadyExists;
    /// Another change is not finished.
    Conflict = "ConflictException", 400, Conflict;
    /// The key is disabled.
    Disabled = "DisabledException", 400, Conflict;
    /// The request would have succeeded.
    DryRun = "DryRunOperationException", 412, Conflict;
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
    },
    kinds: {
    NotFound => NotFound,
    AlreadyExists => AlreadyExists,
    Invalid => Validation,
    Denied => AccessDenied,
    Unauthenticated => Unauthenticated,
    Conflict => InvalidState,
    Throttled => Throttling,
    Unavailable => Unavailable,
    Timeout => DependencyTimeout,
    Damaged => Damaged,
    NotImplemented => NotImplemented,
    Internal => Internal,
    },
}

impl Error {
    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::new(Code::Validation, message)
    }
}
