//! What judges are asked in evaluation jobs, and what comes of it: scales, parts of answers, passages, and what the dataset names.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::path::Path;
use std::sync::{Arc, Mutex};

use base::ErrorKind;
use inference::fake::FakeLoader;
use models::Target;
use orchestration::evaluations::plan::{Asked, AskedCustom, Parameters, System};
use orchestration::evaluations::report::{Part, ReportRow, report_json};
use orchestration::evaluations::{EvaluationJob, EvaluationStatus, HumanLabel};
use serde_json::{Value, json};

#[path = "support/deployment.rs"]
mod deployment;
#[path = "support/noting.rs"]
mod noting;

use deployment::{Deployment, JUDGE, asked, line, own};
use noting::NotingLoader;

/// How the question on a part of an answer begins.
const PART: &str = "A part of the response is:";

type Prompts = Arc<Mutex<Vec<String>>>;

/// A deployment with a dataset of these lines, and what its models are asked.
async fn prepared(dir: &Path, lines: &[Value]) -> (Deployment, Prompts) {
    let prompts = Prompts::default();
    let noted = Arc::clone(&prompts);
    let note = move |prompt: &str| noted.lock().unwrap().push(prompt.to_owned());
    let at = Deployment::open(dir, Arc::new(NotingLoader(Arc::new(note))), 2).await.unwrap();
    let dataset: String = lines.iter().map(|line| format!("{line}\n")).collect();
    at.prepare(dir, &dataset).await.unwrap();
    (at, prompts)
}

/// A job that is run to its end.
async fn ended(at: &Deployment, name: &str, asked: Asked) -> EvaluationJob {
    let job = at.evaluate_as(name, asked).await.unwrap();
    while at.jobs.run_due_once().await.unwrap() > 0 {}
    at.evaluations.get(&at.ctx, &job.id).await.unwrap()
}

/// The turns of a job that is run to its completion.
async fn turns(at: &Deployment, name: &str, asked: Asked) -> Vec<ReportRow> {
    let job = ended(at, name, asked).await;
    assert_eq!(job.status, EvaluationStatus::Completed, "{:?}", job.messages);
    at.evaluations.rows(&at.ctx, &job.id, None, usize::MAX).await.unwrap()
}

fn of_mine() -> System {
    System::RagAnswers { source: "mine".to_owned() }
}

fn with(system: System, metrics: &[&str]) -> Asked {
    Asked { systems: vec![system], ..asked(metrics) }
}

/// A record with an answer that was written from passages.
fn answered(number: usize, answer: &str, passages: &[String]) -> Value {
    let passage = |text: &String| json!({"content": {"text": text}});
    json!({"conversationTurns": [{
        "prompt": {"content": [{"text": format!("What is known of hernia {number}?")}]},
        "referenceResponses": [{"content": [{"text": "A hernia."}]}],
        "output": {"text": answer, "knowledgeBaseIdentifier": "mine",
            "retrievedPassages": {"retrievalResults": passages.iter().map(passage).collect::<Vec<_>>()},
            "citations": [{"generatedResponsePart": {"textResponsePart": {"text": answer}},
                "retrievedReferences": passages.iter().map(passage).collect::<Vec<_>>()}]}}]})
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nova_2_lite_answers_on_its_own_scales_whatever_model_answers_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let passages = texts(&["There is a hernia."]);
    let lines: Vec<Value> = (0..24).map(|number| answered(number, &format!("Hernia {number}."), &passages)).collect();
    let (at, prompts) = prepared(dir.path(), &lines).await;
    let judge = "us.amazon.nova-2-lite-v1:0";
    at.models.set_alias(&at.ctx, "amazon.nova-2-lite-v1:0", Target::Local { name: JUDGE.to_owned() }).await.unwrap();
    let metrics = ["Builtin.Helpfulness", "Builtin.LogicalCoherence", "Builtin.Faithfulness"];
    let by = |judge: &str| Asked { judge: Some(judge.to_owned()), ..with(of_mine(), &metrics) };
    let rows = turns(&at, "nova", by(judge)).await;
    assert!(prompts.lock().unwrap().iter().all(|prompt| !prompt.contains("neither helpful nor unhelpful")));
    for (metric, labels) in [(0, 6), (1, 3), (2, 5)] {
        for row in &rows {
            let score = &row.outcome.scores[metric];
            let step = score.result.unwrap() * (labels - 1) as f64;
            assert!((step - step.round()).abs() < 1e-9 && score.probabilities.len() == labels, "{score:?}");
        }
    }
    let job = at.named("nova").await.unwrap();
    let report = report_json(&at.evaluations.report(&at.ctx, &job.id).await.unwrap());
    let bars = |metric: usize| report["results"][0]["card"]["metrics"][metric]["histogram"].as_array().unwrap().clone();
    assert_eq!((bars(0).len(), bars(0)[1]["from"].as_f64(), bars(1).len()), (6, Some(0.2), 3));
    let rated = |label: usize| {
        let label = |record: usize| HumanLabel { record, turn: 1, metric: metrics[0].to_owned(), label };
        (1..25).map(label).collect::<Vec<_>>()
    };
    let beyond = at.evaluations.calibrate(&at.ctx, &job.id, &rated(6)).await.unwrap_err();
    assert_eq!(beyond.hint.as_deref(), Some("Its labels are 0 to 5."));
    let passports = at.evaluations.calibrate(&at.ctx, &job.id, &rated(5)).await.unwrap();
    assert_eq!(passports[0].labels, 6);

    let rows = turns(&at, "usual", by(JUDGE)).await;
    assert_eq!(rows[0].outcome.scores.iter().map(|score| score.probabilities.len()).collect::<Vec<_>>(), [7, 5, 5]);
    let job = at.named("usual").await.unwrap();
    let report = report_json(&at.evaluations.report(&at.ctx, &job.id).await.unwrap());
    let calibration = &report["results"][0]["card"]["metrics"][0]["calibration"];
    assert!(calibration.as_str().unwrap().starts_with("not calibrated"), "of another scale: {calibration}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_passport_is_that_of_the_model_that_judged_whatever_answers_for_its_id_by_then() {
    const METRIC: &str = "Builtin.Refusal";
    let dir = tempfile::tempdir().unwrap();
    let (at, _) = prepared(dir.path(), &(0..24).map(line).collect::<Vec<_>>()).await;
    at.pull(dir.path(), "other.gguf").await.unwrap();
    let answers = async |name: &str| {
        let target = Target::Local { name: name.to_owned() };
        at.models.set_alias(&at.ctx, "my.judge", target).await.unwrap();
    };
    let asked = Asked { judge: Some("my.judge".to_owned()), ..with(own(), &[METRIC]) };
    answers(JUDGE).await;
    turns(&at, "before", asked.clone()).await;
    answers("other").await;
    turns(&at, "after", asked).await;
    let label = |record: usize| HumanLabel { record, turn: 1, metric: METRIC.to_owned(), label: record % 2 };
    let [before, after] = [at.named("before").await.unwrap(), at.named("after").await.unwrap()];
    at.evaluations.calibrate(&at.ctx, &before.id, &(1..25).map(label).collect::<Vec<_>>()).await.unwrap();
    let kept = async |judge: &str| at.evaluations.passports(&at.ctx, judge).await.unwrap().len();
    assert_eq!((kept(JUDGE).await, kept("other").await, kept("my.judge").await), (1, 0, 0));
    // What is known of one model stands beside what that one said.
    let trust = async |id: &str| {
        let report = at.evaluations.report(&at.ctx, id).await.unwrap();
        report.sections[0].trust(METRIC).unwrap()
    };
    assert!(trust(&before.id).await.contains("24 items"), "{}", trust(&before.id).await);
    assert!(trust(&after.id).await.starts_with("not calibrated"), "{}", trust(&after.id).await);
    let sides = [&before, &after].map(|job| (job.id.as_str(), Part::default()));
    let compared = at.evaluations.compare(&at.ctx, sides[0], sides[1]).await.unwrap();
    assert!(compared.is_judged_differently(), "by one id, and by two models");
    assert!(compared.metrics[0].trust[0] != compared.metrics[0].trust[1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_verdict_on_another_scale_goes_into_no_mean_of_todays() {
    let dir = tempfile::tempdir().unwrap();
    let (at, _) = prepared(dir.path(), &[answered(0, "A hernia.", &texts(&["A hernia."]))]).await;
    at.models.set_alias(&at.ctx, "amazon.nova-2-lite-v1:0", Target::Local { name: JUDGE.to_owned() }).await.unwrap();
    let asked =
        |metric: &str| Asked { judge: Some("amazon.nova-2-lite-v1:0".to_owned()), ..with(of_mine(), &[metric]) };
    for (name, metric, labels, goes_on) in [
        ("seven", "Builtin.Helpfulness", 7, false),
        ("six", "Builtin.Helpfulness", 6, true),
        ("five", "Builtin.Faithfulness", 5, true),
        ("old", "Builtin.Helpfulness", 0, true),
    ] {
        let job = at.evaluate_as(name, asked(metric)).await.unwrap();
        let score = json!({"metric": metric, "result": 0.0, "label": "l", "expected": 0.0, "margin": 0.0, "judge": JUDGE,
            "explanation": "", "left_out": 0, "error": null, "probabilities": vec![0.0; labels],
            "tokens": {"input": 0, "cached": 0, "output": 0}});
        let purpose = format!("evaluations/{}/parts", job.id);
        let sealed = &at.identity.keyring().seal(&purpose, score.to_string().as_bytes()).unwrap();
        let (ctx, id) = (&at.ctx, &job.id);
        let kept = at.store.write(|tx| async move {
            let sql =
                "INSERT INTO evaluations_parts (account, region, job, dataset, system, record, turn, part, content)
                       VALUES ($1, $2, $3, 0, 0, 0, 0, 0, $4)";
            tx.execute(sql, store::params![ctx.account(), ctx.region(), id, sealed]).await
        });
        kept.await.unwrap();
        while at.jobs.run_due_once().await.unwrap() > 0 {}
        let job = at.evaluations.get(&at.ctx, &job.id).await.unwrap();
        let status = if goes_on { EvaluationStatus::Completed } else { EvaluationStatus::Failed };
        assert_eq!(job.status, status, "{name}: {:?}", job.messages);
        assert!(goes_on || job.messages[0].contains("asked judges otherwise"), "{:?}", job.messages);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_judge_of_faithfulness_is_asked_of_each_sentence_and_its_tokens_count() {
    let dir = tempfile::tempdir().unwrap();
    let passages = texts(&["There is a moderate hiatal hernia. The heart is of normal size."]);
    let lines = [
        answered(1, "Moderate hiatal hernia. Broken ribs. The heart is of normal size, as before.", &passages),
        answered(2, "Moderate hiatal hernia.", &passages),
        answered(3, "Nobody. Knows.", &[]),
    ];
    let (at, prompts) = prepared(dir.path(), &lines).await;
    let rows = turns(&at, "faithful", with(of_mine(), &["Builtin.Faithfulness"])).await;
    let asked: Vec<String> = prompts.lock().unwrap().iter().filter(|prompt| prompt.contains(PART)).cloned().collect();
    let first = &rows[0].outcome;
    let spans = &first.scores[0].spans;
    assert!(spans.len() >= 3 && spans.iter().filter(|span| !span.is_claim).count() >= 2, "{spans:?}");
    let is_whole = |prompt: &&String| prompt.contains("How much of the information") && prompt.contains("Broken ribs.");
    let whole = prompts.lock().unwrap().iter().find(is_whole).cloned().unwrap();
    let record = whole.split("</record>").next().unwrap();
    assert!(
        asked.len() >= 3 && asked.iter().all(|prompt| prompt.starts_with(record)),
        "they begin as the metric's own"
    );
    assert!(rows[1].outcome.scores[0].spans.is_empty(), "of one sentence the metric itself is asked");
    assert!(rows[2].outcome.scores[0].spans.is_empty() && rows[2].outcome.unsupported.is_empty());
    for span in spans.iter().filter(|span| span.is_denied()) {
        let told = first.unsupported.iter().find(|told| (told.start, told.end) == (span.start, span.end)).unwrap();
        assert_eq!(told.judged, Some(span.supported));
        assert!(told.by.iter().any(|teller| teller.as_str() == "judge"), "{told:?}");
    }
    assert!(first.unsupported.iter().any(|told| told.text == "Broken ribs." && told.by[0].as_str() == "alignment"));
    // Each question reads the record, and most of it out of the cache.
    let (several, one) = (first.scores[0].tokens, rows[1].outcome.scores[0].tokens);
    assert!(several.input > one.input * 2 && several.cached > one.cached * 2, "{several:?} {one:?}");
    let text = &at.results("faithful").await.unwrap()[0];
    let line: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    let told = &line["conversationTurns"][0]["craton"]["unsupported"];
    assert!(told.as_array().unwrap().iter().all(|span| !span["by"].as_array().unwrap().is_empty()), "{told}");

    prompts.lock().unwrap().clear();
    turns(&at, "otherwise", with(of_mine(), &["Builtin.Helpfulness"])).await;
    assert!(!prompts.lock().unwrap().iter().any(|prompt| prompt.contains(PART)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_judge_that_is_not_usable_for_faithfulness_is_not_asked_of_sentences() {
    let dir = tempfile::tempdir().unwrap();
    let passages = texts(&["There is a moderate hiatal hernia."]);
    let lines: Vec<Value> =
        (0..24).map(|number| answered(number, &format!("Hernia {number}. Ribs."), &passages)).collect();
    let (at, prompts) = prepared(dir.path(), &lines).await;
    let asked = with(of_mine(), &["Builtin.Faithfulness"]);
    turns(&at, "first", asked.clone()).await;
    let parts = || prompts.lock().unwrap().iter().filter(|prompt| prompt.contains(PART)).count();
    assert!(parts() >= 48, "{}", parts());
    // Whoever always says the same cannot be beaten where people always do.
    let label = |record: usize| HumanLabel { record, turn: 1, metric: "Builtin.Faithfulness".to_owned(), label: 2 };
    let job = at.named("first").await.unwrap();
    let labels: Vec<HumanLabel> = (1..25).map(label).collect();
    assert!(!at.evaluations.calibrate(&at.ctx, &job.id, &labels).await.unwrap()[0].is_usable);
    prompts.lock().unwrap().clear();
    let rows = turns(&at, "second", asked).await;
    assert_eq!(parts(), 0);
    assert!(rows.iter().all(|row| row.outcome.scores[0].spans.is_empty()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passages_are_left_out_of_metrics_without_a_scale_and_that_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let passages: Vec<String> = (0..12).map(|at| format!("Passage {at}. {}", "It goes on. ".repeat(60))).collect();
    let (at, prompts) = prepared(dir.path(), &[answered(1, "It goes on.", &passages)]).await;
    let free = AskedCustom {
        name: "free".to_owned(),
        instructions: "What is said? {{context}}".to_owned(),
        scale: Vec::new(),
    };
    let custom_judge = Some(JUDGE.to_owned());
    let rows = turns(&at, "free", Asked { custom: vec![free], custom_judge, ..with(of_mine(), &["free"]) }).await;
    let score = &rows[0].outcome.scores[0];
    assert!((1..12).contains(&score.left_out) && score.error.is_none() && score.label.is_some(), "{score:?}");
    let last = prompts.lock().unwrap().last().cloned().unwrap();
    assert!(last.contains("Passage 0.") && !last.contains("Passage 11."), "the last ones are left out");
    let line: Value = serde_json::from_str(at.results("free").await.unwrap()[0].lines().next().unwrap()).unwrap();
    assert_eq!(line["conversationTurns"][0]["results"][0]["craton"]["passagesLeftOut"], score.left_out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_verdict_on_each_passage_is_explained_by_its_words() {
    let dir = tempfile::tempdir().unwrap();
    let endless = "x".repeat(500);
    let mut passages = texts(&["There is a hernia, known for years.", "Clear lungs."]);
    passages.push(format!("Known {endless}."));
    passages.extend((0..9).map(|number| format!("Passage {number}.")));
    let mut record = answered(1, &format!("Lungs clear {endless}."), &passages);
    let (at, _) = prepared(dir.path(), std::slice::from_ref(&record)).await;
    let rows = turns(&at, "cited", with(of_mine(), &["Builtin.CitationPrecision"])).await;
    let explanation = &rows[0].outcome.scores[0].explanation;
    let lines: Vec<&str> = explanation.lines().collect();
    assert!(lines[0].starts_with("Of 12 passages: `"), "{explanation}");
    assert!(lines[1].starts_with("1. `") && lines[1].ends_with("`: no word of the response"), "{explanation}");
    assert!(
        lines[2].ends_with("`: clear, lungs") && lines[3].ends_with(&format!("`: {}", "x".repeat(40))),
        "{explanation}"
    );
    assert_eq!((lines.len(), lines[11]), (12, "and 2 more"));

    let output = record["conversationTurns"][0]["output"].as_object_mut().unwrap();
    let found = output.remove("retrievedPassages").unwrap();
    output.insert("retrievedResults".to_owned(), found);
    let dir = tempfile::tempdir().unwrap();
    let (at, _) = prepared(dir.path(), &[record]).await;
    let found = System::RetrieveAnswers { source: "mine".to_owned() };
    let rows = turns(&at, "found", with(found, &["Builtin.ContextRelevance"])).await;
    let explanation = &rows[0].outcome.scores[0].explanation;
    let lines: Vec<&str> = explanation.lines().collect();
    assert!(lines[1].ends_with("`: hernia, known") && lines[2].ends_with("`: no word of the prompt"), "{explanation}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_of_another_source_than_the_jobs_are_named_by_line() {
    let dir = tempfile::tempdir().unwrap();
    let mut other = line(2);
    other["modelResponses"][0]["modelIdentifier"] = json!("theirs");
    let (at, _) = prepared(dir.path(), &[line(1), other]).await;
    let job = ended(&at, "models", with(own(), &["Craton.TokenF1"])).await;
    assert_eq!(job.status, EvaluationStatus::Failed);
    let told = "Line 2 of the dataset names `theirs` as `modelIdentifier`, and the job's `inferenceSourceIdentifier` is `mine`.";
    assert!(job.messages[0].starts_with(told), "{:?}", job.messages);
    assert!(at.results("models").await.unwrap().is_empty());

    let dir = tempfile::tempdir().unwrap();
    let (at, _) = prepared(dir.path(), &[answered(1, "A hernia.", &texts(&["A hernia."]))]).await;
    let system = System::RagAnswers { source: "theirs".to_owned() };
    let job = ended(&at, "answers", with(system, &["Craton.TokenF1"])).await;
    let told = "Line 1 of the dataset names `mine` as `knowledgeBaseIdentifier`, and the job's `ragSourceIdentifier` is `theirs`.";
    assert!(job.messages[0].starts_with(told), "{:?}", job.messages);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_generator_is_asked_as_the_job_says() {
    let dir = tempfile::tempdir().unwrap();
    let (at, _) = prepared(dir.path(), &[line(1)]).await;
    let with_parameters =
        |parameters: Parameters| with(System::Model { model: JUDGE.to_owned(), parameters }, &["Craton.TokenF1"]);
    let answer = |rows: Vec<ReportRow>| rows[0].outcome.output.clone().unwrap().text.unwrap();
    let greedy = answer(turns(&at, "greedy", with_parameters(Parameters::default())).await);
    let letter = greedy.chars().nth(greedy.chars().count() / 2).unwrap().to_string();
    let stopped = Parameters { stop: vec![letter.clone()], ..Parameters::default() };
    let stopped = answer(turns(&at, "stopped", with_parameters(stopped)).await);
    assert_eq!(stopped, greedy.split(&letter).next().unwrap());
    let drawn = |seed: u64| Parameters { temperature: Some(1.0), seed: Some(seed), ..Parameters::default() };
    let first = answer(turns(&at, "drawn", with_parameters(drawn(1))).await);
    assert_ne!(answer(turns(&at, "drawn-otherwise", with_parameters(drawn(2))).await), first, "the seed counts");
    let narrow = Parameters { top_k: Some(1), ..drawn(1) };
    assert_eq!(answer(turns(&at, "narrow", with_parameters(narrow)).await), greedy, "the likeliest token alone");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tags_of_a_job_are_kept_changed_and_checked() {
    let dir = tempfile::tempdir().unwrap();
    let at = Deployment::open(dir.path(), Arc::new(FakeLoader::default()), 1).await.unwrap();
    at.prepare(dir.path(), "").await.unwrap();
    let arn = at.evaluate("tagged", own(), &["Craton.TokenF1"]).await.unwrap().arn.to_string();
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let tags = || at.evaluations.tags(&at.ctx, &arn);
    assert_eq!(tags().await, Ok(Vec::new()));
    at.evaluations.tag(&at.ctx, &arn, vec![pair("team", "a"), pair("cost", "1")]).await.unwrap();
    at.evaluations.tag(&at.ctx, &arn, vec![pair("team", "b")]).await.unwrap();
    assert_eq!(tags().await, Ok(vec![pair("cost", "1"), pair("team", "b")]));
    at.evaluations.untag(&at.ctx, &arn, &["cost".to_owned(), "nothing".to_owned()]).await.unwrap();
    assert_eq!(at.named("tagged").await.unwrap().tags, [pair("team", "b")]);
    let twice = at.evaluations.tag(&at.ctx, &arn, vec![pair("k", "1"), pair("k", "2")]).await.unwrap_err();
    assert!(twice.kind == ErrorKind::Invalid && twice.message.contains("`k`"), "{twice}");
    let many = (0..200).map(|at| pair(&format!("k{at}"), "v")).collect();
    assert_eq!(at.evaluations.tag(&at.ctx, &arn, many).await.unwrap_err().code, Some("TooManyTagsException"));
    assert_eq!(tags().await, Ok(vec![pair("team", "b")]));
    let missing = arn.replace(&arn[arn.len() - 12..], "zzzzzzzzzzzz");
    for sent in [missing, arn.replace("arn:aws:", "arn:aws-x:"), arn.rsplit('/').next().unwrap().to_owned()] {
        assert_eq!(at.evaluations.tags(&at.ctx, &sent).await.unwrap_err().kind, ErrorKind::NotFound, "{sent}");
        assert_eq!(at.evaluations.untag(&at.ctx, &sent, &[]).await.unwrap_err().kind, ErrorKind::NotFound, "{sent}");
    }
}
