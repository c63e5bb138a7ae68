//! The rows of this module: aliases, keyed by account, region and model id.

use ::store::{Migration, Module, Row, Store, params};
use base::{AccountId, Result};
use identity::Ctx;

const MIGRATIONS: &[Migration] = &[
    Migration::same(1, "aliases", include_str!("migrations/0001_aliases.sql")),
    Migration::same(2, "imported models", include_str!("migrations/0002_imported_models.sql")),
    Migration::same(3, "model import", include_str!("migrations/0003_model_import.sql")),
    Migration::same(4, "import service", include_str!("migrations/0004_import_service.sql")),
    Migration::same(5, "import bound", include_str!("migrations/0005_import_bound.sql")),
];

/// An alias as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AliasRow {
    pub(crate) model_id: String,
    pub(crate) target: TargetRow,
    pub(crate) updated_at: i64,
}

/// What an alias points at, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TargetRow {
    Local { name: String },
    Remote { base_url: String, model: String, sealed_api_key: Option<Vec<u8>> },
}

/// The tables of this module.
pub const TABLES: Module = Module { name: "models", migrations: MIGRATIONS };

/// Makes the tables of every module of this crate.
pub(crate) async fn migrate(store: &Store) -> Result<()> {
    for module in crate::MODULES {
        store.migrate(module.name, module.migrations).await?;
    }
    Ok(())
}

/// Replaces each sealed API key for which `reseal` gives another.
pub(crate) async fn reseal_api_keys(
    store: &Store,
    reseal: impl Fn(&[u8]) -> Result<Option<Vec<u8>>> + Copy,
) -> Result<()> {
    let stale = |row: Row| -> Result<Option<(Row, Vec<u8>)>> {
        Ok(reseal(&row.bytes("api_key")?)?.map(|sealed| (row, sealed)))
    };
    let sql = "SELECT account, region, model_id, api_key FROM model_aliases WHERE api_key IS NOT NULL";
    let rows = store.read(|tx| async move { tx.fetch_all(sql, params![]).await }).await?;
    let stale = rows.into_iter().filter_map(|row| stale(row).transpose()).collect::<Result<Vec<_>>>()?;
    let stale = &stale;
    if stale.is_empty() {
        return Ok(());
    }
    store
        .write(|tx| async move {
            // Only where it is still what was read: an alias may be set anew meanwhile.
            let sql = "UPDATE model_aliases SET api_key = $1
                       WHERE account = $2 AND region = $3 AND model_id = $4 AND api_key = $5";
            for (row, sealed) in stale {
                let key = (row.text("account")?, row.text("region")?, row.text("model_id")?);
                tx.execute(sql, params![sealed, key.0, key.1, key.2, row.bytes("api_key")?]).await?;
            }
            Ok(())
        })
        .await
}

/// Writes an alias in place of the one that the id may have.
pub(crate) async fn put_alias(store: &Store, ctx: &Ctx, alias: &AliasRow) -> Result<()> {
    let (account, region) = (ctx.account(), ctx.region());
    let (name, base_url, model, key) = match &alias.target {
        TargetRow::Local { name } => (Some(name.as_str()), None, None, None),
        TargetRow::Remote { base_url, model, sealed_api_key } => {
            (None, Some(base_url.as_str()), Some(model.as_str()), sealed_api_key.as_deref())
        }
    };
    store
        .write(|tx| async move {
            tx.execute(
                "INSERT INTO model_aliases
                    (account, region, model_id, local_name, base_url, upstream_model, api_key, updated_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
                 ON CONFLICT (account, region, model_id) DO UPDATE SET
                    local_name = excluded.local_name, base_url = excluded.base_url,
                    upstream_model = excluded.upstream_model, api_key = excluded.api_key,
                    updated_at = excluded.updated_at",
                params![account, region, &alias.model_id, name, base_url, model, key, alias.updated_at],
            )
            .await?;
            Ok(())
        })
        .await
}

/// Removes all aliases of an account.
pub(crate) async fn remove_aliases_of(store: &Store, account: &AccountId) -> Result<()> {
    store
        .write(|tx| async move {
            tx.execute("DELETE FROM model_aliases WHERE account = $1", params![account]).await?;
            Ok(())
        })
        .await
}

/// Removes an alias; whether there was one.
pub(crate) async fn delete_alias(store: &Store, ctx: &Ctx, model_id: &str) -> Result<bool> {
    let (account, region) = (ctx.account(), ctx.region());
    store
        .write(|tx| async move {
            let sql = "DELETE FROM model_aliases WHERE account = $1 AND region = $2 AND model_id = $3";
            Ok(tx.execute(sql, params![account, region, model_id]).await? > 0)
        })
        .await
}

/// The alias of either id, the first one's before the second's.
pub(crate) async fn find_alias(store: &Store, ctx: &Ctx, first: &str, second: &str) -> Result<Option<AliasRow>> {
    let (account, region) = (ctx.account(), ctx.region());
    store
        .read(|tx| async move {
            let sql = "SELECT model_id, local_name, base_url, upstream_model, api_key, updated_at FROM model_aliases
                       WHERE account = $1 AND region = $2 AND model_id IN ($3, $4)";
            let rows = tx.fetch_all(sql, params![account, region, first, second]).await?;
            let mut aliases = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
            aliases.sort_by_key(|alias| alias.model_id != first);
            Ok(aliases.into_iter().next())
        })
        .await
}

/// The aliases of the caller's account and region, by model id.
pub(crate) async fn list_aliases(store: &Store, ctx: &Ctx) -> Result<Vec<AliasRow>> {
    let (account, region) = (ctx.account(), ctx.region());
    store
        .read(|tx| async move {
            let sql = "SELECT model_id, local_name, base_url, upstream_model, api_key, updated_at FROM model_aliases
                       WHERE account = $1 AND region = $2 ORDER BY model_id";
            tx.fetch_all(sql, params![account, region]).await?.iter().map(read).collect()
        })
        .await
}

fn read(row: &Row) -> Result<AliasRow> {
    let target = match row.opt_text("local_name")? {
        Some(name) => TargetRow::Local { name },
        None => TargetRow::Remote {
            base_url: row.text("base_url")?,
            model: row.text("upstream_model")?,
            sealed_api_key: row.opt_bytes("api_key")?,
        },
    };
    Ok(AliasRow { model_id: row.text("model_id")?, target, updated_at: row.int("updated_at")? })
}
