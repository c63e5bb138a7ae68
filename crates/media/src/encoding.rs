//! Bytes into text.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// Bytes that tell whether a text has two bytes a character.
const HEAD: usize = 1024;

/// A text, and the encoding that it was not declared to have or that was guessed.
pub(crate) struct Decoded<'a> {
    pub(crate) text: Cow<'a, str>,
    pub(crate) warning: Option<String>,
}

/// Decodes: by a byte order mark, as UTF-8 where the bytes are, as declared, or as it looks.
pub(crate) fn decode<'a>(bytes: &'a [u8], declared: Option<&str>) -> Decoded<'a> {
    if let Some((encoding, length)) = Encoding::for_bom(bytes) {
        return with(encoding, &bytes[length..], "its byte order mark says");
    }
    if let Some(encoding) = wide(bytes) {
        return with(encoding, bytes, "it looks like");
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Decoded { text: Cow::Borrowed(text), warning: None };
    }
    let declared = declared.and_then(|label| Encoding::for_label(label.trim().as_bytes()));
    if let Some(encoding) = declared.filter(|encoding| *encoding != UTF_8) {
        return with(encoding, bytes, "it declares");
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    with(detector.guess(None, Utf8Detection::Deny), bytes, "it looks like")
}

fn with<'a>(encoding: &'static Encoding, bytes: &'a [u8], why: &str) -> Decoded<'a> {
    let (text, lossy) = encoding.decode_without_bom_handling(bytes);
    let name = encoding.name();
    let warning = match (encoding == UTF_8, lossy) {
        (true, false) => None,
        (true, true) => Some("some bytes are not UTF-8 and were replaced".to_owned()),
        (false, false) => Some(format!("its text was read as {name}, which {why}")),
        (false, true) => {
            Some(format!("its text was read as {name}, which {why}; some bytes are not and were replaced"))
        }
    };
    Decoded { text, warning }
}

/// UTF-16 without a byte order mark: most of its text has a zero in every other byte.
fn wide(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = &bytes[..bytes.len().min(HEAD)];
    let pairs = head.len() / 2;
    let zeros = |odd: usize| head.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    let (high, low) = (zeros(0), zeros(1));
    match pairs >= 2 && bytes.len().is_multiple_of(2) {
        true if low * 10 > pairs * 7 && high * 10 < pairs => Some(UTF_16LE),
        true if high * 10 > pairs * 7 && low * 10 < pairs => Some(UTF_16BE),
        _ => None,
    }
}

/// Whether the beginning of a file is text of any encoding.
pub(crate) fn looks_like_text(head: &[u8]) -> bool {
    if Encoding::for_bom(head).is_some() || wide(head).is_some() {
        return true;
    }
    let control = |byte: &&u8| matches!(byte, 0..=8 | 14..=26 | 28..=31 | 127);
    !head.contains(&0) && head.iter().filter(control).count() * 50 <= head.len()
}

#[cfg(test)]
#[path = "encoding_tests.rs"]
mod tests;
