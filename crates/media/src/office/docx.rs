//! DOCX: paragraphs, headings, lists with their numbers, tables and notes (ECMA-376, part 1, §17).

use super::missing;
use super::numbering::Numbering;
use super::package::Package;
use super::styles::Styles;
use super::xml::{Tag, Token, Xml};
use crate::extracted::{Output, squeeze};
use crate::limits::Budget;
use crate::{BlockKind, Extracted, Format, Result, table};

/// The main part's name where the relationships do not tell.
const DOCUMENT: &str = "word/document.xml";

pub(crate) fn extract(bytes: &[u8], budget: &Budget<'_>) -> Result<Extracted> {
    let mut package = Package::open(bytes, budget)?;
    let parts = package.relationships("")?;
    let target = |kind: &str| parts.iter().find(|part| part.is(kind)).map(|part| part.target.clone());
    let main = target("officeDocument").unwrap_or_else(|| DOCUMENT.to_owned());
    let text = package.part(&main)?.ok_or_else(|| missing(&main))?;
    let mut output = Output::new(budget);
    if let Some(properties) = target("core-properties") {
        output.title = title(package.part(&properties)?.as_deref().unwrap_or_default())?;
    }
    let related = package.relationships(&main)?;
    let mut part = |kind: &str| match related.iter().find(|part| part.is(kind)) {
        Some(part) => Ok(package.part(&part.target)?.unwrap_or_default()),
        None => Ok(String::new()),
    };
    let styles = Styles::read(&part("styles")?)?;
    let numbering = Numbering::read(&part("numbering")?)?;
    let mut reader = Reader { xml: Xml::new(&text), styles: &styles, numbering, notes: Vec::new() };
    reader.blocks(&mut |kind, text| output.block(kind, text))?;
    let notes = reader.notes;
    for kind in [Note::Foot, Note::End] {
        let text = part(kind.part())?;
        write_notes(&text, kind, &notes, &styles, &mut output)?;
    }
    output.title_from_heading();
    output.finish(Format::Docx)
}

/// The title among a document's properties.
pub(super) fn title(properties: &str) -> Result<Option<String>> {
    let mut xml = Xml::new(properties);
    while let Some(token) = xml.next()? {
        if matches!(&token, Token::Start(tag) if tag.name == "title") {
            return Ok(Some(xml.text()?).filter(|title| !title.trim().is_empty()));
        }
    }
    Ok(None)
}

/// Takes a block.
type Sink<'a> = &'a mut dyn FnMut(BlockKind, &str) -> Result<()>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Note {
    Foot,
    End,
}

impl Note {
    /// The relationship to the part with its texts.
    fn part(self) -> &'static str {
        match self {
            Self::Foot => "footnotes",
            Self::End => "endnotes",
        }
    }
}

struct Reader<'a> {
    xml: Xml<'a>,
    styles: &'a Styles,
    numbering: Numbering,
    /// The notes that the text refers to, in its order; a note's number is its place.
    notes: Vec<(Note, String)>,
}

/// What a paragraph is.
#[derive(Default)]
struct Properties {
    style: Option<String>,
    outline: Option<u8>,
    list: Option<String>,
    level: Option<usize>,
}

impl Reader<'_> {
    /// Reads the blocks up to the end of the element that is open, or of the part.
    fn blocks(&mut self, sink: Sink<'_>) -> Result<()> {
        let within = self.xml.depth();
        while let Some(token) = self.xml.next()? {
            match token {
                Token::Start(tag) => match tag.name.as_str() {
                    "p" => self.paragraph(sink)?,
                    "tbl" => self.table(sink)?,
                    name if is_unread(name) => self.xml.skip()?,
                    _ => {}
                },
                _ if self.xml.depth() < within => return Ok(()),
                _ => {}
            }
        }
        Ok(())
    }

    fn paragraph(&mut self, sink: Sink<'_>) -> Result<()> {
        let within = self.xml.depth();
        let mut properties = Properties::default();
        let mut text = String::new();
        // Boxes with text are anchored in paragraphs; they follow.
        let mut boxes: Vec<(BlockKind, String)> = Vec::new();
        let mut hidden = false;
        while self.xml.depth() >= within {
            let Some(token) = self.xml.next()? else { break };
            let Token::Start(tag) = token else { continue };
            match tag.name.as_str() {
                "pPr" => properties = self.properties()?,
                "r" => hidden = false,
                "rPr" => hidden = self.is_hidden()?,
                "t" => {
                    let piece = self.xml.text()?;
                    text.push_str(if hidden { "" } else { &piece });
                }
                "tab" | "ptab" => text.push(' '),
                "br" | "cr" => text.push('\n'),
                "noBreakHyphen" => text.push('-'),
                "footnoteReference" => self.note(Note::Foot, &tag, &mut text),
                "endnoteReference" => self.note(Note::End, &tag, &mut text),
                "txbxContent" => self.blocks(&mut |kind, text| {
                    boxes.push((kind, text.to_owned()));
                    Ok(())
                })?,
                name if is_unread(name) => self.xml.skip()?,
                _ => {}
            }
        }
        self.write(&properties, &text, sink)?;
        boxes.iter().try_for_each(|(kind, text)| sink(*kind, text))
    }

    fn write(&mut self, properties: &Properties, text: &str, sink: Sink<'_>) -> Result<()> {
        let text = squeeze(text);
        let text = text.trim();
        let style = properties.style.as_deref().unwrap_or_default();
        let outline = properties.outline.filter(|level| *level < 9).map(|level| (level + 1).min(6));
        let heading = outline.or_else(|| self.styles.heading(style));
        let of_style = self.styles.numbering(style);
        let level = properties.level.or(of_style.as_ref().map(|(_, level)| *level)).unwrap_or(0);
        let list = properties.list.clone().or(of_style.map(|(list, _)| list));
        if text.is_empty() {
            return Ok(());
        }
        let label = list.and_then(|list| self.numbering.next(&list, level));
        match (heading, label) {
            (Some(level), None) => sink(BlockKind::Heading(level), text),
            (Some(level), Some(label)) if label == "-" => sink(BlockKind::Heading(level), text),
            (Some(level), Some(label)) => sink(BlockKind::Heading(level), &format!("{label} {text}")),
            (None, Some(label)) => sink(BlockKind::ListItem, &format!("{label} {text}")),
            (None, None) => sink(BlockKind::Paragraph, text),
        }
    }

    fn properties(&mut self) -> Result<Properties> {
        let within = self.xml.depth();
        let mut properties = Properties::default();
        while self.xml.depth() >= within {
            let Some(token) = self.xml.next()? else { break };
            let Token::Start(tag) = token else { continue };
            let number = || tag.value().and_then(|value| value.parse::<usize>().ok());
            match tag.name.as_str() {
                "pStyle" => properties.style = tag.value().map(str::to_owned),
                "outlineLvl" => properties.outline = number().and_then(|level| u8::try_from(level).ok()),
                "numId" => properties.list = tag.value().map(str::to_owned),
                "ilvl" => properties.level = number(),
                "rPr" | "pPrChange" => self.xml.skip()?,
                _ => {}
            }
        }
        Ok(properties)
    }

    fn is_hidden(&mut self) -> Result<bool> {
        let within = self.xml.depth();
        let mut hidden = false;
        while self.xml.depth() >= within {
            let Some(token) = self.xml.next()? else { break };
            let Token::Start(tag) = token else { continue };
            match tag.name.as_str() {
                "vanish" => hidden = tag.is_on(),
                "rPrChange" => self.xml.skip()?,
                _ => {}
            }
        }
        Ok(hidden)
    }

    fn note(&mut self, kind: Note, tag: &Tag, text: &mut String) {
        let id = tag.attribute("id").unwrap_or_default().to_owned();
        self.notes.push((kind, id));
        text.push_str(&format!("[^{}]", self.notes.len()));
    }

    fn table(&mut self, sink: Sink<'_>) -> Result<()> {
        let within = self.xml.depth();
        let mut rows: Vec<Vec<String>> = Vec::new();
        while self.xml.depth() >= within {
            let Some(token) = self.xml.next()? else { break };
            let Token::Start(tag) = token else { continue };
            match tag.name.as_str() {
                "tr" => rows.push(Vec::new()),
                "tc" => {
                    let cell = self.cell()?;
                    if let Some(row) = rows.last_mut() {
                        row.extend(cell);
                    }
                }
                name if is_unread(name) => self.xml.skip()?,
                _ => {}
            }
        }
        match rows.as_slice() {
            // A box around text is no table.
            [row] if row.len() == 1 => row.iter().try_for_each(|text| sink(BlockKind::Paragraph, text)),
            rows => sink(BlockKind::Table, &table::markdown(rows)),
        }
    }

    /// A cell, with the empty ones that it covers to its right. One that continues the cell above is empty.
    fn cell(&mut self) -> Result<Vec<String>> {
        let within = self.xml.depth();
        let mut text = String::new();
        let (mut span, mut continues) = (1_usize, false);
        while self.xml.depth() >= within {
            let Some(token) = self.xml.next()? else { break };
            let Token::Start(tag) = token else { continue };
            let mut add = |_: BlockKind, block: &str| {
                text.push_str(if text.is_empty() { "" } else { "\n" });
                text.push_str(block);
                Ok(())
            };
            match tag.name.as_str() {
                "gridSpan" => span = tag.value().and_then(|span| span.parse().ok()).unwrap_or(1).clamp(1, 64),
                "vMerge" => continues = tag.value() != Some("restart"),
                "p" => self.paragraph(&mut add)?,
                "tbl" => self.table(&mut add)?,
                name if is_unread(name) => self.xml.skip()?,
                _ => {}
            }
        }
        let mut cells = vec![if continues { String::new() } else { text }];
        cells.resize(span, String::new());
        Ok(cells)
    }
}

/// What was deleted, stands for something else or is no text.
fn is_unread(name: &str) -> bool {
    matches!(name, "Fallback" | "del" | "moveFrom" | "instrText" | "delText" | "sectPr" | "tblPr" | "trPr" | "sdtPr")
}

/// Writes the notes that the text refers to.
fn write_notes(
    part: &str,
    kind: Note,
    notes: &[(Note, String)],
    styles: &Styles,
    output: &mut Output<'_>,
) -> Result<()> {
    let mut reader = Reader { xml: Xml::new(part), styles, numbering: Numbering::default(), notes: Vec::new() };
    while let Some(token) = reader.xml.next()? {
        let Token::Start(tag) = token else { continue };
        if !matches!(tag.name.as_str(), "footnote" | "endnote") {
            continue;
        }
        let id = tag.attribute("id").unwrap_or_default();
        let number = notes.iter().position(|(of, note)| *of == kind && note == id);
        let mut text = String::new();
        reader.blocks(&mut |_, block| {
            text.push_str(if text.is_empty() { "" } else { "\n" });
            text.push_str(block);
            Ok(())
        })?;
        if let Some(number) = number {
            output.block(BlockKind::Paragraph, &format!("[^{}]: {text}", number + 1))?;
        }
    }
    Ok(())
}
