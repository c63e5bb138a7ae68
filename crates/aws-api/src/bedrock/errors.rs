//! What `bedrock` calls each kind of error.

use aws_wire::WireError;
use base::{Error, ErrorKind};

/// The one code of a request that is wrong which the domain tells apart.
const TOO_MANY_TAGS: &str = "TooManyTagsException";

/// The service's exception for `error`. Conflicts are status 400 here.
pub(crate) fn wire(error: &Error) -> WireError {
    let (status, code) = match error.kind {
        ErrorKind::Invalid if error.code == Some(TOO_MANY_TAGS) => (400, TOO_MANY_TAGS),
        ErrorKind::NotFound => (404, "ResourceNotFoundException"),
        ErrorKind::Invalid => (400, "ValidationException"),
        ErrorKind::AlreadyExists | ErrorKind::Conflict => (400, "ConflictException"),
        ErrorKind::Denied => (403, "AccessDeniedException"),
        ErrorKind::Unauthenticated => (403, "UnrecognizedClientException"),
        ErrorKind::Throttled => (429, "ThrottlingException"),
        ErrorKind::Unavailable | ErrorKind::Timeout => (503, "ServiceUnavailableException"),
        ErrorKind::NotImplemented => (501, "NotImplementedException"),
        ErrorKind::Internal | ErrorKind::Damaged => (500, "InternalServerException"),
    };
    WireError::with_status(status, code, error.public_text())
}
