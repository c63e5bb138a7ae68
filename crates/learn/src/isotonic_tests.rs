use super::{Balance, Isotonic, OrdinalMapping};
use crate::agreement::balanced_accuracy;

#[test]
fn a_mapping_follows_what_people_say() {
    let x = [0.0, 0.1, 0.4, 0.5, 0.8, 0.9];
    let given = [0, 0, 1, 1, 2, 2];
    let mapping = OrdinalMapping::fit(&x, &given, 3, Balance::Items).unwrap();
    assert_eq!(x.map(|x| mapping.label(x)), given);
    assert_eq!(mapping.labels(), 3);
    assert!(mapping.expected(0.2) <= mapping.expected(0.6));
    let again = OrdinalMapping::from_steps(
        mapping.steps().iter().map(|step| Isotonic::from_points(step.points().to_vec()).unwrap()).collect(),
    );
    assert_eq!(again, mapping);
}

#[test]
fn a_balanced_mapping_does_not_always_say_the_commonest() {
    let x: Vec<f64> = (0..100).map(f64::from).collect();
    // Of every four high scores three are of the common label, and none of the low ones is rare.
    let given: Vec<usize> = (0..100).map(|at| usize::from(at > 60 && at % 4 == 0)).collect();
    let common = OrdinalMapping::fit(&x, &given, 2, Balance::Items).unwrap();
    let balanced = OrdinalMapping::fit(&x, &given, 2, Balance::Labels).unwrap();
    let told = |mapping: &OrdinalMapping| x.iter().map(|x| mapping.label(*x)).collect::<Vec<_>>();
    assert_eq!(balanced_accuracy(&given, &told(&common)), Some(0.5));
    assert!(balanced_accuracy(&given, &told(&balanced)) > Some(0.8));
}

#[test]
fn nothing_is_fitted_to_nothing() {
    assert_eq!(OrdinalMapping::fit(&[], &[], 2, Balance::Items), None);
    assert_eq!(OrdinalMapping::fit(&[1.0], &[0], 1, Balance::Items), None);
    assert_eq!(Isotonic::fit(&[1.0], &[], &[]), None);
    assert_eq!(Isotonic::from_points(vec![(1.0, 0.5), (0.0, 0.6)]), None);
}
