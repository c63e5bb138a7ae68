use super::*;

const MIB: usize = 1 << 20;

#[test]
fn the_text_that_was_read_leaves_no_room_for_another_document() {
    let room = Room::default();
    // Small files of which much text comes.
    assert!((0..4).all(|_| room.take(1_000)));
    (0..3).for_each(|_| room.read(10 * MIB));
    assert!(room.take(1_000));
    room.read(2 * MIB);
    assert!(!room.take(1_000));
}

#[test]
fn documents_are_dealt_with_together_up_to_their_number_and_their_bytes() {
    let room = Room::default();
    assert!((0..MOST_DOCUMENTS).all(|_| room.take(10)));
    assert!(!room.take(10));
    let room = Room::default();
    assert!(room.take(20 << 20) && room.take(12 << 20));
    assert!(!room.take(1));
}

#[test]
fn there_is_always_room_for_one_document() {
    let room = Room::default();
    assert!(room.take(50 << 20));
    assert!(!room.take(1));
}
