//! Logistic regression with an L2 penalty: of two classes or more, fitted by Newton's method to full precision, the same
//! optimum as scikit-learn's `LogisticRegression`.

use crate::linear;

/// Steps after which a fit is given up; it takes about ten.
const MOST_STEPS: usize = 100;
/// The change of the objective, relative to its size, at which it is done.
const ENOUGH: f64 = 1e-13;

/// A classifier of feature vectors.
#[derive(Debug, Clone, PartialEq)]
pub struct Logistic {
    /// For each class, or for the second alone where there are two: the weights of the features, then the intercept.
    rows: Vec<Vec<f64>>,
}

/// How a classifier is fitted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fit {
    /// The inverse of the penalty on the weights (not on the intercepts): scikit-learn's `C`.
    pub c: f64,
    /// Does every class count the same, however rare it is? scikit-learn's `class_weight="balanced"`.
    pub balanced: bool,
}

impl Default for Fit {
    fn default() -> Self {
        Self { c: 1.0, balanced: false }
    }
}

impl Logistic {
    /// Fits it to the features of items and their classes, 0 to `classes` − 1. None where there are no items, where their
    /// numbers differ, where a class is beyond the last or a feature is not finite.
    #[must_use]
    pub fn fit(items: &[Vec<f64>], given: &[usize], classes: usize, fit: Fit) -> Option<Self> {
        let width = items.first()?.len();
        let fits = |(item, class): (&Vec<f64>, &usize)| {
            item.len() == width && *class < classes && item.iter().all(|value| value.is_finite())
        };
        if items.len() != given.len() || classes < 2 || !items.iter().zip(given).all(fits) {
            return None;
        }
        let problem = Problem { items, given, weights: class_weights(given, classes, fit.balanced), c: fit.c, width };
        let rows = if classes == 2 { 1 } else { classes };
        let mut rows = vec![vec![0.0; width + 1]; rows];
        let mut objective = problem.objective(&rows);
        for _ in 0..MOST_STEPS {
            let (gradient, hessian) = problem.derivatives(&rows);
            let step = linear::solve(hessian, gradient)?;
            let mut scale = 1.0;
            let (moved, lower) = loop {
                let moved = problem.moved(&rows, &step, scale);
                let value = problem.objective(&moved);
                if value <= objective || scale < 1e-9 {
                    break (moved, value);
                }
                scale /= 2.0;
            };
            let done = objective - lower <= ENOUGH * objective.abs().max(1.0);
            if lower <= objective {
                (rows, objective) = (moved, lower);
            }
            if done {
                break;
            }
        }
        Some(Self { rows })
    }

    /// The classifier of these rows, as [`Logistic::rows`] gave them; none where they are not of one length.
    #[must_use]
    pub fn from_rows(rows: Vec<Vec<f64>>) -> Option<Self> {
        let width = rows.first()?.len();
        (width > 0 && rows.iter().all(|row| row.len() == width)).then_some(Self { rows })
    }

    /// For each class, or for the second alone where there are two: the weights of the features, then the intercept.
    #[must_use]
    pub fn rows(&self) -> &[Vec<f64>] {
        &self.rows
    }

    /// The probability of each class.
    #[must_use]
    pub fn probabilities(&self, item: &[f64]) -> Vec<f64> {
        probabilities(&self.rows, item)
    }

    /// The likeliest class, of equals the first.
    #[must_use]
    pub fn class(&self, item: &[f64]) -> usize {
        let probabilities = self.probabilities(item);
        let better = |best: usize, at: usize| if probabilities[at] > probabilities[best] { at } else { best };
        (0..probabilities.len()).fold(0, better)
    }
}

/// The weight of each class's items: n / (classes · its items) where they are balanced, as scikit-learn has it.
fn class_weights(given: &[usize], classes: usize, balanced: bool) -> Vec<f64> {
    let mut counts = vec![0_usize; classes];
    for class in given {
        counts[*class] += 1;
    }
    let seen = counts.iter().filter(|count| **count > 0).count();
    let weight = |count: usize| given.len() as f64 / (seen * count.max(1)) as f64;
    counts.into_iter().map(|count| if balanced { weight(count) } else { 1.0 }).collect()
}

fn score(row: &[f64], item: &[f64]) -> f64 {
    let intercept = row.last().copied().unwrap_or_default();
    row.iter().zip(item).map(|(weight, value)| weight * value).sum::<f64>() + intercept
}

fn probabilities(rows: &[Vec<f64>], item: &[f64]) -> Vec<f64> {
    let mut scores: Vec<f64> = rows.iter().map(|row| score(row, item)).collect();
    if scores.len() == 1 {
        scores.insert(0, 0.0);
    }
    let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let shares: Vec<f64> = scores.iter().map(|score| (score - highest).exp()).collect();
    let sum: f64 = shares.iter().sum();
    shares.into_iter().map(|share| share / sum).collect()
}

struct Problem<'a> {
    items: &'a [Vec<f64>],
    given: &'a [usize],
    weights: Vec<f64>,
    c: f64,
    width: usize,
}

impl Problem<'_> {
    /// The weighted negative log-likelihood, the penalty, and, of more than two classes, half the square of the sum of
    /// the intercepts: they are determined only up to a number added to all, and the optimum is where the sum is 0.
    fn objective(&self, rows: &[Vec<f64>]) -> f64 {
        let loss: f64 = self
            .items
            .iter()
            .zip(self.given)
            .map(|(item, class)| -self.weights[*class] * probabilities(rows, item)[*class].max(f64::MIN_POSITIVE).ln())
            .sum();
        let squares: f64 = rows.iter().flat_map(|row| &row[..self.width]).map(|weight| weight * weight).sum();
        let drift =
            if rows.len() > 1 { rows.iter().map(|row| row[self.width]).sum::<f64>().powi(2) / 2.0 } else { 0.0 };
        loss + squares / (2.0 * self.c) + drift
    }

    fn derivatives(&self, rows: &[Vec<f64>]) -> (Vec<f64>, Vec<Vec<f64>>) {
        let (each, count) = (self.width + 1, rows.len());
        let mut gradient = vec![0.0; each * count];
        let mut hessian = vec![vec![0.0; each * count]; each * count];
        // With two classes there is one row, that of the second.
        let first = usize::from(count == 1);
        for (item, class) in self.items.iter().zip(self.given) {
            let weight = self.weights[*class];
            let p = &probabilities(rows, item)[first..];
            let extended: Vec<f64> = item.iter().copied().chain([1.0]).collect();
            for a in 0..count {
                let error = p[a] - f64::from(u8::from(*class == a + first));
                for (i, x) in extended.iter().enumerate() {
                    gradient[a * each + i] += weight * error * x;
                }
                for b in 0..count {
                    let curve = weight * p[a] * (f64::from(u8::from(a == b)) - p[b]);
                    for (i, x) in extended.iter().enumerate() {
                        for (j, y) in extended.iter().enumerate() {
                            hessian[a * each + i][b * each + j] += curve * x * y;
                        }
                    }
                }
            }
        }
        let drift: f64 = rows.iter().map(|row| row[self.width]).sum();
        for a in 0..count {
            for i in 0..self.width {
                gradient[a * each + i] += rows[a][i] / self.c;
                hessian[a * each + i][a * each + i] += 1.0 / self.c;
            }
            for b in 0..count {
                if count > 1 {
                    hessian[a * each + self.width][b * each + self.width] += 1.0;
                }
            }
            if count > 1 {
                gradient[a * each + self.width] += drift;
            }
        }
        (gradient, hessian)
    }

    fn moved(&self, rows: &[Vec<f64>], step: &[f64], scale: f64) -> Vec<Vec<f64>> {
        let each = self.width + 1;
        rows.iter()
            .enumerate()
            .map(|(a, row)| row.iter().enumerate().map(|(i, value)| value - scale * step[a * each + i]).collect())
            .collect()
    }
}
