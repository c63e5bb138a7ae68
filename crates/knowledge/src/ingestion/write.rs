//! Writing what was prepared: first into the index, then into the rows.

use base::{Error, ErrorKind, Result};
use identity::Ctx;
use search::Change;
use search::analysis::Language;

use super::IngestionStatistics;
use super::embed::Passage;
use super::prepare::{Content, Prepared, Worker, content_failed, failed};
use super::store::Counted;
use crate::chunking::{Cut, Plan};
use crate::documents::chunk::{Whole, encoded, prefix};
use crate::documents::sidecar::{AclBy, Sidecar};
use crate::documents::store::{Doubt, Place, Removed, doubt, save};
use crate::documents::{DocumentStatus, Entry, Indexed};
use crate::realm::hash;

/// About how many bytes the index is given at once.
const BATCH_BYTES: usize = 32 << 20;
/// Chunks that are read at once, where what is said of them changes.
const READ_TOGETHER: usize = 256;

/// A text with its chunks and their vectors.
struct Embedded {
    content: Content,
    cuts: Vec<Cut>,
    vectors: Vec<Vec<f32>>,
}

/// What became of some documents.
#[derive(Default)]
struct Outcome {
    entries: Vec<Entry>,
    removed: Vec<Removed>,
    statistics: IngestionStatistics,
    reasons: Vec<String>,
}

impl Outcome {
    fn fail(&mut self, entry: Entry) {
        let reason = entry.reason.as_deref().unwrap_or_default();
        self.reasons.push(format!("{}: {reason}", entry.location.name()));
        self.statistics.failed += 1;
        self.entries.push(entry);
    }
}

/// What was prepared, its texts cut and embedded: it can be written.
pub(super) struct Ready {
    others: Vec<Prepared>,
    embedded: Vec<Embedded>,
}

impl Ready {
    /// The documents' rows, as they were read.
    pub(super) fn entries(&self) -> Vec<&Entry> {
        let embedded = self.embedded.iter().map(|embedded| &embedded.content.entry);
        self.others.iter().map(Prepared::entry).chain(embedded).collect()
    }

    /// Without the documents of whose texts their rows say something else now, `kept` in the order of
    /// [`entries`](Self::entries): what was indexed or removed since is newer. Of the others, what was said since holds.
    pub(super) fn beside(self, kept: Vec<Option<Entry>>) -> Self {
        let text =
            |entry: &Entry| entry.indexed.as_ref().map(|indexed| (indexed.content.clone(), indexed.preface.clone()));
        let is_as_it_was = |read: &Entry, kept: &Option<Entry>| kept.as_ref().and_then(text) == text(read);
        let mut kept = kept.into_iter();
        let mut others = Vec::with_capacity(self.others.len());
        for (prepared, kept) in self.others.into_iter().zip(kept.by_ref()) {
            if is_as_it_was(prepared.entry(), &kept) {
                others.push(match kept {
                    Some(kept) => prepared.beside(kept),
                    None => prepared,
                });
            }
        }
        let mut embedded = Vec::with_capacity(self.embedded.len());
        for (mut one, kept) in self.embedded.into_iter().zip(kept) {
            if is_as_it_was(&one.content.entry, &kept) {
                if let Some(kept) = kept {
                    one.content.beside(kept);
                }
                embedded.push(one);
            }
        }
        Self { others, embedded }
    }
}

impl Worker<'_> {
    /// Indexes what was prepared, for the ingestion job, if there is one. When it returns, every query sees it.
    ///
    /// # Errors
    /// What is no document's own fault; nothing is counted then, and all of it may be done again.
    pub(super) async fn write(&self, role: &Ctx, job: Option<&str>, prepared: Vec<Prepared>) -> Result<()> {
        let ready = self.ready(role, prepared).await?;
        self.write_ready(job, ready).await
    }

    /// Cuts and embeds the texts of what was prepared. Nothing is changed.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub(super) async fn ready(&self, role: &Ctx, prepared: Vec<Prepared>) -> Result<Ready> {
        let (mut contents, mut others) = (Vec::new(), Vec::new());
        for prepared in prepared {
            match prepared {
                Prepared::Content(content) => contents.push(*content),
                other => others.push(other),
            }
        }
        let embedded = self.embed_all(role, contents, &mut others).await?;
        if !embedded.is_empty() {
            // The model's id may have come to mean another one meanwhile. It is asked here and not before the write, by when it may mean
            // the one again that the index is made by.
            self.knowledge.model_of(role, self.base).await?;
        }
        Ok(Ready { others, embedded })
    }

    /// As [`write`](Self::write), of what is ready.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub(super) async fn write_ready(&self, job: Option<&str>, Ready { others, embedded }: Ready) -> Result<()> {
        let (mut outcome, mut gone) = (Outcome::default(), Vec::new());
        let _writing = self.knowledge.inner.locks.writing().await;
        self.intend(&others, &embedded).await?;
        for other in others {
            match other {
                Prepared::Failed(entry) => outcome.fail(entry),
                Prepared::Same(entry) => outcome.entries.push(good(entry)),
                Prepared::Said(entry, sidecar) => match self.say(&entry, &sidecar).await {
                    Ok(()) => {
                        outcome.statistics.metadata_modified += 1;
                        outcome.entries.push(good(said(entry, &sidecar)));
                    }
                    Err(error) => self.fail(&mut outcome, entry, error)?,
                },
                Prepared::FailedButSaid(entry, sidecar) => match self.say(&entry, &sidecar).await {
                    Ok(()) => outcome.fail(said(entry, &sidecar)),
                    Err(error) => self.fail(&mut outcome, entry, error)?,
                },
                Prepared::Content(_) => {}
                Prepared::Removal(entry) => gone.push(entry),
            }
        }
        self.take_out(gone, &mut outcome).await?;
        self.put_all(embedded, &mut outcome).await?;
        ::store::crash::point("knowledge.index.after");
        self.note(job, outcome).await
    }

    /// Takes documents out of the index, all at once.
    async fn take_out(&self, gone: Vec<Entry>, outcome: &mut Outcome) -> Result<()> {
        if gone.is_empty() {
            return Ok(());
        }
        let prefix = |entry: &Entry| prefix(&self.source.id, entry.location.name());
        self.index.apply(gone.iter().map(|entry| Change::DeletePrefix { prefix: prefix(entry) }).collect()).await?;
        outcome.statistics.deleted += gone.len() as u64;
        let removed =
            |Entry { location, handed_in, .. }: Entry| Removed { name: location.name().to_owned(), handed_in };
        outcome.removed.extend(gone.into_iter().map(removed));
        Ok(())
    }

    /// Notes of each document that the index may not be as its row says from now on, until [`note`](Self::note) does: whoever
    /// comes after a broken off work looks at it again.
    ///
    /// # Errors
    /// Conflict, where the data source goes.
    async fn intend(&self, others: &[Prepared], embedded: &[Embedded]) -> Result<()> {
        let Worker { realm, base, source, .. } = self;
        if !self.knowledge.stays(realm, &base.id, &source.id).await? {
            return Err(Error::conflict(format!("The data source `{}` is being removed.", source.id)));
        }
        let others = others.iter().filter_map(|prepared| match prepared {
            Prepared::Removal(entry) => Some((entry, Doubt::Text)),
            Prepared::Said(entry, _) | Prepared::FailedButSaid(entry, _) => Some((entry, Doubt::Said)),
            Prepared::Failed(_) | Prepared::Same(_) | Prepared::Content(_) => None,
        });
        let embedded = embedded.iter().map(|embedded| (&embedded.content.entry, Doubt::Text));
        let doubted: Vec<(&Entry, Doubt)> = others.chain(embedded).collect();
        let inner = &self.knowledge.inner;
        doubt(&inner.store, Place { realm, base: &base.id, source: &source.id }, &doubted, inner.clock.now()).await
    }

    fn fail(&self, outcome: &mut Outcome, entry: Entry, error: Error) -> Result<()> {
        match failed(entry, error)? {
            Prepared::Failed(entry) => outcome.fail(entry),
            _ => return Err(Error::internal("what failed has failed")),
        }
        Ok(())
    }

    /// Cuts and embeds all texts together; where one of them is at fault, each by itself.
    async fn embed_all(&self, role: &Ctx, contents: Vec<Content>, others: &mut Vec<Prepared>) -> Result<Vec<Embedded>> {
        let together = self.embedded(role, &contents).await;
        let mut embedded = Vec::with_capacity(contents.len());
        match together {
            Ok(parts) => {
                let join = |(content, (cuts, vectors))| Embedded { content, cuts, vectors };
                embedded.extend(contents.into_iter().zip(parts).map(join));
            }
            Err(error) if error.kind == ErrorKind::Invalid => {
                for content in contents {
                    match self.embedded(role, std::slice::from_ref(&content)).await {
                        Ok(mut parts) => {
                            let (cuts, vectors) = parts.pop().unwrap_or_default();
                            embedded.push(Embedded { content, cuts, vectors });
                        }
                        Err(error) if error.kind == ErrorKind::Invalid => {
                            others.push(content_failed(content.entry, content.sidecar, error)?);
                        }
                        Err(error) => return Err(error),
                    }
                }
            }
            Err(error) => return Err(error),
        }
        Ok(embedded)
    }

    /// The chunks of each text, and their vectors.
    async fn embedded(&self, role: &Ctx, contents: &[Content]) -> Result<Vec<(Vec<Cut>, Vec<Vec<f32>>)>> {
        let groups: Vec<_> = contents
            .iter()
            .map(|content| match &content.plan {
                Plan::Groups(grouping) => grouping.groups(),
                Plan::Cuts(_) => Vec::new(),
            })
            .collect();
        let passages: Vec<Passage<'_>> = contents
            .iter()
            .zip(&groups)
            .flat_map(|(content, groups)| {
                let passage = move |(span, tokens): &(std::ops::Range<usize>, usize)| Passage {
                    preface: "",
                    text: &content.text[span.clone()],
                    tokens: *tokens,
                };
                groups.iter().map(passage)
            })
            .collect();
        let mut vectors = self.embed(role, &passages).await?.into_iter();
        let cuts: Vec<Vec<Cut>> = contents
            .iter()
            .zip(&groups)
            .map(|(content, groups)| match &content.plan {
                Plan::Cuts(cuts) => cuts.clone(),
                Plan::Groups(grouping) => grouping.cuts(&vectors.by_ref().take(groups.len()).collect::<Vec<_>>()),
            })
            .collect();
        let prefaces: Vec<String> = contents.iter().map(|content| content.sidecar.preface()).collect();
        let passages: Vec<Passage<'_>> = contents
            .iter()
            .zip(&cuts)
            .zip(&prefaces)
            .flat_map(|((content, cuts), preface)| {
                let passage = move |cut: &Cut| Passage {
                    preface: preface.as_str(),
                    text: &content.text[cut.span.clone()],
                    tokens: cut.tokens,
                };
                cuts.iter().map(passage)
            })
            .collect();
        let mut vectors = self.embed(role, &passages).await?.into_iter();
        let take = |cuts: Vec<Cut>| {
            let vectors = vectors.by_ref().take(cuts.len()).collect();
            (cuts, vectors)
        };
        Ok(cuts.into_iter().map(take).collect())
    }

    /// Puts all texts into the index; where one of them is at fault, each by itself.
    async fn put_all(&self, embedded: Vec<Embedded>, outcome: &mut Outcome) -> Result<()> {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        for embedded in embedded {
            let size = embedded.content.text.len() * 2 + embedded.vectors.len() * (self.model.dimension * 4 + 512);
            if bytes > 0 && bytes + size > BATCH_BYTES {
                self.put(std::mem::take(&mut batch), outcome).await?;
                bytes = 0;
            }
            bytes += size;
            batch.push(embedded);
        }
        self.put(batch, outcome).await
    }

    async fn put(&self, batch: Vec<Embedded>, outcome: &mut Outcome) -> Result<()> {
        let changes = batch.iter().flat_map(|embedded| self.changes(embedded)).collect();
        match self.index.apply(changes).await {
            Ok(_) => batch.into_iter().for_each(|embedded| put(outcome, embedded)),
            Err(error) if error.kind == ErrorKind::Invalid => {
                for embedded in batch {
                    let mut steps = 0;
                    match self.put_alone(&embedded, &mut steps).await {
                        Ok(()) => put(outcome, embedded),
                        Err(error) if error.kind == ErrorKind::Invalid => {
                            let Content { entry, sidecar, .. } = embedded.content;
                            self.put_failed(outcome, (entry, sidecar), steps, error).await?;
                        }
                        Err(error) => return Err(error),
                    }
                }
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Notes that a text could not be put into the index, some steps after the first.
    async fn put_failed(
        &self,
        outcome: &mut Outcome,
        (entry, sidecar): (Entry, Sidecar),
        steps: usize,
        error: Error,
    ) -> Result<()> {
        if steps > 0 {
            // What was there is gone, and a part of the new text must not stand for it.
            let prefix = prefix(&self.source.id, entry.location.name());
            self.index.apply(vec![Change::DeletePrefix { prefix }]).await?;
            return self.fail(outcome, Entry { indexed: None, ..entry }, error);
        }
        match content_failed(entry, sidecar, error)? {
            Prepared::FailedButSaid(entry, sidecar) => match self.say(&entry, &sidecar).await {
                Ok(()) => outcome.fail(said(entry, &sidecar)),
                Err(error) => self.fail(outcome, entry, error)?,
            },
            Prepared::Failed(entry) => outcome.fail(entry),
            _ => return Err(Error::internal("what failed has failed")),
        }
        Ok(())
    }

    /// Puts one text into the index, in steps where it is long: the first removes what was there. Counts those that are done.
    async fn put_alone(&self, embedded: &Embedded, steps: &mut usize) -> Result<()> {
        let (mut step, mut bytes) = (Vec::new(), 0);
        for change in self.changes(embedded) {
            if bytes > BATCH_BYTES {
                self.index.apply(std::mem::take(&mut step)).await?;
                *steps += 1;
                bytes = 0;
            }
            if let Change::Put(document) = &change {
                bytes += document.fields.values().map(String::len).sum::<usize>() + self.model.dimension * 4 + 512;
            }
            step.push(change);
        }
        self.index.apply(step).await.map(drop)
    }

    fn changes(&self, embedded: &Embedded) -> Vec<Change> {
        let Embedded { content, cuts, vectors } = embedded;
        let prefix = prefix(&self.source.id, content.entry.location.name());
        let what = (content.hash.as_str(), content.language.as_deref());
        let whole = self.whole(&content.entry, &prefix, what, &content.sidecar);
        let puts = cuts
            .iter()
            .zip(vectors)
            .enumerate()
            .map(|(number, (cut, vector))| Change::Put(whole.chunk(&content.text, (number, cut), vector.clone())));
        let first = Change::DeletePrefix { prefix: prefix.clone() };
        std::iter::once(first).chain(puts).collect()
    }

    fn whole<'a>(
        &'a self,
        entry: &'a Entry,
        prefix: &'a str,
        (revision, language): (&'a str, Option<&str>),
        sidecar: &'a Sidecar,
    ) -> Whole<'a> {
        let (source, location) = (self.source.id.as_str(), &entry.location);
        let language = language.map_or(self.language, Language::from_code);
        Whole { source, prefix, location, revision, language, sidecar }
    }

    /// Changes what is said of a document whose text stays: permissions alone where nothing else is new.
    async fn say(&self, entry: &Entry, sidecar: &Sidecar) -> Result<()> {
        let Some(indexed) = &entry.indexed else { return Err(Error::internal("nothing is indexed of it")) };
        let prefix = prefix(&self.source.id, entry.location.name());
        let whole = self.whole(entry, &prefix, (&indexed.content, indexed.language.as_deref()), sidecar);
        // Who may read it goes first. A long document is too much for one change.
        let mut after = None;
        loop {
            let keys = self.index.index().keys(&prefix, after.as_deref(), READ_TOGETHER).await?;
            let Some(last) = keys.last() else { break };
            after = Some(last.clone());
            let permits = |key| Change::SetAcl { key, acl: encoded(&sidecar.acl) };
            self.index.apply(keys.into_iter().map(permits).collect()).await?;
        }
        let (mut after, mut changes, mut bytes) = (None, Vec::new(), 0);
        loop {
            let keys = self.index.index().keys(&prefix, after.as_deref(), READ_TOGETHER).await?;
            let Some(last) = keys.last() else { break };
            after = Some(last.clone());
            for key in keys {
                let Some(chunk) = self.index.index().get(&key).await? else { continue };
                let renewed = whole.renewed(chunk.clone());
                if renewed.metadata == chunk.metadata {
                    continue;
                }
                bytes += renewed.fields.values().map(String::len).sum::<usize>();
                changes.push(Change::Put(renewed));
                if bytes > BATCH_BYTES || changes.len() == READ_TOGETHER {
                    self.index.apply(std::mem::take(&mut changes)).await?;
                    bytes = 0;
                }
            }
        }
        self.index.apply(changes).await.map(drop)
    }

    /// Writes what became of the documents.
    async fn note(&self, job: Option<&str>, outcome: Outcome) -> Result<()> {
        let inner = &self.knowledge.inner;
        let now = inner.clock.now();
        let Outcome { mut entries, removed, statistics, reasons } = outcome;
        for entry in &mut entries {
            (entry.modified, entry.job) = (now, job.map(str::to_owned).or(entry.job.take()));
        }
        let place = Place { realm: self.realm, base: &self.base.id, source: &self.source.id };
        let counted = Counted { statistics, reasons, now };
        save(&inner.store, place, &entries, &removed, job.map(|job| (job, &counted))).await?;
        self.index.changed();
        Ok(())
    }
}

/// The document as one that is indexed.
fn good(entry: Entry) -> Entry {
    Entry { status: DocumentStatus::Indexed, reason: None, ..entry }
}

/// The document as one that this is said of.
fn said(entry: Entry, sidecar: &Sidecar) -> Entry {
    let indexed = entry.indexed.clone().map(|indexed| Indexed {
        sidecar: hash(sidecar.canonical()),
        acl: sidecar.acl.clone(),
        acl_handed_in: sidecar.acl_by == AclBy::Hand,
        ..indexed
    });
    Entry { indexed, ..entry }
}

fn put(outcome: &mut Outcome, embedded: Embedded) {
    let Embedded { content, cuts, .. } = embedded;
    let Content { entry, sidecar, hash: content, language, title, warnings, .. } = content;
    match entry.indexed {
        Some(_) => outcome.statistics.modified += 1,
        None => outcome.statistics.added += 1,
    }
    let indexed = Indexed {
        content,
        preface: hash(sidecar.preface()),
        sidecar: hash(sidecar.canonical()),
        acl: sidecar.acl,
        acl_handed_in: sidecar.acl_by == AclBy::Hand,
        language,
        title,
        warnings,
        chunks: cuts.len() as u64,
    };
    outcome.entries.push(good(Entry { indexed: Some(indexed), ..entry }));
}
