use super::*;
use crate::quality::{Comparison, Ratio, Share};

fn quality(bound: Option<Bound>, comparison: Option<Comparison>) -> Quality {
    let exact = comparison.map(|comparison| Exact {
        perplexity: 10.0,
        agreement: 0.9,
        format: "F32".to_owned(),
        comparison: Some(comparison),
    });
    let unmeasured = exact.is_none().then(|| "There is no room.".to_owned());
    Quality { text: TEXT_NAME.to_owned(), tokens: 100, perplexity: 11.0, exact, unmeasured, bound }
}

fn comparison() -> Comparison {
    Comparison {
        text: TEXT_NAME.to_owned(),
        tokens: 100,
        tasks: "craton-labels-1".to_owned(),
        perplexity_before: 10.0,
        perplexity_after: 11.0,
        perplexity: Ratio { ratio: 1.1, low: 1.05, high: 1.15 },
        argmax: Share::of(90, 100),
        labels: Share::of(470, 480),
    }
}

#[test]
fn an_import_keeps_to_the_bound_that_the_deployment_sets() {
    let bound = |text: &str| match ImportBound::parse(text).unwrap() {
        ImportBound::Named(bound) => bound,
        ImportBound::Default => Bound::default_of(FileType::Q8_0),
    };
    assert_eq!(keeps_to_bound(&quality(None, Some(comparison()))), Ok(()));
    assert_eq!(keeps_to_bound(&quality(Some(bound("labels=0.95")), Some(comparison()))), Ok(()));
    let error = keeps_to_bound(&quality(Some(bound("labels=0.97")), Some(comparison()))).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(error.message.contains("label agreement 97.9 % of 480"), "{}", error.message);
    assert!(!error.message.contains("perplexity"), "what the setting does not name is not bound");
    let error = keeps_to_bound(&quality(Some(bound("default")), Some(comparison()))).unwrap_err();
    assert!(error.message.contains("arg-max agreement") && error.message.contains("perplexity"));
    let error = keeps_to_bound(&quality(Some(bound("labels=0.5")), None)).unwrap_err();
    assert!(error.message.contains("could not be compared: There is no room."), "{}", error.message);
    assert!(ImportBound::parse("label=1").is_err());
}

#[test]
fn a_card_of_before_is_read_and_an_old_reader_finds_what_it_knows() {
    let old = r#"{"text":"craton-quality-1","tokens":9,"perplexity":2.5,
        "exact":{"perplexity":2.4,"agreement":0.9,"format":"F16"},"unmeasured":null}"#;
    let read: Quality = serde_json::from_str(old).unwrap();
    assert_eq!((read.bound, read.exact.as_ref().unwrap().comparison.as_ref()), (None, None));
    let new = serde_json::to_value(quality(None, Some(comparison()))).unwrap();
    for member in ["text", "tokens", "perplexity", "exact", "unmeasured"] {
        assert!(new.get(member).is_some(), "{member}");
    }
    assert_eq!(new["exact"]["agreement"], 0.9);
}
