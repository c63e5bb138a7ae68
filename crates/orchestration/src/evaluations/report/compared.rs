//! Comparing two jobs: on which dataset, of which system, and how far the judges of both can be trusted.

use std::collections::BTreeSet;

use base::{Error, Result};
use identity::Ctx;

use super::super::calibration::{judges_of, scale_of};
use super::super::comparison::{Judgement, MetricComparison, compare};
use super::super::job::EvaluationJob;
use super::super::judge;
use super::super::metrics::{Evaluator, Family};
use super::super::outcome::RecordOutcome;
use super::super::plan::{Metric, Plan, System};
use super::super::service::Evaluations;
use super::{pairs, trust};

/// A part of a job: each by its place from 0, or by its name; the first one where nothing is said.
#[derive(Debug, Clone, Copy, Default)]
pub struct Part<'a> {
    /// The dataset.
    pub dataset: Option<&'a str>,
    /// The system.
    pub system: Option<&'a str>,
}

/// How two jobs differ.
#[derive(Debug, Clone, PartialEq)]
pub struct JobComparison {
    /// The first one.
    pub first: Side,
    /// The second one.
    pub second: Side,
    /// How many turns were asked the same in both, with the same reference answers.
    pub turns: usize,
    /// Each metric that both have.
    pub metrics: Vec<ComparedMetric>,
}

/// What is compared of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    /// The job's name; with the system's where it has several, and with the dataset's where it has several of these.
    pub name: String,
    /// The dataset.
    pub dataset: String,
    /// The system.
    pub system: String,
}

/// How two jobs differ in a metric, and what is known of their judges.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparedMetric {
    /// The scores beside each other.
    pub scores: MetricComparison,
    /// Who judges it in each job: model ids; none of metrics that need no judge.
    pub judges: [Option<String>; 2],
    /// Are these different ids, or did different models answer for the id?
    pub is_judged_differently: bool,
    /// How far each judge can be trusted, in words; none of metrics that need no judge.
    pub trust: [Option<String>; 2],
}

impl JobComparison {
    /// Do different judges give the scores of a metric? Then a difference may be one of the judges.
    #[must_use]
    pub fn is_judged_differently(&self) -> bool {
        self.metrics.iter().any(|metric| metric.is_judged_differently)
    }
}

impl Evaluations {
    /// How parts of two jobs differ on the turns that they have in common: those that were asked the same, with the same
    /// reference answers. One job may be named twice.
    ///
    /// # Errors
    /// NotFound; Invalid, where a job has no such dataset or system, or where they have no metric in common.
    pub async fn compare(
        &self,
        ctx: &Ctx,
        (first, part): (&str, Part<'_>),
        (second, other_part): (&str, Part<'_>),
    ) -> Result<JobComparison> {
        let (first, second) = (self.get(ctx, first).await?, self.get(ctx, second).await?);
        let (plan, other_plan) = (Plan::new(&first.asked)?, Plan::new(&second.asked)?);
        let (at, other_at) = (places(&first, part)?, places(&second, other_part)?);
        let (rows, other_rows) = (self.rows_of(ctx, &first, at).await?, self.rows_of(ctx, &second, other_at).await?);
        let passports = self.passports_of(ctx, (&first, &plan), at.0, &rows).await?;
        let others_passports = self.passports_of(ctx, (&second, &other_plan), other_at.0, &other_rows).await?;
        let other_metrics = &other_plan.metrics[other_at.0];
        let (outcomes, others) = pairs::paired(rows, other_rows);
        let (system, other_system) = (&first.asked.systems[at.1], &second.asked.systems[other_at.1]);
        let is_same = self.is_same_system(ctx, system, other_system).await?;
        let mut metrics = Vec::new();
        for metric in &plan.metrics[at.0] {
            let name = metric.name();
            let Some(other) = other_metrics.iter().find(|other| other.name() == name) else { continue };
            let mut scores = compare(name, &outcomes, &others, metric.is_higher_worse(), is_same);
            let is_judged_alike =
                is_on_one_scale((&outcomes, metric, plan.family), (&others, other, other_plan.family));
            if scores.paired.is_some() && !is_same && !is_judged_alike {
                scores.judgement = Judgement::OtherScales;
            }
            let judges = [judge_of(&first, metric), judge_of(&second, other)];
            metrics.push(ComparedMetric {
                scores,
                is_judged_differently: judges[0] != judges[1] || is_of_other_models(&outcomes, &others, name),
                judges,
                trust: [trust(&passports, name), trust(&others_passports, name)],
            });
        }
        if metrics.is_empty() {
            return Err(Error::invalid(format!("`{}` and `{}` have no metric in common.", first.name, second.name)));
        }
        Ok(JobComparison { first: side(&first, at), second: side(&second, other_at), turns: outcomes.len(), metrics })
    }

    /// Are two systems the same model, asked in the same way?
    pub(in crate::evaluations) async fn is_same_system(
        &self,
        ctx: &Ctx,
        first: &System,
        second: &System,
    ) -> Result<bool> {
        if first == second {
            return Ok(!first.brings_answers());
        }
        let (System::Model { model, parameters }, System::Model { model: other, parameters: others }) = (first, second)
        else {
            return Ok(false);
        };
        let models = &self.inner.models;
        let (one, two) = (models.resolve(ctx, model).await?, models.resolve(ctx, other).await?);
        Ok(judge::name_of(&one) == judge::name_of(&two) && parameters == others)
    }
}

/// Did different models judge a metric in two jobs, as far as that was noted?
pub(super) fn is_of_other_models(one: &[RecordOutcome], other: &[RecordOutcome], metric: &str) -> bool {
    let [one, other] = [one, other].map(|outcomes| -> BTreeSet<&str> {
        let turns = outcomes.iter().flat_map(|record| &record.turns);
        judges_of(turns, metric).into_iter().flatten().collect()
    });
    !one.is_empty() && !other.is_empty() && one != other
}

/// The outcomes of a job, with a metric of it and the kind of its systems.
type Given<'a> = (&'a [RecordOutcome], &'a Metric, Family);

/// Were all scores of a metric in two jobs given on one scale? Means on several do not compare: the middle of one is between the
/// labels of another.
pub(super) fn is_on_one_scale(one: Given<'_>, other: Given<'_>) -> bool {
    if let (Metric::Custom(one), Metric::Custom(other)) = (one.1, other.1) {
        return one.scale == other.scale;
    }
    let mut counts = label_counts(one);
    counts.extend(label_counts(other));
    counts.len() < 2
}

/// How many labels judges chose from in a built-in metric: one number, but where scales changed. A score that tells no
/// probabilities is older than scales that depend on the judge.
fn label_counts((outcomes, metric, family): Given<'_>) -> BTreeSet<usize> {
    let Some(usual) = scale_of(metric, family, Evaluator::Usual) else { return BTreeSet::new() };
    let beyond = matches!(metric, Metric::Builtin(builtin) if builtin.may_not_apply());
    let usual = usual.len() + usize::from(beyond);
    let scores = outcomes.iter().flat_map(|record| &record.turns).flat_map(|turn| &turn.scores);
    let given = scores.filter(|score| score.metric == metric.name() && score.result.is_some());
    given.map(|score| if score.probabilities.is_empty() { usual } else { score.probabilities.len() }).collect()
}

/// The places of dataset and system that are meant.
fn places(job: &EvaluationJob, part: Part<'_>) -> Result<(usize, usize)> {
    let dataset = datasets_of(job, part.dataset)?.first().copied().unwrap_or_default();
    Ok((dataset, system_of(job, part.system)?.unwrap_or_default()))
}

/// The places of the datasets that are meant: of all of them, where none is named.
///
/// # Errors
/// Invalid, where the job has no such dataset.
pub(in crate::evaluations) fn datasets_of(job: &EvaluationJob, wanted: Option<&str>) -> Result<Vec<usize>> {
    let names: Vec<&str> = job.asked.datasets.iter().map(|dataset| dataset.name.as_str()).collect();
    match wanted {
        Some(wanted) => Ok(vec![place(job, "dataset", &names, wanted)?]),
        None => Ok((0..names.len()).collect()),
    }
}

/// The place of the system that is meant, where one is named.
///
/// # Errors
/// Invalid, where the job has no such system.
pub(in crate::evaluations) fn system_of(job: &EvaluationJob, wanted: Option<&str>) -> Result<Option<usize>> {
    let names: Vec<&str> = job.asked.systems.iter().map(System::label).collect();
    wanted.map(|wanted| place(job, "system", &names, wanted)).transpose()
}

/// The place itself, or that of what is named so.
fn place(job: &EvaluationJob, what: &str, names: &[&str], wanted: &str) -> Result<usize> {
    let number = wanted.parse().ok().filter(|at| *at < names.len());
    number.or_else(|| names.iter().position(|name| *name == wanted)).ok_or_else(|| {
        let known = names.iter().enumerate().map(|(at, name)| format!("{at} `{name}`")).collect::<Vec<_>>().join(", ");
        Error::invalid(format!("The evaluation job `{}` has no {what} `{wanted}`.", job.name))
            .with_hint(format!("By place and name it has {known}."))
    })
}

/// Who judges a metric of a job; none where it needs no judge.
pub(super) fn judge_of(job: &EvaluationJob, metric: &Metric) -> Option<String> {
    match metric {
        Metric::Builtin(_) => job.asked.judge.clone(),
        Metric::Custom(_) => job.asked.custom_judge.clone(),
        Metric::Computed(_) | Metric::Similarity => None,
    }
}

fn side(job: &EvaluationJob, (dataset, at): (usize, usize)) -> Side {
    let asked = &job.asked;
    let (dataset, system) = (asked.datasets[dataset].name.clone(), asked.systems[at].label().to_owned());
    let mut name = job.name.clone();
    match asked.systems.iter().filter(|other| other.label() == system).count() {
        // One model twice, asked in two ways.
        2.. => name.push_str(&format!(" of {system} ({at})")),
        _ if asked.systems.len() > 1 => name.push_str(&format!(" of {system}")),
        _ => {}
    }
    if asked.datasets.len() > 1 {
        name.push_str(&format!(" on {dataset}"));
    }
    Side { name, dataset, system }
}
