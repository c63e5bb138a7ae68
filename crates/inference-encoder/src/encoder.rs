//! The encoder: token numbers to one vector for each text.
//!
//! BERT (Devlin et al., 2018) with normalisation after each sub-layer. The tokens of many texts stand one after another in
//! one matrix, without padding; only attention looks at the texts one by one.

use wide::f32x16;

use crate::activation::{Norm, gelu, softmax_unscaled};
use crate::blocks::Table;
use crate::gemm::{LANES, Linear, PANEL, PANEL_VECTORS, PanelRow, Rows, multiply_panel};

/// A loaded encoder.
pub(crate) struct Encoder {
    /// Numbers in a token's state.
    pub(crate) hidden: usize,
    /// Attention heads; each takes `hidden / heads` numbers, a multiple of [`PANEL`].
    pub(crate) heads: usize,
    /// One row of `hidden` numbers for each token.
    pub(crate) words: Table,
    /// One row for each position; the embedding of segment 0 is added already.
    pub(crate) positions: Vec<f32>,
    /// Normalises the sum of a word's and a position's row.
    pub(crate) norm: Norm,
    /// The layers, first to last.
    pub(crate) layers: Vec<Layer>,
    /// How states become one vector.
    pub(crate) pooling: Pooling,
}

/// One layer of an encoder.
pub(crate) struct Layer {
    /// Queries, keys and values side by side; the queries' part is divided by the root of the head's size.
    pub(crate) query_key_value: Linear,
    /// What follows attention.
    pub(crate) attended: Linear,
    /// Normalises the sum of attention's result and its input.
    pub(crate) attended_norm: Norm,
    /// The wide part of the feed-forward network.
    pub(crate) wide: Linear,
    /// The narrow part.
    pub(crate) narrow: Linear,
    /// Normalises the sum of the feed-forward network's result and its input.
    pub(crate) output_norm: Norm,
}

/// How the states of a text's tokens become its vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pooling {
    /// Their mean.
    Mean,
    /// The first one.
    First,
}

/// A worker's buffers, kept from batch to batch.
#[derive(Default)]
pub(crate) struct Buffers {
    states: Vec<f32x16>,
    rows: Rows,
    query_key_value: Vec<f32x16>,
    attended: Vec<f32x16>,
    wide: Vec<f32x16>,
    product: Vec<f32x16>,
    head: HeadBuffers,
}

#[derive(Default)]
struct HeadBuffers {
    rows: Rows,
    panel: Vec<PanelRow>,
    scores: Vec<f32x16>,
    reciprocals: Vec<f32>,
}

impl Encoder {
    /// The vectors, of unit length, of texts given as token numbers: at least one each, each in the vocabulary, and no more
    /// than there are positions.
    pub(crate) fn encode(&self, texts: &[&[u32]], buffers: &mut Buffers) -> Vec<Vec<f32>> {
        self.embed_tokens(texts, &mut buffers.states);
        for layer in &self.layers {
            self.apply_layer(layer, texts, buffers);
        }
        let mut rest = buffers.states.as_slice();
        let width = self.hidden / LANES;
        let pool = |text: &&[u32]| {
            let (states, after) = rest.split_at(text.len() * width);
            rest = after;
            self.pool(states)
        };
        texts.iter().map(pool).collect()
    }

    fn embed_tokens(&self, texts: &[&[u32]], states: &mut Vec<f32x16>) {
        let width = self.hidden / LANES;
        states.clear();
        for text in texts {
            for (position, &token) in text.iter().enumerate() {
                let place = self.positions[position * self.hidden..][..self.hidden].as_chunks::<LANES>().0;
                let start = states.len();
                states.extend(place.iter().map(|&place| f32x16::new(place)));
                self.words.add_row(token as usize, self.hidden, &mut states[start..]);
                self.norm.apply(&mut states[start..start + width]);
            }
        }
    }

    fn apply_layer(&self, layer: &Layer, texts: &[&[u32]], buffers: &mut Buffers) {
        let Buffers { states, rows, query_key_value, attended, wide, product, head } = buffers;
        let tokens = states.len() * LANES / self.hidden;
        let inner = layer.narrow.inputs();

        rows.pack(numbers(states), tokens, self.hidden, self.hidden);
        layer.query_key_value.apply(rows, query_key_value, |x| x);
        self.attend(texts, query_key_value, attended, head);
        rows.pack(numbers(attended), tokens, self.hidden, self.hidden);
        layer.attended.apply(rows, product, |x| x);
        self.add_and_normalise(states, product, &layer.attended_norm);

        rows.pack(numbers(states), tokens, self.hidden, self.hidden);
        layer.wide.apply(rows, wide, gelu);
        rows.pack(numbers(wide), tokens, inner, inner);
        layer.narrow.apply(rows, product, |x| x);
        self.add_and_normalise(states, product, &layer.output_norm);
    }

    fn add_and_normalise(&self, states: &mut [f32x16], product: &[f32x16], norm: &Norm) {
        let width = self.hidden / LANES;
        for (state, product) in states.chunks_exact_mut(width).zip(product.chunks_exact(width)) {
            for (state, &product) in state.iter_mut().zip(product) {
                *state += product;
            }
            norm.apply(state);
        }
    }

    fn attend(&self, texts: &[&[u32]], query_key_value: &[f32x16], out: &mut Vec<f32x16>, buffers: &mut HeadBuffers) {
        let (width, size) = (self.hidden / LANES, self.hidden / self.heads);
        out.resize(query_key_value.len() / 3, f32x16::ZERO);
        let mut first = 0;
        for text in texts {
            let tokens = first..first + text.len();
            first = tokens.end;
            let input = &query_key_value[tokens.start * 3 * width..tokens.end * 3 * width];
            let out = &mut out[tokens.start * width..tokens.end * width];
            for head in 0..self.heads {
                buffers.score(numbers(input), text.len(), self.hidden, size, head * size);
                buffers.mix(input, out, text.len(), width, size / LANES, head * size / LANES);
            }
        }
    }

    fn pool(&self, states: &[f32x16]) -> Vec<f32> {
        let width = self.hidden / LANES;
        let mut vector = states[..width].to_vec();
        if self.pooling == Pooling::Mean {
            for state in states.chunks_exact(width).skip(1) {
                vector.iter_mut().zip(state).for_each(|(sum, &x)| *sum += x);
            }
        }
        // The mean is the sum over the count, and unit length makes the count vanish.
        let squares = vector.iter().fold(f32x16::ZERO, |sum, &x| x.mul_add(x, sum)).reduce_add();
        let reciprocal = 1.0 / squares.sqrt().max(f32::MIN_POSITIVE);
        numbers(&vector).iter().map(|x| x * reciprocal).collect()
    }
}

impl HeadBuffers {
    /// Computes a head's attention weights of one text: `scores` holds one row for each query, whose softmax lacks only the
    /// factor in `reciprocals`. `input` holds queries, keys and values of `hidden` numbers for each token, the head's
    /// own `size` at `offset`.
    fn score(&mut self, input: &[f32], length: usize, hidden: usize, size: usize, offset: usize) {
        self.rows.pack(&input[offset..], length, 3 * hidden, size);
        let panels = length.div_ceil(PANEL);
        let width = panels * PANEL_VECTORS;
        self.scores.resize(length * width, f32x16::ZERO);
        self.panel.resize(size, [f32x16::ZERO; PANEL_VECTORS]);
        for index in 0..panels {
            let keys = index * PANEL..length.min((index + 1) * PANEL);
            let panel: &mut [f32] = bytemuck::cast_slice_mut(&mut self.panel);
            for (column, key) in keys.enumerate() {
                let key = &input[key * 3 * hidden + hidden + offset..][..size];
                for (row, &number) in panel.chunks_exact_mut(PANEL).zip(key) {
                    row[column] = number;
                }
            }
            multiply_panel(&self.rows, &self.panel, [f32x16::ZERO; PANEL_VECTORS], |row, sums| {
                let at = row * width + index * PANEL_VECTORS;
                self.scores[at..at + PANEL_VECTORS].copy_from_slice(&sums);
            });
        }
        self.reciprocals.clear();
        self.reciprocals.extend(self.scores.chunks_exact_mut(width).map(|row| softmax_unscaled(row, length)));
    }

    /// Sums the values by the weights of [`Self::score`] into the head's columns of `out`. Widths are in vectors.
    fn mix(&mut self, input: &[f32x16], out: &mut [f32x16], length: usize, width: usize, size: usize, offset: usize) {
        let stride = length.div_ceil(PANEL) * PANEL;
        self.rows.pack(numbers(&self.scores), length, stride, length);
        for column in (0..size).step_by(PANEL_VECTORS) {
            let values = input.chunks_exact(3 * width).map(|token| {
                let at = 2 * width + offset + column;
                std::array::from_fn(|v| token[at + v])
            });
            self.panel.clear();
            self.panel.extend(values);
            multiply_panel(&self.rows, &self.panel, [f32x16::ZERO; PANEL_VECTORS], |row, sums| {
                let at = row * width + offset + column;
                let factor = f32x16::splat(self.reciprocals[row]);
                for (out, sum) in out[at..at + PANEL_VECTORS].iter_mut().zip(sums) {
                    *out = sum * factor;
                }
            });
        }
    }
}

fn numbers(vectors: &[f32x16]) -> &[f32] {
    bytemuck::cast_slice(vectors)
}
