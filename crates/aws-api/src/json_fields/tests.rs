use serde_json::json;

use super::*;

fn message(result: Result<impl Sized>) -> String {
    result.map(|_| ()).unwrap_err().message
}

#[test]
fn schema_errors_name_the_member_by_json_pointer() {
    let body = json!({"a": {"b": [1, "x"]}, "t": 2.5, "n": null});
    let root = Fields::root(&body, Wording::Schema).unwrap();
    assert_eq!(
        message(root.required("prompt")),
        "Malformed input request: #: required key [prompt] not found, please reformat your input and try again."
    );
    assert_eq!(
        message(root.number("t", 0.0, 1.0)),
        "Malformed input request: #/t: 2.5 is not less or equal to 1, please reformat your input and try again."
    );
    assert_eq!(
        message(root.object("a").unwrap().unwrap().texts("b")),
        "Malformed input request: #/a/b/0: expected type: String, found: Integer, please reformat your input and try again."
    );
    assert!(message(root.text("n")).contains("found: Null"));
    assert!(message(root.only(&["a", "t"])).contains("extraneous key [n] is not permitted"));
}

#[test]
fn anthropic_errors_name_the_member_with_dots() {
    let body = json!({"messages": [{"content": 3}], "stream": null});
    let root = Fields::root(&body, Wording::Anthropic).unwrap();
    assert_eq!(message(root.required("max_tokens")), "max_tokens: Field required");
    let first = root.list("messages").unwrap()[0].fields().unwrap();
    assert_eq!(message(first.text("content")), "messages.0.content: Input should be a valid string");
    assert_eq!(message(first.only(&[])), "messages.0.content: Extra inputs are not permitted");
    assert!(root.optional("stream").is_none());
}

#[test]
fn openai_errors_name_the_member_with_brackets() {
    let body = json!({"messages": [{}]});
    let root = Fields::root(&body, Wording::OpenAi).unwrap();
    let first = root.list("messages").unwrap()[0].fields().unwrap();
    let missing = message(first.required("role"));
    assert_eq!(missing, "Missing required parameter: 'messages[0].role'.");
    assert_eq!(parameter(&missing), Some("messages[0].role"));
    assert_eq!(parameter(&message(root.text("messages"))), Some("messages"));
    assert_eq!(parameter("Something else: 'x'"), None);
}

#[test]
fn numbers_are_kept_in_range_and_huge_ones_do_not_wrap() {
    let body = json!({"n": u64::MAX, "neg": -1, "f": 1.5});
    let root = Fields::root(&body, Wording::Anthropic).unwrap();
    assert_eq!(message(root.count("n", 1, 100)), "n: Input should be less than or equal to 100");
    assert_eq!(message(root.count("neg", 1, 100)), "neg: Input should be greater than or equal to 1");
    assert_eq!(message(root.count("f", 1, 100)), "f: Input should be a valid integer");
}

#[test]
fn a_body_that_is_no_object_is_refused() {
    assert!(Fields::root(&json!([1]), Wording::Schema).is_err());
    assert_eq!(message(Fields::root(&json!(1), Wording::Anthropic)), "Input should be a valid dictionary");
}
