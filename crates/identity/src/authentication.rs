//! From an access key and a verified signature to a context.

use std::sync::Arc;

use base::{AccountId, Error, ErrorKind, Region, Result, Secret, Timestamp};

use crate::credentials::access_keys::Status;
use crate::credentials::activity::{LastNoted, Used};
use crate::credentials::formats;
use crate::credentials::store as tables;
use crate::ctx::{Credential, Ctx, Facts, Origin};
use crate::open::Identity;
use crate::principal::Principal;

/// The message of an error about a key or a token that is unknown, inactive or wrong.
pub const INVALID_TOKEN: &str = "The security token included in the request is invalid.";
/// The message of an error about temporary credentials or an API key that were right once.
pub const EXPIRED_TOKEN: &str = "The security token included in the request is expired";

/// What is needed to verify a signature made with an access key.
#[derive(Debug)]
#[non_exhaustive]
pub struct SigningKey {
    /// `AKIA…` or `ASIA…`
    pub access_key_id: String,
    /// The secret access key.
    pub secret: Secret<String>,
    /// Whether the key may be used. A session has the status of the key that asked for it.
    pub status: Status,
    /// Whose key it is.
    pub principal: Arc<Principal>,
    /// For temporary credentials: what else the request must prove.
    pub session: Option<SessionFacts>,
    pub(crate) last_noted: LastNoted,
}

/// What temporary credentials need beside a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionFacts {
    /// SHA-256 of the session token, in base64.
    pub token_hash: String,
    /// When the credentials end.
    pub expires: Timestamp,
    /// When they were issued.
    pub issued: Timestamp,
}

/// An access key whose secret made the signature of a request.
pub struct ProvenKey {
    key: Arc<SigningKey>,
    session_token: Option<Secret<String>>,
    service: Option<String>,
}

impl ProvenKey {
    /// To be called where the signature of a request was verified with the secret of `key`, and nowhere else.
    /// `session_token` is the request's `X-Amz-Security-Token`, if it has one.
    #[must_use]
    pub fn new(key: Arc<SigningKey>, session_token: Option<&str>) -> Self {
        Self { key, session_token: session_token.map(|token| Secret::new(token.to_owned())), service: None }
    }

    /// Says which service the request is for, as its signature has it: a part of the key's last use.
    #[must_use]
    pub fn for_service(self, service: &str) -> Self {
        Self { service: Some(service.to_owned()), ..self }
    }
}

impl Identity {
    /// The access key of this id with its secret, or `None` where there is none. Kept in memory for some seconds; a
    /// change made through this process is seen at once.
    ///
    /// # Errors
    /// The store's.
    pub async fn signing_key(&self, access_key_id: &str) -> Result<Option<Arc<SigningKey>>> {
        let now = self.0.clock.now();
        if let Some(key) = self.0.signing_keys.get(access_key_id, now) {
            return Ok(Some(key));
        }
        let generation = self.0.signing_keys.generation();
        let temporary = access_key_id.starts_with(formats::SESSION_KEY_PREFIX);
        let row = match temporary {
            true => tables::read_session(&self.0.store, access_key_id).await?,
            false => tables::read_signing_key(&self.0.store, access_key_id).await?,
        };
        let key = match row {
            Some(row) => Some(self.unseal_signing_key(row)?),
            None if temporary => self.role_signing_key(access_key_id).await?,
            None => None,
        };
        let Some(key) = key.map(Arc::new) else { return Ok(None) };
        self.0.signing_keys.insert(generation, access_key_id, Arc::clone(&key), now);
        Ok(Some(key))
    }

    /// The context of a request signed with `proven`. `region` is that of the credential scope; `None` stands for the
    /// default.
    ///
    /// # Errors
    /// Unauthenticated, with the message [`INVALID_TOKEN`] where the key was revoked, is inactive, or the session token
    /// does not belong to it, and [`EXPIRED_TOKEN`] where its session is over. Otherwise the store's errors.
    pub async fn authenticate(&self, proven: ProvenKey, region: Option<Region>, origin: Origin) -> Result<Ctx> {
        // Read again: verifying took as long as the body needed to arrive, and the key may be gone or changed by now.
        let key = self.signing_key(&proven.key.access_key_id).await?.ok_or_else(invalid_token)?;
        let unchanged =
            Arc::ptr_eq(&key, &proven.key) || formats::same(key.secret.reveal(), proven.key.secret.reveal());
        if key.status == Status::Inactive || !unchanged {
            return Err(invalid_token());
        }
        let now = self.0.clock.now();
        let id = key.access_key_id.clone();
        let credential = match (&key.session, &proven.session_token) {
            (None, None) => {
                self.0.activity.note(&key.last_noted, now, || Used::AccessKey {
                    id: id.clone(),
                    region: region.as_ref().map(|region| region.as_str().to_owned()),
                    service: proven.service.clone(),
                });
                Credential::AccessKey { id }
            }
            (Some(session), Some(token)) if formats::same(&formats::hash(token.reveal()), &session.token_hash) => {
                if session.expires <= now {
                    return Err(Error::unauthenticated(EXPIRED_TOKEN));
                }
                Credential::Session { id }
            }
            _ => return Err(invalid_token()),
        };
        let region = region.unwrap_or_else(|| self.0.defaults.region.clone());
        if let Principal::Role(session) = key.principal.as_ref() {
            self.note_role_use(&session.role.role_id, &region);
        }
        Ok(Ctx::new(Facts {
            region,
            principal: Arc::clone(&key.principal),
            credential,
            request_id: origin.request_id,
            now,
            source_ip: Some(origin.source_ip),
            secure: origin.secure,
            source: None,
        }))
    }

    /// The context of a request that nobody signed. Only resources' own policies let it do anything.
    #[must_use]
    pub fn anonymous(&self, region: Option<Region>, origin: Origin) -> Ctx {
        Ctx::new(Facts {
            region: region.unwrap_or_else(|| self.0.defaults.region.clone()),
            principal: Arc::new(Principal::Anonymous { account: AccountId::nobody() }),
            credential: Credential::Nothing,
            request_id: origin.request_id,
            now: self.0.clock.now(),
            source_ip: Some(origin.source_ip),
            secure: origin.secure,
            source: None,
        })
    }

    fn unseal_signing_key(&self, row: tables::SigningKeyRow) -> Result<SigningKey> {
        let secret = self.unseal_secret(row.principal.account(), &row.id, &row.sealed_secret)?;
        let owner = Arc::new(row.principal);
        let principal = match &row.session {
            Some(session) => Arc::new(Principal::Session {
                of: owner,
                access_key_id: row.id.clone(),
                expires: session.expires,
                issued: session.issued,
            }),
            None => owner,
        };
        Ok(SigningKey {
            access_key_id: row.id,
            secret,
            status: row.status,
            principal,
            session: row.session,
            last_noted: LastNoted::at(None),
        })
    }
}

pub(crate) fn invalid_token() -> Error {
    Error::unauthenticated(INVALID_TOKEN)
}

/// The error of storing something that belongs to an access key: the key may have been deleted since the caller used it.
pub(crate) fn revoked_meanwhile(error: Error) -> Error {
    if error.kind == ErrorKind::Conflict { invalid_token().with_detail(format!("{error:?}")) } else { error }
}
