//! What STS calls each kind of error.

use aws_wire::WireError;
use base::{Error, ErrorKind};

/// The service's exception for `error`.
pub(crate) fn wire(error: &Error) -> WireError {
    let (status, code) = match error.kind {
        ErrorKind::Invalid | ErrorKind::NotFound | ErrorKind::AlreadyExists | ErrorKind::Conflict => {
            (400, "ValidationError")
        }
        ErrorKind::Denied => (403, "AccessDenied"),
        ErrorKind::Unauthenticated => (403, "InvalidClientTokenId"),
        ErrorKind::Throttled => (400, "Throttling"),
        ErrorKind::Unavailable | ErrorKind::Timeout => (503, "ServiceUnavailable"),
        ErrorKind::NotImplemented => (501, "NotImplemented"),
        ErrorKind::Internal | ErrorKind::Damaged => (500, "InternalFailure"),
    };
    WireError::with_status(status, error.code.unwrap_or(code), error.public_text())
}
