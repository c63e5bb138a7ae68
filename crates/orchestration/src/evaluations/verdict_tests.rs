use super::*;

#[test]
fn labels_count_their_rank_over_the_highest() {
    let scale = Scale::ordinal(&["low", "middle", "high"], Some("Not applicable"));
    let values: Vec<_> = (0..4).map(|at| scale.value(at).cloned().unwrap()).collect();
    assert_eq!(
        values,
        [LabelValue::Score(0.0), LabelValue::Score(0.5), LabelValue::Score(1.0), LabelValue::NotApplicable]
    );
}

#[test]
fn a_verdict_tells_label_expectation_and_margin() {
    let scale = Scale::ordinal(&["No", "Yes"], None);
    let verdict = scale.verdict(&[(0.25_f64).ln() - 7.0, (0.75_f64).ln() - 7.0]).unwrap();
    assert_eq!(verdict.label, 1);
    assert!((verdict.expected.unwrap() - 0.75).abs() < 1e-12);
    assert!((verdict.margin - 0.5).abs() < 1e-12);
    assert!((verdict.probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    let toss = scale.verdict(&[-1.0, -1.0]).unwrap();
    assert_eq!((toss.label, toss.margin), (0, 0.0));
    assert!(scale.verdict(&[f64::NEG_INFINITY, f64::NEG_INFINITY]).is_err());
    assert!(scale.verdict(&[-1.0]).is_err());
}

#[test]
fn custom_scales_are_brought_between_0_and_1() {
    let item = |label: &str, value: f64| (label.to_owned(), value);
    let scale = Scale::numbers(&[item("good", 10.0), item("bad", 0.0), item("fair", 2.5)]).unwrap();
    assert_eq!(scale.labels().collect::<Vec<_>>(), ["bad", "fair", "good"]);
    assert_eq!(scale.value(1), Some(&LabelValue::Score(0.25)));
    assert!(Scale::numbers(&[item("a", 1.0), item("b", 1.0)]).is_err());
    assert!(Scale::numbers(&[item("a", 1.0), item("a", 2.0)]).is_err());
    assert!(Scale::numbers(&[item("a", 1.0)]).is_err());
    let words = Scale::words(&[("warm".into(), "w".into()), ("cold".into(), "c".into())]).unwrap();
    assert_eq!(words.verdict(&[-1.0, -2.0]).unwrap().expected, None);
}

#[test]
fn labels_that_begin_others_are_answered_by_letter() {
    let item = |label: &str, value: f64| (label.to_owned(), value);
    let scale = Scale::numbers(&[item("good", 1.0), item("bad", 0.0), item("good enough", 0.5)]).unwrap();
    assert_eq!(scale.shown(), ["A. bad", "B. good enough", "C. good"]);
    assert_eq!(scale.answers(), ["A.", "B.", "C."]);
    assert_eq!(scale.label(1), "good enough");
    let plain = Scale::numbers(&[item("good", 1.0), item("bad", 0.0)]).unwrap();
    assert_eq!((plain.shown(), plain.answers()), (vec!["bad".to_owned(), "good".to_owned()], plain.shown()));
}
