//! Weights in blocks of four bits.

use half::f16;
use wide::f32x16;

use crate::gemm::LANES;

/// Numbers in a block.
pub(crate) const BLOCK: usize = 2 * LANES;
/// Bytes of a block.
pub(crate) const BLOCK_BYTES: usize = 2 + LANES;

/// A block of ggml's format `Q4_0`: a half-precision scale, then 32 numbers of four bits. Number `j` is in the low half of byte
/// `j`, number `j + 16` in the high half; a weight is the scale times the number less 8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Block([u8; BLOCK_BYTES]);

impl Block {
    /// A block as it stands in a file.
    pub(crate) fn new(bytes: [u8; BLOCK_BYTES]) -> Self {
        Self(bytes)
    }

    /// Whether its weights are finite.
    pub(crate) fn is_finite(&self) -> bool {
        self.scale().is_finite()
    }

    /// Its weights. Each is exact: the product has fewer than 24 significant bits.
    #[inline]
    pub(crate) fn weights(&self) -> [f32x16; 2] {
        let scale = f32x16::splat(self.scale().to_f32());
        let low: [f32; LANES] = std::array::from_fn(|j| f32::from(self.0[2 + j] & 15) - 8.0);
        let high: [f32; LANES] = std::array::from_fn(|j| f32::from(self.0[2 + j] >> 4) - 8.0);
        [f32x16::new(low) * scale, f32x16::new(high) * scale]
    }

    fn scale(&self) -> f16 {
        f16::from_le_bytes([self.0[0], self.0[1]])
    }
}

/// A table with one row for each token.
pub(crate) enum Table {
    /// In single precision.
    Numbers(Vec<f32>),
    /// In blocks, made numbers when a row is read: a large vocabulary is most of a small model.
    Blocks(Vec<Block>),
}

impl Table {
    /// Adds a row of `width` numbers to `state`.
    pub(crate) fn add_row(&self, row: usize, width: usize, state: &mut [f32x16]) {
        match self {
            Self::Numbers(numbers) => {
                let row = numbers[row * width..(row + 1) * width].as_chunks::<LANES>().0;
                state.iter_mut().zip(row).for_each(|(state, &numbers)| *state += f32x16::new(numbers));
            }
            Self::Blocks(blocks) => {
                let row = &blocks[row * width / BLOCK..(row + 1) * width / BLOCK];
                let weights = row.iter().flat_map(Block::weights);
                state.iter_mut().zip(weights).for_each(|(state, weights)| *state += weights);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_has_its_scale_times_its_numbers_less_eight() {
        let mut bytes = [0; BLOCK_BYTES];
        bytes[..2].copy_from_slice(&f16::from_f32(0.5).to_le_bytes());
        for j in 0..LANES {
            bytes[2 + j] = (j | ((15 - j) << 4)) as u8;
        }
        let weights = Block::new(bytes).weights().map(|half| half.to_array());
        for (j, (low, high)) in weights[0].into_iter().zip(weights[1]).enumerate() {
            assert_eq!(low, (j as f32 - 8.0) / 2.0);
            assert_eq!(high, (7.0 - j as f32) / 2.0);
        }
        bytes[..2].copy_from_slice(&f16::NAN.to_le_bytes());
        assert!(!Block::new(bytes).is_finite());
    }
}
