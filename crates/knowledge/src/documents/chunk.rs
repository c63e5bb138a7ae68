//! Chunks as the index keeps them: `DATA-SOURCE/DOCUMENT-HASH/NUMBER`, with all that a query needs of them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use base::{Error, Result};
use search::analysis::Language;
use search::{Acl, Caller, Document, Value};

use super::sidecar::Sidecar;
use super::{INTERNAL, Location, hash_of};
use crate::chunking::Cut;

/// The text field of the index.
pub(crate) const TEXT: &str = "text";
const NAME: &str = "craton:document";
const KIND: &str = "craton:kind";
const START: &str = "craton:start";
const TOKENS: &str = "craton:tokens";
const FIRST: &str = "craton:first";
const LAST: &str = "craton:last";
const REVISION: &str = "craton:revision";
/// What Bedrock adds to a document's metadata.
const SOURCE_URI: &str = "x-amz-bedrock-kb-source-uri";
const CHUNK_ID: &str = "x-amz-bedrock-kb-chunk-id";
const DATA_SOURCE_ID: &str = "x-amz-bedrock-kb-data-source-id";
const PAGE: &str = "x-amz-bedrock-kb-document-page-number";

/// What the chunks of a document have in common.
pub(crate) struct Whole<'a> {
    pub(crate) source: &'a str,
    /// How the keys of its chunks begin.
    pub(crate) prefix: &'a str,
    pub(crate) location: &'a Location,
    /// The hash of the content: chunks of one revision make one text.
    pub(crate) revision: &'a str,
    pub(crate) language: Language,
    pub(crate) sidecar: &'a Sidecar,
}

/// What a chunk's metadata says of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Facts {
    pub(crate) location: Location,
    pub(crate) source: String,
    pub(crate) number: usize,
    pub(crate) start: usize,
    pub(crate) tokens: usize,
    pub(crate) page: Option<u32>,
    pub(crate) parent: Option<Range<usize>>,
    pub(crate) revision: String,
}

/// How the keys of a document's chunks begin.
pub(crate) fn prefix(source: &str, name: &str) -> String {
    format!("{source}/{}/", hash_of(name))
}

/// The key of a chunk. The numbers are as long as each other, so that keys are in the document's order.
pub(crate) fn key(prefix: &str, number: usize) -> String {
    format!("{prefix}{number:08}")
}

impl Whole<'_> {
    /// The chunk `cut` of the text, as the index takes it.
    pub(crate) fn chunk(&self, text: &str, (number, cut): (usize, &Cut), vector: Vec<f32>) -> Document {
        let key = key(self.prefix, number);
        let mut metadata = self.metadata(&key);
        let mut note = |name: &str, number: usize| metadata.insert(name.to_owned(), Value::Number(number as f64));
        note(START, cut.span.start);
        note(TOKENS, cut.tokens);
        if let Some(page) = cut.page {
            note(PAGE, page as usize);
        }
        if let Some(parent) = &cut.parent {
            note(FIRST, parent.start);
            note(LAST, parent.end.saturating_sub(1));
        }
        Document {
            key,
            fields: [(TEXT.to_owned(), text[cut.span.clone()].to_owned())].into(),
            language: Some(self.language),
            metadata,
            acl: encoded(&self.sidecar.acl),
            vector: Some(vector),
        }
    }

    /// The metadata of a chunk that are not its own alone.
    fn metadata(&self, key: &str) -> BTreeMap<String, Value> {
        let mut metadata = self.sidecar.metadata.clone();
        let mut note = |name: &str, text: &str| metadata.insert(name.to_owned(), Value::Text(text.to_owned()));
        note(NAME, self.location.name());
        note(KIND, self.location.kind());
        note(REVISION, self.revision);
        note(CHUNK_ID, key);
        note(DATA_SOURCE_ID, self.source);
        if let Location::S3 { uri } = self.location {
            note(SOURCE_URI, uri);
        }
        metadata
    }

    /// A chunk that the index has, with what is said of the document now. Its text and its vector stay.
    pub(crate) fn renewed(&self, chunk: Document) -> Document {
        let mut metadata = self.metadata(&chunk.key);
        for name in [START, TOKENS, PAGE, FIRST, LAST] {
            metadata.extend(chunk.metadata.get(name).map(|value| (name.to_owned(), value.clone())));
        }
        Document { metadata, acl: encoded(&self.sidecar.acl), ..chunk }
    }
}

impl Facts {
    /// # Errors
    /// Internal, where the index holds what was not put there.
    pub(crate) fn read(key: &str, metadata: &BTreeMap<String, Value>) -> Result<Self> {
        let odd = || Error::internal(format!("the chunk `{key}` lacks what is noted of chunks"));
        let text = |name: &str| match metadata.get(name) {
            Some(Value::Text(text)) => Ok(text.clone()),
            _ => Err(odd()),
        };
        let number = |name: &str| match metadata.get(name) {
            Some(Value::Number(number)) => Some(*number as usize),
            _ => None,
        };
        let place = key.rsplit('/').next().and_then(|number| number.parse().ok());
        Ok(Self {
            location: Location::from_row(&text(KIND)?, text(NAME)?)?,
            source: text(DATA_SOURCE_ID)?,
            number: place.ok_or_else(odd)?,
            start: number(START).ok_or_else(odd)?,
            tokens: number(TOKENS).ok_or_else(odd)?,
            page: number(PAGE).and_then(|page| u32::try_from(page).ok()),
            parent: number(FIRST).zip(number(LAST)).map(|(first, last)| first..last + 1),
            revision: text(REVISION)?,
        })
    }
}

/// The metadata that callers see.
pub(crate) fn public(metadata: BTreeMap<String, Value>) -> BTreeMap<String, Value> {
    metadata.into_iter().filter(|(name, _)| !name.starts_with(INTERNAL)).collect()
}

/// Permissions as the index keeps them. A reader goes by several names, of which the index takes one alone, but any number
/// of groups: each name is a group of its own there.
pub(crate) fn encoded(acl: &Acl) -> Acl {
    Acl {
        public: acl.public,
        allowed_users: BTreeSet::new(),
        denied_users: BTreeSet::new(),
        allowed_groups: principals(&acl.allowed_users, &acl.allowed_groups),
        denied_groups: principals(&acl.denied_users, &acl.denied_groups),
    }
}

/// A reader as the index takes them: by these names, and in these groups.
pub(crate) fn caller(names: &BTreeSet<String>, groups: &BTreeSet<String>) -> Caller {
    Caller { user: None, groups: principals(names, groups) }
}

fn principals(users: &BTreeSet<String>, groups: &BTreeSet<String>) -> BTreeSet<String> {
    let users = users.iter().map(|name| format!("user:{name}"));
    users.chain(groups.iter().map(|name| format!("group:{name}"))).collect()
}

/// The text of consecutive chunks, each the beginning and the text of one.
pub(crate) fn joined<'a>(chunks: impl IntoIterator<Item = (usize, &'a str)>) -> Option<(usize, String)> {
    let mut chunks = chunks.into_iter();
    let (start, first) = chunks.next()?;
    let mut text = first.to_owned();
    for (at, chunk) in chunks {
        // What it repeats of the one before it.
        let known = (start + text.len()).checked_sub(at)?;
        match chunk.get(known.min(chunk.len())..) {
            Some(new) => text.push_str(new),
            None => return None,
        }
    }
    Some((start, text))
}
