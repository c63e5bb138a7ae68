use base::Timestamp;

use super::super::prepare::Content;
use super::*;
use crate::chunking::{Cut, Plan};
use crate::documents::sidecar::Sidecar;
use crate::documents::{Entry, Location};

const MIB: usize = 1 << 20;
/// Documents of a window.
const MOST: usize = 64;

/// A text of so many bytes, in so many chunks.
fn content(bytes: usize, chunks: usize) -> Prepared {
    let cut = Cut { span: 0..1, parent: None, page: None, tokens: 1 };
    Prepared::Content(Box::new(Content {
        entry: Entry::new(Location::Custom { id: "a".to_owned() }, Timestamp(0)),
        sidecar: Sidecar::default(),
        hash: String::new(),
        text: "x".repeat(bytes),
        plan: Plan::Cuts(vec![cut; chunks]),
        language: None,
        title: None,
        warnings: Vec::new(),
    }))
}

/// How many documents each part has.
fn sizes(prepared: Vec<Prepared>, dimension: usize) -> Vec<usize> {
    parts(prepared, dimension).iter().map(Vec::len).collect()
}

#[test]
fn what_is_written_together_is_bounded_by_texts_and_vectors() {
    assert_eq!(sizes(vec![content(10 * MIB, 1), content(10 * MIB, 1), content(10 * MIB, 1)], 1), [3]);
    assert_eq!(sizes(vec![content(20 * MIB, 1), content(20 * MIB, 1), content(1, 1)], 1), [1, 2]);
    // Little text, of which there are many vectors: 4 KiB each, 12 MiB of a document.
    assert_eq!(sizes((0..5).map(|_| content(10, 3 * 1_024)).collect(), 1_024), [2, 2, 1]);
    assert_eq!(sizes((0..5).map(|_| content(10, 3 * 1_024)).collect(), 256), [5]);
    assert_eq!(sizes(vec![content(1, 10), content(1, 3 * 1_024)], 4_096), [1, 1], "one document always");
    assert!(sizes(Vec::new(), 1).is_empty());
}

#[test]
fn the_text_that_was_read_leaves_no_room_for_another_document() {
    let room = Room::new(MOST);
    // Small files of which much text comes.
    assert!((0..4).all(|_| room.take(1_000)));
    (0..3).for_each(|_| room.read(10 * MIB));
    assert!(room.take(1_000));
    room.read(2 * MIB);
    assert!(!room.take(1_000));
}

#[test]
fn documents_are_dealt_with_together_up_to_their_number_and_their_bytes() {
    for most in [1, 2, MOST] {
        let room = Room::new(most);
        assert!((0..most).all(|_| room.take(10)));
        assert!(!room.take(10));
    }
    let room = Room::new(MOST);
    assert!(room.take(20 << 20) && room.take(12 << 20));
    assert!(!room.take(1));
}

#[test]
fn there_is_always_room_for_one_document() {
    let room = Room::new(MOST);
    assert!(room.take(50 << 20));
    assert!(!room.take(1));
}
