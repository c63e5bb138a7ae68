//! Finding answers that repeat themselves without end: the tokens at the answer's end are copies of one block.

use crate::{Error, Result, Token};

/// When an answer counts as a loop: it ends with at least [`repeats`](Self::repeats) copies of a block of at most
/// [`max_period`](Self::max_period) tokens, which are [`min_tokens`](Self::min_tokens) tokens or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoopDetector {
    /// Copies of the block, the first one counted. 2 to 1,000.
    pub repeats: u32,
    /// The longest block, in tokens. 1 to 1,024: a token costs one comparison for each.
    pub max_period: u32,
    /// The fewest tokens that the copies have together. 1 to 100,000.
    pub min_tokens: u32,
}

impl Default for LoopDetector {
    /// Four copies: verse, tables and code say a thing three times on purpose, and a model that said it four times in a
    /// row word for word says it again. Blocks to 128 tokens, which hold a paragraph. At least 64 tokens: rulers, runs of
    /// zeros and laughter are short blocks that are repeated often and end by themselves.
    fn default() -> Self {
        Self { repeats: 4, max_period: 128, min_tokens: 64 }
    }
}

impl LoopDetector {
    /// Checks each setting's range.
    ///
    /// # Errors
    /// Request, where one is out of range.
    pub fn validate(&self) -> Result<()> {
        let ranges = [
            ("repeats", self.repeats, 2, 1_000),
            ("max_period", self.max_period, 1, 1_024),
            ("min_tokens", self.min_tokens, 1, 100_000),
        ];
        for (name, value, low, high) in ranges {
            if !(low..=high).contains(&value) {
                return Err(Error::Request {
                    reason: format!("`loop_detection.{name}` is {value}: it must be {low} to {high}"),
                });
            }
        }
        Ok(())
    }
}

/// Follows one answer. A token costs `max_period` comparisons and the memory is fixed.
#[derive(Debug)]
pub struct LoopState {
    detector: LoopDetector,
    /// The answer's last tokens, between one and two times the longest block.
    tail: Vec<Token>,
    /// At `p − 1`: for how many tokens, up to the last, each equals the one `p` before it.
    runs: Vec<u32>,
}

impl LoopState {
    /// The state before the first token.
    pub fn new(detector: LoopDetector) -> Self {
        let longest = detector.max_period as usize;
        Self { detector, tail: Vec::with_capacity(2 * longest), runs: vec![0; longest] }
    }

    /// Takes the answer's next token. Whether the answer is a loop now.
    pub fn push(&mut self, token: Token) -> bool {
        for (run, earlier) in self.runs.iter_mut().zip(self.tail.iter().rev()) {
            *run = if *earlier == token { *run + 1 } else { 0 };
        }
        let longest = self.runs.len();
        if self.tail.len() == 2 * longest {
            self.tail.drain(..=longest);
        }
        self.tail.push(token);
        (1..).zip(&self.runs).any(|(period, run)| *run >= self.enough(period))
    }

    /// How many tokens must equal the ones `period` before them.
    fn enough(&self, period: u32) -> u32 {
        let LoopDetector { repeats, min_tokens, .. } = self.detector;
        (repeats.saturating_sub(1).saturating_mul(period)).max(min_tokens.saturating_sub(period)).max(1)
    }
}

#[cfg(test)]
mod tests;
