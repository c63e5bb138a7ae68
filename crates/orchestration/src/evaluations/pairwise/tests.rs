use super::*;

fn duel(straight: [f64; 3], swapped: [f64; 3]) -> Duel {
    Duel { told: Some([straight, swapped]), lengths: [10, 20], error: None, tokens: Tokens::default() }
}

/// The first wins, whatever the order.
fn won() -> Duel {
    duel([0.7, 0.2, 0.1], [0.2, 0.7, 0.1])
}

fn sides() -> Sides {
    Sides { first: "a".to_owned(), second: "b".to_owned(), judge: "j".to_owned(), ..Sides::default() }
}

#[test]
fn a_win_is_one_that_both_orders_tell() {
    assert_eq!(won().verdicts(), Some([Winner::First, Winner::First]));
    assert_eq!(duel([0.2, 0.7, 0.1], [0.7, 0.2, 0.1]).verdicts(), Some([Winner::Second, Winner::Second]));
    assert_eq!(duel([0.7, 0.2, 0.1], [0.7, 0.2, 0.1]).verdicts(), Some([Winner::First, Winner::Second]));
    assert_eq!(duel([0.4, 0.2, 0.4], [0.3, 0.3, 0.4]).verdicts(), Some([Winner::Tie, Winner::Tie]));
    assert_eq!(
        Duel { told: None, lengths: [1, 1], error: Some("x".to_owned()), tokens: Tokens::default() }.verdicts(),
        None
    );
}

#[test]
fn a_judge_that_always_prefers_the_same_place_tells_nothing_apart() {
    let duels = vec![duel([0.9, 0.05, 0.05], [0.9, 0.05, 0.05]); 20];
    let told = Pairwise::new(sides(), &duels);
    assert_eq!((told.changed, told.first_shown, told.last_shown), (20, 20, 0));
    assert_eq!(told.consistent.unwrap().value, 0.0);
    assert!((told.position.unwrap().low - 0.85).abs() < 1e-9);
    assert_eq!(told.win_rate.unwrap().value, 0.5);
    assert!((told.expected.unwrap().value - 0.5).abs() < 1e-9, "the orders cancel");
    assert_eq!(told.judgement(), Judgement::NotDistinguishable);
    assert!(told.is_led_by_order() && pairwise_text(&told).contains("ask another judge"));
}

#[test]
fn who_wins_most_pairs_is_better_where_the_interval_leaves_no_doubt() {
    let mut duels = vec![won(); 16];
    duels.extend(vec![duel([0.1, 0.1, 0.8], [0.1, 0.1, 0.8]); 3]);
    duels.push(Duel { told: None, lengths: [1, 1], error: Some("too long".to_owned()), tokens: Tokens::default() });
    let told = Pairwise::new(sides(), &duels);
    assert_eq!((told.first_wins, told.second_wins, told.ties, told.failed), (16, 0, 3, 1));
    assert_eq!(told.reason.as_deref(), Some("too long"));
    assert!((told.win_rate.unwrap().value - 17.5 / 19.0).abs() < 1e-12);
    assert!((told.p.unwrap() - 2.0 * 0.5_f64.powi(16)).abs() < 1e-12);
    assert_eq!(told.judgement(), Judgement::First);
    assert_eq!(pairwise_json(&told)["judgement"], "the first is better");
    assert_eq!(Pairwise::new(Sides { same_system: true, ..sides() }, &duels).judgement(), Judgement::SameModel);
}

#[test]
fn of_few_pairs_nothing_is_said() {
    let few = vec![won(); FEWEST_PAIRS - 1];
    assert_eq!(Pairwise::new(sides(), &few).judgement(), Judgement::NotDistinguishable);
    assert_eq!(Pairwise::new(sides(), &[]).judgement(), Judgement::NothingInCommon);
    assert_eq!(Pairwise::new(sides(), &vec![won(); FEWEST_PAIRS]).judgement(), Judgement::First);
}

#[test]
fn a_comparison_survives_being_kept() {
    let told = Pairwise::new(sides(), &vec![won(); 12]);
    assert_eq!(serde_json::from_value::<Pairwise>(serde_json::to_value(&told).unwrap()).unwrap(), told);
}
