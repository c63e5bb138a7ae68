//! The queries of listings.

use base::Result;
use store::{Row, Store, Tx, params};

use super::{Fold, ListedObject, ListedVersion, Step};
use crate::versions::store::unsigned;

/// The objects of a page.
pub(crate) async fn current(
    store: &Store,
    bucket: &str,
    fold: &mut Fold<'_>,
    marker: Option<&str>,
) -> Result<Vec<ListedObject>> {
    let mut entries = Vec::new();
    let Some(mut from) = fold.start(marker).filter(|_| !fold.is_empty()) else { return Ok(entries) };
    let end = fold.end();
    store
        .read(|tx| async move {
            loop {
                let limit = fold.batch();
                let rows = current_rows(&tx, bucket, &from, &end, limit).await?;
                let mut last = None;
                for row in &rows {
                    let key = row.text("key")?;
                    match fold.push(&key) {
                        Step::Entry => entries.push(listed(row)?),
                        Step::Folded => {}
                        Step::Full => return Ok(entries),
                    }
                    last = Some(key);
                }
                match last.filter(|_| rows.len() as i64 == limit).and_then(|key| fold.next(&key)) {
                    Some(next) => from = next,
                    None => return Ok(entries),
                }
            }
        })
        .await
}

async fn current_rows(tx: &Tx, bucket: &str, from: &str, end: &str, limit: i64) -> Result<Vec<Row>> {
    tx.fetch_all(
        "SELECT key, size, etag, modified, storage_class, checksum_algorithm, checksum_type FROM object_versions \
         WHERE bucket = $1 AND latest AND NOT marker AND key >= $2 AND key < $3 ORDER BY key LIMIT $4",
        params![bucket, from, end, limit],
    )
    .await
}

/// The versions of a page.
pub(crate) async fn versions(
    store: &Store,
    bucket: &str,
    fold: &mut Fold<'_>,
    key: Option<&str>,
    version: Option<&str>,
) -> Result<Vec<ListedVersion>> {
    let mut entries = Vec::new();
    if fold.is_empty() {
        return Ok(entries);
    }
    let end = fold.end();
    store
        .read(|tx| async move {
            let Some(mut from) = start(&tx, bucket, fold, key, version).await? else { return Ok(entries) };
            loop {
                let limit = fold.batch();
                let rows = version_rows(&tx, bucket, &from, &end, limit).await?;
                let mut last = None;
                for row in &rows {
                    let key = row.text("key")?;
                    match fold.push(&key) {
                        Step::Entry => entries.push(listed_version(row)?),
                        Step::Folded => {}
                        Step::Full => return Ok(entries),
                    }
                    last = Some((key, row.int("rank")?));
                }
                let Some((key, rank)) = last.filter(|_| rows.len() as i64 == limit) else { return Ok(entries) };
                from = if fold.folds(&key) {
                    match fold.next(&key) {
                        Some(next) => (next, i64::MIN),
                        None => return Ok(entries),
                    }
                } else {
                    (key, rank)
                };
            }
        })
        .await
}

/// The key and the rank after which versions come.
async fn start(
    tx: &Tx,
    bucket: &str,
    fold: &Fold<'_>,
    key: Option<&str>,
    version: Option<&str>,
) -> Result<Option<(String, i64)>> {
    if let (Some(key), Some(version)) = (key.filter(|key| fold.covers(key)), version) {
        let sql = "SELECT rank FROM object_versions WHERE bucket = $1 AND key = $2 AND version = $3";
        if let Some(row) = tx.fetch_optional(sql, params![bucket, key, version]).await? {
            return Ok(Some((key.to_owned(), row.int("rank")?)));
        }
    }
    Ok(fold.start(key).map(|from| (from, i64::MIN)))
}

async fn version_rows(tx: &Tx, bucket: &str, from: &(String, i64), end: &str, limit: i64) -> Result<Vec<Row>> {
    let (key, rank) = from;
    tx.fetch_all(
        "SELECT key, rank, version, latest, marker, size, etag, modified, storage_class, checksum_algorithm, \
         checksum_type FROM object_versions \
         WHERE bucket = $1 AND (key, rank) > ($2, $3) AND key < $4 ORDER BY key, rank LIMIT $5",
        params![bucket, key, *rank, end, limit],
    )
    .await
}

fn listed(row: &Row) -> Result<ListedObject> {
    Ok(ListedObject {
        key: row.text("key")?,
        size: unsigned(row.int("size")?)?,
        etag: row.text("etag")?,
        modified: row.time("modified")?,
        storage_class: row.text("storage_class")?,
        checksum_algorithm: row.opt_text("checksum_algorithm")?.map(|name| name.parse()).transpose()?,
        checksum_type: row.opt_text("checksum_type")?.map(|name| name.parse()).transpose()?,
    })
}

fn listed_version(row: &Row) -> Result<ListedVersion> {
    Ok(ListedVersion {
        object: listed(row)?,
        version_id: row.text("version")?,
        latest: row.bool("latest")?,
        delete_marker: row.bool("marker")?,
    })
}
