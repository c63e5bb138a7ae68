//! What chunks are made of: sentences, and parts of those that are longer than a chunk may be.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation as _;

/// The most bytes that count as one token. Tokenizers give up on long words and make one token of them, and some bytes
/// belong to none at all; chunks keep a size nevertheless.
const TOKEN_BYTES: usize = 64;

/// A part of a text that belongs together: a paragraph, a row, a heading. Regions are in the text's order and do not overlap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Region {
    /// Its bytes.
    pub(crate) span: Range<usize>,
    /// The page that it is on.
    pub(crate) page: Option<u32>,
}

/// Where the tokens of a text begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tokens {
    /// Ascending.
    starts: Vec<usize>,
}

impl Tokens {
    /// Counts the tokens of a text by where the embedding model's lie, and long stretches without a token's beginning
    /// by their bytes.
    pub(crate) fn new(text: &str, spans: &[Range<usize>]) -> Self {
        let blank = |from: usize, to: usize| text[from..to].trim().is_empty();
        let whole = |span: &&Range<usize>| {
            span.end <= text.len()
                && text.is_char_boundary(span.start)
                && text.is_char_boundary(span.end)
                && !blank(span.start, span.end)
        };
        let (mut starts, mut last) = (Vec::with_capacity(spans.len()), 0);
        for begin in spans.iter().filter(whole).map(|span| span.start).chain([text.len()]) {
            while begin.saturating_sub(last) > TOKEN_BYTES {
                last = text.ceil_char_boundary(last + TOKEN_BYTES);
                if last < begin && !blank(last, text.ceil_char_boundary(last + TOKEN_BYTES).min(begin)) {
                    starts.push(last);
                }
            }
            // Several tokens of one character begin with it.
            if begin < text.len() && starts.last().is_none_or(|start| *start < begin) {
                starts.push(begin);
            }
            last = last.max(begin);
        }
        Self { starts }
    }

    /// How many tokens begin within these bytes.
    pub(crate) fn within(&self, span: &Range<usize>) -> usize {
        self.before(span.end) - self.before(span.start)
    }

    fn before(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start < at)
    }
}

/// What a chunk has whole or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) span: Range<usize>,
    pub(super) page: Option<u32>,
    pub(super) tokens: usize,
}

/// The units of a text, which cover it; none has more than `max` tokens.
pub(super) fn units(text: &str, regions: &[Region], tokens: &Tokens, max: usize) -> Vec<Unit> {
    let mut units = Vec::new();
    for (span, page) in covering(text.len(), regions) {
        let sentences = text[span.clone()].split_sentence_bounds().scan(span.start, |at, sentence| {
            let span = *at..*at + sentence.len();
            *at = span.end;
            Some(span)
        });
        for span in sentences {
            push(&mut units, text, Unit { tokens: tokens.within(&span), span, page });
        }
    }
    units.into_iter().flat_map(|unit| halves(text, tokens, unit, max.max(1))).collect()
}

/// The regions, stretched so that they cover the text.
fn covering(length: usize, regions: &[Region]) -> Vec<(Range<usize>, Option<u32>)> {
    let Some(first) = regions.first() else { return vec![(0..length, None)] };
    let starts = std::iter::once(0).chain(regions[1..].iter().map(|region| region.span.start));
    let ends = regions[1..].iter().map(|region| region.span.start).chain([length]);
    let pages = std::iter::once(first.page).chain(regions[1..].iter().map(|region| region.page));
    let spans = starts.zip(ends).map(|(start, end)| start..end.max(start));
    spans.zip(pages).filter(|(span, _)| !span.is_empty()).collect()
}

/// Adds a unit; one that is blank belongs to the one before it, and a blank beginning to the one after it.
fn push(units: &mut Vec<Unit>, text: &str, unit: Unit) {
    let blank = |unit: &Unit| text[unit.span.clone()].trim().is_empty();
    let Some(last) = units.last_mut() else { return units.push(unit) };
    if blank(&unit) {
        last.span.end = unit.span.end;
        last.tokens += unit.tokens;
    } else if blank(last) {
        *last = Unit { span: last.span.start..unit.span.end, tokens: last.tokens + unit.tokens, ..unit };
    } else {
        units.push(unit);
    }
}

/// A unit in parts of at most `max` tokens, cut before tokens, and rather after a space than within a word.
fn halves(text: &str, tokens: &Tokens, unit: Unit, max: usize) -> Vec<Unit> {
    if unit.tokens <= max {
        return vec![unit];
    }
    let (mut parts, mut start) = (Vec::new(), unit.span.start);
    while start < unit.span.end {
        let first = tokens.before(start);
        let latest = match tokens.starts.get(first + max) {
            Some(at) if *at < unit.span.end => *at,
            _ => unit.span.end,
        };
        let end = if latest == unit.span.end { latest } else { place(text, &tokens.starts, (first, max), latest) };
        let span = start..end;
        parts.push(Unit { tokens: tokens.within(&span), span, page: unit.page });
        start = end;
    }
    parts
}

/// The last beginning of a token after a space, in the last quarter of the part; else the latest there may be.
fn place(text: &str, starts: &[usize], (first, max): (usize, usize), latest: usize) -> usize {
    let candidates = &starts[first + max - max / 4..=first + max];
    let after_space = |at: &&usize| text[..**at].ends_with(char::is_whitespace);
    candidates.iter().rev().find(after_space).copied().unwrap_or(latest)
}
