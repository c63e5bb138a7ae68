//! Bytes of the files: little-endian numbers of fixed width, texts with their length before them.

use crc_fast::{CrcAlgorithm, Digest};

/// A piece of a file that ends too early or says what no writer writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) &'static str);

pub(crate) type Decoded<T> = Result<T, Malformed>;

/// CRC-32C of the pieces, one after the other.
pub(crate) fn checksum(pieces: &[&[u8]]) -> u32 {
    let mut digest = Digest::new(CrcAlgorithm::Crc32Iscsi);
    pieces.iter().for_each(|piece| digest.update(piece));
    digest.finalize() as u32
}

#[derive(Debug, Default)]
pub(crate) struct Writer(pub(crate) Vec<u8>);

impl Writer {
    pub(crate) fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(crate) fn u16(&mut self, value: u16) {
        self.0.extend(value.to_le_bytes());
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.0.extend(value.to_le_bytes());
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.0.extend(value.to_le_bytes());
    }

    pub(crate) fn text(&mut self, text: &str) {
        // Every text is far below 4 GiB: MAX_TEXT_BYTES and MAX_NAME_BYTES.
        self.u32(text.len() as u32);
        self.0.extend(text.as_bytes());
    }

    /// A list: its length, then each item as `item` writes it.
    pub(crate) fn list<T>(&mut self, items: impl ExactSizeIterator<Item = T>, item: impl Fn(&mut Self, T)) {
        self.u32(items.len() as u32);
        items.for_each(|one| item(self, one));
    }
}

pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn bytes(&mut self, count: usize) -> Decoded<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Malformed("it ends too early"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Decoded<[u8; N]> {
        self.bytes(N)?.first_chunk().copied().ok_or(Malformed("it ends too early"))
    }

    pub(crate) fn u8(&mut self) -> Decoded<u8> {
        self.array::<1>().map(|bytes| bytes[0])
    }

    pub(crate) fn u32(&mut self) -> Decoded<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Decoded<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// The bytes of a text.
    pub(crate) fn piece(&mut self) -> Decoded<&'a [u8]> {
        let length = self.u32()? as usize;
        self.bytes(length)
    }

    pub(crate) fn str(&mut self) -> Decoded<&'a str> {
        std::str::from_utf8(self.piece()?).map_err(|_| Malformed("a text is not UTF-8"))
    }

    pub(crate) fn text(&mut self) -> Decoded<String> {
        self.str().map(str::to_owned)
    }

    pub(crate) fn list<T, C: FromIterator<T>>(&mut self, item: impl Fn(&mut Self) -> Decoded<T>) -> Decoded<C> {
        let count = self.u32()?;
        (0..count).map(|_| item(self)).collect()
    }

    pub(crate) fn end(&self) -> Decoded<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Malformed("it is longer than its content")) }
    }
}
