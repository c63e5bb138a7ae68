//! What IAM calls each kind of error.

use aws_wire::WireError;
use base::{Error, ErrorKind};

/// The service's exception for `error`.
pub(crate) fn wire(error: &Error) -> WireError {
    let (status, code) = match (error.kind, error.code) {
        (ErrorKind::Invalid, Some(code)) => (400, code),
        (ErrorKind::Conflict, Some(code @ ("UnmodifiableEntity" | "PolicyNotAttachable"))) => (400, code),
        (ErrorKind::Conflict | ErrorKind::AlreadyExists, Some(code)) => (409, code),
        (ErrorKind::NotFound, _) => (404, "NoSuchEntity"),
        (ErrorKind::AlreadyExists, None) => (409, "EntityAlreadyExists"),
        (ErrorKind::Conflict, None) => (409, "DeleteConflict"),
        (ErrorKind::Invalid, None) => (400, "ValidationError"),
        (ErrorKind::Denied, _) => (403, "AccessDenied"),
        (ErrorKind::Unauthenticated, _) => (403, "InvalidClientTokenId"),
        (ErrorKind::Throttled, _) => (400, "Throttling"),
        (ErrorKind::Unavailable | ErrorKind::Timeout, _) => (503, "ServiceUnavailable"),
        (ErrorKind::NotImplemented, _) => (501, "NotImplemented"),
        (ErrorKind::Internal | ErrorKind::Damaged, _) => (500, "ServiceFailure"),
    };
    WireError::with_status(status, code, error.public_text())
}
