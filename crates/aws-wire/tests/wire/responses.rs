//! Answers: their bytes, and what botocore's parser makes of those bytes (kept in the fixture by `generate.py`).

use aws_wire::generated::{SERVICES, bedrock, bedrock_runtime, iam, sts};
use aws_wire::{Blob, Output, Routed, WireError, encode, encode_error, encode_stream_head};
use serde_json::{Map, Value, json};

use crate::fixture;

fn routed(service: &str, operation: &str) -> Routed {
    let service = SERVICES.iter().find(|found| found.id == service).unwrap();
    Routed { service, operation: service.operation(operation).unwrap(), labels: Vec::new() }
}

/// A response in the fixture's form.
fn entry(service: &str, operation: &str, response: &http::Response<bytes::Bytes>) -> Value {
    let headers: Map<String, Value> =
        response.headers().iter().map(|(name, value)| (name.to_string(), json!(value.to_str().unwrap()))).collect();
    json!({
        "service": service,
        "operation": operation,
        "status": response.status().as_u16(),
        "headers": headers,
        "body": String::from_utf8(response.body().to_vec()).unwrap(),
    })
}

fn answer<O: Output>(service: &str, operation: &str, output: &O) -> Value {
    entry(service, operation, &encode(&routed(service, operation), output, "req-1"))
}

fn refusal(service: &str, operation: &str, error: &WireError) -> Value {
    let found = SERVICES.iter().find(|found| found.id == service).unwrap();
    entry(service, operation, &encode_error(found, error, "req-1"))
}

fn user() -> iam::User {
    iam::User {
        path: "/".to_owned(),
        user_name: "a<&>\"b".to_owned(),
        user_id: "AIDAEXAMPLE".to_owned(),
        arn: "arn:aws:iam::111122223333:user/a".to_owned(),
        create_date: base::Timestamp(1_769_860_800_000).into(),
        password_last_used: None,
        permissions_boundary: None,
        tags: Some(vec![iam::Tag { key: "k".to_owned(), value: "ü".to_owned() }]),
    }
}

fn identity() -> sts::GetCallerIdentityResponse {
    sts::GetCallerIdentityResponse {
        user_id: Some("AIDAEXAMPLE".to_owned()),
        account: Some("111122223333".to_owned()),
        arn: Some("arn:aws:iam::111122223333:user/admin".to_owned()),
    }
}

fn session() -> sts::GetSessionTokenResponse {
    sts::GetSessionTokenResponse {
        credentials: Some(sts::Credentials {
            access_key_id: "ASIAEXAMPLE".to_owned(),
            secret_access_key: "s+/=".to_owned(),
            session_token: "t".to_owned(),
            expiration: base::Timestamp(1_769_860_800_500).into(),
        }),
        ..Default::default()
    }
}

fn models() -> bedrock::ListFoundationModelsResponse {
    let model = bedrock::FoundationModelSummary {
        model_arn: "arn:aws:bedrock:us-east-1::foundation-model/a.b".to_owned(),
        model_id: "a.b".to_owned(),
        output_modalities: Some(vec![bedrock::ModelModality::Text]),
        response_streaming_supported: Some(true),
        ..Default::default()
    };
    bedrock::ListFoundationModelsResponse { model_summaries: Some(vec![model]) }
}

fn invocation() -> bedrock_runtime::InvokeModelResponse {
    bedrock_runtime::InvokeModelResponse {
        body: Blob::from(&b"{\"a\":1}"[..]),
        content_type: "application/json".to_owned(),
        performance_config_latency: Some(bedrock_runtime::PerformanceConfigLatency::Standard),
        service_tier: None,
    }
}

fn all() -> Vec<Value> {
    let missing = |service: &aws_wire::Service| {
        WireError::new(service, "NoSuchEntity", "The user with name a<b cannot be found.")
    };
    vec![
        answer("sts", "GetCallerIdentity", &identity()),
        answer("sts", "GetSessionToken", &session()),
        answer("iam", "CreateUser", &iam::CreateUserResponse { user: Some(user()) }),
        answer(
            "iam",
            "ListUsers",
            &iam::ListUsersResponse { users: vec![user(), user()], is_truncated: Some(false), marker: None },
        ),
        answer("iam", "DeleteUser", &()),
        answer("bedrock", "ListFoundationModels", &models()),
        answer("bedrock-runtime", "InvokeModel", &invocation()),
        answer("bedrock-runtime", "CountTokens", &bedrock_runtime::CountTokensResponse { input_tokens: 7 }),
        refusal("iam", "GetUser", &missing(&iam::SERVICE)),
        refusal(
            "bedrock",
            "GetFoundationModel",
            &WireError::new(&bedrock::SERVICE, "ResourceNotFoundException", "No such model."),
        ),
        refusal(
            "bedrock-runtime",
            "Converse",
            &WireError::new(&bedrock_runtime::SERVICE, "ThrottlingException", "Full."),
        ),
        refusal("kms", "ListKeys", &WireError::with_status(403, "InvalidSignatureException", "Wrong.")),
        refusal("s3", "ListBuckets", &WireError::with_status(501, "NotImplemented", "Not yet.")),
    ]
}

/// When this fails after an intended change: run it with `UPDATE_FIXTURES=1`, then `fixtures/generate.py`.
#[test]
fn answers_are_the_bytes_that_botocore_was_shown() {
    let found = all();
    if std::env::var_os("UPDATE_FIXTURES").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/responses.json");
        std::fs::write(path, serde_json::to_string_pretty(&found).unwrap()).unwrap();
        return;
    }
    let mut expected = fixture(include_str!("../fixtures/responses.json"));
    for entry in &mut expected {
        entry.as_object_mut().unwrap().shift_remove("parsed");
    }
    assert_eq!(found, expected);
}

#[test]
fn botocore_reads_what_was_meant() {
    let parsed: Vec<Value> =
        fixture(include_str!("../fixtures/responses.json")).iter().map(|entry| entry["parsed"].clone()).collect();
    assert_eq!(parsed[0]["Arn"], "arn:aws:iam::111122223333:user/admin");
    assert_eq!(parsed[0]["ResponseMetadata"], json!({ "RequestId": "req-1", "HTTPStatusCode": 200 }));
    assert_eq!(parsed[1]["Credentials"]["Expiration"], "2026-01-31T12:00:00.500000+00:00");
    assert_eq!(parsed[2]["User"]["UserName"], "a<&>\"b");
    assert_eq!(parsed[2]["User"]["Tags"], json!([{ "Key": "k", "Value": "ü" }]));
    assert_eq!(parsed[3]["Users"].as_array().unwrap().len(), 2);
    assert_eq!(parsed[5]["modelSummaries"][0]["responseStreamingSupported"], true);
    assert_eq!(parsed[6]["contentType"], "application/json");
    assert_eq!(parsed[7]["inputTokens"], 7);
    let error = |at: usize| {
        (
            parsed[at]["Error"]["Code"].as_str().unwrap().to_owned(),
            parsed[at]["ResponseMetadata"]["HTTPStatusCode"].as_u64().unwrap(),
        )
    };
    assert_eq!(error(8), ("NoSuchEntity".to_owned(), 404));
    assert_eq!(error(9), ("ResourceNotFoundException".to_owned(), 404));
    assert_eq!(error(10), ("ThrottlingException".to_owned(), 429));
    assert_eq!(error(11), ("InvalidSignatureException".to_owned(), 403));
    assert_eq!(error(12), ("NotImplemented".to_owned(), 501));
    assert!(parsed.iter().all(|parsed| parsed["ResponseMetadata"]["RequestId"] == "req-1"), "{parsed:#?}");
}

#[test]
fn a_stream_begins_with_its_media_type_and_the_bodys_own() {
    let output = bedrock_runtime::InvokeModelWithResponseStreamResponse {
        content_type: "application/json".to_owned(),
        performance_config_latency: None,
        service_tier: None,
    };
    let head = encode_stream_head(&routed("bedrock-runtime", "InvokeModelWithResponseStream"), &output, "req-1");
    assert_eq!(head.headers()["content-type"], "application/vnd.amazon.eventstream");
    assert_eq!(head.headers()["x-amzn-bedrock-content-type"], "application/json");
    assert_eq!(head.headers()["x-amzn-requestid"], "req-1");
}

#[test]
fn structures_with_secrets_do_not_show_them() {
    assert!(!format!("{:?}", session()).contains("s+/="));
}
