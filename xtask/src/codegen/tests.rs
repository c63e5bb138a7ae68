use super::names;
use super::pattern::translate;

#[test]
fn members_become_snake_case() {
    for (member, field) in [
        ("maxTokens", "max_tokens"),
        ("UserName", "user_name"),
        ("modelARN", "model_arn"),
        ("topP", "top_p"),
        ("s3Location", "s3_location"),
        ("type", "r#type"),
    ] {
        assert_eq!(names::field(member), field);
    }
}

#[test]
fn values_become_variants() {
    for (value, variant) in
        [("end_turn", "EndTurn"), ("ON_DEMAND", "OnDemand"), ("TEXT", "Text"), ("Active", "Active"), ("3gp", "V3gp")]
    {
        assert_eq!(names::variant(value), variant);
    }
}

#[test]
fn perl_classes_become_ascii() {
    assert_eq!(translate(r"[\w+=,.@-]+").unwrap().unwrap(), r"[A-Za-z0-9_+=,.@-]+");
    assert_eq!(translate(r"\d{12}").unwrap().unwrap(), r"[0-9]{12}");
    assert_eq!(translate(r"[\u0020-\u00FF]+").unwrap().unwrap(), r"[\x{0020}-\x{00FF}]+");
}

#[test]
fn a_pattern_that_allows_everything_vanishes() {
    assert!(translate(r"[\s\S]*").unwrap().is_none());
}

#[test]
fn look_around_is_refused() {
    assert!(translate("(?!aws)x").is_err());
}

fn model_of(id: &str, protocol: &str, uri: &str) -> anyhow::Result<super::model::Model> {
    super::model::Model::parse(
        id,
        &serde_json::json!({
            "metadata": { "protocol": protocol, "jsonVersion": "1.1", "protocols": ["json"], "endpointPrefix": "e" },
            "operations": { "Op": { "http": { "method": "PUT", "requestUri": uri }, "input": { "shape": "In" } } },
            "shapes": {
                "In": {
                    "type": "structure",
                    "required": ["Part", "Source"],
                    "members": {
                        "Part": { "shape": "Text", "location": "querystring", "locationName": "partNumber" },
                        "Source": { "shape": "Text", "location": "header", "locationName": "X-Amz-Copy-Source" },
                        "Other": { "shape": "Text", "location": "header", "locationName": "X-Amz-Other" },
                    },
                },
                "Text": { "type": "string" },
                "Gone": { "type": "structure", "members": {}, "exception": true, "error": { "code": "NoSuch", "httpStatusCode": 404 } },
                "Broken": { "type": "structure", "members": {}, "exception": true, "fault": true },
            },
        }),
    )
}

#[test]
fn what_s3_requires_becomes_part_of_the_route() {
    let model = model_of("s3", "rest-xml", "/{Bucket}?x").unwrap();
    let operation = &model.operations["Op"];
    assert_eq!(operation.uri, "/{Bucket}?x&partNumber");
    assert_eq!(operation.required_headers, ["x-amz-copy-source"]);
    assert_eq!(model_of("bedrock-agent", "rest-json", "/a").unwrap().operations["Op"].uri, "/a");
}

#[test]
fn only_textract_may_name_cbor() {
    assert_eq!(model_of("textract", "smithy-rpc-v2-cbor", "/").unwrap().protocol, "Json11");
    assert!(model_of("kms", "smithy-rpc-v2-cbor", "/").is_err());
    assert!(model_of("ec2", "ec2", "/").is_err());
}

#[test]
fn exceptions_have_their_code_and_status() {
    let errors = model_of("kms", "json", "/").unwrap().errors;
    let expected = [("Broken", "Broken", 500), ("Gone", "NoSuch", 404)];
    assert_eq!(errors, expected.map(|(name, code, status)| (name.to_owned(), code.to_owned(), status)));
}

#[test]
fn options_that_do_not_exist_are_named() {
    let error = super::run(&["--chekc".to_owned()]).unwrap_err().to_string();
    assert!(error.contains("`--chekc`"), "{error}");
}
