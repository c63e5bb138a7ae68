//! The tables of uploads and parts.

use base::{Result, Timestamp};
use store::{Row, Store, Tx, params};

use super::{PartInfo, UploadInfo};
use crate::blobs::Segment;
use crate::blobs::store::{discard, discard_parts};
use crate::buckets::Bucket;
use crate::buckets::store::find as find_bucket;
use crate::checksums::{Checksum, ChecksumAlgorithm, ChecksumType};
use crate::encryption::Envelope;
use crate::error::{Error, Result as S3Result};
use crate::listing::{Fold, Step};
use crate::versions::store::{Content, content, envelope, int, lock_text, text, unsigned};

/// An upload's row.
#[derive(Debug, Clone)]
pub(crate) struct UploadRow {
    pub(crate) id: String,
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) initiated: Timestamp,
    pub(crate) initiator: String,
    pub(crate) envelope: Envelope,
    pub(crate) content: Content,
    pub(crate) algorithm: Option<ChecksumAlgorithm>,
    pub(crate) checksum_type: Option<ChecksumType>,
}

/// A part's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PartRow {
    pub(crate) number: u32,
    /// Where it begins in the object; 0 while the upload goes on.
    pub(crate) start: u64,
    pub(crate) size: u64,
    pub(crate) etag: String,
    pub(crate) checksum: Option<String>,
    pub(crate) blob: Option<String>,
    pub(crate) modified: Timestamp,
}

/// A part to be inserted.
#[derive(Debug)]
pub(crate) struct NewPart<'a> {
    pub(crate) owner: &'a str,
    pub(crate) number: u32,
    pub(crate) size: u64,
    pub(crate) etag: &'a str,
    pub(crate) checksum: Option<&'a str>,
    pub(crate) blob: Option<&'a str>,
    pub(crate) modified: Timestamp,
}

impl PartRow {
    pub(crate) fn info(self, algorithm: Option<ChecksumAlgorithm>) -> PartInfo {
        let kind = ChecksumType::FullObject;
        let checksum = algorithm.zip(self.checksum).map(|(algorithm, value)| Checksum { algorithm, value, kind });
        PartInfo { number: self.number, size: self.size, etag: self.etag, modified: self.modified, checksum }
    }
}

macro_rules! select_uploads {
    ($rest:literal) => {
        concat!(
            "SELECT id, bucket, key, initiated, initiator, data_key, kms_key, kms_context, bucket_key, storage_class, \
             headers, metadata, tags, checksum_algorithm, checksum_type, object_lock, customer_key FROM object_uploads ",
            $rest
        )
    };
}

macro_rules! select_parts {
    ($rest:literal) => {
        concat!("SELECT number, start, size, etag, checksum, blob, modified FROM object_parts ", $rest)
    };
}

/// Keeps an upload to the bucket that was asked about: another one may have its name by now.
///
/// # Errors
/// NoSuchBucket.
pub(crate) async fn insert_upload(store: &Store, bucket: &Bucket, upload: &UploadRow) -> Result<S3Result<()>> {
    let (kms_key, bucket_key, customer) = upload.envelope.sealed.columns();
    let lock = lock_text(&upload.content.lock)?;
    let lock = lock.as_deref();
    let context = upload.envelope.context.as_ref().map(text).transpose()?;
    let content = &upload.content;
    let texts = [text(&content.headers)?, text(&content.metadata)?, text(&content.tags)?];
    let (context, [headers, metadata, tags]) = (context.as_deref(), &texts);
    store
        .write(|tx| async move {
            if !find_bucket(&tx, &bucket.name).await?.is_some_and(|row| row.bucket == *bucket) {
                return Ok(Err(Error::no_such_bucket(&bucket.name)));
            }
            tx.execute(
                "INSERT INTO object_uploads (id, bucket, key, initiated, initiator, data_key, kms_key, kms_context, \
                 bucket_key, storage_class, headers, metadata, tags, checksum_algorithm, checksum_type, object_lock, \
                 customer_key) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
                params![
                    &upload.id,
                    &upload.bucket,
                    &upload.key,
                    upload.initiated,
                    &upload.initiator,
                    &upload.envelope.data_key,
                    kms_key,
                    context,
                    bucket_key,
                    &content.storage_class,
                    headers,
                    metadata,
                    tags,
                    upload.algorithm.map(ChecksumAlgorithm::as_str),
                    upload.checksum_type.map(ChecksumType::as_str),
                    lock,
                    customer
                ],
            )
            .await?;
            Ok(Ok(()))
        })
        .await
}

pub(crate) async fn read_upload(store: &Store, bucket: &str, key: &str, id: &str) -> Result<Option<UploadRow>> {
    store
        .read(|tx| async move {
            let sql = select_uploads!("WHERE id = $1 AND bucket = $2 AND key = $3");
            tx.fetch_optional(sql, params![id, bucket, key]).await?.map(|row| upload_row(&row)).transpose()
        })
        .await
}

/// Inserts a part in place of the one that has its number; false where the upload is gone.
pub(crate) async fn put_part(store: &Store, bucket: &str, part: &NewPart<'_>) -> Result<bool> {
    let NewPart { owner, number, size, etag, checksum, blob, modified } = *part;
    let size = int(size)?;
    store
        .write(|tx| async move {
            let sql = "SELECT id FROM object_uploads WHERE id = $1 AND bucket = $2";
            if tx.fetch_optional(sql, params![owner, bucket]).await?.is_none() {
                return Ok(false);
            }
            let sql = "SELECT blob FROM object_parts WHERE owner = $1 AND number = $2";
            if let Some(replaced) = tx.fetch_optional(sql, params![owner, number]).await? {
                discard(&tx, replaced.opt_text("blob")?.as_deref(), modified).await?;
            }
            tx.execute(
                "INSERT INTO object_parts (owner, number, start, size, etag, checksum, blob, modified) \
                 VALUES ($1, $2, 0, $3, $4, $5, $6, $7) ON CONFLICT (owner, number) DO UPDATE SET \
                 size = excluded.size, etag = excluded.etag, checksum = excluded.checksum, blob = excluded.blob, \
                 modified = excluded.modified",
                params![owner, number, size, etag, checksum, blob, modified],
            )
            .await?;
            Ok(true)
        })
        .await
}

/// Up to `limit` parts with numbers greater than `after`.
pub(crate) async fn list(store: &Store, owner: &str, after: u32, limit: i64) -> Result<Vec<PartRow>> {
    store
        .read(|tx| async move {
            let sql = select_parts!("WHERE owner = $1 AND number > $2 ORDER BY number LIMIT $3");
            tx.fetch_all(sql, params![owner, after, limit]).await?.iter().map(part_row).collect()
        })
        .await
}

pub(crate) async fn part(store: &Store, owner: &str, number: u32) -> Result<Option<PartRow>> {
    store
        .read(|tx| async move {
            let sql = select_parts!("WHERE owner = $1 AND number = $2");
            tx.fetch_optional(sql, params![owner, number]).await?.map(|row| part_row(&row)).transpose()
        })
        .await
}

/// The pieces of blobs that hold an object's bytes `from..to`.
pub(crate) async fn segments(store: &Store, owner: &str, from: u64, to: u64) -> Result<Vec<Segment>> {
    let (first, end) = (int(from)?, int(to)?);
    let parts: Vec<PartRow> = store
        .read(|tx| async move {
            let sql = select_parts!("WHERE owner = $1 AND start < $3 AND start + size > $2 ORDER BY number");
            tx.fetch_all(sql, params![owner, first, end]).await?.iter().map(part_row).collect()
        })
        .await?;
    let pieces = parts.into_iter().filter_map(|part| {
        let begin = from.max(part.start);
        let end = to.min(part.start + part.size);
        Some(Segment { blob: part.blob?, size: part.size, from: begin - part.start, to: end - part.start })
    });
    Ok(pieces.collect())
}

/// Removes an upload and its parts; false where it is gone.
pub(crate) async fn abort(store: &Store, bucket: &str, key: &str, id: &str, now: Timestamp) -> Result<bool> {
    store
        .write(|tx| async move {
            let sql = "DELETE FROM object_uploads WHERE id = $1 AND bucket = $2 AND key = $3";
            if tx.execute(sql, params![id, bucket, key]).await? == 0 {
                return Ok(false);
            }
            discard_parts(&tx, id, now).await?;
            Ok(true)
        })
        .await
}

/// Removes all uploads to a bucket.
pub(crate) async fn abort_all(tx: &Tx, bucket: &str, now: Timestamp) -> Result<()> {
    let uploads = tx.fetch_all("SELECT id FROM object_uploads WHERE bucket = $1", params![bucket]).await?;
    for upload in uploads {
        discard_parts(tx, &upload.text("id")?, now).await?;
    }
    tx.execute("DELETE FROM object_uploads WHERE bucket = $1", params![bucket]).await?;
    Ok(())
}

/// Removes the uploads in which nothing happened since `before`; gives their number.
pub(crate) async fn abort_idle(store: &Store, before: Timestamp, now: Timestamp) -> Result<u64> {
    store
        .write(|tx| async move {
            let idle = tx
                .fetch_all(
                    "SELECT id FROM object_uploads WHERE initiated < $1 AND NOT EXISTS \
                     (SELECT 1 FROM object_parts WHERE owner = object_uploads.id AND modified >= $1)",
                    params![before],
                )
                .await?;
            for upload in &idle {
                let id = upload.text("id")?;
                discard_parts(&tx, &id, now).await?;
                tx.execute("DELETE FROM object_uploads WHERE id = $1", params![&id]).await?;
            }
            Ok(idle.len() as u64)
        })
        .await
}

/// Whether the upload of that bucket, key and id is there.
pub(crate) async fn is_present(tx: &Tx, [bucket, key, id]: &[&str; 3]) -> Result<bool> {
    let sql = "SELECT id FROM object_uploads WHERE id = $1 AND bucket = $2 AND key = $3";
    Ok(tx.fetch_optional(sql, params![*id, *bucket, *key]).await?.is_some())
}

/// Whether the chosen parts are still the upload's.
pub(crate) async fn are_unchanged(tx: &Tx, id: &str, chosen: &[PartRow]) -> Result<bool> {
    let rows = tx.fetch_all(select_parts!("WHERE owner = $1 ORDER BY number"), params![id]).await?;
    let mut present = rows.iter().map(part_row);
    for part in chosen {
        let found = loop {
            match present.next().transpose()? {
                Some(row) if row.number < part.number => {}
                found => break found,
            }
        };
        if found.as_ref() != Some(part) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Ends the upload whose chosen parts become an object: removes the other parts and says where each begins.
pub(crate) async fn take(tx: &Tx, id: &str, chosen: &[PartRow], now: Timestamp) -> Result<()> {
    let rows = tx.fetch_all(select_parts!("WHERE owner = $1 ORDER BY number"), params![id]).await?;
    for row in &rows {
        let part = part_row(row)?;
        if chosen.binary_search_by_key(&part.number, |chosen| chosen.number).is_ok() {
            continue;
        }
        discard(tx, part.blob.as_deref(), now).await?;
        let sql = "DELETE FROM object_parts WHERE owner = $1 AND number = $2";
        tx.execute(sql, params![id, part.number]).await?;
    }
    tx.execute(
        "UPDATE object_parts SET start = places.start FROM \
         (SELECT number, CAST(SUM(size) OVER (ORDER BY number) AS BIGINT) - size AS start FROM object_parts \
         WHERE owner = $1) AS places WHERE object_parts.owner = $1 AND object_parts.number = places.number",
        params![id],
    )
    .await?;
    tx.execute("DELETE FROM object_uploads WHERE id = $1", params![id]).await?;
    Ok(())
}

/// The uploads of a page.
pub(crate) async fn uploads(
    store: &Store,
    bucket: &str,
    fold: &mut Fold<'_>,
    key: Option<&str>,
    upload: Option<&str>,
) -> Result<Vec<UploadRow>> {
    let mut entries = Vec::new();
    let first = match (key, upload) {
        (Some(key), Some(upload)) if fold.covers(key) => Some((key.to_owned(), upload.to_owned())),
        _ => fold.start(key).map(|from| (from, String::new())),
    };
    let Some(mut from) = first.filter(|_| !fold.is_empty()) else { return Ok(entries) };
    let end = fold.end();
    store
        .read(|tx| async move {
            loop {
                let limit = fold.batch();
                let rows = tx
                    .fetch_all(
                        select_uploads!(
                            "WHERE bucket = $1 AND (key, id) > ($2, $3) AND key < $4 ORDER BY key, id LIMIT $5"
                        ),
                        params![bucket, &from.0, &from.1, &end, limit],
                    )
                    .await?;
                let mut last = None;
                for row in &rows {
                    let upload = upload_row(row)?;
                    last = Some((upload.key.clone(), upload.id.clone()));
                    match fold.push(&upload.key) {
                        Step::Entry => entries.push(upload),
                        Step::Folded => {}
                        Step::Full => return Ok(entries),
                    }
                }
                let Some((key, id)) = last.filter(|_| rows.len() as i64 == limit) else { return Ok(entries) };
                from = if fold.folds(&key) {
                    match fold.next(&key) {
                        Some(next) => (next, String::new()),
                        None => return Ok(entries),
                    }
                } else {
                    (key, id)
                };
            }
        })
        .await
}

impl UploadRow {
    pub(crate) fn info(self, owner: base::AccountId) -> UploadInfo {
        UploadInfo {
            id: self.id,
            key: self.key,
            initiated: self.initiated,
            initiator_arn: self.initiator,
            owner,
            storage_class: self.content.storage_class,
            algorithm: self.algorithm,
            checksum_type: self.checksum_type,
        }
    }
}

fn upload_row(row: &Row) -> Result<UploadRow> {
    Ok(UploadRow {
        id: row.text("id")?,
        bucket: row.text("bucket")?,
        key: row.text("key")?,
        initiated: row.time("initiated")?,
        initiator: row.text("initiator")?,
        envelope: envelope(row)?,
        content: content(row)?,
        algorithm: row.opt_text("checksum_algorithm")?.map(|name| name.parse()).transpose()?,
        checksum_type: row.opt_text("checksum_type")?.map(|name| name.parse()).transpose()?,
    })
}

fn part_row(row: &Row) -> Result<PartRow> {
    Ok(PartRow {
        number: unsigned(row.int("number")?)?,
        start: unsigned(row.int("start")?)?,
        size: unsigned(row.int("size")?)?,
        etag: row.text("etag")?,
        checksum: row.opt_text("checksum")?,
        blob: row.opt_text("blob")?,
        modified: row.time("modified")?,
    })
}
