use super::*;

#[test]
fn the_best_reference_counts() {
    let references = ["A hernia.".to_owned(), "no effusion".to_owned()];
    assert_eq!(Computed::ExactMatch.score("", "No effusion!", &references), Some(1.0));
    assert_eq!(Computed::TokenF1.score("", "hernia", &references), Some(1.0));
    assert_eq!(Computed::Rouge1.score("", "effusions no", &references), Some(1.0));
    assert_eq!(Computed::RougeL.score("", "x", &[]), None);
}

#[test]
fn findings_are_those_after_their_heading() {
    let prompt = "Write an impression.\n\nFindings: \nThere is no effusion and the heart is of normal size.";
    assert_eq!(findings_of(prompt).trim(), "There is no effusion and the heart is of normal size.");
    assert_eq!(findings_of("no heading"), "no heading");
    assert_eq!(Computed::ClinicalConsistency.score(prompt, "1. Left effusion.", &[]), Some(0.0));
    assert_eq!(Computed::ClinicalConsistency.score(prompt, "1. No effusion.", &[]), Some(1.0));
    assert_eq!(Computed::ImpressionRules.score(prompt, "1. No effusion.", &[]), Some(1.0));
}

#[test]
fn metrics_are_found_by_name() {
    for metric in Computed::ALL {
        assert_eq!(Computed::named(metric.name()), Ok(metric));
    }
    assert!(Computed::named("Craton.Beauty").unwrap_err().hint.unwrap().contains("Craton.RougeL"));
}
