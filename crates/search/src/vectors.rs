//! The nearest vectors among those permitted, exactly. Where there are many, a first pass over 8-bit vectors brackets
//! every similarity between two bounds, and only those whose upper bound reaches the best lower bounds are computed in
//! full: the result is that of the full scan, whatever the vectors are.
//!
//! With `x = s·i + e` for the row (`i` its integers, `s` its scale, `e` what rounding left) and `q = t·j + f` for the
//! query, `x·q = s·t·(i·j) + s·i·f + e·q`. Both vectors have the length 1, so that the last two terms are at most
//! `(1 + |e|)·|f| + |e|` in size (Cauchy and Schwarz).

use crate::ranking::{Scored, best};
use crate::scan::{dot, dot_i8, fetch};

#[cfg(test)]
mod tests;

/// Below so many rows the full scan is as fast.
const BRACKET_ABOVE: usize = 1_024;
/// Rows that lie apart are fetched so many rows before they are computed.
const AHEAD: usize = 12;
/// More than single precision can err in a sum of 8,192 products of parts of unit vectors.
const SLACK: f32 = 1e-4;

/// An 8-bit vector.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Quantised {
    pub(crate) integers: Vec<i8>,
    /// What an integer of 1 stands for.
    pub(crate) scale: f32,
    /// The length of what rounding left, never too small.
    pub(crate) error: f32,
}

/// Rounds a vector to 255 levels between its largest components.
pub(crate) fn quantise(vector: &[f32]) -> Quantised {
    let largest = vector.iter().fold(0.0_f32, |largest, x| largest.max(x.abs()));
    let scale = if largest > 0.0 { largest / 127.0 } else { 1.0 };
    let integers: Vec<i8> = vector.iter().map(|x| (x / scale).round().clamp(-127.0, 127.0) as i8).collect();
    let square = |(x, integer): (&f32, &i8)| (f64::from(*x) - f64::from(scale) * f64::from(*integer)).powi(2);
    let error = vector.iter().zip(&integers).map(square).sum::<f64>().sqrt();
    Quantised { integers, scale, error: (error * 1.000_001) as f32 + 1e-7 }
}

/// Rows of vectors by number: in full, and where `brackets` says so in 8 bits as well.
pub(crate) trait Rows {
    /// The row in full.
    fn full(&self, row: u32) -> &[f32];
    /// The row's integers, its scale and its error, where it has them.
    fn short(&self, row: u32) -> Option<(&[i8], f32, f32)>;
    /// Has what [`Rows::short`] tells of a row fetched.
    fn fetch_short(&self, _row: u32) {}
}

/// The `limit` rows of `among` that are most similar to `query`, a unit vector; of equal ones the smaller key first.
pub(crate) fn nearest<K: Ord>(
    rows: &impl Rows,
    among: Vec<u32>,
    query: &[f32],
    limit: usize,
    key: impl Fn(u32) -> K,
) -> Vec<Scored<u32>> {
    let among = if among.len() > BRACKET_ABOVE.max(limit) { bracket(rows, among, query, limit) } else { among };
    let score = |(at, row): (usize, &u32)| {
        if let Some(later) = among.get(at + AHEAD) {
            fetch(rows.full(*later));
        }
        Scored { id: *row, score: f64::from(dot(rows.full(*row), query)) }
    };
    best(among.iter().enumerate().map(score).collect(), limit, key)
}

/// Those rows that may be among the `limit` best.
fn bracket(rows: &impl Rows, among: Vec<u32>, query: &[f32], limit: usize) -> Vec<u32> {
    let short = quantise(query);
    let mut bounds: Vec<(f32, f32)> = among
        .iter()
        .enumerate()
        .map(|(at, row)| {
            if let Some(later) = among.get(at + AHEAD) {
                rows.fetch_short(*later);
            }
            match rows.short(*row) {
                Some((integers, scale, error)) => {
                    let middle = scale * short.scale * dot_i8(integers, &short.integers) as f32;
                    (middle, (1.0 + error) * short.error + error + SLACK)
                }
                None => (dot(rows.full(*row), query), SLACK),
            }
        })
        .collect();
    let mut lower: Vec<f32> = bounds.iter().map(|(middle, radius)| middle - radius).collect();
    let (_, least, _) = lower.select_nth_unstable_by(limit - 1, |a, b| b.total_cmp(a));
    let least = *least;
    among
        .into_iter()
        .zip(bounds.drain(..))
        .filter(|(_, (middle, radius))| middle + radius >= least)
        .map(|(row, _)| row)
        .collect()
}
