//! What a job finds out of a record.

use serde::{Deserialize, Serialize};

use super::alignment::Unsupported;
use super::clinical::Objection;
use super::dataset::Output;

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
    /// Why, for people.
    pub explanation: String,
    /// What the rules object to, where the metric is one of rules.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objections: Vec<Objection>,
    /// Passages that were left out, the lowest ranked first, as the judge's context could not hold them.
    pub left_out: usize,
    /// Why there is no score.
    pub error: Option<String>,
    /// The tokens that the judge read, those of them that were cached, and those that it wrote.
    pub tokens: Tokens,
}

/// Tokens of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tokens {
    /// Read, cached ones included.
    pub input: u64,
    /// Of them, those that were in the cache.
    pub cached: u64,
    /// Written.
    pub output: u64,
}

impl std::ops::AddAssign for Tokens {
    fn add_assign(&mut self, other: Self) {
        self.input += other.input;
        self.cached += other.cached;
        self.output += other.output;
    }
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
