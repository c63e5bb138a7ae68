//! Reading a document: its object and sidecar, its text, and how that is cut.

use base::{Error, ErrorKind, Result};
use futures::StreamExt as _;
use identity::Ctx;
use objects::{BucketRef, Code, GetObject, ListObjectsV2, ObjectRef};
use search::analysis::Language;
use tokio_util::sync::CancellationToken;

use crate::chunking::{self, Plan, Region, Tokens};
use crate::data_sources::DataSource;
use crate::documents::sidecar::{self, ENDING, Sidecar};
use crate::documents::{DocumentStatus, Entry};
use crate::indexes::Opened;
use crate::knowledge_bases::KnowledgeBase;
use crate::open::Knowledge;
use crate::ports::EmbeddingModel;
use crate::realm::{Realm, hash};

/// Below this many bytes, and this confidence, the language of a text is a guess, which would set it apart from questions.
const FEWEST_BYTES: usize = 200;
const LEAST_CONFIDENCE: f64 = 0.8;
/// The most chunks of a document: twice what the longest text has where nothing is said of chunks.
const MOST_CHUNKS: usize = 100_000;

/// Whoever works on a data source.
pub(super) struct Worker<'a> {
    pub(super) knowledge: &'a Knowledge,
    pub(super) realm: &'a Realm,
    pub(super) base: &'a KnowledgeBase,
    pub(super) source: &'a DataSource,
    pub(super) model: EmbeddingModel,
    pub(super) index: Opened,
    /// By which texts are analysed whose language is not known.
    pub(super) language: Language,
    /// Once the work is to end.
    pub(super) cancelled: CancellationToken,
}

/// What is to become of a document.
pub(super) enum Prepared {
    /// Its row says why it cannot be indexed.
    Failed(Entry),
    /// It is indexed as it is.
    Same(Entry),
    /// Its text is indexed as it is, but something else is said of it.
    Said(Entry, Sidecar),
    /// Its row says why its new text cannot be indexed; this is said of the old one, which stays.
    FailedButSaid(Entry, Sidecar),
    /// It is to be indexed.
    Content(Box<Content>),
    /// It is to be removed.
    Removal(Entry),
}

impl Prepared {
    /// The document's row, as it was read.
    pub(super) fn entry(&self) -> &Entry {
        match self {
            Self::Failed(entry)
            | Self::Same(entry)
            | Self::Said(entry, _)
            | Self::FailedButSaid(entry, _)
            | Self::Removal(entry) => entry,
            Self::Content(content) => &content.entry,
        }
    }

    /// As it is to be, now that the row says something else of the document, but nothing else of its text.
    pub(super) fn beside(mut self, kept: Entry) -> Self {
        match &mut self {
            Self::Failed(entry) | Self::Same(entry) | Self::Removal(entry) => {
                entry.handed_acl = kept.handed_acl;
                entry.indexed = kept.indexed;
            }
            Self::Said(entry, sidecar) | Self::FailedButSaid(entry, sidecar) => said_beside((entry, sidecar), kept),
            Self::Content(content) => content.beside(kept),
        }
        self
    }

    /// Bytes of the text that is to be indexed.
    pub(super) fn text_bytes(&self) -> usize {
        match self {
            Self::Content(content) => content.text.len(),
            _ => 0,
        }
    }

    /// The bytes of that text and of the vectors of its chunks, once it is embedded; of what ends where the subject changes, at
    /// most.
    pub(super) fn bytes_embedded(&self, dimension: usize) -> usize {
        match self {
            Self::Content(content) => content.text.len() + content.plan.most_chunks() * dimension * size_of::<f32>(),
            _ => 0,
        }
    }
}

/// A text that is to be indexed.
pub(super) struct Content {
    pub(super) entry: Entry,
    pub(super) sidecar: Sidecar,
    pub(super) hash: String,
    pub(super) text: String,
    pub(super) plan: Plan,
    pub(super) language: Option<String>,
    pub(super) title: Option<String>,
    pub(super) warnings: Vec<String>,
}

impl Content {
    /// As [`Prepared::beside`].
    pub(super) fn beside(&mut self, kept: Entry) {
        said_beside((&mut self.entry, &mut self.sidecar), kept);
    }
}

fn said_beside((entry, sidecar): (&mut Entry, &mut Sidecar), kept: Entry) {
    *sidecar = std::mem::take(sidecar).handed(kept.handed_acl.as_ref());
    entry.hold(sidecar);
    entry.indexed = kept.indexed;
}

/// A file: what it is called, what its sender says it is, and its bytes.
pub(super) struct File {
    pub(super) name: String,
    pub(super) media_type: Option<String>,
    pub(super) bytes: Vec<u8>,
}

/// An object that was read.
pub(super) struct Object {
    pub(super) file: File,
    pub(super) etag: String,
}

/// Whether an error is about one document, and says nothing of the next.
pub(super) fn is_own(error: &Error) -> bool {
    !matches!(error.kind, ErrorKind::Throttled | ErrorKind::Unavailable | ErrorKind::Timeout)
}

/// Why an object was not read. Only one that is not there is missing: a KMS key or a bucket that is gone keeps it from being
/// read, and must be taken neither for its end nor, of a sidecar, for nothing being said.
fn unread(error: objects::Error, (bucket, key): (&str, &str)) -> Error {
    match error.code {
        Code::NoSuchKey => Error::not_found(format!("The object `s3://{bucket}/{key}` is gone.")),
        _ if error.error.kind == ErrorKind::NotFound => Error { kind: ErrorKind::Conflict, ..error.error },
        _ => error.error,
    }
}

/// The document as one that failed, where the error is its own.
pub(super) fn failed(mut entry: Entry, error: Error) -> Result<Prepared> {
    if !is_own(&error) {
        return Err(error);
    }
    if error.kind == ErrorKind::Internal {
        tracing::error!(document = entry.location.name(), ?error, "a document was not indexed");
    }
    entry.fail(DocumentStatus::Failed, &error);
    Ok(Prepared::Failed(entry))
}

/// As [`failed`], of a document that this is said of: whoever may not read it any more reads nothing of its old text.
pub(super) fn content_failed(mut entry: Entry, sidecar: Sidecar, error: Error) -> Result<Prepared> {
    entry.hold(&sidecar);
    let changed = entry.indexed.as_ref().is_some_and(|indexed| indexed.sidecar != hash(sidecar.canonical()));
    Ok(match failed(entry, error)? {
        Prepared::Failed(entry) if changed => Prepared::FailedButSaid(entry, sidecar),
        other => other,
    })
}

impl Worker<'_> {
    /// The role, asked for anew: what was taken away from it since is gone.
    pub(super) async fn role(&self) -> Result<Ctx> {
        self.knowledge.assume(self.realm, &self.base.role_arn, &self.base.id).await
    }

    /// An object's bytes, at most `limit` of them.
    pub(super) async fn object(
        &self,
        role: &Ctx,
        (bucket, key): (&str, &str),
        owner: Option<&str>,
        limit: u64,
    ) -> Result<Object> {
        let object = ObjectRef {
            bucket: BucketRef { name: bucket.to_owned(), expected_owner: owner.map(str::to_owned) },
            key: key.to_owned(),
            version: None,
        };
        let got = self.knowledge.inner.objects.get_object(role, &GetObject::new(object)).await;
        let mut got = got.map_err(|error| unread(error, (bucket, key)))?;
        if got.length > limit {
            let text = format!("The object `s3://{bucket}/{key}` has {} bytes.", got.length);
            return Err(Error::invalid(text).with_hint(format!("It may have {limit} at most.")));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(got.length).unwrap_or_default());
        while let Some(piece) = got.body.next().await {
            bytes.extend_from_slice(&piece?);
        }
        let file = File { name: key.to_owned(), media_type: got.object.headers.content_type, bytes };
        Ok(Object { file, etag: got.object.etag })
    }

    /// What a sidecar says.
    pub(super) async fn sidecar(
        &self,
        role: &Ctx,
        place: (&str, &str),
        owner: Option<&str>,
    ) -> Result<(Sidecar, String)> {
        let read = self.object(role, place, owner, sidecar::MAX_BYTES).await?;
        let quoted =
            |error: Error| Error { message: format!("`s3://{}/{}`: {}", place.0, place.1, error.message), ..error };
        Ok((Sidecar::parse(&read.file.bytes).map_err(quoted)?, read.etag))
    }

    /// What the sidecar beside an object says, and its ETag; nothing where there is none. `is_unseen` says that a listing
    /// showed none.
    pub(super) async fn own_sidecar(
        &self,
        role: &Ctx,
        (bucket, key): (&str, &str),
        (owner, is_unseen): (Option<&str>, bool),
    ) -> Result<(Sidecar, Option<String>)> {
        match self.sidecar(role, (bucket, &format!("{key}{ENDING}")), owner).await {
            Ok((sidecar, etag)) => Ok((sidecar, Some(etag))),
            Err(error) if error.kind == ErrorKind::NotFound => Ok((Sidecar::default(), None)),
            // S3 says so of what is not there, too, where the role may list below a prefix alone.
            Err(error) if error.kind == ErrorKind::Denied => match self.is_listed(role, bucket, key, owner).await {
                Some(false) => Ok((Sidecar::default(), None)),
                None if is_unseen => Ok((Sidecar::default(), None)),
                _ => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    /// Whether a listing shows the sidecar of an object; none where it may not be made.
    async fn is_listed(&self, role: &Ctx, bucket: &str, key: &str, owner: Option<&str>) -> Option<bool> {
        let name = format!("{key}{ENDING}");
        let ask = ListObjectsV2 {
            bucket: BucketRef { name: bucket.to_owned(), expected_owner: owner.map(str::to_owned) },
            prefix: name.clone(),
            delimiter: None,
            start_after: None,
            token: None,
            max_keys: Some(1),
        };
        let page = self.knowledge.inner.objects.list_objects_v2(role, &ask).await.ok()?;
        Some(page.entries.iter().any(|object| object.key == name))
    }

    /// What is to be done for a document that says this now.
    pub(super) async fn prepare(&self, role: &Ctx, mut entry: Entry, file: File, sidecar: Sidecar) -> Result<Prepared> {
        entry.hold(&sidecar);
        let (content, preface) = (hash(&file.bytes), hash(sidecar.preface()));
        match &entry.indexed {
            Some(indexed) if indexed.content == content && indexed.preface == preface => {
                let same = indexed.sidecar == hash(sidecar.canonical());
                Ok(if same { Prepared::Same(entry) } else { Prepared::Said(entry, sidecar) })
            }
            _ => match self.content(role, &entry, file, &sidecar, content).await {
                Ok(content) => Ok(Prepared::Content(Box::new(content))),
                Err(error) => content_failed(entry, sidecar, error),
            },
        }
    }

    async fn content(&self, role: &Ctx, entry: &Entry, file: File, sidecar: &Sidecar, hash: String) -> Result<Content> {
        let limits = self.knowledge.inner.config.limits.clone();
        let extracted = tokio::task::spawn_blocking(move || {
            media::extract(&file.name, file.media_type.as_deref(), &file.bytes, &limits)
        });
        let extracted = extracted.await.map_err(Error::internal)?.map_err(|error| match error {
            media::Error::Unavailable { .. } => Error::unavailable(sentence(&error.to_string())),
            _ => Error::invalid(sentence(&error.to_string())),
        })?;
        let text = extracted.text;
        let spans = self.knowledge.inner.embedder.tokens(role, &self.base.embedding_model, &text).await?;
        let regions: Vec<Region> =
            extracted.blocks.into_iter().map(|block| Region { span: block.span, page: block.page }).collect();
        let plan = chunking::plan(&text, &regions, &Tokens::new(&text, &spans), self.source.chunking.as_ref());
        let parts = plan.most_chunks();
        if matches!(&plan, Plan::Cuts(cuts) if cuts.is_empty()) {
            return Err(Error::invalid("The file has no text."));
        }
        if parts > MOST_CHUNKS {
            return Err(Error::invalid(format!("The document has {parts} chunks, more than {MOST_CHUNKS}."))
                .with_hint("Split it, or make a data source with larger chunks that repeat less of each other."));
        }
        Ok(Content {
            entry: entry.clone(),
            sidecar: sidecar.clone(),
            hash,
            plan,
            language: extracted
                .language
                .filter(|found| text.len() >= FEWEST_BYTES && found.confidence >= LEAST_CONFIDENCE)
                .map(|found| found.code),
            text,
            title: extracted.title,
            warnings: extracted.warnings,
        })
    }
}

/// A reason as a sentence.
fn sentence(reason: &str) -> String {
    let mut characters = reason.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", characters.as_str())
}

#[cfg(test)]
#[path = "prepare_tests.rs"]
mod tests;
