//! What `sagemaker` calls each kind of error.

use aws_wire::WireError;
use base::{Error, ErrorKind};

/// The service's exception for `error`. Of what is not there it speaks as of any other bad request, unless the domain says
/// otherwise.
pub(crate) fn wire(error: &Error) -> WireError {
    let (status, code) = match (error.kind, error.code) {
        (ErrorKind::Internal | ErrorKind::Damaged, _) => (500, "InternalFailure"),
        (ErrorKind::Unavailable | ErrorKind::Timeout, _) => (503, "ServiceUnavailable"),
        (ErrorKind::NotImplemented, _) => (501, "NotImplementedException"),
        (ErrorKind::Denied, _) => (400, "AccessDeniedException"),
        (ErrorKind::Unauthenticated, _) => (400, "UnrecognizedClientException"),
        (ErrorKind::Throttled, _) => (400, "ThrottlingException"),
        (_, Some(code)) => (400, code),
        (ErrorKind::NotFound | ErrorKind::Invalid | ErrorKind::AlreadyExists | ErrorKind::Conflict, None) => {
            (400, "ValidationException")
        }
    };
    WireError::with_status(status, code, error.public_text())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_a_validation_exception_unless_it_has_a_code() {
        let missing = wire(&Error::not_found("Could not find endpoint \"arn\"."));
        assert_eq!((missing.status, missing.code.as_str()), (400, "ValidationException"));
        let coded = wire(&Error::not_found("x").with_code("ResourceNotFound"));
        assert_eq!((coded.status, coded.code.as_str()), (400, "ResourceNotFound"));
        assert_eq!(wire(&Error::not_implemented("x")).status, 501);
    }
}
