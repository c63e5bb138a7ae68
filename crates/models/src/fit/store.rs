//! The rows of machines: what each was measured to do.

use ::store::{Migration, Module, Store, params};
use base::{Error, Result, Timestamp};

use super::machine::Measured;

const MIGRATIONS: &[Migration] = &[Migration::same(1, "machines", include_str!("../migrations/fit/0001_fit.sql"))];

/// The tables of machines.
pub(crate) const TABLES: Module = Module { name: "models-fit", migrations: MIGRATIONS };

/// What was measured of such machines; none where nothing was, or it is not understood any more.
pub(super) async fn measured(store: &Store, machine: &str) -> Result<Option<Measured>> {
    store
        .read(|tx| async move {
            let sql = "SELECT facts FROM model_machines WHERE machine = $1";
            let row = tx.fetch_optional(sql, params![machine]).await?;
            let text = row.map(|row| row.text("facts")).transpose()?;
            Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
        })
        .await
}

/// Keeps what was measured, in place of what was before.
pub(super) async fn keep(store: &Store, machine: &str, measured: &Measured, at: Timestamp) -> Result<()> {
    let facts = &serde_json::to_string(measured).map_err(Error::internal)?;
    store
        .write(|tx| async move {
            let sql = "INSERT INTO model_machines (machine, facts, updated_at) VALUES ($1, $2, $3)
                       ON CONFLICT (machine) DO UPDATE SET facts = excluded.facts, updated_at = excluded.updated_at";
            tx.execute(sql, params![machine, facts, at]).await?;
            Ok(())
        })
        .await
}
