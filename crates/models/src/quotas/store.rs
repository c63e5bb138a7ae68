//! The rows of quotas, keyed by account and model.

use ::store::{Migration, Module, Row, Store, params};
use base::{AccountId, Error, Result, Timestamp};

use super::{Quota, SetQuota};

const MIGRATIONS: &[Migration] = &[Migration::same(1, "quotas", include_str!("../migrations/quotas/0001_quotas.sql"))];

/// The tables of quotas.
pub(crate) const TABLES: Module = Module { name: "models-quotas", migrations: MIGRATIONS };

/// Writes a quota in place of the one that the account has for the model.
pub(super) async fn put(store: &Store, set: &SetQuota) -> Result<()> {
    let Quota { requests_per_minute, tokens_per_minute, running } = set.quota;
    let model = set.model.as_deref().unwrap_or_default();
    store
        .write(|tx| async move {
            let sql = "INSERT INTO model_quotas
                         (account, model, requests_per_minute, tokens_per_minute, running, updated_at)
                       VALUES ($1, $2, $3, $4, $5, $6)
                       ON CONFLICT (account, model) DO UPDATE SET
                         requests_per_minute = excluded.requests_per_minute,
                         tokens_per_minute = excluded.tokens_per_minute,
                         running = excluded.running, updated_at = excluded.updated_at";
            let params = params![
                &set.account,
                model,
                requests_per_minute.map(i64::from),
                tokens_per_minute.map(i64::from),
                running.map(i64::from),
                set.updated_at,
            ];
            tx.execute(sql, params).await?;
            Ok(())
        })
        .await
}

/// Removes the quota that the account has for the model; whether there was one.
pub(super) async fn delete(store: &Store, account: &AccountId, model: Option<&str>) -> Result<bool> {
    store
        .write(|tx| async move {
            let sql = "DELETE FROM model_quotas WHERE account = $1 AND model = $2";
            Ok(tx.execute(sql, params![account, model.unwrap_or_default()]).await? > 0)
        })
        .await
}

/// Every quota of the deployment, by account and model.
pub(super) async fn list(store: &Store) -> Result<Vec<SetQuota>> {
    store
        .read(|tx| async move {
            let sql = "SELECT account, model, requests_per_minute, tokens_per_minute, running, updated_at
                       FROM model_quotas ORDER BY account, model";
            tx.fetch_all(sql, params![]).await?.iter().map(read).collect()
        })
        .await
}

fn read(row: &Row) -> Result<SetQuota> {
    let limit = |column: &str| row.opt_int(column)?.map(u32::try_from).transpose().map_err(Error::internal);
    Ok(SetQuota {
        account: row.text("account")?.parse()?,
        model: Some(row.text("model")?).filter(|model| !model.is_empty()),
        quota: Quota {
            requests_per_minute: limit("requests_per_minute")?,
            tokens_per_minute: limit("tokens_per_minute")?,
            running: limit("running")?,
        },
        updated_at: Timestamp(row.int("updated_at")?),
    })
}
