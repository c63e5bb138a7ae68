//! KMS's exceptions.

use aws_wire::WireError;
use base::Error;
use identity::kms::{self, Code};

use crate::errors::{Failure, verbatim};

/// The service's exception for `error`.
pub(crate) fn wire(error: &Error) -> WireError {
    refusal(&error.clone().into())
}

fn refusal(refusal: &kms::Error) -> WireError {
    match refusal.code {
        // Programs compare these messages with AWS's.
        Code::Validation | Code::NotAuthorized | Code::NotFound => {
            verbatim(refusal.code.status(), refusal.code.as_str(), &refusal.error)
        }
        code => WireError::with_status(code.status(), code.as_str(), refusal.error.public_text()),
    }
}

impl From<kms::Error> for Failure {
    /// A fault of ours stays a domain error, so that its detail is logged.
    fn from(error: kms::Error) -> Self {
        match error.error.detail {
            Some(_) => Self::Domain(error.error),
            None => Self::Wire(refusal(&error)),
        }
    }
}
