//! A deployment in a folder, with a checkpoint in a bucket and a role that may import it.

#![allow(dead_code, unreachable_pub)]

use std::path::Path;
use std::sync::Arc;

use base::{Error, RequestId, Result, SystemClock, SystemRandom};
use identity::iam::roles::NewRole;
use identity::iam::{HolderKind, HolderName};
use identity::{Ctx, Defaults, Identity, Origin, ProvenKey, RootCredentials, RootKey};
use inference::fake::FakeLoader;
use jobs::Jobs;
use models::{
    BatchJob, BatchPlace, Config, ImportJob, InvocationType, Models, NewBatch, NewImport, Parts, PullRequest,
    Quantization, SnapshotPlace,
};
use objects::{BlobPlace, Body, NewBucket, Objects, PutObject};
use store::Store;

#[path = "dialect.rs"]
pub mod dialect;

use dialect::TestDialect;

pub const BUCKET: &str = "checkpoints";
pub const PREFIX: &str = "model/";
pub const ROLE: &str = "Importer";

pub struct Deployment {
    pub store: Store,
    pub identity: Identity,
    pub objects: Objects,
    pub jobs: Jobs,
    pub models: Models,
    pub ctx: Ctx,
}

impl Deployment {
    pub async fn open(dir: &Path) -> Result<Self> {
        Self::open_with(dir, TestDialect::default()).await
    }

    pub async fn open_with(dir: &Path, dialect: TestDialect) -> Result<Self> {
        Self::open_as(dir, dialect, |_| {}).await
    }

    pub async fn open_as(dir: &Path, dialect: TestDialect, change: impl FnOnce(&mut Config)) -> Result<Self> {
        // Again is as good as once.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let store = Store::open_sqlite(&dir.join("craton.db")).await?;
        let defaults = Defaults { region: "us-east-1".parse()? };
        let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
        let root_key = RootKey::load_or_create(dir.join("root.key"))?;
        let identity = Identity::open(store.clone(), root_key, clock.clone(), random.clone(), defaults).await?;
        let admin = identity.first_start(RootCredentials::default()).await?;
        let key = identity.signing_key(&admin.access_key_id).await?.ok_or_else(|| Error::internal("no key"))?;
        let request_id = RequestId::random(&SystemRandom);
        let origin = Origin { request_id, source_ip: [127, 0, 0, 1].into(), secure: false };
        let ctx = identity.authenticate(ProvenKey::new(key, None), None, origin).await?;
        let place = BlobPlace::Folder(dir.join("objects"));
        let objects = Objects::open(store.clone(), identity.clone(), place, clock.clone(), random.clone()).await?;
        let jobs = Jobs::open(store.clone(), clock.clone(), random.clone()).await?;
        let parts = Parts {
            store: store.clone(),
            jobs: jobs.clone(),
            identity: identity.clone(),
            objects: objects.clone(),
            loader: Arc::new(FakeLoader::default()),
            quantizer: Arc::new(checkpoint::Plain),
            dialects: Arc::new(dialect),
            clock,
            random,
            http: reqwest::Client::new(),
        };
        let mut config = Config::new(dir.join("models"), dir.join("imported"));
        config.sealing_key = Some(Arc::clone(identity.keyring()));
        config.snapshots = Some(SnapshotPlace { folder: dir.join("prefixes"), bytes: 1 << 30 });
        // Small enough that a batch has several.
        config.batch.window_records = 8;
        change(&mut config);
        let models = Models::open(config, parts).await?;
        Ok(Self { store, identity, objects, jobs, models, ctx })
    }

    /// Puts the files of a checkpoint into a bucket and makes the role.
    pub async fn prepare(&self, files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Result<()> {
        let new = NewBucket { name: BUCKET.to_owned(), ..NewBucket::default() };
        self.objects.create_bucket(&self.ctx, new).await?;
        for (name, bytes) in files {
            let put = PutObject::new(BUCKET, format!("{PREFIX}{name}"));
            self.objects.put_object(&self.ctx, put, Body::from_bytes(bytes)).await?;
        }
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
        let rights = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Resource":"*",
            "Action":["s3:GetObject","s3:ListBucket","s3:PutObject"]}]}"#;
        let holder = HolderName { kind: HolderKind::Role, name: ROLE };
        self.identity.put_inline_policy(&self.ctx, holder, "read", rights).await
    }

    /// Makes the fake model `tiny` exist.
    pub async fn pull_tiny(&self, dir: &Path) -> Result<()> {
        let file = dir.join("tiny.gguf");
        std::fs::write(&file, "tiny").map_err(Error::internal)?;
        let request =
            PullRequest { source: format!("file:{}", file.display()), accept_terms: false, allow_template: false };
        self.models.pull(&self.ctx, request).await?;
        self.jobs.run_due_once().await.map(drop)
    }

    /// Asks for the batch of the bucket's files; however often, it is one.
    pub async fn batch(&self) -> Result<BatchJob> {
        let place = |uri: String| BatchPlace { uri, owner: None };
        let new = NewBatch {
            name: "once".to_owned(),
            model_id: "tiny".to_owned(),
            role_arn: format!("arn:aws:iam::{}:role/{ROLE}", self.ctx.account()),
            kind: InvocationType::InvokeModel,
            input: place(format!("s3://{BUCKET}/{PREFIX}")),
            output: place(format!("s3://{BUCKET}/out/")),
            output_key: None,
            timeout_hours: None,
            tags: Vec::new(),
            request_token: Some("once".to_owned()),
        };
        self.models.create_batch(&self.ctx, new).await
    }

    /// Asks for the import; however often, it is one.
    pub async fn import(&self) -> Result<ImportJob> {
        let new = NewImport {
            job_name: "once".to_owned(),
            model_name: "made-up".to_owned(),
            role_arn: format!("arn:aws:iam::{}:role/{ROLE}", self.ctx.account()),
            source_uri: format!("s3://{BUCKET}/{PREFIX}"),
            kms_key: None,
            quantization: Quantization::F16,
            bound: None,
            tags: Vec::new(),
            model_tags: Vec::new(),
            request_token: Some("once".to_owned()),
        };
        self.models.create_import_job(&self.ctx, new).await
    }
}
