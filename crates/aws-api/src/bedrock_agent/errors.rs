//! What `bedrock-agent` and `bedrock-agent-runtime` call each kind of error.

use aws_wire::WireError;
use base::{Error, ErrorKind};

/// The service's exception for `error`. Conflicts are status 409 here.
pub(crate) fn wire(error: &Error) -> WireError {
    let (status, code) = match error.kind {
        ErrorKind::NotFound => (404, "ResourceNotFoundException"),
        ErrorKind::Invalid => (400, "ValidationException"),
        ErrorKind::AlreadyExists | ErrorKind::Conflict => (409, "ConflictException"),
        ErrorKind::Denied => (403, "AccessDeniedException"),
        ErrorKind::Unauthenticated => (403, "UnrecognizedClientException"),
        ErrorKind::Throttled => (429, "ThrottlingException"),
        ErrorKind::Unavailable | ErrorKind::Timeout => (503, "ServiceUnavailableException"),
        ErrorKind::NotImplemented => (501, "NotImplementedException"),
        ErrorKind::Internal | ErrorKind::Damaged => (500, "InternalServerException"),
    };
    WireError::with_status(status, code, error.public_text())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conflicts_are_409() {
        let conflict = wire(&Error::conflict("x"));
        assert_eq!((conflict.status, conflict.code.as_str()), (409, "ConflictException"));
        assert_eq!(wire(&Error::not_implemented("x")).status, 501);
    }
}
