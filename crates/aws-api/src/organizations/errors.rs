//! What AWS Organizations calls each kind of error.

use aws_wire::WireError;
use base::{Error, ErrorKind};
use identity::organizations::Refusal;

use crate::errors::Failure;

/// The service's exception for `error`.
pub(crate) fn wire(error: &Error) -> WireError {
    let (status, code) = match error.kind {
        ErrorKind::Invalid => (400, "InvalidInputException"),
        ErrorKind::NotFound => (400, "TargetNotFoundException"),
        ErrorKind::AlreadyExists | ErrorKind::Conflict => (400, "ConflictException"),
        ErrorKind::Denied => (400, "AccessDeniedException"),
        ErrorKind::Unauthenticated => (403, "UnrecognizedClientException"),
        ErrorKind::Throttled => (400, "TooManyRequestsException"),
        ErrorKind::Unavailable | ErrorKind::Timeout => (503, "ServiceUnavailable"),
        ErrorKind::NotImplemented => (501, "NotImplementedException"),
        ErrorKind::Internal | ErrorKind::Damaged => (500, "ServiceException"),
    };
    WireError::with_status(status, code, error.public_text())
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let Some(exception) = refusal.error.code else { return Self::Domain(refusal.error) };
        let mut error = WireError::with_status(400, exception, refusal.error.public_text());
        error.members.extend(refusal.reason.map(|reason| ("Reason", reason.to_owned())));
        Self::Wire(error)
    }
}
