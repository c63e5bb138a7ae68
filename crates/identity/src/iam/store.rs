//! The tables of IAM: what several parts of it need.

use ::store::{Migration, Module, Row, Store, Tx, params};
use base::{AccountId, Result};

use super::holder::{Holder, HolderKind, HolderName};
use super::tags;
use crate::users::{Tag, name_key};

const MIGRATIONS: &[Migration] = &[Migration::same(
    1,
    "policies, roles, groups and instance profiles",
    include_str!("../../migrations/0001_identity_iam.sql"),
)];

/// To be made after those of accounts and users.
pub(crate) const TABLES: Module = Module { name: "identity-iam", migrations: MIGRATIONS };

pub(crate) async fn holder(tx: &Tx, account: &AccountId, holder: HolderName<'_>) -> Result<Option<Holder>> {
    let sql = match holder.kind {
        HolderKind::User => {
            "SELECT id, NULL AS service FROM identity_users WHERE account = $1 AND name_key = $2 AND name = $3"
        }
        HolderKind::Group => {
            "SELECT id, NULL AS service FROM identity_groups WHERE account = $1 AND name_key = $2 AND name = $3"
        }
        HolderKind::Role => "SELECT id, service FROM identity_roles WHERE account = $1 AND name_key = $2 AND name = $3",
    };
    let row = tx.fetch_optional(sql, params![account, name_key(holder.name), holder.name]).await?;
    row.map(|row| Ok(Holder { id: row.text("id")?, service_linked: row.opt_text("service")?.is_some() })).transpose()
}

pub(crate) fn tags_of(row: &Row) -> Result<Vec<Tag>> {
    tags::from_text(&row.text("tags")?)
}

// What decides what a principal may

/// The texts of a principal's policies.
#[derive(Default)]
pub(crate) struct RightsRow {
    /// The ARN of the boundary.
    pub(crate) boundary: Option<String>,
    pub(crate) tags: Vec<Tag>,
    pub(crate) inline: Vec<InlineRow>,
    pub(crate) managed: Vec<ManagedRow>,
    /// The document of a boundary that is not AWS's.
    pub(crate) boundary_document: Option<String>,
}

/// An embedded policy.
pub(crate) struct InlineRow {
    pub(crate) kind: HolderKind,
    /// The name of the user, group or role.
    pub(crate) holder: String,
    pub(crate) name: String,
    pub(crate) document: String,
}

/// An attached policy.
pub(crate) struct ManagedRow {
    pub(crate) arn: String,
    /// `None` for AWS's own.
    pub(crate) document: Option<String>,
}

/// `None` where the user is gone.
pub(crate) async fn user_rights(store: &Store, id: &str) -> Result<Option<RightsRow>> {
    store
        .read(|tx| async move {
            let sql = "SELECT name, boundary, tags FROM identity_users WHERE id = $1";
            let Some(row) = tx.fetch_optional(sql, params![id]).await? else { return Ok(None) };
            let mut rights = rights(&tx, id, &row, HolderKind::User).await?;
            let sql = "SELECT g.name AS holder, i.name, i.document
                       FROM identity_group_members m JOIN identity_groups g ON g.id = m.group_id
                       JOIN identity_inline_policies i ON i.holder = g.id
                       WHERE m.user_id = $1 ORDER BY g.name_key, i.name";
            for row in tx.fetch_all(sql, params![id]).await? {
                rights.inline.push(inline(&row, HolderKind::Group, row.text("holder")?)?);
            }
            Ok(Some(rights))
        })
        .await
}

/// `None` where the role is gone.
pub(crate) async fn role_rights(store: &Store, id: &str) -> Result<Option<RightsRow>> {
    store
        .read(|tx| async move {
            let sql = "SELECT name, boundary, tags FROM identity_roles WHERE id = $1";
            let Some(row) = tx.fetch_optional(sql, params![id]).await? else { return Ok(None) };
            rights(&tx, id, &row, HolderKind::Role).await.map(Some)
        })
        .await
}

/// A group's policies: what it gives to its members.
pub(crate) async fn group_rights(store: &Store, id: &str) -> Result<Option<RightsRow>> {
    store
        .read(|tx| async move {
            let sql = "SELECT name, NULL AS boundary, '[]' AS tags FROM identity_groups WHERE id = $1";
            let Some(row) = tx.fetch_optional(sql, params![id]).await? else { return Ok(None) };
            rights(&tx, id, &row, HolderKind::Group).await.map(Some)
        })
        .await
}

async fn rights(tx: &Tx, id: &str, row: &Row, kind: HolderKind) -> Result<RightsRow> {
    let boundary = row.opt_text("boundary")?;
    let mut found = RightsRow { tags: tags_of(row)?, ..RightsRow::default() };
    let sql = "SELECT name, document FROM identity_inline_policies WHERE holder = $1 ORDER BY name";
    for inline_row in tx.fetch_all(sql, params![id]).await? {
        found.inline.push(inline(&inline_row, kind, row.text("name")?)?);
    }
    // The memberships of what is no user are none.
    let sql = "SELECT DISTINCT a.policy_arn, v.document FROM identity_attached_policies a
               LEFT JOIN identity_policies p ON p.arn = a.policy_arn
               LEFT JOIN identity_policy_versions v ON v.policy_id = p.id AND v.version = p.default_version
               WHERE a.holder = $1 OR a.holder IN (SELECT group_id FROM identity_group_members WHERE user_id = $1)
               ORDER BY a.policy_arn";
    for row in tx.fetch_all(sql, params![id]).await? {
        found.managed.push(ManagedRow { arn: row.text("policy_arn")?, document: row.opt_text("document")? });
    }
    if let Some(arn) = &boundary {
        let sql = "SELECT v.document FROM identity_policies p
                   JOIN identity_policy_versions v ON v.policy_id = p.id AND v.version = p.default_version
                   WHERE p.arn = $1";
        let row = tx.fetch_optional(sql, params![arn]).await?;
        found.boundary_document = row.map(|row| row.text("document")).transpose()?;
    }
    found.boundary = boundary;
    Ok(found)
}

fn inline(row: &Row, kind: HolderKind, holder: String) -> Result<InlineRow> {
    Ok(InlineRow { kind, holder, name: row.text("name")?, document: row.text("document")? })
}
