//! Intervals by bootstrap and comparisons of two systems on the same items. All draws come from
//! [`PythonRandom`], so that a seed names one interval.

use crate::python_random::PythonRandom;
use crate::{mean, quantile};

/// How often, from which seed and how wide.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bootstrap {
    /// How many samples are drawn.
    pub resamples: usize,
    /// Where the draws begin.
    pub seed: u64,
    /// The share of samples that the interval holds: 0.95.
    pub confidence: f64,
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self { resamples: 1_000, seed: 42, confidence: 0.95 }
    }
}

/// A figure and where it probably lies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The figure over all items.
    pub value: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// Do the two have a point in common?
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.low <= other.high && other.low <= self.high
    }
}

/// The difference of two systems on the same items.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Paired {
    /// The first's mean less the second's.
    pub difference: Interval,
    /// How probable a difference as far from 0 is where there is none: twice the smaller share of samples on either side of
    /// 0, at most 1.
    pub p: f64,
}

impl Paired {
    /// Is 0 outside the interval?
    #[must_use]
    pub fn is_distinguishable(&self) -> bool {
        self.difference.low > 0.0 || self.difference.high < 0.0
    }
}

impl Bootstrap {
    /// The percentile interval (Efron, 1979) of a statistic over `items` items, which is given the places of those drawn.
    /// Samples for which it is undefined are left out; none where it is undefined over all items or every sample.
    pub fn interval(&self, items: usize, statistic: impl Fn(&[usize]) -> Option<f64>) -> Option<Interval> {
        let all: Vec<usize> = (0..items).collect();
        let value = statistic(&all)?;
        let (low, high) = self.ends(&self.samples(items, statistic))?;
        Some(Interval { value, low, high })
    }

    /// The interval of the mean; none of no values.
    #[must_use]
    pub fn mean(&self, values: &[f64]) -> Option<Interval> {
        self.interval(values.len(), |places| mean(&places.iter().map(|at| values[*at]).collect::<Vec<_>>()))
    }

    /// Compares the means of two systems whose values stand in the order of the same items; none where there are no items
    /// or not as many of both.
    #[must_use]
    pub fn paired(&self, first: &[f64], second: &[f64]) -> Option<Paired> {
        if first.len() != second.len() {
            return None;
        }
        let differences: Vec<f64> = first.iter().zip(second).map(|(a, b)| a - b).collect();
        let value = mean(&differences)?;
        let of = |places: &[usize]| mean(&places.iter().map(|at| differences[*at]).collect::<Vec<_>>());
        let samples = self.samples(differences.len(), of);
        let (low, high) = self.ends(&samples)?;
        let share = |beyond: fn(f64) -> bool| {
            samples.iter().filter(|value| beyond(**value)).count() as f64 / samples.len() as f64
        };
        let p = (2.0 * share(|value| value <= 0.0).min(share(|value| value >= 0.0))).min(1.0);
        Some(Paired { difference: Interval { value, low, high }, p })
    }

    /// The statistic of each sample, ascending.
    fn samples(&self, items: usize, statistic: impl Fn(&[usize]) -> Option<f64>) -> Vec<f64> {
        let mut random = PythonRandom::new(self.seed);
        let mut places = vec![0; items];
        let mut values: Vec<f64> = (0..self.resamples)
            .filter_map(|_| {
                places.fill_with(|| random.below(items));
                statistic(&places)
            })
            .collect();
        values.sort_by(f64::total_cmp);
        values
    }

    fn ends(&self, ascending: &[f64]) -> Option<(f64, f64)> {
        let outside = (1.0 - self.confidence) / 2.0;
        Some((quantile(ascending, outside)?, quantile(ascending, 1.0 - outside)?))
    }
}

/// McNemar's exact test: how probable it is that of the items on which just one of two systems is right, as uneven a
/// share falls to one of them where both are as good. `only_first` and `only_second` count these items.
#[must_use]
pub fn mcnemar(only_first: u64, only_second: u64) -> f64 {
    let n = only_first + only_second;
    let fewer = only_first.min(only_second);
    // Sums C(n, i) / 2ⁿ in logarithms: 2ⁿ is beyond a double from 1,024 items on.
    let mut log_term = -(n as f64) * std::f64::consts::LN_2;
    let mut sum = log_term.exp();
    for i in 1..=fewer {
        log_term += ((n - i + 1) as f64).ln() - (i as f64).ln();
        sum += log_term.exp();
    }
    (2.0 * sum).min(1.0)
}
