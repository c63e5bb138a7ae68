use std::collections::BTreeSet;
use std::fs;

use base::ErrorKind;
use checkpoint::{Plain, Quantization};
use futures::StreamExt as _;
use jobs::State;
use sha2::{Digest as _, Sha256};

use super::*;
use crate::catalogue::CardState;
use crate::library::hex;
use crate::testing::{Deployment, HELD, add_model};

#[path = "../../../checkpoint/tests/support/samples.rs"]
mod samples;

use samples::{SMALL, Sample, converted};

const HALF: &str = "made-up";

/// A deployment with a model in half precision, and what it becomes in eight bits.
async fn deployment() -> (Deployment, Vec<u8>) {
    let deployment = Deployment::start().await;
    let files = Sample::new("LlamaForCausalLM", SMALL, "F16").files();
    let bytes = |quantization| converted(&files, quantization, &Plain);
    let root = deployment.dir.path().join("models");
    tokio::task::block_in_place(|| {
        add_model(&deployment.models.inner.library, &root, HALF, &bytes(Quantization::F16));
        (deployment, bytes(Quantization::Q8_0))
    })
}

fn request() -> QuantizeRequest {
    QuantizeRequest {
        source: HALF.to_owned(),
        to: FileType::Q8_0,
        name: None,
        bound: String::new(),
        tasks: None,
        requantize: false,
    }
}

async fn end_of(deployment: &Deployment, job: &Job) -> Job {
    let stream = deployment.jobs.watch(deployment.ctx.account(), &job.id);
    let mut ends = Box::pin(stream.filter(|job| std::future::ready(job.state.is_end())));
    ends.next().await.unwrap()
}

async fn done(deployment: &Deployment, request: QuantizeRequest) -> Job {
    let job = deployment.models.quantize(&deployment.ctx, request).await.unwrap();
    let running = deployment.jobs.start(1);
    let job = end_of(deployment, &job).await;
    running.stop().await;
    job
}

/// What lies in a folder of the library.
fn names(deployment: &Deployment, folder: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(deployment.dir.path().join("models").join(folder)).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quantized_model_is_another_model_with_a_report_on_its_card() {
    let (deployment, expected) = deployment().await;
    let job = done(&deployment, request()).await;
    assert_eq!((job.state, job.error), (State::Succeeded, None));
    assert_eq!(job.output.unwrap()["name"], "made-up-q8_0");
    let card = deployment.models.get(&deployment.ctx, "made-up-q8_0").await.unwrap();
    let sha256 = hex(&Sha256::digest(&expected));
    assert_eq!((card.state, card.sha256.as_deref()), (CardState::Ready, Some(sha256.as_str())));
    assert_eq!(card.description, "Made of `made-up`: its weights are kept as Q8_0.");
    let report = card.quantization.unwrap();
    assert!(report.accepted() && report.job == job.id.as_str());
    assert_eq!((report.source.name.as_str(), report.made.sha256.as_str()), (HALF, sha256.as_str()));
    assert_eq!((report.measured.labels.agreed, report.measured.labels.share), (report.measured.labels.of, 1.0));
    assert!(report.measured.labels.low > 0.99 && report.measured.labels.of > 400);
    assert_eq!(report.bound, Bound::default_of(FileType::Q8_0));
    let blob = deployment.dir.path().join("models/models/made-up-q8_0/made-up-q8_0.gguf");
    assert!(fs::read(blob).unwrap() == expected);
    assert_eq!((names(&deployment, "partial").len(), deployment.blobs()), (0, 2));
    // The model of that name is there now.
    let again = deployment.models.quantize(&deployment.ctx, request()).await.unwrap_err();
    assert_eq!(again.kind, ErrorKind::AlreadyExists);
    deployment.models.remove(&deployment.ctx, "made-up-q8_0").await.unwrap();
    assert_eq!(deployment.blobs(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_breaks_its_bound_is_not_taken_in_and_the_report_is_kept() {
    let (deployment, _) = deployment().await;
    // The loader of the tests reads files of such a name worse.
    let worse = QuantizeRequest { name: Some("worse".to_owned()), ..request() };
    let job = done(&deployment, worse.clone()).await;
    let error = job.error.unwrap();
    assert_eq!((job.state, error.kind, job.attempt), (State::Failed, ErrorKind::Invalid, 1));
    assert!(
        error.message.contains("`worse` was not put into the library, as it breaks its bound"),
        "{}",
        error.message
    );
    for part in ["label agreement", "arg-max agreement", "perplexity"] {
        assert!(error.message.contains(part), "{part}: {}", error.message);
    }
    assert!(error.hint.unwrap().contains("craton models show made-up"));
    assert_eq!(deployment.models.get(&deployment.ctx, "worse").await.unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!((names(&deployment, "partial").len(), deployment.blobs()), (0, 1));
    let refused = || async { deployment.models.get(&deployment.ctx, HALF).await.unwrap().refused_quantizations };
    let reports = refused().await;
    assert_eq!((reports.len(), reports[0].broken.len(), reports[0].accepted()), (1, 3, false));
    // A bound that holds lets the same through; the card of the source then has the report of the failure still.
    let wide = QuantizeRequest { bound: "labels=0,argmax=0,perplexity=100".to_owned(), ..worse };
    assert_eq!(done(&deployment, wide).await.state, State::Succeeded);
    assert_eq!(refused().await.len(), 1);
    assert!(
        deployment.models.get(&deployment.ctx, "worse").await.unwrap().quantization.unwrap().measured.perplexity.low
            > 1.0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn own_tasks_are_measured_in_place_of_the_fixed_ones() {
    let (deployment, _) = deployment().await;
    let task = |text: &str| LabelTask { text: text.to_owned(), labels: vec!["yes".to_owned(), "no".to_owned()] };
    let tasks = vec![task("Is it raining?"), task("Is it late?"), task("Is it you?")];
    let few = QuantizeRequest { tasks: Some(tasks), bound: "labels=0.4".to_owned(), ..request() };
    assert_eq!(done(&deployment, few.clone()).await.state, State::Succeeded);
    let report = deployment.models.get(&deployment.ctx, "made-up-q8_0").await.unwrap().quantization.unwrap();
    assert_eq!((report.measured.tasks.as_str(), report.measured.labels.of), ("own", 3));
    let none = QuantizeRequest { tasks: Some(Vec::new()), name: Some("other".to_owned()), ..few };
    assert_eq!(deployment.models.quantize(&deployment.ctx, none).await.unwrap_err().kind, ErrorKind::Invalid);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_quantized_is_refused_at_once() {
    let (deployment, packed) = deployment().await;
    let root = deployment.dir.path().join("models");
    let library = &deployment.models.inner.library;
    add_model(library, &root, "packed", &packed);
    add_model(library, &root, "broken", b"no model");
    add_model(library, &root, "vectors-embed", b"x");
    let refused =
        async |request: QuantizeRequest| deployment.models.quantize(&deployment.ctx, request).await.unwrap_err();
    let of = |source: &str| QuantizeRequest { source: source.to_owned(), ..request() };
    let error = refused(QuantizeRequest { to: FileType::Q4KM, ..of("packed") }).await;
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(error.message.contains("quantized already") && error.hint.unwrap().contains("--allow-requantize"));
    let error = refused(QuantizeRequest { to: FileType::F16, ..of(HALF) }).await;
    assert!(error.message.contains("would take"), "{}", error.message);
    let error = refused(of("broken")).await;
    assert!(error.message.contains("`model.gguf`: it is not a GGUF file"), "{}", error.message);
    assert_eq!(refused(of("vectors-embed")).await.kind, ErrorKind::Invalid);
    assert_eq!(refused(of("nothing")).await.kind, ErrorKind::NotFound);
    assert!(refused(of("smollm2-135m-instruct")).await.hint.unwrap().contains("pull"));
    for name in ["Bad Name", "../up", ""] {
        assert_eq!(
            refused(QuantizeRequest { name: Some(name.to_owned()), ..request() }).await.kind,
            ErrorKind::Invalid
        );
    }
    let taken = QuantizeRequest { name: Some("packed".to_owned()), ..request() };
    assert_eq!(refused(taken).await.kind, ErrorKind::AlreadyExists);
    let catalogue = QuantizeRequest { name: Some("smollm2-135m-instruct".to_owned()), ..request() };
    assert_eq!(refused(catalogue).await.kind, ErrorKind::AlreadyExists);
    assert_eq!(refused(QuantizeRequest { bound: "labels=2".to_owned(), ..request() }).await.kind, ErrorKind::Invalid);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_is_the_same_job_and_another_of_that_name_waits() {
    let (deployment, _) = deployment().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let job = models.quantize(ctx, request()).await.unwrap();
    assert_eq!(models.quantize(ctx, request()).await.unwrap().id, job.id);
    let other = QuantizeRequest { bound: "labels=0.1".to_owned(), ..request() };
    assert_eq!(models.quantize(ctx, other).await.unwrap_err().kind, ErrorKind::Conflict);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_changed_on_disk_is_named_and_remembered_as_broken() {
    let (deployment, _) = deployment().await;
    let job = deployment.models.quantize(&deployment.ctx, request()).await.unwrap();
    let blobs = deployment.dir.path().join("models/blobs");
    let blob = fs::read_dir(&blobs).unwrap().next().unwrap().unwrap().path();
    let mut bytes = fs::read(&blob).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&blob, bytes).unwrap();
    let running = deployment.jobs.start(1);
    let job = end_of(&deployment, &job).await;
    running.stop().await;
    let error = job.error.unwrap();
    assert_eq!((job.state, error.kind), (State::Failed, ErrorKind::Damaged));
    assert!(error.message.contains("The model `made-up` is damaged: `model.gguf`"), "{}", error.message);
    let card = deployment.models.get(&deployment.ctx, HALF).await.unwrap();
    assert!(matches!(card.state, CardState::Broken { .. }));
    assert_eq!(names(&deployment, "partial").len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quantization_that_is_cancelled_while_it_measures_leaves_nothing() {
    let (deployment, _) = deployment().await;
    let held = LabelTask { text: HELD.to_owned(), labels: vec!["a".to_owned(), "b".to_owned()] };
    let request = QuantizeRequest { tasks: Some(vec![held]), ..request() };
    let job = deployment.models.quantize(&deployment.ctx, request).await.unwrap();
    let account = deployment.ctx.account().clone();
    let mut watched = Box::pin(deployment.jobs.watch(&account, &job.id));
    let running = deployment.jobs.start(1);
    while let Some(seen) = watched.next().await {
        assert!(!seen.state.is_end(), "{seen:?}");
        if seen.progress.is_some_and(|progress| progress.message.contains("measuring")) {
            break;
        }
    }
    let busy = deployment.models.remove(&deployment.ctx, HALF).await.unwrap_err();
    assert_eq!(busy.kind, ErrorKind::Conflict, "the source stays until the work has ended");
    deployment.jobs.cancel(&account, &job.id).await.unwrap();
    let job = end_of(&deployment, &job).await;
    running.stop().await;
    assert_eq!(job.state, State::Cancelled);
    assert_eq!(deployment.models.get(&deployment.ctx, "made-up-q8_0").await.unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!((names(&deployment, "partial"), deployment.blobs()), (BTreeSet::new(), 1));
    assert_eq!(names(&deployment, "models"), BTreeSet::from([HALF.to_owned()]));
    // The names are free again, and so is the memory as soon as the reading thread noticed.
    while deployment.models.inner.loaded.status(|_| true).used_bytes > 0 {
        tokio::task::yield_now().await;
    }
    deployment.models.remove(&deployment.ctx, HALF).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_may_go_while_what_was_made_of_it_answers() {
    let (deployment, expected) = deployment().await;
    assert_eq!(done(&deployment, request()).await.state, State::Succeeded);
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let chat = || crate::ChatRequest {
        model: "made-up-q8_0".to_owned(),
        messages: vec![crate::Message::user("Hello")],
        max_tokens: Some(8),
        ..crate::ChatRequest::default()
    };
    let answering = models.chat(ctx, chat()).await.unwrap();
    models.remove(ctx, HALF).await.unwrap();
    assert!(!answering.collect().await.unwrap().text().is_empty());
    assert_eq!(models.get(ctx, HALF).await.unwrap_err().kind, ErrorKind::NotFound);
    // Also when it is loaded anew, without its source, in another process.
    let deployment = deployment.restart().await;
    let answer = deployment.models.chat(&deployment.ctx, chat()).await.unwrap().collect().await.unwrap();
    assert!(!answer.text().is_empty());
    let card = deployment.models.get(&deployment.ctx, "made-up-q8_0").await.unwrap();
    assert_eq!((card.state, card.quantization.unwrap().source.name.as_str()), (CardState::Ready, HALF));
    let blob = deployment.dir.path().join("models/models/made-up-q8_0/made-up-q8_0.gguf");
    assert!(fs::read(blob).unwrap() == expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_process_left_is_removed_at_a_start_or_written_over() {
    let (deployment, expected) = deployment().await;
    let partial = deployment.dir.path().join("models/partial");
    // Nobody is to go on: the file is a stray.
    fs::write(partial.join("quantize-gone.gguf"), "half a model").unwrap();
    let deployment = deployment.restart().await;
    assert_eq!(names(&deployment, "partial").len(), 0);
    // A job that was taken up and not ended goes on, from the beginning.
    let job = deployment.models.quantize(&deployment.ctx, request()).await.unwrap();
    fs::write(partial.join("quantize-made-up-q8_0.gguf"), "half a model").unwrap();
    let deployment = deployment.restart().await;
    let running = deployment.jobs.start(1);
    assert_eq!(end_of(&deployment, &job).await.state, State::Succeeded);
    running.stop().await;
    assert_eq!(names(&deployment, "partial").len(), 0);
    let made = fs::read(deployment.dir.path().join("models/models/made-up-q8_0/made-up-q8_0.gguf")).unwrap();
    assert!(made == expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_another_process_writes_is_no_stray() {
    let (deployment, _) = deployment().await;
    let library = deployment.models.inner.library.clone();
    fs::write(library.partial("quantize-busy.gguf"), "half a model").unwrap();
    let busy = library.try_lock(&crate::pull::model_lock("busy")).unwrap();
    sweep(&library).unwrap();
    assert_eq!(names(&deployment, "partial").len(), 1);
    drop(busy);
    sweep(&library).unwrap();
    assert_eq!(names(&deployment, "partial").len(), 0);
}
