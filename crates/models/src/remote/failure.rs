//! Why an upstream did not answer, and whether another one might.

use std::time::Duration;

use base::Error;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};

/// A request that was not answered.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: Error,
    pub(crate) fault: Fault,
    /// The error without the upstream's own words, which may repeat what the request said.
    pub(crate) public: String,
}

/// Whose fault it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The request's: any other upstream would refuse it too.
    Request,
    /// The upstream's: another one may answer.
    Member,
    /// The upstream has too much to do; when to come again, where it says so.
    Busy(Option<Duration>),
}

impl Failure {
    /// The upstream's fault, told without words of its own.
    pub(crate) fn member(error: Error) -> Self {
        Self { public: error.message.clone(), error, fault: Fault::Member }
    }

    /// The request's fault.
    pub(crate) fn request(error: Error) -> Self {
        Self { public: error.message.clone(), error, fault: Fault::Request }
    }

    /// The fault of an upstream whose answer ended with this error before it had begun.
    pub(crate) fn before_its_first_token(error: Error, upstream: Option<&str>) -> Self {
        let public = format!("The upstream `{}` failed before its first token.", upstream.unwrap_or_default());
        Self { error, fault: Fault::Member, public }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

impl Fault {
    /// That of an answer that is no success. A key or a model's name that is wrong is the upstream's: another has its own.
    pub(super) fn of(status: StatusCode, after: Option<Duration>) -> Self {
        match status.as_u16() {
            429 => Self::Busy(after),
            401 | 403 | 404 | 408 => Self::Member,
            501 => Self::Request,
            _ if status.is_server_error() => Self::Member,
            _ => Self::Request,
        }
    }
}

/// When to come again, where it is said in seconds.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}
