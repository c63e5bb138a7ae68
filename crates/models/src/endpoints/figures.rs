//! What the variants of endpoints do: counted since the process began, and timed over the last minutes.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base::{Error, ErrorKind, Result, Timestamp};
use identity::Ctx;
use inference::{EngineStatus, Finish};

use super::resource::{Endpoint, EndpointStatus, EndpointVariant, Hosted};
use super::store::{self, Scope};
use super::weights::Source;
use super::{HostingKind, resource};
use crate::{Fit, Models};

/// Answers that are older are not counted in percentiles and speeds.
const WINDOW: Duration = Duration::from_secs(300);
/// The most answers that are kept.
const KEPT: usize = 1024;

/// What an endpoint does.
#[derive(Debug, Clone, PartialEq)]
pub struct EndpointFigures {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Where it stands.
    pub status: EndpointStatus,
    /// Why it failed, or why its last update did.
    pub failure: Option<String>,
    /// The model that has to be pulled for it, where it failed because one is not; known where it is asked for alone.
    pub lacks: Option<String>,
    /// The model of the hub that it is registered with Bedrock as; none where it is not.
    pub market: Option<String>,
    /// What its variants do.
    pub variants: Vec<VariantFigures>,
    /// When it was made.
    pub created: Timestamp,
    /// When it was asked last, since the process began.
    pub last_used: Option<Timestamp>,
}

/// What a variant does.
#[derive(Debug, Clone, PartialEq)]
pub struct VariantFigures {
    /// Its name.
    pub name: String,
    /// The name of its hosted model.
    pub model: String,
    /// The pulled or imported model that answers; none before it was ready for the first time.
    pub served_model: Option<String>,
    /// Whether that is another model than the one that was named.
    pub substituted: bool,
    /// Why it is that one, where another was named.
    pub why: Option<String>,
    /// Its share of the requests, in relation to the other variants'.
    pub weight: f64,
    /// Replicas that are in memory.
    pub instances: u32,
    /// Replicas that it should have.
    pub desired_instances: u32,
    /// The memory that they take, in bytes, the weights included.
    pub memory_bytes: u64,
    /// Tokens written a second, all answers together, over the last minutes.
    pub tokens_per_second: f64,
    /// Requests that wait, for a place or for the model to be loaded.
    pub queue: u32,
    /// Requests that are being answered.
    pub running: u32,
    /// Requests that can be answered side by side.
    pub slots: u32,
    /// The share of the prompts' tokens that were still in the engine's cache, over the last minutes.
    pub cached_tokens_share: f64,
    /// The times to the first token.
    pub first_token: Spread,
    /// The times from a request's arrival to the end of its answer.
    pub latency: Spread,
    /// Requests since the process began.
    pub invocations: u64,
    /// Those of them that failed, throttled ones apart.
    pub errors: u64,
    /// Those of them that were told to come again later.
    pub throttled: u64,
    /// How long the last load took, from its beginning until the model could answer.
    pub load_time: Option<Duration>,
}

/// Times of which so many percent are no longer; none of them, where nothing was answered lately.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spread {
    /// Half of them.
    pub p50: Duration,
    /// 95 % of them.
    pub p95: Duration,
    /// 99 % of them.
    pub p99: Duration,
}

/// What is counted of one variant.
#[derive(Debug, Default)]
pub(super) struct Counted(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    invocations: u64,
    errors: u64,
    throttled: u64,
    last_used: Option<Timestamp>,
    load_time: Option<Duration>,
    answers: VecDeque<Answer>,
}

/// One answer.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Answer {
    pub(super) first_token: Duration,
    pub(super) whole: Duration,
    pub(super) prompt: u32,
    pub(super) cached: u32,
    pub(super) written: u32,
    /// When it was complete; none before it is kept.
    pub(super) at: Option<Instant>,
}

impl Answer {
    pub(super) fn of(finish: &Finish) -> Self {
        Self {
            first_token: finish.timing.first_token,
            prompt: finish.usage.prompt_tokens,
            cached: finish.usage.cached_tokens,
            written: finish.usage.completion_tokens,
            ..Self::default()
        }
    }
}

impl Counted {
    pub(super) fn begin(&self, now: Timestamp) {
        let mut counts = self.lock();
        counts.invocations += 1;
        counts.last_used = Some(now);
    }

    pub(super) fn fail(&self, error: &Error) {
        let mut counts = self.lock();
        match error.kind {
            ErrorKind::Throttled => counts.throttled += 1,
            _ => counts.errors += 1,
        }
    }

    /// Notes an answer that was complete at `at`.
    pub(super) fn answer(&self, answer: Answer, at: Instant) {
        let mut counts = self.lock();
        if counts.answers.len() == KEPT {
            counts.answers.pop_front();
        }
        counts.answers.push_back(Answer { at: Some(at), ..answer });
    }

    pub(super) fn loaded_in(&self, time: Duration) {
        self.lock().load_time = Some(time);
    }

    /// Requests, those that failed, and those that were throttled.
    #[cfg(test)]
    pub(super) fn totals(&self) -> (u64, u64, u64) {
        let counts = self.lock();
        (counts.invocations, counts.errors, counts.throttled)
    }

    pub(super) fn last_used(&self) -> Option<Timestamp> {
        self.lock().last_used
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells it in `figures`, at `now`.
    fn tell(&self, figures: &mut VariantFigures, now: Instant) {
        let counts = self.lock();
        let is_recent = |answer: &&Answer| answer.at.is_some_and(|at| now.saturating_duration_since(at) <= WINDOW);
        let recent: Vec<&Answer> = counts.answers.iter().filter(is_recent).collect();
        figures.invocations = counts.invocations;
        figures.errors = counts.errors;
        figures.throttled = counts.throttled;
        figures.load_time = counts.load_time;
        let sum = |of: fn(&Answer) -> u32| recent.iter().map(|answer| f64::from(of(answer))).sum::<f64>();
        let (prompt, cached) = (sum(|answer| answer.prompt), sum(|answer| answer.cached));
        figures.cached_tokens_share = if prompt > 0.0 { cached / prompt } else { 0.0 };
        let oldest = recent.first().and_then(|answer| Some(now.saturating_duration_since(answer.at?) + answer.whole));
        let covered = oldest.unwrap_or(WINDOW).min(WINDOW).as_secs_f64().max(1.0);
        figures.tokens_per_second = sum(|answer| answer.written) / covered;
        figures.first_token = spread(recent.iter().map(|answer| answer.first_token).filter(|time| !time.is_zero()));
        figures.latency = spread(recent.iter().map(|answer| answer.whole));
    }
}

/// The nearest ranks of a sample.
fn spread(sample: impl Iterator<Item = Duration>) -> Spread {
    let mut sorted: Vec<Duration> = sample.collect();
    sorted.sort_unstable();
    let rank = |percent: usize| {
        let at = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
        sorted.get(at).copied().unwrap_or_default()
    };
    Spread { p50: rank(50), p95: rank(95), p99: rank(99) }
}

impl Models {
    /// What an endpoint of the caller's account and region does.
    ///
    /// # Errors
    /// NotFound.
    pub async fn endpoint_figures(&self, ctx: &Ctx, name: &str) -> Result<EndpointFigures> {
        let endpoint = self.endpoint(ctx, name).await?;
        Ok(EndpointFigures { lacks: self.lacking(&endpoint).await?, ..self.figures_of(&endpoint) })
    }

    /// The model that has to be pulled for an endpoint that failed because one is not.
    async fn lacking(&self, endpoint: &Hosted<Endpoint>) -> Result<Option<String>> {
        if !endpoint.body.recovers || endpoint.body.status != EndpointStatus::Failed {
            return Ok(None);
        }
        for variant in &endpoint.body.variants {
            let name = match &variant.source {
                Source::Hub(id) => self.hub_model_by_id(id).map(|model| model.entry),
                Source::Local(name) => Some(name.clone()),
                Source::Imported(_) | Source::Bucket { .. } => None,
            };
            let Some(name) = name.filter(|name| self.inner.catalogue.get(name).is_some()) else { continue };
            if self.inner.library.manifest(&name).await?.is_none() {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }

    /// What was predicted of the models that an endpoint's variants have in memory, as they were loaded, and what came of
    /// it; by the variants' names. Imported models are not predicted.
    ///
    /// # Errors
    /// NotFound; as [`Models::fit`].
    pub async fn endpoint_fits(&self, ctx: &Ctx, name: &str) -> Result<Vec<(String, Fit)>> {
        let endpoint = self.endpoint(ctx, name).await?;
        let (arn, mut fits) = (endpoint.arn.to_string(), Vec::new());
        for variant in endpoint.body.variants {
            let live = self.inner.endpoints.variant(&arn, &variant.spec.name);
            let Some((key, served)) = live.key().zip(live.served()) else { continue };
            if variant.source.imported().is_some() {
                continue;
            }
            if let Some(fit) = self.fit_of_loaded(&served.name, &key).await? {
                fits.push((variant.spec.name, fit));
            }
        }
        Ok(fits)
    }

    /// What all endpoints of the caller's account and region do, by name.
    ///
    /// # Errors
    /// Unavailable, where the database cannot be read.
    pub async fn all_endpoint_figures(&self, ctx: &Ctx) -> Result<Vec<EndpointFigures>> {
        let scope = Scope::of(ctx);
        let rows = store::list(&self.inner.store, &scope, HostingKind::Endpoint).await?;
        rows.into_iter().map(|row| Ok(self.figures_of(&resource::endpoint(&scope, row)?))).collect()
    }

    /// What an endpoint that was read already does.
    #[must_use]
    pub fn figures_of(&self, endpoint: &Hosted<Endpoint>) -> EndpointFigures {
        let arn = endpoint.arn.to_string();
        let mut last_used = None;
        let variants = endpoint.body.variants.iter().map(|variant| {
            let live = self.inner.endpoints.variant(&arn, &variant.spec.name);
            last_used = last_used.max(live.counted().last_used());
            let mut figures = described(variant);
            let state = live.state();
            figures.instances = state.replicas;
            figures.memory_bytes = state.memory_bytes;
            (figures.running, figures.slots) = (state.status.active, state.slots);
            figures.queue = state.status.queued.saturating_add(state.waiting);
            live.counted().tell(&mut figures, Instant::now());
            figures
        });
        let variants = variants.collect();
        let (name, created) = (endpoint.name.clone(), endpoint.created);
        let (status, failure) = (endpoint.body.status, endpoint.body.failure.clone());
        let market = endpoint.body.market.as_ref().map(|market| market.source.clone());
        EndpointFigures { name, arn, status, failure, lacks: None, market, variants, created, last_used }
    }
}

/// What is known of a variant beside what it does.
pub(super) fn described(variant: &EndpointVariant) -> VariantFigures {
    let served = variant.served.as_ref();
    VariantFigures {
        name: variant.spec.name.clone(),
        model: variant.spec.model.clone(),
        served_model: served.map(|served| served.name.clone()),
        substituted: served.is_some_and(|served| served.substituted),
        why: served.and_then(|served| served.why.clone()),
        weight: variant.spec.weight,
        instances: 0,
        desired_instances: variant.spec.instances,
        memory_bytes: 0,
        tokens_per_second: 0.0,
        queue: 0,
        running: 0,
        slots: 0,
        cached_tokens_share: 0.0,
        first_token: Spread::default(),
        latency: Spread::default(),
        invocations: 0,
        errors: 0,
        throttled: 0,
        load_time: None,
    }
}

/// What a variant is doing at the moment.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Doing {
    /// Replicas in memory.
    pub(super) replicas: u32,
    /// Requests that they answer side by side.
    pub(super) slots: u32,
    /// What the engine says.
    pub(super) status: EngineStatus,
    /// Requests that wait for the model to be loaded.
    pub(super) waiting: u32,
    pub(super) memory_bytes: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks_and_speeds_are_those_of_the_window() {
        let counted = Counted::default();
        let begin = Instant::now();
        let answer = |millis: u64| Answer {
            first_token: Duration::from_millis(millis),
            whole: Duration::from_millis(2 * millis),
            prompt: 100,
            cached: 25,
            written: 10,
            at: None,
        };
        for millis in 1..=100 {
            counted.answer(answer(millis), begin + Duration::from_millis(millis));
        }
        let mut figures = VariantFigures { cached_tokens_share: 9.0, ..blank() };
        counted.tell(&mut figures, begin + Duration::from_secs(10));
        let millis = |time: Duration| time.as_millis();
        assert_eq!(
            [figures.first_token.p50, figures.first_token.p95, figures.first_token.p99].map(millis),
            [50, 95, 99]
        );
        assert_eq!(millis(figures.latency.p99), 198);
        assert!((figures.cached_tokens_share - 0.25).abs() < 1e-9);
        assert!((99.0..101.0).contains(&figures.tokens_per_second), "{}", figures.tokens_per_second);
        counted.tell(&mut figures, begin + WINDOW + Duration::from_secs(1));
        assert_eq!((figures.latency, figures.tokens_per_second), (Spread::default(), 0.0));
    }

    #[test]
    fn what_is_throttled_is_counted_apart_from_what_fails() {
        let counted = Counted::default();
        counted.begin(Timestamp(7));
        counted.begin(Timestamp(9));
        counted.fail(&Error::throttled("later"));
        counted.fail(&Error::invalid("never"));
        let mut figures = blank();
        counted.tell(&mut figures, Instant::now());
        assert_eq!((figures.invocations, figures.errors, figures.throttled), (2, 1, 1));
        assert_eq!(counted.last_used(), Some(Timestamp(9)));
    }

    fn blank() -> VariantFigures {
        use super::super::resource::VariantSpec;
        described(&EndpointVariant {
            spec: VariantSpec {
                name: "v".to_owned(),
                model: "m".to_owned(),
                instance_type: "ml.m5.large".to_owned(),
                weight: 1.0,
                instances: 1,
                ..VariantSpec::default()
            },
            source: Source::Local("m".to_owned()),
            served: None,
        })
    }
}
