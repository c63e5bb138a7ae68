//! One request, from its arrival to its answer.

use std::fmt::Display;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use aws_wire::sigv4::{self, SignatureError};
use aws_wire::{RouteError, route};
use backup::Backups;
use base::{Clock, Error, Random, RequestId, Timestamp};
use bytes::Bytes;
use futures::future::FutureExt as _;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body::Body;
use identity::{Ctx, Identity, Origin};
use jobs::Jobs;
use models::Models;
use objects::Objects;
use orchestration::assistants::Assistants;
use tracing::Instrument as _;

use crate::authentication::{self, Refusal};
use crate::body::{self, ResponseBody, Unread};
use crate::call::{Call, Labels};
use crate::dialect::{Dialect, guess_service};
use crate::errors::Failure;
use crate::observe::{self, Record};
use crate::recent::Recent;
use crate::rest::{self, Route};
use crate::s3::{Knock, S3};
use crate::surface::{Proof, Surface};
use crate::{craton, dispatch, openai};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// How much is read of a body before its sender is known.
const STRANGERS_BODY: usize = 64 * 1024;

/// What an [`Api`] is made of.
pub struct Setup {
    /// Who may ask.
    pub identity: Identity,
    /// The models.
    pub models: Models,
    /// The applications of Q Business.
    pub assistants: Assistants,
    /// Durable work.
    pub jobs: Jobs,
    /// Backups of the deployment.
    pub backups: Backups,
    /// The objects behind S3.
    pub objects: Objects,
    /// The domain under which names are buckets, beside `localhost`.
    pub s3_domain: Option<String>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes request ids.
    pub random: Arc<dyn Random>,
    /// How long bodies and requests may be.
    pub limits: Limits,
    /// What `GET /craton/v1/status` tells of the deployment.
    pub deployment: Deployment,
}

/// How long request bodies may be, in bytes, and requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Of requests to models: `bedrock-runtime` and `/v1`.
    pub model_body: usize,
    /// Of all others.
    pub body: usize,
    /// How long a request may take, the stream of its answer included.
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { model_body: 25 << 20, body: 4 << 20, time: Duration::from_secs(900) }
    }
}

/// What `GET /craton/v1/status` tells of the deployment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deployment {
    /// Craton's version.
    pub version: String,
    /// The address that it listens on.
    pub listen: String,
    /// The data directory.
    pub data_dir: String,
    /// The models directory.
    pub models_dir: String,
    /// The engine in use.
    pub engine: String,
    /// Threads that read prompts.
    pub prefill_threads: u32,
    /// Threads that write answers.
    pub decode_threads: u32,
}

/// Everything that Craton answers over HTTP, but for the console's files and the probes. Cheap to clone.
#[derive(Clone)]
pub struct Api(Arc<Inner>);

struct Inner {
    setup: Setup,
    started: Timestamp,
    recent: Recent,
    s3: S3,
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Api { .. }")
    }
}

impl Api {
    /// An API over these.
    #[must_use]
    pub fn new(setup: Setup) -> Self {
        let started = setup.clock.now();
        let (objects, models) = (setup.objects.clone(), setup.models.clone());
        let (identity, clock) = (setup.identity.clone(), setup.clock.clone());
        let s3 = S3::new(objects, models, identity, clock, setup.s3_domain.as_deref());
        Self(Arc::new(Inner { setup, started, recent: Recent::default(), s3 }))
    }

    /// Answers one request. Never fails and never panics: a fault becomes the answer that tells of it.
    ///
    /// Dropping the response's body, or the future, cancels what the request started.
    pub async fn call<B>(&self, request: Request<B>, peer: SocketAddr, tls: bool) -> Response<ResponseBody>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Display,
    {
        let (parts, body) = request.into_parts();
        let mut record = Record::new(RequestId::random(self.0.setup.random.as_ref()), self.now());
        let span = record.span.clone();
        let mut dialect = Dialect::of(&parts, self.0.s3.domains());
        let arrival = Arrival { parts, body, peer, tls };
        let outcome = AssertUnwindSafe(self.serve(arrival, &mut record, &mut dialect)).catch_unwind().instrument(span);
        let mut response = outcome.await.unwrap_or_else(|_| {
            // The panic hook has logged what and where.
            dialect.error(Failure::Domain(Error::internal("a handler panicked")), &mut record)
        });
        if !response.headers().contains_key("x-amz-request-id")
            && let Ok(value) = HeaderValue::from_str(record.id.as_str())
        {
            response.headers_mut().insert(REQUEST_ID, value);
        }
        observe::watch(self, record, response)
    }

    /// The answer to a request that is turned away before it is read, in the shape that its sender understands.
    pub fn refuse(&self, parts: &Parts, error: Error) -> Response<ResponseBody> {
        self.turn_away(parts, |dialect, record| dialect.error(Failure::Domain(error), record))
    }

    /// As [`refuse`](Self::refuse), of a request whose head is longer than `limit` bytes.
    pub fn refuse_head(&self, parts: &Parts, limit: usize) -> Response<ResponseBody> {
        let error = Error::invalid(format!("The request's head is longer than {limit} bytes."));
        self.turn_away(parts, |dialect, record| {
            let mut response = dialect.error(Failure::Domain(error), record);
            *response.status_mut() = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
            response
        })
    }

    fn turn_away(
        &self,
        parts: &Parts,
        tell: impl FnOnce(&Dialect, &mut Record) -> Response<ResponseBody>,
    ) -> Response<ResponseBody> {
        let mut record = Record::new(RequestId::random(self.0.setup.random.as_ref()), self.now());
        let mut dialect = Dialect::of(parts, self.0.s3.domains());
        if dialect.surface == Surface::Aws {
            // Without the body the operation may stay unknown, but not the service.
            dialect.service = match route(&dialect.scope, parts, &[]) {
                Ok(routed) => routed.service,
                Err(error) => error.service(),
            };
            record.names(dialect.service.id, "unknown");
        }
        let mut response = tell(&dialect, &mut record);
        if let Ok(value) = HeaderValue::from_str(record.id.as_str()) {
            response.headers_mut().insert(REQUEST_ID, value);
        }
        observe::watch(self, record, response)
    }

    async fn serve<B>(&self, arrival: Arrival<B>, record: &mut Record, dialect: &mut Dialect) -> Response<ResponseBody>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Display,
    {
        // Boxed, here and below: futures nested this deep are more than an optimising compiler lays out.
        match Box::pin(self.answer(arrival, record, dialect)).await {
            Ok(response) => response,
            Err(Unserved::Failure(failure)) => dialect.error(failure, record),
            Err(Unserved::Refusal(refusal)) => dialect.refusal(refusal, record),
            Err(Unserved::TooLarge(limit)) => dialect.too_large(limit, record),
        }
    }

    async fn answer<B>(
        &self,
        arrival: Arrival<B>,
        record: &mut Record,
        dialect: &mut Dialect,
    ) -> Result<Response<ResponseBody>, Unserved>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Display,
    {
        let Arrival { parts, body, peer, tls } = arrival;
        let proof = Proof::of(&parts);
        if dialect.for_s3 {
            let arrival = Arrival { parts, body, peer, tls };
            return Box::pin(self.s3(arrival, &proof, record, dialect)).await;
        }
        let caller = Origin { request_id: record.id.clone(), source_ip: peer.ip(), secure: tls };
        let pending = Box::pin(self.open(&parts, &proof, dialect, caller.clone())).await?;
        let limit = match pending {
            Pending::Known(_) | Pending::Signature(_) => self.limit(&parts, dialect),
            Pending::Session | Pending::Stranger(_) => STRANGERS_BODY,
        };
        let body = body::read(body, limit, body::LONGEST_SILENCE).await;
        if let Pending::Stranger(refusal) = pending {
            if dialect.surface == Surface::Aws {
                let body = body.unwrap_or_default();
                if crate::sts::needs_no_signature(&parts, &body) {
                    let ctx = self.identity().anonymous(None, caller);
                    let ctx = ctx.until(record.started.checked_add(self.0.setup.limits.time));
                    "sts".clone_into(&mut dialect.scope);
                    return self.aws(parts, body, ctx, record, dialect).await;
                }
                dialect.service = guess_service(&parts, &body);
                if let Some(unbuilt) = crate::sts::unbuilt_without_signature(&parts, &body) {
                    return Err(Failure::Wire(unbuilt).into());
                }
            }
            return Err(Unserved::Refusal(refusal));
        }
        let body = body.map_err(|unread| match unread {
            Unread::TooLarge => Unserved::TooLarge(limit),
            Unread::Broken(why) => {
                Failure::Domain(Error::invalid("The request's body broke off.").with_detail(why)).into()
            }
            Unread::Stalled => Failure::Domain(Error::invalid("The request's body did not come to its end.")).into(),
        })?;
        let ctx = match pending {
            Pending::Known(ctx) => ctx,
            Pending::Signature(claim) => {
                Box::pin(authentication::prove(self.identity(), claim, &parts, &body, self.now(), caller)).await?
            }
            Pending::Session | Pending::Stranger(_) => {
                record.names("craton", "ConsoleSession");
                let id = record.id.clone();
                let visit = craton::Visit { parts: &parts, body: &body, proof: &proof, peer, tls, id };
                return Ok(Box::pin(craton::session(self, visit)).await?);
            }
        };
        let ctx = ctx.until(record.started.checked_add(self.0.setup.limits.time));
        record.caller(&ctx);
        record.console_look =
            matches!(proof, Proof::Cookie(_)) && dialect.surface == Surface::Craton && !dialect.changes(&parts.method);
        match dialect.surface {
            Surface::OpenAi => {
                self.rest("openai", openai::ROUTES, openai::unknown_route, parts, body, ctx, record).await
            }
            Surface::Craton => {
                self.rest("craton", craton::ROUTES, craton::unknown_route, parts, body, ctx, record).await
            }
            Surface::Aws => Box::pin(self.aws(parts, body, ctx, record, dialect)).await,
        }
    }

    /// S3 authenticates by itself: what it takes in is not read before it is stored.
    async fn s3<B>(
        &self,
        arrival: Arrival<B>,
        proof: &Proof,
        record: &mut Record,
        dialect: &mut Dialect,
    ) -> Result<Response<ResponseBody>, Unserved>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Display,
    {
        let Arrival { parts, body, peer, tls } = arrival;
        let deadline = record.started.checked_add(self.0.setup.limits.time);
        let known = match proof {
            Proof::Cookie(token) if parts.headers.contains_key("x-craton-service") => {
                let origin = Origin { request_id: record.id.clone(), source_ip: peer.ip(), secure: tls };
                let changes = dialect.changes(&parts.method);
                let ctx = authentication::console(self.identity(), token, &parts, changes, origin).await?;
                Some(ctx.until(deadline))
            }
            _ => None,
        };
        let knock = Knock { parts, body, peer, tls, signed: dialect.signed.take(), known, deadline };
        Ok(self.0.s3.serve(knock, record).await)
    }

    /// Authentication as far as it does without the body: what a stranger sends is not worth its memory.
    async fn open(
        &self,
        parts: &Parts,
        proof: &Proof,
        dialect: &mut Dialect,
        caller: Origin,
    ) -> Result<Pending, Refusal> {
        if parts.uri.path() == craton::SESSION_PATH && dialect.surface == Surface::Craton {
            return Ok(Pending::Session);
        }
        let identity = self.identity();
        match (proof, dialect.surface) {
            (Proof::Signature, _) => match dialect.signed.take().unwrap_or(Err(SignatureError::Missing)) {
                Ok(signed) => Ok(Pending::Signature(authentication::claim(identity, signed).await?)),
                Err(error) if dialect.named => Err(error.into()),
                Err(error) => Ok(Pending::Stranger(error.into())),
            },
            (Proof::Other, Surface::OpenAi) => Err(authentication::incorrect_key().into()),
            (Proof::Other, Surface::Craton) => Ok(Pending::Stranger(dialect.nothing_shown())),
            (Proof::Other, Surface::Aws) => {
                let error = sigv4::parse(parts).err().unwrap_or(SignatureError::Missing);
                Ok(Pending::Stranger(error.into()))
            }
            // Scores belong to the models' API in all but their path.
            (Proof::Bearer(key), Surface::Craton) if parts.uri.path() == craton::SCORE_PATH => {
                Ok(Pending::Known(authentication::openai_key(identity, key, caller).await?))
            }
            (Proof::Bearer(_), Surface::Craton) => Err(Error::unauthenticated("API keys are not for this API.")
                .with_hint("Sign the request with an access key, or sign in to the console.")
                .into()),
            (Proof::Bearer(key), Surface::OpenAi) => {
                Ok(Pending::Known(authentication::openai_key(identity, key, caller).await?))
            }
            (Proof::Bearer(key), Surface::Aws) => {
                Ok(Pending::Known(authentication::bedrock_key(identity, key, self.now(), caller).await?))
            }
            (Proof::Cookie(token), _) => {
                let changes = dialect.changes(&parts.method);
                Ok(Pending::Known(authentication::console(identity, token, parts, changes, caller).await?))
            }
            (Proof::Nothing, _) => Ok(Pending::Stranger(dialect.nothing_shown())),
        }
    }

    async fn aws(
        &self,
        parts: Parts,
        body: Bytes,
        ctx: Ctx,
        record: &mut Record,
        dialect: &mut Dialect,
    ) -> Result<Response<ResponseBody>, Unserved> {
        let routed = match route(&dialect.scope, &parts, &body) {
            Ok(routed) => routed,
            Err(error) => {
                dialect.service = error.service();
                if let RouteError::NotImplemented { service, operation } = &error {
                    record.names(service.id, operation.name);
                }
                return Err(Failure::Wire(error.to_wire()).into());
            }
        };
        dialect.service = routed.service;
        record.names(routed.service.id, routed.operation.name);
        let missing = || Error::internal(format!("no row for {} of {}", routed.operation.name, routed.service.id));
        let row = dispatch::row(routed.service, routed.operation.name).ok_or_else(missing).map_err(Failure::from)?;
        let ctx = ctx.called_as(routed.service.id, routed.operation.name, user_agent(&parts));
        let answered = record.answered.clone();
        Ok(dispatch::serve(row, Call { api: self.clone(), ctx, parts, body, route: routed, answered }).await?)
    }

    #[expect(clippy::too_many_arguments, reason = "one call site per surface; a struct would be used once")]
    async fn rest(
        &self,
        service: &'static str,
        routes: &'static [Route],
        unknown: fn(&str, &str) -> Error,
        parts: Parts,
        body: Bytes,
        ctx: Ctx,
        record: &mut Record,
    ) -> Result<Response<ResponseBody>, Unserved> {
        let (method, path) = (parts.method.as_str(), parts.uri.path());
        let Some((route, labels)) = rest::find(routes, method, path) else {
            record.names(service, "unknown");
            let error = if rest::path_exists(routes, path) {
                Error::invalid(format!("`{path}` does not take {method}."))
            } else {
                unknown(method, path)
            };
            return Err(Failure::from(error).into());
        };
        record.names(service, route.row.operation);
        let ctx = ctx.called_as(service, route.row.operation, user_agent(&parts));
        let answered = record.answered.clone();
        let call: Call<Labels> = Call { api: self.clone(), ctx, parts, body, route: labels, answered };
        Ok(dispatch::serve(&route.row, call).await?)
    }

    fn limit(&self, parts: &Parts, dialect: &Dialect) -> usize {
        let limits = self.0.setup.limits;
        let model = dialect.surface == Surface::OpenAi
            || (dialect.scope == "bedrock" && parts.uri.path().starts_with("/model/"))
            || (dialect.scope == "sagemaker" && parts.uri.path().starts_with("/endpoints/"));
        if model { limits.model_body } else { limits.body }
    }

    pub(crate) fn identity(&self) -> &Identity {
        &self.0.setup.identity
    }

    /// What all endpoints do, in Prometheus's text format.
    #[must_use]
    pub fn endpoint_metrics(&self) -> String {
        self.models().endpoint_metrics()
    }

    pub(crate) fn models(&self) -> &Models {
        &self.0.setup.models
    }

    pub(crate) fn assistants(&self) -> &Assistants {
        &self.0.setup.assistants
    }

    pub(crate) fn jobs(&self) -> &Jobs {
        &self.0.setup.jobs
    }

    pub(crate) fn backups(&self) -> &Backups {
        &self.0.setup.backups
    }

    pub(crate) fn deployment(&self) -> &Deployment {
        &self.0.setup.deployment
    }

    pub(crate) fn recent(&self) -> &Recent {
        &self.0.recent
    }

    /// How long the process has been up, in seconds.
    pub(crate) fn uptime_seconds(&self) -> i64 {
        (self.now().as_millis() - self.0.started.as_millis()).max(0) / 1000
    }

    /// The present moment.
    pub(crate) fn now(&self) -> Timestamp {
        self.0.setup.clock.now()
    }

    /// 24 lower-case letters and digits that no other answer has.
    pub(crate) fn unique(&self) -> String {
        self.0.setup.random.text(b"abcdefghijklmnopqrstuvwxyz0123456789", 24)
    }
}

struct Arrival<B> {
    parts: Parts,
    body: B,
    peer: SocketAddr,
    tls: bool,
}

/// What is known of the sender before the body is read.
enum Pending {
    /// Everything.
    Known(Ctx),
    /// The key that is said to have signed; whether it did depends on the body.
    Signature(authentication::Claim),
    /// Nothing, and the console's session is there for such.
    Session,
    /// Nothing, and that is refused. Which service it was meant for may show in the body alone.
    Stranger(Refusal),
}

/// Why there is no answer.
enum Unserved {
    Failure(Failure),
    Refusal(Refusal),
    TooLarge(usize),
}

impl From<Failure> for Unserved {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<Refusal> for Unserved {
    fn from(refusal: Refusal) -> Self {
        Self::Refusal(refusal)
    }
}

/// What the client calls itself.
fn user_agent(parts: &Parts) -> Option<&str> {
    parts.headers.get(http::header::USER_AGENT)?.to_str().ok()
}
