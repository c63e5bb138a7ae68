use base::{Arn, Timestamp};
use serde_json::Value;

use super::*;
use crate::evaluations::EvaluationStatus;
use crate::evaluations::card::tests::record;
use crate::evaluations::card::{Bar, CardMetric, MetricSummary};
use crate::evaluations::comparison::{Judgement, compare};
use crate::evaluations::dataset::{Output, Passage};
use crate::evaluations::outcome::Tokens;
use crate::evaluations::plan::Asked;
use crate::evaluations::prices::Prices;
use crate::evaluations::support::unsupported;

const USUAL: (Family, Evaluator) = (Family::Model, Evaluator::Usual);

fn report() -> Report {
    let asked = Asked {
        systems: Vec::new(),
        datasets: Vec::new(),
        judge: Some("judge".to_owned()),
        custom: Vec::new(),
        custom_judge: None,
        output: String::new(),
        unlimited: false,
        askings: 1,
        embedder: None,
        prices: Prices::default(),
    };
    let job = EvaluationJob {
        id: "abc".to_owned(),
        arn: "arn:aws:bedrock:us-east-1:123456789012:evaluation-job/abc".parse::<Arn>().unwrap(),
        name: "a<b".to_owned(),
        description: None,
        status: EvaluationStatus::Completed,
        messages: vec!["told".to_owned()],
        role_arn: String::new(),
        output_key: None,
        tags: Vec::new(),
        asked,
        configuration: Value::Null,
        request_token: None,
        folder: String::new(),
        work: None,
        total: Some(4),
        begun: None,
        created: Timestamp(0),
        modified: Timestamp(0),
        ended: None,
    };
    let metric =
        CardMetric { name: "m".to_owned(), is_higher_worse: false, steps: vec![0, 1000], group: "g".to_owned() };
    let card = Card::new(&[record(1, "m", Some(1.0)), record(2, "m", Some(0.0))], &[metric], Vec::new());
    let section = Section {
        dataset: "d".to_owned(),
        system: "s".to_owned(),
        judge: Some("judge".to_owned()),
        passports: Vec::new(),
        calibrated: Vec::new(),
        card,
        costs: Vec::new(),
        unpriced: Vec::new(),
    };
    let (progress, sections) = (Vec::new(), vec![section]);
    Report { job, kind: "model", progress, seconds_left: None, seconds: Some(12), machine: None, sections }
}

#[test]
fn what_a_job_cost_is_told_in_every_form_where_a_price_is_known() {
    let mut report = report();
    assert!(!report_text(&report).contains("cost") && !html(&report, &[], None).contains(" cost "));
    let without = report_json(&report);
    assert_eq!((&without["machineCost"], &without["results"][0]["costs"]), (&Value::Null, &serde_json::json!([])));
    report.machine = Some(MachineCost { per_hour: 0.36, seconds: 90.0, cost: 0.009 });
    let tokens = Tokens { input: 3, cached: 2, shared: 0, output: 1 };
    report.sections[0].costs = vec![ModelCost { model: "a<b".to_owned(), tokens, cost: 0.0123 }];
    let text = report_text(&report);
    assert!(
        text.contains("the machine cost 0.0090: 90 s at 0.36 an hour") && text.contains("  a<b cost 0.0123"),
        "{text}"
    );
    let page = html(&report, &[], None);
    assert!(page.contains("The machine cost 0.0090: 90 s at 0.36 an hour.") && page.contains("a&lt;b cost 0.0123."));
    let json = report_json(&report);
    assert_eq!(
        (&json["machineCost"]["cost"], &json["machineCost"]["seconds"]),
        (&Value::from(0.009), &Value::from(90.0))
    );
    report.sections[0].unpriced = vec!["c<d".to_owned()];
    report.sections[0].card.filter = tokens;
    let text = report_text(&report);
    assert!(text.contains("; implicit filter 3 read, 1 written\n"), "{text}");
    assert!(text.contains("  c<d has no price: its tokens are in no cost\n"), "{text}");
    assert!(html(&report, &[], None).contains("c&lt;d has no price: its tokens are in no cost."));
    let json = report_json(&report);
    assert_eq!(
        (&json["results"][0]["unpriced"][0], &json["results"][0]["card"]["tokens"]["filter"]["cached"]),
        (&Value::from("c<d"), &Value::from(2))
    );
    let cost = &json["results"][0]["costs"][0];
    assert_eq!((&cost["modelId"], &cost["tokens"]["cached"]), (&Value::from("a<b"), &Value::from(2)));
}

#[test]
fn every_form_marks_a_judge_that_was_not_calibrated() {
    let report = report();
    assert!(report_text(&report).contains(UNCALIBRATED));
    assert!(html(&report, &[], None).contains(UNCALIBRATED));
    assert_eq!(report_json(&report)["results"][0]["card"]["metrics"][0]["calibration"], UNCALIBRATED);
}

#[test]
fn figures_are_the_same_in_every_form() {
    let report = report();
    let text = report_text(&report);
    assert!(
        text.contains("took 12 s")
            && text.contains("m  0.50 [0.00, 1.00]")
            && text.contains("worst: 2.1")
            && text.contains("! told"),
        "{text}"
    );
    let json = report_json(&report);
    assert_eq!(json["results"][0]["card"]["metrics"][0]["mean"]["value"], 0.5);
    assert!(html(&report, &[], None).contains("<td class=\"n\">0.50</td>"));
}

#[test]
fn a_page_shows_what_people_wrote_as_text_and_marks_what_is_unsupported() {
    let text = "1. Hernia. 2. <b>Broken</b> ribs.";
    let passages = vec!["There is a hernia.".to_owned()];
    let outcome = TurnOutcome {
        output: Some(Output { text: Some(text.to_owned()), ..Output::default() }),
        unsupported: unsupported(text, &passages),
        ..TurnOutcome::default()
    };
    let shown = Shown { prompt: "<script>".to_owned(), references: Vec::new() };
    let row = ReportRow { dataset: 0, system: 0, record: 1, turn: 1, shown, outcome };
    let page = html(&report(), &[row], Some("Builtin.Correctness"));
    assert!(page.contains("&lt;script&gt;") && !page.contains("<script>"));
    assert!(page.contains("1. Hernia. <mark>2. &lt;b&gt;Broken&lt;/b&gt; ribs.</mark>"), "{page}");
    assert!(page.contains("<title>a&lt;b</title>"));
}

fn compared(trust: [Option<&str>; 2], judges: [Option<&str>; 2]) -> JobComparison {
    let records = [record(1, "m", Some(1.0))];
    let owned = |texts: [Option<&str>; 2]| texts.map(|text| text.map(str::to_owned));
    let side = |name: &str| Side { name: name.to_owned(), dataset: "d".to_owned(), system: "s".to_owned() };
    let scores = compare("m", &records, &records, false, true);
    let is_judged_differently = judges[0] != judges[1];
    let metrics = vec![ComparedMetric { scores, judges: owned(judges), is_judged_differently, trust: owned(trust) }];
    JobComparison { first: side("a"), second: side("b"), turns: 1, metrics }
}

#[test]
fn a_comparison_says_what_follows() {
    let comparison = compared([None; 2], [None; 2]);
    let text = comparison_text(&comparison);
    assert!(text.starts_with("a - b, on 1 turns\n") && text.contains(Judgement::SameModel.as_str()), "{text}");
    assert!(!text.contains("judge"), "{text}");
    let json = comparison_json(&comparison);
    assert_eq!(json["metrics"][0]["judgement"], "same model: not a comparison");
    assert_eq!((&json["first"], &json["sides"][1]["dataset"]), (&Value::from("a"), &Value::from("d")));
    assert_eq!(json["metrics"][0]["calibrations"], serde_json::json!([null, null]));
}

#[test]
fn a_comparison_marks_judges_as_the_report_does() {
    let unusable = "not usable for this metric: balanced accuracy 0.40";
    let same = compared([Some(UNCALIBRATED); 2], [Some("j"); 2]);
    let text = comparison_text(&same);
    assert_eq!(text.matches(UNCALIBRATED).count(), 1, "{text}");
    assert!(text.contains("     judge not calibrated") && !text.contains("different judges"), "{text}");
    let differing = compared([Some(UNCALIBRATED), Some(unusable)], [Some("j"), Some("k")]);
    let text = comparison_text(&differing);
    assert!(text.contains("! the two have different judges"), "{text}");
    assert!(text.contains(&format!("judge of a {UNCALIBRATED}")), "{text}");
    assert!(text.contains(&format!("judge of b {unusable}")), "{text}");
    let json = comparison_json(&differing);
    assert_eq!(json["metrics"][0]["calibrations"], serde_json::json!([UNCALIBRATED, unusable]));
    assert_eq!((&json["judgedDifferently"], &json["metrics"][0]["judges"][1]), (&Value::from(true), &Value::from("k")));
}

#[test]
fn an_id_that_two_models_answered_for_is_two_judges() {
    let by = |judged_by: &[Option<&str>]| -> Vec<RecordOutcome> {
        let of_record = |(line, judged_by): (usize, &Option<&str>)| {
            let mut record = record(line, "m", Some(1.0));
            record.turns[0].scores[0].judged_by = judged_by.map(str::to_owned);
            record
        };
        judged_by.iter().enumerate().map(of_record).collect()
    };
    let differ = |one: &[Option<&str>], other: &[Option<&str>]| compared::is_of_other_models(&by(one), &by(other), "m");
    assert!(
        differ(&[Some("tiny 1")], &[Some("tiny 2")]) && differ(&[Some("tiny 1")], &[Some("tiny 1"), Some("other")])
    );
    assert!(!differ(&[Some("tiny 1"), None], &[Some("tiny 1")]));
    assert!(!differ(&[None], &[Some("tiny 1")]), "what was not noted says nothing");
    assert!(!compared::is_of_other_models(&by(&[Some("tiny 1")]), &by(&[Some("tiny 2")]), "n"));
}

#[test]
fn scores_on_scales_of_different_lengths_are_no_comparison() {
    let metric = Metric::Builtin(crate::evaluations::metrics::Builtin::Helpfulness);
    let on = |labels: &[usize]| -> Vec<RecordOutcome> {
        let of_record = |(line, labels): (usize, &usize)| {
            let mut record = record(line, metric.name(), Some(1.0));
            record.turns[0].scores[0].probabilities = vec![0.0; *labels];
            record
        };
        labels.iter().enumerate().map(of_record).collect()
    };
    let alike = |one: &[usize], other: &[usize]| {
        let family = Family::RetrieveAndGenerate;
        compared::is_on_one_scale((&on(one), &metric, family), (&on(other), &metric, family))
    };
    assert!(alike(&[7, 7], &[7]) && alike(&[6], &[6]) && alike(&[], &[6]));
    assert!(!alike(&[7], &[6]) && !alike(&[7, 6], &[7]));
    // What tells no probabilities was given on the usual scale.
    assert!(alike(&[0], &[7]) && !alike(&[0], &[6]));
    let mut comparison = compared([None; 2], [None; 2]);
    comparison.metrics[0].scores.judgement = Judgement::OtherScales;
    let told = "different scales: not a comparison";
    assert!(comparison_text(&comparison).contains(told));
    assert_eq!(comparison_json(&comparison)["metrics"][0]["judgement"], told);
}

#[test]
fn a_page_marks_a_claim_with_the_sentence_around_it() {
    use crate::evaluations::support::{Teller, Unsupported};
    let text = "A <b> and ribs. Old. End.";
    let span = |start: usize, end: usize, is_claim: bool| Unsupported {
        start,
        end,
        text: text.chars().skip(start).take(end - start).collect(),
        is_claim,
        support: 0.0,
        numbers: Vec::new(),
        negation: Vec::new(),
        by: vec![Teller::Judge],
        judged: Some(0.25),
    };
    let outcome = TurnOutcome {
        output: Some(Output { text: Some(text.to_owned()), ..Output::default() }),
        // A sentence with a claim in it, and a claim that reaches beyond the one before.
        unsupported: vec![span(0, 15, false), span(0, 5, true), span(10, 20, true)],
        ..TurnOutcome::default()
    };
    let row = ReportRow { dataset: 0, system: 0, record: 1, turn: 1, shown: Shown::default(), outcome };
    let page = html(&report(), &[row], None);
    assert!(page.contains("<mark>A &lt;b&gt; and ribs.</mark><mark> Old.</mark> End."), "{page}");
}

#[test]
fn tags_and_description_of_a_job_are_told() {
    let mut report = report();
    assert!(!report_text(&report).contains("tags: ") && !html(&report, &[], None).contains("Tags: "));
    assert_eq!(
        (&report_json(&report)["tags"], &report_json(&report)["description"]),
        (&serde_json::json!([]), &Value::Null)
    );
    report.job.tags = vec![("team".to_owned(), "chest".to_owned())];
    report.job.description = Some("films".to_owned());
    let json = report_json(&report);
    assert_eq!(json["tags"], serde_json::json!([{"key": "team", "value": "chest"}]));
    assert_eq!(json["description"], "films");
    report.job.tags.push(("<b>".to_owned(), String::new()));
    report.job.description = Some("films & <i>more</i>".to_owned());
    let text = report_text(&report);
    assert!(text.contains("\nfilms & <i>more</i>\ntags: team=chest, <b>=\n"), "{text}");
    let page = html(&report, &[], None);
    assert!(page.contains("<p>films &amp; &lt;i&gt;more&lt;/i&gt;</p><p>Tags: team=chest, &lt;b&gt;=</p>"), "{page}");
}

/// A metric with all that a card may say of it.
fn full() -> MetricSummary {
    let bar = |from: f64, count: usize| Bar { from, to: from, count };
    MetricSummary {
        margin: Some(0.37),
        not_applicable: 2,
        failed: 1,
        truncated: 3,
        labels: vec![("plain".to_owned(), 4), ("flo<rid".to_owned(), 1)],
        histogram: vec![bar(0.0, 1), bar(0.5, 0), bar(1.0, 8)],
        ..report().sections.remove(0).card.metrics.remove(0)
    }
}

#[test]
fn a_page_notes_what_was_left_out_margins_and_labels() {
    let mut report = report();
    report.sections[0].card.turns = 9;
    let row = ReportRow {
        dataset: 0,
        system: 0,
        record: 1,
        turn: 1,
        shown: Shown::default(),
        outcome: record(1, "m", Some(0.5)).turns.remove(0),
    };
    let page = html(&report, std::slice::from_ref(&row), Some("m"));
    assert!(page.contains("<p>1 of 9, those with the worst m first.</p>"), "{page}");
    assert!(html(&report, &[row], None).contains("<p>1 of 9, in the order of the dataset.</p>"));
    for note in ["to which it does not apply", "with passages left out", "Margin", "plain 4"] {
        assert!(!page.contains(note), "{note} of a metric without it");
    }
    report.sections[0].card.metrics = vec![full()];
    let page = html(&report, &[], None);
    for note in ["2 to which it does not apply", "3 with passages left out", "Margin 0.37", "plain 4, flo&lt;rid 1"] {
        assert!(page.contains(&format!("<br><small>{note}</small>")), "{note}: {page}");
    }
    assert!(page.contains("aria-label=\"0.00: 1, 0.50: 0, 1.00: 8\""), "{page}");
}

#[test]
fn a_page_folds_on_a_screen_and_not_on_paper() {
    let outcome = TurnOutcome {
        output: Some(Output {
            text: Some("a".to_owned()),
            passages: vec![Passage { text: "a <passage>".to_owned(), ..Passage::default() }],
            ..Output::default()
        }),
        ..record(1, "m", Some(0.5)).turns.remove(0)
    };
    let row = ReportRow { dataset: 0, system: 0, record: 1, turn: 1, shown: Shown::default(), outcome };
    let page = html(&report(), &[row], None);
    assert!(page.contains("<details><summary>1</summary><pre>a &lt;passage&gt;</pre></details>"), "{page}");
    assert!(page.contains("<details><summary>m 0.50</summary>"), "{page}");
    let print = page.split("@media print{").nth(1).unwrap();
    assert!(print.starts_with("details::details-content{content-visibility:visible;display:block}"), "{print}");
}

#[test]
fn a_terminal_shows_the_histogram_and_what_was_left_out() {
    let mut report = report();
    report.sections[0].card.metrics = vec![full()];
    let text = report_text(&report);
    // A bar as high as its share of the highest, rounded up: 1 of 8 is one eighth; nothing is a point.
    assert!(text.contains("  ▁·█  plain 4, flo<rid 1"), "{text}");
    assert!(
        text.contains("margin 0.37") && text.contains(", 1 failed, 2 not applicable, 3 with passages left out"),
        "{text}"
    );
    report.sections[0].card.metrics[0].histogram.iter_mut().for_each(|bar| bar.count = 0);
    let text = report_text(&report);
    assert!(!text.contains('·') && !text.contains('█'), "{text}");
}

#[test]
fn turns_belong_together_by_what_was_asked_not_by_their_place() {
    let row = |record: usize, prompt: &str, result: f64| ReportRow {
        dataset: 0,
        system: 0,
        record,
        turn: 1,
        shown: Shown { prompt: prompt.to_owned(), references: vec!["r".to_owned()] },
        outcome: crate::evaluations::card::tests::record(record, "m", Some(result)).turns.remove(0),
    };
    let first = vec![row(1, "a", 0.1), row(2, "b", 0.2), row(3, "b", 0.3)];
    let mut second = vec![row(1, "b", 0.4), row(2, "c", 0.5), row(3, "b", 0.6), row(4, "a", 0.7)];
    second[3].shown.references.clear();
    let (ones, others) = pairs::paired(first, second);
    // The first records of two datasets are two conversations.
    let apart = vec![row(1, "a", 0.1), ReportRow { dataset: 1, ..row(1, "b", 0.2) }];
    assert_eq!(pairs::pairs(apart, vec![row(1, "a", 0.1), row(2, "b", 0.2)]).len(), 2);
    let results = |records: &[RecordOutcome]| -> Vec<(usize, f64)> {
        records.iter().map(|record| (record.line, record.turns[0].scores[0].result.unwrap())).collect()
    };
    assert_eq!(results(&ones), [(1, 0.2), (2, 0.3)]);
    assert_eq!(results(&others), [(1, 0.4), (2, 0.6)]);
}

#[test]
fn a_passport_is_of_one_rubric() {
    use crate::evaluations::passport::Rated;
    let rated: Vec<Rated> = (0..20)
        .map(|at| Rated { label: at % 2, expected: (at % 2) as f64, human: at % 2, length: at, ..Rated::default() })
        .collect();
    let known = [Passport::new(("m", "one"), 2, &rated).unwrap()];
    assert!(passport_of("m", "one", &known).is_some());
    assert!(passport_of("m", "two", &known).is_none() && passport_of("n", "one", &known).is_none());
}

#[test]
fn a_usable_judge_tells_what_people_would_probably_say() {
    use crate::evaluations::passport::Rated;
    // The judge gives half of what people do, in the same order.
    let rated = |at: usize| Rated { expected: (at % 3) as f64 / 4.0, human: at % 3, length: at, ..Rated::default() };
    let rated: Vec<Rated> = (0..60).map(rated).collect();
    let metric = Metric::Builtin(crate::evaluations::metrics::Builtin::Correctness);
    let passport = Passport::new((metric.name(), "r"), 3, &rated).unwrap();
    assert!(passport.is_usable && passport.recommended == Some(Method::Expected));
    let row = |at: usize| ReportRow {
        dataset: 0,
        system: 0,
        record: at,
        turn: 1,
        shown: Shown::default(),
        outcome: record(at, metric.name(), Some(0.5)).turns.remove(0),
    };
    let rows: Vec<ReportRow> = (1..4).map(row).collect();
    let told = calibrated(&rows, std::slice::from_ref(&metric), USUAL, std::slice::from_ref(&passport));
    assert_eq!((told.len(), told[0].mean.value, told[0].method.clone()), (1, 1.0, Method::Expected));
    let unusable = Passport { methods: Vec::new(), ..passport };
    assert!(calibrated(&rows, &[metric], USUAL, &[unusable]).is_empty());
    let mut report = report();
    report.sections[0].calibrated = vec![Calibrated { metric: "m".to_owned(), ..told[0].clone() }];
    assert!(report_text(&report).contains("people would probably say 1.00 [1.00, 1.00], by the expected score"));
    assert!(html(&report, &[], None).contains("People would probably say 1.00 (1.00 to 1.00), by the expected score"));
    assert_eq!(report_json(&report)["results"][0]["card"]["metrics"][0]["calibrated"]["method"], "expected score");
}
