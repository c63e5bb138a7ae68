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
}
