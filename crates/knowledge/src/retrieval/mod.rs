//! Retrieval: the passages of a knowledge base that answer a query best, out of those that the reader may see.

pub(crate) mod cache;
mod passages;
mod reader;
mod resemblance;
mod search_in;
mod viewing;

use std::collections::BTreeMap;
use std::ops::Range;

use crate::documents::Location;

/// How passages are ranked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SearchType {
    /// By words and by meaning.
    Hybrid,
    /// By meaning: the similarity of vectors.
    Semantic,
    /// By words: BM25. Craton's own.
    Lexical,
}

/// What is asked of a knowledge base.
#[derive(Debug, Clone, PartialEq)]
pub struct Retrieve {
    /// The knowledge base's id or ARN.
    pub knowledge_base: String,
    /// The question.
    pub text: String,
    /// How many passages: 1 to 100.
    pub results: usize,
    /// How they are ranked; hybrid by default.
    pub search: Option<SearchType>,
    /// What their metadata must meet.
    pub filter: Option<search::Filter>,
    /// Who reads, where that is not the caller: the application vouches for it.
    pub user: Option<String>,
    /// How many passages each side of the ranking gives to the fusion.
    pub candidates: Option<usize>,
    /// How many chunks before and after each passage are joined to it: 10 at most.
    pub neighbours: usize,
    /// Whether passages that say nearly the same as a better one are kept.
    pub near_duplicates: bool,
    /// The token of the page before.
    pub next: Option<String>,
}

impl Retrieve {
    /// Five passages, hybrid, for the caller.
    #[must_use]
    pub fn new(knowledge_base: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            knowledge_base: knowledge_base.into(),
            text: text.into(),
            results: 5,
            search: None,
            filter: None,
            user: None,
            candidates: None,
            neighbours: 0,
            near_duplicates: false,
            next: None,
        }
    }
}

/// What was retrieved.
#[derive(Debug, Clone, PartialEq)]
pub struct Retrieved {
    /// The passages, best first.
    pub passages: Vec<Passage>,
    /// The token of the next page, where there is one.
    pub next: Option<String>,
    /// How they were ranked.
    pub search: SearchType,
    /// How many chunks the reader may see.
    pub visible: u64,
    /// How many of them meet the filter.
    pub matching: u64,
    /// The filter as an expression.
    pub filter: Option<String>,
    /// The embedding model that answers for the knowledge base's.
    pub embedding_model: String,
}

/// A part of a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Passage {
    /// The key of the chunk that was found: `DATA-SOURCE/DOCUMENT-HASH/NUMBER`. Where chunks have parents or neighbours are
    /// joined, the text is more than that chunk's.
    pub chunk: String,
    /// The document's URI, or the id that it was handed in under.
    pub document: String,
    /// The id of its data source.
    pub data_source: String,
    /// Where it comes from.
    pub location: Location,
    /// The text.
    pub text: String,
    /// Which bytes of the document's text these are.
    pub span: Range<usize>,
    /// The page that it begins on, from 1, where the document has pages.
    pub page: Option<u32>,
    /// Between 0 and 1.
    pub score: f64,
    /// The document's metadata, with what Bedrock adds: `x-amz-bedrock-kb-source-uri` and others.
    pub metadata: BTreeMap<String, search::Value>,
    /// Why it is here.
    pub explanation: search::Explanation,
    /// By whose rules its words were taken.
    pub language: search::analysis::Language,
}

impl Passage {
    /// The places of the text that have the words for which it was found; none where meaning alone counted.
    #[must_use]
    pub fn highlights(&self) -> Vec<search::highlight::Span> {
        let terms = self.explanation.terms.iter().map(|term| term.term.as_str()).collect();
        search::highlight::spans_of(&self.text, &terms, self.language)
    }
}

/// Which document of a knowledge base.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DocumentName {
    /// The knowledge base's id or ARN.
    pub knowledge_base: String,
    /// The id of its data source.
    pub data_source: String,
    /// The document's URI, or the id that it was handed in under.
    pub document: String,
}

/// A chunk of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// `DATA-SOURCE/DOCUMENT-HASH/NUMBER`.
    pub key: String,
    /// Which bytes of the document's text it is.
    pub span: Range<usize>,
    /// Which bytes its parent is, where chunks have parents.
    pub parent: Option<Range<usize>>,
    /// The page that it begins on, from 1.
    pub page: Option<u32>,
    /// Its tokens, by the embedding model's count.
    pub tokens: usize,
    /// Its text.
    pub text: String,
}

/// A document's text, as it was taken out of its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentText {
    /// The text.
    pub text: String,
    /// Its title, where it has one.
    pub title: Option<String>,
    /// Its language: ISO 639-1, where that is known.
    pub language: Option<String>,
    /// What was odd about the file.
    pub warnings: Vec<String>,
}
