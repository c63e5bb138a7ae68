//! The work of an evaluation job.

use std::pin::pin;
use std::sync::Weak;
use std::sync::atomic::{AtomicU64, Ordering};

use base::{Error, Result};
use futures::future::{BoxFuture, Either, select};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use identity::sts::ServiceAssumption;
use identity::{Ctx, JobOwner};
use jobs::{Handler, JobContext, Progress};
use serde_json::{Value, json};

use super::calibration::{is_on, scale_of};
use super::dataset::Record;
use super::job::{Begun, EvaluationJob, EvaluationStatus, is_fault, missing};
use super::judges::Judges;
use super::metrics::{Evaluator, Family};
use super::outcome::{RecordOutcome, Score};
use super::place::Place;
use super::plan::{AskedDataset, Metric, Plan, System, sha256};
use super::service::{Evaluations, Inner};
use super::tally::Tally;
use super::upstream::{is_elsewhere, is_of_this_form as is_graded_as_today};
use super::{judge, output, prompts, similarity, store};

/// The service that assumes the role.
pub(super) const SERVICE: &str = "bedrock.amazonaws.com";
/// The kind of the jobs that evaluate.
pub(super) const JOB_KIND: &str = "evaluation";
/// How often a job is tried that gets no further.
pub(super) const MAX_ATTEMPTS: u32 = 12;
/// Records after which the role is assumed anew: a session lasts an hour.
const WITH_A_SESSION: usize = 32;
/// Records whose results are read at once to be written.
const WRITTEN_TOGETHER: usize = 64;

/// Runs the jobs.
pub(super) struct EvaluationHandler(Weak<Inner>);

impl EvaluationHandler {
    pub(super) fn new(inner: Weak<Inner>) -> Self {
        Self(inner)
    }
}

impl Handler for EvaluationHandler {
    fn run(&self, job: JobContext) -> BoxFuture<'_, Result<Value>> {
        Box::pin(async move {
            let inner = self.0.upgrade().ok_or_else(|| Error::unavailable("The server is stopping."))?;
            Evaluations { inner }.run(&job).await
        })
    }
}

/// A run of a job.
pub(super) struct Run<'a> {
    pub(super) inner: &'a Inner,
    pub(super) work: &'a JobContext,
    /// The owner's.
    pub(super) ctx: Ctx,
    pub(super) job: EvaluationJob,
    pub(super) plan: Plan,
    /// Judges with the rubrics, all by their keys, that their passports say they are not usable for.
    pub(super) unusable: Vec<(String, String)>,
    /// The judges, while they are asked.
    pub(super) judges: Judges,
    /// The records of each dataset.
    records: Vec<Vec<Record>>,
    done: AtomicU64,
}

impl Evaluations {
    async fn run(&self, work: &JobContext) -> Result<Value> {
        let inner = &*self.inner;
        let ctx = ctx_of(inner, work).await?;
        let id = work.input()["evaluation"].as_str().unwrap_or_default();
        let job = store::job(&inner.store, inner.identity.keyring(), &ctx, id).await?.ok_or_else(|| missing(id))?;
        let (arn, plan) = (job.arn.to_string(), Plan::new(&job.asked)?);
        if !job.status.is_end() {
            store::clear_begun(&inner.store, &ctx, &job.id).await?;
            let unusable = self.unusable(&ctx, &job).await?;
            let (judges, records, done) = (Judges::new(inner.first_pause), Vec::new(), AtomicU64::new(0));
            let mut run = Run { inner, work, ctx, job, plan, unusable, judges, records, done };
            let cancelled = work.cancelled();
            match select(pin!(cancelled.cancelled()), pin!(run.whole())).await {
                Either::Left(_) => return Err(Error::unavailable("The evaluation was broken off.")),
                Either::Right((done, _)) => done?,
            }
        }
        Ok(json!({"jobArn": arn}))
    }

    /// The judges of a job with the rubrics that they are not usable for.
    async fn unusable(&self, ctx: &Ctx, job: &EvaluationJob) -> Result<Vec<(String, String)>> {
        let mut unusable = Vec::new();
        for judge in [&job.asked.judge, &job.asked.custom_judge].into_iter().flatten() {
            let key = self.judge_key(ctx, judge).await?;
            let passports = store::passports(&self.inner.store, ctx, &key).await?;
            let bad = passports.into_iter().filter(|passport| !passport.is_usable);
            unusable.extend(bad.map(|passport| (key.clone(), passport.rubric)));
        }
        Ok(unusable)
    }
}

/// What a job keeps of a dataset whose judges are asked in the form of today: that, and the hash of its text.
fn digest(text: &str) -> String {
    format!("{}:{}", prompts::FORM, sha256(text.as_bytes()))
}

/// The form in which judges were asked about a dataset, and the hash of its text. Jobs of the first form kept that alone.
fn parts(digest: &str) -> (u32, &str) {
    match digest.split_once(':') {
        Some((form, hash)) => (form.parse().unwrap_or_default(), hash),
        None => (1, digest),
    }
}

/// Whether the verdicts that are kept of a dataset were given on prompts of the form of today, as they are where there are none.
pub(super) fn is_of_this_form(digest: Option<&str>) -> bool {
    digest.is_none_or(|digest| parts(digest).0 == prompts::FORM)
}

/// Sees that what is kept belongs to a dataset's records, which it does by their place.
fn check_text(first: &str, uri: &str, text: &str) -> Result<()> {
    if parts(first).1 != sha256(text.as_bytes()) {
        return Err(Error::invalid(format!("The dataset `{uri}` changed while the job ran."))
            .with_hint("Start another job: what was found out belongs to the dataset as it was."));
    }
    Ok(())
}

/// A verdict that is kept.
#[derive(Debug, Clone, Copy)]
struct KeptVerdict<'a> {
    metric: &'a Metric,
    /// Has its turn a reference answer?
    has_reference: bool,
    /// Was it given on the scale on which it would be given today, and as probable?
    is_on_scale: bool,
}

/// Sees that what judges said of a dataset they would be asked in the same words today, so that no mean is one of verdicts on
/// prompts of several forms, or on several scales.
fn check_form(first: &str, uri: &str, judged: &[KeptVerdict<'_>], family: Family) -> Result<()> {
    let form = parts(first).0;
    let is_as_today =
        |kept: &KeptVerdict<'_>| kept.is_on_scale && kept.metric.is_asked_as_in(form, family, kept.has_reference);
    match judged.iter().find(|kept| !is_as_today(kept)) {
        None => Ok(()),
        Some(KeptVerdict { metric, .. }) => Err(Error::invalid(format!(
            "The job began with `{uri}` on another version of the server, which asked judges otherwise of the metric `{}`.",
            metric.name()
        ))
        .with_hint("Start another job: verdicts on other prompts do not go into one mean.")),
    }
}

/// Whoever asked for a job.
pub(super) async fn ctx_of(inner: &Inner, work: &JobContext) -> Result<Ctx> {
    let owner = work.owner();
    let owner = JobOwner {
        account: owner.account.clone(),
        region: owner.region.clone(),
        principal_arn: owner.principal_arn.clone(),
        principal_id: owner.principal_id.clone(),
    };
    inner.identity.job_ctx(&owner).await
}

impl Run<'_> {
    async fn whole(&mut self) -> Result<()> {
        self.prepare().await?;
        for dataset in 0..self.records.len() {
            for system in 0..self.job.asked.systems.len() {
                self.evaluate(dataset, system).await?;
            }
        }
        let mut tally = Tally::default();
        let keys = self.result_keys();
        for dataset in 0..self.records.len() {
            for system in 0..self.job.asked.systems.len() {
                let key = keys.get(dataset).and_then(|keys| keys.get(system));
                let key = key.ok_or_else(|| Error::internal("results without a place"))?;
                let outcomes = self.write(dataset, system, key).await?;
                outcomes.iter().flat_map(|outcome| &outcome.turns).for_each(|turn| tally.add(turn));
            }
        }
        self.write_custom_metrics().await?;
        let status = if tally.is_nothing() { EvaluationStatus::Failed } else { EvaluationStatus::Completed };
        self.end(status, tally.messages()).await
    }

    /// Where the results of each dataset go, by system.
    fn result_keys(&self) -> Vec<Vec<String>> {
        let asked = &self.job.asked;
        let kind = if self.plan.family == Family::Model { "models" } else { "rag" };
        let mut taken = Vec::new();
        let of_dataset = |dataset: &AskedDataset| {
            let key = |system: &System| {
                let (system, AskedDataset { name, task, .. }) = (folder(system.label()), dataset);
                let wanted = format!("{kind}/{system}/taskTypes/{task}/datasets/{name}");
                format!("{}/{}_output.jsonl", unlike(&mut taken, wanted), self.job.folder)
            };
            asked.systems.iter().map(key).collect()
        };
        asked.datasets.iter().map(of_dataset).collect()
    }

    /// Tries the role on all that it will need, and reads the datasets.
    async fn prepare(&mut self) -> Result<()> {
        self.say("reading the datasets").await;
        let role = self.role().await?;
        let asked = &self.job.asked;
        let generators = asked.systems.iter().filter_map(System::generator);
        let embedder = asked.embedder.as_deref().unwrap_or(similarity::DEFAULT_MODEL);
        let embedder = Some(embedder).filter(|_| self.plan.needs_embedder());
        let judges = [asked.judge.as_deref(), asked.custom_judge.as_deref(), embedder];
        for model in generators.chain(judges.into_iter().flatten()) {
            judge::permit(&self.inner.identity, &self.inner.models, &role, model).await?;
        }
        let mut elsewhere = [false; 2];
        for (is_elsewhere_now, judge) in elsewhere.iter_mut().zip([&asked.judge, &asked.custom_judge]) {
            if let Some(judge) = judge {
                *is_elsewhere_now = is_elsewhere(&self.inner.models.resolve(&role, judge).await?.target);
            }
        }
        let mut records = Vec::new();
        for (at, dataset) in asked.datasets.iter().enumerate() {
            let text = Place::parse(&dataset.uri)?.read(&self.inner.objects, &role).await?;
            records.push(self.unchanged((at, dataset.uri.as_str()), &text, elsewhere).await?);
        }
        // An empty object tries the output, as far as that is decided before it has bytes of its own.
        let plan = json!({"jobName": self.job.name, "jobArn": self.job.arn.to_string()}).to_string();
        self.put(&role, "job.json", plan).await?;
        let units = records.iter().zip(&self.plan.metrics).map(|(records, metrics)| {
            records.iter().map(|record| record.turns.len() * (metrics.len() + 1)).sum::<usize>()
        });
        let total = units.sum::<usize>() * asked.systems.len();
        self.job.total = Some(total as u64);
        let kept = store::counts(&self.inner.store, &self.ctx, &self.job.id).await?;
        let with = kept.iter().map(|(_, _, count)| count).sum();
        let begun = Begun { at: self.inner.clock.now(), with };
        store::set_begun(&self.inner.store, &self.ctx, &self.job.id, total as u64, begun).await?;
        self.done.store(with, Ordering::Relaxed);
        self.records = records;
        Ok(())
    }

    /// The records of a dataset that is what it was when the job read it first, and of which judges would be asked today in the
    /// same words as in all verdicts that are kept: these are of the form of today then.
    ///
    /// # Errors
    /// Invalid, where the dataset is another one or malformed, where it names another source of answers than the job when it is
    /// read first, or where a verdict was given on another prompt.
    async fn unchanged(&self, (dataset, uri): (usize, &str), text: &str, elsewhere: [bool; 2]) -> Result<Vec<Record>> {
        let (store, keyring) = (&self.inner.store, self.inner.identity.keyring());
        let (id, digest) = (self.job.id.as_str(), digest(text));
        let kept = store::kept_digest(store, keyring, &self.ctx, (id, dataset)).await?;
        kept.as_deref().map_or(Ok(()), |first| check_text(first, uri, text))?;
        let records = self.plan.records(dataset, text)?;
        if kept.is_none() {
            // Jobs that began before this was looked at go on.
            self.plan.check_named(&records)?;
        }
        let first = store::first_digest(store, keyring, &self.ctx, (id, dataset), &digest).await?;
        // Before scales depended on the judge, all judges had the usual ones; judges elsewhere told no probabilities once.
        if !is_of_this_form(Some(&first)) || self.plan.evaluator != Evaluator::Usual || elsewhere.contains(&true) {
            let judged = self.kept_verdicts(dataset, &records, elsewhere).await?;
            check_form(&first, uri, &judged, self.plan.family)?;
            store::set_digest(store, keyring, &self.ctx, (id, dataset), &digest).await?;
        }
        Ok(records)
    }

    /// The verdicts that are kept of a dataset. What failed is no verdict and counts in no mean. `elsewhere`: is the judge behind
    /// another server, and that of metrics of the user's own?
    async fn kept_verdicts(
        &self,
        dataset: usize,
        records: &[Record],
        elsewhere: [bool; 2],
    ) -> Result<Vec<KeptVerdict<'_>>> {
        let (store, keyring, metrics) = (&self.inner.store, self.inner.identity.keyring(), &self.plan.metrics[dataset]);
        let mut verdicts = Vec::new();
        for system in 0..self.job.asked.systems.len() {
            for first in (0..records.len()).step_by(WRITTEN_TOGETHER) {
                let (ids, range) = ((dataset, system), (first, WRITTEN_TOGETHER));
                for part in store::parts(store, keyring, &self.ctx, &self.job.id, ids, range).await? {
                    let Some(metric) = part.place.metric.and_then(|at| metrics.get(at)) else { continue };
                    let turn = records.get(part.place.record).and_then(|record| record.turns.get(part.place.turn));
                    let score: Score = part.read()?;
                    if score.error.is_some() {
                        continue;
                    }
                    let scale = scale_of(metric, self.plan.family, self.plan.evaluator);
                    let is_elsewhere = elsewhere[usize::from(matches!(metric, Metric::Custom(_)))];
                    verdicts.push(KeptVerdict {
                        metric,
                        has_reference: turn.is_some_and(|turn| !turn.references.is_empty()),
                        is_on_scale: scale.is_none_or(|scale| is_on(&score, metric, &scale))
                            && is_graded_as_today(&score, is_elsewhere),
                    });
                }
            }
        }
        Ok(verdicts)
    }

    /// Evaluates every record of a dataset that is not evaluated.
    async fn evaluate(&self, dataset: usize, system: usize) -> Result<()> {
        let records = &self.records[dataset];
        for (first, chunk) in (0..).step_by(WITH_A_SESSION).zip(records.chunks(WITH_A_SESSION)) {
            let role = self.role().await?;
            self.judges.forget_keys();
            let mut work: Vec<BoxFuture<'_, Result<()>>> = Vec::with_capacity(chunk.len());
            for (at, record) in chunk.iter().enumerate() {
                work.push(Box::pin(self.record(&role, (dataset, system, first + at), record)));
            }
            stream::iter(work).buffered(self.inner.at_once).try_collect::<()>().await?;
        }
        Ok(())
    }

    /// Writes the results of a dataset, and gives them.
    async fn write(&self, dataset: usize, system: usize, key: &str) -> Result<Vec<RecordOutcome>> {
        self.say("writing the results").await;
        let (mut text, mut outcomes) = (String::new(), Vec::new());
        let records = &self.records[dataset];
        for (first, chunk) in (0..).step_by(WRITTEN_TOGETHER).zip(records.chunks(WRITTEN_TOGETHER)) {
            let ids = (dataset, system);
            let kept = self.outcomes(ids, first, chunk).await?;
            for (record, outcome) in chunk.iter().zip(kept) {
                text.push_str(&output::line(record, &outcome, self.plan.family));
                text.push('\n');
                outcomes.push(outcome);
            }
        }
        let role = self.role().await?;
        self.put(&role, key, text).await?;
        Ok(outcomes)
    }

    async fn write_custom_metrics(&self) -> Result<()> {
        let role = self.role().await?;
        for metric in &self.job.asked.custom {
            let scale: Vec<Value> = metric
                .scale
                .iter()
                .map(|(definition, value)| {
                    let value = match value {
                        super::plan::AskedRating::Float(value) => json!({"floatValue": value}),
                        super::plan::AskedRating::Text(word) => json!({"stringValue": word}),
                    };
                    json!({"definition": definition, "value": value})
                })
                .collect();
            let definition = json!({"customMetricDefinition":
                {"name": metric.name, "instructions": metric.instructions, "ratingScale": scale}});
            self.put(&role, &format!("custom_metrics/{}.json", metric.name), definition.to_string()).await?;
        }
        Ok(())
    }

    /// Writes an object into the job's folder.
    async fn put(&self, role: &Ctx, key: &str, text: String) -> Result<()> {
        let key = format!("{}/{}/{key}", self.job.name, self.job.folder);
        let place = Place::parse(&self.job.asked.output)?;
        place.write(&self.inner.objects, role, (&key, text), self.job.output_key.as_deref()).await
    }

    /// The role that the job was given, assumed for the job alone.
    async fn role(&self) -> Result<Ctx> {
        let wish = ServiceAssumption {
            service: SERVICE.to_owned(),
            role_arn: self.job.role_arn.clone(),
            source_arn: Some(self.job.arn.to_string()),
            session_name: format!("BedrockEvaluation-{}", self.job.id),
            region: self.ctx.region().clone(),
        };
        self.inner.identity.assume_role_as_service(&wish).await.map_err(|error| match is_fault(&error) {
            true => error,
            false => Error {
                message: format!(
                    "Amazon Bedrock could not assume the role {}. Update its trust policy and try again. {}",
                    self.job.role_arn, error.message
                ),
                ..error
            },
        })
    }

    async fn end(&mut self, status: EvaluationStatus, messages: Vec<String>) -> Result<()> {
        let now = self.inner.clock.now();
        (self.job.status, self.job.messages) = (status, messages);
        (self.job.modified, self.job.ended) = (now, Some(now));
        store::end(&self.inner.store, self.inner.identity.keyring(), &self.ctx, &self.job).await.map(drop)
    }

    /// Counts something that was found out.
    pub(super) async fn count(&self, message: &str) {
        self.done.fetch_add(1, Ordering::Relaxed);
        self.say(message).await;
    }

    async fn say(&self, message: &str) {
        let (done, total) = (self.done.load(Ordering::Relaxed), self.job.total);
        let (unit, message) = ("answers and scores".to_owned(), message.to_owned());
        self.work.progress(Progress { done, total, unit, message }).await;
    }
}

impl Metric {
    /// What is said while it is judged.
    pub(super) fn judged(&self) -> String {
        format!("judging {}", self.name())
    }
}

/// A model id or a name as one folder of a key.
fn folder(label: &str) -> String {
    let last = label.rsplit('/').next().unwrap_or(label);
    last.chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':') { c } else { '_' })
        .collect()
}

/// A name like `wanted` that is not taken, and takes it.
fn unlike(taken: &mut Vec<String>, wanted: String) -> String {
    let numbered = (2..).map(|number: u64| format!("{wanted}-{number}"));
    let free = std::iter::once(wanted.clone()).chain(numbered).find(|name| !taken.contains(name));
    let name = free.unwrap_or(wanted);
    taken.push(name.clone());
    name
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
