//! Every condition operator.

use super::*;

#[test]
fn string_operators_compare_whole_texts() {
    let key = &[("k", &["Home"][..])][..];
    assert!(holds(json!({"StringEquals": {"k": "Home"}}), key) && !holds(json!({"StringEquals": {"k": "home"}}), key));
    assert!(!holds(json!({"StringEquals": {"k": "H*"}}), key), "no wildcards");
    assert!(holds(json!({"StringEquals": {"k": ["x", "Home"]}}), key), "values are alternatives");
    assert!(holds(json!({"StringNotEquals": {"k": ["x", "y"]}}), key));
    assert!(!holds(json!({"StringNotEquals": {"k": ["x", "Home"]}}), key), "negated: none of the values");
    assert!(holds(json!({"StringEqualsIgnoreCase": {"k": "hOME"}}), key));
    assert!(!holds(json!({"StringNotEqualsIgnoreCase": {"k": ["x", "hOME"]}}), key));
    assert!(holds(json!({"StringLike": {"k": "H?m*"}}), key) && !holds(json!({"StringLike": {"k": "h*"}}), key));
    assert!(
        holds(json!({"StringNotLike": {"k": "X*"}}), key) && !holds(json!({"StringNotLike": {"k": ["X*", "*"]}}), key)
    );
    assert!(holds(json!({"StringEquals": {"K": "Home"}}), key), "key names have no case");
    assert!(holds(json!({"StringEquals": {"k": "*"}}), &[("k", &["*"])]));
    assert!(holds(json!({"StringEquals": {"k": ""}}), &[("k", &[""])]));
}

#[test]
fn string_and_arn_operators_know_variables() {
    assert!(holds(json!({"StringEquals": {"k": "home/${aws:username}"}}), &[("k", &["home/ada"])]));
    assert!(holds(json!({"StringLike": {"k": ["", "home/${aws:username}/*"]}}), &[("k", &["home/ada/x"])]));
    assert!(holds(json!({"StringEqualsIgnoreCase": {"k": "${aws:username}"}}), &[("k", &["ADA"])]));
    assert!(holds(
        json!({"ArnLike": {"k": "arn:aws:iam::*:user/${aws:username}"}}),
        &[("k", &["arn:aws:iam::1:user/ada"])]
    ));
    let in_account = json!({"ArnLike": {"k": "arn:aws:iam::${aws:PrincipalAccount}:user/*"}});
    assert!(holds(in_account.clone(), &[("k", &["arn:aws:iam::111122223333:user/bob"])]));
    assert!(!holds(in_account, &[("k", &["arn:aws:iam::777788889999:user/bob"])]));
    assert!(holds(json!({"StringLike": {"k": "${*}"}}), &[("k", &["*"])]));
    assert!(!holds(json!({"StringLike": {"k": "${*}"}}), &[("k", &["x"])]));
}

#[test]
fn numeric_operators_compare_numbers() {
    let ten = &[("k", &["10"][..])][..];
    for (operator, value, expected) in [
        ("NumericEquals", json!("10.0"), true),
        ("NumericEquals", json!(10), true),
        ("NumericEquals", json!("1e1"), true),
        ("NumericEquals", json!(["9", "11"]), false),
        ("NumericNotEquals", json!(["9", "11"]), true),
        ("NumericNotEquals", json!(["9", "10"]), false),
        ("NumericLessThan", json!("10"), false),
        ("NumericLessThan", json!("10.5"), true),
        ("NumericLessThanEquals", json!("10"), true),
        ("NumericGreaterThan", json!("-3"), true),
        ("NumericGreaterThan", json!("10"), false),
        ("NumericGreaterThanEquals", json!("10"), true),
        ("NumericEquals", json!("ten"), false),
    ] {
        let mut condition = json!({});
        condition[operator] = json!({"k": value});
        assert_eq!(holds(condition, ten), expected, "{operator} {value}");
    }
    assert!(!holds(json!({"NumericLessThan": {"k": "5"}}), &[("k", &["many"])]));
    let (a, b) = ("9007199254740993", "9007199254740992");
    assert!(!holds(json!({"NumericEquals": {"k": a}}), &[("k", &[b])]), "integers are compared exactly");
    for text in ["inf", "nan", "NaN", "0x10"] {
        assert!(!holds(json!({"NumericGreaterThan": {"k": "0"}}), &[("k", &[text])]), "{text}");
    }
}

#[test]
fn date_operators_compare_moments() {
    let at = &[("aws:CurrentTime", &["2026-01-31T12:00:00Z"][..]), ("aws:EpochTime", &["1769860800"])][..];
    for key in ["aws:CurrentTime", "aws:EpochTime"] {
        for (operator, value, expected) in [
            ("DateEquals", "2026-01-31T13:00:00+01:00", true),
            ("DateNotEquals", "1769860800", false),
            ("DateLessThan", "2026-01-31T12:00:00Z", false),
            ("DateLessThan", "2026-01-31T12:00:00.001Z", true),
            ("DateLessThanEquals", "1769860800", true),
            ("DateGreaterThan", "2026-01-31", true),
            ("DateGreaterThan", "2026-02", false),
            ("DateGreaterThanEquals", "2026-01-31T12:00Z", true),
        ] {
            let mut condition = json!({});
            condition[operator] = json!({key: value});
            assert_eq!(holds(condition, at), expected, "{key} {operator} {value}");
        }
    }
}

#[test]
fn bool_and_binary_operators_compare_what_they_mean() {
    assert!(holds(json!({"Bool": {"k": "true"}}), &[("k", &["TRUE"])]));
    assert!(holds(json!({"Bool": {"k": false}}), &[("k", &["false"])]));
    assert!(!holds(json!({"Bool": {"k": "false"}}), &[("k", &["true"])]));
    assert!(!holds(json!({"Bool": {"k": "yes"}}), &[("k", &["yes"])]));
    assert!(!holds(json!({"Bool": {"k": "false"}}), &[]), "a missing key is not false");
    let key = &[("k", &["QmluYXJ5VmFsdWVJbkJhc2U2NA=="][..])][..];
    assert!(holds(json!({"BinaryEquals": {"k": "QmluYXJ5VmFsdWVJbkJhc2U2NA=="}}), key));
    assert!(!holds(json!({"BinaryEquals": {"k": "qmluYXJ5VmFsdWVJbkJhc2U2NA=="}}), key));
    assert!(!holds(json!({"BinaryEquals": {"k": "??"}}), &[("k", &["??"])]), "no base64 matches nothing");
}

#[test]
fn address_operators_compare_networks() {
    let condition = |operator: &str| json!({operator: {"aws:SourceIp": ["203.0.113.0/24", "2001:DB8:1234:5678::/64"]}});
    for (address, inside) in
        [("203.0.113.9", true), ("203.0.114.9", false), ("2001:db8:1234:5678::1", true), ("x", false)]
    {
        assert_eq!(holds(condition("IpAddress"), &[("aws:SourceIp", &[address])]), inside, "{address}");
        assert_eq!(holds(condition("NotIpAddress"), &[("aws:SourceIp", &[address])]), !inside, "{address}");
    }
}

#[test]
fn arn_operators_compare_field_by_field() {
    let value =
        &[("k", &["arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt"][..])][..];
    let pattern = "arn:aws:someservice:*:111122223333:finance/*";
    assert!(holds(json!({"StringLike": {"k": pattern}}), value));
    for operator in ["ArnLike", "ArnEquals"] {
        assert!(!holds(json!({operator: {"k": pattern}}), value));
        assert!(holds(json!({operator: {"k": "arn:aws:someservice:*:999999999999:store/*"}}), value));
        assert!(holds(json!({operator: {"k": "*"}}), value));
        assert!(!holds(json!({operator: {"k": "arn:aws:someservice:*"}}), value), "all six fields must be there");
        assert!(!holds(json!({operator: {"k": "arn:aws:s3:::x"}}), &[("k", &["x"])]));
    }
    for operator in ["ArnNotLike", "ArnNotEquals"] {
        assert!(holds(json!({operator: {"k": [pattern, "arn:aws:s3:::x"]}}), value));
        assert!(!holds(json!({operator: {"k": [pattern, "arn:aws:someservice:*:*:store/*"]}}), value));
    }
}

#[test]
fn null_tells_whether_the_key_is_there() {
    let there = &[("k", &["v"][..])][..];
    assert!(holds(json!({"Null": {"k": "true"}}), &[]) && !holds(json!({"Null": {"k": "true"}}), there));
    assert!(holds(json!({"Null": {"k": false}}), there) && !holds(json!({"Null": {"k": "false"}}), &[]));
    assert!(holds(json!({"Null": {"k": "true"}}), &[("k", &[])]), "a key without values is null");
}

#[test]
fn a_missing_key_fails_positive_operators_and_satisfies_negated_ones() {
    for comparison in Comparison::ALL.iter().filter(|comparison| **comparison != Comparison::Null) {
        let value = if comparison.name().starts_with("Date") { "2026" } else { "1" };
        let condition = |operator: String| json!({operator: {"k": value}});
        let name = comparison.name();
        assert_eq!(holds(condition(name.to_owned()), &[]), comparison.is_negated(), "{name}");
        assert!(holds(condition(format!("{name}IfExists")), &[]), "{name}");
        assert!(holds(condition(format!("ForAllValues:{name}")), &[]), "{name}");
        assert!(!holds(condition(format!("ForAnyValue:{name}")), &[]), "{name}");
        assert!(holds(condition(format!("ForAnyValue:{name}IfExists")), &[]), "{name}");
        assert!(!holds(condition(format!("ForAnyValue:{name}")), &[("k", &[""])]), "{name}: empty");
        assert!(holds(condition(format!("ForAllValues:{name}")), &[("k", &[""])]), "{name}: empty");
    }
}

#[test]
fn if_exists_compares_a_key_that_is_there() {
    assert!(!holds(json!({"StringEqualsIfExists": {"k": "a"}}), &[("k", &["b"])]));
    assert!(holds(json!({"StringEqualsIfExists": {"k": "a"}}), &[("k", &["a"])]));
    assert!(!holds(json!({"StringNotEqualsIfExists": {"k": "a"}}), &[("k", &["a"])]));
}

#[test]
fn set_operators_ask_all_or_any_values_of_the_request() {
    let two = &[("k", &["PostDateTime", "UserName"][..])][..];
    let values = json!({"k": ["PostDateTime", "Message", "Tags"]});
    assert!(!holds(json!({"ForAllValues:StringEquals": values}), two));
    assert!(holds(json!({"ForAnyValue:StringEquals": values}), two));
    assert!(holds(json!({"ForAllValues:StringLike": {"k": ["Post*", "U*"]}}), two));
    assert!(!holds(json!({"ForAllValues:StringNotEquals": values}), two));
    assert!(holds(json!({"ForAnyValue:StringNotEquals": values}), two));
    assert!(holds(json!({"ForAllValues:StringNotEquals": {"k": ["a", "b"]}}), two));
    assert!(!holds(json!({"ForAnyValue:StringNotLike": {"k": ["*"]}}), two));
    assert!(holds(json!({"StringEquals": {"k": "UserName"}}), two), "without one, any value is enough");
    assert!(!holds(json!({"StringNotEquals": {"k": "UserName"}}), two), "and negated, none may match");
}

#[test]
fn operators_and_keys_must_all_hold() {
    let keys = &[("a", &["1"][..]), ("b", &["2"][..])][..];
    assert!(holds(json!({"StringEquals": {"a": "1", "b": "2"}, "NumericLessThan": {"a": "2"}}), keys));
    assert!(!holds(json!({"StringEquals": {"a": "1", "b": "x"}}), keys));
    assert!(!holds(json!({"StringEquals": {"a": "1"}, "NumericLessThan": {"a": "1"}}), keys));
}

#[test]
fn a_failed_condition_shows_what_was_compared() {
    let request = get_object().key("s3:prefix", "b").build();
    let statement = json!({"Effect": "Allow", "Action": "*", "Resource": "*",
        "Condition": {"Bool": {"aws:ViaAWSService": "false"},
                      "ForAnyValue:StringLikeIfExists": {"S3:Prefix": ["a", "c*"]}}});
    let Outcome::ConditionFailed(failed) = outcome(statement, &request) else { panic!("it holds") };
    assert_eq!(failed.operator.to_string(), "ForAnyValue:StringLikeIfExists");
    assert_eq!((&*failed.key, failed.actual.as_slice()), ("S3:Prefix", &["b".to_owned()][..]));
    assert_eq!(failed.expected, [Arc::from("a"), Arc::from("c*")]);
}
