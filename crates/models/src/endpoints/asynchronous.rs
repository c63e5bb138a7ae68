//! Requests that are answered later: each is a job that reads its body from S3 and writes the answer there.

use std::sync::Weak;
use std::time::Duration;

use base::{Error, ErrorKind, Result, Timestamp};
use futures::StreamExt as _;
use futures::future::BoxFuture;
use identity::{Ctx, JobOwner};
use jobs::{Handler, JobContext, Lane, NewJob, Owner, Progress};
use objects::{Body, Encryption, GetObject, PutObject};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::SERVICE;
use super::resource::{self, EndpointStatus, EndpointVariant, HostingKind};
use super::store::{self, Scope};
use crate::batch::{Place, of_objects};
use crate::{Asked, Inner, InvocationType, Models, RecordBody, Resolved};

/// The kind of the jobs that answer.
pub(crate) const JOB_KIND: &str = "endpoint-invocation";
/// How often a request is tried that the server or the model failed.
const MAX_ATTEMPTS: u32 = 5;
/// How long an answer may take where nothing is said, in seconds: AWS's default.
const DEFAULT_SECONDS: u32 = 15 * 60;
/// How long a request may wait for its turn where nothing is said, in seconds: AWS's default.
const DEFAULT_WAIT_SECONDS: u32 = 6 * 60 * 60;
/// The largest body, in bytes.
const MOST_BYTES: u64 = 25_000_000;
/// The pauses before a model is asked again that has too much to do.
const PAUSES: [Duration; 3] = [Duration::from_millis(250), Duration::from_millis(500), Duration::from_secs(1)];
/// How much later a request is tried again that cannot be answered now, so that others are: with it all of its endpoint, where
/// that is what does not answer.
const PUT_OFF: Duration = Duration::from_secs(30);
/// How many requests of an endpoint may be open: taken, and not answered.
const MOST_OPEN: u32 = 1000;

/// Where the answers of an endpoint go that answers later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asynchronous {
    /// The folder of the answers: `s3://BUCKET/PREFIX`.
    pub output: String,
    /// The folder of what went wrong; without it that is told by the job alone.
    pub failure: Option<String>,
    /// The key to encrypt both under; the bucket's own default otherwise.
    pub kms_key: Option<String>,
    /// Of an endpoint, the role that input is read and output is written as: its first variant's model's, as it was when the
    /// endpoint was made or changed.
    #[serde(default)]
    pub role_arn: Option<String>,
    /// As it was asked for, in the words of the API.
    pub described: Value,
}

impl Asynchronous {
    /// # Errors
    /// Invalid, for a place that is none.
    pub(super) fn check(&self) -> Result<()> {
        Place::parse(&self.output, None)?;
        self.failure.as_deref().map_or(Ok(()), |failure| Place::parse(failure, None).map(drop))
    }
}

/// A request that is to be answered later.
#[derive(Debug, Clone, Default)]
pub struct LaterInvocation {
    /// The endpoint's name.
    pub endpoint: String,
    /// Where the body lies: `s3://BUCKET/KEY`.
    pub input: String,
    /// What its maker calls it; a new id otherwise.
    pub id: Option<String>,
    /// A folder below that of the answers.
    pub folder: Option<String>,
    /// The name of the answer's object; one of the server's own otherwise.
    pub file: Option<String>,
    /// How long it may wait for its turn, in seconds.
    pub wait_seconds: Option<u32>,
    /// How long the answer may take, in seconds.
    pub seconds: Option<u32>,
}

/// A request that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedInvocation {
    /// Its id.
    pub id: String,
    /// Where the answer will be.
    pub output: String,
    /// Where it will be said what went wrong, if anything does.
    pub failure: Option<String>,
}

/// What the job is told.
#[derive(Debug, Serialize, Deserialize)]
struct Work {
    endpoint: String,
    role: String,
    input: String,
    output: String,
    failure: Option<String>,
    kms_key: Option<String>,
    /// Until when it may begin.
    expires: i64,
    seconds: u32,
}

/// Why a request is not answered.
struct Unanswered {
    error: Error,
    /// Whether it is its endpoint that does not answer: then others are not answered either.
    by_endpoint: bool,
}

impl From<Error> for Unanswered {
    fn from(error: Error) -> Self {
        Self { error, by_endpoint: false }
    }
}

/// Runs the jobs.
pub(crate) struct AsynchronousHandler(Weak<Inner>);

impl AsynchronousHandler {
    pub(crate) fn new(inner: Weak<Inner>) -> Self {
        Self(inner)
    }
}

impl Handler for AsynchronousHandler {
    fn run(&self, job: JobContext) -> BoxFuture<'_, Result<Value>> {
        Box::pin(async move {
            let inner = self.0.upgrade().ok_or_else(|| Error::unavailable("The server is stopping."))?;
            Models { inner }.answer_later(&job).await
        })
    }
}

impl Models {
    /// Takes a request that is answered later. It is durable when this returns: the answer, or what went wrong, is in S3 when
    /// the job has ended, whatever becomes of this process.
    ///
    /// # Errors
    /// NotFound, where there is no such endpoint or it does not answer; Invalid, where it answers at once alone, its model
    /// has no role to read and write as, or a place is none; Throttled, where as many of its requests are open as may be.
    pub async fn invoke_later(&self, ctx: &Ctx, asked: LaterInvocation) -> Result<AcceptedInvocation> {
        self.take_later(ctx, asked, MOST_OPEN).await
    }

    /// As [`Models::invoke_later`], of an endpoint that may have so many requests open.
    pub(super) async fn take_later(&self, ctx: &Ctx, asked: LaterInvocation, most: u32) -> Result<AcceptedInvocation> {
        let scope = Scope::of(ctx);
        let endpoint = self.answering_endpoint(&scope, &asked.endpoint).await?;
        let Some(goes) = endpoint.body.asynchronous.clone() else {
            return Err(Error::invalid(format!("The endpoint {} is not asynchronous.", asked.endpoint))
                .with_hint("Ask it with `InvokeEndpoint`, or give its configuration an `AsyncInferenceConfig`."));
        };
        object(&asked.input)?;
        let Some(role) = goes.role_arn else {
            return Err(Error::invalid(format!(
                "The model of the endpoint {} had no role when the endpoint was made.",
                asked.endpoint
            ))
            .with_hint("Input and output are read and written as the model's `ExecutionRoleArn`: make it with one."));
        };
        let name = self.inner.random.uuid();
        let folder = |uri: &str| -> Result<String> {
            let place = Place::parse(uri, None)?;
            let below =
                asked.folder.as_deref().map(|folder| folder.trim_matches('/')).filter(|folder| !folder.is_empty());
            Ok(place.uri(&below.map_or_else(|| place.folder(), |below| format!("{}{below}/", place.folder()))))
        };
        let file = asked.file.clone().unwrap_or_else(|| format!("{name}.out"));
        let output = format!("{}{file}", folder(&goes.output)?);
        let failure = goes.failure.as_deref().map(folder).transpose()?.map(|at| format!("{at}{name}-error.out"));
        let wait = asked.wait_seconds.unwrap_or(DEFAULT_WAIT_SECONDS);
        // One that is made again under the name begins with an empty one.
        let lane = Lane { name: format!("{} {}", endpoint.arn, endpoint.created.as_millis()), most };
        let full = is_full(&asked.endpoint, most);
        let work = Work {
            endpoint: asked.endpoint,
            role,
            input: asked.input,
            output: output.clone(),
            failure: failure.clone(),
            kms_key: goes.kms_key,
            expires: self.inner.clock.now().plus_seconds(wait.into()).as_millis(),
            seconds: asked.seconds.unwrap_or(DEFAULT_SECONDS),
        };
        let new = NewJob {
            kind: JOB_KIND,
            owner: Owner {
                account: ctx.account().clone(),
                region: ctx.region().clone(),
                principal_arn: ctx.principal().arn(),
                principal_id: Some(ctx.principal().user_id()),
            },
            dedup_key: None,
            input: serde_json::to_value(&work).map_err(Error::internal)?,
            max_attempts: MAX_ATTEMPTS,
            run_at: None,
        };
        // However long others of the endpoint wait, that it waited too long is told in time.
        let begins_by = Timestamp(work.expires.saturating_add(1));
        self.inner.jobs.submit_in(new, &lane, Some(begins_by)).await?.ok_or(full)?;
        Ok(AcceptedInvocation { id: asked.id.unwrap_or(name), output, failure })
    }

    /// Where the answers of an endpoint go, with the role that they are written as.
    ///
    /// # Errors
    /// Unavailable, where the database cannot be read.
    pub(super) async fn written_as_role(
        &self,
        ctx: &Ctx,
        goes: Option<Asynchronous>,
        variants: &[EndpointVariant],
    ) -> Result<Option<Asynchronous>> {
        let Some(goes) = goes else { return Ok(None) };
        let role = self.role_of(ctx, variants).await?;
        Ok(Some(Asynchronous { role_arn: (!role.is_empty()).then_some(role), ..goes }))
    }

    /// Answers a request, and writes the answer or what went wrong.
    async fn answer_later(&self, job: &JobContext) -> Result<Value> {
        let work: Work = serde_json::from_value(job.input().clone()).map_err(Error::internal)?;
        let owner = job.owner();
        let owner = JobOwner {
            account: owner.account.clone(),
            region: owner.region.clone(),
            principal_arn: owner.principal_arn.clone(),
            principal_id: owner.principal_id.clone(),
        };
        let ctx = match self.inner.identity.job_ctx(&owner).await {
            Ok(ctx) => ctx,
            // Whoever asked is gone; whoever waits for the answer is told.
            Err(error) => {
                let scope = Scope { account: owner.account.clone(), region: owner.region.clone() };
                return Err(self.failed_later(job, (&self.hosting_ctx(&scope), &work), error).await);
            }
        };
        let message = "answering".to_owned();
        job.progress(Progress { done: 0, total: Some(1), unit: "requests".to_owned(), message }).await;
        let cancelled = job.cancelled();
        let answered = tokio::select! {
            answered = self.answer_in_time(&ctx, &work, job.attempt()) => answered,
            () = cancelled.cancelled() => return Err(Error::conflict("The request was cancelled.")),
        };
        let written = match answered {
            Ok(answer) => {
                let written = self.write_as_role(&ctx, &work, &work.output, answer.to_string()).await;
                written.map_err(Unanswered::from)
            }
            Err(unanswered) => Err(unanswered),
        };
        match written {
            Ok(()) => Ok(json!({"output": work.output})),
            // There is time, and others wait.
            Err(Unanswered { error, by_endpoint }) if error.kind == ErrorKind::Throttled && !self.is_expired(&work) => {
                if by_endpoint {
                    job.put_off_lane(PUT_OFF)
                } else {
                    job.put_off(PUT_OFF)
                }
                Err(error)
            }
            Err(unanswered) => Err(self.failed_later(job, (&ctx, &work), unanswered.error).await),
        }
    }

    /// The error with which a job ends, or is tried again: what is told to whoever waits is not.
    async fn failed_later(&self, job: &JobContext, (ctx, work): (&Ctx, &Work), error: Error) -> Error {
        let is_tried_again = |error: &Error| is_passing(error.kind) && job.attempt() < MAX_ATTEMPTS;
        if is_tried_again(&error) {
            return error;
        }
        if let Err(unwritten) = self.tell_failure(ctx, work, &error).await {
            if is_tried_again(&unwritten) {
                return unwritten;
            }
            tracing::warn!(error = ?unwritten, endpoint = work.endpoint, "a failure could not be written to S3");
        }
        let kind = if is_passing(error.kind) { ErrorKind::Conflict } else { error.kind };
        Error { kind, ..error }
    }

    /// Writes what went wrong to where it is to be told, if anywhere. The job tells it in any case.
    async fn tell_failure(&self, ctx: &Ctx, work: &Work, error: &Error) -> Result<()> {
        let Some(failure) = &work.failure else { return Ok(()) };
        let code = self.inner.dialects.status(error);
        let told = json!({"errorCode": code, "errorMessage": error.public_text(), "input": work.input});
        self.write_as_role(ctx, work, failure, told.to_string()).await
    }

    fn is_expired(&self, work: &Work) -> bool {
        self.inner.clock.now() > Timestamp(work.expires)
    }

    /// The answer, where it comes in the time that the request gives it. What was begun in time and failed is tried again
    /// also when that is over.
    async fn answer_in_time(&self, ctx: &Ctx, work: &Work, attempt: u32) -> Result<Value, Unanswered> {
        if attempt <= 1 && self.is_expired(work) {
            let error = Error::invalid("The request waited longer than it may.");
            return Err(error.with_hint("Raise `RequestTTLSeconds`.").into());
        }
        let seconds = work.seconds;
        let answering = tokio::time::timeout(Duration::from_secs(seconds.into()), self.answer_of(ctx, work));
        answering.await.unwrap_or_else(|_| {
            let error = Error::invalid(format!("The answer took longer than {seconds} s."));
            Err(error.with_hint("Raise `InvocationTimeoutSeconds`.").into())
        })
    }

    async fn answer_of(&self, ctx: &Ctx, work: &Work) -> Result<Value, Unanswered> {
        // What does not answer now is told before anything is read.
        self.resolve_later(ctx, &work.endpoint).await?;
        let body = self.read_as_role(ctx, work).await?;
        let body: Value = serde_json::from_slice(&body)
            .map_err(|error| Error::invalid("The body is not JSON.").with_hint(format!("It says: {error}.")))?;
        if body["stream"] == true {
            return Err(Error::invalid("An answer in S3 is no stream.").with_hint("Leave `stream` out.").into());
        }
        let (unique, mut pauses) = (self.inner.random.text(b"abcdefghijklmnopqrstuvwxyz0123456789", 16), PAUSES.iter());
        loop {
            let resolved = self.resolve_later(ctx, &work.endpoint).await?;
            let time = self.inner.clock.now();
            let record = RecordBody {
                kind: InvocationType::InvokeModel,
                resolved: &resolved,
                body: &body,
                unique: &unique,
                time,
            };
            let asked = self.inner.dialects.decode(record)?;
            let answered = self.answered(ctx, resolved, asked).await;
            let is_busy = answered.as_ref().is_err_and(|error| error.kind == ErrorKind::Throttled);
            // Whoever waits for an answer goes first.
            match pauses.next().filter(|_| is_busy) {
                Some(pause) => tokio::time::sleep(*pause).await,
                None => return answered.map_err(|error| Unanswered { error, by_endpoint: true }),
            }
        }
    }

    async fn answered(&self, ctx: &Ctx, resolved: Resolved, asked: Asked) -> Result<Value> {
        let (stream, encode) = match asked {
            Asked::Embed(request, encode) => return encode(self.embed_with(ctx, resolved, request).await?),
            Asked::Chat(request, encode) => (self.chat_with(ctx, resolved, *request).await?, encode),
            Asked::Completion(request, encode) => (self.complete_with(ctx, resolved, *request).await?, encode),
            Asked::Continuation(request, encode) => (self.continue_with(ctx, resolved, *request).await?, encode),
        };
        encode(&stream.collect().await?.in_blocks()?)
    }

    /// The variant of an endpoint that answers a request later.
    ///
    /// # Errors
    /// As [`Models::answering_endpoint`]; Throttled, where it does not answer now and may again.
    async fn resolve_later(&self, ctx: &Ctx, name: &str) -> Result<Resolved, Unanswered> {
        let scope = Scope::of(ctx);
        let found = self.answering_endpoint(&scope, name).await;
        let is_missing = found.as_ref().is_err_and(|error| error.kind == ErrorKind::NotFound);
        let is_passing = is_missing && self.may_answer(&scope, name).await?;
        let passing = |error: Error| {
            if is_passing {
                Unanswered { error: Error { kind: ErrorKind::Throttled, ..error }, by_endpoint: true }
            } else {
                error.into()
            }
        };
        Ok(self.drawn_variant(&found.map_err(passing)?, (scope, None))?)
    }

    /// Whether an endpoint is there that answers or may again, without anybody changing it.
    async fn may_answer(&self, scope: &Scope, name: &str) -> Result<bool> {
        let Some(kept) = store::find(&self.inner.store, scope, HostingKind::Endpoint, name).await? else {
            return Ok(false);
        };
        let body = resource::endpoint(scope, kept)?.body;
        Ok(match body.status {
            EndpointStatus::Failed => body.recovers,
            EndpointStatus::Deleting => false,
            EndpointStatus::Creating | EndpointStatus::Updating | EndpointStatus::InService => true,
        })
    }

    async fn role_for(&self, ctx: &Ctx, work: &Work) -> Result<Ctx> {
        let arn = HostingKind::Endpoint.arn(&Scope::of(ctx), &work.endpoint);
        let session = "SageMakerAsyncInference".to_owned();
        self.assume((SERVICE, &work.role), &arn, session, ctx.region().clone()).await
    }

    async fn read_as_role(&self, ctx: &Ctx, work: &Work) -> Result<Vec<u8>> {
        let role = self.role_for(ctx, work).await?;
        let (place, key) = object(&work.input)?;
        let got =
            self.inner.objects.get_object(&role, &GetObject::new(place.object(&key))).await.map_err(of_objects)?;
        if got.length > MOST_BYTES {
            return Err(Error::invalid(format!("`{}` has {} bytes, more than {MOST_BYTES}.", work.input, got.length)));
        }
        let (mut body, mut pieces) = (Vec::new(), got.body);
        while let Some(piece) = pieces.next().await {
            body.extend_from_slice(&piece?);
        }
        Ok(body)
    }

    async fn write_as_role(&self, ctx: &Ctx, work: &Work, uri: &str, text: String) -> Result<()> {
        let role = self.role_for(ctx, work).await?;
        let (place, key) = object(uri)?;
        let encryption =
            work.kms_key.clone().map(|key| Encryption::Kms { key: Some(key), bucket_key: None, context: None });
        let put = PutObject { bucket: place.bucket(), encryption, ..PutObject::new("", &key) };
        self.inner.objects.put_object(&role, put, Body::from_bytes(text)).await.map(drop).map_err(of_objects)
    }
}

/// The bucket and the key that a URI names.
///
/// # Errors
/// Invalid, where it names no object.
fn object(uri: &str) -> Result<(Place, String)> {
    let place = Place::parse(uri, None)?;
    let key = place.key().map(str::to_owned).ok_or_else(|| {
        Error::invalid(format!("The location `{uri}` names no object.")).with_hint("It looks like `s3://BUCKET/KEY`.")
    })?;
    Ok((place, key))
}

/// That an endpoint takes no more requests for now.
fn is_full(endpoint: &str, most: u32) -> Error {
    Error::throttled(format!("The endpoint {endpoint} has {most} requests that are not answered, as many as it may have."))
        .with_hint(
            "Ask again when some are answered. `craton jobs list` shows them, and `craton jobs cancel` ends what nobody waits for.",
        )
}

/// Whether it may be otherwise another time.
fn is_passing(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Throttled | ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Internal)
}
