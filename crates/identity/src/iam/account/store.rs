//! What is kept of an account as a whole.

use ::store::{Row, Store, Tx, params};
use base::{AccountId, Error, Result};

use super::Counts;
use super::details::{Detail, DetailKind, Holding};
use crate::iam::{attachments, groups, inline_policies, instance_profiles, oidc_providers, roles};
use crate::store::user;

pub(super) async fn set_alias(store: &Store, account: &AccountId, alias: &str) -> Result<()> {
    store
        .write(|tx| async move {
            let sql = "SELECT account FROM identity_account_aliases WHERE alias = $1";
            if tx.fetch_optional(sql, params![alias]).await?.is_some() {
                return Err(Error::already_exists(format!("The account alias {alias} already exists.")));
            }
            tx.execute("DELETE FROM identity_account_aliases WHERE account = $1", params![account]).await?;
            let sql = "INSERT INTO identity_account_aliases (alias, account) VALUES ($1, $2)";
            tx.execute(sql, params![alias, account]).await?;
            Ok(())
        })
        .await
}

pub(super) async fn alias(store: &Store, account: &AccountId) -> Result<Option<String>> {
    store
        .read(|tx| async move {
            let sql = "SELECT alias FROM identity_account_aliases WHERE account = $1";
            tx.fetch_optional(sql, params![account]).await?.map(|row| row.text("alias")).transpose()
        })
        .await
}

pub(super) async fn remove_alias(store: &Store, account: &AccountId, alias: &str) -> Result<bool> {
    store
        .write(|tx| async move {
            let sql = "DELETE FROM identity_account_aliases WHERE account = $1 AND alias = $2";
            Ok(tx.execute(sql, params![account, alias]).await? == 1)
        })
        .await
}

pub(super) async fn set_password_policy(store: &Store, account: &AccountId, policy: &str) -> Result<()> {
    store
        .write(|tx| async move {
            let sql = "INSERT INTO identity_password_policies (account, policy) VALUES ($1, $2)
                       ON CONFLICT (account) DO UPDATE SET policy = excluded.policy";
            tx.execute(sql, params![account, policy]).await?;
            Ok(())
        })
        .await
}

pub(super) async fn password_policy(store: &Store, account: &AccountId) -> Result<Option<String>> {
    store
        .read(|tx| async move {
            let sql = "SELECT policy FROM identity_password_policies WHERE account = $1";
            tx.fetch_optional(sql, params![account]).await?.map(|row| row.text("policy")).transpose()
        })
        .await
}

pub(super) async fn remove_password_policy(store: &Store, account: &AccountId) -> Result<bool> {
    store
        .write(|tx| async move {
            let sql = "DELETE FROM identity_password_policies WHERE account = $1";
            Ok(tx.execute(sql, params![account]).await? == 1)
        })
        .await
}

pub(super) async fn counts(store: &Store, account: &AccountId) -> Result<Counts> {
    store
        .read(|tx| async move {
            let sql = "SELECT
                (SELECT COUNT(*) FROM identity_users WHERE account = $1) AS users,
                (SELECT COUNT(*) FROM identity_groups WHERE account = $1) AS groups_n,
                (SELECT COUNT(*) FROM identity_roles WHERE account = $1) AS roles,
                (SELECT COUNT(*) FROM identity_policies WHERE account = $1) AS policies,
                (SELECT COUNT(*) FROM identity_policy_versions v JOIN identity_policies p ON p.id = v.policy_id
                   WHERE p.account = $1) AS versions,
                (SELECT COUNT(*) FROM identity_access_keys WHERE account = $1 AND user_id IS NULL) AS root_keys";
            let row = tx.fetch_one(sql, params![account]).await?;
            Ok(Counts {
                users: row.int("users")?,
                groups: row.int("groups_n")?,
                roles: row.int("roles")?,
                policies: row.int("policies")?,
                versions: row.int("versions")?,
                instance_profiles: instance_profiles::count(&tx, account).await?,
                root_keys: row.int("root_keys")?,
                providers: oidc_providers::store::count(&tx, account).await?,
            })
        })
        .await
}

/// The users, groups and roles of those kinds with all that they have.
pub(super) async fn details(store: &Store, account: &AccountId, kinds: &[DetailKind]) -> Result<Vec<Detail>> {
    store
        .read(|tx| async move {
            let mut details = Vec::new();
            if kinds.contains(&DetailKind::User) {
                let sql = "SELECT * FROM identity_users WHERE account = $1 ORDER BY name_key";
                for row in tx.fetch_all(sql, params![account]).await? {
                    details.push(user_detail(&tx, &row).await?);
                }
            }
            if kinds.contains(&DetailKind::Group) {
                for group in groups::all(&tx, account).await? {
                    let holding = holding(&tx, &group.id).await?;
                    details.push(Detail::Group { group, holding });
                }
            }
            if kinds.contains(&DetailKind::Role) {
                let sql = "SELECT * FROM identity_roles WHERE account = $1 ORDER BY name_key";
                for role in roles::all(&tx, tx.fetch_all(sql, params![account]).await?).await? {
                    let profiles = instance_profiles::of_role(&tx, &role.id).await?;
                    let holding = holding(&tx, &role.id).await?;
                    details.push(Detail::Role { role: Box::new(role), holding, profiles });
                }
            }
            Ok(details)
        })
        .await
}

async fn user_detail(tx: &Tx, row: &Row) -> Result<Detail> {
    let user = user(row)?;
    let groups = groups::of_user(tx, &user.id).await?.into_iter().map(|group| group.name).collect();
    let holding = holding(tx, &user.id).await?;
    Ok(Detail::User { user: Box::new(user), holding, groups })
}

async fn holding(tx: &Tx, id: &str) -> Result<Holding> {
    let attached = attachments::arns_of(tx, id).await?;
    Ok(Holding {
        inline: inline_policies::all_of(tx, id).await?,
        attached: attached.into_iter().map(attachments::AttachedPolicy::of).collect(),
    })
}
