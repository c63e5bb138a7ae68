//! What Secrets Manager refuses, by AWS's codes (Secrets Manager API Reference, the operations' errors).

use crate::codes::exceptions;
use crate::kms;

exceptions! {
    service: "Secrets Manager",
    codes: {
    /// The caller may not, here or in KMS.
    AccessDenied = "AccessDeniedException", 400, Denied;
    /// KMS does not decrypt the value.
    DecryptionFailure = "DecryptionFailure", 400, Conflict;
    /// KMS does not encrypt the value.
    EncryptionFailure = "EncryptionFailure", 400, Conflict;
    /// A token that no listing gave.
    InvalidNextToken = "InvalidNextTokenException", 400, Invalid;
    /// A parameter that cannot be.
    InvalidParameter = "InvalidParameterException", 400, Invalid;
    /// The secret's state forbids it.
    InvalidRequest = "InvalidRequestException", 400, Conflict;
    /// A quota is reached.
    LimitExceeded = "LimitExceededException", 400, Conflict;
    /// A policy that cannot be.
    MalformedPolicyDocument = "MalformedPolicyDocumentException", 400, Invalid;
    /// The policy opens the secret to everyone.
    PublicPolicy = "PublicPolicyException", 400, Invalid;
    /// There is one of that name, or of that version with another value.
    ResourceExists = "ResourceExistsException", 400, AlreadyExists;
    /// There is no such secret or version.
    ResourceNotFound = "ResourceNotFoundException", 400, NotFound;
    /// A parameter that cannot be.
    Validation = "ValidationException", 400, Invalid;
    /// The caller is not known.
    Unauthenticated = "UnrecognizedClientException", 400, Unauthenticated;
    /// Too much at once.
    Throttling = "ThrottlingException", 400, Throttled;
    /// Known and not built.
    NotImplemented = "NotImplementedException", 501, NotImplemented;
    /// Something that is needed did not answer in time.
    Timeout = "ServiceUnavailable", 503, Timeout;
    /// The database is not reachable.
    Unavailable = "ServiceUnavailable", 503, Unavailable;
    /// Something that is stored is damaged.
    Damaged = "InternalServiceError", 500, Damaged;
    /// A fault of ours.
    Internal = "InternalServiceError", 500, Internal;
    },
    kinds: {
    NotFound => ResourceNotFound,
    AlreadyExists => ResourceExists,
    Invalid => InvalidParameter,
    Denied => AccessDenied,
    Unauthenticated => Unauthenticated,
    Conflict => InvalidRequest,
    Throttled => Throttling,
    Unavailable => Unavailable,
    Timeout => Timeout,
    Damaged => Damaged,
    NotImplemented => NotImplemented,
    Internal => Internal,
    },
}

/// What KMS refused while a value was encrypted.
pub(super) fn not_encrypted(error: kms::Error) -> Error {
    of_kms(
        error,
        Code::EncryptionFailure,
        "Secrets Manager can't encrypt the protected secret text using the provided KMS key. Check that the KMS key is \
         available, enabled, and not in an invalid state.",
    )
}

/// What KMS refused while a value was decrypted.
pub(super) fn not_decrypted(error: kms::Error) -> Error {
    let message = "Secrets Manager can't decrypt the protected secret text using the provided KMS key.";
    of_kms(error, Code::DecryptionFailure, message)
}

fn of_kms(error: kms::Error, code: Code, message: &str) -> Error {
    use kms::Code as Kms;
    match error.code {
        Kms::AccessDenied => {
            Error::new(Code::AccessDenied, "Access to KMS is not allowed.").with_hint(error.error.message)
        }
        Kms::Internal | Kms::Damaged | Kms::Unavailable | Kms::Throttling | Kms::DependencyTimeout => {
            error.error.into()
        }
        _ => Error::new(code, message).with_hint(error.error.message),
    }
}
