//! Reports of jobs: how far they are, what they came to, how they differ, and record by record.

mod compared;
mod html;
mod json;
pub(super) mod pairs;
mod text;

use std::collections::BTreeMap;

use base::{Error, Result};
use identity::Ctx;
use jobs::State;
use learn::resampling::{Bootstrap, Interval};

use super::alignment::off_thread;
use super::calibration::{is_on, judges_of, known, scale_of};
use super::card::Card;
use super::job::EvaluationJob;
use super::metrics::{Evaluator, Family};
use super::outcome::{RecordOutcome, TurnOutcome};
use super::passport::{Method, Passport};
use super::plan::{Metric, Plan, needs_judge};
use super::prices::{MachineCost, ModelCost};
use super::record::{Shown, fill, shown};
use super::service::Evaluations;
use super::store;
use super::verdict::LabelValue;

use compared::judge_of;
pub use compared::{ComparedMetric, JobComparison, Part, Side};
pub(super) use compared::{datasets_of, system_of};
pub use html::html;
pub(super) use json::tokens as tokens_json;
pub use json::{comparison_json, passport_json, report_json, rows_json};
pub use text::{comparison_text, report_text};

/// What a report says of a judge that was not compared with people.
pub const UNCALIBRATED: &str = "not calibrated: its agreement with people is not known";

/// What there is to say of a job.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The job.
    pub job: EvaluationJob,
    /// The kind of its systems.
    pub kind: &'static str,
    /// How far it is.
    pub progress: Vec<MetricProgress>,
    /// How long the rest probably takes, in seconds ([`EvaluationJob::seconds_left`]); none while no run works on the job.
    pub seconds_left: Option<u64>,
    /// How long it took, in seconds, from when it was asked for; none of jobs that have not ended.
    pub seconds: Option<u64>,
    /// What the machine cost, where the job was told its price; none of jobs that have not ended.
    pub machine: Option<MachineCost>,
    /// What each system came to on each dataset. Of a job that has not ended, as far as it is.
    pub sections: Vec<Section>,
}

/// How far a metric is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricProgress {
    /// The dataset.
    pub dataset: String,
    /// The metric; none for the answers.
    pub metric: Option<String>,
    /// How many are done.
    pub done: u64,
}

/// What a system came to on a dataset.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// The dataset.
    pub dataset: String,
    /// The system.
    pub system: String,
    /// The judge's model id.
    pub judge: Option<String>,
    /// How far the judge agrees with people, by metric; a metric without one was not calibrated.
    pub passports: Vec<Passport>,
    /// What metrics come to by the labels that people would probably give, where passports tell how.
    pub calibrated: Vec<Calibrated>,
    /// Its card.
    pub card: Card,
    /// What its models cost, of those that the job was told a price of.
    pub costs: Vec<ModelCost>,
    /// Models that took tokens and have no price, where others have one.
    pub unpriced: Vec<String>,
}

/// What a metric comes to by the labels that people would probably give.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibrated {
    /// The metric.
    pub metric: String,
    /// The mean, from 0 to 1, with its interval of 95 %.
    pub mean: Interval,
    /// What gives the labels: the method that the judge's passport recommends.
    pub method: Method,
}

/// A turn for whoever looks closer: what was asked, found, answered and should have been, and the scores.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportRow {
    /// The dataset's place, from 0.
    pub dataset: usize,
    /// The system's place, from 0.
    pub system: usize,
    /// The record's place in the dataset, from 1.
    pub record: usize,
    /// The turn, from 1.
    pub turn: usize,
    /// What was asked, and what should have been answered.
    pub shown: Shown,
    /// What was found out.
    pub outcome: TurnOutcome,
}

impl Section {
    /// What a metric comes to by the labels that people would probably give; none where that cannot be told.
    #[must_use]
    pub fn calibrated(&self, metric: &str) -> Option<&Calibrated> {
        self.calibrated.iter().find(|calibrated| calibrated.metric == metric)
    }

    /// How far the judge can be trusted on a metric, in words; none of metrics that need no judge.
    #[must_use]
    pub fn trust(&self, metric: &str) -> Option<String> {
        trust(&self.passports, metric)
    }
}

/// How far the judge with these passports can be trusted on a metric, in words; none of metrics that need no judge.
fn trust(passports: &[Passport], metric: &str) -> Option<String> {
    if !needs_judge(metric) {
        return None;
    }
    let passport = passports.iter().find(|passport| passport.metric == metric);
    Some(passport.map_or_else(|| UNCALIBRATED.to_owned(), Passport::line))
}

impl Evaluations {
    /// How far a job is: a report without sections, for whoever asks often.
    ///
    /// # Errors
    /// NotFound.
    pub async fn progress(&self, ctx: &Ctx, identifier: &str) -> Result<Report> {
        let job = self.get(ctx, identifier).await?;
        let plan = Plan::new(&job.asked)?;
        let counts = store::counts(&self.inner.store, ctx, &job.id).await?;
        let done: u64 = counts.iter().map(|(_, _, count)| count).sum();
        let name = |dataset: usize| job.asked.datasets.get(dataset).map(|asked| asked.name.clone()).unwrap_or_default();
        let progress = counts.iter().map(|(dataset, metric, done)| MetricProgress {
            dataset: name(*dataset),
            metric: metric.and_then(|at| Some(plan.metrics.get(*dataset)?.get(at)?.name().to_owned())),
            done: *done,
        });
        let machine = self.machine_cost(ctx, &job).await;
        let is_worked_on = self.is_worked_on(ctx, &job).await?;
        let seconds_left = job.seconds_left(done, self.inner.clock.now()).filter(|_| is_worked_on);
        Ok(Report {
            kind: plan.family.as_str(),
            progress: progress.collect(),
            seconds_left,
            seconds: job.ended.map(|ended| (ended.as_millis() - job.created.as_millis()).max(0) as u64 / 1000),
            machine,
            sections: Vec::new(),
            job,
        })
    }

    /// Does a run work on a job? None does on one that waits for its turn again, as after a restart.
    async fn is_worked_on(&self, ctx: &Ctx, job: &EvaluationJob) -> Result<bool> {
        match &job.work {
            Some(work) if !job.status.is_end() => {
                Ok(self.inner.jobs.get(ctx.account(), work).await?.state == State::Running)
            }
            _ => Ok(false),
        }
    }

    /// What the machine cost from when a job began to work until it ended; none where that is not known.
    async fn machine_cost(&self, ctx: &Ctx, job: &EvaluationJob) -> Option<MachineCost> {
        let (ended, work, _) = (job.ended?, job.work.as_ref()?, job.asked.prices.per_hour?);
        let started = self.inner.jobs.get(ctx.account(), work).await.ok()?.started?;
        job.asked.prices.of_time(ended.as_millis() - started.as_millis())
    }

    /// What there is to say of a job so far.
    ///
    /// # Errors
    /// NotFound.
    pub async fn report(&self, ctx: &Ctx, identifier: &str) -> Result<Report> {
        let report = self.progress(ctx, identifier).await?;
        let job = &report.job;
        let plan = Plan::new(&job.asked)?;
        let warnings = self.check_models(ctx, &job.asked).await.unwrap_or_else(|error| vec![error.public_text()]);
        let mut sections = Vec::new();
        for (dataset, asked) in job.asked.datasets.iter().enumerate() {
            for (system, of_system) in job.asked.systems.iter().enumerate() {
                let rows = self.rows_of(ctx, job, (dataset, system)).await?;
                let passports = self.passports_of(ctx, (job, &plan), dataset, &rows).await?;
                let (metrics, warnings) = (plan.metrics[dataset].clone(), warnings.clone());
                let asked_as = (plan.family, plan.evaluator);
                let (passports, calibrated, card) = off_thread(move || {
                    let calibrated = calibrated(&rows, &metrics, asked_as, &passports);
                    let metrics: Vec<_> = metrics.iter().map(|metric| metric.card(asked_as.0, asked_as.1)).collect();
                    (passports, calibrated, Card::new(&outcomes(rows), &metrics, warnings))
                })
                .await?;
                let (prices, metrics) = (&job.asked.prices, &plan.metrics[dataset]);
                let costs = prices.of_card(&job.asked, of_system, metrics, &card);
                let unpriced = prices.unpriced(&job.asked, of_system, metrics, &card);
                sections.push(Section {
                    dataset: asked.name.clone(),
                    system: of_system.label().to_owned(),
                    judge: job.asked.judge.clone().or_else(|| job.asked.custom_judge.clone()),
                    passports,
                    calibrated,
                    card,
                    costs,
                    unpriced,
                });
            }
        }
        Ok(Report { sections, ..report })
    }

    /// How far the models can be trusted that judged these turns of a dataset, metric by metric. Nothing is known of a metric whose
    /// judge was asked in prompts of another form or on other scales, nor of one that several models judged, or nobody knows which.
    async fn passports_of(
        &self,
        ctx: &Ctx,
        (job, plan): (&EvaluationJob, &Plan),
        dataset: usize,
        rows: &[ReportRow],
    ) -> Result<Vec<Passport>> {
        if !self.is_of_this_form(ctx, job).await? {
            return Ok(Vec::new());
        }
        let (metrics, asked_as) = (&plan.metrics[dataset], (plan.family, plan.evaluator));
        let (mut known, mut passports) = (BTreeMap::new(), Vec::new());
        for metric in metrics {
            let Some(key) = self.key_of_judge(ctx, job, metric, rows).await else { continue };
            if !known.contains_key(&key) {
                known.insert(key.clone(), store::passports(&self.inner.store, ctx, &key).await?);
            }
            let of_judge = known.get(&key).map(Vec::as_slice).unwrap_or_default();
            passports.extend(passport_of(metric.name(), &metric.rubric_key(plan.family, plan.evaluator), of_judge));
        }
        Ok(of_todays_scales(rows, metrics, asked_as, passports))
    }

    /// The key of the model that judged a metric on all of these turns or, where none is judged yet, of the one that would be asked;
    /// none where no model alone did, or that is not known.
    async fn key_of_judge(
        &self,
        ctx: &Ctx,
        job: &EvaluationJob,
        metric: &Metric,
        rows: &[ReportRow],
    ) -> Option<String> {
        let judge = judge_of(job, metric)?;
        let judges = judges_of(rows.iter().map(|row| &row.outcome), metric.name());
        let mut judges = judges.into_iter().map(|key| key.map(str::to_owned));
        match (judges.next(), judges.next()) {
            (None, _) => self.judge_key(ctx, &judge).await.ok(),
            (Some(only), None) => only,
            (Some(_), Some(_)) => None,
        }
    }

    /// The turns of a job, the lowest score of a metric first where one is named, else in the dataset's order. At most
    /// `most`.
    ///
    /// # Errors
    /// NotFound, where there is no such job; Invalid, where it has no such metric.
    pub async fn rows(&self, ctx: &Ctx, identifier: &str, metric: Option<&str>, most: usize) -> Result<Vec<ReportRow>> {
        let job = self.get(ctx, identifier).await?;
        let plan = Plan::new(&job.asked)?;
        if let Some(name) = metric
            && !plan.metrics.iter().flatten().any(|metric| metric.name() == name)
        {
            return Err(Error::invalid(format!("The evaluation job `{}` has no metric `{name}`.", job.name)));
        }
        let mut rows = Vec::new();
        for dataset in 0..job.asked.datasets.len() {
            for system in 0..job.asked.systems.len() {
                rows.extend(self.rows_of(ctx, &job, (dataset, system)).await?);
            }
        }
        if let Some(name) = metric {
            let worse = plan.metrics.iter().flatten().find(|metric| metric.name() == name);
            let sign = if worse.is_some_and(Metric::is_higher_worse) { -1.0 } else { 1.0 };
            let score = |row: &ReportRow| {
                let found = row.outcome.scores.iter().find(|score| score.metric == name);
                found.and_then(|score| score.result).map_or(f64::INFINITY, |result| sign * result)
            };
            rows.sort_by(|a, b| score(a).total_cmp(&score(b)));
        }
        rows.truncate(most);
        Ok(rows)
    }

    pub(super) async fn rows_of(&self, ctx: &Ctx, job: &EvaluationJob, ids: (usize, usize)) -> Result<Vec<ReportRow>> {
        let (store, keyring) = (&self.inner.store, self.inner.identity.keyring());
        let parts = store::parts(store, keyring, ctx, &job.id, ids, (0, i32::MAX as usize)).await?;
        off_thread(move || rows_of_parts(ids, &parts)).await?
    }
}

/// The turns of each record.
fn outcomes(rows: Vec<ReportRow>) -> Vec<RecordOutcome> {
    let mut records: BTreeMap<usize, Vec<TurnOutcome>> = BTreeMap::new();
    for row in rows {
        records.entry(row.record).or_default().push(row.outcome);
    }
    records.into_iter().map(|(line, turns)| RecordOutcome { line, turns }).collect()
}

/// The passports of metrics whose scores were all given on the scales of today: of others nothing is known.
fn of_todays_scales(
    rows: &[ReportRow],
    metrics: &[Metric],
    (family, evaluator): (Family, Evaluator),
    passports: Vec<Passport>,
) -> Vec<Passport> {
    let is_told = |passport: &Passport| {
        let metric = metrics.iter().find(|metric| metric.name() == passport.metric);
        let scaled = metric.and_then(|metric| Some((metric, scale_of(metric, family, evaluator)?)));
        let Some((metric, scale)) = scaled else { return true };
        let mut scores = rows.iter().flat_map(|row| &row.outcome.scores).filter(|score| score.metric == metric.name());
        scores.all(|score| is_on(score, metric, &scale))
    };
    passports.into_iter().filter(is_told).collect()
}

/// What metrics come to by the labels that people would probably give, of those whose passport tells how.
fn calibrated(
    rows: &[ReportRow],
    metrics: &[Metric],
    (family, evaluator): (Family, Evaluator),
    passports: &[Passport],
) -> Vec<Calibrated> {
    let of_metric = |metric: &Metric| {
        let passport = passports.iter().find(|passport| passport.metric == metric.name() && passport.is_telling())?;
        let (method, scale) = (passport.recommended.clone()?, scale_of(metric, family, evaluator)?);
        let value = |row: &ReportRow| match scale.value(passport.told(&known(row, metric, &scale)?)?)? {
            LabelValue::Score(value) => Some(*value),
            LabelValue::Word(_) | LabelValue::NotApplicable => None,
        };
        let values: Vec<f64> = rows.iter().filter_map(value).collect();
        let mean = Bootstrap::default().mean(&values)?;
        Some(Calibrated { metric: metric.name().to_owned(), mean, method })
    };
    metrics.iter().filter_map(of_metric).collect()
}

/// What is known of a judge as it was asked for this metric; not what is known of another metric of the name, or of another
/// rubric.
fn passport_of(metric: &str, rubric: &str, known: &[Passport]) -> Option<Passport> {
    known.iter().find(|passport| passport.metric == metric && passport.rubric == rubric).cloned()
}

fn rows_of_parts(ids: (usize, usize), parts: &[store::Part]) -> Result<Vec<ReportRow>> {
    let mut rows: BTreeMap<(usize, usize), ReportRow> = BTreeMap::new();
    for part in parts {
        let (record, turn) = (part.place.record + 1, part.place.turn + 1);
        let row = rows.entry((record, turn)).or_insert_with(|| ReportRow {
            dataset: ids.0,
            system: ids.1,
            record,
            turn,
            shown: Shown::default(),
            outcome: TurnOutcome::default(),
        });
        if part.place.metric.is_none() {
            row.shown = shown(part)?;
        }
        fill(&mut row.outcome, part)?;
    }
    Ok(rows.into_values().collect())
}

#[cfg(test)]
mod tests;
