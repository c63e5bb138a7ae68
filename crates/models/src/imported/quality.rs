//! What an import costs: the model and the weights as they were, on the same text and tasks.

use std::sync::Arc;
use std::time::Duration;

use base::{Error, ErrorKind, Result};
use checkpoint::{Accepted, FileType, ModelFacts, Quantization};
use jobs::JobContext;
use tokio::sync::{MutexGuard, watch};

use super::card::{Exact, Quality};
use super::job::ImportJob;
use super::work::say;
use crate::Models;
use crate::at_rest::{MemoryFile, MemorySink, SealedModel};
use crate::bucket::BucketFolder;
use crate::loaded::SetAside;
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
    /// Where it must be known to hold.
    proof: Proof,
}

/// Where a bound must be known to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Proof {
    /// Everywhere: the model is in fewer bits, or somebody named the bound. Without the memory to compare there is no model.
    Always,
    /// Where there is memory now: half precision rounds, and is what an import makes where nobody asks for anything. Elsewhere
    /// it is made unproved, and its card says why.
    WhereThereIsRoom,
}

/// What became of comparing.
enum Compared {
    With(Box<Exact>),
    /// There was no memory to: others take it (Throttled), or it is more than models may take at all (Unavailable).
    Without(Error),
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
        let proof = match quantization {
            Quantization::F16 if set.is_none() && asked.is_none() => Proof::WhereThereIsRoom,
            Quantization::F16 | Quantization::Q8_0 | Quantization::Q4KM => Proof::Always,
        };
        Ok(Self { bound, proof })
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
    /// Invalid, where the model computes no numbers, breaks the bound, or cannot be compared although it must; Damaged,
    /// where it is; Throttled, where other models take the memory for long; those of reading the checkpoint and of loading.
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
        let compared = self.compare(work, job, (accepted, facts, source), (&name, &trials), &own).await?;
        let (exact, unmeasured, bound) = match compared {
            Compared::With(exact) => (Some(*exact), None, gate.bound),
            Compared::Without(error) => {
                let bound = gate.bound.filter(|_| gate.proof == Proof::Always);
                (None, Some(error.message), bound)
            }
        };
        let (text, tokens) = (TEXT_NAME.to_owned(), own.tokens());
        let quality = Quality { text, tokens, perplexity: own.perplexity, exact, unmeasured, bound };
        keeps_to_bound(&quality, matches!(set, Some(ImportBound::Over(_)))).map(|()| quality)
    }

    /// Reads the same with the weights as they were, where there is memory for them.
    async fn compare(
        &self,
        work: &JobContext,
        job: &ImportJob,
        (accepted, facts, source): (&Accepted, &ModelFacts, Arc<BucketFolder>),
        (name, trials): (&str, &Trials),
        own: &Read,
    ) -> Result<Compared> {
        let plan = accepted.exact(&job.model_name);
        let name = format!("{name}-exact");
        let (turn, room) = match self.room_to_compare(work, &name, plan.bytes(), SHORT_PATIENCE).await {
            Ok(taken) => taken,
            Err(error) if is_no_room(error.kind) => return Ok(Compared::Without(error)),
            Err(error) => return Err(error),
        };
        let sink = MemorySink::new(plan.bytes())?;
        let sink = self.convert(work, job, plan, source, sink, watch::channel(0).0).await?;
        let weights = (room, sink.finish()?);
        let (room, memory) = match self.with_room_to_read(work, &name, weights, SHORT_PATIENCE, &turn).await {
            Ok(widened) => widened,
            Err(error) if is_no_room(error.kind) => return Ok(Compared::Without(error)),
            Err(error) => return Err(error),
        };
        let reading = self.inner.loaded.read_all_within(room, memory, Arc::new(trials.passages()));
        let read = match unless_cancelled(work, reading).await {
            Ok(read) => read,
            // The system gave no memory. Whatever else may pass is tried again with the job.
            Err(error) if error.kind == ErrorKind::Throttled => return Ok(Compared::Without(error)),
            Err(error) => return Err(error),
        };
        let exact = trials.read(read).map_err(refused)?;
        let comparison = exact.compare(own, trials)?;
        let exact = Exact {
            perplexity: exact.perplexity,
            agreement: comparison.argmax.share,
            format: if facts.dtype.as_deref() == Some("F16") { "F16" } else { "F32" }.to_owned(),
            comparison: Some(comparison),
        };
        Ok(Compared::With(Box::new(exact)))
    }

    /// Room for weights as they were, and the turn to compare with them, which other imports wait for: reading with them takes more
    /// room, and two that had the first and wanted the second could keep it from each other. What others have of the room is waited for.
    ///
    /// # Errors
    /// Throttled, where they have it longer than `patience`; Unavailable, where it is more than models may take at all; Conflict,
    /// where the job is cancelled.
    async fn room_to_compare(
        &self,
        work: &JobContext,
        name: &str,
        bytes: u64,
        patience: Duration,
    ) -> Result<(MutexGuard<'_, ()>, SetAside)> {
        let turn = match self.inner.comparing.try_lock() {
            Ok(turn) => turn,
            Err(_) => {
                say(work, "waiting for another import that is being compared").await;
                let turn = unless_cancelled(work, async { Ok(self.inner.comparing.lock().await) }).await?;
                say(work, "measuring the quality").await;
                turn
            }
        };
        let mut patience = Patience::of(work, patience);
        loop {
            match self.inner.loaded.set_aside(name, bytes).await {
                Ok(room) => return Ok((turn, room)),
                Err(error) => patience.wait(error).await?,
            }
        }
    }

    /// Weights in memory with as much set aside as reading with them takes, too. What others have of that is waited for, by whoever
    /// has the turn to compare alone.
    ///
    /// # Errors
    /// Throttled, where they have it longer than `patience`; Unavailable, where it is more than models may take at all; Damaged,
    /// where the weights are; Conflict, where the job is cancelled.
    async fn with_room_to_read(
        &self,
        work: &JobContext,
        name: &str,
        (room, memory): (SetAside, MemoryFile),
        patience: Duration,
        _turn: &MutexGuard<'_, ()>,
    ) -> Result<(SetAside, MemoryFile)> {
        let (memory, bytes) = self.inner.loaded.reader_bytes(name, memory).await?;
        let mut patience = Patience::of(work, patience);
        loop {
            match room.resize(bytes).await {
                Ok(()) => return Ok((room, memory)),
                Err(error) => patience.wait(error).await?,
            }
        }
    }
}

/// Whether memory is missing.
const fn is_no_room(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Throttled | ErrorKind::Unavailable)
}

/// # Errors
/// Invalid, where it does not, or where nobody can know; the hint says who can have it otherwise, which is not the caller
/// alone where the deployment has a bound `set`.
fn keeps_to_bound(quality: &Quality, set: bool) -> Result<()> {
    let Some(bound) = &quality.bound else { return Ok(()) };
    let Some(comparison) = quality.exact.as_ref().and_then(|exact| exact.comparison.as_ref()) else {
        let why = quality.unmeasured.as_deref().unwrap_or("there is no memory");
        return Err(Error::invalid(format!(
            "The model cannot be imported. Whether it keeps to its bound `{bound}` is not known: it could not be compared: {why}"
        ))
        .with_hint(match set {
            true => "Import it again when other models are idle, have `memory_budget` raised, so that the weights as they were fit, or have the setting `import_bound` of this deployment changed: with `none` models are accepted unproved.",
            false => "Import it again when other models are idle, have `memory_budget` raised, so that the weights as they were fit, or accept the model unproved: `craton import create --bound none` (the header `x-craton-quantization-bound: none`).",
        }));
    };
    let broken = bound.broken(comparison);
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
