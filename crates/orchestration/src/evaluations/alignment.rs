//! Evidence: which sentences of the passages are nearest to those of an answer.

use std::collections::HashSet;

use base::{Error, Result};

use super::text::{sentences, words};

/// The most sentences that are read of an answer, and of all its passages together: each is compared with each.
pub const MOST_SENTENCES: usize = 2_000;

/// English words that carry no content.
const STOP_WORDS: &[&str] = &[
    "a", "an", "the", "and", "or", "but", "of", "in", "on", "at", "to", "for", "with", "by", "from", "as", "is", "are",
    "was", "were", "be", "been", "being", "it", "its", "this", "that", "these", "those", "there", "which", "who",
    "has", "have", "had", "do", "does", "did", "not", "no", "without", "will", "would", "can", "could", "may", "also",
    "than", "then", "so", "such",
];

/// A sentence of a passage.
#[derive(Debug, Clone, PartialEq)]
pub struct Nearest {
    /// Which passage, from 0.
    pub passage: usize,
    /// The sentence.
    pub text: String,
}

/// A sentence of an answer, and what is nearest to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Aligned {
    /// Its first character in the answer, from 0.
    pub start: usize,
    /// The character after its last.
    pub end: usize,
    /// The sentence.
    pub text: String,
    /// The share of its content words that the passages have together, from 0 to 1.
    pub support: f64,
    /// The nearest sentence; none where no word is shared.
    pub nearest: Option<Nearest>,
}

struct Sentence {
    passage: usize,
    text: String,
    content: HashSet<String>,
}

/// Aligns an answer's sentences with the passages, the first [`MOST_SENTENCES`] of both.
#[must_use]
pub fn align(answer: &str, passages: &[String]) -> Vec<Aligned> {
    let known = read(passages);
    let aligned = sentences(answer).into_iter().take(MOST_SENTENCES).map(|part| {
        let (support, nearest) = nearest(&content(&part.text), &known);
        Aligned { start: part.start, end: part.end, text: part.text, support, nearest }
    });
    aligned.collect()
}

/// Runs what takes processor time where it holds up no request.
///
/// # Errors
/// Internal, where it panics.
pub(super) async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)
}

fn read(passages: &[String]) -> Vec<Sentence> {
    let sentence = |(passage, text): (usize, &String)| {
        sentences(text).into_iter().map(move |part| Sentence { passage, content: content(&part.text), text: part.text })
    };
    passages.iter().enumerate().flat_map(sentence).take(MOST_SENTENCES).collect()
}

/// The share of `wanted` that is in one sentence and its neighbours, and the sentence that has most of it; of equals the
/// first.
fn nearest(wanted: &HashSet<String>, known: &[Sentence]) -> (f64, Option<Nearest>) {
    let (mut best, mut most, mut support) = (None, 0, 0);
    for (at, sentence) in known.iter().enumerate() {
        let shared = wanted.intersection(&sentence.content).count();
        if shared > most {
            (most, best) = (shared, Some(sentence));
        }
        if shared > 0 {
            let around = known[at.saturating_sub(1)..(at + 2).min(known.len())].iter();
            let around: HashSet<&String> =
                around.filter(|other| other.passage == sentence.passage).flat_map(|other| &other.content).collect();
            support = support.max(wanted.iter().filter(|word| around.contains(word)).count());
        }
    }
    let nearest = best.map(|sentence| Nearest { passage: sentence.passage, text: sentence.text.clone() });
    (support as f64 / wanted.len().max(1) as f64, nearest)
}

/// The stems of the words that carry content; the numbers of lists are left out.
fn content(text: &str) -> HashSet<String> {
    words(unnumbered(text)).into_iter().filter_map(|word| content_of(&word.text)).collect()
}

/// The stem of a word that carries content.
pub(super) fn content_of(word: &str) -> Option<String> {
    (!STOP_WORDS.contains(&word)).then(|| learn::stem(word))
}

/// The words of a passage, at most so many and each once, that carry content and are in a text, too.
pub(super) fn in_common(passage: &str, text: &str, most: usize) -> Vec<String> {
    let (known, mut seen) = (content(text), HashSet::new());
    let words = words(passage).into_iter();
    let shared =
        words.filter(|word| content_of(&word.text).is_some_and(|stem| known.contains(&stem) && seen.insert(stem)));
    shared.take(most).map(|word| word.text).collect()
}

/// Is it written with digits alone?
pub(super) fn is_number(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit()) && word.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ','))
}

/// A sentence without the number that a list gives it.
pub(super) fn unnumbered(text: &str) -> &str {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    match text[digits..].strip_prefix(['.', ')']) {
        Some(rest) if digits > 0 && rest.starts_with(char::is_whitespace) => rest.trim_start(),
        _ => text,
    }
}

#[cfg(test)]
#[path = "alignment_tests.rs"]
mod tests;
