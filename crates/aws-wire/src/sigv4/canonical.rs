//! The canonical request, the string to sign, and the signature.

use base::Timestamp;
use hmac::{Hmac, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use sha2::{Digest, Sha256};

use super::{ALGORITHM, time};

/// Everything but RFC 3986's unreserved characters.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const PATH: &AsciiSet = &QUERY.remove(b'/');

/// How a service canonicalises paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PathStyle {
    /// S3: escapes once, keeps slashes and dots.
    Once,
    /// Everyone else: dot segments and doubled slashes vanish, then the raw path is escaped again.
    TwiceNormalized,
    /// As [`PathStyle::TwiceNormalized`], but nothing vanishes: some SDKs sign like that.
    Twice,
}

/// The canonical URI of a raw path.
pub(super) fn path(raw: &str, style: PathStyle) -> String {
    let raw = if raw.is_empty() { "/" } else { raw };
    match style {
        PathStyle::Once => {
            let plain: Vec<u8> = percent_decode_str(raw).collect();
            percent_encode(&plain, PATH).to_string()
        }
        PathStyle::Twice => percent_encode(raw.as_bytes(), PATH).to_string(),
        PathStyle::TwiceNormalized => percent_encode(without_dots(raw).as_bytes(), PATH).to_string(),
    }
}

fn without_dots(raw: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in raw.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            _ => kept.push(segment),
        }
    }
    let slash = if raw.ends_with('/') && !kept.is_empty() { "/" } else { "" };
    format!("/{}{slash}", kept.join("/"))
}

/// The canonical query string, without `X-Amz-Signature`.
pub(super) fn query(raw: &str) -> String {
    let escaped = |text: &str| percent_encode(&percent_decode_str(text).collect::<Vec<u8>>(), QUERY).to_string();
    let mut pairs: Vec<(String, String)> = raw
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (escaped(name), escaped(value)))
        .filter(|(name, _)| name != "X-Amz-Signature")
        .collect();
    pairs.sort();
    let pairs: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// Escapes one name or value of a query string.
pub(super) fn escape(text: &str) -> String {
    percent_encode(text.as_bytes(), QUERY).to_string()
}

/// A header's value: no white space around it, runs of spaces become one.
pub(super) fn header_value(value: &str) -> String {
    value.split([' ', '\t']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The canonical request. `headers` are names in small letters, sorted, with canonical values.
pub(super) fn request(
    method: &str,
    path: &str,
    query: &str,
    headers: &[(String, String)],
    payload_hash: &str,
) -> String {
    let mut text = format!("{method}\n{path}\n{query}\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}:{value}\n"));
    }
    let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
    text.push_str(&format!("\n{}\n{payload_hash}", names.join(";")));
    text
}

/// `20150830/us-east-1/service/aws4_request`.
pub(super) fn scope(date: Timestamp, region: &str, service: &str) -> String {
    format!("{}/{region}/{service}/aws4_request", time::day(date))
}

/// The string to sign.
pub(super) fn string_to_sign(date: Timestamp, scope: &str, canonical_request: &str) -> String {
    format!("{ALGORITHM}\n{}\n{scope}\n{}", time::basic(date), sha256_hex(canonical_request.as_bytes()))
}

/// HMAC-SHA256 of `string_to_sign` under the key derived from `secret` for the scope.
pub(super) fn signature(secret: &str, date: Timestamp, region: &str, service: &str, string_to_sign: &str) -> [u8; 32] {
    let mut key = hmac(format!("AWS4{secret}").as_bytes(), time::day(date).as_bytes());
    for part in [region, service, "aws4_request"] {
        key = hmac(&key, part.as_bytes());
    }
    hmac(&key, string_to_sign.as_bytes())
}

fn hmac(key: &[u8], text: &[u8]) -> [u8; 32] {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text);
    mac.finalize().into_bytes().into()
}

/// SHA-256 in hexadecimal.
pub(super) fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Hexadecimal with small letters.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from_digit(digit.into(), 16).unwrap_or('0'))
        .collect()
}
