//! Comparisons as work: asked for, done pair by pair, each verdict kept, and read.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Weak;
use std::sync::atomic::{AtomicU64, Ordering};

use base::{Error, Result};
use futures::future::{BoxFuture, Either, select};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use identity::Ctx;
use jobs::{Handler, Job, JobContext, JobId, NewJob, Progress};
use serde_json::{Value, json};

use super::super::job::{EvaluationJob, EvaluationStatus, owner};
use super::super::judge::{self, Explained, Judge};
use super::super::outcome::Tokens;
use super::super::plan::sha256;
use super::super::prompts::{self, PAIR_LABELS, PAIR_QUESTION, Pair, Wording};
use super::super::record::Shown;
use super::super::report::pairs::pairs;
use super::super::run::{MAX_ATTEMPTS, ctx_of};
use super::super::seen::Seen;
use super::super::service::{Evaluations, Inner};
use super::super::store;
use super::super::verdict::Scale;
use super::{Duel, Pairwise, Sides};

/// The kind of the jobs that compare.
pub const JOB_KIND: &str = "pairwise-comparison";

/// Runs the comparisons.
pub(in super::super) struct PairwiseHandler(Weak<Inner>);

impl PairwiseHandler {
    pub(in super::super) fn new(inner: Weak<Inner>) -> Self {
        Self(inner)
    }
}

impl Handler for PairwiseHandler {
    fn run(&self, job: JobContext) -> BoxFuture<'_, Result<Value>> {
        Box::pin(async move {
            let inner = self.0.upgrade().ok_or_else(|| Error::unavailable("The server is stopping."))?;
            Evaluations { inner }.compare_pairs(&job).await
        })
    }
}

/// Two answers to the same.
struct Answers {
    shown: Vec<Shown>,
    first: String,
    second: String,
}

impl Evaluations {
    /// Starts to compare the answers of two jobs pair by pair, or those of the two systems of one job; the caller asks the
    /// judge. Beside the work, what whoever asked should know.
    ///
    /// # Errors
    /// NotFound; Conflict, where a job is not completed; Invalid, where they have no answers to the same prompts, or nothing
    /// answers for the judge; Denied, where the caller may not invoke it.
    pub async fn start_pairwise(
        &self,
        ctx: &Ctx,
        (first, second): (&str, &str),
        judge: &str,
    ) -> Result<(Job, Vec<String>)> {
        let (first, second) = (self.completed(ctx, first).await?, self.completed(ctx, second).await?);
        judge::permit(&self.inner.identity, &self.inner.models, ctx, judge).await?;
        if self.answers(ctx, &first, &second).await?.is_empty() {
            return Err(Error::invalid(format!(
                "`{}` and `{}` have no answers to the same prompts.",
                first.name, second.name
            ))
            .with_hint("Turns belong together that were asked the same, with the same reference answers."));
        }
        let new = NewJob {
            kind: JOB_KIND,
            owner: owner(ctx),
            dedup_key: Some(format!("{} {} {judge}", first.id, second.id)),
            input: json!({"first": first.id, "second": second.id, "judge": judge}),
            max_attempts: MAX_ATTEMPTS,
            run_at: None,
        };
        let warnings = self.sides(ctx, (&first, &second), judge).await?.warnings;
        Ok((self.inner.jobs.submit(new).await?, warnings))
    }

    /// A comparison as it stands, and what came of it once it is done.
    ///
    /// # Errors
    /// NotFound, where the caller's account and region have none of that id.
    pub async fn pairwise(&self, ctx: &Ctx, id: &str) -> Result<(Job, Option<Pairwise>)> {
        let missing = || Error::not_found(format!("The pairwise comparison `{id}` could not be found."));
        let parsed: JobId = id.parse().map_err(|_| missing())?;
        let job = self.inner.jobs.get(ctx.account(), &parsed).await.map_err(|_| missing())?;
        if job.kind != JOB_KIND || job.owner.region != *ctx.region() {
            return Err(missing());
        }
        let output = job.output.clone().map(serde_json::from_value).transpose();
        Ok((job, output.map_err(|error| Error::internal(format!("a comparison's output: {error}")))?))
    }

    async fn completed(&self, ctx: &Ctx, identifier: &str) -> Result<EvaluationJob> {
        let job = self.get(ctx, identifier).await?;
        match job.status {
            EvaluationStatus::Completed => Ok(job),
            status => Err(Error::conflict(format!("The evaluation job `{}` is {}.", job.name, status.as_str()))
                .with_hint("Only completed jobs are compared pair by pair.")),
        }
    }

    /// Where the answers of each side stand: the first dataset of the first system, or, of one job, of its second system.
    fn places(first: &EvaluationJob, second: &EvaluationJob) -> Result<[(usize, usize); 2]> {
        match first.id == second.id {
            false => Ok([(0, 0), (0, 0)]),
            true if first.asked.systems.len() > 1 => Ok([(0, 0), (0, 1)]),
            true => Err(Error::invalid(format!("The evaluation job `{}` has one system alone.", first.name))
                .with_hint("Name two jobs, or a job that evaluates two systems.")),
        }
    }

    async fn answers(&self, ctx: &Ctx, first: &EvaluationJob, second: &EvaluationJob) -> Result<Vec<Answers>> {
        let [one, other] = Self::places(first, second)?;
        let rows = pairs(self.rows_of(ctx, first, one).await?, self.rows_of(ctx, second, other).await?);
        let both = rows.into_iter().filter_map(|(shown, first, second)| {
            let (first, second) = (first.outcome.output?.text?, second.outcome.output?.text?);
            Some(Answers { shown, first, second })
        });
        Ok(both.collect())
    }

    async fn sides(&self, ctx: &Ctx, (first, second): (&EvaluationJob, &EvaluationJob), judge: &str) -> Result<Sides> {
        let [(_, one), (_, other)] = Self::places(first, second)?;
        let (one, other) = (&first.asked.systems[one], &second.asked.systems[other]);
        let of_one_job = first.id == second.id;
        let resolved = judge::name_of(&self.inner.models.resolve(ctx, judge).await?);
        let mut warnings = Vec::new();
        for generator in [one, other].into_iter().filter_map(|system| system.generator()) {
            let Ok(generated) = self.inner.models.resolve(ctx, generator).await else { continue };
            let told = format!("The judge `{judge}` and the generator `{generator}` are the same model, `{resolved}`.");
            if judge::name_of(&generated) == resolved && !warnings.contains(&told) {
                warnings.push(told);
            }
        }
        Ok(Sides {
            first: if of_one_job { one.label().to_owned() } else { first.name.clone() },
            second: if of_one_job { other.label().to_owned() } else { second.name.clone() },
            judge: judge.to_owned(),
            same_system: self.is_same_system(ctx, one, other).await?,
            warnings,
        })
    }

    async fn compare_pairs(&self, work: &JobContext) -> Result<Value> {
        let cancelled = work.cancelled();
        match select(pin!(cancelled.cancelled()), pin!(self.all_pairs(work))).await {
            Either::Left(_) => Err(Error::unavailable("The comparison was broken off.")),
            Either::Right((done, _)) => serde_json::to_value(done?).map_err(Error::internal),
        }
    }

    async fn all_pairs(&self, work: &JobContext) -> Result<Pairwise> {
        let ctx = &ctx_of(&self.inner, work).await?;
        let named = |name: &str| work.input()[name].as_str().unwrap_or_default();
        let judge = named("judge");
        let first = self.completed(ctx, named("first")).await?;
        let second = self.completed(ctx, named("second")).await?;
        judge::permit(&self.inner.identity, &self.inner.models, ctx, judge).await?;
        let answers = self.answers(ctx, &first, &second).await?;
        // Another judge, or another question, gives other verdicts.
        let asked = format!("{}\n{}\n{PAIR_QUESTION}", prompts::FORM, self.judge_key(ctx, judge).await?);
        let asked = sha256(asked.as_bytes());
        let ids = (first.id.as_str(), second.id.as_str(), asked.as_str());
        let (store, keyring) = (&self.inner.store, self.inner.identity.keyring());
        let kept: BTreeMap<usize, Duel> = store::duels(store, keyring, ctx, ids).await?;
        let (done, total) = (&AtomicU64::new(kept.len() as u64), Some(answers.len() as u64));
        let kept = &kept;
        let mut duels: Vec<BoxFuture<'_, Result<Duel>>> = Vec::with_capacity(answers.len());
        for (at, pair) in answers.iter().enumerate() {
            duels.push(Box::pin(async move {
                if let Some(duel) = kept.get(&at) {
                    return Ok(duel.clone());
                }
                let duel = self.duel(ctx, judge, pair).await?;
                store::keep_duel(store, keyring, ctx, (ids, at), &duel).await?;
                let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                let (unit, message) = ("pairs".to_owned(), "comparing the answers".to_owned());
                work.progress(Progress { done, total, unit, message }).await;
                Ok(duel)
            }));
        }
        let duels: Vec<Duel> = stream::iter(duels).buffered(self.inner.at_once).try_collect().await?;
        let sides = self.sides(ctx, (&first, &second), judge).await?;
        Ok(Pairwise::new(sides, &duels))
    }

    /// Asks for one pair, in both orders.
    async fn duel(&self, ctx: &Ctx, model: &str, pair: &Answers) -> Result<Duel> {
        let (seen, wording) = (Seen::default(), Wording::default());
        let judge = Judge { models: &self.inner.models, ctx, model, explained: Explained::Not, wording, seen: &seen };
        let scale = Scale::words(&PAIR_LABELS.map(|label| (label.to_owned(), label.to_owned())))?;
        let prompts: Vec<String> = pair.shown.iter().map(|shown| shown.prompt.clone()).collect();
        let truth = pair.shown.last().map(|shown| shown.references.join("\n")).filter(|text| !text.is_empty());
        let (mut told, mut tokens) = ([[0.0; 3]; 2], Tokens::default());
        let lengths = [pair.first.chars().count(), pair.second.chars().count()];
        for (told, (a, b)) in told.iter_mut().zip([(&pair.first, &pair.second), (&pair.second, &pair.first)]) {
            let shown = Pair { prompts: &prompts, ground_truth: truth.as_deref(), a, b };
            match judge.ask(&scale, 0, |_| Ok(prompts::pair(&shown)), &mut tokens).await? {
                Ok(given) => {
                    let probabilities = given.verdict.probabilities;
                    *told = probabilities.try_into().map_err(|_| Error::internal("a verdict of a pair"))?;
                }
                Err(error) => return Ok(Duel { told: None, lengths, error: Some(error), tokens }),
            }
        }
        Ok(Duel { told: Some(told), lengths, error: None, tokens })
    }
}
