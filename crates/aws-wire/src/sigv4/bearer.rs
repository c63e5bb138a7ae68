//! Short-term Bedrock API keys: a presigned request in a bearer token, as AWS's token generators make them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::HOST;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Uri};

use super::{SignatureError, Signed, parse};

const PREFIX: &str = "bedrock-api-key-";
/// What the generators append after signing.
const VERSION: &str = "&Version=1";
const HOST_NAME: &str = "bedrock.amazonaws.com";
/// The longest validity, in seconds: 12 hours (Amazon Bedrock User Guide, "API keys").
const LONGEST_EXPIRY: u32 = 43_200;

/// Whether a bearer key is a short-term Bedrock API key.
#[must_use]
pub fn is_short_term_key(key: &str) -> bool {
    key.starts_with(PREFIX)
}

/// The request that a short-term Bedrock API key holds, to be verified with an empty body, and its signature.
///
/// # Errors
/// [`SignatureError::Incomplete`] where the key is none, or is signed for anything else than calling Bedrock with it.
pub fn short_term_key(key: &str) -> Result<(Parts, Signed), SignatureError> {
    let wrong = |why: &str| SignatureError::Incomplete(format!("Invalid API key format: {why}."));
    let encoded = key.strip_prefix(PREFIX).ok_or_else(|| wrong("it must start with pre-defined prefix"))?;
    let decoded = STANDARD.decode(encoded).map_err(|_| wrong("it is not base64"))?;
    let text = String::from_utf8(decoded).map_err(|_| wrong("it is not text"))?;
    let request = text.strip_suffix(VERSION).unwrap_or(&text);
    let uri: Uri = format!("https://{request}").parse().map_err(|_| wrong("it is not an address"))?;
    let action = uri.query().unwrap_or_default().split('&').any(|pair| pair == "Action=CallWithBearerToken");
    if uri.host() != Some(HOST_NAME) || uri.path() != "/" || !action {
        return Err(wrong("it does not call Bedrock"));
    }
    let (mut parts, ()) = Request::new(()).into_parts();
    parts.method = Method::POST;
    parts.uri = uri;
    parts.headers.insert(HOST, HeaderValue::from_static(HOST_NAME));
    let signed = parse(&parts)?;
    if signed.service != "bedrock" || signed.expires.is_none_or(|seconds| seconds > LONGEST_EXPIRY) {
        return Err(wrong("it must be signed for `bedrock` and end within 12 hours"));
    }
    Ok((parts, signed))
}
