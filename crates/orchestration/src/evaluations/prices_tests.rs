use serde_json::json;

use super::*;
use crate::evaluations::card::CardMetric;
use crate::evaluations::card::tests::record;
use crate::evaluations::metrics::Builtin;
use crate::evaluations::plan::Parameters;

fn asked(generator: &str, judge: &str) -> Asked {
    Asked {
        systems: vec![System::Model { model: generator.to_owned(), parameters: Parameters::default() }],
        datasets: Vec::new(),
        judge: Some(judge.to_owned()),
        custom: Vec::new(),
        custom_judge: None,
        output: String::new(),
        unlimited: false,
        askings: 1,
        embedder: None,
        prices: Prices::default(),
    }
}

fn price(model: &str) -> ModelPrice {
    ModelPrice { model: model.to_owned(), input: 2.0, cached: Some(0.5), output: 10.0 }
}

fn card() -> Card {
    let name = Builtin::Correctness.name();
    let metric = CardMetric { name: name.to_owned(), is_higher_worse: false, steps: Vec::new(), group: String::new() };
    let mut record = record(1, name, Some(1.0));
    record.turns[0].tokens = Tokens { input: 1_000, output: 100, ..Tokens::default() };
    Card::new(&[record], &[metric], Vec::new())
}

#[test]
fn tokens_cost_what_they_are_read_cached_and_written_for() {
    let tokens = Tokens { input: 1_000_000, cached: 400_000, output: 50_000, ..Tokens::default() };
    assert!((price("m").of(tokens) - (1.2 + 0.2 + 0.5)).abs() < 1e-9);
    let without = ModelPrice { cached: None, ..price("m") };
    assert!((without.of(tokens) - 2.5).abs() < 1e-9, "cached ones as those that are read");
}

#[test]
fn a_model_that_judges_and_answers_is_told_once_and_one_without_a_price_is_not() {
    let (asked, metrics) = (asked("both", "both"), [Metric::Builtin(Builtin::Correctness)]);
    let priced = |models: Vec<ModelPrice>| {
        Prices { per_hour: None, models }.of_card(&asked, &asked.systems[0], &metrics, &card())
    };
    let costs = priced(vec![price("both")]);
    // The judge read 100 tokens, 40 of them cached, and wrote one.
    let tokens = Tokens { input: 1_100, cached: 40, shared: 50, output: 101 };
    assert_eq!((costs.len(), costs[0].tokens), (1, tokens));
    assert!((costs[0].cost - (1_060.0 * 2.0 + 40.0 * 0.5 + 101.0 * 10.0) / 1e6).abs() < 1e-12);
    assert!(priced(Vec::new()).is_empty() && priced(vec![price("other")]).is_empty());
}

#[test]
fn a_model_that_reads_conditions_costs_its_own_price_or_is_told_to_have_none() {
    let search = json!({"vectorSearchConfiguration": {"implicitFilterConfiguration": {"modelArn": "reader"}}});
    let configuration = json!({"knowledgeBaseConfiguration": {"modelArn": "both", "retrievalConfiguration": search}});
    let asked = Asked { systems: vec![System::RetrieveAndGenerate { configuration }], ..asked("both", "judge") };
    let (system, metrics) = (&asked.systems[0], [Metric::Builtin(Builtin::Correctness)]);
    let card = Card { filter: Tokens { input: 300, output: 30, ..Tokens::default() }, ..card() };
    let reader = ModelPrice { model: "reader".to_owned(), input: 20.0, cached: None, output: 100.0 };
    let prices = |models: Vec<ModelPrice>| Prices { per_hour: None, models };

    let all = prices(vec![price("both"), price("judge"), reader]);
    assert!(all.check(&asked).is_ok());
    let costs = all.of_card(&asked, system, &metrics, &card);
    assert_eq!(costs.iter().map(|cost| cost.model.as_str()).collect::<Vec<_>>(), ["judge", "both", "reader"]);
    assert!((costs[1].cost - (1_000.0 * 2.0 + 100.0 * 10.0) / 1e6).abs() < 1e-12, "{costs:?}");
    assert!((costs[2].cost - (300.0 * 20.0 + 30.0 * 100.0) / 1e6).abs() < 1e-12, "{costs:?}");
    assert!(all.unpriced(&asked, system, &metrics, &card).is_empty());

    let some = prices(vec![price("both"), price("judge")]);
    assert_eq!(some.of_card(&asked, system, &metrics, &card), costs[..2]);
    assert_eq!(some.unpriced(&asked, system, &metrics, &card), ["reader"]);
    let unasked = Card { filter: Tokens::default(), ..card.clone() };
    assert!(some.unpriced(&asked, system, &metrics, &unasked).is_empty());
    assert!(prices(Vec::new()).unpriced(&asked, system, &metrics, &card).is_empty(), "nobody asked what it cost");

    let system = System::Retrieve { configuration: json!({"knowledgeBaseRetrievalConfiguration": search}) };
    assert_eq!((system.generator(), system.filter_model()), (None, Some("reader")));
}

#[test]
fn a_price_is_one_of_something_that_the_job_asks() {
    let check = |per_hour, models: Vec<ModelPrice>| {
        Prices { per_hour, models }.check(&asked("generator", "judge")).map_err(|error| error.message)
    };
    assert_eq!(check(Some(0.35), vec![price("generator"), price("judge")]), Ok(()));
    assert!(check(None, vec![price("other")]).unwrap_err().contains("`other` has a price"));
    assert!(check(None, vec![price("judge"), price("judge")]).unwrap_err().contains("two prices"));
    for wrong in [-1.0, f64::NAN, f64::INFINITY] {
        assert!(check(Some(wrong), Vec::new()).unwrap_err().contains("not negative"));
        let model = ModelPrice { cached: Some(wrong), ..price("judge") };
        assert!(check(None, vec![model]).unwrap_err().contains("not negative"));
    }
}

#[test]
fn the_machine_costs_by_the_hour() {
    let prices = Prices { per_hour: Some(0.36), models: Vec::new() };
    let machine = prices.of_time(90_000).unwrap();
    assert!((machine.cost - 0.009).abs() < 1e-12 && machine.seconds == 90.0);
    assert_eq!(Prices::default().of_time(90_000), None);
    assert_eq!([money(0.0), money(0.00001), money(0.009)], ["0.0000", "less than 0.0001", "0.0090"]);
}
