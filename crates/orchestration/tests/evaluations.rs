//! Evaluation jobs over a database, a bucket and fake models.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base::{ErrorKind, Random as _, SeededRandom};
use inference::fake::{FakeLoader, Gate, GatedLoader};
use orchestration::evaluations::dataset::{Output, Passage};
use orchestration::evaluations::outcome::{Score, Spent, Tokens};
use orchestration::evaluations::plan::{Asked, AskedCustom, Parameters, System};
use orchestration::evaluations::prices::{ModelPrice, Prices};
use orchestration::evaluations::report::{report_json, rows_json};
use orchestration::evaluations::{DatasetText, EvaluationStatus, HumanLabel, Rag};
use serde_json::{Value, json};

#[path = "support/deployment.rs"]
mod deployment;

use deployment::{Deployment, EMBEDDER, JUDGE, asked, line, own};

/// How often a job is stopped, and the most steps of the engine that it makes before: fewer than a job takes whose prompts were
/// read before.
const STOPS: usize = 100;
const MOST_STEPS: u64 = 120;
const METRICS: [&str; 3] = ["Builtin.Correctness", "Builtin.Completeness", "Craton.TokenF1"];

/// A deployment with a dataset of these lines.
async fn prepared(dir: &Path, lines: &[Value], at_once: usize) -> Deployment {
    let at = Deployment::open(dir, Arc::new(FakeLoader::default()), at_once).await.unwrap();
    let dataset: String = lines.iter().map(|line| format!("{line}\n")).collect();
    at.prepare(dir, &dataset).await.unwrap();
    at
}

fn lines(count: usize) -> Vec<Value> {
    (0..count).map(line).collect()
}

/// Returns once the engine stands at the closed gate. It is waited for on a thread that nobody joins: where a job ends before,
/// the test fails instead of hanging.
async fn until_held(gate: &Gate) {
    let (gate, (told, held)) = (gate.clone(), tokio::sync::oneshot::channel());
    std::thread::spawn(move || {
        gate.wait_until_held();
        told.send(()).unwrap_or_default();
    });
    let held = tokio::time::timeout(Duration::from_secs(30), held).await;
    assert!(matches!(held, Ok(Ok(()))), "the job ended, or stands, before the steps that it was allowed");
}

/// The lines of the results of a job that is run to its end.
async fn results(at: &Deployment, name: &str, asked: Asked) -> Vec<Value> {
    let job = at.evaluate_as(name, asked).await.unwrap();
    while at.jobs.run_due_once().await.unwrap() > 0 {}
    let job = at.evaluations.get(&at.ctx, &job.id).await.unwrap();
    assert_eq!(job.status, EvaluationStatus::Completed, "{:?}", job.messages);
    let results = at.results(name).await.unwrap();
    assert_eq!(results.len(), 1);
    results[0].lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn with(system: System, metrics: &[&str]) -> Asked {
    Asked { systems: vec![system], ..asked(metrics) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn results_are_the_same_bytes_whoever_works_and_however_often() {
    let mut texts = Vec::new();
    for at_once in [1, 8, 8] {
        let dir = tempfile::tempdir().unwrap();
        let at = prepared(dir.path(), &lines(20), at_once).await;
        let asked = Asked { askings: 2, ..with(own(), &METRICS) };
        results(&at, "job", asked).await;
        texts.push(at.results("job").await.unwrap().remove(0));
        at.store.close().await;
    }
    assert_eq!(texts[0].lines().count(), 20);
    assert!(texts[0] == texts[1] && texts[1] == texts[2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_is_stopped_in_the_middle_has_no_results_and_goes_on_no_more() {
    let (dir, gate) = (tempfile::tempdir().unwrap(), Gate::default());
    let at = Deployment::open(dir.path(), Arc::new(GatedLoader::new(JUDGE, &gate)), 2).await.unwrap();
    let dataset: String = lines(30).iter().map(|line| format!("{line}\n")).collect();
    at.prepare(dir.path(), &dataset).await.unwrap();
    gate.close();
    gate.allow(400);
    let running = at.jobs.start(1);
    let job = at.evaluate("job", own(), &METRICS).await.unwrap();
    until_held(&gate).await;
    let standing = at.evaluations.progress(&at.ctx, &job.id).await.unwrap();
    let done: u64 = standing.progress.iter().map(|progress| progress.done).sum();
    assert!(done > 0 && Some(done) < standing.job.total, "{done} of {:?}", standing.job.total);
    at.evaluations.stop(&at.ctx, &job.id).await.unwrap();
    gate.open();
    let ended = at.ended(&job).await.unwrap();
    assert_eq!(ended.status, EvaluationStatus::Stopped);
    assert!(at.results("job").await.unwrap().is_empty());
    assert_eq!(at.evaluations.stop(&at.ctx, &job.id).await.unwrap_err().kind, ErrorKind::Conflict);
    assert_eq!(at.jobs.run_due_once().await.unwrap(), 0, "nothing is left to do");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_is_stopped_at_any_step_leaves_nothing_and_the_next_one_is_whole() {
    let (dir, gate) = (tempfile::tempdir().unwrap(), Gate::default());
    let at = Deployment::open(dir.path(), Arc::new(GatedLoader::new(JUDGE, &gate)), 2).await.unwrap();
    let dataset: String = lines(4).iter().map(|line| format!("{line}\n")).collect();
    at.prepare(dir.path(), &dataset).await.unwrap();
    let running = at.jobs.start(1);
    let random = SeededRandom::new(7);
    let mut kept = std::collections::BTreeSet::new();
    for stop in 0..STOPS {
        gate.close();
        gate.allow((random.next_u64() % MOST_STEPS) as usize);
        let job = at.evaluate(&format!("stopped-{stop}"), own(), &METRICS).await.unwrap();
        until_held(&gate).await;
        at.evaluations.stop(&at.ctx, &job.id).await.unwrap();
        gate.open();
        assert_eq!(at.ended(&job).await.unwrap().status, EvaluationStatus::Stopped);
        assert!(at.results(&job.name).await.unwrap().is_empty());
        let standing = at.evaluations.progress(&at.ctx, &job.id).await.unwrap();
        kept.insert(standing.progress.iter().map(|progress| progress.done).sum::<u64>());
    }
    assert!(kept.len() > 1, "stopped at the same place each time: {kept:?}");
    let job = at.evaluate("whole", own(), &METRICS).await.unwrap();
    assert_eq!(at.ended(&job).await.unwrap().status, EvaluationStatus::Completed);
    assert_eq!(at.results("whole").await.unwrap()[0].lines().count(), 4);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passages_that_do_not_fit_are_left_out_from_the_last_and_that_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let passage =
        |number: usize| json!({"content": {"text": format!("Passage {number}. {}", "It goes on. ".repeat(60))}});
    let of = |passages: usize| {
        json!({"conversationTurns": [{"prompt": {"content": [{"text": "What is there?"}]}, "output": {
            "text": "It goes on.", "knowledgeBaseIdentifier": "mine",
            "retrievedPassages": {"retrievalResults": (0..passages).map(passage).collect::<Vec<_>>()}}}]})
    };
    let at = prepared(dir.path(), &[of(1), of(12)], 4).await;
    let system = System::RagAnswers { source: "mine".to_owned() };
    let lines = results(&at, "long", with(system, &["Builtin.Faithfulness"])).await;
    let score = |line: usize| &lines[line]["conversationTurns"][0]["results"][0];
    assert!(score(0)["result"].is_number() && score(0)["craton"].get("passagesLeftOut").is_none(), "{}", score(0));
    assert!(score(1)["result"].is_number(), "{}", score(1));
    let left_out = score(1)["craton"]["passagesLeftOut"].as_u64().unwrap();
    assert!((1..12).contains(&left_out), "{}", score(1));
    let job = at.all().await.unwrap().remove(0);
    let report = report_json(&at.evaluations.report(&at.ctx, &job.id).await.unwrap());
    assert_eq!(report["results"][0]["card"]["metrics"][0]["passagesLeftOut"], 1, "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_that_a_generator_cannot_answer_are_told_and_the_others_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut records = lines(4);
    // More than the model's context holds.
    records[2]["prompt"] = json!("word ".repeat(3_000));
    let at = prepared(dir.path(), &records, 4).await;
    let generator = System::Model { model: JUDGE.to_owned(), parameters: Parameters::default() };
    let lines = results(&at, "failing", with(generator, &["Builtin.Correctness", "Craton.TokenF1"])).await;
    for (number, line) in lines.iter().enumerate() {
        let scores = line["automatedEvaluationResult"]["scores"].as_array().unwrap();
        assert_eq!(scores.len(), 2);
        for score in scores {
            assert_eq!(score["result"].is_number(), number != 2, "{line}");
        }
    }
    assert!(lines[2]["craton"]["error"].as_str().unwrap().contains("too long"), "{}", lines[2]);
    let job = at.all().await.unwrap().remove(0);
    assert!(job.messages[0].starts_with("1 of 4 prompts were not answered: Input is too long"), "{:?}", job.messages);
    let report = report_json(&at.evaluations.report(&at.ctx, &job.id).await.unwrap());
    assert_eq!(report["results"][0]["card"]["unanswered"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn similarity_and_repeated_askings_are_told_beside_the_verdict() {
    let dir = tempfile::tempdir().unwrap();
    let mut records = lines(3);
    records[1]["modelResponses"][0]["response"] = records[1]["referenceResponse"].clone();
    // Longer than the embedding model reads.
    let long = "It is said again. ".repeat(400);
    (records[2]["referenceResponse"], records[2]["modelResponses"][0]["response"]) = (json!(long), json!(long));
    let at = prepared(dir.path(), &records, 4).await;
    let metrics = ["Builtin.Correctness", "Craton.EmbeddingSimilarity"];
    let lines = results(&at, "near", Asked { askings: 4, ..with(own(), &metrics) }).await;
    let score = |line: usize, metric: usize| &lines[line]["automatedEvaluationResult"]["scores"][metric];
    let similarity = |line: usize| score(line, 1)["result"].as_f64().unwrap_or_else(|| panic!("{}", score(line, 1)));
    assert!((0.0..0.999).contains(&similarity(0)), "{}", similarity(0));
    assert!((similarity(1) - 1.0).abs() < 1e-6 && (similarity(2) - 1.0).abs() < 1e-6);
    assert!(score(0, 1)["evaluatorDetails"].as_array().unwrap().is_empty(), "no judge");
    let repeated = &score(0, 0)["craton"]["repeated"];
    assert_eq!(repeated["askings"], 4);
    assert!((1..=4).contains(&repeated["agreeing"].as_u64().unwrap()));
    assert!(repeated["deviation"].is_number() && repeated["listedFalling"].is_number(), "{repeated}");
    let job = at.all().await.unwrap().remove(0);
    let report = report_json(&at.evaluations.report(&at.ctx, &job.id).await.unwrap());
    let metrics = &report["results"][0]["card"]["metrics"];
    assert_eq!((&metrics[0]["repeated"]["askings"], &metrics[1]["calibration"]), (&json!(4), &Value::Null), "{report}");
    let unknown = Asked { embedder: Some("nobody".to_owned()), ..with(own(), &["Craton.EmbeddingSimilarity"]) };
    assert_eq!(at.evaluate_as("unknown", unknown).await.unwrap_err().kind, ErrorKind::Invalid);
    assert_ne!(EMBEDDER, JUDGE);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn labels_of_people_give_a_passport_and_what_they_would_say() {
    let dir = tempfile::tempdir().unwrap();
    // People look how much of the reference an answer has; what the fake judge says has nothing to do with it.
    let human = |record: usize| record % 3;
    let rated = |number: usize| {
        let mut line = line(number);
        let answers = ["Nobody knows.".to_owned(), format!("It is said that {number:03}."), String::new()];
        let answer = match human(number) {
            2 => line["referenceResponse"].clone(),
            label => json!(answers[label]),
        };
        line["modelResponses"][0]["response"] = answer;
        line
    };
    let at = prepared(dir.path(), &(0..60).map(rated).collect::<Vec<_>>(), 4).await;
    let asked = Asked { askings: 2, ..with(own(), &["Builtin.Correctness", "Craton.RougeL"]) };
    results(&at, "judged", asked).await;
    let job = at.all().await.unwrap().remove(0);
    let label = |record: usize| HumanLabel {
        record,
        turn: 1,
        metric: "Builtin.Correctness".to_owned(),
        label: human(record - 1),
    };
    let labels: Vec<HumanLabel> = (1..61).map(label).collect();
    let passports = at.evaluations.calibrate(&at.ctx, &job.id, &labels).await.unwrap();
    assert!(passports[0].is_telling(), "{}", passports[0].line());
    assert_eq!(passports[0].methods.len(), 4, "{:?}", passports[0].methods);
    assert!(passports[0].position.is_some());
    let report = report_json(&at.evaluations.report(&at.ctx, &job.id).await.unwrap());
    let calibrated = &report["results"][0]["card"]["metrics"][0]["calibrated"];
    assert!((calibrated["value"].as_f64().unwrap() - 0.5).abs() < 0.1, "{calibrated}");
    let rows = at.evaluations.rows(&at.ctx, &job.id, None, 1).await.unwrap();
    assert_eq!(rows_json(&rows)["rows"][0]["scores"][0]["repeated"]["askings"], 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dataset_is_looked_at_before_a_job_reads_it() {
    let dir = tempfile::tempdir().unwrap();
    let at = prepared(dir.path(), &[line(1), json!({"prompt": 1}), json!({"prompt": "p"})], 1).await;
    let check = |dataset: DatasetText| {
        let metrics = vec!["Craton.RougeL".to_owned()];
        at.evaluations.check_dataset(&at.ctx, (own(), None), (metrics, Vec::new()), (dataset, false))
    };
    let found = check(DatasetText::Uri("s3://evals/in.jsonl".to_owned())).await.unwrap();
    assert_eq!(found.records, 3);
    assert_eq!(found.problems.iter().map(|problem| problem.line).collect::<Vec<_>>(), [Some(2), Some(3)]);
    let found = check(DatasetText::Lines(line(1).to_string())).await.unwrap();
    assert!(found.records == 1 && found.problems.is_empty(), "{found:?}");
    let tone = AskedCustom {
        name: "tone".to_owned(),
        instructions: "{{prediction}} {{context}}".to_owned(),
        scale: Vec::new(),
    };
    let (metrics, dataset) = (vec!["tone".to_owned()], DatasetText::Lines(line(1).to_string()));
    let found =
        at.evaluations.check_dataset(&at.ctx, (own(), None), (metrics, vec![tone]), (dataset, false)).await.unwrap();
    assert_eq!(found.custom[0].names, ["prediction", "context"]);
    assert!(found.problems.len() == 1 && found.problems[0].message.contains("{{context}}"), "{found:?}");
    let error = check(DatasetText::Uri("s3://evals/nothing.jsonl".to_owned())).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid, "{error}");
    // Labels of people are places on the scales of the judge that is named.
    let mut rated = line(1);
    rated["labels"] = json!({"Builtin.Helpfulness": 6});
    let by = async |judge: Option<&str>| {
        let (metrics, lines) = (vec!["Builtin.Helpfulness".to_owned()], DatasetText::Lines(rated.to_string()));
        let found = at.evaluations.check_dataset(&at.ctx, (own(), judge), (metrics, Vec::new()), (lines, false));
        found.await.unwrap().problems
    };
    assert!(by(None).await.is_empty() && by(Some(JUDGE)).await.is_empty());
    let problems = by(Some("us.amazon.nova-2-lite-v1:0")).await;
    assert!(problems.len() == 1 && problems[0].message.contains("the label `6`"), "{problems:?}");
}

/// A record with an answer that was written from ten passages.
fn from_passages(number: usize) -> Value {
    let text = |text: String| json!({"content": {"text": text}});
    let passage =
        |at: usize| text(format!("Passage {at} of record {number}. {}", "It tells what it knows. ".repeat(4)));
    json!({"conversationTurns": [{
        "prompt": {"content": [{"text": format!("What is known of {number}?")}]},
        "referenceResponses": [{"content": [{"text": "It tells what it knows."}]}],
        "output": {"text": "It tells what it knows. And more.", "knowledgeBaseIdentifier": "mine",
            "retrievedPassages": {"retrievalResults": (0..10).map(passage).collect::<Vec<_>>()}}}]})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nearly_all_that_a_judge_has_read_before_comes_from_the_cache() {
    let dir = tempfile::tempdir().unwrap();
    let at = prepared(dir.path(), &(0..4).map(from_passages).collect::<Vec<_>>(), 2).await;
    let system = System::RagAnswers { source: "mine".to_owned() };
    // Metrics that read the same do not stand beside each other.
    let metrics = [
        "Builtin.Faithfulness",
        "Builtin.Correctness",
        "Builtin.LogicalCoherence",
        "Builtin.Helpfulness",
        "Builtin.Completeness",
    ];
    results(&at, "cached", with(system, &metrics)).await;
    let report = report_json(&at.evaluations.report(&at.ctx, &at.named("cached").await.unwrap().id).await.unwrap());
    let card = &report["results"][0]["card"];
    for group in card["cachedShare"].as_array().unwrap() {
        let (share, bound) = (group["share"].as_f64().unwrap(), group["bound"].as_f64().unwrap());
        // A little more may come from the cache: records share some words beyond the preamble, which the bound does not count.
        assert!(bound < 1.0 && (bound - 0.05..=bound + 0.02).contains(&share), "{group}");
    }
    let tokens = |what: &str| card["tokens"]["judge"][what].as_f64().unwrap();
    assert!(tokens("cached") / tokens("input") > 0.65, "{card}");
}

/// A knowledge base whose answers cost tokens.
struct Costly;

#[async_trait::async_trait]
impl Rag for Costly {
    async fn retrieve(&self, _: &identity::Ctx, _: &Value, _: &str) -> base::Result<(Output, Spent)> {
        let passages = vec![Passage { text: "Nothing is known.".to_owned(), ..Passage::default() }];
        let output = Output { passages, ..Output::default() };
        let filter = Tokens { input: 11, output: 2, ..Tokens::default() };
        Ok((output, Spent { filter, ..Spent::default() }))
    }

    async fn retrieve_and_generate(
        &self,
        _: &identity::Ctx,
        _: &Value,
        _: &[(String, String)],
        query: &str,
    ) -> base::Result<(Output, Spent)> {
        let output = Output { text: Some(format!("Nothing on {query}")), ..Output::default() };
        let generator = Tokens { input: 100, cached: 30, output: 7, ..Tokens::default() };
        Ok((output, Spent { generator, filter: Tokens { input: 20, output: 3, ..Tokens::default() } }))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tokens_of_a_knowledge_bases_answers_are_accounted_to_the_model_that_took_them() {
    let dir = tempfile::tempdir().unwrap();
    let record =
        |number: usize| json!({"conversationTurns": [{"prompt": {"content": [{"text": format!("{number}?")}]}}]});
    let at = prepared(dir.path(), &[record(1), record(2), record(3)], 2).await;
    at.evaluations.ask_knowledge_bases(Arc::new(Costly));
    let price = |model: &str, input, output| ModelPrice { model: model.to_owned(), input, cached: None, output };
    let priced = |asked: Asked, models: Vec<ModelPrice>| Asked { prices: Prices { per_hour: None, models }, ..asked };
    let search = json!({"vectorSearchConfiguration": {"implicitFilterConfiguration": {"modelArn": "reader"}}});
    let base = json!({"knowledgeBaseConfiguration":
        {"knowledgeBaseId": "ABCDEFGHIJ", "modelArn": JUDGE, "retrievalConfiguration": search}});
    let system = System::RetrieveAndGenerate { configuration: base };
    let prices = vec![price(JUDGE, 2.0, 10.0), price("reader", 50.0, 1_000.0)];
    results(&at, "costly", priced(with(system, &["Craton.ImpressionRules"]), prices)).await;
    let report = report_json(&at.evaluations.report(&at.ctx, &at.named("costly").await.unwrap().id).await.unwrap());
    let tokens = &report["results"][0]["card"]["tokens"]["generator"];
    assert_eq!((&tokens["input"], &tokens["cached"], &tokens["output"]), (&json!(300), &json!(90), &json!(21)));
    let costs = report["results"][0]["costs"].as_array().unwrap();
    assert_eq!((costs.len(), &costs[0]["modelId"], &costs[1]["modelId"]), (2, &json!(JUDGE), &json!("reader")));
    let wanted: [f64; 2] = [(300.0 * 2.0 + 21.0 * 10.0) / 1e6, (60.0 * 50.0 + 9.0 * 1_000.0) / 1e6];
    for (cost, wanted) in costs.iter().zip(wanted) {
        assert!((cost["cost"].as_f64().unwrap() - wanted).abs() < 1e-12, "{costs:?}");
    }
    let base = json!({"knowledgeBaseId": "ABCDEFGHIJ", "knowledgeBaseRetrievalConfiguration": search});
    let system = System::Retrieve { configuration: base };
    results(&at, "searched", priced(with(system, &["Builtin.ContextRelevance"]), vec![price(JUDGE, 2.0, 10.0)])).await;
    let report = report_json(&at.evaluations.report(&at.ctx, &at.named("searched").await.unwrap().id).await.unwrap());
    let tokens = &report["results"][0]["card"]["tokens"];
    assert_eq!((&tokens["filter"]["input"], &tokens["generator"]["input"]), (&json!(33), &json!(0)));
    assert_eq!(report["results"][0]["unpriced"], json!(["reader"]), "the judge has a price, and it has none");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_judge_whose_file_is_damaged_or_gone_ends_the_job_and_another_one_does_once_it_is_repaired() {
    let dir = tempfile::tempdir().unwrap();
    let at = prepared(dir.path(), &lines(3), 2).await;
    at.pull(dir.path(), "other.gguf").await.unwrap();
    let blobs = std::fs::read_dir(dir.path().join("models/blobs")).unwrap().map(|entry| entry.unwrap().path());
    let blob = blobs.into_iter().find(|file| std::fs::read(file).unwrap() == b"other.gguf").unwrap();
    let generator = System::Model { model: JUDGE.to_owned(), parameters: Parameters::default() };
    let judge = Some("other".to_owned());
    let asked = Asked { judge, ..with(generator, &["Builtin.Correctness", "Craton.TokenF1"]) };
    for (name, reason) in [("damaged", "it has 3 of 10 bytes"), ("gone", "it has 0 of 10 bytes")] {
        match name {
            "damaged" => std::fs::write(&blob, "oth").unwrap(),
            _ => std::fs::remove_file(&blob).unwrap(),
        }
        let job = at.evaluate_as(name, asked.clone()).await.unwrap();
        while at.jobs.run_due_once().await.unwrap() > 0 {}
        let standing = at.evaluations.progress(&at.ctx, &job.id).await.unwrap();
        assert_eq!(standing.job.status, EvaluationStatus::Failed);
        assert!(standing.job.messages[0].contains(reason), "{:?}", standing.job.messages);
        assert!(standing.job.messages[0].contains("craton models pull other"), "{:?}", standing.job.messages);
        // Answers were written before the judge was asked, and no score stands for what could not be judged.
        assert!(standing.progress.iter().any(|progress| progress.metric.is_none() && progress.done > 0));
        assert!(standing.progress.iter().all(|progress| progress.metric.as_deref() != Some("Builtin.Correctness")));
        assert!(at.results(name).await.unwrap().is_empty());
    }
    std::fs::write(&blob, "other.gguf").unwrap();
    assert_eq!(results(&at, "repaired", asked).await.len(), 3);
}

/// Keeps for a job what a server of the first form did: the hash of its dataset alone and, where one is given, the first record's
/// score in the first metric.
async fn keep_as_before(at: &Deployment, job: &str, dataset: &str, score: Option<&Score>) {
    let hash = ring::digest::digest(&ring::digest::SHA256, dataset.as_bytes());
    let hash: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let digest = (-1_i64, -1_i64, json!(hash));
    let score = score.map(|score| (0_i64, 0_i64, serde_json::to_value(score).unwrap()));
    for (record, part, content) in std::iter::once(digest).chain(score) {
        let purpose = format!("evaluations/{job}/parts");
        let sealed = &at.identity.keyring().seal(&purpose, content.to_string().as_bytes()).unwrap();
        let kept = at.store.write(|tx| async move {
            let sql =
                "INSERT INTO evaluations_parts (account, region, job, dataset, system, record, turn, part, content)
                       VALUES ($1, $2, $3, 0, 0, $4, 0, $5, $6)";
            let params = store::params![at.ctx.account(), at.ctx.region(), job, record, part, sealed];
            tx.execute(sql, params).await
        });
        kept.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_of_an_earlier_version_goes_on_where_nothing_was_judged_in_other_prompts() {
    let dir = tempfile::tempdir().unwrap();
    let records: Vec<Value> = (0..2).map(from_passages).collect();
    let at = prepared(dir.path(), &records, 2).await;
    let dataset: String = records.iter().map(|line| format!("{line}\n")).collect();
    let score = |metric: &str| Score {
        metric: metric.to_owned(),
        result: Some(0.25),
        judge: Some(JUDGE.to_owned()),
        ..Score::default()
    };
    let run = async |name: &str, metrics: &[&str], kept: Option<Score>| {
        let system = System::RagAnswers { source: "mine".to_owned() };
        let job = at.evaluate_as(name, with(system, metrics)).await.unwrap();
        keep_as_before(&at, &job.id, &dataset, kept.as_ref()).await;
        while at.jobs.run_due_once().await.unwrap() > 0 {}
        at.evaluations.get(&at.ctx, &job.id).await.unwrap()
    };
    let unjudged = run("unjudged", &["Builtin.Helpfulness"], None).await;
    assert_eq!(unjudged.status, EvaluationStatus::Completed, "{:?}", unjudged.messages);
    let alike = run("alike", &["Builtin.Refusal", "Builtin.Helpfulness"], Some(score("Builtin.Refusal"))).await;
    assert_eq!(alike.status, EvaluationStatus::Completed, "{:?}", alike.messages);
    let line: Value = serde_json::from_str(at.results("alike").await.unwrap()[0].lines().next().unwrap()).unwrap();
    assert_eq!(line["conversationTurns"][0]["results"][0]["result"], 0.25, "what is kept is not asked again: {line}");
    // All records have a reference answer: no judge of correctness was shown passages. What failed, and what no judge was asked
    // for, was given on no prompt.
    let failed = Score { result: None, error: Some("too long".to_owned()), ..score("Builtin.Helpfulness") };
    for (name, metrics, kept) in [
        ("referenced", vec!["Builtin.Correctness"], score("Builtin.Correctness")),
        ("failed", vec!["Builtin.Helpfulness"], failed),
        ("computed", vec!["Craton.TokenF1", "Builtin.Helpfulness"], score("Craton.TokenF1")),
    ] {
        let job = run(name, metrics.as_slice(), Some(kept)).await;
        assert_eq!(job.status, EvaluationStatus::Completed, "{name}: {:?}", job.messages);
    }
    let otherwise = run("otherwise", &["Builtin.Helpfulness"], Some(score("Builtin.Helpfulness"))).await;
    assert_eq!(otherwise.status, EvaluationStatus::Failed);
    assert!(otherwise.messages[0].contains("asked judges otherwise"), "{:?}", otherwise.messages);
    // What a dataset calls the source of its answers was not looked at.
    for (name, is_begun, status) in
        [("begun", true, EvaluationStatus::Completed), ("unbegun", false, EvaluationStatus::Failed)]
    {
        let system = System::RagAnswers { source: "theirs".to_owned() };
        let job = at.evaluate_as(name, with(system, &["Builtin.Refusal"])).await.unwrap();
        if is_begun {
            keep_as_before(&at, &job.id, &dataset, None).await;
        }
        while at.jobs.run_due_once().await.unwrap() > 0 {}
        let job = at.evaluations.get(&at.ctx, &job.id).await.unwrap();
        assert_eq!(job.status, status, "{name}: {:?}", job.messages);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_left_is_not_told_of_a_job_that_nothing_works_on() {
    let dir = tempfile::tempdir().unwrap();
    let at = prepared(dir.path(), &lines(2), 2).await;
    let wanted = Asked { systems: vec![own()], ..asked(&["Builtin.Completeness"]) };
    let job = at.evaluate_as("waiting", wanted).await.unwrap();
    let score = Score { metric: "Builtin.Completeness".to_owned(), result: Some(0.25), ..Score::default() };
    keep_as_before(&at, &job.id, "", Some(&score)).await;
    let (ctx, id) = (&at.ctx, &job.id);
    let begun = at.store.write(|tx| async move {
        let sql = "UPDATE evaluations_jobs SET total = 4, begun_at = 0, begun_with = 0
                   WHERE account = $1 AND region = $2 AND id = $3";
        tx.execute(sql, store::params![ctx.account(), ctx.region(), id]).await
    });
    begun.await.unwrap();
    let report = at.evaluations.progress(&at.ctx, &job.id).await.unwrap();
    let kept: u64 = report.progress.iter().map(|progress| progress.done).sum();
    assert!(kept == 1 && report.job.begun.is_some() && report.job.total == Some(4), "{report:?}");
    assert_eq!(report.seconds_left, None);
}
