use super::*;

/// A judge who is near the people by so much, in steps of a fixed pattern.
fn items(count: usize, rate: impl Fn(usize, usize) -> f64) -> Vec<Rated> {
    let item = |at: usize| {
        let human = at % 3;
        let expected = rate(at, human).clamp(0.0, 1.0);
        Rated { label: (expected * 2.0).round() as usize, expected, human, length: 10 + at % 7 }
    };
    (0..count).map(item).collect()
}

#[test]
fn a_judge_who_agrees_is_usable() {
    let rated = items(120, |at, human| human as f64 / 2.0 + (at % 5) as f64 * 0.02);
    let passport = Passport::new(("m", "rubric"), 3, &rated).unwrap();
    assert!(passport.is_usable, "{passport:?}");
    assert!(passport.quadratic_kappa.unwrap().value > 0.9);
    assert!(passport.spearman.unwrap().low > 0.8);
    assert!((passport.baseline - 1.0 / 3.0).abs() < 1e-12);
    assert_eq!(passport.mapping.len(), 2);
    assert!(passport.line().starts_with("usable: balanced accuracy"));
}

#[test]
fn a_judge_who_always_says_the_same_is_not() {
    let passport = Passport::new(("m", "rubric"), 3, &items(120, |_, _| 1.0)).unwrap();
    assert!(!passport.is_usable);
    assert_eq!(passport.spearman, None);
    assert!(passport.bias.unwrap().low > 0.3, "too kind");
    assert!(passport.line().contains("not usable for this metric"));
}

#[test]
fn a_judge_who_is_off_in_a_steady_way_is_usable_after_calibration() {
    // Everything it likes it likes less than people do, in the same order.
    let passport =
        Passport::new(("m", "rubric"), 3, &items(120, |at, human| 0.1 + human as f64 * 0.1 + (at % 3) as f64 * 0.001))
            .unwrap();
    assert!(passport.balanced_accuracy.unwrap().value < 0.5);
    assert!(passport.calibrated.unwrap().value > 0.9);
    assert!(passport.is_usable);
}

#[test]
fn of_few_items_nothing_is_said() {
    assert_eq!(Passport::new(("m", "rubric"), 3, &items(FEWEST_ITEMS - 1, |_, _| 1.0)), None);
}

#[test]
fn a_passport_survives_being_kept() {
    let passport = Passport::new(("m", "rubric"), 3, &items(40, |_, human| human as f64 / 2.0)).unwrap();
    let kept: Passport = serde_json::from_str(&serde_json::to_string(&passport).unwrap()).unwrap();
    assert_eq!(kept, passport);
}

#[test]
fn a_judge_who_always_says_the_same_is_not_usable_where_a_label_is_rare() {
    // Most samples lack the rarest label, and always saying the same then reaches a half, not a third.
    let rated: Vec<Rated> = (0..60)
        .map(|at| Rated { label: 1, expected: 0.5, human: if at == 0 { 0 } else { 1 + at % 2 }, length: 10 })
        .collect();
    let passport = Passport::new(("m", "rubric"), 3, &rated).unwrap();
    assert!(!passport.is_usable, "{passport:?}");
}
