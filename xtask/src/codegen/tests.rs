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
