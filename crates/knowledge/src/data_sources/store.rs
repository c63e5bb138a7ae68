//! The rows of data sources.

use ::store::{Row, Store, params};
use base::{PageRequest, Result};

use super::{DataSource, DataSourceStatus, DeletionPolicy};
use crate::knowledge_bases::{KnowledgeBase, store as bases};
use crate::realm::{Realm, json, parse};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT account, region, knowledge_base, id, name, description, status, origin, chunking, deletion, \
             request_hash, created_at, modified_at FROM knowledge_sources ",
            $rest
        )
    };
}

/// # Errors
/// AlreadyExists, where another one has the name or the token.
pub(super) async fn insert(
    store: &Store,
    realm: &Realm,
    source: &DataSource,
    (token, hash): (Option<&str>, &str),
) -> Result<()> {
    let origin = &json(&source.origin)?;
    let chunking = &source.chunking.as_ref().map(json).transpose()?;
    store
        .write(|tx| async move {
            let sql = "INSERT INTO knowledge_sources (account, region, knowledge_base, id, name, description, status,
                         origin, chunking, deletion, request_token, request_hash, created_at, modified_at)
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13)";
            let params = params![
                &realm.account,
                &realm.region,
                &source.knowledge_base,
                &source.id,
                &source.name,
                source.description.as_ref(),
                source.status.as_str(),
                origin,
                chunking.as_ref(),
                source.deletion.as_str(),
                token,
                hash,
                source.created,
            ];
            tx.execute(sql, params).await.map(drop)
        })
        .await
}

/// The one that a request with this token made, and what that asked for.
pub(super) async fn by_token(
    store: &Store,
    realm: &Realm,
    base: &str,
    token: &str,
) -> Result<Option<(DataSource, String)>> {
    store
        .read(|tx| async move {
            let sql = select!("WHERE account = $1 AND region = $2 AND knowledge_base = $3 AND request_token = $4");
            let row = tx.fetch_optional(sql, params![&realm.account, &realm.region, base, token]).await?;
            row.map(|row| Ok((read(&row)?, row.text("request_hash")?))).transpose()
        })
        .await
}

pub(crate) async fn find(store: &Store, realm: &Realm, base: &str, id: &str) -> Result<Option<DataSource>> {
    store
        .read(|tx| async move {
            let sql = select!("WHERE account = $1 AND region = $2 AND knowledge_base = $3 AND id = $4");
            let row = tx.fetch_optional(sql, params![&realm.account, &realm.region, base, id]).await?;
            row.as_ref().map(read).transpose()
        })
        .await
}

/// Those of a page, and one more where there is one.
pub(super) async fn list(store: &Store, realm: &Realm, base: &str, page: &PageRequest) -> Result<Vec<DataSource>> {
    store
        .read(|tx| async move {
            let sql =
                select!("WHERE account = $1 AND region = $2 AND knowledge_base = $3 AND id > $4 ORDER BY id LIMIT $5");
            let after = page.after.as_deref().unwrap_or_default();
            let params = params![&realm.account, &realm.region, base, after, i64::from(page.limit) + 1];
            tx.fetch_all(sql, params).await?.iter().map(read).collect()
        })
        .await
}

/// All of a knowledge base.
pub(crate) async fn all_of(store: &Store, realm: &Realm, base: &str) -> Result<Vec<DataSource>> {
    store
        .read(|tx| async move {
            let sql = select!("WHERE account = $1 AND region = $2 AND knowledge_base = $3 ORDER BY id");
            let rows = tx.fetch_all(sql, params![&realm.account, &realm.region, base]).await?;
            rows.iter().map(read).collect()
        })
        .await
}

/// Those whose removal did not end, of knowledge bases that stay.
pub(crate) async fn going(store: &Store) -> Result<Vec<(Realm, KnowledgeBase, DataSource)>> {
    let found: Vec<(Realm, DataSource)> = store
        .read(|tx| async move {
            let rows = tx.fetch_all(select!("WHERE status = 'DELETING'"), params![]).await?;
            rows.iter().map(|row| Ok((bases::realm(row)?, read(row)?))).collect()
        })
        .await?;
    let mut going = Vec::new();
    for (realm, source) in found {
        if let Some(base) = bases::find(store, &realm, &source.knowledge_base).await? {
            going.push((realm, base, source));
        }
    }
    Ok(going)
}

/// False, where it is gone or going.
pub(super) async fn update(store: &Store, realm: &Realm, source: &DataSource) -> Result<bool> {
    let origin = &json(&source.origin)?;
    store
        .write(|tx| async move {
            let sql = "UPDATE knowledge_sources SET name = $5, description = $6, origin = $7, deletion = $8,
                         modified_at = $9
                       WHERE account = $1 AND region = $2 AND knowledge_base = $3 AND id = $4 AND status = 'AVAILABLE'";
            let params = params![
                &realm.account,
                &realm.region,
                &source.knowledge_base,
                &source.id,
                &source.name,
                source.description.as_ref(),
                origin,
                source.deletion.as_str(),
                source.modified,
            ];
            Ok(tx.execute(sql, params).await? > 0)
        })
        .await
}

/// Notes that it is to go.
pub(super) async fn begin_removal(store: &Store, realm: &Realm, base: &str, id: &str) -> Result<()> {
    store
        .write(|tx| async move {
            let sql = "UPDATE knowledge_sources SET status = 'DELETING'
                       WHERE account = $1 AND region = $2 AND knowledge_base = $3 AND id = $4";
            tx.execute(sql, params![&realm.account, &realm.region, base, id]).await.map(drop)
        })
        .await
}

/// Removes it with its documents and jobs.
pub(super) async fn remove(store: &Store, realm: &Realm, base: &str, id: &str) -> Result<()> {
    store
        .write(|tx| async move {
            let params = params![&realm.account, &realm.region, base, id];
            for sql in [
                "DELETE FROM knowledge_documents WHERE account = $1 AND region = $2 AND knowledge_base = $3 AND source = $4",
                "DELETE FROM knowledge_jobs WHERE account = $1 AND region = $2 AND knowledge_base = $3 AND source = $4",
                "DELETE FROM knowledge_requests WHERE account = $1 AND region = $2 AND knowledge_base = $3 AND source = $4",
                "DELETE FROM knowledge_sources WHERE account = $1 AND region = $2 AND knowledge_base = $3 AND id = $4",
            ] {
                tx.execute(sql, params).await?;
            }
            Ok(())
        })
        .await
}

fn read(row: &Row) -> Result<DataSource> {
    Ok(DataSource {
        id: row.text("id")?,
        knowledge_base: row.text("knowledge_base")?,
        name: row.text("name")?,
        description: row.opt_text("description")?,
        status: DataSourceStatus::from_row(&row.text("status")?)?,
        origin: parse("origin", &row.text("origin")?)?,
        chunking: row.opt_text("chunking")?.map(|chunking| parse("chunking", &chunking)).transpose()?,
        deletion: DeletionPolicy::from_row(&row.text("deletion")?)?,
        created: row.time("created_at")?,
        modified: row.time("modified_at")?,
    })
}
