//! What s3s answers, made whole: request ids, S3's errors, what other sites' pages may see.

use base64::Engine as _;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use s3s::HttpResponse;

use super::body::outbound;
use super::errors::{self, Told};
use super::visit::Visit;
use crate::body::{ResponseBody, full};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-request-id");
const HOST_ID: HeaderName = HeaderName::from_static("x-amz-id-2");

/// Errors are longer than this only where their texts are.
const LONGEST_ERROR: usize = 64 << 10;

/// The answer, and the code of the error that it tells of.
pub(crate) fn complete(
    visit: &Visit,
    method: &Method,
    response: HttpResponse,
) -> (Response<ResponseBody>, Option<String>) {
    let status = response.status();
    if status.is_success() || status.is_redirection() && status != StatusCode::NOT_MODIFIED {
        let unquotes = visit.operation() == Some("GetObjectAttributes");
        let mut response = response.map(|body| if unquotes { unquoted(body) } else { outbound(body) });
        if let Some(status) = response.extensions_mut().remove::<StatusCode>() {
            *response.status_mut() = status;
        }
        if status == StatusCode::SEE_OTHER {
            quote_etag(response.headers_mut());
        }
        identify(response.headers_mut(), visit);
        return (response, None);
    }
    let told = visit.told().unwrap_or_else(|| {
        let text = response.body().bytes().unwrap_or_default();
        let text = String::from_utf8_lossy(text.get(..LONGEST_ERROR).unwrap_or(&text)).into_owned();
        errors::of_s3s(visit, status, &element(&text, "Code"), &element(&text, "Message"))
    });
    refusal(visit, method, told)
}

/// The address that a form's sender goes to next, with the quotes of the entity tag in it.
fn quote_etag(headers: &mut HeaderMap) {
    let address = headers.get(header::LOCATION).and_then(|value| value.to_str().ok());
    let quoted = address
        .and_then(|address| address.rsplit_once("&etag="))
        .map(|(rest, etag)| format!("{rest}&etag=%22{etag}%22"));
    if let Some(value) = quoted.and_then(|address| HeaderValue::from_str(&address).ok()) {
        headers.insert(header::LOCATION, value);
    }
}

/// A body without the quotes of its entity tag, which stand everywhere but in an object's attributes.
fn unquoted(body: s3s::Body) -> ResponseBody {
    let Some(bytes) = body.bytes() else { return outbound(body) };
    let text = String::from_utf8_lossy(&bytes);
    let parts = text.split_once("<ETag>").and_then(|(head, rest)| Some((head, rest.split_once("</ETag>")?)));
    match parts {
        Some((head, (etag, rest))) => {
            let plain = etag.replace("&quot;", "").replace("&#34;", "");
            let etag: String = plain.chars().filter(|letter| *letter != '"').collect();
            full(format!("{head}<ETag>{etag}</ETag>{rest}"))
        }
        None => full(bytes),
    }
}

/// The answer that tells of an error.
pub(crate) fn refusal(visit: &Visit, method: &Method, told: Told) -> (Response<ResponseBody>, Option<String>) {
    let told = errors::complete(told, visit);
    let bodiless = *method == Method::HEAD || told.status == StatusCode::NOT_MODIFIED;
    let body = if bodiless { full("") } else { full(told.xml(visit.arrived().request_id.as_str(), &host_id(visit))) };
    let mut response = Response::new(body);
    *response.status_mut() = told.status;
    let headers = response.headers_mut();
    headers.extend(told.headers);
    if told.status != StatusCode::NOT_MODIFIED {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    }
    identify(headers, visit);
    (response, Some(told.code))
}

fn identify(headers: &mut HeaderMap, visit: &Visit) {
    // Objects share their origin with the console: a page among them must not run as the console does.
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(value) = HeaderValue::from_str(visit.arrived().request_id.as_str()) {
        headers.insert(REQUEST_ID, value);
    }
    if let Ok(value) = HeaderValue::from_str(&host_id(visit)) {
        headers.insert(HOST_ID, value);
    }
}

/// The second id of an answer. AWS's names the machine; ours repeats the request's id.
fn host_id(visit: &Visit) -> String {
    base64::engine::general_purpose::STANDARD.encode(visit.arrived().request_id.as_str())
}

/// The text of an element of the XML that s3s makes of its errors.
fn element(xml: &str, name: &str) -> String {
    let inner = xml.split_once(&format!("<{name}>")).and_then(|(_, rest)| rest.split_once(&format!("</{name}>")));
    let inner = inner.map_or("", |(inner, _)| inner);
    let plain = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    plain.iter().fold(inner.to_owned(), |text, (escape, letter)| text.replace(escape, letter))
}

/// The path of a request as errors show it, unescaped, with the bucket first.
pub(crate) fn resource(parts: &Parts, bucket: Option<&str>) -> String {
    let path = percent_encoding::percent_decode_str(parts.uri.path()).decode_utf8_lossy();
    match bucket {
        Some(bucket) => format!("/{bucket}{path}"),
        None => path.into_owned(),
    }
}
