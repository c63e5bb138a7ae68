//! Whether a passage says what a sentence of an answer says, and where: by the words that they share.
//!
//! A sentence is supported where [`SUPPORTED`] of its distinct terms stand together in a passage, and every number that it
//! names is among them: a wrong amount or date is the most harmful of all errors. Both are analysed by the rules of the passage's
//! language. `docs/answers.md` says how often that agrees with people who judged whether a text follows from another.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use search::analysis::{Language, tokens};

use super::sentences::sentences;

#[cfg(test)]
mod tests;

/// The share of a sentence's terms that a passage must have to support it.
pub const SUPPORTED: f64 = 0.75;
/// The share where the model itself names the passage.
const SUPPORTED_WHERE_NAMED: f64 = 0.6;
/// How many sentences of a passage are taken together.
const WINDOW: usize = 3;
/// How much another sentence must add to the share to be taken, too.
const WORTH: f64 = 0.05;
/// The fewest terms of which something can be told; a number tells as much by itself.
const FEWEST_TERMS: usize = 3;
/// The most passages that are cited for one sentence.
const MOST_CITED: usize = 3;
/// Below this many bytes, and this confidence, the language of a text is a guess.
const FEWEST_BYTES: usize = 200;
const LEAST_CONFIDENCE: f64 = 0.8;

/// A passage, read once for all sentences of an answer.
pub(crate) struct Source {
    /// By whose rules its terms, and those of what is compared with it, are taken.
    language: Language,
    sentences: Vec<(Range<usize>, BTreeSet<String>)>,
}

/// A place in a passage that supports something.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Support {
    /// The passage's number.
    pub(crate) passage: usize,
    /// Which bytes of its text.
    pub(crate) span: Range<usize>,
    /// The share of the terms that stand there.
    pub(crate) share: f64,
}

impl Source {
    /// Reads a passage in a language.
    pub(crate) fn read(text: &str, language: Language) -> Self {
        let read = |span: Range<usize>| (span.clone(), terms(&text[span], language));
        Self { language, sentences: sentences(text).into_iter().map(read).collect() }
    }

    /// By whose rules it was read.
    pub(crate) fn language(&self) -> Language {
        self.language
    }

    /// The bytes of its sentences.
    pub(crate) fn spans(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        self.sentences.iter().map(|(span, _)| span.clone())
    }

    /// The terms of its sentences.
    pub(crate) fn terms(&self) -> impl Iterator<Item = &BTreeSet<String>> + '_ {
        self.sentences.iter().map(|(_, terms)| terms)
    }

    /// The shortest run of sentences that has as many of the terms as any, and their share. A run that lacks a number has
    /// nothing.
    pub(crate) fn best(&self, wanted: &BTreeSet<String>) -> Option<(Range<usize>, f64)> {
        let numbers: Vec<&String> = wanted.iter().filter(|term| is_number(term)).collect();
        let mut best: Option<(Range<usize>, f64)> = None;
        for length in 1..=WINDOW {
            for run in self.sentences.windows(length) {
                let has = |term: &String| run.iter().any(|(_, terms)| terms.contains(term));
                if !numbers.iter().all(|number| has(number)) {
                    continue;
                }
                let share = wanted.iter().filter(|term| has(term)).count() as f64 / wanted.len().max(1) as f64;
                // The best of one length stands against the longer ones unless they are clearly better.
                let beats = best.as_ref().is_none_or(|(span, other)| {
                    share > other + if span.len() < covered(run).len() { WORTH } else { 0.0 }
                });
                if beats {
                    best = Some((covered(run), share));
                }
            }
        }
        best
    }
}

/// The passages that support a sentence of an answer, the best first. `named` are those that the model wrote behind it.
pub(crate) fn supports(sentence: &str, named: &[usize], sources: &[Source]) -> Vec<Support> {
    let mut wanted = terms_for(without_number(sentence), sources);
    wanted.retain(|_, terms| terms.len() >= FEWEST_TERMS || terms.iter().any(|term| is_number(term)));
    let found = sources.iter().enumerate().filter_map(|(passage, source)| {
        let (span, share) = source.best(wanted.get(&source.language)?)?;
        let needed = if named.contains(&passage) { SUPPORTED_WHERE_NAMED } else { SUPPORTED };
        (share >= needed).then_some(Support { passage, span, share })
    });
    let mut found: Vec<Support> = found.collect();
    found.sort_by(|a, b| b.share.total_cmp(&a.share).then(a.passage.cmp(&b.passage)));
    let best = found.first().map_or(0.0, |support| support.share);
    // What the model names it may have used; of the others only what says it as well as any.
    found.retain(|support| named.contains(&support.passage) || support.share >= best);
    found.truncate(MOST_CITED);
    found
}

/// An item of a list without its number, which no passage need have.
fn without_number(sentence: &str) -> &str {
    let rest = sentence.trim_start_matches(|c: char| c.is_ascii_digit());
    let item = rest.strip_prefix(['.', ')']).filter(|item| rest.len() < sentence.len() && item.starts_with(' '));
    item.unwrap_or(sentence)
}

/// The share of a sentence's distinct terms that stand together in a passage; 0 where the passage lacks a number that the
/// sentence names.
#[must_use]
pub fn said_share(sentence: &str, passage: &str) -> f64 {
    let source = Source::read(passage, language_of(passage));
    source.best(&terms(sentence, source.language)).map_or(0.0, |(_, share)| share)
}

/// The language of a text; English, where it would be a guess.
pub(crate) fn language_of(text: &str) -> Language {
    let found =
        media::detect_language(text).filter(|found| text.len() >= FEWEST_BYTES && found.confidence >= LEAST_CONFIDENCE);
    found.map_or(Language::English, |found| Language::from_code(&found.code))
}

/// The distinct terms of a text that is compared with passages, by the rules of each language in which some are.
pub(crate) fn terms_for(text: &str, sources: &[Source]) -> BTreeMap<Language, BTreeSet<String>> {
    let languages: BTreeSet<Language> = sources.iter().map(Source::language).collect();
    languages.into_iter().map(|language| (language, terms(text, language))).collect()
}

/// The distinct terms of a text. Stemming by the rules of English serves languages without rules of their own as a rough
/// equivalence of forms; scripts without spaces give characters and pairs of neighbours by any rules.
pub(crate) fn terms(text: &str, language: Language) -> BTreeSet<String> {
    let language = if language == Language::Any { Language::English } else { language };
    tokens(text, language).into_iter().map(|token| token.term).collect()
}

/// Whether a term has a digit in it.
pub(crate) fn is_number(term: &str) -> bool {
    term.chars().any(char::is_numeric)
}

fn covered(run: &[(Range<usize>, BTreeSet<String>)]) -> Range<usize> {
    let start = run.first().map_or(0, |(span, _)| span.start);
    let end = run.last().map_or(0, |(span, _)| span.end);
    start..end
}
