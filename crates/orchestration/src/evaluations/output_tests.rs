use super::*;
use crate::evaluations::dataset::{Shape, read};

fn outcome(output: Option<Output>) -> RecordOutcome {
    let score = Score {
        metric: "Builtin.Correctness".to_owned(),
        result: Some(0.5),
        label: Some("partly".to_owned()),
        expected: Some(0.4),
        margin: Some(0.1),
        judge: Some("judge".to_owned()),
        explanation: "because".to_owned(),
        ..Score::default()
    };
    RecordOutcome { line: 1, turns: vec![TurnOutcome { output, scores: vec![score], ..TurnOutcome::default() }] }
}

#[test]
fn a_line_of_a_rag_job_has_bedrocks_shape() {
    let text = r#"{"conversationTurns": [{"prompt": {"content": [{"text": "p"}]}, "referenceResponses": [{"content": [{"text": "r"}]}]}]}"#;
    let shape = Shape { family: Family::RetrieveAndGenerate, brings_answers: false, most: None };
    let records = read(text, shape).unwrap();
    let output = Output {
        text: Some("a".to_owned()),
        source: Some("KB".to_owned()),
        passages: vec![Passage { text: "t".to_owned(), ..Passage::default() }],
        ..Output::default()
    };
    let line: Value = serde_json::from_str(&line(&records[0], &outcome(Some(output)), shape.family)).unwrap();
    let turn = &line["conversationTurns"][0];
    assert_eq!(turn["inputRecord"]["referenceResponses"][0]["content"][0]["text"], "r");
    assert_eq!(turn["output"]["retrievedPassages"]["retrievalResults"][0]["content"]["text"], "t");
    assert_eq!(turn["results"][0]["result"], 0.5);
    assert_eq!(turn["results"][0]["evaluatorDetails"], json!([{"modelIdentifier": "judge", "explanation": "because"}]));
    assert_eq!(turn["results"][0]["craton"]["expected"], 0.4);
}

#[test]
fn a_line_of_a_model_job_has_bedrocks_shape() {
    let text = r#"{"prompt": "p", "referenceResponse": "r", "category": "c"}"#;
    let shape = Shape { family: Family::Model, brings_answers: false, most: None };
    let records = read(text, shape).unwrap();
    let output = Output { text: Some("a".to_owned()), model: Some("m".to_owned()), ..Output::default() };
    let line: Value = serde_json::from_str(&line(&records[0], &outcome(Some(output)), shape.family)).unwrap();
    assert_eq!(line["inputRecord"], json!({"prompt": "p", "referenceResponse": "r", "category": "c"}));
    assert_eq!(line["modelResponses"], json!([{"modelIdentifier": "m", "response": "a"}]));
    assert_eq!(line["automatedEvaluationResult"]["scores"][0]["metricName"], "Builtin.Correctness");
}

#[test]
fn what_failed_is_told_and_has_no_result() {
    let mut outcome = outcome(None);
    outcome.turns[0].error = Some("no answer".to_owned());
    outcome.turns[0].scores.clear();
    let text = r#"{"prompt": "p"}"#;
    let records = read(text, Shape { family: Family::Model, brings_answers: false, most: None }).unwrap();
    let line: Value = serde_json::from_str(&line(&records[0], &outcome, Family::Model)).unwrap();
    assert_eq!(line["craton"]["error"], "no answer");
    assert_eq!(line["modelResponses"], json!([]));
}

#[test]
fn what_rules_object_to_stands_beside_the_score() {
    let span = |start, end, text: &str| Span { start, end, text: text.to_owned() };
    let objection = Objection {
        rule: "laterality".to_owned(),
        reason: "why".to_owned(),
        spans: vec![span(0, 4, "Left")],
        against: Some(span(10, 15, "Right")),
    };
    let objecting =
        Score { metric: "Craton.ClinicalConsistency".to_owned(), objections: vec![objection], ..Score::default() };
    assert_eq!(
        score(&objecting)["craton"]["objections"],
        json!([{"rule": "laterality", "reason": "why", "spans": [{"start": 0, "end": 4, "text": "Left"}],
                "against": {"start": 10, "end": 15, "text": "Right"}}])
    );
    assert_eq!(score(&Score::default())["craton"].get("objections"), None);
}

#[test]
fn who_says_that_characters_are_unsupported_stands_beside_them() {
    let spans = crate::evaluations::support::told(
        "No effusion. Clear lungs.",
        &["A small effusion.".to_owned(), "The lungs are clear.".to_owned()],
        &[crate::evaluations::support::Judged { start: 13, end: 25, is_claim: false, supported: 0.25 }],
    );
    let told: Vec<Value> = spans.iter().map(unsupported).collect();
    assert_eq!(
        json!(told),
        json!([
            {"start": 0, "end": 12, "text": "No effusion.", "level": "sentence", "support": 0.0, "numbers": [],
             "negation": ["effusion"], "by": ["alignment"], "judged": null},
            {"start": 13, "end": 25, "text": "Clear lungs.", "level": "sentence", "support": 1.0, "numbers": [],
             "negation": [], "by": ["judge"], "judged": 0.25},
        ])
    );
}
