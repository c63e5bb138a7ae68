use super::*;

fn kinds(findings: &str, impression: &str) -> Vec<(ContradictionKind, String)> {
    contradictions(findings, impression).into_iter().map(|found| (found.kind, found.subject)).collect()
}

#[test]
fn an_impression_that_agrees_contradicts_nothing() {
    let findings = "Moderate hiatal hernia. The heart is normal in size. No focal consolidation, pleural effusion, or \
                    pneumothorax. A 12 mm nodule in the left upper lobe.";
    let impression = "1. 1.2 cm nodule in the left lung. 2. Moderate hiatal hernia. 3. No effusion or pneumothorax. \
                      4. Normal heart size.";
    assert_eq!(kinds(findings, impression), []);
}

#[test]
fn what_the_findings_deny_is_not_there() {
    let found = contradictions("No pleural effusion or pneumothorax.", "1. Left pleural effusion.");
    assert_eq!((found[0].kind, found[0].subject.as_str()), (ContradictionKind::Negation, "pleural effusion"));
    assert!(found[0].impression.text.contains("effusion"));
    assert!(found[0].findings.is_some());
    let normal = kinds("The heart size is normal.", "Cardiomegaly.");
    assert_eq!(normal, [(ContradictionKind::Negation, "cardiomegaly".to_owned())]);
}

#[test]
fn what_the_findings_tell_is_there() {
    let found = kinds("There is a small right pneumothorax.", "No pneumothorax.");
    assert_eq!(found, [(ContradictionKind::Omission, "pneumothorax".to_owned())]);
    assert_eq!(kinds("There is a small right pneumothorax.", "No left pneumothorax."), []);
    assert_eq!(kinds("Possible pneumonia at the left base.", "No pneumonia."), []);
}

#[test]
fn sides_are_not_exchanged() {
    let found = kinds("Moderate left pleural effusion.", "Moderate right pleural effusion.");
    assert_eq!(found, [(ContradictionKind::Laterality, "pleural effusion".to_owned())]);
    assert_eq!(kinds("Bilateral pleural effusions.", "Right pleural effusion."), []);
    assert_eq!(kinds("Moderate left pleural effusion.", "Pleural effusion."), []);
}

#[test]
fn lengths_are_those_of_the_findings() {
    let findings = "A nodule measures 12 mm.";
    assert_eq!(kinds(findings, "1. Nodule of 1.2 cm."), []);
    assert_eq!(kinds("A mass of 3 x 4 cm.", "Mass of 30 mm by 4 cm."), []);
    assert_eq!(kinds(findings, "Nodule of 21 mm."), [(ContradictionKind::Number, "21 mm".to_owned())]);
}

#[test]
fn what_the_findings_do_not_mention_is_named() {
    assert_eq!(kinds("Clear lungs.", "Rib fracture."), [(ContradictionKind::Unmentioned, "fracture".to_owned())]);
    assert_eq!(kinds("Opacity at the right base.", "Possible pneumonia."), []);
}

#[test]
fn what_a_finding_may_mean_need_not_be_mentioned() {
    let findings = "Opacity at the right base. No pneumothorax.";
    assert_eq!(kinds(findings, "1. Right basal opacity, consistent with pneumonia or atelectasis, and edema."), []);
    let denied = kinds(findings, "1. Right basal opacity, consistent with pneumothorax.");
    assert_eq!(denied, [(ContradictionKind::Negation, "pneumothorax".to_owned())]);
    let next = kinds(findings, "1. Opacity, consistent with pneumonia. 2. Rib fracture.");
    assert_eq!(next, [(ContradictionKind::Unmentioned, "fracture".to_owned())]);
    assert_eq!(kinds("The heart is mildly enlarged.", "Mild cardiomegaly."), []);
}

#[test]
fn negations_end_with_their_clause() {
    let findings = "No effusion, but a fracture of the left clavicle. No change in the nodule. Edema is not seen.";
    assert_eq!(kinds(findings, "Fracture of the left clavicle."), []);
    assert_eq!(kinds(findings, "Stable nodule."), []);
    assert_eq!(kinds(findings, "Edema."), [(ContradictionKind::Negation, "pulmonary edema".to_owned())]);
    assert_eq!(kinds("No effusion. Pneumothorax on the left.", "Left pneumothorax."), []);
}

fn broken(findings: &str, impression: &str) -> Vec<Rule> {
    check_impression(findings, impression).into_iter().filter(|outcome| !outcome.kept).map(|o| o.rule).collect()
}

#[test]
fn a_good_impression_keeps_every_rule() {
    let findings = "There is a large left pneumothorax. The heart is normal in size. There is no effusion and no fracture \
                    anywhere in the bones that are shown on these two views.";
    assert_eq!(broken(findings, "1. Large left pneumothorax.\n2. No effusion."), []);
    assert_eq!(broken(findings, "1. Large left pneumothorax. 2. No effusion."), []);
}

#[test]
fn each_rule_objects_with_its_place() {
    let findings = "There is a large left pneumothorax. The heart is normal in size. No effusion.";
    assert_eq!(broken(findings, "1. Retrocardiac opacity."), [Rule::ClearLanguage]);
    assert_eq!(broken(findings, "Large left pneumothorax.\nNo effusion."), [Rule::Numbered]);
    assert_eq!(broken(findings, "1. Pneumothorax.\n3. No effusion."), [Rule::Numbered]);
    assert_eq!(broken(findings, "1. No effusion.\n2. Left pneumothorax."), [Rule::Ordered]);
    assert_eq!(broken("Clear.", "1. Clear lungs."), [Rule::Concise]);
    assert_eq!(broken(findings, "1. Findings: pneumothorax."), [Rule::ForTheReader]);
    assert_eq!(broken(findings, ""), [Rule::Numbered, Rule::Concise, Rule::ForTheReader]);
    let outcome = &check_impression(findings, "1. No effusion.\n2. Left pneumothorax.")[2];
    assert_eq!(outcome.spans[0].text, "2. Left pneumothorax.");
}
