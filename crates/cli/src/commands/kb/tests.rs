use std::thread::JoinHandle;

use clap::Parser as _;
use serde_json::json;

use super::*;
use crate::args::{Cli, Command};
use crate::fake::{self, Asked};
use crate::kb_args::Create;

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

const BUCKET: &str = r#"{"dataSource":{"dataSourceId":"SOURCE1234","dataSourceConfiguration":{"type":"S3"}}}"#;
const CUSTOM: &str = r#"{"dataSource":{"dataSourceId":"CUSTOM1234","dataSourceConfiguration":{"type":"CUSTOM"}}}"#;
const BOTH: &str = r#"{"dataSourceSummaries":[{"dataSourceId":"SOURCE1234","name":"files"},{"dataSourceId":"CUSTOM1234","name":"notes"}]}"#;

fn cut(words: &[&str]) -> Result<Option<serde_json::Value>> {
    let all = ["craton", "kb", "create", "handbook", "--from", "s3://documents/"].iter().chain(words);
    let Command::Kb(Kb::Create(args)) = Cli::try_parse_from(all).unwrap().command else { unreachable!("{words:?}") };
    let Create { cut, .. } = *args;
    create::chunking(&cut)
}

#[test]
fn ways_of_cutting_become_bedrocks_configurations() {
    let fixed = |tokens: u32, overlap: u32| json!({ "chunkingStrategy": "FIXED_SIZE", "fixedSizeChunkingConfiguration": { "maxTokens": tokens, "overlapPercentage": overlap } });
    let hierarchical = |parent: u32, child: u32, overlap: u32| {
        json!({ "chunkingStrategy": "HIERARCHICAL", "hierarchicalChunkingConfiguration": {
            "levelConfigurations": [{ "maxTokens": parent }, { "maxTokens": child }], "overlapTokens": overlap } })
    };
    let semantic = |tokens: u32, buffer: u32, percentile: u32| {
        json!({ "chunkingStrategy": "SEMANTIC", "semanticChunkingConfiguration": {
            "maxTokens": tokens, "bufferSize": buffer, "breakpointPercentileThreshold": percentile } })
    };
    let cases = [
        ("fixed", fixed(300, 20)),
        ("fixed --chunk-tokens 200 --chunk-overlap 10", fixed(200, 10)),
        ("page", fixed(8_192, 1)),
        ("page --chunk-tokens 500", fixed(500, 1)),
        ("hierarchical", hierarchical(1_500, 300, 60)),
        ("hierarchical --parent-tokens 800 --chunk-tokens 100", hierarchical(800, 100, 20)),
        ("hierarchical --chunk-overlap 5", hierarchical(1_500, 300, 5)),
        ("semantic", semantic(300, 0, 95)),
        ("semantic --chunk-tokens 250 --buffer-sentences 1 --breakpoint-percentile 90", semantic(250, 1, 90)),
        ("none", json!({ "chunkingStrategy": "NONE" })),
    ];
    for (words, expected) in cases {
        let words: Vec<&str> = ["--chunking"].into_iter().chain(words.split(' ')).collect();
        assert_eq!(cut(&words).unwrap(), Some(expected), "{words:?}");
    }
    assert_eq!(cut(&[]).unwrap(), None);
}

#[tokio::test]
async fn a_way_of_cutting_that_cannot_be_is_refused_before_anything_is_made() {
    let cases = [
        ("--chunk-tokens 200", "`--chunking default`"),
        ("--chunking none --chunk-overlap 5", "`--chunk-overlap`"),
        ("--chunking fixed --parent-tokens 900", "`--chunking hierarchical`"),
        ("--chunking fixed --chunk-overlap 100", "`100` %"),
        ("--chunking hierarchical --chunk-tokens 1500", "`1500`"),
        ("--chunking hierarchical --chunk-tokens 50 --chunk-overlap 50", "overlap"),
        ("--chunking page --breakpoint-percentile 90", "`--chunking semantic`"),
    ];
    for (words, says) in cases {
        let all: Vec<&str> = ["create", "handbook", "--from", "s3://d/"].into_iter().chain(words.split(' ')).collect();
        let (outcome, asked) = told(&all, &[]).await;
        let error = outcome.unwrap_err().to_string();
        assert!(error.contains(says) && error.contains("hint: "), "{words}: {error}");
        assert!(asked.join().unwrap().is_empty());
    }
    // What the server would refuse: its limits are told with the arguments.
    for (way, given) in [("fixed", "8193"), ("semantic", "8193"), ("hierarchical", "8193"), ("page", "0")] {
        let all = ["craton", "kb", "create", "handbook", "--chunking", way, "--chunk-tokens", given];
        let error = Cli::try_parse_from(all).err().unwrap().to_string();
        assert!(error.contains("--chunk-tokens") && error.contains("1..=8192"), "{way}: {error}");
    }
}

#[tokio::test]
async fn a_knowledge_base_without_a_bucket_waits_for_files() {
    let answers = [
        (200, ROLE),
        (200, "<PutRolePolicyResponse/>"),
        (202, r#"{"knowledgeBase":{"knowledgeBaseId":"ABCDEF1234","status":"ACTIVE"}}"#),
        (200, r#"{"knowledgeBase":{"knowledgeBaseId":"ABCDEF1234","status":"ACTIVE"}}"#),
        (200, r#"{"dataSource":{"dataSourceId":"CUSTOM1234"}}"#),
    ];
    let (outcome, asked) = told(&["create", "notes", "--chunking", "page"], &answers).await;
    outcome.unwrap();
    let asked = asked.join().unwrap();
    assert!(asked[1].body.contains("InvokeModel") && !asked[1].body.contains("GetObject"), "{}", asked[1].body);
    let source = asked[4].json();
    assert_eq!(source["dataSourceConfiguration"], json!({ "type": "CUSTOM" }));
    assert_eq!(source["vectorIngestionConfiguration"]["chunkingConfiguration"]["chunkingStrategy"], "FIXED_SIZE");
}

fn files(named: &[(&str, &[u8])]) -> (tempfile::TempDir, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let paths = named.iter().map(|(name, bytes)| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    });
    let paths = paths.collect();
    (folder, paths)
}

const ADDED: &str = r#"{"documentDetails":[{"dataSourceId":"CUSTOM1234","status":"STARTING","identifier":{"dataSourceType":"CUSTOM","custom":{"id":"hours.txt"}}}]}"#;

#[tokio::test]
async fn files_are_put_in_as_text_or_bytes_with_what_is_said_of_them() {
    let (_folder, paths) =
        files(&[("hours.txt", "Open until 8 €.".as_bytes()), ("fees.md", b"# Fees"), ("scan.bin", b"\xff\x00")]);
    let mut words = vec!["add", "handbook"];
    words.extend(paths.iter().map(String::as_str));
    words.extend(["--metadata", "department=fleet", "--metadata", "year=2026", "--metadata", "draft=false"]);
    words.extend(["--metadata", "room=\"12\"", "--metadata", "tags=[\"a\",\"b\"]", "--metadata", "none=null"]);
    words.extend(["--reader", "ana"]);
    let answers = [(200, LISTED), (200, BOTH), (200, BUCKET), (200, CUSTOM), (202, ADDED)];
    let (outcome, asked) = told(&words, &answers).await;
    outcome.unwrap();
    let asked = asked.join().unwrap();
    assert_eq!(lines(&asked)[4], "PUT /knowledgebases/ABCDEF1234/datasources/CUSTOM1234/documents");
    let sent = asked[4].json();
    let contents: Vec<_> =
        sent["documents"].as_array().unwrap().iter().map(|one| one["content"]["custom"].clone()).collect();
    let inline = |id: &str, content: serde_json::Value| json!({ "customDocumentIdentifier": { "id": id }, "sourceType": "IN_LINE", "inlineContent": content });
    let bytes = |media_type: &str, data: &str| json!({ "type": "BYTE", "byteContent": { "mimeType": media_type, "data": data } });
    assert_eq!(
        contents,
        [
            inline("hours.txt", json!({ "type": "TEXT", "textContent": { "data": "Open until 8 €." } })),
            inline("fees.md", bytes("text/markdown", "IyBGZWVz")),
            inline("scan.bin", bytes("application/octet-stream", "/wA=")),
        ]
    );
    let attribute = |key: &str, value: serde_json::Value| json!({ "key": key, "value": value });
    for document in sent["documents"].as_array().unwrap() {
        assert_eq!(
            document["metadata"],
            json!({
                "type": "IN_LINE_ATTRIBUTE",
                "inlineAttributes": [
                    attribute("department", json!({ "type": "STRING", "stringValue": "fleet" })),
                    attribute("year", json!({ "type": "NUMBER", "numberValue": 2026 })),
                    attribute("draft", json!({ "type": "BOOLEAN", "booleanValue": false })),
                    attribute("room", json!({ "type": "STRING", "stringValue": "12" })),
                    attribute("tags", json!({ "type": "STRING_LIST", "stringListValue": ["a", "b"] })),
                    attribute("none", json!({ "type": "STRING", "stringValue": "null" })),
                ],
                "accessControlList": [{ "name": "ana", "type": "USER", "access": "ALLOW" }],
            })
        );
    }
}

#[tokio::test]
async fn a_data_source_for_files_is_made_where_there_is_none() {
    let (_folder, paths) = files(&[("hours.txt", b"Open until 8.")]);
    let made = r#"{"dataSource":{"dataSourceId":"MADE123456"}}"#;
    let answers = [(200, LISTED), (200, SOURCES), (200, BUCKET), (200, made), (202, ADDED)];
    let (outcome, asked) = told(&["add", "handbook", &paths[0], "--id", "hours"], &answers).await;
    outcome.unwrap();
    let asked = asked.join().unwrap();
    assert_eq!(asked[3].json(), json!({ "name": "added", "dataSourceConfiguration": { "type": "CUSTOM" } }));
    let sent = asked[4].json();
    assert_eq!(sent["documents"][0]["content"]["custom"]["customDocumentIdentifier"]["id"], "hours");
    assert!(sent["documents"][0]["metadata"].is_null());
    // One that was named is taken, or refused.
    let (outcome, asked) =
        told(&["add", "handbook", &paths[0], "--source", "files"], &[(200, LISTED), (200, SOURCES), (200, BUCKET)])
            .await;
    assert!(outcome.unwrap_err().to_string().contains("`files` reads a bucket"));
    drop(asked.join());
}

#[tokio::test]
async fn files_that_cannot_be_put_in_are_told_before_anything_is_sent() {
    let (folder, paths) =
        files(&[("hours.txt", b"Open."), ("empty.txt", b""), ("large.txt", &vec![b'x'; (5 << 20) + 1])]);
    std::fs::create_dir(folder.path().join("more")).unwrap();
    let twin = folder.path().join("more/hours.txt");
    std::fs::write(&twin, "Closed.").unwrap();
    let twin = twin.to_str().unwrap();
    let cases = [
        (vec![paths[0].as_str(), twin], "two files are called `hours.txt`"),
        (vec![paths[0].as_str(), "--metadata", "a={}"], "`a={}`"),
        (vec![paths[0].as_str(), "--metadata", "a=[1]"], "list of texts"),
        (vec![paths[0].as_str(), twin, "--id", "x"], "`--id`"),
        (vec![paths[1].as_str()], "is empty"),
        (vec![paths[2].as_str()], "5 MiB"),
        (vec!["/does/not/exist.txt"], "cannot read"),
    ];
    for (words, says) in cases {
        let words: Vec<&str> = ["add", "handbook"].into_iter().chain(words).collect();
        let (outcome, asked) = told(&words, &[]).await;
        let error = format!("{:#}", outcome.unwrap_err());
        assert!(error.contains(says), "{error}");
        assert!(asked.join().unwrap().is_empty());
    }
}

#[tokio::test]
async fn many_files_are_put_in_ten_at_a_time() {
    let names: Vec<String> = (0..23).map(|at| format!("{at}.txt")).collect();
    let named: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b"x"[..])).collect();
    let (_folder, paths) = files(&named);
    let words: Vec<&str> = ["add", "handbook"].into_iter().chain(paths.iter().map(String::as_str)).collect();
    let answers = [(200, LISTED), (200, BOTH), (200, BUCKET), (200, CUSTOM), (202, ADDED), (202, ADDED), (202, ADDED)];
    let (outcome, asked) = told(&words, &answers).await;
    outcome.unwrap();
    let counts = asked.join().unwrap()[4..]
        .iter()
        .map(|one| one.json()["documents"].as_array().unwrap().len())
        .collect::<Vec<_>>();
    assert_eq!(counts, [10, 10, 3]);
}

/// What is answered of the documents of these numbers.
fn details(numbers: std::ops::Range<usize>, status: &str) -> &'static str {
    let identifier = |number: usize| json!({ "dataSourceType": "CUSTOM", "custom": { "id": format!("{number}.txt") } });
    let detail = |number| json!({ "dataSourceId": "SOURCE1234", "status": status, "identifier": identifier(number) });
    let all: Vec<serde_json::Value> = numbers.map(detail).collect();
    json!({ "documentDetails": all }).to_string().leak()
}

/// Files of these numbers.
fn numbered(count: usize) -> (tempfile::TempDir, Vec<String>) {
    let names: Vec<String> = (0..count).map(|at| format!("{at}.txt")).collect();
    files(&names.iter().map(|name| (name.as_str(), &b"x"[..])).collect::<Vec<_>>())
}

const REFUSED: &str = r#"{"message":"The disk is full."}"#;

#[tokio::test]
async fn what_was_accepted_before_a_request_failed_is_counted() {
    let (_folder, paths) = numbered(12);
    let words: Vec<&str> = ["add", "handbook"].into_iter().chain(paths.iter().map(String::as_str)).collect();
    let before = [(200, LISTED), (200, SOURCES), (200, CUSTOM)];
    let failing = |after: &[(u16, &'static str)]| before.iter().chain(after).copied().collect::<Vec<_>>();
    let (outcome, asked) = told(&words, &failing(&[(202, details(0..10, "STARTING")), (400, REFUSED)])).await;
    let error = format!("{:#}", outcome.unwrap_err());
    assert!(error.contains("10 of 12 documents were handed in") && error.contains("disk is full"), "{error}");
    drop(asked.join());
    let (outcome, asked) = told(&words, &failing(&[(400, REFUSED)])).await;
    assert_eq!(outcome.unwrap_err().to_string(), "The disk is full.");
    drop(asked.join());

    let names: Vec<String> = (0..12).map(|at| format!("{at}.txt")).collect();
    let words: Vec<&str> = ["remove", "handbook"].into_iter().chain(names.iter().map(String::as_str)).collect();
    let known = [(200, details(0..10, "INDEXED")), (200, details(10..12, "INDEXED"))];
    let after = [known[0], known[1], (202, details(0..10, "DELETING")), (400, REFUSED)];
    let (outcome, asked) = told(&words, &failing(&after)).await;
    let error = format!("{:#}", outcome.unwrap_err());
    assert!(error.contains("10 of 12 documents are being taken out") && error.contains("disk is full"), "{error}");
    drop(asked.join());
}

#[tokio::test]
async fn many_documents_are_waited_for_ten_at_a_time() {
    let (_folder, paths) = numbered(12);
    let words: Vec<&str> = ["add", "handbook", "--wait"].into_iter().chain(paths.iter().map(String::as_str)).collect();
    let accepted = [(202, details(0..10, "STARTING")), (202, details(10..12, "STARTING"))];
    let done = [(200, details(0..10, "INDEXED")), (200, details(10..12, "INDEXED"))];
    let answers: Vec<_> =
        [(200, LISTED), (200, SOURCES), (200, CUSTOM)].into_iter().chain(accepted).chain(done).collect();
    let (outcome, asked) = told(&words, &answers).await;
    outcome.unwrap();
    let asked = asked.join().unwrap();
    let counts: Vec<usize> =
        asked[5..].iter().map(|one| one.json()["documentIdentifiers"].as_array().unwrap().len()).collect();
    assert_eq!(counts, [10, 2]);
    assert_eq!(asked[6].json()["documentIdentifiers"][1]["custom"]["id"], "11.txt");
}

#[tokio::test]
async fn what_was_put_in_is_waited_for_and_what_failed_is_an_error() {
    let (_folder, paths) = files(&[("hours.txt", b"Open until 8.")]);
    let failed = r#"{"documentDetails":[{"dataSourceId":"CUSTOM1234","status":"FAILED","statusReason":"no text","identifier":{"dataSourceType":"CUSTOM","custom":{"id":"hours.txt"}}}]}"#;
    let answers = [(200, LISTED), (200, SOURCES), (200, CUSTOM), (202, ADDED), (200, failed)];
    let (outcome, asked) = told(&["add", "handbook", &paths[0], "--wait"], &answers).await;
    assert!(outcome.unwrap_err().to_string().contains("1 of 1 documents could not be indexed"));
    let asked = asked.join().unwrap();
    assert_eq!(lines(&asked)[4], "POST /knowledgebases/ABCDEF1234/datasources/CUSTOM1234/documents/getDocuments");
    assert_eq!(
        asked[4].json(),
        json!({ "documentIdentifiers": [{ "dataSourceType": "CUSTOM", "custom": { "id": "hours.txt" } }] })
    );
}

const HAS: &str = r#"{"documentDetails":[{"dataSourceId":"CUSTOM1234","status":"INDEXED","identifier":{"dataSourceType":"CUSTOM","custom":{"id":"hours"}}}]}"#;
const HAS_NOT: &str = r#"{"documentDetails":[{"dataSourceId":"CUSTOM1234","status":"NOT_FOUND","identifier":{"dataSourceType":"CUSTOM","custom":{"id":"hours"}}}]}"#;

#[tokio::test]
async fn documents_are_taken_out_of_the_data_source_that_has_them() {
    let gone = r#"{"documentDetails":[{"dataSourceId":"CUSTOM1234","status":"DELETING","identifier":{"dataSourceType":"CUSTOM","custom":{"id":"hours"}}}]}"#;
    let answers = [(200, LISTED), (200, BOTH), (200, BUCKET), (200, CUSTOM), (200, HAS), (202, gone), (200, HAS_NOT)];
    let (outcome, asked) = told(&["remove", "handbook", "hours", "--wait"], &answers).await;
    outcome.unwrap();
    let asked = asked.join().unwrap();
    // A bucket has no document of that name, and is not asked.
    assert_eq!(lines(&asked)[5], "POST /knowledgebases/ABCDEF1234/datasources/CUSTOM1234/documents/deleteDocuments");
    assert_eq!(
        asked[5].json(),
        json!({ "documentIdentifiers": [{ "dataSourceType": "CUSTOM", "custom": { "id": "hours" } }] })
    );

    // One that is there when all is done stays.
    let answers = [(200, LISTED), (200, BOTH), (200, BUCKET), (200, CUSTOM), (200, HAS), (202, gone), (200, HAS)];
    let (outcome, asked) = told(&["remove", "handbook", "hours", "--wait"], &answers).await;
    assert!(outcome.unwrap_err().to_string().contains("1 of 1 documents are there still"));
    drop(asked.join());

    let answers = [(200, LISTED), (200, BOTH), (200, BUCKET), (200, CUSTOM), (200, HAS_NOT)];
    let (outcome, asked) = told(&["remove", "handbook", "hours"], &answers).await;
    assert!(outcome.unwrap_err().to_string().contains("no document `hours`"));
    assert_eq!(asked.join().unwrap().len(), 5);
    let answers = [(200, LISTED), (200, BOTH), (200, CUSTOM), (200, HAS), (200, CUSTOM), (200, HAS)];
    let (outcome, asked) = told(&["remove", "handbook", "hours"], &answers).await;
    assert!(outcome.unwrap_err().to_string().contains("--source"));
    drop(asked.join());
}

#[tokio::test]
async fn chunks_are_asked_of_the_data_source_that_has_the_document() {
    let uri = "s3://documents/a b.md";
    let has = r#"{"documentDetails":[{"dataSourceId":"SOURCE1234","status":"INDEXED","identifier":{"dataSourceType":"S3","s3":{"uri":"s3://documents/a b.md"}}}]}"#;
    let cut = r#"{"text":"One.","chunks":[{"key":"k","start":0,"end":4,"parent":null,"page":null,"tokens":1,"text":"One."}],"warnings":[]}"#;
    let answers = [(200, LISTED), (200, SOURCES), (200, BUCKET), (200, has), (200, cut)];
    let (outcome, asked) = told(&["chunks", "handbook", uri], &answers).await;
    outcome.unwrap();
    assert_eq!(
        lines(&asked.join().unwrap())[4],
        "GET /craton/v1/knowledge-bases/ABCDEF1234/documents/s3%3A%2F%2Fdocuments%2Fa%20b%2Emd/chunks?dataSourceId=SOURCE1234"
    );
}

const SYNCS: &str = r#"{"ingestionJobSummaries":[{"ingestionJobId":"JOB1234567","dataSourceId":"SOURCE1234","status":"COMPLETE","startedAt":"2027-01-15T08:00:00Z","statistics":{"numberOfDocumentsFailed":1}}]}"#;
const NO_SYNCS: &str = r#"{"ingestionJobSummaries":[]}"#;

#[tokio::test]
async fn a_sync_is_listed_followed_and_stopped_by_its_id() {
    let (outcome, asked) = told(&["syncs", "handbook"], &[(200, LISTED), (200, SOURCES), (200, SYNCS)]).await;
    outcome.unwrap();
    assert_eq!(
        lines(&asked.join().unwrap())[2],
        "POST /knowledgebases/ABCDEF1234/datasources/SOURCE1234/ingestionjobs/"
    );

    let answers = [(200, LISTED), (200, BOTH), (200, NO_SYNCS), (200, SYNCS), (200, COMPLETE)];
    let (outcome, asked) = told(&["follow", "handbook", "JOB1234567"], &answers).await;
    outcome.unwrap();
    assert_eq!(
        lines(&asked.join().unwrap())[4],
        "GET /knowledgebases/ABCDEF1234/datasources/CUSTOM1234/ingestionjobs/JOB1234567"
    );

    let stopped = r#"{"ingestionJob":{"ingestionJobId":"JOB1234567","status":"STOPPING"}}"#;
    let answers = [(200, LISTED), (200, SOURCES), (200, SYNCS), (202, stopped)];
    let (outcome, asked) = told(&["stop", "handbook", "JOB1234567"], &answers).await;
    outcome.unwrap();
    assert_eq!(
        lines(&asked.join().unwrap())[3],
        "POST /knowledgebases/ABCDEF1234/datasources/SOURCE1234/ingestionjobs/JOB1234567/stop"
    );
    let (outcome, asked) =
        told(&["stop", "handbook", "JOB0000000"], &[(200, LISTED), (200, SOURCES), (200, SYNCS)]).await;
    assert!(outcome.unwrap_err().to_string().contains("no sync `JOB0000000`"));
    drop(asked.join());
}

#[test]
fn who_leaves_a_sync_is_told_how_to_come_back_and_how_to_end_it() {
    let error = sync::broken_off("handbook", "JOB1234567", " --account 111122223333");
    assert!(error.contains("`craton kb follow handbook JOB1234567 --account 111122223333`"), "{error}");
    assert!(error.contains("`craton kb stop handbook JOB1234567 --account 111122223333`"), "{error}");
}

#[tokio::test]
async fn a_sync_that_is_lost_sight_of_says_how_to_come_back() {
    let answers = [(200, LISTED), (200, SOURCES), (202, STARTED), (500, REFUSED)];
    let (outcome, asked) = told(&["sync", "handbook"], &answers).await;
    let error = crate::output::error_text(&outcome.unwrap_err());
    assert!(error.contains("disk is full") && error.contains("hint: come back with `craton kb follow"), "{error}");
    drop(asked.join());
}

#[tokio::test]
async fn a_sync_that_is_not_waited_for_is_told_with_its_id_and_not_as_one_that_changed_nothing() {
    let (outcome, asked) =
        told(&["sync", "handbook", "--no-wait"], &[(200, LISTED), (200, SOURCES), (202, STARTED)]).await;
    outcome.unwrap();
    assert_eq!(asked.join().unwrap().len(), 3);

    let job = |status: &str, new: u32| {
        json!({ "ingestionJobId": "JOB1234567", "dataSourceId": "SOURCE1234", "status": status,
            "statistics": { "numberOfNewDocumentsIndexed": new } })
    };
    let cases = [
        ("STARTING", 0, "SOURCE1234  starting JOB1234567"),
        ("IN_PROGRESS", 64, "SOURCE1234  in_progress JOB1234567: 64 new"),
        ("COMPLETE", 0, "SOURCE1234  complete: nothing changed"),
        ("FAILED", 0, "SOURCE1234  failed"),
        ("STOPPED", 1, "SOURCE1234  stopped: 1 new"),
    ];
    for (status, new, line) in cases {
        assert_eq!(sync::told(&job(status, new)), line);
    }
    let next = sync::next_step(&job("STARTING", 0), ("handbook", "")).unwrap();
    assert!(next.contains("`craton kb follow handbook JOB1234567`") && next.contains("`craton kb stop"), "{next}");
    assert_eq!(sync::next_step(&job("COMPLETE", 0), ("handbook", "")), None);
}

#[test]
fn the_documents_that_failed_in_a_sync_are_told_and_those_that_are_not_are_counted() {
    let job = |status: &str, reasons: &[&str], failed: u32| json!({ "status": status, "failureReasons": reasons, "statistics": { "numberOfDocumentsFailed": failed } });
    let told = |job| sync::failures(&job, ("handbook", ""));
    assert_eq!(told(job("COMPLETE", &["s3://b/a: no text"], 1)), ["  s3://b/a: no text"]);
    let of_many = told(job("COMPLETE", &["s3://b/a: no text"], 3));
    assert!(
        of_many[1].contains("2 more") && of_many[1].contains("craton kb documents handbook --failed"),
        "{of_many:?}"
    );
    // What a sync failed of is told as its error.
    assert_eq!(told(job("FAILED", &["The disk is full.", "s3://b/a: no text"], 1)), ["  s3://b/a: no text"]);
    assert!(told(json!({ "status": "STARTING" })).is_empty());
}
