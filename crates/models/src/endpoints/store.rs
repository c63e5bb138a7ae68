//! The rows of models, endpoint configurations and endpoints, keyed by account, region, kind and name.

use ::store::{Migration, Module, Row, Store, Tx, params};
use base::{AccountId, Error, Region, Result, Timestamp};
use identity::Ctx;

use super::resource::{EndpointStatus, Generation, HostingKind};
use crate::Tags;

const MIGRATIONS: &[Migration] = &[
    Migration::same(1, "hosting", include_str!("../migrations/endpoints/0001_hosting.sql")),
    Migration::same(2, "driver", include_str!("../migrations/endpoints/0002_driver.sql")),
    Migration::same(3, "generation", include_str!("../migrations/endpoints/0003_generation.sql")),
];

/// The tables of endpoints.
pub(crate) const TABLES: Module = Module { name: "models-endpoints", migrations: MIGRATIONS };

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT account, region, kind, name, status, body, tags, created_at, updated_at, generation
             FROM hosting_resources ",
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
    /// Follows the status by itself.
    pub(crate) generation: Generation,
}

impl Kept {
    /// What it is changed to: of the next generation, where that has another status.
    fn followed_by(&self, new: Self) -> Self {
        let generation = if new.status == self.status { self.generation } else { self.generation.next() };
        Self { generation, ..new }
    }
}

/// What is asked of the endpoints that there are before a resource is kept beside them.
pub(crate) type Check<'a> = &'a (dyn Fn(Vec<Kept>) -> Result<()> + Send + Sync);

/// Keeps new resources, all or none, unless `check` has something against it.
///
/// # Errors
/// AlreadyExists, where any of them exists; those of `check`.
pub(crate) async fn insert(
    store: &Store,
    scope: &Scope,
    new: &[(HostingKind, Kept)],
    check: Option<Check<'_>>,
) -> Result<()> {
    store
        .write(|tx| async move {
            if let Some(check) = check {
                check(list_in(&tx, scope, HostingKind::Endpoint).await?)?;
            }
            for (kind, kept) in new {
                let sql = "INSERT INTO hosting_resources
                             (account, region, kind, name, status, body, tags, created_at, updated_at, generation)
                           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
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
                    kept.updated,
                    kept.generation.0
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
    store.read(|tx| async move { list_in(&tx, scope, kind).await }).await
}

async fn list_in(tx: &Tx, scope: &Scope, kind: HostingKind) -> Result<Vec<Kept>> {
    let sql = select!("WHERE account = $1 AND region = $2 AND kind = $3 ORDER BY name");
    let params = params![&scope.account, &scope.region, kind.as_str()];
    tx.fetch_all(sql, params).await?.iter().map(read).collect()
}

/// Changes a resource to what `change` makes of it, unless that is nothing. What it is afterwards; none where there is none.
pub(crate) async fn change(
    store: &Store,
    scope: &Scope,
    (kind, name): (HostingKind, &str),
    change: impl Fn(Kept) -> Result<Option<Kept>> + Send + Sync,
) -> Result<Option<Kept>> {
    let change = &change;
    store
        .write(|tx| async move {
            let Some(kept) = find_in(&tx, scope, kind, name).await? else { return Ok(None) };
            let Some(new) = change(kept.clone())? else { return Ok(Some(kept)) };
            let new = kept.followed_by(new);
            update_in(&tx, scope, kind, &new).await?;
            Ok(Some(new))
        })
        .await
}

/// Changes an endpoint to what `change` makes of it, unless that is nothing or somebody else than `driver`, where one is named,
/// brings about what it says. Other resources are changed with it to what is said, as far as they are there. Whether it was
/// changed.
pub(crate) async fn settle(
    store: &Store,
    scope: &Scope,
    (name, driver): (&str, Option<&str>),
    beside: &[(HostingKind, Kept)],
    change: impl Fn(Kept) -> Result<Option<Kept>> + Send + Sync,
) -> Result<bool> {
    let change = &change;
    store
        .write(|tx| async move {
            let Some(kept) = driven_in(&tx, scope, name, driver).await? else { return Ok(false) };
            let Some(new) = change(kept.clone())? else { return Ok(false) };
            let new = kept.followed_by(new);
            update_in(&tx, scope, HostingKind::Endpoint, &new).await?;
            if driver.is_some() && new.generation != kept.generation {
                // What comes next is whoever's who is first.
                drive_in(&tx, scope, (name, ""), Timestamp(0)).await?;
            }
            for (kind, kept) in beside {
                update_in(&tx, scope, *kind, kept).await?;
            }
            Ok(true)
        })
        .await
}

/// The endpoint, where it is there and nobody else than `driver`, where one is named, brings about what it says.
async fn driven_in(tx: &Tx, scope: &Scope, name: &str, driver: Option<&str>) -> Result<Option<Kept>> {
    if let Some(driver) = driver {
        let other = driver_in(tx, scope, name).await?.is_none_or(|(found, _)| found != driver);
        if other {
            return Ok(None);
        }
    }
    find_in(tx, scope, HostingKind::Endpoint, name).await
}

/// Who brings about what an endpoint says, and until when it is known that they do.
async fn driver_in(tx: &Tx, scope: &Scope, name: &str) -> Result<Option<(String, Timestamp)>> {
    let sql = "SELECT driver, driven_until FROM hosting_resources
               WHERE account = $1 AND region = $2 AND kind = $3 AND name = $4";
    let params = params![&scope.account, &scope.region, HostingKind::Endpoint.as_str(), name];
    let row = tx.fetch_optional(sql, params).await?;
    row.map(|row| Ok((row.text("driver")?, row.time("driven_until")?))).transpose()
}

/// Who brings about what an endpoint says; nobody where it is gone, or settled and not begun with since.
pub(crate) async fn driver(store: &Store, scope: &Scope, name: &str) -> Result<Option<String>> {
    let found = store.read(|tx| async move { driver_in(&tx, scope, name).await }).await?;
    Ok(found.map(|(driver, _)| driver).filter(|driver| !driver.is_empty()))
}

/// Has `driver` bring about what an endpoint says until a time, unless somebody else is known to do so `now`. Whether it does.
pub(crate) async fn drive(
    store: &Store,
    scope: &Scope,
    (name, driver): (&str, &str),
    (now, until): (Timestamp, Timestamp),
) -> Result<bool> {
    let is_others = |found: Option<(String, Timestamp)>| {
        found.is_none_or(|(found, until)| found != driver && !found.is_empty() && until > now)
    };
    // Those that wait look often, and change nothing.
    if is_others(store.read(|tx| async move { driver_in(&tx, scope, name).await }).await?) {
        return Ok(false);
    }
    store
        .write(|tx| async move {
            if is_others(driver_in(&tx, scope, name).await?) {
                return Ok(false);
            }
            drive_in(&tx, scope, (name, driver), until).await
        })
        .await
}

async fn drive_in(tx: &Tx, scope: &Scope, (name, driver): (&str, &str), until: Timestamp) -> Result<bool> {
    let sql = "UPDATE hosting_resources SET driver = $5, driven_until = $6
               WHERE account = $1 AND region = $2 AND kind = $3 AND name = $4";
    let params = params![&scope.account, &scope.region, HostingKind::Endpoint.as_str(), name, driver, until];
    tx.execute(sql, params).await.map(|rows| rows > 0)
}

/// Has `driver` go on until a time with what it brings about; false where that is not its to do any more.
pub(crate) async fn drive_on(
    store: &Store,
    scope: &Scope,
    (name, driver): (&str, &str),
    until: Timestamp,
) -> Result<bool> {
    store
        .write(|tx| async move {
            let sql = "UPDATE hosting_resources SET driven_until = $6
                       WHERE account = $1 AND region = $2 AND kind = $3 AND name = $4 AND driver = $5";
            let kind = HostingKind::Endpoint.as_str();
            let params = params![&scope.account, &scope.region, kind, name, driver, until];
            tx.execute(sql, params).await.map(|rows| rows > 0)
        })
        .await
}

async fn update_in(tx: &Tx, scope: &Scope, kind: HostingKind, new: &Kept) -> Result<()> {
    let sql = "UPDATE hosting_resources SET status = $5, body = $6, tags = $7, updated_at = $8, generation = $9
               WHERE account = $1 AND region = $2 AND kind = $3 AND name = $4";
    let (status, tags) = (write_status(new.status), write_tags(&new.tags)?);
    let (account, region) = (&scope.account, &scope.region);
    let (updated, generation) = (new.updated, new.generation.0);
    let params = params![account, region, kind.as_str(), &new.name, status, &new.body, &tags, updated, generation];
    tx.execute(sql, params).await.map(drop)
}

/// Removes resources; whether the first of them was there.
pub(crate) async fn remove(store: &Store, scope: &Scope, which: &[(HostingKind, &str)]) -> Result<bool> {
    store.write(|tx| async move { remove_in(&tx, scope, which).await }).await
}

async fn remove_in(tx: &Tx, scope: &Scope, which: &[(HostingKind, &str)]) -> Result<bool> {
    let mut first = None;
    for (kind, name) in which {
        let sql = "DELETE FROM hosting_resources WHERE account = $1 AND region = $2 AND kind = $3 AND name = $4";
        let params = params![&scope.account, &scope.region, kind.as_str(), *name];
        let removed = tx.execute(sql, params).await? > 0;
        first.get_or_insert(removed);
    }
    Ok(first.unwrap_or_default())
}

/// Removes an endpoint that is being removed, and what leaves with it, unless somebody else than `driver`, where one is named,
/// does. Whether it did: another endpoint of that name may be there by now.
pub(crate) async fn remove_endpoint(
    store: &Store,
    scope: &Scope,
    (name, driver): (&str, Option<&str>),
    beside: &[(HostingKind, &str)],
) -> Result<bool> {
    store
        .write(|tx| async move {
            let found = driven_in(&tx, scope, name, driver).await?;
            if found.is_none_or(|kept| kept.status != Some(EndpointStatus::Deleting)) {
                return Ok(false);
            }
            remove_in(&tx, scope, beside).await?;
            remove_in(&tx, scope, &[(HostingKind::Endpoint, name)]).await
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
        generation: Generation(row.int("generation")?),
    })
}

fn write_status(status: Option<EndpointStatus>) -> &'static str {
    status.map_or("", EndpointStatus::as_str)
}

fn write_tags(tags: &Tags) -> Result<String> {
    serde_json::to_string(tags).map_err(Error::internal)
}
