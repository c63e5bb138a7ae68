//! Console sessions: a browser that signed in with an access key.

use std::net::IpAddr;
use std::sync::Arc;

use base::{Error, Region, Result, Secret, Timestamp};

use crate::authentication::{SigningKey, revoked_meanwhile};
use crate::credentials::access_keys::Status;
use crate::credentials::activity::{LastNoted, Used};
use crate::credentials::formats;
use crate::credentials::store as tables;
use crate::ctx::{Credential, Ctx, Facts, Origin};
use crate::open::Identity;
use crate::principal::Principal;

/// The longest that a session lasts, in seconds: 12 hours.
const LONGEST: i64 = 12 * 3600;
/// How long a session lasts without a request, in seconds: 1 hour.
const IDLE: i64 = 3600;

/// A session just made: the only time that its token is shown.
#[derive(Debug, Clone)]
pub struct ConsoleSession {
    /// The cookie's value. Only its hash is stored.
    pub token: Secret<String>,
    /// What each changing request must carry as `X-Craton-Csrf`.
    pub csrf: String,
    /// When the session ends at the latest. Without requests it ends an hour after the last one.
    pub expires: Timestamp,
    /// Who signed in.
    pub principal: Arc<Principal>,
}

/// A request of a console session.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The request's context.
    pub ctx: Ctx,
    /// The session's CSRF token. Compare with [`SignedIn::csrf_matches`].
    pub csrf: String,
    /// When the session ends at the latest.
    pub expires: Timestamp,
}

/// What is cached of a session.
pub(crate) struct ConsoleFacts {
    pub(crate) access_key_id: String,
    pub(crate) expires: Timestamp,
    pub(crate) last_seen: LastNoted,
}

/// A session as it is stored.
pub(crate) struct NewConsoleSession<'a> {
    pub(crate) token_hash: &'a str,
    pub(crate) access_key_id: &'a str,
    pub(crate) created: Timestamp,
    pub(crate) expires: Timestamp,
}

impl SignedIn {
    /// Whether `given` is the session's CSRF token.
    #[must_use]
    pub fn csrf_matches(&self, given: &str) -> bool {
        formats::same(&self.csrf, given)
    }
}

impl Identity {
    /// Signs in with a long-term access key.
    ///
    /// # Errors
    /// Unauthenticated, with the same words for an unknown key, an inactive key and a wrong secret. Throttled, after 5
    /// failures for the key or 20 from the address within 15 minutes.
    pub async fn console_sign_in(
        &self,
        access_key_id: &str,
        secret: &Secret<String>,
        source_ip: IpAddr,
    ) -> Result<ConsoleSession> {
        let now = self.0.clock.now();
        self.0.sign_ins.begin(access_key_id, source_ip, now).map_err(|seconds| {
            Error::throttled("Too many failed sign-ins.")
                .with_hint(format!("Try again in {seconds} seconds."))
                .with_retry_after(std::time::Duration::from_secs(seconds.max(0).unsigned_abs()))
        })?;
        let key = self.signing_key(access_key_id).await?;
        let Some(key) = key.filter(|key| may_sign_in(key, secret)) else {
            return Err(Error::unauthenticated("The access key id or the secret access key is wrong.")
                .with_hint("`craton env` prints the administrator's credentials on the machine that runs Craton."));
        };
        self.0.sign_ins.succeed(access_key_id, source_ip);
        let token = Secret::new(formats::token(self.0.random.as_ref()));
        let expires = now.plus_seconds(LONGEST);
        let hash = formats::hash(token.reveal());
        let session = NewConsoleSession { token_hash: &hash, access_key_id, created: now, expires };
        tables::insert_console_session(&self.0.store, &session).await.map_err(revoked_meanwhile)?;
        let csrf = csrf_of(token.reveal());
        Ok(ConsoleSession { token, csrf, expires, principal: Arc::clone(&key.principal) })
    }

    /// The context of a request with the cookie `token`. `region` is the one that the console shows; `None` stands for
    /// the default.
    ///
    /// # Errors
    /// Unauthenticated, where the session is unknown, over, or its access key was deleted or made inactive.
    pub async fn console_session(&self, token: &str, region: Option<Region>, origin: Origin) -> Result<SignedIn> {
        let over = || Error::unauthenticated("The console session is over.").with_hint("Sign in again.");
        let now = self.0.clock.now();
        let hash = formats::hash(token);
        let session = self.console_facts(&hash, now).await?.ok_or_else(over)?;
        if session.expires <= now || session.last_seen.get().plus_seconds(IDLE) <= now {
            return Err(over());
        }
        let key = self.signing_key(&session.access_key_id).await?.ok_or_else(over)?;
        if key.status == Status::Inactive {
            return Err(over());
        }
        self.0.activity.note(&session.last_seen, now, || Used::ConsoleSession(hash));
        let ctx = Ctx::new(Facts {
            region: region.unwrap_or_else(|| self.0.defaults.region.clone()),
            principal: Arc::clone(&key.principal),
            credential: Credential::Console { access_key_id: key.access_key_id.clone() },
            request_id: origin.request_id,
            now,
            source_ip: Some(origin.source_ip),
            secure: origin.secure,
            source: None,
        });
        Ok(SignedIn { ctx, csrf: csrf_of(token), expires: session.expires })
    }

    /// Ends the session of the cookie `token`. A session that is over already is no error.
    ///
    /// # Errors
    /// The store's.
    pub async fn console_sign_out(&self, token: &str) -> Result<()> {
        tables::delete_console_session(&self.0.store, &formats::hash(token)).await?;
        self.0.console_sessions.clear();
        Ok(())
    }

    async fn console_facts(&self, hash: &str, now: Timestamp) -> Result<Option<Arc<ConsoleFacts>>> {
        if let Some(facts) = self.0.console_sessions.get(hash, now) {
            return Ok(Some(facts));
        }
        let generation = self.0.console_sessions.generation();
        // Before the database: a note that is written in between is then seen in one of the two.
        let noted = self.0.activity.pending(&Used::ConsoleSession(hash.to_owned()));
        let Some(row) = tables::read_console_session(&self.0.store, hash).await? else { return Ok(None) };
        let last_seen = noted.map_or(row.last_seen, |noted| noted.max(row.last_seen));
        let facts = Arc::new(ConsoleFacts {
            access_key_id: row.access_key_id,
            expires: row.expires,
            last_seen: LastNoted::at(Some(last_seen)),
        });
        self.0.console_sessions.insert(generation, hash, Arc::clone(&facts), now);
        Ok(Some(facts))
    }
}

fn may_sign_in(key: &SigningKey, secret: &Secret<String>) -> bool {
    formats::same(key.secret.reveal(), secret.reveal()) && key.status == Status::Active && key.session.is_none()
}

/// The CSRF token of a session: it follows from the cookie, which scripts cannot read, and does not tell it.
fn csrf_of(token: &str) -> String {
    formats::hash(&format!("craton csrf {token}"))
}
