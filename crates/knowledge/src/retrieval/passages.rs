//! From the chunk that was found to the passage that is given: its parent, its neighbours.

use std::ops::Range;

use base::Result;
use search::Caller;
use search::analysis::Language;
use search::query::Hit;

use super::Passage;
use crate::documents::chunk::{Facts, TEXT, joined, key, prefix, public};
use crate::indexes::Opened;

/// What is joined to chunks that were found.
pub(super) struct Expansion<'a> {
    pub(super) index: &'a Opened,
    /// Nothing is joined that they may not see.
    pub(super) caller: &'a Caller,
    pub(super) neighbours: usize,
}

impl Expansion<'_> {
    /// The passage of a hit; none, where its document was removed since.
    pub(super) async fn passage(&self, mut hit: Hit) -> Result<Option<Passage>> {
        let facts = Facts::read(&hit.key, &hit.metadata)?;
        let found = hit.fields.remove(TEXT).unwrap_or_default();
        let around = facts.parent.clone().unwrap_or(facts.number..facts.number + 1);
        let wanted = around.start.saturating_sub(self.neighbours)..around.end + self.neighbours;
        let own = (facts.start, found, facts.page);
        let whole = if wanted.len() > 1 { self.joined(&facts, wanted, around).await? } else { None };
        // Where the document was replaced since, what was found stands for itself.
        let (start, mut text, page) = whole.unwrap_or(own);
        text.truncate(text.trim_end().len());
        Ok(Some(Passage {
            chunk: hit.key,
            document: facts.location.name().to_owned(),
            data_source: facts.source,
            location: facts.location,
            span: start..start + text.len(),
            text,
            page,
            score: hit.score,
            metadata: public(hit.metadata),
            explanation: hit.explanation,
            language: hit.language.unwrap_or(Language::Any),
        }))
    }

    /// The chunks of these numbers as one text, as far as there are such: where it begins, the text, its first page.
    /// None, where those that must be there are of another revision or gone.
    async fn joined(
        &self,
        facts: &Facts,
        wanted: Range<usize>,
        needed: Range<usize>,
    ) -> Result<Option<(usize, String, Option<u32>)>> {
        let prefix = prefix(&facts.source, facts.location.name());
        let mut parts: Vec<(usize, String, Option<u32>)> = Vec::with_capacity(wanted.len());
        for number in wanted {
            let key = key(&prefix, number);
            let chunk = self.index.index().get_permitted(self.caller, &key).await?;
            let part = match chunk {
                Some(mut chunk) => {
                    let its = Facts::read(&key, &chunk.metadata)?;
                    let text = chunk.fields.remove(TEXT).unwrap_or_default();
                    (its.revision == facts.revision).then_some((its.start, text, its.page))
                }
                None => None,
            };
            match part {
                Some(part) => parts.push(part),
                None if needed.contains(&number) => return Ok(None),
                None if number < needed.start => parts.clear(),
                None => break,
            }
        }
        let page = parts.first().and_then(|(_, _, page)| *page);
        let text = joined(parts.iter().map(|(start, text, _)| (*start, text.as_str())));
        Ok(text.map(|(start, text)| (start, text, page)))
    }
}
