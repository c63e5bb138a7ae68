//! Temporary credentials.

use base::{Error, Result, Secret, Timestamp};

use crate::authentication::revoked_meanwhile;
use crate::credentials::formats;
use crate::credentials::store as tables;
use crate::ctx::{Credential, Ctx};
use crate::open::Identity;

/// The shortest and the longest a session may last, in seconds.
const DURATION: std::ops::RangeInclusive<u32> = 900..=129_600;
/// How long a session of a user lasts where nothing is said, in seconds: 12 hours.
const USER_DEFAULT: u32 = 43_200;
/// The longest a session of the root lasts, in seconds. As in AWS, a longer wish is cut to it.
const ROOT_LONGEST: u32 = 3_600;
/// How long expired sessions are remembered, in seconds: so long they are answered as expired, not as unknown.
const REMEMBERED: i64 = 24 * 3600;

/// Temporary credentials: the only time that the secret and the token are shown.
#[derive(Debug, Clone)]
pub struct SessionCredentials {
    /// `ASIA…`
    pub access_key_id: String,
    /// The secret access key.
    pub secret: Secret<String>,
    /// What each request must carry as `X-Amz-Security-Token`. Opaque; only its hash is stored.
    pub session_token: Secret<String>,
    /// When the credentials end.
    pub expires: Timestamp,
}

/// A session as it is stored.
pub(crate) struct NewSession {
    pub(crate) id: String,
    pub(crate) parent: String,
    pub(crate) sealed_secret: Vec<u8>,
    pub(crate) token_hash: String,
    pub(crate) created: Timestamp,
    pub(crate) expires: Timestamp,
}

impl Identity {
    /// Temporary credentials with the rights of the caller, for `duration` seconds: 900 to 129,600 for a user (12 hours
    /// where `None`), at most 3,600 for the root. They end early with the access key that asked for them.
    ///
    /// # Errors
    /// Invalid, where `duration` is out of bounds. Denied, where the caller does not use an access key.
    pub async fn get_session_token(&self, ctx: &Ctx, duration: Option<u32>) -> Result<SessionCredentials> {
        let Credential::AccessKey { id: parent } = ctx.credential() else {
            return Err(Error::denied("Cannot call GetSessionToken with session credentials"));
        };
        let now = self.0.clock.now();
        let expires = now.plus_seconds(i64::from(seconds(duration, ctx.principal().is_root())?));
        let access_key_id = formats::session_key_id(self.0.random.as_ref());
        let secret = Secret::new(formats::secret_access_key(self.0.random.as_ref()));
        let session_token = Secret::new(formats::token(self.0.random.as_ref()));
        let session = NewSession {
            id: access_key_id.clone(),
            parent: parent.clone(),
            sealed_secret: self.seal_secret(ctx.account(), &access_key_id, &secret)?,
            token_hash: formats::hash(session_token.reveal()),
            created: now,
            expires,
        };
        tables::insert_session(&self.0.store, ctx.account(), &session, now.plus_seconds(-REMEMBERED))
            .await
            .map_err(revoked_meanwhile)?;
        Ok(SessionCredentials { access_key_id, secret, session_token, expires })
    }
}

fn seconds(wished: Option<u32>, root: bool) -> Result<u32> {
    let longest = if root { ROOT_LONGEST } else { *DURATION.end() };
    let wished = wished.unwrap_or(USER_DEFAULT);
    if !DURATION.contains(&wished) {
        return Err(Error::invalid(format!(
            "1 validation error detected: Value '{wished}' at 'durationSeconds' failed to satisfy constraint: Member \
             must have value between {} and {}",
            DURATION.start(),
            DURATION.end()
        )));
    }
    Ok(wished.min(longest))
}
