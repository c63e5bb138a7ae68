//! ggml's packing of numbers into blocks.

use checkpoint::{ElementType, Format};
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

/// Appends the numbers that `packed`, whole blocks of the element type, stand for.
///
/// # Errors
/// Says why not.
pub(crate) fn unpack(kind: u32, packed: &[u8], out: &mut Vec<f32>) -> Result<(), String> {
    let element = ElementType::of(kind).ok_or_else(|| format!("there is no element type {kind}"))?;
    if !packed.len().is_multiple_of(element.bytes as usize) {
        return Err(format!("{} bytes are no blocks of {}", packed.len(), element.name));
    }
    let count = packed.len() / element.bytes as usize * element.block as usize;
    // SAFETY: ggml knows the type, as a test compares the table with it; its traits live for ever.
    let to_float = unsafe { sys::ggml_get_type_traits(kind).as_ref() }.and_then(|traits| traits.to_float);
    let to_float = to_float.ok_or_else(|| format!("{} cannot be turned into numbers", element.name))?;
    let start = out.len();
    out.resize(start + count, 0.0);
    // SAFETY: the source holds the blocks of `count` numbers, for which the destination has room.
    unsafe { to_float(packed.as_ptr().cast(), out[start..].as_mut_ptr(), count as i64) };
    Ok(())
}

#[cfg(test)]
#[path = "quantize_tests.rs"]
mod tests;
