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
