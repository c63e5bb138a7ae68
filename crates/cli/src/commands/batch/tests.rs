use clap::Parser as _;
use serde_json::json;

use super::*;
use crate::args::{Cli, Command, Format};
use crate::fake;

const ROLE: &str = "arn:aws:iam::111122223333:role/Batcher";
const ARN: &str = "arn:aws:bedrock:us-east-1:111122223333:model-invocation-job/abc123def456";

fn batch(line: &str) -> Result<Batch, String> {
    match Cli::try_parse_from(format!("craton batch {line}").split_whitespace())
        .map_err(|error| error.to_string())?
        .command
    {
        Command::Batch(batch) => Ok(batch),
        other => panic!("{other:?}"),
    }
}

fn global() -> Global {
    Global { output: Format::Text, ..Global::default() }
}

#[tokio::test]
async fn a_batch_is_started_and_followed_to_its_end() {
    let (client, asked) = fake::server(&[
        (200, r#"{"jobArn":"arn:aws:bedrock:us-east-1:111122223333:model-invocation-job/abc123def456"}"#),
        (200, r#"{"status":"InProgress","totalRecordCount":9,"processedRecordCount":4,"endedAt":null}"#),
        (200, r#"{"status":"Completed","jobId":"abc123def456","endedAt":"2026-11-26T00:00:00Z"}"#),
    ]);
    let line = format!(
        "create --model m --from s3://b/in/ --to s3://b/out/ --role-arn {ROLE} --type converse --name n --kms-key k --timeout 48 --tag a=b \
         --from-owner 111122223333 --to-owner 444455556666 --request-token t --wait"
    );
    run(&client, batch(&line).unwrap(), &global()).await.unwrap();
    let asked = asked.join().unwrap();
    let lines: Vec<&str> = asked.iter().map(|asked| asked.line.trim_end_matches(" HTTP/1.1")).collect();
    let path = "GET /craton/v1/batches/abc123def456";
    assert_eq!(lines, ["POST /model-invocation-job", path, path]);
    assert_eq!(
        asked[0].json(),
        json!({
            "jobName": "n", "modelId": "m", "roleArn": ROLE, "modelInvocationType": "Converse",
            "inputDataConfig": {
                "s3InputDataConfig": { "s3Uri": "s3://b/in/", "s3InputFormat": "JSONL", "s3BucketOwner": "111122223333" },
            },
            "outputDataConfig": {
                "s3OutputDataConfig": { "s3Uri": "s3://b/out/", "s3EncryptionKeyId": "k", "s3BucketOwner": "444455556666" },
            },
            "timeoutDurationInHours": 48, "tags": [{ "key": "a", "value": "b" }], "clientRequestToken": "t",
        })
    );
}

#[tokio::test]
async fn a_batch_that_fails_is_an_error_with_its_reason() {
    let (client, asked) = fake::server(&[
        (200, r#"{"status":"Submitted","jobName":"n","endedAt":null}"#),
        (200, r#"{"status":"Failed","message":"No role.","jobId":"abc123def456","endedAt":"2026-11-26T00:00:00Z"}"#),
    ]);
    let error = run(&client, batch("status abc123def456 --wait").unwrap(), &global()).await.unwrap_err();
    assert!(error.to_string().starts_with("No role.\nhint: `craton batch status abc123def456` shows"), "{error}");
    asked.join().unwrap();
}

#[tokio::test]
async fn a_batch_is_stopped_by_its_id_or_its_arn() {
    let (client, asked) = fake::server(&[(200, "{}"), (200, r#"{"status":"Stopping","endedAt":null}"#)]);
    run(&client, batch(&format!("stop {ARN}")).unwrap(), &global()).await.unwrap();
    let asked = asked.join().unwrap();
    assert_eq!(asked[0].line, "POST /model-invocation-job/abc123def456/stop HTTP/1.1");
}

#[tokio::test]
async fn results_are_read_from_the_bucket_and_there_are_none_before_the_end() {
    let (client, asked) = fake::server(&[
        (
            200,
            r#"{"status":"Completed","resultsUri":"s3://b/out/abc/","resultFiles":["a.jsonl.out","deep/b.jsonl.out"]}"#,
        ),
        (200, "{\"recordId\":\"1\"}\n"),
        (200, "{\"recordId\":\"2\"}\n"),
        (200, r#"{"status":"InProgress"}"#),
    ]);
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().display();
    run(&client, batch(&format!("results abc --to {to}")).unwrap(), &global()).await.unwrap();
    assert_eq!(std::fs::read_to_string(folder.path().join("deep/b.jsonl.out")).unwrap(), "{\"recordId\":\"2\"}\n");
    let error = run(&client, batch("results abc").unwrap(), &global()).await.unwrap_err();
    assert_eq!(error.to_string(), "the batch `abc` has no results: it is InProgress");
    let asked = asked.join().unwrap();
    assert_eq!(asked[2].line, "GET /b/out/abc/deep/b.jsonl.out HTTP/1.1");
}

#[tokio::test]
async fn of_results_those_that_are_errors_can_be_had_alone() {
    let (client, asked) = fake::server(&[
        (200, r#"{"status":"Completed","resultsUri":"s3://b/out/abc/","resultFiles":["a.jsonl.out"]}"#),
        (
            200,
            "{\"recordId\":\"1\",\"modelOutput\":{\"error\":1}}\n{\"recordId\":\"2\",\"error\":{\"errorCode\":400}}\n",
        ),
    ]);
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().display();
    run(&client, batch(&format!("results abc --errors --to {to}")).unwrap(), &global()).await.unwrap();
    let saved = std::fs::read_to_string(folder.path().join("a.jsonl.out")).unwrap();
    assert_eq!(saved, "{\"recordId\":\"2\",\"error\":{\"errorCode\":400}}\n");
    asked.join().unwrap();
}

#[tokio::test]
async fn jobs_are_listed_by_status_name_and_time() {
    let (client, asked) = fake::server(&[(200, r#"{"invocationJobSummaries":[]}"#)]);
    let line = "list --status Completed --name may --after 2026-05-01 --before 2026-06-01T08:30:00Z --oldest-first";
    run(&client, batch(line).unwrap(), &global()).await.unwrap();
    let asked = asked.join().unwrap();
    let query = "maxResults=100&statusEquals=Completed&nameContains=may&submitTimeAfter=2026%2D05%2D01T00%3A00%3A00Z\
                 &submitTimeBefore=2026%2D06%2D01T08%3A30%3A00Z&sortOrder=Ascending";
    assert_eq!(asked[0].line, format!("GET /model-invocation-jobs?{query} HTTP/1.1"));
    assert!(batch("list --after yesterday").unwrap_err().contains("a time is 2026-05-01"));
}

#[test]
fn a_job_is_shown_with_its_first_errors() {
    let error =
        |line| json!({ "file": "a.jsonl", "line": line, "recordId": "r", "errorCode": 400, "errorMessage": "Bad." });
    let batch = json!({
        "jobName": "n", "jobId": "abc", "status": "Completed", "totalRecordCount": 20, "processedRecordCount": 20,
        "errorRecordCount": 12, "inputTokenCount": 7, "outputTokenCount": 5,
        "errors": (1..=12).map(error).collect::<Vec<_>>(),
    });
    let told = job::lines(&batch, " --account 1");
    assert!(
        told.contains("records  20 of 20, 12 with errors") && told.contains("tokens   7 read, 5 written"),
        "{told}"
    );
    assert!(told.contains("\na.jsonl:10  400  Bad.") && !told.contains("a.jsonl:11"), "{told}");
    assert!(told.contains("… and 2 more: craton batch results abc --errors --account 1"), "{told}");
}

#[test]
fn what_cannot_be_a_batch_is_refused_before_anything_is_asked() {
    let create = |more: &str| batch(&format!("create --model m --role-arn r {more}"));
    for (more, says) in [
        ("--from ./folder --to s3://b/out/", "s3://BUCKET/PREFIX"),
        ("--from s3://b/in/ --to s3://", "s3://BUCKET/PREFIX/"),
        ("--from s3://b/in/ --to s3://b/out/ --timeout 5", "24"),
        ("--from s3://b/in/ --to s3://b/out/ --tag x", "KEY=VALUE"),
        ("--from s3://b/in/ --to s3://b/out/ --type Chat", "InvokeModel, Converse"),
        ("--from s3://b/in/", "--to"),
    ] {
        let error = create(more).unwrap_err();
        assert!(error.contains(says), "{more}: {error}");
    }
}
