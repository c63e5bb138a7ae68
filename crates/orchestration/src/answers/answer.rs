//! What is answered.

use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};

use base::{Error, Result};
use futures::stream::{Stream, StreamExt as _};
use knowledge::Passage;
use models::{ServedBy, Usage};

/// An answer with what supports it.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The session that it is part of.
    pub session: String,
    /// The text.
    pub text: String,
    /// What supports which part of it, in its order.
    pub citations: Vec<Citation>,
    /// The passages that were found, best first.
    pub passages: Vec<Passage>,
    /// How many of them the prompt had no room for, the last ones.
    pub left_out: usize,
    /// Who speaks.
    pub voice: Voice,
    /// The model that wrote, where one did.
    pub served_by: Option<ServedBy>,
    /// The tokens that it read and wrote, with those of models that made searches of the question: its queries, and the
    /// conditions that it sets.
    pub usage: Usage,
    /// Of them, those of the model that read these conditions, which may be another one.
    pub conditions: Usage,
}

/// Who speaks in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voice {
    /// The model that was asked for.
    Model,
    /// The passages, in their own sentences, as was asked for.
    Passages,
    /// The passages, as nothing of what the model wrote was supported.
    PassagesInstead,
    /// Nobody: nothing that was found answers the question.
    Nobody,
}

/// What supports a part of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Citation {
    /// Which bytes of the answer.
    pub span: Range<usize>,
    /// Where it is said, the best place first.
    pub references: Vec<Reference>,
}

/// A place in a passage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The passage's number among those of the answer.
    pub passage: usize,
    /// Which bytes of its text.
    pub span: Range<usize>,
}

/// A step of an answer. Texts and citations, then `Finished`, or an error.
#[derive(Debug, Clone, PartialEq)]
pub enum AnswerEvent {
    /// More text.
    Text(String),
    /// What supports text that was given before.
    Citation(Citation),
    /// The whole answer, with everything that the events before said.
    Finished(Box<Answer>),
}

/// An answer in the making. Dropping it stops the model.
pub struct AnswerStream {
    pub(super) session: String,
    pub(super) served_by: Option<ServedBy>,
    pub(super) passages: Vec<Passage>,
    pub(super) events: Pin<Box<dyn Stream<Item = Result<AnswerEvent>> + Send>>,
}

impl AnswerStream {
    /// The session that the answer is part of.
    #[must_use]
    pub fn session(&self) -> &str {
        &self.session
    }

    /// The model that writes, where one does.
    #[must_use]
    pub fn served_by(&self) -> Option<&ServedBy> {
        self.served_by.as_ref()
    }

    /// The passages that the citations count.
    #[must_use]
    pub fn passages(&self) -> &[Passage] {
        &self.passages
    }

    /// Waits for the whole answer.
    ///
    /// # Errors
    /// The stream's.
    pub async fn collect(mut self) -> Result<Answer> {
        while let Some(event) = self.next().await {
            if let AnswerEvent::Finished(answer) = event? {
                return Ok(*answer);
            }
        }
        Err(Error::internal("the stream of an answer ended without its finish"))
    }
}

impl Stream for AnswerStream {
    type Item = Result<AnswerEvent>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.events.as_mut().poll_next(context)
    }
}
