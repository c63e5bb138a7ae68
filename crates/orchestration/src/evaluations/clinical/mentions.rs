//! What a report mentions: findings, whether they are there, on which side, and how large.

use super::super::alignment::{is_number, unnumbered};
use super::super::text::{Part, claims, sentences, words};
use super::Span;
use super::lexicon::{self, Finding};

/// The sides that a mention names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
    Both,
}

/// A finding that a clause mentions.
#[derive(Debug, Clone)]
pub(super) struct Mention {
    pub(super) finding: &'static Finding,
    /// Does the clause say that it is not there?
    pub(super) negated: bool,
    /// Does it leave that open?
    pub(super) uncertain: bool,
    /// Is it what something else in the sentence may mean?
    pub(super) inferred: bool,
    pub(super) side: Option<Side>,
    /// The clause.
    pub(super) span: Span,
}

/// A length that a clause tells.
#[derive(Debug, Clone)]
pub(super) struct Length {
    /// In millimetres.
    pub(super) millimetres: f64,
    /// The number and its unit.
    pub(super) span: Span,
}

/// The findings that a text mentions, in its order.
pub(super) fn mentions(text: &str) -> Vec<Mention> {
    sentences(text).iter().flat_map(of_sentence).collect()
}

/// The lengths that a text tells. Of `3 x 4 cm` both.
pub(super) fn lengths(text: &str) -> Vec<Length> {
    let words = words(text);
    let mut lengths = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let Ok(number) = word.text.replace(',', "").parse::<f64>() else { continue };
        if !is_number(&word.text) {
            continue;
        }
        let unit = unit_after(&words, at);
        if let Some(scale) = unit {
            let span = Span { start: word.start, end: word.end, text: word.text.clone() };
            lengths.push(Length { millimetres: number * scale, span });
        }
    }
    lengths
}

/// The millimetres of the unit that a number has: it follows the number, or those that `x` joins to it.
fn unit_after(words: &[Part], number: usize) -> Option<f64> {
    let mut at = number + 1;
    while words.get(at).is_some_and(|word| word.text == "x")
        && words.get(at + 1).is_some_and(|word| is_number(&word.text))
    {
        at += 2;
    }
    let unit = learn::stem(&words.get(at)?.text);
    lexicon::UNITS.iter().find(|(name, _)| learn::stem(name) == unit).map(|(_, scale)| *scale)
}

/// The mentions of a sentence. A negation reaches over the claims that it lists: `No effusion, edema or fracture.`
fn of_sentence(sentence: &Part) -> Vec<Mention> {
    let mut found = Vec::new();
    let (mut carried, mut inferred) = (false, false);
    let whole = stems(&sentence.text);
    // A side at the head of a list is said of all of it only where no other side is named.
    let of_sentence = side(&whole);
    for claim in claims(sentence) {
        let words = stems(&claim.text);
        let (negation, after) = negations(&words, carried);
        let continues = |at: usize| negation.is_some_and(|(from, to)| from <= at && at < to);
        let uncertain = has_any(&words, lexicon::UNCERTAIN);
        inferred |= has_any(&words, lexicon::INFERRED);
        for finding in lexicon::FINDINGS {
            let there = finding.phrases.iter().find_map(|phrase| find(&words, phrase));
            let normal = finding.normal.iter().any(|phrase| find(&words, phrase).is_some());
            if !normal && there.is_none() {
                continue;
            }
            let negated = normal || after || there.is_some_and(continues);
            let side = side(&words).or(of_sentence);
            found.push(Mention { finding, negated, uncertain, inferred, side, span: Span::from(&claim) });
        }
        let ends = words.last().is_some_and(|word| lexicon::ENDS_OF_NEGATION.contains(&word.as_str()));
        // A claim with a verb of its own begins anew.
        carried = negation.is_some_and(|(_, to)| to == words.len()) && !ends;
    }
    found
}

/// From which word to which a claim's negation reaches, and whether its end negates all of it. `carried` says that the
/// claim before was negated to its end: its list goes on where this claim asserts nothing by itself.
fn negations(words: &[String], carried: bool) -> (Option<(usize, usize)>, bool) {
    if lexicon::NO_NEGATIONS.iter().any(|phrase| find(words, phrase).is_some()) {
        return (None, false);
    }
    let after = lexicon::NEGATIONS_AFTER.iter().any(|phrase| find(words, phrase).is_some());
    let begin = lexicon::NEGATIONS.iter().filter_map(|phrase| find(words, phrase)).min();
    let asserts = ["is", "are", "there", "ha", "show", "has", "demonstrat", "see", "seen"];
    let goes_on = carried && !words.iter().any(|word| asserts.contains(&word.as_str()));
    let Some(begin) = begin.or(goes_on.then_some(0)) else { return (None, after) };
    let ends = |word: &String| lexicon::ENDS_OF_NEGATION.contains(&word.as_str());
    let end = words[begin..].iter().position(ends).map_or(words.len(), |at| begin + at);
    (Some((begin, end)), after)
}

fn side(words: &[String]) -> Option<Side> {
    let (left, right) = (has_any(words, lexicon::LEFT), has_any(words, lexicon::RIGHT));
    match (left, right, has_any(words, lexicon::BOTH)) {
        (_, _, true) | (true, true, _) => Some(Side::Both),
        (true, false, false) => Some(Side::Left),
        (false, true, false) => Some(Side::Right),
        (false, false, false) => None,
    }
}

fn has_any(words: &[String], phrases: &[&str]) -> bool {
    phrases.iter().any(|phrase| find(words, phrase).is_some())
}

/// Where the words of a phrase follow one another.
fn find(words: &[String], phrase: &str) -> Option<usize> {
    let phrase: Vec<String> = phrase.split(' ').map(learn::stem).collect();
    words.windows(phrase.len()).position(|window| window == phrase)
}

fn stems(text: &str) -> Vec<String> {
    words(unnumbered(text)).into_iter().map(|word| learn::stem(&word.text)).collect()
}
