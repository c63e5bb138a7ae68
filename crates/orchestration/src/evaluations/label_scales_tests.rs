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
