use proptest::prelude::*;

use super::*;

fn tools() -> Vec<ToolSpec> {
    ["get_weather", "add"]
        .map(|name| ToolSpec { name: name.to_owned(), description: String::new(), schema: json!({"type": "object"}) })
        .to_vec()
}

fn parse_in(pieces: &[&str]) -> Vec<Part> {
    let mut parser = Parser::new(ToolFormat::Hermes, &tools());
    let mut parts = Vec::new();
    for piece in pieces {
        for part in parser.push(piece) {
            match part {
                Part::Text(text) => emit(&mut parts, text),
                call => parts.push(call),
            }
        }
    }
    for part in parser.finish() {
        match part {
            Part::Text(text) => emit(&mut parts, text),
            call => parts.push(call),
        }
    }
    parts
}

fn parse(text: &str) -> Vec<Part> {
    parse_in(&[text])
}

fn call(name: &str, arguments: Value) -> Part {
    Part::Call { name: name.to_owned(), arguments }
}

fn text(text: &str) -> Part {
    Part::Text(text.to_owned())
}

#[test]
fn hermes_calls_are_found_between_text() {
    let answer = "Let me see. <tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\": \"}\"}}\n</tool_call>\n\
                  <tool_call>{\"name\": \"get_weather\", \"arguments\": {}}</tool_call>";
    let expected = [text("Let me see. "), call("add", json!({"a": "}"})), call("get_weather", json!({}))];
    assert_eq!(parse(answer), expected);
}

#[test]
fn llama_calls_are_found() {
    let answer = r#"{"name": "add", "parameters": {"a": 1}}; {"name": "add", "parameters": {"a": 2}}"#;
    assert_eq!(parse(answer), [call("add", json!({"a": 1})), call("add", json!({"a": 2}))]);
    assert_eq!(parse(r#"<|python_tag|>{"name": "add", "parameters": {}}"#), [call("add", json!({}))]);
}

#[test]
fn mistral_calls_are_found() {
    let answer = r#"[TOOL_CALLS] [{"name": "add", "arguments": {"a": 1}}, {"name": "add", "arguments": {}}]"#;
    assert_eq!(parse(answer), [call("add", json!({"a": 1})), call("add", json!({}))]);
    assert_eq!(parse(r#"[TOOL_CALLS]add[ARGS]{"a": [1]}"#), [call("add", json!({"a": [1]}))]);
    assert_eq!(parse(r#"[TOOL_CALLS]add[CALL_ID]x1[ARGS]{"a": 1}"#), [call("add", json!({"a": 1}))]);
}

#[test]
fn what_is_no_call_is_text() {
    for answer in [
        r#"{"answer": 42}"#,
        r#"{"name": "unknown", "arguments": {}}"#,
        "<tool_call>{broken}</tool_call>",
        "<tool_call>{\"name\": \"add\"",
        "a < b and [x]",
        r#"The call is {"name": "add", "arguments": {}}"#,
    ] {
        assert_eq!(parse(answer), [text(answer)], "{answer}");
    }
}

#[test]
fn text_before_a_possible_mark_is_not_held_back() {
    let mut parser = Parser::new(ToolFormat::Hermes, &tools());
    assert_eq!(parser.push("Hello <tool"), [text("Hello ")]);
    assert_eq!(parser.push("box>"), [text("<toolbox>")]);
}

#[test]
fn without_tools_all_is_text() {
    let answer = r#"{"name": "add", "arguments": {}}"#;
    assert_eq!(Parser::new(ToolFormat::Hermes, &[]).push(answer), [text(answer)]);
}

proptest! {
    #[test]
    fn pieces_do_not_matter(
        answer in "( |a|<tool_call>|</tool_call>|\\[TOOL_CALLS\\]|\\[ARGS\\]|add|\\{\"name\": \"add\", \"arguments\": \\{\\}\\}|\\{|\\[|\"|\\}|é){0,12}",
        at in prop::collection::vec(0..200_usize, 0..6),
    ) {
        let mut cuts: Vec<usize> = at.into_iter().filter(|at| answer.is_char_boundary(*at) && *at <= answer.len()).collect();
        cuts.extend([0, answer.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&str> = cuts.windows(2).map(|pair| &answer[pair[0]..pair[1]]).collect();
        prop_assert_eq!(parse_in(&pieces), parse(&answer));
    }
}
