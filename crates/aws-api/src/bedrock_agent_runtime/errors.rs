//! What `bedrock-agent-runtime` calls each kind of error.

use aws_wire::WireError;
use aws_wire::generated::bedrock_agent_runtime::SERVICE;
use base::{Error, ErrorKind};

/// The service's exception for `error`.
pub(crate) fn wire(error: &Error) -> WireError {
    let (status, code) = match error.kind {
        ErrorKind::NotFound => (404, "ResourceNotFoundException"),
        ErrorKind::Invalid => (400, "ValidationException"),
        ErrorKind::AlreadyExists | ErrorKind::Conflict => (409, "ConflictException"),
        ErrorKind::Denied => (403, "AccessDeniedException"),
        ErrorKind::Unauthenticated => (403, "UnrecognizedClientException"),
        ErrorKind::Throttled => (429, "ThrottlingException"),
        // What the service works with does not: a model, an index, a key.
        ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Damaged => (424, "DependencyFailedException"),
        ErrorKind::NotImplemented => (501, "NotImplementedException"),
        ErrorKind::Internal => (500, "InternalServerException"),
    };
    debug_assert!(SERVICE.error(code).is_none_or(|known| known.status == status), "{code} has another status");
    WireError::with_status(status, code, error.public_text())
}

/// The exception that ends an event stream, by the name of its member.
pub(super) fn in_stream(error: &Error) -> (&'static str, String) {
    let code = match error.kind {
        ErrorKind::NotFound => "resourceNotFoundException",
        ErrorKind::Invalid | ErrorKind::NotImplemented => "validationException",
        ErrorKind::AlreadyExists | ErrorKind::Conflict => "conflictException",
        ErrorKind::Denied | ErrorKind::Unauthenticated => "accessDeniedException",
        ErrorKind::Throttled => "throttlingException",
        ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Damaged => "dependencyFailedException",
        ErrorKind::Internal => "internalServerException",
    };
    (code, error.public_text())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_an_exception_here_and_in_streams() {
        for kind in ErrorKind::ALL {
            let error = Error::new(kind, "It failed.");
            assert!(wire(&error).code.ends_with("Exception"));
            assert!(in_stream(&error).0.ends_with("Exception"));
        }
        assert_eq!(wire(&Error::conflict("x")).status, 409);
        assert_eq!(wire(&Error::unavailable("x")).code, "DependencyFailedException");
    }
}
