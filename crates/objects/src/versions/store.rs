//! The table of versions.

use base::{Result, Timestamp};
use store::{Row, Store, Tx, params};

use super::{Headers, NULL};
use crate::blobs::store::{discard, discard_parts};
use crate::buckets::store::{find as find_bucket, json};
use crate::buckets::{Bucket, Versioning};
use crate::checksums::Checksum;
use crate::encryption::{Envelope, Sealed};
use crate::error::{Error, Result as S3Result};
use crate::locks::{ObjectLock, check_removal};
use crate::tags::Pairs;

/// A version's row; a delete marker has neither bytes nor an envelope that means anything.
#[derive(Debug, Clone)]
pub(crate) struct VersionRow {
    pub(crate) key: String,
    pub(crate) rank: i64,
    pub(crate) version: String,
    pub(crate) latest: bool,
    pub(crate) marker: bool,
    /// The owner of its parts.
    pub(crate) id: String,
    pub(crate) size: u64,
    pub(crate) etag: String,
    pub(crate) modified: Timestamp,
    pub(crate) blob: Option<String>,
    /// The sealed bytes of an object without a blob.
    pub(crate) inline: Option<Vec<u8>>,
    pub(crate) parts: Option<u32>,
    pub(crate) envelope: Envelope,
    pub(crate) content: Content,
    pub(crate) checksum: Option<Checksum>,
}

/// What an upload says of its object.
#[derive(Debug, Clone, Default)]
pub(crate) struct Content {
    pub(crate) storage_class: String,
    pub(crate) headers: Headers,
    pub(crate) metadata: Pairs,
    pub(crate) tags: Pairs,
    pub(crate) lock: ObjectLock,
}

/// A version to be inserted.
#[derive(Debug)]
pub(crate) struct NewVersion<'a> {
    /// The bucket that was asked about: another one may have its name by now.
    pub(crate) bucket: &'a Bucket,
    pub(crate) key: &'a str,
    /// Its version where the bucket keeps versions.
    pub(crate) version: &'a str,
    pub(crate) id: &'a str,
    pub(crate) size: u64,
    pub(crate) etag: &'a str,
    pub(crate) modified: Timestamp,
    pub(crate) blob: Option<&'a str>,
    pub(crate) inline: Option<&'a [u8]>,
    pub(crate) parts: Option<u32>,
    /// `None` for a delete marker.
    pub(crate) envelope: Option<&'a Envelope>,
    /// Its lock is what the upload asks for: the bucket's default is added when it is inserted.
    pub(crate) content: &'a Content,
    pub(crate) checksum: Option<&'a Checksum>,
}

/// A version that was inserted.
#[derive(Debug, Clone)]
pub(crate) struct Inserted {
    pub(crate) versioning: Versioning,
    pub(crate) version: String,
}

macro_rules! select_versions {
    ($rest:literal) => {
        concat!(
            "SELECT key, rank, version, latest, marker, id, size, etag, modified, blob, parts, data_key, kms_key, \
             kms_context, bucket_key, storage_class, headers, metadata, tags, checksum_algorithm, checksum, \
             checksum_type, object_lock, customer_key, inline FROM object_versions ",
            $rest
        )
    };
}

/// The version, or the latest one.
pub(crate) async fn read(store: &Store, bucket: &str, key: &str, version: Option<&str>) -> Result<Option<VersionRow>> {
    store.read(|tx| async move { find(&tx, bucket, key, version).await }).await
}

pub(crate) async fn find(tx: &Tx, bucket: &str, key: &str, version: Option<&str>) -> Result<Option<VersionRow>> {
    let row = match version {
        Some(version) => {
            let sql = select_versions!("WHERE bucket = $1 AND key = $2 AND version = $3");
            tx.fetch_optional(sql, params![bucket, key, version]).await?
        }
        None => {
            let sql = select_versions!("WHERE bucket = $1 AND key = $2 AND latest");
            tx.fetch_optional(sql, params![bucket, key]).await?
        }
    };
    row.map(|row| version_row(&row)).transpose()
}

/// The version that came of the upload `id`.
pub(crate) async fn of_upload(store: &Store, bucket: &str, key: &str, id: &str) -> Result<Option<VersionRow>> {
    store
        .read(|tx| async move {
            let sql = select_versions!("WHERE bucket = $1 AND key = $2 AND id = $3");
            tx.fetch_optional(sql, params![bucket, key, id]).await?.map(|row| version_row(&row)).transpose()
        })
        .await
}

/// How often a transaction is run again that lost a race for a key.
const RUNS: usize = 8;

/// Runs a transaction that inserts versions; again, where another one inserted the same key's at the same time, which
/// PostgreSQL reports as a taken name.
pub(crate) async fn transact<T, F, Fut>(store: &Store, f: F) -> Result<T>
where
    F: Fn(Tx) -> Fut,
    Fut: Future<Output = Result<T>>,
{
    for _ in 1..RUNS {
        match store.write(&f).await {
            Err(error) if error.kind == base::ErrorKind::AlreadyExists => {}
            done => return done,
        }
    }
    store.write(f).await
}

/// Inserts the latest version of its key, if `condition` holds for the one that is the latest now. The version that it
/// replaces, where the bucket does not keep it, becomes garbage.
///
/// # Errors
/// NoSuchBucket; AccessDenied, where the version that would be replaced is protected; what `condition` gives.
pub(crate) async fn insert(
    tx: &Tx,
    new: &NewVersion<'_>,
    condition: impl Fn(Option<&VersionRow>) -> S3Result<()>,
) -> Result<S3Result<Inserted>> {
    let (bucket, key) = (new.bucket.name.as_str(), new.key);
    let Some(row) = find_bucket(tx, bucket).await?.filter(|row| row.bucket == *new.bucket) else {
        return Ok(Err(Error::no_such_bucket(bucket)));
    };
    let latest = find(tx, bucket, key, None).await?;
    if let Err(refused) = condition(latest.as_ref().filter(|row| !row.marker)) {
        return Ok(Err(refused));
    }
    // The bucket may have got another default since the upload began.
    let lock = match new.envelope {
        Some(_) => row.new_lock(new.content.lock, new.modified)?,
        None => ObjectLock::default(),
    };
    let version = match row.versioning {
        Versioning::Enabled => new.version,
        Versioning::Unversioned | Versioning::Suspended => NULL,
    };
    let mut top = latest.as_ref().map_or(0, |row| row.rank);
    if version == NULL {
        let replaced = match latest.as_ref().filter(|row| row.version == NULL) {
            Some(row) => Some(row.clone()),
            None if row.versioning == Versioning::Unversioned => None,
            None => find(tx, bucket, key, Some(NULL)).await?,
        };
        if let Some(replaced) = replaced {
            if let Err(refused) = check_removal(&replaced.content.lock, new.modified, false) {
                return Ok(Err(refused));
            }
            remove_row(tx, bucket, &replaced, new.modified).await?;
        }
    }
    if let Some(latest) = &latest {
        top = top.min(latest.rank);
        tx.execute(
            "UPDATE object_versions SET latest = FALSE WHERE bucket = $1 AND key = $2 AND rank = $3",
            params![bucket, key, latest.rank],
        )
        .await?;
    }
    // In microseconds, so that several versions of one millisecond have places.
    let rank = new.modified.as_millis().saturating_mul(-1_000).min(top.saturating_sub(1));
    insert_row(tx, new, version, rank, &lock).await?;
    Ok(Ok(Inserted { versioning: row.versioning, version: version.to_owned() }))
}

async fn insert_row(tx: &Tx, new: &NewVersion<'_>, version: &str, rank: i64, lock: &ObjectLock) -> Result<()> {
    let (kms_key, bucket_key, customer) =
        new.envelope.map_or((None, false, false), |envelope| envelope.sealed.columns());
    let context = new.envelope.and_then(|envelope| envelope.context.as_ref()).map(text).transpose()?;
    let content = new.content;
    tx.execute(
        "INSERT INTO object_versions (bucket, key, rank, version, latest, marker, id, size, etag, modified, blob, parts, \
         data_key, kms_key, kms_context, bucket_key, storage_class, headers, metadata, tags, checksum_algorithm, \
         checksum, checksum_type, object_lock, customer_key, inline) VALUES ($1, $2, $3, $4, TRUE, $5, $6, $7, $8, $9, \
         $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25)",
        params![
            &new.bucket.name,
            new.key,
            rank,
            version,
            new.envelope.is_none(),
            new.id,
            int(new.size)?,
            new.etag,
            new.modified,
            new.blob,
            new.parts,
            new.envelope.map(|envelope| envelope.data_key.as_slice()),
            kms_key,
            context,
            bucket_key,
            &content.storage_class,
            text(&content.headers)?,
            text(&content.metadata)?,
            text(&content.tags)?,
            new.checksum.map(|checksum| checksum.algorithm.as_str()),
            new.checksum.map(|checksum| &checksum.value),
            new.checksum.map(|checksum| checksum.kind.as_str()),
            lock_text(lock)?,
            customer,
            new.inline
        ],
    )
    .await?;
    Ok(())
}

/// Removes one version for good; the next one becomes the latest if this one was.
pub(crate) async fn remove(tx: &Tx, bucket: &str, row: &VersionRow, now: Timestamp) -> Result<()> {
    remove_row(tx, bucket, row, now).await?;
    if row.latest {
        tx.execute(
            "UPDATE object_versions SET latest = TRUE WHERE bucket = $1 AND key = $2 AND rank = \
             (SELECT MIN(rank) FROM object_versions WHERE bucket = $1 AND key = $2)",
            params![bucket, &row.key],
        )
        .await?;
    }
    Ok(())
}

async fn remove_row(tx: &Tx, bucket: &str, row: &VersionRow, now: Timestamp) -> Result<()> {
    tx.execute(
        "DELETE FROM object_versions WHERE bucket = $1 AND key = $2 AND rank = $3",
        params![bucket, &row.key, row.rank],
    )
    .await?;
    discard(tx, row.blob.as_deref(), now).await?;
    if row.parts.is_some() {
        discard_parts(tx, &row.id, now).await?;
    }
    Ok(())
}

/// Replaces the tags of a version; false where it is gone.
pub(crate) async fn set_tags(store: &Store, bucket: &str, row: &VersionRow, tags: &Pairs) -> Result<bool> {
    let tags = text(tags)?;
    let tags = &tags;
    let rows = store
        .write(|tx| async move {
            tx.execute(
                "UPDATE object_versions SET tags = $4 WHERE bucket = $1 AND key = $2 AND rank = $3",
                params![bucket, &row.key, row.rank, tags],
            )
            .await
        })
        .await?;
    Ok(rows > 0)
}

/// Replaces what protects a version; false where it is gone or was changed since `row` was read.
pub(crate) async fn set_lock(store: &Store, bucket: &str, row: &VersionRow, lock: &ObjectLock) -> Result<bool> {
    let (old, new) = (lock_text(&row.content.lock)?, lock_text(lock)?);
    let (old, new) = (old.as_deref().unwrap_or_default(), new.as_deref());
    let rows = store
        .write(|tx| async move {
            tx.execute(
                "UPDATE object_versions SET object_lock = $4 WHERE bucket = $1 AND key = $2 AND rank = $3 AND \
                 COALESCE(object_lock, '') = $5",
                params![bucket, &row.key, row.rank, new, old],
            )
            .await
        })
        .await?;
    Ok(rows > 0)
}

/// What protects a version, as its column has it: NULL where nothing is said.
pub(crate) fn lock_text(lock: &ObjectLock) -> Result<Option<String>> {
    if lock.is_empty() { Ok(None) } else { text(lock).map(Some) }
}

pub(crate) fn version_row(row: &Row) -> Result<VersionRow> {
    Ok(VersionRow {
        key: row.text("key")?,
        rank: row.int("rank")?,
        version: row.text("version")?,
        latest: row.bool("latest")?,
        marker: row.bool("marker")?,
        id: row.text("id")?,
        size: unsigned(row.int("size")?)?,
        etag: row.text("etag")?,
        modified: row.time("modified")?,
        blob: row.opt_text("blob")?,
        inline: row.opt_bytes("inline")?,
        parts: row.opt_int("parts")?.map(unsigned).transpose()?,
        envelope: envelope(row)?,
        content: content(row)?,
        checksum: checksum(row)?,
    })
}

/// The columns of an envelope, which uploads have too.
pub(crate) fn envelope(row: &Row) -> Result<Envelope> {
    let sealed = match row.opt_text("kms_key")? {
        Some(key_arn) => Sealed::Kms { key_arn, bucket_key: row.bool("bucket_key")? },
        None if row.bool("customer_key")? => Sealed::Customer,
        None => Sealed::S3,
    };
    let context = row.opt_text("kms_context")?.map(|text| json("kms_context", &text)).transpose()?;
    Ok(Envelope { data_key: row.opt_bytes("data_key")?.unwrap_or_default(), sealed, context })
}

/// The columns of what an upload says, which uploads have too.
pub(crate) fn content(row: &Row) -> Result<Content> {
    Ok(Content {
        storage_class: row.text("storage_class")?,
        headers: json("headers", &row.text("headers")?)?,
        metadata: json("metadata", &row.text("metadata")?)?,
        tags: json("tags", &row.text("tags")?)?,
        lock: row.opt_text("object_lock")?.map(|text| json("object_lock", &text)).transpose()?.unwrap_or_default(),
    })
}

fn checksum(row: &Row) -> Result<Option<Checksum>> {
    let columns = (row.opt_text("checksum_algorithm")?, row.opt_text("checksum")?, row.opt_text("checksum_type")?);
    let (Some(algorithm), Some(value), Some(kind)) = columns else { return Ok(None) };
    Ok(Some(Checksum { algorithm: algorithm.parse()?, value, kind: kind.parse()? }))
}

pub(crate) fn text<T: serde::Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(base::Error::internal)
}

pub(crate) fn int(number: u64) -> Result<i64> {
    i64::try_from(number).map_err(base::Error::internal)
}

pub(crate) fn unsigned<T: TryFrom<i64>>(number: i64) -> Result<T> {
    T::try_from(number).map_err(|_| base::Error::internal(format!("the number {number} is out of range")))
}
