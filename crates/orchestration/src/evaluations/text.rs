//! Sentences and claims of a text, with the places of their characters.

/// A part of a text: its characters from `start` up to, not including, `end`, counted from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The first character.
    pub start: usize,
    /// The character after the last.
    pub end: usize,
    /// The part.
    pub text: String,
}

/// The sentences of a text: they end with `.`, `!` or `?` before white space, or with the line. The point after a number at
/// the beginning of a line is part of its sentence, as in `2. No effusion.`.
#[must_use]
pub fn sentences(text: &str) -> Vec<Part> {
    cut(text, |chars, at| {
        let next = chars.get(at + 1);
        match chars[at] {
            '\n' => true,
            '!' | '?' => next.is_none_or(|c| c.is_whitespace()),
            '.' => next.is_none_or(|c| c.is_whitespace()) && !numbers_a_line(chars, at),
            _ => false,
        }
    })
}

/// The claims of a sentence: what stands between its semicolons, its commas before a space, and the words `and` and `but`.
#[must_use]
pub fn claims(sentence: &Part) -> Vec<Part> {
    let mut claims = cut(&sentence.text, |chars, at| {
        let joins = |word: &str| {
            let from = (at + 1).saturating_sub(word.len());
            chars[from..=at].iter().copied().eq(word.chars())
        };
        match chars[at] {
            ';' => true,
            ',' => chars.get(at + 1).is_some_and(|c| c.is_whitespace()),
            ' ' => joins(" and ") || joins(" but "),
            _ => false,
        }
    });
    for claim in &mut claims {
        for word in [" and", " but", ",", ";"] {
            if let Some(rest) = claim.text.strip_suffix(word) {
                claim.text = rest.to_owned();
            }
        }
        claim.end = claim.start + claim.text.chars().count();
        claim.start += sentence.start;
        claim.end += sentence.start;
    }
    claims.retain(|claim| claim.text.chars().any(char::is_alphanumeric));
    claims
}

/// The words of a text in lower case, with the places of their characters. Points within numbers belong to them.
#[must_use]
pub fn words(text: &str) -> Vec<Part> {
    let chars: Vec<char> = text.chars().collect();
    let mut words: Vec<Part> = Vec::new();
    let mut start = None;
    for at in 0..=chars.len() {
        let inside = chars.get(at).is_some_and(|c| {
            let between_digits =
                at > 0 && chars[at - 1].is_ascii_digit() && chars.get(at + 1).is_some_and(char::is_ascii_digit);
            c.is_alphanumeric() || (matches!(c, '.' | ',') && between_digits)
        });
        match (start, inside) {
            (None, true) => start = Some(at),
            (Some(from), false) => {
                let text = chars[from..at].iter().collect::<String>().to_lowercase();
                words.push(Part { start: from, end: at, text });
                start = None;
            }
            _ => {}
        }
    }
    words
}

/// Does the point at `at` follow a number at the beginning of a line?
fn numbers_a_line(chars: &[char], at: usize) -> bool {
    let digits = chars[..at].iter().rev().take_while(|c| c.is_ascii_digit()).count();
    let before = chars[..at - digits].iter().rev().find(|c| !matches!(c, ' ' | '\t'));
    // Items of a list may also follow one another on a line: `1. Clear lungs. 2. No effusion.`
    digits > 0 && digits < 3 && before.is_none_or(|c| matches!(c, '\n' | '.' | '!' | '?' | ':'))
}

/// The parts that end with the characters that `ends` tells, without white space around them; empty ones are left out.
fn cut(text: &str, ends: impl Fn(&[char], usize) -> bool) -> Vec<Part> {
    let chars: Vec<char> = text.chars().collect();
    let mut parts = Vec::new();
    let mut start = 0;
    for at in 0..chars.len() {
        if at + 1 < chars.len() && !ends(&chars, at) {
            continue;
        }
        let (mut from, mut to) = (start, at + 1);
        while from < to && chars[from].is_whitespace() {
            from += 1;
        }
        while to > from && chars[to - 1].is_whitespace() {
            to -= 1;
        }
        if from < to {
            parts.push(Part { start: from, end: to, text: chars[from..to].iter().collect() });
        }
        start = at + 1;
    }
    parts
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
