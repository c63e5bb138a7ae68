//! The seam to a library that computes: one thread's batch decoder, and the vocabulary that goes with it.

use crate::{Error, Result, Token};

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
    /// Further sequences of the shared buffer that it belongs to: the first one and how many.
    pub also: (u32, u32),
}

/// The sequences that a [`Backend`] has.
///
/// Sequences `0..separate` have a buffer each, of as many tokens as the context is long. Those that follow lie in one
/// buffer of `cells` tokens, where a token that several of them begin with is kept once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Layout {
    /// Sequences with a buffer of their own.
    pub separate: u32,
    /// Sequences that share a buffer; 0 where there is none.
    pub shared: u32,
    /// Shared sequences that follow those, for what lasts one step.
    pub scratch: u32,
    /// The tokens that the shared buffer holds.
    pub cells: u32,
    /// The most tokens of a batch.
    pub batch: u32,
    /// Whether sequences can be saved and restored.
    pub copies: bool,
    /// Whether what was saved of a sequence of one kind can be restored into one of the other.
    pub exchanges: bool,
    /// Whether what other sequences hold in the shared buffer is computed with each step there, if only to be masked.
    pub all_cells: bool,
}

/// How a batch is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Care {
    /// So that no sequence's result depends on the others of the batch or on the number of threads.
    Exact,
    /// As fast as can be.
    Fast,
}

/// A batch decoder over numbered sequences, owned by one thread.
///
/// With [`Care::Exact`], what it computes for a separate sequence must not depend on what the other sequences hold, nor
/// on how many of them stand in the same batch; the scheduler's promise of repeatable answers rests on this.
pub trait Backend {
    /// Its sequences: one, where it does not say otherwise.
    fn layout(&self) -> Layout {
        Layout { separate: 1, ..Layout::default() }
    }
    /// Reads a batch: tokens of one or several sequences, those of one at following positions, all separate or all
    /// shared. An exact batch has tokens of one sequence, or one token each of several.
    ///
    /// On an error the cache of the batch's sequences is undefined.
    fn decode(&mut self, batch: &[Input], care: Care) -> Result<()>;
    /// The logits over the vocabulary after the batch's `index`-th token, which must have asked for them.
    fn logits(&mut self, index: usize) -> Result<&[f32]>;
    /// Forgets the sequence's tokens at `from` and later. `false` where it could not keep the earlier ones (a recurrent
    /// state has no parts) and forgot all.
    fn truncate(&mut self, sequence: u32, from: u32) -> Result<bool>;
    /// Lets an empty shared sequence begin with the first `tokens` tokens of another shared one. Copies nothing.
    fn share(&mut self, from: u32, to: u32, tokens: u32) -> Result<()> {
        let _ = (from, to, tokens);
        Err(Error::Engine { reason: "the backend's sequences share nothing".to_owned() })
    }
    /// Writes down what the sequence holds, over what `state` held.
    fn save(&mut self, sequence: u32, state: &mut Vec<u8>) -> Result<()> {
        let _ = (sequence, state);
        Err(Error::Engine { reason: "the backend's sequences cannot be saved".to_owned() })
    }
    /// Puts what was written down into an empty sequence of the same kind, or of either where the layout says so. On an
    /// error the sequence is empty.
    fn restore(&mut self, sequence: u32, state: &[u8]) -> Result<()> {
        let _ = (sequence, state);
        Err(Error::Engine { reason: "the backend's sequences cannot be restored".to_owned() })
    }
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
