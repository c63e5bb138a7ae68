//! How much is dealt with together: documents by their number, by their bytes, and by the text that was in them, which may be many
//! times as long as they are.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::prepare::Prepared;

/// The most documents that are dealt with together.
pub(super) const MOST_DOCUMENTS: usize = 64;
/// About how many bytes they have.
const MOST_BYTES: u64 = 32 << 20;
/// About how many bytes of text they have.
pub(super) const MOST_TEXT: usize = 32 << 20;

/// What documents take up that are read to be dealt with together. Several are read at once.
#[derive(Debug, Default)]
pub(super) struct Room {
    documents: AtomicUsize,
    bytes: AtomicU64,
    text: AtomicUsize,
}

impl Room {
    /// Whether there is room for a document of so many bytes; for the first one always. It is counted then.
    pub(super) fn take(&self, bytes: u64) -> bool {
        let documents = self.documents.load(Ordering::Relaxed);
        let together = self.bytes.load(Ordering::Relaxed).saturating_add(bytes);
        let has_room =
            documents < MOST_DOCUMENTS && together <= MOST_BYTES && self.text.load(Ordering::Relaxed) < MOST_TEXT;
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

/// Parts that are written one after the other: each has [`MOST_TEXT`] bytes of text or less, or one document.
pub(super) fn parts(prepared: Vec<Prepared>) -> Vec<Vec<Prepared>> {
    let (mut parts, mut text): (Vec<Vec<Prepared>>, usize) = (Vec::new(), 0);
    for prepared in prepared {
        let own = prepared.text_bytes();
        text += own;
        match parts.last_mut() {
            Some(part) if text <= MOST_TEXT => part.push(prepared),
            _ => {
                text = own;
                parts.push(vec![prepared]);
            }
        }
    }
    parts
}

#[cfg(test)]
#[path = "room_tests.rs"]
mod tests;
