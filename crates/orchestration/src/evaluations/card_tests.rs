use super::*;
use crate::evaluations::outcome::TurnOutcome;

pub(in crate::evaluations) fn record(line: usize, metric: &str, result: Option<f64>) -> RecordOutcome {
    let score = Score {
        metric: metric.to_owned(),
        result,
        expected: result,
        tokens: Tokens { input: 100, cached: 40, shared: 50, output: 1 },
        ..Score::default()
    };
    let turn = TurnOutcome { output: Some(Default::default()), scores: vec![score], ..TurnOutcome::default() };
    RecordOutcome { line, turns: vec![turn] }
}

fn metric(is_higher_worse: bool) -> CardMetric {
    CardMetric { name: "m".to_owned(), is_higher_worse, steps: vec![0, 500, 1000], group: "g".to_owned() }
}

#[test]
fn a_card_tells_mean_histogram_and_the_worst() {
    let results = [Some(1.0), Some(0.5), None, Some(0.0), Some(1.0)];
    let records: Vec<_> = (1..).zip(results).map(|(line, result)| record(line, "m", result)).collect();
    let card = Card::new(&records, &[metric(false)], Vec::new());
    let summary = &card.metrics[0];
    assert_eq!(summary.mean.unwrap().value, 0.625);
    assert_eq!((summary.scored, summary.not_applicable, summary.failed), (4, 1, 0));
    assert_eq!(summary.histogram.iter().map(|bar| bar.count).collect::<Vec<_>>(), [1, 1, 2]);
    assert_eq!(summary.worst, [(4, 1, 0.0), (2, 1, 0.5)]);
    assert_eq!(card.cached, [CachedShare { group: "g".to_owned(), share: 0.4, bound: 0.5 }]);
    assert_eq!((card.turns, card.unanswered, card.judge.input), (5, 0, 500));
}

#[test]
fn of_harm_the_highest_are_the_worst() {
    let records: Vec<_> = (1..).zip([0.0, 1.0]).map(|(line, result)| record(line, "m", Some(result))).collect();
    assert_eq!(Card::new(&records, &[metric(true)], Vec::new()).metrics[0].worst, [(2, 1, 1.0)]);
}

#[test]
fn means_over_passages_fall_into_ten_bars() {
    let records = [record(1, "m", Some(0.33)), record(2, "m", Some(1.0))];
    let card = Card::new(&records, &[metric(false)], Vec::new());
    let bars = &card.metrics[0].histogram;
    assert_eq!((bars.len(), bars[3].count, bars[9].count), (10, 1, 1));
}

#[test]
fn without_scores_there_is_no_mean() {
    let card = Card::new(&[record(1, "m", None)], &[metric(false)], vec!["told".to_owned()]);
    assert_eq!(card.metrics[0].mean, None);
    assert_eq!(card.warnings, ["told"]);
}

#[test]
fn what_does_not_apply_counts_in_no_mean_and_a_word_is_a_score() {
    let mut records = [record(1, "m", Some(1.0)), record(2, "m", None), record(3, "m", None)];
    let beyond =
        Score { label: Some("Not applicable".to_owned()), expected: Some(0.0), margin: Some(0.5), ..Score::default() };
    let word = Score { label: Some("warm".to_owned()), margin: Some(0.1), ..Score::default() };
    for (record, score) in records[1..].iter_mut().zip([beyond, word]) {
        record.turns[0].scores = vec![Score { metric: "m".to_owned(), ..score }];
    }
    let card = Card::new(&records, &[metric(false)], Vec::new());
    let summary = &card.metrics[0];
    assert_eq!((summary.expected, summary.margin, summary.not_applicable), (Some(1.0), Some(0.1), 1));
    assert_eq!(summary.labels, [("warm".to_owned(), 1)]);
}

#[test]
fn what_varies_with_the_wording_is_summed_up() {
    let mut records = [record(1, "m", Some(1.0)), record(2, "m", Some(0.0)), record(3, "m", None)];
    for (record, (agreeing, falling)) in records.iter_mut().zip([(6, 0.2), (3, -0.4)]) {
        let deviation = Some(0.1);
        let repeated = Repeated { askings: 6, agreeing, mean: Some(0.5), deviation, falling: Some(falling) };
        record.turns[0].scores[0].repeated = Some(repeated);
    }
    let metric = CardMetric { name: "m".to_owned(), is_higher_worse: false, steps: Vec::new(), group: String::new() };
    let card = Card::new(&records, &[metric], Vec::new());
    let repeated = card.metrics[0].repeated.unwrap();
    assert_eq!((repeated.askings, repeated.agreeing, repeated.deviation), (6, 0.75, Some(0.1)));
    assert!((repeated.falling.unwrap().value + 0.1).abs() < 1e-12);
}
