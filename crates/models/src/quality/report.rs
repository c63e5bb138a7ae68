//! What was measured, as it is kept on a model's card.

use base::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Bound, Ratio, Share};

/// Two models on the same text and tasks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The name of the text.
    pub text: String,
    /// Tokens of it that were foretold.
    pub tokens: u64,
    /// The name of the tasks; `own` where the user brought them.
    pub tasks: String,
    /// The perplexity of the text: e to the mean of the tokens' negative log-probabilities.
    pub perplexity_before: f64,
    /// The same, of the model that was made.
    pub perplexity_after: f64,
    /// The second divided by the first.
    pub perplexity: Ratio,
    /// Tokens at which both expect the same next one.
    pub argmax: Share,
    /// Tasks that both give the same label.
    pub labels: Share,
}

/// How a model is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Its name.
    pub name: String,
    /// The SHA-256 of its file.
    pub sha256: String,
    /// The element type of most of its weights.
    pub format: String,
    /// Bytes of its weights.
    pub weights_bytes: u64,
}

/// What a quantization cost, and whether that was within the bound.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QuantizationReport {
    /// The id of the job.
    pub job: String,
    /// The type: `Q8_0`.
    pub to: String,
    /// What it was made of.
    pub source: Kept,
    /// What was made.
    pub made: Kept,
    /// What was measured.
    pub measured: Comparison,
    /// What had to hold.
    pub bound: Bound,
    /// What did not; empty where the model was accepted.
    pub broken: Vec<String>,
    /// When, in milliseconds since the epoch.
    pub at: i64,
}

impl QuantizationReport {
    /// Whether the bound holds.
    #[must_use]
    pub fn accepted(&self) -> bool {
        self.broken.is_empty()
    }

    /// When it was measured.
    #[must_use]
    pub fn measured_at(&self) -> Timestamp {
        Timestamp(self.at)
    }
}
