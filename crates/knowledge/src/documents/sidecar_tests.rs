use serde_json::json;

use super::*;

fn parse(json: &Json) -> Result<Sidecar> {
    Sidecar::parse(json.to_string().as_bytes())
}

#[test]
fn plain_and_typed_values_are_read() {
    let sidecar = parse(&json!({"metadataAttributes": {
        "department": "claims",
        "year": 2024,
        "public": true,
        "tags": ["a", "b"],
        "title": {"value": {"type": "STRING", "stringValue": "Refunds"}, "includeForEmbedding": true},
        "rank": {"value": {"type": "NUMBER", "numberValue": 1.5}},
        "open": {"value": {"type": "BOOLEAN", "booleanValue": false}},
        "areas": {"value": {"type": "STRING_LIST", "stringListValue": ["x"]}},
    }}))
    .unwrap();
    let text = |text: &str| Value::Text(text.to_owned());
    let expected = [
        ("areas", Value::TextList(vec!["x".to_owned()])),
        ("department", text("claims")),
        ("open", Value::Boolean(false)),
        ("public", Value::Boolean(true)),
        ("rank", Value::Number(1.5)),
        ("tags", Value::TextList(vec!["a".to_owned(), "b".to_owned()])),
        ("title", text("Refunds")),
        ("year", Value::Number(2024.0)),
    ];
    assert_eq!(sidecar.metadata, expected.map(|(name, value)| (name.to_owned(), value)).into());
    assert_eq!((sidecar.preface().as_str(), &sidecar.acl), ("title: Refunds\n", &Acl::public()));
}

#[test]
fn both_spellings_of_permissions_are_read_and_shut_out_everybody_else() {
    let acl = Acl {
        public: false,
        allowed_users: ["ana".to_owned()].into(),
        allowed_groups: ["claims".to_owned()].into(),
        denied_users: ["ben".to_owned()].into(),
        denied_groups: ["guests".to_owned()].into(),
    };
    let bedrock = json!({"accessControlList": [
        {"name": "ana", "type": "USER", "access": "ALLOW"}, {"name": "ben", "type": "USER", "access": "DENY"},
        {"name": "claims", "type": "GROUP", "access": "ALLOW"}, {"name": "guests", "type": "GROUP", "access": "DENY"}]});
    let business = bedrock.to_string().replace("accessControlList", "AccessControlList");
    let business = business.replace("name", "Name").replace("type", "Type").replace("access\"", "Access\"");
    assert_eq!(parse(&bedrock).unwrap().acl, acl);
    assert_eq!(Sidecar::parse(business.as_bytes()).unwrap().acl, acl);
    let denied = parse(&json!({"accessControlList": [{"name": "ben", "type": "user", "access": "deny"}]})).unwrap();
    assert!(!denied.acl.public, "a document that names anybody is not everybody's");
}

#[test]
fn what_cannot_be_understood_is_refused() {
    let refused = [
        (json!([]), "not a JSON object"),
        (json!({}), "neither `metadataAttributes`"),
        (json!({"metadataAttributes": {"a": null}}), "`a`"),
        (json!({"metadataAttributes": {"a": {"value": {"type": "DATE", "stringValue": "x"}}}}), "`a`"),
        (json!({"metadataAttributes": {"a": {"value": {"type": "STRING", "stringValue": 1}}}}), "`a`"),
        (json!({"metadataAttributes": {"a": [1]}}), "`a`"),
        (json!({"metadataAttributes": {"x-amz-bedrock-kb-source-uri": "a"}}), "reserved"),
        (json!({"accessControlList": []}), "empty"),
        (json!({"accessControlList": [{"name": "", "type": "USER", "access": "ALLOW"}]}), "`name`"),
        (json!({"accessControlList": [{"name": "a", "type": "ROLE", "access": "ALLOW"}]}), "`type`"),
        (json!({"accessControlList": [{"name": "a", "type": "USER", "access": "MAYBE"}]}), "`access`"),
        (json!({"documentStructureConfiguration": {}}), "not implemented"),
    ];
    for (json, reason) in refused {
        let error = parse(&json).unwrap_err();
        assert!(error.message.contains(reason), "{json}: {error}");
    }
    assert!(Sidecar::parse(b"{").unwrap_err().message.contains("not JSON"));
    let twice = vec![("a".to_owned(), Value::Boolean(true)), ("a".to_owned(), Value::Boolean(false))];
    assert!(Sidecar::handed_in(twice, None).unwrap_err().message.contains("twice"));
}
