use super::*;
use base::ErrorKind;

const HAIKU: &str = "anthropic.claude-3-haiku-20240307-v1:0";

fn read(text: &str) -> Result<ModelId> {
    parse_for("123456789012", "us-east-1", text)
}

fn hint(text: &str) -> (ErrorKind, String) {
    let error = read(text).unwrap_err();
    (error.kind, format!("{} {}", error.message, error.hint.unwrap_or_default()))
}

#[test]
fn ids_arns_and_profiles_name_the_same_model() {
    for text in [
        HAIKU.to_owned(),
        format!("us.{HAIKU}"),
        format!("global.{HAIKU}"),
        format!("apac.{HAIKU}"),
        format!("arn:aws:bedrock:us-east-1::foundation-model/{HAIKU}"),
        format!("arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.{HAIKU}"),
    ] {
        assert_eq!(read(&text).unwrap().model, HAIKU, "{text}");
    }
    assert_eq!(read(&format!("eu.{HAIKU}")).unwrap().id, format!("eu.{HAIKU}"));
    assert_eq!(read("llama-3.2-1b-instruct").unwrap().model, "llama-3.2-1b-instruct");
}

#[test]
fn a_leading_space_is_refused_with_the_trimmed_id() {
    let (kind, text) = hint(" cohere.embed-multilingual-v3");
    assert_eq!(kind, ErrorKind::Invalid);
    assert_eq!(
        text,
        "The provided model identifier is invalid. Remove the spaces around it: `cohere.embed-multilingual-v3`."
    );
}

#[test]
fn nonsense_other_regions_and_other_accounts_name_no_model() {
    for text in [
        "",
        " ",
        "a b",
        "a\u{0}b",
        "arn:",
        "arn:aws:s3:::bucket",
        &format!("arn:aws:bedrock:eu-west-1::foundation-model/{HAIKU}"),
        &format!("arn:aws:bedrock:us-east-1:999999999999:inference-profile/us.{HAIKU}"),
        "arn:aws:bedrock:us-east-1::unheard-of/x",
        &"x".repeat(3000),
    ] {
        assert_eq!(hint(text).0, ErrorKind::Invalid, "{text:?}");
    }
}

#[test]
fn other_resources_are_not_implemented_by_name() {
    let (kind, text) = hint("arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abc");
    assert_eq!(kind, ErrorKind::NotImplemented);
    assert!(text.contains("`provisioned-model`"));
}

#[test]
fn an_application_profile_is_named_by_its_arn() {
    let id = read("arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abcdefghijk1").unwrap();
    assert!(id.application && id.id == "abcdefghijk1");
}

#[test]
fn an_imported_model_is_named_by_its_arn_in_its_own_account_and_region() {
    let arn = "arn:aws:bedrock:us-east-1:123456789012:imported-model/abcdefghijk1";
    let id = read(arn).unwrap();
    assert!(id.imported && id.id == arn);
    for other in ["us-east-1:999999999999", "us-east-1:", "eu-west-1:123456789012"] {
        let arn = format!("arn:aws:bedrock:{other}:imported-model/abcdefghijk1");
        assert_eq!(hint(&arn).0, ErrorKind::Invalid, "{arn}");
    }
}
