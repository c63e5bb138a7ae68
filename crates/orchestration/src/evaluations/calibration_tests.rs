use super::*;
use crate::evaluations::custom::{CustomMetric, RatingItem, RatingValue};
use crate::evaluations::outcome::{Score, TurnOutcome};
use crate::evaluations::plan::AskedRating;
use crate::evaluations::record::Shown;

#[test]
fn labels_of_a_users_own_scale_are_those_that_were_chosen() {
    // Asked for from the highest to the lowest, at unequal distances.
    let values = [("good", 10.0), ("fair", 1.0), ("bad", 0.0)];
    let item = |(label, value): &(&str, f64)| RatingItem {
        definition: (*label).to_owned(),
        value: RatingValue::Float(*value),
    };
    let custom = CustomMetric::new("tone".into(), "x".into(), &values.iter().map(item).collect::<Vec<_>>()).unwrap();
    let asked = AskedCustom {
        name: "tone".to_owned(),
        instructions: "x".to_owned(),
        scale: values.iter().map(|(label, value)| ((*label).to_owned(), AskedRating::Float(*value))).collect(),
    };
    let scale = custom.scale.clone().unwrap();
    let score = Score {
        metric: "tone".to_owned(),
        result: Some(0.1),
        label: Some("fair".to_owned()),
        expected: Some(0.2),
        ..Score::default()
    };
    let outcome = TurnOutcome { scores: vec![score], ..TurnOutcome::default() };
    let row = ReportRow { dataset: 0, system: 0, record: 1, turn: 1, shown: Shown::default(), outcome };
    let given = BTreeMap::from([((1, 1), 0)]);
    let given = on_scale(&given, &asked_labels(&[asked], "tone"), &scale);
    let rated = rated(&[row], &Metric::Custom(custom), &scale, &given);
    assert_eq!((rated[0].label, rated[0].human), (1, 2), "fair is the second, good the highest");
}

#[test]
fn a_score_on_another_scale_is_rated_nowhere() {
    use crate::evaluations::metrics::Builtin;
    let metric = Metric::Builtin(Builtin::Helpfulness);
    let row = |labels: usize| {
        let score = Score {
            metric: metric.name().to_owned(),
            result: Some(1.0),
            expected: Some(1.0),
            probabilities: vec![1.0 / labels as f64; labels],
            ..Score::default()
        };
        let outcome = TurnOutcome { scores: vec![score], ..TurnOutcome::default() };
        ReportRow { dataset: 0, system: 0, record: 1, turn: 1, shown: Shown::default(), outcome }
    };
    let scale = |evaluator| scale_of(&metric, Family::RetrieveAndGenerate, evaluator).unwrap();
    let (usual, nova) = (scale(Evaluator::Usual), scale(Evaluator::Nova2Lite));
    assert_eq!(known(&row(7), &metric, &usual).unwrap().label, 6);
    assert_eq!(known(&row(6), &metric, &nova).unwrap().label, 5);
    assert!(known(&row(7), &metric, &nova).is_none() && known(&row(6), &metric, &usual).is_none());
    // A label beyond the scale has its probability, too.
    let following = Metric::Builtin(Builtin::FollowingInstructions);
    let scale = scale_of(&following, Family::Model, Evaluator::Usual).unwrap();
    let score = Score { probabilities: vec![0.2, 0.5, 0.3], ..Score::default() };
    assert!(is_on(&score, &following, &scale) && is_on(&Score::default(), &following, &scale));
}
