//! Where the sentences of a text are: by Unicode's rules (UAX #29), over lines that were wrapped and not after
//! abbreviations.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation as _;

#[cfg(test)]
mod tests;

/// Words that end with a full stop within sentences, without it, in lower case.
const ABBREVIATIONS: [&str; 44] = [
    "abs", "al", "app", "approx", "art", "bzw", "ca", "cf", "co", "corp", "dept", "dr", "e.g", "ed", "eds", "env",
    "est", "etc", "fig", "i.e", "inc", "jr", "ltd", "max", "min", "mr", "mrs", "ms", "mt", "no", "nr", "nos", "p",
    "pp", "prof", "rev", "sec", "sr", "st", "u.a", "usw", "v", "vs", "z.b",
];

/// The sentences of a text, in order, without the white space around them. Headings, the items of lists and the rows of
/// tables each are one.
pub(crate) fn sentences(text: &str) -> Vec<Range<usize>> {
    let unwrapped = unwrap(text);
    let mut found: Vec<Range<usize>> = Vec::new();
    for (start, segment) in unwrapped.split_sentence_bound_indices() {
        let inner = segment.trim();
        if inner.is_empty() {
            continue;
        }
        let start = start + (segment.len() - segment.trim_start().len());
        let end = start + inner.len();
        match found.last_mut() {
            Some(last) if goes_on(&unwrapped, last, start) => last.end = end,
            _ => found.push(start..end),
        }
    }
    found
}

/// The text with the line ends within paragraphs as spaces: as many bytes, so that places stay what they are.
fn unwrap(text: &str) -> String {
    let mut unwrapped = String::with_capacity(text.len());
    let mut lines = text.split('\n').peekable();
    while let Some(line) = lines.next() {
        unwrapped.push_str(line);
        if let Some(next) = lines.peek() {
            unwrapped.push(if is_wrapped(line, next) { ' ' } else { '\n' });
        }
    }
    unwrapped
}

/// Whether a line goes on in the next one.
fn is_wrapped(line: &str, next: &str) -> bool {
    let (line, next) = (line.trim_end(), next.trim_start());
    let is_whole = line.is_empty()
        || line.ends_with(['.', '!', '?', ':', ';', '|', '\u{3002}', '\u{ff01}', '\u{ff1f}', '\u{964}']);
    let stands_alone = line.trim_start().starts_with(['#', '|', '>']);
    !is_whole && !stands_alone && !next.is_empty() && !begins_block(next)
}

/// Whether a line begins a heading, a quotation, a table's row or an item of a list.
fn begins_block(line: &str) -> bool {
    if line.starts_with(['#', '|', '>', '•', '–', '—']) {
        return true;
    }
    if line.starts_with(['-', '*', '+']) {
        return line[1..].starts_with(' ');
    }
    let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
    number.len() < line.len()
        && line.len() - number.len() <= 3
        && number.starts_with([')', '.'])
        && number[1..].starts_with(' ')
}

/// Whether what begins at `next` belongs to the sentence before it.
fn goes_on(text: &str, before: &Range<usize>, next: usize) -> bool {
    if text[before.end..next].contains('\n') {
        return false;
    }
    let Some(stem) = text[before.clone()].strip_suffix('.') else { return false };
    let word = stem.rsplit(|c: char| c.is_whitespace() || c == '(').next().unwrap_or(stem);
    // An initial; `I` ends sentences.
    let initial = word.chars().count() == 1 && word.chars().all(|c| c.is_uppercase() && c != 'I');
    // The number of an item.
    let item = !word.is_empty() && word.chars().all(|c| c.is_ascii_digit()) && stem == word;
    initial || item || ABBREVIATIONS.contains(&word.to_lowercase().as_str())
}
