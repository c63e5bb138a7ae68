//! The rows of inference profiles, keyed by account, region and id.

use ::store::{Migration, Module, Row, Store, Tx, params};
use base::{Error, Result, Timestamp};
use identity::Ctx;
use serde_json::{Value, json};

use super::{RouteTarget, Routing};
use crate::Tags;

const MIGRATIONS: &[Migration] =
    &[Migration::same(1, "inference profiles", include_str!("../migrations/profiles/0001_profiles.sql"))];

/// The tables of inference profiles.
pub(crate) const TABLES: Module = Module { name: "models-profiles", migrations: MIGRATIONS };

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, description, source, tags, request_hash, created_at, updated_at FROM model_profiles ",
            $rest
        )
    };
}

/// An application profile as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ProfileRow {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) source: String,
    pub(super) tags: Tags,
    pub(super) hash: String,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
}

/// Keeps a new profile, unless a request of the same token made one: that one is returned then.
pub(super) async fn insert(
    store: &Store,
    ctx: &Ctx,
    profile: &ProfileRow,
    token: Option<&str>,
) -> Result<Option<ProfileRow>> {
    let tags = write_tags(&profile.tags)?;
    let (account, region, tags) = (ctx.account(), ctx.region(), &tags);
    store
        .write(|tx| async move {
            if let Some(token) = token {
                let sql = select!("WHERE account = $1 AND region = $2 AND request_token = $3");
                if let Some(row) = tx.fetch_optional(sql, params![account, region, token]).await? {
                    return read(&row).map(Some);
                }
            }
            let sql = "INSERT INTO model_profiles (account, region, id, name, description, source, tags, request_token,
                         request_hash, created_at, updated_at)
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)";
            let params = params![
                account,
                region,
                &profile.id,
                &profile.name,
                profile.description.as_deref(),
                &profile.source,
                tags,
                token,
                &profile.hash,
                profile.created,
            ];
            tx.execute(sql, params).await?;
            Ok(None)
        })
        .await
}

/// The profile of this id.
pub(super) async fn find(store: &Store, ctx: &Ctx, id: &str) -> Result<Option<ProfileRow>> {
    store.read(|tx| async move { find_in(&tx, ctx, id).await }).await
}

async fn find_in(tx: &Tx, ctx: &Ctx, id: &str) -> Result<Option<ProfileRow>> {
    let sql = select!("WHERE account = $1 AND region = $2 AND id = $3");
    tx.fetch_optional(sql, params![ctx.account(), ctx.region(), id]).await?.as_ref().map(read).transpose()
}

/// The profiles of the caller's account and region, by id.
pub(super) async fn list(store: &Store, ctx: &Ctx) -> Result<Vec<ProfileRow>> {
    store
        .read(|tx| async move {
            let sql = select!("WHERE account = $1 AND region = $2 ORDER BY id");
            tx.fetch_all(sql, params![ctx.account(), ctx.region()]).await?.iter().map(read).collect()
        })
        .await
}

/// Removes a profile with its routing; whether there was one.
pub(super) async fn delete(store: &Store, ctx: &Ctx, id: &str) -> Result<bool> {
    let (account, region) = (ctx.account(), ctx.region());
    store
        .write(|tx| async move {
            let sql = "DELETE FROM model_profile_routes WHERE account = $1 AND region = $2 AND profile = $3";
            tx.execute(sql, params![account, region, id]).await?;
            let sql = "DELETE FROM model_profiles WHERE account = $1 AND region = $2 AND id = $3";
            Ok(tx.execute(sql, params![account, region, id]).await? > 0)
        })
        .await
}

/// Changes a profile's tags; false where there is no such profile.
pub(super) async fn change_tags(
    store: &Store,
    ctx: &Ctx,
    id: &str,
    now: Timestamp,
    change: impl Fn(Tags) -> Result<Tags> + Send + Sync,
) -> Result<bool> {
    let change = &change;
    store
        .write(|tx| async move {
            let Some(profile) = find_in(&tx, ctx, id).await? else { return Ok(false) };
            let tags = write_tags(&change(profile.tags)?)?;
            let sql = "UPDATE model_profiles SET tags = $4, updated_at = $5
                       WHERE account = $1 AND region = $2 AND id = $3";
            tx.execute(sql, params![ctx.account(), ctx.region(), id, &tags, now]).await.map(|rows| rows > 0)
        })
        .await
}

/// Where the profile's requests are sent, where that was set.
pub(super) async fn routing(store: &Store, ctx: &Ctx, profile: &str) -> Result<Option<Routing>> {
    store
        .read(|tx| async move {
            let sql = "SELECT routing FROM model_profile_routes WHERE account = $1 AND region = $2 AND profile = $3";
            let row = tx.fetch_optional(sql, params![ctx.account(), ctx.region(), profile]).await?;
            row.map(|row| read_routing(&row)).transpose()
        })
        .await
}

/// Every profile's routing, by the profile's id.
pub(super) async fn routings(store: &Store, ctx: &Ctx) -> Result<Vec<(String, Routing)>> {
    store
        .read(|tx| async move {
            let sql = "SELECT profile, routing FROM model_profile_routes WHERE account = $1 AND region = $2";
            let rows = tx.fetch_all(sql, params![ctx.account(), ctx.region()]).await?;
            rows.iter().map(|row| Ok((row.text("profile")?, read_routing(row)?))).collect()
        })
        .await
}

/// Sets where the profile's requests are sent.
pub(super) async fn put_routing(store: &Store, ctx: &Ctx, profile: &str, routing: &Routing) -> Result<()> {
    let text = write_routing(routing);
    let text = &text;
    store
        .write(|tx| async move {
            let sql = "INSERT INTO model_profile_routes (account, region, profile, routing) VALUES ($1, $2, $3, $4)
                       ON CONFLICT (account, region, profile) DO UPDATE SET routing = excluded.routing";
            tx.execute(sql, params![ctx.account(), ctx.region(), profile, text]).await.map(drop)
        })
        .await
}

/// Takes the routing back; whether there was one.
pub(super) async fn delete_routing(store: &Store, ctx: &Ctx, profile: &str) -> Result<bool> {
    store
        .write(|tx| async move {
            let sql = "DELETE FROM model_profile_routes WHERE account = $1 AND region = $2 AND profile = $3";
            Ok(tx.execute(sql, params![ctx.account(), ctx.region(), profile]).await? > 0)
        })
        .await
}

fn read(row: &Row) -> Result<ProfileRow> {
    Ok(ProfileRow {
        id: row.text("id")?,
        name: row.text("name")?,
        description: row.opt_text("description")?,
        source: row.text("source")?,
        tags: serde_json::from_str(&row.text("tags")?).map_err(Error::internal)?,
        hash: row.text("request_hash")?,
        created: Timestamp(row.int("created_at")?),
        updated: Timestamp(row.int("updated_at")?),
    })
}

fn write_tags(tags: &Tags) -> Result<String> {
    serde_json::to_string(tags).map_err(Error::internal)
}

fn write_routing(routing: &Routing) -> String {
    let targets: Vec<Value> = routing
        .targets
        .iter()
        .map(|target| json!({ "region": target.region, "target": target.target, "weight": target.weight }))
        .collect();
    json!({ "weighted": routing.weighted, "targets": targets }).to_string()
}

fn read_routing(row: &Row) -> Result<Routing> {
    let value: Value = serde_json::from_str(&row.text("routing")?).map_err(Error::internal)?;
    let text = |target: &Value, name: &str| target[name].as_str().unwrap_or_default().to_owned();
    let target = |target: &Value| RouteTarget {
        region: text(target, "region"),
        target: text(target, "target"),
        weight: target["weight"].as_u64().and_then(|weight| u32::try_from(weight).ok()).unwrap_or(1),
    };
    let targets = value["targets"].as_array().map_or(&[][..], Vec::as_slice).iter().map(target).collect();
    Ok(Routing { weighted: value["weighted"] == true, targets })
}
