//! Checking a signature.

use base::Timestamp;
use http::request::Parts;
use subtle::ConstantTimeEq;

use super::canonical::{self, PathStyle};
use super::{SignatureError, Signed, UNSIGNED, time};

/// How far the signer's clock may be off.
const SKEW_MINUTES: i64 = 15;

/// The payload hash that [`verify`] takes: what `x-amz-content-sha256` says, checked against the body, else the body's own.
///
/// # Errors
/// [`SignatureError::Payload`] when the body is another than the one that was signed; [`SignatureError::PayloadKind`] for an
/// unsigned payload outside S3.
pub fn payload_hash(signed: &Signed, parts: &Parts, body: &[u8]) -> Result<String, SignatureError> {
    let s3 = signed.service == "s3";
    let Some(header) = parts.headers.get("x-amz-content-sha256") else {
        let unsigned = s3 && signed.presigned;
        return Ok(if unsigned { UNSIGNED.to_owned() } else { canonical::sha256_hex(body) });
    };
    let given = header.to_str().map_err(|_| SignatureError::PayloadKind)?;
    if given == UNSIGNED || given.starts_with("STREAMING-") {
        return if s3 { Ok(given.to_owned()) } else { Err(SignatureError::PayloadKind) };
    }
    if given.eq_ignore_ascii_case(&canonical::sha256_hex(body)) {
        Ok(given.to_owned())
    } else {
        Err(SignatureError::Payload)
    }
}

/// Checks that the request was signed with `secret`, that every header it had to sign is signed, and that it is current at `now`.
///
/// # Errors
/// Says what is wrong. The signature is compared in constant time and before the dates, so that the dates are proved.
pub fn verify(
    signed: &Signed,
    secret: &str,
    parts: &Parts,
    payload_hash: &str,
    now: Timestamp,
) -> Result<(), SignatureError> {
    let headers = signed_headers(signed, parts)?;
    let styles: &[PathStyle] = match signed.service.as_str() {
        "s3" => &[PathStyle::Once],
        _ => &[PathStyle::TwiceNormalized, PathStyle::Twice],
    };
    let query = canonical::query(parts.uri.query().unwrap_or_default());
    let matches = |style: &PathStyle| {
        let path = canonical::path(parts.uri.path(), *style);
        let request = canonical::request(parts.method.as_str(), &path, &query, &headers, payload_hash);
        let text = canonical::string_to_sign(signed.date, &signed.scope(), &request);
        let expected = canonical::signature(secret, signed.date, &signed.region, &signed.service, &text);
        let expected = canonical::hex(&expected);
        bool::from(expected.as_bytes().ct_eq(signed.signature.as_bytes()))
    };
    if !styles.iter().any(matches) {
        return Err(SignatureError::Mismatch);
    }
    current(signed, now)
}

/// The signed headers with canonical values.
fn signed_headers(signed: &Signed, parts: &Parts) -> Result<Vec<(String, String)>, SignatureError> {
    let is_signed = |name: &str| signed.signed_headers.iter().any(|signed| signed == name);
    let unsigned: Vec<&str> = parts
        .headers
        .keys()
        .map(|name| name.as_str())
        .filter(|name| name.starts_with("x-amz-") && !is_signed(name))
        .collect();
    if !unsigned.is_empty() {
        let names = unsigned.join(", ");
        return Err(SignatureError::Headers(format!(
            "There were headers present in the request which were not signed: {names}"
        )));
    }
    signed.signed_headers.iter().map(|name| Ok((name.clone(), value_of(parts, name)?))).collect()
}

/// A header's canonical value; several of one name are joined. HTTP/2 carries the host in the URI.
fn value_of(parts: &Parts, name: &str) -> Result<String, SignatureError> {
    let missing = || SignatureError::Headers(format!("The signed header '{name}' is not in the request."));
    let mut values = Vec::new();
    for value in parts.headers.get_all(name.trim_start_matches(':')) {
        let text = std::str::from_utf8(value.as_bytes()).map_err(|_| missing())?;
        values.push(canonical::header_value(text));
    }
    if values.is_empty() && matches!(name, "host" | ":authority") {
        let authority = parts.uri.authority();
        return authority.map(|authority| authority.as_str().to_owned()).ok_or_else(missing);
    }
    if values.is_empty() { Err(missing()) } else { Ok(values.join(",")) }
}

/// Whether the request is valid at `now`.
fn current(signed: &Signed, now: Timestamp) -> Result<(), SignatureError> {
    let skew = SKEW_MINUTES * 60;
    let show = time::basic;
    if signed.date > now.plus_seconds(skew) {
        let limit = now.plus_seconds(skew);
        return Err(SignatureError::NotYetCurrent(format!(
            "{} is still later than {} ({} + {SKEW_MINUTES} min.)",
            show(signed.date),
            show(limit),
            show(now)
        )));
    }
    if let Some(expires) = signed.expires {
        let over = signed.date.plus_seconds(expires.into()) < now;
        return if over { Err(SignatureError::PresignExpired) } else { Ok(()) };
    }
    if signed.date < now.plus_seconds(-skew) {
        let limit = now.plus_seconds(-skew);
        return Err(SignatureError::Expired(format!(
            "{} is now earlier than {} ({} - {SKEW_MINUTES} min.)",
            show(signed.date),
            show(limit),
            show(now)
        )));
    }
    Ok(())
}
