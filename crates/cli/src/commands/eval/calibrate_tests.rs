use super::*;
use crate::eval_args::Kind;
use crate::fake;

const PASSPORT: &str = r#"{"passports":[{"metricName":"Builtin.Refusal","items":20,"usable":true}]}"#;
const CHECKED: &str = r#"{"problems":[],"scales":[{"metricName":"Builtin.Refusal","labels":["No","Yes"]}]}"#;
const COMPLETED: &str =
    r#"{"status":"Completed","jobArn":"arn:aws:bedrock:us-east-1:111122223333:evaluation-job/abc"}"#;

fn args(dataset: &str) -> Calibrate {
    Calibrate {
        named: "judge".to_owned(),
        labels: None,
        dataset: Some(dataset.to_owned()),
        job: None,
        to: Some("s3://evals/out".to_owned()),
        role_arn: Some("arn:aws:iam::111122223333:role/E".to_owned()),
        name: Some("rated".to_owned()),
        metrics: vec!["Craton.RougeL".to_owned()],
        custom_metrics: Vec::new(),
        askings: 2,
    }
}

fn record(label: usize) -> String {
    let answer = json!({"response": "a", "modelIdentifier": "mine"});
    json!({"prompt": "p", "referenceResponse": "r", "modelResponses": [answer], "labels": {"Builtin.Refusal": label}})
        .to_string()
}

/// A file of 20 records with labels.
fn dataset(dir: &tempfile::TempDir, last: usize) -> String {
    let lines: Vec<String> = (0..19).map(|at| record(at % 2)).chain([record(last)]).collect();
    let file = dir.path().join("my rated.jsonl");
    fs::write(&file, lines.join("\n")).unwrap();
    file.display().to_string()
}

#[tokio::test]
async fn a_rated_dataset_is_uploaded_judged_and_compared() {
    let dir = tempfile::tempdir().unwrap();
    let file = dataset(&dir, 1);
    let job = r#"{"jobId":"abc","warnings":[]}"#;
    let answers = [(200, CHECKED), (200, ""), (202, job), (200, COMPLETED), (200, PASSPORT)];
    let (client, asked) = fake::server(&answers);
    run(&client, &args(&file), Format::Text, "").await.unwrap();
    let asked = asked.join().unwrap();
    let text = fs::read_to_string(&file).unwrap();
    let checked = asked[0].json();
    assert_eq!(
        (&checked["kind"], &checked["lines"], &checked["judge"]),
        (&json!("model"), &json!(text), &json!("judge"))
    );
    let uri = format!("/evals/out/my-rated-{}.jsonl", digits(&text));
    assert!(asked[1].line.starts_with(&format!("PUT {uri} HTTP")), "{}", asked[1].line);
    assert_eq!(asked[1].body, text);
    let body = asked[2].json();
    let dataset = &body["evaluationConfig"]["automated"]["datasetMetricConfigs"][0];
    assert_eq!(dataset["dataset"]["datasetLocation"]["s3Uri"], format!("s3:/{uri}"));
    assert_eq!(dataset["metricNames"], json!(["Builtin.Refusal", "Craton.RougeL"]));
    assert_eq!((&body["jobName"], &body["craton"]["askings"]), (&json!("rated"), &json!(2)));
    assert_eq!(
        body["inferenceConfig"]["models"],
        json!([{"precomputedInferenceSource": {"inferenceSourceIdentifier": "mine"}}])
    );
    assert!(asked[3].line.starts_with("GET /craton/v1/evaluation-jobs/abc/report?format=progress HTTP"));
    assert!(asked[4].line.starts_with("POST /craton/v1/evaluation-jobs/abc/calibrate HTTP"));
    let labels = asked[4].json();
    assert_eq!(labels["labels"].as_array().unwrap().len(), 20);
    assert_eq!(labels["labels"][1], json!({"record": 2, "turn": 1, "metric": "Builtin.Refusal", "label": 1}));
}

#[tokio::test]
async fn a_dataset_in_s3_is_judged_as_it_was_read() {
    let dir = tempfile::tempdir().unwrap();
    let text: &'static str = fs::read_to_string(dataset(&dir, 1)).unwrap().leak();
    let job = r#"{"jobId":"abc","warnings":[]}"#;
    let answers = [(200, text), (200, CHECKED), (200, ""), (202, job), (200, COMPLETED), (200, PASSPORT)];
    let (client, asked) = fake::server(&answers);
    run(&client, &args("s3://evals/in/rated.jsonl"), Format::Text, "").await.unwrap();
    let asked = asked.join().unwrap();
    assert!(asked[0].line.starts_with("GET /evals/in/rated.jsonl HTTP"), "{}", asked[0].line);
    let uri = format!("/evals/out/rated-{}.jsonl", digits(text));
    assert!(asked[2].line.starts_with(&format!("PUT {uri} HTTP")), "{}", asked[2].line);
    assert_eq!(asked[2].body, text);
    let body = asked[3].json();
    let dataset = &body["evaluationConfig"]["automated"]["datasetMetricConfigs"][0]["dataset"];
    assert_eq!(dataset["datasetLocation"]["s3Uri"], format!("s3:/{uri}"));
}

#[test]
fn a_job_is_come_back_to_in_words_that_a_shell_reads() {
    let told = again("judge", "my rated.jsonl", "abc", " --account 111122223333");
    assert_eq!(told, "craton eval calibrate judge --dataset 'my rated.jsonl' --job abc --account 111122223333");
}

#[tokio::test]
async fn nothing_is_uploaded_where_a_label_is_beyond_its_scale() {
    let dir = tempfile::tempdir().unwrap();
    let file = dataset(&dir, 2);
    let told = r#"{"problems":[{"line":20,"message":"Line 20 of the dataset has the label `2` of `Builtin.Refusal`."}],
        "scales":[{"metricName":"Builtin.Refusal","labels":["No","Yes"]}]}"#;
    let (client, asked) = fake::server(&[(200, told)]);
    let error = run(&client, &args(&file), Format::Text, "").await.unwrap_err().to_string();
    assert!(error.contains("1 problems"), "{error}");
    assert_eq!(asked.join().unwrap().len(), 1);
}

#[tokio::test]
async fn a_job_that_was_followed_before_is_gone_on_with_where_it_is_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let file = dataset(&dir, 1);
    let text = fs::read_to_string(&file).unwrap();
    let details = |judge: &str, uri: &str| -> &'static str {
        let automated = json!({
            "datasetMetricConfigs": [{"dataset": {"datasetLocation": {"s3Uri": uri}}}],
            "evaluatorModelConfig": {"bedrockEvaluatorModels": [{"modelIdentifier": judge}]},
        });
        json!({"evaluationConfig": {"automated": automated}}).to_string().leak()
    };
    let uri = place("s3://evals/out/", &file, &text);
    let again = Calibrate { job: Some("abc".to_owned()), to: None, role_arn: None, ..args(&file) };
    let answers = [(200, COMPLETED), (200, details("judge", &uri)), (200, COMPLETED), (200, PASSPORT)];
    let (client, asked) = fake::server(&answers);
    run(&client, &again, Format::Json, "").await.unwrap();
    assert_eq!(asked.join().unwrap()[3].json()["labels"].as_array().unwrap().len(), 20);
    for (judge, uri, told) in [
        ("other", uri.as_str(), "the judge of the job `abc` is `other`"),
        ("judge", "s3://evals/out/rated-0.jsonl", "not `"),
    ] {
        let (client, asked) = fake::server(&[(200, COMPLETED), (200, details(judge, uri))]);
        let error = run(&client, &again, Format::Text, "").await.unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
        drop(asked.join().unwrap());
    }
    // An object may have changed since, whatever it is called.
    let in_s3 = Calibrate { dataset: Some("s3://evals/in/rated.jsonl".to_owned()), ..again };
    let text: &'static str = text.leak();
    let judged = details("judge", "s3://evals/in/rated.jsonl");
    let (client, asked) = fake::server(&[(200, text), (200, COMPLETED), (200, judged)]);
    let error = run(&client, &in_s3, Format::Text, "").await.unwrap_err().to_string();
    assert!(error.contains("as it is now"), "{error}");
    drop(asked.join().unwrap());
}

#[tokio::test]
async fn labels_of_a_job_are_sent_as_they_stand() {
    let dir = tempfile::tempdir().unwrap();
    let labels = dir.path().join("labels.jsonl");
    fs::write(&labels, "{\"record\": 1, \"metric\": \"m\", \"label\": 2}\n\n").unwrap();
    let of_job = Calibrate { named: "abc".to_owned(), labels: Some(labels), dataset: None, ..args("") };
    let (client, asked) = fake::server(&[(200, PASSPORT)]);
    run(&client, &of_job, Format::Text, "").await.unwrap();
    let asked = asked.join().unwrap();
    assert!(asked[0].line.starts_with("POST /craton/v1/evaluation-jobs/abc/calibrate HTTP"));
    assert_eq!(asked[0].json(), json!({"labels": [{"record": 1, "metric": "m", "label": 2}]}));
}

#[tokio::test]
async fn a_job_that_failed_says_why() {
    let failed = r#"{"status":"Failed","messages":["Line 3 of the dataset is invalid."]}"#;
    let (client, asked) = fake::server(&[(200, failed)]);
    let error = follow(&client, "abc", "x").await.unwrap_err().to_string();
    assert_eq!(error, "the evaluation job `abc` is Failed: Line 3 of the dataset is invalid.");
    drop(asked.join().unwrap());
}

#[test]
fn a_job_without_a_name_is_called_after_the_judge() {
    let rated = Rated::read(&record(1)).unwrap();
    let nameless = Calibrate { name: None, named: "Amazon.Nova:0".to_owned(), ..args("") };
    let run = asked(&nameless, ("s3://b/d.jsonl", "s3://b/o/", "r"), &rated);
    assert!(run.name.starts_with("amazon-nova-0-2") && run.name.len() <= 63, "{}", run.name);
    assert_eq!(
        (run.kind, run.own.as_deref(), run.judge.as_deref()),
        (Kind::Model, Some("mine"), Some("Amazon.Nova:0"))
    );
}

#[derive(clap::Parser)]
struct Line {
    #[command(flatten)]
    calibrate: Calibrate,
}

#[test]
fn a_judge_has_a_dataset_and_a_job_has_labels() {
    use clap::error::ErrorKind::{ArgumentConflict, MissingRequiredArgument};
    let parsed = |more: &[&str]| {
        let line = <Line as clap::Parser>::try_parse_from(["x"].iter().chain(more));
        line.map(|line| line.calibrate.named).map_err(|error| error.kind())
    };
    let whole = ["judge", "--dataset", "d.jsonl", "--to", "s3://b/o/", "--role-arn", "r"];
    assert_eq!(parsed(&whole), Ok("judge".to_owned()));
    assert_eq!(parsed(&["abc", "--labels", "l.jsonl"]), Ok("abc".to_owned()));
    assert_eq!(parsed(&["judge", "--dataset", "d.jsonl", "--job", "abc"]), Ok("judge".to_owned()));
    let other_askings = ["judge", "--dataset", "d.jsonl", "--job", "abc", "--askings", "2"];
    assert_eq!(parsed(&other_askings), Err(ArgumentConflict));
    assert_eq!(parsed(&["abc"]), Err(MissingRequiredArgument));
    assert_eq!(parsed(&["judge", "--dataset", "d.jsonl", "--to", "s3://b/o/"]), Err(MissingRequiredArgument));
    assert_eq!(parsed(&["abc", "--labels", "l.jsonl", "--dataset", "d.jsonl"]), Err(ArgumentConflict));
    assert_eq!(parsed(&[&whole[..], &["--job", "abc"]].concat()), Err(ArgumentConflict));
}
