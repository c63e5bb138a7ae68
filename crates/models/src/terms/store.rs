//! The rows of accepted terms, keyed by account, model and the terms.

use ::store::{Migration, Module, Row, Store, params};
use base::{Result, Timestamp};
use identity::Ctx;

use super::Acceptance;

const MIGRATIONS: &[Migration] = &[Migration::same(1, "terms", include_str!("../migrations/terms/0001_terms.sql"))];

/// The tables of terms.
pub(crate) const TABLES: Module = Module { name: "models-terms", migrations: MIGRATIONS };

/// Keeps an acceptance; an earlier one of the same terms stays as it is.
pub(super) async fn put(store: &Store, ctx: &Ctx, acceptance: &Acceptance) -> Result<()> {
    let account = ctx.account();
    store
        .write(|tx| async move {
            let sql = "INSERT INTO model_terms (account, model, licence, url, accepted_by, accepted_at)
                       VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (account, model, licence, url) DO NOTHING";
            let Acceptance { model, licence, url, accepted_by, accepted_at } = acceptance;
            tx.execute(sql, params![account, model, licence, url, accepted_by, *accepted_at]).await?;
            Ok(())
        })
        .await
}

/// What an account accepted.
pub(super) async fn list(store: &Store, ctx: &Ctx) -> Result<Vec<Acceptance>> {
    let account = ctx.account();
    store
        .read(|tx| async move {
            let sql = "SELECT model, licence, url, accepted_by, accepted_at FROM model_terms
                       WHERE account = $1 ORDER BY model, accepted_at, licence, url";
            tx.fetch_all(sql, params![account]).await?.iter().map(read).collect()
        })
        .await
}

fn read(row: &Row) -> Result<Acceptance> {
    Ok(Acceptance {
        model: row.text("model")?,
        licence: row.text("licence")?,
        url: row.text("url")?,
        accepted_by: row.text("accepted_by")?,
        accepted_at: Timestamp(row.int("accepted_at")?),
    })
}
