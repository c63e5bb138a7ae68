//! The knowledge bases of all accounts.

use std::path::PathBuf;
use std::sync::Arc;

use base::{Clock, Random, Result, Secret};
use identity::Identity;
use jobs::Jobs;
use objects::Objects;
use store::Store;

use crate::ports::Embedder;

/// What knowledge bases stand on.
pub struct Parts {
    /// The database.
    pub store: Store,
    /// The jobs, which do the ingestion.
    pub jobs: Jobs,
    /// Who may do what.
    pub identity: Identity,
    /// The buckets that documents come from.
    pub objects: Objects,
    /// The embedding models.
    pub embedder: Arc<dyn Embedder>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Randomness, for ids.
    pub random: Arc<dyn Random>,
}

/// Where and how indexes are kept.
#[derive(Debug, Clone)]
pub struct Config {
    /// The folder of the embedded indexes.
    pub folder: PathBuf,
    /// The PostgreSQL database with pgvector that has the indexes instead.
    pub postgres: Option<Secret<String>>,
}

/// The knowledge bases. Clones are the same.
#[derive(Clone)]
pub struct Knowledge {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) config: Config,
    pub(crate) parts: Parts,
}

impl Knowledge {
    /// Opens the knowledge bases, bringing their tables up to date.
    ///
    /// # Errors
    /// As [`Store::migrate`].
    pub async fn open(config: Config, parts: Parts) -> Result<Self> {
        Ok(Self { inner: Arc::new(Inner { config, parts }) })
    }
}
