//! Errors as OpenAI's clients expect them.

use base::{Error, ErrorKind};
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

use crate::body::{ResponseBody, full};
use crate::json_fields::parameter;

/// The response that tells `error`.
pub(crate) fn respond(error: &Error) -> Response<ResponseBody> {
    let mut response = Response::new(full(body(error).to_string()));
    *response.status_mut() = status(error);
    let headers = response.headers_mut();
    headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if matches!(error.kind, ErrorKind::NotImplemented | ErrorKind::Damaged) {
        // The client would send the same request again after any status of 500 or more.
        headers.insert("x-should-retry", HeaderValue::from_static("false"));
    }
    response
}

/// `{"error": {"message", "type", "param", "code"}}`.
pub(crate) fn body(error: &Error) -> Value {
    json!({"error": {
        "message": error.public_text(),
        "type": kind(error),
        "param": parameter(&error.message),
        "code": code(error),
    }})
}

fn unknown_model(error: &Error) -> bool {
    error.message.starts_with("The provided model identifier is invalid")
}

fn status(error: &Error) -> StatusCode {
    match error.kind {
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::Invalid if unknown_model(error) => StatusCode::NOT_FOUND,
        ErrorKind::Invalid => StatusCode::BAD_REQUEST,
        ErrorKind::AlreadyExists | ErrorKind::Conflict => StatusCode::CONFLICT,
        ErrorKind::Denied => StatusCode::FORBIDDEN,
        ErrorKind::Unauthenticated => StatusCode::UNAUTHORIZED,
        ErrorKind::Throttled => StatusCode::TOO_MANY_REQUESTS,
        ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Timeout => StatusCode::GATEWAY_TIMEOUT,
        ErrorKind::NotImplemented => StatusCode::NOT_IMPLEMENTED,
        ErrorKind::Internal | ErrorKind::Damaged => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn kind(error: &Error) -> &'static str {
    match error.kind {
        ErrorKind::Unauthenticated => "authentication_error",
        ErrorKind::Denied => "permission_error",
        ErrorKind::Throttled => "rate_limit_error",
        ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Internal | ErrorKind::Damaged => "server_error",
        _ => "invalid_request_error",
    }
}

fn code(error: &Error) -> Option<&'static str> {
    match error.kind {
        ErrorKind::NotFound if error.message.starts_with(super::INVALID_URL) => Some("unknown_url"),
        ErrorKind::NotFound => Some("model_not_found"),
        ErrorKind::Invalid if unknown_model(error) => Some("model_not_found"),
        ErrorKind::Invalid if error.message.starts_with("Input is too long") => Some("context_length_exceeded"),
        ErrorKind::Unauthenticated => Some("invalid_api_key"),
        ErrorKind::Throttled => Some("rate_limit_exceeded"),
        ErrorKind::NotImplemented => Some("not_implemented"),
        _ => None,
    }
}
