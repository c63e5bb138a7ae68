//! Comparisons of evaluation jobs: by their scores, and pair by pair.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::path::Path;
use std::sync::Arc;

use base::ErrorKind;
use inference::fake::FakeLoader;
use objects::{Body, PutObject};
use orchestration::evaluations::plan::{Asked, Parameters, System};
use orchestration::evaluations::report::{Part, UNCALIBRATED};

#[path = "support/deployment.rs"]
mod deployment;

use deployment::{BUCKET, Deployment, JUDGE, asked, line, own};

/// A deployment with a dataset of so many lines.
async fn prepared(dir: &Path, count: usize) -> Deployment {
    let at = Deployment::open(dir, Arc::new(FakeLoader::default()), 4).await.unwrap();
    at.prepare(dir, &lines(0, count)).await.unwrap();
    at
}

/// So many lines of a dataset, from the one of this number.
fn lines(from: usize, count: usize) -> String {
    (from..from + count).map(|number| format!("{}\n", line(number))).collect()
}

/// A judge that answers with at most so many tokens.
fn model(most: u32) -> System {
    System::Model {
        model: JUDGE.to_owned(),
        parameters: Parameters { max_tokens: Some(most), ..Parameters::default() },
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_jobs_are_compared_pair_by_pair_and_nothing_is_asked_twice() {
    let dir = tempfile::tempdir().unwrap();
    let at = prepared(dir.path(), 12).await;
    let generator = System::Model { model: JUDGE.to_owned(), parameters: Parameters::default() };
    for (name, system) in [("first", own()), ("second", generator)] {
        at.evaluate(name, system, &["Craton.TokenF1"]).await.unwrap();
    }
    while at.jobs.run_due_once().await.unwrap() > 0 {}
    let compared = |first: &'static str, second: &'static str| {
        let at = &at;
        async move {
            let jobs = at.all().await.unwrap();
            let id = |name: &str| jobs.iter().find(|job| job.name == name).unwrap().id.clone();
            let (first, second) = (id(first), id(second));
            let (first, second) = ((first.as_str(), Part::default()), (second.as_str(), Part::default()));
            let (work, warnings) = at.evaluations.start_pairwise(&at.ctx, first, second, JUDGE).await.unwrap();
            while at.jobs.run_due_once().await.unwrap() > 0 {}
            (at.evaluations.pairwise(&at.ctx, work.id.as_str()).await.unwrap().1.unwrap(), warnings)
        }
    };
    let (told, warnings) = compared("first", "second").await;
    assert_eq!((told.pairs, told.failed), (12, 0));
    assert_eq!(told.first_wins + told.second_wins + told.ties + told.changed, 12);
    assert!(told.consistent.is_some() && told.position.is_some() && told.win_rate.is_some());
    assert!(warnings[0].contains("the same model") && told.warnings == warnings, "{warnings:?}");
    let duels = || async {
        let sql = "SELECT COUNT(*) AS n FROM evaluations_duels";
        let read = at.store.read(|tx| async move { tx.fetch_one(sql, store::params![]).await }).await;
        read.unwrap().int("n").unwrap()
    };
    assert_eq!(duels().await, 12);
    assert_eq!(compared("first", "second").await.0, told, "from what is kept");
    let (other, _) = compared("second", "first").await;
    assert_eq!((other.first_wins, other.second_wins, other.changed), (told.second_wins, told.first_wins, told.changed));
    assert_eq!(duels().await, 24);
    let job = at.all().await.unwrap().into_iter().find(|job| job.name == "first").unwrap();
    let side = (job.id.as_str(), Part::default());
    let alone = at.evaluations.start_pairwise(&at.ctx, side, side, JUDGE).await.unwrap_err();
    assert!(alone.message.contains("one system alone"), "{alone}");
    at.evaluations.delete(&at.ctx, &job.id).await.unwrap();
    assert_eq!(duels().await, 0, "verdicts go with either job");
    assert_eq!(at.evaluations.pairwise(&at.ctx, "nothing").await.unwrap_err().kind, ErrorKind::NotFound);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_system_on_any_dataset_is_compared_by_name_or_place() {
    let dir = tempfile::tempdir().unwrap();
    let at = prepared(dir.path(), 20).await;
    let few = Body::from_bytes(lines(0, 5));
    at.objects.put_object(&at.ctx, PutObject::new(BUCKET, "few.jsonl"), few).await.unwrap();
    let mut wanted =
        Asked { systems: vec![model(1), model(40)], ..asked(&["Builtin.Completeness", "Craton.EmbeddingSimilarity"]) };
    let mut few = wanted.datasets[0].clone();
    (few.name, few.uri) = ("few".to_owned(), format!("s3://{BUCKET}/few.jsonl"));
    few.metrics.truncate(1);
    wanted.datasets.push(few);
    let job = at.evaluate_as("both", wanted).await.unwrap();
    while at.jobs.run_due_once().await.unwrap() > 0 {}
    let report = at.evaluations.report(&at.ctx, &job.id).await.unwrap();
    let mean = |section: usize, metric: usize| report.sections[section].card.metrics[metric].mean.unwrap().value;
    assert!(mean(0, 1) != mean(1, 1), "the systems answer alike");
    let part = |dataset: &'static str, system: &'static str| Part { dataset: Some(dataset), system: Some(system) };
    let compare = |one: Part<'static>, other: Part<'static>| {
        let (at, id) = (&at, job.id.as_str());
        async move { at.evaluations.compare(&at.ctx, (id, one), (id, other)).await }
    };
    let systems = compare(Part::default(), part("d", "1")).await.unwrap();
    assert_eq!((systems.turns, systems.metrics.len()), (20, 2));
    let (one, other) = systems.metrics[1].scores.means.unwrap();
    assert!((one - mean(0, 1)).abs() < 1e-12 && (other - mean(1, 1)).abs() < 1e-12, "{one} {other}");
    assert_eq!(
        (systems.first.name.as_str(), systems.second.name.as_str()),
        ("both of tiny (0) on d", "both of tiny (1) on d")
    );
    assert_eq!(systems.metrics[0].trust, [Some(UNCALIBRATED.to_owned()), Some(UNCALIBRATED.to_owned())]);
    assert_eq!((&systems.metrics[1].trust, systems.is_judged_differently()), (&[None, None], false));
    let few = compare(part("few", "0"), part("few", "1")).await.unwrap();
    assert_eq!((few.turns, few.metrics.len()), (5, 1));
    assert!((few.metrics[0].scores.means.unwrap().1 - mean(3, 0)).abs() < 1e-12);
    let error = compare(part("many", "0"), Part::default()).await.unwrap_err();
    assert!(error.message.contains("no dataset `many`"), "{error}");
    assert_eq!(error.hint.as_deref(), Some("By place and name it has 0 `d`, 1 `few`."));
    assert!(compare(part("d", "2"), Part::default()).await.unwrap_err().message.contains("no system `2`"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pairs_of_all_datasets_are_compared_or_those_of_the_one_that_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let at = prepared(dir.path(), 12).await;
    let more = Body::from_bytes(lines(100, 5));
    at.objects.put_object(&at.ctx, PutObject::new(BUCKET, "more.jsonl"), more).await.unwrap();
    let mut wanted = Asked { systems: vec![model(1), model(40)], ..asked(&["Craton.TokenF1"]) };
    let mut more = wanted.datasets[0].clone();
    (more.name, more.uri) = ("more".to_owned(), format!("s3://{BUCKET}/more.jsonl"));
    wanted.datasets.push(more);
    let job = at.evaluate_as("both", wanted).await.unwrap();
    while at.jobs.run_due_once().await.unwrap() > 0 {}
    let compared = |dataset: Option<&'static str>| {
        let (at, id) = (&at, job.id.as_str());
        async move {
            let (part, other) = (Part { dataset, system: None }, Part::default());
            let (work, _) = at.evaluations.start_pairwise(&at.ctx, (id, part), (id, other), JUDGE).await?;
            while at.jobs.run_due_once().await? > 0 {}
            let told = at.evaluations.pairwise(&at.ctx, work.id.as_str()).await?.1;
            Ok::<_, base::Error>(told.unwrap())
        }
    };
    let all = compared(None).await.unwrap();
    assert_eq!((all.pairs, all.failed, all.datasets.join(" ").as_str()), (17, 0, "d more"));
    assert_eq!((all.first.as_str(), all.second.as_str()), ("tiny (0)", "tiny (1)"));
    let (first, second) = (compared(Some("d")).await.unwrap(), compared(Some("1")).await.unwrap());
    assert_eq!((first.pairs, second.pairs, second.datasets.join(" ").as_str()), (12, 5, "more"));
    assert_eq!(second.second, "tiny (1) on more");
    // Of a pair the judge says the same, whatever it is compared with.
    assert_eq!(all.first_wins, first.first_wins + second.first_wins);
    assert_eq!(all.changed, first.changed + second.changed);
    let error = compared(Some("less")).await.unwrap_err();
    assert!(error.message.contains("no dataset `less`"), "{error}");
    assert_eq!(error.hint.as_deref(), Some("By place and name it has 0 `d`, 1 `more`."));
}
