//! The console's files, embedded in the binary.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header};
use rust_embed::Embed;

/// The built console, where it was built before the binary was; empty otherwise.
#[derive(Embed)]
#[folder = "../../console/dist"]
#[allow_missing = true]
struct Files;

/// Said by every page, so that nothing in it can load, send or run anything from elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    font-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><title>Craton</title><h1>The console is not in this build</h1>\
    <p>Run <code>make console</code> (it needs Node.js and npm) and build again.</p></html>";

/// Whether `path` belongs to the console.
pub(crate) fn owns(path: &str) -> bool {
    path == "/console" || path.starts_with("/console/")
}

/// The console's answer to a request for `path`; unknown pages get the application, which routes by itself.
pub(crate) fn answer(method: &Method, path: &str) -> Response<Bytes> {
    if !matches!(*method, Method::GET | Method::HEAD) {
        return page(
            StatusCode::METHOD_NOT_ALLOWED,
            "text/plain",
            "no-store",
            Bytes::from_static(b"Only GET and HEAD."),
        );
    }
    let Some(name) = path.strip_prefix("/console/") else {
        let mut response = page(StatusCode::PERMANENT_REDIRECT, "text/plain", "no-store", Bytes::new());
        response.headers_mut().insert(header::LOCATION, HeaderValue::from_static("/console/"));
        return response;
    };
    if let Some(file) = Files::get(name).filter(|_| !name.is_empty()) {
        // Vite names every asset by its content, so an asset never changes under its name.
        let caching = if name.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
        return page(StatusCode::OK, media_type(name), caching, bytes(file.data));
    }
    if name.starts_with("assets/") {
        return page(StatusCode::NOT_FOUND, "text/plain", "no-store", Bytes::from_static(b"There is no such file."));
    }
    match Files::get("index.html") {
        Some(file) => page(StatusCode::OK, "text/html; charset=utf-8", "no-cache", bytes(file.data)),
        None => page(StatusCode::OK, "text/html; charset=utf-8", "no-cache", Bytes::from_static(NOT_BUILT.as_bytes())),
    }
}

fn bytes(data: Cow<'static, [u8]>) -> Bytes {
    match data {
        Cow::Borrowed(data) => Bytes::from_static(data),
        Cow::Owned(data) => Bytes::from(data),
    }
}

fn page(status: StatusCode, media_type: &'static str, caching: &'static str, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    response
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("woff") => "font/woff",
        Some("json" | "map") => "application/json",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
#[path = "console/tests.rs"]
mod tests;
