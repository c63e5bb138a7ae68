//! The rows of models, endpoint configurations and endpoints, keyed by account, region, kind and name.

use ::store::{Migration, Module, Row, Store, Tx, params};
use base::{AccountId, Error, Region, Result, Timestamp};
use identity::Ctx;

use super::resource::{EndpointStatus, HostingKind};
use crate::Tags;

const MIGRATIONS: &[Migration] =
    &[Migration::same(1, "hosting", include_str!("../migrations/endpoints/0001_hosting.sql"))];

/// The tables of endpoints.
pub(crate) const TABLES: Module = Module { name: "models-endpoints", migrations: MIGRATIONS };

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT account, region, kind, name, status, body, tags, created_at, updated_at FROM hosting_resources ",
            $rest
        )
    };
}

/// Whose a resource is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Scope {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
}

impl Scope {
    pub(crate) fn of(ctx: &Ctx) -> Self {
        Self { account: ctx.account().clone(), region: ctx.region().clone() }
    }
}

/// A resource as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Kept {
    pub(crate) name: String,
    /// Of endpoints alone.
    pub(crate) status: Option<EndpointStatus>,
    /// JSON.
    pub(crate) body: String,
    pub(crate) tags: Tags,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
}

/// Keeps new resources, all or none.
///
/// # Errors
/// AlreadyExists, where any of them exists.
pub(crate) async fn insert(store: &Store, scope: &Scope, new: &[(HostingKind, Kept)]) -> Result<()> {
    store
        .write(|tx| async move {
            for (kind, kept) in new {
                let sql = "INSERT INTO hosting_resources
                             (account, region, kind, name, status, body, tags, created_at, updated_at)
                           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
                let (status, tags) = (write_status(kept.status), write_tags(&kept.tags)?);
                let (account, region) = (&scope.account, &scope.region);
                let params = params![
                    account,
                    region,
                    kind.as_str(),
                    &kept.name,
                    status,
                    &kept.body,
                    &tags,
                    kept.created,
                    kept.updated
                ];
                tx.execute(sql, params).await?;
            }
            Ok(())
        })
        .await
}

/// The resource of this name.
pub(crate) async fn find(store: &Store, scope: &Scope, kind: HostingKind, name: &str) -> Result<Option<Kept>> {
    store.read(|tx| async move { find_in(&tx, scope, kind, name).await }).await
}

async fn find_in(tx: &Tx, scope: &Scope, kind: HostingKind, name: &str) -> Result<Option<Kept>> {
    let sql = select!("WHERE account = $1 AND region = $2 AND kind = $3 AND name = $4");
    let params = params![&scope.account, &scope.region, kind.as_str(), name];
    tx.fetch_optional(sql, params).await?.as_ref().map(read).transpose()
}

/// The resources of a kind, by name.
pub(crate) async fn list(store: &Store, scope: &Scope, kind: HostingKind) -> Result<Vec<Kept>> {
    store
        .read(|tx| async move {
            let sql = select!("WHERE account = $1 AND region = $2 AND kind = $3 ORDER BY name");
            let params = params![&scope.account, &scope.region, kind.as_str()];
            tx.fetch_all(sql, params).await?.iter().map(read).collect()
        })
        .await
}

/// Changes a resource to what `change` makes of it, unless that is nothing. What it is afterwards; none where there is none.
pub(crate) async fn change(
    store: &Store,
    scope: &Scope,
    (kind, name): (HostingKind, &str),
    change: impl Fn(Kept) -> Result<Option<Kept>> + Send + Sync,
) -> Result<Option<Kept>> {
    change_with(store, scope, (kind, name), &[], change).await
}

/// As [`change`]; where it changes, other resources are changed to what is said, as far as they are there.
pub(crate) async fn change_with(
    store: &Store,
    scope: &Scope,
    (kind, name): (HostingKind, &str),
    beside: &[(HostingKind, Kept)],
    change: impl Fn(Kept) -> Result<Option<Kept>> + Send + Sync,
) -> Result<Option<Kept>> {
    let change = &change;
    store
        .write(|tx| async move {
            let Some(kept) = find_in(&tx, scope, kind, name).await? else { return Ok(None) };
            let Some(new) = change(kept.clone())? else { return Ok(Some(kept)) };
            update_in(&tx, scope, kind, &new).await?;
            for (kind, kept) in beside {
                update_in(&tx, scope, *kind, kept).await?;
            }
            Ok(Some(new))
        })
        .await
}

async fn update_in(tx: &Tx, scope: &Scope, kind: HostingKind, new: &Kept) -> Result<()> {
    let sql = "UPDATE hosting_resources SET status = $5, body = $6, tags = $7, updated_at = $8
               WHERE account = $1 AND region = $2 AND kind = $3 AND name = $4";
    let (status, tags) = (write_status(new.status), write_tags(&new.tags)?);
    let (account, region) = (&scope.account, &scope.region);
    let params = params![account, region, kind.as_str(), &new.name, status, &new.body, &tags, new.updated];
    tx.execute(sql, params).await.map(drop)
}

/// Removes resources; whether the first of them was there.
pub(crate) async fn remove(store: &Store, scope: &Scope, which: &[(HostingKind, &str)]) -> Result<bool> {
    store
        .write(|tx| async move {
            let mut first = None;
            for (kind, name) in which {
                let sql =
                    "DELETE FROM hosting_resources WHERE account = $1 AND region = $2 AND kind = $3 AND name = $4";
                let params = params![&scope.account, &scope.region, kind.as_str(), *name];
                let removed = tx.execute(sql, params).await? > 0;
                first.get_or_insert(removed);
            }
            Ok(first.unwrap_or_default())
        })
        .await
}

/// Every endpoint of the deployment, by account, region and name.
pub(crate) async fn endpoints(store: &Store) -> Result<Vec<(Scope, Kept)>> {
    store
        .read(|tx| async move {
            let sql = select!("WHERE kind = $1 ORDER BY account, region, name");
            let rows = tx.fetch_all(sql, params![HostingKind::Endpoint.as_str()]).await?;
            rows.iter().map(|row| Ok((scope(row)?, read(row)?))).collect()
        })
        .await
}

fn scope(row: &Row) -> Result<Scope> {
    let account = row.text("account")?.parse().map_err(Error::internal)?;
    Ok(Scope { account, region: row.text("region")?.parse().map_err(Error::internal)? })
}

fn read(row: &Row) -> Result<Kept> {
    let status = row.text("status")?;
    Ok(Kept {
        name: row.text("name")?,
        status: (!status.is_empty()).then(|| status.parse()).transpose()?,
        body: row.text("body")?,
        tags: serde_json::from_str(&row.text("tags")?).map_err(Error::internal)?,
        created: Timestamp(row.int("created_at")?),
        updated: Timestamp(row.int("updated_at")?),
    })
}

fn write_status(status: Option<EndpointStatus>) -> &'static str {
    status.map_or("", EndpointStatus::as_str)
}

fn write_tags(tags: &Tags) -> Result<String> {
    serde_json::to_string(tags).map_err(Error::internal)
}
