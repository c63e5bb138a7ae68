//! Documents that are handed in, looked at, listed and removed by themselves.

use base::{Error, Page, PageRequest, Result};
use identity::Ctx;
use search::Value;
use serde::{Deserialize, Serialize};

use super::requests::Request;
use super::sidecar::{AclBy, AclEntry, Sidecar};
use super::store::{HandedIn, Place};
use super::{DocumentDetail, DocumentStatus, Entry, Location, store};
use crate::data_sources::{DataSource, Origin};
use crate::knowledge_bases::KnowledgeBase;
use crate::open::{Knowledge, detached};
use crate::realm::{Realm, owner};

/// A document that is handed in.
#[derive(Debug, Clone)]
pub struct NewDocument {
    /// Which document, and what it says.
    pub content: NewContent,
    /// Its metadata.
    pub metadata: Option<NewMetadata>,
    /// Who may read it; whoever may ask where there are none.
    pub acl: Option<Vec<AclEntry>>,
}

/// What a document that is handed in says.
#[derive(Debug, Clone)]
pub enum NewContent {
    /// An object of the data source's bucket.
    S3 {
        /// `s3://BUCKET/KEY`.
        uri: String,
    },
    /// A document of its own.
    Custom {
        /// Its id.
        id: String,
        /// What it says.
        body: CustomBody,
    },
}

/// What a document says that is handed in under an id.
#[derive(Debug, Clone)]
pub enum CustomBody {
    /// A text.
    Text(String),
    /// A file's bytes.
    Bytes {
        /// Their media type.
        media_type: String,
        /// The bytes.
        data: Vec<u8>,
    },
    /// An object.
    S3 {
        /// `s3://BUCKET/KEY`.
        uri: String,
        /// The account that is taken for the bucket's owner; any other is refused.
        owner: Option<String>,
    },
}

/// The metadata of a document that is handed in.
#[derive(Debug, Clone)]
pub enum NewMetadata {
    /// These.
    Inline(Vec<(String, Value)>),
    /// A sidecar.
    S3 {
        /// `s3://BUCKET/KEY`.
        uri: String,
        /// The account that is taken for the bucket's owner; any other is refused.
        owner: Option<String>,
    },
}

/// What is to be done with a document. Its bytes follow in the row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Task {
    Delete,
    /// The content of an object.
    Object {
        uri: String,
        owner: Option<String>,
        said: Said,
    },
    /// The bytes that follow.
    Bytes {
        media_type: String,
        said: Said,
    },
}

/// What is said of a document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Said {
    /// Nothing: what the object's own sidecar says, if there is one.
    Nothing {
        acl: Option<Vec<(String, bool, bool)>>,
    },
    Inline {
        attributes: Vec<(String, Attribute)>,
        acl: Option<Vec<(String, bool, bool)>>,
    },
    Object {
        uri: String,
        owner: Option<String>,
        acl: Option<Vec<(String, bool, bool)>>,
    },
}

/// A metadata value, as rows keep it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Attribute {
    Text(String),
    Number(f64),
    Boolean(bool),
    TextList(Vec<String>),
}

impl Knowledge {
    /// Takes documents in; they are indexed soon. A request with the `token` of an earlier one is that one, sent again, as long
    /// as that is known: a day.
    ///
    /// # Errors
    /// NotFound, where there is no such data source; Invalid, where a document is not of its kind, or the token is that of
    /// another request.
    pub async fn ingest_documents(
        &self,
        ctx: &Ctx,
        base: &str,
        source: &str,
        documents: Vec<NewDocument>,
        token: Option<&str>,
    ) -> Result<Vec<DocumentDetail>> {
        let (base, source) = self.source_of(&Realm::of(ctx), base, source).await?;
        let tasks = documents.into_iter().map(|document| task(&source, document)).collect::<Result<Vec<_>>>()?;
        let request = Request::to_index(token, &tasks)?;
        if let Some(answer) = self.answer_before(ctx, (&base, &source), request.as_ref()).await? {
            return Ok(answer);
        }
        let (handed_in, answer) = self.sealed((&base, &source), tasks, DocumentStatus::Starting)?;
        self.hand_in(ctx, (&base, &source), handed_in, (request, answer)).await
    }

    /// Removes documents soon. For the `token` see [`ingest_documents`](Self::ingest_documents).
    ///
    /// # Errors
    /// NotFound, where there is no such data source; Invalid, where the token is that of another request.
    pub async fn delete_documents(
        &self,
        ctx: &Ctx,
        base: &str,
        source: &str,
        locations: Vec<Location>,
        token: Option<&str>,
    ) -> Result<Vec<DocumentDetail>> {
        let realm = Realm::of(ctx);
        let (base, source) = self.source_of(&realm, base, source).await?;
        let request = Request::to_remove(token, &locations);
        if let Some(answer) = self.answer_before(ctx, (&base, &source), request.as_ref()).await? {
            return Ok(answer);
        }
        let (mut tasks, mut absent) = (Vec::new(), Vec::new());
        for (at, location) in locations.into_iter().enumerate() {
            let place = Place { realm: &realm, base: &base.id, source: &source.id };
            match store::find(&self.inner.store, place, location.name()).await? {
                Some(_) => tasks.push((location, Task::Delete, Vec::new())),
                None => absent.push((at, self.absent(&base, &source, location))),
            }
        }
        let (handed_in, mut answer) = self.sealed((&base, &source), tasks, DocumentStatus::Deleting)?;
        for (at, absent) in absent {
            answer.insert(at.min(answer.len()), absent);
        }
        self.hand_in(ctx, (&base, &source), handed_in, (request, answer)).await
    }

    /// What is to be done, as it is kept until then, and what is told of it. Of what is there twice the last one counts.
    fn sealed(
        &self,
        (base, source): (&KnowledgeBase, &DataSource),
        tasks: Vec<(Location, Task, Vec<u8>)>,
        status: DocumentStatus,
    ) -> Result<(Vec<HandedIn>, Vec<DocumentDetail>)> {
        let (now, keyring) = (self.inner.clock.now(), self.inner.identity.keyring());
        let (mut handed_in, mut details): (Vec<HandedIn>, Vec<DocumentDetail>) = (Vec::new(), Vec::new());
        for (location, task, bytes) in tasks {
            let entry = Entry { status, ..Entry::new(location.clone(), now) };
            details.push(entry.detail(&base.id, &source.id));
            if let Some(earlier) = handed_in.iter().position(|other| other.location == location) {
                handed_in.remove(earlier);
                let ignored = details.iter_mut().find(|detail| detail.location == location && detail.status == status);
                if let Some(detail) = ignored {
                    detail.status = DocumentStatus::Ignored;
                    detail.reason = Some("The request has the document again, and that counts.".to_owned());
                }
            }
            let id = self.inner.random.uuid();
            let acl = task.acl()?;
            let pending = keyring.seal(&purpose(&id), &written(&task, &bytes)?)?;
            handed_in.push(HandedIn { location, status, id, acl, pending });
        }
        Ok((handed_in, details))
    }

    /// Keeps what is to be done, with the answer of its request, and has it done.
    async fn hand_in(
        &self,
        ctx: &Ctx,
        (base, source): (&KnowledgeBase, &DataSource),
        handed_in: Vec<HandedIn>,
        (request, answer): (Option<Request>, Vec<DocumentDetail>),
    ) -> Result<Vec<DocumentDetail>> {
        if handed_in.is_empty() && request.is_none() {
            return Ok(answer);
        }
        let (realm, now) = (Realm::of(ctx), self.inner.clock.now());
        let kept = request.as_ref().map(|request| request.answered(&answer, now)).transpose()?;
        let (knowledge, owner) = (self.clone(), owner(ctx));
        let (base_id, source_id) = (base.id.clone(), source.id.clone());
        let is_first = detached(async move {
            let place = Place { realm: &realm, base: &base_id, source: &source_id };
            let is_first = store::hand_in(&knowledge.inner.store, place, &handed_in, kept.as_ref(), now).await?;
            if is_first && !handed_in.is_empty() {
                knowledge.submit_handed_in(owner, &base_id, &source_id).await?;
            }
            Ok(is_first)
        })
        .await?;
        if is_first {
            return Ok(answer);
        }
        // The same request came twice at once.
        let earlier = self.answer_before(ctx, (base, source), request.as_ref()).await?;
        earlier.ok_or_else(|| Error::conflict("The same request is being carried out.").with_hint("Send it again."))
    }

    /// Where documents stand.
    ///
    /// # Errors
    /// NotFound, where there is no such data source.
    pub async fn documents(
        &self,
        ctx: &Ctx,
        base: &str,
        source: &str,
        locations: Vec<Location>,
    ) -> Result<Vec<DocumentDetail>> {
        let realm = Realm::of(ctx);
        let (base, source) = self.source_of(&realm, base, source).await?;
        let mut details = Vec::with_capacity(locations.len());
        for location in locations {
            let place = Place { realm: &realm, base: &base.id, source: &source.id };
            let entry = store::find(&self.inner.store, place, location.name()).await?;
            let entry = entry.filter(|entry| entry.location == location);
            details.push(match entry {
                Some(entry) => entry.detail(&base.id, &source.id),
                None => self.absent(&base, &source, location),
            });
        }
        Ok(details)
    }

    /// The documents of a data source, by name.
    ///
    /// # Errors
    /// NotFound, where there is no such data source.
    pub async fn list_documents(
        &self,
        ctx: &Ctx,
        base: &str,
        source: &str,
        page: &PageRequest,
    ) -> Result<Page<DocumentDetail>> {
        let realm = Realm::of(ctx);
        let (base, source) = self.source_of(&realm, base, source).await?;
        let place = Place { realm: &realm, base: &base.id, source: &source.id };
        let found = store::list(&self.inner.store, place, page).await?;
        let found = Page::cut(page, found, |entry| entry.location.name().to_owned());
        Ok(found.map(|entry| entry.detail(&base.id, &source.id)))
    }

    fn absent(&self, base: &KnowledgeBase, source: &DataSource, location: Location) -> DocumentDetail {
        let entry = Entry { status: DocumentStatus::NotFound, ..Entry::new(location, self.inner.clock.now()) };
        entry.detail(&base.id, &source.id)
    }
}

/// What is to be done for a document that is handed in.
fn task(source: &DataSource, document: NewDocument) -> Result<(Location, Task, Vec<u8>)> {
    let said = said(document.metadata, document.acl)?;
    match (document.content, &source.origin) {
        (NewContent::S3 { uri }, Origin::S3 { owner, .. }) => {
            let (bucket, _) = split_uri(&uri)?;
            if Some(bucket) != source.origin.bucket() {
                return Err(Error::invalid(format!(
                    "`{uri}` is not in the bucket of the data source `{}`.",
                    source.id
                )));
            }
            let task = Task::Object { uri: uri.clone(), owner: owner.clone(), said };
            Ok((Location::S3 { uri }, task, Vec::new()))
        }
        (NewContent::Custom { id, body }, Origin::Custom) => {
            let (task, bytes) = match body {
                CustomBody::Text(text) => {
                    (Task::Bytes { media_type: "text/plain; charset=utf-8".to_owned(), said }, text.into_bytes())
                }
                CustomBody::Bytes { media_type, data } => (Task::Bytes { media_type, said }, data),
                CustomBody::S3 { uri, owner } => {
                    split_uri(&uri)?;
                    (Task::Object { uri, owner, said }, Vec::new())
                }
            };
            Ok((Location::Custom { id }, task, bytes))
        }
        _ => Err(Error::invalid(format!("The document is not of the kind of the data source `{}`.", source.id))
            .with_hint("A data source of the type `CUSTOM` takes custom documents, one of the type `S3` objects.")),
    }
}

fn said(metadata: Option<NewMetadata>, acl: Option<Vec<AclEntry>>) -> Result<Said> {
    let entries = acl.as_deref();
    let attributes = match &metadata {
        Some(NewMetadata::Inline(attributes)) => attributes.clone(),
        _ => Vec::new(),
    };
    // What is wrong with them is said at once.
    Sidecar::handed_in(attributes, entries)?;
    let plain = |entry: &AclEntry| (entry.name.clone(), entry.group, entry.allow);
    let acl = entries.map(|entries| entries.iter().map(plain).collect());
    Ok(match metadata {
        None => Said::Nothing { acl },
        Some(NewMetadata::S3 { uri, owner }) => {
            split_uri(&uri)?;
            Said::Object { uri, owner, acl }
        }
        Some(NewMetadata::Inline(attributes)) => {
            let attribute = |(name, value): (String, Value)| match value {
                Value::Text(text) => Ok((name, Attribute::Text(text))),
                Value::Number(number) => Ok((name, Attribute::Number(number))),
                Value::Boolean(boolean) => Ok((name, Attribute::Boolean(boolean))),
                Value::TextList(texts) => Ok((name, Attribute::TextList(texts))),
                Value::Time(_) => Err(Error::invalid(format!("The metadata attribute `{name}` is a time."))),
            };
            Said::Inline { attributes: attributes.into_iter().map(attribute).collect::<Result<_>>()?, acl }
        }
    })
}

impl Task {
    /// Who may read the document, where that was handed in with it.
    fn acl(&self) -> Result<Option<search::Acl>> {
        match self {
            Self::Delete => Ok(None),
            Self::Bytes { said, .. } | Self::Object { said, .. } => {
                let sidecar = said.clone().over(None)?;
                Ok((sidecar.acl_by == AclBy::Hand).then_some(sidecar.acl))
            }
        }
    }
}

impl Said {
    /// What was handed in, on top of what a sidecar says.
    pub(crate) fn over(self, sidecar: Option<Sidecar>) -> Result<Sidecar> {
        let (attributes, acl) = match self {
            Self::Nothing { acl } | Self::Object { acl, .. } => (Vec::new(), acl),
            Self::Inline { attributes, acl } => (attributes, acl),
        };
        let value = |(name, attribute)| {
            let value = match attribute {
                Attribute::Text(text) => Value::Text(text),
                Attribute::Number(number) => Value::Number(number),
                Attribute::Boolean(boolean) => Value::Boolean(boolean),
                Attribute::TextList(texts) => Value::TextList(texts),
            };
            (name, value)
        };
        let entries = acl.map(|acl| {
            let entry = |(name, group, allow)| AclEntry { name, group, allow };
            acl.into_iter().map(entry).collect::<Vec<_>>()
        });
        let handed_in = Sidecar::handed_in(attributes.into_iter().map(value).collect(), entries.as_deref())?;
        let Some(mut sidecar) = sidecar else { return Ok(handed_in) };
        sidecar.metadata.extend(handed_in.metadata);
        if handed_in.acl_by != AclBy::Nobody {
            (sidecar.acl, sidecar.acl_by) = (handed_in.acl, handed_in.acl_by);
        }
        Ok(sidecar)
    }
}

/// Bucket and key of `s3://BUCKET/KEY`.
pub(crate) fn split_uri(uri: &str) -> Result<(&str, &str)> {
    let place = uri.strip_prefix("s3://").and_then(|rest| rest.split_once('/'));
    place.filter(|(bucket, key)| !bucket.is_empty() && !key.is_empty()).ok_or_else(|| {
        Error::invalid(format!("`{uri}` does not name an object.")).with_hint("It looks like `s3://BUCKET/KEY`.")
    })
}

/// What the pending column holds once it is opened: a line of JSON, then bytes.
fn written(task: &Task, bytes: &[u8]) -> Result<Vec<u8>> {
    let mut written = serde_json::to_vec(task).map_err(Error::internal)?;
    written.push(b'\n');
    written.extend_from_slice(bytes);
    Ok(written)
}

/// The opposite of [`written`].
pub(crate) fn read(written: &[u8]) -> Result<(Task, &[u8])> {
    let end = written.iter().position(|byte| *byte == b'\n').ok_or_else(|| Error::internal("no task is there"))?;
    Ok((serde_json::from_slice(&written[..end]).map_err(Error::internal)?, &written[end + 1..]))
}

/// What it is sealed for.
pub(crate) fn purpose(id: &str) -> String {
    format!("knowledge/handed-in/{id}")
}
