//! AWS Signature Version 4: who signed a request, is the signature right, and signing for our own client.
//!
//! The server calls [`parse`], looks the key up, takes [`payload_hash`] of the body, then [`verify`].
//! Specification: AWS General Reference, "Create a signed AWS API request".

mod bearer;
mod canonical;
mod error;
mod parse;
mod sign;
mod time;
mod verify;

use base::Timestamp;

pub use bearer::{is_short_term_key, short_term_key};
pub use error::SignatureError;
pub use parse::{claimed_service, parse};
pub use sign::{Credentials, SigningRequest, presign, sign};
pub use verify::{payload_hash, verify};

pub(crate) const ALGORITHM: &str = "AWS4-HMAC-SHA256";
pub(crate) const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// What a signed request says of its signature. Nothing of it is proved before [`verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The key that is said to have signed.
    pub access_key_id: String,
    /// Credential scope: region.
    pub region: String,
    /// Credential scope: signing name of the service.
    pub service: String,
    /// When it was signed.
    pub date: Timestamp,
    /// Names of the signed headers, in small letters, sorted.
    pub signed_headers: Vec<String>,
    /// The signature, in hexadecimal.
    pub signature: String,
    /// Session token, if the key belongs to a session.
    pub session_token: Option<String>,
    /// Whether the signature stands in the query string.
    pub presigned: bool,
    /// Seconds for which a presigned request is valid.
    pub expires: Option<u32>,
}

impl Signed {
    /// `20150830/us-east-1/service/aws4_request`.
    fn scope(&self) -> String {
        canonical::scope(self.date, &self.region, &self.service)
    }
}
