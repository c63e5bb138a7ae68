//! What AWS answers to requests that its models do not allow.

use aws_wire::Violation;
use aws_wire::generated::{bedrock, bedrock_runtime, iam};
use bytes::Bytes;
use serde_json::json;

use crate::{decode, parts};

fn converse(body: impl Into<Bytes>, headers: &[(&str, &str)]) -> Violation {
    let parts = parts("POST", "/model/m/converse", headers);
    decode::<bedrock_runtime::ConverseRequest>("bedrock", &parts, body).map(|_| ()).unwrap_err()
}

fn create_user(form: &str) -> Violation {
    decode::<iam::CreateUserRequest>("iam", &parts("POST", "/", &[]), format!("Action=CreateUser&{form}"))
        .map(|_| ())
        .unwrap_err()
}

#[test]
fn a_number_below_its_minimum_is_named_with_its_path() {
    let found = converse(r#"{"inferenceConfig":{"maxTokens":0}}"#, &[]);
    assert_eq!(found.code, "ValidationException");
    assert_eq!(
        found.message,
        "1 validation error detected: Value '0' at 'inferenceConfig.maxTokens' failed to satisfy constraint: Member must have \
         value greater than or equal to 1"
    );
}

#[test]
fn a_fraction_above_its_maximum_is_named() {
    let found = converse(r#"{"inferenceConfig":{"temperature":1.5}}"#, &[]);
    assert_eq!(
        found.message,
        "1 validation error detected: Value '1.5' at 'inferenceConfig.temperature' failed to satisfy constraint: Member must have \
         value less than or equal to 1"
    );
}

#[test]
fn a_value_outside_its_enum_lists_the_allowed_ones() {
    let found = converse(r#"{"messages":[{"role":"robot","content":[]}]}"#, &[]);
    assert_eq!(
        found.message,
        "1 validation error detected: Value 'robot' at 'messages.1.member.role' failed to satisfy constraint: Member must satisfy \
         enum value set: [user, assistant, system]"
    );
}

#[test]
fn several_errors_are_joined() {
    let found = converse(r#"{"messages":[{}]}"#, &[]);
    assert_eq!(
        found.message,
        "2 validation errors detected: Value null at 'messages.1.member.role' failed to satisfy constraint: Member must not be \
         null; Value null at 'messages.1.member.content' failed to satisfy constraint: Member must not be null"
    );
}

#[test]
fn the_search_ends_after_many_errors() {
    let messages = vec![json!({}); 10_000];
    let found = converse(json!({ "messages": messages }).to_string(), &[]);
    assert!(found.message.starts_with("50 validation errors detected: "), "{}", found.message);
}

#[test]
fn the_query_protocol_has_its_own_code() {
    let found = create_user("Path=/");
    assert_eq!(found.code, "ValidationError");
    assert_eq!(
        found.message,
        "1 validation error detected: Value at 'userName' failed to satisfy constraint: Member must not be null"
    );
}

#[test]
fn forms_and_json_are_told_by_their_media_type() {
    let create = |media: &str| {
        let parts = parts("POST", "/", &[("content-type", media)]);
        decode::<iam::CreateUserRequest>("iam", &parts, "Action=CreateUser&UserName=a").map(|_| ())
    };
    create("application/x-www-form-urlencoded; charset=utf-8").unwrap();
    for media in ["application/json", "text/plain", "multipart/form-data"] {
        assert_eq!(create(media).unwrap_err().code, "MalformedInput", "{media}");
        if media != "application/json" {
            assert_eq!(converse("{}", &[("content-type", media)]).code, "SerializationException", "{media}");
        }
    }
}

#[test]
fn a_pattern_must_match_the_whole_value() {
    let found = create_user("UserName=a%20b");
    assert_eq!(
        found.message,
        r"1 validation error detected: Value 'a b' at 'userName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]+"
    );
}

#[test]
fn letters_outside_ascii_are_not_word_characters() {
    assert!(create_user("UserName=%C3%A9").message.contains("regular expression pattern"));
}

#[test]
fn a_text_that_is_too_long_is_named_with_its_limit() {
    let name = "a".repeat(65);
    let found = create_user(&format!("UserName={name}"));
    assert!(found.message.ends_with("Member must have length less than or equal to 64"), "{}", found.message);
    assert!(found.message.contains(&name));
}

#[test]
fn sensitive_and_huge_values_are_not_repeated() {
    let huge = "x y".repeat(1000);
    let found = create_user(&format!("UserName={}", huge.replace(' ', "%20")));
    assert!(found.message.starts_with("2 validation errors detected: Value at 'userName'"), "{}", found.message);
    let image = json!({ "messages": [{ "role": "user", "content": [{ "image": { "format": "png", "source": { "bytes": "" } } }] }] });
    let found = converse(image.to_string(), &[]);
    assert!(
        found.message.contains("Value at 'messages.1.member.content.1.member.image.source.bytes'"),
        "{}",
        found.message
    );
}

#[test]
fn a_model_id_with_a_space_breaks_its_pattern() {
    let parts = parts("POST", "/model/%20cohere.embed-multilingual-v3/invoke", &[]);
    let found = decode::<bedrock_runtime::InvokeModelRequest>("bedrock", &parts, "{}").unwrap_err();
    assert!(found.message.contains("Value ' cohere.embed-multilingual-v3' at 'modelId'"), "{}", found.message);
}

#[test]
fn wrong_types_name_the_member() {
    for (body, message) in [
        (r#"{"messages":"a"}"#, "The value at 'messages' is not a list."),
        (
            r#"{"inferenceConfig":{"maxTokens":"3"}}"#,
            "The value at 'inferenceConfig.maxTokens' is not a 32-bit integer.",
        ),
        (
            r#"{"inferenceConfig":{"maxTokens":3.5}}"#,
            "The value at 'inferenceConfig.maxTokens' is not a 32-bit integer.",
        ),
        (
            r#"{"inferenceConfig":{"maxTokens":99999999999}}"#,
            "The value at 'inferenceConfig.maxTokens' is not a 32-bit integer.",
        ),
        (r#"{"messages":[{"role":1,"content":[]}]}"#, "The value at 'messages.1.member.role' is not a string."),
        (r#"[]"#, "The body is not an object."),
        (
            r#"{"toolConfig":{"tools":[],"toolChoice":{"auto":{},"any":{}}}}"#,
            "The value at 'toolConfig.toolChoice' is not a union with exactly one of the members [auto, any, tool].",
        ),
    ] {
        let found = converse(body, &[]);
        assert_eq!((found.code, found.message.as_str()), ("SerializationException", message));
    }
}

#[test]
fn malformed_json_and_text_are_refused() {
    assert_eq!(converse("{", &[]).code, "SerializationException");
    assert_eq!(converse("{} x", &[]).code, "SerializationException");
    let found = converse(&b"{\"a\":\"\xff\"}"[..], &[]);
    assert_eq!(found.message, "The body is not valid UTF-8 at byte 6.");
}

#[test]
fn deeply_nested_json_is_an_error_and_not_a_crash() {
    let body = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(converse(body, &[]).message.contains("recursion limit"));
}

#[test]
fn a_content_type_that_is_plainly_not_json_is_refused() {
    let found = converse("<a/>", &[("content-type", "text/xml; charset=utf-8")]);
    assert_eq!(found.code, "SerializationException");
    assert_eq!(found.message, "The request's content type is 'text/xml', but this operation takes JSON.");
}

#[test]
fn a_query_parameter_of_the_wrong_kind_is_refused() {
    let parts = parts("GET", "/foundation-models?byOutputModality=SMELL", &[]);
    let found = decode::<bedrock::ListFoundationModelsRequest>("bedrock", &parts, "").unwrap_err();
    assert!(found.message.contains("Member must satisfy enum value set: [TEXT, IMAGE, EMBEDDING"), "{}", found.message);
}

#[test]
fn a_path_that_is_not_utf8_is_refused() {
    let parts = parts("GET", "/foundation-models/%FF", &[]);
    let found = decode::<bedrock::GetFoundationModelRequest>("bedrock", &parts, "").unwrap_err();
    assert_eq!(
        (found.code, found.message.as_str()),
        ("SerializationException", "The value at 'modelIdentifier' is not valid UTF-8.")
    );
}

#[test]
fn a_form_with_a_wrong_number_is_malformed() {
    let parts = parts("POST", "/", &[]);
    let found = decode::<iam::ListUsersRequest>("iam", &parts, "Action=ListUsers&MaxItems=many").unwrap_err();
    assert_eq!((found.code, found.message.as_str()), ("MalformedInput", "The value at 'maxItems' is not an integer."));
}

#[test]
fn a_violation_answers_400_in_the_services_shape() {
    let found = create_user("Path=/");
    let answer = aws_wire::encode_error(&iam::SERVICE, &found.to_wire(), "id-1");
    assert_eq!(answer.status(), 400);
    let body = String::from_utf8(answer.body().to_vec()).unwrap();
    assert!(body.contains("<Code>ValidationError</Code>") && body.contains("<RequestId>id-1</RequestId>"), "{body}");
}
