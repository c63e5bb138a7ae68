//! The buckets' table.

use base::{AccountId, Region, Result, Timestamp};
use serde::de::DeserializeOwned;
use store::{Row, Store, Tx, params};

use super::{Bucket, Versioning};
use crate::error::{Code, Error, Result as S3Result};

/// A bucket's row.
#[derive(Debug, Clone)]
pub(crate) struct BucketRow {
    pub(crate) bucket: Bucket,
    pub(crate) versioning: Versioning,
    /// The policy's text.
    pub(crate) policy: Option<String>,
    /// Which users and roles it named when it was written.
    pub(crate) principals: Option<String>,
    pub(crate) settings: Settings,
}

/// A bucket's settings as JSON; `None` where none is set.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settings {
    pub(crate) public_access: Option<String>,
    pub(crate) encryption: Option<String>,
    pub(crate) tags: Option<String>,
    pub(crate) cors: Option<String>,
    pub(crate) ownership: Option<String>,
    pub(crate) object_lock: Option<String>,
}

/// One of a bucket's settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Setting {
    PublicAccess,
    Encryption,
    Tags,
    Cors,
    Ownership,
}

macro_rules! select_buckets {
    ($rest:literal) => {
        concat!(
            "SELECT name, account, region, created, versioning, policy, principals, public_access, encryption, tags, cors, \
             ownership, object_lock FROM object_buckets ",
            $rest
        )
    };
}

pub(crate) async fn read(store: &Store, name: &str) -> Result<Option<BucketRow>> {
    store.read(|tx| async move { find(&tx, name).await }).await
}

pub(crate) async fn find(tx: &Tx, name: &str) -> Result<Option<BucketRow>> {
    let row = tx.fetch_optional(select_buckets!("WHERE name = $1"), params![name]).await?;
    row.map(|row| bucket(&row)).transpose()
}

/// Inserts the bucket; gives the one that has the name already.
pub(crate) async fn insert(store: &Store, new: &BucketRow) -> Result<Option<BucketRow>> {
    store
        .write(|tx| async move {
            if let Some(taken) = find(&tx, &new.bucket.name).await? {
                return Ok(Some(taken));
            }
            tx.execute(
                "INSERT INTO object_buckets (name, account, region, created, versioning, public_access, encryption, \
                 tags, ownership, object_lock) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                params![
                    &new.bucket.name,
                    &new.bucket.owner,
                    &new.bucket.region,
                    new.bucket.created,
                    new.versioning.as_str(),
                    new.settings.public_access.as_deref(),
                    new.settings.encryption.as_deref(),
                    new.settings.tags.as_deref(),
                    new.settings.ownership.as_deref(),
                    new.settings.object_lock.as_deref()
                ],
            )
            .await?;
            Ok(None)
        })
        .await
}

pub(crate) async fn count(store: &Store, account: &AccountId) -> Result<i64> {
    store
        .read(|tx| async move {
            let sql = "SELECT COUNT(*) AS n FROM object_buckets WHERE account = $1";
            tx.fetch_one(sql, params![account]).await?.int("n")
        })
        .await
}

/// Removes the bucket with its unfinished uploads, unless a version is in it.
pub(crate) async fn delete(store: &Store, name: &str, now: Timestamp) -> S3Result<()> {
    let deleted = store
        .write(|tx| async move {
            let version = tx
                .fetch_optional("SELECT version FROM object_versions WHERE bucket = $1 LIMIT 1", params![name])
                .await?;
            if version.is_some() {
                return Ok(Some(false));
            }
            crate::multipart::store::abort_all(&tx, name, now).await?;
            let rows = tx.execute("DELETE FROM object_buckets WHERE name = $1", params![name]).await?;
            Ok((rows > 0).then_some(true))
        })
        .await?;
    match deleted {
        Some(true) => Ok(()),
        Some(false) => Err(Error::new(Code::BucketNotEmpty, "The bucket you tried to delete is not empty")
            .with_hint("Delete its objects first, all versions and delete markers included.")),
        None => Err(Error::no_such_bucket(name)),
    }
}

/// The account's buckets in the order of their names.
pub(crate) struct ListQuery<'a> {
    pub(crate) account: &'a AccountId,
    pub(crate) region: Option<&'a str>,
    /// The first name that may come, and the one at which the list ends.
    pub(crate) from: &'a str,
    pub(crate) to: Option<&'a str>,
    /// The name after which the list goes on.
    pub(crate) after: Option<&'a str>,
    pub(crate) limit: i64,
}

pub(crate) async fn list(store: &Store, query: &ListQuery<'_>) -> Result<Vec<Bucket>> {
    let ListQuery { account, region, from, to, after, limit } = *query;
    store
        .read(|tx| async move {
            let rows = tx
                .fetch_all(
                    select_buckets!(
                        "WHERE account = $1 AND name >= $2 AND ($3 IS NULL OR name < $3) AND ($4 IS NULL OR name > $4) \
                         AND ($5 IS NULL OR region = $5) ORDER BY name LIMIT $6"
                    ),
                    params![account, from, to, after, region, limit],
                )
                .await?;
            rows.iter().map(|row| Ok(bucket(row)?.bucket)).collect()
        })
        .await
}

/// Sets or removes one setting.
pub(crate) async fn set(store: &Store, name: &str, setting: Setting, value: Option<&str>) -> S3Result<()> {
    let sql = match setting {
        Setting::PublicAccess => "UPDATE object_buckets SET public_access = $2 WHERE name = $1",
        Setting::Encryption => "UPDATE object_buckets SET encryption = $2 WHERE name = $1",
        Setting::Tags => "UPDATE object_buckets SET tags = $2 WHERE name = $1",
        Setting::Cors => "UPDATE object_buckets SET cors = $2 WHERE name = $1",
        Setting::Ownership => "UPDATE object_buckets SET ownership = $2 WHERE name = $1",
    };
    let rows = store.write(|tx| async move { tx.execute(sql, params![name, value]).await }).await?;
    if rows == 0 { Err(Error::no_such_bucket(name)) } else { Ok(()) }
}

/// Sets or removes the policy and whom it names.
pub(crate) async fn set_policy(store: &Store, name: &str, policy: Option<(&str, &str)>) -> S3Result<()> {
    let sql = "UPDATE object_buckets SET policy = $2, principals = $3 WHERE name = $1";
    let (text, principals) = policy.unzip();
    let rows = store.write(|tx| async move { tx.execute(sql, params![name, text, principals]).await }).await?;
    if rows == 0 { Err(Error::no_such_bucket(name)) } else { Ok(()) }
}

/// Has the bucket that was asked about keep versions, or no longer; another one may have its name by now.
pub(crate) async fn set_versioning(store: &Store, bucket: &Bucket, versioning: Versioning) -> S3Result<()> {
    let sql = "UPDATE object_buckets SET versioning = $2 WHERE name = $1";
    let check = |row: &BucketRow| {
        if versioning != Versioning::Enabled && row.settings.object_lock.is_some() {
            return Err(Error::new(
                Code::InvalidBucketState,
                "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.",
            ));
        }
        Ok(())
    };
    set_if(store, bucket, check, sql, versioning.as_str()).await
}

/// Sets the object lock of the bucket that was asked about; another one may have its name by now.
pub(crate) async fn set_object_lock(store: &Store, bucket: &Bucket, lock: &str) -> S3Result<()> {
    let sql = "UPDATE object_buckets SET object_lock = $2 WHERE name = $1";
    let check = |row: &BucketRow| {
        if row.versioning != Versioning::Enabled {
            return Err(Error::new(
                Code::InvalidBucketState,
                "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
            ));
        }
        Ok(())
    };
    set_if(store, bucket, check, sql, lock).await
}

/// Sets `value` if `check` holds for the bucket as it is now.
async fn set_if(
    store: &Store,
    bucket: &Bucket,
    check: impl Fn(&BucketRow) -> S3Result<()>,
    sql: &'static str,
    value: &str,
) -> S3Result<()> {
    let (check, name) = (&check, bucket.name.as_str());
    store
        .write(|tx| async move {
            let Some(row) = find(&tx, name).await?.filter(|row| row.bucket == *bucket) else {
                return Ok(Err(Error::no_such_bucket(name)));
            };
            if let Err(refused) = check(&row) {
                return Ok(Err(refused));
            }
            tx.execute(sql, params![name, value]).await?;
            Ok(Ok(()))
        })
        .await?
}

/// The value of a JSON column.
pub(crate) fn json<T: DeserializeOwned>(column: &str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| base::Error::internal(format!("column `{column}`: {error}")))
}

fn bucket(row: &Row) -> Result<BucketRow> {
    let account: AccountId = row.text("account")?.parse()?;
    let region: Region = row.text("region")?.parse()?;
    Ok(BucketRow {
        bucket: Bucket { name: row.text("name")?, owner: account, region, created: row.time("created")? },
        versioning: Versioning::parse(&row.text("versioning")?)?,
        policy: row.opt_text("policy")?,
        principals: row.opt_text("principals")?,
        settings: Settings {
            public_access: row.opt_text("public_access")?,
            encryption: row.opt_text("encryption")?,
            tags: row.opt_text("tags")?,
            cors: row.opt_text("cors")?,
            ownership: row.opt_text("ownership")?,
            object_lock: row.opt_text("object_lock")?,
        },
    })
}
