//! Packs the weights of checkpoints.

use checkpoint::{Format, Plain, Quantizer};

use crate::llama;

/// llama.cpp's quantizer, a block of rows at a time.
#[derive(Debug, Clone, Copy, Default)]
pub struct NativeQuantizer;

impl Quantizer for NativeQuantizer {
    fn quantize(&self, format: Format, values: &[f32], width: usize, out: &mut Vec<u8>) -> Result<(), String> {
        match format {
            Format::Q8_0 => Plain.quantize(format, values, width, out),
            other => llama::pack(other, values, width, out),
        }
    }

    fn unpack(&self, kind: u32, packed: &[u8], out: &mut Vec<f32>) -> Result<(), String> {
        llama::unpack(kind, packed, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_bits_are_packed_as_llama_cpp_packs_them() {
        let values: Vec<f32> = (0..64 * 576_u32)
            .map(|at| ((at.wrapping_mul(2_654_435_761) >> 8) as f32 / 16_777_216.0 - 0.5).powi(3))
            .collect();
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        Plain.quantize(Format::Q8_0, &values, 576, &mut ours).unwrap();
        llama::pack(Format::Q8_0, &values, 576, &mut theirs).unwrap();
        assert!(ours == theirs);
    }
}
