//! Calibrating a judge: an evaluation whose records people have rated, too, tells how far it may be trusted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base::{Error, Result};
use identity::Ctx;

use super::alignment::off_thread;
use super::job::EvaluationJob;
use super::judges::key_of;
use super::metrics::{Evaluator, Family};
use super::outcome::{Score, TurnOutcome};
use super::passport::{FEWEST_ITEMS, Passport, Rated};
use super::plan::{AskedCustom, Metric, Plan, needs_judge};
use super::report::ReportRow;
use super::run::is_of_this_form;
use super::service::Evaluations;
use super::verdict::Scale;
use super::{features, store};

/// What people say of a record in a metric.
#[derive(Debug, Clone, PartialEq)]
pub struct HumanLabel {
    /// The record's place in the dataset, from 1.
    pub record: usize,
    /// The turn, from 1.
    pub turn: usize,
    /// The metric.
    pub metric: String,
    /// The label, as its place from 0 on the metric's scale: the lowest first of a built-in metric, as they were asked for
    /// of a user's own.
    pub label: usize,
}

impl Evaluations {
    /// Compares a job's judge with people, keeps its passport for each metric that they rated, and gives these. A passport is that of
    /// the model that judged, whatever answers for the judge's id by now.
    ///
    /// # Errors
    /// NotFound, where there is no such job; Invalid, where a label is beyond its scale, a metric has none, there are too few
    /// items, the judge was asked in prompts of another form, or where several models judged, or it is not known which one did.
    pub async fn calibrate(&self, ctx: &Ctx, identifier: &str, labels: &[HumanLabel]) -> Result<Vec<Passport>> {
        let job = self.get(ctx, identifier).await?;
        let plan = Plan::new(&job.asked)?;
        if !self.is_of_this_form(ctx, &job).await? {
            let text =
                format!("The judge of `{}` was asked by another version of the server, in other prompts.", job.name);
            return Err(
                Error::invalid(text).with_hint("Run the job again: a passport tells how a judge answers today's.")
            );
        }
        let rows = Arc::new(self.rows(ctx, identifier, None, usize::MAX).await?);
        let mut by_metric: BTreeMap<&str, BTreeMap<(usize, usize), usize>> = BTreeMap::new();
        for label in labels {
            by_metric.entry(&label.metric).or_default().insert((label.record, label.turn), label.label);
        }
        let mut passports = Vec::new();
        for (name, given) in by_metric {
            let metric = plan.metrics.iter().flatten().find(|metric| metric.name() == name);
            let metric = metric
                .ok_or_else(|| Error::invalid(format!("The evaluation job `{}` has no metric `{name}`.", job.name)))?;
            let is_custom = matches!(metric, Metric::Custom(_));
            let model = if is_custom { &job.asked.custom_judge } else { &job.asked.judge };
            let (Some(scale), Some(model)) = (scale_of(metric, plan.family, plan.evaluator), model) else {
                return Err(Error::invalid(format!("The metric `{name}` has no scale that a judge chooses from.")));
            };
            if let Some(beyond) = given.values().find(|label| **label >= scale.len()) {
                return Err(Error::invalid(format!("The label {beyond} is beyond the scale of the metric `{name}`."))
                    .with_hint(format!("Its labels are 0 to {}.", scale.len() - 1)));
            }
            let given = match metric {
                Metric::Custom(custom) => on_scale(&given, &asked_labels(&job.asked.custom, &custom.name), &scale),
                Metric::Builtin(_) | Metric::Computed(_) | Metric::Similarity => given,
            };
            let of_people = rows.iter().filter(|row| is_rated(row, &given)).map(|row| &row.outcome);
            let judge = only(&judges_of(of_people, name), (name, model), &job.name)?;
            let (all, of, labels) = (Arc::clone(&rows), metric.clone(), scale.clone());
            let items = off_thread(move || rated(&all, &of, &labels, &given)).await?;
            let key = metric.rubric_key(plan.family, plan.evaluator);
            let (count, named) = (items.len(), name.to_owned());
            let passport = off_thread(move || Passport::new((&named, &key), scale.len(), &items)).await?;
            let too_few = || {
                Error::invalid(format!("Of the metric `{name}` {count} records have both a score and a label."))
                    .with_hint(format!("At least {FEWEST_ITEMS} are needed."))
            };
            let (passport, judge) = passport.zip(judge).ok_or_else(too_few)?;
            store::keep_passport(&self.inner.store, ctx, &judge, &passport, self.inner.clock.now()).await?;
            passports.push(passport);
        }
        Ok(passports)
    }

    /// The passports of a judge, by metric.
    ///
    /// # Errors
    /// Invalid, where nothing answers for the model id.
    pub async fn passports(&self, ctx: &Ctx, model: &str) -> Result<Vec<Passport>> {
        let model = self.judge_key(ctx, model).await?;
        store::passports(&self.inner.store, ctx, &model).await
    }

    /// Whether all verdicts of a job were given on prompts of the form of today.
    pub(super) async fn is_of_this_form(&self, ctx: &Ctx, job: &EvaluationJob) -> Result<bool> {
        let (store, keyring) = (&self.inner.store, self.inner.identity.keyring());
        for dataset in 0..job.asked.datasets.len() {
            let digest = store::kept_digest(store, keyring, ctx, (&job.id, dataset)).await?;
            if !is_of_this_form(digest.as_deref()) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The key of the model that answers for an id now.
    pub(super) async fn judge_key(&self, ctx: &Ctx, model: &str) -> Result<String> {
        let models = &self.inner.models;
        key_of(models, ctx, &models.resolve(ctx, model).await?).await
    }
}

/// What gave the verdicts of turns in a metric, by its keys; none of a verdict of which that was not noted.
pub(super) fn judges_of<'a>(turns: impl Iterator<Item = &'a TurnOutcome>, metric: &str) -> BTreeSet<Option<&'a str>> {
    let scores = turns.flat_map(|turn| &turn.scores);
    let given = scores.filter(|score| score.metric == metric && score.error.is_none());
    given.map(|score| score.judged_by.as_deref()).collect()
}

/// The only model that judged a metric, for a judge's id; none where nothing was judged.
fn only(judges: &BTreeSet<Option<&str>>, (metric, id): (&str, &str), job: &str) -> Result<Option<String>> {
    let again = "Run the job again, and calibrate the judge by that: a passport tells of one model.";
    // What is not known comes first.
    match judges.first() {
        None => Ok(None),
        Some(None) => Err(Error::invalid(format!(
            "It is not known which model judged the metric `{metric}` of `{job}`: an earlier version of the server did not note what \
             answered for `{id}`."
        ))
        .with_hint(again)),
        Some(Some(_)) if judges.len() > 1 => Err(Error::invalid(format!(
            "{} models judged the metric `{metric}` of `{job}`: what answers for `{id}` changed while the job ran.",
            judges.len()
        ))
        .with_hint(again)),
        Some(Some(judge)) => Ok(Some((*judge).to_owned())),
    }
}

/// The labels of a user's own metric, as they were asked for.
pub(super) fn asked_labels<'a>(asked: &'a [AskedCustom], name: &str) -> Vec<&'a str> {
    let scale = asked.iter().filter(|metric| metric.name == name).flat_map(|metric| &metric.scale);
    scale.map(|(label, _)| label.as_str()).collect()
}

/// Labels by their places on the scale, which stands by value, not by their places as they were asked for.
fn on_scale(given: &BTreeMap<(usize, usize), usize>, asked: &[&str], scale: &Scale) -> BTreeMap<(usize, usize), usize> {
    let place = |label: usize| scale.labels().position(|known| asked.get(label) == Some(&known));
    given.iter().filter_map(|(at, label)| Some((*at, place(*label)?))).collect()
}

/// The items that both rated. Those of metrics judged by passage count by the nearest label of their mean.
fn rated(rows: &[ReportRow], metric: &Metric, scale: &Scale, given: &BTreeMap<(usize, usize), usize>) -> Vec<Rated> {
    let of_row = |row: &ReportRow| {
        let human = *given.get(&(row.record, row.turn))?;
        Some(Rated { human, ..known(row, metric, scale)? })
    };
    rows.iter().filter(|row| is_rated(row, given)).filter_map(of_row).collect()
}

/// Did people rate a turn? They rate the first system on the first dataset.
fn is_rated(row: &ReportRow, given: &BTreeMap<(usize, usize), usize>) -> bool {
    (row.dataset, row.system) == (0, 0) && given.contains_key(&(row.record, row.turn))
}

/// What is known of a turn in a metric, but for what people say; none where the judge gave no label that counts, or gave it on
/// another scale.
pub(super) fn known(row: &ReportRow, metric: &Metric, scale: &Scale) -> Option<Rated> {
    let score = row.outcome.scores.iter().find(|score| score.metric == metric.name())?;
    if !is_on(score, metric, scale) {
        return None;
    }
    let text = row.outcome.output.as_ref().and_then(|output| output.text.as_deref()).unwrap_or_default();
    let computed = row.outcome.scores.iter().filter(|score| !needs_judge(&score.metric));
    Some(Rated {
        label: place(metric, scale, score)?,
        expected: score.expected.or(score.result)?,
        human: 0,
        length: text.chars().count(),
        falling: score.repeated.and_then(|repeated| repeated.falling),
        features: features::of(row, score),
        computed: computed.filter_map(|score| Some((score.metric.clone(), score.result?))).collect(),
    })
}

/// The place on the scale of the label that a judge gave; none where it gave none that counts.
fn place(metric: &Metric, scale: &Scale, score: &Score) -> Option<usize> {
    let result = score.result?;
    match metric {
        // The values of a user's own scale need not stand at equal distances.
        Metric::Custom(_) => scale.labels().position(|label| score.label.as_deref() == Some(label)),
        Metric::Builtin(_) | Metric::Computed(_) | Metric::Similarity => {
            Some((result * (scale.len() - 1) as f64).round() as usize)
        }
    }
}

/// May a score have been given on this scale? Earlier versions knew no scales that depend on the judge; a score that tells no
/// probabilities is older than that.
pub(super) fn is_on(score: &Score, metric: &Metric, scale: &Scale) -> bool {
    let beyond = matches!(metric, Metric::Builtin(builtin) if builtin.may_not_apply());
    score.probabilities.is_empty() || score.probabilities.len() == scale.len() + usize::from(beyond)
}

/// The scale that a metric's judge chooses from; none where no judge does.
pub(super) fn scale_of(metric: &Metric, family: Family, evaluator: Evaluator) -> Option<Scale> {
    match metric {
        Metric::Builtin(builtin) => Some(Scale::ordinal(builtin.rubric(family, evaluator, true).labels, None)),
        Metric::Custom(custom) => custom.scale.clone(),
        Metric::Computed(_) | Metric::Similarity => None,
    }
}

#[cfg(test)]
#[path = "calibration_tests.rs"]
mod tests;
