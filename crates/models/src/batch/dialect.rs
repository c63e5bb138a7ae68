//! How the records of a batch are written: the seam to whoever knows the dialects of `InvokeModel` and `Converse`.

use base::{Error, Result, Timestamp};
use serde_json::Value;

use crate::{Chat, ChatRequest, CompletionRequest, ContinuationRequest, EmbedRequest, EmbedResponse, Resolved};

/// Which operation's body a record has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InvocationType {
    /// The body of the model's vendor.
    #[default]
    InvokeModel,
    /// Converse's.
    Converse,
}

impl InvocationType {
    /// As AWS writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvokeModel => "InvokeModel",
            Self::Converse => "Converse",
        }
    }

    pub(super) fn from_row(text: &str) -> Result<Self> {
        [Self::InvokeModel, Self::Converse]
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| Error::internal(format!("invocation type `{text}`")))
    }
}

/// A record's body, and what its decoder needs to know beside it.
#[derive(Debug, Clone, Copy)]
pub struct RecordBody<'a> {
    /// Which operation's body it is.
    pub kind: InvocationType,
    /// What answers for the job's model id.
    pub resolved: &'a Resolved,
    /// The record's `modelInput`.
    pub body: &'a Value,
    /// Unique to this record: lower-case letters and digits.
    pub unique: &'a str,
    /// When it is read.
    pub time: Timestamp,
}

/// Writes an answer as the record's dialect has it.
pub type EncodeChat = Box<dyn FnOnce(&Chat) -> Result<Value> + Send>;
/// Writes vectors as the record's dialect has them.
pub type EncodeVectors = Box<dyn FnOnce(EmbedResponse) -> Result<Value> + Send>;

/// What a record asks for, and how the answer to it is written.
pub enum Asked {
    /// A conversation.
    Chat(Box<ChatRequest>, EncodeChat),
    /// A raw prompt in the template of its vendor, or in none.
    Completion(Box<CompletionRequest>, EncodeChat),
    /// A raw prompt that is continued as it stands.
    Continuation(Box<ContinuationRequest>, EncodeChat),
    /// Texts to be embedded.
    Embed(EmbedRequest, EncodeVectors),
}

/// The dialects that the records of batches are written in: those of the operations that answer one request at a time.
pub trait Dialects: Send + Sync + 'static {
    /// Reads a record. The same body means the same as a request of the operation.
    ///
    /// # Errors
    /// Invalid or NotImplemented, as the operation refuses such a body.
    fn decode(&self, record: RecordBody<'_>) -> Result<Asked>;

    /// The HTTP status that the operation answers the error with.
    fn status(&self, error: &Error) -> u16;
}
