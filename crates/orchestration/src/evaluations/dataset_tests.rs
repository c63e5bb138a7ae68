use serde_json::json;

use super::*;

const RAG: Shape = Shape { family: Family::RetrieveAndGenerate, brings_answers: false, most: Some(MOST_PROMPTS) };
const OWN: Shape = Shape { brings_answers: true, ..RAG };
const MODEL: Shape = Shape { family: Family::Model, ..RAG };

fn prompt(text: &str) -> Value {
    json!({"prompt": {"content": [{"text": text}]}, "referenceResponses": [{"content": [{"text": "truth"}]}]})
}

fn line(turns: &[Value]) -> String {
    json!({"conversationTurns": turns}).to_string()
}

#[test]
fn turns_with_their_references_are_read() {
    let text = format!("{}\n\n{}\n", line(&[prompt("a")]), line(&[prompt("b"), prompt("c")]));
    let records = read(&text, RAG).unwrap();
    assert_eq!(records.iter().map(|record| record.line).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(records[1].turns[1].prompt, "c");
    assert_eq!(records[0].turns[0].references, ["truth"]);
    assert_eq!(records[0].turns[0].input["prompt"]["content"][0]["text"], "a");
}

#[test]
fn answers_of_other_systems_are_read_with_passages_and_citations() {
    let mut turn = prompt("a");
    turn["output"] = json!({
        "text": "answer", "knowledgeBaseIdentifier": "theirs", "modelIdentifier": "their-model",
        "retrievedPassages": {"retrievalResults": [{"name": "p", "content": {"text": "passage"}, "metadata": {"k": 1}}]},
        "citations": [{
            "generatedResponsePart": {"textResponsePart": {"span": {"start": 0, "end": 5}, "text": "answer"}},
            "retrievedReferences": [{"content": {"text": "passage"}}]
        }]
    });
    let records = read(&line(&[turn]), OWN).unwrap();
    let output = records[0].turns[0].output.as_ref().unwrap();
    assert_eq!((output.text.as_deref(), output.source.as_deref()), (Some("answer"), Some("theirs")));
    assert_eq!(output.passages[0].metadata["k"], 1);
    assert_eq!((output.citations[0].span, output.citations[0].passages[0].text.as_str()), (Some((0, 5)), "passage"));

    let mut found = prompt("a");
    found["output"] = json!({"knowledgeBaseIdentifier": "theirs", "retrievedResults": {"retrievalResults": [{"content": {"text": "p"}}]}});
    let shape = Shape { family: Family::Retrieve, ..OWN };
    assert_eq!(read(&line(&[found]), shape).unwrap()[0].turns[0].output.as_ref().unwrap().passages[0].text, "p");
}

#[test]
fn lines_of_model_jobs_are_flat() {
    let own = Shape { brings_answers: true, ..MODEL };
    let text = json!({"prompt": "p", "referenceResponse": "r", "category": "c",
        "modelResponses": [{"response": "a", "modelIdentifier": "mine"}]});
    let records = read(&text.to_string(), own).unwrap();
    assert_eq!(records[0].category.as_deref(), Some("c"));
    assert_eq!(records[0].turns[0].references, ["r"]);
    assert_eq!(records[0].turns[0].output.as_ref().unwrap().model.as_deref(), Some("mine"));
    assert!(!records[0].turns[0].input.contains_key("modelResponses"));
    assert!(read(r#"{"prompt": "p"}"#, MODEL).is_ok());
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let good = line(&[prompt("a")]);
    let many: Vec<Value> = (0..6).map(|_| prompt("a")).collect();
    for (text, shape, told) in [
        (String::new(), RAG, "is empty"),
        ("\n  \n".to_owned(), RAG, "is empty"),
        (format!("{good}\n{good}\n{{\"conv"), RAG, "Line 3 of the dataset is invalid: It is no JSON (column"),
        (format!("{good}\n[1]"), RAG, "Line 2 of the dataset is invalid: It is JSON, but no object."),
        ("{}".to_owned(), RAG, "`conversationTurns` is missing."),
        (line(&[]), RAG, "has 0 turns"),
        (line(&many), RAG, "has 6 turns"),
        (
            line(&[prompt("a"), json!({"prompt": {"content": [{"text": 1}]}})]),
            RAG,
            "Turn 2: in `prompt`, `text` is no text.",
        ),
        (good.clone(), OWN, "`output` is missing"),
        (line(&[prompt("a"), prompt("b")]), Shape { family: Family::Retrieve, ..RAG }, "has 2 turns"),
        (
            format!("{good}\n{}", line(&[prompt(&"x".repeat(LONGEST_TEXT + 1))])),
            RAG,
            "Line 2 of the dataset is invalid: Turn 1: in `prompt`, `text` has more than 65536 bytes.",
        ),
        (r#"{"prompt": "p", "modelResponses": []}"#.to_owned(), Shape { brings_answers: true, ..MODEL }, "0 responses"),
    ] {
        let error = read(&text, shape).unwrap_err();
        assert!(error.message.contains(told), "{error} does not say {told}");
    }
}

#[test]
fn one_prompt_too_many_is_refused_through_aws_and_taken_by_craton() {
    let text = format!("{}\n", line(&[prompt("a")])).repeat(MOST_PROMPTS + 1);
    let error = read(&text, RAG).unwrap_err();
    assert!(error.message.contains("line 1001"), "{error}");
    assert_eq!(read(&text, Shape { most: None, ..RAG }).unwrap().len(), MOST_PROMPTS + 1);
}
