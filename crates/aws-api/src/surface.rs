//! Which API a request is for, and what it shows as proof of its sender.

use http::HeaderMap;
use http::request::Parts;

/// The session cookie of the console.
pub(crate) const COOKIE: &str = "craton_session";

/// What a request shows to prove who sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Proof {
    /// An AWS signature, in a header or in the query string.
    Signature,
    /// `Authorization: Bearer …`.
    Bearer(String),
    /// Another `Authorization` than AWS's: `Basic …`.
    Other,
    /// The console's cookie.
    Cookie(String),
    /// Nothing.
    Nothing,
}

/// Whose dialect the request speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Surface {
    /// An AWS service.
    Aws,
    /// OpenAI's API under `/v1`.
    OpenAi,
    /// Craton's own API under `/craton/v1`.
    Craton,
}

impl Proof {
    /// The proof of a request.
    pub(crate) fn of(parts: &Parts) -> Self {
        if let Some(value) = parts.headers.get(http::header::AUTHORIZATION) {
            let text = value.to_str().unwrap_or_default();
            let (scheme, key) = text.split_once(' ').unwrap_or((text, ""));
            return match scheme {
                _ if scheme.eq_ignore_ascii_case("bearer") => Self::Bearer(key.trim().to_owned()),
                _ if value.as_bytes().starts_with(b"AWS") => Self::Signature,
                _ => Self::Other,
            };
        }
        if signed_query(parts) {
            return Self::Signature;
        }
        cookie(&parts.headers).map_or(Self::Nothing, Self::Cookie)
    }
}

/// Whether a request says that it is signed, rightly or not. Such a request is for the API alone, whatever its path: a
/// bucket may be called `console`.
#[must_use]
pub fn is_signed(parts: &Parts) -> bool {
    let header = parts.headers.get(http::header::AUTHORIZATION);
    header.is_some_and(|value| value.as_bytes().starts_with(b"AWS")) || signed_query(parts)
}

/// Whether the query string has a parameter of a signature of version 4 or 2.
fn signed_query(parts: &Parts) -> bool {
    let names = parts.uri.query().unwrap_or_default().split('&').map(|pair| pair.split('=').next().unwrap_or(pair));
    names.into_iter().any(|name| matches!(name, "X-Amz-Algorithm" | "X-Amz-Signature" | "AWSAccessKeyId"))
}

impl Surface {
    /// The surface of a request. What is signed for a service of AWS belongs to that service, whatever its path: a
    /// bucket may be called `v1`.
    pub(crate) fn of(parts: &Parts, proof: &Proof, scope: Option<&str>) -> Self {
        let under = |root: &str| {
            parts.uri.path().strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        match (proof, scope) {
            // Our own command line signs OpenAI's paths too.
            (Proof::Signature, Some("craton")) if under("/v1") => Self::OpenAi,
            (Proof::Signature, Some("craton")) => Self::Craton,
            (Proof::Signature, Some(_)) => Self::Aws,
            _ if under("/craton") => Self::Craton,
            _ if under("/v1") => Self::OpenAi,
            _ => Self::Aws,
        }
    }
}

fn cookie(headers: &HeaderMap) -> Option<String> {
    let cookies = headers.get_all(http::header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, value)| *name == COOKIE && !value.is_empty())
        .map(|(_, value)| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(uri: &str, headers: &[(&str, &str)]) -> Parts {
        let mut builder = http::Request::builder().uri(uri);
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        builder.body(()).unwrap().into_parts().0
    }

    #[test]
    fn proofs_are_told_apart() {
        let proof = |uri, headers: &[(&str, &str)]| Proof::of(&parts(uri, headers));
        assert_eq!(proof("/", &[("authorization", "AWS4-HMAC-SHA256 Credential=x")]), Proof::Signature);
        assert_eq!(proof("/", &[("authorization", "bearer  k ")]), Proof::Bearer("k".into()));
        assert_eq!(proof("/", &[("authorization", "Bearer")]), Proof::Bearer(String::new()));
        assert_eq!(proof("/", &[("authorization", "Basic dTpw")]), Proof::Other);
        assert_eq!(proof("/?X-Amz-Signature=0", &[]), Proof::Signature);
        assert_eq!(proof("/?a=1&X-Amz-Algorithm=0", &[("cookie", "craton_session=t")]), Proof::Signature);
        assert_eq!(proof("/?next=X-Amz-Signature=", &[]), Proof::Nothing);
        assert_eq!(proof("/", &[("cookie", "a=b; craton_session=t")]), Proof::Cookie("t".into()));
        assert_eq!(proof("/", &[("cookie", "craton_session=")]), Proof::Nothing);
        // A header outweighs the cookie that a browser adds by itself.
        assert_eq!(
            proof("/", &[("cookie", "craton_session=t"), ("authorization", "Bearer k")]),
            Proof::Bearer("k".into())
        );
    }

    #[test]
    fn what_is_signed_in_any_way_is_told() {
        let signed = |uri, headers: &[(&str, &str)]| is_signed(&parts(uri, headers));
        assert!(signed("/console", &[("authorization", "AWS4-HMAC-SHA256 Credential=x")]));
        assert!(signed("/console", &[("authorization", "AWS AKIA:x")]));
        assert!(signed("/console?X-Amz-Signature", &[]) && signed("/console?Expires=1&AWSAccessKeyId=x", &[]));
        assert!(!signed("/console?q=Signature=", &[]) && !signed("/console", &[("authorization", "Bearer AWS")]));
    }

    #[test]
    fn a_signature_for_a_service_outweighs_the_path() {
        let at = |uri, proof: &Proof, scope| Surface::of(&parts(uri, &[]), proof, scope);
        assert_eq!(at("/v1/models", &Proof::Signature, Some("s3")), Surface::Aws);
        assert_eq!(at("/anything", &Proof::Signature, Some("craton")), Surface::Craton);
        assert_eq!(at("/v1/embeddings", &Proof::Signature, Some("craton")), Surface::OpenAi);
        assert_eq!(at("/v1", &Proof::Nothing, None), Surface::OpenAi);
        assert_eq!(at("/v1x", &Proof::Nothing, None), Surface::Aws);
        assert_eq!(at("/craton/v1/jobs", &Proof::Cookie("t".into()), None), Surface::Craton);
    }
}
