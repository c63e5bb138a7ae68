//! Signing for our own client.

use base::{Secret, Timestamp};
use http::Uri;

use super::canonical::{self, PathStyle};
use super::{ALGORITHM, UNSIGNED, time};

/// A key pair, with the session token if it belongs to a session.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Public part.
    pub access_key_id: String,
    /// Secret part.
    pub secret_access_key: Secret<String>,
    /// Session token.
    pub session_token: Option<Secret<String>>,
}

/// A request about to be sent.
#[derive(Debug, Clone, Copy)]
pub struct SigningRequest<'a> {
    /// HTTP method.
    pub method: &'a str,
    /// The full address, with its path as it will travel.
    pub uri: &'a Uri,
    /// Headers to sign besides `host` and those that signing adds.
    pub headers: &'a [(&'a str, &'a str)],
    /// The whole body.
    pub body: &'a [u8],
    /// Region of the scope.
    pub region: &'a str,
    /// Signing name of the service.
    pub service: &'a str,
}

/// The headers to add to `request`: `authorization`, `x-amz-date`, and where needed the token and the payload's hash.
#[must_use]
pub fn sign(request: &SigningRequest<'_>, credentials: &Credentials, now: Timestamp) -> Vec<(&'static str, String)> {
    let payload_hash = canonical::sha256_hex(request.body);
    let mut added = vec![("x-amz-date", time::basic(now))];
    if let Some(token) = &credentials.session_token {
        added.push(("x-amz-security-token", token.reveal().clone()));
    }
    if request.service == "s3" {
        added.push(("x-amz-content-sha256", payload_hash.clone()));
    }
    let more = added.iter().map(|(name, value)| (*name, value.as_str()));
    let headers = canonical_headers(request, more);
    let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
    let query = canonical::query(request.uri.query().unwrap_or_default());
    let signature = signature(request, credentials, now, &query, &headers, &payload_hash);
    let scope = canonical::scope(now, request.region, request.service);
    let authorization = format!(
        "{ALGORITHM} Credential={}/{scope}, SignedHeaders={}, Signature={signature}",
        credentials.access_key_id,
        names.join(";")
    );
    added.push(("authorization", authorization));
    added
}

/// The query string of `request` with a signature that is valid for `expires` seconds. The body is signed, except for S3.
#[must_use]
pub fn presign(request: &SigningRequest<'_>, credentials: &Credentials, now: Timestamp, expires: u32) -> String {
    let headers = canonical_headers(request, std::iter::empty());
    let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
    let scope = canonical::scope(now, request.region, request.service);
    let mut pairs = vec![
        ("X-Amz-Algorithm", ALGORITHM.to_owned()),
        ("X-Amz-Credential", format!("{}/{scope}", credentials.access_key_id)),
        ("X-Amz-Date", time::basic(now)),
        ("X-Amz-Expires", expires.to_string()),
        ("X-Amz-SignedHeaders", names.join(";")),
    ];
    if let Some(token) = &credentials.session_token {
        pairs.push(("X-Amz-Security-Token", token.reveal().clone()));
    }
    let mut query = request.uri.query().unwrap_or_default().to_owned();
    for (name, value) in pairs {
        query.push_str(if query.is_empty() { "" } else { "&" });
        query.push_str(&format!("{name}={}", canonical::escape(&value)));
    }
    let hash = if request.service == "s3" { UNSIGNED.to_owned() } else { canonical::sha256_hex(request.body) };
    let signature = signature(request, credentials, now, &canonical::query(&query), &headers, &hash);
    format!("{query}&X-Amz-Signature={signature}")
}

/// Names in small letters, sorted, one entry per name, `host` among them.
fn canonical_headers<'a>(
    request: &SigningRequest<'a>,
    added: impl Iterator<Item = (&'a str, &'a str)>,
) -> Vec<(String, String)> {
    let host = request.uri.authority().map_or("", |authority| authority.as_str());
    let given = request.headers.iter().copied();
    let given = given.filter(|(name, _)| !name.eq_ignore_ascii_case("host"));
    let mut headers: Vec<(String, String)> = given
        .chain(added)
        .chain([("host", host)])
        .map(|(name, value)| (name.to_ascii_lowercase(), canonical::header_value(value)))
        .collect();
    headers.sort_by(|a, b| a.0.cmp(&b.0));
    headers.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 = format!("{},{}", kept.1, next.1);
        }
        same
    });
    headers
}

fn signature(
    request: &SigningRequest<'_>,
    credentials: &Credentials,
    now: Timestamp,
    query: &str,
    headers: &[(String, String)],
    payload_hash: &str,
) -> String {
    let style = if request.service == "s3" { PathStyle::Once } else { PathStyle::TwiceNormalized };
    let path = canonical::path(request.uri.path(), style);
    let text = canonical::request(request.method, &path, query, headers, payload_hash);
    let scope = canonical::scope(now, request.region, request.service);
    let text = canonical::string_to_sign(now, &scope, &text);
    let secret = credentials.secret_access_key.reveal();
    canonical::hex(&canonical::signature(secret, now, request.region, request.service, &text))
}
