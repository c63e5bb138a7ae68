//! What answers need of knowledge bases.

use async_trait::async_trait;
use base::Result;
use identity::Ctx;
use knowledge::{DocumentName, Knowledge, Retrieve, Retrieved};

/// Where passages come from: [`Knowledge`], but for tests.
#[async_trait]
pub trait Library: Send + Sync {
    /// The passages that answer a query best, out of those that the reader may see.
    ///
    /// # Errors
    /// As [`Knowledge::retrieve`].
    async fn retrieve(&self, ctx: &Ctx, ask: Retrieve) -> Result<Retrieved>;

    /// Whether a user, or the caller where none is named, may read a document.
    ///
    /// # Errors
    /// As [`Knowledge::may_read`].
    async fn may_read(&self, ctx: &Ctx, name: &DocumentName, user: Option<&str>) -> Result<bool>;
}

#[async_trait]
impl Library for Knowledge {
    async fn retrieve(&self, ctx: &Ctx, ask: Retrieve) -> Result<Retrieved> {
        Self::retrieve(self, ctx, ask).await
    }

    async fn may_read(&self, ctx: &Ctx, name: &DocumentName, user: Option<&str>) -> Result<bool> {
        Self::may_read(self, ctx, name, user).await
    }
}
