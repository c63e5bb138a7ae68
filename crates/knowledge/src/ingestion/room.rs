//! How much is dealt with together: documents by their number, by their bytes, and by the text that was in them, which may be many
//! times as long as they are; and, where they are embedded, by the vectors of that, which may be larger still.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::prepare::Prepared;

/// About how many bytes documents have that are read together.
const MOST_BYTES: u64 = 32 << 20;
/// About how many bytes of text they have.
const MOST_TEXT: usize = 32 << 20;
/// The most bytes of the texts and vectors that are written together, where that is more than one document.
pub(super) const MOST_WRITTEN: usize = 32 << 20;

/// What documents take up that are read to be dealt with together. Several are read at once.
#[derive(Debug)]
pub(super) struct Room {
    most: usize,
    documents: AtomicUsize,
    bytes: AtomicU64,
    text: AtomicUsize,
}

impl Room {
    /// Room for so many documents, if they are small.
    pub(super) fn new(most: usize) -> Self {
        Self { most, documents: AtomicUsize::new(0), bytes: AtomicU64::new(0), text: AtomicUsize::new(0) }
    }

    /// Whether there is room for a document of so many bytes; for the first one always. It is counted then.
    pub(super) fn take(&self, bytes: u64) -> bool {
        let documents = self.documents.load(Ordering::Relaxed);
        let together = self.bytes.load(Ordering::Relaxed).saturating_add(bytes);
        let has_room = documents < self.most && together <= MOST_BYTES && self.text.load(Ordering::Relaxed) < MOST_TEXT;
        if documents > 0 && !has_room {
            return false;
        }
        self.documents.store(documents + 1, Ordering::Relaxed);
        self.bytes.store(together, Ordering::Relaxed);
        true
    }

    /// Counts the text that was read out of a document.
    pub(super) fn read(&self, text: usize) {
        self.text.fetch_add(text, Ordering::Relaxed);
    }
}

/// Parts that are written one after the other: each has [`MOST_WRITTEN`] bytes of texts and vectors of this dimension or less,
/// or one document.
pub(super) fn parts(prepared: Vec<Prepared>, dimension: usize) -> Vec<Vec<Prepared>> {
    let (mut parts, mut bytes): (Vec<Vec<Prepared>>, usize) = (Vec::new(), 0);
    for prepared in prepared {
        let own = prepared.bytes_embedded(dimension);
        bytes += own;
        match parts.last_mut() {
            Some(part) if bytes <= MOST_WRITTEN => part.push(prepared),
            _ => {
                bytes = own;
                parts.push(vec![prepared]);
            }
        }
    }
    parts
}

#[cfg(test)]
#[path = "room_tests.rs"]
mod tests;
