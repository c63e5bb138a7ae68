//! Text from tokens: whole UTF-8 characters, and stop sequences that never leak.

/// Assembles the text of one answer from its tokens' bytes.
///
/// Where several stop sequences occur, the one that ends first cuts the text (of those the longest), so the cut does
/// not depend on how the bytes were divided among tokens.
#[derive(Debug, Default)]
pub struct Assembler {
    stops: Vec<String>,
    /// The beginning of a character whose other bytes have not come.
    partial: Vec<u8>,
    /// Whole characters that may be the beginning of a stop sequence.
    held: String,
}

impl Assembler {
    /// An assembler that cuts at these sequences; empty ones are ignored.
    pub fn new(stops: impl IntoIterator<Item = String>) -> Self {
        Self { stops: stops.into_iter().filter(|stop| !stop.is_empty()).collect(), ..Self::default() }
    }

    /// Adds a token's bytes. Appends what is certain to `text`; returns the stop sequence that was met, after which
    /// the answer is over. Bytes that are not UTF-8 become U+FFFD.
    pub fn push(&mut self, bytes: &[u8], text: &mut String) -> Option<&str> {
        let known = self.held.len();
        self.decode(bytes);
        if let Some((start, stop)) = self.first_stop(known) {
            text.push_str(&self.held[..start]);
            self.held.clear();
            return Some(&self.stops[stop]);
        }
        let keep = self.possible_stop();
        text.extend(self.held.drain(..self.held.len() - keep));
        None
    }

    /// The answer ended: appends the rest to `text`, where a stop sequence's beginning was not one after all.
    pub fn finish(&mut self, text: &mut String) {
        text.push_str(&std::mem::take(&mut self.held));
        if !std::mem::take(&mut self.partial).is_empty() {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }

    /// How many bytes of whole characters are held back.
    pub(crate) fn held(&self) -> usize {
        self.held.len()
    }

    /// Moves whole characters into `held`.
    fn decode(&mut self, bytes: &[u8]) {
        let joined;
        let bytes = match self.partial.is_empty() {
            true => bytes,
            false => {
                joined = [&std::mem::take(&mut self.partial), bytes].concat();
                &joined
            }
        };
        let mut chunks = bytes.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            self.held.push_str(chunk.valid());
            let unfinished = chunks.peek().is_none() && may_continue(chunk.invalid());
            match chunk.invalid() {
                [] => {}
                invalid if unfinished => self.partial = invalid.to_vec(),
                _ => self.held.push(char::REPLACEMENT_CHARACTER),
            }
        }
    }

    /// The start and the index of the stop sequence that ends first. `known` bytes held none.
    fn first_stop(&self, known: usize) -> Option<(usize, usize)> {
        let found = self.stops.iter().enumerate().filter_map(|(index, stop)| {
            let mut from = known.saturating_sub(stop.len() - 1);
            while !self.held.is_char_boundary(from) {
                from -= 1;
            }
            let start = from + self.held[from..].find(stop.as_str())?;
            Some((start + stop.len(), start, index))
        });
        found.min().map(|(_, start, index)| (start, index))
    }

    /// The length of the longest end of `held` that begins a stop sequence.
    fn possible_stop(&self) -> usize {
        let held = self.held.as_bytes();
        let longest = |stop: &String| {
            let stop = stop.as_bytes();
            (1..stop.len().min(held.len() + 1)).rev().find(|length| held.ends_with(&stop[..*length]))
        };
        let keep = self.stops.iter().filter_map(longest).max().unwrap_or(0);
        debug_assert!(self.held.is_char_boundary(self.held.len() - keep));
        keep
    }
}

/// Whether the bytes are the beginning of one UTF-8 character (`utf8_chunks` has checked all but the length).
fn may_continue(bytes: &[u8]) -> bool {
    let length = match bytes.first() {
        Some(0xC2..=0xDF) => 2,
        Some(0xE0..=0xEF) => 3,
        Some(0xF0..=0xF4) => 4,
        _ => 0,
    };
    bytes.len() < length
}

#[cfg(test)]
mod tests;
