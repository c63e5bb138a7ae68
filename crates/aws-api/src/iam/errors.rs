//! What IAM calls each kind of error.

use aws_wire::WireError;
use base::{Error, ErrorKind};

/// The service's exception for `error`.
pub(crate) fn wire(error: &Error) -> WireError {
    let (status, code) = match error.kind {
        ErrorKind::NotFound => (404, "NoSuchEntity"),
        ErrorKind::AlreadyExists => (409, "EntityAlreadyExists"),
        ErrorKind::Conflict if error.message.starts_with("Cannot exceed quota") => (409, "LimitExceeded"),
        ErrorKind::Conflict => (409, "DeleteConflict"),
        ErrorKind::Invalid => (400, "ValidationError"),
        ErrorKind::Denied => (403, "AccessDenied"),
        ErrorKind::Unauthenticated => (403, "InvalidClientTokenId"),
        ErrorKind::Throttled => (400, "Throttling"),
        ErrorKind::Unavailable | ErrorKind::Timeout => (503, "ServiceUnavailable"),
        ErrorKind::NotImplemented => (501, "NotImplemented"),
        ErrorKind::Internal | ErrorKind::Damaged => (500, "ServiceFailure"),
    };
    WireError::with_status(status, code, error.public_text())
}
