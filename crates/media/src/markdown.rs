//! Markdown: it stays as it is; its structure is read.

use std::ops::Range;

use pulldown_cmark::{Event, HeadingLevel, MetadataBlockKind, Options, Parser, Tag, TagEnd};

use crate::extracted::Output;
use crate::limits::Budget;
use crate::{Block, BlockKind, Extracted, Format, Result, text};

pub(crate) fn extract(bytes: &[u8], charset: Option<&str>, budget: &Budget<'_>) -> Result<Extracted> {
    let (text, warnings) = text::read(bytes, charset);
    let mut reader = Reader { text: &text, blocks: Vec::new(), items: Vec::new(), title: None, heading: None };
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    for (event, range) in Parser::new_ext(&text, options).into_offset_iter() {
        budget.check_time()?;
        reader.take(&event, range);
    }
    let Reader { mut blocks, title, heading, .. } = reader;
    blocks.retain(|block| !block.span.is_empty());
    let mut output = Output::verbatim(budget, text, blocks)?;
    output.title = title.or(heading);
    output.warnings = warnings;
    output.finish(Format::Markdown)
}

struct Reader<'a> {
    text: &'a str,
    blocks: Vec<Block>,
    /// The items of lists that are open, the outermost first.
    items: Vec<Item>,
    /// What the metadata at the top names it.
    title: Option<String>,
    /// The first heading of level 1.
    heading: Option<String>,
}

/// An item of a list. It ends where a list begins in it.
struct Item {
    block: Option<usize>,
    ended: bool,
}

impl Reader<'_> {
    fn take(&mut self, event: &Event<'_>, range: Range<usize>) {
        match event {
            Event::Start(tag) => self.open(tag, range),
            Event::End(TagEnd::Item) => {
                self.items.pop();
            }
            Event::Rule => self.block(BlockKind::Paragraph, range),
            _ => {}
        }
    }

    fn open(&mut self, tag: &Tag<'_>, range: Range<usize>) {
        match tag {
            Tag::Heading { level, .. } => {
                if *level == HeadingLevel::H1 && self.heading.is_none() {
                    self.heading = self.text.get(range.clone()).map(heading_text);
                }
                self.block(BlockKind::Heading(*level as u8), range);
            }
            Tag::List(_) => {
                if let Some(item) = self.items.last_mut().filter(|item| !item.ended) {
                    item.ended = true;
                    if let Some(block) = item.block.and_then(|at| self.blocks.get_mut(at)) {
                        let end = range.start.clamp(block.span.start, block.span.end);
                        block.span = trimmed(self.text, block.span.start..end);
                    }
                }
            }
            Tag::Item => {
                let before = self.blocks.len();
                self.block(BlockKind::ListItem, range);
                let block = (self.blocks.len() > before).then_some(before);
                self.items.push(Item { block, ended: false });
            }
            Tag::Table(_) => self.block(BlockKind::Table, range),
            Tag::CodeBlock(_) => self.block(BlockKind::Code, range),
            Tag::Paragraph | Tag::HtmlBlock => self.block(BlockKind::Paragraph, range),
            Tag::MetadataBlock(MetadataBlockKind::YamlStyle) => {
                self.title = self.text.get(range.clone()).and_then(yaml_title);
                self.block(BlockKind::Code, range);
            }
            _ => {}
        }
    }

    /// Adds a block, unless it is part of an item. Blocks come in the order of the text.
    fn block(&mut self, kind: BlockKind, range: Range<usize>) {
        let in_item = kind != BlockKind::ListItem && self.items.last().is_some_and(|item| !item.ended);
        let done = self.blocks.last().map_or(0, |last| last.span.end);
        let span = trimmed(self.text, range.start.max(done)..range.end.max(done));
        if !in_item && !span.is_empty() {
            self.blocks.push(Block { kind, span, page: None });
        }
    }
}

/// A span without the space at its ends.
fn trimmed(text: &str, span: Range<usize>) -> Range<usize> {
    let Some(content) = text.get(span.clone()) else { return span.start..span.start };
    let start = span.start + (content.len() - content.trim_start().len());
    start..start + content.trim().len()
}

/// A heading without its marks.
fn heading_text(source: &str) -> String {
    let line = source.trim().lines().next().unwrap_or_default();
    line.trim_start_matches('#').trim_end_matches('#').trim().to_owned()
}

/// `title:` of the metadata at the top.
fn yaml_title(source: &str) -> Option<String> {
    let value = source.lines().find_map(|line| line.strip_prefix("title:"))?.trim();
    let title = value.trim_matches(['"', '\'']);
    (!title.is_empty()).then(|| title.to_owned())
}

#[cfg(test)]
#[path = "markdown_tests.rs"]
mod tests;
