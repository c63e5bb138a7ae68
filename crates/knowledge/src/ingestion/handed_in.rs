//! The work on documents that were handed in, or are to be removed.

use std::sync::Weak;

use base::{Error, ErrorKind, Result};
use futures::future::BoxFuture;
use identity::Ctx;
use jobs::{Handler, JobContext, NewJob, Owner};
use search::analysis::Language;
use serde_json::{Value, json};

use super::prepare::{File, Prepared, Worker, content_failed, failed};
use super::room::MOST_WRITTEN;
use super::run::is_passing;
use super::{HANDED_IN, MAX_ATTEMPTS};
use crate::data_sources::DataSource;
use crate::documents::operations::{Said, Task, purpose, read, split_uri};
use crate::documents::sidecar::{AclBy, Sidecar};
use crate::documents::store::{self, Place};
use crate::documents::{Entry, Location};
use crate::knowledge_bases::KnowledgeBase;
use crate::open::{Inner, Knowledge};
use crate::realm::Realm;

/// How many documents are dealt with together.
const TOGETHER: u32 = 16;
/// How many of those a job deals with, about, before others get their turn: few such jobs run at once, of all accounts.
const IN_A_ROW: u64 = 16 * TOGETHER as u64;

/// Runs the jobs.
pub(crate) struct HandedInHandler(pub(crate) Weak<Inner>);

impl Handler for HandedInHandler {
    fn run(&self, job: JobContext) -> BoxFuture<'_, Result<Value>> {
        Box::pin(async move {
            let inner = self.0.upgrade().ok_or_else(|| Error::unavailable("The server is stopping."))?;
            let realm = Realm::of_job(job.owner());
            let named = |name: &str| job.input()[name].as_str().unwrap_or_default();
            let (base, source) = (named("knowledgeBase"), named("dataSource"));
            let done = Knowledge { inner }.run_handed_in(&realm, (base, source), &job).await?;
            Ok(json!({"documents": done}))
        })
    }
}

impl Knowledge {
    /// Has what was handed in for a data source dealt with.
    pub(crate) async fn submit_handed_in(&self, owner: Owner, base: &str, source: &str) -> Result<()> {
        let new = NewJob {
            kind: HANDED_IN,
            owner,
            input: json!({"knowledgeBase": base, "dataSource": source}),
            // Each request has a job of its own: one that runs may have looked for the last time.
            dedup_key: None,
            max_attempts: MAX_ATTEMPTS,
            run_at: None,
        };
        self.inner.jobs.submit(new).await.map(drop)
    }

    /// Has what was handed in before the process ended dealt with.
    pub(crate) async fn resume_handed_in(&self) -> Result<()> {
        for (realm, base, source) in store::sources_with_pending(&self.inner.store).await? {
            let owner = Owner {
                principal_arn: format!("arn:aws:iam::{}:root", realm.account),
                principal_id: None,
                account: realm.account,
                region: realm.region,
            };
            self.submit_handed_in(owner, &base, &source).await?;
        }
        Ok(())
    }

    /// Deals with what was handed in for a data source, and says how much that was. A job of its own goes on behind the others
    /// where that is a lot.
    async fn run_handed_in(&self, realm: &Realm, (base, source): (&str, &str), work: &JobContext) -> Result<u64> {
        let mut done = 0;
        loop {
            let place = Place { realm, base, source };
            if !store::any_pending(&self.inner.store, place).await? {
                return Ok(done);
            }
            // Whoever works on the data source looks here once more after that, so that nobody need wait.
            let Some(alone) = self.inner.locks.source_now(base, source) else { return Ok(done) };
            let dealt_with = self.deal_alone(realm, (base, source), work).await?;
            drop(alone);
            match dealt_with {
                Some(dealt_with) => done += dealt_with,
                None => return Ok(done),
            }
            if done >= IN_A_ROW && store::any_pending(&self.inner.store, place).await? {
                self.submit_handed_in(work.owner().clone(), base, source).await?;
                return Ok(done);
            }
        }
    }

    /// As [`run_handed_in`](Self::run_handed_in), by whoever alone works on the data source; none, where that goes, and what
    /// was handed in with it.
    async fn deal_alone(&self, realm: &Realm, (base, source): (&str, &str), work: &JobContext) -> Result<Option<u64>> {
        let mut done = 0;
        loop {
            if work.cancelled().is_cancelled() {
                return Err(Error::unavailable("The server is stopping."));
            }
            let (base, source) = match self.source_of(realm, base, source).await {
                Err(error) if error.kind == ErrorKind::NotFound => return Ok(None),
                found => found?,
            };
            let place = Place { realm, base: &base.id, source: &source.id };
            let pending = store::pending(&self.inner.store, place, TOGETHER).await?;
            if pending.is_empty() || done >= IN_A_ROW {
                return Ok(Some(done));
            }
            done += pending.len() as u64;
            let handed_in: Vec<Option<String>> = pending.iter().map(|(entry, _)| entry.handed_in.clone()).collect();
            match self.deal_with(realm, (&base, &source), pending, work).await {
                Ok(()) => {}
                Err(error) if work.cancelled().is_cancelled() => return Err(error),
                Err(error) if is_passing(error.kind) && work.attempt() < MAX_ATTEMPTS => return Err(error),
                Err(error) => {
                    // Those that were written before that are dealt with, and others may have been handed in.
                    let mut left = store::pending(&self.inner.store, place, TOGETHER).await?;
                    left.retain(|(entry, _)| handed_in.contains(&entry.handed_in));
                    self.give_up(place, left.into_iter().map(|(entry, _)| entry).collect(), error).await?;
                }
            }
        }
    }

    /// Deals with some of what was handed in, as the role that the knowledge base has now.
    async fn deal_with(
        &self,
        realm: &Realm,
        (base, source): (&KnowledgeBase, &DataSource),
        pending: Vec<(Entry, Vec<u8>)>,
        work: &JobContext,
    ) -> Result<()> {
        let role = self.assume(realm, &base.role_arn, &base.id).await?;
        let model = self.model_of(&role, base).await?;
        let index = self.inner.indexes.open(realm, base).await?;
        let language = self.language(realm, base, &index).await?.unwrap_or(Language::English);
        let cancelled = work.cancelled();
        let worker = Worker { knowledge: self, realm, base, source, model, index, language, cancelled };
        worker.deal(&role, pending).await
    }

    /// Notes why documents cannot be dealt with.
    async fn give_up(&self, place: Place<'_>, mut entries: Vec<Entry>, error: Error) -> Result<()> {
        for entry in &mut entries {
            entry.fail(crate::documents::DocumentStatus::Failed, &error);
            entry.modified = self.inner.clock.now();
            // How far the index got is not known.
            if let Some(indexed) = &mut entry.indexed {
                (indexed.content, indexed.sidecar) = (String::new(), String::new());
            }
        }
        store::save(&self.inner.store, place, &entries, &[], None).await
    }
}

impl Worker<'_> {
    /// Deals with what was handed in meanwhile for a data source that is being synchronised.
    pub(super) async fn deal_between(&self, role: &Ctx) -> Result<()> {
        let place = Place { realm: self.realm, base: &self.base.id, source: &self.source.id };
        let pending = store::pending(&self.knowledge.inner.store, place, TOGETHER).await?;
        if pending.is_empty() { Ok(()) } else { self.deal(role, pending).await }
    }

    /// Deals with what was handed in, in parts of [`MOST_WRITTEN`] bytes of texts and vectors, about.
    async fn deal(&self, role: &Ctx, pending: Vec<(Entry, Vec<u8>)>) -> Result<()> {
        let (mut part, mut bytes) = (Vec::with_capacity(pending.len()), 0);
        for (entry, sealed) in pending {
            let prepared = self.unsealed(role, entry, &sealed).await?;
            let own = prepared.bytes_embedded(self.model.dimension);
            if bytes > 0 && bytes + own > MOST_WRITTEN {
                self.write(role, None, std::mem::take(&mut part)).await?;
                bytes = 0;
            }
            bytes += own;
            part.push(prepared);
        }
        self.write(role, None, part).await
    }

    /// What is to become of a document of which this was handed in.
    async fn unsealed(&self, role: &Ctx, entry: Entry, sealed: &[u8]) -> Result<Prepared> {
        let id = entry.handed_in.clone().unwrap_or_default();
        let opened = self.knowledge.inner.identity.keyring().open(&purpose(&id), sealed)?;
        let (task, bytes) = read(&opened)?;
        match self.handed_in(role, entry.clone(), task, bytes).await {
            Ok(prepared) => Ok(prepared),
            Err(error) => failed(entry, error),
        }
    }

    async fn handed_in(&self, role: &Ctx, mut entry: Entry, task: Task, bytes: &[u8]) -> Result<Prepared> {
        match task {
            Task::Delete => Ok(Prepared::Removal(entry)),
            Task::Bytes { media_type, said } => {
                let sidecar = self.said(role, None, said).await?.0;
                let name = entry.location.name().to_owned();
                let file = File { name, media_type: Some(media_type), bytes: bytes.to_vec() };
                self.prepare(role, entry, file, sidecar).await
            }
            Task::Object { uri, owner, said } => {
                let place = split_uri(&uri)?;
                let own = matches!(entry.location, Location::S3 { .. }).then_some((place, owner.as_deref()));
                let limit = self.knowledge.inner.config.limits.bytes;
                // The object before what is said of it: a new text never gets the permissions of the one before it.
                let object = self.object(role, place, owner.as_deref(), limit).await;
                let (sidecar, sidecar_etag) = self.said(role, own, said).await?;
                let object = match object {
                    Ok(object) => object,
                    Err(error) => return content_failed(entry, sidecar, error),
                };
                if own.is_some() {
                    (entry.etag, entry.sidecar_etag) = (Some(object.etag), sidecar_etag);
                }
                self.prepare(role, entry, object.file, sidecar).await
            }
        }
    }

    /// What is said of a document, and the ETag of its own sidecar where that says all of it. `own` is its object, whose
    /// sidecar says who may read it where nothing that was handed in does.
    async fn said(
        &self,
        role: &Ctx,
        own: Option<((&str, &str), Option<&str>)>,
        said: Said,
    ) -> Result<(Sidecar, Option<String>)> {
        if let (Said::Nothing { .. }, Some((object, owner))) = (&said, own) {
            let (sidecar, etag) = self.own_sidecar(role, object, (owner, false)).await?;
            return Ok((said.over(Some(sidecar))?, etag));
        }
        let elsewhere = match &said {
            Said::Object { uri, owner, .. } => {
                let (sidecar, _) = self.sidecar(role, split_uri(uri)?, owner.as_deref()).await?;
                // The data source knows nothing of that one: what it says was handed in.
                let acl_by = if sidecar.acl_by == AclBy::Sidecar { AclBy::Hand } else { sidecar.acl_by };
                Some(Sidecar { acl_by, ..sidecar })
            }
            _ => None,
        };
        let mut sidecar = said.over(elsewhere)?;
        if let (AclBy::Nobody, Some((object, owner))) = (sidecar.acl_by, own) {
            let (own, _) = self.own_sidecar(role, object, (owner, false)).await?;
            (sidecar.acl, sidecar.acl_by) = (own.acl, own.acl_by);
        }
        Ok((sidecar, None))
    }
}
