//! The work of an ingestion job.

use std::sync::Weak;

use base::{Error, ErrorKind, Result};
use futures::future::BoxFuture;
use jobs::{Handler, JobContext};
use search::analysis::Language;
use serde_json::{Value, json};

use super::prepare::Worker;
use super::sync::{Over, Synchronisation};
use super::{IngestionJob, IngestionStatus, MAX_ATTEMPTS, store};
use crate::documents::store::{Place, any_pending};
use crate::open::{Inner, Knowledge};
use crate::realm::Realm;

/// Runs the jobs.
pub(crate) struct SyncHandler(pub(crate) Weak<Inner>);

impl Handler for SyncHandler {
    fn run(&self, job: JobContext) -> BoxFuture<'_, Result<Value>> {
        Box::pin(async move {
            let inner = self.0.upgrade().ok_or_else(|| Error::unavailable("The server is stopping."))?;
            Knowledge { inner }.run_ingestion(&job).await
        })
    }
}

impl Knowledge {
    async fn run_ingestion(&self, work: &JobContext) -> Result<Value> {
        let realm = Realm::of_job(work.owner());
        let named = |name: &str| work.input()[name].as_str().unwrap_or_default().to_owned();
        let (base, source, id) = (named("knowledgeBase"), named("dataSource"), named("ingestionJob"));
        let Some(job) = store::find(&self.inner.store, &realm, (&base, &source), &id).await? else {
            // It went with its data source.
            return Ok(json!({"status": "GONE"}));
        };
        if job.status.is_end() {
            return Ok(json!({"status": job.status.as_str()}));
        }
        let outcome = self.synchronise(&realm, &job, work).await;
        // Nobody else dealt with what was handed in while the data source was taken.
        let place = Place { realm: &realm, base: &base, source: &source };
        if any_pending(&self.inner.store, place).await? {
            self.submit_handed_in(work.owner().clone(), &base, &source).await?;
        }
        let (status, reason) = match outcome {
            Ok(Over::Done) => (IngestionStatus::Complete, None),
            Ok(Over::Stopped) => (IngestionStatus::Stopped, None),
            Err(error) if is_passing(error.kind) && work.attempt() < MAX_ATTEMPTS => return Err(error),
            Err(error) => {
                if error.kind == ErrorKind::Internal {
                    tracing::error!(job = id, ?error, "an ingestion job failed");
                }
                (IngestionStatus::Failed, Some(error.public_text()))
            }
        };
        let now = self.inner.clock.now();
        store::end(&self.inner.store, &realm, &job, (status, reason.as_deref()), now).await?;
        Ok(json!({"status": status.as_str()}))
    }

    async fn synchronise(&self, realm: &Realm, job: &IngestionJob, work: &JobContext) -> Result<Over> {
        let _alone = self.inner.locks.source(&job.knowledge_base, &job.data_source).await;
        let (base, source) = match self.source_of(realm, &job.knowledge_base, &job.data_source).await {
            Err(error) if error.kind == ErrorKind::NotFound => return Ok(Over::Stopped),
            found => found?,
        };
        let role = self.assume(realm, &base.role_arn, &base.id).await?;
        let model = self.model_of(&role, &base).await?;
        let index = self.inner.indexes.open(realm, &base).await?;
        let language = self.language(realm, &base, &index).await?.unwrap_or(Language::English);
        let cancelled = work.cancelled();
        let worker = Worker { knowledge: self, realm, base: &base, source: &source, model, index, language, cancelled };
        Synchronisation { worker, job, work }.run().await
    }
}

/// Whether the same may succeed later.
pub(super) fn is_passing(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Throttled | ErrorKind::Unavailable | ErrorKind::Timeout)
}
