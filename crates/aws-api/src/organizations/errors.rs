//! What AWS Organizations calls each kind of error.

use aws_wire::WireError;
use base::{Error, ErrorKind};
use http::HeaderValue;
use identity::organizations::Refusal;

use crate::errors::{Failure, HINT};

/// What AWS Organizations says of a value that cannot be.
const INVALID_VALUE: &str = "You specified an invalid value.";
/// And of the id of nothing that has tags.
const WRONG_PATTERN: &str = "You provided a value that does not match the required pattern.";

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

/// This service's exception for a request that breaks the model: for one value that cannot be in its own few words, with
/// what is wrong beside them.
pub(super) fn input(error: WireError) -> WireError {
    let detail = error.message;
    let single = detail.starts_with("1 validation error");
    let (message, reason) = match () {
        () if single && detail.contains("enum value set") => (INVALID_VALUE, Some("INVALID_ENUM")),
        () if single && detail.contains("'resourceId'") && detail.contains("regular expression") => {
            (WRONG_PATTERN, Some("INVALID_PATTERN"))
        }
        () if single && detail.contains("regular expression") => (INVALID_VALUE, Some("INVALID_PATTERN")),
        () => (detail.as_str(), None),
    };
    let mut input = WireError::with_status(400, "InvalidInputException", message);
    if let Some(reason) = reason {
        input.members.push(("Reason", reason.into()));
        input.headers.extend(HeaderValue::from_bytes(detail.as_bytes()).ok().map(|detail| (HINT, detail)));
    }
    input
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let Some(exception) = refusal.error.code else { return Self::Domain(refusal.error) };
        let mut error = WireError::with_status(400, exception, refusal.error.public_text());
        error.members.extend(refusal.reason.map(|reason| ("Reason", reason.into())));
        Self::Wire(error)
    }
}
