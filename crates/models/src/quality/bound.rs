//! How much a quantization may cost.

use std::fmt;

use base::{Error, Result};
use checkpoint::FileType;
use serde::{Deserialize, Serialize};

use super::Comparison;

/// What must hold at the pessimistic end of each interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bound {
    /// The lower end of the share of tasks that get the same label is not below this.
    pub labels: f64,
    /// The lower end of the share of tokens at which both expect the same next one is not below this.
    pub argmax: f64,
    /// The upper end of the ratio of the perplexities is not above this.
    pub perplexity: f64,
}

impl Bound {
    /// What a file of that type keeps to unless another bound is given; `docs/quantization.md` says why.
    #[must_use]
    pub fn default_of(to: FileType) -> Self {
        let (labels, argmax, perplexity) = match to {
            FileType::F16 => (0.98, 0.95, 1.01),
            FileType::Q8_0 => (0.95, 0.90, 1.05),
            FileType::Q6K => (0.93, 0.87, 1.07),
            FileType::Q5KM | FileType::Q5KS => (0.90, 0.82, 1.12),
            FileType::Q4KM | FileType::Q4KS => (0.80, 0.75, 1.25),
        };
        Self { labels, argmax, perplexity }
    }

    /// What holds where both this and `other` do.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            labels: self.labels.max(other.labels),
            argmax: self.argmax.max(other.argmax),
            perplexity: self.perplexity.min(other.perplexity),
        }
    }

    /// This bound, but for what `text` names: `labels=0.97,perplexity=1.02`.
    ///
    /// # Errors
    /// Invalid.
    pub fn with(mut self, text: &str) -> Result<Self> {
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, number) = part.split_once('=').ok_or_else(|| unclear(part))?;
            let number = number.trim().parse().map_err(|_| unclear(part))?;
            match name.trim() {
                "labels" => self.labels = number,
                "argmax" => self.argmax = number,
                "perplexity" => self.perplexity = number,
                _ => return Err(unclear(part)),
            }
        }
        self.check()
    }

    /// # Errors
    /// Invalid, where a number is none that a bound can have.
    pub fn check(self) -> Result<Self> {
        for (name, share) in [("labels", self.labels), ("argmax", self.argmax)] {
            if !(0.0..=1.0).contains(&share) {
                return Err(Error::invalid(format!("The bound `{name}` is {share}; it is a share from 0 to 1.")));
            }
        }
        if self.perplexity.is_nan() || self.perplexity < 1.0 {
            let given = self.perplexity;
            return Err(Error::invalid(format!("The bound `perplexity` is {given}; it is a ratio of at least 1.")));
        }
        Ok(self)
    }

    /// What of it a comparison does not keep to, for people; nothing where it holds.
    #[must_use]
    pub fn broken(&self, measured: &Comparison) -> Vec<String> {
        let mut broken = Vec::new();
        let mut at_least = |name: &str, share: &super::Share, least: f64| {
            if share.low < least {
                broken.push(format!(
                    "{name} {:.1} % of {} (95 % interval {:.1} to {:.1} %), and the bound is {:.1} %",
                    100.0 * share.share,
                    share.of,
                    100.0 * share.low,
                    100.0 * share.high,
                    100.0 * least
                ));
            }
        };
        at_least("label agreement", &measured.labels, self.labels);
        at_least("arg-max agreement", &measured.argmax, self.argmax);
        let ratio = &measured.perplexity;
        if ratio.high > self.perplexity {
            broken.push(format!(
                "perplexity × {:.4} (95 % interval {:.4} to {:.4}), and the bound is {:.4}",
                ratio.ratio, ratio.low, ratio.high, self.perplexity
            ));
        }
        broken
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "labels={},argmax={},perplexity={}", self.labels, self.argmax, self.perplexity)
    }
}

fn unclear(part: &str) -> Error {
    Error::invalid(format!("`{part}` is no bound."))
        .with_hint("A bound is written `labels=0.97,argmax=0.9,perplexity=1.02`; what is left out keeps its default.")
}
