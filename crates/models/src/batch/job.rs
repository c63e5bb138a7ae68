//! Batch jobs: asked for, looked at, listed, stopped.

use base::{AccountId, Arn, Error, ErrorKind, Page, PageRequest, Result, Timestamp};
use identity::Ctx;
use identity::kms::KeyRef;
use jobs::{JobId, NewJob, Owner, State};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::place::Place;
use super::{InvocationType, failure, output, run, store};
use crate::library::hex;
use crate::{Models, Tags};

/// How long a job may take where nothing is said, in hours: AWS's default.
const DEFAULT_HOURS: u32 = 24;
/// How many of the records that failed a job tells of.
pub(super) const TOLD_ERRORS: usize = 100;

/// Where records are read from, or results are written to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchPlace {
    /// `s3://BUCKET/…`
    pub uri: String,
    /// The account that is taken for the bucket's owner; any other is refused.
    pub owner: Option<String>,
}

impl BatchPlace {
    /// # Errors
    /// Invalid.
    pub(super) fn parse(&self) -> Result<Place> {
        Place::parse(&self.uri, self.owner.as_deref())
    }
}

/// A batch that is asked for.
#[derive(Debug, Clone)]
pub struct NewBatch {
    /// The job's name; others may have it, too.
    pub name: String,
    /// The model id, as `InvokeModel` takes it.
    pub model_id: String,
    /// The role that reads the input and writes the output.
    pub role_arn: String,
    /// Which operation's body the records have.
    pub kind: InvocationType,
    /// A JSONL file, or a folder of such files.
    pub input: BatchPlace,
    /// The folder for the results.
    pub output: BatchPlace,
    /// The customer's key to encrypt the results under; the bucket's own default otherwise.
    pub output_key: Option<String>,
    /// How long it may take, in hours.
    pub timeout_hours: Option<u32>,
    /// Its tags.
    pub tags: Tags,
    /// A request with the token of an earlier one is that one, sent again.
    pub request_token: Option<String>,
}

/// Where a batch stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchStatus {
    /// It waits.
    Submitted,
    /// Its input is read and its role is tried.
    Validating,
    /// It waits for its first record to be asked.
    Scheduled,
    /// Its records are answered.
    InProgress,
    /// Every record was processed.
    Completed,
    /// Its time was over before every record was processed.
    PartiallyCompleted,
    /// There are no results.
    Failed,
    /// It was told to stop, and writes what it has.
    Stopping,
    /// It was stopped.
    Stopped,
    /// Its time was over before it began.
    Expired,
}

impl BatchStatus {
    const ALL: [Self; 10] = [
        Self::Submitted,
        Self::Validating,
        Self::Scheduled,
        Self::InProgress,
        Self::Completed,
        Self::PartiallyCompleted,
        Self::Failed,
        Self::Stopping,
        Self::Stopped,
        Self::Expired,
    ];

    /// As AWS writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Submitted => "Submitted",
            Self::Validating => "Validating",
            Self::Scheduled => "Scheduled",
            Self::InProgress => "InProgress",
            Self::Completed => "Completed",
            Self::PartiallyCompleted => "PartiallyCompleted",
            Self::Failed => "Failed",
            Self::Stopping => "Stopping",
            Self::Stopped => "Stopped",
            Self::Expired => "Expired",
        }
    }

    /// The status that AWS writes so.
    ///
    /// # Errors
    /// Internal, where it writes none so.
    pub fn from_name(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| Error::internal(format!("batch status `{text}`")))
    }

    /// Will the job never change again?
    #[must_use]
    pub fn is_end(self) -> bool {
        use BatchStatus::{Completed, Expired, Failed, PartiallyCompleted, Stopped};
        matches!(self, Completed | PartiallyCompleted | Failed | Stopped | Expired)
    }
}

/// What a batch has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BatchCounts {
    /// Records of the input; 0 until they are counted.
    pub records: u64,
    /// Records that were answered.
    pub succeeded: u64,
    /// Records that could not be answered.
    pub failed: u64,
    /// Tokens read.
    pub input_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
}

impl BatchCounts {
    /// Records that were processed.
    #[must_use]
    pub fn processed(&self) -> u64 {
        self.succeeded + self.failed
    }
}

/// A record that could not be answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchError {
    /// The name of its file, below the input's folder.
    pub file: String,
    /// Its line, from 1.
    pub line: u64,
    /// Its id.
    pub record_id: String,
    /// The HTTP status that the operation would have answered.
    pub code: u16,
    /// Why.
    pub message: String,
}

/// A file of a job's input, as it was when its records were counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct InputFile {
    /// Its key.
    pub(super) key: String,
    /// Its name below the input's folder.
    pub(super) name: String,
    /// Its ETag, without quotes.
    pub(super) etag: String,
    /// Its size in bytes.
    pub(super) bytes: u64,
    /// Its records.
    pub(super) records: u64,
}

/// A batch job.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchJob {
    /// Twelve lower-case letters and digits.
    pub id: String,
    /// `arn:aws:bedrock:REGION:ACCOUNT:model-invocation-job/ID`
    pub arn: Arn,
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub status: BatchStatus,
    /// Why it failed, or what it says of its end.
    pub failure: Option<String>,
    /// The role that it works as.
    pub role_arn: String,
    /// The model id.
    pub model_id: String,
    /// Which operation's body the records have.
    pub kind: InvocationType,
    /// Where the records lie.
    pub input: BatchPlace,
    /// Where the results go.
    pub output: BatchPlace,
    /// The customer's key that these are encrypted under.
    pub output_key: Option<String>,
    /// How long it may take, in hours.
    pub timeout_hours: u32,
    /// The token that it was asked for with.
    pub request_token: Option<String>,
    /// Its tags.
    pub tags: Tags,
    /// What it has come to.
    pub counts: BatchCounts,
    /// The files of its input, once they are counted.
    pub(super) files: Option<Vec<InputFile>>,
    /// The id of the job that does the work: its progress counts records.
    pub work: Option<JobId>,
    /// When it was asked for.
    pub created: Timestamp,
    /// When it changed last.
    pub modified: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// When its time is over.
    pub expires: Timestamp,
}

impl BatchJob {
    /// The names of the files of its results, in the folder of its id below the output; none before it has any.
    #[must_use]
    pub fn result_files(&self) -> Vec<String> {
        use BatchStatus::{Completed, PartiallyCompleted, Stopped};
        let has_results = matches!(self.status, Completed | PartiallyCompleted | Stopped);
        let files = self.files.iter().flatten().filter(|_| has_results);
        files.map(|file| output::result_name(&file.name)).collect()
    }
}

/// Which batch jobs to list.
#[derive(Debug, Clone, Default)]
pub struct BatchFilter {
    /// Made after this.
    pub after: Option<Timestamp>,
    /// Made before this.
    pub before: Option<Timestamp>,
    /// Only jobs in this state.
    pub status: Option<BatchStatus>,
    /// Whose name has this in it.
    pub name_contains: Option<String>,
    /// The oldest first; the newest otherwise.
    pub ascending: bool,
}

impl Models {
    /// Starts a batch: each record of the input is answered as the operation of its kind answers it, and the results are
    /// written below the output's folder. What is wrong with permissions or files is found by the job and stands in its
    /// `failure`; what is wrong with a record stands in its result.
    ///
    /// # Errors
    /// Invalid, where a URI, a key or a role's ARN is malformed or the id names no model; Denied, where the caller may not
    /// pass the role; AlreadyExists, where the request's token was used for another request.
    pub async fn create_batch(&self, ctx: &Ctx, new: NewBatch) -> Result<BatchJob> {
        check(ctx, &new)?;
        self.inner.identity.pass_role(ctx, &new.role_arn, run::SERVICE).await?;
        self.resolve(ctx, &new.model_id).await?;
        let (hash, owner) = (fingerprint(&new), owner(ctx));
        if let Some(earlier) = self.earlier_batch(ctx, &new, &hash).await? {
            return self.start_batch(&owner, earlier).await;
        }
        let job = self.batch_row(ctx, new.clone());
        if let Err(error) = store::insert(&self.inner.store, ctx, &job, &owner, &hash).await {
            // The same request may have come twice at once.
            return match self.earlier_batch(ctx, &new, &hash).await? {
                Some(earlier) if error.kind == ErrorKind::AlreadyExists => self.start_batch(&owner, earlier).await,
                _ => Err(error),
            };
        }
        self.start_batch(&owner, job).await
    }

    /// The job that a request with the same token made.
    async fn earlier_batch(&self, ctx: &Ctx, new: &NewBatch, hash: &str) -> Result<Option<BatchJob>> {
        let Some(token) = &new.request_token else { return Ok(None) };
        match store::job_by_token(&self.inner.store, ctx, token).await? {
            Some((_, asked)) if asked != hash => {
                Err(Error::already_exists(format!("The client request token `{token}` was used for another request.")))
            }
            earlier => Ok(earlier.map(|(job, _)| job)),
        }
    }

    /// Hands the work to the jobs, once.
    async fn start_batch(&self, owner: &Owner, mut job: BatchJob) -> Result<BatchJob> {
        if job.work.is_none() && !job.status.is_end() {
            job.work = Some(self.submit_batch(owner, &job.id).await?);
        }
        Ok(job)
    }

    async fn submit_batch(&self, owner: &Owner, id: &str) -> Result<JobId> {
        let new = NewJob {
            kind: run::JOB_KIND,
            owner: owner.clone(),
            dedup_key: Some(format!("{}:{id}", run::JOB_KIND)),
            input: json!({"batch": id}),
            max_attempts: run::MAX_ATTEMPTS,
            run_at: None,
        };
        let work = self.inner.jobs.submit(new).await?;
        store::set_work(&self.inner.store, owner, id, work.id.as_str()).await?;
        Ok(work.id)
    }

    /// Submits what was asked for and not submitted before the process ended.
    ///
    /// # Errors
    /// Unavailable, where the database cannot be used.
    pub(crate) async fn resume_batches(&self) -> Result<()> {
        for (id, owner) in store::unsubmitted(&self.inner.store).await? {
            self.submit_batch(&owner, &id).await?;
        }
        Ok(())
    }

    /// The batch job of this id or ARN in the caller's account and region.
    ///
    /// # Errors
    /// NotFound.
    pub async fn batch(&self, ctx: &Ctx, identifier: &str) -> Result<BatchJob> {
        let missing = || missing(identifier);
        let id = id_of(ctx, identifier).ok_or_else(missing)?;
        let job = store::job(&self.inner.store, ctx, id).await?.ok_or_else(missing)?;
        self.settled_batch(ctx, job).await
    }

    /// The batch jobs of the caller's account and region.
    ///
    /// # Errors
    /// Unavailable, where the database cannot be read.
    pub async fn batches(&self, ctx: &Ctx, filter: &BatchFilter, page: &PageRequest) -> Result<Page<BatchJob>> {
        // Whether a job has ended is settled first, as the listing may ask for it.
        for job in store::open_jobs(&self.inner.store, ctx).await? {
            self.settled_batch(ctx, job).await?;
        }
        let jobs = store::jobs(&self.inner.store, ctx, filter, page).await?;
        Ok(Page::cut(page, jobs, |job| store::place(job.created, &job.id)))
    }

    /// The first records of a batch that could not be answered, at most 100.
    ///
    /// # Errors
    /// NotFound.
    pub async fn batch_errors(&self, ctx: &Ctx, identifier: &str) -> Result<Vec<BatchError>> {
        let missing = || missing(identifier);
        let id = id_of(ctx, identifier).ok_or_else(missing)?;
        store::errors(&self.inner.store, self.inner.identity.keyring(), ctx, id).await?.ok_or_else(missing)
    }

    /// Stops a batch. What was answered is written to its output.
    ///
    /// # Errors
    /// NotFound; Conflict, where it has ended.
    pub async fn stop_batch(&self, ctx: &Ctx, identifier: &str) -> Result<()> {
        let job = self.batch(ctx, identifier).await?;
        let now = self.inner.clock.now();
        if !store::begin_stop(&self.inner.store, ctx, &job.id, now).await? {
            let status = self.batch(ctx, identifier).await?.status.as_str();
            return Err(Error::conflict(format!("The batch inference job `{}` is {status} already.", job.arn)));
        }
        if let Some(work) = &job.work {
            let waits = self.inner.jobs.get(ctx.account(), work).await?.state == State::Queued;
            // What never began has nothing to write.
            if waits && job.files.is_none() {
                self.inner.jobs.cancel(ctx.account(), work).await?;
            }
        }
        self.inner.stops.stop(&job.arn.to_string());
        self.batch(ctx, identifier).await.map(drop)
    }

    /// The job as it is now: work that was never submitted is, and work that has ended without having told is noted.
    async fn settled_batch(&self, ctx: &Ctx, mut job: BatchJob) -> Result<BatchJob> {
        if job.status.is_end() {
            return Ok(job);
        }
        let Some(id) = job.work.clone() else {
            let unsubmitted = store::unsubmitted(&self.inner.store).await?;
            let found = unsubmitted.into_iter().find(|(id, owner)| *id == job.id && owner.account == *ctx.account());
            return match found {
                Some((_, owner)) => self.start_batch(&owner, job).await,
                None => Ok(job),
            };
        };
        let mut work = self.inner.jobs.get(ctx.account(), &id).await?;
        if work.state == State::Queued && job.files.is_none() && self.inner.clock.now() >= job.expires {
            work = self.inner.jobs.cancel(ctx.account(), &id).await?;
        }
        let expired = work.ended.unwrap_or_else(|| self.inner.clock.now()) >= job.expires;
        (job.status, job.failure) = match (work.state, work.error) {
            (State::Queued | State::Running, _) => return Ok(job),
            (State::Cancelled, _) if job.status != BatchStatus::Stopping && expired => (BatchStatus::Expired, None),
            (State::Cancelled, _) => (BatchStatus::Stopped, None),
            (State::Failed, error) => {
                let end = if job.status == BatchStatus::Stopping { BatchStatus::Stopped } else { BatchStatus::Failed };
                let reason = error.map_or_else(
                    || "The batch inference job failed.".to_owned(),
                    |error| [Some(error.message), error.hint].into_iter().flatten().collect::<Vec<_>>().join(" "),
                );
                (end, Some(failure::cut(reason)))
            }
            // Where it wrote its results, the row says so since.
            (State::Succeeded, _) => {
                (BatchStatus::Failed, Some("The batch inference job ended without results.".to_owned()))
            }
        };
        let ended = work.ended.unwrap_or_else(|| self.inner.clock.now());
        (job.modified, job.ended) = (ended, Some(ended));
        if !store::end(&self.inner.store, ctx, &job).await? {
            return store::job(&self.inner.store, ctx, &job.id).await?.ok_or_else(|| missing(&job.id));
        }
        Ok(job)
    }

    /// The job that the request asks for, which is kept nowhere yet.
    fn batch_row(&self, ctx: &Ctx, new: NewBatch) -> BatchJob {
        let id = self.inner.random.text(b"abcdefghijklmnopqrstuvwxyz0123456789", 12);
        let now = self.inner.clock.now();
        let hours = new.timeout_hours.unwrap_or(DEFAULT_HOURS);
        BatchJob {
            arn: arn(ctx, &id),
            id,
            name: new.name,
            status: BatchStatus::Submitted,
            failure: None,
            role_arn: new.role_arn,
            model_id: new.model_id,
            kind: new.kind,
            input: new.input,
            output: new.output,
            output_key: new.output_key,
            timeout_hours: hours,
            request_token: new.request_token,
            tags: new.tags,
            counts: BatchCounts::default(),
            files: None,
            work: None,
            created: now,
            modified: now,
            ended: None,
            expires: now.plus_seconds(i64::from(hours) * 3_600),
        }
    }
}

pub(super) fn missing(identifier: &str) -> Error {
    Error::not_found(format!("The batch inference job `{identifier}` could not be found."))
}

/// The id that an identifier means; none, where it is an ARN of anything but a batch of the caller's account and region.
fn id_of<'a>(ctx: &Ctx, identifier: &'a str) -> Option<&'a str> {
    if !identifier.starts_with("arn:") {
        return Some(identifier);
    }
    let id = identifier.rsplit('/').next()?;
    (arn(ctx, id).to_string() == identifier).then_some(id)
}

pub(super) fn arn(ctx: &Ctx, id: &str) -> Arn {
    Arn::new("bedrock", Some(ctx.region()), Some(ctx.account()), format!("model-invocation-job/{id}"))
}

fn owner(ctx: &Ctx) -> Owner {
    Owner {
        account: ctx.account().clone(),
        region: ctx.region().clone(),
        principal_arn: ctx.principal().arn(),
        principal_id: Some(ctx.principal().user_id()),
    }
}

/// Checks what can be checked without asking anybody.
fn check(ctx: &Ctx, new: &NewBatch) -> Result<()> {
    for place in [&new.input, &new.output] {
        place.parse()?;
    }
    crate::imported::check_tags(&new.tags)?;
    if let Some(key) = &new.output_key {
        KeyRef::parse(key)?;
    }
    let role: Option<Arn> = new.role_arn.parse().ok();
    let role = role.filter(|role| role.service == "iam" && role.resource_type() == Some("role"));
    match role.and_then(|role| role.account.parse::<AccountId>().ok()) {
        Some(account) if account == *ctx.account() => Ok(()),
        Some(account) => {
            Err(Error::denied(format!("Cross-account pass role is not allowed: the role belongs to {account}."))
                .with_hint("Name a role of your own account; give it access to the other account's bucket."))
        }
        None => Err(Error::invalid(format!("The role ARN `{}` is invalid.", new.role_arn))
            .with_hint("It looks like `arn:aws:iam::111122223333:role/NAME`.")),
    }
}

/// What a request asks for, as one value.
fn fingerprint(new: &NewBatch) -> String {
    let asked = json!([
        new.name,
        new.model_id,
        new.role_arn,
        new.kind.as_str(),
        new.input,
        new.output,
        new.output_key,
        new.timeout_hours,
        new.tags
    ]);
    hex(&Sha256::digest(asked.to_string()))
}
