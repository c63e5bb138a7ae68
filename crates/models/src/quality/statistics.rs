//! Intervals of 95 %.

use serde::{Deserialize, Serialize};

/// The standard normal distribution's 97.5 % point.
const Z: f64 = 1.959_963_984_540_054;

/// A share of trials, with its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// Trials that agreed.
    pub agreed: u64,
    /// All trials.
    pub of: u64,
    /// `agreed` / `of`, from 0 to 1; 1 where there were none.
    pub share: f64,
    /// The interval's lower end.
    pub low: f64,
    /// The interval's upper end.
    pub high: f64,
}

impl Share {
    /// The share with Wilson's score interval, which keeps its coverage near 0 and 1 and for few trials (E. B. Wilson,
    /// Probable inference, the law of succession, and statistical inference, JASA 22, 1927; recommended by Brown, Cai and
    /// DasGupta, Interval estimation for a binomial proportion, Statistical Science 16, 2001). No trials tell nothing:
    /// from 0 to 1.
    #[must_use]
    pub fn of(agreed: u64, of: u64) -> Self {
        if of == 0 {
            return Self { agreed, of, share: 1.0, low: 0.0, high: 1.0 };
        }
        let (n, share) = (of as f64, agreed as f64 / of as f64);
        let weight = 1.0 + Z * Z / n;
        let centre = (share + Z * Z / (2.0 * n)) / weight;
        let half = Z / weight * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
        // At the ends the formula gives 0 and 1 up to rounding.
        let low = if agreed == 0 { 0.0 } else { (centre - half).max(0.0) };
        let high = if agreed == of { 1.0 } else { (centre + half).min(1.0) };
        Self { agreed, of, share, low, high }
    }
}

/// How many times as high the perplexity is, with its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Ratio {
    /// The perplexity after, divided by that before.
    pub ratio: f64,
    /// The interval's lower end.
    pub low: f64,
    /// The interval's upper end.
    pub high: f64,
}

impl Ratio {
    /// e to the mean of `differences`, those of the tokens' negative log-probabilities after and before: as both models
    /// read the same tokens, the interval is that of paired differences, the mean ± 1.96 standard errors, put through e^x
    /// (E. Miller, Adding error bars to evals, arXiv:2411.00640, section 4.2: paired differences leave out what is
    /// common to both models, how hard each token is). Too few tokens tell nothing: from 0 to infinity.
    #[must_use]
    pub fn of(differences: &[f64]) -> Self {
        let n = differences.len() as f64;
        let mean = differences.iter().sum::<f64>() / n.max(1.0);
        if differences.len() < 2 {
            return Self { ratio: mean.exp(), low: 0.0, high: f64::MAX };
        }
        let squares: f64 = differences.iter().map(|difference| (difference - mean).powi(2)).sum();
        let error = (squares / (n - 1.0) / n).sqrt();
        Self { ratio: mean.exp(), low: (mean - Z * error).exp(), high: (mean + Z * error).exp().min(f64::MAX) }
    }
}
