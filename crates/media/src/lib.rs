//! Text out of files.
//!
//! [`extract`] reads a PDF, DOCX, XLSX, PPTX, HTML, Markdown, CSV, JSON or plain text and gives its text in reading
//! order with what it is made of. Files are strangers': a program that called [`apart::isolate`] reads each of them in a
//! process apart, which has little memory, little time, and neither files nor network. `docs/documents.md` says what
//! becomes of each format.
//!
//! ```
//! let page = b"<html><title>Returns</title><nav>Home</nav><h1>Returning a car</h1><p>Within an hour.</p></html>";
//! let extracted = media::extract("returns.html", None, page, &media::Limits::default())?;
//! assert_eq!(extracted.text, "Returning a car\n\nWithin an hour.");
//! assert_eq!(extracted.title.as_deref(), Some("Returns"));
//! assert_eq!(extracted.blocks[0].kind, media::BlockKind::Heading(1));
//! # Ok::<(), media::Error>(())
//! ```

pub mod apart;
mod csv;
mod encoding;
mod error;
mod extracted;
mod html;
mod json;
mod language;
mod limits;
mod markdown;
mod office;
mod pdf;
mod rows;
mod sniff;
mod table;
mod text;

pub use error::{Error, Result};
pub use extracted::{Block, BlockKind, Extracted, Language};
pub use language::detect as detect_language;
pub use limits::Limits;
pub use sniff::{Format, sniff};

use limits::Budget;
use sniff::{Content, OLE, by_name};

/// Reads a file's text. `name` is its file name or key, `declared_type` the media type that came with it; both are
/// believed only where the bytes do not tell. Takes up to [`Limits::time`] and blocks the thread.
///
/// # Errors
/// What keeps the file from being read: every [`Error`].
pub fn extract(name: &str, declared_type: Option<&str>, bytes: &[u8], limits: &Limits) -> Result<Extracted> {
    limits.admit(bytes.len() as u64)?;
    match apart::processes() {
        Some(processes) => processes.extract(name, declared_type, bytes, limits),
        None => extract_here(name, declared_type, bytes, limits),
    }
}

/// Reads a file's text in this process.
fn extract_here(name: &str, declared_type: Option<&str>, bytes: &[u8], limits: &Limits) -> Result<Extracted> {
    limits.admit(bytes.len() as u64)?;
    let budget = Budget::new(limits);
    // Readers of strangers' bytes are not all free of panics; they hold nothing that outlives one.
    let read = std::panic::AssertUnwindSafe(|| read(name, declared_type, bytes, &budget));
    let mut extracted = std::panic::catch_unwind(read).unwrap_or_else(|panic| {
        let message = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref().copied());
        Err(Error::corrupt(format!("its reader stopped: {}", message.unwrap_or("it does not say why"))))
    })?;
    let named = by_name(name).filter(|named| *named != extracted.format);
    if let Some(named) = named {
        extracted.warnings.insert(0, format!("it is named as {named} but is {}", extracted.format));
    }
    Ok(extracted)
}

fn read(name: &str, declared_type: Option<&str>, bytes: &[u8], budget: &Budget<'_>) -> Result<Extracted> {
    let unsupported = |kind: &str| Error::Unsupported { name: name.to_owned(), kind: kind.to_owned() };
    let charset = declared_type.and_then(charset);
    let found = match sniff::content(bytes) {
        Content::Binary(OLE) if office::is_encrypted(bytes) => return Err(Error::Encrypted),
        Content::Binary(kind) => return Err(damaged(name, bytes).unwrap_or_else(|| unsupported(kind))),
        // The whole archive tells more than its beginning.
        Content::Zip(_) => office::format(bytes)?,
        _ => sniff(name, declared_type, bytes),
    };
    match found.ok_or_else(|| unsupported("a ZIP archive"))? {
        Format::Pdf => pdf::extract(bytes, budget),
        Format::Docx => office::docx::extract(bytes, budget),
        Format::Xlsx => office::xlsx::extract(bytes, budget),
        Format::Pptx => office::pptx::extract(bytes, budget),
        Format::Html => html::extract(bytes, charset, budget),
        Format::Text => text::extract(bytes, charset, budget),
        Format::Markdown => markdown::extract(bytes, charset, budget),
        Format::Csv => csv::extract(bytes, charset, budget),
        Format::Json => json::extract(bytes, charset, budget),
    }
}

/// Why a file that is named as one that is read is not one: it has lost its beginning.
fn damaged(name: &str, bytes: &[u8]) -> Option<Error> {
    let named = by_name(name)?;
    let unknown = matches!(sniff::content(bytes), Content::Binary(kind) if kind.contains("unknown"));
    unknown.then(|| Error::corrupt(format!("it is named as {named}, but its bytes are of no known format")))
}

/// The `charset` of a media type.
fn charset(declared_type: &str) -> Option<&str> {
    let value = declared_type.split(';').skip(1).find_map(|parameter| parameter.trim().strip_prefix("charset="))?;
    Some(value.trim_matches('"'))
}

#[cfg(test)]
mod tests;
