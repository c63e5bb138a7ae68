//! A tensor's place in a GGUF file.

/// A tensor's name, element type and place.
#[derive(Debug)]
pub(crate) struct Tensor {
    pub(crate) name: String,
    /// The element type's name.
    pub(crate) format: &'static str,
    pub(crate) elements: u64,
    pub(crate) is_matrix: bool,
    /// From the start of the tensors' data.
    pub(crate) offset: u64,
    pub(crate) bytes: u64,
}

impl Tensor {
    /// Checks the entry; an error says what is wrong.
    pub(crate) fn new(name: String, shape: &[u64], kind: u32, offset: u64) -> Result<Self, String> {
        let Some((_, format, block, size)) = FORMATS.iter().find(|(number, ..)| *number == kind) else {
            return Err(format!("tensor `{name}` has the element type {kind}, which this build does not know"));
        };
        let row = shape.first().copied().unwrap_or(1);
        if row % block != 0 {
            return Err(format!("it is damaged: tensor `{name}` has rows of {row} elements, {format} packs {block}"));
        }
        let elements = shape.iter().try_fold(1_u64, |product, length| product.checked_mul(*length));
        let bytes = elements.and_then(|elements| (elements / block).checked_mul(*size));
        match (elements, bytes) {
            (Some(elements), Some(bytes)) => {
                let is_matrix = shape.len() > 1;
                Ok(Self { name, format, elements, is_matrix, offset, bytes })
            }
            _ => Err(format!("it is damaged: tensor `{name}` is larger than any file")),
        }
    }
}

/// ggml's element types: number, name, elements of a block, bytes of a block (`ggml-common.h`).
const FORMATS: [(u32, &str, u64, u64); 34] = [
    (0, "F32", 1, 4),
    (1, "F16", 1, 2),
    (2, "Q4_0", 32, 18),
    (3, "Q4_1", 32, 20),
    (6, "Q5_0", 32, 22),
    (7, "Q5_1", 32, 24),
    (8, "Q8_0", 32, 34),
    (9, "Q8_1", 32, 36),
    (10, "Q2_K", 256, 84),
    (11, "Q3_K", 256, 110),
    (12, "Q4_K", 256, 144),
    (13, "Q5_K", 256, 176),
    (14, "Q6_K", 256, 210),
    (15, "Q8_K", 256, 292),
    (16, "IQ2_XXS", 256, 66),
    (17, "IQ2_XS", 256, 74),
    (18, "IQ3_XXS", 256, 98),
    (19, "IQ1_S", 256, 50),
    (20, "IQ4_NL", 32, 18),
    (21, "IQ3_S", 256, 110),
    (22, "IQ2_S", 256, 82),
    (23, "IQ4_XS", 256, 136),
    (24, "I8", 1, 1),
    (25, "I16", 1, 2),
    (26, "I32", 1, 4),
    (27, "I64", 1, 8),
    (28, "F64", 1, 8),
    (29, "IQ1_M", 256, 56),
    (30, "BF16", 1, 2),
    (34, "TQ1_0", 256, 54),
    (35, "TQ2_0", 256, 66),
    (39, "MXFP4", 32, 17),
    (40, "NVFP4", 64, 36),
    (41, "Q1_0", 128, 18),
];
