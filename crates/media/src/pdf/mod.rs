//! PDF: what stands on the pages, in the order in which it is read.
//!
//! The pages are interpreted by `hayro`; [`page`] keeps where their characters and lines are,
//! [`frames`] turns what is written sideways. From that, [`segments`] makes pieces of lines, [`grid`] takes out tables with lines around their cells, [`columns`] finds the
//! columns and their order, [`aligned`] the tables without lines, and [`paragraphs`] joins lines.

mod aligned;
mod columns;
mod frames;
mod grid;
mod page;
mod paragraphs;
mod repeated;
mod rtl;
mod segments;

use hayro_interpret::hayro_syntax::{DecryptionError, LoadPdfError, Pdf};
use hayro_interpret::{InterpreterCache, InterpreterSettings};

use crate::encoding::decode;
use crate::extracted::Output;
use crate::limits::Budget;
use crate::{BlockKind, Error, Extracted, Format, Result};
use page::Page;
use paragraphs::{Element, ElementKind};

/// How much larger than most of the text a heading's letters are.
const HEADING_SIZE: f32 = 1.15;
/// Characters and lines of a heading.
const LONGEST_HEADING: (usize, usize) = (200, 3);
/// Pages that a warning names.
const MOST_NAMED: usize = 10;

pub(crate) fn extract(bytes: &[u8], budget: &Budget<'_>) -> Result<Extracted> {
    let pdf = Pdf::new(bytes.to_vec()).map_err(refusal)?;
    budget.check_pages(pdf.pages().len())?;
    let cache = InterpreterCache::new();
    let settings = InterpreterSettings::default();
    let mut pages = Vec::new();
    for page in pdf.pages().iter() {
        budget.check_time()?;
        pages.push(page::read(page, &cache, &settings));
    }
    check_text(&pages)?;
    let mut output = Output::new(budget);
    output.warnings = warnings(&pages);
    output.title = pdf.metadata().title.as_deref().map(text_string).filter(|title| !is_placeholder(title));
    let mut laid_out = Vec::new();
    for page in pages {
        budget.check_time()?;
        laid_out.push(frames::lay_out(page));
    }
    repeated::remove(&mut laid_out);
    let hyphenated = paragraphs::Hyphenated::of(&laid_out);
    let mut elements = Vec::new();
    for (page, number) in laid_out.into_iter().zip(1..) {
        budget.check_time()?;
        let others = page.others.into_iter().flat_map(columns::cut);
        for region in columns::cut(page.rows).into_iter().chain(others) {
            paragraphs::read(region, number, &hyphenated, &mut elements);
        }
    }
    write(&elements, &mut output)?;
    output.title = output.title.take().or_else(|| title_of(&elements));
    output.finish(Format::Pdf)
}

fn refusal(error: LoadPdfError) -> Error {
    match error {
        LoadPdfError::Decryption(DecryptionError::PasswordProtected) => Error::Encrypted,
        LoadPdfError::Decryption(DecryptionError::UnsupportedAlgorithm) => Error::Encrypted,
        LoadPdfError::Decryption(error) => Error::corrupt(format!("its encryption is not sound: {error:?}")),
        LoadPdfError::Invalid => Error::corrupt("it has no readable table of objects or of pages"),
    }
}

/// Refuses a file in which there is no text.
fn check_text(pages: &[Page]) -> Result<()> {
    let letters: usize = pages.iter().map(|page| page.letters).sum();
    let unknown: usize = pages.iter().map(|page| page.unknown).sum();
    let pictures = pages.iter().filter(|page| page.pictures > 0).count();
    match (letters > 0, unknown > 0) {
        (true, _) => Ok(()),
        (false, true) => Err(Error::no_text(
            "its fonts do not say which letters its signs are (text in pictures of pages is not read: there is no OCR)",
        )),
        (false, false) if pictures > 0 => Err(Error::no_text(format!(
            "{pictures} of its {} pages are pictures, such as scans; text in pictures is not read: there is no OCR",
            pages.len()
        ))),
        (false, false) => Err(Error::no_text(format!("nothing is written on its {} pages", pages.len()))),
    }
}

fn warnings(pages: &[Page]) -> Vec<String> {
    let mut warnings = Vec::new();
    let is_picture = |page: &&Page| page.letters == 0 && page.pictures > 0;
    let scans: Vec<String> = pages
        .iter()
        .zip(1..)
        .filter(|(page, _)| is_picture(page))
        .map(|(_, number): (_, u32)| number.to_string())
        .collect();
    if !scans.is_empty() {
        let more = scans.len().saturating_sub(MOST_NAMED);
        let and_more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let named = scans.iter().take(MOST_NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
        warnings.push(format!("pages {named}{and_more} are pictures without text; there is no OCR"));
    }
    let unknown: usize = pages.iter().map(|page| page.unknown).sum();
    if unknown > 0 {
        let all: usize = pages.iter().map(|page| page.letters).sum();
        warnings.push(format!(
            "{unknown} of {} signs are letters that the fonts do not name; they were left out",
            all + unknown
        ));
    }
    warnings
}

/// A text string of PDF: UTF-16 or UTF-8 with a byte order mark, else a set that is Latin-1 where it matters.
fn text_string(bytes: &[u8]) -> String {
    decode(bytes, Some("windows-1252")).text.into_owned()
}

/// What programs write for the title of a document without one.
fn is_placeholder(title: &str) -> bool {
    let title = title.trim().to_ascii_lowercase();
    matches!(title.as_str(), "" | "untitled" | "(anonymous)" | "unspecified") || title.starts_with("microsoft word - ")
}

fn write(elements: &[Element], output: &mut Output<'_>) -> Result<()> {
    let headings = Headings::of(elements);
    for element in elements {
        output.page = Some(element.page);
        let kind = match element.kind {
            ElementKind::Table => BlockKind::Table,
            ElementKind::Text { tagged: Some(level), .. } => BlockKind::Heading(level),
            ElementKind::Text { item: true, .. } => BlockKind::ListItem,
            ElementKind::Text { .. } => headings.level(element).map_or(BlockKind::Paragraph, BlockKind::Heading),
        };
        output.block(kind, &element.text)?;
    }
    Ok(())
}

/// The largest writing of the first page.
fn title_of(elements: &[Element]) -> Option<String> {
    let headings = Headings::of(elements);
    let first = elements.iter().filter(|element| element.page == 1 && headings.level(element).is_some());
    first.max_by(|a, b| a.size.total_cmp(&b.size).then(std::cmp::Ordering::Greater)).map(|element| element.text.clone())
}

/// The sizes of letters that make headings, the largest first.
struct Headings(Vec<f32>);

impl Headings {
    fn of(elements: &[Element]) -> Self {
        let size = |element: &Element| (element.size * 2.0).round() as i32;
        let mut letters: std::collections::BTreeMap<i32, usize> = std::collections::BTreeMap::new();
        for element in elements.iter().filter(|element| element.kind != ElementKind::Table) {
            *letters.entry(size(element)).or_default() += element.text.len();
        }
        let body = letters.iter().max_by_key(|(_, letters)| **letters).map_or(0.0, |(size, _)| *size as f32 / 2.0);
        let mut sizes: Vec<i32> = elements
            .iter()
            .filter(|element| element.size > body * HEADING_SIZE && could_be_heading(element))
            .map(size)
            .collect();
        sizes.sort_unstable_by(|a, b| b.cmp(a));
        sizes.dedup();
        Self(sizes.into_iter().map(|size| size as f32 / 2.0).collect())
    }

    fn level(&self, element: &Element) -> Option<u8> {
        let size = (element.size * 2.0).round() / 2.0;
        let place = self.0.iter().position(|heading| *heading == size).filter(|_| could_be_heading(element))?;
        u8::try_from(place.min(5) + 1).ok()
    }
}

fn could_be_heading(element: &Element) -> bool {
    let ElementKind::Text { lines, .. } = element.kind else { return false };
    let (characters, most_lines) = LONGEST_HEADING;
    lines <= most_lines && element.text.chars().count() <= characters && element.text.chars().any(char::is_alphabetic)
}
