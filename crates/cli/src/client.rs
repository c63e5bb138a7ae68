//! The client of our own API and of the AWS operations: signs with SigV4, turns error answers into errors with hints.

use std::time::Duration;
use std::{fmt, fs};

use anyhow::{Context as _, Result, anyhow};
use aws_wire::sigv4::{self, SigningRequest};
use base::{Clock as _, Secret, SystemClock};
use http::{Method, StatusCode};
use reqwest::Response;
use serde_json::{Value, json};

use crate::commands::segment;
use crate::connection::Connection;

/// The longest wait for a server that says whether it serves.
const READY_LIMIT: Duration = Duration::from_secs(5);

/// Speaks to one server with one access key.
pub(crate) struct Client {
    http: reqwest::Client,
    connection: Connection,
    credentials: sigv4::Credentials,
}

impl Client {
    /// A client for `connection`.
    pub(crate) fn new(connection: Connection) -> Result<Self> {
        let mut builder = reqwest::Client::builder()
            .no_proxy()
            .connect_timeout(Duration::from_secs(10))
            .user_agent(concat!("craton/", env!("CARGO_PKG_VERSION")));
        if let Some(path) = &connection.certificate {
            let pem = fs::read(path).with_context(|| format!("cannot read the certificate `{}`", path.display()))?;
            builder = builder.tls_certs_merge(reqwest::Certificate::from_pem_bundle(&pem)?);
        }
        // The process's cryptography; an error says that it was chosen before.
        drop(rustls::crypto::ring::default_provider().install_default());
        let kept = &connection.credentials;
        let credentials = sigv4::Credentials {
            access_key_id: kept.access_key_id.clone(),
            secret_access_key: Secret::new(kept.secret_access_key.clone()),
            session_token: kept.session_token.clone().map(Secret::new),
        };
        Ok(Self { http: builder.build()?, connection, credentials })
    }

    /// The server's address.
    pub(crate) fn url(&self) -> &str {
        &self.connection.url
    }

    /// The ARN of the foundation model of an id or name; an ARN is its own.
    pub(crate) fn model_arn(&self, model: &str) -> String {
        match model.starts_with("arn:") {
            true => model.to_owned(),
            false => format!("arn:aws:bedrock:{}::foundation-model/{model}", self.connection.region),
        }
    }

    /// Whether the server was found through its data folder, so that it sees the files of this machine.
    pub(crate) fn is_of_data_folder(&self) -> bool {
        self.connection.is_of_data_folder
    }

    /// Whether the server says that it serves.
    pub(crate) async fn is_ready(&self) -> bool {
        let request = self.http.get(format!("{}/readyz", self.connection.url)).timeout(READY_LIMIT);
        request.send().await.is_ok_and(|response| response.status().is_success())
    }

    /// Every item of a listing of Craton's own API, page by page, as one listing.
    pub(crate) async fn listing(&self, path: &str) -> Result<Value> {
        let (mut items, mut page) = (Vec::new(), path.to_owned());
        loop {
            let mut answer = self.craton(Method::GET, &page, None).await?;
            if let Value::Array(more) = answer["items"].take() {
                items.extend(more);
            }
            let Some(token) = answer["nextToken"].as_str() else {
                return Ok(json!({ "items": items }));
            };
            page = format!("{path}?nextToken={}", segment(token));
        }
    }

    /// Calls Craton's own API and returns its JSON; `Null` where the answer has no body.
    pub(crate) async fn craton(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let bytes = body.map(serde_json::to_vec).transpose()?.unwrap_or_default();
        let response = self.send("craton", method, &format!("/craton/v1{path}"), bytes).await?;
        let text = response.bytes().await?;
        if text.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&text).context("the server's answer is not JSON")
    }

    /// Sends a signed request to `service` and returns its answer, once it is a success.
    pub(crate) async fn send(&self, service: &str, method: Method, path: &str, body: Vec<u8>) -> Result<Response> {
        self.send_with(service, method, path, &[], body).await
    }

    /// [`Client::send`] with more headers, whose names are in lower case; they are signed. A body is JSON where they name no
    /// other media type.
    pub(crate) async fn send_with(
        &self,
        service: &str,
        method: Method,
        path: &str,
        more: &[(&'static str, &str)],
        body: Vec<u8>,
    ) -> Result<Response> {
        let url = format!("{}{path}", self.connection.url);
        let uri: http::Uri = url.parse().with_context(|| format!("`{url}` is not an address"))?;
        let is_told = more.iter().any(|(name, _)| *name == "content-type");
        let media_type = (!body.is_empty() && !is_told).then_some(("content-type", "application/json"));
        let headers: Vec<(&'static str, &str)> = media_type.into_iter().chain(more.iter().copied()).collect();
        let region = &self.connection.region;
        let signing =
            SigningRequest { method: method.as_str(), uri: &uri, headers: &headers, body: &body, region, service };
        let added = sigv4::sign(&signing, &self.credentials, SystemClock.now());
        let mut request = self.http.request(method, url);
        for (name, value) in headers.iter().copied().chain(added.iter().map(|(name, value)| (*name, value.as_str()))) {
            request = request.header(name, value);
        }
        let request = request.body(body);
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(refusal(response).await)
    }

    fn unreachable(&self, error: &reqwest::Error) -> anyhow::Error {
        if error.is_connect() {
            return anyhow!("no server answers at `{}`\nhint: start one with `craton up`", self.connection.url);
        }
        anyhow!("the connection to `{}` failed: {error}", self.connection.url)
    }
}

/// A refusal, as the person at the terminal reads it.
#[derive(Debug)]
struct Refused {
    status: StatusCode,
    text: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Refused {}

/// Whether the server says that there is no such thing.
pub(crate) fn is_not_found(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Refused>().is_some_and(|refused| refused.status == StatusCode::NOT_FOUND)
}

/// Which model answered, as the server says it.
pub(crate) fn served_by(response: &Response) -> Option<String> {
    response.headers().get("x-craton-served-by").and_then(|name| name.to_str().ok()).map(str::to_owned)
}

/// The error that an answer describes: ours (`error.message`, `error.hint`) or an AWS service's (`message`, whose hint is
/// in a header too).
async fn refusal(response: Response) -> anyhow::Error {
    let status = response.status();
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (sent, id, errortype) = (header("x-craton-hint"), header("x-amzn-requestid"), header("x-amzn-errortype"));
    let text = response.text().await.unwrap_or_default();
    let value: Value = serde_json::from_str(&text).unwrap_or_default();
    let field = |pointer: &str| value.pointer(pointer).and_then(Value::as_str);
    let said = field("/error/message").or_else(|| field("/message")).or_else(|| field("/Message"));
    let Some(message) = said.or_else(|| xml_text(&text, "Message")) else {
        return Refused { status, text: format!("the server answered {status}") }.into();
    };
    let code = field("/error/code").or(errortype.as_deref()).or_else(|| xml_text(&text, "Code")).unwrap_or_default();
    let next = next_step(status, code, id.as_deref());
    let text = match field("/error/hint").or(sent.as_deref()).or(next.as_deref()) {
        Some(hint) => format!("{}\nhint: {hint}", message.strip_suffix(hint).unwrap_or(message).trim_end()),
        None => message.to_owned(),
    };
    Refused { status, text }.into()
}

/// The text of the first element of this name in a plain answer of IAM or S3.
pub(crate) fn xml_text<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(text, _)| text)
}

/// What to do about a refusal that brings no hint of its own.
fn next_step(status: StatusCode, code: &str, id: Option<&str>) -> Option<String> {
    if code == "Denied" || code.starts_with("AccessDenied") {
        return id.map(|id| format!("`craton iam explain {id}` says why."));
    }
    let is_unknown = status == StatusCode::UNAUTHORIZED || code.starts_with("UnrecognizedClient");
    is_unknown.then(|| {
        "`eval \"$(craton env)\"` sets the address and the access key of the server of the data folder.".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake;

    #[tokio::test]
    async fn a_listing_has_the_items_of_every_page() {
        let pages = [(200, r#"{"items":[1,2],"nextToken":"a/b="}"#), (200, r#"{"items":[3],"nextToken":null}"#)];
        let (client, asked) = fake::server(&pages);
        assert_eq!(client.listing("/jobs").await.unwrap(), json!({ "items": [1, 2, 3] }));
        let asked = asked.join().unwrap();
        assert!(asked[0].line.starts_with("GET /craton/v1/jobs HTTP"), "{asked:?}");
        assert!(asked[1].line.starts_with("GET /craton/v1/jobs?nextToken=a%2Fb%3D HTTP"), "{asked:?}");
    }

    #[tokio::test]
    async fn headers_of_a_request_are_signed() {
        let (client, asked) = fake::server(&[(200, "{}")]);
        client
            .send_with("bedrock", Method::POST, "/x", &[("x-craton-quantization", "Q8_0")], b"{}".to_vec())
            .await
            .unwrap();
        let asked = asked.join().unwrap();
        assert_eq!((asked[0].header("x-craton-quantization"), &*asked[0].body), (Some("Q8_0"), "{}"));
        let authorization = asked[0].header("authorization").unwrap();
        assert!(
            authorization.contains("content-type;") && authorization.contains("x-craton-quantization"),
            "{authorization}"
        );
    }
}
