//! ggml's element types.

/// How tensors keep their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ElementType {
    /// ggml's number for it.
    pub number: u32,
    /// Its name.
    pub name: &'static str,
    /// Numbers of a block.
    pub block: u64,
    /// Bytes of a block.
    pub bytes: u64,
}

impl ElementType {
    /// The one of this number.
    #[must_use]
    pub fn of(number: u32) -> Option<Self> {
        let known = KNOWN.iter().find(|(known, ..)| *known == number);
        known.map(|(number, name, block, bytes)| Self { number: *number, name, block: *block, bytes: *bytes })
    }

    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let known = KNOWN.iter().find(|(_, known, ..)| *known == name)?;
        Self::of(known.0)
    }

    /// Whether each number is kept by itself, as exactly as its float allows.
    #[must_use]
    pub fn is_float(self) -> bool {
        matches!(self.name, "F64" | "F32" | "F16" | "BF16")
    }

    /// Whether numbers are packed in blocks that share a scale.
    #[must_use]
    pub fn is_packed(self) -> bool {
        self.block > 1
    }
}

/// Number, name, elements of a block, bytes of a block (`ggml-common.h`).
const KNOWN: [(u32, &str, u64, u64); 34] = [
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
