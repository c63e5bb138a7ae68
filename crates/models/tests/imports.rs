//! Imports from a bucket to a model, as the jobs run them.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use base::{ErrorKind, PageRequest};
use identity::iam::{HolderKind, HolderName};
use identity::kms::{KeyRef, NewKey};
use models::{ChatRequest, CheckOutcome, ImportFilter, ImportJob, ImportStatus, Message, NewImport, Quantization};

#[path = "support/deployment.rs"]
mod deployment;
#[path = "../../checkpoint/tests/support/samples.rs"]
mod samples;

use deployment::dialect::TestDialect;
use deployment::{BUCKET, Deployment, PREFIX, ROLE};
use samples::{Sample, Sizes};

const SIZES: Sizes = Sizes { hidden: 64, inner: 128, layers: 1, heads: 4, kv_heads: 2 };

async fn ready(dir: &Path) -> Deployment {
    let deployment = Deployment::open(dir).await.unwrap();
    deployment.prepare(Sample::new("LlamaForCausalLM", SIZES, "F16").files().0).await.unwrap();
    deployment
}

fn new(deployment: &Deployment, job: &str, model: &str, prefix: &str) -> NewImport {
    NewImport {
        job_name: job.to_owned(),
        model_name: model.to_owned(),
        role_arn: format!("arn:aws:iam::{}:role/{ROLE}", deployment.ctx.account()),
        source_uri: format!("s3://{BUCKET}/{prefix}"),
        kms_key: None,
        quantization: Quantization::F16,
        bound: None,
        tags: Vec::new(),
        model_tags: Vec::new(),
        request_token: None,
    }
}

async fn import(deployment: &Deployment, job: &str, model: &str, prefix: &str) -> ImportJob {
    import_as(deployment, new(deployment, job, model, prefix)).await
}

async fn import_as(deployment: &Deployment, asked: NewImport) -> ImportJob {
    let asked = deployment.models.create_import_job(&deployment.ctx, asked).await.unwrap();
    deployment.jobs.run_due_once().await.unwrap();
    deployment.models.import_job(&deployment.ctx, &asked.id).await.unwrap()
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(dir.join("imported")).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_import_leaves_its_models_name_to_the_next_though_nobody_looked() {
    let dir = tempfile::tempdir().unwrap();
    let deployment = ready(dir.path()).await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    models.create_import_job(ctx, new(&deployment, "wrong", "mine", "elsewhere/")).await.unwrap();
    let taken = models.create_import_job(ctx, new(&deployment, "early", "mine", PREFIX)).await.unwrap_err();
    assert_eq!(taken.kind, ErrorKind::AlreadyExists);
    deployment.jobs.run_due_once().await.unwrap();
    let job = import(&deployment, "right", "mine", PREFIX).await;
    assert_eq!(job.status, ImportStatus::Completed, "{:?}", job.failure);
    let failed = models.import_job(ctx, "wrong").await.unwrap();
    assert_eq!(failed.status, ImportStatus::Failed);
    assert_eq!(files(dir.path()).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_arn_means_its_id_whatever_others_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let deployment = ready(dir.path()).await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let first = import(&deployment, "first", "one", PREFIX).await;
    let taken = models.create_import_job(ctx, new(&deployment, "second", &first.model_id, PREFIX)).await.unwrap_err();
    assert_eq!(taken.kind, ErrorKind::AlreadyExists);
    let taken = models.create_import_job(ctx, new(&deployment, &first.id, "two", PREFIX)).await.unwrap_err();
    assert_eq!(taken.kind, ErrorKind::AlreadyExists);
    let by_arn = models.imported_model(ctx, &first.model_arn.to_string()).await.unwrap();
    assert_eq!(by_arn.name, "one");
    let by_name_in_an_arn = first.model_arn.to_string().replace(&first.model_id, "one");
    for other in [by_name_in_an_arn, first.model_arn.to_string().replace("arn:aws:", "arn:aws-cn:")] {
        let missing = models.imported_model(ctx, &other).await.unwrap_err();
        assert_eq!(missing.kind, ErrorKind::NotFound, "{other}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_model_is_deleted_when_nobody_holds_it_also_where_its_caller_left() {
    let dir = tempfile::tempdir().unwrap();
    let deployment = ready(dir.path()).await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    import(&deployment, "job", "mine", PREFIX).await;
    let held = models.hold_imported().await;
    let impatient = tokio::time::timeout(Duration::ZERO, models.delete_imported_model(ctx, "mine")).await;
    assert!(impatient.is_err());
    let named = models.imported_files().await.unwrap();
    assert!(named.len() == 1 && named[0].0.is_file(), "what a backup reads is there together");
    drop(held);
    // A second delete waits for the first, which holds the model.
    while !models.imported_files().await.unwrap().is_empty() || !files(dir.path()).is_empty() {
        tokio::task::yield_now().await;
    }
    let page = PageRequest { limit: 10, after: None };
    assert!(models.imported_models(ctx, &ImportFilter::default(), &page).await.unwrap().items.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_with_another_database_leaves_the_models_where_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let deployment = ready(dir.path()).await;
    import(&deployment, "job", "mine", PREFIX).await;
    deployment.store.close().await;
    let kept = files(dir.path());
    let database = dir.path().join("craton.db");
    let aside = dir.path().join("aside.db");
    std::fs::rename(&database, &aside).unwrap();
    std::fs::rename(dir.path().join("objects"), dir.path().join("objects-aside")).unwrap();
    std::fs::write(dir.path().join("imported/left.partial"), "x").unwrap();
    Deployment::open(dir.path()).await.unwrap().store.close().await;
    assert!(kept.iter().all(|file| file.is_file()));

    for left in ["craton.db", "craton.db-wal", "craton.db-shm"] {
        let _ = std::fs::remove_file(dir.path().join(left));
    }
    std::fs::remove_dir_all(dir.path().join("objects")).unwrap();
    std::fs::rename(&aside, &database).unwrap();
    std::fs::rename(dir.path().join("objects-aside"), dir.path().join("objects")).unwrap();
    let deployment = Deployment::open(dir.path()).await.unwrap();
    deployment.models.imported_model(&deployment.ctx, "mine").await.unwrap();
    assert_eq!(files(dir.path()), kept, "its own strays are gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn fewer_bits_are_refused_where_no_memory_can_prove_them_unless_that_is_said() {
    let dir = tempfile::tempdir().unwrap();
    // Room for the model in fewer bits, and not for its weights as they were.
    let small = |config: &mut models::Config| {
        config.memory_budget_bytes = 11 << 20;
        (config.load.parallel, config.load.shared_cells) = (1, 0);
    };
    let deployment = Deployment::open_as(dir.path(), TestDialect::default(), small).await.unwrap();
    let sizes = Sizes { hidden: 128, inner: 8192, ..SIZES };
    deployment.prepare(Sample::new("LlamaForCausalLM", sizes, "BF16").files().0).await.unwrap();
    let asked = |job: &str, quantization, bound: Option<&str>| NewImport {
        quantization,
        bound: bound.map(str::to_owned),
        ..new(&deployment, job, job, PREFIX)
    };
    let job = import_as(&deployment, asked("silent", Quantization::Q8_0, None)).await;
    assert_eq!(job.status, ImportStatus::Failed);
    let failure = job.failure.unwrap();
    assert!(failure.contains("could not be compared") && failure.contains("--bound none"), "{failure}");
    assert!(files(dir.path()).is_empty(), "nothing is left");
    let job = import_as(&deployment, asked("said", Quantization::Q8_0, Some("none"))).await;
    assert_eq!(job.status, ImportStatus::Completed, "{:?}", job.failure);
    let model = deployment.models.imported_model(&deployment.ctx, "said").await.unwrap();
    let quality = model.card.quality.unwrap();
    assert!(quality.exact.is_none() && quality.bound.is_none() && quality.unmeasured.is_some(), "{quality:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_tells_what_an_import_would_find_and_keeps_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let deployment = ready(dir.path()).await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let good = models.check_import(ctx, &new(&deployment, "check", "check", PREFIX)).await.unwrap();
    assert!(good.passes(), "{:?}", good.steps);
    assert_eq!(good.facts.unwrap().class, "LlamaForCausalLM");
    let elsewhere = models.check_import(ctx, &new(&deployment, "check", "check", "elsewhere/")).await.unwrap();
    assert!(!elsewhere.passes());
    let mut stranger = new(&deployment, "check", "check", PREFIX);
    stranger.role_arn = stranger.role_arn.replace(ROLE, "Nobody");
    let refused = models.check_import(ctx, &stranger).await.unwrap();
    let outcomes: Vec<&CheckOutcome> = refused.steps.iter().map(|step| &step.outcome).collect();
    assert!(outcomes.iter().any(|outcome| matches!(outcome, CheckOutcome::Failed { .. })));
    assert!(matches!(outcomes.last(), Some(CheckOutcome::Skipped)));
    let page = PageRequest { limit: 10, after: None };
    assert!(models.import_jobs(ctx, &ImportFilter::default(), &page).await.unwrap().items.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_refused_check_is_explained_by_an_id_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let deployment = ready(dir.path()).await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let mut asked = new(&deployment, "check", "check", PREFIX);
    asked.source_uri = "s3://no-such-bucket/model/".to_owned();
    asked.kms_key = Some(format!("arn:aws:kms:us-east-1:{}:key/6cd5d3bf-3d9b-4d1c-83d5-8df6284435a1", ctx.account()));
    let checked = models.check_import(ctx, &asked).await.unwrap();
    let id = |name: &str| {
        let step = checked.steps.iter().find(|step| step.name == name).unwrap();
        match &step.outcome {
            CheckOutcome::Failed { request_id: Some(id), .. } => id.clone(),
            other => panic!("{name}: {other:?}"),
        }
    };
    assert_ne!(id("list"), id("encrypt"));
}

/// The tokens that the answer of an imported model took from the cache.
async fn cached(deployment: &Deployment, model: &str, text: &str) -> u32 {
    let request = ChatRequest {
        model: deployment.models.imported_model(&deployment.ctx, model).await.unwrap().arn.to_string(),
        messages: vec![Message::user(format!("{}{text}", "Read this with care, and keep it in mind. ".repeat(16)))],
        max_tokens: Some(4),
        ..ChatRequest::default()
    };
    deployment.models.chat(&deployment.ctx, request).await.unwrap().collect().await.unwrap().usage.cached
}

/// Has the models read what is kept.
async fn read(deployment: &Deployment, models: &[&str]) {
    for model in models {
        cached(deployment, model, "One?").await;
        cached(deployment, model, "Two?").await;
    }
    deployment.models.keep_prefixes().await;
}

/// How many prefixes are on disk.
fn prefixes(dir: &Path) -> usize {
    let within = |folder: PathBuf| std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    // Accounts, models, files.
    within(dir.join("prefixes")).flat_map(within).flat_map(within).count()
}

/// An import under a key that its role may use.
async fn import_under_key(deployment: &Deployment, model: &str) -> (KeyRef, ImportJob) {
    let ctx = &deployment.ctx;
    let rights = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Resource":"*","Action":"kms:*"}]}"#;
    let role = HolderName { kind: HolderKind::Role, name: ROLE };
    deployment.identity.put_inline_policy(ctx, role, "keys", rights).await.unwrap();
    let key = deployment.identity.kms().create_key(ctx, NewKey::default()).await.unwrap().arn();
    let asked = NewImport { kms_key: Some(key.clone()), ..new(deployment, "under-key", model, PREFIX) };
    (KeyRef::parse(&key).unwrap(), import_as(deployment, asked).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_imported_model_read_goes_with_its_key_and_with_the_model() {
    let dir = tempfile::tempdir().unwrap();
    let deployment = ready(dir.path()).await;
    let (kms, ctx) = (deployment.identity.kms(), &deployment.ctx);
    let (key, theirs) = import_under_key(&deployment, "theirs").await;
    for job in [theirs, import(&deployment, "second", "ours", PREFIX).await] {
        assert_eq!(job.status, ImportStatus::Completed, "{:?}", job.failure);
    }
    let is_loaded = async |name: &str| {
        let model = deployment.models.imported_model(ctx, name).await.unwrap();
        deployment.models.is_loaded(&model)
    };
    read(&deployment, &["theirs", "ours"]).await;
    assert_eq!(prefixes(dir.path()), 2);
    kms.disable_key(ctx, &key).await.unwrap();
    assert_eq!((prefixes(dir.path()), is_loaded("theirs").await, is_loaded("ours").await), (1, false, true));

    kms.enable_key(ctx, &key).await.unwrap();
    assert_eq!(cached(&deployment, "theirs", "Two?").await, 0);
    read(&deployment, &["theirs"]).await;
    assert_eq!(prefixes(dir.path()), 2);
    kms.schedule_deletion(ctx, &key, None).await.unwrap();
    assert_eq!((prefixes(dir.path()), is_loaded("theirs").await), (1, false));

    deployment.models.delete_imported_model(ctx, "ours").await.unwrap();
    assert_eq!(prefixes(dir.path()), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_imported_model_read_is_there_after_a_restart_and_needs_the_models_key() {
    let dir = tempfile::tempdir().unwrap();
    let deployment = ready(dir.path()).await;
    import(&deployment, "job", "mine", PREFIX).await;
    read(&deployment, &["mine"]).await;
    assert_eq!(prefixes(dir.path()), 1);
    drop(deployment);
    let deployment = Deployment::open(dir.path()).await.unwrap();
    assert!(cached(&deployment, "mine", "Two?").await > 256);
    // The same model imported again has another key: what the first one read is nothing to it.
    deployment.models.delete_imported_model(&deployment.ctx, "mine").await.unwrap();
    import(&deployment, "again", "mine", PREFIX).await;
    assert_eq!(cached(&deployment, "mine", "Two?").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_removes_what_a_model_read_whose_key_cannot_be_used_any_more() {
    let dir = tempfile::tempdir().unwrap();
    let deployment = ready(dir.path()).await;
    let (key, job) = import_under_key(&deployment, "theirs").await;
    assert_eq!(job.status, ImportStatus::Completed, "{:?}", job.failure);
    read(&deployment, &["theirs"]).await;
    drop(deployment);
    let deployment = Deployment::open(dir.path()).await.unwrap();
    assert_eq!(prefixes(dir.path()), 1, "it can be used");
    // A process that died before it could remove them leaves them to the next one.
    let (folder, aside) = (dir.path().join("prefixes"), dir.path().join("aside"));
    std::fs::rename(&folder, &aside).unwrap();
    deployment.identity.kms().disable_key(&deployment.ctx, &key).await.unwrap();
    drop(deployment);
    std::fs::rename(&aside, &folder).unwrap();
    assert_eq!(prefixes(dir.path()), 1);
    Deployment::open(dir.path()).await.unwrap();
    assert_eq!(prefixes(dir.path()), 0);
}
