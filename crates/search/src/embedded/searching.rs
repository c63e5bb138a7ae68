//! Answering a query from the state.
//!
//! The order is what keeps scores from telling anything of documents that the caller may not see: first the permitted
//! documents, then every count over these alone, then the filter, then the best.

use std::collections::{BTreeMap, BTreeSet};

use super::state::State;
use crate::Result;
use crate::analysis::Language;
use crate::bitmap::Bitmap;
use crate::bm25::FieldStatistics;
use crate::filter::Filter;
use crate::fusion::{Fused, Side, fuse};
use crate::query::{Explanation, Hit, Languages, Prepared, Query, Results, TermPart, Wanted, terms};
use crate::ranking::{Scored, best};
use crate::scan::dot;
use crate::vectors::{Rows as _, nearest};

/// From so many documents that are asked for on, both sides of a query are ranked at once: starting a thread takes some
/// 50 microseconds, and ranking so many some hundreds.
const APART_FROM: u64 = 4_096;

impl State {
    /// Answers a query.
    ///
    /// # Errors
    /// Invalid, where the query is.
    pub(crate) fn search(&self, query: &Query) -> Result<Results> {
        let prepared = query.prepare(&self.schema)?;
        let permitted = self.permitted(&query.caller);
        let filtered = query.filter.as_ref().map(|filter| self.filtered(&permitted, filter));
        let matching = filtered.as_ref().unwrap_or(&permitted);
        let terms = query.text.as_ref().map(|text| terms(text, &self.languages(query.languages, &permitted)));
        let by_words = || {
            let lexical = self.lexical(terms.as_ref()?, &permitted, matching);
            let best = self.best_by_words(&lexical, prepared.candidates);
            Some((lexical, best))
        };
        let by_vector = || Some(self.nearest(prepared.vector.as_ref()?, prepared.candidates, matching));
        let apart = terms.is_some() && prepared.vector.is_some() && matching.count() >= APART_FROM;
        let (by_words, by_vector) = both(apart, by_words, by_vector);
        let (lexical, by_words) = by_words.unzip();
        let fused = self.rank(&prepared, (lexical.as_ref(), by_words), by_vector);
        Ok(Results {
            hits: fused.into_iter().map(|fused| self.hit(&fused, lexical.as_ref())).collect(),
            visible: permitted.count(),
            matching: matching.count(),
            filter: query.filter.as_ref().map(Filter::to_string),
        })
    }

    /// The languages by which a query's text is analysed.
    fn languages(&self, asked: Languages, permitted: &Bitmap) -> BTreeSet<Language> {
        match asked {
            Languages::Index => [self.schema.language].into(),
            Languages::Only(language) => [language].into(),
            Languages::Visible => {
                let (mut languages, mut last) = (BTreeSet::new(), None);
                for language in permitted.iter().map(|slot| self.language_of[slot]) {
                    // Neighbours are mostly of one language.
                    if last.replace(language) != Some(language) {
                        languages.insert(language);
                    }
                }
                languages
            }
        }
    }

    fn filtered(&self, permitted: &Bitmap, filter: &Filter) -> Bitmap {
        let holds = |slot: usize| filter.holds(&|name: &str| self.value(slot as u32, name));
        Bitmap::of(self.slots(), |slot| permitted.contains(slot) && holds(slot))
    }

    fn best_by_words(&self, lexical: &Lexical, limit: usize) -> Vec<Scored<u32>> {
        let scored = |slot: &u32| Scored { id: *slot, score: lexical.scores[*slot as usize] };
        best(lexical.found.iter().map(scored).collect(), limit, |slot| self.key(slot))
    }

    fn nearest(&self, query: &[f32], limit: usize, matching: &Bitmap) -> Vec<Scored<u32>> {
        let among = matching.iter().filter(|slot| self.with_vector.contains(*slot)).map(|slot| slot as u32);
        nearest(self, among.collect(), query, limit, |slot| self.key(slot))
    }

    fn rank(
        &self,
        prepared: &Prepared,
        (lexical, by_words): (Option<&Lexical>, Option<Vec<Scored<u32>>>),
        by_vector: Option<Vec<Scored<u32>>>,
    ) -> Vec<Fused<u32>> {
        let key = |slot: u32| self.key(slot);
        let score = |slot: u32| lexical.and_then(|lexical| lexical.score(slot));
        let similarity = |slot: u32| {
            let query = prepared.vector.as_ref()?;
            self.with_vector.contains(slot as usize).then(|| f64::from(dot(self.full(slot), query)))
        };
        let text = by_words.map(|candidates| Side { candidates, score: &score });
        let vector = by_vector.map(|candidates| Side { candidates, score: &similarity });
        fuse(prepared.fusion, text, vector, prepared.limit, key)
    }

    /// Calls `each` with the permitted documents that have the term in the field, and how often: in loops of its own, as an iterator
    /// over several lists asks at each of millions of postings in which of them it is.
    fn each_having(&self, field: usize, term: &str, permitted: &Bitmap, mut each: impl FnMut(u32, u16)) {
        for (slots, frequencies) in self.postings(field, term) {
            for (slot, frequency) in slots.iter().zip(frequencies) {
                if permitted.contains(*slot as usize) {
                    each(*slot, *frequency);
                }
            }
        }
    }

    /// How many permitted documents have the term in the field.
    fn count_having(&self, field: usize, term: &str, permitted: &Bitmap) -> u64 {
        let mut count = 0;
        self.each_having(field, term, permitted, |_, _| count += 1);
        count
    }

    fn lexical(&self, terms: &BTreeMap<String, Wanted>, permitted: &Bitmap, matching: &Bitmap) -> Lexical {
        let visible = permitted.count();
        let mut lexical = Lexical { scores: vec![0.0; self.slots()], found: Vec::new(), terms: Vec::new() };
        let mut seen: Vec<(u32, u16)> = Vec::new();
        for (field, declared) in self.schema.fields.iter().enumerate() {
            let lengths = &self.lengths[field];
            let total = permitted.iter().map(|slot| u64::from(lengths[slot])).sum();
            let statistics = FieldStatistics::new(visible, total);
            let mut counted: BTreeMap<&str, u64> = BTreeMap::new();
            for (term, wanted) in terms {
                seen.clear();
                self.each_having(field, term, permitted, |slot, frequency| seen.push((slot, frequency)));
                counted.insert(term, seen.len() as u64);
                if seen.is_empty() {
                    continue;
                }
                let documents = wanted.documents(visible, |form| {
                    *counted.entry(form).or_insert_with(|| self.count_having(field, form, permitted))
                });
                let idf = statistics.idf(documents);
                let weight = declared.weight * wanted.count() * idf;
                for (slot, frequency) in seen.iter().filter(|(slot, _)| matching.contains(*slot as usize)) {
                    let score = &mut lexical.scores[*slot as usize];
                    if *score == 0.0 {
                        lexical.found.push(*slot);
                    }
                    *score += weight * statistics.saturation(*frequency, lengths[*slot as usize]);
                }
                lexical.terms.push(TermStatistics { field, term: term.clone(), documents, idf, weight, statistics });
            }
        }
        lexical
    }

    fn hit(&self, fused: &Fused<u32>, lexical: Option<&Lexical>) -> Hit {
        let terms = lexical.map_or_else(Vec::new, |lexical| {
            lexical.terms.iter().filter_map(|term| self.term_part(fused.id, term)).collect()
        });
        Hit {
            key: self.key(fused.id).to_owned(),
            score: fused.score,
            fields: self.texts(fused.id),
            language: self.language(fused.id),
            metadata: self.metadata(fused.id),
            explanation: Explanation { lexical: fused.lexical, vector: fused.vector, terms },
        }
    }

    fn term_part(&self, slot: u32, term: &TermStatistics) -> Option<TermPart> {
        let postings = self.postings(term.field, &term.term);
        let frequency = postings
            .iter()
            .find_map(|(slots, frequencies)| slots.binary_search(&slot).ok().map(|at| frequencies[at]))?;
        let length = self.lengths[term.field][slot as usize];
        Some(TermPart {
            field: self.schema.fields[term.field].name.clone(),
            term: term.term.clone(),
            frequency,
            documents: term.documents,
            idf: term.idf,
            score: term.weight * term.statistics.saturation(frequency, length),
        })
    }
}

/// What both give, at once where they are asked `apart`, and one after the other where no thread can be had.
fn both<A: Send, B>(apart: bool, first: impl Fn() -> A + Sync, second: impl FnOnce() -> B) -> (A, B) {
    if !apart {
        return (first(), second());
    }
    std::thread::scope(|scope| {
        let started = std::thread::Builder::new().spawn_scoped(scope, &first);
        let second = second();
        let first = match started.map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(first)) => first,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            Err(_) => first(),
        };
        (first, second)
    })
}

/// The lexical scores of a query.
struct Lexical {
    /// By document; 0 for those that have no term of the query or that are not asked for.
    scores: Vec<f64>,
    /// The documents with a score.
    found: Vec<u32>,
    terms: Vec<TermStatistics>,
}

impl Lexical {
    fn score(&self, slot: u32) -> Option<f64> {
        Some(self.scores[slot as usize]).filter(|score| *score > 0.0)
    }
}

struct TermStatistics {
    field: usize,
    term: String,
    documents: u64,
    idf: f64,
    /// The field's weight, the term's in the query and its rarity.
    weight: f64,
    statistics: FieldStatistics,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_at_once_give_what_each_gives() {
        for apart in [false, true] {
            assert_eq!(both(apart, || 1 + 1, || "b".to_owned()), (2, "b".to_owned()));
        }
    }

    #[test]
    fn a_panic_of_either_is_the_callers() {
        let first = std::panic::catch_unwind(|| both(true, || panic!("of the first"), || ())).unwrap_err();
        assert_eq!(first.downcast_ref::<&str>(), Some(&"of the first"));
        let second = std::panic::catch_unwind(|| both(true, || (), || panic!("of the second"))).unwrap_err();
        assert_eq!(second.downcast_ref::<&str>(), Some(&"of the second"));
    }
}
