//! A tensor's place in a GGUF file.

use checkpoint::ElementType;

/// A tensor's name, element type and place.
#[derive(Debug)]
pub(crate) struct Tensor {
    pub(crate) name: String,
    /// The element type's name.
    pub(crate) format: &'static str,
    pub(crate) elements: u64,
    pub(crate) is_matrix: bool,
    /// The numbers that go into its matrices and come out of them: the sum of their rows and columns.
    pub(crate) activations: u64,
    /// From the start of the tensors' data.
    pub(crate) offset: u64,
    pub(crate) bytes: u64,
}

impl Tensor {
    /// Checks the entry; an error says what is wrong.
    pub(crate) fn new(name: String, shape: &[u64], kind: u32, offset: u64) -> Result<Self, String> {
        let Some(ElementType { name: format, block, bytes: size, .. }) = ElementType::of(kind) else {
            return Err(format!("tensor `{name}` has the element type {kind}, which this build does not know"));
        };
        let row = shape.first().copied().unwrap_or(1);
        if row % block != 0 {
            return Err(format!("it is damaged: tensor `{name}` has rows of {row} elements, {format} packs {block}"));
        }
        let elements = shape.iter().try_fold(1_u64, |product, length| product.checked_mul(*length));
        let bytes = elements.and_then(|elements| (elements / block).checked_mul(size));
        match (elements, bytes) {
            (Some(elements), Some(bytes)) => {
                let is_matrix = shape.len() > 1;
                let matrices = shape.iter().skip(2).fold(1_u64, |product, length| product.saturating_mul(*length));
                let activations = match elements {
                    0 => 0,
                    _ => (elements / row).saturating_add(row.saturating_mul(matrices)),
                };
                Ok(Self { name, format, elements, is_matrix, activations, offset, bytes })
            }
            _ => Err(format!("it is damaged: tensor `{name}` is larger than any file")),
        }
    }
}
