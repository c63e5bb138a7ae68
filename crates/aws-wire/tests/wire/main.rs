//! The wire, against what AWS documents and what botocore sends, signs and reads.

#![allow(clippy::unwrap_used, missing_docs)]

mod events;
mod requests;
mod responses;
mod routes;
mod schemas;
mod signatures;
mod violations;

use aws_wire::{Input, Violation};
use bytes::Bytes;
use http::request::Parts;
use serde_json::Value;

/// A fixture file.
fn fixture(text: &str) -> Vec<Value> {
    serde_json::from_str(text).unwrap()
}

/// The body of a fixture.
fn body_of(entry: &Value) -> Bytes {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(entry["body"].as_str().unwrap()).unwrap().into()
}

/// A request without a body.
fn parts(method: &str, uri: &str, headers: &[(&str, &str)]) -> Parts {
    let mut builder = http::Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(()).unwrap().into_parts().0
}

/// Routes and decodes.
fn decode<I: Input>(scope: &str, parts: &Parts, body: impl Into<Bytes>) -> Result<I, Violation> {
    let body = body.into();
    let routed = aws_wire::route(scope, parts, &body).unwrap();
    aws_wire::decode(&routed, parts, &body)
}
