//! The OpenAI API under `/v1`. Its operations ask for Bedrock's permissions: what a principal may do does not depend on
//! the dialect.

mod chat;
mod chat_answer;
pub(crate) mod chat_request;
mod choices;
mod completion_answer;
mod completion_request;
mod completions;
mod embeddings;
pub(crate) mod errors;
mod model_list;
pub(crate) mod repetition;
pub(crate) mod serving;
pub(crate) mod sse;
pub(crate) mod structured;

pub(crate) use chat_answer::{ChatAnswer, finish_reason, system_fingerprint, usage};
pub(crate) use completion_answer::CompletionAnswer;
pub(crate) use completion_request::Asked;

use base::Error;
use futures::future::FutureExt as _;
use identity::Access;
use serde_json::Value;

use crate::call::{Call, Check, Labels, Row};
use crate::rest::Route;

/// The operations.
pub(crate) const ROUTES: &[Route] = &[
    Route {
        method: "GET",
        pattern: "/v1/models",
        row: Row {
            operation: "ListModels",
            action: "bedrock:ListFoundationModels",
            access: Access::Read,
            check: Check::Arn(|_| "*".to_owned()),
            handler: |call| model_list::list(call).boxed(),
        },
    },
    Route {
        method: "GET",
        pattern: "/v1/models/{model}",
        row: Row {
            operation: "RetrieveModel",
            action: "bedrock:GetFoundationModel",
            access: Access::Read,
            check: Check::Asks(|call| model_list::permission(call).boxed()),
            handler: |call| model_list::get(call).boxed(),
        },
    },
    Route {
        method: "POST",
        pattern: "/v1/chat/completions",
        row: Row {
            operation: "CreateChatCompletion",
            action: "bedrock:InvokeModel",
            access: Access::Read,
            check: Check::Model(named_model),
            handler: |call| chat::create(call).boxed(),
        },
    },
    Route {
        method: "POST",
        pattern: "/v1/completions",
        row: Row {
            operation: "CreateCompletion",
            action: "bedrock:InvokeModel",
            access: Access::Read,
            check: Check::Model(named_model),
            handler: |call| completions::create(call).boxed(),
        },
    },
    Route {
        method: "POST",
        pattern: "/v1/embeddings",
        row: Row {
            operation: "CreateEmbedding",
            action: "bedrock:InvokeModel",
            access: Access::Read,
            check: Check::Model(named_model),
            handler: |call| embeddings::create(call).boxed(),
        },
    },
];

/// The first path segment after `/v1/` of parts of the API that are known and not served.
const NOT_SERVED: &[&str] = &[
    "assistants",
    "audio",
    "batches",
    "chat",
    "containers",
    "conversations",
    "evals",
    "files",
    "fine_tuning",
    "images",
    "moderations",
    "realtime",
    "responses",
    "threads",
    "uploads",
    "vector_stores",
    "videos",
];

/// The most stop sequences that a request may give.
pub(crate) const MAX_STOPS: usize = 4;

/// How the error about a path that the API does not have begins.
const INVALID_URL: &str = "Invalid URL";

/// The error for a request that no route takes.
pub(crate) fn unknown_route(method: &str, path: &str) -> Error {
    let first = path.trim_start_matches("/v1").trim_start_matches('/').split('/').next().unwrap_or_default();
    if NOT_SERVED.contains(&first) {
        return Error::not_implemented(format!("`{method} {path}` is not implemented."))
            .with_hint("Craton serves chat completions, completions, embeddings and models.");
    }
    Error::not_found(format!("{INVALID_URL} ({method} {path})."))
}

/// The model that the body names. The body is decoded and checked later, by the handler.
fn named_model(call: &Call<Labels>) -> String {
    let body: Option<Value> = serde_json::from_slice(&call.body).ok();
    let model = body.as_ref().and_then(|body| body.get("model")).and_then(Value::as_str);
    model.unwrap_or_default().to_owned()
}

/// The id of an answer: `prefix` and 24 letters and digits.
pub(super) fn answer_id<R>(call: &Call<R>, prefix: &str) -> String {
    format!("{prefix}-{}", call.api.unique())
}

/// Seconds since 1970.
pub(super) fn unix_time<R>(call: &Call<R>) -> i64 {
    call.ctx.now().as_millis().div_euclid(1000)
}

#[cfg(test)]
mod tests;
