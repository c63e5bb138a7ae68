//! One ranking out of two, with scores between 0 and 1 that say where they come from.

use std::collections::HashMap;
use std::hash::Hash;

use crate::ranking::{Scored, best};
use crate::{Error, Result};

#[cfg(test)]
mod tests;

/// How the lexical and the vector ranking become one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fusion {
    /// By ranks alone: each side gives `weight / (k + rank)`, divided by what a document gets that is first on both
    /// (Cormack et al., "Reciprocal Rank Fusion outperforms Condorcet", SIGIR 2009). A document that is not among a
    /// side's candidates gets nothing from it.
    ReciprocalRank {
        /// How much the first ranks differ from the next; 60 in the paper. Not below 0.
        k: f64,
        /// The lexical side's weight.
        lexical: f64,
        /// The vector side's weight.
        vector: f64,
    },
    /// By normalised scores: the weighted mean of the two sides' (a convex combination; Bruch et al., "An Analysis of Fusion
    /// Functions for Hybrid Retrieval", TOIS 2023). Both are known for every candidate of either.
    Weighted {
        /// The lexical side's weight.
        lexical: f64,
        /// The vector side's weight.
        vector: f64,
    },
}

impl Default for Fusion {
    fn default() -> Self {
        // Chosen among normalisations, weights and reciprocal ranks on half of SciFact's queries and on XQuAD's English ones,
        // with two models; what it gives on the others: docs/benchmarks.md.
        Self::Weighted { lexical: 0.6, vector: 0.4 }
    }
}

impl Fusion {
    /// # Errors
    /// Invalid: a weight or `k` that is negative or not finite, or no weight at all.
    pub fn validate(&self) -> Result<()> {
        let (numbers, total) = match *self {
            Self::ReciprocalRank { k, lexical, vector } => ([k, lexical, vector], lexical + vector),
            Self::Weighted { lexical, vector } => ([0.0, lexical, vector], lexical + vector),
        };
        if numbers.iter().any(|number| !number.is_finite() || *number < 0.0) || total <= 0.0 {
            let hint = "give numbers that are not negative, and at least one weight above 0";
            return Err(Error::invalid(format!("the fusion `{self:?}`"), hint));
        }
        Ok(())
    }
}

/// One side's part in a result.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    /// The place in the side's own ranking, from 1; none for a document that is not among its candidates.
    pub rank: Option<u32>,
    /// The side's own score: BM25, or the cosine.
    pub score: f64,
    /// The score between 0 and 1. BM25 is divided by the best document's. The cosine is measured between that of the vector
    /// side's last candidate (0, and so are those below) and the best one (1): models differ in what part of the range they use.
    /// Without a lexical side the cosine `c` becomes `(1 + c) / 2`, which other queries' can be compared with.
    pub normalised: f64,
}

/// A result of the fusion.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fused<Id> {
    pub(crate) id: Id,
    pub(crate) score: f64,
    pub(crate) lexical: Option<Part>,
    pub(crate) vector: Option<Part>,
}

/// What a side knows: its candidates, best first, and the score of any document that has one.
pub(crate) struct Side<'a, Id> {
    pub(crate) candidates: Vec<Scored<Id>>,
    pub(crate) score: &'a dyn Fn(Id) -> Option<f64>,
}

/// Cosines that differ by no more are the same: single precision tells them no better.
const SAME: f64 = 1e-6;

/// Fuses the sides that were asked for. With one side alone the score is that side's normalised one.
pub(crate) fn fuse<Id: Copy + Eq + Hash, K: Ord>(
    fusion: Fusion,
    lexical: Option<Side<'_, Id>>,
    vector: Option<Side<'_, Id>>,
    limit: usize,
    key: impl Fn(Id) -> K,
) -> Vec<Fused<Id>> {
    let lexical = lexical.map(|side| {
        let top = side.candidates.first().map_or(0.0, |best| best.score);
        Ranked::new(side, move |score| if top > 0.0 { score / top } else { 0.0 })
    });
    let between = lexical.is_some();
    let vector = vector.map(|side| {
        let ends = side.candidates.first().zip(side.candidates.last()).map(|(best, last)| (last.score, best.score));
        Ranked::new(side, move |cosine| match ends {
            Some((last, best)) if between && best - last > SAME => ((cosine - last) / (best - last)).clamp(0.0, 1.0),
            // All candidates are equally similar.
            Some((last, _)) if between => f64::from(cosine >= last - SAME),
            _ => ((1.0 + cosine) / 2.0).clamp(0.0, 1.0),
        })
    });
    let mut found: HashMap<Id, Fused<Id>> = HashMap::new();
    for id in [&lexical, &vector].into_iter().flatten().flat_map(|ranked| ranked.ranks.keys().copied()) {
        found.entry(id).or_insert_with(|| {
            let parts = [&lexical, &vector].map(|side| side.as_ref().and_then(|ranked| ranked.part(id)));
            let both = lexical.is_some() && vector.is_some();
            Fused { id, score: score(fusion, both, parts), lexical: parts[0], vector: parts[1] }
        });
    }
    let scored = found.values().map(|fused| Scored { id: fused.id, score: fused.score }).collect();
    best(scored, limit, key).into_iter().filter_map(|scored| found.remove(&scored.id)).collect()
}

struct Ranked<'a, Id> {
    ranks: HashMap<Id, u32>,
    score: &'a dyn Fn(Id) -> Option<f64>,
    normalise: Box<dyn Fn(f64) -> f64>,
}

impl<'a, Id: Copy + Eq + Hash> Ranked<'a, Id> {
    fn new(side: Side<'a, Id>, normalise: impl Fn(f64) -> f64 + 'static) -> Self {
        let ranks = side.candidates.iter().zip(1..).map(|(scored, rank)| (scored.id, rank)).collect();
        Self { ranks, score: side.score, normalise: Box::new(normalise) }
    }

    fn part(&self, id: Id) -> Option<Part> {
        let score = (self.score)(id)?;
        Some(Part { rank: self.ranks.get(&id).copied(), score, normalised: (self.normalise)(score) })
    }
}

fn score(fusion: Fusion, both: bool, [lexical, vector]: [Option<Part>; 2]) -> f64 {
    let normalised = |part: Option<Part>| part.map_or(0.0, |part| part.normalised);
    match fusion {
        _ if !both => normalised(lexical.or(vector)),
        Fusion::Weighted { lexical: l, vector: v } => (l * normalised(lexical) + v * normalised(vector)) / (l + v),
        Fusion::ReciprocalRank { k, lexical: l, vector: v } => {
            let given = |part: Option<Part>, weight: f64| {
                part.and_then(|part| part.rank).map_or(0.0, |rank| weight / (k + f64::from(rank)))
            };
            (given(lexical, l) + given(vector, v)) * (k + 1.0) / (l + v)
        }
    }
}
