//! What IAM calls each kind of error.

use aws_wire::WireError;
use base::{Error, ErrorKind};

use crate::errors::verbatim;

/// The service's exception for `error`.
pub(crate) fn wire(error: &Error) -> WireError {
    let (status, code) = match (error.kind, error.code) {
        (ErrorKind::Invalid, Some(code)) => (400, code),
        (ErrorKind::Conflict, Some(code @ ("UnmodifiableEntity" | "PolicyNotAttachable"))) => (400, code),
        (ErrorKind::Conflict, Some("ReportNotPresent")) => (410, "ReportNotPresent"),
        (ErrorKind::Conflict | ErrorKind::AlreadyExists, Some(code)) => (409, code),
        (ErrorKind::NotFound, _) => (404, "NoSuchEntity"),
        (ErrorKind::AlreadyExists, None) => (409, "EntityAlreadyExists"),
        (ErrorKind::Conflict, None) => (409, "DeleteConflict"),
        (ErrorKind::Invalid, None) => (400, "ValidationError"),
        (ErrorKind::Denied, _) => (403, "AccessDenied"),
        (ErrorKind::Unauthenticated, _) => (403, "InvalidClientTokenId"),
        (ErrorKind::Throttled, _) => (400, "Throttling"),
        (ErrorKind::Unavailable | ErrorKind::Timeout, _) => (503, "ServiceUnavailable"),
        (ErrorKind::NotImplemented, _) => (501, "NotImplemented"),
        (ErrorKind::Internal | ErrorKind::Damaged, _) => (500, "ServiceFailure"),
    };
    match &error.hint {
        Some(_) if is_verbatim(error) => verbatim(status, code, error),
        _ => WireError::with_status(status, code, error.public_text()),
    }
}

/// Whether the message stays as AWS words it. Who names a principal that does not exist is told why in the message: it
/// is the mistake that is made most, and hardest to see.
fn is_verbatim(error: &Error) -> bool {
    error.code.is_some() && !error.message.starts_with("Invalid principal in policy")
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use crate::errors::HINT;

    #[test]
    fn hints_on_documents_stand_in_a_header_and_those_on_principals_in_the_message() {
        let malformed = |text: &str| Error::invalid(text).with_hint("Look here.").with_code("MalformedPolicyDocument");
        let error = wire(&malformed("Syntax errors in policy."));
        assert_eq!((error.code.as_str(), error.status), ("MalformedPolicyDocument", 400));
        assert_eq!(error.message, "Syntax errors in policy.");
        assert_eq!(error.headers, [(HINT, HeaderValue::from_static("Look here."))]);
        let error = wire(&malformed("Invalid principal in policy: \"AWS\":\"x\""));
        assert!(error.message.ends_with("\"x\" Look here.") && error.headers.is_empty());
        let unprintable = Error::invalid("m").with_hint("a\nb").with_code("InvalidInput");
        assert_eq!((wire(&unprintable).message.as_str(), wire(&unprintable).headers.len()), ("m", 0));
    }

    #[test]
    fn each_code_has_its_status() {
        let conflict = |code| Error::new(ErrorKind::Conflict, "m").with_code(code);
        for (code, status) in
            [("LimitExceeded", 409), ("DeleteConflict", 409), ("UnmodifiableEntity", 400), ("PolicyNotAttachable", 400)]
        {
            let error = wire(&conflict(code));
            assert_eq!((error.code.as_str(), error.status), (code, status));
        }
        assert_eq!(wire(&Error::not_found("m")).code, "NoSuchEntity");
        assert_eq!(wire(&Error::already_exists("m")).code, "EntityAlreadyExists");
        assert_eq!(wire(&Error::invalid("m")).code, "ValidationError");
    }
}
