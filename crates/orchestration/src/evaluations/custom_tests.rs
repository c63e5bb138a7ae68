use super::*;

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
fn names_and_variables_are_checked() {
    assert!(CustomMetric::new("Builtin.Tone".into(), "x".into(), &[]).is_err());
    let error = CustomMetric::new("tone".into(), "{{answer}}".into(), &[]).unwrap_err();
    assert!(error.message.contains("{{answer}}"), "{error}");
}
