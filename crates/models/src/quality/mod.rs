//! What keeping a model in fewer bits costs: how well it foretells a fixed text and which labels it gives to a fixed set
//! of tasks, before and after, with intervals.

mod bound;
mod reading;
mod report;
mod statistics;
mod tasks;

use base::{Error, Result};
use inference::{Passage, Reading};

use crate::loaded::READER_CONTEXT;

pub use bound::Bound;
pub use report::{Comparison, Kept, QuantizationReport};
pub use statistics::{Ratio, Share};
pub(crate) use tasks::check as check_tasks;
use tasks::fixed as fixed_tasks;
pub use tasks::{LabelTask, MOST_TASKS};

/// The text. Reports name it with its version: figures of other texts cannot be compared.
const TEXT: &str = include_str!("text.txt");
/// The text's name.
pub(crate) const TEXT_NAME: &str = "craton-quality-1";
/// The name of the fixed tasks.
pub(crate) const TASKS_NAME: &str = "craton-labels-1";
/// The name of tasks that somebody brought.
pub(crate) const OWN_TASKS: &str = "own";

/// What two models are compared by.
#[derive(Debug, Clone)]
pub(crate) struct Trials {
    text: &'static str,
    tasks: Vec<LabelTask>,
    tasks_name: &'static str,
}

impl Trials {
    /// The fixed text and the fixed tasks, or one's own.
    pub(crate) fn new(own: Option<Vec<LabelTask>>) -> Self {
        let tasks_name = if own.is_some() { OWN_TASKS } else { TASKS_NAME };
        Self { text: TEXT, tasks: own.unwrap_or_else(fixed_tasks), tasks_name }
    }

    /// The text, and every fourth of the fixed tasks: a measure that costs an import little.
    pub(crate) fn brief() -> Self {
        let tasks = fixed_tasks().into_iter().step_by(4).collect();
        Self { text: TEXT, tasks, tasks_name: TASKS_NAME }
    }

    /// The text alone.
    pub(crate) fn text() -> Self {
        Self { text: TEXT, tasks: Vec::new(), tasks_name: TASKS_NAME }
    }

    /// Leaves out what may not fit into a context of so many tokens; whether that was anything. Tasks that somebody brought
    /// stay.
    fn cut(&mut self, context: u64) -> bool {
        // A token is at least a byte: what is no longer than the context fits.
        let room = usize::try_from(context.min(READER_CONTEXT.into()).saturating_sub(2)).unwrap_or(0);
        let before = (self.text.len(), self.tasks.len());
        if self.text.len() > room {
            self.text = beginning(room);
        }
        if self.tasks_name == TASKS_NAME {
            self.tasks.retain(|task| task.longest() <= room);
        }
        before != (self.text.len(), self.tasks.len())
    }

    pub(crate) fn len(&self) -> usize {
        self.tasks.len() + 1
    }

    pub(crate) fn passages(&self) -> Vec<Passage> {
        std::iter::once(Passage::text(self.text)).chain(self.tasks.iter().map(LabelTask::passage)).collect()
    }

    /// What a model made of [`Trials::passages`].
    ///
    /// # Errors
    /// Invalid, where the model computes no numbers.
    pub(crate) fn read(&self, readings: Vec<Vec<Vec<Reading>>>) -> Result<Read> {
        let mut readings = readings.into_iter();
        let text = readings.next().and_then(|text| text.into_iter().next()).unwrap_or_default();
        let perplexity = perplexity(&text)?;
        Ok(Read { text, perplexity, labels: readings.map(|endings| likeliest(&endings)).collect() })
    }
}

/// What a model made of the trials.
#[derive(Debug, Clone)]
pub(crate) struct Read {
    text: Vec<Reading>,
    pub(crate) perplexity: f64,
    /// The index of the label that each task got.
    labels: Vec<usize>,
}

impl Read {
    /// Tokens of the text that were foretold.
    pub(crate) fn tokens(&self) -> u64 {
        self.text.len() as u64
    }

    /// How far another model, made of this one, is from it.
    ///
    /// # Errors
    /// Internal, where both did not read the same.
    pub(crate) fn compare(&self, made: &Self, trials: &Trials) -> Result<Comparison> {
        if self.text.len() != made.text.len() || self.labels.len() != made.labels.len() {
            return Err(Error::internal("the same texts have other tokens"));
        }
        let pairs = || self.text.iter().zip(&made.text);
        let differences: Vec<f64> =
            pairs().map(|(before, after)| f64::from(before.logprob) - f64::from(after.logprob)).collect();
        let same = pairs().filter(|(before, after)| before.likeliest == after.likeliest).count();
        let agreed = self.labels.iter().zip(&made.labels).filter(|(before, after)| before == after).count();
        Ok(Comparison {
            text: TEXT_NAME.to_owned(),
            tokens: self.tokens(),
            tasks: trials.tasks_name.to_owned(),
            perplexity_before: self.perplexity,
            perplexity_after: made.perplexity,
            perplexity: Ratio::of(&differences),
            argmax: Share::of(same as u64, self.tokens()),
            labels: Share::of(agreed as u64, self.labels.len() as u64),
        })
    }
}

/// The ending with the highest likelihood, of equals the first.
fn likeliest(endings: &[Vec<Reading>]) -> usize {
    let likelihood = |ending: &Vec<Reading>| ending.iter().map(|reading| f64::from(reading.logprob)).sum::<f64>();
    let mut best = (0, f64::NEG_INFINITY);
    for (index, ending) in endings.iter().enumerate() {
        let own = likelihood(ending);
        if own > best.1 {
            best = (index, own);
        }
    }
    best.0
}

/// The beginning of the text that is no longer than `bytes`.
fn beginning(bytes: usize) -> &'static str {
    let most = bytes.min(TEXT.len() - 1);
    let end = (0..=most).rev().find(|at| TEXT.is_char_boundary(*at)).unwrap_or(0);
    &TEXT[..end]
}

/// e to the mean of the negative log-probabilities.
fn perplexity(readings: &[Reading]) -> Result<f64> {
    let sum: f64 = readings.iter().map(|reading| -f64::from(reading.logprob)).sum();
    let perplexity = (sum / readings.len().max(1) as f64).exp();
    if perplexity.is_finite() {
        return Ok(perplexity);
    }
    Err(Error::invalid("The model computes no finite numbers.")
        .with_hint("Look for NaN or infinite weights, or keep it in F16."))
}

#[cfg(test)]
mod tests;
