//! The lexical score: BM25 as Lucene has it since version 8, with exact lengths.
//!
//! `score(q, d) = Σ_t w · n_t · idf(t) · tf / (tf + k1 · (1 − b + b · |d| / avg))`, where
//! `idf(t) = ln(1 + (N − df + 0.5) / (df + 0.5))`, `n_t` is how often the query has the term and `w` the field's weight.
//! Sources: Robertson & Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009); the variants' names
//! are those of Kamphuis et al., "Which BM25 Do You Mean?" (ECIR 2020), as the Python package `bm25s` uses them, whose
//! default this is. `N`, `df` and `avg` are counted over the documents that the caller may see.

/// How soon repetition saturates.
pub const K1: f64 = 1.5;
/// How much a field's length counts, from 0 to 1.
pub const B: f64 = 0.75;

/// A field of the documents that the caller may see.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FieldStatistics {
    /// How many documents there are, those with an empty field counted.
    pub documents: u64,
    /// The mean number of terms in the field.
    pub average: f64,
}

impl FieldStatistics {
    /// Of `documents` whose fields have `terms` together.
    #[must_use]
    pub fn new(documents: u64, terms: u64) -> Self {
        Self { documents, average: if documents == 0 { 0.0 } else { terms as f64 / documents as f64 } }
    }

    /// How rare a term is that `with_term` of the documents have. Above 0.
    #[must_use]
    pub fn idf(&self, with_term: u64) -> f64 {
        let (n, df) = (self.documents as f64, with_term as f64);
        (1.0 + (n - df + 0.5) / (df + 0.5)).ln()
    }

    /// How much of a term's rarity a document gets that has it `frequency` times among `length` terms: from 0 to 1.
    #[must_use]
    pub fn saturation(&self, frequency: u16, length: u32) -> f64 {
        // A document that has the term has a length, and so has the average.
        let tf = f64::from(frequency);
        tf / (tf + K1 * (1.0 - B + B * f64::from(length) / self.average))
    }
}
