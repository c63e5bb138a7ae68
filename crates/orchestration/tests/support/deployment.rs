//! A deployment in a folder: a bucket with a dataset, a role for evaluations, a fake judge `tiny` and a fake embedder `mini`.

#![allow(dead_code, unreachable_pub)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base::{Error, PageRequest, RequestId, Result, SystemClock, SystemRandom};
use futures::StreamExt as _;
use identity::iam::roles::NewRole;
use identity::iam::{HolderKind, HolderName};
use identity::{Ctx, Defaults, Identity, Origin, ProvenKey, RootCredentials, RootKey};
use inference::Loader;
use jobs::Jobs;
use models::{Config, Models, PullRequest};
use objects::{BlobPlace, Body, BucketRef, GetObject, ListObjectsV2, NewBucket, ObjectRef, Objects, PutObject};
use orchestration::evaluations::pairwise::Pairwise;
use orchestration::evaluations::plan::{Asked, AskedDataset, System};
use orchestration::evaluations::prices::Prices;
use orchestration::evaluations::report::Part;
use orchestration::evaluations::{EvaluationFilter, EvaluationJob, Evaluations, NewEvaluation, Parts};
use serde_json::{Value, json};
use store::Store;

pub const BUCKET: &str = "evals";
pub const ROLE: &str = "Evaluator";
pub const JUDGE: &str = "tiny";
pub const EMBEDDER: &str = "mini";
/// Nobody is waited for here for long.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

pub struct Deployment {
    pub store: Store,
    pub identity: Identity,
    pub objects: Objects,
    pub jobs: Jobs,
    pub models: Models,
    pub evaluations: Evaluations,
    pub ctx: Ctx,
}

impl Deployment {
    pub async fn open(dir: &Path, loader: Arc<dyn Loader>, at_once: usize) -> Result<Self> {
        Self::open_with(dir, loader, at_once, |_| {}).await
    }

    /// With other settings of the models.
    pub async fn open_with(
        dir: &Path,
        loader: Arc<dyn Loader>,
        at_once: usize,
        change: impl FnOnce(&mut Config),
    ) -> Result<Self> {
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
        let parts = models::Parts {
            store: store.clone(),
            jobs: jobs.clone(),
            identity: identity.clone(),
            objects: objects.clone(),
            loader,
            quantizer: Arc::new(checkpoint::Plain),
            dialects: Arc::new(NoDialects),
            clock: clock.clone(),
            random: random.clone(),
            http: reqwest::Client::new(),
        };
        let mut config = Config::new(dir.join("models"), dir.join("imported"));
        config.sealing_key = Some(Arc::clone(identity.keyring()));
        change(&mut config);
        let models = Models::open(config, parts).await?;
        let parts = Parts {
            store: store.clone(),
            jobs: jobs.clone(),
            identity: identity.clone(),
            objects: objects.clone(),
            models: models.clone(),
            clock,
            random,
            at_once,
            first_pause: FIRST_PAUSE,
        };
        let evaluations = Evaluations::open(parts).await?;
        Ok(Self { store, identity, objects, jobs, models, evaluations, ctx })
    }

    /// Makes the bucket with the dataset, the role and the models.
    pub async fn prepare(&self, dir: &Path, dataset: &str) -> Result<()> {
        let new = NewBucket { name: BUCKET.to_owned(), ..NewBucket::default() };
        self.objects.create_bucket(&self.ctx, new).await?;
        let put = PutObject::new(BUCKET, "in.jsonl");
        self.objects.put_object(&self.ctx, put, Body::from_bytes(dataset.to_owned())).await?;
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
            "Action":["s3:GetObject","s3:PutObject","bedrock:InvokeModel"]}]}"#;
        let holder = HolderName { kind: HolderKind::Role, name: ROLE };
        self.identity.put_inline_policy(&self.ctx, holder, "work", rights).await?;
        for beside in ["config.json", "tokenizer.json"] {
            std::fs::write(dir.join(beside), "{}").map_err(Error::internal)?;
        }
        for name in ["tiny.gguf", "mini.safetensors"] {
            self.pull(dir, name).await?;
        }
        Ok(())
    }

    /// Pulls a file of this name, whose bytes are its name.
    pub async fn pull(&self, dir: &Path, name: &str) -> Result<()> {
        let file = dir.join(name);
        std::fs::write(&file, name).map_err(Error::internal)?;
        let source = format!("file:{}", file.display());
        self.models.pull(&self.ctx, PullRequest { source, accept_terms: false, allow_template: false }).await?;
        self.jobs.run_due_once().await.map(drop)
    }

    /// Asks for an evaluation; of one name however often, it is one.
    pub async fn evaluate(&self, name: &str, system: System, metrics: &[&str]) -> Result<EvaluationJob> {
        self.evaluate_as(name, Asked { systems: vec![system], ..asked(metrics) }).await
    }

    pub async fn evaluate_as(&self, name: &str, asked: Asked) -> Result<EvaluationJob> {
        let new = NewEvaluation {
            name: name.to_owned(),
            description: None,
            role_arn: format!("arn:aws:iam::{}:role/{ROLE}", self.ctx.account()),
            output_key: None,
            tags: Vec::new(),
            request_token: Some(name.to_owned()),
            asked,
            configuration: json!({}),
        };
        Ok(self.evaluations.create(&self.ctx, new).await?.0)
    }

    /// The job at its end.
    pub async fn ended(&self, job: &EvaluationJob) -> Result<EvaluationJob> {
        if let Some(work) = &job.work {
            self.jobs.watch(self.ctx.account(), work).for_each(|_| async {}).await;
        }
        self.evaluations.get(&self.ctx, &job.id).await
    }

    /// What came of comparing the jobs of these names pair by pair.
    pub async fn compare_pairs(&self, first: &str, second: &str) -> Result<Pairwise> {
        let (first, second) = (self.named(first).await?, self.named(second).await?);
        let sides = [first.id.as_str(), second.id.as_str()].map(|id| (id, Part::default()));
        let (work, _) = self.evaluations.start_pairwise(&self.ctx, sides[0], sides[1], JUDGE).await?;
        self.jobs.watch(self.ctx.account(), &work.id).for_each(|_| async {}).await;
        let (work, told) = self.evaluations.pairwise(&self.ctx, work.id.as_str()).await?;
        told.ok_or_else(|| Error::internal(format!("a comparison ended with {:?}", work.error)))
    }

    /// The job of this name.
    pub async fn named(&self, name: &str) -> Result<EvaluationJob> {
        let found = self.all().await?.into_iter().find(|job| job.name == name);
        found.ok_or_else(|| Error::not_found(format!("There is no evaluation `{name}`.")))
    }

    pub async fn all(&self) -> Result<Vec<EvaluationJob>> {
        let page = PageRequest { limit: 10, after: None };
        Ok(self.evaluations.list(&self.ctx, &EvaluationFilter::default(), &page).await?.items)
    }

    /// The results of a job: the texts of its `_output.jsonl` objects.
    pub async fn results(&self, name: &str) -> Result<Vec<String>> {
        let ask = ListObjectsV2 {
            bucket: BucketRef::new(BUCKET),
            prefix: format!("out/{name}/"),
            delimiter: None,
            start_after: None,
            token: None,
            max_keys: None,
        };
        let mut results = Vec::new();
        for object in self.objects.list_objects_v2(&self.ctx, &ask).await?.entries {
            if !object.key.ends_with("_output.jsonl") {
                continue;
            }
            let get = GetObject::new(ObjectRef::new(BUCKET, &object.key));
            let mut body = self.objects.get_object(&self.ctx, &get).await?.body;
            let mut bytes = Vec::new();
            while let Some(piece) = body.next().await {
                bytes.extend_from_slice(&piece?);
            }
            results.push(String::from_utf8(bytes).map_err(Error::internal)?);
        }
        Ok(results)
    }
}

/// A job on the bucket's dataset, without a system.
pub fn asked(metrics: &[&str]) -> Asked {
    Asked {
        systems: Vec::new(),
        datasets: vec![AskedDataset {
            name: "d".to_owned(),
            uri: format!("s3://{BUCKET}/in.jsonl"),
            task: "Custom".to_owned(),
            metrics: metrics.iter().map(|name| (*name).to_owned()).collect(),
        }],
        judge: Some(JUDGE.to_owned()),
        custom: Vec::new(),
        custom_judge: None,
        output: format!("s3://{BUCKET}/out/"),
        unlimited: true,
        askings: 1,
        embedder: Some(EMBEDDER.to_owned()),
        prices: Prices::default(),
    }
}

pub fn own() -> System {
    System::ModelAnswers { source: "mine".to_owned() }
}

/// Nobody asks for batches here.
struct NoDialects;

impl models::Dialects for NoDialects {
    fn decode(&self, _: models::RecordBody<'_>) -> Result<models::Asked> {
        Err(Error::internal("a batch"))
    }

    fn status(&self, _: &Error) -> u16 {
        500
    }
}

/// A record of a model job with its answer.
pub fn line(number: usize) -> Value {
    json!({
        "prompt": format!("What is said of number {number:03}?"),
        "referenceResponse": format!("It is said that {number:03} is a number."),
        "modelResponses": [{"modelIdentifier": "mine", "response": format!("They say {} is one.", number % 7)}],
    })
}
