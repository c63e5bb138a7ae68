//! The functions between matrix products: GELU, softmax and layer normalisation, over vectors of numbers.

use wide::f32x16;

use crate::gemm::LANES;

/// `x · Φ(x)`, Φ being the normal distribution's cumulative function: BERT's activation.
///
/// With `q = 1 − erf(|x|/√2)` this is `max(x, 0) − |x|·q/2`, which loses nothing to cancellation. `q` is formula 7.1.26 of
/// Abramowitz and Stegun, "Handbook of Mathematical Functions" (1964), whose error is at most 1.5e-7. Together with
/// rounding, the result was seen to differ from the exact value by at most 4e-7 · max(1, |x|).
#[inline(always)]
pub(crate) fn gelu(x: f32x16) -> f32x16 {
    let magnitude = x.abs();
    let z = magnitude * f32x16::splat(std::f32::consts::FRAC_1_SQRT_2);
    let t = f32x16::ONE / z.mul_add(f32x16::splat(0.327_591_1), f32x16::ONE);
    let polynomial = [1.061_405_4, -1.453_152, 1.421_413_8, -0.284_496_74, 0.254_829_6]
        .into_iter()
        .fold(f32x16::ZERO, |sum, coefficient| sum.mul_add(t, f32x16::splat(coefficient)));
    let q = polynomial * t * exp_of_negative(-(z * z));
    x.fast_max(f32x16::ZERO) - magnitude * f32x16::splat(0.5) * q
}

/// `eˣ` for `x ≤ 0`; below -87, where it is under the smallest normal number, it stays at that of -87.
///
/// `x = n·ln 2 + r` with `n` whole and `|r| ≤ ln 2 / 2`; ln 2 in two parts (Cody and Waite, 1980), eʳ by the polynomial
/// of `expf` in Cephes (Moshier, 1989), 2ⁿ by writing the exponent. The relative error was seen to stay below 2e-7.
#[inline(always)]
fn exp_of_negative(x: f32x16) -> f32x16 {
    /// 1.5 · 2²³: adding it to a small number leaves the nearest whole number in the lowest bits.
    const TO_WHOLE: f32 = 12_582_912.0;
    let x = x.fast_max(f32x16::splat(-87.0));
    let shifted = x.mul_add(f32x16::splat(std::f32::consts::LOG2_E), f32x16::splat(TO_WHOLE));
    let n = shifted - f32x16::splat(TO_WHOLE);
    let r = n.mul_add(f32x16::splat(-0.693_359_4), x);
    let r = n.mul_add(f32x16::splat(2.121_944_4e-4), r);
    let polynomial = [1.987_569_1e-4, 1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_65, 0.5]
        .into_iter()
        .fold(f32x16::ZERO, |sum, coefficient| sum.mul_add(r, f32x16::splat(coefficient)));
    let power = (polynomial * r).mul_add(r, r) + f32x16::ONE;
    let exponent: wide::u32x16 = bytemuck::cast(shifted);
    let scale: f32x16 = bytemuck::cast((exponent + wide::u32x16::splat(127)) << 23);
    power * scale
}

/// Replaces each of the first `length` scores by `e` to the score less the largest one, the numbers after them by 0, and
/// returns the reciprocal of the sum: the softmax is the row times that.
pub(crate) fn softmax_unscaled(scores: &mut [f32x16], length: usize) -> f32 {
    // The numbers after the scores are made copies of a score, so that they cannot raise the maximum.
    let numbers: &mut [f32] = bytemuck::cast_slice_mut(scores);
    let first = numbers[0];
    numbers[length..].fill(first);
    let largest = scores.iter().copied().fold(scores[0], f32x16::fast_max);
    let largest = f32x16::splat(largest.to_array().into_iter().fold(f32::NEG_INFINITY, f32::max));
    for score in &mut *scores {
        *score = exp_of_negative(*score - largest);
    }
    bytemuck::cast_slice_mut::<_, f32>(scores)[length..].fill(0.0);
    1.0 / scores.iter().fold(f32x16::ZERO, |sum, &score| sum + score).reduce_add()
}

/// Layer normalisation (Ba, Kiros and Hinton, 2016): mean 0 and variance 1, then a learnt scale and shift.
pub(crate) struct Norm {
    scale: Vec<f32x16>,
    shift: Vec<f32x16>,
    epsilon: f32,
}

impl Norm {
    /// Takes scale and shift of one number for each feature, and what is added to the variance.
    pub(crate) fn new(scale: &[f32], shift: &[f32], epsilon: f32) -> Self {
        Self { scale: vectors(scale), shift: vectors(shift), epsilon }
    }

    /// Normalises one row in place.
    pub(crate) fn apply(&self, row: &mut [f32x16]) {
        let count = (row.len() * LANES) as f32;
        let mean = row.iter().fold(f32x16::ZERO, |sum, &x| sum + x).reduce_add() / count;
        let mean = f32x16::splat(mean);
        let squares = row.iter().fold(f32x16::ZERO, |sum, &x| {
            let centred = x - mean;
            centred.mul_add(centred, sum)
        });
        let spread = f32x16::splat(1.0 / (squares.reduce_add() / count + self.epsilon).sqrt());
        for ((x, &scale), &shift) in row.iter_mut().zip(&self.scale).zip(&self.shift) {
            *x = ((*x - mean) * spread).mul_add(scale, shift);
        }
    }
}

/// Numbers as vectors; their count is a multiple of [`LANES`].
pub(crate) fn vectors(numbers: &[f32]) -> Vec<f32x16> {
    numbers.as_chunks::<LANES>().0.iter().map(|&chunk| f32x16::new(chunk)).collect()
}

#[cfg(test)]
mod tests;
