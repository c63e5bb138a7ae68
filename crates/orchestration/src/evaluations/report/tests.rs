use base::{Arn, Timestamp};
use serde_json::Value;

use super::*;
use crate::evaluations::alignment::unsupported;
use crate::evaluations::card::CardMetric;
use crate::evaluations::card::tests::record;
use crate::evaluations::comparison::{Judgement, compare};
use crate::evaluations::dataset::Output;
use crate::evaluations::plan::Asked;

fn report() -> Report {
    let asked = Asked {
        systems: Vec::new(),
        datasets: Vec::new(),
        judge: Some("judge".to_owned()),
        custom: Vec::new(),
        custom_judge: None,
        output: String::new(),
        unlimited: false,
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
        card,
    };
    Report { job, kind: "model", progress: Vec::new(), seconds_left: None, sections: vec![section] }
}

#[test]
fn every_form_marks_a_judge_that_was_not_calibrated() {
    let report = report();
    assert!(report_text(&report).contains(UNCALIBRATED));
    assert!(html(&report, &[]).contains(UNCALIBRATED));
    assert_eq!(report_json(&report)["results"][0]["card"]["metrics"][0]["calibration"], UNCALIBRATED);
}

#[test]
fn figures_are_the_same_in_every_form() {
    let report = report();
    let text = report_text(&report);
    assert!(text.contains("m  0.50 [0.00, 1.00]") && text.contains("worst: 2.1") && text.contains("! told"), "{text}");
    let json = report_json(&report);
    assert_eq!(json["results"][0]["card"]["metrics"][0]["mean"]["value"], 0.5);
    assert!(html(&report, &[]).contains("<td class=\"n\">0.50</td>"));
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
    let page = html(&report(), &[row]);
    assert!(page.contains("&lt;script&gt;") && !page.contains("<script>"));
    assert!(page.contains("1. Hernia. <mark>2. &lt;b&gt;Broken&lt;/b&gt; ribs.</mark>"), "{page}");
    assert!(page.contains("<title>a&lt;b</title>"));
}

#[test]
fn a_comparison_says_what_follows() {
    let records = [record(1, "m", Some(1.0))];
    let metrics = vec![compare("m", &records, &records, false, true)];
    let comparison = JobComparison { first: "a".to_owned(), second: "b".to_owned(), metrics };
    assert!(comparison_text(&comparison).contains(Judgement::SameModel.as_str()));
    assert_eq!(comparison_json(&comparison)["metrics"][0]["judgement"], "same model: not a comparison");
}
