//! Errors in the shape of each protocol.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};

use crate::encode::{json_media_type, request_id_header, xml};
use crate::schema::{Protocol, Service};

/// An error as a client sees it.
#[derive(Debug, Clone)]
pub struct WireError {
    /// The code on the wire: `ValidationException`.
    pub code: String,
    /// Text for a person.
    pub message: String,
    /// HTTP status.
    pub status: u16,
    /// Further members of the exception, where the protocol is JSON: `Reason`.
    pub members: Vec<(&'static str, serde_json::Value)>,
    /// Further headers.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

impl WireError {
    /// The exception `code` of `service`, with the status that the model (or AWS's list of common errors) gives it.
    #[must_use]
    pub fn new(service: &Service, code: &str, message: impl Into<String>) -> Self {
        let (code, status) = match service.error(code) {
            Some(shape) => (shape.code, shape.status),
            None => (code, common_status(code)),
        };
        Self::with_status(status, code, message)
    }

    /// An error with its own status.
    #[must_use]
    pub fn with_status(status: u16, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), status, members: Vec::new(), headers: Vec::new() }
    }
}

/// Statuses of the errors that every service may give.
fn common_status(code: &str) -> u16 {
    match code.strip_suffix("Exception").unwrap_or(code) {
        "AccessDenied"
        | "SignatureDoesNotMatch"
        | "InvalidSignature"
        | "InvalidAccessKeyId"
        | "InvalidClientTokenId"
        | "UnrecognizedClient"
        | "MissingAuthenticationToken"
        | "ExpiredToken"
        | "RequestTimeTooSkewed"
        | "OptInRequired"
        | "RequestExpired" => 403,
        "ResourceNotFound" | "NoSuchEntity" | "UnknownOperation" => 404,
        "RequestTimeout" => 408,
        "RequestEntityTooLarge" | "EntityTooLarge" => 413,
        "Throttling" | "TooManyRequests" => 429,
        "InternalFailure" | "InternalServer" | "InternalError" | "ServiceFailure" => 500,
        "NotImplemented" => 501,
        "ServiceUnavailable" | "SlowDown" => 503,
        _ => 400,
    }
}

/// The response that carries `error` in the shape of `service`'s protocol.
pub fn encode_error(service: &Service, error: &WireError, request_id: &str) -> Response<Bytes> {
    let (media_type, body) = match service.protocol {
        Protocol::RestJson => ("application/json", json_error(error, None)),
        Protocol::Json10 | Protocol::Json11 => {
            (json_media_type(service.protocol), json_error(error, Some(error.code.as_str())))
        }
        Protocol::Query => ("text/xml", query_error(service, error, request_id)),
        Protocol::RestXml => ("application/xml", s3_error(error, request_id)),
    };
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    request_id_header(headers, service.protocol, request_id);
    if service.protocol == Protocol::RestJson
        && let Ok(code) = HeaderValue::from_str(&error.code)
    {
        headers.insert(HeaderName::from_static("x-amzn-errortype"), code);
    }
    headers.extend(error.headers.iter().map(|(name, value)| (Some(name.clone()), value.clone())));
    response
}

fn json_error(error: &WireError, code: Option<&str>) -> String {
    let mut body = serde_json::Map::new();
    if let Some(code) = code {
        body.insert("__type".to_owned(), code.into());
    }
    body.insert("message".to_owned(), error.message.as_str().into());
    for (name, value) in &error.members {
        body.insert((*name).to_owned(), value.clone());
    }
    serde_json::Value::Object(body).to_string()
}

fn query_error(service: &Service, error: &WireError, request_id: &str) -> String {
    let party = if error.status < 500 { "Sender" } else { "Receiver" };
    let mut text = format!("<ErrorResponse xmlns=\"{}\"><Error>", service.xml_namespace);
    for (name, value) in [("Type", party), ("Code", &error.code), ("Message", &error.message)] {
        xml::element(&mut text, name, value);
    }
    text.push_str("</Error>");
    xml::element(&mut text, "RequestId", request_id);
    text.push_str("</ErrorResponse>");
    text
}

fn s3_error(error: &WireError, request_id: &str) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>");
    for (name, value) in [("Code", error.code.as_str()), ("Message", &error.message), ("RequestId", request_id)] {
        xml::element(&mut text, name, value);
    }
    text.push_str("</Error>");
    text
}
