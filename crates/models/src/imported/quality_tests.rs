use std::sync::Mutex;

use bytes::Bytes;
use checkpoint::Sink as _;
use jobs::{Job, JobId, NewJob, Owner, State};
use serde_json::Value;

use super::*;
use crate::quality::{Comparison, Ratio, Share};
use crate::testing::{Deployment, TestLoader};

fn quality(bound: Option<Bound>, comparison: Option<Comparison>) -> Quality {
    let exact = comparison.map(|comparison| Exact {
        perplexity: 10.0,
        agreement: 0.9,
        format: "F32".to_owned(),
        comparison: Some(comparison),
    });
    let unmeasured = exact.is_none().then(|| "There is no room.".to_owned());
    Quality { text: TEXT_NAME.to_owned(), tokens: 100, perplexity: 11.0, exact, unmeasured, bound }
}

fn comparison() -> Comparison {
    Comparison {
        text: TEXT_NAME.to_owned(),
        tokens: 100,
        tasks: "craton-labels-1".to_owned(),
        perplexity_before: 10.0,
        perplexity_after: 11.0,
        perplexity: Ratio { ratio: 1.1, low: 1.05, high: 1.15 },
        argmax: Share::of(90, 100),
        labels: Share::of(470, 480),
    }
}

/// What an import into a type of a checkpoint in BF16 must keep to.
fn gate(quantization: Quantization, set: Option<&str>, asked: Option<&str>) -> Gate {
    let read = |text: Option<&str>| text.map(|text| ImportBound::parse(text).unwrap());
    Gate::of(quantization, Some("BF16"), read(set).as_ref(), read(asked).as_ref()).unwrap()
}

#[test]
fn an_import_keeps_to_its_types_bound_unless_it_or_the_deployment_says_otherwise() {
    let of = |text: &str| Some(Bound::default_of(FileType::Q8_0).with(text).unwrap());
    for (set, asked, bound) in [
        (None, Some("labels=0.5"), of("labels=0.5")),
        (None, Some("none"), None),
        (Some("labels=0.97"), None, of("labels=0.97")),
        (Some("none"), None, None),
        (Some("none"), Some("default"), of("")),
        // What the deployment sets is not asked away.
        (Some("default"), Some("none"), of("")),
        (Some("default"), Some("labels=0.5,argmax=0.99"), of("argmax=0.99")),
        (Some("perplexity=2"), Some("perplexity=1.5"), of("perplexity=1.5")),
    ] {
        let gate = gate(Quantization::Q8_0, set, asked);
        assert_eq!((gate.bound, gate.proof), (bound, Proof::Always), "{set:?} {asked:?}");
    }
    for (quantization, own) in [(Quantization::Q8_0, FileType::Q8_0), (Quantization::Q4KM, FileType::Q4KM)] {
        let gate = gate(quantization, None, None);
        assert_eq!((gate.bound, gate.proof), (Some(Bound::default_of(own)), Proof::Always));
    }
    for unclear in ["label=1", "labels=2", "labels", "nothing"] {
        assert_eq!(ImportBound::parse(unclear).unwrap_err().kind, ErrorKind::Invalid, "{unclear}");
    }
}

#[test]
fn half_precision_is_proved_by_the_text_where_it_changes_numbers_and_there_is_memory_for_it() {
    let rounded = gate(Quantization::F16, None, None);
    let bound = rounded.bound.unwrap();
    assert!(bound.labels == 0.0 && bound.argmax > 0.9 && rounded.proof == Proof::WhereThereIsRoom);
    assert_eq!(rounded.trials(Quantization::F16).len(), Trials::text().len());
    let named = gate(Quantization::F16, Some("default"), None);
    assert_eq!(named.proof, Proof::Always, "whoever names a bound wants it proved");
    let same = Gate::of(Quantization::F16, Some("F16"), None, None).unwrap();
    assert_eq!((same.bound, same.proof), (None, Proof::WhereThereIsRoom));
}

#[test]
fn fewer_bits_that_cannot_be_compared_are_refused_and_the_hint_names_what_accepts_them() {
    let bound = gate(Quantization::Q8_0, None, None).bound;
    for (set, setting) in [(false, "`craton import create --bound none`"), (true, "`import_bound`")] {
        let error = keeps_to_bound(&quality(bound, None), set).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid);
        assert!(
            error.message.ends_with("is not known: it could not be compared: There is no room."),
            "{}",
            error.message
        );
        let hint = error.hint.unwrap();
        assert!(hint.contains(setting) && hint.contains("`memory_budget`") && hint.contains("none"), "{hint}");
    }
    assert_eq!(keeps_to_bound(&quality(gate(Quantization::Q8_0, None, Some("none")).bound, None), false), Ok(()));
}

#[test]
fn tasks_are_all_read_where_they_decide() {
    let read = |asked: Option<&str>| gate(Quantization::Q4KM, None, asked).trials(Quantization::Q4KM).len();
    assert_eq!((read(None), read(Some("none"))), (Trials::new(None).len(), Trials::brief().len()));
}

#[test]
fn a_model_that_breaks_its_bound_is_refused_with_figures_and_a_way_out() {
    let bound = |text: &str| Some(Bound::default_of(FileType::Q8_0).with(text).unwrap());
    let wide = bound("labels=0.95,argmax=0.8,perplexity=1.2");
    assert_eq!(keeps_to_bound(&quality(None, Some(comparison())), false), Ok(()));
    assert_eq!(keeps_to_bound(&quality(wide, Some(comparison())), false), Ok(()));
    let error = keeps_to_bound(&quality(bound(""), Some(comparison())), false).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(error.message.contains("labels=0.95,argmax=0.9,perplexity=1.05"), "{}", error.message);
    assert!(error.message.contains("arg-max agreement 90.0 % of 100") && error.message.contains("perplexity × 1.1000"));
    assert!(!error.message.contains("label agreement"), "that one holds");
    assert!(error.hint.unwrap().contains("--bound"));
    let error = keeps_to_bound(&quality(bound(""), Some(comparison())), true).unwrap_err();
    assert!(error.hint.unwrap().contains("`import_bound`"));
    let error = keeps_to_bound(&quality(wide, None), false).unwrap_err();
    assert!(error.message.contains("could not be compared: There is no room."), "{}", error.message);
}

#[test]
fn a_card_of_before_is_read_and_an_old_reader_finds_what_it_knows() {
    let old = r#"{"text":"craton-quality-1","tokens":9,"perplexity":2.5,
        "exact":{"perplexity":2.4,"agreement":0.9,"format":"F16"},"unmeasured":null}"#;
    let read: Quality = serde_json::from_str(old).unwrap();
    assert_eq!((read.bound, read.exact.as_ref().unwrap().comparison.as_ref()), (None, None));
    let new = serde_json::to_value(quality(None, Some(comparison()))).unwrap();
    for member in ["text", "tokens", "perplexity", "exact", "unmeasured"] {
        assert!(new.get(member).is_some(), "{member}");
    }
    assert_eq!(new["exact"]["agreement"], 0.9);
}

/// A deployment whose models may take 4 GiB, of which others have 3 GiB as long as what is returned second is there; and weights in
/// memory that take 3 GiB to read with.
async fn full() -> (Deployment, SetAside, (SetAside, MemoryFile)) {
    let loader = Arc::new(TestLoader::default());
    // The folder of files in memory.
    loader.sizes.lock().unwrap().insert("fd".to_owned(), 3 << 30);
    let dir = tempfile::tempdir().unwrap();
    let store = ::store::Store::open_sqlite(&dir.path().join("craton.db")).await.unwrap();
    let deployment = Deployment::start_by(loader, store, dir, |_| {}).await;
    let pool = &deployment.models.inner.loaded;
    let room = pool.set_aside("exact", 4).await.unwrap();
    let others = pool.set_aside("others", 3 << 30).await.unwrap();
    let mut sink = MemorySink::new(4).unwrap();
    sink.write(Bytes::from_static(b"GGUF")).await.unwrap();
    (deployment, others, (room, sink.finish().unwrap()))
}

/// A job that waits so long for memory to read with.
async fn waiting(deployment: &Deployment, weights: (SetAside, MemoryFile), patience: Duration) -> JobId {
    let (models, weights) = (deployment.models.clone(), Mutex::new(Some(weights)));
    let handler = move |work: JobContext| {
        let models = models.clone();
        let weights = weights.lock().unwrap().take().unwrap();
        async move {
            let turn = models.inner.comparing.lock().await;
            models.with_room_to_read(&work, "exact", weights, patience, &turn).await.map(|_| Value::Null)
        }
    };
    deployment.jobs.register("reads", Arc::new(handler));
    submitted(deployment, "reads").await
}

/// A job that waits for its turn to compare, and takes room of so many bytes.
async fn comparing(deployment: &Deployment, bytes: u64) -> JobId {
    let models = deployment.models.clone();
    let handler = move |work: JobContext| {
        let models = models.clone();
        async move {
            let taken = models.room_to_compare(&work, "own", bytes, Duration::from_secs(600)).await;
            taken.map(|_| Value::Null)
        }
    };
    deployment.jobs.register("compares", Arc::new(handler));
    submitted(deployment, "compares").await
}

async fn submitted(deployment: &Deployment, kind: &'static str) -> JobId {
    let (ctx, input) = (&deployment.ctx, Value::Null);
    let owner = Owner {
        account: ctx.account().clone(),
        region: ctx.region().clone(),
        principal_arn: ctx.principal().arn(),
        principal_id: None,
    };
    let new = NewJob { kind, owner, input, dedup_key: None, max_attempts: 1, run_at: None };
    deployment.jobs.submit(new).await.unwrap().id
}

/// Returns when others left no room so often.
async fn refusals_of(deployment: &Deployment, times: u64) {
    let mut refusals = deployment.models.inner.loaded.refusals();
    let refused = refusals.wait_for(|count| *count >= times);
    tokio::time::timeout(Duration::from_secs(60), refused).await.unwrap().unwrap();
}

async fn found(deployment: &Deployment, job: &JobId) -> Job {
    deployment.jobs.get(deployment.ctx.account(), job).await.unwrap()
}

/// Returns when a job says that it waits for its turn.
async fn waits_for_its_turn(deployment: &Deployment, job: &JobId) {
    let is_said = |job: Job| job.progress.is_some_and(|told| told.message.starts_with("waiting for another import"));
    let said = async {
        while !is_said(found(deployment, job).await) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), said).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn imports_are_compared_one_at_a_time_and_whoever_waits_says_so_and_has_no_memory() {
    let deployment = Deployment::start().await;
    let models = &deployment.models;
    let turn = models.inner.comparing.lock().await;
    let job = comparing(&deployment, 4).await;
    let ends = async {
        waits_for_its_turn(&deployment, &job).await;
        let used = models.inner.loaded.status(|_| true).used_bytes;
        drop(turn);
        used
    };
    let (ran, used) = tokio::join!(deployment.jobs.run_due_once(), ends);
    let state = found(&deployment, &job).await.state;
    assert_eq!((ran.unwrap(), state, used), (1, State::Succeeded, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_waits_for_its_turn_to_be_compared_is_cancelled() {
    let deployment = Deployment::start().await;
    let _turn = deployment.models.inner.comparing.lock().await;
    let job = comparing(&deployment, 4).await;
    let cancels = async {
        waits_for_its_turn(&deployment, &job).await;
        deployment.jobs.cancel(deployment.ctx.account(), &job).await.unwrap();
    };
    let (ran, ()) = tokio::join!(deployment.jobs.run_due_once(), cancels);
    assert_eq!((ran.unwrap(), found(&deployment, &job).await.state), (1, State::Cancelled));
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_to_compare_with_that_is_only_just_taken_is_waited_for() {
    let (deployment, others, weights) = full().await;
    let job = waiting(&deployment, weights, Duration::from_secs(600)).await;
    let frees = async {
        refusals_of(&deployment, 2).await;
        drop(others);
    };
    let (ran, ()) = tokio::join!(deployment.jobs.run_due_once(), frees);
    assert_eq!((ran.unwrap(), found(&deployment, &job).await.state), (1, State::Succeeded));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_waits_for_memory_to_compare_with_is_cancelled() {
    let (deployment, _others, weights) = full().await;
    let job = waiting(&deployment, weights, Duration::from_secs(600)).await;
    let cancels = async {
        refusals_of(&deployment, 1).await;
        deployment.jobs.cancel(deployment.ctx.account(), &job).await.unwrap();
    };
    let (ran, ()) = tokio::join!(deployment.jobs.run_due_once(), cancels);
    assert_eq!((ran.unwrap(), found(&deployment, &job).await.state), (1, State::Cancelled));
    let used = deployment.models.inner.loaded.status(|_| true).used_bytes;
    assert_eq!(used, 3 << 30, "what it had set aside is free again");
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_to_compare_with_is_waited_for_no_longer_than_a_while() {
    let (deployment, _others, weights) = full().await;
    let job = waiting(&deployment, weights, Duration::ZERO).await;
    assert_eq!(deployment.jobs.run_due_once().await.unwrap(), 1);
    let job = found(&deployment, &job).await;
    assert_eq!((job.state, job.error.unwrap().kind), (State::Failed, ErrorKind::Throttled));
}
