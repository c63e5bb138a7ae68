//! Which words of an English sentence are negated: by the words around them. A negation reaches over the words after it to the
//! end of its clause, and no further than [`WINDOW`] words. What it might reach, but need not, is left open.

use super::text::{Part, words};

/// The most words that a negation reaches over.
const WINDOW: usize = 8;

/// Negations of what follows.
const BEFORE: &[&str] = &[
    "no", "not", "never", "neither", "without", "none", "nothing", "nobody", "cannot", "denies", "denied", "lacks",
    "lacked", "lacking", "excludes", "absent",
];
/// Negations of what follows that are two words.
const TWO_BEFORE: &[(&str, &str)] = &[
    ("negative", "for"),
    ("free", "of"),
    ("clear", "of"),
    ("absence", "of"),
    ("lack", "of"),
    ("rules", "out"),
    ("fails", "to"),
    ("failed", "to"),
    ("unable", "to"),
];
/// Negations of what stands before them, behind a form of `to be`.
const AFTER: &[&str] = &["absent", "excluded", "denied", "negative", "lacking"];
/// Words that say that something is there: where they are negated, so is what stands before them.
const THERE: &[&str] = &[
    "seen",
    "present",
    "identified",
    "found",
    "visible",
    "visualized",
    "detected",
    "noted",
    "evident",
    "demonstrated",
    "observed",
];
/// Forms of `to be`.
const BE: &[&str] = &["is", "are", "was", "were", "be", "been", "has", "have", "had"];
/// Negations that deny nothing of what stands beside them.
const NO_NEGATION: &[(&str, &str)] = &[
    ("not", "only"),
    ("not", "necessarily"),
    ("no", "change"),
    ("no", "interval"),
    ("not", "excluded"),
    ("not", "exclude"),
    ("not", "significantly"),
    ("no", "doubt"),
];
/// Words at which a clause ends.
const ENDS: &[&str] = &[
    "but",
    "however",
    "although",
    "though",
    "whereas",
    "while",
    "except",
    "nevertheless",
    "because",
    "which",
    "unless",
];

/// How a word stands in a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// It is said.
    Told,
    /// It is denied.
    Negated,
    /// It is not clear which.
    Open,
    /// It is a word of a negation itself.
    Negation,
}

/// The words of a sentence with their signs.
pub(super) fn signed(sentence: &str) -> Vec<(Part, Sign)> {
    let (words, chars) = (words(sentence), sentence.chars().collect::<Vec<char>>());
    let mut signs = vec![Sign::Told; words.len()];
    let mut from = 0;
    for at in 0..words.len() {
        let gap = &chars[words[at].end..words.get(at + 1).map_or(chars.len(), |next| next.start)];
        let ends = |word: &Part| ENDS.contains(&word.text.as_str());
        let is_last = gap.iter().any(|c| matches!(c, ';' | ':' | '.' | '(' | ')' | '—'));
        if at + 1 == words.len() || is_last || words.get(at + 1).is_some_and(ends) {
            Clause { words: &words[from..=at], chars: &chars }.sign(&mut signs[from..=at]);
            from = at + 1;
        }
    }
    words.into_iter().zip(signs).collect()
}

/// The words of a clause, and the characters of its sentence.
struct Clause<'a> {
    words: &'a [Part],
    chars: &'a [char],
}

impl Clause<'_> {
    fn is(&self, at: usize, known: &[&str]) -> bool {
        self.words.get(at).is_some_and(|word| known.contains(&word.text.as_str()))
    }

    fn are(&self, at: usize, known: &[(&str, &str)]) -> bool {
        known.iter().any(|(one, two)| self.is(at, &[*one]) && self.is(at + 1, &[*two]))
    }

    /// Is it the `t` of `isn't`?
    fn is_nt(&self, at: usize) -> bool {
        let start = self.words[at].start;
        self.is(at, &["t"]) && start > 0 && matches!(self.chars[start - 1], '\'' | '’')
    }

    /// Does a negation of what precedes it stand here?
    fn is_after(&self, at: usize) -> bool {
        at > 0 && self.is(at, AFTER) && self.is(at - 1, BE) && !self.are(at, TWO_BEFORE)
    }

    /// How many words a negation of what follows has that begins here.
    fn negation(&self, at: usize) -> usize {
        if self.are(at, TWO_BEFORE) {
            2
        } else {
            usize::from((self.is(at, BEFORE) || self.is_nt(at)) && !self.is_after(at))
        }
    }

    /// Does a comma, or `and`, stand between a word and the one before it?
    fn breaks(&self, at: usize) -> bool {
        let gap = &self.chars[self.words[at - 1].end..self.words[at].start];
        gap.contains(&',') || self.is(at, &["and"])
    }

    fn sign(&self, signs: &mut [Sign]) {
        let count = self.words.len();
        let negations: Vec<(usize, usize)> =
            (0..count).map(|at| (at, self.negation(at))).filter(|(_, length)| *length > 0).collect();
        let after: Vec<usize> = (0..count).filter(|at| self.is_after(*at)).collect();
        let is_ruled_out = negations.is_empty() && count > 2 && self.are(count - 2, &[("ruled", "out")]);
        if negations.is_empty() && after.is_empty() && !is_ruled_out {
            return;
        }
        signs.fill(Sign::Open);
        // `Cannot be excluded` denies nothing.
        let is_doubled = |at: &usize| (at.saturating_sub(3)..*at).any(|before| self.negation(before) > 0);
        if (0..count).any(|at| self.are(at, NO_NEGATION)) || after.iter().any(is_doubled) {
            return;
        }
        let mut denied = vec![0; count];
        for (at, length) in &negations {
            self.forward(at + length, &mut denied);
            // `An effusion is not seen`: what stands before is denied.
            if self.is(at + length, THERE) && (self.is_nt(*at) || (*at > 0 && self.is(at - 1, BE))) {
                self.backward(*at, &mut denied);
            }
        }
        after.iter().for_each(|at| self.backward(*at, &mut denied));
        if is_ruled_out {
            self.backward(count - 2, &mut denied);
            signs[count - 2..].fill(Sign::Negation);
        }
        // What is denied twice may be meant either way.
        denied.iter().enumerate().filter(|(_, denied)| **denied == 1).for_each(|(at, _)| signs[at] = Sign::Negated);
        // The `isn` of `isn't` is a part of it.
        let begin = |at: usize| if self.is_nt(at) { at.saturating_sub(1) } else { at };
        let words = negations.iter().flat_map(|(at, length)| begin(*at)..at + length);
        words.chain(after.iter().copied()).for_each(|at| signs[at] = Sign::Negation);
    }

    /// Counts what a negation reaches over that ends before `from`. Beyond a comma or `and` that is so where a list goes on
    /// with `or`: `no effusion, edema or fracture`.
    fn forward(&self, from: usize, denied: &mut [u8]) {
        let end = self.words.len().min(from + WINDOW);
        let mut broken = false;
        for (at, times) in denied.iter_mut().enumerate().take(end).skip(from) {
            broken |= at > from && self.breaks(at);
            let is_list = || (at..end).any(|later| self.is(later, &["or", "nor"])) || self.closes_a_list(from, at);
            if broken && (self.negation(at) > 0 || !is_list()) {
                return;
            }
            *times += 1;
        }
    }

    /// Does `or` stand between two places, after the last comma before the second one?
    fn closes_a_list(&self, from: usize, at: usize) -> bool {
        let or = (from..=at).rev().find(|place| self.is(*place, &["or", "nor"]));
        or.is_some_and(|or| (or + 1..=at).all(|place| !self.breaks(place)))
    }

    /// Counts what stands before a place, back to a comma or `and`.
    fn backward(&self, before: usize, denied: &mut [u8]) {
        for at in (before.saturating_sub(WINDOW)..before).rev() {
            denied[at] += 1;
            if at > 0 && self.breaks(at) {
                return;
            }
        }
    }
}

#[cfg(test)]
#[path = "negation_tests.rs"]
mod tests;
