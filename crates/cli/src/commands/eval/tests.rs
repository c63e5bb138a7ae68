use serde_json::json;

use super::*;

#[test]
fn progress_tells_each_metric() {
    let report = json!({"status": "InProgress", "total": 20, "secondsLeft": 7,
        "progress": [{"metricName": null, "done": 5}, {"metricName": "Builtin.Refusal", "done": 2}]});
    assert_eq!(progress(&report), "InProgress  7 of 20, about 7 s left  (answers 5, Builtin.Refusal 2)");
}

#[test]
fn a_record_tells_its_columns() {
    let row = json!({"record": 3, "turn": 1, "conversationInput": "p", "generationOutput": "a", "retrievedSources": 2,
        "groundTruth": ["t"], "scores": [{"metricName": "m", "result": 0.5, "explanation": "why"}]});
    assert_eq!(
        row_text(&row),
        "--- record 3, turn 1\ninput: p\noutput: a\nretrieved sources: 2\nground truth: t\nm: 0.50  why"
    );
}

#[test]
fn tags_of_a_job_are_shown() {
    assert_eq!(tags(&json!({"tags": []})), None);
    let tagged = json!({"tags": [{"key": "team", "value": "chest"}, {"key": "cost", "value": ""}]});
    assert_eq!(tags(&tagged).as_deref(), Some("team=chest, cost="));
}

#[test]
fn parts_of_jobs_are_named_where_they_are_compared() {
    let of = |parts: [Option<&str>; 4]| {
        let [dataset, system, other_dataset, other_system] = parts.map(|part| part.map(str::to_owned));
        let (first, second) = ("arn:x/abc".to_owned(), "def".to_owned());
        compare_path(&Compare { first, second, dataset, system, other_dataset, other_system, pairwise: None })
    };
    assert_eq!(of([None; 4]), "/evaluation-jobs/abc/compare/def");
    assert_eq!(
        of([Some("a b"), Some("0"), None, Some("1")]),
        "/evaluation-jobs/abc/compare/def?dataset=a%20b&system=0&otherSystem=1"
    );
}
