//! Where a text says what was asked.

use std::collections::BTreeSet;

use crate::analysis::{Language, tokens};

#[cfg(test)]
mod tests;

/// A place in a text, both in bytes of its UTF-8 form and in characters; the end is the place after the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
    /// The first character.
    pub start_char: usize,
    /// The character after the last.
    pub end_char: usize,
}

/// The places in `text` whose terms the query has, in order, those that touch or overlap joined. Both are analysed by
/// the rules of `language`, as they are for ranking.
#[must_use]
pub fn spans(text: &str, query: &str, language: Language) -> Vec<Span> {
    let wanted: Vec<String> = tokens(query, language).into_iter().map(|token| token.term).collect();
    spans_of(text, &wanted.iter().map(String::as_str).collect(), language)
}

/// The places in `text` that have one of the terms, as an index has them: those of [`crate::Explanation::terms`], with the
/// language of the document, are the words that it was found by.
#[must_use]
pub fn spans_of(text: &str, terms: &BTreeSet<&str>, language: Language) -> Vec<Span> {
    let mut places: Vec<(usize, usize)> = Vec::new();
    for token in tokens(text, language).into_iter().filter(|token| terms.contains(token.term.as_str())) {
        match places.last_mut() {
            Some((_, end)) if token.start <= *end => *end = token.end.max(*end),
            _ => places.push((token.start, token.end)),
        }
    }
    let (mut byte, mut character) = (0, 0);
    let mut characters_to = |to: usize| {
        character += text[byte..to].chars().count();
        byte = to;
        character
    };
    let mut span = |(start, end)| Span { start, end, start_char: characters_to(start), end_char: characters_to(end) };
    places.into_iter().map(&mut span).collect()
}
