//! PPTX: the text of the slides in their order, with their tables and notes (ECMA-376, part 1, §19 and §21.1).

use super::package::{Package, Relationship};
use super::xml::{Token, Xml};
use super::{docx, missing};
use crate::extracted::{Output, squeeze};
use crate::limits::Budget;
use crate::{BlockKind, Extracted, Format, Result, table};

const PRESENTATION: &str = "ppt/presentation.xml";

pub(crate) fn extract(bytes: &[u8], budget: &Budget<'_>) -> Result<Extracted> {
    let mut package = Package::open(bytes, budget)?;
    let parts = package.relationships("")?;
    let target = |kind: &str| parts.iter().find(|part| part.is(kind)).map(|part| part.target.clone());
    let main = target("officeDocument").unwrap_or_else(|| PRESENTATION.to_owned());
    let text = package.part(&main)?.ok_or_else(|| missing(&main))?;
    let slides = slides(&text, &package.relationships(&main)?)?;
    budget.check_pages(slides.len())?;
    let mut output = Output::new(budget);
    if let Some(properties) = target("core-properties") {
        output.title = docx::title(package.part(&properties)?.as_deref().unwrap_or_default())?;
    }
    for (slide, number) in slides.iter().zip(1..) {
        output.page = Some(number);
        let text = package.part(slide)?.ok_or_else(|| missing(slide))?;
        read(&text, true, &mut output)?;
        let related = package.relationships(slide)?;
        if let Some(notes) = related.iter().find(|part| part.is("notesSlide")) {
            read(package.part(&notes.target)?.as_deref().unwrap_or_default(), false, &mut output)?;
        }
    }
    output.title_from_heading();
    output.finish(Format::Pptx)
}

/// The parts of the slides, in order.
fn slides(presentation: &str, related: &[Relationship]) -> Result<Vec<String>> {
    let mut xml = Xml::new(presentation);
    let mut slides = Vec::new();
    while let Some(token) = xml.next()? {
        let Token::Start(tag) = token else { continue };
        // Its own id and that of the relationship have the same name but for their prefixes; only one is related.
        let of = |id: &str| related.iter().find(|part| part.id == id && part.is("slide"));
        if tag.name == "sldId"
            && let Some(slide) = tag.values("id").find_map(of)
        {
            slides.push(slide.target.clone());
        }
    }
    Ok(slides)
}

/// Reads the shapes of a slide or of its notes.
fn read(slide: &str, titles: bool, output: &mut Output<'_>) -> Result<()> {
    let mut xml = Xml::new(slide);
    let mut kind = BlockKind::Paragraph;
    let mut left_out = false;
    while let Some(token) = xml.next()? {
        let Token::Start(tag) = token else { continue };
        match tag.name.as_str() {
            "sp" => (kind, left_out) = (BlockKind::Paragraph, false),
            "ph" => match tag.attribute("type") {
                Some("title" | "ctrTitle") if titles => kind = BlockKind::Heading(1),
                Some("sldNum" | "dt" | "ftr" | "hdr" | "sldImg") => left_out = true,
                _ => {}
            },
            "tbl" => output.block(BlockKind::Table, &table::markdown(&rows(&mut xml)?))?,
            "p" => {
                let text = paragraph(&mut xml)?;
                if !left_out {
                    output.block(kind, &text)?;
                }
            }
            "Fallback" => xml.skip()?,
            _ => {}
        }
    }
    Ok(())
}

fn paragraph(xml: &mut Xml<'_>) -> Result<String> {
    let within = xml.depth();
    let mut text = String::new();
    while xml.depth() >= within {
        match xml.next()? {
            Some(Token::Start(tag)) if tag.name == "t" => text.push_str(&xml.text()?),
            Some(Token::Start(tag)) if tag.name == "br" => text.push('\n'),
            Some(_) => {}
            None => break,
        }
    }
    Ok(squeeze(&text))
}

fn rows(xml: &mut Xml<'_>) -> Result<Vec<Vec<String>>> {
    let within = xml.depth();
    let mut rows: Vec<Vec<String>> = Vec::new();
    while xml.depth() >= within {
        let Some(token) = xml.next()? else { break };
        let Token::Start(tag) = token else { continue };
        match tag.name.as_str() {
            "tr" => rows.push(Vec::new()),
            "tc" => {
                if let Some(row) = rows.last_mut() {
                    row.push(String::new());
                }
            }
            "p" => {
                let text = paragraph(xml)?;
                if let Some(cell) = rows.last_mut().and_then(|row| row.last_mut()) {
                    cell.push_str(if cell.is_empty() { "" } else { " " });
                    cell.push_str(&text);
                }
            }
            _ => {}
        }
    }
    Ok(rows)
}
