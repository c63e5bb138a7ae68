//! The knowledge bases of all accounts.

use std::any::Any;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::{Clock, Error, ErrorKind, Random, Result, Secret};
use identity::{Ctx, Identity};
use jobs::Jobs;
use objects::Objects;
use search::analysis::Language;
use store::{Migration, Module, Store};

use crate::documents::store as documents;
use crate::indexes::{Disk, Indexes, Opened};
use crate::ingestion::{HANDED_IN, HandedInHandler, SYNC, SyncHandler};
use crate::knowledge_bases::{KnowledgeBase, KnowledgeBaseStatus, store as bases};
use crate::locks::Locks;
use crate::ports::Embedder;
use crate::realm::Realm;
use crate::retrieval::cache::Vectors;

const MIGRATIONS: &[Migration] = &[
    Migration::same(1, "knowledge", include_str!("migrations/0001_knowledge.sql")),
    Migration::same(2, "requests", include_str!("migrations/0002_requests.sql")),
];

/// The most documents of a window where nothing else is said.
const WINDOW: usize = 64;

/// The tables of knowledge bases.
pub const TABLES: Module = Module { name: "knowledge", migrations: MIGRATIONS };

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

/// Where and how indexes are kept, and what a document may be.
#[derive(Debug, Clone)]
pub struct Config {
    /// The folder of the embedded indexes.
    pub folder: PathBuf,
    /// The PostgreSQL database with pgvector that has the indexes instead.
    pub postgres: Option<Secret<String>>,
    /// What a document may have and take.
    pub limits: media::Limits,
    /// The most documents of a window, which an ingestion job reads, embeds and writes together: one at least.
    pub window: usize,
    /// What is done to the folders of the embedded indexes goes through this.
    pub disk: Disk,
}

impl Config {
    /// Indexes in a folder, documents up to Bedrock's 50 MB, 64 of them together.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        let (folder, limits) = (folder.into(), media::Limits::default());
        Self { folder, postgres: None, limits, window: WINDOW, disk: Disk::default() }
    }
}

/// The knowledge bases. Clones are the same.
#[derive(Clone)]
pub struct Knowledge {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) config: Config,
    pub(crate) store: Store,
    pub(crate) jobs: Jobs,
    pub(crate) identity: Identity,
    pub(crate) objects: Objects,
    pub(crate) embedder: Arc<dyn Embedder>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) indexes: Indexes,
    pub(crate) locks: Locks,
    pub(crate) vectors: Vectors,
}

/// Does work to its end, even where whoever asked for it is gone before.
pub(crate) async fn detached<T: Send + 'static>(work: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
    tokio::spawn(work).await.map_err(Error::internal)?
}

impl Knowledge {
    /// Opens the knowledge bases: brings their tables up to date, registers their jobs, and ends what was broken off when
    /// the process ended before.
    ///
    /// # Errors
    /// As [`Store::migrate`].
    pub async fn open(config: Config, parts: Parts) -> Result<Self> {
        parts.store.migrate(TABLES.name, TABLES.migrations).await?;
        let inner = Arc::new(Inner {
            indexes: Indexes::new(config.folder.clone(), config.postgres.clone(), config.disk.clone()),
            locks: Locks::default(),
            vectors: Vectors::default(),
            config,
            store: parts.store,
            jobs: parts.jobs,
            identity: parts.identity,
            objects: parts.objects,
            embedder: parts.embedder,
            clock: parts.clock,
            random: parts.random,
        });
        inner.jobs.register_long(SYNC, Arc::new(SyncHandler(Arc::downgrade(&inner))));
        inner.jobs.register_long(HANDED_IN, Arc::new(HandedInHandler(Arc::downgrade(&inner))));
        let knowledge = Self { inner };
        knowledge.watch_removals();
        knowledge.resume().await?;
        Ok(knowledge)
    }

    /// A knowledge base that can be asked, by id or ARN, with its index.
    pub(crate) async fn opened(&self, ctx: &Ctx, identifier: &str) -> Result<(Realm, KnowledgeBase, Opened)> {
        let realm = Realm::of(ctx);
        let base = self.active(&realm, identifier).await?;
        let index = self.inner.indexes.open(&realm, &base).await?;
        Ok((realm, base, index))
    }

    /// Keeps indexes and their rows as they are for as long as the returned value lives: for a backup. Retrieval goes on.
    pub async fn hold_still(&self) -> Box<dyn Any + Send> {
        Box::new(self.inner.locks.still().await)
    }

    /// Copies the index of each knowledge base, as it is now, below `folder`, which must be absent or empty. Nothing is
    /// copied of indexes that are in a database.
    ///
    /// # Errors
    /// Unavailable, where the disk is full; Damaged.
    pub async fn snapshot(&self, folder: &Path) -> Result<()> {
        for (realm, base) in bases::all(&self.inner.store).await? {
            match self.inner.indexes.snapshot(&realm, &base, folder.join(Indexes::place(&realm, &base))).await {
                // Its index goes, or is gone.
                Err(error) if base.status == KnowledgeBaseStatus::Deleting && error.kind == ErrorKind::NotFound => {}
                copied => copied?,
            }
        }
        Ok(())
    }

    /// The language that texts whose language is not known are analysed by: that of most documents that everybody may read,
    /// as others must change nobody's scores; none, where there are no such.
    pub(crate) async fn language(
        &self,
        realm: &Realm,
        base: &KnowledgeBase,
        index: &Opened,
    ) -> Result<Option<Language>> {
        index.language(|| documents::commonest_language(&self.inner.store, realm, &base.id)).await
    }
}
