use super::*;
use crate::evaluations::card::tests::record;

fn records(results: impl IntoIterator<Item = f64>) -> Vec<RecordOutcome> {
    (1..).zip(results).map(|(line, result)| record(line, "m", Some(result))).collect()
}

#[test]
fn a_clear_difference_names_the_better_job() {
    let good = records((0..40).map(|at| if at % 10 == 0 { 0.5 } else { 1.0 }));
    let poor = records((0..40).map(|at| if at % 2 == 0 { 0.5 } else { 0.0 }));
    let compared = compare("m", &good, &poor, false, false);
    assert_eq!((compared.judgement, compared.turns), (Judgement::First, 40));
    assert!(compared.mcnemar.unwrap() < 1e-6);
    assert_eq!(compare("m", &good, &poor, true, false).judgement, Judgement::Second);
}

#[test]
fn what_overlaps_is_not_distinguishable() {
    let one = records((0..20).map(|at| f64::from(at % 2)));
    let other = records((0..20).map(|at| f64::from((at + 1) % 2)));
    let compared = compare("m", &one, &other, false, false);
    assert_eq!(compared.judgement, Judgement::NotDistinguishable);
    assert_eq!(compared.judgement.as_str(), "not distinguishable");
    assert_eq!(compared.mcnemar, Some(1.0));
}

#[test]
fn the_same_model_is_no_comparison_and_nothing_in_common_none_either() {
    let one = records([1.0, 0.0]);
    assert_eq!(compare("m", &one, &one, false, true).judgement, Judgement::SameModel);
    assert_eq!(compare("m", &one, &[], false, false).judgement, Judgement::NothingInCommon);
}

#[test]
fn of_few_pairs_nothing_is_said() {
    let (good, poor) = (|count| records(vec![1.0; count]), |count| records(vec![0.0; count]));
    let few = FEWEST_PAIRS - 1;
    assert_eq!(compare("m", &good(few), &poor(few), false, false).judgement, Judgement::NotDistinguishable);
    assert_eq!(compare("m", &good(FEWEST_PAIRS), &poor(FEWEST_PAIRS), false, false).judgement, Judgement::First);
}
