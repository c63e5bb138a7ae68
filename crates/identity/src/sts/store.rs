//! The table of sessions of roles.

use ::store::{Migration, Module, Row, Store, params};
use base::{AccountId, Error, Result, Timestamp};

use super::session_policies::Passed;
use super::sessions::Granted;

const MIGRATIONS: &[Migration] =
    &[Migration::same(1, "sessions of roles", include_str!("../../migrations/role_sessions_0001.sql"))];

/// The tables of this module, which refer to those of IAM and of organizations.
pub(crate) const TABLES: Module = Module { name: "identity-role-sessions", migrations: MIGRATIONS };

/// A session as it is stored.
pub(super) struct SessionRow {
    pub(super) id: String,
    pub(super) role_id: String,
    pub(super) sealed_secret: Vec<u8>,
    pub(super) token_hash: String,
    /// Whether the account is open.
    pub(super) active: bool,
    pub(super) granted: Granted,
}

/// Stores a session. Those that ended before the first of `forget` are forgotten, those with policies before the second.
pub(super) async fn insert(
    store: &Store,
    account: &AccountId,
    session: &SessionRow,
    forget: [Timestamp; 2],
) -> Result<()> {
    let policies = session.granted.policies.as_ref().map(text).transpose()?;
    let (policies, tags) = (policies.as_deref(), text(&session.granted.tags)?);
    let (tags, transitive) = (&tags, &text(&session.granted.transitive)?);
    store
        .write(|tx| async move {
            let sql = "DELETE FROM identity_role_sessions
                       WHERE expires_at < $2 OR (expires_at < $1 AND policies IS NULL)";
            tx.execute(sql, params![forget[0], forget[1]]).await?;
            let sql =
                "INSERT INTO identity_role_sessions (id, role_id, account, session_name, sealed_secret, token_hash,
                         policies, tags, transitive, source_identity, chained, created_at, expires_at)
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
            let SessionRow { id, role_id, sealed_secret, token_hash, granted, .. } = session;
            let params = params![
                id,
                role_id,
                account,
                &granted.session_name,
                sealed_secret,
                token_hash,
                policies,
                tags,
                transitive,
                granted.source_identity.as_deref(),
                granted.chained,
                granted.issued,
                granted.expires,
            ];
            tx.execute(sql, params).await?;
            Ok(())
        })
        .await
}

pub(super) async fn read(store: &Store, id: &str) -> Result<Option<SessionRow>> {
    store
        .read(|tx| async move {
            let sql = "SELECT s.id, s.role_id, s.session_name, s.sealed_secret, s.token_hash, s.policies, s.tags,
                              s.transitive, s.source_identity, s.chained, s.created_at, s.expires_at,
                              NOT EXISTS (SELECT 1 FROM identity_organization_nodes n
                                WHERE n.id = s.account AND n.closed_at IS NOT NULL) AS active
                       FROM identity_role_sessions s WHERE s.id = $1";
            tx.fetch_optional(sql, params![id]).await?.as_ref().map(session).transpose()
        })
        .await
}

/// The policies of each session of that name that is remembered.
pub(super) async fn policies_of(store: &Store, role_id: &str, session_name: &str) -> Result<Vec<Option<Passed>>> {
    store
        .read(|tx| async move {
            let sql = "SELECT DISTINCT policies FROM identity_role_sessions WHERE role_id = $1 AND session_name = $2";
            tx.fetch_all(sql, params![role_id, session_name]).await?.iter().map(policies).collect()
        })
        .await
}

/// The account of an access key of any kind.
pub(super) async fn account_of_key(store: &Store, id: &str) -> Result<Option<String>> {
    store
        .read(|tx| async move {
            let sql = "SELECT account FROM identity_access_keys WHERE id = $1
                       UNION ALL SELECT account FROM identity_sessions WHERE id = $1
                       UNION ALL SELECT account FROM identity_role_sessions WHERE id = $1";
            tx.fetch_optional(sql, params![id]).await?.map(|row| row.text("account")).transpose()
        })
        .await
}

fn session(row: &Row) -> Result<SessionRow> {
    Ok(SessionRow {
        id: row.text("id")?,
        role_id: row.text("role_id")?,
        sealed_secret: row.bytes("sealed_secret")?,
        token_hash: row.text("token_hash")?,
        active: row.bool("active")?,
        granted: Granted {
            session_name: row.text("session_name")?,
            policies: policies(row)?,
            tags: serde_json::from_str(&row.text("tags")?).map_err(Error::internal)?,
            transitive: serde_json::from_str(&row.text("transitive")?).map_err(Error::internal)?,
            source_identity: row.opt_text("source_identity")?,
            chained: row.bool("chained")?,
            issued: row.time("created_at")?,
            expires: row.time("expires_at")?,
        },
    })
}

fn policies(row: &Row) -> Result<Option<Passed>> {
    row.opt_text("policies")?.map(|text| serde_json::from_str(&text).map_err(Error::internal)).transpose()
}

fn text(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(Error::internal)
}
