use serde_json::json;

use super::*;
use crate::chat::ToolSpec;
use crate::fake::FakeVocabulary;
use crate::sampling::{Sampler, Sampling};

/// What comes out when noise is sampled under a constraint.
fn write(constraint: &Constraint, seed: u64) -> String {
    let compiler = Compiler::new(Arc::new(FakeVocabulary)).unwrap();
    let mut follower = compiler.compile(constraint).unwrap();
    let mut sampler = Sampler::new(Sampling { seed: Some(seed), ..Sampling::default() }, 0, &[]);
    let mut bytes = Vec::new();
    while !follower.is_complete() && bytes.len() < 2000 {
        let mut logits = vec![0.0; 258];
        logits[usize::from(b'"')] = 4.0;
        logits[usize::from(b'}')] = 4.0;
        let mask = follower.mask().unwrap();
        let token = sampler.sample(&logits, Some(mask.bits())).unwrap();
        if FakeVocabulary.ends(token) {
            break;
        }
        follower.accept(token).unwrap();
        bytes.extend(FakeVocabulary.bytes(token));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn json_of_a_schema_always_parses() {
    let schema = json!({
        "type": "object",
        "properties": {"label": {"enum": ["yes", "no"]}, "score": {"type": "integer", "minimum": 0, "maximum": 9}},
        "required": ["label", "score"],
        "additionalProperties": false,
    });
    for seed in 0..20 {
        let text = write(&Constraint::JsonSchema(schema.clone()), seed);
        let value: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert!(value["label"] == "yes" || value["label"] == "no");
        assert!((0..=9).contains(&value["score"].as_i64().unwrap()));
    }
}

/// A tool whose schema refers to its own parts, as generated schemas do.
fn booking() -> ToolSpec {
    let schema = json!({
        "type": "object",
        "properties": {"city": {"$ref": "#/$defs/default"}},
        "required": ["city"],
        "additionalProperties": false,
        "$defs": {"default": {"enum": ["Rome", "Oslo"]}},
    });
    ToolSpec { name: "book".to_owned(), description: String::new(), schema }
}

fn is_booking(value: &Value) -> bool {
    value["name"] == "book" && ["Rome", "Oslo"].contains(&value["arguments"]["city"].as_str().unwrap_or_default())
}

#[test]
fn schemas_of_tools_keep_their_references() {
    let other = ToolSpec { name: "other".to_owned(), ..booking() };
    for seed in 0..10 {
        let text = write(&crate::tool_calls::forced(&[booking()]).unwrap(), seed);
        assert!(is_booking(&serde_json::from_str(&text).unwrap()), "{text}");
        let text = write(&crate::tool_calls::forced(&[booking(), other.clone()]).unwrap(), seed);
        let value: Value = serde_json::from_str(&text).unwrap();
        assert!(is_booking(&value) || value["name"] == "other", "{text}");
    }
}

#[test]
fn an_offered_tool_is_called_or_the_schema_followed() {
    let schema = json!({
        "type": "object",
        "properties": {"label": {"$ref": "#/definitions/label"}},
        "required": ["label"],
        "additionalProperties": false,
        "definitions": {"label": {"enum": ["yes", "no"]}},
    });
    let (mut called, mut answered) = (0, 0);
    for seed in 0..40 {
        let text = write(&Constraint::JsonSchema(crate::tool_calls::offered(&[booking()], &schema).unwrap()), seed);
        let value: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        match value["label"] == "yes" || value["label"] == "no" {
            true => answered += 1,
            false => called += usize::from(is_booking(&value)),
        }
    }
    assert_eq!(called + answered, 40);
    assert!(called > 0 && answered > 0, "{called} calls, {answered} answers");
}

#[test]
fn a_regular_expression_is_matched_as_a_whole() {
    for seed in 0..20 {
        let text = write(&Constraint::Regex("(ab|c){2}[0-9]".to_owned()), seed);
        assert!(text.ends_with(|last: char| last.is_ascii_digit()) && (3..=5).contains(&text.len()), "{text}");
    }
}

#[test]
fn a_lark_grammar_is_followed() {
    let grammar = "start: \"(\" inner \")\"\ninner: /[xy]/".to_owned();
    let text = write(&Constraint::Lark(grammar), 1);
    assert!(text == "(x)" || text == "(y)", "{text}");
}

#[test]
fn malformed_constraints_are_refused() {
    let compiler = Compiler::new(Arc::new(FakeVocabulary)).unwrap();
    for constraint in [
        Constraint::Regex("(".to_owned()),
        Constraint::Lark("start: nothing".to_owned()),
        Constraint::JsonSchema(json!({"type": "no such type"})),
        Constraint::JsonSchemaLeniently(json!({"type": "no such type"})),
    ] {
        assert!(matches!(compiler.compile(&constraint), Err(Error::Constraint { .. })), "{constraint:?}");
    }
}

#[test]
fn what_nothing_satisfies_is_refused_before_an_answer_begins() {
    let compiler = Compiler::new(Arc::new(FakeVocabulary)).unwrap();
    let object = |property: Value| json!({"type": "object", "properties": {"a": property}, "required": ["a"]});
    for constraint in [
        Constraint::JsonSchema(json!({"enum": []})),
        Constraint::JsonSchema(json!(false)),
        Constraint::JsonSchema(json!({"type": "integer", "minimum": 3, "maximum": 2})),
        Constraint::JsonSchema(json!({"type": "string", "minLength": 3, "maxLength": 2})),
        Constraint::JsonSchema(json!({"allOf": [{"type": "string"}, {"type": "integer"}]})),
        Constraint::JsonSchema(object(json!({"allOf": [{"const": 1}, {"const": 2}]}))),
        Constraint::JsonSchemaLeniently(object(json!({"enum": []}))),
        Constraint::Regex("[^\\s\\S]".to_owned()),
        Constraint::Regex("a[^\\s\\S]".to_owned()),
        Constraint::Lark("start: /[^\\s\\S]/".to_owned()),
    ] {
        let refused = compiler.compile(&constraint);
        assert!(matches!(refused, Err(Error::Constraint { .. })), "{constraint:?}: {refused:?}");
    }
    assert_eq!(compiler.cache.len(), 0, "what is refused is not kept");
}

#[test]
fn a_constraint_is_kept_for_its_owner_and_the_oldest_are_dropped() {
    let compiler = Compiler::new(Arc::new(FakeVocabulary)).unwrap();
    let constraint = |at: usize| Constraint::Regex(format!("x{at}y"));
    for _ in 0..3 {
        let mut follower = compiler.compile_for(1, &constraint(0)).unwrap();
        let text: Vec<u8> = follower.forced().iter().flat_map(|token| FakeVocabulary.bytes(*token)).copied().collect();
        assert_eq!(text, b"x0y", "a follower begins at the beginning");
        follower.accept_all(&b"x0y".map(Token::from)).unwrap();
        assert!(follower.is_complete());
    }
    assert_eq!(compiler.cache.len(), 1);
    compiler.compile_for(2, &constraint(0)).unwrap();
    assert_eq!(compiler.cache.len(), 2, "each owner's are apart");
    compiler.compile_for(2, &Constraint::Lark("start: \"x\"".to_owned())).unwrap();
    (1..200).for_each(|at| drop(compiler.compile_for(1, &constraint(at)).unwrap()));
    assert_eq!(compiler.cache.len(), 64);
    let long = Constraint::JsonSchema(json!({"enum": ["x".repeat(200_000)]}));
    compiler.compile(&long).unwrap();
    assert!(compiler.cache.get(&Key::new(0, &long)).is_none(), "a long one is not kept");
    assert!(compiler.cache.get(&Key::new(1, &constraint(199))).is_some());
    assert!(compiler.cache.get(&Key::new(1, &constraint(1))).is_none());
}

#[test]
fn what_cannot_be_enforced_is_refused_unless_leniency_is_asked_for() {
    let compiler = Compiler::new(Arc::new(FakeVocabulary)).unwrap();
    for schema in [
        json!({"type": "array", "uniqueItems": true}),
        json!({"oneOf": [{"type": "object"}, {"type": "object", "required": ["a"]}]}),
        json!({"type": "string", "format": "phone"}),
        json!({"type": "array", "uniqueItems": true, "x-guidance": {"lenient": true}}),
    ] {
        let strict = compiler.compile(&Constraint::JsonSchema(schema.clone()));
        assert!(matches!(strict, Err(Error::Constraint { .. })), "{schema}");
        compiler.compile(&Constraint::JsonSchemaLeniently(schema)).unwrap();
    }
}

/// A schema whose `links` definitions refer to one another in a row.
fn chain(links: usize) -> Value {
    let link = |at: usize| {
        let next = format!("#/$defs/{}", at + 1);
        (at.to_string(), json!({"type": "object", "properties": {"next": {"$ref": next}}}))
    };
    let mut definitions: serde_json::Map<String, Value> = (0..links).map(link).collect();
    definitions.insert(links.to_string(), json!({"type": "null"}));
    json!({"$ref": "#/$defs/0", "$defs": definitions})
}

#[test]
fn a_long_chain_of_references_is_followed_and_an_endless_one_refused() {
    let compiler = Compiler::new(Arc::new(FakeVocabulary)).unwrap();
    compiler.compile(&Constraint::JsonSchema(chain(1_000))).unwrap();
    let refused = compiler.compile(&Constraint::JsonSchema(chain(100_000))).unwrap_err();
    assert_eq!(refused.to_string(), "constraint: the schema's definitions refer to one another too deeply");
}

#[test]
fn schemas_may_nest_as_deep_as_json_does() {
    let compiler = Compiler::new(Arc::new(FakeVocabulary)).unwrap();
    for keyword in ["items", "additionalProperties", "not"] {
        let deep = (0..125).fold(json!({"type": "string"}), |inner, _| json!({ keyword: inner }));
        compiler.compile(&Constraint::JsonSchemaLeniently(deep)).unwrap();
    }
}

/// A grammar whose definitions call one another in a row; `call` makes one's text of the next one's name.
fn row(links: usize, name: &str, call: impl Fn(&str) -> String) -> String {
    let link = |at: usize| format!("{name}{at}: {}\n", call(&format!("{name}{}", at + 1)));
    let links_of_row: String = (0..links).map(link).collect();
    format!("start: {name}0\n{links_of_row}{name}{links}: \"x\"\n")
}

#[test]
fn a_long_row_of_definitions_is_followed_and_an_endless_one_refused() {
    let compiler = Compiler::new(Arc::new(FakeVocabulary)).unwrap();
    for name in ["a", "A"] {
        for call in [|next: &str| next.to_owned(), |next: &str| format!("\"y\" {next} \"z\" | \"w\"")] {
            let mut follower = compiler.compile(&Constraint::Lark(row(2_000, name, call))).unwrap();
            follower.mask().unwrap();
        }
        let mut follower =
            compiler.compile(&Constraint::Lark(row(1_000, name, |next| format!("(\"x\" {next})*")))).unwrap();
        follower.mask().unwrap();
        let endless = compiler.compile(&Constraint::Lark(row(5_000, name, str::to_owned))).unwrap_err();
        assert_eq!(endless.to_string(), "constraint: the grammar has more than 4096 definitions and groups");
        let long = compiler.compile(&Constraint::Lark(row(50_000, name, str::to_owned))).unwrap_err();
        assert!(long.to_string().ends_with("at most 65536 are read"), "{long}");
    }
}

#[test]
fn groups_negations_and_templates_nest_no_deeper_than_the_stack() {
    let compiler = Compiler::new(Arc::new(FakeVocabulary)).unwrap();
    for (open, close) in [("(", ")"), ("[", "]"), ("a{", "}"), ("~", ""), ("~(", ")")] {
        let nested = format!("start: {}\"x\"{}", open.repeat(2_000), close.repeat(2_000));
        assert!(matches!(compiler.compile(&Constraint::Lark(nested)), Err(Error::Constraint { .. })), "{open}");
    }
}

#[test]
fn a_grammar_brings_no_schema_and_no_other_grammar() {
    let compiler = Compiler::new(Arc::new(FakeVocabulary)).unwrap();
    for (lark, directive) in [
        ("start: %json {\"type\": \"null\"}", "%json"),
        ("start: %lark { start: \"x\" }", "%lark"),
        ("%llguidance {\"no_forcing\": true}\nstart: \"x\"", "%llguidance"),
        ("start: a::0x0\na::_: \"x\" %if not(true)", "%if"),
    ] {
        let refused = compiler.compile(&Constraint::Lark(lark.to_owned())).unwrap_err();
        assert_eq!(refused.to_string(), format!("constraint: `{directive}` is not admitted in a grammar"));
    }
}

#[test]
fn a_long_regular_expression_is_refused_and_a_deep_one_is_not_followed() {
    let compiler = Compiler::new(Arc::new(FakeVocabulary)).unwrap();
    let nested = |depth: usize| Constraint::Regex(format!("{}a{}", "(b".repeat(depth), ")*".repeat(depth)));
    compiler.compile(&nested(80)).unwrap().mask().unwrap();
    assert!(matches!(compiler.compile(&nested(9_000)), Err(Error::Constraint { reason }) if reason.len() < 3_000));
    let long = compiler.compile(&Constraint::Regex("a".repeat(70_000))).unwrap_err();
    assert!(long.to_string().ends_with("has 70000 bytes, and at most 65536 are read"), "{long}");
    let classes = compiler.compile(&Constraint::Regex("\\w".repeat(9_000))).unwrap_err();
    assert_eq!(classes.to_string(), "constraint: the regular expression has more than 8192 backslashes");
}
