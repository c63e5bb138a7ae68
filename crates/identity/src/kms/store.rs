//! The tables of keys, their material, aliases and grants.

use std::collections::BTreeMap;

use ::store::{Migration, Module, Row, Store, Tx, params};
use base::{AccountId, Error, PageRequest, Region, Result, Timestamp};

use super::aliases::Alias;
use super::error::{Code, Error as KmsError, Result as KmsResult};
use super::grants::GrantInfo;
use super::key::{Backing, Key, Manager, Rotation, RotationType};
use super::key_ref::alias_arn;
use crate::policy::GrantConstraint;
use crate::store::{account_id, bounds};

const MIGRATIONS: &[Migration] =
    &[Migration::same(1, "keys, aliases and grants", include_str!("../../migrations/kms/0001_kms.sql"))];

/// The tables of this module.
pub(crate) const TABLES: Module = Module { name: "kms", migrations: MIGRATIONS };

// Keys

/// A key's policy, and which users and roles it named when it was written.
#[derive(Debug, Clone)]
pub(super) struct PolicyText {
    pub(super) text: String,
    pub(super) principals: Option<String>,
}

/// A key as it is kept, its policy not read yet.
pub(super) struct Kept {
    pub(super) key: Key,
    pub(super) policy: PolicyText,
    pub(super) backing: Vec<Backing>,
    pub(super) aliases: Vec<String>,
}

pub(super) async fn insert(store: &Store, key: &Key, backing: &Backing, policy: &PolicyText) -> Result<()> {
    store.write(|tx| async move { add_key(&tx, key, backing, policy).await }).await
}

/// Makes the key behind a reserved alias, unless there is one; the id of the one there is then.
pub(super) async fn insert_managed(
    store: &Store,
    key: &Key,
    backing: &Backing,
    policy: &PolicyText,
    alias: &str,
) -> Result<String> {
    store
        .write(|tx| async move {
            if let Some(id) = find_alias(&tx, &key.account, &key.region, alias).await? {
                return Ok(id);
            }
            add_key(&tx, key, backing, policy).await?;
            let sql = "INSERT INTO kms_aliases (account, region, name, key_id, created_at, updated_at)
                       VALUES ($1, $2, $3, $4, $5, $5)";
            tx.execute(sql, params![&key.account, &key.region, alias, &key.id, key.created]).await?;
            Ok(key.id.clone())
        })
        .await
}

async fn add_key(tx: &Tx, key: &Key, backing: &Backing, policy: &PolicyText) -> Result<()> {
    let sql = "INSERT INTO kms_keys (id, account, region, description, manager, enabled, policy, tags, created_at,
                                     policy_principals, rotation_period, rotation_next_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    let (manager, tags) = (key.manager.as_str(), tags_text(&key.tags)?);
    let Key { id, account, region, description, enabled, created, .. } = key;
    let PolicyText { text, principals } = policy;
    let principals = principals.as_deref();
    let (period, next) = key.rotation.map(|rotation| (rotation.period_days, rotation.next)).unzip();
    let params =
        params![id, account, region, description, manager, *enabled, text, tags, *created, principals, period, next,];
    tx.execute(sql, params).await?;
    add_backing(tx, id, 1, backing).await
}

async fn add_backing(tx: &Tx, key_id: &str, number: i64, backing: &Backing) -> Result<()> {
    let sql = "INSERT INTO kms_backing_keys (id, key_id, number, sealed, since, rotation)
               VALUES ($1, $2, $3, $4, $5, $6)";
    let Backing { id, sealed, since, rotation } = backing;
    tx.execute(sql, params![id, key_id, number, sealed, *since, rotation.map(RotationType::as_str)]).await?;
    Ok(())
}

pub(super) async fn load(store: &Store, id: &str) -> Result<Option<Kept>> {
    store
        .read(|tx| async move {
            let sql = "SELECT id, account, region, description, manager, enabled, policy, policy_principals, tags,
                              created_at, deletion_at, pending_window, rotation_period, rotation_next_at
                       FROM kms_keys WHERE id = $1";
            let Some(row) = tx.fetch_optional(sql, params![id]).await? else { return Ok(None) };
            let sql = "SELECT id, sealed, since, rotation FROM kms_backing_keys WHERE key_id = $1 ORDER BY number";
            let backing = tx.fetch_all(sql, params![id]).await?;
            let backing = backing.iter().map(backing_key).collect::<Result<Vec<_>>>()?;
            let sql = "SELECT name FROM kms_aliases WHERE key_id = $1 ORDER BY name";
            let aliases = tx.fetch_all(sql, params![id]).await?;
            let aliases = aliases.iter().map(|row| row.text("name")).collect::<Result<Vec<_>>>()?;
            let policy = PolicyText { text: row.text("policy")?, principals: row.opt_text("policy_principals")? };
            Ok(Some(Kept { key: key(&row)?, policy, backing, aliases }))
        })
        .await
}

pub(super) async fn list(
    store: &Store,
    account: &AccountId,
    region: &Region,
    page: &PageRequest,
) -> Result<Vec<String>> {
    let (after, limit) = bounds(page);
    store
        .read(|tx| async move {
            let sql = "SELECT id FROM kms_keys WHERE account = $1 AND region = $2 AND id > $3 ORDER BY id LIMIT $4";
            let rows = tx.fetch_all(sql, params![account, region, after, limit]).await?;
            rows.iter().map(|row| row.text("id")).collect()
        })
        .await
}

pub(super) async fn set_enabled(store: &Store, id: &str, enabled: bool) -> Result<()> {
    update(store, "UPDATE kms_keys SET enabled = $2 WHERE id = $1 AND deletion_at IS NULL", params![id, enabled]).await
}

pub(super) async fn set_description(store: &Store, id: &str, description: &str) -> Result<()> {
    update(store, "UPDATE kms_keys SET description = $2 WHERE id = $1", params![id, description]).await
}

pub(super) async fn set_policy(store: &Store, id: &str, policy: &PolicyText) -> Result<()> {
    let sql = "UPDATE kms_keys SET policy = $2, policy_principals = $3 WHERE id = $1";
    update(store, sql, params![id, &policy.text, policy.principals.as_deref()]).await
}

/// Plans the deletion, or calls it off; the key is disabled either way.
pub(super) async fn set_deletion(store: &Store, id: &str, planned: Option<(Timestamp, u32)>) -> Result<()> {
    let (at, days) = planned.unzip();
    let sql = "UPDATE kms_keys SET enabled = FALSE, deletion_at = $2, pending_window = $3 WHERE id = $1";
    update(store, sql, params![id, at, days]).await
}

pub(super) async fn delete_due(store: &Store, now: Timestamp) -> Result<u64> {
    store
        .write(|tx| async move { tx.execute("DELETE FROM kms_keys WHERE deletion_at <= $1", params![now]).await })
        .await
}

async fn update(store: &Store, sql: &'static str, params: &[::store::Value<'_>]) -> Result<()> {
    store
        .write(|tx| async move {
            tx.execute(sql, params).await?;
            Ok(())
        })
        .await
}

// Tags

/// Adds tags, or removes those of the names in `removed`; gives what there is then.
pub(super) async fn change_tags(
    store: &Store,
    id: &str,
    added: &[(String, String)],
    removed: &[String],
) -> Result<Vec<(String, String)>> {
    store
        .write(|tx| async move {
            let row = tx.fetch_one("SELECT tags FROM kms_keys WHERE id = $1", params![id]).await?;
            let mut tags: BTreeMap<String, String> = tags(&row)?.into_iter().collect();
            tags.retain(|name, _| !removed.contains(name));
            tags.extend(added.iter().cloned());
            let tags: Vec<_> = tags.into_iter().collect();
            if tags.len() > super::keys::MOST_TAGS {
                return Ok(tags);
            }
            tx.execute("UPDATE kms_keys SET tags = $2 WHERE id = $1", params![id, tags_text(&tags)?]).await?;
            Ok(tags)
        })
        .await
}

// Rotation

/// Sets when a key's material changes by itself.
pub(super) async fn set_rotation(store: &Store, id: &str, rotation: Option<Rotation>) -> Result<()> {
    let (period, next) = rotation.map(|rotation| (rotation.period_days, rotation.next)).unzip();
    let sql = "UPDATE kms_keys SET rotation_period = $2, rotation_next_at = $3 WHERE id = $1";
    update(store, sql, params![id, period, next]).await
}

/// The keys whose material is to change, at most `limit`.
pub(super) async fn due_for_rotation(store: &Store, now: Timestamp, limit: i64) -> Result<Vec<Key>> {
    store
        .read(|tx| async move {
            let sql = "SELECT id, account, region, description, manager, enabled, tags, created_at, deletion_at,
                              pending_window, rotation_period, rotation_next_at
                       FROM kms_keys
                       WHERE rotation_next_at <= $1 AND deletion_at IS NULL AND enabled
                       ORDER BY rotation_next_at LIMIT $2";
            tx.fetch_all(sql, params![now, limit]).await?.iter().map(key).collect()
        })
        .await
}

/// Adds new material. `due` is when an automatic rotation was to happen, and the time of the next: nothing is added
/// where another process was faster. Whether it was added.
pub(super) async fn rotate(
    store: &Store,
    id: &str,
    backing: &Backing,
    due: Option<(Timestamp, Timestamp)>,
) -> Result<bool> {
    store
        .write(|tx| async move {
            if let Some((due, next)) = due {
                let sql = "UPDATE kms_keys SET rotation_next_at = $3 WHERE id = $1 AND rotation_next_at = $2";
                if tx.execute(sql, params![id, due, next]).await? == 0 {
                    return Ok(false);
                }
            }
            let sql = "SELECT COALESCE(MAX(number), 0) AS last FROM kms_backing_keys WHERE key_id = $1";
            let last = tx.fetch_one(sql, params![id]).await?.int("last")?;
            add_backing(&tx, id, last + 1, backing).await?;
            Ok(true)
        })
        .await
}

// Aliases

pub(super) async fn alias_target(
    store: &Store,
    account: &AccountId,
    region: &Region,
    alias: &str,
) -> Result<Option<String>> {
    store.read(|tx| async move { find_alias(&tx, account, region, alias).await }).await
}

async fn find_alias(tx: &Tx, account: &AccountId, region: &Region, alias: &str) -> Result<Option<String>> {
    let sql = "SELECT key_id FROM kms_aliases WHERE account = $1 AND region = $2 AND name = $3";
    let row = tx.fetch_optional(sql, params![account, region, alias]).await?;
    row.map(|row| row.text("key_id")).transpose()
}

/// Adds an alias; false where there is one of that name. At most `most` for one key: `None` where there are so many.
pub(super) async fn insert_alias(
    store: &Store,
    key: &Key,
    alias: &str,
    now: Timestamp,
    most: i64,
) -> Result<Option<bool>> {
    store
        .write(|tx| async move {
            let sql = "SELECT COUNT(*) AS n FROM kms_aliases WHERE key_id = $1";
            if tx.fetch_one(sql, params![&key.id]).await?.int("n")? >= most {
                return Ok(None);
            }
            let sql = "INSERT INTO kms_aliases (account, region, name, key_id, created_at, updated_at)
                       VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT DO NOTHING";
            Ok(Some(tx.execute(sql, params![&key.account, &key.region, alias, &key.id, now]).await? == 1))
        })
        .await
}

pub(super) async fn move_alias(store: &Store, key: &Key, alias: &str, now: Timestamp) -> Result<()> {
    let sql = "UPDATE kms_aliases SET key_id = $4, updated_at = $5 WHERE account = $1 AND region = $2 AND name = $3";
    update(store, sql, params![&key.account, &key.region, alias, &key.id, now]).await
}

pub(super) async fn delete_alias(store: &Store, account: &AccountId, region: &Region, alias: &str) -> Result<()> {
    let sql = "DELETE FROM kms_aliases WHERE account = $1 AND region = $2 AND name = $3";
    update(store, sql, params![account, region, alias]).await
}

/// The aliases of the account and region, of one key where one is given.
pub(super) async fn list_aliases(
    store: &Store,
    account: &AccountId,
    region: &Region,
    key_id: Option<&str>,
    page: &PageRequest,
) -> Result<Vec<Alias>> {
    let (after, limit) = bounds(page);
    store
        .read(|tx| async move {
            let sql = "SELECT name, key_id, created_at, updated_at FROM kms_aliases
                       WHERE account = $1 AND region = $2 AND name > $3 AND (CAST($4 AS TEXT) IS NULL OR key_id = $4)
                       ORDER BY name LIMIT $5";
            let rows = tx.fetch_all(sql, params![account, region, after, key_id, limit]).await?;
            rows.iter()
                .map(|row| {
                    let name = row.text("name")?;
                    Ok(Alias {
                        arn: alias_arn(account, region.as_str(), &name),
                        name,
                        key_id: row.text("key_id")?,
                        created: row.time("created_at")?,
                        updated: row.time("updated_at")?,
                    })
                })
                .collect()
        })
        .await
}

// Grants

const GRANT_QUOTA: i64 = 50_000;

/// Adds a grant; where it has a name, and the key has the same grant of that name, nothing is added. The grant's id.
pub(super) async fn insert_grant(store: &Store, grant: &GrantInfo) -> KmsResult<String> {
    let key_id = grant.key_id();
    let added = store
        .write(|tx| async move {
            let sql = "SELECT COUNT(*) AS n FROM kms_grants WHERE key_id = $1";
            if tx.fetch_one(sql, params![key_id]).await?.int("n")? >= GRANT_QUOTA {
                return Ok(None);
            }
            if let Some(id) = same_grant(&tx, grant).await? {
                return Ok(Some(id));
            }
            add_grant(&tx, grant).await?;
            Ok(Some(grant.id.clone()))
        })
        .await?;
    added.ok_or_else(|| KmsError::new(Code::LimitExceeded, format!("The key has {GRANT_QUOTA} grants already.")))
}

async fn same_grant(tx: &Tx, grant: &GrantInfo) -> Result<Option<String>> {
    let Some(name) = &grant.name else { return Ok(None) };
    let sql = "SELECT g.id, g.key_id, k.account, k.region, g.name, g.grantee, g.grantee_id, g.retiring, g.operations,
                      g.constraint_type, g.constraint_pairs, g.issuing_account, g.for_aws_resource, g.created_at
               FROM kms_grants g JOIN kms_keys k ON k.id = g.key_id WHERE g.key_id = $1 AND g.name = $2";
    for row in tx.fetch_all(sql, params![grant.key_id(), name]).await? {
        let other = grant_info(&row)?;
        let same = GrantInfo { id: grant.id.clone(), created: grant.created, ..other.clone() } == *grant;
        if same {
            return Ok(Some(other.id));
        }
    }
    Ok(None)
}

async fn add_grant(tx: &Tx, grant: &GrantInfo) -> Result<()> {
    let sql = "INSERT INTO kms_grants (id, key_id, name, grantee, retiring, operations, constraint_type,
                                       constraint_pairs, issuing_account, for_aws_resource, created_at,
                                       grantee_id)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    let operations = serde_json::to_string(&grant.operations).map_err(Error::internal)?;
    let (kind, pairs) = match &grant.constraint {
        Some(GrantConstraint::Equals(pairs)) => (Some("Equals"), Some(pairs)),
        Some(GrantConstraint::Subset(pairs)) => (Some("Subset"), Some(pairs)),
        None => (None, None),
    };
    let pairs = pairs.map(serde_json::to_string).transpose().map_err(Error::internal)?;
    let GrantInfo { id, name, grantee, grantee_id, retiring, issuing_account, for_aws_resource, created, .. } = grant;
    let params = params![
        id,
        grant.key_id(),
        name.as_deref(),
        grantee,
        retiring.as_deref(),
        operations,
        kind,
        pairs,
        issuing_account,
        *for_aws_resource,
        *created,
        grantee_id.as_deref(),
    ];
    tx.execute(sql, params).await?;
    Ok(())
}

/// The grants on a key for either of two names of one caller.
pub(super) async fn grants_of(store: &Store, key_id: &str, own: &str, role: &str) -> Result<Vec<GrantInfo>> {
    store
        .read(|tx| async move {
            let sql =
                "SELECT g.id, g.key_id, k.account, k.region, g.name, g.grantee, g.grantee_id, g.retiring, g.operations,
                              g.constraint_type, g.constraint_pairs, g.issuing_account, g.for_aws_resource,
                              g.created_at
                       FROM kms_grants g JOIN kms_keys k ON k.id = g.key_id
                       WHERE g.key_id = $1 AND g.grantee IN ($2, $3) ORDER BY g.created_at, g.id";
            tx.fetch_all(sql, params![key_id, own, role]).await?.iter().map(grant_info).collect()
        })
        .await
}

/// A key's grants, of one id or one grantee where they are given.
pub(super) async fn list_grants(
    store: &Store,
    key_id: &str,
    id: Option<&str>,
    grantee: Option<&str>,
    page: &PageRequest,
) -> Result<Vec<GrantInfo>> {
    let (after, limit) = bounds(page);
    store
        .read(|tx| async move {
            let sql =
                "SELECT g.id, g.key_id, k.account, k.region, g.name, g.grantee, g.grantee_id, g.retiring, g.operations,
                              g.constraint_type, g.constraint_pairs, g.issuing_account, g.for_aws_resource,
                              g.created_at
                       FROM kms_grants g JOIN kms_keys k ON k.id = g.key_id
                       WHERE g.key_id = $1 AND (CAST($2 AS TEXT) IS NULL OR g.id = $2)
                         AND (CAST($3 AS TEXT) IS NULL OR g.grantee = $3) AND g.id > $4
                       ORDER BY g.id LIMIT $5";
            tx.fetch_all(sql, params![key_id, id, grantee, after, limit]).await?.iter().map(grant_info).collect()
        })
        .await
}

/// All of a key's grants.
pub(super) async fn all_grants(store: &Store, key_id: &str) -> Result<Vec<GrantInfo>> {
    let page = PageRequest { limit: u32::MAX, after: None };
    list_grants(store, key_id, None, None, &page).await
}

/// The grants that `retiring` may retire on keys of the account and region.
pub(super) async fn list_retirable(
    store: &Store,
    account: &AccountId,
    region: &Region,
    retiring: &str,
    page: &PageRequest,
) -> Result<Vec<GrantInfo>> {
    let (after, limit) = bounds(page);
    store
        .read(|tx| async move {
            let sql =
                "SELECT g.id, g.key_id, k.account, k.region, g.name, g.grantee, g.grantee_id, g.retiring, g.operations,
                              g.constraint_type, g.constraint_pairs, g.issuing_account, g.for_aws_resource,
                              g.created_at
                       FROM kms_grants g JOIN kms_keys k ON k.id = g.key_id
                       WHERE k.account = $1 AND k.region = $2 AND g.retiring = $3 AND g.id > $4
                       ORDER BY g.id LIMIT $5";
            tx.fetch_all(sql, params![account, region, retiring, after, limit]).await?.iter().map(grant_info).collect()
        })
        .await
}

/// A grant by its id, wherever it is.
pub(super) async fn grant(store: &Store, id: &str) -> Result<Option<GrantInfo>> {
    store
        .read(|tx| async move {
            let sql =
                "SELECT g.id, g.key_id, k.account, k.region, g.name, g.grantee, g.grantee_id, g.retiring, g.operations,
                              g.constraint_type, g.constraint_pairs, g.issuing_account, g.for_aws_resource,
                              g.created_at
                       FROM kms_grants g JOIN kms_keys k ON k.id = g.key_id WHERE g.id = $1";
            tx.fetch_optional(sql, params![id]).await?.as_ref().map(grant_info).transpose()
        })
        .await
}

pub(super) async fn delete_grant(store: &Store, id: &str) -> Result<()> {
    update(store, "DELETE FROM kms_grants WHERE id = $1", params![id]).await
}

// Parts of rows

fn key(row: &Row) -> Result<Key> {
    let manager = match row.text("manager")?.as_str() {
        "AWS" => Manager::Aws,
        _ => Manager::Customer,
    };
    let days = |column: &str| -> Result<Option<u32>> {
        row.opt_int(column)?.map(|days| u32::try_from(days).map_err(Error::internal)).transpose()
    };
    let rotation = days("rotation_period")?.zip(row.opt_time("rotation_next_at")?);
    Ok(Key {
        id: row.text("id")?,
        account: account_id(row, "account")?,
        region: row.text("region")?.parse().map_err(Error::internal)?,
        description: row.text("description")?,
        manager,
        enabled: row.bool("enabled")?,
        created: row.time("created_at")?,
        deletion: row.opt_time("deletion_at")?,
        pending_window: days("pending_window")?,
        rotation: rotation.map(|(period_days, next)| Rotation { period_days, next }),
        tags: tags(row)?,
    })
}

fn backing_key(row: &Row) -> Result<Backing> {
    let rotation = row.opt_text("rotation")?.map(|text| match text.as_str() {
        "AUTOMATIC" => RotationType::Automatic,
        _ => RotationType::OnDemand,
    });
    Ok(Backing { id: row.text("id")?, sealed: row.bytes("sealed")?, since: row.time("since")?, rotation })
}

fn grant_info(row: &Row) -> Result<GrantInfo> {
    let pairs: Option<BTreeMap<String, String>> = row
        .opt_text("constraint_pairs")?
        .map(|text| serde_json::from_str(&text))
        .transpose()
        .map_err(Error::internal)?;
    let constraint = match (row.opt_text("constraint_type")?.as_deref(), pairs) {
        (Some("Equals"), Some(pairs)) => Some(GrantConstraint::Equals(pairs)),
        (Some(_), Some(pairs)) => Some(GrantConstraint::Subset(pairs)),
        _ => None,
    };
    Ok(GrantInfo {
        id: row.text("id")?,
        key_arn: super::key_ref::key_arn(&account_id(row, "account")?, &row.text("region")?, &row.text("key_id")?),
        name: row.opt_text("name")?,
        grantee: row.text("grantee")?,
        grantee_id: row.opt_text("grantee_id")?,
        retiring: row.opt_text("retiring")?,
        operations: serde_json::from_str(&row.text("operations")?).map_err(Error::internal)?,
        constraint,
        issuing_account: row.text("issuing_account")?,
        for_aws_resource: row.bool("for_aws_resource")?,
        created: row.time("created_at")?,
    })
}

fn tags(row: &Row) -> Result<Vec<(String, String)>> {
    serde_json::from_str(&row.text("tags")?).map_err(Error::internal)
}

fn tags_text(tags: &[(String, String)]) -> Result<String> {
    let sorted: BTreeMap<_, _> = tags.iter().map(|(name, value)| (name, value)).collect();
    serde_json::to_string(&sorted.into_iter().collect::<Vec<_>>()).map_err(Error::internal)
}
