//! Evaluation jobs: asked for, looked at, listed, stopped, deleted.

use base::{AccountId, Arn, Error, ErrorKind, Page, PageRequest, Result, Timestamp};
use identity::Ctx;
use jobs::{JobId, NewJob, Owner, State};
use models::check_tags;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::plan::{Asked, Plan, check_sources};
use super::{Evaluations, run, store};

/// How long the message of a failure may be.
const LONGEST_MESSAGE: usize = 2_048;
/// The most jobs that are deleted at once.
pub const MOST_DELETED: usize = 25;

/// An evaluation that is asked for.
#[derive(Debug, Clone)]
pub struct NewEvaluation {
    /// Its name, which no other job of the account has.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// The role that reads the datasets, asks the models and writes the results.
    pub role_arn: String,
    /// The customer's key to encrypt the results under; the bucket's own default otherwise.
    pub output_key: Option<String>,
    /// Its tags.
    pub tags: Vec<(String, String)>,
    /// A request with the token of an earlier one is that one, sent again.
    pub request_token: Option<String>,
    /// What is evaluated, on what, by whom.
    pub asked: Asked,
    /// The request's configuration as it came, which `GetEvaluationJob` gives back.
    pub configuration: Value,
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EvaluationStatus {
    /// It waits or works.
    InProgress,
    /// Every record was evaluated.
    Completed,
    /// There are no results.
    Failed,
    /// It was told to stop.
    Stopping,
    /// It was stopped.
    Stopped,
    /// It is being deleted.
    Deleting,
}

impl EvaluationStatus {
    const ALL: [Self; 6] =
        [Self::InProgress, Self::Completed, Self::Failed, Self::Stopping, Self::Stopped, Self::Deleting];

    /// As AWS writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "InProgress",
            Self::Completed => "Completed",
            Self::Failed => "Failed",
            Self::Stopping => "Stopping",
            Self::Stopped => "Stopped",
            Self::Deleting => "Deleting",
        }
    }

    /// The status that AWS writes so.
    ///
    /// # Errors
    /// Internal, where it writes none so.
    pub fn from_name(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|status| status.as_str() == text);
        found.ok_or_else(|| Error::internal(format!("evaluation status `{text}`")))
    }

    /// Will the job never change again?
    #[must_use]
    pub fn is_end(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Stopped)
    }
}

/// An evaluation job.
#[derive(Debug, Clone, PartialEq)]
pub struct EvaluationJob {
    /// Twelve lower-case letters and digits.
    pub id: String,
    /// `arn:aws:bedrock:REGION:ACCOUNT:evaluation-job/ID`
    pub arn: Arn,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Where it stands.
    pub status: EvaluationStatus,
    /// Why it failed, or what is to be known of its end.
    pub messages: Vec<String>,
    /// The role that it works as.
    pub role_arn: String,
    /// The customer's key that its results are encrypted under.
    pub output_key: Option<String>,
    /// Its tags.
    pub tags: Vec<(String, String)>,
    /// What is evaluated, on what, by whom.
    pub asked: Asked,
    /// The request's configuration as it came.
    pub configuration: Value,
    /// The token that it was asked for with.
    pub request_token: Option<String>,
    /// The folder of this run's results below the output and the job's name: a UUID.
    pub folder: String,
    /// The work that does it.
    pub work: Option<JobId>,
    /// Answers and scores that there will be, once the datasets were read.
    pub total: Option<u64>,
    /// When the run that works on it began, or the last one that did.
    pub begun: Option<Begun>,
    /// When it was asked for.
    pub created: Timestamp,
    /// When it changed last.
    pub modified: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
}

/// A run that works on a job: one until the server stops, and another one after that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Begun {
    /// When it began.
    pub at: Timestamp,
    /// How many answers and scores were kept by then.
    pub with: u64,
}

impl EvaluationJob {
    /// How long the rest probably takes, in seconds, where so many answers and scores are kept: by what the run that works on it
    /// has done, as the server may have been off before that. None before it did anything, and of jobs that do not work.
    #[must_use]
    pub fn seconds_left(&self, kept: u64, now: Timestamp) -> Option<u64> {
        let (begun, total) = (self.begun?, self.total?);
        let done = kept.saturating_sub(begun.with);
        if self.status != EvaluationStatus::InProgress || done == 0 {
            return None;
        }
        let worked = now.as_millis().saturating_sub(begun.at.as_millis()).max(0) as f64;
        Some((worked / done as f64 * total.saturating_sub(kept) as f64 / 1000.0).ceil() as u64)
    }
}

/// Which jobs to list.
#[derive(Debug, Clone, Default)]
pub struct EvaluationFilter {
    /// Made after this.
    pub after: Option<Timestamp>,
    /// Made before this.
    pub before: Option<Timestamp>,
    /// Only jobs in this state.
    pub status: Option<EvaluationStatus>,
    /// Only jobs on knowledge bases, or only on models.
    pub is_rag: Option<bool>,
    /// Whose name has this in it.
    pub name_contains: Option<String>,
    /// The oldest first; the newest otherwise.
    pub ascending: bool,
}

/// What is kept of a job beside its columns; sealed, as it holds what people wrote.
#[derive(Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) description: Option<String>,
    pub(super) role: String,
    pub(super) output_key: Option<String>,
    pub(super) tags: Vec<(String, String)>,
    pub(super) asked: Asked,
    pub(super) configuration: Value,
    pub(super) folder: String,
}

impl Evaluations {
    /// Starts an evaluation. What is wrong with permissions or datasets is found by the job and stands in its messages.
    /// Beside the job, what whoever asked should know: that the judge is the model that it judges.
    ///
    /// # Errors
    /// Invalid, where metrics do not go together, are unknown, or need what is not there, where a model id names
    /// nothing, or where a tag is twice there; Denied, where the caller may not pass the role; Conflict, where another job has the name;
    /// NotImplemented, where a knowledge base is named and none can be asked.
    pub async fn create(&self, ctx: &Ctx, new: NewEvaluation) -> Result<(EvaluationJob, Vec<String>)> {
        check_role(ctx, &new.role_arn)?;
        let plan = Plan::new(&new.asked)?;
        check_sources(&new.asked)?;
        check_tags(&new.tags)?;
        if plan.needs_knowledge_base() && self.inner.rag.get().is_none() {
            return Err(Error::not_implemented("Evaluation of knowledge bases is not implemented.")
                .with_hint("Bring the answers along: `precomputedRagSourceConfig`."));
        }
        self.inner.identity.pass_role(ctx, &new.role_arn, run::SERVICE).await?;
        let warnings = self.check_models(ctx, &new.asked).await?;
        if let Some(earlier) = self.earlier(ctx, &new).await? {
            return Ok((self.start(&owner(ctx), earlier).await?, warnings));
        }
        let asked_again = new.clone();
        let now = self.inner.clock.now();
        let id = self.inner.random.text(b"abcdefghijklmnopqrstuvwxyz0123456789", 12);
        let job = EvaluationJob {
            arn: arn(ctx, &id),
            id,
            name: new.name,
            description: new.description,
            status: EvaluationStatus::InProgress,
            messages: Vec::new(),
            role_arn: new.role_arn,
            output_key: new.output_key,
            tags: new.tags,
            asked: new.asked,
            configuration: new.configuration,
            request_token: new.request_token,
            folder: self.inner.random.uuid(),
            work: None,
            total: None,
            begun: None,
            created: now,
            modified: now,
            ended: None,
        };
        let keyring = self.inner.identity.keyring();
        if !store::insert(&self.inner.store, keyring, ctx, &job, &owner(ctx)).await? {
            // The same request may have come twice at once.
            if let Some(earlier) = self.earlier(ctx, &asked_again).await? {
                return Ok((self.start(&owner(ctx), earlier).await?, warnings));
            }
            return Err(Error::conflict(format!("There is an evaluation job `{}` already.", job.name))
                .with_hint("Names of evaluation jobs are unique in an account and region: choose another."));
        }
        Ok((self.start(&owner(ctx), job).await?, warnings))
    }

    /// The job that a request with the same token made.
    async fn earlier(&self, ctx: &Ctx, new: &NewEvaluation) -> Result<Option<EvaluationJob>> {
        let Some(token) = &new.request_token else { return Ok(None) };
        let inner = &self.inner;
        let found = store::by_token(&inner.store, inner.identity.keyring(), ctx, token).await?;
        match found {
            Some(job) if job.name != new.name || job.asked != new.asked || job.role_arn != new.role_arn => {
                Err(Error::conflict(format!("The client request token `{token}` was used for another request.")))
            }
            found => Ok(found),
        }
    }

    async fn start(&self, owner: &Owner, mut job: EvaluationJob) -> Result<EvaluationJob> {
        if job.work.is_none() && !job.status.is_end() {
            job.work = Some(self.submit(owner, &job.id).await?);
        }
        Ok(job)
    }

    async fn submit(&self, owner: &Owner, id: &str) -> Result<JobId> {
        let new = NewJob {
            kind: run::JOB_KIND,
            owner: owner.clone(),
            dedup_key: Some(format!("{}:{id}", run::JOB_KIND)),
            input: json!({"evaluation": id}),
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
    pub(super) async fn resume(&self) -> Result<()> {
        for (id, owner) in store::unsubmitted(&self.inner.store).await? {
            self.submit(&owner, &id).await?;
        }
        Ok(())
    }

    /// The evaluation job of this id or ARN in the caller's account and region.
    ///
    /// # Errors
    /// NotFound.
    pub async fn get(&self, ctx: &Ctx, identifier: &str) -> Result<EvaluationJob> {
        let missing = || missing(identifier);
        let id = id_of(ctx, identifier).ok_or_else(missing)?;
        let inner = &self.inner;
        let job = store::job(&inner.store, inner.identity.keyring(), ctx, id).await?.ok_or_else(missing)?;
        self.settled(ctx, job).await
    }

    /// The evaluation jobs of the caller's account and region.
    ///
    /// # Errors
    /// Unavailable, where the database cannot be read.
    pub async fn list(&self, ctx: &Ctx, filter: &EvaluationFilter, page: &PageRequest) -> Result<Page<EvaluationJob>> {
        let (store, keyring) = (&self.inner.store, self.inner.identity.keyring());
        // Whether a job has ended is settled first, as the listing may ask for it.
        for job in store::open_jobs(store, keyring, ctx).await? {
            self.settled(ctx, job).await?;
        }
        let jobs = store::jobs(store, keyring, ctx, filter, page).await?;
        Ok(Page::cut(page, jobs, |job| store::place(job.created, &job.id)))
    }

    /// Stops a job. There are no results of it.
    ///
    /// # Errors
    /// NotFound; Conflict, where it has ended.
    pub async fn stop(&self, ctx: &Ctx, identifier: &str) -> Result<()> {
        let job = self.get(ctx, identifier).await?;
        if !store::begin_stop(&self.inner.store, ctx, &job.id, self.inner.clock.now()).await? {
            let status = self.get(ctx, identifier).await?.status.as_str();
            return Err(Error::conflict(format!("The evaluation job `{}` is {status} already.", job.name)));
        }
        if let Some(work) = &job.work {
            self.inner.jobs.cancel(ctx.account(), work).await?;
        }
        self.get(ctx, identifier).await.map(drop)
    }

    /// Deletes a job that has ended, with all that is kept of it; its results in S3 stay.
    ///
    /// # Errors
    /// NotFound; Conflict, where it has not ended.
    pub async fn delete(&self, ctx: &Ctx, identifier: &str) -> Result<()> {
        let job = self.get(ctx, identifier).await?;
        if !job.status.is_end() {
            return Err(Error::conflict(format!("The evaluation job `{}` is {}.", job.name, job.status.as_str()))
                .with_hint("Stop it first."));
        }
        store::delete(&self.inner.store, ctx, &job.id).await
    }

    /// The job as it is now: work that was never submitted is, and work that has ended without having told is noted.
    async fn settled(&self, ctx: &Ctx, mut job: EvaluationJob) -> Result<EvaluationJob> {
        if job.status.is_end() {
            return Ok(job);
        }
        let Some(id) = job.work.clone() else {
            let unsubmitted = store::unsubmitted(&self.inner.store).await?;
            let found = unsubmitted.into_iter().find(|(id, owner)| *id == job.id && owner.account == *ctx.account());
            return match found {
                Some((_, owner)) => self.start(&owner, job).await,
                None => Ok(job),
            };
        };
        let work = self.inner.jobs.get(ctx.account(), &id).await?;
        (job.status, job.messages) = match (work.state, work.error) {
            (State::Queued | State::Running, _) => return Ok(job),
            (State::Cancelled, _) => (EvaluationStatus::Stopped, job.messages),
            (State::Failed, _) if job.status == EvaluationStatus::Stopping => (EvaluationStatus::Stopped, job.messages),
            (State::Failed, error) => {
                let said =
                    error.map(|error| [Some(error.message), error.hint].into_iter().flatten().collect::<Vec<_>>());
                let said = said.map_or_else(|| "The evaluation job failed.".to_owned(), |said| said.join(" "));
                (EvaluationStatus::Failed, vec![cut(said)])
            }
            (State::Succeeded, _) if job.status == EvaluationStatus::Stopping => {
                (EvaluationStatus::Stopped, job.messages)
            }
            // Where it wrote its results, the row says so since.
            (State::Succeeded, _) => {
                (EvaluationStatus::Failed, vec!["The evaluation job ended without results.".to_owned()])
            }
        };
        let ended = work.ended.unwrap_or_else(|| self.inner.clock.now());
        (job.modified, job.ended) = (ended, Some(ended));
        if !store::end(&self.inner.store, self.inner.identity.keyring(), ctx, &job).await? {
            let inner = &self.inner;
            let found = store::job(&inner.store, inner.identity.keyring(), ctx, &job.id).await?;
            return found.ok_or_else(|| missing(&job.id));
        }
        Ok(job)
    }
}

pub(super) fn missing(identifier: &str) -> Error {
    Error::not_found(format!("The evaluation job `{identifier}` could not be found."))
}

/// The id that an identifier means; none, where it is an ARN of anything but an evaluation of the caller's account and
/// region.
fn id_of<'a>(ctx: &Ctx, identifier: &'a str) -> Option<&'a str> {
    if !identifier.starts_with("arn:") {
        return Some(identifier);
    }
    let id = identifier.rsplit('/').next()?;
    (arn(ctx, id).to_string() == identifier).then_some(id)
}

pub(super) fn arn(ctx: &Ctx, id: &str) -> Arn {
    Arn::new("bedrock", Some(ctx.region()), Some(ctx.account()), format!("evaluation-job/{id}"))
}

pub(super) fn owner(ctx: &Ctx) -> Owner {
    Owner {
        account: ctx.account().clone(),
        region: ctx.region().clone(),
        principal_arn: ctx.principal().arn(),
        principal_id: Some(ctx.principal().user_id()),
    }
}

fn check_role(ctx: &Ctx, role_arn: &str) -> Result<()> {
    let role: Option<Arn> = role_arn.parse().ok();
    let role = role.filter(|role| role.service == "iam" && role.resource_type() == Some("role"));
    match role.and_then(|role| role.account.parse::<AccountId>().ok()) {
        Some(account) if account == *ctx.account() => Ok(()),
        Some(account) => {
            Err(Error::denied(format!("Cross-account pass role is not allowed: the role belongs to {account}."))
                .with_hint("Name a role of your own account; give it access to the other account's bucket."))
        }
        None => Err(Error::invalid(format!("The role ARN `{role_arn}` is invalid."))
            .with_hint("It looks like `arn:aws:iam::111122223333:role/NAME`.")),
    }
}

/// At most as long as AWS allows.
pub(super) fn cut(mut text: String) -> String {
    if text.len() > LONGEST_MESSAGE {
        let end = (0..=LONGEST_MESSAGE - 4).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}

/// Does an error say nothing of what was asked for, but of the server?
pub(super) fn is_fault(error: &Error) -> bool {
    use ErrorKind::{Internal, Throttled, Timeout, Unavailable};
    matches!(error.kind, Throttled | Unavailable | Timeout | Internal)
}

#[cfg(test)]
#[path = "job_tests.rs"]
mod tests;
