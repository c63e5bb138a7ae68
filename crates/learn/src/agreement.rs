//! How far two raters agree, or a score orders things as people do.
//!
//! Every function is defined only where its denominator is not 0; it gives none elsewhere, where scikit-learn and SciPy
//! give NaN.

use std::cmp::Ordering;

use crate::mean;

/// How much of a disagreement a distance between two categories is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weights {
    /// Every disagreement is whole: Cohen (1960).
    Nominal,
    /// The square of the distance: Cohen (1968), for ordered categories.
    Quadratic,
}

/// What the ratings of Krippendorff's α are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Names without an order.
    Nominal,
    /// Ranks.
    Ordinal,
    /// Numbers whose differences mean something.
    Interval,
}

/// The share of pairs that are the same; none of no pairs.
#[must_use]
pub fn accuracy(a: &[usize], b: &[usize]) -> Option<f64> {
    let same: Vec<f64> = a.iter().zip(b).map(|(a, b)| f64::from(u8::from(a == b))).collect();
    mean(&same)
}

/// Cohen's κ of two raters over the categories 0 to `categories` − 1: 1 where they always agree, 0 where they agree as
/// often as chance. Pairs with a category beyond these are left out.
#[must_use]
pub fn kappa(a: &[usize], b: &[usize], categories: usize, weights: Weights) -> Option<f64> {
    let mut counts = vec![vec![0.0; categories]; categories];
    let pairs = a.iter().zip(b).filter(|(a, b)| **a < categories && **b < categories);
    for (a, b) in pairs {
        counts[*a][*b] += 1.0;
    }
    let rows: Vec<f64> = counts.iter().map(|row| row.iter().sum()).collect();
    let columns: Vec<f64> = (0..categories).map(|at| counts.iter().map(|row| row[at]).sum()).collect();
    let total: f64 = rows.iter().sum();
    let (mut observed, mut expected) = (0.0, 0.0);
    for (i, row) in counts.iter().enumerate() {
        for (j, count) in row.iter().enumerate() {
            let weight = match weights {
                Weights::Nominal => f64::from(u8::from(i != j)),
                Weights::Quadratic => (i as f64 - j as f64).powi(2),
            };
            observed += weight * count;
            expected += weight * rows[i] * columns[j] / total;
        }
    }
    (expected > 0.0).then(|| 1.0 - observed / expected)
}

/// The mean, over the categories that `truth` has, of the share of each that was told: what a rater who always says the
/// same reaches is 1 by the number of these categories, however rare the others are.
#[must_use]
pub fn balanced_accuracy(truth: &[usize], told: &[usize]) -> Option<f64> {
    let mut of: Vec<(u32, u32)> = vec![(0, 0); truth.iter().max()? + 1];
    for (truth, told) in truth.iter().zip(told) {
        of[*truth].0 += 1;
        of[*truth].1 += u32::from(truth == told);
    }
    let recalls: Vec<f64> =
        of.into_iter().filter(|(all, _)| *all > 0).map(|(all, hit)| f64::from(hit) / f64::from(all)).collect();
    mean(&recalls)
}

/// Pearson's correlation; none where one side is constant.
#[must_use]
pub fn pearson(x: &[f64], y: &[f64]) -> Option<f64> {
    let (mean_x, mean_y) = (mean(x)?, mean(y)?);
    let (mut both, mut of_x, mut of_y) = (0.0, 0.0, 0.0);
    for (x, y) in x.iter().zip(y) {
        let (x, y) = (x - mean_x, y - mean_y);
        both += x * y;
        of_x += x * x;
        of_y += y * y;
    }
    let scale = (of_x * of_y).sqrt();
    (scale > 0.0).then(|| (both / scale).clamp(-1.0, 1.0))
}

/// Spearman's ρ: Pearson's correlation of the ranks, where equals share the mean of theirs.
#[must_use]
pub fn spearman(x: &[f64], y: &[f64]) -> Option<f64> {
    pearson(&ranks(x), &ranks(y))
}

/// Ranks from 1; equals have the mean of the ranks that they would take.
#[must_use]
pub fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    for group in order.chunk_by(|a, b| values[*a] == values[*b]) {
        let rank = start as f64 + (group.len() as f64 + 1.0) / 2.0;
        for at in group {
            ranks[*at] = rank;
        }
        start += group.len();
    }
    ranks
}

/// Kendall's τ-b, which allows for ties, in n log n steps (Knight, 1966); none where one side is constant.
#[must_use]
pub fn kendall(x: &[f64], y: &[f64]) -> Option<f64> {
    let n = x.len().min(y.len());
    let mut pairs: Vec<(f64, f64)> = x.iter().copied().zip(y.iter().copied()).collect();
    let by = |a: &f64, b: &f64| a.partial_cmp(b).unwrap_or(Ordering::Equal);
    pairs.sort_by(|a, b| by(&a.0, &b.0).then(by(&a.1, &b.1)));
    let all = pairs_among(n);
    let tied_x = tied(&pairs, |a, b| a.0 == b.0);
    let tied_both = tied(&pairs, |a, b| a == b);
    let mut second: Vec<f64> = pairs.iter().map(|(_, y)| *y).collect();
    let swaps = sort_counting(&mut second);
    let tied_y = tied(&second, |a, b| a == b);
    let concordant_less_discordant = all - tied_x - tied_y + tied_both - 2.0 * swaps;
    let scale = ((all - tied_x) * (all - tied_y)).sqrt();
    (scale > 0.0).then(|| (concordant_less_discordant / scale).clamp(-1.0, 1.0))
}

fn pairs_among(n: usize) -> f64 {
    n as f64 * (n as f64 - 1.0) / 2.0
}

/// The pairs of equals among sorted values.
fn tied<T>(sorted: &[T], same: impl Fn(&T, &T) -> bool) -> f64 {
    sorted.chunk_by(same).map(|group| pairs_among(group.len())).sum()
}

/// Sorts by merging and counts the pairs that stood in the wrong order.
fn sort_counting(values: &mut [f64]) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    let (left, right) = values.split_at_mut(values.len() / 2);
    let mut swaps = sort_counting(left) + sort_counting(right);
    let (left, right) = (left.to_vec(), right.to_vec());
    let (mut i, mut j) = (0, 0);
    for value in values.iter_mut() {
        let from_right = i == left.len() || (j < right.len() && right[j] < left[i]);
        if from_right {
            *value = right[j];
            j += 1;
            swaps += (left.len() - i) as f64;
        } else {
            *value = left[i];
            i += 1;
        }
    }
    swaps
}

/// Krippendorff's α over units (things rated), each with one optional value by rater: 1 is full agreement, 0 chance. Units
/// with fewer than two values say nothing; none where all values are the same.
///
/// Krippendorff, *Computing Krippendorff's Alpha-Reliability* (2011).
#[must_use]
pub fn krippendorff(units: &[Vec<Option<f64>>], level: Level) -> Option<f64> {
    let units: Vec<Vec<f64>> = units
        .iter()
        .map(|unit| unit.iter().flatten().copied().collect())
        .filter(|unit: &Vec<f64>| unit.len() > 1)
        .collect();
    let mut values: Vec<f64> = units.iter().flatten().copied().collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    let place = |value: &f64| values.partition_point(|other| other < value);
    let mut together = vec![vec![0.0; values.len()]; values.len()];
    for unit in &units {
        let share = 1.0 / (unit.len() as f64 - 1.0);
        for (i, a) in unit.iter().enumerate() {
            for (_, b) in unit.iter().enumerate().filter(|(j, _)| *j != i) {
                together[place(a)][place(b)] += share;
            }
        }
    }
    let counts: Vec<f64> = together.iter().map(|row| row.iter().sum()).collect();
    let total: f64 = counts.iter().sum();
    let distance = |a: usize, b: usize| -> f64 {
        match level {
            Level::Nominal => f64::from(u8::from(a != b)),
            Level::Interval => (values[a] - values[b]).powi(2),
            Level::Ordinal => {
                let (low, high) = (a.min(b), a.max(b));
                let between: f64 = counts[low..=high].iter().sum();
                if low == high { 0.0 } else { (between - f64::midpoint(counts[low], counts[high])).powi(2) }
            }
        }
    };
    let (mut observed, mut expected) = (0.0, 0.0);
    for (a, row) in together.iter().enumerate() {
        for (b, count) in row.iter().enumerate() {
            observed += count * distance(a, b);
            expected += counts[a] * counts[b] * distance(a, b);
        }
    }
    (expected > 0.0).then(|| 1.0 - (total - 1.0) * observed / expected)
}
