use std::thread::JoinHandle;

use clap::Parser as _;
use serde_json::json;

use super::*;
use crate::args::{Cli, Command};
use crate::fake::{self, Asked};

const LISTED: &str = r#"{"knowledgeBaseSummaries":[{"knowledgeBaseId":"ABCDEF1234","name":"handbook","status":"ACTIVE","updatedAt":"2027-01-15T08:00:00Z"}]}"#;
const SOURCES: &str =
    r#"{"dataSourceSummaries":[{"dataSourceId":"SOURCE1234","name":"files","knowledgeBaseId":"ABCDEF1234"}]}"#;
const STARTED: &str =
    r#"{"ingestionJob":{"ingestionJobId":"JOB1234567","dataSourceId":"SOURCE1234","status":"STARTING"}}"#;
const COMPLETE: &str = r#"{"ingestionJob":{"ingestionJobId":"JOB1234567","dataSourceId":"SOURCE1234","status":"COMPLETE","statistics":{"numberOfDocumentsScanned":3,"numberOfNewDocumentsIndexed":2,"numberOfDocumentsFailed":1}}}"#;
const NO_KEY: &str = "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>";
const ROLE: &str =
    "<GetRoleResponse><Role><Arn>arn:aws:iam::111122223333:role/CratonKnowledgeBases</Arn></Role></GetRoleResponse>";

/// Runs `craton` with these words against a server that gives these answers.
async fn told(words: &[&str], answers: &[(u16, &'static str)]) -> (Result<()>, JoinHandle<Vec<Asked>>) {
    let (client, asked) = fake::server(answers);
    let cli = Cli::try_parse_from(["craton", "kb"].iter().chain(words)).unwrap();
    let Command::Kb(command) = cli.command else { unreachable!("{words:?}") };
    (run(&client, command, &cli.global).await, asked)
}

fn lines(asked: &[Asked]) -> Vec<String> {
    asked.iter().map(|one| one.line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect()
}

#[tokio::test]
async fn a_knowledge_base_is_made_and_read_in_at_once() {
    let answers = [
        (200, NO_KEY),
        (200, ROLE),
        (200, "<PutRolePolicyResponse/>"),
        (202, r#"{"knowledgeBase":{"knowledgeBaseId":"ABCDEF1234","status":"CREATING"}}"#),
        (200, r#"{"knowledgeBase":{"knowledgeBaseId":"ABCDEF1234","status":"ACTIVE"}}"#),
        (200, r#"{"dataSource":{"dataSourceId":"SOURCE1234"}}"#),
        (202, STARTED),
        (200, COMPLETE),
    ];
    let (outcome, asked) =
        told(&["create", "handbook", "--from", "s3://documents/handbook/", "--chunking", "none"], &answers).await;
    outcome.unwrap();
    let asked = asked.join().unwrap();
    assert_eq!(
        lines(&asked)[3..],
        [
            "PUT /knowledgebases/",
            "GET /knowledgebases/ABCDEF1234",
            "PUT /knowledgebases/ABCDEF1234/datasources/",
            "PUT /knowledgebases/ABCDEF1234/datasources/SOURCE1234/ingestionjobs/",
            "GET /knowledgebases/ABCDEF1234/datasources/SOURCE1234/ingestionjobs/JOB1234567",
        ]
    );
    let policy = &asked[2].body;
    assert!(policy.contains("PutRolePolicy") && policy.contains("documents") && !policy.contains("kms"), "{policy}");
    let base = asked[3].json();
    let model = &base["knowledgeBaseConfiguration"]["vectorKnowledgeBaseConfiguration"]["embeddingModelArn"];
    assert_eq!(*model, "arn:aws:bedrock:us-east-1::foundation-model/all-minilm-l6-v2");
    let source = asked[5].json();
    assert_eq!(
        source["dataSourceConfiguration"]["s3Configuration"],
        json!({
            "bucketArn": "arn:aws:s3:::documents",
            "inclusionPrefixes": ["handbook/"],
        })
    );
    assert_eq!(source["vectorIngestionConfiguration"]["chunkingConfiguration"]["chunkingStrategy"], "NONE");
}

#[tokio::test]
async fn a_place_that_is_no_bucket_is_refused_before_anything_is_made() {
    let (outcome, asked) = told(&["create", "handbook", "--from", "documents"], &[]).await;
    assert!(outcome.unwrap_err().to_string().contains("`documents`"));
    assert!(asked.join().unwrap().is_empty());
}

#[tokio::test]
async fn the_role_may_decrypt_with_the_key_of_the_bucket() {
    let by_arn = "<Rule><SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>arn:aws:kms:us-east-1:111122223333:key/1</KMSMasterKeyID></Rule>";
    let by_alias = "<Rule><SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>alias/documents</KMSMasterKeyID></Rule>";
    let found = r#"{"KeyMetadata":{"Arn":"arn:aws:kms:us-east-1:111122223333:key/1"}}"#;
    let rest = [(200, ROLE), (200, "<PutRolePolicyResponse/>"), (400, r#"{"message":"enough"}"#)];
    for first in [vec![(200, by_arn)], vec![(200, by_alias), (200, found)]] {
        let answers: Vec<_> = first.iter().chain(&rest).copied().collect();
        let (outcome, asked) = told(&["create", "handbook", "--from", "s3://documents/"], &answers).await;
        outcome.unwrap_err();
        let asked = asked.join().unwrap();
        assert_eq!(lines(&asked)[0], "GET /documents?encryption");
        let policy = &asked[first.len() + 1].body;
        let policy = policy.replace("%3A", ":").replace("%2F", "/").replace("%2D", "-");
        let key = "arn:aws:kms:us-east-1:111122223333:key/1";
        assert!(policy.contains("kms:Decrypt") && policy.contains(key), "{policy}");
    }
}

#[tokio::test]
async fn a_bucket_that_cannot_be_looked_at_is_told_before_anything_is_made() {
    let missing = "<Error><Code>NoSuchBucket</Code><Message>The bucket does not exist.</Message></Error>";
    let (outcome, asked) = told(&["create", "handbook", "--from", "s3://documents/"], &[(404, missing)]).await;
    assert!(format!("{:#}", outcome.unwrap_err()).contains("bucket `documents`"));
    assert_eq!(asked.join().unwrap().len(), 1);
}

#[tokio::test]
async fn a_sync_leaves_out_what_is_handed_its_documents() {
    let two = r#"{"dataSourceSummaries":[{"dataSourceId":"CUSTOM1234","name":"notes"},{"dataSourceId":"SOURCE1234","name":"files"}]}"#;
    let custom = r#"{"dataSource":{"dataSourceId":"CUSTOM1234","dataSourceConfiguration":{"type":"CUSTOM"}}}"#;
    let bucket = r#"{"dataSource":{"dataSourceId":"SOURCE1234","dataSourceConfiguration":{"type":"S3"}}}"#;
    let answers = [(200, LISTED), (200, two), (200, custom), (200, bucket), (202, STARTED), (200, COMPLETE)];
    let (outcome, asked) = told(&["sync", "handbook"], &answers).await;
    outcome.unwrap();
    assert_eq!(
        lines(&asked.join().unwrap())[2..5],
        [
            "GET /knowledgebases/ABCDEF1234/datasources/CUSTOM1234",
            "GET /knowledgebases/ABCDEF1234/datasources/SOURCE1234",
            "PUT /knowledgebases/ABCDEF1234/datasources/SOURCE1234/ingestionjobs/",
        ]
    );
    let (outcome, asked) =
        told(&["sync", "handbook"], &[(200, LISTED), (200, two), (200, custom), (200, custom)]).await;
    assert!(outcome.unwrap_err().to_string().contains("handed their documents"));
    drop(asked.join());
}

#[tokio::test]
async fn a_sync_that_failed_is_an_error() {
    let failed = r#"{"ingestionJob":{"ingestionJobId":"JOB1234567","dataSourceId":"SOURCE1234","status":"FAILED","failureReasons":["the role may not read"]}}"#;
    let (outcome, asked) =
        told(&["sync", "handbook"], &[(200, LISTED), (200, SOURCES), (202, STARTED), (200, failed)]).await;
    assert!(outcome.unwrap_err().to_string().contains("the role may not read"));
    assert_eq!(lines(&asked.join().unwrap())[0], "POST /knowledgebases/");
}

#[tokio::test]
async fn a_question_is_asked_with_what_was_chosen() {
    let answer = r#"{"answer":"Five days.","citations":[],"noAnswer":false,"voice":"model","served":{"name":"m"}}"#;
    let words = [
        "ask",
        "handbook",
        "How long?",
        "--model",
        "m",
        "--by",
        "semantic",
        "--user",
        "ana",
        "--filter",
        r#"{"equals":{"key":"a","value":1}}"#,
        "--neighbours",
        "2",
        "--keep-duplicates",
        "--rerank",
        "r",
    ];
    let (outcome, asked) = told(&words, &[(200, LISTED), (200, answer)]).await;
    outcome.unwrap();
    let asked = asked.join().unwrap();
    assert_eq!(lines(&asked)[1], "POST /craton/v1/knowledge-bases/ABCDEF1234/ask");
    assert_eq!(
        asked[1].json(),
        json!({
            "text": "How long?", "numberOfResults": 5, "searchType": "SEMANTIC",
            "filter": { "equals": { "key": "a", "value": 1 } }, "userId": "ana",
            "neighbours": 2, "nearDuplicates": true, "rerankingModelId": "r", "mode": "generate", "modelId": "m",
        })
    );
}

#[tokio::test]
async fn an_unknown_knowledge_base_is_named() {
    let (outcome, asked) = told(&["show", "nothing"], &[(200, LISTED)]).await;
    assert!(outcome.unwrap_err().to_string().contains("`nothing`"));
    drop(asked.join());
}

#[tokio::test]
async fn sources_are_deleted_with_their_knowledge_base() {
    let (outcome, asked) =
        told(&["delete", "handbook", "--yes"], &[(200, LISTED), (200, SOURCES), (202, "{}"), (202, "{}")]).await;
    outcome.unwrap();
    assert_eq!(
        lines(&asked.join().unwrap())[2..],
        ["DELETE /knowledgebases/ABCDEF1234/datasources/SOURCE1234", "DELETE /knowledgebases/ABCDEF1234",]
    );
}
