//! What comes out of a file.

use std::ops::Range;

use crate::limits::Budget;
use crate::{Error, Format, Result};

/// The text of a file and what it is made of.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Extracted {
    /// What the file is, whatever its name says.
    pub format: Format,
    /// The text. Lines end with `\n`; there is no U+0000.
    pub text: String,
    /// The pieces of the text in its order; they do not overlap. Between them stand line breaks only, or what a Markdown
    /// or plain text has there.
    pub blocks: Vec<Block>,
    /// The language of most of the text; none where the text is too short to tell.
    pub language: Option<Language>,
    /// The file's own title.
    pub title: Option<String>,
    /// What was left out or guessed, in sentences.
    pub warnings: Vec<String>,
}

/// A piece of the text.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Block {
    /// What it is.
    pub kind: BlockKind,
    /// Where it is: bytes of the text. It is not empty.
    pub span: Range<usize>,
    /// The page of a PDF or the slide of a PPTX that it begins on, from 1.
    pub page: Option<u32>,
}

/// What a piece of the text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum BlockKind {
    /// A heading of a level from 1 to 6.
    Heading(u8),
    /// A paragraph.
    Paragraph,
    /// An item of a list, with its bullet or number.
    ListItem,
    /// A table, in Markdown.
    Table,
    /// Text whose spaces and line breaks matter.
    Code,
    /// A row of a CSV or XLSX, a value of a JSON.
    Row,
}

/// A language.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Language {
    /// ISO 639-1; of a language that has no two letters there, the three of ISO 639-3.
    pub code: String,
    /// From 0 to 1.
    pub confidence: f64,
}

/// A text that is being written block by block.
pub(crate) struct Output<'a> {
    budget: &'a Budget<'a>,
    text: String,
    blocks: Vec<Block>,
    /// The page of the blocks that follow.
    pub(crate) page: Option<u32>,
    pub(crate) title: Option<String>,
    pub(crate) warnings: Vec<String>,
}

impl<'a> Output<'a> {
    pub(crate) fn new(budget: &'a Budget<'a>) -> Self {
        Self { budget, text: String::new(), blocks: Vec::new(), page: None, title: None, warnings: Vec::new() }
    }

    /// A text that stays as it is.
    pub(crate) fn verbatim(budget: &'a Budget<'a>, text: String, blocks: Vec<Block>) -> Result<Self> {
        budget.check_text(text.len())?;
        Ok(Self { text, blocks, ..Self::new(budget) })
    }

    /// Appends a block: rows and items of a list a line below what they follow, everything else after an empty line.
    /// One without letters, digits or signs is left out.
    pub(crate) fn block(&mut self, kind: BlockKind, content: &str) -> Result<()> {
        self.budget.check_time()?;
        self.budget.check_text(self.text.len() + content.len() + 2)?;
        let cleaned = clean(content);
        let content = match kind {
            BlockKind::Code => cleaned.trim_end().trim_start_matches('\n'),
            _ => cleaned.trim(),
        };
        if content.trim().is_empty() {
            return Ok(());
        }
        if let Some(last) = self.blocks.last() {
            let close = last.kind == kind && matches!(kind, BlockKind::Row | BlockKind::ListItem);
            self.text.push_str(if close { "\n" } else { "\n\n" });
        }
        let start = self.text.len();
        self.text.push_str(content);
        self.budget.check_text(self.text.len())?;
        self.blocks.push(Block { kind, span: start..self.text.len(), page: self.page });
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Takes the first heading for the title of a file that has none.
    pub(crate) fn title_from_heading(&mut self) {
        let heading = || self.blocks.iter().find(|block| matches!(block.kind, BlockKind::Heading(_)));
        if self.title.is_none() {
            self.title = heading().and_then(|block| self.text.get(block.span.clone())).map(str::to_owned);
        }
    }

    pub(crate) fn finish(self, format: Format) -> Result<Extracted> {
        if self.text.trim().is_empty() {
            return Err(Error::no_text(format!("it is a {format} of nothing but space")));
        }
        let language = crate::language::detect(&self.text);
        let title = self.title.map(|title| clean(&title).split_whitespace().collect::<Vec<_>>().join(" "));
        Ok(Extracted {
            format,
            text: self.text,
            blocks: self.blocks,
            language,
            title: title.filter(|title| !title.is_empty()),
            warnings: self.warnings,
        })
    }
}

impl Extracted {
    /// Whether spans are in the text, in order, on characters, and the text is clean.
    pub(crate) fn is_sound(&self) -> bool {
        let mut at = 0;
        let in_order = self.blocks.iter().all(|block| {
            let sound = block.span.start >= at
                && block.span.start < block.span.end
                && self.text.get(block.span.clone()).is_some_and(|text| !text.trim().is_empty());
            at = block.span.end;
            sound
        });
        in_order && !self.text.contains(['\0', '\r'])
    }
}

/// Line breaks as `\n`, no-break spaces as spaces, and none of what is not seen: control characters, soft hyphens,
/// byte order marks.
pub(crate) fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\r' => {
                characters.next_if_eq(&'\n');
                cleaned.push('\n');
            }
            '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => cleaned.push('\n'),
            '\u{a0}' | '\u{202f}' | '\u{2007}' => cleaned.push(' '),
            '\u{ad}' | '\u{feff}' => {}
            '\n' | '\t' => cleaned.push(character),
            character if character.is_control() => {}
            character => cleaned.push(character),
        }
    }
    cleaned
}

/// A text in which runs of spaces are one space. Line breaks stay.
pub(crate) fn squeeze(text: &str) -> String {
    let lines = text.split('\n').map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
#[path = "extracted_tests.rs"]
mod tests;
