//! Types of GGUF files, and which tensor of a type is kept how: the rules of llama.cpp's quantizer
//! (`llama_tensor_get_type` and what it calls, llama-quant.cpp) without an importance matrix.

use crate::quantization::{Format, Quantization};

/// What most weights of a file are kept as: llama.cpp's `llama_ftype`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileType {
    /// Half precision.
    F16,
    /// Eight-bit integers with a scale for each 32.
    Q8_0,
    /// Six bits.
    Q6K,
    /// Mostly five bits, what matters most six.
    Q5KM,
    /// Five bits.
    Q5KS,
    /// Mostly four bits, what matters most six.
    Q4KM,
    /// Mostly four bits, what matters most five.
    Q4KS,
}

impl FileType {
    /// All, the most exact first.
    pub const ALL: [Self; 7] = [Self::F16, Self::Q8_0, Self::Q6K, Self::Q5KM, Self::Q5KS, Self::Q4KM, Self::Q4KS];

    /// The one of this name, in upper or lower case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name().eq_ignore_ascii_case(name))
    }

    /// Its name, as llama.cpp writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::F16 => "F16",
            Self::Q8_0 => "Q8_0",
            Self::Q6K => "Q6_K",
            Self::Q5KM => "Q5_K_M",
            Self::Q5KS => "Q5_K_S",
            Self::Q4KM => "Q4_K_M",
            Self::Q4KS => "Q4_K_S",
        }
    }

    /// llama.cpp's number for it: `general.file_type`.
    #[must_use]
    pub fn number(self) -> u32 {
        match self {
            Self::F16 => 1,
            Self::Q8_0 => 7,
            Self::Q4KS => 14,
            Self::Q4KM => 15,
            Self::Q5KS => 16,
            Self::Q5KM => 17,
            Self::Q6K => 18,
        }
    }

    fn base(self) -> Format {
        match self {
            Self::F16 => Format::F16,
            Self::Q8_0 => Format::Q8_0,
            Self::Q6K => Format::Q6K,
            Self::Q5KM | Self::Q5KS => Format::Q5K,
            Self::Q4KM | Self::Q4KS => Format::Q4K,
        }
    }

    /// How a matrix is kept whose rows have `width` numbers.
    pub(crate) fn format(self, part: Part, width: u64, model: Mixed) -> Format {
        match self {
            Self::F16 => Format::F16,
            _ => fitting(self.mixed(part, width, model), width),
        }
    }

    fn mixed(self, part: Part, width: u64, model: Mixed) -> Format {
        let base = self.base();
        match part {
            Part::Embedding if !model.tied => base,
            Part::Output | Part::Embedding => {
                if model.falcon || base == Format::Q8_0 || !width.is_multiple_of(base.block().0) {
                    Format::Q8_0
                } else {
                    Format::Q6K
                }
            }
            Part::Value(_) | Part::Key if model.eight_experts => Format::Q8_0,
            Part::Value(place) => match self {
                Self::Q4KM | Self::Q5KM if place.matters() => Format::Q6K,
                Self::Q4KS if place.at < 4 => Format::Q5K,
                // Eight heads share these in models of 70 billion parameters.
                _ if model.is_70b && base == Format::Q4K => Format::Q5K,
                _ => base,
            },
            Part::Down(place) => match self {
                Self::Q4KM if model.falcon && place.at < place.of / 16 => Format::Q6K,
                Self::Q4KM if model.falcon && place.matters() => Format::Q5K,
                Self::Q4KM if model.falcon => Format::Q4K,
                Self::Q4KM | Self::Q5KM if place.matters() => Format::Q6K,
                Self::Q4KS if !model.falcon && place.at < place.of / 8 => Format::Q5K,
                _ => base,
            },
            Part::AttentionOutput if model.eight_experts && !model.falcon && base == Format::Q4K => Format::Q5K,
            Part::AttentionOutput | Part::Key | Part::Other => base,
        }
    }
}

impl From<Quantization> for FileType {
    fn from(quantization: Quantization) -> Self {
        match quantization {
            Quantization::F16 => Self::F16,
            Quantization::Q8_0 => Self::Q8_0,
            Quantization::Q4KM => Self::Q4KM,
        }
    }
}

/// What a matrix is for, as far as its format depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Embedding,
    Output,
    /// Values, alone or with queries and keys.
    Value(Place),
    Key,
    AttentionOutput,
    /// Back to the hidden size.
    Down(Place),
    Other,
}

/// The how-manieth of how many of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) at: u64,
    pub(crate) of: u64,
}

impl Place {
    /// Whether the mixtures keep it in more bits: the first and the last eighth, and every third between (`use_more_bits`).
    fn matters(self) -> bool {
        let Self { at, of } = self;
        at < of / 8 || at >= 7 * of / 8 || (at - of / 8) % 3 == 2
    }
}

/// What of a model the mixtures look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Mixed {
    /// The embeddings are the output matrix, too.
    pub(crate) tied: bool,
    pub(crate) is_70b: bool,
    pub(crate) falcon: bool,
    pub(crate) eight_experts: bool,
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
