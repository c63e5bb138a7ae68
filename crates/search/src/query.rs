//! A query, and what it finds.

use std::collections::{BTreeMap, BTreeSet};

use crate::analysis::{Language, tokens};
use crate::document::{Schema, Value, unit};
use crate::filter::Filter;
use crate::fusion::{Fusion, Part};
use crate::principals::Caller;
use crate::{Error, Result};

#[cfg(test)]
mod tests;

/// The most results that a query may ask for.
pub const MAX_LIMIT: usize = 10_000;
/// The most text that a query may have, in bytes.
pub const MAX_QUERY_BYTES: usize = 64 << 10;

/// What is asked: by text, by a vector, or by both.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// Who asks. Documents that they may not see take no part, neither as results nor in any statistic.
    pub caller: Caller,
    /// The text to rank by.
    pub text: Option<String>,
    /// The languages by whose rules the text is analysed.
    pub languages: Languages,
    /// The vector to rank by.
    pub vector: Option<Vec<f32>>,
    /// What results must meet. It does not change the statistics, so that it never changes a lexical score.
    pub filter: Option<Filter>,
    /// How the two rankings become one.
    pub fusion: Fusion,
    /// How many results to give.
    pub limit: usize,
    /// How many documents each side gives to the fusion; at least `limit` are taken.
    pub candidates: usize,
}

impl Query {
    /// Asks nothing yet, for ten results.
    #[must_use]
    pub fn new(caller: Caller) -> Self {
        Self {
            caller,
            text: None,
            languages: Languages::Index,
            vector: None,
            filter: None,
            fusion: Fusion::default(),
            limit: 10,
            candidates: 100,
        }
    }

    /// Asks by text.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    /// Asks by a vector.
    #[must_use]
    pub fn vector(mut self, vector: Vec<f32>) -> Self {
        self.vector = Some(vector);
        self
    }

    /// Wants results that meet this.
    #[must_use]
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filter = Some(filter);
        self
    }

    /// Checks the query.
    pub(crate) fn prepare(&self, schema: &Schema) -> Result<Prepared> {
        self.fusion.validate()?;
        if self.text.is_none() && self.vector.is_none() {
            return Err(Error::invalid("the query has neither a text nor a vector", "give at least one of them"));
        }
        if self.limit == 0 || self.limit > MAX_LIMIT {
            return Err(Error::invalid(format!("`{}` results", self.limit), format!("ask for 1 to {MAX_LIMIT}")));
        }
        let bytes = self.text.as_ref().map_or(0, String::len);
        if bytes > MAX_QUERY_BYTES {
            let hint = format!("keep it within {MAX_QUERY_BYTES} bytes");
            return Err(Error::invalid(format!("a query of {bytes} bytes"), hint));
        }
        let mut vector = self.vector.clone();
        if let Some(vector) = &mut vector {
            unit(vector, schema.dimension, "the query")?;
        }
        let candidates = self.candidates.clamp(self.limit, MAX_LIMIT);
        Ok(Prepared { vector, fusion: self.fusion, limit: self.limit, candidates })
    }
}

/// By the rules of which languages a query's text is analysed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Languages {
    /// The index's.
    #[default]
    Index,
    /// This one's.
    Only(Language),
    /// Those of all documents that the caller may see: for an index of several. Others change nobody's scores.
    Visible,
}

/// A term of a query.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// How often the text has it, in the language in which that is most.
    count: u32,
    /// The terms that the words it comes from are in any of the languages, itself among them.
    forms: BTreeSet<String>,
}

impl Wanted {
    /// How often the query has it.
    pub(crate) fn count(&self) -> f64 {
        f64::from(self.count)
    }

    /// How many of `visible` documents have its word, `having` one of the terms that the word is: were every language's form counted
    /// alone, a common word would be rare in a language of few documents.
    pub(crate) fn documents<'a>(&'a self, visible: u64, having: impl FnMut(&'a str) -> u64) -> u64 {
        // One that has two of the forms is counted with both.
        self.forms.iter().map(String::as_str).map(having).sum::<u64>().min(visible)
    }
}

/// The terms of a query's text. What is a term in several languages counts once.
pub(crate) fn terms(text: &str, languages: &BTreeSet<Language>) -> BTreeMap<String, Wanted> {
    let mut terms: BTreeMap<String, Wanted> = BTreeMap::new();
    let mut words: BTreeMap<(usize, usize), BTreeSet<String>> = BTreeMap::new();
    for language in languages {
        let mut counts: BTreeMap<String, u32> = BTreeMap::new();
        for token in tokens(text, *language) {
            words.entry(token.whole).or_default().insert(token.term.clone());
            *counts.entry(token.term).or_insert(0) += 1;
        }
        for (term, count) in counts {
            let wanted = terms.entry(term).or_default();
            wanted.count = count.max(wanted.count);
        }
    }
    for forms in words.into_values().collect::<BTreeSet<_>>() {
        for form in &forms {
            terms.entry(form.clone()).or_default().forms.extend(forms.iter().cloned());
        }
    }
    terms
}

/// A query that was checked.
pub(crate) struct Prepared {
    pub(crate) vector: Option<Vec<f32>>,
    pub(crate) fusion: Fusion,
    pub(crate) limit: usize,
    pub(crate) candidates: usize,
}

/// What a query found.
#[derive(Debug, Clone, PartialEq)]
pub struct Results {
    /// The best documents, best first.
    pub hits: Vec<Hit>,
    /// How many documents the caller may see.
    pub visible: u64,
    /// How many of them meet the filter.
    pub matching: u64,
    /// The filter as an expression.
    pub filter: Option<String>,
}

/// A document that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// Its key.
    pub key: String,
    /// Between 0 and 1; what `explanation` sums up to.
    pub score: f64,
    /// Its texts by field.
    pub fields: BTreeMap<String, String>,
    /// Its language, where it is not the index's.
    pub language: Option<Language>,
    /// Its metadata.
    pub metadata: BTreeMap<String, Value>,
    /// Why it is here.
    pub explanation: Explanation,
}

/// Why a document was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The lexical side's part; none where there was no text, or the document has none of its terms.
    pub lexical: Option<Part>,
    /// The vector side's part; none where there was no vector, or the document has none.
    pub vector: Option<Part>,
    /// What each term of the query that the document has gave to the lexical score.
    pub terms: Vec<TermPart>,
}

/// What a term gave to a document's lexical score.
#[derive(Debug, Clone, PartialEq)]
pub struct TermPart {
    /// The text field.
    pub field: String,
    /// The term, as it is indexed.
    pub term: String,
    /// How often the document has it.
    pub frequency: u16,
    /// How many of the documents that the caller may see have the word of the query that it is a form of, in any of the
    /// languages that the query was analysed in; one that has two of the forms is counted twice.
    pub documents: u64,
    /// How rare that is.
    pub idf: f64,
    /// What it gave.
    pub score: f64,
}
