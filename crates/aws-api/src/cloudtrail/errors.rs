//! What CloudTrail calls each kind of error.

use aws_wire::WireError;
use base::{Error, ErrorKind};

/// The service's exception for `error`.
pub(crate) fn wire(error: &Error) -> WireError {
    let (status, code) = match (error.kind, error.code) {
        (ErrorKind::Invalid, Some(code)) => (400, code),
        (ErrorKind::Denied, _) => (400, "AccessDeniedException"),
        (ErrorKind::Unauthenticated, _) => (400, "UnrecognizedClientException"),
        (ErrorKind::Throttled, _) => (400, "ThrottlingException"),
        (ErrorKind::Unavailable | ErrorKind::Timeout, _) => (503, "ServiceUnavailable"),
        (ErrorKind::NotImplemented, _) => (501, "NotImplemented"),
        (ErrorKind::Internal | ErrorKind::Damaged, _) => (500, "InternalFailure"),
        _ => (400, "InvalidParameterCombinationException"),
    };
    WireError::with_status(status, code, error.public_text())
}
