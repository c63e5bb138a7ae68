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
fn a_passport_is_that_of_the_only_model_that_judged() {
    let row = |record: usize, judged_by: Option<&str>, error: Option<&str>| {
        let score = Score {
            metric: "m".to_owned(),
            judged_by: judged_by.map(str::to_owned),
            error: error.map(str::to_owned),
            ..Score::default()
        };
        let outcome = TurnOutcome { scores: vec![score], ..TurnOutcome::default() };
        ReportRow { dataset: 0, system: 0, record, turn: 1, shown: Shown::default(), outcome }
    };
    fn outcomes(rows: &[ReportRow]) -> impl Iterator<Item = &TurnOutcome> {
        rows.iter().map(|row| &row.outcome)
    }
    let only = |rows: &[ReportRow]| only(&judges_of(outcomes(rows), "m"), ("m", "judge"), "job");
    assert_eq!(only(&[]), Ok(None));
    // What failed is no verdict, of whomever.
    let one = [row(1, Some("tiny 1"), None), row(2, Some("other 2"), Some("too long")), row(3, Some("tiny 1"), None)];
    assert_eq!(only(&one), Ok(Some("tiny 1".to_owned())));
    assert_eq!(judges_of(outcomes(&one), "n").len(), 0);
    let two = only(&[row(1, Some("tiny 1"), None), row(2, Some("tiny 2"), None)]).unwrap_err();
    assert!(
        two.message.starts_with("2 models judged the metric `m` of `job`: what answers for `judge` changed"),
        "{two}"
    );
    let unknown = only(&[row(1, Some("tiny 1"), None), row(2, None, None)]).unwrap_err();
    assert!(unknown.message.contains("not known which model judged"), "{unknown}");
    assert!(unknown.hint.unwrap().starts_with("Run the job again"));
}

#[test]
fn only_the_first_system_on_the_first_dataset_is_rated() {
    let row = |dataset: usize, system: usize, record: usize| ReportRow {
        dataset,
        system,
        record,
        turn: 1,
        shown: Shown::default(),
        outcome: TurnOutcome::default(),
    };
    let given = BTreeMap::from([((2, 1), 0)]);
    assert!(is_rated(&row(0, 0, 2), &given) && !is_rated(&row(0, 0, 1), &given));
    assert!(!is_rated(&row(1, 0, 2), &given) && !is_rated(&row(0, 1, 2), &given));
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
