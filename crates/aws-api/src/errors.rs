//! From errors to the wire: each service's own mapping is in its `errors.rs`.

use aws_wire::{Service, Violation, WireError};
use base::Error;
use http::{HeaderName, HeaderValue};

use crate::{
    bedrock, bedrock_agent, bedrock_agent_runtime, bedrock_runtime, cloudtrail, iam, kms, organizations, s3, sagemaker,
    sagemaker_runtime, secretsmanager, sts,
};

/// Where a hint stands when the message is AWS's to the letter, which programs compare.
pub(crate) const HINT: HeaderName = HeaderName::from_static("x-craton-hint");

/// An exception whose message stays as AWS words it: the hint stands in a header.
pub(crate) fn verbatim(status: u16, code: &str, error: &Error) -> WireError {
    let mut wire = WireError::with_status(status, code, error.message.as_str());
    let hint = error.hint.as_deref().and_then(|hint| HeaderValue::from_bytes(hint.as_bytes()).ok());
    wire.headers.extend(hint.map(|hint| (HINT, hint)));
    wire
}

/// Why a request has no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The domain refused or failed.
    Domain(Error),
    /// The wire layer knows the exception already.
    Wire(WireError),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Domain(error)
    }
}

impl From<WireError> for Failure {
    fn from(error: WireError) -> Self {
        Self::Wire(error)
    }
}

impl From<Violation> for Failure {
    fn from(violation: Violation) -> Self {
        Self::Wire(violation.to_wire())
    }
}

/// In how many seconds the request may be sent again: of one that was throttled at least 1, of another what is known.
pub(crate) fn retry_after(failure: &Failure) -> Option<u32> {
    match failure {
        Failure::Domain(error) if error.kind == base::ErrorKind::Throttled => {
            Some(error.retry_after_seconds().unwrap_or(1))
        }
        Failure::Domain(error) => error.retry_after_seconds(),
        Failure::Wire(_) => None,
    }
}

/// Logs what the caller is not told.
pub(crate) fn log(error: &Error) {
    match (&error.kind, &error.detail) {
        (base::ErrorKind::Internal, _) => tracing::error!(?error, "a request failed"),
        (_, Some(_)) => tracing::warn!(?error, "a request was refused"),
        _ => {}
    }
}

impl Failure {
    /// The exception of `service`.
    pub(crate) fn into_wire(self, service: &Service) -> WireError {
        match self {
            Self::Wire(error) => error,
            Self::Domain(error) => match service.id {
                "sts" => sts::errors::wire(&error),
                "iam" => iam::errors::wire(&error),
                "cloudtrail" => cloudtrail::errors::wire(&error),
                "kms" => kms::errors::wire(&error),
                "secretsmanager" => secretsmanager::errors::wire(&error),
                "s3" => s3::errors::wire(&error),
                "organizations" => organizations::errors::wire(&error),
                "bedrock-runtime" => bedrock_runtime::errors::wire(&error),
                "bedrock-agent" => bedrock_agent::errors::wire(&error),
                "bedrock-agent-runtime" => bedrock_agent_runtime::errors::wire(&error),
                "sagemaker" => sagemaker::errors::wire(&error),
                "sagemaker-runtime" => sagemaker_runtime::errors::wire(&error),
                // Services that are known and not served speak of their errors as Bedrock does.
                _ => bedrock::errors::wire(&error),
            },
        }
    }

    /// The failure as a domain error, for surfaces without AWS's exceptions.
    pub(crate) fn into_domain(self) -> Error {
        match self {
            Self::Domain(error) => error,
            Self::Wire(error) => Error::invalid(error.message),
        }
    }
}
