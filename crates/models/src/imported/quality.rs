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

/// What every import of the deployment must keep to: the setting `import_bound`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ImportBound {
    /// What a quantization keeps to where nothing else is asked for.
    Default,
    /// What is named, and nothing else.
    Named(Bound),
}

impl ImportBound {
    /// Reads `default`, or a bound as [`Bound::with`] does.
    ///
    /// # Errors
    /// Invalid.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        match text.trim() {
            "default" => Ok(Self::Default),
            text => Bound::none().with(text).map(Self::Named),
        }
    }

    fn of(&self, quantization: Quantization) -> Bound {
        match self {
            Self::Default => Bound::default_of(FileType::from(quantization)),
            Self::Named(bound) => *bound,
        }
    }
}

impl Models {
    /// Measures a model that was just made, and looks whether it keeps to the deployment's bound.
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
        let bound = self.inner.import_bound.as_ref().map(|bound| bound.of(quantization));
        let mut trials = match (bound, quantization) {
            (Some(_), _) => Trials::new(None),
            (None, Quantization::F16) => Trials::text(),
            (None, _) => Trials::brief(),
        };
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
        let (text, tokens) = (TEXT_NAME.to_owned(), own.tokens());
        let quality = Quality { text, tokens, perplexity: own.perplexity, exact, unmeasured, bound };
        keeps_to_bound(&quality).map(|()| quality)
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
/// Invalid, where it does not, or where nobody can know.
fn keeps_to_bound(quality: &Quality) -> Result<()> {
    let Some(bound) = &quality.bound else { return Ok(()) };
    let broken = match quality.exact.as_ref().and_then(|exact| exact.comparison.as_ref()) {
        Some(comparison) => bound.broken(comparison),
        None => vec![format!("it could not be compared: {}", quality.unmeasured.as_deref().unwrap_or("no memory"))],
    };
    match broken.is_empty() {
        true => Ok(()),
        false => Err(Error::invalid(format!(
            "The model cannot be imported. It does not keep to the bound of this deployment: {}.",
            broken.join("; ")
        ))
        .with_hint("Import it in more bits, or have the setting `import_bound` changed.")),
    }
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
