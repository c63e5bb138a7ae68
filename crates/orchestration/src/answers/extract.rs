//! Answers without a model: the sentences of the passages that answer the question best, as they stand.
//!
//! A sentence is worth the mean of two shares: that of the question's terms which it has, each weighed by how rare it is
//! among the sentences found, with half of what the sentence before it or the passage's heading has; and its meaning's
//! nearness to the question's ([`super::nearness`]). `docs/answers.md` says how often the right sentence is found
//! and how often a question is refused that nothing answers.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use search::analysis::Language;

use super::support::{Source, terms, terms_for};

#[cfg(test)]
mod tests;

/// The least that a sentence must be worth to be an answer where meanings are known.
const WORTH_ANSWERING: f64 = 0.42;
/// The least where words alone are known.
const WORTH_ANSWERING_BY_WORDS: f64 = 0.4;
/// The most sentences of an answer.
const MOST_SENTENCES: usize = 3;
/// How near to the best sentence's worth another's must be.
const NEAR_THE_BEST: f64 = 0.85;
/// The share of a sentence's terms that an earlier one may have; one that has more says the same again.
const SAME_AGAIN: f64 = 0.7;
/// What the terms count that stand in the context of a sentence, and not in it.
const CONTEXT: f64 = 0.5;
/// English words that ask and bind; what a question is about are the others.
const ASKING: &str = "a an and are as at be by can could did do does for from had has have how in is it its many may much must of on \
                      or shall should that the their there these they this to was were what when where which who whom whose why \
                      will with would";
/// Words of other languages that ask and bind, and that the lists of [`stop_words`] lack.
const ASKING_ELSEWHERE: [(&str, &str); 6] = [
    ("de", "wann warum weshalb wem wen wer wessen wieso wieviel viele woher wohin wodurch womit worden wurde wurden"),
    ("es", "cómo cuál cuáles cuándo cuánta cuántas cuánto cuántos dónde quién quiénes"),
    ("fr", "combien comment lequel laquelle où pourquoi quand quel quelle quelles quels quoi"),
    ("it", "chi come cosa dove perché quale quali quando quanta quante quanti quanto"),
    ("nl", "hoe hoeveel waar waarom wanneer wat welk welke werd werden wie wiens"),
    ("pt", "como onde porque porquê quais qual quando quanta quantas quanto quantos quem"),
];
/// The most sentences whose meanings are measured: each is embedded.
const MOST_MEASURED: usize = 200;
/// The fewest terms of a sentence that tells something.
const FEWEST_TERMS: usize = 3;

/// A sentence of a passage.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Candidate {
    /// The passage's number.
    pub(crate) passage: usize,
    /// Which bytes of its text.
    pub(crate) span: Range<usize>,
    /// The heading of the table whose row it is: without it nobody could read the row.
    heading: Option<Range<usize>>,
    /// The share of the question's terms.
    pub(crate) words: f64,
    terms: BTreeSet<String>,
}

/// The sentences that may answer a question, in their order.
pub(crate) fn candidates(question: &str, sources: &[Source], texts: &[&str]) -> Vec<Candidate> {
    let asked: BTreeMap<Language, Asked> = terms_for(question, sources)
        .into_iter()
        .map(|(language, all)| (language, Asked::of(all, &asking(question, language), sources)))
        .collect();
    let mut found = Vec::new();
    for (passage, (source, text)) in sources.iter().zip(texts).enumerate() {
        let Some(asked) = asked.get(&source.language()) else { continue };
        let mut context = Context::default();
        for (span, own) in source.spans().zip(source.terms()) {
            let sentence = &text[span.clone()];
            if !context.admits(sentence, &span, own) {
                continue;
            }
            let has = |term: &str| {
                if own.contains(term) {
                    1.0
                } else if context.has(term) {
                    CONTEXT
                } else {
                    0.0
                }
            };
            if own.len() >= FEWEST_TERMS && !sentence.ends_with(['?', '\u{ff1f}']) {
                let heading = context.table.as_ref().map(|(span, _)| span.clone());
                found.push(Candidate { passage, span, heading, words: asked.share(has), terms: own.clone() });
            }
            context.before.clone_from(own);
        }
    }
    found
}

/// The words that ask and bind in the question's language, as terms by the rules of the passages' `language`. The language of a
/// few words is a guess: English ones count in any.
fn asking(question: &str, language: Language) -> BTreeSet<String> {
    let guessed = media::detect_language(question).map(|language| language.code);
    let code = guessed.as_deref().filter(|code| *code != "en").unwrap_or_default();
    // The lists' name for what is told as Bokmål.
    let listed = stop_words::lookup(if code == "nb" { "no" } else { code }).unwrap_or_default();
    let more = ASKING_ELSEWHERE.iter().find(|(of, _)| *of == code).map_or("", |(_, words)| words);
    [ASKING, more].into_iter().chain(listed.iter().copied()).flat_map(|words| terms(words, language)).collect()
}

/// The [`MOST_MEASURED`] candidates that have the most of the question's words, of equals the first; in their order.
pub(crate) fn likeliest(mut candidates: Vec<Candidate>) -> Vec<Candidate> {
    if candidates.len() > MOST_MEASURED {
        // The sort is stable: of equals the first stays first.
        candidates.sort_by(|a, b| b.words.total_cmp(&a.words));
        candidates.truncate(MOST_MEASURED);
        candidates.sort_by_key(|candidate| (candidate.passage, candidate.span.start));
    }
    candidates
}

/// Chooses the answer: the best sentence, and those that are nearly as good and say something else; before the row of a
/// table the table's heading. `nearness` says how near each candidate is in meaning to the question; none where meanings are
/// not known. Nothing, where no sentence answers.
pub(crate) fn choose(candidates: &[Candidate], nearness: Option<&[f32]>) -> Vec<(usize, Range<usize>)> {
    let worth = |at: usize| match nearness.and_then(|nearness| nearness.get(at)) {
        Some(near) => f64::midpoint(candidates[at].words, f64::from(*near).max(0.0)),
        None => candidates[at].words,
    };
    let least = if nearness.is_some() { WORTH_ANSWERING } else { WORTH_ANSWERING_BY_WORDS };
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    order.sort_by(|a, b| worth(*b).total_cmp(&worth(*a)).then(a.cmp(b)));
    let best = order.first().map_or(0.0, |at| worth(*at));
    let mut chosen: Vec<usize> = Vec::new();
    for at in order {
        if chosen.len() == MOST_SENTENCES || worth(at) < least || worth(at) < best * NEAR_THE_BEST {
            break;
        }
        let new = &candidates[at].terms;
        let repeats = chosen.iter().any(|earlier| {
            let shared = new.intersection(&candidates[*earlier].terms).count();
            shared as f64 > SAME_AGAIN * new.len() as f64
        });
        if !repeats {
            chosen.push(at);
        }
    }
    let mut quoted: Vec<(usize, Range<usize>)> = Vec::new();
    for candidate in chosen.into_iter().map(|at| &candidates[at]) {
        let heading = candidate.heading.iter().map(|heading| (candidate.passage, heading.clone()));
        let new: Vec<_> = heading.filter(|heading| !quoted.contains(heading)).collect();
        quoted.extend(new);
        quoted.push((candidate.passage, candidate.span.clone()));
    }
    quoted
}

/// What a question is about, by the rules of one language.
struct Asked {
    /// How much each of its terms tells.
    weights: BTreeMap<String, f64>,
    total: f64,
}

impl Asked {
    /// The terms of a question but for those that ask and bind; all, where there are no others.
    fn of(all: BTreeSet<String>, asking: &BTreeSet<String>, sources: &[Source]) -> Self {
        let asked: BTreeSet<String> = all.difference(asking).cloned().collect();
        let weights = weights(if asked.is_empty() { &all } else { &asked }, sources);
        Self { total: weights.values().sum(), weights }
    }

    /// The share of the terms that something has, which says how much of each.
    fn share(&self, has: impl Fn(&str) -> f64) -> f64 {
        let had: f64 = self.weights.iter().map(|(term, weight)| weight * has(term)).sum();
        if self.total > 0.0 { had / self.total } else { 0.0 }
    }
}

/// What stands around a sentence and helps to understand it.
#[derive(Default)]
struct Context {
    /// The heading that it is under.
    heading: BTreeSet<String>,
    /// The heading of the table that it is a row of.
    table: Option<(Range<usize>, BTreeSet<String>)>,
    /// The sentence before it.
    before: BTreeSet<String>,
}

impl Context {
    fn has(&self, term: &str) -> bool {
        let in_table = self.table.as_ref().is_some_and(|(_, terms)| terms.contains(term));
        in_table || self.heading.contains(term) || self.before.contains(term)
    }

    /// Whether a sentence may answer; headings become the context of what follows them.
    fn admits(&mut self, sentence: &str, span: &Range<usize>, terms: &BTreeSet<String>) -> bool {
        if sentence.starts_with('#') {
            self.heading.clone_from(terms);
            self.table = None;
            return false;
        }
        let is_row = sentence.starts_with('|');
        if !is_row {
            self.table = None;
        } else if self.table.is_none() {
            self.table = Some((span.clone(), terms.clone()));
            return false;
        }
        !(is_row && terms.is_empty())
    }
}

/// How much each of the terms tells: the fewer sentences have it, the more.
fn weights(asked: &BTreeSet<String>, sources: &[Source]) -> BTreeMap<String, f64> {
    let sentences: Vec<&BTreeSet<String>> = sources.iter().flat_map(Source::terms).collect();
    let weight = |term: &String| {
        let having = sentences.iter().filter(|terms| terms.contains(term)).count() as f64;
        (1.0 + sentences.len() as f64 / (having + 0.5)).ln()
    };
    asked.iter().map(|term| (term.clone(), weight(term))).collect()
}
