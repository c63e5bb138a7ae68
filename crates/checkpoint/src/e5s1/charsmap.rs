//! SentencePiece's `precompiled_charsmap`: replacements of characters as a double array and the texts it points into.
//!
//! The bytes are those of the array (their count first, as `u32`), then the texts, each ended by a zero. The array's units are
//! as Darts-clone has them: a node's children lie at its base, the exclusive or of its place and the unit's offset, each xor
//! the byte that leads there; the value of a key that ends at the node lies at the base itself. A unit of 32 bits holds the
//! byte (bits 0 to 7), whether a value lies at its base (bit 8), and the offset (bits 10 to 30); a value is a unit with bit 31.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A map in the form that tokenizers read.
pub(super) fn base64(characters: &BTreeMap<char, String>) -> String {
    STANDARD.encode(encode(characters))
}

fn encode(characters: &BTreeMap<char, String>) -> Vec<u8> {
    let (mut texts, mut places) = (Vec::new(), BTreeMap::new());
    let mut keys = Vec::new();
    for (from, to) in characters {
        let place = *places.entry(to).or_insert_with(|| {
            let place = texts.len() as u32;
            texts.extend_from_slice(to.as_bytes());
            texts.push(0);
            place
        });
        keys.push((from.to_string().into_bytes(), place));
    }
    // The order of characters is that of their bytes in UTF-8.
    let mut array = DoubleArray::default();
    array.place(0, &keys, 0);
    let mut bytes = (4 * array.units.len() as u32).to_le_bytes().to_vec();
    bytes.extend(array.units.iter().flat_map(|unit| unit.to_le_bytes()));
    bytes.extend(texts);
    bytes
}

/// Units, and which places and bases are taken. The length is always a multiple of 256, so that whatever byte is looked for
/// at a base has a unit.
#[derive(Default)]
struct DoubleArray {
    units: Vec<u32>,
    taken: Vec<bool>,
    bases: Vec<bool>,
    /// Every place below this one is taken.
    first: usize,
}

impl DoubleArray {
    /// Places the keys, which agree in their first `depth` bytes, below the unit at `node`.
    fn place(&mut self, node: usize, keys: &[(Vec<u8>, u32)], depth: usize) {
        self.grow(node);
        self.taken[node] = true;
        // A key that ends here has no byte: it lies where the byte 0 would, which no key has.
        let label = |key: &(Vec<u8>, u32)| key.0.get(depth).copied().unwrap_or(0);
        let groups: Vec<&[(Vec<u8>, u32)]> = keys.chunk_by(|a, b| label(a) == label(b)).collect();
        let labels: Vec<u8> = groups.iter().filter_map(|group| group.first().map(label)).collect();
        let base = self.base_for(&labels);
        self.units[node] |= ((node ^ base) as u32) << 10;
        for (group, label) in groups.iter().zip(&labels) {
            let child = base ^ usize::from(*label);
            self.taken[child] = true;
            match group {
                [(_, value), ..] if *label == 0 => {
                    self.units[node] |= 1 << 8;
                    self.units[child] = value | (1 << 31);
                }
                _ => self.units[child] = u32::from(*label),
            }
        }
        for (group, label) in groups.iter().zip(&labels).filter(|(_, label)| **label != 0) {
            self.place(base ^ usize::from(*label), group, depth + 1);
        }
    }

    /// A base that no other node has and at which every label's place is free: the first by the place of the first label.
    fn base_for(&mut self, labels: &[u8]) -> usize {
        let first = labels.first().copied().unwrap_or(0);
        while self.taken.get(self.first).copied().unwrap_or(false) {
            self.first += 1;
        }
        let mut place = self.first;
        loop {
            self.grow(place);
            let base = place ^ usize::from(first);
            if !self.bases[base] && labels.iter().all(|label| !self.taken[base ^ usize::from(*label)]) {
                self.bases[base] = true;
                return base;
            }
            place += 1;
        }
    }

    fn grow(&mut self, place: usize) {
        let length = (place + 1).next_multiple_of(256).max(self.units.len());
        self.units.resize(length, 0);
        self.taken.resize(length, false);
        self.bases.resize(length, false);
    }
}
