//! Plain text: it stays as it is.

use std::ops::Range;

use crate::encoding::decode;
use crate::extracted::Output;
use crate::limits::Budget;
use crate::{Block, BlockKind, Extracted, Format, Result};

pub(crate) fn extract(bytes: &[u8], charset: Option<&str>, budget: &Budget<'_>) -> Result<Extracted> {
    let (text, warnings) = read(bytes, charset);
    let blocks = paragraphs(&text, 0..text.len());
    let mut output = Output::verbatim(budget, text, blocks)?;
    output.warnings = warnings;
    output.finish(Format::Text)
}

/// A text as it stands, but with `\n` between its lines and without U+0000.
pub(crate) fn read(bytes: &[u8], charset: Option<&str>) -> (String, Vec<String>) {
    let decoded = decode(bytes, charset);
    let text = decoded.text.replace("\r\n", "\n").replace('\r', "\n").replace('\0', "");
    (text, decoded.warning.into_iter().collect())
}

/// What stands between empty lines.
pub(crate) fn paragraphs(text: &str, within: Range<usize>) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut at = within.start;
    let mut open = false;
    for line in text[within].split_inclusive('\n') {
        let content = line.trim();
        let start = at + (line.len() - line.trim_start().len());
        let end = start + content.len();
        at += line.len();
        match blocks.last_mut().filter(|_| open) {
            _ if content.is_empty() => open = false,
            Some(last) => last.span.end = end,
            None => {
                blocks.push(Block { kind: BlockKind::Paragraph, span: start..end, page: None });
                open = true;
            }
        }
    }
    blocks
}
