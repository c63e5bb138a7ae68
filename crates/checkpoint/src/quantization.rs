//! How the numbers of a model are kept, and which tensor is kept how.

use half::f16;

use crate::config::{Architecture, Config};
use crate::expected::{Expected, Role};
use crate::safetensors::Dtype;

/// How a model is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Quantization {
    /// Half precision.
    #[default]
    F16,
    /// Eight-bit integers with a scale for each 32.
    Q8_0,
    /// Mostly four bits, as llama.cpp mixes them.
    Q4KM,
}

impl Quantization {
    /// All, the most exact first.
    pub const ALL: [Self; 3] = [Self::F16, Self::Q8_0, Self::Q4KM];

    /// The one of this name, in this spelling.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|quantization| quantization.name() == name)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::F16 => "F16",
            Self::Q8_0 => "Q8_0",
            Self::Q4KM => "Q4_K_M",
        }
    }
}

/// How a tensor is kept: ggml's element types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Format {
    F32,
    F16,
    Q8_0,
    Q5_0,
    Q5_1,
    Q4K,
    Q5K,
    Q6K,
}

impl Format {
    /// ggml's number for it.
    #[must_use]
    pub fn number(self) -> u32 {
        match self {
            Self::F32 => 0,
            Self::F16 => 1,
            Self::Q5_0 => 6,
            Self::Q5_1 => 7,
            Self::Q8_0 => 8,
            Self::Q4K => 12,
            Self::Q5K => 13,
            Self::Q6K => 14,
        }
    }

    /// Numbers of a block, and its bytes.
    #[must_use]
    pub fn block(self) -> (u64, u64) {
        match self {
            Self::F32 => (1, 4),
            Self::F16 => (1, 2),
            Self::Q5_0 => (32, 22),
            Self::Q5_1 => (32, 24),
            Self::Q8_0 => (32, 34),
            Self::Q4K => (256, 144),
            Self::Q5K => (256, 176),
            Self::Q6K => (256, 210),
        }
    }
}

/// Packs rows of numbers.
pub trait Quantizer: Send + Sync {
    /// Appends `values`, whole rows of `width` numbers, in a quantized format; `width` is a multiple of its block.
    ///
    /// # Errors
    /// Says why not.
    fn quantize(&self, format: Format, values: &[f32], width: usize, out: &mut Vec<u8>) -> Result<(), String>;
}

/// Knows [`Format::Q8_0`] alone.
#[derive(Debug, Clone, Copy, Default)]
pub struct Plain;

impl Quantizer for Plain {
    fn quantize(&self, format: Format, values: &[f32], _width: usize, out: &mut Vec<u8>) -> Result<(), String> {
        match format {
            Format::Q8_0 => {
                values.chunks_exact(32).for_each(|block| q8_0(block, out));
                Ok(())
            }
            other => Err(format!("{other:?} needs llama.cpp's quantizer")),
        }
    }
}

/// A block as `quantize_row_q8_0_ref` of ggml writes it: the scale in half precision, then the rounded quotients.
fn q8_0(block: &[f32], out: &mut Vec<u8>) {
    let largest = block.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    let scale = largest / 127.0;
    let inverse = if scale == 0.0 { 0.0 } else { 1.0 / scale };
    out.extend(f16::from_f32(scale).to_le_bytes());
    out.extend(block.iter().map(|value| (value * inverse).round() as i8 as u8));
}

/// Which numbers a file has of those that the checkpoint has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Precision {
    /// The same ones: half precision stays so, all others become single precision.
    Exact,
    /// Those of a quantization.
    Quantized(Quantization),
}

impl Precision {
    /// The format of a tensor whose numbers are of `dtype`; a quantization's as llama.cpp's quantizer chooses it
    /// (`llama_tensor_get_type`) without an importance matrix.
    pub(crate) fn format(self, dtype: Dtype, tensor: &Expected, config: &Config) -> Format {
        let width = match tensor.shape.as_slice() {
            [_, width] => *width,
            _ => return Format::F32,
        };
        match self {
            Self::Exact if dtype == Dtype::F16 => Format::F16,
            Self::Exact => Format::F32,
            Self::Quantized(Quantization::F16) => Format::F16,
            Self::Quantized(Quantization::Q8_0) => fitting(Format::Q8_0, width),
            Self::Quantized(Quantization::Q4KM) => fitting(mixed(tensor.role, width, config), width),
        }
    }

    /// llama.cpp's number for a file of tensors in these formats (`llama_ftype`).
    pub(crate) fn file_type(self, formats: &[Format]) -> u32 {
        match self {
            Self::Exact => u32::from(formats.contains(&Format::F16)),
            Self::Quantized(Quantization::F16) => 1,
            Self::Quantized(Quantization::Q8_0) => 7,
            Self::Quantized(Quantization::Q4KM) => 15,
        }
    }
}

fn mixed(role: Role, width: u64, config: &Config) -> Format {
    let layers = config.layers;
    let more = |layer: u64| layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2;
    match role {
        Role::Output if !width.is_multiple_of(256) => Format::Q8_0,
        Role::Embedding if config.tied && !width.is_multiple_of(256) => Format::Q8_0,
        Role::Output => Format::Q6K,
        Role::Embedding if config.tied => Format::Q6K,
        Role::Value(layer) if more(layer) => Format::Q6K,
        // Eight heads share these in models of 70 billion parameters.
        Role::Value(_) if is_70b(config) => Format::Q5K,
        Role::Down(layer) if more(layer) => Format::Q6K,
        _ => Format::Q4K,
    }
}

fn is_70b(config: &Config) -> bool {
    config.layers == 80 && (config.architecture == Architecture::Qwen2 || config.heads != config.kv_heads)
}

/// The format, or another for rows that its blocks do not divide (`tensor_type_fallback`).
fn fitting(format: Format, width: u64) -> Format {
    let divides = |format: Format| width.is_multiple_of(format.block().0);
    let smaller = match format {
        _ if divides(format) => return format,
        Format::Q4K => Format::Q5_0,
        Format::Q5K => Format::Q5_1,
        Format::Q6K => Format::Q8_0,
        other => other,
    };
    if divides(smaller) { smaller } else { Format::F16 }
}
