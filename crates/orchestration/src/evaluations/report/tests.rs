use base::{Arn, Timestamp};
use serde_json::Value;

use super::*;
use crate::evaluations::alignment::unsupported;
use crate::evaluations::card::CardMetric;
use crate::evaluations::card::tests::record;
use crate::evaluations::comparison::{Judgement, compare};
use crate::evaluations::dataset::Output;
use crate::evaluations::outcome::Tokens;
use crate::evaluations::plan::Asked;
use crate::evaluations::prices::Prices;

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

#[test]
fn a_comparison_says_what_follows() {
    let records = [record(1, "m", Some(1.0))];
    let metrics = vec![compare("m", &records, &records, false, true)];
    let comparison = JobComparison { first: "a".to_owned(), second: "b".to_owned(), turns: 1, metrics };
    assert!(comparison_text(&comparison).starts_with("a - b, on 1 turns\n"));
    assert!(comparison_text(&comparison).contains(Judgement::SameModel.as_str()));
    assert_eq!(comparison_json(&comparison)["metrics"][0]["judgement"], "same model: not a comparison");
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
    let told = calibrated(&rows, std::slice::from_ref(&metric), Family::Model, std::slice::from_ref(&passport));
    assert_eq!((told.len(), told[0].mean.value, told[0].method.clone()), (1, 1.0, Method::Expected));
    let unusable = Passport { methods: Vec::new(), ..passport };
    assert!(calibrated(&rows, &[metric], Family::Model, &[unusable]).is_empty());
    let mut report = report();
    report.sections[0].calibrated = vec![Calibrated { metric: "m".to_owned(), ..told[0].clone() }];
    assert!(report_text(&report).contains("people would probably say 1.00 [1.00, 1.00], by the expected score"));
    assert!(html(&report, &[], None).contains("People would probably say 1.00 (1.00 to 1.00), by the expected score"));
    assert_eq!(report_json(&report)["results"][0]["card"]["metrics"][0]["calibrated"]["method"], "expected score");
}
