//! Report cards: what a job's scores come to.

use learn::resampling::{Bootstrap, Interval};

use super::outcome::{RecordOutcome, Repeated, Score, Tokens};

/// How many of the worst records a card names.
pub const WORST: usize = 5;
/// The bars of a histogram.
pub const BINS: usize = 10;

/// A metric of a job, as its card needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardMetric {
    /// Its name.
    pub name: String,
    /// Is a higher score a worse answer?
    pub is_higher_worse: bool,
    /// The scores that its scale has, ascending, in thousandths; empty where it has no fixed ones.
    pub steps: Vec<u32>,
    /// The pieces of a record that its judge reads, for the share that prompts have in common.
    pub group: String,
}

/// What a metric comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricSummary {
    /// Its name.
    pub name: String,
    /// Is a higher score a worse answer?
    pub is_higher_worse: bool,
    /// The mean with its interval of 95 %; none where there is no score.
    pub mean: Option<Interval>,
    /// The mean of the expected scores, which are finer than labels.
    pub expected: Option<f64>,
    /// The mean margin.
    pub margin: Option<f64>,
    /// How many turns have a score.
    pub scored: usize,
    /// How many have none, as the metric does not apply.
    pub not_applicable: usize,
    /// How many have none, as something failed.
    pub failed: usize,
    /// How many had passages left out.
    pub truncated: usize,
    /// How many scores fall to each bar.
    pub histogram: Vec<Bar>,
    /// The labels of metrics with words, and how often each was chosen.
    pub labels: Vec<(String, usize)>,
    /// The worst records: line and turn, both from 1, and the score.
    pub worst: Vec<(usize, usize, f64)>,
    /// How verdicts vary with the wording; none where the judge was asked once.
    pub repeated: Option<RepeatedSummary>,
    /// Tokens of the judge.
    pub tokens: Tokens,
}

/// How verdicts on a metric vary with the wording of the question.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RepeatedSummary {
    /// How often the judge gave a verdict on a turn, at most.
    pub askings: usize,
    /// The mean share of these that gave the reported label.
    pub agreeing: f64,
    /// The mean standard deviation of a turn's expected scores.
    pub deviation: Option<f64>,
    /// How the expected score changes where the labels are listed from the highest down, with its interval of 95 %.
    pub falling: Option<Interval>,
}

/// A bar of a histogram: the scores from `from` to `to`; where they are the same, that score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bar {
    /// The lowest score.
    pub from: f64,
    /// The highest score, which only the last bar includes.
    pub to: f64,
    /// How many.
    pub count: usize,
}

/// How much of the tokens that metrics read was read before.
#[derive(Debug, Clone, PartialEq)]
pub struct CachedShare {
    /// What these metrics read.
    pub group: String,
    /// The share of tokens that was in the cache, from 0 to 1.
    pub share: f64,
    /// The share that could have been, as prompts on the same record or preambles had begun with it: what the inputs allow.
    /// What other jobs left in the cache may go beyond it.
    pub bound: f64,
}

/// What a job comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Card {
    /// Turns that were evaluated.
    pub turns: usize,
    /// Turns for which there was no answer to evaluate.
    pub unanswered: usize,
    /// Each metric, in the job's order.
    pub metrics: Vec<MetricSummary>,
    /// Tokens of the generator.
    pub generator: Tokens,
    /// Tokens of the model that reads conditions out of prompts.
    pub filter: Tokens,
    /// Tokens of the judge, all metrics together.
    pub judge: Tokens,
    /// For each group of metrics that read the same, how much of it was in the cache.
    pub cached: Vec<CachedShare>,
    /// What whoever reads the card must know.
    pub warnings: Vec<String>,
}

impl Card {
    /// The card of these outcomes.
    #[must_use]
    pub fn new(records: &[RecordOutcome], metrics: &[CardMetric], warnings: Vec<String>) -> Self {
        let turns: Vec<_> = records.iter().flat_map(|record| &record.turns).collect();
        let (mut generator, mut filter) = (Tokens::default(), Tokens::default());
        for turn in &turns {
            generator += turn.tokens;
            filter += turn.filter;
        }
        let summaries: Vec<MetricSummary> = metrics.iter().map(|metric| summary(records, metric)).collect();
        let mut judge = Tokens::default();
        summaries.iter().for_each(|summary| judge += summary.tokens);
        Self {
            turns: turns.len(),
            unanswered: turns.iter().filter(|turn| turn.output.is_none()).count(),
            cached: cached(&summaries, metrics),
            metrics: summaries,
            generator,
            filter,
            judge,
            warnings,
        }
    }
}

/// The scores of a metric with the place of their turn: line and turn, from 1.
pub(super) fn scores<'a>(records: &'a [RecordOutcome], metric: &str) -> Vec<((usize, usize), &'a Score)> {
    let turns = records
        .iter()
        .flat_map(|record| (1..).zip(&record.turns).map(move |(number, turn)| ((record.line, number), turn)));
    turns
        .flat_map(|(place, turn)| turn.scores.iter().map(move |score| (place, score)))
        .filter(|(_, score)| score.metric == metric)
        .collect()
}

fn summary(records: &[RecordOutcome], metric: &CardMetric) -> MetricSummary {
    let scores = scores(records, &metric.name);
    let results: Vec<f64> = scores.iter().filter_map(|(_, score)| score.result).collect();
    let mean = |of: fn(&Score) -> Option<f64>| {
        let counted = scores.iter().map(|(_, score)| score).filter(|score| score.result.is_some() || is_word(score));
        learn::mean(&counted.filter_map(|score| of(score)).collect::<Vec<_>>())
    };
    let count = |is: fn(&Score) -> bool| scores.iter().filter(|(_, score)| is(score)).count();
    let mut labels: Vec<(String, usize)> = Vec::new();
    for (_, score) in scores.iter().filter(|(_, score)| is_word(score)) {
        let Some(label) = &score.label else { continue };
        match labels.iter_mut().find(|(known, _)| known == label) {
            Some((_, count)) => *count += 1,
            None => labels.push((label.clone(), 1)),
        }
    }
    labels.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let mut tokens = Tokens::default();
    scores.iter().for_each(|(_, score)| tokens += score.tokens);
    MetricSummary {
        name: metric.name.clone(),
        is_higher_worse: metric.is_higher_worse,
        mean: Bootstrap::default().mean(&results),
        expected: mean(|score| score.expected),
        margin: mean(|score| score.margin),
        scored: results.len(),
        not_applicable: count(|score| score.result.is_none() && score.error.is_none() && !is_word(score)),
        failed: count(|score| score.error.is_some()),
        truncated: count(|score| score.left_out > 0),
        histogram: histogram(&results, &metric.steps),
        labels,
        worst: worst(&scores, metric.is_higher_worse),
        repeated: repeated(&scores),
        tokens,
    }
}

fn repeated(scores: &[((usize, usize), &Score)]) -> Option<RepeatedSummary> {
    let each: Vec<Repeated> = scores.iter().filter_map(|(_, score)| score.repeated).collect();
    let mean = |of: fn(&Repeated) -> Option<f64>| learn::mean(&each.iter().filter_map(of).collect::<Vec<_>>());
    let falling: Vec<f64> = each.iter().filter_map(|repeated| repeated.falling).collect();
    Some(RepeatedSummary {
        askings: each.iter().map(|repeated| repeated.askings).max()?,
        agreeing: mean(|repeated| Some(repeated.agreeing as f64 / repeated.askings.max(1) as f64))?,
        deviation: mean(|repeated| repeated.deviation),
        falling: Bootstrap::default().mean(&falling),
    })
}

/// Is a word the score? (A label beyond the scale has an expected score, as the scale has numbers.)
pub(super) fn is_word(score: &Score) -> bool {
    score.result.is_none() && score.error.is_none() && score.expected.is_none() && score.label.is_some()
}

/// The lowest scores, or the highest where these are worse; of equals the ones the judge expected worse, then the first.
fn worst(scores: &[((usize, usize), &Score)], is_higher_worse: bool) -> Vec<(usize, usize, f64)> {
    let sign = if is_higher_worse { -1.0 } else { 1.0 };
    let mut ranked: Vec<_> = scores
        .iter()
        .filter_map(|(place, score)| Some((score.result?, score.expected.or(score.result)?, *place)))
        .collect();
    ranked.sort_by(|a, b| {
        (sign * a.0).total_cmp(&(sign * b.0)).then((sign * a.1).total_cmp(&(sign * b.1))).then(a.2.cmp(&b.2))
    });
    let best = if is_higher_worse { 0.0 } else { 1.0 };
    let lacking = ranked.into_iter().filter(|(result, _, _)| *result != best);
    lacking.take(WORST).map(|(result, _, (line, turn))| (line, turn, result)).collect()
}

fn histogram(results: &[f64], steps: &[u32]) -> Vec<Bar> {
    let is_step = |result: &f64| steps.iter().any(|step| (result * 1000.0 - f64::from(*step)).abs() < 1.0);
    if !steps.is_empty() && results.iter().all(is_step) {
        return steps
            .iter()
            .map(|step| {
                let at = f64::from(*step) / 1000.0;
                let count = results.iter().filter(|result| (*result - at).abs() < 0.001).count();
                Bar { from: at, to: at, count }
            })
            .collect();
    }
    let bin = |result: f64| ((result * BINS as f64) as usize).min(BINS - 1);
    (0..BINS)
        .map(|at| Bar {
            from: at as f64 / BINS as f64,
            to: (at + 1) as f64 / BINS as f64,
            count: results.iter().filter(|result| bin(**result) == at).count(),
        })
        .collect()
}

fn cached(summaries: &[MetricSummary], metrics: &[CardMetric]) -> Vec<CachedShare> {
    let mut groups: Vec<(String, Tokens)> = Vec::new();
    for (summary, metric) in summaries.iter().zip(metrics).filter(|(summary, _)| summary.tokens.input > 0) {
        match groups.iter_mut().find(|(group, _)| *group == metric.group) {
            Some((_, tokens)) => *tokens += summary.tokens,
            None => groups.push((metric.group.clone(), summary.tokens)),
        }
    }
    let of = |part: u64, tokens: Tokens| part as f64 / tokens.input as f64;
    let share = |(group, tokens): (String, Tokens)| CachedShare {
        group,
        share: of(tokens.cached, tokens),
        bound: of(tokens.shared, tokens),
    };
    groups.into_iter().map(share).collect()
}

#[cfg(test)]
#[path = "card_tests.rs"]
pub(in crate::evaluations) mod tests;
