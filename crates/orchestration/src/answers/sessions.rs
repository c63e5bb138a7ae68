//! Sessions: the conversation so far, kept sealed, of which a turn is told again only to who may read what it came from.

use std::collections::{BTreeMap, BTreeSet};

use base::{Error, ErrorKind, Result};
use identity::Ctx;
use identity::kms::{DataKeySpec, EncryptionContext, KeyRef};
use knowledge::DocumentName;
use objects::{GetObject, ObjectRef};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::store::{self, SessionRow};
use super::{Answers, Source};

/// How long a session lasts after its last turn, in seconds.
pub const SESSION_SECONDS: i64 = 24 * 60 * 60;
/// How many turns a session keeps, the latest.
const MOST_TURNS: i64 = 10;
/// The sealing of the sessions' own keys.
const KEY_PURPOSE: &str = "answers/session/data-key";
/// Bytes of a session's key.
const KEY_BYTES: usize = 32;

/// A session that a question belongs to.
pub(crate) struct Session {
    pub(crate) id: String,
    key: Zeroizing<Vec<u8>>,
}

/// A question with its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Turn {
    pub(crate) question: String,
    pub(crate) answer: String,
    /// All that the answer may have come from, with what the turns came from that were told to the model that wrote it.
    pub(crate) origins: BTreeSet<Origin>,
}

/// What an answer may have come from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Origin {
    /// A document of a knowledge base.
    Document { knowledge_base: String, data_source: String, document: String },
    /// An object.
    Object { uri: String },
}

impl Answers {
    /// The session that is named, or a new one.
    ///
    /// # Errors
    /// Invalid, where the named one is not there, has lapsed, is another caller's or reader's, or is about something else;
    /// Denied, where its key may not be used.
    pub(crate) async fn session(
        &self,
        ctx: &Ctx,
        named: Option<&str>,
        key: Option<&str>,
        source: &Source,
    ) -> Result<Session> {
        let (base, reader) = match source {
            Source::KnowledgeBase(search) => {
                (Some(base_id(&search.retrieve.knowledge_base).to_owned()), search.retrieve.user.clone())
            }
            Source::Document(_) => (None, None),
        };
        let Some(id) = named else { return self.begin(ctx, base, reader, key).await };
        let not_valid = || {
            Error::invalid(format!("Session with Id {id} is not valid. Please check and try again."))
                .with_hint("Send no session to begin one.")
        };
        let row = store::find(&self.inner.store, ctx, id).await?.ok_or_else(not_valid)?;
        let lapsed = row.used_at.plus_seconds(SESSION_SECONDS) < self.inner.clock.now();
        // Whoever asks for another's learns no more than that it is not theirs.
        if lapsed || row.owner != ctx.principal().user_id() || row.reader != reader {
            return Err(not_valid());
        }
        if row.knowledge_base != base {
            return Err(Error::invalid("The knowledge base of a session cannot be changed.")
                .with_hint("Begin another session for another knowledge base."));
        }
        if key.is_some_and(|key| row.kms_key.as_deref() != Some(key)) {
            return Err(Error::invalid("The key of a session cannot be changed.")
                .with_hint("Leave `sessionConfiguration` out, or begin another session."));
        }
        let key = self.open_key(ctx, &row).await?;
        Ok(Session { id: row.id, key })
    }

    /// The turns of a session that may be told again, oldest first: those of which the reader may read every origin now.
    ///
    /// # Errors
    /// Those of the store and of the knowledge bases.
    pub(crate) async fn visible_turns(&self, ctx: &Ctx, session: &Session, reader: Option<&str>) -> Result<Vec<Turn>> {
        let (mut visible, mut known) = (Vec::new(), BTreeMap::new());
        for sealed in store::turns(&self.inner.store, ctx, &session.id).await? {
            let turn: Turn = serde_json::from_slice(&open(session, sealed)?).map_err(Error::internal)?;
            if self.may_read_all(ctx, &turn.origins, reader, &mut known).await? {
                visible.push(turn);
            }
        }
        Ok(visible)
    }

    /// Adds a turn to a session.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) async fn remember(&self, ctx: &Ctx, session: &Session, turn: &Turn) -> Result<()> {
        let mut nonce = [0; NONCE_LEN];
        self.inner.random.fill(&mut nonce);
        let sealed = seal(session, nonce, serde_json::to_vec(turn).map_err(Error::internal)?)?;
        store::add_turn(&self.inner.store, ctx, (&session.id, self.inner.clock.now(), MOST_TURNS), &sealed).await
    }

    async fn begin(
        &self,
        ctx: &Ctx,
        knowledge_base: Option<String>,
        reader: Option<String>,
        kms_key: Option<&str>,
    ) -> Result<Session> {
        let now = self.inner.clock.now();
        store::sweep(&self.inner.store, now.plus_seconds(-SESSION_SECONDS)).await?;
        let id = self.inner.random.uuid();
        let (key, data_key) = match kms_key {
            None => {
                let mut key = Zeroizing::new(vec![0; KEY_BYTES]);
                self.inner.random.fill(&mut key);
                let sealed = self.inner.identity.keyring().seal(KEY_PURPOSE, &key)?;
                (key, sealed)
            }
            Some(arn) => {
                let (caller, key, about) = (ctx.via("bedrock"), KeyRef::parse(arn)?, context(&id));
                let kms = self.inner.identity.kms();
                let made = kms.generate_data_key(&caller, &key, &about, DataKeySpec::Aes256).await?;
                (made.plaintext, made.ciphertext)
            }
        };
        let row = SessionRow {
            id: id.clone(),
            owner: ctx.principal().user_id(),
            reader,
            knowledge_base,
            kms_key: kms_key.map(str::to_owned),
            data_key,
            used_at: now,
        };
        store::put(&self.inner.store, ctx, &row).await?;
        Ok(Session { id, key })
    }

    async fn open_key(&self, ctx: &Ctx, row: &SessionRow) -> Result<Zeroizing<Vec<u8>>> {
        if row.kms_key.is_none() {
            return self.inner.identity.keyring().open(KEY_PURPOSE, &row.data_key);
        }
        let opened =
            self.inner.identity.kms().decrypt(&ctx.via("bedrock"), &row.data_key, &context(&row.id), None).await;
        Ok(opened?.plaintext)
    }

    /// Whether the reader may read all origins; `known` holds what was found of those of other turns.
    async fn may_read_all(
        &self,
        ctx: &Ctx,
        origins: &BTreeSet<Origin>,
        reader: Option<&str>,
        known: &mut BTreeMap<Origin, bool>,
    ) -> Result<bool> {
        for origin in origins {
            let readable = match known.get(origin) {
                Some(readable) => *readable,
                None => self.may_read(ctx, origin, reader).await?,
            };
            known.insert(origin.clone(), readable);
            if !readable {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn may_read(&self, ctx: &Ctx, origin: &Origin, reader: Option<&str>) -> Result<bool> {
        let readable = match origin {
            Origin::Document { knowledge_base, data_source, document } => {
                let name = DocumentName {
                    knowledge_base: knowledge_base.clone(),
                    data_source: data_source.clone(),
                    document: document.clone(),
                };
                self.inner.library.may_read(ctx, &name, reader).await
            }
            Origin::Object { uri } => self.may_get(ctx, uri).await,
        };
        match readable {
            // What is gone may not be told again either.
            Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::Denied) => Ok(false),
            readable => readable,
        }
    }

    async fn may_get(&self, ctx: &Ctx, uri: &str) -> Result<bool> {
        let Some((bucket, key)) = uri.strip_prefix("s3://").and_then(|rest| rest.split_once('/')) else {
            return Ok(false);
        };
        let object = ObjectRef::new(bucket, key);
        self.inner.objects.head_object(&ctx.via("bedrock"), &GetObject::new(object)).await?;
        Ok(true)
    }
}

/// The id in an id or ARN of a knowledge base.
fn base_id(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// What a session's key is bound to.
fn context(session: &str) -> EncryptionContext {
    EncryptionContext::from_pairs([("aws:bedrock:knowledge-base-session", session)])
}

fn cipher(session: &Session) -> Result<LessSafeKey> {
    let key = UnboundKey::new(&AES_256_GCM, &session.key)
        .map_err(|_| Error::internal("a session's key of another length"))?;
    Ok(LessSafeKey::new(key))
}

/// A turn as it is kept: a random nonce of 12 bytes, the ciphertext, a tag of 16 bytes (AES-256-GCM, NIST SP 800-38D; the
/// session's id is its additional data).
fn seal(session: &Session, nonce: [u8; NONCE_LEN], mut plain: Vec<u8>) -> Result<Vec<u8>> {
    cipher(session)?
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(session.id.as_bytes()), &mut plain)
        .map_err(|_| Error::internal("a turn is too long to seal"))?;
    Ok([nonce.as_slice(), &plain].concat())
}

fn open(session: &Session, mut sealed: Vec<u8>) -> Result<Zeroizing<Vec<u8>>> {
    let damaged = || Error::internal(format!("a turn of the session `{}` does not open", session.id));
    let (nonce, text) = sealed.split_first_chunk_mut::<NONCE_LEN>().ok_or_else(damaged)?;
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let plain = cipher(session)?.open_in_place(nonce, Aad::from(session.id.as_bytes()), text).map_err(|_| damaged())?;
    Ok(Zeroizing::new(plain.to_vec()))
}
