//! Users and roles of all accounts, by ARN and by id.

use ::store::{Row, Tx, params};
use base::Result;

use crate::iam::names;
use crate::store::account_id;

/// The present ARN of the user or role with this id.
pub(super) async fn arn_of(tx: &Tx, id: &str) -> Result<Option<String>> {
    let sql = "SELECT 'user' AS kind, account, path, name FROM identity_users WHERE id = $1
               UNION ALL SELECT 'role' AS kind, account, path, name FROM identity_roles WHERE id = $1";
    let row = tx.fetch_optional(sql, params![id]).await?;
    row.as_ref().map(arn).transpose()
}

fn arn(row: &Row) -> Result<String> {
    Ok(names::arn(&account_id(row, "account")?, &row.text("kind")?, &row.text("path")?, &row.text("name")?))
}

/// The id of the user, or else the role, that has exactly this path and name.
pub(super) async fn id_of(tx: &Tx, account: &str, user: bool, path: &str, name: &str) -> Result<Option<String>> {
    let sql = if user {
        "SELECT id FROM identity_users WHERE account = $1 AND path = $2 AND name = $3"
    } else {
        "SELECT id FROM identity_roles WHERE account = $1 AND path = $2 AND name = $3"
    };
    let row = tx.fetch_optional(sql, params![account, path, name]).await?;
    row.map(|row| row.text("id")).transpose()
}

/// The id of the role `name`, whatever its path: sessions' ARNs do not say it.
pub(super) async fn role_id(tx: &Tx, account: &str, name: &str) -> Result<Option<String>> {
    let sql = "SELECT id FROM identity_roles WHERE account = $1 AND name = $2";
    let row = tx.fetch_optional(sql, params![account, name]).await?;
    row.map(|row| row.text("id")).transpose()
}

pub(super) async fn account_exists(tx: &Tx, account: &str) -> Result<bool> {
    let sql = "SELECT id FROM identity_accounts WHERE id = $1";
    Ok(tx.fetch_optional(sql, params![account]).await?.is_some())
}
