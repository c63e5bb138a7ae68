use super::*;
use crate::evaluations::dataset::{Output, Passage};

fn item(definition: &str, value: RatingValue) -> RatingItem {
    RatingItem { definition: definition.to_owned(), value }
}

#[test]
fn a_metric_has_numbers_words_or_no_scale() {
    let metric = |items: &[RatingItem]| CustomMetric::new("tone".into(), "Rate {{prediction}}.".into(), items);
    let numbers = [item("bad", RatingValue::Float(1.0)), item("good", RatingValue::Float(5.0))];
    assert_eq!(metric(&numbers).unwrap().scale.unwrap().len(), 2);
    assert_eq!(metric(&[]).unwrap().scale, None);
    let mixed = [numbers[0].clone(), item("good", RatingValue::Text("g".into()))];
    let error = metric(&mixed).unwrap_err();
    assert!(error.message.contains("`tone`") && error.message.contains("either all numbers"), "{error}");
}

#[test]
fn what_a_record_lacks_is_told_by_line_and_turn() {
    let metric = |instructions: &str| CustomMetric::new("tone".into(), instructions.into(), &[]).unwrap();
    let all = metric("{{ reference_contexts }} {{prediction}} {{context}} {{prompt}}");
    assert_eq!(all.variables(), ["prompt", "prediction", "context", "reference_contexts"]);
    let told = "The metric `tone` names `{{context}}`, and a model job has no passages.";
    assert_eq!(metric("{{context}}").never_filled(Family::Model), [told]);
    assert_eq!(all.never_filled(Family::Model).len(), 2);
    assert_eq!(all.never_filled(Family::Retrieve).len(), 1);
    assert!(all.never_filled(Family::RetrieveAndGenerate).is_empty());

    let turn = |output: Option<Output>, contexts: &[&str]| Turn {
        prompt: "p".to_owned(),
        references: Vec::new(),
        reference_contexts: contexts.iter().map(|text| (*text).to_owned()).collect(),
        output,
        input: serde_json::Map::new(),
    };
    let found = Output { text: Some("a".to_owned()), passages: vec![Passage::default()], ..Output::default() };
    let empty = Output { text: Some("a".to_owned()), ..Output::default() };
    let rag = Family::RetrieveAndGenerate;
    let record = |turns| Record { line: 7, turns, category: None };
    assert!(all.unfilled(rag, &record(vec![turn(Some(found.clone()), &["c"])])).is_empty());
    assert!(all.unfilled(rag, &record(vec![turn(None, &["c"])])).is_empty(), "the job asks for passages");
    let lacking = all.unfilled(rag, &record(vec![turn(Some(found), &["c"]), turn(Some(empty), &[])]));
    let line = |what: &str, variable: &str| {
        format!("Line 7 of the dataset has no {what} in turn 2, which the metric `tone` names as `{{{{{variable}}}}}`.")
    };
    assert_eq!(lacking, [line("passages", "context"), line("reference contexts", "reference_contexts")]);
}

#[test]
fn names_and_variables_are_checked() {
    assert!(CustomMetric::new("Builtin.Tone".into(), "x".into(), &[]).is_err());
    let error = CustomMetric::new("tone".into(), "{{answer}}".into(), &[]).unwrap_err();
    assert!(error.message.contains("{{answer}}"), "{error}");
}
