//! Chunks that end where the text turns to something else.
//!
//! Each sentence is embedded with its neighbours; where the cosine distance from one to the next is above a percentile of
//! all these distances, a chunk ends (G. Kamradt, "5 Levels of Text Splitting", 2023: the method that Bedrock's parameters
//! describe).

use std::ops::Range;

use super::pack::{Limits, pack};
use super::units::Unit;
use super::{Cut, cuts};

/// Sentences that wait for their vectors.
pub(crate) struct Grouping {
    units: Vec<Unit>,
    max_tokens: usize,
    buffer_size: usize,
    percentile: u32,
}

impl Grouping {
    pub(super) fn new(units: Vec<Unit>, max_tokens: usize, buffer_size: usize, percentile: u32) -> Self {
        Self { units, max_tokens, buffer_size, percentile }
    }

    /// How many sentences there are: no fewer than chunks.
    pub(crate) fn sentences(&self) -> usize {
        self.units.len()
    }

    /// The bytes that are to be embedded, one stretch for each sentence, and the tokens of each.
    pub(crate) fn groups(&self) -> Vec<(Range<usize>, usize)> {
        let last = self.units.len().saturating_sub(1);
        let group = |at: usize| {
            let units = &self.units[at.saturating_sub(self.buffer_size)..=(at + self.buffer_size).min(last)];
            let span = units[0].span.start..units[units.len() - 1].span.end;
            (span, units.iter().map(|unit| unit.tokens).sum())
        };
        (0..self.units.len()).map(group).collect()
    }

    /// The chunks, by the vectors of [`groups`](Self::groups).
    pub(crate) fn cuts(&self, vectors: &[Vec<f32>]) -> Vec<Cut> {
        let distances: Vec<f64> = vectors.windows(2).map(|pair| 1.0 - cosine(&pair[0], &pair[1])).collect();
        let threshold = percentile(&distances, self.percentile);
        let limits = Limits { max: self.max_tokens, overlap: 0 };
        let (mut all, mut start) = (Vec::new(), 0);
        let turns = distances.iter().enumerate().filter(|(_, distance)| **distance > threshold);
        for end in turns.map(|(at, _)| at + 1).chain([self.units.len()]) {
            let units = &self.units[start..end];
            all.extend(cuts(units, &pack(units, limits)));
            start = end;
        }
        all
    }
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    let lengths = (dot(a, a) * dot(b, b)).sqrt();
    if lengths > 0.0 { dot(a, b) / lengths } else { 0.0 }
}

/// The percentile of the values, by linear interpolation; infinite where there are none.
fn percentile(values: &[f64], percent: u32) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else { return f64::INFINITY };
    let place = last as f64 * f64::from(percent.min(100)) / 100.0;
    let below = place.floor() as usize;
    let above = (below + 1).min(last);
    sorted[below] + (sorted[above] - sorted[below]) * (place - below as f64)
}

#[cfg(test)]
mod tests {
    use super::percentile;

    #[test]
    fn percentiles_are_interpolated() {
        assert_eq!(percentile(&[4.0, 1.0, 3.0, 2.0], 50), 2.5);
        assert_eq!(percentile(&[1.0, 2.0], 95), 1.95);
        assert_eq!(percentile(&[7.0], 99), 7.0);
        assert_eq!(percentile(&[], 99), f64::INFINITY);
    }
}
