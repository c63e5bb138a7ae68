//! Ingestion: the objects of a bucket, or what is handed in, become chunks in the index.
//!
//! A document is read, cut and embedded; then the index takes all its chunks at once, and then its row says so. Whoever dies
//! between the two does it again, which changes nothing. An ingestion job counts in the transaction that writes the rows,
//! so that nothing is counted twice. Documents are written one part after the other, while the next ones are read and embedded,
//! which changes nothing that lasts.

mod embed;
mod handed_in;
mod prepare;
mod room;
mod run;
mod shown;
pub(crate) mod store;
mod sync;
mod write;

use base::{Error, Page, PageRequest, Result, Timestamp};
use identity::Ctx;
use jobs::{JobId, NewJob, Owner, State};
use serde_json::json;

use crate::data_sources::Origin;
use crate::knowledge_bases::token_taken;
use crate::open::{Knowledge, detached};
use crate::realm::{Realm, owner};

pub(crate) use handed_in::HandedInHandler;
pub(crate) use run::SyncHandler;

/// The kind of the jobs that synchronise a data source.
pub(crate) const SYNC: &str = "knowledge-ingestion";
/// The kind of the jobs that index what was handed in.
pub(crate) const HANDED_IN: &str = "knowledge-documents";
/// How often an ingestion is tried that gets no further.
const MAX_ATTEMPTS: u32 = 5;
const ID_LENGTH: usize = 10;
const ID_LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/// Where an ingestion job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IngestionStatus {
    /// It waits.
    Starting,
    /// It works.
    InProgress,
    /// It dealt with every document; of those that failed, `failure_reasons` tells.
    Complete,
    /// It cannot work.
    Failed,
    /// It was told to stop.
    Stopping,
    /// It was stopped. What it indexed stays.
    Stopped,
}

impl IngestionStatus {
    const ALL: [Self; 6] =
        [Self::Starting, Self::InProgress, Self::Complete, Self::Failed, Self::Stopping, Self::Stopped];

    /// As AWS writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "STARTING",
            Self::InProgress => "IN_PROGRESS",
            Self::Complete => "COMPLETE",
            Self::Failed => "FAILED",
            Self::Stopping => "STOPPING",
            Self::Stopped => "STOPPED",
        }
    }

    /// The status that AWS writes so.
    ///
    /// # Errors
    /// Internal, where it writes none so.
    pub fn from_name(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|status| status.as_str() == text);
        found.ok_or_else(|| Error::internal(format!("ingestion job status `{text}`")))
    }

    /// Will the job never change again?
    #[must_use]
    pub fn is_end(self) -> bool {
        matches!(self, Self::Complete | Self::Failed | Self::Stopped)
    }
}

/// What an ingestion job has come to, as Bedrock counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IngestionStatistics {
    /// Objects that the source has.
    pub scanned: u64,
    /// Sidecars that the source has.
    pub sidecars_scanned: u64,
    /// Documents that were not indexed before.
    pub added: u64,
    /// Documents that were indexed anew, as their content was changed.
    pub modified: u64,
    /// Documents of which metadata or permissions alone were changed.
    pub metadata_modified: u64,
    /// Documents that the source has no more.
    pub deleted: u64,
    /// Documents that could not be indexed.
    pub failed: u64,
}

/// An ingestion job.
#[derive(Debug, Clone, PartialEq)]
pub struct IngestionJob {
    /// Ten capital letters and digits.
    pub id: String,
    /// The knowledge base's id.
    pub knowledge_base: String,
    /// The data source's id.
    pub data_source: String,
    /// What it is for.
    pub description: Option<String>,
    /// Where it stands.
    pub status: IngestionStatus,
    /// What it has come to.
    pub statistics: IngestionStatistics,
    /// Why it failed; why documents failed.
    pub failure_reasons: Vec<String>,
    /// When it was asked for.
    pub started: Timestamp,
    /// When it changed last.
    pub modified: Timestamp,
    /// The id of the job that does the work: its progress counts documents.
    pub work: Option<JobId>,
}

/// Which ingestion jobs to list, and how.
#[derive(Debug, Clone, Default)]
pub struct IngestionFilter {
    /// Those in one of these states; all where none is named.
    pub statuses: Vec<IngestionStatus>,
    /// The oldest first; the newest otherwise.
    pub ascending: bool,
    /// By state, and then by time.
    pub by_status: bool,
}

impl Knowledge {
    /// Starts to synchronise a data source.
    ///
    /// # Errors
    /// NotFound; Conflict, where that goes on already, or the token is that of another request; Invalid, for a data source that
    /// documents are handed in to.
    pub async fn start_ingestion(
        &self,
        ctx: &Ctx,
        base: &str,
        source: &str,
        (description, token): (Option<String>, Option<String>),
    ) -> Result<IngestionJob> {
        let realm = Realm::of(ctx);
        let (base, source) = self.source_of(&realm, base, source).await?;
        if source.origin == Origin::Custom {
            let text =
                format!("The data source `{}` is of the type `CUSTOM`: there is nothing to synchronise.", source.id);
            return Err(Error::invalid(text).with_hint("Hand documents in with `IngestKnowledgeBaseDocuments`."));
        }
        if let Some(earlier) =
            self.started_before(&realm, (&base.id, &source.id), token.as_deref(), &description).await?
        {
            return Ok(earlier);
        }
        for open in store::open_of(&self.inner.store, &realm, (&base.id, &source.id)).await? {
            self.settled(&realm, open).await?;
        }
        let now = self.inner.clock.now();
        let job = IngestionJob {
            id: self.inner.random.text(ID_LETTERS, ID_LENGTH),
            knowledge_base: base.id.clone(),
            data_source: source.id.clone(),
            description,
            status: IngestionStatus::Starting,
            statistics: IngestionStatistics::default(),
            failure_reasons: Vec::new(),
            started: now,
            modified: now,
            work: None,
        };
        let (knowledge, owner) = (self.clone(), owner(ctx));
        detached(async move {
            if !store::insert(&knowledge.inner.store, &realm, &job, (&owner, token.as_deref())).await? {
                // The same request may have come twice at once.
                let place = (job.knowledge_base.as_str(), job.data_source.as_str());
                let earlier = knowledge.started_before(&realm, place, token.as_deref(), &job.description).await?;
                if let Some(earlier) = earlier {
                    return Ok(earlier);
                }
                let text = format!("An ingestion job of the data source `{}` is running.", job.data_source);
                return Err(Error::conflict(text).with_hint("Wait until it ends, or stop it with `StopIngestionJob`."));
            }
            knowledge.submit(&realm, (job, owner)).await
        })
        .await
    }

    /// The job that a request with the same token made.
    ///
    /// # Errors
    /// Conflict, where that asked for something else.
    async fn started_before(
        &self,
        realm: &Realm,
        place: (&str, &str),
        token: Option<&str>,
        description: &Option<String>,
    ) -> Result<Option<IngestionJob>> {
        let Some(token) = token else { return Ok(None) };
        match store::by_token(&self.inner.store, realm, place, token).await? {
            Some(earlier) if earlier.description != *description => Err(token_taken(token)),
            earlier => Ok(earlier),
        }
    }

    /// Hands the work to the jobs, once.
    pub(crate) async fn submit(&self, realm: &Realm, (mut job, owner): (IngestionJob, Owner)) -> Result<IngestionJob> {
        let (base, source, id) = (&job.knowledge_base, &job.data_source, &job.id);
        let new = NewJob {
            kind: SYNC,
            owner,
            input: json!({"knowledgeBase": base, "dataSource": source, "ingestionJob": id}),
            dedup_key: Some(format!("{base}/{source}/{id}")),
            max_attempts: MAX_ATTEMPTS,
            run_at: None,
        };
        let work = self.inner.jobs.submit(new).await?.id;
        store::set_work(&self.inner.store, realm, &job, &work).await?;
        job.work = Some(work);
        Ok(job)
    }

    /// An ingestion job.
    ///
    /// # Errors
    /// NotFound.
    pub async fn ingestion_job(&self, ctx: &Ctx, base: &str, source: &str, id: &str) -> Result<IngestionJob> {
        let realm = Realm::of(ctx);
        let (base, source) = self.source_of(&realm, base, source).await?;
        let found = store::find(&self.inner.store, &realm, (&base.id, &source.id), id).await?;
        self.settled(&realm, found.ok_or_else(|| missing(id))?).await
    }

    /// The ingestion jobs of a data source.
    ///
    /// # Errors
    /// NotFound.
    pub async fn ingestion_jobs(
        &self,
        ctx: &Ctx,
        base: &str,
        source: &str,
        filter: &IngestionFilter,
        page: &PageRequest,
    ) -> Result<Page<IngestionJob>> {
        let realm = Realm::of(ctx);
        let (base, source) = self.source_of(&realm, base, source).await?;
        for open in store::open_of(&self.inner.store, &realm, (&base.id, &source.id)).await? {
            self.settled(&realm, open).await?;
        }
        let mut found = store::all(&self.inner.store, &realm, (&base.id, &source.id)).await?;
        found.retain(|job| filter.statuses.is_empty() || filter.statuses.contains(&job.status));
        let key = |job: &IngestionJob| {
            (filter.by_status.then(|| job.status.as_str()), job.started.as_millis(), job.id.clone())
        };
        found.sort_by(|a, b| if filter.ascending { key(a).cmp(&key(b)) } else { key(b).cmp(&key(a)) });
        let from = match page.after.as_deref() {
            Some(after) => found.iter().position(|job| job.id == after).map_or(found.len(), |at| at + 1),
            None => 0,
        };
        let rest: Vec<IngestionJob> = found.into_iter().skip(from).collect();
        Ok(Page::cut(page, rest, |job| job.id.clone()))
    }

    /// Stops an ingestion job. What it indexed stays.
    ///
    /// # Errors
    /// NotFound; Conflict, where it has ended.
    pub async fn stop_ingestion(&self, ctx: &Ctx, base: &str, source: &str, id: &str) -> Result<IngestionJob> {
        let realm = Realm::of(ctx);
        let job = self.ingestion_job(ctx, base, source, id).await?;
        let now = self.inner.clock.now();
        if !store::begin_stop(&self.inner.store, &realm, &job, now).await? {
            let status = self.ingestion_job(ctx, base, source, id).await?.status.as_str();
            return Err(Error::conflict(format!("The ingestion job `{id}` is {status} already.")));
        }
        if let Some(work) = &job.work {
            self.inner.jobs.cancel(&realm.account, work).await?;
        }
        self.ingestion_job(ctx, base, source, id).await
    }

    /// Has the jobs of a data source end soon: it goes.
    pub(crate) async fn end_jobs(&self, realm: &Realm, base: &str, source: &str) -> Result<()> {
        for job in store::open_of(&self.inner.store, realm, (base, source)).await? {
            if let Some(work) = &job.work {
                self.inner.jobs.cancel(&realm.account, work).await?;
            }
        }
        Ok(())
    }

    /// The job as it is now: work that was not submitted is, and that has ended without having told is noted.
    async fn settled(&self, realm: &Realm, mut job: IngestionJob) -> Result<IngestionJob> {
        if job.status.is_end() {
            return Ok(job);
        }
        let Some(work) = &job.work else {
            return match store::owner_of(&self.inner.store, realm, &job).await? {
                Some(owner) => self.submit(realm, (job, owner)).await,
                None => Ok(job),
            };
        };
        let work = self.inner.jobs.get(&realm.account, work).await?;
        let (status, reason) = match (work.state, work.error) {
            (State::Queued | State::Running, _) => return Ok(job),
            (State::Cancelled, _) => (IngestionStatus::Stopped, None),
            (State::Failed, Some(error)) => {
                let text = [Some(error.message), error.hint].into_iter().flatten().collect::<Vec<_>>().join(" ");
                (IngestionStatus::Failed, Some(text))
            }
            // Where it came to an end of its own, the row says so since.
            (State::Failed | State::Succeeded, _) => {
                (IngestionStatus::Failed, Some("The ingestion job ended without a result.".to_owned()))
            }
        };
        let ended = work.ended.unwrap_or_else(|| self.inner.clock.now());
        store::end(&self.inner.store, realm, &job, (status, reason.as_deref()), ended).await?;
        let place = (job.knowledge_base.as_str(), job.data_source.as_str());
        if let Some(now) = store::find(&self.inner.store, realm, place, &job.id).await? {
            job = now;
        }
        Ok(job)
    }
}

fn missing(id: &str) -> Error {
    Error::not_found(format!("The ingestion job `{id}` could not be found."))
}
