//! Verdicts: which label of a scale a judge gives, by how probable it finds each of them. Nothing is parsed.

use base::{Error, Result};

/// What stands for labels of which one begins another.
const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// The labels of a metric, and what each counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Scale {
    labels: Vec<(String, LabelValue)>,
    /// Does the judge answer with letters? It does where one label begins another: whatever speaks for the longer one speaks
    /// for the shorter one, too, so that it could never be chosen.
    by_letter: bool,
}

/// What a label counts.
#[derive(Debug, Clone, PartialEq)]
pub enum LabelValue {
    /// A score, from 0 to 1.
    Score(f64),
    /// A word of the scale's own, of which there is no mean.
    Word(String),
    /// Nothing: the metric does not apply.
    NotApplicable,
}

/// A judge's verdict on one question.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The likeliest label's place on the scale, from 0; of equals the lowest.
    pub label: usize,
    /// How probable the judge finds each label; their sum is 1.
    pub probabilities: Vec<f64>,
    /// What the labels count in the mean, by their probabilities, from 0 to 1; none of scales of words.
    pub expected: Option<f64>,
    /// How much more probable the label is than the next: 0 is a toss, 1 is certain.
    pub margin: f64,
}

impl Scale {
    /// A scale whose labels stand at equal distances: the label of rank k of K counts k / (K − 1).
    #[must_use]
    pub fn ordinal(labels: &[&str], not_applicable: Option<&str>) -> Self {
        let last = labels.len().saturating_sub(1).max(1) as f64;
        let scores =
            labels.iter().enumerate().map(|(at, label)| (label.to_string(), LabelValue::Score(at as f64 / last)));
        let beyond = not_applicable.map(|label| (label.to_owned(), LabelValue::NotApplicable));
        Self { labels: scores.chain(beyond).collect(), by_letter: false }
    }

    /// A custom metric's scale of numbers, which are brought to 0 to 1 by the lowest and the highest of them.
    ///
    /// # Errors
    /// Invalid, where there are fewer than two labels, one is empty or twice there, or all have one value.
    pub fn numbers(items: &[(String, f64)]) -> Result<Self> {
        let values = items.iter().map(|(_, value)| *value);
        let (low, high) = (values.clone().fold(f64::INFINITY, f64::min), values.fold(f64::NEG_INFINITY, f64::max));
        if !(high - low).is_finite() || high <= low {
            return Err(Error::invalid("The values of a rating scale must differ."));
        }
        let mut labels: Vec<(String, LabelValue)> = items
            .iter()
            .map(|(label, value)| (label.clone(), LabelValue::Score((value - low) / (high - low))))
            .collect();
        labels.sort_by(|a, b| a.1.order().total_cmp(&b.1.order()));
        Self { labels, by_letter: false }.checked()
    }

    /// A custom metric's scale of words.
    ///
    /// # Errors
    /// As [`Scale::numbers`].
    pub fn words(items: &[(String, String)]) -> Result<Self> {
        let labels = items.iter().map(|(label, word)| (label.clone(), LabelValue::Word(word.clone()))).collect();
        Self { labels, by_letter: false }.checked()
    }

    fn checked(self) -> Result<Self> {
        if self.labels.len() < 2 {
            return Err(Error::invalid("A rating scale needs at least two definitions."));
        }
        for (at, (label, _)) in self.labels.iter().enumerate() {
            let twice = self.labels[..at].iter().any(|(other, _)| other == label);
            if label.trim().is_empty() || twice {
                return Err(Error::invalid(format!(
                    "The definition `{label}` of a rating scale is empty or twice there."
                )));
            }
        }
        let begins = |label: &str, other: &str| other != label && other.trim().starts_with(label.trim());
        let by_letter = self.labels().any(|label| self.labels().any(|other| begins(label, other)));
        if by_letter && self.labels.len() > LETTERS.len() {
            return Err(Error::invalid(
                "Definitions of a rating scale begin others, and there are too many for letters.",
            )
            .with_hint(format!("Name at most {} definitions, or none that begins another.", LETTERS.len())));
        }
        Ok(Self { by_letter, ..self })
    }

    /// What the judge may answer, as it is listed: the labels, or a letter with each.
    #[must_use]
    pub fn shown(&self) -> Vec<String> {
        self.lettered(|letter, label| format!("{letter} {label}"))
    }

    /// How the judge's answers begin, none of which begins another: the labels, or their letters.
    #[must_use]
    pub fn answers(&self) -> Vec<String> {
        self.lettered(|letter, _| letter.to_owned())
    }

    fn lettered(&self, with: impl Fn(&str, &str) -> String) -> Vec<String> {
        if !self.by_letter {
            return self.labels().map(str::to_owned).collect();
        }
        LETTERS.chars().zip(self.labels()).map(|(letter, label)| with(&format!("{letter}."), label)).collect()
    }

    /// The labels, as the judge may give them.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.labels.iter().map(|(label, _)| label.as_str())
    }

    /// How many labels there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Are there none?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The label of a place.
    #[must_use]
    pub fn label(&self, at: usize) -> &str {
        self.labels.get(at).map_or("", |(label, _)| label)
    }

    /// What the label of a place counts.
    #[must_use]
    pub fn value(&self, at: usize) -> Option<&LabelValue> {
        self.labels.get(at).map(|(_, value)| value)
    }

    /// The verdict of a judge that finds the labels so probable, in natural logarithms, up to a number that is added to all.
    ///
    /// # Errors
    /// Internal, where there is not one number for each label, or none is finite.
    pub fn verdict(&self, logprobs: &[f64]) -> Result<Verdict> {
        let highest = logprobs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if logprobs.len() != self.labels.len() || !highest.is_finite() {
            return Err(Error::internal(format!("log probabilities {logprobs:?} of {} labels", self.labels.len())));
        }
        let shares: Vec<f64> = logprobs.iter().map(|logprob| (logprob - highest).exp()).collect();
        let sum: f64 = shares.iter().sum();
        let probabilities: Vec<f64> = shares.into_iter().map(|share| share / sum).collect();
        let better = |best: usize, at: usize| if probabilities[at] > probabilities[best] { at } else { best };
        let label = (0..probabilities.len()).fold(0, better);
        let next = (0..probabilities.len()).filter(|at| *at != label).map(|at| probabilities[at]).fold(0.0, f64::max);
        let margin = probabilities[label] - next;
        let expected = self.expected(&probabilities);
        Ok(Verdict { label, probabilities, expected, margin })
    }

    /// The mean of the scores, over the labels that have one.
    fn expected(&self, probabilities: &[f64]) -> Option<f64> {
        let (mut sum, mut weight) = (0.0, 0.0);
        for ((_, value), probability) in self.labels.iter().zip(probabilities) {
            if let LabelValue::Score(score) = value {
                sum += score * probability;
                weight += probability;
            }
        }
        (weight > 0.0).then(|| sum / weight)
    }
}

impl LabelValue {
    fn order(&self) -> f64 {
        match self {
            Self::Score(score) => *score,
            Self::Word(_) | Self::NotApplicable => f64::INFINITY,
        }
    }
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;
