//! A deployment in a folder: a bucket, a role that may read it, and an embedding model that hashes words.

#![allow(dead_code, unreachable_pub)]

use std::collections::VecDeque;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use base::{Clock, Error, RequestId, Result, SystemClock, SystemRandom};
use futures::future::BoxFuture;
use identity::iam::roles::NewRole;
use identity::iam::{HolderKind, HolderName};
use identity::{Ctx, Defaults, Identity, Origin, ProvenKey, RootCredentials, RootKey};
use jobs::Jobs;
use knowledge::{
    AclEntry, Chunking, Config, CustomBody, DataSource, DeletionPolicy, Disk, Embedder, EmbeddingModel, IngestionJob,
    Knowledge, KnowledgeBase, Location, NewContent, NewDataSource, NewDocument, NewKnowledgeBase, Parts, Purpose,
    Retrieve, Retrieved,
};
use objects::{BlobPlace, Body, DeleteObject, NewBucket, ObjectRef, Objects, PutObject};
use serde_json::json;
use store::Store;
use store::crash::point;

pub const BUCKET: &str = "policies";
pub const ROLE: &str = "Librarian";
pub const MODEL: &str = "arn:aws:bedrock:us-east-1::foundation-model/hashed-words";
const DIMENSION: usize = 32;
pub const RIGHTS: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Resource":"*",
    "Action":["s3:GetObject","s3:ListBucket","bedrock:InvokeModel"]}]}"#;

/// A model that is away for a moment.
#[derive(Default)]
pub struct Away(Mutex<Option<usize>>);

impl Away {
    /// After so many more calls, one fails.
    pub fn after(&self, calls: usize) {
        if let Ok(mut left) = self.0.lock() {
            *left = Some(calls);
        }
    }

    /// # Errors
    /// Unavailable, where this is the call that fails.
    fn call(&self) -> Result<()> {
        let Ok(mut left) = self.0.lock() else { return Ok(()) };
        let calls = left.take();
        *left = calls.and_then(|calls| calls.checked_sub(1));
        if calls == Some(0) { Err(Error::unavailable("The model is away.")) } else { Ok(()) }
    }
}

/// Texts that share words are near each other. A token is a word.
#[derive(Default)]
pub struct HashedWords {
    /// How many passages were embedded.
    pub embedded: AtomicUsize,
    /// What the model is now: another number is another model; the greatest is none.
    pub version: AtomicUsize,
    /// What happens once, before passages are embedded.
    pub before: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    /// The same, awaited: whatever the work does beside embedding goes on.
    pub meanwhile: Mutex<Option<BoxFuture<'static, ()>>>,
    /// What happens once while documents are read, each when one is that has these words; a few more are read then.
    pub while_reading: Mutex<VecDeque<(&'static str, BoxFuture<'static, ()>)>>,
    /// When embedding passages fails.
    pub away: Away,
    /// When the tokens of a text cannot be told, as they are of each that is read.
    pub away_from_tokens: Away,
}

/// How a deployment differs from one in a folder.
pub struct Setting {
    /// The database that has the indexes.
    pub postgres: Option<String>,
    pub clock: Arc<dyn Clock>,
    pub disk: Disk,
    /// The most documents of a window; the usual number where there is none.
    pub window: Option<usize>,
}

impl Default for Setting {
    fn default() -> Self {
        Self { postgres: None, clock: Arc::new(SystemClock), disk: Disk::default(), window: None }
    }
}

impl HashedWords {
    /// What happens when a document of this text is read.
    fn due(&self, text: &str) -> Option<BoxFuture<'static, ()>> {
        let mut all = self.while_reading.lock().ok()?;
        let is_due = all.front().is_some_and(|(words, _)| text.contains(*words));
        if is_due { all.pop_front().map(|(_, what)| what) } else { None }
    }
}

#[async_trait]
impl Embedder for HashedWords {
    async fn model(&self, _: &Ctx, model: &str) -> Result<EmbeddingModel> {
        let version = self.version.load(Ordering::SeqCst);
        if model != MODEL || version == usize::MAX {
            return Err(Error::not_found(format!("There is no embedding model `{model}`.")));
        }
        Ok(EmbeddingModel {
            served_by: format!("hashed-words-{version}"),
            fingerprint: version.to_string(),
            dimension: DIMENSION,
            max_tokens: 64,
        })
    }

    async fn embed(&self, ctx: &Ctx, model: &str, texts: Vec<String>, purpose: Purpose) -> Result<Vec<Vec<f32>>> {
        self.model(ctx, model).await?;
        if purpose == Purpose::Passage {
            point("embedder.embed");
            self.away.call()?;
            self.embedded.fetch_add(texts.len(), Ordering::SeqCst);
            let before = self.before.lock().ok().and_then(|mut before| before.take());
            if let Some(before) = before {
                tokio::task::block_in_place(before);
            }
            let meanwhile = self.meanwhile.lock().ok().and_then(|mut meanwhile| meanwhile.take());
            if let Some(meanwhile) = meanwhile {
                meanwhile.await;
            }
        }
        if let Some(long) = texts.iter().find(|text| text.split_whitespace().count() > 64) {
            return Err(Error::invalid(format!("a text of {} bytes is too long", long.len())));
        }
        Ok(texts.iter().map(|text| vector(text)).collect())
    }

    async fn tokens(&self, _: &Ctx, _: &str, text: &str) -> Result<Vec<Range<usize>>> {
        self.away_from_tokens.call()?;
        let meanwhile = self.due(text);
        if let Some(meanwhile) = meanwhile {
            meanwhile.await;
        }
        let start = |word: &str| word.as_ptr() as usize - text.as_ptr() as usize;
        Ok(text.split_whitespace().map(|word| start(word)..start(word) + word.len()).collect())
    }
}

fn vector(text: &str) -> Vec<f32> {
    let mut vector = vec![0.01; DIMENSION];
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let seed = word
            .to_lowercase()
            .bytes()
            .fold(7_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23));
        vector[(seed % DIMENSION as u64) as usize] += 1.0;
    }
    vector
}

pub struct Deployment {
    pub store: Store,
    pub identity: Identity,
    pub objects: Objects,
    pub jobs: Jobs,
    pub knowledge: Knowledge,
    pub embedder: Arc<HashedWords>,
    pub ctx: Ctx,
}

impl Deployment {
    pub async fn open(dir: &Path) -> Result<Self> {
        Self::open_on(dir, Store::open_sqlite(&dir.join("craton.db")).await?).await
    }

    pub async fn open_on(dir: &Path, store: Store) -> Result<Self> {
        Self::open_with(dir, store, Setting::default()).await
    }

    pub async fn open_with(dir: &Path, store: Store, setting: Setting) -> Result<Self> {
        let defaults = Defaults { region: "us-east-1".parse()? };
        let (clock, random) = (setting.clock, Arc::new(SystemRandom));
        let root_key = RootKey::load_or_create(dir.join("root.key"))?;
        let identity = Identity::open(store.clone(), root_key, clock.clone(), random.clone(), defaults).await?;
        let admin = identity.first_start(RootCredentials::default()).await?;
        let key = identity.signing_key(&admin.access_key_id).await?.ok_or_else(|| Error::internal("no key"))?;
        let ctx = identity.authenticate(ProvenKey::new(key, None), None, origin()).await?;
        let place = BlobPlace::Folder(dir.join("objects"));
        let objects = Objects::open(store.clone(), identity.clone(), place, clock.clone(), random.clone()).await?;
        let jobs = Jobs::open(store.clone(), clock.clone(), random.clone()).await?;
        let embedder = Arc::new(HashedWords::default());
        let parts = Parts {
            store: store.clone(),
            jobs: jobs.clone(),
            identity: identity.clone(),
            objects: objects.clone(),
            embedder: embedder.clone(),
            clock,
            random,
        };
        let config = Config::new(dir.join("knowledge"));
        let config = Config {
            postgres: setting.postgres.map(base::Secret::new),
            disk: setting.disk,
            window: setting.window.unwrap_or(config.window),
            ..config
        };
        let knowledge = Knowledge::open(config, parts).await?;
        Ok(Self { store, identity, objects, jobs, knowledge, embedder, ctx })
    }

    /// Makes the bucket and the role.
    pub async fn prepare(&self) -> Result<()> {
        let new = NewBucket { name: BUCKET.to_owned(), ..NewBucket::default() };
        self.objects.create_bucket(&self.ctx, new).await.map_err(|error| error.error)?;
        let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",
            "Principal":{"Service":"bedrock.amazonaws.com"}}]}"#;
        let new = NewRole {
            name: ROLE.to_owned(),
            path: None,
            description: None,
            trust: trust.to_owned(),
            max_session: None,
            boundary: None,
            tags: Vec::new(),
        };
        self.identity.create_role(&self.ctx, new).await?;
        self.allow(RIGHTS).await
    }

    /// Sets what the role may do.
    pub async fn allow(&self, rights: &str) -> Result<()> {
        let holder = HolderName { kind: HolderKind::Role, name: ROLE };
        self.identity.put_inline_policy(&self.ctx, holder, "read", rights).await
    }

    pub async fn put(&self, key: &str, content: impl Into<Vec<u8>>) -> Result<()> {
        let put = PutObject::new(BUCKET, key);
        let put = self.objects.put_object(&self.ctx, put, Body::from_bytes(content.into())).await;
        put.map(drop).map_err(|error| error.error)
    }

    pub async fn remove(&self, key: &str) -> Result<()> {
        let delete = DeleteObject { object: ObjectRef::new(BUCKET, key), if_match: None, bypass: false };
        self.objects.delete_object(&self.ctx, &delete).await.map(drop).map_err(|error| error.error)
    }

    pub fn role_arn(&self) -> String {
        format!("arn:aws:iam::{}:role/{ROLE}", self.ctx.account())
    }

    /// The knowledge base; however often it is asked for, it is one.
    pub async fn base(&self) -> Result<KnowledgeBase> {
        let new = NewKnowledgeBase {
            name: "policies".to_owned(),
            description: None,
            role_arn: self.role_arn(),
            embedding_model: MODEL.to_owned(),
            dimensions: None,
            configuration: json!({"type": "VECTOR"}),
            storage: None,
            tags: Vec::new(),
            request_token: Some("once".to_owned()),
        };
        self.knowledge.create_knowledge_base(&self.ctx, new).await
    }

    /// The data source of the bucket, likewise.
    pub async fn source(&self, base: &KnowledgeBase, chunking: Option<Chunking>) -> Result<DataSource> {
        let origin =
            knowledge::Origin::S3 { bucket_arn: format!("arn:aws:s3:::{BUCKET}"), prefixes: Vec::new(), owner: None };
        self.source_of(base, origin, chunking).await
    }

    pub async fn source_of(
        &self,
        base: &KnowledgeBase,
        origin: knowledge::Origin,
        chunking: Option<Chunking>,
    ) -> Result<DataSource> {
        let kind = if origin == knowledge::Origin::Custom { "custom" } else { "bucket" };
        // The same source, however often it is asked for.
        let token = format!("once-{kind}");
        let new = NewDataSource {
            name: kind.to_owned(),
            description: None,
            origin,
            chunking,
            deletion: DeletionPolicy::Delete,
            request_token: Some(token),
        };
        self.knowledge.create_data_source(&self.ctx, &base.id, new).await
    }

    /// Synchronises the data source, and gives the job at its end.
    pub async fn sync(&self, base: &KnowledgeBase, source: &DataSource) -> Result<IngestionJob> {
        let job = self.knowledge.start_ingestion(&self.ctx, &base.id, &source.id, (None, None)).await?;
        while self.jobs.run_due_once().await? > 0 {}
        self.knowledge.ingestion_job(&self.ctx, &base.id, &source.id, &job.id).await
    }

    pub async fn ask(&self, ctx: &Ctx, base: &KnowledgeBase, text: &str) -> Result<Retrieved> {
        self.knowledge.retrieve(ctx, Retrieve::new(&base.id, text)).await
    }

    /// A new user with rights to ask, and its context.
    pub async fn user(&self, name: &str) -> Result<Ctx> {
        let new = identity::NewUser { name: name.to_owned(), ..identity::NewUser::default() };
        self.identity.create_user(&self.ctx, new).await?;
        let holder = HolderName { kind: HolderKind::User, name };
        self.identity.put_inline_policy(&self.ctx, holder, "ask", RIGHTS).await?;
        let key = self.identity.create_access_key(&self.ctx, Some(name)).await?;
        let key = self.identity.signing_key(&key.key.id).await?.ok_or_else(|| Error::internal("no key"))?;
        self.identity.authenticate(ProvenKey::new(key, None), None, origin()).await
    }
}

fn origin() -> Origin {
    Origin { request_id: RequestId::random(&SystemRandom), source_ip: [127, 0, 0, 1].into(), secure: false }
}

/// How many documents of each kind the crash test hands in.
pub const HANDED_IN: usize = 2;

/// Documents that are handed in for the crash test. The `old` ones everybody may read; of the `new` ones, which take the place of
/// some and come beside others, ana alone may.
pub fn handed_in(age: &str) -> Vec<NewDocument> {
    let kinds = if age == "old" { ["note", "withdrawn"] } else { ["note", "private"] };
    let acl = (age == "new").then(|| vec![AclEntry { name: "ana".to_owned(), group: false, allow: true }]);
    let document = |kind: &str, number: usize| {
        let text = format!("The {age} words of {kind}{number}. They end here.");
        let content = NewContent::Custom { id: format!("{kind}{number}"), body: CustomBody::Text(text) };
        NewDocument { content, metadata: None, acl: acl.clone() }
    };
    (0..HANDED_IN).flat_map(|number| kinds.map(|kind| document(kind, number))).collect()
}

/// Documents that are handed in as old ones, and then removed.
pub fn withdrawn() -> Vec<Location> {
    (0..HANDED_IN).map(|number| Location::Custom { id: format!("withdrawn{number}") }).collect()
}
