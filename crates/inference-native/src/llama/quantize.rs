//! ggml's packing of numbers into blocks.

use checkpoint::Format;
use llama_cpp_sys_2 as sys;

/// Appends `values`, whole rows of `width` numbers, packed in `format`, which is none that needs an importance matrix.
///
/// # Errors
/// Says why not.
pub(crate) fn pack(format: Format, values: &[f32], width: usize, out: &mut Vec<u8>) -> Result<(), String> {
    let (numbers, size) = format.block();
    if width == 0 || !width.is_multiple_of(numbers as usize) || !values.len().is_multiple_of(width) {
        return Err(format!("{} numbers in rows of {width} are no blocks of {format:?}", values.len()));
    }
    let rows = (values.len() / width) as i64;
    let start = out.len();
    let bytes = values.len() / numbers as usize * size as usize;
    out.resize(start + bytes, 0);
    let kind: sys::ggml_type = format.number();
    // SAFETY: the source holds `rows` rows of `width` numbers, the destination as many blocks as they fill, whose size
    // is ggml's own (a test compares them); the formats need no matrix.
    let written = unsafe {
        sys::ggml_quantize_chunk(
            kind,
            values.as_ptr(),
            out[start..].as_mut_ptr().cast(),
            0,
            rows,
            width as i64,
            std::ptr::null(),
        )
    };
    if written == bytes { Ok(()) } else { Err(format!("ggml packed {written} bytes instead of {bytes}")) }
}

#[cfg(test)]
#[path = "quantize_tests.rs"]
mod tests;
