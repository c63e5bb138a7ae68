//! Sessions of roles, from their making to the requests that are signed with them.

use std::sync::Arc;

use base::{Error, Result, Secret, Timestamp};

use super::session_policies::Passed;
use super::session_tags::together;
use super::store::{self, SessionRow};
use crate::authentication::{SessionFacts, SigningKey};
use crate::credentials::access_keys::Status;
use crate::credentials::activity::LastNoted;
use crate::credentials::formats;
use crate::credentials::sessions::SessionCredentials;
use crate::iam::roles::Role;
use crate::open::Identity;
use crate::policy;
use crate::principal::{Principal, RoleSession};

/// How long expired sessions are remembered, in seconds: so long they are answered as expired, not as unknown.
const REMEMBERED: i64 = 24 * 3600;
/// How long those with policies are, in seconds: so long a job that one of them asked for keeps to its policies.
const REMEMBERED_WITH_POLICIES: i64 = 400 * 24 * 3600;

/// What assuming a role gave.
#[derive(Debug, Clone)]
pub(super) struct Granted {
    pub(super) session_name: String,
    pub(super) policies: Option<Passed>,
    pub(super) tags: Vec<(String, String)>,
    pub(super) transitive: Vec<String>,
    pub(super) source_identity: Option<String>,
    pub(super) chained: bool,
    pub(super) issued: Timestamp,
    pub(super) expires: Timestamp,
}

impl Identity {
    /// Credentials of a session of `role`.
    pub(super) async fn make_role_session(&self, role: &Role, granted: Granted) -> Result<SessionCredentials> {
        let random = self.0.random.as_ref();
        let access_key_id = formats::session_key_id(random);
        let secret = Secret::new(formats::secret_access_key(random));
        let session_token = Secret::new(formats::token(random));
        let (now, expires) = (granted.issued, granted.expires);
        let row = SessionRow {
            sealed_secret: self.seal_secret(&role.account, &access_key_id, &secret)?,
            token_hash: formats::hash(session_token.reveal()),
            id: access_key_id.clone(),
            role_id: role.id.clone(),
            active: true,
            granted,
        };
        let forget = [REMEMBERED, REMEMBERED_WITH_POLICIES].map(|seconds| now.plus_seconds(-seconds));
        store::insert(&self.0.store, &role.account, &row, forget).await?;
        Ok(SessionCredentials { access_key_id, secret, session_token, expires })
    }

    /// The key of a role's session, as long as there is the role.
    pub(crate) async fn role_signing_key(&self, id: &str) -> Result<Option<SigningKey>> {
        let Some(row) = store::read(&self.0.store, id).await? else { return Ok(None) };
        let Some(role) = self.read_role_by_id(&row.role_id).await? else { return Ok(None) };
        let secret = self.unseal_secret(&role.account, &row.id, &row.sealed_secret)?;
        let facts = SessionFacts {
            token_hash: row.token_hash.clone(),
            expires: row.granted.expires,
            issued: row.granted.issued,
        };
        let session = self.session(&role, row.granted, Some(row.id.clone())).await?;
        Ok(Some(SigningKey {
            access_key_id: row.id,
            secret,
            status: if row.active { Status::Active } else { Status::Inactive },
            principal: Arc::new(Principal::Role(Box::new(session))),
            session: Some(facts),
            last_noted: LastNoted::at(None),
        }))
    }

    async fn session(&self, role: &Role, granted: Granted, access_key_id: Option<String>) -> Result<RoleSession> {
        let policies = match &granted.policies {
            Some(passed) => Some(passed.compile(self, &role.account).await?),
            None => None,
        };
        Ok(RoleSession {
            role: seen(role, granted.session_name, &granted.tags),
            access_key_id,
            issued: granted.issued,
            expires: granted.expires,
            policies,
            transitive_tags: granted.transitive,
            source_identity: granted.source_identity,
            chained: granted.chained,
        })
    }
}

/// A session of `role` that no credentials belong to: one that a service holds, or that a job goes on with.
pub(crate) fn role_principal(role: &Role, session_name: &str, issued: Timestamp, expires: Timestamp) -> RoleSession {
    RoleSession {
        role: seen(role, session_name.to_owned(), &[]),
        access_key_id: None,
        issued,
        expires,
        policies: None,
        transitive_tags: Vec::new(),
        source_identity: None,
        chained: false,
    }
}

/// The session `session_name` of `role` that a job goes on with: what it may is what the role may now, within the
/// policies of the session that asked for the job. Where sessions of that name had different ones nobody knows which.
///
/// # Errors
/// Denied, where nobody knows.
pub(crate) async fn job_session(identity: &Identity, role: &Role, session_name: &str) -> Result<RoleSession> {
    let now = identity.0.clock.now();
    let mut kept = store::policies_of(&identity.0.store, &role.id, session_name).await?;
    let passed = kept.pop();
    if kept.iter().any(|other| Some(other) != passed.as_ref()) {
        return Err(Error::denied(format!(
            "Sessions `{session_name}` of the role `{}` were made with different policies; nobody knows which of them \
             asked for the job.",
            role.arn
        ))
        .with_hint("Name sessions with different policies differently."));
    }
    let mut session = role_principal(role, session_name, now, now);
    if let Some(passed) = passed.flatten() {
        session.policies = Some(passed.compile(identity, &role.account).await?);
    }
    Ok(session)
}

/// A session as policies see it.
fn seen(role: &Role, session_name: String, tags: &[(String, String)]) -> policy::RoleSession {
    policy::RoleSession {
        account: role.account.clone(),
        role_id: role.id.clone(),
        role_name: role.name.clone(),
        path: role.path.clone(),
        session_name,
        tags: together(&role.tags, tags),
        service_linked: role.service.is_some(),
    }
}
