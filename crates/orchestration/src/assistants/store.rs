//! The table of applications, keyed by account, region and id.

use ::store::{Migration, Module, Row, Store, params};
use base::{PageRequest, Result};
use identity::Ctx;

use super::Application;

const MIGRATIONS: &[Migration] =
    &[Migration::same(1, "applications", include_str!("../../migrations/0001_assistants.sql"))];

/// The tables of this module.
pub const TABLES: Module = Module { name: "assistants", migrations: MIGRATIONS };

pub(super) async fn list(store: &Store, ctx: &Ctx, page: &PageRequest) -> Result<Vec<Application>> {
    let (after, limit) = (page.after.as_deref().unwrap_or_default(), i64::from(page.limit) + 1);
    store
        .read(|tx| async move {
            let sql = "SELECT id, display_name, status, identity_type, created_at, updated_at
                       FROM assistants_applications WHERE account = $1 AND region = $2 AND id > $3 ORDER BY id LIMIT $4";
            let rows = tx.fetch_all(sql, params![ctx.account(), ctx.region(), after, limit]).await?;
            rows.iter().map(application).collect()
        })
        .await
}

fn application(row: &Row) -> Result<Application> {
    Ok(Application {
        id: row.text("id")?,
        display_name: row.text("display_name")?,
        status: row.text("status")?,
        identity_type: row.text("identity_type")?,
        created: row.time("created_at")?,
        updated: row.time("updated_at")?,
    })
}
