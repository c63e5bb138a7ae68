//! Ranges that S3 does not understand, and so ignores: several at once, backwards, of another unit.

use http::request::Parts;
use http::uri::PathAndQuery;
use http::{Method, StatusCode, Uri, header};
use s3s::HttpResponse;
use s3s::dto::Range;

use crate::call::query_pairs;

/// The request without a range that is to be ignored, and without its signature, which names that header.
///
/// s3s refuses such a range after it has verified the signature and [`super::caller`] has noted the caller. Then this is
/// asked in that caller's name.
pub(crate) fn without(parts: &Parts) -> Option<Parts> {
    if parts.method != Method::GET && parts.method != Method::HEAD {
        return None;
    }
    let range = parts.headers.get(header::RANGE)?;
    if range.to_str().is_ok_and(|text| Range::parse(text).is_ok()) {
        return None;
    }
    let mut plain = parts.clone();
    plain.headers.remove(header::RANGE);
    plain.headers.remove(header::AUTHORIZATION);
    plain.uri = unsigned(&plain.uri)?;
    Some(plain)
}

/// Whether s3s refused a request for its range.
pub(crate) fn is_refusal(response: &HttpResponse) -> bool {
    let names_range = |text: &[u8]| String::from_utf8_lossy(text).contains("invalid header: range");
    response.status() == StatusCode::BAD_REQUEST && response.body().bytes().is_some_and(|text| names_range(&text))
}

/// The address without what a presigned one says of its signature.
fn unsigned(uri: &Uri) -> Option<Uri> {
    let Some(query) = uri.query() else { return Some(uri.clone()) };
    let kept: Vec<&str> = query.split('&').filter(|pair| !is_of_signature(pair)).collect();
    let path = match kept.is_empty() {
        true => uri.path().to_owned(),
        false => format!("{}?{}", uri.path(), kept.join("&")),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path.parse::<PathAndQuery>().ok()?);
    Uri::from_parts(parts).ok()
}

fn is_of_signature(pair: &str) -> bool {
    let name = query_pairs(pair).next().map(|(name, _)| name.to_ascii_lowercase()).unwrap_or_default();
    name.starts_with("x-amz-") || matches!(name.as_str(), "signature" | "awsaccesskeyid" | "expires")
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn asked(uri: &str, range: &str) -> Option<String> {
        let request = Request::get(uri).header("range", range).header("authorization", "AWS4-HMAC-SHA256 x").body(());
        let plain = without(&request.unwrap().into_parts().0)?;
        assert!(plain.headers.is_empty());
        Some(plain.uri.to_string())
    }

    #[test]
    fn a_range_that_is_none_goes_and_takes_the_signature_with_it() {
        let presigned = "/b/k?X-Amz-Signature=1&versionId=2&X-Amz-Date=3";
        assert_eq!(asked(presigned, "bytes=9-0").as_deref(), Some("/b/k?versionId=2"));
        assert_eq!(asked("/b/k?AWSAccessKeyId=a&Expires=1&Signature=s", "x").as_deref(), Some("/b/k"));
        assert_eq!(asked("http://h/b/k", "bytes=0-1,4-5").as_deref(), Some("http://h/b/k"));
    }

    #[test]
    fn a_range_stays() {
        for range in ["bytes=0-1", "bytes=1-", "bytes=-1"] {
            assert_eq!(asked("/b/k", range), None, "{range}");
        }
    }
}
