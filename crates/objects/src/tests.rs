//! A deployment in a test, and the tests of each part.

mod buckets;
mod collection;
mod copies;
mod customer_keys;
mod deletions;
mod encryption;
mod listings;
mod locks;
mod multipart;
mod permissions;
mod reads;
mod sealing;
mod settings;
mod versions;
mod writes;

use std::net::IpAddr;
use std::sync::Arc;

use ::store::Store;
use base::{Clock, FixedClock, SeededRandom, Timestamp};
use bytes::Bytes;
use futures::StreamExt as _;
use identity::{Ctx, Defaults, Identity, NewUser, Origin, ProvenKey, RootCredentials, RootKey};
use tempfile::TempDir;

use super::*;
use crate::blobs::INLINE;

/// A deployment with an administrator, whose account has the bucket `notes`.
struct Place {
    identity: Identity,
    objects: Objects,
    clock: Arc<FixedClock>,
    store: Store,
    ctx: Ctx,
    dir: TempDir,
}

impl Place {
    async fn new(store: &Store) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let blobs = BlobPlace::Folder(dir.path().join("objects"));
        Self::with(store, dir, blobs).await
    }

    async fn with(store: &Store, dir: TempDir, blobs: BlobPlace) -> Self {
        let clock = Arc::new(FixedClock::new(Timestamp(1_800_000_000_000)));
        let root_key = RootKey::load_or_create(dir.path().join("root.key")).unwrap();
        let defaults = Defaults { region: "us-east-1".parse().unwrap() };
        let as_clock: Arc<dyn Clock> = clock.clone();
        let random = Arc::new(SeededRandom::new(1));
        let identity =
            Identity::open(store.clone(), root_key, as_clock.clone(), random.clone(), defaults).await.unwrap();
        let admin = identity.first_start(RootCredentials::default()).await.unwrap();
        let ctx = use_key(&identity, &admin.access_key_id).await;
        let objects = Objects::open(store.clone(), identity.clone(), blobs, as_clock, random).await.unwrap();
        let place = Self { identity, objects, clock, store: store.clone(), ctx, dir };
        place.bucket("notes").await;
        place
    }

    async fn bucket(&self, name: &str) {
        self.objects
            .create_bucket(&self.ctx, NewBucket { name: name.to_owned(), ..NewBucket::default() })
            .await
            .unwrap();
    }

    async fn put(&self, key: &str, bytes: impl Into<Bytes>) -> Put {
        self.objects.put_object(&self.ctx, PutObject::new("notes", key), Body::from_bytes(bytes)).await.unwrap()
    }

    async fn get(&self, key: &str) -> Result<Vec<u8>> {
        self.get_version(key, None).await
    }

    async fn get_version(&self, key: &str, version: Option<&str>) -> Result<Vec<u8>> {
        let object = ObjectRef { version: version.map(str::to_owned), ..ObjectRef::new("notes", key) };
        bytes(self.objects.get_object(&self.ctx, &GetObject::new(object)).await?).await
    }

    async fn delete(&self, key: &str, version: Option<&str>) -> Deleted {
        let object = ObjectRef { version: version.map(str::to_owned), ..ObjectRef::new("notes", key) };
        self.objects.delete_object(&self.ctx, &DeleteObject { object, if_match: None, bypass: false }).await.unwrap()
    }

    async fn versioning(&self, versioning: Versioning) {
        self.objects.put_bucket_versioning(&self.ctx, &BucketRef::new("notes"), versioning).await.unwrap();
    }

    /// A user of the administrator's account who may do nothing by itself.
    async fn user(&self, name: &str) -> Ctx {
        let new = NewUser { name: name.to_owned(), ..NewUser::default() };
        self.identity.create_user(&self.ctx, new).await.unwrap();
        let key = self.identity.create_access_key(&self.ctx, Some(name)).await.unwrap();
        use_key(&self.identity, &key.key.id).await
    }

    /// The administrator of another account.
    async fn other_account(&self) -> Ctx {
        let other = self.identity.create_account(&self.ctx, None).await.unwrap();
        use_key(&self.identity, &other.access_key_id).await
    }

    async fn root(&self) -> Ctx {
        let root = self.identity.root_credentials().await.unwrap();
        use_key(&self.identity, &root.access_key_id).await
    }

    fn anonymous(&self) -> Ctx {
        self.identity.anonymous(None, origin())
    }

    /// Sets the policy of `notes` to these statements.
    async fn policy(&self, statements: &str) -> Result<()> {
        let text = format!(r#"{{"Version": "2012-10-17", "Statement": [{statements}]}}"#);
        self.objects.put_bucket_policy(&self.ctx, &BucketRef::new("notes"), &text).await
    }

    /// The files under the folder of the blobs, but for the one that says whose they are.
    fn files(&self) -> Vec<String> {
        let mut files = Vec::new();
        let mut folders = vec![self.dir.path().join("objects")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_dir() {
                    folders.push(entry.path());
                } else {
                    files.push(entry.path().strip_prefix(self.dir.path()).unwrap().to_string_lossy().into_owned());
                }
            }
        }
        files.retain(|file| file != "objects/craton-deployment");
        files.sort();
        files
    }
}

async fn use_key(identity: &Identity, id: &str) -> Ctx {
    let key = identity.signing_key(id).await.unwrap().unwrap();
    identity.authenticate(ProvenKey::new(key, None), None, origin()).await.unwrap()
}

fn origin() -> Origin {
    Origin {
        request_id: "7a9d1c2e-0000-4000-8000-000000000001".parse().unwrap(),
        source_ip: IpAddr::from([192, 0, 2, 7]),
        secure: false,
    }
}

/// All bytes of what was got.
async fn bytes(got: Got) -> Result<Vec<u8>> {
    let mut all = Vec::new();
    let mut body = got.body;
    while let Some(piece) = body.next().await {
        all.extend_from_slice(&piece?);
    }
    assert_eq!(all.len() as u64, got.length);
    Ok(all)
}

fn code<T>(result: Result<T>) -> Code {
    result.err().expect("an error").code
}

/// The text again and again, just too long to be kept in its row.
fn large(text: &str) -> Vec<u8> {
    text.bytes().cycle().take(INLINE as usize + 1).collect()
}

/// Bytes that differ at every place in a way that is easy to compute.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|i| ((i * 31) ^ (i >> 8)) as u8).collect()
}

#[test]
fn calls_can_be_made_from_any_thread() {
    fn sendable<T: Send>(_: impl FnOnce(&'static Objects, &'static Ctx) -> T) {}
    sendable(|objects, ctx| objects.put_object(ctx, PutObject::new("", ""), Body::empty()));
    sendable(|objects, ctx| objects.get_object(ctx, Box::leak(Box::new(GetObject::new(ObjectRef::new("", ""))))));
    sendable(|objects, ctx| objects.delete_objects(ctx, Box::leak(Box::new(BucketRef::new(""))), Vec::new()));
    sendable(|objects, _| objects.collect());
}
