//! What a job finds out of a record.

use models::Usage;
use serde::{Deserialize, Serialize};

use super::clinical::Objection;
use super::dataset::Output;
use super::support::{Judged, Unsupported};

/// A score, and how it came about.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Score {
    /// The metric's name.
    pub metric: String,
    /// From 0 to 1; none where the metric does not apply, could not be computed, or has words for labels.
    pub result: Option<f64>,
    /// The label that the judge chose, or its text where the metric has no scale; of metrics judged by passage the one that
    /// most passages have.
    pub label: Option<String>,
    /// The mean of the scale by the label's probabilities, from 0 to 1.
    pub expected: Option<f64>,
    /// How sure the judge was, from 0 to 1; the least sure passage counts.
    pub margin: Option<f64>,
    /// The judge's model id; none of computed metrics.
    pub judge: Option<String>,
    /// The model that answered for that id, by the key that passports know it by: the id may be another model's by now. None of
    /// computed metrics, and of scores of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judged_by: Option<String>,
    /// Why, for people.
    pub explanation: String,
    /// What the rules object to, where the metric is one of rules.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objections: Vec<Objection>,
    /// What the judge says of the answer's sentences and claims, where it was asked of each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spans: Vec<Judged>,
    /// Passages that were left out, the lowest ranked first, as the judge's context could not hold them.
    pub left_out: usize,
    /// Why there is no score.
    pub error: Option<String>,
    /// How probable the judge found each label, in the order of the scale; of metrics judged by passage the mean over these.
    /// Empty where no judge chose among labels.
    #[serde(default)]
    pub probabilities: Vec<f64>,
    /// What came of asking in other wordings, too; none where the judge was asked once.
    #[serde(default)]
    pub repeated: Option<Repeated>,
    /// The tokens that the judge read, those of them that were cached, and those that it wrote.
    pub tokens: Tokens,
}

/// How a verdict varies with the wording of the question.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Repeated {
    /// How often the judge gave a verdict, the reported one included.
    pub askings: usize,
    /// In how many of them it gave the reported label.
    pub agreeing: usize,
    /// The mean of the expected scores.
    pub mean: Option<f64>,
    /// Their standard deviation (n − 1 in the denominator).
    pub deviation: Option<f64>,
    /// The mean expected score with the labels listed from the highest down less that with the labels listed from the lowest
    /// up, over the preambles asked with both.
    pub falling: Option<f64>,
}

impl Repeated {
    /// What came of verdicts in the order of [`Wording::ALL`](super::prompts::Wording::ALL), the reported one first; none
    /// stands for a verdict that failed. None, where the reported one did.
    #[must_use]
    pub fn of(verdicts: &[Option<&Score>]) -> Option<Self> {
        let reported = verdicts.first().copied().flatten()?;
        let given: Vec<&Score> = verdicts.iter().copied().flatten().collect();
        let expected = |score: &Score| score.result.and(score.expected);
        let all: Vec<f64> = given.iter().filter_map(|score| expected(score)).collect();
        let pairs: Vec<f64> =
            verdicts.chunks_exact(2).filter_map(|pair| Some(expected(pair[1]?)? - expected(pair[0]?)?)).collect();
        let same = |score: &&&Score| (score.result, &score.label) == (reported.result, &reported.label);
        Some(Self {
            askings: given.len(),
            agreeing: given.iter().filter(same).count(),
            mean: learn::mean(&all),
            deviation: learn::standard_deviation(&all),
            falling: learn::mean(&pairs),
        })
    }
}

/// Tokens of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tokens {
    /// Read, cached ones included.
    pub input: u64,
    /// Of them, those that were in the cache.
    pub cached: u64,
    /// Of them, about as many as prompts on the same record had begun with before, or preambles: what a cache can give.
    #[serde(default)]
    pub shared: u64,
    /// Written.
    pub output: u64,
}

impl From<Usage> for Tokens {
    fn from(usage: Usage) -> Self {
        let Usage { input, output, cached, .. } = usage;
        Self { input: input.into(), cached: cached.into(), shared: 0, output: output.into() }
    }
}

impl Tokens {
    /// These without a part of them.
    #[must_use]
    pub fn without(self, part: Self) -> Self {
        Self {
            input: self.input.saturating_sub(part.input),
            cached: self.cached.saturating_sub(part.cached),
            shared: self.shared.saturating_sub(part.shared),
            output: self.output.saturating_sub(part.output),
        }
    }
}

impl std::ops::AddAssign for Tokens {
    fn add_assign(&mut self, other: Self) {
        self.input += other.input;
        self.cached += other.cached;
        self.shared += other.shared;
        self.output += other.output;
    }
}

/// What models took for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spent {
    /// The tokens of the model that wrote it, with those of its queries.
    pub generator: Tokens,
    /// The tokens of the model that read conditions out of the question.
    pub filter: Tokens,
}

/// What was found out of a turn.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TurnOutcome {
    /// What was answered; none where that failed.
    pub output: Option<Output>,
    /// Why nothing was answered.
    pub error: Option<String>,
    /// The tokens of the generator.
    pub tokens: Tokens,
    /// The tokens of the model that read conditions out of the prompt.
    pub filter: Tokens,
    /// The scores, in the order of the job's metrics.
    pub scores: Vec<Score>,
    /// What nothing in the passages supports.
    pub unsupported: Vec<Unsupported>,
}

/// What was found out of a record.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordOutcome {
    /// The number of its line in the dataset, from 1.
    pub line: usize,
    /// Its turns, oldest first.
    pub turns: Vec<TurnOutcome>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(result: f64, expected: f64) -> Score {
        Score { result: Some(result), expected: Some(expected), ..Score::default() }
    }

    #[test]
    fn what_varies_with_the_wording_is_told() {
        let scores = [score(1.0, 0.8), score(1.0, 0.6), score(0.5, 0.7), score(1.0, 0.9)];
        let all: Vec<Option<&Score>> = scores.iter().map(Some).collect();
        let told = Repeated::of(&all).unwrap();
        assert_eq!((told.askings, told.agreeing), (4, 3));
        assert!((told.mean.unwrap() - 0.75).abs() < 1e-12);
        assert!((told.deviation.unwrap() - (0.05_f64 / 3.0).sqrt()).abs() < 1e-12);
        assert!(told.falling.unwrap().abs() < 1e-12, "-0.2 and 0.2");
    }

    #[test]
    fn tokens_without_a_part_are_the_rest() {
        let (part, rest) = (
            Tokens { input: 9, cached: 5, shared: 3, output: 2 },
            Tokens { input: 20, cached: 7, shared: 4, output: 1 },
        );
        let mut all = part;
        all += rest;
        assert_eq!((all.without(part), part.without(all)), (rest, Tokens::default()));
    }

    #[test]
    fn a_verdict_that_failed_counts_nowhere() {
        let scores = [score(1.0, 0.8), score(1.0, 0.6), score(0.5, 0.7)];
        let told = Repeated::of(&[Some(&scores[0]), None, Some(&scores[2])]).unwrap();
        assert_eq!((told.askings, told.agreeing, told.falling), (2, 1, None));
        assert_eq!(Repeated::of(&[None, Some(&scores[1])]), None);
    }
}
