use super::*;

#[test]
fn a_system_that_is_away_is_never_the_records_failure() {
    for kind in [ErrorKind::Throttled, ErrorKind::Unavailable] {
        assert!(!is_its_own(kind, MAX_ATTEMPTS), "{kind:?}");
    }
    for kind in [ErrorKind::Timeout, ErrorKind::Internal] {
        assert!(!is_its_own(kind, MAX_ATTEMPTS - 1) && is_its_own(kind, MAX_ATTEMPTS), "{kind:?}");
    }
    assert!(is_its_own(ErrorKind::Invalid, 1));
}

#[test]
fn passages_that_are_cited_have_evidence_of_their_own() {
    use crate::evaluations::dataset::{Citation, Passage};
    let passage = |text: &str| Passage { text: text.to_owned(), ..Passage::default() };
    let output = Output {
        text: Some("A hernia.".to_owned()),
        passages: vec![passage("A large hernia."), passage("Clear lungs.")],
        citations: vec![Citation { passages: vec![passage("Clear lungs.")], ..Citation::default() }],
        ..Output::default()
    };
    let turn = Turn {
        prompt: "p".to_owned(),
        references: Vec::new(),
        reference_contexts: vec!["c".to_owned()],
        output: None,
        input: serde_json::Map::new(),
    };
    let material = material(&turn, &output, &[]);
    assert!(material.evidence[0].nearest.is_some() && material.cited_evidence[0].nearest.is_none());
    assert_eq!(material.reference_contexts, ["c"]);
}
