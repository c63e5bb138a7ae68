//! The search index of each knowledge base: opened when it is first needed, closed when the knowledge base goes.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use base::{Error, Result, Secret};
use search::analysis::Language;
use search::{Applied, Change, Database, Embedded, Files, Index, OnDisk, Postgres, Schema};
use tokio::sync::OnceCell;

use crate::knowledge_bases::{KnowledgeBase, missing};
use crate::realm::Realm;

#[cfg(test)]
mod tests;

/// How long it is told without another try that the database of all indexes is away.
const AWAY: Duration = Duration::from_secs(1);
/// How often it is looked whether an index that is to go is still read.
const PAUSE: Duration = Duration::from_millis(5);
/// How often before the removal is given up until the next start.
const LOOKS: usize = 2_000;

type FilesOf = dyn Fn(&Path) -> Arc<dyn Files> + Send + Sync;

/// Gives the files of a folder: those on the disk, unless another is made, to see what becomes of a disk that fails.
#[derive(Clone)]
pub struct Disk(Arc<FilesOf>);

impl Disk {
    /// The one that gives these files for a folder that exists.
    #[must_use]
    pub fn new(files: impl Fn(&Path) -> Arc<dyn Files> + Send + Sync + 'static) -> Self {
        Self(Arc::new(files))
    }
}

impl Default for Disk {
    fn default() -> Self {
        Self::new(|folder| Arc::new(OnDisk::new(folder)))
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Disk")
    }
}

/// The indexes of all knowledge bases.
pub(crate) struct Indexes {
    folder: PathBuf,
    disk: Disk,
    shared: Option<Shared>,
    open: Mutex<Open>,
}

/// The database of all indexes, connected to when it is first needed.
struct Shared {
    url: Secret<String>,
    database: OnceCell<Database>,
    /// When it was last found away, and why.
    away: Mutex<Option<(Instant, search::Error)>>,
}

impl Shared {
    fn new(url: Secret<String>) -> Self {
        Self { url, database: OnceCell::new(), away: Mutex::default() }
    }

    /// The index of that name. Whoever waited for a try that failed is told so, instead of waiting for one of their own.
    async fn index(&self, name: &str, schema: Schema) -> Result<Postgres> {
        let opened = async {
            self.is_there()?;
            let connect = || async {
                self.is_there()?;
                Database::connect(self.url.reveal()).await.inspect_err(|error| self.failed(error))
            };
            let database = self.database.get_or_try_init(connect).await?;
            // What goes wrong with one index says nothing of the others.
            database.index(name, schema).await
        };
        Ok(opened.await?)
    }

    fn is_there(&self) -> std::result::Result<(), search::Error> {
        match &*self.away.lock().unwrap_or_else(PoisonError::into_inner) {
            Some((then, error)) if then.elapsed() < AWAY => Err(error.clone()),
            _ => Ok(()),
        }
    }

    fn failed(&self, error: &search::Error) {
        if matches!(error, search::Error::Database { .. }) {
            let mut away = self.away.lock().unwrap_or_else(PoisonError::into_inner);
            *away = Some((Instant::now(), error.clone()));
        }
    }
}

/// What is open, and what shall not be opened again.
#[derive(Default)]
struct Open {
    cells: HashMap<String, Arc<OnceCell<Opened>>>,
    gone: HashSet<String>,
}

/// An open index.
#[derive(Clone)]
pub(crate) struct Opened(Arc<Inside>);

struct Inside {
    index: BackEnd,
    /// None until it is asked for; and how often it may have become another.
    language: RwLock<(u64, Option<Commonest>)>,
}

/// The language of most of its documents that everybody may read, where there is one.
#[derive(Clone, Copy)]
struct Commonest(Option<Language>);

enum BackEnd {
    Embedded(Arc<Embedded>),
    Postgres(Postgres),
}

impl Indexes {
    pub(crate) fn new(folder: PathBuf, postgres: Option<Secret<String>>, disk: Disk) -> Self {
        let shared = postgres.map(Shared::new);
        Self { folder, disk, shared, open: Mutex::default() }
    }

    /// The knowledge base's index, made where there is none.
    ///
    /// # Errors
    /// Conflict, where the one that is there has vectors of another length; Damaged; Unavailable.
    pub(crate) async fn open(&self, realm: &Realm, base: &KnowledgeBase) -> Result<Opened> {
        let cell = {
            let mut open = self.all();
            if open.gone.contains(&base.id) {
                return Err(missing(&base.id));
            }
            Arc::clone(open.cells.entry(base.id.clone()).or_default())
        };
        cell.get_or_try_init(|| self.make(realm, base)).await.cloned()
    }

    async fn make(&self, realm: &Realm, base: &KnowledgeBase) -> Result<Opened> {
        // Every document says its language; the schema's is that of none.
        let schema = Schema::text(Language::Any, Some(base.dimension));
        let index = match &self.shared {
            Some(shared) => BackEnd::Postgres(shared.index(&name(realm, base), schema).await?),
            None => {
                let (folder, disk) = (self.folder(realm, base), self.disk.clone());
                let opened = tokio::task::spawn_blocking(move || open(&folder, &disk, schema)).await;
                BackEnd::Embedded(Arc::new(opened.map_err(Error::internal)??))
            }
        };
        Ok(Opened(Arc::new(Inside { index, language: RwLock::default() })))
    }

    /// Closes the knowledge base's index and removes it.
    ///
    /// # Errors
    /// Unavailable, where it cannot be removed now.
    pub(crate) async fn remove(&self, realm: &Realm, base: &KnowledgeBase) -> Result<()> {
        if self.shared.is_some() {
            let opened = self.make(realm, base).await?;
            if let BackEnd::Postgres(index) = &opened.0.index {
                index.remove().await?;
            }
        }
        let cell = {
            let mut open = self.all();
            open.gone.insert(base.id.clone());
            open.cells.remove(&base.id)
        };
        if let Some(opened) = cell.and_then(|cell| cell.get().cloned()) {
            opened.until_alone().await;
        }
        let folder = self.folder(realm, base);
        let removed = tokio::task::spawn_blocking(move || remove_folder(&folder)).await;
        removed.map_err(Error::internal)?
    }

    /// Copies the index as it is now into `folder`, which must be absent or empty; nothing, where the index is in a
    /// database, which has backups of its own.
    pub(crate) async fn snapshot(&self, realm: &Realm, base: &KnowledgeBase, folder: PathBuf) -> Result<()> {
        if self.shared.is_some() {
            return Ok(());
        }
        let opened = self.open(realm, base).await?;
        let BackEnd::Embedded(index) = &opened.0.index else { return Ok(()) };
        let index = Arc::clone(index);
        let copied = tokio::task::spawn_blocking(move || index.snapshot(&folder)).await;
        Ok(copied.map_err(Error::internal)??)
    }

    /// Where the index lies, below the folder of all.
    pub(crate) fn place(realm: &Realm, base: &KnowledgeBase) -> PathBuf {
        Path::new(realm.account.as_str()).join(realm.region.as_str()).join(&base.id)
    }

    fn folder(&self, realm: &Realm, base: &KnowledgeBase) -> PathBuf {
        self.folder.join(Self::place(realm, base))
    }

    fn all(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn open(folder: &Path, disk: &Disk, schema: Schema) -> Result<Embedded> {
    std::fs::create_dir_all(folder).map_err(|error| {
        Error::unavailable("The folder of the knowledge base's index cannot be made.")
            .with_detail(format!("`{}`: {error}", folder.display()))
    })?;
    Ok(Embedded::open_on((disk.0)(folder), schema)?)
}

fn name(realm: &Realm, base: &KnowledgeBase) -> String {
    format!("{}/{}/{}", realm.account, realm.region, base.id)
}

fn remove_folder(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::unavailable("The index of the knowledge base cannot be removed now.")
                .with_detail(format!("`{}`: {error}", folder.display())))
        }
        _ => Ok(()),
    }
}

impl Opened {
    /// The index itself.
    pub(crate) fn index(&self) -> &dyn Index {
        match &self.0.index {
            BackEnd::Embedded(index) => index,
            BackEnd::Postgres(index) => index,
        }
    }

    /// Changes the index. When it returns, every query sees the change.
    pub(crate) async fn apply(&self, changes: Vec<Change>) -> Result<Applied> {
        Ok(self.index().apply(changes).await?)
    }

    /// Forgets the language: it may be another.
    pub(crate) fn changed(&self) {
        let mut language = self.0.language.write().unwrap_or_else(PoisonError::into_inner);
        *language = (language.0 + 1, None);
    }

    /// The language of most of its documents that everybody may read; `find` finds it where it was not asked for before.
    pub(crate) async fn language<F>(&self, find: impl FnOnce() -> F) -> Result<Option<Language>>
    where
        F: Future<Output = Result<Option<Language>>>,
    {
        let (seen, known) = *self.0.language.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(Commonest(known)) = known {
            return Ok(known);
        }
        let found = find().await?;
        let mut language = self.0.language.write().unwrap_or_else(PoisonError::into_inner);
        // What was found is of before a change that came since.
        if language.0 == seen {
            language.1 = Some(Commonest(found));
        }
        Ok(found)
    }

    /// Waits until nobody else has the index, which closes it.
    async fn until_alone(self) {
        for _ in 0..LOOKS {
            let read = match &self.0.index {
                BackEnd::Embedded(index) => Arc::strong_count(index) > 1,
                BackEnd::Postgres(_) => false,
            };
            if Arc::strong_count(&self.0) == 1 && !read {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}
