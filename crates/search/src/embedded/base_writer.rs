//! Writes a base file out of a state at one instant, in pieces, so that changes need wait for one piece only.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use crc_fast::{CrcAlgorithm, Digest};

use super::base_file::{ALIGNMENT, ANALYSIS, HEAD, MAGIC, Section, TAIL, TERM_ENTRY};
use super::files::{Append, Files};
use super::manifest::FORMAT;
use super::records::{write_acl, write_language, write_metadata};
use super::state::State;
use crate::bitmap::Bitmap;
use crate::codec::{Writer, checksum};
use crate::document::Acl;
use crate::vectors::{Rows as _, quantise};
use crate::{Error, Result};

/// Documents or terms whose content is copied while no change is applied.
const PIECE: usize = 256;
/// Bytes that are written at once.
const BLOCK: usize = 1 << 20;

/// A state at one instant: what may change of the documents that it has.
pub(crate) struct Cut {
    alive: Bitmap,
    acl_of: Vec<u32>,
    acls: Vec<Arc<Acl>>,
}

impl Cut {
    pub(crate) fn of(state: &State) -> Self {
        let acls = (0..state.acls.len() as u32).map(|number| Arc::clone(state.acls.get(number))).collect();
        Self { alive: state.alive.clone(), acl_of: state.acl_of.clone(), acls }
    }
}

/// In which order the documents of a cut are written: those of one permission one after the other, and those of permissions that
/// begin alike near each other. What a caller may see lies in few runs then, rather than on every page of vectors.
struct Layout<'a> {
    cut: &'a Cut,
    /// The documents that are alive.
    slots: Vec<u32>,
    /// Their new numbers by the old ones.
    renumbered: Vec<u32>,
}

impl<'a> Layout<'a> {
    fn of(cut: &'a Cut) -> Self {
        let mut acls: Vec<usize> = (0..cut.acls.len()).collect();
        acls.sort_unstable_by_key(|number| &cut.acls[*number]);
        let mut places = vec![0_u32; acls.len()];
        acls.iter().zip(0..).for_each(|(number, place)| places[*number] = place);
        let mut slots: Vec<u32> = cut.alive.iter().map(|slot| slot as u32).collect();
        // Those of one permission keep their order.
        slots.sort_by_key(|slot| places[cut.acl_of[*slot as usize] as usize]);
        let mut renumbered = vec![u32::MAX; cut.alive.len()];
        slots.iter().zip(0..).for_each(|(slot, number)| renumbered[*slot as usize] = number);
        Self { cut, slots, renumbered }
    }
}

/// Gives access to the state for a moment at a time.
pub(crate) trait Source {
    /// Runs `read` on the state. Documents keep their numbers and contents between calls; others may be added.
    ///
    /// # Errors
    /// Halted, where the work is to stop.
    fn read(&self, read: &mut dyn FnMut(&State)) -> Result<()>;
}

/// Writes the base file and makes it durable. On failure nothing of it is left, as far as the system lets it be removed.
pub(crate) fn write(files: &dyn Files, name: &str, cut: &Cut, source: &dyn Source) -> Result<()> {
    write_as(files, name, cut, source, ANALYSIS)
}

/// [`write`], stating the version of the rules of analysis.
pub(super) fn write_as(files: &dyn Files, name: &str, cut: &Cut, source: &dyn Source, analysis: u32) -> Result<()> {
    let layout = Layout::of(cut);
    let written = Output::create(files, name, analysis).and_then(|mut output| {
        documents(&mut output, &layout, source)?;
        terms(&mut output, &layout, source)?;
        vectors(&mut output, &layout, source)?;
        output.finish(layout.slots.len() as u64)
    });
    if written.is_err() {
        // What cannot be removed now is removed when the index is opened next.
        let _ = files.remove(name);
    }
    written
}

fn documents(output: &mut Output, layout: &Layout<'_>, source: &dyn Source) -> Result<()> {
    let cut = layout.cut;
    // Only those that a document has: the others end with this compaction.
    let used: BTreeSet<u32> = layout.slots.iter().map(|slot| cut.acl_of[*slot as usize]).collect();
    let used: Vec<u32> = used.into_iter().collect();
    output.begin(Section::Acls)?;
    let mut writer = Writer::default();
    writer.list(used.iter(), |writer, number| write_acl(writer, &cut.acls[*number as usize]));
    output.write(&writer.0)?;
    output.begin(Section::Documents)?;
    pieces(layout, source, output, |state, slot, writer| {
        writer.text(state.key(slot));
        write_language(writer, state.language(slot));
        let acl = used.binary_search(&cut.acl_of[slot as usize]).unwrap_or_default();
        writer.u32(acl as u32);
        writer.u8(u8::from(state.with_vector.contains(slot as usize)));
        write_metadata(writer, state.metadata(slot).iter().map(|(name, value)| (name.as_str(), value)));
        state.lengths.iter().for_each(|lengths| writer.u32(lengths[slot as usize]));
    })?;
    let mut ends = Writer::default();
    let mut end = 0;
    output.begin(Section::Texts)?;
    pieces(layout, source, output, |state, slot, writer| {
        for field in 0..state.schema.fields.len() {
            let text = state.text(slot, field);
            end += text.len() as u64;
            ends.u64(end);
            writer.0.extend(text.as_bytes());
        }
    })?;
    output.begin(Section::TextEnds)?;
    output.write(&ends.0)
}

fn vectors(output: &mut Output, layout: &Layout<'_>, source: &dyn Source) -> Result<()> {
    output.begin(Section::Vectors)?;
    pieces(layout, source, output, |state, slot, writer| {
        writer.0.extend_from_slice(bytemuck::cast_slice(state.full(slot)));
    })?;
    let mut scales = Writer::default();
    output.begin(Section::Shorts)?;
    pieces(layout, source, output, |state, slot, writer| {
        let short = quantise(state.full(slot));
        writer.0.extend_from_slice(bytemuck::cast_slice(&short.integers));
        scales.u32(short.scale.to_bits());
        scales.u32(short.error.to_bits());
    })?;
    output.begin(Section::Scales)?;
    output.write(&scales.0)
}

/// Writes what `each` makes of every document that is alive, piece by piece.
fn pieces(
    layout: &Layout<'_>,
    source: &dyn Source,
    output: &mut Output,
    mut each: impl FnMut(&State, u32, &mut Writer),
) -> Result<()> {
    for piece in layout.slots.chunks(PIECE) {
        let mut writer = Writer::default();
        source.read(&mut |state| piece.iter().for_each(|slot| each(state, *slot, &mut writer)))?;
        output.write(&writer.0)?;
    }
    Ok(())
}

fn terms(output: &mut Output, layout: &Layout<'_>, source: &dyn Source) -> Result<()> {
    let mut all: BTreeSet<(usize, String)> = BTreeSet::new();
    source.read(&mut |state| {
        let tail = state.tail_terms.iter().enumerate();
        all.extend(tail.flat_map(|(field, terms)| terms.keys().map(move |term| (field, term.as_ref().to_owned()))));
        let base = state.base.iter().flat_map(|base| (0..base.terms()).map(|at| base.term(at)));
        all.extend(base.map(|(field, term)| (field, String::from_utf8_lossy(term).into_owned())));
    })?;
    let all: Vec<(usize, String)> = all.into_iter().collect();
    let (mut entries, mut blob) = (Writer::default(), Vec::new());
    let (mut at, mut count) = (0_u64, 0_u64);
    output.begin(Section::Postings)?;
    for piece in all.chunks(PIECE) {
        let (mut found, mut ends) = (Vec::new(), Vec::with_capacity(piece.len()));
        source.read(&mut |state| {
            for (field, term) in piece {
                collect(state, *field, term, layout, &mut found);
                ends.push(found.len());
            }
        })?;
        let mut start = 0;
        for ((field, term), end) in piece.iter().zip(ends) {
            let postings = &mut found[start..end];
            start = end;
            if postings.is_empty() {
                continue;
            }
            entries.u32(*field as u32);
            entries.u32(term.len() as u32);
            entries.u64(blob.len() as u64);
            entries.u32(postings.len() as u32);
            entries.u32(0);
            entries.u64(at);
            blob.extend_from_slice(term.as_bytes());
            count += 1;
            let written = write_postings(postings);
            at += written.0.len() as u64;
            output.write(&written.0)?;
        }
    }
    debug_assert_eq!(entries.0.len() as u64, count * TERM_ENTRY as u64);
    output.begin(Section::Terms)?;
    output.write(&count.to_le_bytes())?;
    output.write(&entries.0)?;
    output.write(&blob)
}

/// Adds a term's postings of the documents that are alive, by their new numbers.
fn collect(state: &State, field: usize, term: &str, layout: &Layout<'_>, found: &mut Vec<(u32, u16)>) {
    for (slots, frequencies) in state.postings(field, term) {
        let known = slots.iter().zip(frequencies).take_while(|(slot, _)| (**slot as usize) < layout.renumbered.len());
        let numbered = known.map(|(slot, frequency)| (layout.renumbered[*slot as usize], *frequency));
        // The others have none.
        found.extend(numbered.filter(|(number, _)| *number != u32::MAX));
    }
}

/// A term's postings as they are written: ascending, the documents and then the frequencies.
fn write_postings(postings: &mut [(u32, u16)]) -> Writer {
    postings.sort_unstable_by_key(|(number, _)| *number);
    let mut writer = Writer::default();
    postings.iter().for_each(|(number, _)| writer.u32(*number));
    postings.iter().for_each(|(_, frequency)| writer.u16(*frequency));
    // The next term's documents begin at a multiple of 4.
    if postings.len() % 2 == 1 {
        writer.u16(0);
    }
    writer
}

/// A base file that is being written.
struct Output {
    file: Box<dyn Append>,
    path: PathBuf,
    pending: Vec<u8>,
    length: u64,
    head: Vec<u8>,
    done: Vec<(Section, u32, u64, u64)>,
    open: Option<(Section, u64, Digest)>,
}

impl Output {
    fn create(files: &dyn Files, name: &str, analysis: u32) -> Result<Self> {
        let path = files.path(name);
        let file = files.create(name).map_err(|error| Error::io(&path, &error))?;
        let mut head = Writer(MAGIC.to_vec());
        head.u32(FORMAT);
        head.u32(analysis);
        head.0.resize(HEAD, 0);
        let mut output =
            Self { file, path, pending: Vec::new(), length: 0, head: Vec::new(), done: Vec::new(), open: None };
        output.write(&head.0)?;
        output.head = head.0;
        Ok(output)
    }

    fn begin(&mut self, section: Section) -> Result<()> {
        self.end_section();
        let padding = (self.length as usize).next_multiple_of(ALIGNMENT) - self.length as usize;
        self.write(&[0; ALIGNMENT][..padding])?;
        self.open = Some((section, self.length, Digest::new(CrcAlgorithm::Crc32Iscsi)));
        Ok(())
    }

    fn end_section(&mut self) {
        if let Some((section, start, digest)) = self.open.take() {
            self.done.push((section, digest.finalize() as u32, start, self.length - start));
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        if let Some((_, _, digest)) = &mut self.open {
            digest.update(bytes);
        }
        self.length += bytes.len() as u64;
        self.pending.extend_from_slice(bytes);
        if self.pending.len() >= BLOCK { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        let written = self.file.write(&self.pending);
        self.pending.clear();
        written.map_err(|error| Error::io(&self.path, &error))
    }

    fn finish(&mut self, documents: u64) -> Result<()> {
        self.end_section();
        let table_at = self.length;
        self.done.sort_by_key(|(section, ..)| *section as u32);
        let mut table = Writer::default();
        for (section, sum, start, length) in &self.done {
            table.u32(*section as u32);
            table.u32(*sum);
            table.u64(*start);
            table.u64(*length);
        }
        let mut tail = Writer::default();
        tail.u64(documents);
        tail.u64(table_at);
        tail.u32(checksum(&[&self.head, &table.0, &tail.0]));
        tail.u32(table.0.len() as u32);
        debug_assert_eq!(tail.0.len(), TAIL);
        self.write(&table.0)?;
        self.write(&tail.0)?;
        self.flush()?;
        self.file.sync().map_err(|error| Error::io(&self.path, &error))
    }
}
