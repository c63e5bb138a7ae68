//! Errors of Craton's own API.

use base::{Error, ErrorKind, RequestId};
use http::{Response, StatusCode};
use serde_json::json;

use crate::body::ResponseBody;
use crate::call;

/// `{"error": {"code", "message", "hint", "requestId"}}`.
pub(crate) fn respond(error: &Error, id: &RequestId) -> Response<ResponseBody> {
    call::json(
        status(error.kind),
        &json!({"error": {
            "code": error.kind.as_str(),
            "message": error.message,
            "hint": error.hint,
            "requestId": id.as_str(),
        }}),
    )
}

fn status(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::AlreadyExists | ErrorKind::Conflict => StatusCode::CONFLICT,
        ErrorKind::Invalid => StatusCode::BAD_REQUEST,
        ErrorKind::Denied => StatusCode::FORBIDDEN,
        ErrorKind::Unauthenticated => StatusCode::UNAUTHORIZED,
        ErrorKind::Throttled => StatusCode::TOO_MANY_REQUESTS,
        ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Timeout => StatusCode::GATEWAY_TIMEOUT,
        ErrorKind::Damaged => StatusCode::FAILED_DEPENDENCY,
        ErrorKind::NotImplemented => StatusCode::NOT_IMPLEMENTED,
        ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
