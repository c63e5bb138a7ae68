//! Upstreams: other servers that speak OpenAI's dialect, such as vLLM, Ollama and llama-server.

mod answer;
mod chat;
mod complete;
mod embed;
mod failure;
mod sampling;
mod sse;

#[cfg(test)]
mod tests;

use std::time::Duration;

pub(crate) use failure::{Failure, Fault};

use base::{Error, ErrorKind, Result, Secret};
use inference::Constraint;
use reqwest::{Response, StatusCode, Url};
use serde::Deserialize;
use serde_json::Value;

/// The most of an upstream's error that is read.
const MAX_ERROR: usize = 64 << 10;
/// The longest that a look at an upstream's health may take.
const LONGEST_PROBE: Duration = Duration::from_secs(5);
/// The most of an upstream's whole answer that is read.
const MAX_ANSWER: usize = 256 << 20;

/// A model of an upstream.
#[derive(Debug, Clone)]
pub(crate) struct Upstream {
    pub(crate) base_url: String,
    pub(crate) model: String,
    pub(crate) api_key: Option<Secret<String>>,
}

impl PartialEq for Upstream {
    fn eq(&self, other: &Self) -> bool {
        let key = |of: &Self| of.api_key.as_ref().map(|key| key.reveal().clone());
        (&self.base_url, &self.model) == (&other.base_url, &other.model) && key(self) == key(other)
    }
}

/// Sends requests to upstreams.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    /// The longest silence.
    silence: Duration,
}

/// Checks an upstream's base URL; returns it without a slash at its end.
///
/// # Errors
/// Invalid, where it is not an http or https URL, or carries a password, a query or a fragment.
pub(crate) fn check_base_url(text: &str) -> Result<String> {
    let invalid = |why: &str| {
        Error::invalid(format!("An upstream's URL {why}."))
            .with_hint("It is what `/chat/completions` is appended to, such as `http://127.0.0.1:11434/v1`.")
    };
    let url: Url = text.parse().map_err(|_| invalid("is malformed"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err(invalid("must be an http or https one"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("must not carry a password; give the API key apart"));
    }
    if url.query().is_some() || url.fragment().is_some() || text.len() > 2048 {
        return Err(invalid("must not have a query or a fragment"));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

impl Client {
    pub(crate) fn new(http: reqwest::Client, silence: Duration) -> Self {
        Self { http, silence }
    }

    /// Posts a request and waits for the head of its answer, which is a success.
    async fn post(&self, upstream: &Upstream, path: &str, body: &Value) -> Result<Response, Failure> {
        let mut request = self.http.post(format!("{}/{path}", upstream.base_url)).json(body);
        if let Some(key) = &upstream.api_key {
            request = request.bearer_auth(key.reveal());
        }
        let response = tokio::time::timeout(self.silence, request.send()).await;
        let response = response.map_err(|_| Failure::member(self.silent(upstream)))?;
        let response = response.map_err(|e| Failure::member(unreachable(upstream, &e)))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let (status, after) = (response.status(), failure::retry_after(response.headers()));
        let body = self.read(upstream, response, MAX_ERROR).await.unwrap_or_default();
        let error = refused(upstream, status, &body);
        let error = match after {
            Some(after) if status.as_u16() == 429 => {
                let hint = format!("It asks to be tried again in {} s.", after.as_secs());
                error.with_hint(hint).with_retry_after(after)
            }
            _ => error,
        };
        let public = format!("The upstream `{}` answers {}.", upstream.base_url, status.as_u16());
        Err(Failure { error, fault: Fault::of(status, after), public })
    }

    /// Whether the upstream is there: whether it lists its models, or refuses to.
    ///
    /// # Errors
    /// Why it is not.
    pub(crate) async fn probe(&self, upstream: &Upstream) -> Result<(), String> {
        let mut request = self.http.get(format!("{}/models", upstream.base_url));
        if let Some(key) = &upstream.api_key {
            request = request.bearer_auth(key.reveal());
        }
        let wait = self.silence.min(LONGEST_PROBE);
        match tokio::time::timeout(wait, request.send()).await {
            Err(_) => Err(format!("The upstream `{}` does not list its models in time.", upstream.base_url)),
            Ok(Err(error)) => Err(unreachable(upstream, &error).message),
            // One that has no such request says so, and is there.
            Ok(Ok(answer)) if answer.status().is_server_error() && answer.status() != StatusCode::NOT_IMPLEMENTED => {
                Err(format!("The upstream `{}` answers {}.", upstream.base_url, answer.status().as_u16()))
            }
            Ok(Ok(_)) => Ok(()),
        }
    }

    /// The whole body, up to `limit` bytes.
    async fn read(&self, upstream: &Upstream, response: Response, limit: usize) -> Result<Vec<u8>> {
        let (mut body, mut response) = (Vec::new(), response);
        loop {
            let chunk =
                tokio::time::timeout(self.silence, response.chunk()).await.map_err(|_| self.silent(upstream))?;
            match chunk.map_err(|e| unreachable(upstream, &e))? {
                None => return Ok(body),
                Some(chunk) if body.len() + chunk.len() > limit => {
                    return Err(Error::unavailable(format!("The upstream `{}` answers too much.", upstream.base_url)));
                }
                Some(chunk) => body.extend_from_slice(&chunk),
            }
        }
    }

    fn silent(&self, upstream: &Upstream) -> Error {
        let seconds = self.silence.as_secs();
        Error::timeout(format!("The upstream `{}` was silent for {seconds} seconds.", upstream.base_url))
    }
}

/// Refuses what OpenAI's dialect cannot ask for.
fn refuse_constraint(constraint: Option<&Constraint>) -> Result<()> {
    match constraint {
        Some(_) => Err(Error::not_implemented("Asking an upstream for text of a given form is not implemented.")
            .with_hint("Ask without it, or ask a local model.")),
        None => Ok(()),
    }
}

/// The error of an upstream that did not answer, or stopped answering.
fn unreachable(upstream: &Upstream, error: &reqwest::Error) -> Error {
    Error::unavailable(format!("The upstream `{}` cannot be reached.", upstream.base_url))
        .with_detail(format!("{:?}", error))
        .with_hint(
            "Is it running, and is its URL right? `craton models alias list` and `craton models pool list` show it.",
        )
}

/// The error of an upstream that refused, with its own message.
fn refused(upstream: &Upstream, status: StatusCode, body: &[u8]) -> Error {
    let kind = match status.as_u16() {
        400 | 413 | 422 => ErrorKind::Invalid,
        404 => ErrorKind::NotFound,
        408 | 504 => ErrorKind::Timeout,
        429 => ErrorKind::Throttled,
        501 => ErrorKind::NotImplemented,
        _ => ErrorKind::Unavailable,
    };
    let said = message(upstream, body);
    let error = Error::new(kind, format!("The upstream `{}` answers {}: {said}", upstream.base_url, status.as_u16()));
    match status.as_u16() {
        401 | 403 => error.with_hint("Set the upstream's API key with the alias or the pool."),
        404 => error.with_hint(format!("Does it have the model `{}`?", upstream.model)),
        _ => error,
    }
}

/// The upstream's own message, without the API key if it repeats it.
fn message(upstream: &Upstream, body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Body {
        error: Value,
    }
    let text = match serde_json::from_slice::<Body>(body).map(|body| body.error) {
        Ok(Value::String(text)) => text,
        Ok(error) => error["message"].as_str().unwrap_or("no message").to_owned(),
        Err(_) => String::from_utf8_lossy(body).into_owned(),
    };
    let shown: String = text.chars().take(1000).collect();
    match &upstream.api_key {
        Some(key) => shown.replace(key.reveal().as_str(), "[secret]"),
        None => shown,
    }
}

/// The error of an answer that is not in the dialect.
fn garbled(upstream: &Upstream, why: impl std::fmt::Display) -> Error {
    Error::unavailable(format!("The upstream `{}` gave an answer that cannot be read.", upstream.base_url))
        .with_detail(why)
}
