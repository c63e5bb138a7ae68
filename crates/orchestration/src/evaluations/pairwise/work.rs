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
use models::Resolved;
use serde_json::{Value, json};

use super::super::job::{EvaluationJob, EvaluationStatus, owner};
use super::super::judge::{self, Explained, Judge};
use super::super::judges::{Judges, key_of};
use super::super::outcome::Tokens;
use super::super::plan::sha256;
use super::super::prompts::{self, PAIR_LABELS, PAIR_QUESTION, Pair, Wording};
use super::super::record::Shown;
use super::super::report::pairs::pairs;
use super::super::report::{Part, ReportRow};
use super::super::run::{MAX_ATTEMPTS, ctx_of};
use super::super::seen::Seen;
use super::super::service::{Evaluations, Inner};
use super::super::store;
use super::super::verdict::Scale;
use super::parts::{self, Places};
use super::{Duel, Pairwise, Sides};

/// The kind of the jobs that compare.
pub const JOB_KIND: &str = "pairwise-comparison";

/// Pairs after which it is seen whether the judge is what it was.
const WITH_A_KEY: usize = 32;

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

/// The judge of all pairs.
#[derive(Clone, Copy)]
struct Asking<'a> {
    model: &'a str,
    resolved: &'a Resolved,
    key: &'a str,
    known: &'a Judges,
}

/// Two jobs, or one twice, and which of their answers are compared.
struct Compared {
    first: EvaluationJob,
    second: EvaluationJob,
    places: [Places; 2],
}

impl Compared {
    fn is_one(&self) -> bool {
        self.first.id == self.second.id
    }

    fn told_apart(&self) -> String {
        parts::told_apart(&self.places, self.is_one())
    }
}

impl Evaluations {
    /// Starts to compare the answers of two jobs pair by pair, or those of the two systems of one job; the caller asks the
    /// judge. Of a part without a dataset all datasets are meant; what is not said of the second job is as it is said of the first.
    /// Beside the work, what whoever asked should know.
    ///
    /// # Errors
    /// NotFound; Conflict, where a job is not completed; Invalid, where a job has no such dataset or system, where they have no
    /// answers to the same prompts, or nothing answers for the judge; Denied, where the caller may not invoke it.
    pub async fn start_pairwise(
        &self,
        ctx: &Ctx,
        (first, part): (&str, Part<'_>),
        (second, other_part): (&str, Part<'_>),
        judge: &str,
    ) -> Result<(Job, Vec<String>)> {
        let compared = self.compared(ctx, (first, part), (second, other_part)).await?;
        judge::permit(&self.inner.identity, &self.inner.models, ctx, judge).await?;
        let (first, second) = (&compared.first, &compared.second);
        if self.answers(ctx, &compared).await?.is_empty() {
            return Err(Error::invalid(format!(
                "`{}` and `{}` have no answers to the same prompts.",
                first.name, second.name
            ))
            .with_hint("Turns belong together that were asked the same, with the same reference answers."));
        }
        let new = NewJob {
            kind: JOB_KIND,
            owner: owner(ctx),
            dedup_key: Some(format!("{} {} {judge}{}", first.id, second.id, compared.told_apart())),
            input: json!({
                "first": first.id, "second": second.id, "judge": judge, "parts": parts::to_json(part, other_part),
            }),
            max_attempts: MAX_ATTEMPTS,
            run_at: None,
        };
        let warnings = self.sides(ctx, &compared, judge).await?.warnings;
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

    async fn compared(
        &self,
        ctx: &Ctx,
        (first, part): (&str, Part<'_>),
        (second, other_part): (&str, Part<'_>),
    ) -> Result<Compared> {
        let (first, second) = (self.completed(ctx, first).await?, self.completed(ctx, second).await?);
        let places = Places::of((&first, part), (&second, other_part))?;
        Ok(Compared { first, second, places })
    }

    async fn rows_at(&self, ctx: &Ctx, job: &EvaluationJob, places: &Places) -> Result<Vec<ReportRow>> {
        let mut rows = Vec::new();
        for dataset in &places.datasets {
            rows.extend(self.rows_of(ctx, job, (*dataset, places.system)).await?);
        }
        Ok(rows)
    }

    async fn answers(&self, ctx: &Ctx, compared: &Compared) -> Result<Vec<Answers>> {
        let Compared { first, second, places: [one, other] } = compared;
        let rows = pairs(self.rows_at(ctx, first, one).await?, self.rows_at(ctx, second, other).await?);
        let both = rows.into_iter().filter_map(|(shown, first, second)| {
            let (first, second) = (first.outcome.output?.text?, second.outcome.output?.text?);
            Some(Answers { shown, first, second })
        });
        Ok(both.collect())
    }

    async fn sides(&self, ctx: &Ctx, compared: &Compared, judge: &str) -> Result<Sides> {
        let (Compared { first, second, places }, is_one) = (compared, compared.is_one());
        let [one, other] = [(first, &places[0]), (second, &places[1])].map(|(job, at)| &job.asked.systems[at.system]);
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
            first: places[0].name(first, is_one),
            second: places[1].name(second, is_one),
            datasets: places[0].datasets(first),
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
        let [part, other_part] = parts::of_json(&work.input()["parts"]);
        let compared = self.compared(ctx, (named("first"), part), (named("second"), other_part)).await?;
        // All pairs are asked of one model, whatever answers for the judge's id by then.
        let resolved = judge::permit(&self.inner.identity, &self.inner.models, ctx, judge).await?;
        let key = key_of(&self.inner.models, ctx, &resolved).await?;
        let answers = self.answers(ctx, &compared).await?;
        // Another judge, or another question, gives other verdicts, and pairs of other answers are counted otherwise.
        let asked = format!("{}\n{key}\n{PAIR_QUESTION}{}", prompts::FORM, compared.told_apart());
        let asked = sha256(asked.as_bytes());
        let ids = (compared.first.id.as_str(), compared.second.id.as_str(), asked.as_str());
        let known = &Judges::new(self.inner.first_pause);
        let asking = Asking { model: judge, resolved: &resolved, key: &key, known };
        let (store, keyring) = (&self.inner.store, self.inner.identity.keyring());
        let mut kept: BTreeMap<usize, Duel> = store::duels(store, keyring, ctx, ids).await?;
        // What failed may not fail again.
        kept.retain(|_, duel| duel.told.is_some());
        let (done, total) = (&AtomicU64::new(kept.len() as u64), Some(answers.len() as u64));
        let kept = &kept;
        let mut duels: Vec<BoxFuture<'_, Result<Duel>>> = Vec::with_capacity(answers.len());
        for (at, pair) in answers.iter().enumerate() {
            duels.push(Box::pin(async move {
                if let Some(duel) = kept.get(&at) {
                    return Ok(duel.clone());
                }
                let duel = self.duel(ctx, asking, pair).await?;
                store::keep_duel(store, keyring, ctx, (ids, at), &duel).await?;
                let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                let (unit, message) = ("pairs".to_owned(), "comparing the answers".to_owned());
                work.progress(Progress { done, total, unit, message }).await;
                Ok(duel)
            }));
        }
        let mut told: Vec<Duel> = Vec::with_capacity(answers.len());
        let mut duels = duels.into_iter();
        while told.len() < answers.len() {
            let some: Vec<BoxFuture<'_, Result<Duel>>> = duels.by_ref().take(WITH_A_KEY).collect();
            let some: Vec<Duel> = stream::iter(some).buffered(self.inner.at_once).try_collect().await?;
            told.extend(some);
            if key_of(&self.inner.models, ctx, &resolved).await? != key {
                return Err(Error::unavailable(format!(
                    "What answers for the judge `{judge}` changed while it compared the answers."
                ))
                .with_hint("Its verdicts are of one model alone: the comparison begins again with what answers now."));
            }
        }
        let sides = self.sides(ctx, &compared, judge).await?;
        Ok(Pairwise::new(sides, &told))
    }

    /// Asks for one pair, in both orders.
    async fn duel(&self, ctx: &Ctx, asking: Asking<'_>, pair: &Answers) -> Result<Duel> {
        let (models, explained, seen, wording) =
            (&self.inner.models, Explained::Not, Seen::default(), Wording::default());
        let Asking { model, resolved, key, known } = asking;
        let judge = Judge { models, ctx, model, resolved, key, known, explained, wording, seen: &seen };
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
