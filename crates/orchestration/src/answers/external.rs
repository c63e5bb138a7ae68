//! Documents that come with a question.

use base::{Error, Result};
use identity::Ctx;
use knowledge::Passage;

use super::Answers;
use super::ask::Document;

impl Answers {
    /// The passages of a document that answer a question best.
    ///
    /// # Errors
    /// NotImplemented.
    pub(crate) async fn passages_of(&self, ctx: &Ctx, document: &Document, question: &str) -> Result<Vec<Passage>> {
        let _ = (ctx, document, question);
        Err(Error::not_implemented("Answers from documents that come with a question are not implemented."))
    }
}
