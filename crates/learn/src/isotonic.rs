//! Monotone mappings from a score to what people would say: isotonic regression, and one of it for each step of an
//! ordinal scale.

/// The monotone step function with the least squared error (Ayer and others, 1955), linear between the points it was fitted
/// to and constant beyond them, as scikit-learn's `IsotonicRegression(out_of_bounds="clip")`.
#[derive(Debug, Clone, PartialEq)]
pub struct Isotonic {
    /// Where it was fitted, ascending, and its value there, never falling.
    points: Vec<(f64, f64)>,
}

/// Whose mistakes count how much when a mapping is fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Balance {
    /// Every item counts the same: the mapping keeps to the commonest labels.
    Items,
    /// Every label counts the same, however rare it is.
    Labels,
}

/// A mapping from a score to the labels 0 to K − 1: for each step of the scale, how probable it is that people would say
/// that label or a higher one (Frank and Hall, 2001, with isotonic regressions).
#[derive(Debug, Clone, PartialEq)]
pub struct OrdinalMapping {
    /// For each label but the lowest, the probability of it or a higher one.
    steps: Vec<Isotonic>,
}

impl Isotonic {
    /// Fits it to values `y` at scores `x` with weights; none where there are no points or not as many of each.
    #[must_use]
    pub fn fit(x: &[f64], y: &[f64], weights: &[f64]) -> Option<Self> {
        if x.is_empty() || x.len() != y.len() || x.len() != weights.len() {
            return None;
        }
        let mut order: Vec<usize> = (0..x.len()).collect();
        order.sort_by(|a, b| x[*a].total_cmp(&x[*b]));
        // Equal scores are one point of their weighted mean.
        let mut points: Vec<(f64, Block)> = Vec::new();
        for group in order.chunk_by(|a, b| x[*a] == x[*b]) {
            let weight: f64 = group.iter().map(|at| weights[*at]).sum();
            let sum: f64 = group.iter().map(|at| weights[*at] * y[*at]).sum();
            points.push((x[group[0]], Block { sum, weight, length: 1 }));
        }
        let mut blocks: Vec<Block> = Vec::new();
        for (_, next) in &points {
            let mut next = *next;
            while let Some(last) = blocks.pop_if(|last| last.mean() >= next.mean()) {
                next = last.and(next);
            }
            blocks.push(next);
        }
        let values = blocks.iter().flat_map(|block| std::iter::repeat_n(block.mean(), block.length));
        Some(Self { points: points.iter().map(|(x, _)| *x).zip(values).collect() })
    }

    /// The mapping through points (x, y) as [`Isotonic::points`] gave them; none where there are none, or they do not rise.
    #[must_use]
    pub fn from_points(points: Vec<(f64, f64)>) -> Option<Self> {
        let rises = points.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1);
        (!points.is_empty() && rises).then_some(Self { points })
    }

    /// Where it was fitted, ascending, and its value there.
    #[must_use]
    pub fn points(&self) -> &[(f64, f64)] {
        &self.points
    }

    /// The value at a score.
    #[must_use]
    pub fn at(&self, x: f64) -> f64 {
        let above = self.points.partition_point(|(at, _)| *at < x);
        match (self.points.get(above.wrapping_sub(1)), self.points.get(above)) {
            (Some((x0, y0)), Some((x1, y1))) => y0 + (y1 - y0) * (x - x0) / (x1 - x0),
            (Some((_, y)), None) | (None, Some((_, y))) => *y,
            (None, None) => f64::NAN,
        }
    }
}

impl OrdinalMapping {
    /// Fits it to the labels that people gave at scores `x`; none where there are no items, not as many of each, or fewer
    /// than two labels on the scale. Labels beyond `labels` − 1 count as the highest.
    #[must_use]
    pub fn fit(x: &[f64], given: &[usize], labels: usize, balance: Balance) -> Option<Self> {
        if x.is_empty() || x.len() != given.len() || labels < 2 {
            return None;
        }
        let mut counts = vec![0.0_f64; labels];
        for label in given {
            counts[(*label).min(labels - 1)] += 1.0;
        }
        let weights: Vec<f64> = given
            .iter()
            .map(|label| match balance {
                Balance::Items => 1.0,
                Balance::Labels => 1.0 / counts[(*label).min(labels - 1)],
            })
            .collect();
        let step = |label: usize| {
            let y: Vec<f64> = given.iter().map(|given| f64::from(u8::from(*given >= label))).collect();
            Isotonic::fit(x, &y, &weights)
        };
        Some(Self { steps: (1..labels).map(step).collect::<Option<_>>()? })
    }

    /// The mapping of these steps, one for each label but the lowest.
    #[must_use]
    pub fn from_steps(steps: Vec<Isotonic>) -> Self {
        Self { steps }
    }

    /// For each label but the lowest, the probability of it or a higher one.
    #[must_use]
    pub fn steps(&self) -> &[Isotonic] {
        &self.steps
    }

    /// How many labels the scale has.
    #[must_use]
    pub fn labels(&self) -> usize {
        self.steps.len() + 1
    }

    /// The label that people would give: the median of what they probably say.
    #[must_use]
    pub fn label(&self, x: f64) -> usize {
        self.steps.iter().filter(|step| step.at(x) >= 0.5).count()
    }

    /// The mean of what they probably say, from 0 to K − 1.
    #[must_use]
    pub fn expected(&self, x: f64) -> f64 {
        self.steps.iter().map(|step| step.at(x)).sum()
    }
}

#[derive(Debug, Clone, Copy)]
struct Block {
    sum: f64,
    weight: f64,
    length: usize,
}

impl Block {
    fn mean(self) -> f64 {
        self.sum / self.weight
    }

    fn and(self, next: Self) -> Self {
        Self { sum: self.sum + next.sum, weight: self.weight + next.weight, length: self.length + next.length }
    }
}

#[cfg(test)]
#[path = "isotonic_tests.rs"]
mod tests;
