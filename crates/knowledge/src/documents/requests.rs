//! Requests that hand documents in or remove some, and are sent again: what their token was used for, and what was answered.

use base::{Error, ErrorKind, Result, Timestamp};
use identity::Ctx;
use serde::{Deserialize, Serialize};

use super::operations::Task;
use super::store::{self, Answered, Place};
use super::{DocumentDetail, DocumentStatus, Entry, Location};
use crate::data_sources::DataSource;
use crate::knowledge_bases::{KnowledgeBase, token_taken};
use crate::open::Knowledge;
use crate::realm::{Realm, hash_of_parts, json, owner, parse};

/// How long a token is known, in seconds.
const KNOWN: i64 = 24 * 60 * 60;

/// A request with a token.
pub(super) struct Request {
    token: String,
    /// What it asks for, as one value.
    hash: String,
}

/// What was told of a document, as rows keep it.
#[derive(Serialize, Deserialize)]
struct Told {
    kind: String,
    name: String,
    status: String,
    reason: Option<String>,
    modified: i64,
}

impl Request {
    /// The request with this token to index documents.
    pub(super) fn to_index(token: Option<&str>, tasks: &[(Location, Task, Vec<u8>)]) -> Result<Option<Self>> {
        let Some(token) = token else { return Ok(None) };
        let written = tasks.iter().map(|(_, task, _)| serde_json::to_vec(task).map_err(Error::internal));
        let written = written.collect::<Result<Vec<_>>>()?;
        let parts = tasks.iter().zip(&written).flat_map(|((location, _, bytes), task)| {
            [location.kind().as_bytes(), location.name().as_bytes(), task.as_slice(), bytes.as_slice()]
        });
        let hash = hash_of_parts(std::iter::once(&b"index"[..]).chain(parts));
        Ok(Some(Self { token: token.to_owned(), hash }))
    }

    /// The request with this token to remove documents.
    pub(super) fn to_remove(token: Option<&str>, locations: &[Location]) -> Option<Self> {
        let parts = locations.iter().flat_map(|location| [location.kind().as_bytes(), location.name().as_bytes()]);
        let hash = hash_of_parts(std::iter::once(&b"remove"[..]).chain(parts));
        token.map(|token| Self { token: token.to_owned(), hash })
    }

    /// The request with its answer, as its row is to be.
    pub(super) fn answered(&self, answer: &[DocumentDetail], now: Timestamp) -> Result<Answered> {
        let told: Vec<Told> = answer.iter().map(Told::of).collect();
        let (token, hash) = (self.token.clone(), self.hash.clone());
        Ok(Answered { token, hash, answer: json(&told)?, now, forgotten_before: now.plus_seconds(-KNOWN) })
    }
}

impl Told {
    fn of(detail: &DocumentDetail) -> Self {
        Self {
            kind: detail.location.kind().to_owned(),
            name: detail.location.name().to_owned(),
            status: detail.status.as_str().to_owned(),
            reason: detail.reason.clone(),
            modified: detail.modified.as_millis(),
        }
    }

    fn detail(self, base: &str, source: &str) -> Result<DocumentDetail> {
        let location = Location::from_row(&self.kind, self.name)?;
        let (status, reason) = (DocumentStatus::from_row(&self.status)?, self.reason);
        Ok(Entry { status, reason, ..Entry::new(location, Timestamp(self.modified)) }.detail(base, source))
    }
}

impl Knowledge {
    /// What a request with the same token was answered, within the last day.
    ///
    /// # Errors
    /// Invalid, where that asked for something else.
    pub(super) async fn answer_before(
        &self,
        ctx: &Ctx,
        (base, source): (&KnowledgeBase, &DataSource),
        request: Option<&Request>,
    ) -> Result<Option<Vec<DocumentDetail>>> {
        let Some(Request { token, hash }) = request else { return Ok(None) };
        let realm = Realm::of(ctx);
        let place = Place { realm: &realm, base: &base.id, source: &source.id };
        let since = self.inner.clock.now().plus_seconds(-KNOWN);
        let Some((asked, answer)) = store::answered(&self.inner.store, place, token, since).await? else {
            return Ok(None);
        };
        if asked != *hash {
            // Bedrock lists no conflict among what these operations answer.
            return Err(Error { kind: ErrorKind::Invalid, ..token_taken(token) });
        }
        // Whoever sends a request again may do so because it was not seen that the work on it was begun.
        if store::any_pending(&self.inner.store, place).await? {
            self.submit_handed_in(owner(ctx), &base.id, &source.id).await?;
        }
        let told: Vec<Told> = parse("answer", &answer)?;
        told.into_iter().map(|told| told.detail(&base.id, &source.id)).collect::<Result<_>>().map(Some)
    }
}
