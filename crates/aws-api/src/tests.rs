//! The whole API over a database, a catalogue and the fake engine.

mod aws;
mod bedrock;
mod craton;
mod evaluations;
mod faults;
mod hub;
mod imported;
mod openai;
mod refusals;
mod s3;
mod tunings;
mod upstreams;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ::store::Store;
use aws_wire::sigv4::{self, SigningRequest};
use backup::Backups;
use base::{Clock, FixedClock, Random, Secret, SeededRandom, Timestamp};
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use identity::{AdminCredentials, Defaults, Identity, RootCredentials, RootKey};
use inference::fake::FakeLoader;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{Api, Deployment, Limits, Setup};

const CLAUDE: &str = "anthropic.claude-3-haiku-20240307-v1:0";
const TITAN_V1: &str = "amazon.titan-embed-text-v1";

/// A deployment with a generator `tiny` behind the Claude id and an embedder `mini` behind Titan's.
struct World {
    api: Api,
    clock: Arc<FixedClock>,
    admin: AdminCredentials,
    jobs: jobs::Running,
    dir: TempDir,
}

/// An answer, its body read.
struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Status and code of a REST-JSON error.
    fn error(&self) -> (u16, &str) {
        (self.status.as_u16(), self.header("x-amzn-errortype"))
    }
}

fn peer() -> SocketAddr {
    "127.0.0.1:50000".parse().unwrap()
}

fn credentials(of: &AdminCredentials) -> sigv4::Credentials {
    sigv4::Credentials {
        access_key_id: of.access_key_id.clone(),
        secret_access_key: of.secret.clone(),
        session_token: None,
    }
}

impl World {
    async fn start() -> Self {
        Self::start_with(FakeLoader::default(), |_| {}).await
    }

    async fn start_with(loader: impl inference::Loader + 'static, change: impl FnOnce(&mut models::Config)) -> Self {
        let world = Self::without_models_with(loader, change).await;
        world.pull("tiny.gguf").await;
        world.pull("mini.safetensors").await;
        for (id, name) in [(CLAUDE, "tiny"), (TITAN_V1, "mini")] {
            let path = format!("/craton/v1/aliases/{}", id.replace(':', "%3A"));
            let reply = world.signed("craton", "PUT", &path, &json!({"local": name}).to_string()).await;
            assert_eq!(reply.status, 200, "{}", reply.text());
        }
        world
    }

    async fn without_models() -> Self {
        Self::without_models_with(FakeLoader::default(), |_| {}).await
    }

    async fn without_models_with(
        loader: impl inference::Loader + 'static,
        change: impl FnOnce(&mut models::Config),
    ) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(FixedClock::new(Timestamp(1_800_000_000_000)));
        let random: Arc<dyn Random> = Arc::new(SeededRandom::new(1));
        let store = Store::open_sqlite(&dir.path().join("craton.db")).await.unwrap();
        let root_key = RootKey::load_or_create(dir.path().join("root.key")).unwrap();
        let defaults = Defaults { region: "us-east-1".parse().unwrap() };
        let time: Arc<dyn Clock> = clock.clone();
        let identity = Identity::open(store.clone(), root_key, time.clone(), random.clone(), defaults).await.unwrap();
        let admin = identity.first_start(RootCredentials::default()).await.unwrap();
        // Jobs wait by the clock, so theirs must run.
        let queue = jobs::Jobs::open(store.clone(), Arc::new(base::SystemClock), random.clone()).await.unwrap();
        let place = objects::BlobPlace::Folder(dir.path().join("objects"));
        let objects = objects::Objects::open(store.clone(), identity.clone(), place, time.clone(), random.clone());
        let objects = objects.await.unwrap();
        let mut config = models::Config {
            sealing_key: Some(Arc::clone(identity.keyring())),
            ..models::Config::new(dir.path().join("models"), dir.path().join("imported"))
        };
        change(&mut config);
        let parts = models::Parts {
            store: store.clone(),
            jobs: queue.clone(),
            identity: identity.clone(),
            objects: objects.clone(),
            loader: Arc::new(loader),
            quantizer: Arc::new(checkpoint::Plain),
            dialects: crate::record_dialects(),
            clock: time.clone(),
            random: random.clone(),
            http: reqwest::Client::new(),
        };
        let models = models::Models::open(config, parts).await.unwrap();
        let parts = knowledge::Parts {
            store: store.clone(),
            jobs: queue.clone(),
            identity: identity.clone(),
            objects: objects.clone(),
            embedder: Arc::new(NoEmbedder),
            clock: time.clone(),
            random: random.clone(),
        };
        let config = knowledge::Config::new(dir.path().join("knowledge"));
        let knowledge = knowledge::Knowledge::open(config, parts).await.unwrap();
        let answers = orchestration::answers::Answers::open(orchestration::answers::Parts {
            store: store.clone(),
            identity: identity.clone(),
            models: models.clone(),
            objects: objects.clone(),
            library: Arc::new(knowledge.clone()),
            clock: time.clone(),
            random: random.clone(),
        });
        let answers = answers.await.unwrap();
        let backups = Backups::open(backup::Setup {
            store: store.clone(),
            identity: identity.clone(),
            jobs: queue.clone(),
            clock: time.clone(),
            parts: Vec::new(),
            root_key: backup::KeyPlace::Passphrase,
            data_dir: dir.path().join("data"),
            version: "0",
        });
        let evaluations = orchestration::evaluations::Evaluations::open(orchestration::evaluations::Parts {
            store: store.clone(),
            jobs: queue.clone(),
            identity: identity.clone(),
            objects: objects.clone(),
            models: models.clone(),
            clock: time.clone(),
            random: random.clone(),
            at_once: orchestration::evaluations::AT_ONCE,
            first_pause: orchestration::evaluations::FIRST_PAUSE,
        });
        let evaluations = evaluations.await.unwrap();
        let jobs = queue.start(1);
        let api = Api::new(Setup {
            identity,
            models,
            knowledge,
            answers,
            assistants: orchestration::assistants::Assistants::open(store).await.unwrap(),
            evaluations,
            jobs: queue,
            backups,
            objects,
            s3_domain: None,
            clock: time,
            random,
            limits: Limits { model_body: 1 << 20, body: 1 << 16, ..Limits::default() },
            deployment: Deployment { version: "0".into(), ..Deployment::default() },
        });
        Self { api, clock, admin, jobs, dir }
    }

    /// Pulls a file that the fake engine takes for a model, and waits until it is there.
    async fn pull(&self, file: &str) {
        for (name, text) in [(file, file), ("config.json", "{}"), ("tokenizer.json", "{}")] {
            std::fs::write(self.dir.path().join(name), text).unwrap();
        }
        let source = format!("file:{}", self.dir.path().join(file).display());
        let reply =
            self.signed("craton", "POST", "/craton/v1/models/pull", &json!({"source": source}).to_string()).await;
        assert_eq!(reply.status, 202, "{}", reply.text());
        let id = reply.json()["job"]["id"].as_str().unwrap().to_owned();
        let path = format!("/craton/v1/jobs/{id}/events");
        let events = self.signed("craton", "GET", &path, "");
        let events = tokio::time::timeout(Duration::from_secs(60), events).await.unwrap().text();
        assert!(events.contains(r#""state":"succeeded""#), "{events}");
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Reply {
        let response = self.api.call(request, peer(), false).await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let reply = Reply { status: parts.status, headers: parts.headers, body };
        let id = reply.header("x-amzn-requestid").len().max(reply.header("x-amz-request-id").len());
        assert_eq!(id, 36, "every answer carries a request id");
        reply
    }

    async fn signed(&self, service: &str, method: &str, path: &str, body: &str) -> Reply {
        let headers = [("content-type", "application/json")];
        self.send(self.sign(&credentials(&self.admin), service, method, path, body, &headers)).await
    }

    fn sign(
        &self,
        credentials: &sigv4::Credentials,
        service: &str,
        method: &str,
        path: &str,
        body: &str,
        headers: &[(&str, &str)],
    ) -> Request<Full<Bytes>> {
        let uri: http::Uri = format!("http://localhost{path}").parse().unwrap();
        let region = "us-east-1";
        let request = SigningRequest { method, uri: &uri, headers, body: body.as_bytes(), region, service };
        let added = sigv4::sign(&request, credentials, self.clock.now());
        let mut builder = Request::builder().method(method).uri(path).header("host", "localhost");
        for (name, value) in headers.iter().copied().chain(added.iter().map(|(n, v)| (*n, v.as_str()))) {
            builder = builder.header(name, value);
        }
        builder.body(Full::new(Bytes::from(body.to_owned()))).unwrap()
    }

    async fn query(&self, service: &str, form: &str) -> Reply {
        let headers = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")];
        self.send(self.sign(&credentials(&self.admin), service, "POST", "/", form, &headers)).await
    }

    async fn invoke(&self, model: &str, body: &str) -> Reply {
        self.signed("bedrock", "POST", &format!("/model/{}/invoke", model.replace(':', "%3A")), body).await
    }

    async fn stop(self) {
        self.jobs.stop().await;
    }
}

fn messages_body(max_tokens: u64) -> Value {
    json!({
        "anthropic_version": "bedrock-2023-05-31", "max_tokens": max_tokens, "temperature": 0,
        "messages": [{"role": "user", "content": "Say hi"}],
    })
}

#[test]
fn every_served_operation_has_exactly_one_row() {
    for service in aws_wire::generated::SERVICES {
        let served: Vec<&str> = service.operations.iter().filter(|op| op.served()).map(|op| op.name).collect();
        if service.id == "s3" {
            let mut expected = served;
            expected.sort_unstable();
            assert_eq!(crate::s3::SERVED, expected);
            continue;
        }
        let rows = crate::dispatch::SERVICES.iter().filter(|(id, _)| *id == service.id);
        let mut rows: Vec<&str> = rows.flat_map(|(_, rows)| rows.iter().map(|row| row.operation)).collect();
        let mut expected = served.clone();
        rows.sort_unstable();
        expected.sort_unstable();
        assert_eq!(rows, expected, "{}", service.id);
    }
}

#[test]
fn every_action_belongs_to_its_service() {
    for (id, rows) in crate::dispatch::SERVICES {
        // The services of Bedrock have one prefix.
        let prefix = if id.starts_with("bedrock") { "bedrock" } else { id.trim_end_matches("-runtime") };
        for row in *rows {
            assert!(row.action.starts_with(&format!("{prefix}:")), "{}", row.action);
        }
    }
}

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

/// Knowledge bases have no model here.
struct NoEmbedder;

#[async_trait::async_trait]
impl knowledge::Embedder for NoEmbedder {
    async fn model(&self, _: &identity::Ctx, model: &str) -> base::Result<knowledge::EmbeddingModel> {
        Err(base::Error::not_found(format!("There is no embedding model `{model}`.")))
    }

    async fn embed(
        &self,
        ctx: &identity::Ctx,
        model: &str,
        _: Vec<String>,
        _: knowledge::Purpose,
    ) -> base::Result<Vec<Vec<f32>>> {
        self.model(ctx, model).await.map(|_| Vec::new())
    }

    async fn tokens(&self, ctx: &identity::Ctx, model: &str, _: &str) -> base::Result<Vec<std::ops::Range<usize>>> {
        self.model(ctx, model).await.map(|_| Vec::new())
    }
}
