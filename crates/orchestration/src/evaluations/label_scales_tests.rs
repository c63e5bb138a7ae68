use super::*;
use crate::evaluations::plan::{Asked, AskedDataset, AskedRating, System};
use crate::evaluations::prices::Prices;

fn custom(name: &str, scale: &[(&str, AskedRating)]) -> AskedCustom {
    let scale = scale.iter().map(|(label, rating)| ((*label).to_owned(), rating.clone())).collect();
    AskedCustom { name: name.to_owned(), instructions: "{{prediction}}".to_owned(), scale }
}

#[test]
fn places_are_those_that_labels_are_given_by() {
    let words = [("plain", AskedRating::Text("p".to_owned())), ("florid", AskedRating::Text("f".to_owned()))];
    let numbers = [("good", AskedRating::Float(10.0)), ("bad", AskedRating::Float(0.0))];
    let own = vec![custom("words", &words), custom("numbers", &numbers), custom("free", &[])];
    let metrics = ["Builtin.Refusal", "Craton.RougeL", "words", "numbers", "free"].map(str::to_owned).to_vec();
    let asked = Asked {
        systems: vec![System::ModelAnswers { source: "mine".to_owned() }],
        datasets: vec![AskedDataset { name: "d".to_owned(), uri: String::new(), task: String::new(), metrics }],
        judge: Some("judge".to_owned()),
        custom: own.clone(),
        custom_judge: Some("judge".to_owned()),
        output: String::new(),
        unlimited: true,
        askings: 1,
        embedder: None,
        prices: Prices::default(),
    };
    let scales = label_scales(&Plan::new(&asked).unwrap(), 0, &own);
    let of = |metric: &str, labels: [&str; 2]| LabelScale {
        metric: metric.to_owned(),
        labels: labels.map(str::to_owned).to_vec(),
    };
    // The places of a metric of one's own are those of its rating scale as it stands, not by value.
    assert_eq!(scales, [of("Builtin.Refusal", ["No", "Yes"]), of("numbers", ["good", "bad"])]);
}

#[test]
fn labels_beside_records_are_held_against_the_scales() {
    let scale = |metric: &str, labels: &[&str]| LabelScale {
        metric: metric.to_owned(),
        labels: labels.iter().map(|label| (*label).to_owned()).collect(),
    };
    let scales = [scale("few", &["No", "Yes"]), scale("many", &["bad", "fair", "good"])];
    let lines = [
        r#"{"prompt": "p", "labels": {"few": 1, "many": 2, "other": 9}}"#,
        "",
        r#"{"labels": {"few": 2, "many": -1}}"#,
        r#"{"labels": [{"few": 0}, null, {"many": "good"}]}"#,
        r#"{"labels": null}"#,
        "{",
        r#"{"prompt": "p"}"#,
    ];
    let problems: Vec<(Option<usize>, String)> =
        unplaced(&lines.join("\n"), &scales).into_iter().map(|problem| (problem.line, problem.message)).collect();
    assert_eq!(problems.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [Some(3), Some(3), Some(4)]);
    let told = "Line 3 of the dataset has the label `2` of `few`, which is no place on its scale: 0 No, 1 Yes.";
    assert_eq!(problems[0].1, told);
    assert!(problems[1].1.contains("`-1` of `many`") && problems[2].1.contains("`\"good\"` of `many`"), "{problems:?}");
}
