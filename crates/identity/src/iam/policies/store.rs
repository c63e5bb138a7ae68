//! The tables of managed policies.

use std::collections::HashMap;

use ::store::{Row, Store, Tx, params};
use base::{AccountId, Error, Result, Timestamp};

use super::versions::{name, no_such_version};
use super::{PER_ACCOUNT, Policy, PolicyEntity, PolicyVersion, Usage, VERSIONS};
use crate::iam::errors::{cannot_delete, limit_exceeded, no_such_policy, quota_exceeded};
use crate::iam::holder::HolderKind;
use crate::iam::store::tags_of;
use crate::iam::{aws_managed, tags};
use crate::users::name_key;

pub(super) async fn insert(store: &Store, account: &AccountId, policy: &Policy, document: &str) -> Result<()> {
    store
        .write(|tx| async move {
            let sql = "SELECT COUNT(*) AS n FROM identity_policies WHERE account = $1";
            if tx.fetch_one(sql, params![account]).await?.int("n")? >= PER_ACCOUNT {
                return Err(quota_exceeded("PoliciesPerAccount", PER_ACCOUNT));
            }
            let sql = "INSERT INTO identity_policies (id, account, arn, name, name_key, path, description, tags,
                         default_version, last_version, created_at, updated_at)
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, 1, $9, $9) ON CONFLICT DO NOTHING";
            let tags = tags::to_text(&policy.tags)?;
            let (key, description) = (name_key(&policy.name), policy.description.as_deref());
            let Policy { id, arn, name, path, created, .. } = policy;
            let params = params![id, account, arn, name, key, path, description, tags, *created];
            if tx.execute(sql, params).await? == 0 {
                return Err(Error::already_exists(format!(
                    "A policy called {name} already exists. Duplicate names are not allowed."
                )));
            }
            insert_version(&tx, id, 1, document, *created).await
        })
        .await
}

async fn insert_version(tx: &Tx, policy: &str, number: i64, document: &str, at: Timestamp) -> Result<()> {
    let sql = "INSERT INTO identity_policy_versions (policy_id, version, document, created_at)
               VALUES ($1, $2, $3, $4)";
    tx.execute(sql, params![policy, number, document, at]).await?;
    Ok(())
}

/// The account's policies and AWS's, or the one of them with this ARN.
pub(super) async fn list(store: &Store, account: &AccountId, arn: Option<&str>) -> Result<Vec<Policy>> {
    store
        .read(|tx| async move {
            let sql = "SELECT * FROM identity_policies WHERE account = $1 AND ($2 = '' OR arn = $2)";
            let rows = tx.fetch_all(sql, params![account, arn.unwrap_or_default()]).await?;
            let own = rows.iter().map(policy).collect::<Result<Vec<_>>>()?;
            let of_aws = aws_managed::ALL.iter().filter(|known| arn.is_none_or(|arn| known.arn() == arn));
            let mut policies: Vec<Policy> = own.into_iter().chain(of_aws.map(aws_managed::AwsPolicy::policy)).collect();
            let (attachments, boundaries) = uses(&tx, account).await?;
            for policy in &mut policies {
                policy.attachments = attachments.get(&policy.arn).copied().unwrap_or_default();
                policy.boundary_uses = boundaries.get(&policy.arn).copied().unwrap_or_default();
            }
            Ok(policies)
        })
        .await
}

/// How often each policy is attached, and how often it is a boundary.
async fn uses(tx: &Tx, account: &AccountId) -> Result<(HashMap<String, i64>, HashMap<String, i64>)> {
    let attached = "SELECT policy_arn AS arn, COUNT(*) AS n FROM identity_attached_policies WHERE account = $1
                    GROUP BY policy_arn";
    let limiting = "SELECT boundary AS arn, COUNT(*) AS n FROM
                      (SELECT boundary FROM identity_users WHERE account = $1 AND boundary IS NOT NULL
                       UNION ALL
                       SELECT boundary FROM identity_roles WHERE account = $1 AND boundary IS NOT NULL) AS b
                    GROUP BY boundary";
    let count = |rows: Vec<Row>| rows.iter().map(|row| Ok((row.text("arn")?, row.int("n")?))).collect::<Result<_>>();
    let attachments = count(tx.fetch_all(attached, params![account]).await?)?;
    let boundaries = count(tx.fetch_all(limiting, params![account]).await?)?;
    Ok((attachments, boundaries))
}

fn policy(row: &Row) -> Result<Policy> {
    Ok(Policy {
        id: row.text("id")?,
        name: row.text("name")?,
        path: row.text("path")?,
        arn: row.text("arn")?,
        description: row.opt_text("description")?,
        tags: tags_of(row)?,
        default_version: name(row.int("default_version")?),
        attachments: 0,
        boundary_uses: 0,
        created: row.time("created_at")?,
        updated: row.time("updated_at")?,
    })
}

/// Whether the account has a policy with this ARN.
pub(crate) async fn exists(tx: &Tx, account: &AccountId, arn: &str) -> Result<bool> {
    let sql = "SELECT id FROM identity_policies WHERE account = $1 AND arn = $2";
    Ok(tx.fetch_optional(sql, params![account, arn]).await?.is_some())
}

/// A policy's id and its default version.
async fn head(tx: &Tx, account: &AccountId, arn: &str) -> Result<(String, i64)> {
    let sql = "SELECT id, default_version FROM identity_policies WHERE account = $1 AND arn = $2";
    let row = tx.fetch_optional(sql, params![account, arn]).await?.ok_or_else(|| no_such_policy(arn))?;
    Ok((row.text("id")?, row.int("default_version")?))
}

pub(super) async fn delete(store: &Store, account: &AccountId, arn: &str) -> Result<()> {
    store
        .write(|tx| async move {
            let (id, _) = head(&tx, account, arn).await?;
            let (attachments, boundaries) = uses(&tx, account).await?;
            if attachments.contains_key(arn) || boundaries.contains_key(arn) {
                return Err(cannot_delete("Cannot delete a policy attached to entities."));
            }
            if count_versions(&tx, &id).await? > 1 {
                return Err(cannot_delete(
                    "This policy has more than one version. Before you delete a policy, you must delete the policy's \
                     versions. The default version is deleted with the policy.",
                ));
            }
            tx.execute("DELETE FROM identity_policy_versions WHERE policy_id = $1", params![&id]).await?;
            tx.execute("DELETE FROM identity_policies WHERE id = $1", params![&id]).await?;
            Ok(())
        })
        .await
}

async fn count_versions(tx: &Tx, policy: &str) -> Result<i64> {
    let sql = "SELECT COUNT(*) AS n FROM identity_policy_versions WHERE policy_id = $1";
    tx.fetch_one(sql, params![policy]).await?.int("n")
}

pub(super) async fn add_version(
    store: &Store,
    account: &AccountId,
    arn: &str,
    document: &str,
    set_default: bool,
    now: Timestamp,
) -> Result<i64> {
    store
        .write(|tx| async move {
            let (id, _) = head(&tx, account, arn).await?;
            if count_versions(&tx, &id).await? >= VERSIONS {
                return Err(limit_exceeded(format!(
                    "A managed policy can have up to {VERSIONS} versions. Before you create a new version, you must \
                     delete an existing version."
                )));
            }
            let sql = "SELECT last_version FROM identity_policies WHERE id = $1";
            let number = tx.fetch_one(sql, params![&id]).await?.int("last_version")? + 1;
            insert_version(&tx, &id, number, document, now).await?;
            let sql = "UPDATE identity_policies SET last_version = $2, updated_at = $3 WHERE id = $1";
            tx.execute(sql, params![&id, number, now]).await?;
            if set_default {
                set_default_to(&tx, &id, number, now).await?;
            }
            Ok(number)
        })
        .await
}

async fn set_default_to(tx: &Tx, policy: &str, number: i64, now: Timestamp) -> Result<()> {
    let sql = "UPDATE identity_policies SET default_version = $2, updated_at = $3 WHERE id = $1";
    tx.execute(sql, params![policy, number, now]).await?;
    Ok(())
}

async fn require_version(tx: &Tx, policy: &str, arn: &str, number: i64) -> Result<()> {
    let sql = "SELECT version FROM identity_policy_versions WHERE policy_id = $1 AND version = $2";
    let row = tx.fetch_optional(sql, params![policy, number]).await?;
    row.map(|_| ()).ok_or_else(|| no_such_version(arn, &name(number)))
}

pub(super) async fn set_default_version(
    store: &Store,
    account: &AccountId,
    arn: &str,
    number: i64,
    now: Timestamp,
) -> Result<()> {
    store
        .write(|tx| async move {
            let (id, _) = head(&tx, account, arn).await?;
            require_version(&tx, &id, arn, number).await?;
            set_default_to(&tx, &id, number, now).await
        })
        .await
}

pub(super) async fn delete_version(store: &Store, account: &AccountId, arn: &str, number: i64) -> Result<()> {
    store
        .write(|tx| async move {
            let (id, default) = head(&tx, account, arn).await?;
            require_version(&tx, &id, arn, number).await?;
            if number == default {
                return Err(cannot_delete("Cannot delete the default version of a policy."));
            }
            let sql = "DELETE FROM identity_policy_versions WHERE policy_id = $1 AND version = $2";
            tx.execute(sql, params![id, number]).await?;
            Ok(())
        })
        .await
}

/// The newest first; none where there is no such policy.
pub(super) async fn versions(store: &Store, account: &AccountId, arn: &str) -> Result<Vec<PolicyVersion>> {
    store.read(|tx| async move { versions_in(&tx, account, arn).await }).await
}

async fn versions_in(tx: &Tx, account: &AccountId, arn: &str) -> Result<Vec<PolicyVersion>> {
    let sql = "SELECT v.version, v.document, v.created_at, p.default_version
               FROM identity_policy_versions v JOIN identity_policies p ON p.id = v.policy_id
               WHERE p.account = $1 AND p.arn = $2 ORDER BY v.version DESC";
    let version = |row: &Row| {
        let number = row.int("version")?;
        Ok(PolicyVersion {
            id: name(number),
            document: row.text("document")?,
            default: number == row.int("default_version")?,
            created: row.time("created_at")?,
        })
    };
    tx.fetch_all(sql, params![account, arn]).await?.iter().map(version).collect()
}

/// The account's policies with all their versions.
pub(crate) async fn all_with_versions(store: &Store, account: &AccountId) -> Result<Vec<(Policy, Vec<PolicyVersion>)>> {
    let policies = list(store, account, None).await?;
    store
        .read(|tx| {
            let policies = policies.into_iter();
            async move {
                let mut all = Vec::new();
                for policy in policies {
                    let versions = match aws_managed::find(&policy.arn) {
                        Some(known) => vec![known.version()],
                        None => versions_in(&tx, account, &policy.arn).await?,
                    };
                    all.push((policy, versions));
                }
                Ok(all)
            }
        })
        .await
}

pub(super) async fn entities(store: &Store, account: &AccountId, arn: &str) -> Result<Vec<PolicyEntity>> {
    store
        .read(|tx| async move {
            let attached = "SELECT 'user' AS kind, h.name, h.id, h.path FROM identity_users h
                              JOIN identity_attached_policies a ON a.holder = h.id
                              WHERE a.account = $1 AND a.policy_arn = $2
                            UNION ALL SELECT 'group' AS kind, h.name, h.id, h.path FROM identity_groups h
                              JOIN identity_attached_policies a ON a.holder = h.id
                              WHERE a.account = $1 AND a.policy_arn = $2
                            UNION ALL SELECT 'role' AS kind, h.name, h.id, h.path FROM identity_roles h
                              JOIN identity_attached_policies a ON a.holder = h.id
                              WHERE a.account = $1 AND a.policy_arn = $2";
            let limited = "SELECT 'user' AS kind, name, id, path FROM identity_users
                             WHERE account = $1 AND boundary = $2
                           UNION ALL SELECT 'role' AS kind, name, id, path FROM identity_roles
                             WHERE account = $1 AND boundary = $2";
            let mut entities = Vec::new();
            for (sql, usage) in [(attached, Usage::Permissions), (limited, Usage::Boundary)] {
                for row in tx.fetch_all(sql, params![account, arn]).await? {
                    entities.push(entity(&row, usage)?);
                }
            }
            Ok(entities)
        })
        .await
}

fn entity(row: &Row, usage: Usage) -> Result<PolicyEntity> {
    let kind = match row.text("kind")?.as_str() {
        "user" => HolderKind::User,
        "group" => HolderKind::Group,
        _ => HolderKind::Role,
    };
    Ok(PolicyEntity { kind, name: row.text("name")?, id: row.text("id")?, path: row.text("path")?, usage })
}
