//! Metrics that need no judge: how near an answer is to its references, and the rules for clinical summaries.

use base::{Error, Result};
use learn::overlap;
use learn::rouge::{self, Stemming, Variant};

use super::clinical::{self, Contradiction, Objection, Span};

/// A metric that is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Computed {
    /// F1 of shared words.
    Rouge1,
    /// F1 of shared pairs of words.
    Rouge2,
    /// F1 of the longest common subsequence.
    RougeL,
    /// The same line by line.
    RougeLsum,
    /// Is it the same but for case, punctuation and articles?
    ExactMatch,
    /// F1 of shared tokens, as SQuAD computes it.
    TokenF1,
    /// The share of the five rules for impressions that are kept.
    ImpressionRules,
    /// 1 where the answer contradicts the findings nowhere, else 0.
    ClinicalConsistency,
}

impl Computed {
    /// Every one.
    pub const ALL: [Self; 8] = [
        Self::Rouge1,
        Self::Rouge2,
        Self::RougeL,
        Self::RougeLsum,
        Self::ExactMatch,
        Self::TokenF1,
        Self::ImpressionRules,
        Self::ClinicalConsistency,
    ];

    /// Its name in requests and results.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rouge1 => "Craton.Rouge1",
            Self::Rouge2 => "Craton.Rouge2",
            Self::RougeL => "Craton.RougeL",
            Self::RougeLsum => "Craton.RougeLsum",
            Self::ExactMatch => "Craton.ExactMatch",
            Self::TokenF1 => "Craton.TokenF1",
            Self::ImpressionRules => "Craton.ImpressionRules",
            Self::ClinicalConsistency => "Craton.ClinicalConsistency",
        }
    }

    /// The metric of this name.
    ///
    /// # Errors
    /// Invalid, where none has it.
    pub fn named(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|metric| metric.name() == name).ok_or_else(|| {
            Error::invalid(format!("There is no metric `{name}`."))
                .with_hint(format!("Those that are computed are {}.", Self::ALL.map(Self::name).join(", ")))
        })
    }

    /// Does it compare with a reference answer?
    #[must_use]
    pub fn needs_ground_truth(self) -> bool {
        !matches!(self, Self::ImpressionRules | Self::ClinicalConsistency)
    }

    /// The score of an answer to a prompt, against the best of its references; none where it needs one and there is none.
    #[must_use]
    pub fn score(self, prompt: &str, prediction: &str, references: &[String]) -> Option<f64> {
        if self.needs_ground_truth() && references.is_empty() {
            return None;
        }
        let references: Vec<&str> = references.iter().map(String::as_str).collect();
        let best = |score: fn(&str, &str) -> f64| {
            references.iter().map(|reference| score(prediction, reference)).fold(0.0, f64::max)
        };
        let rouge = |variant: Variant| {
            let score = |reference: &&str| rouge::only(variant, prediction, reference, Stemming::Porter).f1;
            references.iter().map(score).fold(0.0, f64::max)
        };
        Some(match self {
            Self::Rouge1 => rouge(Variant::Words),
            Self::Rouge2 => rouge(Variant::Pairs),
            Self::RougeL => rouge(Variant::Subsequence),
            Self::RougeLsum => rouge(Variant::Lines),
            Self::ExactMatch => best(|a, b| f64::from(u8::from(overlap::exact_match(a, b)))),
            Self::TokenF1 => best(overlap::token_f1),
            Self::ImpressionRules => {
                let rules = clinical::Rule::ALL.len();
                (rules - self.objections(prompt, prediction).len()) as f64 / rules as f64
            }
            Self::ClinicalConsistency => f64::from(u8::from(self.objections(prompt, prediction).is_empty())),
        })
    }

    /// What a clinical rule objects to; nothing of metrics that compare words.
    #[must_use]
    pub fn objections(self, prompt: &str, prediction: &str) -> Vec<Objection> {
        let findings = findings_of(prompt);
        match self {
            Self::ImpressionRules => {
                let broken = clinical::check_impression(findings, prediction).into_iter().filter(|rule| !rule.kept);
                broken.map(broken_rule).collect()
            }
            Self::ClinicalConsistency => {
                // Characters of the prompt before the findings.
                let before = prompt[..prompt.len() - findings.len()].chars().count();
                let found = clinical::contradictions(findings, prediction);
                found.into_iter().map(|contradiction| of_contradiction(contradiction, before)).collect()
            }
            _ => Vec::new(),
        }
    }
}

fn broken_rule(broken: clinical::RuleOutcome) -> Objection {
    let rule = broken.rule.as_str().to_owned();
    Objection { reason: format!("{rule}: {}", broken.reason), rule, spans: broken.spans, against: None }
}

/// A contradiction, with both of its sides; `before` characters stand before the findings.
fn of_contradiction(found: Contradiction, before: usize) -> Objection {
    let (kind, subject, said) = (found.kind.as_str(), &found.subject, &found.impression.text);
    let reason = match &found.findings {
        Some(findings) => format!("{kind}, {subject}: `{said}` where the findings say `{}`", findings.text),
        None => format!("{kind}, {subject}: `{said}`, of which the findings say nothing"),
    };
    let moved = |span: Span| Span { start: before + span.start, end: before + span.end, ..span };
    Objection { rule: kind.to_owned(), reason, spans: vec![found.impression], against: found.findings.map(moved) }
}

/// The findings within a prompt: what follows `Findings:`, where it says that, else all of it.
#[must_use]
pub fn findings_of(prompt: &str) -> &str {
    prompt.rfind("Findings:").map_or(prompt, |at| &prompt[at + "Findings:".len()..])
}

#[cfg(test)]
#[path = "lexical_tests.rs"]
mod tests;
