//! What a file is, by its bytes first.

use std::fmt;

use crate::encoding::looks_like_text;

/// What text comes out of, for messages.
pub(crate) const FORMATS: &str = "PDF, DOCX, XLSX, PPTX, HTML, Markdown, CSV, JSON and plain text";

/// Bytes in which a format shows itself.
const HEAD: usize = 4096;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub enum Format {
    /// Plain text.
    Text,
    /// Markdown.
    Markdown,
    /// HTML.
    Html,
    /// PDF.
    Pdf,
    /// Word's documents since 2007.
    Docx,
    /// Excel's workbooks since 2007.
    Xlsx,
    /// PowerPoint's presentations since 2007.
    Pptx,
    /// Rows of values between commas, semicolons, tabs or bars.
    Csv,
    /// JSON, or JSON values one after the other.
    Json,
}

impl Format {
    /// Its name as people write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Markdown => "Markdown",
            Self::Html => "HTML",
            Self::Pdf => "PDF",
            Self::Docx => "DOCX",
            Self::Xlsx => "XLSX",
            Self::Pptx => "PPTX",
            Self::Csv => "CSV",
            Self::Json => "JSON",
        }
    }

    /// Whether nothing in its bytes tells it from other text.
    fn is_written(self) -> bool {
        matches!(self, Self::Text | Self::Markdown | Self::Html | Self::Csv | Self::Json)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a file is: by its first bytes where those tell, else by its name, else by the media type that it was declared
/// with. None for what is not read. `head` is the file or at least its first 4 KiB.
#[must_use]
pub fn sniff(name: &str, declared_type: Option<&str>, head: &[u8]) -> Option<Format> {
    let named = || by_name(name).or_else(|| declared_type.and_then(by_type));
    match content(head) {
        Content::Pdf => Some(Format::Pdf),
        Content::Html => Some(Format::Html),
        Content::Zip(Some(format)) => Some(format),
        Content::Zip(None) => named().filter(|format| matches!(format, Format::Docx | Format::Xlsx | Format::Pptx)),
        Content::Text => Some(named().filter(|format| format.is_written()).unwrap_or(Format::Text)),
        Content::Binary(_) => None,
    }
}

/// What the bytes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    Pdf,
    Html,
    /// A ZIP archive, of an office format where its first entries show one.
    Zip(Option<Format>),
    Text,
    /// What is not read.
    Binary(&'static str),
}

/// What a file's first bytes say.
pub(crate) fn content(head: &[u8]) -> Content {
    let head = &head[..head.len().min(HEAD)];
    let has = |needle: &[u8]| head.windows(needle.len()).any(|window| window == needle);
    if head[..head.len().min(1024)].windows(5).any(|window| window == b"%PDF-") {
        return Content::Pdf;
    }
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        let shown = [(&b"word/"[..], Format::Docx), (b"xl/", Format::Xlsx), (b"ppt/", Format::Pptx)];
        return Content::Zip(shown.into_iter().find(|(folder, _)| has(folder)).map(|(_, format)| format));
    }
    let known = BINARIES.iter().find(|(offset, magic, _)| head.get(*offset..).is_some_and(|at| at.starts_with(magic)));
    if let Some((_, _, kind)) = known {
        return Content::Binary(kind);
    }
    match looks_like_text(head) {
        true if begins_html(head) => Content::Html,
        true => Content::Text,
        false => Content::Binary("binary data of an unknown kind"),
    }
}

/// Offset, bytes there, and what begins so.
const BINARIES: &[(usize, &[u8], &str)] = &[
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OLE),
    (0, b"{\\rtf", "a Rich Text document"),
    (0, b"\x89PNG", "a PNG picture"),
    (0, b"\xff\xd8\xff", "a JPEG picture"),
    (0, b"GIF8", "a GIF picture"),
    (0, b"II*\0", "a TIFF picture"),
    (0, b"MM\0*", "a TIFF picture"),
    (8, b"WEBP", "a WebP picture"),
    (4, b"ftyp", "a film or a recording"),
    (0, b"\x1aE\xdf\xa3", "a film"),
    (0, b"ID3", "a recording"),
    (0, b"OggS", "a recording"),
    (0, b"RIFF", "a recording"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"BZh", "a bzip2 archive"),
    (0, b"\xfd7zXZ", "an xz archive"),
    (0, b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (0, b"7z\xbc\xaf", "a 7z archive"),
    (0, b"Rar!", "a RAR archive"),
    (257, b"ustar", "a tar archive"),
    (0, b"\x7fELF", "a program"),
    (0, b"SQLite format 3", "a SQLite database"),
    (0, b"%!PS", "a PostScript document"),
    (0, b"PAR1", "a Parquet table"),
];

/// Office formats until 2003, and encrypted ones of today.
pub(crate) const OLE: &str = "a document in the binary office formats of before 2007";

fn begins_html(head: &[u8]) -> bool {
    let text: String =
        head.iter().filter(|byte| **byte != 0).map(|byte| char::from(byte.to_ascii_lowercase())).collect();
    let mut rest = text.trim_start_matches(|c: char| !c.is_ascii() || c.is_ascii_whitespace());
    if rest.starts_with("<?xml") {
        return rest.contains("<html");
    }
    while let Some((_, after)) = rest.strip_prefix("<!--").and_then(|comment| comment.split_once("-->")) {
        rest = after.trim_start();
    }
    ["<!doctype html", "<html", "<head", "<body"].iter().any(|tag| rest.starts_with(tag))
}

/// What a file's name says.
pub(crate) fn by_name(name: &str) -> Option<Format> {
    let (_, extension) = name.rsplit_once('.')?;
    Some(match extension.to_ascii_lowercase().as_str() {
        "txt" | "text" | "log" => Format::Text,
        "md" | "markdown" | "mdown" | "mkd" => Format::Markdown,
        "html" | "htm" | "xhtml" => Format::Html,
        "pdf" => Format::Pdf,
        "docx" | "docm" | "dotx" => Format::Docx,
        "xlsx" | "xlsm" | "xltx" => Format::Xlsx,
        "pptx" | "pptm" | "ppsx" => Format::Pptx,
        "csv" | "tsv" => Format::Csv,
        "json" | "jsonl" | "ndjson" => Format::Json,
        _ => return None,
    })
}

fn by_type(declared: &str) -> Option<Format> {
    let office = |kind: &str| declared.contains(&format!("officedocument.{kind}"));
    let essence = declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    Some(match essence.as_str() {
        "text/plain" => Format::Text,
        "text/markdown" | "text/x-markdown" => Format::Markdown,
        "text/html" | "application/xhtml+xml" => Format::Html,
        "application/pdf" => Format::Pdf,
        "text/csv" | "text/tab-separated-values" => Format::Csv,
        "application/json" | "application/x-ndjson" | "application/jsonl" => Format::Json,
        _ if office("wordprocessingml") => Format::Docx,
        _ if office("spreadsheetml") => Format::Xlsx,
        _ if office("presentationml") => Format::Pptx,
        _ => return None,
    })
}

#[cfg(test)]
#[path = "sniff_tests.rs"]
mod tests;
