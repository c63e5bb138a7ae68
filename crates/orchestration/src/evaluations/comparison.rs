//! Comparing two jobs on the same records: whether one is better, or nothing can be told.

use std::collections::BTreeMap;

use learn::resampling::{Bootstrap, Paired, mcnemar};

use super::card::scores;
use super::outcome::RecordOutcome;

/// Of fewer turns that both score nothing is said: an interval by resampling them is too narrow.
pub const FEWEST_PAIRS: usize = 10;

/// What a comparison of a metric says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// The first job is better.
    First,
    /// The second job is better.
    Second,
    /// The interval of the difference holds 0, or there are fewer than [`FEWEST_PAIRS`].
    NotDistinguishable,
    /// Both were answered by the same model with the same settings.
    SameModel,
    /// The judges chose from other labels in one job than in the other, or within one of them.
    OtherScales,
    /// They have no record in common that both score.
    NothingInCommon,
}

/// How two jobs differ in a metric.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricComparison {
    /// Its name.
    pub name: String,
    /// How many turns both score.
    pub turns: usize,
    /// The means of both, over these.
    pub means: Option<(f64, f64)>,
    /// The difference of the means, the first less the second.
    pub paired: Option<Paired>,
    /// McNemar's exact test on which of them reaches the best score.
    pub mcnemar: Option<f64>,
    /// What follows.
    pub judgement: Judgement,
}

impl Judgement {
    /// In words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::First => "the first is better",
            Self::Second => "the second is better",
            Self::NotDistinguishable => "not distinguishable",
            Self::SameModel => "same model: not a comparison",
            Self::OtherScales => "different scales: not a comparison",
            Self::NothingInCommon => "no records in common",
        }
    }
}

/// Compares two jobs in a metric, on records that belong together by their lines. `is_same` says that both were answered by the same model with the same settings.
#[must_use]
pub fn compare(
    name: &str,
    first: &[RecordOutcome],
    second: &[RecordOutcome],
    is_higher_worse: bool,
    is_same: bool,
) -> MetricComparison {
    let results = |records: &[RecordOutcome]| -> BTreeMap<(usize, usize), f64> {
        scores(records, name).into_iter().filter_map(|(place, score)| Some((place, score.result?))).collect()
    };
    let (of_first, of_second) = (results(first), results(second));
    let pairs: Vec<(f64, f64)> =
        of_first.iter().filter_map(|(place, score)| Some((*score, *of_second.get(place)?))).collect();
    let (a, b): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    let paired = Bootstrap::default().paired(&a, &b);
    let best = if is_higher_worse { 0.0 } else { 1.0 };
    let only = |one: fn(&(f64, f64)) -> (f64, f64)| {
        pairs.iter().map(one).filter(|(here, there)| *here == best && *there != best).count() as u64
    };
    let judgement = match paired {
        _ if is_same => Judgement::SameModel,
        None => Judgement::NothingInCommon,
        Some(_) if pairs.len() < FEWEST_PAIRS => Judgement::NotDistinguishable,
        Some(paired) if !paired.is_distinguishable() => Judgement::NotDistinguishable,
        Some(paired) if (paired.difference.value > 0.0) != is_higher_worse => Judgement::First,
        Some(_) => Judgement::Second,
    };
    MetricComparison {
        name: name.to_owned(),
        turns: pairs.len(),
        means: learn::mean(&a).zip(learn::mean(&b)),
        paired,
        mcnemar: (!pairs.is_empty()).then(|| mcnemar(only(|pair| *pair), only(|(here, there)| (*there, *here)))),
        judgement,
    }
}

#[cfg(test)]
#[path = "comparison_tests.rs"]
mod tests;
