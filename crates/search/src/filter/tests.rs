use std::collections::BTreeMap;
use std::ops::Bound;

use super::Filter as F;
use crate::document::Value as V;

fn text(value: &str) -> V {
    V::Text(value.to_owned())
}

fn holds(filter: &F) -> bool {
    let metadata: BTreeMap<String, V> = [
        ("team", text("Radiology")),
        ("year", V::Number(2024.0)),
        ("draft", V::Boolean(false)),
        ("tags", V::TextList(vec!["chest x-ray".into(), "adult".into()])),
        ("seen", V::Time(1_000)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    filter.holds(&|name: &str| metadata.get(name))
}

fn n(name: &str) -> String {
    name.to_owned()
}

#[test]
fn each_comparison_holds_where_it_should() {
    let number = V::Number;
    let holding = [
        F::Equals(n("team"), text("Radiology")),
        F::Equals(n("draft"), V::Boolean(false)),
        F::NotEquals(n("team"), text("Surgery")),
        F::NotEquals(n("year"), text("2024")),
        F::In(n("year"), vec![number(2023.0), number(2024.0)]),
        F::NotIn(n("year"), vec![number(2023.0)]),
        F::GreaterThan(n("year"), number(2023.5)),
        F::GreaterThanOrEquals(n("year"), number(2024.0)),
        F::LessThan(n("seen"), V::Time(1_001)),
        F::LessThanOrEquals(n("seen"), V::Time(1_000)),
        F::Range(n("year"), Bound::Included(number(2024.0)), Bound::Excluded(number(2025.0))),
        F::Range(n("year"), Bound::Unbounded, Bound::Included(number(2024.0))),
        F::StartsWith(n("team"), n("Radio")),
        F::StringContains(n("team"), n("diol")),
        F::StringContains(n("tags"), n("x-ray")),
        F::ListContains(n("tags"), n("adult")),
        F::And(vec![]),
        F::And(vec![F::StartsWith(n("team"), n("R")), F::Not(Box::new(F::Equals(n("draft"), V::Boolean(true))))]),
        F::Or(vec![F::StartsWith(n("team"), n("S")), F::StartsWith(n("team"), n("R"))]),
    ];
    for filter in holding {
        assert!(holds(&filter), "{filter}");
    }
}

#[test]
fn each_comparison_fails_where_it_should() {
    let failing = [
        F::Equals(n("team"), text("radiology")),
        F::NotEquals(n("team"), text("Radiology")),
        F::In(n("team"), vec![]),
        F::NotIn(n("team"), vec![text("Radiology")]),
        F::GreaterThan(n("year"), V::Number(2024.0)),
        F::GreaterThan(n("year"), V::Time(0)),
        F::GreaterThan(n("team"), text("A")),
        F::LessThan(n("seen"), V::Time(1_000)),
        F::Range(n("year"), Bound::Excluded(V::Number(2024.0)), Bound::Unbounded),
        F::Range(n("team"), Bound::Unbounded, Bound::Unbounded),
        F::StartsWith(n("tags"), n("adult")),
        F::ListContains(n("tags"), n("x-ray")),
        F::ListContains(n("team"), n("Radiology")),
        F::Or(vec![]),
        F::Not(Box::new(F::And(vec![]))),
    ];
    for filter in failing {
        assert!(!holds(&filter), "{filter}");
    }
}

#[test]
fn a_missing_field_fails_every_comparison_and_only_not_finds_it() {
    let missing = [
        F::Equals(n("x"), text("a")),
        F::NotEquals(n("x"), text("a")),
        F::In(n("x"), vec![text("a")]),
        F::NotIn(n("x"), vec![text("a")]),
        F::GreaterThan(n("x"), V::Number(0.0)),
        F::LessThan(n("x"), V::Number(0.0)),
        F::GreaterThanOrEquals(n("x"), V::Number(0.0)),
        F::LessThanOrEquals(n("x"), V::Number(0.0)),
        F::Range(n("x"), Bound::Unbounded, Bound::Unbounded),
        F::StartsWith(n("x"), String::new()),
        F::StringContains(n("x"), String::new()),
        F::ListContains(n("x"), n("a")),
    ];
    for filter in missing {
        assert!(!holds(&filter), "{filter}");
        assert!(holds(&F::Not(Box::new(filter.clone()))), "{filter}");
    }
}

#[test]
fn a_filter_reads_as_an_expression() {
    let filter = F::And(vec![
        F::In(n("team"), vec![text("a"), text("b")]),
        F::Range(n("year"), Bound::Included(V::Number(1.0)), Bound::Excluded(V::Number(2.0))),
        F::Not(Box::new(F::Or(vec![]))),
    ]);
    assert_eq!(filter.to_string(), r#"(team in ["a", "b"] and 1 <= year < 2 and not (false))"#);
}
