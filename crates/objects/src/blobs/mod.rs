//! Where the bytes of objects are: blobs, each under a random id, written once, never changed. A database row decides
//! whether a blob belongs to anything.

mod ingest;
mod leases;
mod local;
mod owner;
mod place;
mod remote;
pub(crate) mod store;
mod stream;

use std::path::Path;
use std::sync::Arc;

use base::{Error, Random, Result};

pub use ingest::INLINE;
pub(crate) use ingest::{Ingested, ingest, ingest_object};
pub use leases::CollectionHold;
pub(crate) use leases::{Lease, Leases};
use local::{Folder, OpenFile};
pub use owner::OtherOwner;
pub use place::BlobPlace;
use remote::Remote;
pub(crate) use stream::{Segment, read};

/// The blobs of a deployment.
pub(crate) struct Blobs {
    backend: Backend,
    pub(crate) leases: Arc<Leases>,
}

enum Backend {
    Local(Folder),
    Remote(Remote),
}

/// A blob that is being written. Unless it is kept, what was written of it is removed.
pub(crate) struct NewBlob {
    id: String,
    blobs: Arc<Blobs>,
    writer: Option<Writer>,
    /// Whether the blob stands under its name.
    finished: bool,
    kept: bool,
    /// Whether the transaction that names it is known to have been committed.
    confirmed: bool,
    /// The collector leaves it alone for as long.
    lease: Option<Lease>,
}

/// What is written to.
enum Writer {
    Local(local::Writer),
    Remote(remote::Writer),
}

/// An open blob.
#[derive(Clone)]
enum Handle {
    Local(Arc<OpenFile>),
    Remote(String),
}

impl Blobs {
    /// Opens the place, making the folder where it is absent.
    ///
    /// # Errors
    /// Unavailable, where it cannot be used; Invalid for a URL that is none.
    pub(crate) async fn open(place: BlobPlace) -> Result<Self> {
        let backend = match place {
            BlobPlace::Folder(path) => Backend::Local(blocking(move || Folder::open(path)).await?),
            BlobPlace::LockedFolder(path) => Backend::Local(blocking(move || Folder::open_locked(path)).await?),
            BlobPlace::Remote(store) => Backend::Remote(Remote::new(store)),
        };
        Ok(Self { backend, leases: Arc::new(Leases::default()) })
    }

    /// The local folder, if that is where the blobs are.
    pub(crate) fn folder(&self) -> Option<&Path> {
        match &self.backend {
            Backend::Local(folder) => Some(folder.path()),
            Backend::Remote(_) => None,
        }
    }

    /// Starts a blob.
    pub(crate) async fn create(self: &Arc<Self>, random: &dyn Random) -> Result<NewBlob> {
        let id = new_id(random);
        let lease = self.leases.take([id.clone()]);
        let writer = match &self.backend {
            Backend::Local(folder) => {
                let (folder, id) = (folder.clone(), id.clone());
                Writer::Local(blocking(move || folder.create(&id)).await?)
            }
            Backend::Remote(remote) => Writer::Remote(remote.create(&id)),
        };
        Ok(NewBlob {
            id,
            blobs: Arc::clone(self),
            writer: Some(writer),
            finished: false,
            kept: false,
            confirmed: false,
            lease: Some(lease),
        })
    }

    async fn handle(&self, id: &str) -> Result<Handle> {
        match &self.backend {
            Backend::Local(folder) => {
                let (folder, id) = (folder.clone(), id.to_owned());
                Ok(Handle::Local(Arc::new(blocking(move || folder.open_blob(&id)).await?)))
            }
            Backend::Remote(_) => Ok(Handle::Remote(id.to_owned())),
        }
    }

    /// Removes a blob; one that is absent is as good as removed.
    ///
    /// # Errors
    /// Unavailable, where the place refuses.
    pub(crate) async fn remove(&self, id: &str) -> Result<()> {
        match &self.backend {
            Backend::Local(folder) => {
                let (folder, id) = (folder.clone(), id.to_owned());
                blocking(move || folder.remove(&id)).await
            }
            Backend::Remote(remote) => remote.remove(id).await,
        }
    }

    /// The ids of the blobs whose ids begin with `shard`, two hexadecimal digits.
    ///
    /// # Errors
    /// Unavailable, where the place cannot be read.
    pub(crate) async fn list(&self, shard: &str) -> Result<Vec<Found>> {
        match &self.backend {
            Backend::Local(folder) => {
                let (folder, shard) = (folder.clone(), shard.to_owned());
                blocking(move || folder.list(&shard)).await
            }
            Backend::Remote(remote) => remote.list(shard).await,
        }
    }

    /// Removes the temporary files of writers that are gone.
    ///
    /// # Errors
    /// Unavailable, where the folder cannot be read.
    pub(crate) async fn remove_stale_files(&self) -> Result<u64> {
        match &self.backend {
            Backend::Local(folder) => {
                let (folder, leases) = (folder.clone(), Arc::clone(&self.leases));
                blocking(move || folder.remove_stale_files(|id| leases.holds(id))).await
            }
            // Object stores keep no half-written object under its name; their own rules expire unfinished uploads.
            Backend::Remote(_) => Ok(0),
        }
    }
}

/// A blob that a listing found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) id: String,
    /// Milliseconds since the epoch.
    pub(crate) written: i64,
}

impl NewBlob {
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Makes the blob durable under its name.
    ///
    /// # Errors
    /// Unavailable, where the place is full or refuses.
    async fn finish(&mut self) -> Result<()> {
        let done = match self.writer.take() {
            Some(Writer::Local(writer)) => blocking(move || writer.finish()).await,
            Some(Writer::Remote(writer)) => writer.finish().await,
            None => Err(Error::internal("a blob was finished twice")),
        };
        self.finished = done.is_ok();
        done
    }

    /// To be called before the transaction that names the blob. If the request ends before it is known what became of
    /// that, the blob stays, and stays in use until the process ends; then the collector knows.
    pub(crate) fn settle(&mut self) {
        self.kept = true;
    }

    /// What became of the transaction: the blob stays where it was committed, goes where it was refused, and stays in
    /// use where only the database knows.
    pub(crate) fn conclude<T>(&mut self, outcome: &Result<crate::error::Result<T>>) {
        match outcome {
            Ok(Ok(_)) => self.confirmed = true,
            Err(error) if error.kind == base::ErrorKind::Unavailable => {}
            Ok(Err(_)) | Err(_) => self.kept = false,
        }
    }
}

impl Drop for NewBlob {
    fn drop(&mut self) {
        if self.kept {
            if !self.confirmed {
                self.lease.take().into_iter().for_each(std::mem::forget);
            }
            return;
        }
        // The writer's own drop removes its temporary file. What stands under its name is removed here; should that
        // fail, the collector finds it.
        self.writer = None;
        if !self.finished {
            return;
        }
        let (blobs, id) = (Arc::clone(&self.blobs), std::mem::take(&mut self.id));
        match &blobs.backend {
            Backend::Local(folder) => {
                let _ = folder.remove(&id);
            }
            Backend::Remote(_) => {
                if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                    runtime.spawn(async move {
                        let _ = blobs.remove(&id).await;
                    });
                }
            }
        }
    }
}

/// 128 random bits in hexadecimal: never used twice.
pub(crate) fn new_id(random: &dyn Random) -> String {
    let mut bytes = [0; 16];
    random.fill(&mut bytes);
    crate::checksums::hex(&bytes)
}

/// Whether `text` is a blob's id, and so safe as a file's name.
fn is_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// Runs `work` where it may block.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Error::internal(format!("blocking work: {error}")))?
}
