//! Judges behind other servers: how their verdicts come about, and what becomes of those that cannot be had.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use inference::fake::FakeLoader;
use models::{NewMember, NewPool, Target};
use orchestration::evaluations::EvaluationStatus;
use orchestration::evaluations::outcome::Score;
use orchestration::evaluations::pairwise::Pairwise;
use orchestration::evaluations::plan::Asked;
use orchestration::evaluations::report::Part;
use serde_json::{Value, json};

#[path = "support/deployment.rs"]
mod deployment;
#[path = "support/upstream.rs"]
mod upstream;

use deployment::{Deployment, asked, line, own};
use upstream::{Said, Upstream};

const JUDGE: &str = "my.judge";
/// How long a server may say nothing.
const SILENCE: Duration = Duration::from_millis(400);

/// A deployment with so many records, and a judge that the server answers for. One record is judged after the other, so that what
/// happens to one of them does not depend on the others.
async fn prepared(dir: &Path, records: usize, upstream: &Upstream) -> Deployment {
    prepared_for(dir, records, upstream, 1).await
}

/// The same, where so many records are judged at once.
async fn prepared_for(dir: &Path, records: usize, upstream: &Upstream, at_once: usize) -> Deployment {
    let loader = Arc::new(FakeLoader::default());
    let at = Deployment::open_with(dir, loader, at_once, |config| config.upstream_timeout = SILENCE).await.unwrap();
    let dataset: String = (0..records).map(|number| format!("{}\n", line(number))).collect();
    at.prepare(dir, &dataset).await.unwrap();
    let target = Target::Remote { base_url: upstream.url.clone(), model: "m".to_owned(), api_key: None };
    at.models.set_alias(&at.ctx, JUDGE, target).await.unwrap();
    at
}

/// The scores of a job on one metric, and what the job says of them.
async fn judged(at: &Deployment, metric: &str) -> (Vec<Score>, Vec<String>) {
    judged_as(at, "judged", metric).await
}

async fn judged_as(at: &Deployment, name: &str, metric: &str) -> (Vec<Score>, Vec<String>) {
    let asked = Asked { systems: vec![own()], judge: Some(JUDGE.to_owned()), ..asked(&[metric]) };
    let job = at.evaluate_as(name, asked).await.unwrap();
    while at.jobs.run_due_once().await.unwrap() > 0 {}
    let job = at.evaluations.get(&at.ctx, &job.id).await.unwrap();
    assert_eq!(job.status, EvaluationStatus::Completed, "{:?}", job.messages);
    let rows = at.evaluations.rows(&at.ctx, &job.id, None, usize::MAX).await.unwrap();
    (rows.into_iter().map(|mut row| row.outcome.scores.remove(0)).collect(), job.messages)
}

/// The record that a request is about; none of a request about none.
fn record(body: &Value) -> Option<usize> {
    let messages = body["messages"].as_array()?.iter().filter_map(|message| message["content"].as_str());
    let text: String = messages.collect();
    text.split("What is said of number ").nth(1)?.get(..3)?.parse().ok()
}

fn labels(body: &Value) -> Vec<String> {
    let labels = &body["response_format"]["json_schema"]["schema"]["properties"]["answer"]["enum"];
    labels.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn label(label: &str) -> Said {
    Said::Text(json!({"answer": label}).to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_whose_verdict_cannot_be_had_is_told_and_the_others_go_on() {
    let failed_once = AtomicUsize::new(0);
    let upstream = Upstream::start(move |body| match (record(body), labels(body).is_empty()) {
        (Some(3), _) => Said::Status(500, "a crash"),
        (Some(5), _) => Said::Nothing,
        (_, true) => Said::Text("Because it says so.".to_owned()),
        (Some(1), _) => Said::Text("I would say yes.".to_owned()),
        (Some(2), _) if failed_once.fetch_add(1, Ordering::SeqCst) == 0 => Said::Status(500, "a hiccup"),
        _ => label("Yes"),
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let at = prepared(dir.path(), 6, &upstream).await;
    let (scores, messages) = judged(&at, "Builtin.Refusal").await;
    for at in [0, 2, 4] {
        let score = &scores[at];
        assert_eq!((score.result, score.label.as_deref(), score.error.as_deref()), (Some(1.0), Some("Yes"), None));
        // The server tells no probabilities.
        assert_eq!((score.margin, score.explanation.as_str()), (Some(1.0), "Because it says so."));
        assert_eq!(score.judged_by.as_deref(), Some(format!("{} m graded:2", upstream.url).as_str()));
    }
    for (at, reason) in [
        (1, "It answered none of the labels that it was held to: `I would say yes.`.".to_owned()),
        (3, format!("The upstream `{}` answers 500: a crash", upstream.url)),
        (5, format!("The upstream `{}` was silent for 0 seconds.", upstream.url)),
    ] {
        let (score, told) = (&scores[at], format!("The judge `{JUDGE}` gave no verdict: {reason}"));
        assert_eq!((score.result, &score.label), (None, &None));
        assert!(score.error.as_deref().is_some_and(|error| error.starts_with(&told)), "{score:?}");
    }
    let told = format!("3 of 6 scores failed: Builtin.Refusal: The judge `{JUDGE}` gave no verdict: It answered none");
    assert!(messages.len() == 1 && messages[0].starts_with(&told), "{messages:?}");
    let results = at.results("judged").await.unwrap();
    let lines: Vec<Value> = results[0].lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let errors =
        lines.iter().filter(|line| line["automatedEvaluationResult"]["scores"][0]["craton"]["error"].is_string());
    assert_eq!((lines.len(), errors.count()), (6, 3));
    // What is read wrong is not asked again; what fails is, another question in between, and without probabilities at last.
    let asked = upstream.asked.lock().unwrap();
    let count = |wanted: Option<usize>| asked.iter().filter(|body| record(body) == wanted).count();
    assert_eq!((count(Some(1)), count(Some(3)), count(Some(5)), count(None)), (1, 4, 4, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 12)]
async fn a_record_that_ends_the_server_takes_no_other_one_along() {
    let crashes = AtomicUsize::new(0);
    let upstream = Upstream::start(move |body| {
        // Who is asked while it ends gets no answer either.
        let before = crashes.load(Ordering::SeqCst);
        if record(body) == Some(1) {
            std::thread::sleep(Duration::from_millis(20));
            crashes.fetch_add(1, Ordering::SeqCst);
            return Said::Close;
        }
        std::thread::sleep(Duration::from_millis(50));
        match labels(body).is_empty() {
            _ if crashes.load(Ordering::SeqCst) > before => Said::Close,
            true => Said::Text("Because.".to_owned()),
            false => label("Yes"),
        }
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let at = prepared_for(dir.path(), 6, &upstream, 4).await;
    let (scores, messages) = judged(&at, "Builtin.Refusal").await;
    for (number, score) in scores.iter().enumerate() {
        assert_eq!((score.result.is_some(), score.error.is_some()), (number != 1, number == 1), "{number} {score:?}");
    }
    assert!(messages.len() == 1 && messages[0].starts_with("1 of 6 scores failed"), "{messages:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_judge_that_is_busy_is_no_reason_to_suspect_a_record() {
    let asked = AtomicUsize::new(0);
    let upstream = Upstream::start(move |body| match labels(body).is_empty() {
        true => Said::Text("Because.".to_owned()),
        false => match asked.fetch_add(1, Ordering::SeqCst) {
            0 | 1 => Said::Status(429, "busy"),
            2 => Said::Status(500, "a hiccup"),
            _ => label("Yes"),
        },
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let at = prepared(dir.path(), 1, &upstream).await;
    let (scores, _) = judged(&at, "Builtin.Refusal").await;
    assert_eq!(scores[0].result, Some(1.0), "{scores:?}");
    let asked = upstream.asked.lock().unwrap();
    assert_eq!(asked.iter().filter(|body| record(body).is_none()).count(), 0, "nothing else was asked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_judge_that_is_away_keeps_the_job_waiting_and_marks_no_record() {
    let failures = AtomicUsize::new(0);
    let upstream = Upstream::start(move |body| match labels(body).is_empty() {
        // It answers nothing at all for a while.
        _ if failures.fetch_add(1, Ordering::SeqCst) < 3 => Said::Status(503, "loading"),
        true => Said::Text("Because.".to_owned()),
        false => label("No"),
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let at = prepared(dir.path(), 1, &upstream).await;
    let (scores, messages) = judged(&at, "Builtin.Refusal").await;
    assert_eq!((scores[0].result, messages.len()), (Some(0.0), 0), "{scores:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn labels_have_the_probabilities_that_the_server_tells() {
    let head = || ("{\"answer\":\"", vec![("{\"answer\":\"", 1.0)]);
    let end = || ("\"}", vec![("\"}", 1.0)]);
    let upstream = Upstream::start(move |body| match labels(body).len() {
        0 => Said::Text("Because.".to_owned()),
        2 => Said::Tokens(vec![
            head(),
            ("Not", vec![("Not", 1.0)]),
            (" generally", vec![(" generally", 0.25), (" at", 0.75)]),
            end(),
        ]),
        _ => Said::Tokens(vec![head(), ("Yes", vec![("Yes", 0.5), ("Not", 0.4), ("Gener", 0.1)]), end()]),
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let at = prepared(dir.path(), 1, &upstream).await;
    let (scores, _) = judged(&at, "Builtin.Completeness").await;
    let score = &scores[0];
    assert_eq!((score.result, score.label.as_deref(), score.error.as_deref()), (Some(1.0), Some("Yes"), None));
    let near = |one: f64, other: f64| (one - other).abs() < 1e-5;
    // Of the five, from the lowest up; what two of them begin with was asked about again among these.
    let wanted = [0.3, 0.1, 0.0, 0.1, 0.5];
    assert!(score.probabilities.iter().zip(wanted).all(|(one, other)| near(*one, other)), "{score:?}");
    assert!(
        near(score.expected.unwrap(), 0.1 * 0.25 + 0.1 * 0.75 + 0.5) && near(score.margin.unwrap(), 0.2),
        "{score:?}"
    );
    let asked = upstream.asked.lock().unwrap();
    let held: Vec<&Value> = asked.iter().filter(|body| !labels(body).is_empty()).collect();
    assert_eq!(held.len(), 2);
    assert_eq!(labels(held[1]), ["Not at all", "Not generally"]);
    for body in held {
        assert_eq!((&body["logprobs"], &body["top_logprobs"]), (&json!(true), &json!(20)));
        assert_eq!(body["response_format"]["json_schema"]["strict"], true);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_several_labels_begin_with_counts_for_nothing_where_it_cannot_be_told_apart() {
    let upstream = Upstream::start(move |body| match labels(body).len() {
        0 => Said::Text("Because.".to_owned()),
        2 => Said::Text("Neither.".to_owned()),
        _ => Said::Tokens(vec![
            ("{\"answer\":\"", vec![("{\"answer\":\"", 1.0)]),
            ("Yes", vec![("Yes", 0.5), ("Not", 0.4), ("Gener", 0.1)]),
            ("\"}", vec![("\"}", 1.0)]),
        ]),
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let at = prepared(dir.path(), 1, &upstream).await;
    let (scores, messages) = judged(&at, "Builtin.Completeness").await;
    let score = &scores[0];
    assert_eq!((score.label.as_deref(), score.error.as_deref(), messages.len()), (Some("Yes"), None, 0));
    let wanted = [0.0, 0.0, 0.0, 0.1 / 0.6, 0.5 / 0.6];
    assert!(score.probabilities.iter().zip(wanted).all(|(one, other)| (one - other).abs() < 1e-5), "{score:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_fails_at_telling_probabilities_judges_without_them() {
    let upstream = Upstream::start(|body| match labels(body).is_empty() {
        true => Said::Text("Because.".to_owned()),
        false if body["logprobs"] == true => Said::Status(500, "a crash"),
        false => label("No"),
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let at = prepared(dir.path(), 3, &upstream).await;
    let (scores, messages) = judged(&at, "Builtin.Refusal").await;
    assert!(messages.is_empty() && scores.iter().all(|score| score.result == Some(0.0)), "{scores:?}");
    let asked = upstream.asked.lock().unwrap();
    assert_eq!(asked.iter().filter(|body| body["logprobs"] == true).count(), 3, "by the first record alone");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_refuses_to_tell_probabilities_is_asked_for_them_once() {
    let upstream = Upstream::start(|body| match labels(body).is_empty() {
        true => Said::Text("Because.".to_owned()),
        false if body["logprobs"] == true => Said::Status(400, "`logprobs` is not supported"),
        false => label("No"),
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let at = prepared(dir.path(), 3, &upstream).await;
    let (scores, messages) = judged(&at, "Builtin.Refusal").await;
    assert!(messages.is_empty() && scores.iter().all(|score| score.result == Some(0.0)), "{scores:?}");
    let asked = upstream.asked.lock().unwrap();
    assert_eq!(asked.iter().filter(|body| body["logprobs"] == true).count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_holds_no_answer_to_a_schema_is_told_in_every_record() {
    let upstream = Upstream::start(|body| match body["response_format"].is_null() {
        true => Said::Text("Because.".to_owned()),
        false => Said::Status(400, "`response_format` is not supported"),
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let at = prepared(dir.path(), 1, &upstream).await;
    let asked = Asked { systems: vec![own()], judge: Some(JUDGE.to_owned()), ..asked(&["Builtin.Refusal"]) };
    let job = at.evaluate_as("refused", asked).await.unwrap();
    while at.jobs.run_due_once().await.unwrap() > 0 {}
    let job = at.evaluations.get(&at.ctx, &job.id).await.unwrap();
    assert_eq!(job.status, EvaluationStatus::Failed, "no score was given");
    assert!(job.messages[0].contains(&format!("The judge `{JUDGE}`")), "{:?}", job.messages);
    assert!(job.messages[0].contains("`response_format` is not supported"), "{:?}", job.messages);
}

/// Lets a pool of this one member answer for the judge.
async fn pooled(at: &Deployment, upstream: &Upstream, model: &str) {
    let member = NewMember { base_url: upstream.url.clone(), model: model.to_owned(), ..NewMember::default() };
    at.models.put_pool(&at.ctx, "panel", NewPool { members: vec![member], max_queue: None }).await.unwrap();
    at.models.set_alias(&at.ctx, JUDGE, Target::Pool { name: "panel".to_owned() }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_of_other_members_is_another_judge() {
    let upstream = Upstream::start(|body| match labels(body).is_empty() {
        true => Said::Text("Because.".to_owned()),
        false => label("Yes"),
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let at = prepared(dir.path(), 1, &upstream).await;
    let mut keys = Vec::new();
    for (name, model) in [("one", "m"), ("again", "m"), ("other", "n")] {
        pooled(&at, &upstream, model).await;
        let (scores, _) = judged_as(&at, name, "Builtin.Refusal").await;
        keys.push(scores[0].judged_by.clone().unwrap());
    }
    assert!(keys[0] == keys[1] && keys[0].starts_with("pool:panel ") && keys[0] != keys[2], "{keys:?}");
}

/// Two jobs that bring the same answers, to be compared pair by pair.
async fn two_jobs(at: &Deployment) -> [String; 2] {
    for name in ["one", "two"] {
        at.evaluate(name, own(), &["Craton.TokenF1"]).await.unwrap();
    }
    while at.jobs.run_due_once().await.unwrap() > 0 {}
    [at.named("one").await.unwrap().id, at.named("two").await.unwrap().id]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pairs_that_failed_are_asked_for_again_by_another_comparison() {
    let answers = Arc::new(AtomicBool::new(false));
    let is_well = Arc::clone(&answers);
    let upstream = Upstream::start(move |_| match is_well.load(Ordering::SeqCst) {
        true => label("A"),
        false => Said::Text("Both are fine.".to_owned()),
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let at = prepared(dir.path(), 2, &upstream).await;
    let ids = two_jobs(&at).await;
    let compared = || async {
        let sides = ids.each_ref().map(|id| (id.as_str(), Part::default()));
        let (work, _) = at.evaluations.start_pairwise(&at.ctx, sides[0], sides[1], JUDGE).await.unwrap();
        while at.jobs.run_due_once().await.unwrap() > 0 {}
        let told: Option<Pairwise> = at.evaluations.pairwise(&at.ctx, work.id.as_str()).await.unwrap().1;
        let told = told.unwrap();
        (told.pairs, told.failed)
    };
    assert_eq!(compared().await, (2, 2));
    answers.store(true, Ordering::SeqCst);
    assert_eq!(compared().await, (2, 0));
    let asked = upstream.asked.lock().unwrap().len();
    assert_eq!(compared().await, (2, 0), "from what is kept");
    assert_eq!(upstream.asked.lock().unwrap().len(), asked);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_judge_that_changes_among_the_pairs_ends_the_comparison() {
    let upstream = Upstream::start(|_| {
        std::thread::sleep(Duration::from_millis(10));
        label("A")
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let at = prepared(dir.path(), 40, &upstream).await;
    pooled(&at, &upstream, "m").await;
    let ids = two_jobs(&at).await;
    let sides = ids.each_ref().map(|id| (id.as_str(), Part::default()));
    let (work, _) = at.evaluations.start_pairwise(&at.ctx, sides[0], sides[1], JUDGE).await.unwrap();
    let change = async {
        while upstream.asked.lock().unwrap().len() < 5 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        pooled(&at, &upstream, "n").await;
    };
    let (ran, ()) = tokio::join!(at.jobs.run_due_once(), change);
    ran.unwrap();
    let (work, told) = at.evaluations.pairwise(&at.ctx, work.id.as_str()).await.unwrap();
    assert!(told.is_none());
    let error = work.error.unwrap();
    assert_eq!(error.message, format!("What answers for the judge `{JUDGE}` changed while it compared the answers."));
}
