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
fn clinical_rules_say_what_they_object_to() {
    let prompt = "Findings: A small left pleural effusion. The heart is of normal size.";
    let told = |metric: Computed, prediction: &str| {
        metric.objections(prompt, prediction).into_iter().map(|objection| objection.reason).collect::<String>()
    };
    let side = told(Computed::ClinicalConsistency, "1. Small right pleural effusion.");
    assert!(side.starts_with("laterality, pleural effusion: `") && side.contains("where the findings say `"), "{side}");
    let length = told(Computed::ClinicalConsistency, "1. Small left pleural effusion of 14 mm.");
    assert!(
        length.starts_with("number, 14 mm: `") && length.ends_with("of which the findings say nothing"),
        "{length}"
    );
    let unnumbered = told(Computed::ImpressionRules, "Small left pleural effusion.");
    assert_eq!(unnumbered, "numbered: Not every impression has its number, from 1 in order.");
    for metric in [Computed::ClinicalConsistency, Computed::ImpressionRules, Computed::RougeL] {
        assert_eq!(told(metric, "1. Small left pleural effusion."), "", "{}", metric.name());
    }
}

#[test]
fn metrics_are_found_by_name() {
    for metric in Computed::ALL {
        assert_eq!(Computed::named(metric.name()), Ok(metric));
    }
    assert!(Computed::named("Craton.Beauty").unwrap_err().hint.unwrap().contains("Craton.RougeL"));
}

#[test]
fn what_the_rules_object_to_is_told_with_its_place() {
    let prompt = "Write é.\nFindings: There is a right pleural effusion. No pneumothorax.";
    let answer = "1. Left pleural effusion.\n2. Nodule of 9 mm.";
    let found = Computed::ClinicalConsistency.objections(prompt, answer);
    let rules: Vec<&str> = found.iter().map(|objection| objection.rule.as_str()).collect();
    assert_eq!(rules, ["laterality", "unmentioned", "number"]);
    let cut = |text: &str, span: &Span| text.chars().skip(span.start).take(span.end - span.start).collect::<String>();
    for objection in &found {
        assert_eq!(cut(answer, &objection.spans[0]), objection.spans[0].text);
    }
    let against = found[0].against.as_ref().unwrap();
    assert_eq!(cut(prompt, against), against.text);
    assert!(found[0].reason.contains("right pleural effusion"), "{}", found[0].reason);
    let broken = Computed::ImpressionRules.objections(prompt, "Left pleural effusion.");
    assert_eq!((broken[0].rule.as_str(), broken.len()), ("numbered", 1));
    assert!(Computed::RougeL.objections(prompt, answer).is_empty());
}

#[test]
fn the_sample_impressions_are_ones_that_the_rules_praise() {
    let (mut pairs, mut objections) = (0, Vec::<String>::new());
    for file in ["reports.jsonl", "dev1.jsonl"] {
        let path = format!("{}/../../demo/samples/radiology/{file}", env!("CARGO_MANIFEST_DIR"));
        for line in std::fs::read_to_string(path).unwrap().lines() {
            let pair: serde_json::Value = serde_json::from_str(line).unwrap();
            let (findings, impression) = (pair["prompt"].as_str().unwrap(), pair["completion"].as_str().unwrap());
            for metric in [Computed::ClinicalConsistency, Computed::ImpressionRules] {
                let found = metric.objections(findings, impression).into_iter();
                objections.extend(found.map(|objection| format!("{}, in {impression}", objection.reason)));
            }
            pairs += 1;
        }
    }
    assert_eq!((pairs, objections), (96, Vec::new()));
}
