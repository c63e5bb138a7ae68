//! Rows of a column into paragraphs, items of lists and tables.

use std::collections::HashSet;

use super::aligned;
use super::frames::LaidOut;
use super::segments::Row;
use crate::table;

/// Parts of the letters' size: how far a line may be below the last of its paragraph where none tells the usual; how far
/// one is indented.
const FAR: f32 = 2.2;
const INDENT: f32 = 0.8;
/// How much further than usual below the last line a new paragraph begins.
const WIDER: f32 = 1.35;
/// How much the letters of a paragraph differ in size.
const SAME_SIZE: f32 = 0.12;
/// The part of a column's width that the last line of a paragraph leaves free.
const SHORT: f32 = 0.8;

/// A piece of a document.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Element {
    pub(super) text: String,
    pub(super) kind: ElementKind,
    /// The size of its letters.
    pub(super) size: f32,
    /// The page that it begins on, from 1.
    pub(super) page: u32,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum ElementKind {
    Table,
    Text {
        lines: usize,
        /// It begins with a bullet or a number.
        item: bool,
        /// The level of a heading that it is marked as.
        tagged: Option<u8>,
    },
}

/// Words that a document writes with a hyphen within a line: at a line's end they keep it.
pub(super) struct Hyphenated(HashSet<String>);

impl Hyphenated {
    pub(super) fn of(pages: &[LaidOut]) -> Self {
        let rows = pages.iter().flat_map(|page| &page.rows);
        let texts: Vec<String> = rows.map(Row::text).collect();
        let words = texts.iter().flat_map(|text| text.split_whitespace());
        let inner = words.map(bare).filter(|word| word.contains('-'));
        Self(inner.collect())
    }

    /// Whether a word that a line's end divides is one word without the hyphen there.
    fn is_divided(&self, first: &str, second: &str) -> bool {
        let begins_small = second.starts_with(char::is_lowercase);
        let ends_small = first.trim_end_matches('-').ends_with(char::is_lowercase);
        begins_small && ends_small && !self.0.contains(&bare(&format!("{first}{second}")))
    }
}

fn bare(word: &str) -> String {
    word.trim_matches(|character: char| !character.is_alphanumeric()).to_lowercase()
}

/// Reads the rows of one column.
pub(super) fn read(rows: Vec<Row>, page: u32, hyphenated: &Hyphenated, elements: &mut Vec<Element>) {
    let region = Region::of(&rows);
    let first_new = elements.len();
    let mut open: Option<Open> = None;
    let mut at = 0;
    while at < rows.len() {
        let row = &rows[at];
        if row.is_table() {
            close(&mut open, page, hyphenated, elements);
            let text = row.segments.iter().map(|piece| piece.text.as_str()).collect::<Vec<_>>().join("\n\n");
            elements.push(Element { text, kind: ElementKind::Table, size: row.size(), page });
            at += 1;
            continue;
        }
        if let Some((length, cells)) = aligned::table(&rows[at..]) {
            close(&mut open, page, hyphenated, elements);
            elements.push(Element { text: table::markdown(&cells), kind: ElementKind::Table, size: row.size(), page });
            at += length;
            continue;
        }
        let line = Line::of(row);
        if open.as_ref().is_some_and(|open| !open.goes_on(&line, &region)) {
            close(&mut open, page, hyphenated, elements);
        }
        open.get_or_insert_default().lines.push(line);
        at += 1;
    }
    close(&mut open, page, hyphenated, elements);
    join_across(first_new, hyphenated, elements);
}

/// A paragraph that ends a column in the midst of a sentence goes on in the next.
fn join_across(first_new: usize, hyphenated: &Hyphenated, elements: &mut Vec<Element>) {
    let Some(last) = first_new.checked_sub(1) else { return };
    let [before, after] = [elements.get(last), elements.get(first_new)];
    let Some((before, after)) = before.zip(after) else { return };
    let is_prose = |element: &Element| matches!(element.kind, ElementKind::Text { tagged: None, .. });
    let is_item = matches!(after.kind, ElementKind::Text { item: true, .. });
    let unfinished = before.text.ends_with(|character: char| character.is_alphanumeric() || ",;-".contains(character));
    let same = (before.size - after.size).abs() <= SAME_SIZE * before.size;
    let goes_on = after.text.starts_with(char::is_lowercase);
    if is_prose(before) && is_prose(after) && !is_item && unfinished && same && goes_on && before.text.len() > 40 {
        let after = elements.remove(first_new);
        let before = &mut elements[last];
        append(&mut before.text, &after.text, hyphenated);
        if let (ElementKind::Text { lines, .. }, ElementKind::Text { lines: more, .. }) = (&mut before.kind, after.kind)
        {
            *lines += more;
        }
    }
}

/// A row as a line of prose.
#[derive(Debug, Clone)]
struct Line {
    text: String,
    x0: f32,
    x1: f32,
    y: f32,
    size: f32,
    heading: Option<u8>,
    marked: bool,
}

impl Line {
    fn of(row: &Row) -> Self {
        let text = row.text();
        // The size of most of its letters.
        let most = row.segments.iter().max_by_key(|piece| piece.text.len());
        Self {
            marked: is_marker(&text),
            x0: row.x0(),
            x1: row.x1(),
            y: row.y(),
            size: most.map_or(0.0, |piece| piece.size),
            heading: row.segments.iter().find_map(|piece| piece.heading),
            text,
        }
    }
}

/// What is usual in a column.
struct Region {
    x0: f32,
    x1: f32,
    /// How far lines are below each other, where there are enough to tell.
    step: Option<f32>,
}

impl Region {
    fn of(rows: &[Row]) -> Self {
        let x0 = rows.iter().map(Row::x0).fold(f32::MAX, f32::min);
        let x1 = rows.iter().map(Row::x1).fold(f32::MIN, f32::max);
        let mut steps: Vec<f32> = rows.windows(2).map(|pair| pair[1].y() - pair[0].y()).collect();
        let size = rows.iter().map(Row::size).fold(0.0, f32::max);
        steps.retain(|step| *step > 0.0 && *step < FAR * size);
        steps.sort_by(f32::total_cmp);
        // Gaps between paragraphs are the larger ones.
        let step = (steps.len() >= 4).then(|| steps[steps.len() / 3]);
        Self { x0, x1, step }
    }
}

/// A paragraph that is being read.
#[derive(Debug, Default)]
struct Open {
    lines: Vec<Line>,
}

impl Open {
    fn goes_on(&self, line: &Line, region: &Region) -> bool {
        let (Some(first), Some(last)) = (self.lines.first(), self.lines.last()) else { return true };
        let size = last.size.max(line.size);
        let step = line.y - last.y;
        let usual = region.step.filter(|step| *step >= 0.8 * size).unwrap_or(FAR / WIDER * size);
        let near = step > 0.0 && step <= WIDER * usual;
        let alike = (last.size - line.size).abs() <= SAME_SIZE * size && last.heading == line.heading;
        let width = region.x1 - region.x0;
        let ended = last.text.ends_with(['.', '!', '?', ':', ';', '。', '！', '？']);
        let short = last.x1 < region.x0 + SHORT * width;
        let begins = line.text.starts_with(|character: char| character.is_uppercase() || character.is_numeric());
        // In its list an item's further lines are indented; a paragraph's are not.
        let indented = self.lines.len() > 1 && line.x0 > last.x0 + INDENT * size && ended;
        let outdented = first.marked && line.x0 < first.x0 - INDENT * size;
        near && alike && !line.marked && !(ended && short && begins && !first.marked) && !indented && !outdented
    }
}

fn close(open: &mut Option<Open>, page: u32, hyphenated: &Hyphenated, elements: &mut Vec<Element>) {
    let Some(Open { lines }) = open.take() else { return };
    let Some(first) = lines.first() else { return };
    let mut text = String::new();
    for line in &lines {
        append(&mut text, &line.text, hyphenated);
    }
    let longest = lines.iter().max_by_key(|line| line.text.len()).map_or(first.size, |line| line.size);
    let kind = ElementKind::Text { lines: lines.len(), item: first.marked, tagged: first.heading };
    elements.push(Element { text, kind, size: longest, page });
}

/// Adds a line: after a space, but not within a word that the line's end divides, and not between signs of scripts
/// without spaces.
fn append(text: &mut String, line: &str, hyphenated: &Hyphenated) {
    let last = text.split_whitespace().next_back().unwrap_or_default();
    let next = line.split_whitespace().next().unwrap_or_default();
    if text.is_empty() {
    } else if last.len() > 1 && last.ends_with(['-', '\u{2010}']) {
        if hyphenated.is_divided(&last.replace('\u{2010}', "-"), next) {
            text.pop();
        }
    } else if !(text.ends_with(is_unspaced) && line.starts_with(is_unspaced)) {
        text.push(' ');
    }
    text.push_str(line);
}

/// Signs of Chinese and Japanese, which write no spaces.
fn is_unspaced(character: char) -> bool {
    matches!(character, '\u{3000}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ff60}')
}

/// Whether a line begins with a bullet, or with a number or letter such as `1.`, `2)`, `(a)` or `iv.`.
pub(super) fn is_marker(text: &str) -> bool {
    let Some((first, _)) = text.split_once(' ') else { return false };
    if matches!(first, "•" | "◦" | "▪" | "■" | "●" | "○" | "‣" | "·" | "–" | "-" | "*" | "—" | "►" | "➢" | "✓" | "o")
    {
        return true;
    }
    let Some(inner) = first.strip_suffix(['.', ')']) else { return false };
    let inner = inner.strip_prefix('(').unwrap_or(inner);
    let number = inner.len() <= 3 && inner.bytes().all(|byte| byte.is_ascii_digit());
    let letter = inner.len() == 1 && inner.bytes().all(|byte| byte.is_ascii_alphabetic());
    let roman = inner.len() <= 5 && inner.bytes().all(|byte| b"ivx".contains(&byte));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let sections = inner.len() <= 8 && inner.contains('.') && inner.split('.').all(is_number);
    !inner.is_empty() && (number || letter || roman || sections)
}

#[cfg(test)]
#[path = "paragraphs_tests.rs"]
mod tests;
