//! What `bedrock-runtime` calls each kind of error.

use aws_wire::WireError;
use aws_wire::generated::bedrock_runtime::SERVICE;
use base::{Error, ErrorKind};

/// The service's exception for `error`.
pub(crate) fn wire(error: &Error) -> WireError {
    let (status, code) = match error.kind {
        ErrorKind::NotFound => (404, "ResourceNotFoundException"),
        ErrorKind::Invalid => (400, "ValidationException"),
        ErrorKind::AlreadyExists | ErrorKind::Conflict => (400, "ConflictException"),
        ErrorKind::Denied => (403, "AccessDeniedException"),
        ErrorKind::Unauthenticated => (403, "UnrecognizedClientException"),
        ErrorKind::Throttled if error.message == models::NOT_READY => (429, "ModelNotReadyException"),
        ErrorKind::Throttled => (429, "ThrottlingException"),
        ErrorKind::Unavailable => (503, "ServiceUnavailableException"),
        ErrorKind::Timeout => (408, "ModelTimeoutException"),
        // Unlike the service's other errors of a model, clients do not send the request again after this one.
        ErrorKind::Damaged => (424, "ModelErrorException"),
        ErrorKind::NotImplemented => (501, "NotImplementedException"),
        ErrorKind::Internal => (500, "InternalServerException"),
    };
    debug_assert!(SERVICE.error(code).is_none_or(|known| known.status == status), "{code} has another status");
    WireError::with_status(status, code, error.public_text())
}

/// Which exceptions an operation's event stream has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exceptions {
    /// `ConverseStream`'s, which know no timeout.
    Converse,
    /// `InvokeModelWithResponseStream`'s.
    InvokeModel,
}

/// The exception that ends an event stream, with the name of its member: the stream's own exceptions are fewer than the
/// service's.
pub(super) fn in_stream(error: &Error, exceptions: Exceptions) -> (&'static str, String) {
    let code = match (error.kind, exceptions) {
        (ErrorKind::Invalid | ErrorKind::NotFound | ErrorKind::NotImplemented, _) => "validationException",
        (ErrorKind::Throttled, _) => "throttlingException",
        (ErrorKind::Unavailable, _) => "serviceUnavailableException",
        (ErrorKind::Timeout, Exceptions::InvokeModel) => "modelTimeoutException",
        (ErrorKind::Timeout | ErrorKind::Damaged, _) => "modelStreamErrorException",
        _ => "internalServerException",
    };
    (code, error.public_text())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_is_not_ready_has_its_own_exception() {
        let code = |message: &str| wire(&Error::throttled(message)).code;
        assert_eq!(code(models::NOT_READY), "ModelNotReadyException");
        assert_eq!(code("Too many requests, please wait before trying again."), "ThrottlingException");
    }
}
