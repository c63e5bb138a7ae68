//! Which characters of an answer nothing in its passages supports: by the words of the passages, their negations and numbers,
//! and by what a judge says of each sentence and claim.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::alignment::{MOST_SENTENCES, content_of, is_number, unnumbered};
use super::negation::{Sign, signed};
use super::text::{Part, claims, sentences, words};

/// A sentence or claim is supported where at least this share of its content words is in one sentence of a passage, or in one
/// passage and its neighbours, and none of them with the opposite negation.
pub const SUPPORTED: f64 = 0.5;

/// Who says that characters are unsupported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Teller {
    /// The words of the passages.
    Alignment,
    /// The judge of faithfulness.
    Judge,
}

/// Characters of an answer that nothing in the passages supports.
#[derive(Debug, Clone, PartialEq)]
pub struct Unsupported {
    /// The first character, from 0.
    pub start: usize,
    /// The character after the last.
    pub end: usize,
    /// The text.
    pub text: String,
    /// Is it a part of a sentence whose rest is supported?
    pub is_claim: bool,
    /// The share of its content words that the passages have, with the same negation.
    pub support: f64,
    /// Numbers in it that the passages that support it lack.
    pub numbers: Vec<String>,
    /// Words in it that the passages tell where it denies them, or deny where it tells them.
    pub negation: Vec<String>,
    /// Who says so; at least one.
    pub by: Vec<Teller>,
    /// How probable the judge finds that the passages support it, from 0 to 1; none where it was not asked of it.
    pub judged: Option<f64>,
}

/// What a judge says of a sentence or claim of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// Its first character in the answer, from 0.
    pub start: usize,
    /// The character after its last.
    pub end: usize,
    /// Is it a claim, and no sentence?
    pub is_claim: bool,
    /// How probable the judge finds that the passages support it, from 0 to 1.
    pub supported: f64,
}

impl Judged {
    /// Does the judge find it likelier, or as likely, that they do not?
    #[must_use]
    pub fn is_denied(self) -> bool {
        self.supported <= 0.5
    }
}

impl Teller {
    /// As results write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alignment => "alignment",
            Self::Judge => "judge",
        }
    }
}

/// The characters of an answer that nothing in the passages supports by their words: whole sentences, and claims of sentences
/// whose rest is supported. Of the answer and of the passages the first [`MOST_SENTENCES`] are read.
#[must_use]
pub fn unsupported(answer: &str, passages: &[String]) -> Vec<Unsupported> {
    told(answer, passages, &[])
}

/// As [`unsupported`], with what a judge says: what either denies is unsupported.
#[must_use]
pub fn told(answer: &str, passages: &[String], judged: &[Judged]) -> Vec<Unsupported> {
    let (known, statements) = (Known::read(passages), statements(answer));
    let mut found: Vec<Unsupported> =
        statements.iter().flat_map(|(whole, claims)| known.lacking(whole, claims)).collect();
    for one in judged {
        let place = (one.start, one.end);
        if let Some(span) = found.iter_mut().find(|span| (span.start, span.end) == place) {
            span.judged = Some(one.supported);
            span.by.extend(one.is_denied().then_some(Teller::Judge));
            continue;
        }
        let mut all = statements.iter().flat_map(|(whole, claims)| std::iter::once(whole).chain(claims));
        let statement = all.find(|statement| (statement.part.start, statement.part.end) == place);
        if let Some(statement) = statement.filter(|_| one.is_denied()) {
            let span = known.check(statement).span(statement, Teller::Judge);
            found.push(Unsupported { is_claim: one.is_claim, judged: Some(one.supported), ..span });
        }
    }
    found.sort_by_key(|span| (span.start, Reverse(span.end)));
    found
}

/// The sentences of an answer, each with its claims where it has several.
pub(super) fn parts(answer: &str) -> Vec<(Part, Vec<Part>)> {
    let with_claims = |sentence: Part| {
        let claims = claims(&sentence);
        (sentence, if claims.len() > 1 { claims } else { Vec::new() })
    };
    sentences(answer).into_iter().take(MOST_SENTENCES).map(with_claims).collect()
}

/// The most words of a heading.
const MOST_OF_A_HEADING: usize = 6;
/// English verbs that make a statement of a line that ends with a colon.
const VERBS: &[&str] = &[
    "are",
    "can",
    "contain",
    "contains",
    "demonstrate",
    "demonstrates",
    "did",
    "do",
    "does",
    "had",
    "has",
    "have",
    "include",
    "includes",
    "is",
    "may",
    "reveal",
    "reveals",
    "show",
    "showed",
    "shows",
    "was",
    "were",
    "will",
];

/// Does a sentence state anything? Not without words that carry content, nor as a heading, as `Findings:`: up to six words that
/// end with a colon, none of them a verb of the list. Marks of emphasis after the colon do not count.
pub(super) fn states(sentence: &Part) -> bool {
    let text = unnumbered(&sentence.text).trim_end_matches(['*', '_', ' ']);
    let words = words(text);
    let has_verb = words.iter().any(|word| VERBS.contains(&word.text.as_str()));
    let is_heading = text.ends_with(':') && words.len() <= MOST_OF_A_HEADING && !has_verb;
    !is_heading && !content(signed(text).iter()).is_empty()
}

/// How a content word stands in a text: bits, as it may stand there several times.
type Signs = u8;
const TOLD: Signs = 1;
const NEGATED: Signs = 2;
const OPEN: Signs = 4;

/// Does a word that stands so in one text stand in another one that way, too?
fn agree(one: Signs, other: Signs) -> bool {
    (one | other) & OPEN != 0 || one & other != 0
}

/// The content words among some, by their stems: how they stand there, and how they are written first.
fn content<'a>(words: impl Iterator<Item = &'a (Part, Sign)>) -> HashMap<String, (Signs, &'a str)> {
    let mut content: HashMap<String, (Signs, &str)> = HashMap::new();
    for (word, sign) in words {
        let bits = match sign {
            Sign::Negation => continue,
            // A number is the same whether it is denied or not.
            _ if is_number(&word.text) => OPEN,
            Sign::Told => TOLD,
            Sign::Negated => NEGATED,
            Sign::Open => OPEN,
        };
        let Some(stem) = content_of(&word.text) else { continue };
        content.entry(stem).or_insert((0, word.text.as_str())).0 |= bits;
    }
    content
}

/// A sentence or claim of an answer, with its words.
struct Statement {
    part: Part,
    is_claim: bool,
    words: Vec<(Part, Sign)>,
}

/// The sentences of an answer, each with its claims where it has several. What a claim's words mean depends on its sentence: in
/// `no effusion or edema` both are denied.
fn statements(answer: &str) -> Vec<(Statement, Vec<Statement>)> {
    let of_sentence = |(sentence, claims): (Part, Vec<Part>)| {
        let number = sentence.text.chars().count() - unnumbered(&sentence.text).chars().count();
        let words: Vec<(Part, Sign)> =
            signed(&sentence.text).into_iter().filter(|(word, _)| word.start >= number).collect();
        let within = |claim: &Part| {
            let (start, end) = (claim.start - sentence.start, claim.end - sentence.start);
            words.iter().filter(|(word, _)| start <= word.start && word.end <= end).cloned().collect()
        };
        let claims = claims.iter().map(|claim| Statement { part: claim.clone(), is_claim: true, words: within(claim) });
        let claims: Vec<Statement> = claims.collect();
        (Statement { part: sentence, is_claim: false, words }, claims)
    };
    parts(answer).into_iter().map(of_sentence).collect()
}

/// What passages say.
struct Known {
    sentences: Vec<KnownSentence>,
    /// The numbers of each passage.
    numbers: Vec<HashSet<String>>,
}

struct KnownSentence {
    passage: usize,
    content: HashMap<String, Signs>,
}

/// How far a sentence and its neighbours have the words of a statement.
#[derive(Default)]
struct Agreement<'a> {
    /// How many of them, with the same negation.
    agreeing: usize,
    /// Those that the sentence itself has with the opposite one.
    differing: Vec<&'a str>,
}

/// What passages have of a statement.
struct Check {
    support: f64,
    numbers: Vec<String>,
    negation: Vec<String>,
    /// Is it unsupported?
    lacks: bool,
}

impl Check {
    fn span(self, statement: &Statement, by: Teller) -> Unsupported {
        let Part { start, end, text } = statement.part.clone();
        let (Self { support, numbers, negation, .. }, is_claim) = (self, statement.is_claim);
        Unsupported { start, end, text, is_claim, support, numbers, negation, by: vec![by], judged: None }
    }
}

impl Known {
    fn read(passages: &[String]) -> Self {
        let of_passage = |(passage, text): (usize, &String)| {
            sentences(text).into_iter().map(move |part| {
                let signed = signed(unnumbered(&part.text));
                let content = content(signed.iter()).into_iter().map(|(stem, (signs, _))| (stem, signs)).collect();
                KnownSentence { passage, content }
            })
        };
        let numbers =
            |text: &String| words(text).into_iter().map(|word| word.text).filter(|word| is_number(word)).collect();
        Self {
            sentences: passages.iter().enumerate().flat_map(of_passage).take(MOST_SENTENCES).collect(),
            numbers: passages.iter().map(numbers).collect(),
        }
    }

    /// What is unsupported of a sentence: some of its claims, or it as a whole.
    fn lacking(&self, whole: &Statement, claims: &[Statement]) -> Vec<Unsupported> {
        let lacks = |statement: &Statement| {
            let check = self.check(statement);
            check.lacks.then(|| check.span(statement, Teller::Alignment))
        };
        let lacking: Vec<Unsupported> = claims.iter().filter_map(lacks).collect();
        match lacking.len() {
            count if count == claims.len() => lacks(whole).into_iter().collect(),
            // Each claim is somewhere; all of them together may be nowhere.
            0 => lacks(whole).into_iter().filter(|whole| whole.negation.is_empty()).collect(),
            _ => lacking,
        }
    }

    fn check(&self, statement: &Statement) -> Check {
        let wanted = content(statement.words.iter());
        let enough = |count: usize| count as f64 >= SUPPORTED * wanted.len() as f64;
        let (mut best, mut rank, mut supporting) = (Agreement::default(), (false, 0, 0), BTreeSet::new());
        for at in 0..self.sentences.len() {
            if !wanted.keys().any(|stem| self.sentences[at].content.contains_key(stem)) {
                continue;
            }
            let found = self.agreement(&wanted, at);
            let supports = found.differing.is_empty() && enough(found.agreeing);
            if supports {
                supporting.insert(self.sentences[at].passage);
            }
            let this = (supports, found.agreeing + found.differing.len(), found.agreeing);
            if this > rank {
                (best, rank) = (found, this);
            }
        }
        // What is about something else says nothing to the contrary.
        let is_about_it = enough(best.agreeing + best.differing.len());
        let mut negation: Vec<String> =
            best.differing.iter().filter(|_| is_about_it).map(|word| (*word).to_owned()).collect();
        negation.sort_unstable();
        let all = (0..self.numbers.len()).collect();
        let passages = if supporting.is_empty() { &all } else { &supporting };
        let is_known = |number: &String| passages.iter().any(|passage| self.numbers[*passage].contains(number));
        let numbers = statement.words.iter().map(|(word, _)| word.text.clone()).filter(|word| is_number(word));
        let numbers: Vec<String> = numbers.filter(|number| !is_known(number)).collect();
        Check {
            support: best.agreeing as f64 / wanted.len().max(1) as f64,
            lacks: (!wanted.is_empty() && supporting.is_empty()) || !numbers.is_empty(),
            numbers,
            negation,
        }
    }

    /// How far a sentence and its neighbours in the passage have some words. What neighbours alone say to the contrary may be
    /// about something else.
    fn agreement<'a>(&self, wanted: &HashMap<String, (Signs, &'a str)>, at: usize) -> Agreement<'a> {
        let around = &self.sentences[at.saturating_sub(1)..(at + 2).min(self.sentences.len())];
        let around = around.iter().filter(|other| other.passage == self.sentences[at].passage);
        let mut agreement = Agreement::default();
        for (stem, (signs, word)) in wanted {
            let there = around.clone().filter_map(|sentence| sentence.content.get(stem));
            let there = there.fold(0, |all, signs| all | signs);
            if there != 0 && agree(*signs, there) {
                agreement.agreeing += 1;
            } else if self.sentences[at].content.contains_key(stem) {
                agreement.differing.push(*word);
            }
        }
        agreement
    }
}

#[cfg(test)]
#[path = "support_tests.rs"]
mod tests;
