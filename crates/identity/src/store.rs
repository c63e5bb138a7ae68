//! The tables of this crate.

use std::collections::HashMap;

use ::store::{Migration, Row, Store, Tx, params};
use base::{AccountId, Error, PageRequest, Result, Timestamp};

use crate::access_keys::{self, AccessKey, Owner, Status, no_such_key};
use crate::accounts::Account;
use crate::activity::{LastNoted, Used};
use crate::api_keys::{self, ApiKey, BearerKey};
use crate::audit::{AuditEntry, Decision};
use crate::authentication::SessionFacts;
use crate::console::NewConsoleSession;
use crate::first_start::{NewAdministrator, SealedKey};
use crate::principal::{Principal, user_arn};
use crate::sessions::NewSession;
use crate::users::{self, Tag, User, delete_conflict, name_key, no_such_user, quota_exceeded, user_exists};

const MIGRATIONS: &[Migration] =
    &[Migration::same(1, "accounts, users and credentials", include_str!("../migrations/0001_identity.sql"))];

pub(crate) async fn migrate(store: &Store) -> Result<()> {
    store.migrate("identity", MIGRATIONS).await
}

// The root key's check value

pub(crate) async fn meta(store: &Store, name: &str) -> Result<Option<Vec<u8>>> {
    store
        .read(|tx| async move {
            let row = tx.fetch_optional("SELECT value FROM identity_meta WHERE name = $1", params![name]).await?;
            row.map(|row| row.bytes("value")).transpose()
        })
        .await
}

/// Stores `value` unless there is one; returns the one there is then.
pub(crate) async fn set_meta_once(store: &Store, name: &str, value: &[u8]) -> Result<Vec<u8>> {
    store
        .write(|tx| async move {
            let sql = "INSERT INTO identity_meta (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING";
            tx.execute(sql, params![name, value]).await?;
            tx.fetch_one("SELECT value FROM identity_meta WHERE name = $1", params![name]).await?.bytes("value")
        })
        .await
}

// Accounts

pub(crate) async fn management_account(store: &Store) -> Result<Option<AccountId>> {
    store.read(|tx| async move { management(&tx).await }).await
}

async fn management(tx: &Tx) -> Result<Option<AccountId>> {
    let row = tx.fetch_optional("SELECT id FROM identity_accounts WHERE management", params![]).await?;
    row.map(|row| account_id(&row, "id")).transpose()
}

pub(crate) async fn account_exists(store: &Store, account: &AccountId) -> Result<bool> {
    store
        .read(|tx| async move {
            let sql = "SELECT id FROM identity_accounts WHERE id = $1";
            Ok(tx.fetch_optional(sql, params![account]).await?.is_some())
        })
        .await
}

pub(crate) async fn list_accounts(store: &Store, page: &PageRequest) -> Result<Vec<Account>> {
    let (after, limit) = bounds(page);
    store
        .read(|tx| async move {
            let sql = "SELECT id, management, created_at FROM identity_accounts WHERE id > $1 ORDER BY id LIMIT $2";
            let rows = tx.fetch_all(sql, params![after, limit]).await?;
            rows.iter()
                .map(|row| {
                    Ok(Account {
                        id: account_id(row, "id")?,
                        management: row.bool("management")?,
                        created: row.time("created_at")?,
                    })
                })
                .collect()
        })
        .await
}

pub(crate) async fn insert_account(store: &Store, account: &Account, administrator: &NewAdministrator) -> Result<()> {
    store
        .write(|tx| async move {
            if !add_account(&tx, account).await? {
                return Err(Error::already_exists(format!("The account `{}` exists already.", account.id)));
            }
            add_administrator(&tx, &account.id, administrator).await
        })
        .await
}

/// Makes the management account, unless there is one; returns the one there is then.
pub(crate) async fn insert_management_account(
    store: &Store,
    account: &Account,
    administrator: &NewAdministrator,
    root_key: &SealedKey,
) -> Result<AccountId> {
    store
        .write(|tx| async move {
            if let Some(existing) = management(&tx).await? {
                return Ok(existing);
            }
            if !add_account(&tx, account).await? {
                return Err(Error::internal(format!(
                    "account `{}` exists without being the management one",
                    account.id
                )));
            }
            add_administrator(&tx, &account.id, administrator).await?;
            add_access_key(&tx, &account.id, "", root_key, true).await?;
            Ok(account.id.clone())
        })
        .await
}

pub(crate) async fn insert_administrator(
    store: &Store,
    account: &AccountId,
    administrator: &NewAdministrator,
) -> Result<()> {
    store.write(|tx| async move { add_administrator(&tx, account, administrator).await }).await
}

async fn add_account(tx: &Tx, account: &Account) -> Result<bool> {
    let sql = "INSERT INTO identity_accounts (id, management, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    Ok(tx.execute(sql, params![&account.id, account.management, account.created]).await? == 1)
}

async fn add_administrator(tx: &Tx, account: &AccountId, administrator: &NewAdministrator) -> Result<()> {
    if !add_user(tx, account, &administrator.user).await? {
        return Err(user_exists(&administrator.user.name));
    }
    add_access_key(tx, account, &administrator.user.id, &administrator.key, true).await
}

// Users

pub(crate) async fn insert_user(store: &Store, account: &AccountId, user: &User) -> Result<()> {
    store
        .write(|tx| async move {
            let sql = "SELECT COUNT(*) AS n FROM identity_users WHERE account = $1";
            if tx.fetch_one(sql, params![account]).await?.int("n")? >= users::USERS_PER_ACCOUNT {
                return Err(quota_exceeded("UsersPerAccount", users::USERS_PER_ACCOUNT));
            }
            if add_user(&tx, account, user).await? { Ok(()) } else { Err(user_exists(&user.name)) }
        })
        .await
}

async fn add_user(tx: &Tx, account: &AccountId, user: &User) -> Result<bool> {
    let tags: Vec<[&str; 2]> = user.tags.iter().map(|tag| [tag.key.as_str(), tag.value.as_str()]).collect();
    let tags = serde_json::to_string(&tags).map_err(Error::internal)?;
    let sql = "INSERT INTO identity_users (id, account, name, name_key, path, tags, administrator, created_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING";
    let name_key = name_key(&user.name);
    let params = params![&user.id, account, &user.name, name_key, &user.path, tags, user.administrator, user.created];
    Ok(tx.execute(sql, params).await? == 1)
}

pub(crate) async fn read_user(store: &Store, account: &AccountId, name: &str) -> Result<Option<User>> {
    store
        .read(|tx| async move {
            let sql = "SELECT id, account, name, path, tags, administrator, created_at FROM identity_users
                       WHERE account = $1 AND name_key = $2 AND name = $3";
            tx.fetch_optional(sql, params![account, name_key(name), name]).await?.as_ref().map(user).transpose()
        })
        .await
}

pub(crate) async fn first_administrator(store: &Store, account: &AccountId) -> Result<Option<User>> {
    store
        .read(|tx| async move {
            let sql = "SELECT id, account, name, path, tags, administrator, created_at FROM identity_users
                       WHERE account = $1 AND administrator ORDER BY created_at, id LIMIT 1";
            tx.fetch_optional(sql, params![account]).await?.as_ref().map(user).transpose()
        })
        .await
}

pub(crate) async fn list_users(
    store: &Store,
    account: &AccountId,
    path_prefix: &str,
    page: &PageRequest,
) -> Result<Vec<User>> {
    let (after, limit) = bounds(page);
    store
        .read(|tx| async move {
            let sql = "SELECT id, account, name, path, tags, administrator, created_at FROM identity_users
                       WHERE account = $1 AND name_key > $2 AND substr(path, 1, length($3)) = $3
                       ORDER BY name_key LIMIT $4";
            tx.fetch_all(sql, params![account, after, path_prefix, limit]).await?.iter().map(user).collect()
        })
        .await
}

pub(crate) async fn delete_user(store: &Store, account: &AccountId, name: &str) -> Result<()> {
    store
        .write(|tx| async move {
            let sql = "SELECT id,
                         (SELECT COUNT(*) FROM identity_access_keys k WHERE k.user_id = u.id) AS access_keys,
                         (SELECT COUNT(*) FROM identity_api_keys a WHERE a.user_id = u.id) AS api_keys
                       FROM identity_users u WHERE account = $1 AND name_key = $2 AND name = $3";
            let row = tx.fetch_optional(sql, params![account, name_key(name), name]).await?;
            let row = row.ok_or_else(|| no_such_user(name))?;
            if row.int("access_keys")? > 0 {
                return Err(delete_conflict("access keys"));
            }
            if row.int("api_keys")? > 0 {
                return Err(delete_conflict("API keys"));
            }
            tx.execute("DELETE FROM identity_users WHERE id = $1", params![row.text("id")?]).await?;
            Ok(())
        })
        .await
}

fn user(row: &Row) -> Result<User> {
    let account = account_id(row, "account")?;
    let (name, path) = (row.text("name")?, row.text("path")?);
    let tags: Vec<[String; 2]> = serde_json::from_str(&row.text("tags")?).map_err(Error::internal)?;
    Ok(User {
        id: row.text("id")?,
        arn: user_arn(&account, &path, &name),
        name,
        path,
        tags: tags.into_iter().map(|[key, value]| Tag { key, value }).collect(),
        created: row.time("created_at")?,
        administrator: row.bool("administrator")?,
    })
}

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

async fn add_access_key(
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
            let sql = "SELECT k.id, k.account, k.active, k.sealed_secret,
                              u.id AS user_id, u.name AS user_name, u.path, u.administrator
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
            let sql = "SELECT s.id, s.account, s.sealed_secret, s.token_hash, s.expires_at, k.active,
                              u.id AS user_id, u.name AS user_name, u.path, u.administrator
                       FROM identity_sessions s JOIN identity_access_keys k ON k.id = s.parent
                       LEFT JOIN identity_users u ON u.id = k.user_id WHERE s.id = $1";
            let Some(row) = tx.fetch_optional(sql, params![id]).await? else { return Ok(None) };
            let facts = SessionFacts { token_hash: row.text("token_hash")?, expires: row.time("expires_at")? };
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
                              u.id AS user_id, u.name AS user_name, u.path, u.administrator
                       FROM identity_api_keys a JOIN identity_users u ON u.id = a.user_id WHERE a.key_hash = $1";
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
                    Used::AccessKey(id) => (
                        "UPDATE identity_access_keys SET last_used_at = $1
                          WHERE id = $2 AND COALESCE(last_used_at, 0) < $1",
                        id,
                    ),
                    Used::ApiKey(id) => (
                        "UPDATE identity_api_keys SET last_used_at = $1
                          WHERE id = $2 AND COALESCE(last_used_at, 0) < $1",
                        id,
                    ),
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

// Audit

pub(crate) async fn insert_audit(store: &Store, account: &AccountId, entry: &AuditEntry) -> Result<()> {
    store
        .write(|tx| async move {
            let sql =
                "INSERT INTO identity_audit (id, account, time, principal, action, resource, decision, request_id)
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
            let AuditEntry { id, time, principal, action, resource, decision, request_id } = entry;
            let decision = decision.as_str();
            tx.execute(sql, params![id, account, *time, principal, action, resource, decision, request_id]).await?;
            Ok(())
        })
        .await
}

pub(crate) async fn list_audit(store: &Store, account: &AccountId, page: &PageRequest) -> Result<Vec<AuditEntry>> {
    // Ids start with a digit, so `:` comes after all of them.
    let (before, limit) = (page.after.as_deref().unwrap_or(":"), i64::from(page.limit) + 1);
    store
        .read(|tx| async move {
            let sql = "SELECT id, time, principal, action, resource, decision, request_id FROM identity_audit
                       WHERE account = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
            let rows = tx.fetch_all(sql, params![account, before, limit]).await?;
            rows.iter()
                .map(|row| {
                    Ok(AuditEntry {
                        id: row.text("id")?,
                        time: row.time("time")?,
                        principal: row.text("principal")?,
                        action: row.text("action")?,
                        resource: row.text("resource")?,
                        decision: Decision::parse(&row.text("decision")?)?,
                        request_id: row.text("request_id")?,
                    })
                })
                .collect()
        })
        .await
}

pub(crate) async fn delete_audit_before(store: &Store, time: Timestamp) -> Result<()> {
    store
        .write(|tx| async move {
            tx.execute("DELETE FROM identity_audit WHERE time < $1", params![time]).await?;
            Ok(())
        })
        .await
}

// Parts of rows

/// The key to start after and the number of rows to read: one more than asked for, to know whether more follow.
fn bounds(page: &PageRequest) -> (&str, i64) {
    (page.after.as_deref().unwrap_or_default(), i64::from(page.limit) + 1)
}

fn account_id(row: &Row, column: &str) -> Result<AccountId> {
    row.text(column)?.parse().map_err(Error::internal)
}

fn status(row: &Row) -> Result<Status> {
    Ok(if row.bool("active")? { Status::Active } else { Status::Inactive })
}

/// The owner of a key: a user, or the account's root where there is none.
fn principal(row: &Row) -> Result<Principal> {
    let account = account_id(row, "account")?;
    let Some(id) = row.opt_text("user_id")? else { return Ok(Principal::Root { account }) };
    Ok(Principal::User {
        account,
        id,
        name: row.text("user_name")?,
        path: row.text("path")?,
        administrator: row.bool("administrator")?,
    })
}
