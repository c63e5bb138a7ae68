//! Matrix products of single-precision numbers with one operand packed once.
//!
//! Every element of a product is one chain of fused multiply-adds in the order of the inner dimension, whatever the
//! number of rows and wherever its row stands. A row's result therefore depends on that row alone, bit for bit, which
//! is what keeps a text's embedding independent of the texts that share its batch.
//!
//! The blocking is that of Goto and van de Geijn, "Anatomy of high-performance matrix multiplication" (2008), without
//! splitting the inner dimension: it is short enough in an encoder for a panel to stay in the second-level cache.

use wide::f32x16;

/// Numbers in a vector.
pub(crate) const LANES: usize = 16;
/// Vectors across a panel. A tile's sums, its panel's vectors and one broadcast fit the vector registers: 32 of 512
/// bits with AVX-512, else 16 of 256 bits, two of which make one vector here.
pub(crate) const PANEL_VECTORS: usize = if cfg!(target_feature = "avx512f") { 2 } else { 1 };
/// Columns of a panel.
pub(crate) const PANEL: usize = PANEL_VECTORS * LANES;
/// Rows of a tile.
pub(crate) const TILE: usize = if cfg!(target_feature = "avx512f") { 12 } else { 6 };

/// One row of a panel.
pub(crate) type PanelRow = [f32x16; PANEL_VECTORS];

/// The left operand: rows in tiles of [`TILE`], each tile column by column.
#[derive(Default)]
pub(crate) struct Rows {
    tiles: Vec<[f32; TILE]>,
    rows: usize,
    inner: usize,
}

impl Rows {
    /// Packs `rows` rows of `inner` numbers each; row `r` starts at `source[r * stride]`.
    pub(crate) fn pack(&mut self, source: &[f32], rows: usize, stride: usize, inner: usize) {
        self.rows = rows;
        self.inner = inner;
        self.tiles.resize(rows.div_ceil(TILE) * inner, [0.0; TILE]);
        for (tile, first) in self.tiles.chunks_exact_mut(inner).zip((0..rows).step_by(TILE)) {
            let held = TILE.min(rows - first);
            // Rows beyond the last are computed along with it and thrown away: any number serves.
            let row = |r: usize| {
                let start = (first + r.min(held - 1)) * stride;
                &source[start..start + inner]
            };
            let rows: [&[f32]; TILE] = std::array::from_fn(row);
            for (column, packed) in tile.iter_mut().enumerate() {
                *packed = std::array::from_fn(|r| rows[r][column]);
            }
        }
    }
}

/// Multiplies `rows` by a panel and hands each row of the product, with its index, to `store`.
///
/// The sums start at `start`, so a bias costs nothing.
#[inline(always)]
pub(crate) fn multiply_panel(rows: &Rows, panel: &[PanelRow], start: PanelRow, mut store: impl FnMut(usize, PanelRow)) {
    for (tile, first) in rows.tiles.chunks_exact(rows.inner).zip((0..rows.rows).step_by(TILE)) {
        let held = TILE.min(rows.rows - first);
        match held {
            ..=2 => multiply_tile::<2>(tile, panel, start, held, first, &mut store),
            3..=4 => multiply_tile::<4>(tile, panel, start, held, first, &mut store),
            5..=6 => multiply_tile::<6>(tile, panel, start, held, first, &mut store),
            7..=8 => multiply_tile::<8>(tile, panel, start, held, first, &mut store),
            _ => multiply_tile::<TILE>(tile, panel, start, held, first, &mut store),
        }
    }
}

#[inline(always)]
fn multiply_tile<const M: usize>(
    tile: &[[f32; TILE]],
    panel: &[PanelRow],
    start: PanelRow,
    held: usize,
    first: usize,
    store: &mut impl FnMut(usize, PanelRow),
) {
    let sums = sum_tile::<M>(tile, panel, start);
    for (row, sum) in sums.iter().take(held).enumerate() {
        store(first + row, *sum);
    }
}

/// The kernel: `M` rows of a tile times a panel.
#[inline(never)]
fn sum_tile<const M: usize>(tile: &[[f32; TILE]], panel: &[PanelRow], start: PanelRow) -> [PanelRow; M] {
    let mut sums = [start; M];
    for (column, panel) in tile.iter().zip(panel) {
        for (sum, &number) in sums.iter_mut().zip(column) {
            let number = f32x16::splat(number);
            for (sum, &weights) in sum.iter_mut().zip(panel) {
                *sum = number.mul_add(weights, *sum);
            }
        }
    }
    sums
}

/// A linear layer: `x · Wᵀ + b`, its weights packed in panels.
pub(crate) struct Linear {
    panels: Vec<PanelRow>,
    bias: Vec<PanelRow>,
    inputs: usize,
}

impl Linear {
    /// Packs `weight`, the layer's matrix with one row for each output. Inputs and outputs are multiples of [`PANEL`].
    pub(crate) fn new(weight: &[f32], bias: &[f32], inputs: usize) -> Self {
        let panel_row = |number: &dyn Fn(usize) -> f32| -> PanelRow {
            std::array::from_fn(|v| f32x16::new(std::array::from_fn(|lane| number(v * LANES + lane))))
        };
        let first_outputs = (0..bias.len()).step_by(PANEL);
        let panels = first_outputs
            .clone()
            .flat_map(|output| (0..inputs).map(move |input| (output, input)))
            .map(|(output, input)| panel_row(&|column| weight[(output + column) * inputs + input]))
            .collect();
        let bias = first_outputs.map(|output| panel_row(&|column| bias[output + column])).collect();
        Self { panels, bias, inputs }
    }

    /// Numbers in a row of the result.
    pub(crate) fn outputs(&self) -> usize {
        self.bias.len() * PANEL
    }

    /// Numbers in a row that it takes.
    pub(crate) fn inputs(&self) -> usize {
        self.inputs
    }

    /// Computes `finish(x · Wᵀ + b)` into `out`, whose rows hold [`Self::outputs`] numbers.
    pub(crate) fn apply(&self, rows: &Rows, out: &mut Vec<f32x16>, finish: impl Fn(f32x16) -> f32x16) {
        let width = self.outputs() / LANES;
        out.resize(rows.rows * width, f32x16::ZERO);
        for (index, (panel, bias)) in self.panels.chunks_exact(self.inputs).zip(&self.bias).enumerate() {
            multiply_panel(rows, panel, *bias, |row, sums| {
                let at = row * width + index * PANEL_VECTORS;
                for (out, sum) in out[at..at + PANEL_VECTORS].iter_mut().zip(sums) {
                    *out = finish(sum);
                }
            });
        }
    }
}

#[cfg(test)]
mod tests;
