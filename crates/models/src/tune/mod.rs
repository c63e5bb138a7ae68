//! Tuning: how a model is loaded, chosen by measuring a workload on this machine.
//!
//! A tuning is a job. It plays the workload's requests to the model, loaded with one set of options after another, by
//! successive halving, and keeps what it found: a report, and the profile with which the model is loaded from then on.

mod machine;
mod player;
mod profile;
mod report;
mod search;
mod space;
pub(crate) mod store;
mod work;
mod workload;

#[cfg(test)]
mod tests;

use base::{Error, Result};
use identity::Ctx;
use jobs::{Job, NewJob, Owner};
use serde::{Deserialize, Serialize};

use crate::Models;
use crate::library::Manifest;
pub use machine::MachineFacts;
pub(crate) use machine::{kind as machine_kind, measure as measure_bandwidth};
pub use profile::{PinnedWeights, StaticBatches, Tuned, TunedSettings};
pub use report::{Gain, Measurement, Slo, TriedWeights, TuningPoint, TuningReport};
pub(crate) use work::{Measured, TRIAL, TuneHandler, stands_for};
pub use workload::{MOST_REQUESTS, OwnRequest, Workload};

/// The kind of the jobs that tune.
pub(crate) const JOB_KIND: &str = "model-tune";
/// How often a tuning is tried where the process dies or there is no room.
const MAX_ATTEMPTS: u32 = 5;
/// The longest that is measured, in minutes.
const MOST_MINUTES: f64 = 240.0;

/// A tuning that is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct TuneRequest {
    /// The pulled model.
    pub model: String,
    /// What the answers must keep to, as [`Slo::parse`] reads it.
    pub slo: String,
    /// What is asked.
    pub workload: Workload,
    /// How long is measured, in minutes, with the warm-ups. Slow machines are expected to take up to half as long again, and
    /// longer where they cannot measure what stays and one more in that; loading the model comes on top.
    pub minutes: f64,
    /// The clients that ask at once.
    pub clients: u32,
    /// The context that a request must keep; none: that of the server's settings.
    pub least_context: Option<u32>,
    /// The most tokens of an answer, where the model's answers may be bounded: then static batches are tried, too.
    pub bounded_answers: Option<u32>,
    /// Whether the model's quantizations in the library take part: then answers may come from fewer bits.
    pub quantized: bool,
    /// Whether caches may be rounded to eight bits: then answers may differ by that.
    pub rounded_caches: bool,
    /// The price of the machine by the hour.
    pub price_per_hour: Option<f64>,
}

/// A tuning's job, as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct TuneInput {
    /// Differs between requests, so that no request joins the job of another.
    token: String,
    model: String,
    slo: Slo,
    workload: Workload,
    minutes: f64,
    clients: u32,
    least_context: Option<u32>,
    bounded_answers: Option<u32>,
    quantized: bool,
    #[serde(default)]
    rounded_caches: bool,
    price_per_hour: Option<f64>,
}

impl Models {
    /// Starts to tune a model. The job measures, and ends with a report and, where something beats the default, the
    /// model's profile. Its output is `{"job": …, "chosen": …}`. One that is cancelled changes nothing.
    ///
    /// # Errors
    /// NotFound, where the model is not pulled; Invalid, for a bad objective, a workload that the model is not for, and
    /// numbers out of their ranges; Conflict, while another tuning goes on.
    pub async fn tune(&self, ctx: &Ctx, request: TuneRequest) -> Result<Job> {
        let manifest = self.tunable(&request.model).await?;
        let slo = Slo::parse(&request.slo)?;
        request.workload.check(&request.model, manifest.facts.embeds)?;
        let queue = self.inner.loaded.options().queue;
        check_numbers(&request, queue)?;
        // Of two that come at once, of whatever accounts, one sees the other's job.
        let _one_at_a_time = self.inner.tuning.lock().await;
        if let Some(other) = self.inner.jobs.find_open(JOB_KIND).await? {
            return Err(another(&other));
        }
        let input = TuneInput {
            token: self.inner.random.uuid(),
            model: request.model,
            slo,
            workload: request.workload,
            minutes: request.minutes,
            clients: request.clients,
            least_context: request.least_context,
            bounded_answers: request.bounded_answers,
            quantized: request.quantized,
            rounded_caches: request.rounded_caches,
            price_per_hour: request.price_per_hour,
        };
        let new = NewJob {
            kind: JOB_KIND,
            owner: Owner {
                account: ctx.account().clone(),
                region: ctx.region().clone(),
                principal_arn: ctx.principal().arn(),
                principal_id: Some(ctx.principal().user_id()),
            },
            dedup_key: Some(JOB_KIND.to_owned()),
            input: serde_json::to_value(&input).map_err(Error::internal)?,
            max_attempts: MAX_ATTEMPTS,
            run_at: None,
        };
        let job = self.inner.jobs.submit(new).await?;
        // One that came in between is another process's.
        match job.input.get("token").and_then(serde_json::Value::as_str) == Some(input.token.as_str()) {
            true => Ok(job),
            false => Err(another(&job)),
        }
    }

    /// The reports of a model's tunings, newest first.
    ///
    /// # Errors
    /// NotFound, where there is no such model.
    pub async fn tunings(&self, _ctx: &Ctx, model: &str) -> Result<Vec<TuningReport>> {
        self.tunable(model).await?;
        store::reports(&self.inner.store, model).await
    }

    /// The report of one tuning.
    ///
    /// # Errors
    /// NotFound, where the model has none of that job.
    pub async fn tuning(&self, _ctx: &Ctx, model: &str, job: &str) -> Result<TuningReport> {
        store::report(&self.inner.store, model, job).await?.ok_or_else(|| {
            Error::not_found(format!("The model `{model}` has no report of a tuning `{job}`."))
                .with_hint("A tuning has its report when it has succeeded; `craton jobs show ID` tells how far it is.")
        })
    }

    /// The job that tunes the model now, where it is one of the caller's account.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn tuning_under_way(&self, ctx: &Ctx, model: &str) -> Result<Option<Job>> {
        let job = self.inner.jobs.find_open(JOB_KIND).await?;
        Ok(job.filter(|job| tuned_model(job) == model && job.owner.account == *ctx.account()))
    }

    /// The profile with which the model is loaded; none: as the server's settings say.
    pub fn tuned(&self, _ctx: &Ctx, model: &str) -> Option<Tuned> {
        self.inner.loaded.tuned(model)
    }

    /// Has a model loaded as the server's settings say, from the next time on. What is idle in memory leaves it.
    ///
    /// # Errors
    /// NotFound, where the model has no profile.
    pub async fn reset_tuning(&self, _ctx: &Ctx, model: &str) -> Result<()> {
        if !store::forget_profile(&self.inner.store, &machine::kind(), model).await? {
            return Err(Error::not_found(format!("The model `{model}` has no profile of its own.")));
        }
        self.apply_profile(model, None).await;
        Ok(())
    }

    /// Forgets the profile of a model that is removed.
    pub(crate) async fn forget_tuning(&self, model: &str) -> Result<()> {
        store::forget_profile(&self.inner.store, &machine::kind(), model).await?;
        self.inner.loaded.set_tuned(model, None);
        Ok(())
    }

    /// Takes up the profiles that are kept and were measured on such a machine.
    pub(crate) async fn resume_profiles(&self) -> Result<()> {
        for (model, tuned) in store::profiles(&self.inner.store, &machine::kind()).await? {
            self.inner.loaded.set_tuned(&model, Some(tuned));
        }
        Ok(())
    }

    async fn apply_profile(&self, model: &str, tuned: Option<Tuned>) {
        self.inner.loaded.set_tuned(model, tuned);
        if let Err(error) = self.inner.loaded.unload(model).await {
            // In use, it keeps its options until it is loaded next.
            tracing::debug!(model, ?error, "the model stays in memory as it was loaded");
        }
    }

    async fn tunable(&self, model: &str) -> Result<Manifest> {
        match (self.inner.library.manifest(model).await?, self.inner.catalogue.get(model)) {
            (Some(manifest), _) => Ok(manifest),
            (None, Some(_)) => Err(crate::invoke::not_pulled(model)),
            (None, None) => Err(crate::catalogue::unknown(model)),
        }
    }
}

fn check_numbers(request: &TuneRequest, queue: usize) -> Result<()> {
    if !(request.minutes > 0.0 && request.minutes <= MOST_MINUTES) {
        return Err(Error::invalid(format!("A tuning measures for up to {MOST_MINUTES} minutes, and more than 0.")));
    }
    if request.clients == 0 || request.clients as usize > queue.max(1) {
        return Err(Error::invalid(format!("A tuning has 1 to {} clients.", queue.max(1))).with_hint(
            "More would be refused by a model that decodes one request at a time: see the setting `queue`.",
        ));
    }
    if request.least_context.is_some_and(|context| !(256..=1 << 20).contains(&context)) {
        return Err(Error::invalid("The least context has 256 to 1,048,576 tokens."));
    }
    if request.bounded_answers.is_some_and(|tokens| !(1..=4096).contains(&tokens)) {
        return Err(Error::invalid("Answers are bounded to 1 to 4,096 tokens."));
    }
    match request.price_per_hour.is_some_and(|price| !(price.is_finite() && price >= 0.0)) {
        true => Err(Error::invalid("A price is a number that is not negative.")),
        false => Ok(()),
    }
}

/// The model that a job tunes.
fn tuned_model(job: &Job) -> &str {
    job.input.get("model").and_then(serde_json::Value::as_str).unwrap_or_default()
}

fn another(job: &Job) -> Error {
    let model = tuned_model(job);
    Error::conflict(format!("The model `{model}` is being tuned, and a tuning needs the machine for itself."))
        .with_hint(format!("Wait until that has ended, or stop it: `craton jobs cancel {}`.", job.id))
}
