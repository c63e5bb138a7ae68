use super::*;

fn args(kind: Kind) -> Convert {
    Convert {
        from: "in.jsonl".into(),
        to: "out.jsonl".into(),
        sample: None,
        seed: 42,
        template: None,
        prompt: "prompt".to_owned(),
        completion: "completion".to_owned(),
        kind,
    }
}

#[test]
fn lines_are_those_that_python_writes() {
    let pairs = [("a \"b\"\n".to_owned(), "é 😀\u{7f}".to_owned())];
    let text = dataset(&pairs, &args(Kind::Rag), "T: ").unwrap();
    assert_eq!(
        text,
        "{\"conversationTurns\": [{\"referenceResponses\": [{\"content\": [{\"text\": \"\\u00e9 \\ud83d\\ude00\\u007f\"}]}], \
         \"prompt\": {\"content\": [{\"text\": \"T: a \\\"b\\\"\\n\"}]}}]}\n"
    );
    let model = dataset(&pairs[..1], &args(Kind::Model), "").unwrap();
    assert!(model.starts_with("{\"prompt\": \"a "), "{model}");
}

#[test]
fn the_sample_is_that_of_python() {
    // random.seed(42); random.sample(range(10), 3)
    let pairs: Vec<_> = (0..10).map(|at| (at.to_string(), String::new())).collect();
    let sampled = dataset(&pairs, &Convert { sample: Some(3), ..args(Kind::Model) }, "").unwrap();
    let prompts: Vec<&str> = sampled.lines().map(|line| &line[12..13]).collect();
    assert_eq!(prompts, ["1", "0", "4"]);
    let error = dataset(&pairs, &Convert { sample: Some(11), ..args(Kind::Model) }, "").unwrap_err();
    assert!(error.to_string().contains("there are 10 records"), "{error}");
}

#[test]
fn tables_are_read_with_quotes_and_breaks() {
    let text = "id,prompt,completion\r\n1,\"a, \"\"b\"\"\nc\",d\n\n2,e,f";
    let pairs = of_csv(text, &args(Kind::Rag)).unwrap();
    assert_eq!(pairs, [("a, \"b\"\nc".to_owned(), "d".to_owned()), ("e".to_owned(), "f".to_owned())]);
    let error = of_csv("prompt,completion\na,b\nc", &args(Kind::Rag)).unwrap_err();
    assert!(error.to_string().contains("line 3"), "{error}");
    assert!(of_csv("prompt\na", &args(Kind::Rag)).unwrap_err().to_string().contains("no column `completion`"));
    assert!(rows("a\n\"b").unwrap_err().to_string().contains("line 2"));
}

#[test]
fn a_line_that_is_wrong_is_named() {
    let text = "{\"prompt\": \"a\", \"completion\": \"b\"}\n{\"prompt\": 1}";
    let error = of_json_lines(text, &args(Kind::Rag)).unwrap_err();
    assert!(error.to_string().contains("line 2 of the input has no text `prompt`"), "{error}");
    assert!(of_json_lines("{", &args(Kind::Rag)).unwrap_err().to_string().contains("line 1"));
}

#[test]
fn a_mark_of_the_bytes_order_is_no_part_of_the_first_title() {
    let dir = tempfile::tempdir().unwrap();
    let (from, to) = (dir.path().join("in.csv"), dir.path().join("out.jsonl"));
    fs::write(&from, "\u{feff}prompt,completion\na,b\n").unwrap();
    run(&Convert { from, to: to.clone(), ..args(Kind::Model) }).unwrap();
    assert_eq!(fs::read_to_string(to).unwrap(), "{\"prompt\": \"a\", \"referenceResponse\": \"b\"}\n");
}
