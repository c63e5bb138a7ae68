//! What can be wrong with a signature, and how each service spells it.

use crate::errors::WireError;
use crate::schema::{Protocol, Service};

/// A request that is not, or not rightly, signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// There is no signature.
    #[error("Missing Authentication Token")]
    Missing,
    /// Parts of the signature's description are missing or unreadable.
    #[error("{0}")]
    Incomplete(String),
    /// The day of the credential scope is not that of the request.
    #[error(
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{scope}' != '{date}'."
    )]
    ScopeDate {
        /// The day in the scope.
        scope: String,
        /// The day of the request.
        date: String,
    },
    /// The clock of the signer is behind, or the request was kept.
    #[error("Signature expired: {0}")]
    Expired(String),
    /// The clock of the signer is ahead.
    #[error("Signature not yet current: {0}")]
    NotYetCurrent(String),
    /// The validity of a presigned request is over.
    #[error("Request has expired")]
    PresignExpired,
    /// A header that must be signed is not, or a signed header is not there.
    #[error("{0}")]
    Headers(String),
    /// The body is not the one that was signed.
    #[error("The provided 'x-amz-content-sha256' header does not match what was computed.")]
    Payload,
    /// An unsigned or streamed payload where the service takes none.
    #[error("The value of 'x-amz-content-sha256' is not valid for this service.")]
    PayloadKind,
    /// The signature is wrong.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and \
         signing method. Consult the service documentation for details."
    )]
    Mismatch,
    /// No key has this id, or the key is inactive.
    #[error("The security token included in the request is invalid.")]
    UnknownKey,
    /// The session token does not belong to the key.
    #[error("The security token included in the request is invalid.")]
    InvalidToken,
    /// The session is over.
    #[error("The security token included in the request is expired")]
    ExpiredToken,
}

impl SignatureError {
    /// The answer, spelt as `service` spells it.
    #[must_use]
    pub fn to_wire(&self, service: &Service) -> WireError {
        let (status, code) = match service.protocol {
            Protocol::RestXml => self.s3(),
            Protocol::Query => self.query(),
            _ => self.json(),
        };
        let message = match (self, code) {
            (Self::UnknownKey, "InvalidAccessKeyId") => {
                "The AWS Access Key Id you provided does not exist in our records.".to_owned()
            }
            (Self::Expired(_) | Self::NotYetCurrent(_), "RequestTimeTooSkewed") => {
                "The difference between the request time and the current time is too large.".to_owned()
            }
            (Self::InvalidToken, "InvalidToken") => "The provided token is malformed or otherwise invalid.".to_owned(),
            (Self::ExpiredToken, "ExpiredToken") if service.protocol == Protocol::RestXml => {
                "The provided token has expired.".to_owned()
            }
            (Self::Missing, "AccessDenied") => "Access Denied".to_owned(),
            _ => self.to_string(),
        };
        WireError::with_status(status, code, message)
    }

    fn json(&self) -> (u16, &'static str) {
        match self {
            Self::Missing => (403, "MissingAuthenticationTokenException"),
            Self::Incomplete(_) => (403, "IncompleteSignatureException"),
            Self::UnknownKey | Self::InvalidToken => (403, "UnrecognizedClientException"),
            Self::ExpiredToken => (403, "ExpiredTokenException"),
            _ => (403, "InvalidSignatureException"),
        }
    }

    fn query(&self) -> (u16, &'static str) {
        match self {
            Self::Missing => (403, "MissingAuthenticationToken"),
            Self::Incomplete(_) => (400, "IncompleteSignature"),
            Self::UnknownKey | Self::InvalidToken => (403, "InvalidClientTokenId"),
            Self::ExpiredToken => (403, "ExpiredToken"),
            _ => (403, "SignatureDoesNotMatch"),
        }
    }

    fn s3(&self) -> (u16, &'static str) {
        match self {
            Self::Missing | Self::PresignExpired | Self::Headers(_) => (403, "AccessDenied"),
            Self::Incomplete(_) | Self::ScopeDate { .. } => (400, "AuthorizationHeaderMalformed"),
            Self::Expired(_) | Self::NotYetCurrent(_) => (403, "RequestTimeTooSkewed"),
            Self::Payload => (400, "XAmzContentSHA256Mismatch"),
            Self::PayloadKind => (400, "InvalidRequest"),
            Self::Mismatch => (403, "SignatureDoesNotMatch"),
            Self::UnknownKey => (403, "InvalidAccessKeyId"),
            Self::InvalidToken => (400, "InvalidToken"),
            Self::ExpiredToken => (400, "ExpiredToken"),
        }
    }
}
