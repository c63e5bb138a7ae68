//! Assistants: the applications of Q Business.

mod store;

use ::store::Store;
use base::{Page, PageRequest, Result, Timestamp};
use identity::Ctx;

pub use store::TABLES;

/// The assistants of a deployment. Cheap to clone.
#[derive(Clone)]
pub struct Assistants {
    store: Store,
}

/// An application: an assistant with its documents and users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// 36 lower-case letters, digits and hyphens.
    pub id: String,
    /// What people call it.
    pub display_name: String,
    /// `CREATING`, `ACTIVE`, `DELETING`, `FAILED` or `UPDATING`.
    pub status: String,
    /// How its users are known: `AWS_IAM_IDC`, `AWS_IAM_IDP_OIDC`, `ANONYMOUS` …
    pub identity_type: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it was changed last.
    pub updated: Timestamp,
}

impl Assistants {
    /// Opens the assistants kept in `store`.
    ///
    /// # Errors
    /// Conflict, where the database was written by a newer version.
    pub async fn open(store: Store) -> Result<Self> {
        store.migrate(TABLES.name, TABLES.migrations).await?;
        Ok(Self { store })
    }

    /// The account's applications in the region, by id.
    ///
    /// # Errors
    /// The store's.
    pub async fn list_applications(&self, ctx: &Ctx, page: &PageRequest) -> Result<Page<Application>> {
        let applications = store::list(&self.store, ctx, page).await?;
        Ok(Page::cut(page, applications, |application| application.id.clone()))
    }
}

#[cfg(test)]
mod tests;
