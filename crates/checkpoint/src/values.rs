//! Numbers from one element type to another, a block at a time.

use half::slice::{HalfBitsSliceExt, HalfFloatSliceExt};
use half::{bf16, f16};

use crate::quantization::{Format, Quantizer};
use crate::safetensors::Dtype;

/// How numbers are kept where they come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stored {
    /// One by one.
    Plain(Dtype),
    /// In blocks of so many numbers and bytes, of ggml's element type `kind`.
    Packed { kind: u32, numbers: u64, bytes: u64 },
}

impl Stored {
    /// Numbers of a block, and its bytes.
    pub(crate) fn block(self) -> (usize, usize) {
        match self {
            Self::Plain(dtype) => (1, dtype.size() as usize),
            Self::Packed { numbers, bytes, .. } => (numbers as usize, bytes as usize),
        }
    }
}

/// Why a block could not be converted: the number at an index cannot be kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Unfit {
    /// It is infinite or not a number.
    NotFinite(usize),
    /// It is too large for half precision.
    TooLarge(usize, f32),
}

/// What a block's conversion failed of.
pub(crate) enum Fault {
    Unfit(Unfit),
    Quantizer(String),
}

/// Converts blocks; keeps its buffers.
#[derive(Default)]
pub(crate) struct Converter {
    halves: Vec<u16>,
    floats: Vec<f32>,
}

impl Converter {
    /// Appends the numbers in `block`, which are `stored` so and stand in rows of `width`, in another format.
    pub(crate) fn convert(
        &mut self,
        stored: Stored,
        block: &[u8],
        width: usize,
        format: Format,
        quantizer: &dyn Quantizer,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        if stored == Stored::Plain(Dtype::F16) && format == Format::F16 {
            let infinite = block.chunks_exact(2).position(|half| half[1] & 0x7c == 0x7c);
            out.extend_from_slice(block);
            return infinite.map_or(Ok(()), |at| Err(Fault::Unfit(Unfit::NotFinite(at))));
        }
        match stored {
            Stored::Plain(dtype) => self.read(dtype, block),
            Stored::Packed { kind, .. } => {
                self.floats.clear();
                quantizer.unpack(kind, block, &mut self.floats).map_err(Fault::Quantizer)?;
            }
        }
        if let Some(at) = self.floats.iter().position(|value| !value.is_finite()) {
            return Err(Fault::Unfit(Unfit::NotFinite(at)));
        }
        match format {
            Format::F32 => {
                append(out, &self.floats, f32::to_le_bytes);
                Ok(())
            }
            Format::F16 => self.halve(out),
            packed => quantizer.quantize(packed, &self.floats, width, out).map_err(Fault::Quantizer),
        }
    }

    /// The block's numbers in single precision, into the buffer of floats.
    fn read(&mut self, dtype: Dtype, block: &[u8]) {
        self.floats.clear();
        if dtype == Dtype::F32 {
            let floats =
                block.chunks_exact(4).map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
            self.floats.extend(floats);
            return;
        }
        self.halves.clear();
        self.halves.extend(block.chunks_exact(2).map(|bytes| u16::from_le_bytes([bytes[0], bytes[1]])));
        self.floats.resize(self.halves.len(), 0.0);
        match dtype {
            Dtype::F16 => self.halves.as_slice().reinterpret_cast::<f16>().convert_to_f32_slice(&mut self.floats),
            _ => self.halves.as_slice().reinterpret_cast::<bf16>().convert_to_f32_slice(&mut self.floats),
        }
    }

    fn halve(&mut self, out: &mut Vec<u8>) -> Result<(), Fault> {
        self.halves.clear();
        self.halves.resize(self.floats.len(), 0);
        self.halves.as_mut_slice().reinterpret_cast_mut::<f16>().convert_from_f32_slice(&self.floats);
        if let Some(at) = self.halves.iter().position(|half| half & 0x7c00 == 0x7c00) {
            return Err(Fault::Unfit(Unfit::TooLarge(at, self.floats[at])));
        }
        append(out, &self.halves, u16::to_le_bytes);
        Ok(())
    }
}

/// Appends all numbers' bytes, at the speed of a copy.
fn append<T: Copy, const N: usize>(out: &mut Vec<u8>, numbers: &[T], bytes: fn(T) -> [u8; N]) {
    let start = out.len();
    out.resize(start + numbers.len() * N, 0);
    for (slot, number) in out[start..].chunks_exact_mut(N).zip(numbers) {
        slot.copy_from_slice(&bytes(*number));
    }
}

/// Puts the rows of each head, `rows` of `row` bytes, into the order in which llama.cpp rotates them: the halves of a
/// head interleaved. Appends to `out`.
pub(crate) fn interleave(block: &[u8], rows: usize, row: usize, out: &mut Vec<u8>) {
    for head in block.chunks_exact(rows * row) {
        for at in 0..rows {
            let from = (at % 2) * (rows / 2) + at / 2;
            out.extend_from_slice(&head[from * row..(from + 1) * row]);
        }
    }
}

#[cfg(test)]
#[path = "values_tests.rs"]
mod tests;
