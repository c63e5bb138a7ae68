use super::*;
use crate::fake;

const FIRST: &str =
    r#"{"jobArn":"arn:aws:bedrock:us-east-1:111122223333:evaluation-job/aaa","jobName":"one","status":"Completed"}"#;
const SECOND: &str =
    r#"{"jobArn":"arn:aws:bedrock:us-east-1:111122223333:evaluation-job/bbb","jobName":"two","status":"InProgress"}"#;

#[test]
fn a_row_tells_kind_and_judges() {
    let job = json!({"jobArn": "arn:aws:bedrock:us-east-1:111122223333:evaluation-job/aaa", "jobName": "one", "status": "Completed",
        "creationTime": "2026-05-04T09:12:00Z", "kind": "retrieve-and-generate", "evaluatorModelIdentifiers": ["j"],
        "customMetricsEvaluatorModelIdentifiers": ["j"]});
    assert_eq!(row(&job), ["aaa", "one", "rag", "Completed", "2026-05-04T09:12:00Z", "j"].map(str::to_owned));
    let passages = json!({"jobArn": "aaa", "applicationType": "RagEvaluation", "kind": "retrieve-only"});
    assert_eq!(row(&passages)[2], "retrieve");
    let mut computed = json!({"jobArn": "aaa", "kind": "model"});
    assert_eq!((row(&computed)[2].as_str(), row(&computed)[5].as_str()), ("model", "-"));
    computed["customMetricsEvaluatorModelIdentifiers"] = json!(["k"]);
    assert_eq!(row(&computed)[5], "k");
}

#[tokio::test]
async fn a_listing_asks_for_what_it_is_told_to_and_for_every_page() {
    let more = r#"{"items":[],"nextToken":"t"}"#;
    let (client, asked) = fake::server(&[(200, more), (200, more), (200, r#"{"items":[],"nextToken":null}"#)]);
    list(&client, Some(Status::Completed), Some("dev 1"), Format::Json).await.unwrap();
    let asked = asked.join().unwrap();
    let first = "GET /craton/v1/evaluation-jobs?statusEquals=Completed&nameContains=dev%201";
    assert!(asked[0].line.starts_with(&format!("{first} HTTP")), "{asked:?}");
    for asked in &asked[1..] {
        assert!(asked.line.starts_with(&format!("{first}&nextToken=t HTTP")), "{asked:?}");
    }
    assert_eq!(path(&[]), "/evaluation-jobs");
}

#[tokio::test]
async fn jobs_are_deleted_by_their_arns_and_each_that_is_not_is_told() {
    let answer = r#"{"evaluationJobs":[{"jobIdentifier":"arn:aws:bedrock:us-east-1:111122223333:evaluation-job/aaa","jobStatus":"Deleting"}],
        "errors":[{"jobIdentifier":"arn:aws:bedrock:us-east-1:111122223333:evaluation-job/bbb","code":"ConflictException","message":"It is InProgress."}]}"#;
    let missing = r#"{"error":{"message":"The evaluation job `ccc` could not be found."}}"#;
    let (client, asked) = fake::server(&[(200, FIRST), (200, SECOND), (200, FIRST), (404, missing), (200, answer)]);
    let named = ["aaa", "bbb", "aaa", "ccc"].map(str::to_owned);
    let error = delete(&client, &named, true, Format::Text).await.unwrap_err();
    assert_eq!(error.to_string(), "2 of 3 evaluation jobs were not deleted");
    let asked = asked.join().unwrap();
    assert!(asked[4].line.starts_with("POST /evaluation-jobs/batch-delete HTTP"), "{asked:?}");
    let arns = ["aaa", "bbb"].map(|id| format!("arn:aws:bedrock:us-east-1:111122223333:evaluation-job/{id}"));
    assert_eq!(asked[4].json(), json!({"jobIdentifiers": arns}));
}

#[tokio::test]
async fn jobs_beyond_a_request_that_failed_are_told_beside_those_that_are_deleted() {
    let arn = |at: usize| format!("arn:aws:bedrock:us-east-1:111122223333:evaluation-job/job{at}");
    let standing = |at: usize| -> (u16, &'static str) {
        (200, json!({"jobArn": arn(at), "jobName": "j", "status": "Completed"}).to_string().leak())
    };
    let gone: Vec<Value> = (0..25).map(|at| json!({"jobIdentifier": arn(at), "jobStatus": "Deleting"})).collect();
    let gone: &'static str = json!({"evaluationJobs": gone, "errors": []}).to_string().leak();
    let one: &'static str = json!({"evaluationJobs": [{"jobIdentifier": arn(50)}], "errors": []}).to_string().leak();
    let mut answers: Vec<(u16, &'static str)> = (0..51).map(standing).collect();
    answers.extend([(200, gone), (403, r#"{"message":"not allowed"}"#), (200, one)]);
    let (client, asked) = fake::server(&answers);
    let named: Vec<String> = (0..51).map(|at| format!("job{at}")).collect();
    let error = delete(&client, &named, true, Format::Json).await.unwrap_err();
    assert_eq!(error.to_string(), "25 of 51 evaluation jobs were not deleted");
    assert_eq!(asked.join().unwrap()[53].json(), json!({"jobIdentifiers": [arn(50)]}));
}

#[test]
fn nothing_is_deleted_unless_the_word_is_typed() {
    assert!(confirmed("confirm\n".as_bytes()).is_ok());
    for typed in ["yes\n", "\n", ""] {
        assert!(confirmed(typed.as_bytes()).unwrap_err().to_string().contains("nothing was deleted"), "{typed:?}");
    }
}
