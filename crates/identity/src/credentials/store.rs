//! The tables of credentials.

use std::collections::HashMap;

use ::store::{Row, Store, Tx, params};
use base::{AccountId, Error, PageRequest, Result, Timestamp};

use super::access_keys::{self, AccessKey, LastUse, Owner, Status, no_such_key};
use super::activity::{LastNoted, Used};
use super::api_keys::{self, ApiKey, BearerKey};
use super::console::NewConsoleSession;
use super::sessions::NewSession;
use crate::authentication::SessionFacts;
use crate::first_start::SealedKey;
use crate::iam::quota_exceeded;
use crate::iam::roles::write_use;
use crate::principal::Principal;
use crate::store::{account_id, bounds};

// Access keys

pub(crate) async fn insert_access_key(
    store: &Store,
    account: &AccountId,
    owner: &Owner,
    key: &SealedKey,
) -> Result<()> {
    store
        .write(|tx| async move {
            let sql =
                "SELECT COUNT(*) AS n FROM identity_access_keys WHERE account = $1 AND COALESCE(user_id, '') = $2";
            let n = tx.fetch_one(sql, params![account, &owner.user_id]).await?.int("n")?;
            if n >= access_keys::KEYS_PER_USER {
                return Err(quota_exceeded("AccessKeysPerUser", access_keys::KEYS_PER_USER));
            }
            add_access_key(&tx, account, &owner.user_id, key, false).await
        })
        .await
}

pub(crate) async fn add_access_key(
    tx: &Tx,
    account: &AccountId,
    user_id: &str,
    key: &SealedKey,
    made_at_start: bool,
) -> Result<()> {
    let sql = "INSERT INTO identity_access_keys
                 (id, account, user_id, sealed_secret, active, made_at_start, created_at)
               VALUES ($1, $2, NULLIF($3, ''), $4, $5, $6, $7)";
    let SealedKey { key, sealed_secret } = key;
    let active = key.status == Status::Active;
    tx.execute(sql, params![&key.id, account, user_id, sealed_secret, active, made_at_start, key.created]).await?;
    Ok(())
}

/// Puts `key` in the place of the keys of the user that were made at a start, and of the one with the same id.
pub(crate) async fn replace_start_keys(
    store: &Store,
    account: &AccountId,
    user_id: &str,
    key: &SealedKey,
) -> Result<()> {
    store
        .write(|tx| async move {
            let sql = "DELETE FROM identity_access_keys
                       WHERE account = $1 AND user_id = $2 AND (made_at_start OR id = $3)";
            tx.execute(sql, params![account, user_id, &key.key.id]).await?;
            add_access_key(&tx, account, user_id, key, true).await
        })
        .await
}

/// Removes the key of a user that was made at a start; whether there was such a one.
pub(crate) async fn release_start_key(store: &Store, account: &AccountId, id: &str) -> Result<bool> {
    store
        .write(|tx| async move {
            let sql = "DELETE FROM identity_access_keys
                       WHERE account = $1 AND id = $2 AND made_at_start AND user_id IS NOT NULL";
            Ok(tx.execute(sql, params![account, id]).await? == 1)
        })
        .await
}

/// An active key of the user, or of the root where `user_id` is empty: the one made at a start before others.
pub(crate) async fn active_key(store: &Store, account: &AccountId, user_id: &str) -> Result<Option<SealedKey>> {
    store
        .read(|tx| async move {
            let sql = "SELECT k.id, k.active, k.created_at, k.last_used_at, k.sealed_secret, u.name AS user_name
                       FROM identity_access_keys k LEFT JOIN identity_users u ON u.id = k.user_id
                       WHERE k.account = $1 AND COALESCE(k.user_id, '') = $2 AND k.active
                       ORDER BY k.made_at_start DESC, k.created_at DESC, k.id LIMIT 1";
            let row = tx.fetch_optional(sql, params![account, user_id]).await?;
            row.map(|row| Ok(SealedKey { key: access_key(&row)?, sealed_secret: row.bytes("sealed_secret")? }))
                .transpose()
        })
        .await
}

pub(crate) async fn list_access_keys(
    store: &Store,
    account: &AccountId,
    owner: &Owner,
    page: &PageRequest,
) -> Result<Vec<AccessKey>> {
    let (after, limit) = bounds(page);
    store
        .read(|tx| async move {
            let sql = "SELECT k.id, k.active, k.created_at, k.last_used_at, u.name AS user_name
                       FROM identity_access_keys k LEFT JOIN identity_users u ON u.id = k.user_id
                       WHERE k.account = $1 AND COALESCE(k.user_id, '') = $2 AND k.id > $3 ORDER BY k.id LIMIT $4";
            let rows = tx.fetch_all(sql, params![account, &owner.user_id, after, limit]).await?;
            rows.iter().map(access_key).collect()
        })
        .await
}

pub(crate) async fn access_key_last_used(
    store: &Store,
    account: &AccountId,
    id: &str,
) -> Result<Option<(AccessKey, LastUse)>> {
    store
        .read(|tx| async move {
            let sql = "SELECT k.id, k.active, k.created_at, k.last_used_at, k.last_used_region, k.last_used_service,
                              u.name AS user_name
                       FROM identity_access_keys k LEFT JOIN identity_users u ON u.id = k.user_id
                       WHERE k.account = $1 AND k.id = $2";
            let Some(row) = tx.fetch_optional(sql, params![account, id]).await? else { return Ok(None) };
            let last =
                LastUse { region: row.opt_text("last_used_region")?, service: row.opt_text("last_used_service")? };
            Ok(Some((access_key(&row)?, last)))
        })
        .await
}

pub(crate) async fn set_access_key_status(
    store: &Store,
    account: &AccountId,
    owner: &Owner,
    id: &str,
    status: Status,
) -> Result<()> {
    store
        .write(|tx| async move {
            let sql = "UPDATE identity_access_keys SET active = $4
                       WHERE account = $1 AND COALESCE(user_id, '') = $2 AND id = $3";
            let active = status == Status::Active;
            if tx.execute(sql, params![account, &owner.user_id, id, active]).await? == 0 {
                return Err(no_such_key(id));
            }
            if !active {
                tx.execute("DELETE FROM identity_console_sessions WHERE access_key_id = $1", params![id]).await?;
            }
            Ok(())
        })
        .await
}

pub(crate) async fn delete_access_key(store: &Store, account: &AccountId, owner: &Owner, id: &str) -> Result<()> {
    store
        .write(|tx| async move {
            let sql = "DELETE FROM identity_access_keys WHERE account = $1 AND COALESCE(user_id, '') = $2 AND id = $3";
            match tx.execute(sql, params![account, &owner.user_id, id]).await? {
                0 => Err(no_such_key(id)),
                _ => Ok(()),
            }
        })
        .await
}

fn access_key(row: &Row) -> Result<AccessKey> {
    Ok(AccessKey {
        id: row.text("id")?,
        user_name: row.opt_text("user_name")?,
        status: status(row)?,
        created: row.time("created_at")?,
        last_used: row.opt_time("last_used_at")?,
    })
}

// What signatures are verified with

/// An access key or a session, with its owner.
pub(crate) struct SigningKeyRow {
    pub(crate) id: String,
    pub(crate) sealed_secret: Vec<u8>,
    pub(crate) status: Status,
    pub(crate) principal: Principal,
    pub(crate) session: Option<SessionFacts>,
}

pub(crate) async fn read_signing_key(store: &Store, id: &str) -> Result<Option<SigningKeyRow>> {
    store
        .read(|tx| async move {
            // The keys of a closed account prove nothing.
            let sql = "SELECT k.id, k.account, k.sealed_secret,
                              k.active AND NOT EXISTS (SELECT 1 FROM identity_organization_nodes n
                                WHERE n.id = k.account AND n.closed_at IS NOT NULL) AS active,
                              u.id AS user_id, u.name AS user_name, u.path
                       FROM identity_access_keys k LEFT JOIN identity_users u ON u.id = k.user_id WHERE k.id = $1";
            let row = tx.fetch_optional(sql, params![id]).await?;
            row.map(|row| signing_key(&row, None)).transpose()
        })
        .await
}

pub(crate) async fn insert_session(
    store: &Store,
    account: &AccountId,
    session: &NewSession,
    forget_before: Timestamp,
) -> Result<()> {
    store
        .write(|tx| async move {
            tx.execute("DELETE FROM identity_sessions WHERE expires_at < $1", params![forget_before]).await?;
            let sql = "INSERT INTO identity_sessions
                         (id, account, parent, sealed_secret, token_hash, created_at, expires_at)
                       VALUES ($1, $2, $3, $4, $5, $6, $7)";
            let NewSession { id, parent, sealed_secret, token_hash, created, expires } = session;
            tx.execute(sql, params![id, account, parent, sealed_secret, token_hash, *created, *expires]).await?;
            Ok(())
        })
        .await
}

pub(crate) async fn read_session(store: &Store, id: &str) -> Result<Option<SigningKeyRow>> {
    store
        .read(|tx| async move {
            let sql = "SELECT s.id, s.account, s.sealed_secret, s.token_hash, s.created_at, s.expires_at,
                              k.active AND NOT EXISTS (SELECT 1 FROM identity_organization_nodes n
                                WHERE n.id = k.account AND n.closed_at IS NOT NULL) AS active,
                              u.id AS user_id, u.name AS user_name, u.path
                       FROM identity_sessions s JOIN identity_access_keys k ON k.id = s.parent
                       LEFT JOIN identity_users u ON u.id = k.user_id WHERE s.id = $1";
            let Some(row) = tx.fetch_optional(sql, params![id]).await? else { return Ok(None) };
            let facts = SessionFacts {
                token_hash: row.text("token_hash")?,
                expires: row.time("expires_at")?,
                issued: row.time("created_at")?,
            };
            signing_key(&row, Some(facts)).map(Some)
        })
        .await
}

fn signing_key(row: &Row, session: Option<SessionFacts>) -> Result<SigningKeyRow> {
    Ok(SigningKeyRow {
        id: row.text("id")?,
        sealed_secret: row.bytes("sealed_secret")?,
        status: status(row)?,
        principal: principal(row)?,
        session,
    })
}

// API keys

pub(crate) async fn insert_api_key(
    store: &Store,
    account: &AccountId,
    user_id: &str,
    key: &ApiKey,
    hash: &str,
) -> Result<()> {
    store
        .write(|tx| async move {
            let sql = "SELECT COUNT(*) AS n FROM identity_api_keys WHERE user_id = $1";
            if tx.fetch_one(sql, params![user_id]).await?.int("n")? >= api_keys::KEYS_PER_USER {
                return Err(api_keys::too_many());
            }
            let sql = "INSERT INTO identity_api_keys
                         (id, account, user_id, name, surface, key_hash, created_at, expires_at)
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
            let ApiKey { id, name, surface, created, expires, .. } = key;
            let params = params![id, account, user_id, name, surface.as_str(), hash, *created, *expires];
            tx.execute(sql, params).await?;
            Ok(())
        })
        .await
}

pub(crate) async fn list_api_keys(store: &Store, account: &AccountId, page: &PageRequest) -> Result<Vec<ApiKey>> {
    let (after, limit) = bounds(page);
    store
        .read(|tx| async move {
            let sql = "SELECT a.id, a.name, a.surface, a.created_at, a.expires_at, a.last_used_at, u.name AS user_name
                       FROM identity_api_keys a JOIN identity_users u ON u.id = a.user_id
                       WHERE a.account = $1 AND a.id > $2 ORDER BY a.id LIMIT $3";
            tx.fetch_all(sql, params![account, after, limit]).await?.iter().map(api_key).collect()
        })
        .await
}

pub(crate) async fn delete_api_key(store: &Store, account: &AccountId, id: &str) -> Result<bool> {
    store
        .write(|tx| async move {
            let sql = "DELETE FROM identity_api_keys WHERE account = $1 AND id = $2";
            Ok(tx.execute(sql, params![account, id]).await? == 1)
        })
        .await
}

pub(crate) async fn read_bearer_key(store: &Store, hash: &str) -> Result<Option<BearerKey>> {
    store
        .read(|tx| async move {
            let sql = "SELECT a.id, a.account, a.surface, a.expires_at,
                              u.id AS user_id, u.name AS user_name, u.path
                       FROM identity_api_keys a JOIN identity_users u ON u.id = a.user_id
                       WHERE a.key_hash = $1 AND NOT EXISTS (SELECT 1 FROM identity_organization_nodes n
                         WHERE n.id = a.account AND n.closed_at IS NOT NULL)";
            let Some(row) = tx.fetch_optional(sql, params![hash]).await? else { return Ok(None) };
            Ok(Some(BearerKey {
                id: row.text("id")?,
                surface: row.text("surface")?.parse().map_err(Error::internal)?,
                principal: principal(&row)?.into(),
                expires: row.opt_time("expires_at")?,
                last_noted: LastNoted::at(None),
            }))
        })
        .await
}

fn api_key(row: &Row) -> Result<ApiKey> {
    Ok(ApiKey {
        id: row.text("id")?,
        name: row.text("name")?,
        surface: row.text("surface")?.parse().map_err(Error::internal)?,
        user_name: row.text("user_name")?,
        created: row.time("created_at")?,
        expires: row.opt_time("expires_at")?,
        last_used: row.opt_time("last_used_at")?,
    })
}

// Console sessions

/// A console session.
pub(crate) struct ConsoleSessionRow {
    pub(crate) access_key_id: String,
    pub(crate) last_seen: Timestamp,
    pub(crate) expires: Timestamp,
}

pub(crate) async fn insert_console_session(store: &Store, session: &NewConsoleSession<'_>) -> Result<()> {
    store
        .write(|tx| async move {
            let NewConsoleSession { token_hash, access_key_id, created, expires } = *session;
            tx.execute("DELETE FROM identity_console_sessions WHERE expires_at <= $1", params![created]).await?;
            let sql = "INSERT INTO identity_console_sessions
                         (token_hash, access_key_id, created_at, last_seen_at, expires_at)
                       VALUES ($1, $2, $3, $3, $4)";
            tx.execute(sql, params![token_hash, access_key_id, created, expires]).await?;
            Ok(())
        })
        .await
}

pub(crate) async fn read_console_session(store: &Store, token_hash: &str) -> Result<Option<ConsoleSessionRow>> {
    store
        .read(|tx| async move {
            let sql = "SELECT access_key_id, last_seen_at, expires_at FROM identity_console_sessions
                       WHERE token_hash = $1";
            let Some(row) = tx.fetch_optional(sql, params![token_hash]).await? else { return Ok(None) };
            Ok(Some(ConsoleSessionRow {
                access_key_id: row.text("access_key_id")?,
                last_seen: row.time("last_seen_at")?,
                expires: row.time("expires_at")?,
            }))
        })
        .await
}

pub(crate) async fn delete_console_session(store: &Store, token_hash: &str) -> Result<()> {
    store
        .write(|tx| async move {
            tx.execute("DELETE FROM identity_console_sessions WHERE token_hash = $1", params![token_hash]).await?;
            Ok(())
        })
        .await
}

// Last uses

pub(crate) async fn write_uses(store: &Store, uses: &HashMap<Used, Timestamp>) -> Result<()> {
    store
        .write(|tx| async move {
            for (used, at) in uses {
                let (sql, id) = match used {
                    Used::AccessKey { id, region, service } => {
                        let sql = "UPDATE identity_access_keys
                                   SET last_used_at = $1, last_used_region = $3, last_used_service = $4
                                   WHERE id = $2 AND COALESCE(last_used_at, 0) < $1";
                        tx.execute(sql, params![*at, id, region.as_deref(), service.as_deref()]).await?;
                        continue;
                    }
                    Used::ApiKey(id) => (
                        "UPDATE identity_api_keys SET last_used_at = $1
                          WHERE id = $2 AND COALESCE(last_used_at, 0) < $1",
                        id,
                    ),
                    Used::Role { id, region } => {
                        write_use(&tx, id, region, *at).await?;
                        continue;
                    }
                    Used::ConsoleSession(hash) => (
                        "UPDATE identity_console_sessions SET last_seen_at = $1
                          WHERE token_hash = $2 AND last_seen_at < $1",
                        hash,
                    ),
                };
                tx.execute(sql, params![*at, id]).await?;
            }
            Ok(())
        })
        .await
}

// Parts of rows

fn status(row: &Row) -> Result<Status> {
    Ok(if row.bool("active")? { Status::Active } else { Status::Inactive })
}

/// The owner of a key: a user, or the account's root where there is none.
fn principal(row: &Row) -> Result<Principal> {
    let account = account_id(row, "account")?;
    let Some(id) = row.opt_text("user_id")? else { return Ok(Principal::Root { account }) };
    Ok(Principal::User { account, id, name: row.text("user_name")?, path: row.text("path")? })
}
