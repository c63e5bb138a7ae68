use super::*;

/// A judge who is near the people by so much, in steps of a fixed pattern.
fn items(count: usize, rate: impl Fn(usize, usize) -> f64) -> Vec<Rated> {
    let item = |at: usize| {
        let human = at % 3;
        let expected = rate(at, human).clamp(0.0, 1.0);
        Rated { label: (expected * 2.0).round() as usize, expected, human, length: 10 + at % 7, ..Rated::default() }
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
        .map(|at| Rated {
            label: 1,
            expected: 0.5,
            human: if at == 0 { 0 } else { 1 + at % 2 },
            length: 10,
            ..Rated::default()
        })
        .collect();
    let passport = Passport::new(("m", "rubric"), 3, &rated).unwrap();
    assert!(!passport.is_usable, "{passport:?}");
}

/// Items whose judge knows nothing, and whose features tell what people say.
fn featured(count: usize) -> Vec<Rated> {
    let featured = |(at, item): (usize, Rated)| Rated {
        features: vec![item.human as f64 + (at % 5) as f64 * 0.05, (at % 7) as f64],
        ..item
    };
    items(count, |_, _| 0.5).into_iter().enumerate().map(featured).collect()
}

#[test]
fn the_classifier_is_recommended_where_it_wins() {
    let rated = featured(120);
    let passport = Passport::new(("m", "rubric"), 3, &rated).unwrap();
    assert_eq!(passport.recommended, Some(Method::Classifier));
    assert!(passport.is_usable && passport.line().contains("by the classifier (label "), "{}", passport.line());
    assert!(rated.iter().all(|item| passport.told(item) == Some(item.human)));
    assert_eq!(passport.told(&Rated::default()), None, "features of another metric");
}

#[test]
fn a_classifier_of_other_features_tells_nothing() {
    let rated = featured(120);
    let passport = Passport::new(("m", "rubric"), 3, &rated).unwrap();
    assert!(!passport.is_outdated() && !passport.line().contains(OUTDATED));
    let mut kept = serde_json::to_value(&passport).unwrap();
    kept.as_object_mut().unwrap().remove("features");
    let before: Passport = serde_json::from_value(kept).unwrap();
    assert!(before.is_outdated() && before.line().ends_with(OUTDATED), "{}", before.line());
    assert!(rated.iter().all(|item| before.told(item).is_none()));
    // Other methods need no features.
    let label = Passport { recommended: Some(Method::Label), ..before };
    assert!(!label.is_outdated() && label.told(&rated[0]) == Some(rated[0].label));
}

#[test]
fn of_methods_that_do_as_well_the_simplest_is_recommended() {
    let passport = Passport::new(("m", "rubric"), 3, &items(120, |_, human| human as f64 / 2.0)).unwrap();
    assert_eq!(passport.recommended, Some(Method::Label));
    assert_eq!(
        passport.methods.iter().map(|tried| tried.method.clone()).collect::<Vec<_>>(),
        [Method::Label, Method::Expected]
    );
    assert_eq!(passport.told(&Rated { label: 2, ..Rated::default() }), Some(2));
    let off = Passport::new(("m", "rubric"), 3, &items(120, |_, human| 0.1 + human as f64 * 0.1)).unwrap();
    assert_eq!(off.told(&Rated { expected: 0.3, ..Rated::default() }), Some(2));
    assert_eq!(off.recommended, Some(Method::Expected));
}

#[test]
fn the_order_of_the_labels_is_told_where_it_was_tried() {
    let mut rated = items(40, |_, human| human as f64 / 2.0);
    assert_eq!(Passport::new(("m", "rubric"), 3, &rated).unwrap().position, None);
    rated.iter_mut().for_each(|item| item.falling = Some(-0.25));
    assert_eq!(Passport::new(("m", "rubric"), 3, &rated).unwrap().position.unwrap().high, -0.25);
}

#[test]
fn a_metric_without_a_judge_is_recommended_where_it_wins() {
    let with = |item: Rated| Rated { computed: vec![("Craton.RougeL".to_owned(), item.human as f64 / 4.0)], ..item };
    let rated: Vec<Rated> = items(120, |_, _| 0.5).into_iter().map(with).collect();
    let passport = Passport::new(("m", "rubric"), 3, &rated).unwrap();
    assert_eq!(passport.recommended, Some(Method::Computed("Craton.RougeL".to_owned())));
    assert!(passport.is_telling() && !passport.is_usable, "the judge knows nothing");
    assert!(passport.line().ends_with("; Craton.RougeL agrees better with people"), "{}", passport.line());
    assert!(rated.iter().all(|item| passport.told(item) == Some(item.human)));
    assert_eq!(passport.told(&Rated::default()), None, "a job without the metric");
    let kept: Passport = serde_json::from_str(&serde_json::to_string(&passport).unwrap()).unwrap();
    assert_eq!(kept, passport);
}
