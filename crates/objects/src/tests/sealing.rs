//! The encryption of blobs.

use proptest::prelude::*;

use super::*;
use crate::seal::{CHUNK, DataKey, TAG, open_range, sealed_size, span};

fn key() -> DataKey {
    DataKey::from_slice(&[7; 32]).unwrap()
}

fn seal(plain: &[u8], blob: &str) -> Vec<u8> {
    let cipher = key().cipher(blob).unwrap();
    let count = plain.len().div_ceil(CHUNK);
    let mut sealed = Vec::new();
    for (number, chunk) in plain.chunks(CHUNK).enumerate() {
        let mut chunk = chunk.to_vec();
        cipher.seal(number as u64, number + 1 == count, &mut chunk).unwrap();
        sealed.extend(chunk);
    }
    sealed
}

fn open(sealed: &[u8], blob: &str, size: usize, from: usize, to: usize) -> base::Result<Vec<u8>> {
    let span = span(size as u64, from as u64, to as u64);
    let piece = sealed.get(span.offset as usize..(span.offset + span.length) as usize).unwrap_or_default().to_vec();
    open_range(&key().cipher(blob).unwrap(), size as u64, from as u64, to as u64, piece)
}

#[test]
fn every_range_is_read_from_the_chunks_that_hold_it() {
    for size in [1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 5] {
        let plain = pattern(size);
        let sealed = seal(&plain, "a");
        assert_eq!(sealed.len() as u64, sealed_size(size as u64));
        let edges = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, size - 1, size];
        for from in edges {
            for to in edges.into_iter().filter(|to| *to > from && *to <= size) {
                assert_eq!(open(&sealed, "a", size, from, to).unwrap(), plain[from..to], "{size}: {from}..{to}");
            }
        }
    }
}

#[test]
fn changed_exchanged_and_cut_chunks_are_refused() {
    let (size, stored) = (3 * CHUNK, CHUNK + TAG);
    let sealed = seal(&pattern(size), "a");
    let refused = |sealed: &[u8], size: usize| open(sealed, "a", size, 0, size).unwrap_err().kind;
    let mut changed = sealed.clone();
    changed[stored + 3] ^= 1;
    assert_eq!(refused(&changed, size), base::ErrorKind::Damaged);
    let mut exchanged = sealed.clone();
    exchanged[..2 * stored].rotate_left(stored);
    assert_eq!(refused(&exchanged, size), base::ErrorKind::Damaged);
    assert_eq!(refused(&sealed[..2 * stored], 2 * CHUNK), base::ErrorKind::Damaged, "an earlier chunk as the last");
    assert_eq!(refused(&sealed[..2 * stored], size), base::ErrorKind::Damaged);
    assert_eq!(open(&sealed, "b", size, 0, 1).unwrap_err().kind, base::ErrorKind::Damaged, "another blob's chunks");
}

proptest! {
    #[test]
    fn any_range_of_any_size_comes_back(size in 1_usize..200_000, a in 0_usize..200_000, b in 0_usize..200_000) {
        let (from, to) = (a.min(b) % size, (a.max(b) % size) + 1);
        prop_assume!(from < to);
        let plain = pattern(size);
        prop_assert_eq!(open(&seal(&plain, "x"), "x", size, from, to).unwrap(), &plain[from..to]);
    }
}
