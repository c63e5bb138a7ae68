//! What every back end of an index does, whatever holds it.

use std::sync::Arc;

use crate::document::{Applied, Change, Document};
use crate::embedded::Embedded;
use crate::principals::Caller;
use crate::query::{Query, Results};
use crate::{Error, Result};

#[cfg(test)]
mod tests;

/// An index. All back ends rank alike: the same documents in the same order, scores equal to 1e-5.
#[async_trait::async_trait]
pub trait Index: Send + Sync {
    /// Applies a batch: all of it or nothing. When it returns, the batch is durable, and every query from then on sees it.
    async fn apply(&self, changes: Vec<Change>) -> Result<Applied>;
    /// Answers a query.
    async fn search(&self, query: Query) -> Result<Results>;
    /// A document, whoever may see it; its vector is the one of unit length.
    async fn get(&self, key: &str) -> Result<Option<Document>>;
    /// A document, if the caller may see it.
    async fn get_permitted(&self, caller: &Caller, key: &str) -> Result<Option<Document>>;
    /// The keys that begin with `prefix` and come after `after`, in the order of their bytes, at most `limit`.
    async fn keys(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Vec<String>>;
}

/// The embedded back end computes and waits for the disk on threads where that blocks nobody.
#[async_trait::async_trait]
impl Index for Arc<Embedded> {
    async fn apply(&self, changes: Vec<Change>) -> Result<Applied> {
        blocking(self, move |index| index.apply(changes)).await
    }

    async fn search(&self, query: Query) -> Result<Results> {
        blocking(self, move |index| index.search(&query)).await
    }

    async fn get(&self, key: &str) -> Result<Option<Document>> {
        Embedded::get(self, key)
    }

    async fn get_permitted(&self, caller: &Caller, key: &str) -> Result<Option<Document>> {
        Embedded::get_permitted(self, caller, key)
    }

    async fn keys(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Vec<String>> {
        Embedded::keys(self, prefix, after, limit)
    }
}

async fn blocking<T: Send + 'static>(
    index: &Arc<Embedded>,
    work: impl FnOnce(&Embedded) -> Result<T> + Send + 'static,
) -> Result<T> {
    let index = Arc::clone(index);
    let done = tokio::task::spawn_blocking(move || work(&index)).await;
    done.map_err(|error| Error::Halted { reason: error.to_string() })?
}
