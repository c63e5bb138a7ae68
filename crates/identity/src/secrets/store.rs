//! The tables of secrets, their versions and stages.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ::store::{Migration, Module, Row, Store, Tx, params};
use base::{AccountId, Error, Region, Result, Timestamp};

use super::access::marked_for_deletion;
use super::error::{Code, Error as Refusal};
use super::lifecycle::gone;
use super::seal::Sealed;
use super::secret::{Secret, Target, Version};
use super::stages::{self, Stages};
use super::tags::MOST_TAGS;
use crate::store::account_id;

const MIGRATIONS: &[Migration] = &[
    Migration::same(1, "secrets and their versions", include_str!("../../migrations/secrets/0001_secrets.sql")),
    Migration::same(2, "secrets that had tags", include_str!("../../migrations/secrets/0002_tagged.sql")),
];

/// The most versions of a secret; those out of use for a day make room.
const MOST_VERSIONS: i64 = 100;

/// How long a version out of use is kept at least, in seconds.
const KEPT: i64 = 24 * 3600;

/// What is to be changed of a secret, all at once.
#[derive(Debug, Default)]
pub(super) struct Change {
    pub(super) description: Option<String>,
    /// `Some(None)`: the account's key for secrets.
    pub(super) kms_key: Option<Option<String>>,
    /// Versions that are there, encrypted again.
    pub(super) resealed: Vec<Sealed>,
    /// A version that is to be there.
    pub(super) new: Option<Sealed>,
    /// The stages that the new version gets.
    pub(super) stages: BTreeSet<String>,
}

/// What became of a secret to be added.
pub(super) enum Inserted {
    Made,
    /// There is one of that name.
    Exists(Box<Secret>),
}

/// A secret as it is kept, with its own policy and which users and roles that named when it was written.
pub(super) struct Kept {
    pub(super) secret: Secret,
    pub(super) policy: Option<String>,
    pub(super) principals: Option<String>,
}

/// A version as it is kept.
pub(super) struct KeptVersion {
    pub(super) sealed: Sealed,
    pub(super) created: Timestamp,
    pub(super) accessed: Option<Timestamp>,
}

/// The tables of this module.
pub(crate) const TABLES: Module = Module { name: "secrets", migrations: MIGRATIONS };

// Secrets

pub(super) async fn insert(store: &Store, secret: &Secret, first: Option<&Sealed>) -> Result<Inserted> {
    store
        .write(|tx| async move {
            let sql = "INSERT INTO secrets_secrets (arn, account, region, name, description, kms_key, tags, created_at,
                                                    changed_at, tagged)
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9) ON CONFLICT DO NOTHING";
            let Secret { arn, account, region, name, description, kms_key, created, .. } = secret;
            let (description, kms_key, tags) = (description.as_deref(), kms_key.as_deref(), tags_text(&secret.tags)?);
            let params = params![arn, account, region, name, description, kms_key, tags, *created, secret.tagged];
            if tx.execute(sql, params).await? == 0 {
                let there = by_name(&tx, account, region, name).await?;
                let there = there.ok_or_else(|| Error::internal(format!("`{arn}` exists under another name")))?;
                return Ok(Inserted::Exists(Box::new(there.secret)));
            }
            if let Some(sealed) = first {
                add_version(&tx, arn, sealed, *created).await?;
                let stages = stages::put(&Stages::new(), &sealed.version, &BTreeSet::new())?;
                set_stages(&tx, arn, &stages).await?;
            }
            Ok(Inserted::Made)
        })
        .await
}

/// The secret that a request names: by its whole ARN, else by its name.
pub(super) async fn find(store: &Store, target: &Target, region: &Region) -> Result<Option<Kept>> {
    store
        .read(|tx| async move {
            if let Some(arn) = &target.arn
                && let Some(found) = read_by_arn(&tx, arn).await?
            {
                return Ok(Some(found));
            }
            by_name(&tx, &target.account, region, &target.name).await
        })
        .await
}

/// The secret with this whole ARN.
pub(super) async fn by_arn(store: &Store, arn: &str) -> Result<Option<Kept>> {
    store.read(|tx| async move { read_by_arn(&tx, arn).await }).await
}

async fn read_by_arn(tx: &Tx, arn: &str) -> Result<Option<Kept>> {
    let sql =
        "SELECT arn, account, region, name, description, kms_key, policy, policy_principals, tags, tagged, created_at,
                      changed_at, accessed_at, deleted_at, purge_at
               FROM secrets_secrets WHERE arn = $1";
    match tx.fetch_optional(sql, params![arn]).await? {
        Some(row) => Ok(Some(found(tx, &row).await?)),
        None => Ok(None),
    }
}

async fn by_name(tx: &Tx, account: &AccountId, region: &Region, name: &str) -> Result<Option<Kept>> {
    let sql =
        "SELECT arn, account, region, name, description, kms_key, policy, policy_principals, tags, tagged, created_at,
                      changed_at, accessed_at, deleted_at, purge_at
               FROM secrets_secrets WHERE account = $1 AND region = $2 AND name = $3";
    match tx.fetch_optional(sql, params![account, region, name]).await? {
        Some(row) => Ok(Some(found(tx, &row).await?)),
        None => Ok(None),
    }
}

async fn found(tx: &Tx, row: &Row) -> Result<Kept> {
    let mut secret = secret(row)?;
    for (stage, version) in read_stages(tx, &secret.arn).await? {
        secret.stages.entry(version).or_default().push(stage);
    }
    Ok(Kept { secret, policy: row.opt_text("policy")?, principals: row.opt_text("policy_principals")? })
}

pub(super) async fn list(store: &Store, account: &AccountId, region: &Region) -> Result<Vec<Secret>> {
    store
        .read(|tx| async move {
            let sql = "SELECT g.arn, g.stage, g.version FROM secrets_stages g JOIN secrets_secrets s ON s.arn = g.arn
                       WHERE s.account = $1 AND s.region = $2 ORDER BY g.arn, g.stage";
            let mut stages: HashMap<String, BTreeMap<String, Vec<String>>> = HashMap::new();
            for row in tx.fetch_all(sql, params![account, region]).await? {
                let of = stages.entry(row.text("arn")?).or_default();
                of.entry(row.text("version")?).or_default().push(row.text("stage")?);
            }
            let sql = "SELECT arn, account, region, name, description, kms_key, tags, tagged, created_at, changed_at,
                              accessed_at, deleted_at, purge_at
                       FROM secrets_secrets WHERE account = $1 AND region = $2 ORDER BY name";
            let rows = tx.fetch_all(sql, params![account, region]).await?;
            rows.iter()
                .map(|row| {
                    let secret = secret(row)?;
                    let stages = stages.remove(&secret.arn).unwrap_or_default();
                    Ok(Secret { stages, ..secret })
                })
                .collect()
        })
        .await
}

/// Marks a secret as deleted, or takes that back.
pub(super) async fn set_deleted(store: &Store, arn: &str, deleted: Option<(Timestamp, Timestamp)>) -> Result<()> {
    let (at, purge) = deleted.unzip();
    update(store, "UPDATE secrets_secrets SET deleted_at = $2, purge_at = $3 WHERE arn = $1", params![arn, at, purge])
        .await
}

pub(super) async fn remove(store: &Store, arn: &str) -> Result<()> {
    update(store, "DELETE FROM secrets_secrets WHERE arn = $1", params![arn]).await
}

pub(super) async fn purge(store: &Store, now: Timestamp) -> Result<()> {
    update(store, "DELETE FROM secrets_secrets WHERE purge_at <= $1", params![now]).await
}

/// Sets the secret's policy, with who is named in it; `None` takes it away.
pub(super) async fn set_policy(store: &Store, arn: &str, policy: Option<(&str, &str)>) -> Result<()> {
    let (policy, principals) = policy.unzip();
    let sql = "UPDATE secrets_secrets SET policy = $2, policy_principals = $3 WHERE arn = $1";
    update(store, sql, params![arn, policy, principals]).await
}

/// Notes the day on which a version was read.
pub(super) async fn touch(store: &Store, arn: &str, version: &str, day: Timestamp) -> Result<()> {
    store
        .write(|tx| async move {
            tx.execute("UPDATE secrets_secrets SET accessed_at = $2 WHERE arn = $1", params![arn, day]).await?;
            let sql = "UPDATE secrets_versions SET accessed_at = $3 WHERE arn = $1 AND version = $2";
            tx.execute(sql, params![arn, version, day]).await?;
            Ok(())
        })
        .await
}

/// Adds tags, or removes those of the names in `removed`; gives what there is then. Too many are not written.
pub(super) async fn change_tags(
    store: &Store,
    arn: &str,
    added: &[(String, String)],
    removed: &[String],
) -> Result<Vec<(String, String)>> {
    store
        .write(|tx| async move {
            let sql = "SELECT tags FROM secrets_secrets WHERE arn = $1";
            let Some(row) = tx.fetch_optional(sql, params![arn]).await? else { return Ok(Vec::new()) };
            let mut tags: BTreeMap<String, String> = tags(&row)?.into_iter().collect();
            tags.retain(|name, _| !removed.contains(name));
            tags.extend(added.iter().cloned());
            let tags: Vec<_> = tags.into_iter().collect();
            if tags.len() <= MOST_TAGS {
                let sql = "UPDATE secrets_secrets SET tags = $2, tagged = TRUE WHERE arn = $1";
                tx.execute(sql, params![arn, tags_text(&tags)?]).await?;
            }
            Ok(tags)
        })
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

// Versions

/// Makes a change, whole or not at all. Where the new version is there already, nothing is changed: that version.
pub(super) async fn apply(
    store: &Store,
    arn: &str,
    change: &Change,
    now: Timestamp,
) -> Result<Result<Option<Sealed>, Refusal>> {
    store
        .write(|tx| async move {
            let planned = match plan(&tx, arn, change, now).await? {
                Ok(Planned::Exists(sealed)) => return Ok(Ok(Some(*sealed))),
                Ok(Planned::Stages(stages)) => stages,
                Err(refusal) => return Ok(Err(refusal)),
            };
            for sealed in &change.resealed {
                let sql = "UPDATE secrets_versions SET sealed = $3, data_key = $4, key_arn = $5, digest = $6
                           WHERE arn = $1 AND version = $2";
                let Sealed { version, sealed, data_key, key_arn, digest, .. } = sealed;
                tx.execute(sql, params![arn, version, sealed, data_key, key_arn, digest]).await?;
            }
            if let (Some(sealed), Some(stages)) = (&change.new, &planned) {
                add_version(&tx, arn, sealed, now).await?;
                set_stages(&tx, arn, stages).await?;
            }
            if let Some(description) = &change.description {
                let sql = "UPDATE secrets_secrets SET description = $2 WHERE arn = $1";
                tx.execute(sql, params![arn, description]).await?;
            }
            if let Some(key) = &change.kms_key {
                let sql = "UPDATE secrets_secrets SET kms_key = $2 WHERE arn = $1";
                tx.execute(sql, params![arn, key.as_deref()]).await?;
            }
            tx.execute("UPDATE secrets_secrets SET changed_at = $2 WHERE arn = $1", params![arn, now]).await?;
            Ok(Ok(None))
        })
        .await
}

enum Planned {
    /// The new version is there.
    Exists(Box<Sealed>),
    /// The stages after it was added, if one is.
    Stages(Option<Stages>),
}

async fn plan(tx: &Tx, arn: &str, change: &Change, now: Timestamp) -> Result<Result<Planned, Refusal>> {
    if let Err(refusal) = check_live(tx, arn).await? {
        return Ok(Err(refusal));
    }
    let Some(new) = &change.new else { return Ok(Ok(Planned::Stages(None))) };
    if let Some(kept) = read_version(tx, arn, &new.version).await? {
        return Ok(Ok(Planned::Exists(Box::new(kept.sealed))));
    }
    let stages = match stages::put(&read_stages(tx, arn).await?, &new.version, &change.stages) {
        Ok(stages) => stages,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if !make_room(tx, arn, now).await? {
        let message = format!("A secret has at most {MOST_VERSIONS} versions.");
        return Ok(Err(Refusal::new(Code::LimitExceeded, message)
            .with_hint("Versions without a staging label make room when they are a day old.")));
    }
    Ok(Ok(Planned::Stages(Some(stages))))
}

/// Whether a secret is there and not deleted.
async fn check_live(tx: &Tx, arn: &str) -> Result<Result<(), Refusal>> {
    let sql = "SELECT deleted_at FROM secrets_secrets WHERE arn = $1";
    let Some(row) = tx.fetch_optional(sql, params![arn]).await? else { return Ok(Err(gone())) };
    Ok(match row.opt_time("deleted_at")? {
        Some(_) => Err(marked_for_deletion()),
        None => Ok(()),
    })
}

/// Removes old versions out of use where there are too many for one more; whether there is room then.
async fn make_room(tx: &Tx, arn: &str, now: Timestamp) -> Result<bool> {
    let count = "SELECT COUNT(*) AS n FROM secrets_versions WHERE arn = $1";
    let before = tx.fetch_one(count, params![arn]).await?.int("n")?;
    if before < MOST_VERSIONS {
        return Ok(true);
    }
    let sql = "DELETE FROM secrets_versions WHERE arn = $1 AND version IN (
                   SELECT v.version FROM secrets_versions v
                   WHERE v.arn = $1 AND v.created_at < $2
                     AND NOT EXISTS (SELECT 1 FROM secrets_stages g WHERE g.arn = v.arn AND g.version = v.version)
                   ORDER BY v.created_at LIMIT $3)";
    let excess = before - MOST_VERSIONS + 1;
    let removed = tx.execute(sql, params![arn, now.plus_seconds(-KEPT), excess]).await?;
    Ok(i64::try_from(removed).unwrap_or(i64::MAX) >= excess)
}

async fn add_version(tx: &Tx, arn: &str, sealed: &Sealed, now: Timestamp) -> Result<()> {
    let sql = "INSERT INTO secrets_versions (arn, version, is_text, sealed, data_key, key_arn, digest, created_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let Sealed { version, is_text, sealed, data_key, key_arn, digest } = sealed;
    tx.execute(sql, params![arn, version, *is_text, sealed, data_key, key_arn, digest, now]).await?;
    Ok(())
}

/// One version with its value.
pub(super) async fn sealed(store: &Store, arn: &str, version: &str) -> Result<Option<KeptVersion>> {
    store.read(|tx| async move { read_version(&tx, arn, version).await }).await
}

async fn read_version(tx: &Tx, arn: &str, version: &str) -> Result<Option<KeptVersion>> {
    let sql = "SELECT version, is_text, sealed, data_key, key_arn, digest, created_at, accessed_at
               FROM secrets_versions WHERE arn = $1 AND version = $2";
    let Some(row) = tx.fetch_optional(sql, params![arn, version]).await? else { return Ok(None) };
    let sealed = Sealed {
        version: row.text("version")?,
        is_text: row.bool("is_text")?,
        sealed: row.bytes("sealed")?,
        data_key: row.bytes("data_key")?,
        key_arn: row.text("key_arn")?,
        digest: row.bytes("digest")?,
    };
    Ok(Some(KeptVersion { sealed, created: row.time("created_at")?, accessed: row.opt_time("accessed_at")? }))
}

/// All versions of a secret, the oldest first.
pub(super) async fn versions(store: &Store, arn: &str) -> Result<Vec<Version>> {
    store
        .read(|tx| async move {
            let mut stages: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for (stage, version) in read_stages(&tx, arn).await? {
                stages.entry(version).or_default().push(stage);
            }
            let sql = "SELECT version, created_at, accessed_at, key_arn FROM secrets_versions
                       WHERE arn = $1 ORDER BY created_at, version";
            let rows = tx.fetch_all(sql, params![arn]).await?;
            rows.iter()
                .map(|row| {
                    let id = row.text("version")?;
                    Ok(Version {
                        stages: stages.remove(&id).unwrap_or_default(),
                        id,
                        created: row.time("created_at")?,
                        accessed: row.opt_time("accessed_at")?,
                        key_arn: row.text("key_arn")?,
                    })
                })
                .collect()
        })
        .await
}

// Stages

/// The stages of one version.
pub(super) async fn stages_of(store: &Store, arn: &str, version: &str) -> Result<Vec<String>> {
    let stages = store.read(|tx| async move { read_stages(&tx, arn).await }).await?;
    Ok(stages.into_iter().filter(|(_, on)| on == version).map(|(stage, _)| stage).collect())
}

/// Replaces a secret's stages by what `plan` makes of them and of the ids of all versions.
pub(super) async fn replace_stages(
    store: &Store,
    arn: &str,
    now: Timestamp,
    plan: impl Fn(&Stages, &BTreeSet<String>) -> Result<Stages, Refusal>,
) -> Result<Result<(), Refusal>> {
    let plan = &plan;
    store
        .write(|tx| async move {
            if let Err(refusal) = check_live(&tx, arn).await? {
                return Ok(Err(refusal));
            }
            let rows = tx.fetch_all("SELECT version FROM secrets_versions WHERE arn = $1", params![arn]).await?;
            let versions = rows.iter().map(|row| row.text("version")).collect::<Result<BTreeSet<_>>>()?;
            let stages = match plan(&read_stages(&tx, arn).await?, &versions) {
                Ok(stages) => stages,
                Err(refusal) => return Ok(Err(refusal)),
            };
            set_stages(&tx, arn, &stages).await?;
            tx.execute("UPDATE secrets_secrets SET changed_at = $2 WHERE arn = $1", params![arn, now]).await?;
            Ok(Ok(()))
        })
        .await
}

async fn read_stages(tx: &Tx, arn: &str) -> Result<Stages> {
    let sql = "SELECT stage, version FROM secrets_stages WHERE arn = $1 ORDER BY stage";
    let rows = tx.fetch_all(sql, params![arn]).await?;
    rows.iter().map(|row| Ok((row.text("stage")?, row.text("version")?))).collect()
}

async fn set_stages(tx: &Tx, arn: &str, stages: &Stages) -> Result<()> {
    tx.execute("DELETE FROM secrets_stages WHERE arn = $1", params![arn]).await?;
    for (stage, version) in stages {
        let sql = "INSERT INTO secrets_stages (arn, stage, version) VALUES ($1, $2, $3)";
        tx.execute(sql, params![arn, stage, version]).await?;
    }
    Ok(())
}

// Parts of rows

/// A secret without its stages.
fn secret(row: &Row) -> Result<Secret> {
    Ok(Secret {
        arn: row.text("arn")?,
        account: account_id(row, "account")?,
        region: row.text("region")?.parse().map_err(Error::internal)?,
        name: row.text("name")?,
        description: row.opt_text("description")?,
        kms_key: row.opt_text("kms_key")?,
        tags: tags(row)?,
        tagged: row.bool("tagged")?,
        created: row.time("created_at")?,
        changed: row.time("changed_at")?,
        accessed: row.opt_time("accessed_at")?,
        deleted: row.opt_time("deleted_at")?,
        purge: row.opt_time("purge_at")?,
        stages: BTreeMap::new(),
    })
}

fn tags(row: &Row) -> Result<Vec<(String, String)>> {
    serde_json::from_str(&row.text("tags")?).map_err(Error::internal)
}

fn tags_text(tags: &[(String, String)]) -> Result<String> {
    let sorted: BTreeMap<_, _> = tags.iter().map(|(name, value)| (name, value)).collect();
    serde_json::to_string(&sorted.into_iter().collect::<Vec<_>>()).map_err(Error::internal)
}
