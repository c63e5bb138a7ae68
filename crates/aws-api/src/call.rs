//! One authenticated request on its way to a handler, and the row that says what it may do and who serves it.

use base::{Error, Result};
use bytes::Bytes;
use futures::future::BoxFuture;
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode, header};
use identity::{Access, Ask, Ctx};
use models::{ChatRequest, ChatStream, CompletionRequest, ContinuationRequest, Route, ServedBy};
use serde_json::Value;

use crate::Api;
use crate::answered::Answered;
use crate::body::{ResponseBody, full};

/// What handlers give.
pub(crate) type Answer = Result<Response<ResponseBody>, crate::errors::Failure>;

/// What an operation asks of its caller's policies.
pub(crate) type Asked<'a> = BoxFuture<'a, Result<Vec<Ask>, crate::errors::Failure>>;

/// One operation: what it is called, what the caller must be allowed to do, and who serves it. The permission is checked
/// before the handler is called, so a handler cannot forget it.
pub(crate) struct Row<R> {
    /// The operation's name.
    pub(crate) operation: &'static str,
    /// The IAM action: `bedrock:InvokeModel`.
    pub(crate) action: &'static str,
    /// Whether it changes anything: what does is recorded before it happens.
    pub(crate) access: Access,
    /// What must be allowed.
    pub(crate) check: Check<R>,
    /// Decodes, calls the domain function, encodes.
    pub(crate) handler: fn(Call<R>) -> BoxFuture<'static, Answer>,
}

/// What a caller must be allowed to do before an operation's handler is called.
pub(crate) enum Check<R> {
    /// The row's action on this ARN, or on `*`.
    Arn(fn(&Call<R>) -> String),
    /// The row's action on the model of this id, also where the id is an imported model's name.
    Model(fn(&Call<R>) -> String),
    /// All of these, with what the service knows of resource and request.
    Asks(for<'a> fn(&'a Call<R>) -> Asked<'a>),
    /// What the domain function checks itself: it alone knows the resource's policy.
    InDomain,
}

/// An authenticated request whose body was read. `R` is what routing found out.
pub(crate) struct Call<R> {
    pub(crate) api: Api,
    pub(crate) ctx: Ctx,
    pub(crate) parts: Parts,
    pub(crate) body: Bytes,
    pub(crate) route: R,
    /// Where it is noted what the models answered.
    pub(crate) answered: Answered,
}

impl<R> Call<R> {
    /// [`models::Models::chat`], noted for the list of the latest requests.
    pub(crate) async fn chat(&self, request: ChatRequest) -> Result<ChatStream> {
        Ok(self.answered.watch(self.api.models().chat(&self.ctx, request).await?))
    }

    /// [`models::Models::complete`], noted likewise.
    pub(crate) async fn complete(&self, request: CompletionRequest) -> Result<ChatStream> {
        Ok(self.answered.watch(self.api.models().complete(&self.ctx, request).await?))
    }

    /// [`models::Models::continue_text`], noted likewise.
    pub(crate) async fn continue_text(&self, request: ContinuationRequest) -> Result<ChatStream> {
        Ok(self.answered.watch(self.api.models().continue_text(&self.ctx, request).await?))
    }
}

/// What routing found in the path of a REST request: the text in place of each `{…}` of the pattern, unescaped.
#[derive(Debug, Default)]
pub(crate) struct Labels(pub(crate) Vec<String>);

impl Call<Labels> {
    /// The path's `index`-th label; empty where the pattern has fewer.
    pub(crate) fn label(&self, index: usize) -> &str {
        self.route.0.get(index).map_or("", String::as_str)
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Result<Value> {
        let json = self.parts.headers.get(header::CONTENT_TYPE).is_none_or(is_json);
        if !json {
            return Err(Error::invalid("The body must be JSON.").with_hint("Send `Content-Type: application/json`."));
        }
        serde_json::from_slice(&self.body).map_err(|e| {
            Error::invalid("We could not parse the JSON body of your request.").with_hint(format!("It says: {e}."))
        })
    }

    /// The value of a query parameter, unescaped.
    pub(crate) fn query(&self, name: &str) -> Option<String> {
        query_pairs(self.parts.uri.query().unwrap_or_default()).find(|(key, _)| key == name).map(|(_, value)| value)
    }
}

/// The pairs of a query string or a form, unescaped.
pub(crate) fn query_pairs(query: &str) -> impl Iterator<Item = (String, String)> + '_ {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (unescape(key), unescape(value))
    })
}

fn unescape(text: &str) -> String {
    let text = text.replace('+', " ");
    percent_encoding::percent_decode_str(&text).decode_utf8_lossy().into_owned()
}

/// Whether a media type is JSON.
pub(crate) fn is_json(value: &HeaderValue) -> bool {
    let media = value.to_str().unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim();
    media.eq_ignore_ascii_case("application/json") || media.to_ascii_lowercase().ends_with("+json")
}

/// A JSON response.
pub(crate) fn json(status: StatusCode, body: &Value) -> Response<ResponseBody> {
    let mut response = Response::new(full(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The header that tells what is likely not meant, where the request is answered all the same.
pub(crate) const WARNING: &str = "x-craton-warning";
/// The header that names the model that answered.
pub(crate) const SERVED_BY: &str = "x-craton-served-by";

/// Says in `response` which model answered, and whether it stands in for another.
pub(crate) fn name_model(response: &mut Response<ResponseBody>, served_by: &ServedBy) {
    let upstream = served_by.upstream.as_ref().map_or_else(String::new, |url| format!("; upstream={url}"));
    let mut text = format!("{}; substituted={}{upstream}", served_by.name, served_by.substituted);
    if let Some(Route { pool, profile, region }) = &served_by.route {
        for (what, name) in [("pool", pool), ("profile", profile), ("region", region)] {
            text.extend(name.as_ref().map(|name| format!("; {what}={name}")));
        }
    }
    text.extend(served_by.replica.map(|replica| format!("; replica={replica}")));
    if let Ok(value) = HeaderValue::from_str(&text) {
        response.headers_mut().insert(SERVED_BY, value);
    }
    if let Some(format) = served_by.foreign_format {
        let text =
            format!("prompt-format; the prompt holds control tokens of `{format}`, which are words to this model");
        if let Ok(value) = HeaderValue::from_str(&text) {
            response.headers_mut().insert(WARNING, value);
        }
    }
}
