//! Scoring: how likely each of several continuations of one prompt is.

use futures::channel::oneshot;

use crate::generation::{Prompt, Serving, TopLogprob, Usage};
use crate::reading::Reading;
use crate::{Error, Result};

/// A request to score.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ScoreRequest {
    /// What comes before.
    pub prompt: Prompt,
    /// What may follow it, each tokenized by itself. None is empty.
    pub continuations: Vec<Prompt>,
    /// Whether the prompt's own tokens are scored too, each after those before it. Then nothing of it comes from the cache.
    pub echo: bool,
    /// How many of the likeliest tokens in the place of each of the prompt's own are told with them.
    pub top: u8,
    /// Where only the likeliest continuation is wanted: by what each's log probability is divided before they are
    /// compared, one positive number for each. A continuation is then not read on once its tokens so far make it less
    /// likely than another one is as a whole, and has fewer readings than tokens.
    pub best_by: Option<Vec<f64>>,
    /// How it is served beside others.
    pub serving: Serving,
}

/// How likely the continuations are.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scores {
    /// One reading for each token of the prompt but its first, where they were asked for.
    pub prompt: Vec<Reading>,
    /// Beside each of those the likeliest tokens in its place, best first, where they were asked for. They come without
    /// their bytes.
    pub prompt_top: Vec<Vec<TopLogprob>>,
    /// One reading for each token of each continuation, in order; of one that cannot be the likeliest, where only that
    /// is wanted, those of its first tokens.
    pub continuations: Vec<Vec<Reading>>,
    /// Tokens used: `completion_tokens` are those of all continuations that were read.
    pub usage: Usage,
}

impl Scores {
    /// The natural logarithm of each continuation's probability: the sum over its tokens.
    #[must_use]
    pub fn logprobs(&self) -> Vec<f64> {
        let sum = |readings: &Vec<Reading>| readings.iter().map(|reading| f64::from(reading.logprob)).sum();
        self.continuations.iter().map(sum).collect()
    }
}

/// Scores to come. Dropping it cancels the request within one step.
#[derive(Debug)]
pub struct Scoring {
    receiver: oneshot::Receiver<Result<Scores>>,
}

impl Scoring {
    pub(crate) fn new(receiver: oneshot::Receiver<Result<Scores>>) -> Self {
        Self { receiver }
    }

    /// Waits for them.
    ///
    /// # Errors
    /// DeadlineExceeded, Stopped, and those of the engine.
    pub async fn collect(self) -> Result<Scores> {
        self.receiver.await.unwrap_or(Err(Error::Stopped))
    }
}
