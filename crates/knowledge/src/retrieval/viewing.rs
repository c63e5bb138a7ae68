//! A document as it is indexed, for whoever administers the knowledge base.

use base::{Error, Result};
use identity::Ctx;
use search::Acl;

use super::{Chunk, DocumentName, DocumentText};
use crate::documents::chunk::{Facts, TEXT, joined, prefix};
use crate::documents::store::{self, Place};
use crate::documents::{Entry, Indexed};
use crate::indexes::Opened;
use crate::open::Knowledge;

/// Chunks that are read at once.
const READ_TOGETHER: usize = 256;

impl Knowledge {
    /// The chunks of a document, in its order, whoever may read them.
    ///
    /// # Errors
    /// NotFound, where there is no such knowledge base, data source or indexed document.
    pub async fn chunks(&self, ctx: &Ctx, name: &DocumentName) -> Result<Vec<Chunk>> {
        let (_, _, index) = self.indexed(ctx, name).await?;
        let read = read(&index, name).await?;
        let end = |number: usize| read.get(number).map(|(_, facts, text)| facts.start + text.len());
        let start = |number: usize| read.get(number).map(|(_, facts, _)| facts.start);
        let chunk = |(key, facts, text): &(String, Facts, String)| Chunk {
            key: key.clone(),
            span: facts.start..facts.start + text.len(),
            parent: facts.parent.as_ref().and_then(|siblings| {
                let last = siblings.end.checked_sub(1)?;
                Some(start(siblings.start)?..end(last)?)
            }),
            page: facts.page,
            tokens: facts.tokens,
            text: text.clone(),
        };
        Ok(read.iter().map(chunk).collect())
    }

    /// The text of a document, whoever may read it.
    ///
    /// # Errors
    /// As [`chunks`](Self::chunks).
    pub async fn document_text(&self, ctx: &Ctx, name: &DocumentName) -> Result<DocumentText> {
        let (_, indexed, index) = self.indexed(ctx, name).await?;
        let read = read(&index, name).await?;
        let text = joined(read.iter().map(|(_, facts, text)| (facts.start, text.as_str())));
        let (_, text) = text.ok_or_else(|| Error::conflict(format!("`{}` is being indexed anew.", name.document)))?;
        let Indexed { title, language, warnings, .. } = indexed;
        Ok(DocumentText { text, title, language, warnings })
    }

    /// Who may read a document, as that was written.
    ///
    /// # Errors
    /// As [`chunks`](Self::chunks).
    pub async fn document_acl(&self, ctx: &Ctx, name: &DocumentName) -> Result<Acl> {
        Ok(self.indexed(ctx, name).await?.1.acl)
    }

    /// Whether a user, or the caller where none is named, may read a document.
    ///
    /// # Errors
    /// As [`chunks`](Self::chunks).
    pub async fn may_read(&self, ctx: &Ctx, name: &DocumentName, user: Option<&str>) -> Result<bool> {
        let (_, _, index) = self.indexed(ctx, name).await?;
        let reader = self.reader(ctx, user).await?;
        // What queries see, not what the row says: rows are written after the index.
        let keys = index.index().keys(&prefix(&name.data_source, &name.document), None, 1).await?;
        let Some(first) = keys.first() else { return Ok(false) };
        Ok(index.index().get_permitted(&reader, first).await?.is_some())
    }

    /// What is known of an indexed document, and the index.
    async fn indexed(&self, ctx: &Ctx, name: &DocumentName) -> Result<(Entry, Indexed, Opened)> {
        let (realm, base, index) = self.opened(ctx, &name.knowledge_base).await?;
        self.source_of(&realm, &base.id, &name.data_source).await?;
        let place = Place { realm: &realm, base: &base.id, source: &name.data_source };
        let missing = || Error::not_found(format!("The document `{}` is not indexed.", name.document));
        let entry = store::find(&self.inner.store, place, &name.document).await?.ok_or_else(missing)?;
        let indexed = entry.indexed.clone().ok_or_else(missing)?;
        Ok((entry, indexed, index))
    }
}

/// The chunks of a document with what is noted of them, in its order.
async fn read(index: &Opened, name: &DocumentName) -> Result<Vec<(String, Facts, String)>> {
    let prefix = prefix(&name.data_source, &name.document);
    let (mut after, mut read) = (None, Vec::new());
    loop {
        let keys = index.index().keys(&prefix, after.as_deref(), READ_TOGETHER).await?;
        let Some(last) = keys.last() else { return Ok(read) };
        after = Some(last.clone());
        for key in keys {
            if let Some(mut chunk) = index.index().get(&key).await? {
                let facts = Facts::read(&key, &chunk.metadata)?;
                let text = chunk.fields.remove(TEXT).unwrap_or_default();
                read.push((key, facts, text));
            }
        }
    }
}
