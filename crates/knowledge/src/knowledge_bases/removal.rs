//! The end of a knowledge base: noted first, then its index goes, then its rows. What was broken off is ended at the next start.

use base::{AccountId, Result};
use identity::{Ctx, Removal};

use super::{KnowledgeBase, KnowledgeBaseStatus, store};
use crate::open::{Knowledge, detached};
use crate::realm::Realm;
use crate::{data_sources, ingestion};

impl Knowledge {
    /// Removes a knowledge base with its data sources, documents and index.
    ///
    /// # Errors
    /// NotFound; Unavailable, where its index cannot be removed now: the next start of the server tries again.
    pub async fn delete_knowledge_base(&self, ctx: &Ctx, identifier: &str) -> Result<KnowledgeBase> {
        let realm = Realm::of(ctx);
        let mut base = self.base_of(&realm, identifier).await?;
        let (knowledge, going) = (self.clone(), base.clone());
        // A task of its own: it ends what it began also where the caller goes away.
        detached(async move { knowledge.remove_base(&realm, &going).await }).await?;
        base.status = KnowledgeBaseStatus::Deleting;
        Ok(base)
    }

    async fn remove_base(&self, realm: &Realm, base: &KnowledgeBase) -> Result<()> {
        let inner = &self.inner;
        store::begin_removal(&inner.store, realm, &base.id).await?;
        let mut alone = Vec::new();
        for source in data_sources::store::all_of(&inner.store, realm, &base.id).await? {
            self.end_jobs(realm, &base.id, &source.id).await?;
            alone.push(inner.locks.source(&base.id, &source.id).await);
        }
        let _writing = inner.locks.writing().await;
        inner.indexes.remove(realm, base).await?;
        store::remove(&inner.store, realm, &base.id).await
    }

    /// Ends what was broken off when the process ended before: removals, and jobs that were never submitted. What fails
    /// is logged, and keeps nothing else from being done.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn resume(&self) -> Result<()> {
        for account in self.inner.identity.closed_accounts().await? {
            logged("the knowledge bases of a closed account", account.as_str(), self.remove_account(&account).await);
        }
        for (realm, base) in store::all(&self.inner.store).await? {
            if base.status == KnowledgeBaseStatus::Deleting {
                logged("a knowledge base", &base.id, self.remove_base(&realm, &base).await);
            }
        }
        for (realm, base, source) in data_sources::store::going(&self.inner.store).await? {
            logged("a data source", &source.id, self.remove_source(&realm, &base, &source).await);
        }
        for (realm, job) in ingestion::store::unsubmitted(&self.inner.store).await? {
            let id = job.0.id.clone();
            logged("an ingestion job", &id, self.submit(&realm, job).await);
        }
        self.resume_handed_in().await
    }

    /// Removes what an account has, as far as that can be removed now.
    pub(crate) async fn remove_account(&self, account: &AccountId) -> Result<()> {
        let mut outcome = Ok(());
        for (realm, base) in store::all(&self.inner.store).await? {
            if realm.account == *account {
                outcome = outcome.and(self.remove_base(&realm, &base).await);
            }
        }
        outcome
    }

    /// Has the knowledge bases of accounts go when these are closed.
    pub(crate) fn watch_removals(&self) {
        let inner = std::sync::Arc::downgrade(&self.inner);
        self.inner.identity.on_removal(move |removal| {
            let inner = inner.clone();
            async move {
                let (Some(inner), Removal::Account(account)) = (inner.upgrade(), removal) else { return };
                if let Err(error) = (Knowledge { inner }).remove_account(&account).await {
                    tracing::error!(%account, ?error, "knowledge bases of a closed account stay until the next start");
                }
            }
        });
    }
}

/// Tells what could not be ended at the start.
fn logged<T>(what: &str, id: &str, outcome: Result<T>) {
    if let Err(error) = outcome {
        tracing::error!(id, ?error, "what was broken off of {what} is not ended: the next start tries again");
    }
}
