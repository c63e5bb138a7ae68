//! The tables of accounts, users and the audit record.

use ::store::{Migration, Module, Row, Store, Tx, params};
use base::{AccountId, Error, PageRequest, Result};

use crate::accounts::Account;
use crate::credentials::access_keys::purpose;
use crate::credentials::store::add_access_key;
use crate::first_start::{NewAdministrator, SealedKey};
use crate::iam::{HolderName, aws_managed, boundaries, groups, inline_policies, signing_certificates};
use crate::iam::{attachments, delete_conflict, no_such_user, quota_exceeded, tags, user_exists};
use crate::keyring::Keyring;
use crate::principal::user_arn;
use crate::users::{self, User, name_key};

const MIGRATIONS: &[Migration] =
    &[Migration::same(1, "accounts, users and credentials", include_str!("../migrations/0001_identity.sql"))];

/// The tables of this module.
pub(crate) const TABLES: Module = Module { name: "identity", migrations: MIGRATIONS };

// The keyring

pub(crate) async fn meta(store: &Store, name: &str) -> Result<Option<Vec<u8>>> {
    store
        .read(|tx| async move {
            let row = tx.fetch_optional("SELECT value FROM identity_meta WHERE name = $1", params![name]).await?;
            row.map(|row| row.bytes("value")).transpose()
        })
        .await
}

/// Stores `value` in place of the one there is.
pub(crate) async fn set_meta(store: &Store, name: &str, value: &[u8]) -> Result<()> {
    store
        .write(|tx| async move {
            let sql = "INSERT INTO identity_meta (name, value) VALUES ($1, $2)
                       ON CONFLICT (name) DO UPDATE SET value = excluded.value";
            tx.execute(sql, params![name, value]).await.map(drop)
        })
        .await
}

/// Stores `value` under `name` unless there is one, in place of what is under `former`; returns the one there is then.
pub(crate) async fn keep_keyring(store: &Store, name: &str, value: &[u8], former: &str) -> Result<Vec<u8>> {
    store
        .write(|tx| async move {
            let sql = "INSERT INTO identity_meta (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING";
            tx.execute(sql, params![name, value]).await?;
            tx.execute("DELETE FROM identity_meta WHERE name = $1", params![former]).await?;
            tx.fetch_one("SELECT value FROM identity_meta WHERE name = $1", params![name]).await?.bytes("value")
        })
        .await
}

/// Seals the secrets of access keys and sessions under the newest key, those that are not yet.
pub(crate) async fn reseal(store: &Store, keyring: &Keyring) -> Result<()> {
    const TABLES: [(&str, &str); 2] = [
        (
            "SELECT id, account, sealed_secret FROM identity_access_keys",
            "UPDATE identity_access_keys SET sealed_secret = $1 WHERE id = $2",
        ),
        (
            "SELECT id, account, sealed_secret FROM identity_sessions",
            "UPDATE identity_sessions SET sealed_secret = $1 WHERE id = $2",
        ),
    ];
    store
        .write(|tx| async move {
            for (select, update) in TABLES {
                for row in tx.fetch_all(select, params![]).await? {
                    let (id, account) = (row.text("id")?, account_id(&row, "account")?);
                    if let Some(sealed) = keyring.reseal(&purpose(&account, &id), &row.bytes("sealed_secret")?)? {
                        tx.execute(update, params![sealed, id]).await?;
                    }
                }
            }
            Ok(())
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

pub(crate) async fn add_account(tx: &Tx, account: &Account) -> Result<bool> {
    let sql = "INSERT INTO identity_accounts (id, management, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    Ok(tx.execute(sql, params![&account.id, account.management, account.created]).await? == 1)
}

async fn add_administrator(tx: &Tx, account: &AccountId, administrator: &NewAdministrator) -> Result<()> {
    if !add_user(tx, account, &administrator.user).await? {
        return Err(user_exists(&administrator.user.name));
    }
    attachments::add(tx, account, &administrator.user.id, aws_managed::ADMINISTRATOR_ACCESS).await?;
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
            if let Some(boundary) = &user.boundary {
                boundaries::check(&tx, account, boundary).await?;
            }
            if add_user(&tx, account, user).await? { Ok(()) } else { Err(user_exists(&user.name)) }
        })
        .await
}

async fn add_user(tx: &Tx, account: &AccountId, user: &User) -> Result<bool> {
    let tags = tags::to_text(&user.tags)?;
    let sql = "INSERT INTO identity_users
                 (id, account, name, name_key, path, tags, administrator, created_at, boundary)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING";
    let name_key = name_key(&user.name);
    let User { id, name, path, boundary, administrator, created, .. } = user;
    let params = params![id, account, name, name_key, path, tags, *administrator, *created, boundary.as_deref()];
    Ok(tx.execute(sql, params).await? == 1)
}

pub(crate) async fn read_user(store: &Store, account: &AccountId, name: &str) -> Result<Option<User>> {
    store
        .read(|tx| async move {
            let sql = "SELECT * FROM identity_users
                       WHERE account = $1 AND name_key = $2 AND name = $3";
            tx.fetch_optional(sql, params![account, name_key(name), name]).await?.as_ref().map(user).transpose()
        })
        .await
}

pub(crate) async fn first_administrator(store: &Store, account: &AccountId) -> Result<Option<User>> {
    store
        .read(|tx| async move {
            let sql = "SELECT * FROM identity_users u
                       WHERE account = $1 AND administrator AND boundary IS NULL AND EXISTS
                         (SELECT 1 FROM identity_attached_policies a WHERE a.holder = u.id AND a.policy_arn = $2)
                       ORDER BY created_at, id LIMIT 1";
            tx.fetch_optional(sql, params![account, aws_managed::ADMINISTRATOR_ACCESS])
                .await?
                .as_ref()
                .map(user)
                .transpose()
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
            let sql = "SELECT * FROM identity_users
                       WHERE account = $1 AND name_key > $2 AND substr(path, 1, length($3)) = $3
                       ORDER BY name_key LIMIT $4";
            tx.fetch_all(sql, params![account, after, path_prefix, limit]).await?.iter().map(user).collect()
        })
        .await
}

pub(crate) async fn update_user(
    store: &Store,
    account: &AccountId,
    name: &str,
    new_name: Option<&str>,
    new_path: Option<&str>,
) -> Result<()> {
    store
        .write(|tx| async move {
            let id = HolderName::user(name).find(&tx, account).await?.id;
            if let Some(new) = new_name {
                let sql = "SELECT id FROM identity_users WHERE account = $1 AND name_key = $2 AND id <> $3";
                if tx.fetch_optional(sql, params![account, name_key(new), &id]).await?.is_some() {
                    return Err(user_exists(new));
                }
            }
            let sql = "UPDATE identity_users
                       SET name = COALESCE($2, name), name_key = COALESCE($3, name_key), path = COALESCE($4, path)
                       WHERE id = $1";
            tx.execute(sql, params![id, new_name, new_name.map(name_key), new_path]).await?;
            Ok(())
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
                return Err(delete_conflict("must delete access keys first"));
            }
            if row.int("api_keys")? > 0 {
                return Err(delete_conflict("must delete API keys first"));
            }
            let id = row.text("id")?;
            groups::require_none(&tx, &id).await?;
            attachments::require_none(&tx, &id).await?;
            inline_policies::require_none(&tx, &id).await?;
            signing_certificates::store::require_none(&tx, &id).await?;
            tx.execute("DELETE FROM identity_users WHERE id = $1", params![id]).await?;
            Ok(())
        })
        .await
}

pub(crate) fn user(row: &Row) -> Result<User> {
    let account = account_id(row, "account")?;
    let (name, path) = (row.text("name")?, row.text("path")?);
    Ok(User {
        id: row.text("id")?,
        arn: user_arn(&account, &path, &name),
        name,
        path,
        tags: tags::from_text(&row.text("tags")?)?,
        created: row.time("created_at")?,
        boundary: row.opt_text("boundary")?,
        administrator: row.bool("administrator")?,
    })
}

// Parts of rows

/// The key to start after and the number of rows to read: one more than asked for, to know whether more follow.
pub(crate) fn bounds(page: &PageRequest) -> (&str, i64) {
    (page.after.as_deref().unwrap_or_default(), i64::from(page.limit) + 1)
}

pub(crate) fn account_id(row: &Row, column: &str) -> Result<AccountId> {
    row.text(column)?.parse().map_err(Error::internal)
}
