//! Reading what a request says of its signature, from the `Authorization` header or the query string.

use http::HeaderMap;
use http::request::Parts;
use percent_encoding::percent_decode_str;

use super::{ALGORITHM, SignatureError, Signed, time};

/// The longest time for which a presigned request may be valid: seven days.
const LONGEST_EXPIRY: u32 = 604_800;

/// Reads the signature's description.
///
/// # Errors
/// [`SignatureError::Missing`] when there is none; [`SignatureError::Incomplete`] when parts of it are missing or unreadable.
pub fn parse(parts: &Parts) -> Result<Signed, SignatureError> {
    let query = parts.uri.query().unwrap_or_default();
    if let Some(authorization) = parts.headers.get(http::header::AUTHORIZATION) {
        let text = authorization.to_str().map_err(|_| incomplete("The Authorization header is not ASCII."))?;
        return from_header(text, &parts.headers);
    }
    if parameter(query, "X-Amz-Algorithm").is_some() || parameter(query, "X-Amz-Signature").is_some() {
        return from_query(query);
    }
    Err(SignatureError::Missing)
}

/// The service that the credential scope of a request names, however wrong the rest of its signature is: an error about
/// the signature is told in that service's shape.
#[must_use]
pub fn claimed_service(parts: &Parts) -> Option<String> {
    let header = parts.headers.get(http::header::AUTHORIZATION).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let credential = match &header {
        Some(text) => {
            let (_, rest) = text.split_once("Credential=")?;
            rest.split([',', ' ']).next()?.to_owned()
        }
        None => parameter(parts.uri.query().unwrap_or_default(), "X-Amz-Credential")?,
    };
    credential.split('/').nth(3).filter(|service| !service.is_empty()).map(ToOwned::to_owned)
}

fn incomplete(message: impl Into<String>) -> SignatureError {
    SignatureError::Incomplete(message.into())
}

fn from_header(text: &str, headers: &HeaderMap) -> Result<Signed, SignatureError> {
    let Some((algorithm, rest)) = text.trim().split_once(' ') else {
        return Err(incomplete(
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header and a signature.",
        ));
    };
    if algorithm != ALGORITHM {
        return Err(incomplete(format!("Unsupported AWS 'algorithm': '{algorithm}'.")));
    }
    let field = |name: &str| {
        let fields = rest.split(',').map(str::trim);
        fields
            .filter_map(|field| field.split_once('='))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value.trim().to_owned())
    };
    let required = |name: &str| {
        field(name).ok_or_else(|| incomplete(format!("Authorization header requires '{name}' parameter.")))
    };
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let date = match (header("x-amz-date"), header("date")) {
        (Some(text), _) => time::read_basic(text),
        (None, Some(text)) => time::read_http(text).or_else(|| time::read_basic(text)),
        (None, None) => {
            return Err(incomplete(
                "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
            ));
        }
    };
    let date = date.ok_or_else(|| incomplete("Date must be in ISO-8601 'basic format'."))?;
    let token = header("x-amz-security-token").map(ToOwned::to_owned);
    let (credential, signature) = (required("Credential")?, required("Signature")?);
    signed(&credential, date, &required("SignedHeaders")?, signature, token)
}

fn from_query(query: &str) -> Result<Signed, SignatureError> {
    let required = |name: &str| {
        parameter(query, name).ok_or_else(|| incomplete(format!("AWS query-string parameters must include '{name}'.")))
    };
    let algorithm = required("X-Amz-Algorithm")?;
    if algorithm != ALGORITHM {
        return Err(incomplete(format!("Unsupported AWS 'algorithm': '{algorithm}'.")));
    }
    let date = time::read_basic(&required("X-Amz-Date")?)
        .ok_or_else(|| incomplete("Date must be in ISO-8601 'basic format'."))?;
    let expires = match parameter(query, "X-Amz-Expires") {
        Some(text) => {
            let seconds = text.parse().ok().filter(|seconds| (1..=LONGEST_EXPIRY).contains(seconds));
            Some(seconds.ok_or_else(|| incomplete("X-Amz-Expires must be between 1 and 604800 seconds."))?)
        }
        None => None,
    };
    let token = parameter(query, "X-Amz-Security-Token");
    let (credential, signature) = (required("X-Amz-Credential")?, required("X-Amz-Signature")?);
    let signed = signed(&credential, date, &required("X-Amz-SignedHeaders")?, signature, token)?;
    Ok(Signed { presigned: true, expires, ..signed })
}

/// The value of a query parameter, unescaped.
fn parameter(query: &str, name: &str) -> Option<String> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(key, _)| *key == name)?;
    Some(percent_decode_str(value).decode_utf8().ok()?.into_owned())
}

fn signed(
    credential: &str,
    date: base::Timestamp,
    headers: &str,
    signature: String,
    session_token: Option<String>,
) -> Result<Signed, SignatureError> {
    let parts: Vec<&str> = credential.split('/').collect();
    let [access_key_id, day, region, service, "aws4_request"] = parts[..] else {
        return Err(incomplete(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/aws4_request.",
        ));
    };
    if day != time::day(date) {
        return Err(SignatureError::ScopeDate { scope: day.to_owned(), date: time::day(date) });
    }
    let mut signed_headers: Vec<String> = headers.split(';').map(str::to_ascii_lowercase).collect();
    signed_headers.sort();
    signed_headers.dedup();
    if !signed_headers.iter().any(|name| name == "host" || name == ":authority") {
        return Err(incomplete("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."));
    }
    Ok(Signed {
        access_key_id: access_key_id.to_owned(),
        region: region.to_owned(),
        service: service.to_owned(),
        date,
        signed_headers,
        signature,
        session_token,
        presigned: false,
        expires: None,
    })
}
