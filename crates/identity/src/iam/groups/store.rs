//! The tables of groups.

use ::store::{Row, Store, Tx, params};
use base::{AccountId, Error, PageRequest, Result};

use super::{Group, PER_ACCOUNT, PER_USER};
use crate::iam::errors::{delete_conflict, exists, quota_exceeded};
use crate::iam::holder::{HolderKind, HolderName};
use crate::iam::{attachments, inline_policies};
use crate::store::{account_id, bounds, user};
use crate::users::{User, name_key};

pub(super) async fn insert(store: &Store, account: &AccountId, group: &Group) -> Result<()> {
    store
        .write(|tx| async move {
            let sql = "SELECT COUNT(*) AS n FROM identity_groups WHERE account = $1";
            if tx.fetch_one(sql, params![account]).await?.int("n")? >= PER_ACCOUNT {
                return Err(quota_exceeded("GroupsPerAccount", PER_ACCOUNT));
            }
            let sql = "INSERT INTO identity_groups (id, account, name, name_key, path, created_at)
                       VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
            let Group { id, name, path, created, .. } = group;
            match tx.execute(sql, params![id, account, name, name_key(name), path, *created]).await? {
                0 => Err(exists(HolderKind::Group, name)),
                _ => Ok(()),
            }
        })
        .await
}

pub(super) async fn read(store: &Store, account: &AccountId, name: &str) -> Result<Option<Group>> {
    store
        .read(|tx| async move {
            let sql = "SELECT * FROM identity_groups WHERE account = $1 AND name_key = $2 AND name = $3";
            tx.fetch_optional(sql, params![account, name_key(name), name]).await?.as_ref().map(group).transpose()
        })
        .await
}

pub(super) async fn members(store: &Store, account: &AccountId, name: &str, page: &PageRequest) -> Result<Vec<User>> {
    let (after, limit) = bounds(page);
    store
        .read(|tx| async move {
            let id = HolderName::group(name).find(&tx, account).await?.id;
            let sql = "SELECT u.* FROM identity_users u JOIN identity_group_members m ON m.user_id = u.id
                       WHERE m.group_id = $1 AND u.name_key > $2 ORDER BY u.name_key LIMIT $3";
            tx.fetch_all(sql, params![id, after, limit]).await?.iter().map(user).collect()
        })
        .await
}

pub(super) async fn list(
    store: &Store,
    account: &AccountId,
    path_prefix: &str,
    page: &PageRequest,
) -> Result<Vec<Group>> {
    let (after, limit) = bounds(page);
    store
        .read(|tx| async move {
            let sql = "SELECT * FROM identity_groups
                       WHERE account = $1 AND name_key > $2 AND substr(path, 1, length($3)) = $3
                       ORDER BY name_key LIMIT $4";
            tx.fetch_all(sql, params![account, after, path_prefix, limit]).await?.iter().map(group).collect()
        })
        .await
}

/// The account's groups.
pub(crate) async fn all(tx: &Tx, account: &AccountId) -> Result<Vec<Group>> {
    let sql = "SELECT * FROM identity_groups WHERE account = $1 ORDER BY name_key";
    tx.fetch_all(sql, params![account]).await?.iter().map(group).collect()
}

pub(super) async fn list_of_user(
    store: &Store,
    account: &AccountId,
    user: &str,
    page: &PageRequest,
) -> Result<Vec<Group>> {
    store
        .read(|tx| async move {
            let id = HolderName::user(user).find(&tx, account).await?.id;
            let after = page.after.as_deref().unwrap_or_default();
            let groups = of_user(&tx, &id).await?;
            Ok(groups.into_iter().filter(|group| name_key(&group.name).as_str() > after).collect())
        })
        .await
}

/// The groups that a user is in: ten at most.
pub(crate) async fn of_user(tx: &Tx, user_id: &str) -> Result<Vec<Group>> {
    let sql = "SELECT g.* FROM identity_groups g JOIN identity_group_members m ON m.group_id = g.id
               WHERE m.user_id = $1 ORDER BY g.name_key";
    tx.fetch_all(sql, params![user_id]).await?.iter().map(group).collect()
}

fn group(row: &Row) -> Result<Group> {
    let (name, path) = (row.text("name")?, row.text("path")?);
    Ok(Group {
        id: row.text("id")?,
        arn: Group::arn_of(&account_id(row, "account")?, &path, &name),
        name,
        path,
        created: row.time("created_at")?,
    })
}

pub(super) async fn update(
    store: &Store,
    account: &AccountId,
    name: &str,
    new_name: Option<&str>,
    new_path: Option<&str>,
) -> Result<()> {
    store
        .write(|tx| async move {
            let id = HolderName::group(name).find(&tx, account).await?.id;
            if let Some(new) = new_name {
                let sql = "SELECT id FROM identity_groups WHERE account = $1 AND name_key = $2 AND id <> $3";
                if tx.fetch_optional(sql, params![account, name_key(new), &id]).await?.is_some() {
                    return Err(exists(HolderKind::Group, new));
                }
            }
            let sql = "UPDATE identity_groups
                       SET name = COALESCE($2, name), name_key = COALESCE($3, name_key), path = COALESCE($4, path)
                       WHERE id = $1";
            tx.execute(sql, params![id, new_name, new_name.map(name_key), new_path]).await?;
            Ok(())
        })
        .await
}

pub(super) async fn delete(store: &Store, account: &AccountId, name: &str) -> Result<()> {
    store
        .write(|tx| async move {
            let id = HolderName::group(name).find(&tx, account).await?.id;
            let sql = "SELECT COUNT(*) AS n FROM identity_group_members WHERE group_id = $1";
            if tx.fetch_one(sql, params![&id]).await?.int("n")? > 0 {
                return Err(delete_conflict("must remove users from group first"));
            }
            attachments::require_none(&tx, &id).await?;
            inline_policies::require_none(&tx, &id).await?;
            tx.execute("DELETE FROM identity_groups WHERE id = $1", params![&id]).await?;
            Ok(())
        })
        .await
}

pub(super) async fn add_member(store: &Store, account: &AccountId, group: &str, user: &str) -> Result<()> {
    store
        .write(|tx| async move {
            let user = HolderName::user(user).find(&tx, account).await?.id;
            let group = HolderName::group(group).find(&tx, account).await?.id;
            let groups = of_user(&tx, &user).await?;
            if groups.len() as i64 >= PER_USER && !groups.iter().any(|known| known.id == group) {
                return Err(quota_exceeded("GroupsPerUser", PER_USER));
            }
            let sql = "INSERT INTO identity_group_members (group_id, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING";
            tx.execute(sql, params![group, user]).await?;
            Ok(())
        })
        .await
}

pub(super) async fn remove_member(store: &Store, account: &AccountId, group: &str, user: &str) -> Result<()> {
    store
        .write(|tx| async move {
            let user_id = HolderName::user(user).find(&tx, account).await?.id;
            let group_id = HolderName::group(group).find(&tx, account).await?.id;
            let sql = "DELETE FROM identity_group_members WHERE group_id = $1 AND user_id = $2";
            match tx.execute(sql, params![group_id, user_id]).await? {
                0 => Err(Error::not_found(format!("User {user} not in group {group}."))),
                _ => Ok(()),
            }
        })
        .await
}

/// Refuses the deletion of a user who is in a group.
pub(crate) async fn require_none(tx: &Tx, user_id: &str) -> Result<()> {
    if of_user(tx, user_id).await?.is_empty() {
        return Ok(());
    }
    Err(delete_conflict("must remove users from group first"))
}
