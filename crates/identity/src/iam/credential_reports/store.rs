//! The table of credential reports.

use ::store::{Store, params};
use base::{AccountId, Result, Timestamp};

use super::CredentialReport;

/// Keeps the account's report in place of the one before; true where there was none.
pub(super) async fn put(store: &Store, account: &AccountId, report: &CredentialReport) -> Result<bool> {
    store
        .write(|tx| async move {
            let CredentialReport { content, made } = report;
            let sql = "UPDATE identity_credential_reports SET content = $2, created_at = $3 WHERE account = $1";
            if tx.execute(sql, params![account, content, *made]).await? > 0 {
                return Ok(false);
            }
            let sql = "INSERT INTO identity_credential_reports (account, content, created_at) VALUES ($1, $2, $3)";
            tx.execute(sql, params![account, content, *made]).await?;
            Ok(true)
        })
        .await
}

pub(super) async fn read(store: &Store, account: &AccountId) -> Result<Option<CredentialReport>> {
    store
        .read(|tx| async move {
            let sql = "SELECT content, created_at FROM identity_credential_reports WHERE account = $1";
            let row = tx.fetch_optional(sql, params![account]).await?;
            row.map(|row| Ok(CredentialReport { content: row.text("content")?, made: row.time("created_at")? }))
                .transpose()
        })
        .await
}

/// When the account was made, and the ids of its root's access keys, the oldest first.
pub(super) async fn root(store: &Store, account: &AccountId) -> Result<(Timestamp, Vec<String>)> {
    store
        .read(|tx| async move {
            let sql = "SELECT created_at FROM identity_accounts WHERE id = $1";
            let made = tx.fetch_one(sql, params![account]).await?.time("created_at")?;
            let sql =
                "SELECT id FROM identity_access_keys WHERE account = $1 AND user_id IS NULL ORDER BY created_at, id";
            let keys = tx.fetch_all(sql, params![account]).await?;
            Ok((made, keys.iter().map(|row| row.text("id")).collect::<Result<_>>()?))
        })
        .await
}
