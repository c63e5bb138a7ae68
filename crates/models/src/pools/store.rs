//! The rows of pools, keyed by their owner (the deployment's first account, in a region) and name.

use ::store::{Migration, Module, Row, Store, Tx, params};
use base::{AccountId, Error, Region, Result, Timestamp};
use identity::Ctx;

const MIGRATIONS: &[Migration] = &[Migration::same(1, "pools", include_str!("../migrations/pools/0001_pools.sql"))];

/// The tables of pools.
pub(crate) const TABLES: Module = Module { name: "models-pools", migrations: MIGRATIONS };

/// Who set pools, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
}

impl Owner {
    /// The caller.
    pub(crate) fn of(ctx: &Ctx) -> Self {
        Self { account: ctx.account().clone(), region: ctx.region().clone() }
    }
}

/// A pool as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PoolRow {
    pub(crate) name: String,
    pub(crate) max_queue: u32,
    pub(crate) members: Vec<MemberRow>,
    pub(crate) updated: Timestamp,
}

/// A member as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MemberRow {
    pub(crate) base_url: String,
    pub(crate) model: String,
    pub(crate) sealed_api_key: Option<Vec<u8>>,
    pub(crate) weight: u32,
    pub(crate) max_in_flight: u32,
    pub(crate) region: Option<String>,
}

/// Writes a pool in place of the one of its name. `members` gets the members that are there and gives those that are to be.
pub(crate) async fn put(
    store: &Store,
    owner: &Owner,
    pool: &PoolRow,
    members: impl Fn(Vec<MemberRow>) -> Result<Vec<MemberRow>>,
) -> Result<()> {
    let Owner { account, region } = owner;
    let members = &members;
    store
        .write(|tx| async move {
            let there = read_members(&tx, owner, &pool.name).await?;
            let members = members(there)?;
            let sql =
                "INSERT INTO model_pools (account, region, name, max_queue, updated_at) VALUES ($1, $2, $3, $4, $5)
                       ON CONFLICT (account, region, name)
                       DO UPDATE SET max_queue = excluded.max_queue, updated_at = excluded.updated_at";
            tx.execute(sql, params![account, region, &pool.name, i64::from(pool.max_queue), pool.updated]).await?;
            let sql = "DELETE FROM model_pool_members WHERE account = $1 AND region = $2 AND pool = $3";
            tx.execute(sql, params![account, region, &pool.name]).await?;
            let sql = "INSERT INTO model_pool_members
                         (account, region, pool, place, base_url, upstream_model, api_key, weight, max_in_flight, area)
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
            for (place, member) in (0_i64..).zip(&members) {
                let params = params![
                    account,
                    region,
                    &pool.name,
                    place,
                    &member.base_url,
                    &member.model,
                    member.sealed_api_key.as_deref(),
                    i64::from(member.weight),
                    i64::from(member.max_in_flight),
                    member.region.as_deref(),
                ];
                tx.execute(sql, params).await?;
            }
            Ok(())
        })
        .await
}

/// An alias that names a pool: its account and its id.
pub(crate) type Named = (AccountId, String);

/// Removes a pool; whether there was one. The aliases of all accounts that name it as `target`, where there are any: nothing
/// is removed then.
pub(crate) async fn delete(store: &Store, owner: &Owner, name: &str, target: &str) -> Result<Result<bool, Vec<Named>>> {
    let Owner { account, region } = owner;
    store
        .write(|tx| async move {
            let sql = "SELECT account, model_id FROM model_aliases
                       WHERE region = $1 AND local_name = $2 ORDER BY account, model_id";
            let rows = tx.fetch_all(sql, params![region, target]).await?;
            let named = |row: &Row| -> Result<Named> { Ok((row.text("account")?.parse()?, row.text("model_id")?)) };
            let named = rows.iter().map(named).collect::<Result<Vec<_>>>()?;
            if !named.is_empty() {
                return Ok(Err(named));
            }
            let sql = "DELETE FROM model_pool_members WHERE account = $1 AND region = $2 AND pool = $3";
            tx.execute(sql, params![account, region, name]).await?;
            let sql = "DELETE FROM model_pools WHERE account = $1 AND region = $2 AND name = $3";
            Ok(Ok(tx.execute(sql, params![account, region, name]).await? > 0))
        })
        .await
}

/// The pool of this name.
pub(crate) async fn find(store: &Store, owner: &Owner, name: &str) -> Result<Option<PoolRow>> {
    store
        .read(|tx| async move {
            let sql = "SELECT name, max_queue, updated_at FROM model_pools
                       WHERE account = $1 AND region = $2 AND name = $3";
            match tx.fetch_optional(sql, params![&owner.account, &owner.region, name]).await? {
                Some(row) => read_pool(&tx, owner, &row).await.map(Some),
                None => Ok(None),
            }
        })
        .await
}

/// The owner's pools, by name.
pub(crate) async fn list(store: &Store, owner: &Owner) -> Result<Vec<PoolRow>> {
    store
        .read(|tx| async move {
            let sql = "SELECT name, max_queue, updated_at FROM model_pools
                       WHERE account = $1 AND region = $2 ORDER BY name";
            let mut pools = Vec::new();
            for row in tx.fetch_all(sql, params![&owner.account, &owner.region]).await? {
                pools.push(read_pool(&tx, owner, &row).await?);
            }
            Ok(pools)
        })
        .await
}

/// Replaces each sealed API key for which `reseal` gives another.
pub(crate) async fn reseal_api_keys(
    store: &Store,
    reseal: impl Fn(&[u8]) -> Result<Option<Vec<u8>>> + Copy,
) -> Result<()> {
    let sql = "SELECT account, region, pool, place, api_key FROM model_pool_members WHERE api_key IS NOT NULL";
    let rows = store.read(|tx| async move { tx.fetch_all(sql, params![]).await }).await?;
    let mut stale = Vec::new();
    for row in rows {
        if let Some(sealed) = reseal(&row.bytes("api_key")?)? {
            stale.push((row, sealed));
        }
    }
    let stale = &stale;
    if stale.is_empty() {
        return Ok(());
    }
    store
        .write(|tx| async move {
            // Only where it is still what was read: a pool may be set anew meanwhile.
            let sql = "UPDATE model_pool_members SET api_key = $1
                       WHERE account = $2 AND region = $3 AND pool = $4 AND place = $5 AND api_key = $6";
            for (row, sealed) in stale {
                let (account, region, pool) = (row.text("account")?, row.text("region")?, row.text("pool")?);
                let params = params![sealed, account, region, pool, row.int("place")?, row.bytes("api_key")?];
                tx.execute(sql, params).await?;
            }
            Ok(())
        })
        .await
}

async fn read_pool(tx: &Tx, owner: &Owner, row: &Row) -> Result<PoolRow> {
    let name = row.text("name")?;
    let members = read_members(tx, owner, &name).await?;
    Ok(PoolRow { name, members, max_queue: count(row, "max_queue")?, updated: Timestamp(row.int("updated_at")?) })
}

async fn read_members(tx: &Tx, owner: &Owner, pool: &str) -> Result<Vec<MemberRow>> {
    let sql = "SELECT base_url, upstream_model, api_key, weight, max_in_flight, area FROM model_pool_members
               WHERE account = $1 AND region = $2 AND pool = $3 ORDER BY place";
    let rows = tx.fetch_all(sql, params![&owner.account, &owner.region, pool]).await?;
    let read = |row: &Row| {
        Ok(MemberRow {
            base_url: row.text("base_url")?,
            model: row.text("upstream_model")?,
            sealed_api_key: row.opt_bytes("api_key")?,
            weight: count(row, "weight")?,
            max_in_flight: count(row, "max_in_flight")?,
            region: row.opt_text("area")?,
        })
    };
    rows.iter().map(read).collect()
}

fn count(row: &Row, column: &str) -> Result<u32> {
    u32::try_from(row.int(column)?).map_err(Error::internal)
}
