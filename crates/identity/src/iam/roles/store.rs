//! The table of roles.

use ::store::{Row, Store, Tx, params};
use base::{AccountId, Error, PageRequest, Result, Timestamp};

use super::{PER_ACCOUNT, Role};
use crate::iam::errors::{delete_conflict, exists, quota_exceeded};
use crate::iam::holder::{HolderKind, HolderName};
use crate::iam::names::arn;
use crate::iam::principals::{self, PrincipalIds};
use crate::iam::store::tags_of;
use crate::iam::{attachments, boundaries, inline_policies, tags};
use crate::store::{account_id, bounds};
use crate::users::name_key;

pub(super) async fn insert(store: &Store, role: &Role, trusted: &[String]) -> Result<()> {
    store
        .write(|tx| async move {
            let sql = "SELECT COUNT(*) AS n FROM identity_roles WHERE account = $1";
            if tx.fetch_one(sql, params![&role.account]).await?.int("n")? >= PER_ACCOUNT {
                return Err(quota_exceeded("RolesPerAccount", PER_ACCOUNT));
            }
            if let Some(boundary) = &role.boundary {
                boundaries::check(&tx, &role.account, boundary).await?;
            }
            let ids = principals::check(&tx, trusted).await?;
            if add(&tx, role, &ids).await? { Ok(()) } else { Err(exists(HolderKind::Role, &role.name)) }
        })
        .await
}

pub(crate) async fn add(tx: &Tx, role: &Role, ids: &PrincipalIds) -> Result<bool> {
    let sql = "INSERT INTO identity_roles (id, account, name, name_key, path, description, trust, trust_principals,
                 max_session, boundary, service, tags, created_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING";
    let params = params![
        &role.id,
        &role.account,
        &role.name,
        name_key(&role.name),
        &role.path,
        role.description.as_deref(),
        &role.trust,
        ids.to_text()?,
        role.max_session,
        role.boundary.as_deref(),
        role.service.as_deref(),
        tags::to_text(&role.tags)?,
        role.created,
    ];
    Ok(tx.execute(sql, params).await? == 1)
}

pub(super) async fn read(store: &Store, account: &AccountId, name: &str) -> Result<Option<Role>> {
    store
        .read(|tx| async move {
            let sql = "SELECT * FROM identity_roles WHERE account = $1 AND name_key = $2 AND name = $3";
            let row = tx.fetch_optional(sql, params![account, name_key(name), name]).await?;
            optional(&tx, row).await
        })
        .await
}

pub(super) async fn read_by_id(store: &Store, id: &str) -> Result<Option<Role>> {
    store.read(|tx| async move { with_id(&tx, id).await }).await
}

/// The role with this id.
pub(crate) async fn with_id(tx: &Tx, id: &str) -> Result<Option<Role>> {
    optional(tx, tx.fetch_optional("SELECT * FROM identity_roles WHERE id = $1", params![id]).await?).await
}

pub(super) async fn list(
    store: &Store,
    account: &AccountId,
    path_prefix: &str,
    page: &PageRequest,
) -> Result<Vec<Role>> {
    let (after, limit) = bounds(page);
    store
        .read(|tx| async move {
            let sql = "SELECT * FROM identity_roles
                       WHERE account = $1 AND name_key > $2 AND substr(path, 1, length($3)) = $3
                       ORDER BY name_key LIMIT $4";
            all(&tx, tx.fetch_all(sql, params![account, after, path_prefix, limit]).await?).await
        })
        .await
}

async fn optional(tx: &Tx, row: Option<Row>) -> Result<Option<Role>> {
    match row {
        Some(row) => role(tx, &row).await.map(Some),
        None => Ok(None),
    }
}

/// The roles of these rows.
pub(crate) async fn all(tx: &Tx, rows: Vec<Row>) -> Result<Vec<Role>> {
    let mut roles = Vec::with_capacity(rows.len());
    for row in &rows {
        roles.push(role(tx, row).await?);
    }
    Ok(roles)
}

async fn role(tx: &Tx, row: &Row) -> Result<Role> {
    let account = account_id(row, "account")?;
    let (name, path) = (row.text("name")?, row.text("path")?);
    let ids = PrincipalIds::from_text(&row.text("trust_principals")?)?;
    let region = row.opt_text("last_used_region")?;
    Ok(Role {
        id: row.text("id")?,
        arn: arn(&account, "role", &path, &name),
        account,
        name,
        path,
        description: row.opt_text("description")?,
        trust: ids.present(tx, row.text("trust")?).await?,
        max_session: row.int("max_session")?,
        boundary: row.opt_text("boundary")?,
        service: row.opt_text("service")?,
        tags: tags_of(row)?,
        created: row.time("created_at")?,
        last_used: row.opt_time("last_used_at")?.map(|at| (at, region)),
    })
}

pub(super) async fn update(
    store: &Store,
    account: &AccountId,
    name: &str,
    description: Option<&str>,
    max_session: Option<i64>,
) -> Result<()> {
    store
        .write(|tx| async move {
            let role = HolderName::role(name).find_to_change(&tx, account).await?;
            let sql = "UPDATE identity_roles
                       SET description = COALESCE($2, description), max_session = COALESCE($3, max_session)
                       WHERE id = $1";
            tx.execute(sql, params![role.id, description, max_session]).await?;
            Ok(())
        })
        .await
}

pub(super) async fn set_trust(
    store: &Store,
    account: &AccountId,
    name: HolderName<'_>,
    trust: &str,
    trusted: &[String],
) -> Result<()> {
    store
        .write(|tx| async move {
            let role = name.find_to_change(&tx, account).await?;
            let ids = principals::check(&tx, trusted).await?.to_text()?;
            let sql = "UPDATE identity_roles SET trust = $2, trust_principals = $3 WHERE id = $1";
            tx.execute(sql, params![role.id, trust, ids]).await?;
            Ok(())
        })
        .await
}

pub(super) async fn delete(store: &Store, account: &AccountId, name: HolderName<'_>) -> Result<()> {
    store
        .write(|tx| async move {
            let role = name.find_to_change(&tx, account).await?;
            let sql = "SELECT COUNT(*) AS n FROM identity_instance_profiles WHERE role_id = $1";
            if tx.fetch_one(sql, params![&role.id]).await?.int("n")? > 0 {
                return Err(delete_conflict("must remove roles from instance profile first"));
            }
            attachments::require_none(&tx, &role.id).await?;
            inline_policies::require_none(&tx, &role.id).await?;
            tx.execute("DELETE FROM identity_roles WHERE id = $1", params![&role.id]).await?;
            Ok(())
        })
        .await
}

pub(crate) async fn write_use(tx: &Tx, id: &str, region: &str, at: Timestamp) -> Result<()> {
    let sql = "UPDATE identity_roles SET last_used_at = $1, last_used_region = $3
               WHERE id = $2 AND COALESCE(last_used_at, 0) < $1";
    tx.execute(sql, params![at, id, region]).await?;
    Ok(())
}

/// Removes a service-linked role with all that it has, and keeps the task that did so.
pub(super) async fn delete_linked(store: &Store, account: &AccountId, name: &str, task: &str) -> Result<()> {
    store
        .write(|tx| async move {
            let role = HolderName::role(name).find(&tx, account).await?;
            tx.execute("DELETE FROM identity_attached_policies WHERE holder = $1", params![&role.id]).await?;
            tx.execute("DELETE FROM identity_roles WHERE id = $1", params![&role.id]).await?;
            let sql = "INSERT INTO identity_role_deletions (task, account) VALUES ($1, $2)";
            tx.execute(sql, params![task, account]).await?;
            Ok(())
        })
        .await
}

pub(super) async fn deletion_exists(store: &Store, account: &AccountId, task: &str) -> Result<bool> {
    store
        .read(|tx| async move {
            let sql = "SELECT task FROM identity_role_deletions WHERE task = $1 AND account = $2";
            Ok(tx.fetch_optional(sql, params![task, account]).await?.is_some())
        })
        .await
}

pub(super) async fn insert_linked(store: &Store, role: &Role) -> Result<()> {
    store
        .write(|tx| async move {
            if add(&tx, role, &PrincipalIds::default()).await? {
                return Ok(());
            }
            Err(Error::invalid(format!(
                "Service role name {} has been taken in this account, please try a different suffix.",
                role.name
            ))
            .with_code("InvalidInput"))
        })
        .await
}
