//! The seam to a library that computes: one thread's batch decoder, and the vocabulary that goes with it.

use crate::{Result, Token};

/// One token to be read by a [`Backend`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Input {
    /// The sequence that it belongs to.
    pub sequence: u32,
    /// Its position in the sequence.
    pub position: u32,
    /// The token.
    pub token: Token,
    /// Whether the logits after it are wanted.
    pub logits: bool,
}

/// A batch decoder over numbered sequences, owned by one thread.
///
/// What it computes for a sequence must not depend on what the other sequences hold, nor on how many of them stand in
/// the same batch; the scheduler's promise of repeatable answers rests on this.
pub trait Backend {
    /// Reads a batch: tokens of one sequence at following positions, or one token each of several sequences.
    ///
    /// On an error the cache of the batch's sequences is undefined.
    fn decode(&mut self, batch: &[Input]) -> Result<()>;
    /// The logits over the vocabulary after the batch's `index`-th token, which must have asked for them.
    fn logits(&mut self, index: usize) -> Result<&[f32]>;
    /// Forgets the sequence's tokens at `from` and later. `false` where it could not keep the earlier ones (a recurrent
    /// state has no parts) and forgot all.
    fn truncate(&mut self, sequence: u32, from: u32) -> Result<bool>;
}

/// Opens a backend on the scheduler's thread and lends it to `drive` until that returns.
///
/// Lending instead of returning lets a backend borrow from what opens it. It is called again after a backend panicked.
pub trait Open: Send + 'static {
    /// Opens a backend and calls `drive` once with it.
    fn open(&mut self, drive: &mut dyn FnMut(&mut dyn Backend)) -> Result<()>;
}

/// A model's vocabulary: text to tokens and back. Shared by all threads.
pub trait Vocabulary: Send + Sync {
    /// The number of tokens.
    fn size(&self) -> u32;
    /// The text's tokens, without an opening token. `parse_special` recognises control tokens.
    fn tokenize(&self, text: &str, parse_special: bool) -> Result<Vec<Token>>;
    /// The bytes that the token writes; empty for a control token, or one that does not exist.
    fn bytes(&self, token: Token) -> &[u8];
    /// The control token's own spelling, such as `<|im_end|>`; `None` for other tokens.
    fn special(&self, token: Token) -> Option<&str>;
    /// Whether the token ends an answer.
    fn ends(&self, token: Token) -> bool;
    /// The token that ends a text.
    fn eos(&self) -> Option<Token>;
    /// The opening token, if prompts should begin with it.
    fn bos(&self) -> Option<Token>;
    /// The most bytes of text that one token stands for.
    fn longest(&self) -> usize;
}
