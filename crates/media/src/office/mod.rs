//! The office formats since 2007: XML in a ZIP archive (ECMA-376, ISO/IEC 29500).

pub(crate) mod docx;
mod numbering;
mod package;
pub(crate) mod pptx;
mod styles;
pub(crate) mod xlsx;
mod xml;

use crate::{Error, Format, Result};

/// Which format an archive is of, by what is in it; none for any other ZIP archive.
///
/// # Errors
/// [`Error::Corrupt`] where it is no sound archive.
pub(crate) fn format(bytes: &[u8]) -> Result<Option<Format>> {
    let archive = package::archive(bytes)?;
    let has = |name: &str| archive.index_for_name(name).is_some();
    let known = [
        ("word/document.xml", Format::Docx),
        ("xl/workbook.xml", Format::Xlsx),
        ("ppt/presentation.xml", Format::Pptx),
    ];
    if let Some((_, format)) = known.into_iter().find(|(part, _)| has(part)) {
        return Ok(Some(format));
    }
    // Main parts may have other names.
    let folder = |folder: &str| archive.file_names().flatten().any(|name| name.starts_with(folder));
    let folders = [("word/", Format::Docx), ("xl/", Format::Xlsx), ("ppt/", Format::Pptx)];
    Ok(folders.into_iter().find(|(name, _)| has("[Content_Types].xml") && folder(name)).map(|(_, format)| format))
}

/// Whether a document in the old container is an encrypted one of today: it has a stream of that name, in UTF-16.
pub(crate) fn is_encrypted(bytes: &[u8]) -> bool {
    let name: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
    bytes.windows(name.len()).any(|window| window == name)
}

/// A part that a document cannot be without.
fn missing(part: &str) -> Error {
    Error::corrupt(format!("it has no part `{part}`"))
}

#[cfg(test)]
mod tests;
