use std::sync::Arc;

use super::*;
use crate::backend::Vocabulary as _;
use crate::constraint::Compiler;
use crate::fake::FakeVocabulary;
use crate::{Result, Token};

fn tool(name: &str, schema: Value) -> ToolSpec {
    ToolSpec { name: name.to_owned(), description: String::new(), schema }
}

/// Whether the tools, one of which must be called, admit this answer.
fn admits(tools: &[ToolSpec], answer: &Value) -> Result<bool> {
    let mut follower = Compiler::new(Arc::new(FakeVocabulary))?.compile(&forced(tools)?)?;
    for byte in crate::template::json::text(answer).bytes().map(Token::from) {
        let mask = follower.mask()?;
        if mask.bits()[byte as usize / 32] & (1 << (byte % 32)) == 0 {
            return Ok(false);
        }
        follower.accept(byte)?;
    }
    let mask = follower.mask()?;
    let end = (0..FakeVocabulary.size()).find(|token| FakeVocabulary.ends(*token)).unwrap();
    Ok(mask.bits()[end as usize / 32] & (1 << (end % 32)) != 0)
}

fn call(name: &str, arguments: Value) -> Value {
    // In the order in which the schema names them, as the constraint asks for.
    serde_json::from_str(&format!(r#"{{"name":"{name}","arguments":{arguments}}}"#)).unwrap()
}

#[track_caller]
fn assert_admitted(schema: &Value, good: &[Value], bad: &[Value]) {
    for tools in [vec![tool("f", schema.clone())], vec![tool("other", json!({})), tool("f", schema.clone())]] {
        for arguments in good {
            assert_eq!(admits(&tools, &call("f", arguments.clone())), Ok(true), "{arguments}");
        }
        for arguments in bad {
            assert_eq!(admits(&tools, &call("f", arguments.clone())), Ok(false), "{arguments}");
        }
    }
}

#[test]
fn definitions_within_definitions_are_followed() {
    let schema = json!({
        "$defs": {
            "Street": {"type": "object", "properties": {"name": {"const": "Via Appia"}}, "required": ["name"]},
            "Address": {"type": "object", "properties": {"street": {"$ref": "#/$defs/Street"}}, "required": ["street"]},
        },
        "type": "object",
        "properties": {"home": {"$ref": "#/$defs/Address"}, "work": {"$ref": "#/$defs/Address"}},
        "required": ["home"],
    });
    let address = |street: &str| json!({"street": {"name": street}});
    assert_admitted(
        &schema,
        &[json!({"home": address("Via Appia")}), json!({"home": address("Via Appia"), "work": address("Via Appia")})],
        &[json!({"home": address("Elsewhere")}), json!({"home": {}}), json!({"home": {"street": "Via Appia"}})],
    );
}

#[test]
fn definitions_may_refer_to_themselves_and_to_the_root() {
    let node = json!({
        "type": "object",
        "properties": {"value": {"type": "integer"}, "next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]}},
        "required": ["value", "next"],
    });
    let schema = json!({"$defs": {"Node": node}, "$ref": "#/$defs/Node"});
    let list = json!({"value": 1, "next": {"value": 2, "next": null}});
    assert_admitted(&schema, &[list], &[json!({"value": 1, "next": {"value": 2}})]);

    let schema = json!({
        "type": "object",
        "properties": {"children": {"type": "array", "items": {"$ref": "#"}}},
        "required": ["children"],
        "additionalProperties": false,
    });
    assert_admitted(
        &schema,
        &[json!({"children": [{"children": []}, {"children": [{"children": []}]}]})],
        &[json!({"children": [{}]}), json!({"children": [1]})],
    );
}

#[test]
fn any_part_of_the_schema_may_be_referred_to() {
    let schema = json!({
        "type": "object",
        "definitions": {"Pair<A/B>": {"const": 1}, "Pair~": {"const": 2}},
        "properties": {
            "a": {"enum": ["yes"]},
            "b": {"$ref": "#/properties/a"},
            "c": {"$ref": "#/definitions/Pair%3CA~1B%3E"},
            "d": {"$ref": "#/definitions/Pair~0"},
        },
        "required": ["a", "b", "c", "d"],
    });
    let good = json!({"a": "yes", "b": "yes", "c": 1, "d": 2});
    assert_admitted(&schema, &[good], &[json!({"a": "yes", "b": "no", "c": 1, "d": 2})]);
}

#[test]
fn each_tool_keeps_its_own_definitions() {
    let of = |value: &str| json!({"$defs": {"X": {"const": value}}, "properties": {"x": {"$ref": "#/$defs/X"}}});
    let tools = [tool("one", of("1")), tool("two", of("2"))];
    assert_eq!(admits(&tools, &call("one", json!({"x": "1"}))), Ok(true));
    assert_eq!(admits(&tools, &call("two", json!({"x": "2"}))), Ok(true));
    assert_eq!(admits(&tools, &call("one", json!({"x": "2"}))), Ok(false));
}

#[test]
fn values_and_properties_that_look_like_references_stay_as_they_are() {
    let value = json!({"$ref": "#/$defs/Nothing"});
    let schema = json!({
        "type": "object",
        "properties": {
            "$ref": {"type": "integer"},
            "enum": {"enum": [value]},
            "const": {"const": value, "default": value, "examples": [value]},
        },
        "required": ["$ref", "enum", "const"],
    });
    assert_admitted(&schema, &[json!({"$ref": 1, "enum": value, "const": value})], &[json!({"$ref": "x"})]);
}

#[test]
fn a_reference_to_nothing_is_refused_by_its_name() {
    for reference in ["#/$defs/Missing", "#/properties/name", "#/$defs/%FF"] {
        let schema = json!({"type": "object", "properties": {"x": {"$ref": reference}}});
        let error = forced(&[tool("f", schema)]).unwrap_err().to_string();
        assert!(error.contains(&format!("`{reference}` in the schema of the tool `f`")), "{error}");
    }
}

#[test]
fn arguments_are_an_object_where_the_schema_leaves_it_open() {
    for schema in [json!({}), json!({"type": ["object", "null"]}), json!({"$ref": "#/$defs/A", "$defs": {"A": {}}})] {
        assert_admitted(&schema, &[json!({}), json!({"any": [1]})], &[json!(null), json!("text"), json!([])]);
    }
}

#[test]
fn keywords_that_cannot_be_enforced_are_passed_over() {
    let schema = json!({
        "type": "object",
        "properties": {
            "tags": {"type": "array", "items": {"type": "string"}, "uniqueItems": true, "contains": {"const": "a"}},
            "phone": {"type": "string", "format": "phone"},
            "kind": {"oneOf": [{"const": "a"}, {"const": "b"}]},
            "other": {"type": "string", "not": {"const": "x"}},
        },
        "required": ["tags", "phone", "kind", "other"],
        "if": {"properties": {"kind": {"const": "a"}}},
        "then": {"required": ["tags"]},
        "propertyNames": {"pattern": "^[a-z]+$"},
        "dependentRequired": {"tags": ["phone"]},
        "minProperties": 1,
    });
    assert_admitted(
        &schema,
        &[json!({"tags": ["b", "b"], "phone": "1", "kind": "b", "other": "x"})],
        &[
            json!({"tags": [1], "phone": "1", "kind": "b", "other": "x"}),
            json!({"tags": [], "phone": "1", "kind": "c"}),
        ],
    );
}
