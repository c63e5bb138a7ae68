use serde_json::json;

use super::*;

fn read_filter(json: Json) -> Result<Filter> {
    filter(serde_json::from_value(json).unwrap())
}

#[test]
fn filters_are_read_as_bedrock_means_them() {
    for (wire, told) in [
        (json!({ "equals": { "key": "a", "value": "x" } }), "a = \"x\""),
        (json!({ "notEquals": { "key": "a", "value": 1 } }), "not (a = 1)"),
        (json!({ "in": { "key": "a", "value": ["x", 2] } }), "a in [\"x\", 2]"),
        (json!({ "greaterThan": { "key": "year", "value": 1989 } }), "year > 1989"),
        (json!({ "startsWith": { "key": "a", "value": "ca" } }), "a starts with \"ca\""),
        (json!({ "listContains": { "key": "a", "value": "cat" } }), "a has \"cat\""),
        (
            json!({ "orAll": [
                { "andAll": [{ "equals": { "key": "b", "value": true } }, { "lessThan": { "key": "n", "value": 1.5 } }] },
                { "stringContains": { "key": "c", "value": "x" } },
            ] }),
            "((b = true and n < 1.5) or c contains \"x\")",
        ),
    ] {
        assert_eq!(read_filter(wire).unwrap().to_string(), told);
    }
}

#[test]
fn a_value_that_a_comparison_cannot_have_is_refused() {
    for (wire, quoted) in [
        (json!({ "greaterThan": { "key": "year", "value": "late" } }), "`year`"),
        (json!({ "startsWith": { "key": "a", "value": 1 } }), "`1`"),
        (json!({ "in": { "key": "a", "value": "x" } }), "`a`"),
        (json!({ "equals": { "key": "a", "value": { "b": 1 } } }), "`a`"),
    ] {
        let error = read_filter(wire).unwrap_err();
        assert!(error.message.contains(quoted) && error.hint.is_some(), "{error:?}");
    }
}

#[test]
fn values_are_told_as_they_were_given() {
    assert_eq!(json(&Value::Number(3.0)), json!(3));
    assert_eq!(json(&Value::Number(3.5)), json!(3.5));
    assert_eq!(json(&Value::TextList(vec!["a".to_owned()])), json!(["a"]));
}
