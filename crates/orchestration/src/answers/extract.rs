//! Answers without a model: the sentences of the passages that answer the question best, as they stand.
//!
//! A sentence is worth the mean of two shares: that of the question's terms which it has, each weighed by how rare it is
//! among the sentences found, with half of what the sentence before it or the passage's heading has; and its meaning's
//! nearness to the question's, the cosine of their vectors. `docs/answers.md` says how often the right sentence is found
//! and how often a question is refused that nothing answers.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::support::{Source, terms};

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
/// English words that ask and bind; what a question is about are the others. Other languages' count by their rarity alone.
const ASKING: &str = "a an and are as at be by can could did do does for from had has have how in is it its many may much must of on \
                      or shall should that the their there these they this to was were what when where which who whom whose why \
                      will with would";
/// The fewest terms of a sentence that tells something.
const FEWEST_TERMS: usize = 3;

/// A sentence of a passage.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Candidate {
    /// The passage's number.
    pub(crate) passage: usize,
    /// Which bytes of its text.
    pub(crate) span: Range<usize>,
    /// The share of the question's terms.
    pub(crate) words: f64,
    terms: BTreeSet<String>,
}

/// The sentences that may answer a question, in their order.
pub(crate) fn candidates(question: &str, sources: &[Source], texts: &[&str]) -> Vec<Candidate> {
    let (all, asking) = (terms(question), terms(ASKING));
    let asked: BTreeSet<String> = all.difference(&asking).cloned().collect();
    let asked = if asked.is_empty() { all } else { asked };
    let weights = weights(&asked, sources);
    let total: f64 = weights.values().sum();
    let share = |has: &dyn Fn(&str) -> f64| {
        if total > 0.0 { weights.iter().map(|(term, weight)| weight * has(term)).sum::<f64>() / total } else { 0.0 }
    };
    let mut found = Vec::new();
    for (passage, (source, text)) in sources.iter().zip(texts).enumerate() {
        let (mut heading, mut before): (BTreeSet<String>, BTreeSet<String>) = Default::default();
        for (span, own) in source.spans().zip(source.terms()) {
            if text[span.clone()].starts_with('#') {
                heading.clone_from(own);
                continue;
            }
            let has = |term: &str| match () {
                () if own.contains(term) => 1.0,
                () if heading.contains(term) || before.contains(term) => CONTEXT,
                () => 0.0,
            };
            let is_question = text[span.clone()].ends_with(['?', '?']);
            if own.len() >= FEWEST_TERMS && !is_question {
                found.push(Candidate { passage, span, words: share(&has), terms: own.clone() });
            }
            before.clone_from(own);
        }
    }
    found
}

/// Chooses the answer: the best sentence, and those that are nearly as good and say something else. `nearness` has the
/// cosine of each candidate's vector with the question's; none where meanings are not known. Nothing, where no sentence
/// answers.
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
    chosen.into_iter().map(|at| (candidates[at].passage, candidates[at].span.clone())).collect()
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
