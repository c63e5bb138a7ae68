//! Requests: signed, with a bearer key, or bare.

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use aws_wire::sigv4::{self, Credentials, SigningRequest};
use base::{Clock as _, Secret, SystemClock};
use bytes::Bytes;
use http::{HeaderMap, Method, Uri, Version};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use super::{DEADLINE, EventStream, KEY_ID, SECRET};

/// An access key.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) token: Option<String>,
}

impl Key {
    pub(crate) fn new(id: &str, secret: &str) -> Self {
        Self { id: id.to_owned(), secret: secret.to_owned(), token: None }
    }

    /// The tests' administrator.
    pub(crate) fn admin() -> Self {
        Self::new(KEY_ID, SECRET)
    }

    pub(crate) fn credentials(&self) -> Credentials {
        Credentials {
            access_key_id: self.id.clone(),
            secret_access_key: Secret::new(self.secret.clone()),
            session_token: self.token.clone().map(Secret::new),
        }
    }

    /// The key in an answer of IAM, or of STS.
    pub(crate) fn of_xml(xml: &str) -> Self {
        let part = |name: &str| tag(xml, name).unwrap_or_else(|| panic!("no {name} in {xml}"));
        let token = tag(xml, "SessionToken").map(str::to_owned);
        Self { token, ..Self::new(part("AccessKeyId"), part("SecretAccessKey")) }
    }
}

/// The text of the first element of that name.
fn tag<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(text, _)| text)
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) version: Version,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) async fn read(response: reqwest::Response) -> reqwest::Result<Self> {
        let (status, version, headers) = (response.status().as_u16(), response.version(), response.headers().clone());
        Ok(Self { status, version, headers, body: response.bytes().await? })
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The answer, which must be a success.
    pub(crate) fn ok(self) -> Self {
        assert!((200..300).contains(&self.status), "{self:?}");
        self
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name}: {self:?}")).to_str().unwrap()
    }

    /// The text of an XML element.
    pub(crate) fn tag(&self, name: &str) -> &str {
        tag(self.text(), name).unwrap_or_else(|| panic!("no {name}: {self:?}"))
    }

    /// The error's code in the shape of the service: a header of REST-JSON, an element of XML, or a field of our own.
    pub(crate) fn error_code(&self) -> String {
        if let Some(code) = self.headers.get("x-amzn-errortype") {
            return code.to_str().unwrap().split(':').next().unwrap().to_owned();
        }
        if let Some(code) = tag(self.text(), "Code") {
            return code.to_owned();
        }
        self.json()["error"]["code"].as_str().unwrap_or_else(|| panic!("no error code: {self:?}")).to_owned()
    }
}

/// Speaks to one server.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    url: String,
}

impl Client {
    /// A client of the server that `endpoint.json` describes.
    pub(crate) fn new(endpoint: &Value) -> Self {
        let http = Self::builder(endpoint).build().unwrap();
        Self { http, url: endpoint["url"].as_str().unwrap().to_owned() }
    }

    /// What the client is made with: trust in the server's own certificate, where it has one.
    pub(crate) fn builder(endpoint: &Value) -> reqwest::ClientBuilder {
        // Only the first call in a process chooses.
        drop(rustls::crypto::ring::default_provider().install_default());
        let builder = reqwest::Client::builder().no_proxy().timeout(DEADLINE).connect_timeout(Duration::from_secs(10));
        match endpoint["certificate"].as_str() {
            Some(path) => {
                let trusted = reqwest::Certificate::from_pem_bundle(&fs::read(path).unwrap()).unwrap();
                builder.tls_certs_only(trusted)
            }
            None => builder,
        }
    }

    /// The same server by another HTTP client.
    pub(crate) fn over(&self, http: reqwest::Client) -> Self {
        Self { http, url: self.url.clone() }
    }

    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.url.rsplit('/').next().unwrap().parse().unwrap()
    }

    pub(crate) async fn is_ready(&self) -> bool {
        let answer = self.http.get(self.url("/readyz")).send().await;
        answer.is_ok_and(|response| response.status().is_success())
    }

    /// An unsigned GET.
    pub(crate) async fn get(&self, path: &str) -> Reply {
        Reply::read(self.http.get(self.url(path)).send().await.unwrap()).await.unwrap()
    }

    /// The headers of a signed request.
    pub(crate) fn signature(
        &self,
        key: &Key,
        service: &str,
        method: &Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Vec<(&'static str, String)> {
        let uri: Uri = self.url(path).parse().unwrap();
        let request =
            SigningRequest { method: method.as_str(), uri: &uri, headers, body, region: "us-east-1", service };
        sigv4::sign(&request, &key.credentials(), SystemClock.now())
    }

    /// The address of a GET that carries its signature for a minute.
    pub(crate) fn presigned(&self, key: &Key, service: &str, path: &str) -> String {
        let uri: Uri = self.url(path).parse().unwrap();
        let request =
            SigningRequest { method: "GET", uri: &uri, headers: &[], body: b"", region: "us-east-1", service };
        self.url(&format!("/?{}", sigv4::presign(&request, &key.credentials(), SystemClock.now(), 60)))
    }

    /// A signed request that has not been sent.
    pub(crate) fn signed(
        &self,
        key: &Key,
        service: &str,
        method: Method,
        path: &str,
        content_type: &str,
        body: impl Into<Bytes>,
    ) -> RequestBuilder {
        let body = body.into();
        let headers = [("content-type", content_type)];
        let added = self.signature(key, service, &method, path, &headers, &body);
        let mut request = self.http.request(method, self.url(path)).header("content-type", content_type);
        for (name, value) in added {
            request = request.header(name, value);
        }
        request.body(body)
    }

    /// A call of Craton's own API.
    pub(crate) async fn try_craton(
        &self,
        key: &Key,
        method: Method,
        path: &str,
        body: &Value,
    ) -> reqwest::Result<Reply> {
        let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let path = format!("/craton/v1{path}");
        Reply::read(self.signed(key, "craton", method, &path, "application/json", bytes).send().await?).await
    }

    /// A call of Craton's own API by the administrator.
    pub(crate) async fn craton(&self, method: Method, path: &str, body: Value) -> Reply {
        self.try_craton(&Key::admin(), method, path, &body).await.unwrap()
    }

    /// A call of IAM or STS.
    pub(crate) async fn try_query(&self, key: &Key, service: &str, form: &[(&str, &str)]) -> reqwest::Result<Reply> {
        let version = if service == "sts" { "2011-06-15" } else { "2010-05-08" };
        let pairs = form.iter().copied().chain([("Version", version)]);
        let body = pairs.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
        let content_type = "application/x-www-form-urlencoded";
        Reply::read(self.signed(key, service, Method::POST, "/", content_type, body).send().await?).await
    }

    pub(crate) async fn iam(&self, key: &Key, form: &[(&str, &str)]) -> Reply {
        self.try_query(key, "iam", form).await.unwrap()
    }

    pub(crate) async fn sts(&self, key: &Key, action: &str) -> Reply {
        self.try_query(key, "sts", &[("Action", action)]).await.unwrap()
    }

    /// One question by Converse.
    pub(crate) async fn converse(&self, key: &Key, model: &str, question: &str) -> Reply {
        self.try_converse(key, model, question).await.unwrap()
    }

    /// As [`Server::converse`], of a server that may die.
    pub(crate) async fn try_converse(&self, key: &Key, model: &str, question: &str) -> reqwest::Result<Reply> {
        let request = self.bedrock(key, model, "converse", &conversation(question));
        Reply::read(request.send().await?).await
    }

    /// A request of `bedrock-runtime` that has not been sent.
    pub(crate) fn bedrock(&self, key: &Key, model: &str, operation: &str, body: &Value) -> RequestBuilder {
        let path = format!("/model/{}/{operation}", model.replace(':', "%3A"));
        self.signed(key, "bedrock", Method::POST, &path, "application/json", body.to_string())
    }

    /// One question by ConverseStream; the stream has begun when this returns.
    pub(crate) async fn stream(&self, model: &str, question: &str) -> EventStream {
        let request = self.bedrock(&Key::admin(), model, "converse-stream", &conversation(question));
        let response = request.send().await.unwrap();
        assert_eq!(response.status().as_u16(), 200, "{:?}", response.text().await);
        EventStream::new(response)
    }

    /// Lets an upstream answer for `model`.
    pub(crate) async fn give_to(&self, model: &str, upstream: &str) {
        let target = json!({ "upstream": { "baseUrl": upstream, "model": "upstream-model" } });
        self.craton(Method::PUT, &format!("/aliases/{}", model.replace(':', "%3A")), target).await.ok();
    }

    /// What is said of the loaded model, once there is one.
    pub(crate) async fn loaded(&self) -> Value {
        self.craton(Method::GET, "/status", Value::Null).await.ok().json()["loaded"][0].clone()
    }
}

/// The body of Converse and ConverseStream; its answer is the same every time.
pub(crate) fn conversation(question: &str) -> Value {
    json!({
        "messages": [{ "role": "user", "content": [{ "text": question }] }],
        "inferenceConfig": { "temperature": 0 },
    })
}
