//! Products of four-bit matrices.
//!
//! For these formats ggml multiplies one row of the matrix with one row of floats at a time. Here eight rows of the matrix are
//! multiplied side by side with as many rows of floats as there are: a prompt's tokens, or those of several answers.

use llama_cpp_sys_2 as sys;

use super::quants::{self, BLOCK, Format, Matrix, Panel, Products, Rounded, SIDE};
use super::{LINE, Parameters, share};

/// Pieces of a matrix for each thread, so that one that comes late leaves more to the others.
const PIECES: usize = 4;

/// A product of a matrix with rows of floats.
pub(super) struct Product {
    matrix: Matrix,
    floats: *const u8,
    /// Bytes from one row of floats to the next.
    stride: usize,
    count: usize,
    to: Products,
}

impl Product {
    /// What a step of a graph multiplies, where that is a product that is computed here.
    ///
    /// # Safety
    /// The step and what goes into it are alive and not written to.
    pub(super) unsafe fn of(step: *const sys::ggml_tensor) -> Option<Self> {
        // SAFETY: see above; steps that multiply have two sources.
        let (step, weights, floats) = unsafe {
            let step = step.as_ref()?;
            if step.op != sys::GGML_OP_MUL_MAT {
                return None;
            }
            (step, step.src[0].as_ref()?, step.src[1].as_ref()?)
        };
        let format = match weights.type_ {
            sys::GGML_TYPE_Q4_0 => Format::Q4_0,
            sys::GGML_TYPE_Q4_1 => Format::Q4_1,
            _ => return None,
        };
        let number = size_of::<f32>();
        let flat = |tensor: &sys::ggml_tensor| tensor.ne[2] == 1 && tensor.ne[3] == 1;
        let is_ours = flat(weights)
            && flat(floats)
            && floats.type_ == sys::GGML_TYPE_F32
            && step.type_ == sys::GGML_TYPE_F32
            && weights.nb[0] == format.bytes()
            && floats.nb[0] == number
            && step.nb[0] == number
            && step.nb[1] % number == 0
            // A hint of ggml's that another way of multiplying is wanted.
            && step.op_params[1] == 0
            && weights.ne[0] % BLOCK as i64 == 0
            && weights.ne[0] > 0
            && weights.ne[1] > 0;
        is_ours.then(|| Self {
            matrix: Matrix {
                format,
                data: weights.data.cast(),
                stride: weights.nb[1],
                rows: weights.ne[1] as usize,
                blocks: weights.ne[0] as usize / BLOCK,
            },
            floats: floats.data.cast(),
            stride: floats.nb[1],
            count: floats.ne[1] as usize,
            to: Products { data: step.data.cast(), stride: step.nb[1] / number },
        })
    }

    /// Bytes of the rounded rows and of a thread's panel, in whole lines.
    fn sizes(&self) -> (usize, usize) {
        let rounded = Rounded::bytes(self.count, self.matrix.blocks).next_multiple_of(LINE);
        (rounded, Panel::bytes(self.matrix.blocks).next_multiple_of(LINE))
    }

    /// Bytes of room for so many threads.
    pub(super) fn room(&self, threads: usize) -> usize {
        let (rounded, panel) = self.sizes();
        rounded + panel * threads + LINE
    }

    /// Does a thread's part.
    ///
    /// # Safety
    /// All threads of the pool call it with the same product, and with room of as many bytes as [`Self::room`] says;
    /// [`can`](super::can).
    pub(super) unsafe fn compute(&self, by: &Parameters) {
        let (thread, threads) = (by.thread as usize, by.threads as usize);
        debug_assert!(self.room(threads) <= by.room_bytes);
        let (rounded_bytes, panel_bytes) = self.sizes();
        let blocks = self.matrix.blocks;
        let room = by.room.cast::<u8>();
        let room = room.wrapping_add(room.align_offset(LINE));
        let all = self.count * blocks;
        let groups = self.matrix.rows.div_ceil(SIDE);
        let piece = (groups / (threads * PIECES)).max(1);
        // SAFETY: the room is as large as was asked for; each thread rounds its own blocks, fills its own panel, and writes the
        // products of its own pieces, after all blocks are rounded.
        unsafe {
            let rounded = Rounded::at(room, self.count, blocks);
            let mut panel = Panel::at(room.add(rounded_bytes + thread * panel_bytes), blocks);
            for at in all * thread / threads..all * (thread + 1) / threads {
                let (row, block) = (at / blocks, at % blocks);
                let from = self.floats.add(row * self.stride).cast::<f32>().add(block * BLOCK);
                rounded.round(row, block, from);
            }
            share(by, groups.div_ceil(piece), |at| {
                let rows = at * piece * SIDE..((at + 1) * piece * SIDE).min(self.matrix.rows);
                quants::multiply(&self.matrix, rows, (rounded, self.count), &mut panel, self.to);
            });
        }
    }
}
