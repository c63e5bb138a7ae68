//! The same numbers as the packages of the field: rouge-score, NLTK, SQuAD's script, SciPy, scikit-learn, statsmodels,
//! krippendorff, NumPy and Python's `random`. `tests/data/make.py` made them.

#![allow(clippy::unwrap_used, missing_docs)]

use learn::agreement::{self, Level, Weights};
use learn::isotonic::Isotonic;
use learn::logistic::{Fit, Logistic};
use learn::python_random::PythonRandom;
use learn::resampling::{Bootstrap, mcnemar};
use learn::rouge::{Rouge, Stemming, Variant};
use learn::{overlap, rouge};
use serde_json::Value;

fn golden(part: &str) -> Value {
    let golden: Value = serde_json::from_str(include_str!("data/golden.json")).unwrap();
    golden[part].clone()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn labels(value: &Value) -> Vec<usize> {
    value.as_array().unwrap().iter().map(|v| v.as_u64().unwrap() as usize).collect()
}

fn near(ours: Option<f64>, theirs: &Value, within: f64) {
    match (ours, theirs.as_f64()) {
        (Some(ours), Some(theirs)) => assert!((ours - theirs).abs() <= within, "{ours} is not {theirs}"),
        (None, None) => {}
        (ours, theirs) => panic!("{ours:?} is not {theirs:?}"),
    }
}

fn same_rouge(ours: Rouge, theirs: &Value, of: &Value) {
    let scores = [ours.rouge1, ours.rouge2, ours.rouge_l, ours.rouge_lsum];
    for (ours, theirs) in scores.iter().zip(theirs.as_array().unwrap()) {
        for (ours, theirs) in [ours.precision, ours.recall, ours.f1].iter().zip(numbers(theirs)) {
            assert!((ours - theirs).abs() < 1e-6, "{ours} is not {theirs} of {of}");
        }
    }
}

#[test]
fn overlaps_are_those_of_rouge_score_and_squad() {
    for case in golden("overlaps").as_array().unwrap() {
        let (prediction, reference) = (case["prediction"].as_str().unwrap(), case["reference"].as_str().unwrap());
        same_rouge(rouge::score(prediction, reference, Stemming::None), &case["plain"], case);
        same_rouge(rouge::score(prediction, reference, Stemming::Porter), &case["stemmed"], case);
        assert_eq!(overlap::exact_match(prediction, reference), case["exact"].as_bool().unwrap(), "{case}");
        near(Some(overlap::token_f1(prediction, reference)), &case["f1"], 1e-12);
    }
}

#[test]
fn stems_are_those_of_nltk() {
    for pair in golden("stems").as_array().unwrap() {
        assert_eq!(learn::stem(pair[0].as_str().unwrap()), pair[1].as_str().unwrap(), "{pair}");
    }
}

#[test]
fn the_best_of_several_references_counts_for_each_score() {
    let best = rouge::best("a b c", &["c b a", "a b", "x"], Stemming::None);
    assert_eq!(best.rouge1, rouge::score("a b c", "c b a", Stemming::None).rouge1);
    assert_eq!(best.rouge2, rouge::score("a b c", "a b", Stemming::None).rouge2);
    assert_eq!(rouge::best("a", &[], Stemming::None), Rouge::default());
    let all = rouge::score("a b\nc d", "c b\na d", Stemming::Porter);
    for (variant, score) in [
        (Variant::Words, all.rouge1),
        (Variant::Pairs, all.rouge2),
        (Variant::Subsequence, all.rouge_l),
        (Variant::Lines, all.rouge_lsum),
    ] {
        assert_eq!(rouge::only(variant, "a b\nc d", "c b\na d", Stemming::Porter), score, "{variant:?}");
    }
}

#[test]
fn agreements_are_those_of_scikit_learn_and_scipy() {
    for case in golden("agreements").as_array().unwrap() {
        let (a, b, x) = (labels(&case["a"]), labels(&case["b"]), numbers(&case["x"]));
        let categories = case["categories"].as_u64().unwrap() as usize;
        let as_numbers: Vec<f64> = a.iter().map(|label| *label as f64).collect();
        near(agreement::kappa(&a, &b, categories, Weights::Nominal), &case["kappa"], 1e-12);
        near(agreement::kappa(&a, &b, categories, Weights::Quadratic), &case["quadratic"], 1e-12);
        near(agreement::balanced_accuracy(&a, &b), &case["balanced"], 1e-12);
        near(agreement::spearman(&as_numbers, &x), &case["spearman"], 1e-12);
        near(agreement::kendall(&as_numbers, &x), &case["kendall"], 1e-12);
        near(agreement::pearson(&as_numbers, &x), &case["pearson"], 1e-12);
    }
}

#[test]
fn alpha_is_that_of_krippendorff() {
    for case in golden("alphas").as_array().unwrap() {
        let unit = |unit: &Value| unit.as_array().unwrap().iter().map(Value::as_f64).collect();
        let units: Vec<Vec<Option<f64>>> = case["units"].as_array().unwrap().iter().map(unit).collect();
        for (level, name) in [(Level::Nominal, "nominal"), (Level::Ordinal, "ordinal"), (Level::Interval, "interval")] {
            near(agreement::krippendorff(&units, level), &case[name], 1e-9);
        }
    }
}

#[test]
fn intervals_are_those_of_the_same_draws_in_python() {
    for case in golden("bootstraps").as_array().unwrap() {
        let (a, b) = (numbers(&case["a"]), numbers(&case["b"]));
        let bootstrap = Bootstrap { seed: case["seed"].as_u64().unwrap(), ..Bootstrap::default() };
        let interval = bootstrap.mean(&a).unwrap();
        let paired = bootstrap.paired(&a, &b).unwrap();
        near(Some(interval.low), &case["mean"][0], 1e-12);
        near(Some(interval.high), &case["mean"][1], 1e-12);
        near(Some(paired.difference.low), &case["difference"][0], 1e-12);
        near(Some(paired.difference.high), &case["difference"][1], 1e-12);
        near(Some(paired.p), &case["p"], 5e-3);
    }
}

#[test]
fn mcnemars_test_is_that_of_statsmodels() {
    for case in golden("mcnemar").as_array().unwrap() {
        near(Some(mcnemar(case[0].as_u64().unwrap(), case[1].as_u64().unwrap())), &case[2], 1e-9);
    }
}

#[test]
fn draws_are_those_of_python() {
    let golden = golden("random");
    for case in golden["samples"].as_array().unwrap() {
        let mut random = PythonRandom::new(case["seed"].as_u64().unwrap());
        let (population, count) = (case["population"].as_u64().unwrap(), case["count"].as_u64().unwrap());
        let drawn = random.sample(population as usize, count as usize).unwrap();
        let last = drawn.len().saturating_sub(5);
        assert_eq!(drawn[..drawn.len().min(5)], labels(&case["first"]), "{case}");
        assert_eq!(drawn[last..], labels(&case["last"]), "{case}");
        let sum: u128 = (1..).zip(&drawn).map(|(i, d): (u128, _)| i * *d as u128).sum();
        assert_eq!(sum % (1 << 53), u128::from(case["sum"].as_u64().unwrap()));
        assert_eq!(random.unit(), case["unit"].as_f64().unwrap());
        for (bits, theirs) in [1, 31, 32, 33, 64].into_iter().zip(case["bits"].as_array().unwrap()) {
            assert_eq!(random.bits(bits).to_string(), theirs.as_str().unwrap(), "{bits} bits of {case}");
        }
    }
    let mut items: Vec<usize> = (0..17).collect();
    PythonRandom::new(3).shuffle(&mut items);
    assert_eq!(items, labels(&golden["shuffled"]));
    assert_eq!(PythonRandom::new(1).sample(3, 4), None);
}

#[test]
fn isotonic_regression_is_that_of_scikit_learn() {
    for case in golden("isotonic").as_array().unwrap() {
        let fitted = Isotonic::fit(&numbers(&case["x"]), &numbers(&case["y"]), &numbers(&case["w"])).unwrap();
        for (at, value) in numbers(&case["at"]).into_iter().zip(case["values"].as_array().unwrap()) {
            near(Some(fitted.at(at)), value, 1e-9);
        }
    }
}

#[test]
fn logistic_regression_is_that_of_scikit_learn() {
    for case in golden("logistic").as_array().unwrap() {
        let items: Vec<Vec<f64>> = case["items"].as_array().unwrap().iter().map(numbers).collect();
        let fit = Fit { c: case["c"].as_f64().unwrap(), balanced: case["balanced"].as_bool().unwrap() };
        let classes = case["classes"].as_u64().unwrap() as usize;
        let fitted = Logistic::fit(&items, &labels(&case["given"]), classes, fit).unwrap();
        for (ours, theirs) in fitted.rows().iter().zip(case["rows"].as_array().unwrap()) {
            for (ours, theirs) in ours.iter().zip(theirs.as_array().unwrap()) {
                near(Some(*ours), theirs, 1e-5);
            }
        }
        for (item, theirs) in items.iter().zip(case["probabilities"].as_array().unwrap()) {
            let ours = fitted.probabilities(item);
            assert_eq!(ours.len(), classes);
            for (ours, theirs) in ours.iter().zip(theirs.as_array().unwrap()) {
                near(Some(*ours), theirs, 1e-5);
            }
        }
    }
}
