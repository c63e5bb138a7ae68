//! How the numbers of a model are kept, and which tensor is kept how.

use half::f16;

use crate::config::{Architecture, Config};
use crate::expected::{Expected, Role};
use crate::file_type::{FileType, Mixed, Part, Place};
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
    /// Appends the numbers that `packed`, whole blocks of the element type of ggml's number `kind`, stand for.
    ///
    /// # Errors
    /// Says why not: this one does not know the type.
    fn unpack(&self, kind: u32, _packed: &[u8], _out: &mut Vec<f32>) -> Result<(), String> {
        Err(format!("weights of ggml's type {kind} need llama.cpp's quantizer"))
    }

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
            Self::Quantized(quantization) => {
                let model = Mixed { tied: config.tied, is_70b: is_70b(config), ..Mixed::default() };
                FileType::from(quantization).format(part(tensor.role, config.layers), width, model)
            }
        }
    }

    /// llama.cpp's number for a file of tensors in these formats (`llama_ftype`).
    pub(crate) fn file_type(self, formats: &[Format]) -> u32 {
        match self {
            Self::Exact => u32::from(formats.contains(&Format::F16)),
            Self::Quantized(quantization) => FileType::from(quantization).number(),
        }
    }
}

fn part(role: Role, layers: u64) -> Part {
    let place = |at| Place { at, of: layers };
    match role {
        Role::Output => Part::Output,
        Role::Embedding => Part::Embedding,
        Role::Value(layer) => Part::Value(place(layer)),
        Role::Down(layer) => Part::Down(place(layer)),
        Role::Matrix | Role::Vector => Part::Other,
    }
}

fn is_70b(config: &Config) -> bool {
    config.layers == 80 && (config.architecture == Architecture::Qwen2 || config.heads != config.kv_heads)
}
