//! Requests as botocore sends them decode to what the caller meant.

use aws_wire::Input;
use aws_wire::generated::{bedrock, bedrock_runtime, iam, sts};
use proptest::prelude::*;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{body_of, decode, fixture, parts};

/// Decodes one fixture as `I` and gives its members back as JSON.
fn read<I: Input + Serialize>(entry: &Value, scope: &str) -> Value {
    let headers: Vec<(&str, &str)> = entry["headers"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
        .collect();
    let parts = parts(entry["method"].as_str().unwrap(), entry["path"].as_str().unwrap(), &headers);
    serde_json::to_value(decode::<I>(scope, &parts, body_of(entry)).unwrap()).unwrap()
}

/// `{"base64": text}` is how the fixtures write bytes.
fn with_plain_blobs(value: &Value) -> Value {
    match value {
        Value::Object(map) if map.len() == 1 && map.contains_key("base64") => map["base64"].clone(),
        Value::Object(map) => {
            Value::Object(map.iter().map(|(key, value)| (key.clone(), with_plain_blobs(value))).collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.iter().map(with_plain_blobs).collect()),
        other => other.clone(),
    }
}

#[test]
fn what_botocore_sends_is_what_the_caller_meant() {
    for entry in fixture(include_str!("../fixtures/requests.json")) {
        let found = match entry["operation"].as_str().unwrap() {
            "CreateUser" => read::<iam::CreateUserRequest>(&entry, "iam"),
            "ListUsers" => read::<iam::ListUsersRequest>(&entry, "iam"),
            "UpdateAccessKey" => read::<iam::UpdateAccessKeyRequest>(&entry, "iam"),
            "GetCallerIdentity" => read::<sts::GetCallerIdentityRequest>(&entry, "sts"),
            "GetSessionToken" => read::<sts::GetSessionTokenRequest>(&entry, "sts"),
            "ListFoundationModels" => read::<bedrock::ListFoundationModelsRequest>(&entry, "bedrock"),
            "GetFoundationModel" => read::<bedrock::GetFoundationModelRequest>(&entry, "bedrock"),
            "InvokeModel" => read::<bedrock_runtime::InvokeModelRequest>(&entry, "bedrock"),
            "Converse" => read::<bedrock_runtime::ConverseRequest>(&entry, "bedrock"),
            other => panic!("no test reads `{other}`"),
        };
        let mut expected = with_plain_blobs(&entry["params"]);
        // The raw payload is not part of the structure's JSON; its own test is below.
        expected.as_object_mut().unwrap().remove("body");
        assert_eq!(found, expected, "{}", entry["operation"]);
    }
}

#[test]
fn a_raw_payload_arrives_untouched() {
    let parts = parts("POST", "/model/m/invoke", &[("content-type", "application/octet-stream")]);
    let input: bedrock_runtime::InvokeModelRequest = decode("bedrock", &parts, &b"\x00\xff"[..]).unwrap();
    assert_eq!(input.body.unwrap().0.as_ref(), b"\x00\xff");
    assert_eq!(input.content_type.as_deref(), Some("application/octet-stream"));
}

#[test]
fn a_payload_needs_neither_content_type_nor_accept() {
    let parts = parts("POST", "/model/m/invoke", &[]);
    let input: bedrock_runtime::InvokeModelRequest = decode("bedrock", &parts, &b"{}"[..]).unwrap();
    assert_eq!((input.content_type, input.accept, input.model_id.as_str()), (None, None, "m"));
}

#[test]
fn an_empty_body_is_an_empty_object() {
    let parts = parts("POST", "/model/m/converse", &[]);
    let input: bedrock_runtime::ConverseRequest = decode("bedrock", &parts, "").unwrap();
    assert_eq!((input.model_id.as_str(), input.messages), ("m", None));
}

#[test]
fn unknown_and_null_members_are_ignored() {
    let body = json!({ "messages": [{ "role": "user", "content": [{ "text": "a", "image": null }], "extra": 1 }], "system": null });
    let input: bedrock_runtime::ConverseRequest =
        decode("bedrock", &parts("POST", "/model/m/converse", &[]), body.to_string()).unwrap();
    let content = &input.messages.unwrap()[0].content;
    assert!(matches!(&content[..], [bedrock_runtime::ContentBlock::Text(text)] if text == "a"));
    assert!(input.system.is_none());
}

#[test]
fn empty_lists_and_structures_pass() {
    let body = r#"{"system":[],"inferenceConfig":{}}"#;
    let input: bedrock_runtime::ConverseRequest =
        decode("bedrock", &parts("POST", "/model/m/converse", &[]), body).unwrap();
    assert_eq!(input.system.unwrap().len(), 0);
}

#[test]
fn a_query_request_may_be_a_get() {
    let parts = parts("GET", "/?Action=GetUser&Version=2010-05-08&UserName=ada", &[]);
    let input: iam::GetUserRequest = decode("iam", &parts, "").unwrap();
    assert_eq!(input.user_name.as_deref(), Some("ada"));
}

#[test]
fn list_members_of_a_form_are_ordered_by_number() {
    let body = "Action=CreateUser&UserName=a&Tags.member.10.Key=z&Tags.member.10.Value=1&Tags.member.2.Key=y&Tags.member.2.Value=2";
    let input: iam::CreateUserRequest = decode("iam", &parts("POST", "/", &[]), body).unwrap();
    let keys: Vec<String> = input.tags.unwrap().into_iter().map(|tag| tag.key).collect();
    assert_eq!(keys, ["y", "z"]);
}

/// Everything but letters and digits escaped.
fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

proptest! {
    #[test]
    fn tags_survive_a_form(tags in prop::collection::vec(("[a-zA-Z0-9 ü+=]{1,9}", "[a-zA-Z0-9 ü+=]{0,9}"), 0..5)) {
        let mut form = "Action=CreateUser&UserName=a".to_owned();
        for (at, (key, value)) in tags.iter().enumerate() {
            let n = at + 1;
            form.push_str(&format!("&Tags.member.{n}.Key={}&Tags.member.{n}.Value={}", escaped(key), escaped(value)));
        }
        let input: iam::CreateUserRequest = decode("iam", &parts("POST", "/", &[]), form).unwrap();
        let found: Vec<(String, String)> = input.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect();
        prop_assert_eq!(found, tags);
    }

    #[test]
    fn labels_and_json_survive(id in "[a-z0-9]{1,9}(:[0-9]){0,1}", text in ".{1,20}", tokens in 1_i32..i32::MAX) {
        let body = json!({ "messages": [{ "role": "user", "content": [{ "text": text }] }], "inferenceConfig": { "maxTokens": tokens } });
        let parts = parts("POST", &format!("/model/{}/converse", escaped(&id)), &[]);
        let input: bedrock_runtime::ConverseRequest = decode("bedrock", &parts, body.to_string()).unwrap();
        prop_assert_eq!(&input.model_id, &id);
        let mut found = serde_json::to_value(&input).unwrap();
        found.as_object_mut().unwrap().shift_remove("modelId");
        prop_assert_eq!(found, body);
    }

    #[test]
    fn no_bytes_crash_the_decoders(body in prop::collection::vec(any::<u8>(), 0..60), text in "[\\[\\]{}\":,a-z0-9.=&%+-]{0,60}") {
        for body in [body, text.into_bytes()] {
            let _ = decode::<bedrock_runtime::ConverseRequest>("bedrock", &parts("POST", "/model/m/converse", &[]), body.clone());
            let form = [&b"Action=CreateUser&"[..], &body].concat();
            let _ = decode::<iam::CreateUserRequest>("iam", &parts("POST", "/", &[]), form);
        }
    }
}
