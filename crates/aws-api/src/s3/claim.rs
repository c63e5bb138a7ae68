//! Which requests are for S3: it is the one service whose paths can be anything.

use aws_wire::{RouteError, route};
use http::request::Parts;
use http::{Method, header};

use super::host::Domains;
use crate::surface::{Proof, Surface};

/// Whether a request is for S3: it is signed for S3, or in the way that only S3 takes (version 2), or the console asks
/// S3, or nothing is shown and no other service has its path.
pub(crate) fn is_for_s3(
    parts: &Parts,
    proof: &Proof,
    surface: Surface,
    scope: Option<&str>,
    domains: &Domains,
) -> bool {
    match (proof, surface, scope) {
        (_, Surface::Aws, Some(scope)) => scope == "s3",
        // A signature that cannot be read is told of as S3 does where no other service has the path.
        (Proof::Signature, Surface::Aws, None) => is_version_2(parts) || is_open(parts, domains),
        (Proof::Cookie(_), Surface::Aws, None) => match parts.headers.get("x-craton-service") {
            Some(service) => service.as_bytes() == b"s3",
            None => is_open(parts, domains),
        },
        (Proof::Nothing, Surface::Aws, None) => is_open(parts, domains),
        _ => false,
    }
}

/// Whether a request is signed in the old way, which names no service.
pub(crate) fn is_version_2(parts: &Parts) -> bool {
    match parts.headers.get(header::AUTHORIZATION) {
        Some(_) => is_version_2_header(&parts.headers),
        None => is_presigned_v2(parts),
    }
}

/// Whether a signature of version 2 stands in the headers.
pub(crate) fn is_version_2_header(headers: &http::HeaderMap) -> bool {
    headers.get(header::AUTHORIZATION).is_some_and(|value| value.as_bytes().starts_with(b"AWS "))
}

/// Whether a signature of version 2 stands in the query string.
pub(crate) fn is_presigned_v2(parts: &Parts) -> bool {
    is_presigned_v2_query(parts.uri.query().unwrap_or_default())
}

/// Whether one stands in the query string `query`.
pub(crate) fn is_presigned_v2_query(query: &str) -> bool {
    query.split('&').any(|pair| pair.starts_with("AWSAccessKeyId="))
}

/// Whether a request that shows nothing may be for a public object.
fn is_open(parts: &Parts, domains: &Domains) -> bool {
    if domains.bucket_of(parts).is_some() || is_form(parts) || is_preflight(parts) {
        return true;
    }
    if parts.headers.contains_key("x-amz-target") || is_query_protocol(parts) {
        return false;
    }
    let path = parts.uri.path();
    if path.trim_matches('/').is_empty() {
        return matches!(parts.method, Method::GET | Method::HEAD);
    }
    !aws_wire::generated::SERVICES.iter().filter(|service| service.id != "s3").any(|service| {
        matches!(route(service.signing_name, parts, &[]), Ok(_) | Err(RouteError::NotImplemented { .. }))
    })
}

/// Whether a browser sends a form with a file in it.
pub(crate) fn is_form(parts: &Parts) -> bool {
    let media = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    parts.method == Method::POST && media.trim_start().to_ascii_lowercase().starts_with("multipart/form-data")
}

/// Whether a browser asks what another site's page may do.
pub(crate) fn is_preflight(parts: &Parts) -> bool {
    parts.method == Method::OPTIONS
        && parts.headers.contains_key(header::ORIGIN)
        && parts.headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

fn is_query_protocol(parts: &Parts) -> bool {
    let media = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let query = parts.uri.query().unwrap_or_default();
    media.starts_with("application/x-www-form-urlencoded") || query.split('&').any(|pair| pair.starts_with("Action="))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(method: &str, uri: &str, headers: &[(&str, &str)], scope: Option<&str>) -> bool {
        let mut builder = http::Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        let parts = builder.body(()).unwrap().into_parts().0;
        let proof = Proof::of(&parts);
        let surface = Surface::of(&parts, &proof, scope);
        is_for_s3(&parts, &proof, surface, scope, &Domains::new(None))
    }

    #[test]
    fn what_is_signed_for_s3_or_in_its_old_way_is_for_s3() {
        let v4 = [("authorization", "AWS4-HMAC-SHA256 Credential=x")];
        assert!(claims("GET", "/v1/models", &v4, Some("s3")));
        assert!(!claims("GET", "/b/k", &v4, Some("bedrock")));
        assert!(claims("GET", "/b/k", &v4, None));
        assert!(!claims("GET", "/foundation-models", &v4, None));
        assert!(claims("GET", "/b/k", &[("authorization", "AWS AKIA:x")], None));
        assert!(claims("GET", "/b/k?AWSAccessKeyId=a&Signature=b&Expires=1", &[], None));
    }

    #[test]
    fn the_console_names_the_service() {
        let cookie = ("cookie", "craton_session=t");
        assert!(claims("GET", "/b", &[cookie, ("x-craton-service", "s3")], None));
        assert!(!claims("GET", "/b", &[cookie, ("x-craton-service", "iam")], None));
    }

    #[test]
    fn what_shows_nothing_is_for_s3_where_no_other_service_has_the_path() {
        assert!(claims("GET", "/bucket/key", &[], None));
        assert!(claims("GET", "/", &[], None));
        assert!(!claims("GET", "/foundation-models", &[], None));
        assert!(!claims("POST", "/model/x/converse", &[], None));
        assert!(!claims("POST", "/", &[], None));
        assert!(!claims("GET", "/?Action=GetCallerIdentity", &[], None));
        assert!(!claims("POST", "/", &[("x-amz-target", "TrentService.ListKeys")], None));
        assert!(!claims("GET", "/v1/models", &[], None));
        assert!(claims("GET", "/foundation-models", &[("host", "b.localhost:1")], None));
        assert!(claims("POST", "/b", &[("content-type", "multipart/form-data; boundary=x")], None));
        let preflight = [("origin", "http://a"), ("access-control-request-method", "PUT")];
        assert!(claims("OPTIONS", "/b/k", &preflight, None));
        assert!(!claims("GET", "/b/k", &[("authorization", "Bearer k")], None));
    }
}
