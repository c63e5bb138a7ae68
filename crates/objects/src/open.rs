//! Opening the objects of a deployment.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use base::{Clock, Random, Result, Timestamp};
use identity::Identity;
use identity::policy::{Attached, Document, Kind};
use store::{Migration, Module, Store};
use tokio::sync::{Notify, broadcast};

use crate::blobs::{self, BlobPlace, Blobs, CollectionHold, OtherOwner};
use crate::buckets::lookup::BucketLookup;
use crate::encryption::StorageKey;
use crate::events::Event;

const MIGRATIONS: &[Migration] = &[
    Migration::same(1, "objects", include_str!("../migrations/0001_objects.sql")),
    Migration::same(2, "principals", include_str!("../migrations/0002_principals.sql")),
    Migration::same(3, "deployment", include_str!("../migrations/0003_deployment.sql")),
    Migration::same(4, "small objects in their rows", include_str!("../migrations/0004_inline.sql")),
    Migration::same(5, "locks", include_str!("../migrations/0005_locks.sql")),
];

/// The tables of this module.
pub const TABLES: Module = Module { name: "objects", migrations: MIGRATIONS };

/// How many events a subscriber may lag behind before it misses some.
const EVENTS: usize = 1024;

/// The most compiled bucket policies that are kept.
const DOCUMENTS: usize = 1_000;

/// The buckets and objects of a deployment. Cheap to clone.
#[derive(Clone)]
pub struct Objects(Arc<Inner>);

struct Inner {
    store: Store,
    identity: Identity,
    blobs: Arc<Blobs>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    storage_key: StorageKey,
    /// The deployment's id, which the blobs' place has too.
    deployment: String,
    events: broadcast::Sender<Arc<Event>>,
    nudge: Notify,
    documents: Mutex<HashMap<String, Compiled>>,
}

/// A bucket policy's text, and what it compiles to.
struct Compiled {
    text: String,
    document: Arc<Document>,
}

/// Makes another deployment of a database that was restored: where its blobs are in an object store, they are those of
/// the deployment that the backup is of, until somebody says that it is gone. For the operator of the machine, while no
/// server runs; no request may reach this.
///
/// # Errors
/// The store's.
pub async fn forget_deployment(store: &Store) -> Result<()> {
    store.migrate(TABLES.name, TABLES.migrations).await?;
    blobs::store::forget_deployment(store).await
}

impl Objects {
    /// Opens the buckets kept in `store` and the objects kept at `blobs`.
    ///
    /// # Errors
    /// Conflict, where the database was written by a newer version, and where the place holds another deployment's
    /// objects; Unavailable, where it cannot be used.
    pub async fn open(
        store: Store,
        identity: Identity,
        blobs: BlobPlace,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self> {
        Self::open_at(store, identity, (blobs, OtherOwner::Refuse), clock, random).await
    }

    /// As [`Objects::open`], where the place may be taken over from a deployment that is gone.
    ///
    /// # Errors
    /// As [`Objects::open`].
    pub async fn open_at(
        store: Store,
        identity: Identity,
        (blobs, other): (BlobPlace, OtherOwner),
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self> {
        store.migrate(TABLES.name, TABLES.migrations).await?;
        let storage_key = StorageKey::open(&store, &identity, random.as_ref()).await?;
        let blobs = Arc::new(Blobs::open(blobs).await?);
        let deployment = blobs::store::settle_deployment(&store, &blobs::new_id(random.as_ref())).await?;
        blobs.claim(&deployment, other).await?;
        let (events, _) = broadcast::channel(EVENTS);
        identity.register_resources("s3", Arc::new(BucketLookup(store.clone())));
        Ok(Self(Arc::new(Inner {
            store,
            identity,
            blobs,
            clock,
            random,
            storage_key,
            deployment,
            events,
            nudge: Notify::new(),
            documents: Mutex::new(HashMap::new()),
        })))
    }

    /// Waits until no removal of blobs runs, and lets none begin while the value lives: what was on disk at the time
    /// of a database snapshot that is taken then stays there. For backups.
    pub async fn hold_collection(&self) -> CollectionHold {
        self.0.blobs.leases.hold().await
    }

    /// The local folder that holds the blobs (`blobs/`), if they are on this machine. For backups.
    #[must_use]
    pub fn blob_folder(&self) -> Option<&Path> {
        self.0.blobs.folder()
    }

    /// What happens to objects from now on, in the order of the commits of each key. A subscriber that lags behind by
    /// more than 1,024 events misses the oldest.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Event>> {
        self.0.events.subscribe()
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    pub(crate) fn identity(&self) -> &Identity {
        &self.0.identity
    }

    pub(crate) fn blobs(&self) -> &Arc<Blobs> {
        &self.0.blobs
    }

    /// Sees that the blobs' place is still this deployment's, before something there is removed.
    ///
    /// # Errors
    /// Conflict, where another has taken it over; Unavailable, where it cannot be read.
    pub(crate) async fn check_place(&self) -> Result<()> {
        self.0.blobs.check_owner(&self.0.deployment).await
    }

    pub(crate) fn random(&self) -> &dyn Random {
        self.0.random.as_ref()
    }

    pub(crate) fn storage_key(&self) -> &StorageKey {
        &self.0.storage_key
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    pub(crate) fn publish(&self, event: Event) {
        // Nobody may be listening.
        let _ = self.0.events.send(Arc::new(event));
    }

    /// Tells the collector that there is something to remove.
    pub(crate) fn nudge(&self) {
        self.0.nudge.notify_one();
    }

    pub(crate) async fn nudged(&self) {
        self.0.nudge.notified().await;
    }

    /// What a stored bucket policy compiles to.
    ///
    /// # Errors
    /// Internal, where it does not: it was checked when it was stored.
    pub(crate) fn compiled(&self, bucket: &str, text: &str) -> Result<Attached> {
        let id: Arc<str> = format!("arn:aws:s3:::{bucket}").into();
        let mut documents = self.0.documents.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = documents.get(bucket).filter(|kept| kept.text == text) {
            return Ok(Attached { id, document: Arc::clone(&kept.document) });
        }
        let document = Arc::new(Document::parse(Kind::Bucket, text).map_err(base::Error::internal)?);
        if documents.len() >= DOCUMENTS {
            documents.clear();
        }
        documents.insert(bucket.to_owned(), Compiled { text: text.to_owned(), document: Arc::clone(&document) });
        Ok(Attached { id, document })
    }
}
