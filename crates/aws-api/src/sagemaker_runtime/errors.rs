//! What `sagemaker-runtime` calls each kind of error, and what it says of a model's.

use aws_wire::WireError;
use base::{Error, ErrorKind};
use identity::Ctx;

use crate::errors::Failure;
use crate::openai;

/// The service's exception for `error`.
pub(crate) fn wire(error: &Error) -> WireError {
    let (status, code) = match error.kind {
        ErrorKind::NotFound | ErrorKind::Invalid | ErrorKind::AlreadyExists | ErrorKind::Conflict => {
            (400, "ValidationError")
        }
        ErrorKind::Denied => (403, "AccessDeniedException"),
        ErrorKind::Unauthenticated => (403, "UnrecognizedClientException"),
        ErrorKind::Throttled if error.message == models::NOT_READY => (429, "ModelNotReadyException"),
        ErrorKind::Throttled => (429, "ThrottlingException"),
        ErrorKind::Unavailable | ErrorKind::Timeout => (503, "ServiceUnavailable"),
        ErrorKind::NotImplemented => (501, "NotImplementedException"),
        ErrorKind::Internal | ErrorKind::Damaged => (500, "InternalFailure"),
    };
    WireError::with_status(status, code, error.public_text())
}

/// An error of the model, or of the body that it was sent, as that of the container that would have answered. Whether the
/// request may be sent again is the service's own to say.
pub(super) fn of_model(ctx: &Ctx, variant: &str, error: Error) -> Failure {
    let status = match error.kind {
        ErrorKind::Invalid => 400,
        ErrorKind::NotImplemented => 501,
        ErrorKind::Timeout => 504,
        ErrorKind::Damaged | ErrorKind::Internal => 500,
        _ => return Failure::Domain(error),
    };
    crate::errors::log(&error);
    let said = openai::errors::body(&error).to_string();
    let whose = if status < 500 { "client" } else { "server" };
    let message = format!(
        "Received {whose} error ({status}) from {variant} with message \"{said}\". The requests of account {} are in `craton requests`.",
        ctx.account()
    );
    let mut wire = WireError::with_status(424, "ModelError", message);
    wire.members = vec![("OriginalStatusCode", status.into()), ("OriginalMessage", said.into())];
    Failure::Wire(wire)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_the_codes_of_the_runtime() {
        let code = |error: Error| wire(&error).code;
        assert_eq!(code(Error::not_found("Endpoint x of account 1 not found.")), "ValidationError");
        assert_eq!(code(Error::throttled(models::NOT_READY)), "ModelNotReadyException");
        assert_eq!(code(Error::throttled("Too many")), "ThrottlingException");
        assert_eq!(code(Error::unavailable("x")), "ServiceUnavailable");
    }
}
