//! Secrets Manager's exceptions.

use aws_wire::WireError;
use base::Error;
use identity::secrets;

use crate::errors::Failure;

/// The service's exception for `error`.
pub(crate) fn wire(error: &Error) -> WireError {
    refusal(&error.clone().into())
}

fn refusal(refusal: &secrets::Error) -> WireError {
    WireError::with_status(refusal.code.status(), refusal.code.as_str(), refusal.error.public_text())
}

impl From<secrets::Error> for Failure {
    /// A fault of ours stays a domain error, so that its detail is logged.
    fn from(error: secrets::Error) -> Self {
        match error.error.detail {
            Some(_) => Self::Domain(error.error),
            None => Self::Wire(refusal(&error)),
        }
    }
}
