//! What an import costs: how well a model expects a fixed text before and after.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base::{Error, ErrorKind, Result};
use checkpoint::{Accepted, ModelFacts};
use inference::Reading;
use jobs::JobContext;
use tokio::sync::watch;

use super::card::{Exact, Quality};
use super::job::ImportJob;
use crate::Models;
use crate::at_rest::{MemorySink, SealedModel};
use crate::bucket::BucketFolder;

/// The text. Models' cards name it with its version: figures of other texts cannot be compared.
const TEXT: &str = include_str!("quality.txt");
const NAME: &str = "craton-quality-1";

/// How long an import waits for memory that other models take.
const PATIENCE: Duration = Duration::from_secs(600);
/// How long it waits for memory to compare with.
const SHORT_PATIENCE: Duration = Duration::from_secs(60);

impl Models {
    /// Measures a model that was just made.
    ///
    /// # Errors
    /// Damaged, where the model computes no numbers; Throttled, where other models take the memory for long; those of
    /// reading the checkpoint and of loading.
    pub(super) async fn measure(
        &self,
        work: &JobContext,
        job: &ImportJob,
        made: &SealedModel,
        (accepted, facts, source): (&Accepted, &ModelFacts, Arc<BucketFolder>),
        file: &str,
    ) -> Result<Quality> {
        // Two runs of a job may overlap: what they read has the names of their files.
        let (name, mut patience) = (format!("{}#{file}", job.model_arn), Patience::of(work, PATIENCE));
        let mut text = TEXT;
        let own = loop {
            match unless_cancelled(work, self.inner.loaded.read_along(&name, made.clone(), text)).await {
                Ok(readings) => break readings,
                // A token is at least a byte: this much of the text fits.
                Err(error) if error.kind == ErrorKind::Invalid && text.len() == TEXT.len() => {
                    text = beginning(facts.context_length);
                }
                Err(error) => patience.wait(error).await?,
            }
        };
        let perplexity = perplexity(&own)?;
        let compared = self.compare(work, job, (accepted, facts, source), (&name, text), &own).await;
        let (exact, unmeasured) = match compared {
            Ok(exact) => (Some(exact), None),
            Err(error) if matches!(error.kind, ErrorKind::Throttled | ErrorKind::Unavailable) => {
                (None, Some(error.message))
            }
            Err(error) => return Err(error),
        };
        Ok(Quality { text: NAME.to_owned(), tokens: own.len() as u64, perplexity, exact, unmeasured })
    }

    /// Reads the text with the weights as they were.
    async fn compare(
        &self,
        work: &JobContext,
        job: &ImportJob,
        (accepted, facts, source): (&Accepted, &ModelFacts, Arc<BucketFolder>),
        (name, text): (&str, &str),
        own: &[Reading],
    ) -> Result<Exact> {
        let plan = accepted.exact(&job.model_name);
        let (name, mut patience) = (format!("{name}-exact"), Patience::of(work, SHORT_PATIENCE));
        let room = loop {
            match self.inner.loaded.set_aside(&name, plan.bytes()).await {
                Ok(room) => break room,
                Err(error) => patience.wait(error).await?,
            }
        };
        let sink = MemorySink::new(plan.bytes())?;
        let sink = self.convert(work, job, plan, source, sink, watch::channel(0).0).await?;
        let reading = self.inner.loaded.read_along_within(room, sink.finish()?, text);
        let exact = unless_cancelled(work, reading).await?;
        if exact.len() != own.len() {
            return Err(Error::internal("the same text has other tokens"));
        }
        let same = exact.iter().zip(own).filter(|(a, b)| a.likeliest == b.likeliest).count();
        Ok(Exact {
            perplexity: perplexity(&exact)?,
            agreement: same as f64 / own.len().max(1) as f64,
            format: if facts.dtype.as_deref() == Some("F16") { "F16" } else { "F32" }.to_owned(),
        })
    }
}

/// # Errors
/// Conflict, where the job is cancelled first.
pub(super) async fn unless_cancelled<T>(work: &JobContext, doing: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::select! {
        done = doing => done,
        () = work.cancelled().cancelled_owned() => Err(Error::conflict("The import was cancelled.")),
    }
}

/// The beginning of the text that surely fits a context.
fn beginning(context: u64) -> &'static str {
    let most = usize::try_from(context.saturating_sub(2)).unwrap_or(TEXT.len()).min(TEXT.len() - 1);
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
    Err(Error::invalid("The model cannot be imported. It computes no finite numbers.")
        .with_hint("Look for NaN or infinite weights, or import it with the quantization F16."))
}

/// How long to wait for room.
pub(super) struct Patience<'a> {
    work: &'a JobContext,
    until: Instant,
}

impl<'a> Patience<'a> {
    pub(super) fn of(work: &'a JobContext, patience: Duration) -> Self {
        Self { work, until: Instant::now() + patience }
    }

    pub(super) fn long(work: &'a JobContext) -> Self {
        Self::of(work, PATIENCE)
    }

    /// Waits where there is no room at the moment.
    ///
    /// # Errors
    /// Any other error at once, and this one in the end; Conflict, where the job is cancelled.
    pub(super) async fn wait(&mut self, error: Error) -> Result<()> {
        if error.kind != ErrorKind::Throttled || Instant::now() >= self.until {
            return Err(error);
        }
        let pause = tokio::time::sleep(Duration::from_secs(1));
        let waited = async {
            pause.await;
            Ok(())
        };
        unless_cancelled(self.work, waited).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(logprob: f32) -> Reading {
        Reading { token: 0, logprob, likeliest: 0 }
    }

    #[test]
    fn the_perplexity_of_even_odds_is_the_number_of_choices() {
        let even = reading(-(8_f32.ln()));
        assert!((perplexity(&[even, even, even]).unwrap() - 8.0).abs() < 1e-5);
        assert!(perplexity(&[even, reading(f32::NAN)]).is_err());
    }

    #[test]
    fn a_small_context_reads_the_beginning_of_the_text() {
        assert_eq!(beginning(100), &TEXT[..98]);
        assert_eq!(beginning(1 << 20).len(), TEXT.len() - 1);
        assert_eq!(beginning(0), "");
    }
}
