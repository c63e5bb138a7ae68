//! Does an impression contradict its findings?

use super::Span;
use super::mentions::{Mention, Side, lengths, mentions};

/// Lengths that differ by no more than this share are the same, rounded.
const ROUNDING: f64 = 0.05;

/// What kind of contradiction it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContradictionKind {
    /// The findings say that it is not there, and the impression that it is.
    Negation,
    /// The findings say that it is there, and the impression that it is not.
    Omission,
    /// The findings name the other side.
    Laterality,
    /// The findings do not tell this length.
    Number,
    /// The findings do not mention it at all.
    Unmentioned,
}

/// What an impression says against its findings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    /// What kind it is.
    pub kind: ContradictionKind,
    /// What of: a finding's name, or a length.
    pub subject: String,
    /// Where in the impression.
    pub impression: Span,
    /// Where in the findings; none where they say nothing of it.
    pub findings: Option<Span>,
}

impl ContradictionKind {
    /// In one word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Negation => "negation",
            Self::Omission => "omission",
            Self::Laterality => "laterality",
            Self::Number => "number",
            Self::Unmentioned => "unmentioned",
        }
    }
}

/// What an impression says against its findings, in the order of the impression.
#[must_use]
pub fn contradictions(findings: &str, impression: &str) -> Vec<Contradiction> {
    let known = mentions(findings);
    let mut found: Vec<Contradiction> =
        mentions(impression).iter().filter_map(|mention| of_mention(mention, &known)).collect();
    let told = lengths(findings);
    for length in lengths(impression) {
        let same = |millimetres: f64| {
            (millimetres - length.millimetres).abs() <= ROUNDING * millimetres.max(length.millimetres)
        };
        if !told.iter().any(|other| same(other.millimetres)) {
            let subject = format!("{} mm", length.millimetres);
            let kind = ContradictionKind::Number;
            found.push(Contradiction { kind, subject, impression: length.span, findings: None });
        }
    }
    found.sort_by_key(|contradiction| (contradiction.impression.start, contradiction.impression.end));
    found
}

fn of_mention(mention: &Mention, known: &[Mention]) -> Option<Contradiction> {
    let same: Vec<&Mention> = known.iter().filter(|other| other.finding.name == mention.finding.name).collect();
    let (negated, asserted): (Vec<&Mention>, Vec<&Mention>) = same.iter().partition(|other| other.negated);
    let told = |kind: ContradictionKind, at: Option<&&Mention>| Contradiction {
        kind,
        subject: mention.finding.name.to_owned(),
        impression: mention.span.clone(),
        findings: at.map(|other| other.span.clone()),
    };
    if mention.negated {
        let certain = asserted.iter().find(|other| !other.uncertain && reaches(mention.side, other.side));
        return certain.filter(|_| !mention.uncertain).map(|other| told(ContradictionKind::Omission, Some(other)));
    }
    if same.is_empty() {
        return (!mention.uncertain && !mention.inferred).then(|| told(ContradictionKind::Unmentioned, None));
    }
    if asserted.is_empty() {
        return (!mention.uncertain).then(|| told(ContradictionKind::Negation, negated.first()));
    }
    let sides_differ = asserted.iter().all(|other| excludes(mention.side, other.side));
    sides_differ.then(|| told(ContradictionKind::Laterality, asserted.first()))
}

/// Is a denial on `denied` one of something on `there`?
fn reaches(denied: Option<Side>, there: Option<Side>) -> bool {
    match (denied, there) {
        (None | Some(Side::Both), _) | (_, None) => true,
        (Some(denied), Some(there)) => denied == there || there == Side::Both,
    }
}

/// Do two mentions name sides of which neither holds the other?
fn excludes(one: Option<Side>, other: Option<Side>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one != other && other != Side::Both,
        _ => false,
    }
}
