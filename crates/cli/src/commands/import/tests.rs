use clap::Parser as _;
use serde_json::json;

use super::*;
use crate::args::{Cli, Command, Format};
use crate::fake;

const ROLE: &str = "arn:aws:iam::777788889999:role/Importer";

fn import(line: &str) -> Import {
    match Cli::try_parse_from(format!("craton import {line}").split_whitespace()).unwrap().command {
        Command::Import(import) => import,
        other => panic!("{other:?}"),
    }
}

fn global(output: Format) -> Global {
    Global { output, ..Global::default() }
}

/// The text of an error and its hint.
fn told(error: &anyhow::Error) -> String {
    crate::output::error_text(error)
}

#[tokio::test]
async fn an_import_is_checked_started_and_followed() {
    let (client, asked) = fake::server(&[
        (200, r#"{"passes":true,"checks":[],"report":{"passes":true,"findings":[]}}"#),
        (201, r#"{"jobArn":"arn:aws:bedrock:us-east-1:777788889999:model-import-job/abc"}"#),
        (200, r#"{"status":"InProgress","workId":"w-1","jobName":"j"}"#),
        (
            200,
            r#"{"state":"running","progress":{"done":5,"total":9,"unit":"bytes","message":"importing the weights"}}"#,
        ),
        (200, r#"{"status":"Completed","workId":"w-1","modelName":"m","modelArn":"arn:m"}"#),
        (200, r#"{"card":{"quality":{"text":"t","tokens":3,"perplexity":2.5}}}"#),
    ]);
    let line = format!(
        "create --model-name m --from s3://b/p/ --role-arn {ROLE} --job-name j --quantization Q4_K_M --bound labels=0.7"
    );
    run(&client, import(&line), &global(Format::Text)).await.unwrap();
    let asked = asked.join().unwrap();
    let lines: Vec<&str> = asked.iter().map(|asked| asked.line.trim_end_matches(" HTTP/1.1")).collect();
    assert_eq!(
        lines,
        [
            "POST /craton/v1/imports/check",
            "POST /model-import-jobs",
            "GET /craton/v1/imports/j",
            "GET /craton/v1/jobs/w%2D1",
            "GET /craton/v1/imports/j",
            "GET /craton/v1/imported-models/arn%3Am",
        ]
    );
    assert_eq!(
        asked[0].json(),
        json!({ "roleArn": ROLE, "s3Uri": "s3://b/p/", "quantization": "Q4_K_M", "bound": "labels=0.7", "jobName": "j", "modelName": "m" })
    );
    assert_eq!(asked[1].header("x-craton-quantization"), Some("Q4_K_M"));
    assert_eq!(asked[1].header("x-craton-quantization-bound"), Some("labels=0.7"));
    assert_eq!(asked[1].json()["modelDataSource"]["s3DataSource"]["s3Uri"], "s3://b/p/");
}

#[tokio::test]
async fn an_import_that_would_fail_is_not_started() {
    let (client, asked) = fake::server(&[(
        200,
        r#"{"passes":false,"checks":[{"name":"assume-role","title":"The role","outcome":"passed"},
            {"name":"list","title":"The list","outcome":"failed","message":"no","requestId":"r-1"}],"report":null}"#,
    )]);
    let line = format!("create --model-name m --from s3://b/p/ --role-arn {ROLE}");
    let error = run(&client, import(&line), &global(Format::Text)).await.unwrap_err();
    assert_eq!(
        told(&error),
        "error: the import would fail: a check did not pass (list)\nhint: `craton iam explain r-1` says what is missing on which side"
    );
    assert_eq!(asked.join().unwrap().len(), 1);
}

#[tokio::test]
async fn an_import_that_failed_says_why() {
    let (client, asked) = fake::server(&[
        (201, r#"{"jobArn":"arn:j"}"#),
        (200, r#"{"status":"Failed","failureMessage":"Amazon Bedrock does not have access","jobName":"j"}"#),
    ]);
    let line = format!("create --model-name m --from s3://b/p/ --role-arn {ROLE} --job-name j --skip-checks");
    let error = run(&client, import(&line), &global(Format::Text)).await.unwrap_err();
    let expected = "error: Amazon Bedrock does not have access\nhint: `craton import status j` shows the job";
    assert_eq!(told(&error), expected);
    let asked = asked.join().unwrap();
    assert_eq!(asked[0].header("x-craton-quantization"), Some("F16"));
    assert_eq!(asked[0].header("x-craton-quantization-bound"), None);
}

#[test]
fn what_to_type_next_is_typed_on_the_same_account() {
    assert_eq!(here(&Global::default()), "");
    let other = Global { account: Some("777788889999".into()), ..Global::default() };
    assert_eq!(here(&other), " --account 777788889999");
}

#[tokio::test]
async fn an_import_that_is_not_waited_for_is_started_alone() {
    let (client, asked) = fake::server(&[(201, r#"{"jobArn":"arn:j"}"#)]);
    let line = format!("create --model-name m --from s3://b/p/ --role-arn {ROLE} --skip-checks --no-wait");
    run(&client, import(&line), &global(Format::Text)).await.unwrap();
    assert_eq!(asked.join().unwrap().len(), 1);
}

#[tokio::test]
async fn a_job_that_is_watched_fails_with_it_and_one_that_is_looked_at_does_not() {
    let failed = r#"{"status":"Failed","failureMessage":"no room","jobName":"j"}"#;
    let (client, asked) = fake::server(&[(200, failed)]);
    run(&client, import("status j"), &global(Format::Text)).await.unwrap();
    assert!(asked.join().unwrap()[0].line.starts_with("GET /craton/v1/imports/j "));
    let (client, _) = fake::server(&[(200, failed), (200, failed)]);
    let error = run(&client, import("status j --watch"), &global(Format::Text)).await.unwrap_err();
    assert!(told(&error).starts_with("error: no room"), "{error}");
}

#[tokio::test]
async fn cancelling_ends_the_work_of_a_job_that_still_runs() {
    let (client, asked) = fake::server(&[(200, r#"{"status":"InProgress","workId":"w","jobName":"j"}"#), (200, "{}")]);
    run(&client, import("cancel j"), &global(Format::Text)).await.unwrap();
    assert!(asked.join().unwrap()[1].line.starts_with("POST /craton/v1/jobs/w/cancel "));
    let (client, _) = fake::server(&[(200, r#"{"status":"Completed","workId":"w","jobName":"j"}"#)]);
    let error = run(&client, import("cancel j"), &global(Format::Text)).await.unwrap_err();
    assert_eq!(told(&error), "error: the import `j` has ended: Completed");
    let (client, _) = fake::server(&[(200, r#"{"status":"InProgress","workId":null,"jobName":"j"}"#)]);
    let error = run(&client, import("cancel j"), &global(Format::Text)).await.unwrap_err();
    assert_eq!(told(&error), "error: the import `j` is being started\nhint: try again in a moment");
}

#[tokio::test]
async fn jobs_and_models_are_listed_page_by_page() {
    let (client, asked) = fake::server(&[
        (200, r#"{"modelImportJobSummaries":[{"jobName":"a"}],"nextToken":"n/"}"#),
        (200, r#"{"modelImportJobSummaries":[{"jobName":"b"}]}"#),
    ]);
    let listed =
        listing(&client, "/model-import-jobs", "&statusEquals=Failed", "modelImportJobSummaries").await.unwrap();
    assert_eq!(listed, json!({ "items": [{ "jobName": "a" }, { "jobName": "b" }] }));
    let asked = asked.join().unwrap();
    assert!(asked[1].line.contains("?maxResults=100&statusEquals=Failed&nextToken=n%2F "), "{asked:?}");
}

#[tokio::test]
async fn a_model_is_deleted_where_that_is_said_plainly() {
    let (client, asked) = fake::server(&[(200, "")]);
    run(&client, import("delete m --yes"), &global(Format::Text)).await.unwrap();
    assert!(asked.join().unwrap()[0].line.starts_with("DELETE /imported-models/m "));
}

#[tokio::test]
async fn a_bucket_is_examined_as_a_role_in_every_quantization() {
    let (client, _) = fake::server(&[]);
    let error = run(&client, import("doctor s3://b/p/"), &global(Format::Text)).await.unwrap_err();
    assert!(told(&error).contains("--role-arn"), "{error}");
    let answer = r#"{"passes":true,"checks":[],"report":{"passes":true,"findings":[]},"model":{"modelBytes":5}}"#;
    let (client, asked) = fake::server(&[(200, answer), (200, answer), (200, answer)]);
    let line = format!("doctor s3://b/p/ --role-arn {ROLE} --kms-key k --quantization q8_0");
    run(&client, import(&line), &global(Format::Json)).await.unwrap();
    let asked: Vec<Value> = asked.join().unwrap().iter().map(fake::Asked::json).collect();
    assert_eq!(asked[0], json!({ "roleArn": ROLE, "s3Uri": "s3://b/p/", "kmsKeyId": "k", "quantization": "Q8_0" }));
    assert_eq!((&asked[1]["quantization"], &asked[2]["quantization"]), (&json!("F16"), &json!("Q4_K_M")));
    assert!(asked[1]["kmsKeyId"].is_null());
}

#[tokio::test]
async fn policies_are_asked_for_with_both_keys() {
    let (client, asked) = fake::server(&[(200, r#"{"policies":[]}"#)]);
    let line = format!(
        "policies --from s3://b/p/ --role-arn {ROLE} --source-account 111122223333 --source-kms-key arn:s --kms-key arn:h"
    );
    run(&client, import(&line), &global(Format::Text)).await.unwrap();
    assert_eq!(
        asked.join().unwrap()[0].json(),
        json!({
            "roleArn": ROLE, "s3Uri": "s3://b/p/", "sourceAccount": "111122223333", "sourceKmsKeyArn": "arn:s",
            "kmsKeyArn": "arn:h",
        })
    );
}

#[test]
fn checks_say_what_failed_and_how_to_learn_why() {
    let answer = json!({ "checks": [
        { "name": "pass-role", "title": "You may pass the role", "outcome": "passed", "message": null },
        { "name": "list", "title": "The role may list the folder", "outcome": "failed",
          "message": "Amazon Bedrock does not have access to the S3 location (s3://b/p).", "hint": "Ask them.", "requestId": "r-1" },
        { "name": "read", "title": "The role may read the files", "outcome": "skipped", "message": "not reached" },
    ]});
    assert_eq!(
        checks::checks(&answer, " --account 777788889999"),
        "\
ok      You may pass the role
FAILED  The role may list the folder
        Amazon Bedrock does not have access to the S3 location (s3://b/p).
        hint: Ask them.
        why: craton iam explain r-1 --account 777788889999
-       The role may read the files
        not reached"
    );
    let refused = |checks: Value| told(&checks::refusal(&json!({ "checks": checks }), ""));
    assert!(refused(json!([{ "name": "examine", "outcome": "failed" }])).contains("mend the files"));
    assert!(refused(json!([{ "name": "encrypt", "outcome": "failed" }])).contains("craton import policies"));
}

#[test]
fn an_examination_tells_findings_facts_and_sizes() {
    let mut answer = json!({
        "passes": false,
        "report": { "passes": false, "findings": [
            { "severity": "error", "file": "config.json", "problem": "it is missing", "fix": "Upload it." },
            { "severity": "warning", "file": null, "problem": "odd", "fix": "" },
        ]},
        "model": { "class": "LlamaForCausalLM", "architecture": "llama", "parameters": 134_515_008, "layers": 30, "hidden": 576,
            "contextLength": 8192, "vocabulary": 49152, "dtype": "F16", "sourceBytes": 269_030_016, "modelBytes": 0 },
    });
    assert_eq!(
        doctor::examination(&answer, ""),
        "\
error   config.json: it is missing
        fix: Upload it.
warning odd

architecture  llama (LlamaForCausalLM)
parameters    134.5 million
layers        30
hidden        576
context       8192 tokens
vocabulary    49152 tokens
weights       269.0 MB in F16"
    );
    assert_eq!(
        told(&doctor::told(&answer, "./m", Format::Text, "").unwrap_err()),
        "error: `./m` cannot be imported as it is"
    );
    answer["passes"] = true.into();
    answer["report"] = json!({ "passes": true, "findings": [] });
    answer["model"] = Value::Null;
    answer["sizes"] = json!([{ "quantization": "F16", "bytes": 270_885_728, "memoryBytes": 1_500_000_000_u64 }]);
    let expected = "\
ok      nothing stands in the way

KEPT AS  ON DISK   IN MEMORY
F16      270.8 MB  1.5 GB";
    assert_eq!(doctor::examination(&answer, ""), expected);
    doctor::told(&answer, "./m", Format::Text, "").unwrap();
}

#[test]
fn a_job_is_shown_with_its_stage_while_it_runs() {
    let mut job = json!({
        "jobName": "j", "jobId": "abc", "status": "InProgress", "modelName": "m", "modelArn": "arn:m", "s3Uri": "s3://b/p/",
        "roleArn": ROLE, "kmsKeyArn": null, "quantization": "F16", "createdAt": "2026-11-26T05:00:00.000Z", "endedAt": null,
    });
    let work =
        json!({ "progress": { "done": 5, "total": 98_362_432, "unit": "bytes", "message": "importing the weights" } });
    assert_eq!(
        job::job_lines(&job, &work),
        "\
job        j
id         abc
status     InProgress
stage      importing the weights
progress   5 B of 98.3 MB
model      m
model arn  arn:m
from       s3://b/p/
role       arn:aws:iam::777788889999:role/Importer
key        Craton's own
kept as    F16
created    2026-11-26T05:00:00.000Z"
    );
    job["status"] = "Failed".into();
    job["failureMessage"] = "no room".into();
    let told = job::job_lines(&job, &work);
    assert!(told.contains("failure    no room") && !told.contains("stage"), "{told}");
}

#[test]
fn a_model_is_shown_with_its_card_and_its_quality() {
    let model = json!({
        "modelArn": "arn:m", "modelName": "m", "architecture": "LlamaForCausalLM", "instruct": true, "bytes": 144_810_848,
        "kmsKeyArn": "arn:k", "roleArn": ROLE, "s3Uri": "s3://b/p/", "jobName": "j", "createdAt": "2026-11-26T05:00:00.000Z",
        "loaded": false, "tags": { "team": "hosting" },
        "card": { "parameters": 134_515_008, "layers": 30, "contextLength": 8192, "vocabulary": 49152, "dtype": "F16",
            "sourceBytes": 269_030_016, "quantization": "Q8_0", "warnings": ["`config.json`: odd."],
            "trial": { "prompt": "Say hello.", "answer": "Hello!\nHow?", "millis": 70 },
            "quality": { "text": "t", "tokens": 900, "perplexity": 12.345, "unmeasured": null,
                "exact": { "perplexity": 12.3, "agreement": 0.987, "format": "F16" } } },
    });
    assert_eq!(
        models::card(&model),
        "\
name           m
arn            arn:m
architecture   LlamaForCausalLM
chats          yes
parameters     134.5 million
layers         30
context        8192 tokens
vocabulary     49152 tokens
imported from  F16 (269.0 MB)
kept as        Q8_0
size           144.8 MB
key            arn:k
in memory      no, it loads on first use
quality        perplexity 12.35 on `t` (900 tokens); 12.30 before the import (F16), the same next token for 98.7 %
asked          Say hello.
answered       Hello! How?
warning        `config.json`: odd.
tags           team=hosting
from           s3://b/p/
role           arn:aws:iam::777788889999:role/Importer
job            j
created        2026-11-26T05:00:00.000Z"
    );
    let unmeasured = json!({ "text": "t", "tokens": 9, "perplexity": 2.0, "exact": null, "unmeasured": "no room" });
    assert_eq!(
        models::quality(&unmeasured),
        "perplexity 2.00 on `t` (9 tokens); not compared with the weights before the import: no room"
    );
    let gated = json!({ "text": "t", "tokens": 9, "perplexity": 2.0, "bound": { "labels": 0.95 }, "exact": {
        "perplexity": 1.9, "agreement": 0.95, "format": "F16", "comparison": { "labelAgreement": { "share": 0.985, "of": 480 } } } });
    assert!(
        models::quality(&gated)
            .ends_with("the same next token for 95.0 %, the same label for 98.5 % of 480; within its bound"),
    );
    assert_eq!(models::quality(&Value::Null), "");
}

#[test]
fn policies_stand_with_their_account_and_their_command() {
    let answer = json!({ "policies": [
        { "account": "111122223333", "side": "source", "step": 1, "kind": "bucket-policy", "title": "Bucket policy",
          "resource": "arn:aws:s3:::b", "document": { "Version": "2012-10-17" }, "command": "aws s3api put-bucket-policy" },
        { "account": "777788889999", "side": "host", "step": 2, "kind": "trust-policy", "title": "Trust policy",
          "resource": ROLE, "document": {}, "command": "policy=$(aws iam get-role)\naws iam update-assume-role-policy" },
    ]});
    assert_eq!(
        policies::policies(&answer),
        "\
1. Bucket policy
   in 111122223333, the account of the checkpoint
   on arn:aws:s3:::b
     {
       \"Version\": \"2012-10-17\"
     }
   $ aws s3api put-bucket-policy

2. Trust policy
   in 777788889999, the account that imports
   on arn:aws:iam::777788889999:role/Importer
     {}
   $ policy=$(aws iam get-role)
   $ aws iam update-assume-role-policy"
    );
}
