//! What an import costs: the model and the weights as they were, on the same text and tasks.

use std::sync::Arc;
use std::time::Duration;

use base::{Error, ErrorKind, Result};
use checkpoint::{Accepted, FileType, ModelFacts, Quantization};
use jobs::JobContext;
use tokio::sync::watch;

use super::card::{Exact, Quality};
use super::job::ImportJob;
use crate::Models;
use crate::at_rest::{MemorySink, SealedModel};
use crate::bucket::BucketFolder;
use crate::pull::Meter;
use crate::quality::{Bound, Read, TEXT_NAME, Trials};
use crate::work::{Patience, metered, unless_cancelled};

/// How long an import waits for memory to compare with.
const SHORT_PATIENCE: Duration = Duration::from_secs(60);

/// What is said of the bound that an import keeps to: by the setting `import_bound`, or by the import itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ImportBound {
    /// The type's own bound, but for what the text names.
    Over(String),
    /// Nothing: it is only measured.
    Nothing,
}

impl ImportBound {
    /// Reads `default`, `none`, or a bound as [`Bound::with`] does.
    ///
    /// # Errors
    /// Invalid.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        match text.trim() {
            "none" => Ok(Self::Nothing),
            "default" => Ok(Self::Over(String::new())),
            text => default_of(Quantization::F16).with(text).map(|_| Self::Over(text.to_owned())),
        }
    }

    /// # Errors
    /// None that [`ImportBound::parse`] did not tell.
    fn of(&self, quantization: Quantization) -> Result<Option<Bound>> {
        match self {
            Self::Over(text) => default_of(quantization).with(text).map(Some),
            Self::Nothing => Ok(None),
        }
    }
}

/// What an import keeps to where nobody says otherwise. Half precision is proved by the text alone: the tasks would cost
/// most imports more time than the weights do, to find what the text finds.
fn default_of(quantization: Quantization) -> Bound {
    let bound = Bound::default_of(FileType::from(quantization));
    match quantization {
        Quantization::F16 => Bound { labels: 0.0, ..bound },
        Quantization::Q8_0 | Quantization::Q4KM => bound,
    }
}

/// What an import must keep to.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Gate {
    /// None: it is only measured.
    bound: Option<Bound>,
    /// Whether it must be known to hold. Otherwise a model that there is no memory to compare with is made unproved.
    is_strict: bool,
}

impl Gate {
    /// The deployment's setting holds whatever the import asks for; where neither says anything, the type's bound does.
    ///
    /// # Errors
    /// As [`ImportBound::of`].
    fn of(
        quantization: Quantization,
        dtype: Option<&str>,
        set: Option<&ImportBound>,
        asked: Option<&ImportBound>,
    ) -> Result<Self> {
        let says = |bound: Option<&ImportBound>| bound.map(|bound| bound.of(quantization)).transpose();
        let bound = match (says(set)?, says(asked)?) {
            // The same numbers as before.
            (None, None) if quantization == Quantization::F16 && dtype == Some("F16") => None,
            (None, None) => Some(default_of(quantization)),
            (Some(bound), None) | (None, Some(bound)) => bound,
            (Some(Some(set)), Some(Some(asked))) => Some(set.and(asked)),
            (Some(set), Some(asked)) => set.or(asked),
        };
        let is_named = set.is_some() || asked.is_some();
        Ok(Self { bound, is_strict: is_named || quantization != Quantization::F16 })
    }

    /// What is read: all tasks where they decide, few where they are only told of.
    fn trials(&self, quantization: Quantization) -> Trials {
        match (self.bound, quantization) {
            (Some(bound), _) if bound.labels > 0.0 => Trials::new(None),
            (_, Quantization::F16) => Trials::text(),
            (_, Quantization::Q8_0 | Quantization::Q4KM) => Trials::brief(),
        }
    }
}

impl Models {
    /// Measures a model that was just made, and looks whether it keeps to its bound.
    ///
    /// # Errors
    /// Invalid, where the model computes no numbers or breaks the bound; Damaged, where it is; Throttled, where other
    /// models take the memory for long; those of reading the checkpoint and of loading.
    pub(super) async fn measure(
        &self,
        work: &JobContext,
        job: &ImportJob,
        made: &SealedModel,
        (accepted, facts, source): (&Accepted, &ModelFacts, Arc<BucketFolder>),
        file: &str,
    ) -> Result<Quality> {
        // Two runs of a job may overlap: what they read has the names of their files.
        let name = format!("{}#{file}", job.model_arn);
        let quantization = super::quantization(&job.quantization)?;
        let asked = job.bound.as_deref().map(ImportBound::parse).transpose()?;
        let set = self.inner.import_bound.as_ref();
        let gate = Gate::of(quantization, facts.dtype.as_deref(), set, asked.as_ref())?;
        let mut trials = gate.trials(quantization);
        let meter = Meter::new(work.cancelled());
        let told = (&meter, "measuring the quality");
        let reading = self.read_trials(work, (name.clone(), made.clone()), (&mut trials, facts.context_length), told);
        let own = metered(work, &meter, reading).await.map_err(refused)?;
        let compared = self.compare(work, job, (accepted, facts, source), (&name, &trials), &own).await;
        let (exact, unmeasured) = match compared {
            Ok(exact) => (Some(exact), None),
            Err(error) if matches!(error.kind, ErrorKind::Throttled | ErrorKind::Unavailable) => {
                (None, Some(error.message))
            }
            Err(error) => return Err(error),
        };
        let bound = gate.bound.filter(|_| gate.is_strict || exact.is_some());
        let (text, tokens) = (TEXT_NAME.to_owned(), own.tokens());
        let quality = Quality { text, tokens, perplexity: own.perplexity, exact, unmeasured, bound };
        keeps_to_bound(&quality, set.is_some()).map(|()| quality)
    }

    /// Reads the same with the weights as they were.
    async fn compare(
        &self,
        work: &JobContext,
        job: &ImportJob,
        (accepted, facts, source): (&Accepted, &ModelFacts, Arc<BucketFolder>),
        (name, trials): (&str, &Trials),
        own: &Read,
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
        let reading = self.inner.loaded.read_all_within(room, sink.finish()?, Arc::new(trials.passages()));
        let exact = trials.read(unless_cancelled(work, reading).await?).map_err(refused)?;
        let comparison = exact.compare(own, trials)?;
        Ok(Exact {
            perplexity: exact.perplexity,
            agreement: comparison.argmax.share,
            format: if facts.dtype.as_deref() == Some("F16") { "F16" } else { "F32" }.to_owned(),
            comparison: Some(comparison),
        })
    }
}

/// # Errors
/// Invalid, where it does not, or where nobody can know; the hint says who can have it otherwise, which is not the caller
/// alone where the deployment has a bound `set`.
fn keeps_to_bound(quality: &Quality, set: bool) -> Result<()> {
    let Some(bound) = &quality.bound else { return Ok(()) };
    let broken = match quality.exact.as_ref().and_then(|exact| exact.comparison.as_ref()) {
        Some(comparison) => bound.broken(comparison),
        None => vec![format!("it could not be compared: {}", quality.unmeasured.as_deref().unwrap_or("no memory"))],
    };
    if broken.is_empty() {
        return Ok(());
    }
    let message =
        format!("The model cannot be imported. It does not keep to its bound `{bound}`: {}.", broken.join("; "));
    Err(Error::invalid(message).with_hint(match set {
        true => "Import it in more bits, or have the setting `import_bound` of this deployment changed.",
        false => {
            "Import it in more bits, or say what it may lose: `craton import create --bound labels=0.7,argmax=0.6` (the header `x-craton-quantization-bound`); `none` only measures."
        }
    }))
}

/// An error of reading what was made, as an import tells it.
fn refused(error: Error) -> Error {
    match error.kind {
        ErrorKind::Invalid => Error { message: format!("The model cannot be imported. {}", error.message), ..error },
        _ => error,
    }
}

#[cfg(test)]
#[path = "quality_tests.rs"]
mod tests;
