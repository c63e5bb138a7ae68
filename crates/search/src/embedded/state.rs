//! What an index holds, as queries see it: the base file, mapped, and everything since in memory.
//!
//! Documents have numbers: those of the base file its own, and those since the next ones, in the order in which they were put. A
//! replaced or deleted document keeps its number and is no longer alive; the next compaction leaves it out. Of a document of the
//! base file there is in memory what every query asks of it, some 20 bytes; the rest is read where it lies.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound;
use std::sync::Arc;

use super::acls::Acls;
use super::base_file::BaseFile;
use crate::analysis::{Language, tokens};
use crate::bitmap::Bitmap;
use crate::document::{Applied, Change, Document, Schema, Value};
use crate::principals::Caller;
use crate::vectors::Rows;

/// A document's terms and lengths by field.
pub(crate) struct Analysed {
    /// `(field, term, how often)`, each pair once. What is more often than can be counted lengthens the field only.
    pub(crate) terms: Vec<(usize, String, u16)>,
    /// How many terms each field has.
    pub(crate) lengths: Vec<u32>,
}

/// Analyses a document's fields.
pub(crate) fn analyse(document: &Document, schema: &Schema) -> Analysed {
    let language = document.language.unwrap_or(schema.language);
    let mut analysed = Analysed { terms: Vec::new(), lengths: Vec::with_capacity(schema.fields.len()) };
    for (field, declared) in schema.fields.iter().enumerate() {
        let text = document.fields.get(&declared.name).map_or("", String::as_str);
        let found = tokens(text, language);
        analysed.lengths.push(found.len() as u32);
        let mut counts: BTreeMap<String, u16> = BTreeMap::new();
        for token in found {
            let count = counts.entry(token.term).or_insert(0);
            *count = count.saturating_add(1);
        }
        analysed.terms.extend(counts.into_iter().map(|(term, count)| (field, term, count)));
    }
    analysed
}

/// A change with what was computed of it before any lock was taken.
pub(crate) struct Prepared {
    change: Change,
    analysed: Option<Analysed>,
}

impl Prepared {
    /// Of a change that was normalised.
    pub(crate) fn new(change: Change, schema: &Schema) -> Self {
        let analysed = match &change {
            Change::Put(document) => Some(analyse(document, schema)),
            _ => None,
        };
        Self { change, analysed }
    }
}

/// A term's documents, ascending, and how often each has it.
#[derive(Default)]
pub(crate) struct Postings {
    pub(crate) documents: Vec<u32>,
    pub(crate) frequencies: Vec<u16>,
}

/// What is needed of a document only once it was found, where the base file does not have it.
struct Record {
    key: Arc<str>,
    language: Option<Language>,
    /// Ascending by name.
    metadata: Box<[(Arc<str>, Value)]>,
    /// By field.
    texts: Box<[Box<str>]>,
}

impl Record {
    fn value(&self, name: &str) -> Option<&Value> {
        let at = self.metadata.binary_search_by(|(known, _)| (**known).cmp(name)).ok()?;
        Some(&self.metadata[at].1)
    }
}

/// Who has what is needed of a document only once it was found.
enum Holder<'a> {
    Base(&'a BaseFile),
    Recent(&'a Record),
}

/// What an index holds.
pub(crate) struct State {
    pub(crate) schema: Arc<Schema>,
    pub(crate) base: Option<Arc<BaseFile>>,
    /// The documents after the base's.
    recent: Vec<Record>,
    /// Those of them that are alive, by key.
    recent_keys: BTreeMap<Arc<str>, u32>,
    pub(crate) acls: Acls,
    pub(crate) acl_of: Vec<u32>,
    /// By whose rules each document was analysed.
    pub(crate) language_of: Vec<Language>,
    pub(crate) alive: Bitmap,
    pub(crate) with_vector: Bitmap,
    /// By field, then by document.
    pub(crate) lengths: Vec<Vec<u32>>,
    /// By field; of the documents after the base's.
    pub(crate) tail_terms: Vec<HashMap<Box<str>, Postings>>,
    /// Of the documents after the base's; zeros for those without.
    pub(crate) tail_vectors: Vec<f32>,
    names: HashSet<Arc<str>>,
}

impl State {
    pub(crate) fn new(schema: Arc<Schema>) -> Self {
        let fields = schema.fields.len();
        Self {
            schema,
            base: None,
            recent: Vec::new(),
            recent_keys: BTreeMap::new(),
            acls: Acls::default(),
            acl_of: Vec::new(),
            language_of: Vec::new(),
            alive: Bitmap::default(),
            with_vector: Bitmap::default(),
            lengths: vec![Vec::new(); fields],
            tail_terms: (0..fields).map(|_| HashMap::new()).collect(),
            tail_vectors: Vec::new(),
            names: HashSet::new(),
        }
    }

    /// How many numbers are given, dead ones included.
    pub(crate) fn slots(&self) -> usize {
        self.acl_of.len()
    }

    /// How many documents the base file has.
    pub(crate) fn base_slots(&self) -> usize {
        self.base.as_ref().map_or(0, |base| base.documents())
    }

    pub(crate) fn dimension(&self) -> usize {
        self.schema.dimension.unwrap_or(0)
    }

    /// Applies a batch, which was checked: nothing can fail.
    pub(crate) fn apply(&mut self, batch: Vec<Prepared>) -> Applied {
        let mut applied = Applied::default();
        for Prepared { change, analysed } in batch {
            match (change, analysed) {
                (Change::Put(document), Some(analysed)) => {
                    self.put(document, analysed);
                    applied.put += 1;
                }
                (Change::Put(document), None) => {
                    let analysed = analyse(&document, &self.schema);
                    self.put(document, analysed);
                    applied.put += 1;
                }
                (Change::Delete { key }, _) => applied.deleted += u64::from(self.delete(&key)),
                (Change::DeletePrefix { prefix }, _) => {
                    for key in self.keys_from(&prefix, None, usize::MAX) {
                        applied.deleted += u64::from(self.delete(&key));
                    }
                }
                (Change::SetAcl { key, acl }, _) => {
                    if let Some(slot) = self.slot(&key) {
                        self.acl_of[slot as usize] = self.acls.number(&acl);
                        applied.permissions += 1;
                    }
                }
            }
        }
        applied
    }

    fn put(&mut self, document: Document, analysed: Analysed) {
        self.delete(&document.key);
        let slot = self.slots() as u32;
        let key: Arc<str> = document.key.into();
        self.recent_keys.insert(Arc::clone(&key), slot);
        let mut fields = document.fields;
        let texts = self.schema.fields.iter().map(|field| fields.remove(&field.name).unwrap_or_default().into());
        let texts = texts.collect();
        let metadata = document.metadata.into_iter().map(|(name, value)| (self.name(name), value)).collect();
        self.recent.push(Record { key, language: document.language, metadata, texts });
        let acl = self.acls.number(&document.acl);
        self.add(document.language, acl, document.vector.is_some());
        let dimension = self.dimension();
        match document.vector {
            Some(vector) => self.tail_vectors.extend(vector),
            None => self.tail_vectors.extend(std::iter::repeat_n(0.0, dimension)),
        }
        for (lengths, length) in self.lengths.iter_mut().zip(analysed.lengths) {
            lengths.push(length);
        }
        for (field, term, frequency) in analysed.terms {
            let postings = self.tail_terms[field].entry(term.into()).or_default();
            postings.documents.push(slot);
            postings.frequencies.push(frequency);
        }
    }

    /// Gives the next number to a document; its key, lengths, vector and terms are the caller's to add.
    pub(crate) fn add(&mut self, language: Option<Language>, acl: u32, with_vector: bool) {
        self.language_of.push(language.unwrap_or(self.schema.language));
        self.acl_of.push(acl);
        self.alive.push(true);
        self.with_vector.push(with_vector);
    }

    /// One copy of a metadata name.
    fn name(&mut self, name: String) -> Arc<str> {
        if let Some(known) = self.names.get(&*name) {
            return Arc::clone(known);
        }
        let name: Arc<str> = name.into();
        self.names.insert(Arc::clone(&name));
        name
    }

    fn delete(&mut self, key: &str) -> bool {
        let Some(slot) = self.slot(key) else { return false };
        self.recent_keys.remove(key);
        self.alive.remove(slot as usize);
        true
    }

    /// The number of the document of a key that is alive.
    pub(crate) fn slot(&self, key: &str) -> Option<u32> {
        let of_base = || self.base.as_ref()?.find(key).filter(|slot| self.alive.contains(*slot as usize));
        self.recent_keys.get(key).copied().or_else(of_base)
    }

    /// The keys that begin with `prefix` and come after `after`, ascending, at most `limit`.
    pub(crate) fn keys_from(&self, prefix: &str, after: Option<&str>, limit: usize) -> Vec<String> {
        let from = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        let recent = self.recent_keys.range::<str, _>((from, Bound::Unbounded)).map(|(key, _)| &**key);
        let base = self.base.iter().flat_map(|base| base.documents_from(from)).copied();
        let base = base.filter(|slot| self.alive.contains(*slot as usize)).map(|slot| self.key(slot));
        let (mut recent, mut base) = (recent.peekable(), base.peekable());
        // No two that are alive have one key.
        let ascending = std::iter::from_fn(|| match (recent.peek(), base.peek()) {
            (Some(one), Some(other)) if one < other => recent.next(),
            (Some(_), None) => recent.next(),
            _ => base.next(),
        });
        ascending.take_while(|key| key.starts_with(prefix)).take(limit).map(str::to_owned).collect()
    }

    /// The documents that are alive and that the caller may see.
    pub(crate) fn permitted(&self, caller: &Caller) -> Bitmap {
        let permitting = self.acls.permitting(caller);
        Bitmap::of(self.slots(), |slot| permitting[self.acl_of[slot] as usize]).and(&self.alive)
    }

    /// Whether the caller may see a document that is alive.
    pub(crate) fn permits(&self, caller: &Caller, slot: u32) -> bool {
        self.acls.permits(caller, self.acl_of[slot as usize])
    }

    fn holder(&self, slot: u32) -> Holder<'_> {
        match (&self.base, (slot as usize).checked_sub(self.base_slots())) {
            (Some(base), None) => Holder::Base(base),
            (_, at) => Holder::Recent(&self.recent[at.unwrap_or(0)]),
        }
    }

    /// The document's key.
    pub(crate) fn key(&self, slot: u32) -> &str {
        match self.holder(slot) {
            Holder::Base(base) => base.key(slot),
            Holder::Recent(record) => &record.key,
        }
    }

    /// The document's language, where it is not the index's.
    pub(crate) fn language(&self, slot: u32) -> Option<Language> {
        match self.holder(slot) {
            Holder::Base(base) => base.language(slot),
            Holder::Recent(record) => record.language,
        }
    }

    /// The text of a field.
    pub(crate) fn text(&self, slot: u32, field: usize) -> String {
        match self.holder(slot) {
            Holder::Base(base) => base.text(slot, field),
            Holder::Recent(record) => record.texts[field].as_ref().to_owned(),
        }
    }

    /// The texts by the fields' names, empty ones left out.
    pub(crate) fn texts(&self, slot: u32) -> BTreeMap<String, String> {
        let named = |(field, declared): (usize, &crate::document::TextField)| {
            let text = self.text(slot, field);
            (!text.is_empty()).then(|| (declared.name.clone(), text))
        };
        self.schema.fields.iter().enumerate().filter_map(named).collect()
    }

    /// The metadata by name.
    pub(crate) fn metadata(&self, slot: u32) -> BTreeMap<String, Value> {
        match self.holder(slot) {
            Holder::Base(base) => base.metadata(slot),
            Holder::Recent(record) => {
                record.metadata.iter().map(|(name, value)| (name.as_ref().to_owned(), value.clone())).collect()
            }
        }
    }

    /// One of the metadata.
    pub(crate) fn value(&self, slot: u32, name: &str) -> Option<Cow<'_, Value>> {
        match self.holder(slot) {
            Holder::Base(base) => base.value(slot, name).map(Cow::Owned),
            Holder::Recent(record) => record.value(name).map(Cow::Borrowed),
        }
    }

    /// The whole document.
    pub(crate) fn document(&self, slot: u32) -> Document {
        let vector = self.with_vector.contains(slot as usize).then(|| self.full(slot).to_vec());
        Document {
            key: self.key(slot).to_owned(),
            fields: self.texts(slot),
            language: self.language(slot),
            metadata: self.metadata(slot),
            acl: self.acls.get(self.acl_of[slot as usize]).as_ref().clone(),
            vector,
        }
    }

    /// A term's postings: those of the base file, then those since.
    pub(crate) fn postings(&self, field: usize, term: &str) -> [(&[u32], &[u16]); 2] {
        let base = self.base.as_ref().and_then(|base| base.postings(field, term)).unwrap_or_default();
        let tail = self.tail_terms[field].get(term);
        [base, tail.map_or((&[], &[]), |postings| (&postings.documents, &postings.frequencies))]
    }
}

impl Rows for State {
    fn full(&self, row: u32) -> &[f32] {
        let (dimension, first) = (self.dimension(), self.base_slots());
        match (&self.base, (row as usize).checked_sub(first)) {
            (Some(base), None) => base.full(row),
            (_, at) => {
                let at = at.unwrap_or(0) * dimension;
                &self.tail_vectors[at..at + dimension]
            }
        }
    }

    fn short(&self, row: u32) -> Option<(&[i8], f32, f32)> {
        let base = self.base.as_ref()?;
        ((row as usize) < base.documents()).then(|| base.short(row))
    }

    fn fetch_short(&self, row: u32) {
        if let Some(base) = self.base.as_ref().filter(|base| (row as usize) < base.documents()) {
            base.fetch_short(row);
        }
    }
}
