//! Import jobs: asked for, looked at, listed.

use base::{AccountId, Arn, Error, ErrorKind, Page, PageRequest, Result, Timestamp};
use checkpoint::Quantization;
use identity::Ctx;
use identity::kms::KeyRef;
use jobs::{JobId, NewJob, Owner, State};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::location::Location;
use super::quality::ImportBound;
use super::{Named, failure, store, tags, work};
use crate::Models;
use crate::library::hex;

/// Why there is no model of a job that was ended.
const CANCELLED: &str = "The import was cancelled.";

/// Pairs of tags.
pub type Tags = Vec<(String, String)>;

/// An import that is asked for.
#[derive(Debug, Clone)]
pub struct NewImport {
    /// The job's name, unique in account and region.
    pub job_name: String,
    /// The name of the model that it makes, unique in account and region.
    pub model_name: String,
    /// The role that reads the checkpoint and uses the keys.
    pub role_arn: String,
    /// `s3://BUCKET/PREFIX/`: the folder of the checkpoint.
    pub source_uri: String,
    /// The customer's key to encrypt the model under; Craton's own by default.
    pub kms_key: Option<String>,
    /// How the weights are kept.
    pub quantization: Quantization,
    /// What the model must keep to against its weights as they came: what of the type's bound is to be other, such as
    /// `labels=0.9`, or `none`. By default the bound of the deployment, or else that of the type.
    pub bound: Option<String>,
    /// The job's tags.
    pub tags: Tags,
    /// The model's tags.
    pub model_tags: Tags,
    /// A request with the token of an earlier one is that one, sent again.
    pub request_token: Option<String>,
}

/// Where an import stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportStatus {
    /// It waits or works.
    InProgress,
    /// The model is there.
    Completed,
    /// There is no model.
    Failed,
}

impl ImportStatus {
    /// As AWS writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "InProgress",
            Self::Completed => "Completed",
            Self::Failed => "Failed",
        }
    }

    pub(super) fn from_row(text: &str) -> Result<Self> {
        [Self::InProgress, Self::Completed, Self::Failed]
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| Error::internal(format!("import status `{text}`")))
    }
}

/// An import job.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportJob {
    /// Twelve lower-case letters and digits.
    pub id: String,
    /// `arn:aws:bedrock:REGION:ACCOUNT:model-import-job/ID`
    pub arn: Arn,
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub status: ImportStatus,
    /// Why it failed.
    pub failure: Option<String>,
    /// The role that it works as.
    pub role_arn: String,
    /// Where the checkpoint lies.
    pub source_uri: String,
    /// The name of the model that it makes.
    pub model_name: String,
    /// The ARN that the model has, or will have.
    pub model_arn: Arn,
    /// The id of the model.
    pub model_id: String,
    /// The customer's key, as an ARN.
    pub kms_key_arn: Option<String>,
    /// How the weights are kept.
    pub quantization: String,
    /// What was asked of the bound.
    pub bound: Option<String>,
    /// Its tags.
    pub tags: Tags,
    /// The model's tags.
    pub model_tags: Tags,
    /// What the examination of the checkpoint found, as JSON.
    pub report: Option<String>,
    /// The id of the job that does the work: its progress counts bytes.
    pub work: Option<JobId>,
    /// When it was asked for.
    pub created: Timestamp,
    /// When it changed last.
    pub modified: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// The service that the role is for.
    pub(crate) service: String,
}

/// Which import jobs, or imported models, to list.
#[derive(Debug, Clone, Default)]
pub struct ImportFilter {
    /// Made after this.
    pub after: Option<Timestamp>,
    /// Made before this.
    pub before: Option<Timestamp>,
    /// Only jobs in this state.
    pub status: Option<ImportStatus>,
    /// Whose name has this in it.
    pub name_contains: Option<String>,
    /// The oldest first; the newest otherwise.
    pub ascending: bool,
}

impl Models {
    /// Starts to import a model: reads the checkpoint as the role, examines it, converts it, encrypts it, tries it.
    /// What is wrong with permissions or files is found by the job and stands in its `failure`.
    ///
    /// # Errors
    /// Invalid, where a name, ARN or URI is malformed; Denied, where the caller may not pass the role; AlreadyExists,
    /// where the job's or the model's name is taken, or the request's token was used for another request.
    pub async fn create_import_job(&self, ctx: &Ctx, new: NewImport) -> Result<ImportJob> {
        self.import_for(ctx, new, work::SERVICE).await
    }

    /// As [`Models::create_import_job`], by a role that is passed to `service`.
    pub(crate) async fn import_for(&self, ctx: &Ctx, new: NewImport, service: &str) -> Result<ImportJob> {
        check(ctx, &new)?;
        self.inner.identity.pass_role(ctx, &new.role_arn, service).await?;
        let (hash, owner) = (fingerprint(&new), owner(ctx));
        if let Some(earlier) = self.earlier(ctx, &new, &hash).await? {
            return self.start(&owner, earlier).await;
        }
        // What failed has its model's name no longer.
        for job in store::open_jobs(&self.inner.store, ctx).await? {
            self.settled(ctx, job).await?;
        }
        let job = ImportJob { service: service.to_owned(), ..self.row(ctx, new.clone()) };
        let request = (new.request_token.as_deref(), hash.as_str());
        let made = store::insert_job(&self.inner.store, ctx, &job, &owner, request).await;
        if let Err(error) = made {
            // The same request may have come twice at once.
            return match self.earlier(ctx, &new, &hash).await? {
                Some(earlier) if error.kind == ErrorKind::AlreadyExists => self.start(&owner, earlier).await,
                _ => Err(error),
            };
        }
        self.start(&owner, job).await
    }

    /// The job that a request with the same token made.
    async fn earlier(&self, ctx: &Ctx, new: &NewImport, hash: &str) -> Result<Option<ImportJob>> {
        let Some(token) = &new.request_token else { return Ok(None) };
        match store::job_by_token(&self.inner.store, ctx, token).await? {
            Some((_, asked)) if asked != hash => {
                Err(Error::already_exists(format!("The client request token `{token}` was used for another request.")))
            }
            earlier => Ok(earlier.map(|(job, _)| job)),
        }
    }

    /// Hands the work to the jobs, once.
    async fn start(&self, owner: &Owner, mut job: ImportJob) -> Result<ImportJob> {
        if job.work.is_none() && job.status == ImportStatus::InProgress {
            job.work = Some(self.submit(owner, &job.id).await?);
        }
        Ok(job)
    }

    async fn submit(&self, owner: &Owner, id: &str) -> Result<JobId> {
        let new = NewJob {
            kind: work::JOB_KIND,
            owner: owner.clone(),
            dedup_key: Some(format!("{}:{id}", work::JOB_KIND)),
            input: json!({"import": id}),
            max_attempts: work::MAX_ATTEMPTS,
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
    pub(crate) async fn resume_imports(&self) -> Result<()> {
        for (id, owner) in store::unsubmitted(&self.inner.store).await? {
            self.submit(&owner, &id).await?;
        }
        Ok(())
    }

    /// The import job of this name, id or ARN in the caller's account and region.
    ///
    /// # Errors
    /// NotFound.
    pub async fn import_job(&self, ctx: &Ctx, identifier: &str) -> Result<ImportJob> {
        let missing = || Error::not_found(format!("The model import job `{identifier}` could not be found."));
        let named = super::named(ctx, identifier, "model-import-job").ok_or_else(missing)?;
        let job = store::job(&self.inner.store, ctx, &named).await?.ok_or_else(missing)?;
        self.settled(ctx, job).await
    }

    /// The import jobs of the caller's account and region.
    ///
    /// # Errors
    /// Unavailable, where the database cannot be read.
    pub async fn import_jobs(&self, ctx: &Ctx, filter: &ImportFilter, page: &PageRequest) -> Result<Page<ImportJob>> {
        // Whether a job has ended is settled first, as the listing may ask for it.
        for job in store::open_jobs(&self.inner.store, ctx).await? {
            self.settled(ctx, job).await?;
        }
        let jobs = store::jobs(&self.inner.store, ctx, filter, page).await?;
        Ok(Page::cut(page, jobs, |job| store::place(job.created, &job.id)))
    }

    /// Ends a job: where it makes its model still, it makes none.
    ///
    /// # Errors
    /// NotFound.
    pub(crate) async fn cancel_import(&self, ctx: &Ctx, identifier: &str) -> Result<()> {
        let mut job = self.import_job(ctx, identifier).await?;
        if job.status != ImportStatus::InProgress {
            return Ok(());
        }
        let now = self.inner.clock.now();
        job.failure = Some(CANCELLED.to_owned());
        (job.status, job.modified, job.ended) = (ImportStatus::Failed, now, Some(now));
        store::end_job(&self.inner.store, ctx, &job).await?;
        match &job.work {
            Some(work) => self.inner.jobs.cancel(ctx.account(), work).await.map(drop),
            None => Ok(()),
        }
    }

    /// The jobs for a service, asked for before a time, that make a model still or whose model is there: each with a
    /// context of the service in its account and region, its ARN and the model's.
    ///
    /// # Errors
    /// Unavailable, where the database cannot be read.
    pub(crate) async fn imports_for(
        &self,
        service: &'static str,
        before: Timestamp,
    ) -> Result<Vec<(Ctx, String, String)>> {
        let found = store::jobs_for(&self.inner.store, service, before).await?;
        let with_arns = found.into_iter().map(|(account, region, job, model)| {
            let ctx = self.inner.identity.service_ctx(account, region, service);
            let (job, model) = (super::arn(&ctx, "model-import-job", &job), super::arn(&ctx, "imported-model", &model));
            (ctx, job.to_string(), model.to_string())
        });
        Ok(with_arns.collect())
    }

    /// The job as it is now: work that was never submitted is, and work that has ended without having told is noted.
    async fn settled(&self, ctx: &Ctx, mut job: ImportJob) -> Result<ImportJob> {
        if job.status != ImportStatus::InProgress {
            return Ok(job);
        }
        let Some(id) = &job.work else {
            let unsubmitted = store::unsubmitted(&self.inner.store).await?;
            let found = unsubmitted.into_iter().find(|(id, owner)| *id == job.id && owner.account == *ctx.account());
            return match found {
                Some((_, owner)) => self.start(&owner, job).await,
                None => Ok(job),
            };
        };
        let work = self.inner.jobs.get(ctx.account(), id).await?;
        let reason = match (work.state, work.error) {
            (State::Failed, Some(error)) => match error.hint {
                Some(hint) => format!("{} {hint}", error.message),
                None => error.message,
            },
            (State::Failed, None) => "The import failed.".to_owned(),
            (State::Cancelled, _) => CANCELLED.to_owned(),
            // Where it made the model, the row says so since.
            (State::Succeeded, _) => "The import ended without a model.".to_owned(),
            (State::Queued | State::Running, _) => return Ok(job),
        };
        let ended = work.ended.unwrap_or_else(|| self.inner.clock.now());
        job.failure = Some(failure::cut(reason));
        (job.status, job.modified, job.ended) = (ImportStatus::Failed, ended, Some(ended));
        if !store::end_job(&self.inner.store, ctx, &job).await? {
            let gone = || Error::not_found(format!("The model import job `{}` could not be found.", job.name));
            return store::job(&self.inner.store, ctx, &Named::Id(&job.id)).await?.ok_or_else(gone);
        }
        Ok(job)
    }

    /// The job that the request asks for, which is kept nowhere yet.
    pub(super) fn row(&self, ctx: &Ctx, new: NewImport) -> ImportJob {
        let id = || self.inner.random.text(b"abcdefghijklmnopqrstuvwxyz0123456789", 12);
        let (id, model_id, now) = (id(), id(), self.inner.clock.now());
        ImportJob {
            arn: super::arn(ctx, "model-import-job", &id),
            model_arn: super::arn(ctx, "imported-model", &model_id),
            id,
            model_id,
            name: new.job_name,
            status: ImportStatus::InProgress,
            failure: None,
            role_arn: new.role_arn,
            source_uri: new.source_uri,
            model_name: new.model_name,
            kms_key_arn: new.kms_key.map(|key| key_arn(ctx, key)),
            quantization: new.quantization.name().to_owned(),
            bound: new.bound,
            tags: new.tags,
            model_tags: new.model_tags,
            report: None,
            work: None,
            created: now,
            modified: now,
            ended: None,
            service: work::SERVICE.to_owned(),
        }
    }
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
pub(super) fn check(ctx: &Ctx, new: &NewImport) -> Result<()> {
    Location::parse(&new.source_uri)?;
    tags::check(&new.tags)?;
    tags::check(&new.model_tags)?;
    if let Some(key) = &new.kms_key {
        KeyRef::parse(key)?;
    }
    if let Some(bound) = &new.bound {
        ImportBound::parse(bound)?;
    }
    role_name(ctx, &new.role_arn).map(drop)
}

/// The name of a role of the caller's account.
///
/// # Errors
/// Invalid, where it is no role's ARN; Denied, where the role is another account's.
pub(super) fn role_name(ctx: &Ctx, role_arn: &str) -> Result<String> {
    let role: Option<Arn> = role_arn.parse().ok();
    let role = role.filter(|role| role.service == "iam" && role.resource_type() == Some("role"));
    let owner = role.as_ref().and_then(|role| role.account.parse::<AccountId>().ok());
    match (role, owner) {
        (Some(role), Some(account)) if account == *ctx.account() => {
            Ok(role.resource_id().rsplit('/').next().unwrap_or_default().to_owned())
        }
        (_, Some(account)) => {
            Err(Error::denied(format!("Cross-account pass role is not allowed: the role belongs to {account}."))
                .with_hint("Name a role of your own account; give it access to the other account's bucket."))
        }
        _ => Err(Error::invalid(format!("The role ARN `{role_arn}` is invalid."))
            .with_hint("It looks like `arn:aws:iam::111122223333:role/NAME`.")),
    }
}

/// A key's ARN, or its alias's, of what may be an id or an alias's name.
fn key_arn(ctx: &Ctx, key: String) -> String {
    if key.starts_with("arn:") {
        return key;
    }
    let resource = if key.starts_with("alias/") { key } else { format!("key/{key}") };
    Arn::new("kms", Some(ctx.region()), Some(ctx.account()), resource).to_string()
}

/// What a request asks for, as one value.
fn fingerprint(new: &NewImport) -> String {
    let mut asked = vec![json!([
        new.job_name,
        new.model_name,
        new.role_arn,
        new.source_uri,
        new.kms_key,
        new.quantization.name(),
        new.tags,
        new.model_tags
    ])];
    // What asks for nothing more is what it was before a bound could be asked for.
    asked.extend(new.bound.as_ref().map(|bound| json!(bound)));
    let asked: Vec<String> = asked.iter().map(ToString::to_string).collect();
    hex(&Sha256::digest(asked.concat()))
}
