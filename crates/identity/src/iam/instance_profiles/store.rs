//! The table of instance profiles.

use ::store::{Row, Store, Tx, params};
use base::{AccountId, Error, PageRequest, Result};

use super::{InstanceProfile, PER_ACCOUNT, no_such_profile};
use crate::iam::errors::{delete_conflict, quota_exceeded};
use crate::iam::holder::HolderName;
use crate::iam::names::arn;
use crate::iam::store::tags_of;
use crate::iam::{roles, tags};
use crate::store::{account_id, bounds};
use crate::users::name_key;

pub(super) async fn insert(store: &Store, account: &AccountId, profile: &InstanceProfile) -> Result<()> {
    store
        .write(|tx| async move {
            if count(&tx, account).await? >= PER_ACCOUNT {
                return Err(quota_exceeded("InstanceProfilesPerAccount", PER_ACCOUNT));
            }
            let sql = "INSERT INTO identity_instance_profiles (id, account, name, name_key, path, tags, created_at)
                       VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
            let InstanceProfile { id, name, path, created, .. } = profile;
            let tags = tags::to_text(&profile.tags)?;
            match tx.execute(sql, params![id, account, name, name_key(name), path, tags, *created]).await? {
                0 => Err(Error::already_exists(format!("Instance Profile {name} already exists."))),
                _ => Ok(()),
            }
        })
        .await
}

pub(crate) async fn count(tx: &Tx, account: &AccountId) -> Result<i64> {
    let sql = "SELECT COUNT(*) AS n FROM identity_instance_profiles WHERE account = $1";
    tx.fetch_one(sql, params![account]).await?.int("n")
}

pub(super) async fn read(store: &Store, account: &AccountId, name: &str) -> Result<Option<InstanceProfile>> {
    store
        .read(|tx| async move {
            let sql = "SELECT * FROM identity_instance_profiles WHERE account = $1 AND name_key = $2 AND name = $3";
            match tx.fetch_optional(sql, params![account, name_key(name), name]).await? {
                Some(row) => profile(&tx, &row).await.map(Some),
                None => Ok(None),
            }
        })
        .await
}

pub(super) async fn list(
    store: &Store,
    account: &AccountId,
    path_prefix: &str,
    page: &PageRequest,
) -> Result<Vec<InstanceProfile>> {
    let (after, limit) = bounds(page);
    store
        .read(|tx| async move {
            let sql = "SELECT * FROM identity_instance_profiles
                       WHERE account = $1 AND name_key > $2 AND substr(path, 1, length($3)) = $3
                       ORDER BY name_key LIMIT $4";
            all(&tx, tx.fetch_all(sql, params![account, after, path_prefix, limit]).await?).await
        })
        .await
}

pub(super) async fn list_for_role(
    store: &Store,
    account: &AccountId,
    role: &str,
    page: &PageRequest,
) -> Result<Vec<InstanceProfile>> {
    let (after, limit) = bounds(page);
    store
        .read(|tx| async move {
            let id = HolderName::role(role).find(&tx, account).await?.id;
            let sql = "SELECT * FROM identity_instance_profiles WHERE role_id = $1 AND name_key > $2
                       ORDER BY name_key LIMIT $3";
            all(&tx, tx.fetch_all(sql, params![id, after, limit]).await?).await
        })
        .await
}

/// The instance profiles that have the role with this id.
pub(crate) async fn of_role(tx: &Tx, role_id: &str) -> Result<Vec<InstanceProfile>> {
    let sql = "SELECT * FROM identity_instance_profiles WHERE role_id = $1 ORDER BY name_key";
    all(tx, tx.fetch_all(sql, params![role_id]).await?).await
}

async fn all(tx: &Tx, rows: Vec<Row>) -> Result<Vec<InstanceProfile>> {
    let mut profiles = Vec::with_capacity(rows.len());
    for row in &rows {
        profiles.push(profile(tx, row).await?);
    }
    Ok(profiles)
}

async fn profile(tx: &Tx, row: &Row) -> Result<InstanceProfile> {
    let account = account_id(row, "account")?;
    let (name, path) = (row.text("name")?, row.text("path")?);
    let role = match row.opt_text("role_id")? {
        Some(id) => roles::with_id(tx, &id).await?,
        None => None,
    };
    Ok(InstanceProfile {
        id: row.text("id")?,
        arn: arn(&account, "instance-profile", &path, &name),
        name,
        path,
        tags: tags_of(row)?,
        role,
        created: row.time("created_at")?,
    })
}

/// The id of a profile and that of its role.
async fn head(tx: &Tx, account: &AccountId, name: &str) -> Result<(String, Option<String>)> {
    let sql = "SELECT id, role_id FROM identity_instance_profiles WHERE account = $1 AND name = $2";
    let row = tx.fetch_optional(sql, params![account, name]).await?.ok_or_else(|| no_such_profile(name))?;
    Ok((row.text("id")?, row.opt_text("role_id")?))
}

pub(super) async fn add_role(store: &Store, account: &AccountId, name: &str, role: &str) -> Result<()> {
    store
        .write(|tx| async move {
            let (profile, present) = head(&tx, account, name).await?;
            let role = HolderName::role(role).find_to_change(&tx, account).await?.id;
            if present.is_some() {
                return Err(quota_exceeded("InstanceSessionsPerInstanceProfile", 1));
            }
            let sql = "UPDATE identity_instance_profiles SET role_id = $2 WHERE id = $1";
            tx.execute(sql, params![profile, role]).await?;
            Ok(())
        })
        .await
}

pub(super) async fn remove_role(store: &Store, account: &AccountId, name: &str, role: &str) -> Result<()> {
    store
        .write(|tx| async move {
            let (profile, present) = head(&tx, account, name).await?;
            let id = HolderName::role(role).find(&tx, account).await?.id;
            if present.as_deref() != Some(id.as_str()) {
                return Err(Error::not_found(format!("The role with name {role} cannot be found.")));
            }
            let sql = "UPDATE identity_instance_profiles SET role_id = NULL WHERE id = $1";
            tx.execute(sql, params![profile]).await?;
            Ok(())
        })
        .await
}

pub(super) async fn delete(store: &Store, account: &AccountId, name: &str) -> Result<()> {
    store
        .write(|tx| async move {
            let (profile, present) = head(&tx, account, name).await?;
            if present.is_some() {
                return Err(delete_conflict("must remove roles from instance profile first"));
            }
            tx.execute("DELETE FROM identity_instance_profiles WHERE id = $1", params![profile]).await?;
            Ok(())
        })
        .await
}
