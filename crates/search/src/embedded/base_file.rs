//! The base file: everything up to the last compaction, never changed, mapped into memory.
//!
//! It begins with a head (magic, format, version of the analysis) and ends with a table of its sections (kind,
//! checksum, place) and a tail that says where the table is. Sections begin at multiples of 64 bytes, so that numbers in
//! them can be read in place. All checksums are verified when the file is opened.

use std::collections::BTreeMap;
use std::ops::{Bound, Range};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::keys;
use super::manifest::FORMAT;
use super::records::{find_value, read_acl, read_language, read_metadata};
use super::state::State;
use crate::analysis::Language;
use crate::codec::{Decoded, Malformed, Reader, checksum};
use crate::document::{Acl, Schema, Value};
use crate::scan::{Map, fetch};
use crate::{Error, Result};

const _: () = assert!(cfg!(target_endian = "little"), "base files are read in place, and are little-endian");

pub(crate) const MAGIC: &[u8; 8] = b"CRTNBASE";
pub(crate) const HEAD: usize = 64;
pub(crate) const ALIGNMENT: usize = 64;
pub(crate) const TAIL: usize = 24;
pub(crate) const TERM_ENTRY: usize = 32;
/// The version of the rules by which terms are made of texts. A base file of another version is analysed anew.
pub(crate) const ANALYSIS: u32 = 2;

/// What a section holds; the numbers are those in files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    /// The distinct permissions.
    Acls = 1,
    /// What is known of each document but its texts, terms and vector.
    Documents = 2,
    /// Where each document's fields end in the texts, as `u64`.
    TextEnds = 3,
    /// The texts, one after the other.
    Texts = 4,
    /// By field and term: the number of documents and the place of the postings; then the terms.
    Terms = 5,
    /// For each term the documents as `u32` ascending, then how often each has it as `u16`.
    Postings = 6,
    /// The vectors as `f32`.
    Vectors = 7,
    /// The 8-bit vectors.
    Shorts = 8,
    /// Each 8-bit vector's scale and error as `f32`.
    Scales = 9,
}

const SECTIONS: [Section; 9] = [
    Section::Acls,
    Section::Documents,
    Section::TextEnds,
    Section::Texts,
    Section::Terms,
    Section::Postings,
    Section::Vectors,
    Section::Shorts,
    Section::Scales,
];

/// A base file that was verified.
pub(crate) struct BaseFile {
    map: Map,
    path: PathBuf,
    sections: [Range<usize>; SECTIONS.len()],
    documents: usize,
    fields: usize,
    dimension: usize,
    analysis: u32,
    /// Where each document's record begins in its section.
    records: Vec<u64>,
    /// The documents, ascending by their keys.
    by_key: Vec<u32>,
}

impl BaseFile {
    /// Maps a base file and verifies it. Its documents are known once it is loaded.
    pub(crate) fn open(path: &Path, schema: &Schema) -> Result<Self> {
        let map = Map::open(path).map_err(|error| Error::io(path, &error))?;
        let damaged = |Malformed(reason)| Error::corrupt(path, reason);
        let (format, analysis) = head(&map).map_err(damaged)?;
        if format > FORMAT {
            return Err(Error::Format { file: path.to_owned(), found: format, newest: FORMAT });
        }
        let (documents, sections) = table(&map).map_err(damaged)?;
        let file = Self {
            map,
            path: path.to_owned(),
            sections,
            documents,
            fields: schema.fields.len(),
            dimension: schema.dimension.unwrap_or(0),
            analysis,
            records: Vec::new(),
            by_key: Vec::new(),
        };
        file.check_sizes().map_err(damaged)?;
        Ok(file)
    }

    fn check_sizes(&self) -> Decoded<()> {
        let expected = [
            (Section::TextEnds, self.documents * self.fields * 8),
            (Section::Vectors, self.documents * self.dimension * 4),
            (Section::Shorts, self.documents * self.dimension),
            (Section::Scales, self.documents * 8),
        ];
        let fits = |(section, bytes): (Section, usize)| self.section(section).len() == bytes;
        if expected.into_iter().all(fits) {
            Ok(())
        } else {
            Err(Malformed("a section has another size than its content"))
        }
    }

    /// How many documents it has.
    pub(crate) fn documents(&self) -> usize {
        self.documents
    }

    /// Its length in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.map.len() as u64
    }

    /// Whether its terms were made by today's rules.
    pub(crate) fn is_analysed_as_now(&self) -> bool {
        self.analysis == ANALYSIS
    }

    fn section(&self, section: Section) -> &[u8] {
        &self.map[self.sections[section as usize - 1].clone()]
    }

    /// Puts its documents into an empty state, which keeps it.
    pub(crate) fn load(mut self, state: &mut State) -> Result<()> {
        self.load_documents(state).map_err(|Malformed(reason)| Error::corrupt(&self.path, reason))?;
        // All of it was read for the checksums, and all records since; queries read much less.
        self.map.let_go();
        state.base = Some(Arc::new(self));
        Ok(())
    }

    /// What every query asks of a document is put into the state; the rest stays in the file, and it is noted where.
    fn load_documents(&mut self, state: &mut State) -> Decoded<()> {
        let mut reader = Reader(self.section(Section::Acls));
        let acls: Vec<Acl> = reader.list(read_acl)?;
        let numbers: Vec<u32> = acls.iter().map(|acl| state.acls.number(acl)).collect();
        let section = self.section(Section::Documents);
        let (mut reader, mut records) = (Reader(section), Vec::with_capacity(self.documents));
        for _ in 0..self.documents {
            records.push((section.len() - reader.0.len()) as u64);
            reader.str()?;
            let language = read_language(&mut reader)?;
            let acl = *numbers.get(reader.u32()? as usize).ok_or(Malformed("a permission of an unknown number"))?;
            let with_vector = reader.u8()? != 0;
            // That it can be read later.
            read_metadata(&mut reader)?;
            for lengths in &mut state.lengths {
                lengths.push(reader.u32()?);
            }
            state.add(language, acl, with_vector);
        }
        reader.end()?;
        self.records = records;
        self.by_key = keys::sorted(self.documents, |document| self.key_bytes(document));
        Ok(())
    }

    /// A document's record, from its beginning on.
    fn record(&self, document: u32) -> Reader<'_> {
        Reader(&self.section(Section::Documents)[self.records[document as usize] as usize..])
    }

    fn key_bytes(&self, document: u32) -> &[u8] {
        self.record(document).piece().unwrap_or_default()
    }

    /// A document's key.
    pub(crate) fn key(&self, document: u32) -> &str {
        std::str::from_utf8(self.key_bytes(document)).unwrap_or_default()
    }

    /// The document of a key.
    pub(crate) fn find(&self, key: &str) -> Option<u32> {
        let found = self.by_key.binary_search_by(|document| self.key_bytes(*document).cmp(key.as_bytes()));
        found.ok().map(|at| self.by_key[at])
    }

    /// The documents whose keys are not before a bound, ascending by their keys.
    pub(crate) fn documents_from(&self, from: Bound<&str>) -> &[u32] {
        let is_before = |document: &u32| match from {
            Bound::Included(from) => self.key_bytes(*document) < from.as_bytes(),
            Bound::Excluded(from) => self.key_bytes(*document) <= from.as_bytes(),
            Bound::Unbounded => false,
        };
        &self.by_key[self.by_key.partition_point(is_before)..]
    }

    /// A document's language, where it has one of its own.
    pub(crate) fn language(&self, document: u32) -> Option<Language> {
        let mut reader = self.record(document);
        reader.piece().and_then(|_| read_language(&mut reader)).unwrap_or_default()
    }

    /// A document's metadata.
    pub(crate) fn metadata(&self, document: u32) -> BTreeMap<String, Value> {
        self.metadata_of(document).and_then(|mut reader| read_metadata(&mut reader)).unwrap_or_default()
    }

    /// One value of a document's metadata.
    pub(crate) fn value(&self, document: u32, name: &str) -> Option<Value> {
        self.metadata_of(document).and_then(|mut reader| find_value(&mut reader, name)).unwrap_or_default()
    }

    /// A document's record from its metadata on.
    fn metadata_of(&self, document: u32) -> Decoded<Reader<'_>> {
        let mut reader = self.record(document);
        reader.piece()?;
        read_language(&mut reader)?;
        // The permission, and whether there is a vector.
        reader.u32()?;
        reader.u8()?;
        Ok(reader)
    }

    /// The text of a document's field.
    pub(crate) fn text(&self, document: u32, field: usize) -> String {
        let at = document as usize * self.fields + field;
        let end = |at: usize| number(self.section(Section::TextEnds), at * 8) as usize;
        let start = if at == 0 { 0 } else { end(at - 1) };
        let bytes = self.section(Section::Texts).get(start..end(at)).unwrap_or_default();
        String::from_utf8_lossy(bytes).into_owned()
    }

    /// A document's vector; zeros where it has none.
    pub(crate) fn full(&self, document: u32) -> &[f32] {
        let at = document as usize * self.dimension * 4;
        bytemuck::cast_slice(&self.section(Section::Vectors)[at..at + self.dimension * 4])
    }

    /// A document's 8-bit vector, its scale and its error.
    pub(crate) fn short(&self, document: u32) -> (&[i8], f32, f32) {
        let (integers, scales) = self.short_parts(document);
        let scales: &[f32] = bytemuck::cast_slice(scales);
        (bytemuck::cast_slice(integers), scales[0], scales[1])
    }

    /// Has the processor fetch what [`BaseFile::short`] tells of a document.
    pub(crate) fn fetch_short(&self, document: u32) {
        let (integers, scales) = self.short_parts(document);
        fetch(integers);
        fetch(scales);
    }

    fn short_parts(&self, document: u32) -> (&[u8], &[u8]) {
        let at = document as usize;
        let integers = &self.section(Section::Shorts)[at * self.dimension..(at + 1) * self.dimension];
        (integers, &self.section(Section::Scales)[at * 8..at * 8 + 8])
    }

    /// A term's documents, ascending, and how often each has it.
    pub(crate) fn postings(&self, field: usize, term: &str) -> Option<(&[u32], &[u16])> {
        let wanted = (field, term.as_bytes());
        let (mut low, mut high) = (0, self.terms());
        while low < high {
            let middle = usize::midpoint(low, high);
            match self.term(middle).cmp(&wanted) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Some(self.postings_of(middle)),
            }
        }
        None
    }

    /// How many terms it has, all fields together.
    pub(crate) fn terms(&self) -> usize {
        number(self.section(Section::Terms), 0) as usize
    }

    /// The `at`-th term and its field; they ascend.
    pub(crate) fn term(&self, at: usize) -> (usize, &[u8]) {
        let terms = self.section(Section::Terms);
        let entry = 8 + at * TERM_ENTRY;
        let (field, length) = (short_number(terms, entry), short_number(terms, entry + 4) as usize);
        let start = 8 + self.terms() * TERM_ENTRY + number(terms, entry + 8) as usize;
        (field as usize, terms.get(start..start + length).unwrap_or_default())
    }

    /// The `at`-th term's postings.
    pub(crate) fn postings_of(&self, at: usize) -> (&[u32], &[u16]) {
        let terms = self.section(Section::Terms);
        let entry = 8 + at * TERM_ENTRY;
        let (count, start) = (short_number(terms, entry + 16) as usize, number(terms, entry + 24) as usize);
        let postings = &self.section(Section::Postings)[start..start + count * 6];
        let (documents, frequencies) = postings.split_at(count * 4);
        (bytemuck::cast_slice(documents), bytemuck::cast_slice(frequencies))
    }
}

/// The number of 8 bytes at `at`; 0 past the end, where no writer puts one.
fn number(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

fn short_number(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

fn head(bytes: &[u8]) -> Decoded<(u32, u32)> {
    let mut reader = Reader(bytes);
    if reader.bytes(MAGIC.len())? != MAGIC {
        return Err(Malformed("it is not a base file"));
    }
    let (format, analysis) = (reader.u32()?, reader.u32()?);
    // A later format may have another head.
    if format <= FORMAT && bytes.get(16..HEAD).is_none_or(|rest| rest.iter().any(|byte| *byte != 0)) {
        return Err(Malformed("its head is not that of a base file"));
    }
    Ok((format, analysis))
}

/// The number of documents and the sections, their checksums verified.
fn table(bytes: &[u8]) -> Decoded<(usize, [Range<usize>; SECTIONS.len()])> {
    let tail_at = bytes.len().checked_sub(TAIL).ok_or(Malformed("it ends too early"))?;
    let mut tail = Reader(&bytes[tail_at..]);
    let (documents, table_at) = (tail.u64()? as usize, tail.u64()? as usize);
    let (sum, magic) = (tail.u32()?, tail.u32()?);
    let table = bytes.get(table_at..tail_at).ok_or(Malformed("it ends too early"))?;
    if magic != table.len() as u32
        || sum != checksum(&[&bytes[..HEAD.min(bytes.len())], table, &bytes[tail_at..tail_at + 16]])
    {
        return Err(Malformed("the checksum of its table differs"));
    }
    let mut reader = Reader(table);
    let mut sections = std::array::from_fn(|_| 0..0);
    for (section, range) in SECTIONS.into_iter().zip(&mut sections) {
        let (kind, sum) = (reader.u32()?, reader.u32()?);
        let (start, length) = (reader.u64()? as usize, reader.u64()? as usize);
        let end = start.checked_add(length).ok_or(Malformed("a section lies outside it"))?;
        let content = bytes.get(start..end).ok_or(Malformed("a section lies outside it"))?;
        if kind != section as u32 || start % ALIGNMENT != 0 {
            return Err(Malformed("its table is not that of a base file"));
        }
        if checksum(&[content]) != sum {
            return Err(Malformed(section.damaged()));
        }
        *range = start..end;
    }
    reader.end()?;
    Ok((documents, sections))
}

impl Section {
    fn damaged(self) -> &'static str {
        match self {
            Self::Acls => "the checksum of its permissions differs",
            Self::Documents => "the checksum of its documents differs",
            Self::TextEnds | Self::Texts => "the checksum of its texts differs",
            Self::Terms => "the checksum of its terms differs",
            Self::Postings => "the checksum of its postings differs",
            Self::Vectors | Self::Shorts | Self::Scales => "the checksum of its vectors differs",
        }
    }
}
