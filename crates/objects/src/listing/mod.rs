//! Listings: objects, versions; in the order of the keys' UTF-8 bytes.

mod fold;
pub(crate) mod store;

use base::{AccountId, Timestamp};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use identity::{Access, Ctx};

use crate::asks::with_listing;
use crate::buckets::BucketRef;
use crate::buckets::store::BucketRow;
use crate::checksums::{ChecksumAlgorithm, ChecksumType};
use crate::error::{Error, Result};
use crate::open::Objects;
pub(crate) use fold::{Fold, Step, successor};

/// The most entries of a page.
const MOST: u32 = 1_000;

/// What a listing of objects asks for (`ListObjects`).
#[derive(Debug, Clone)]
pub struct ListObjects {
    /// Of which bucket.
    pub bucket: BucketRef,
    /// Only keys that begin with it.
    pub prefix: String,
    /// Keys that have it after the prefix are listed together, as one common prefix.
    pub delimiter: Option<String>,
    /// The key, or common prefix, after which the page begins.
    pub marker: Option<String>,
    /// How many keys and common prefixes at most; 1,000 by default and at most.
    pub max_keys: Option<i64>,
}

/// What a listing of objects asks for (`ListObjectsV2`).
#[derive(Debug, Clone)]
pub struct ListObjectsV2 {
    /// Of which bucket.
    pub bucket: BucketRef,
    /// Only keys that begin with it.
    pub prefix: String,
    /// Keys that have it after the prefix are listed together, as one common prefix.
    pub delimiter: Option<String>,
    /// The key after which the first page begins.
    pub start_after: Option<String>,
    /// Where the page before ended; then `start_after` is not looked at.
    pub token: Option<String>,
    /// How many keys and common prefixes at most; 1,000 by default and at most.
    pub max_keys: Option<i64>,
}

/// An object in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedObject {
    /// Its key.
    pub key: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its ETag, without quotes.
    pub etag: String,
    /// When it was written.
    pub modified: Timestamp,
    /// Its storage class.
    pub storage_class: String,
    /// What its checksum is computed with, if it has one.
    pub checksum_algorithm: Option<ChecksumAlgorithm>,
    /// What its checksum is of.
    pub checksum_type: Option<ChecksumType>,
}

/// A page of objects.
#[derive(Debug, Clone)]
pub struct Listing {
    /// The objects, by key.
    pub entries: Vec<ListedObject>,
    /// The common prefixes, in order.
    pub prefixes: Vec<String>,
    /// Whether more follow.
    pub truncated: bool,
    /// The last key or common prefix, where more follow: the next page's marker.
    pub next_marker: Option<String>,
    /// The next page's token, where more follow.
    pub next_token: Option<String>,
    /// How many there could be.
    pub max_keys: u32,
    /// The owner of all objects.
    pub owner: AccountId,
}

/// What a listing of versions asks for.
#[derive(Debug, Clone)]
pub struct ListVersions {
    /// Of which bucket.
    pub bucket: BucketRef,
    /// Only keys that begin with it.
    pub prefix: String,
    /// Keys that have it after the prefix are listed together, as one common prefix.
    pub delimiter: Option<String>,
    /// The key, or common prefix, after which the page begins.
    pub key_marker: Option<String>,
    /// The version of `key_marker` after which the page begins.
    pub version_marker: Option<String>,
    /// How many versions and common prefixes at most; 1,000 by default and at most.
    pub max_keys: Option<i64>,
}

/// A version in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedVersion {
    /// The object, or nothing but key and time for a delete marker.
    pub object: ListedObject,
    /// Its version.
    pub version_id: String,
    /// Whether it is the latest of its key.
    pub latest: bool,
    /// Whether it is a delete marker.
    pub delete_marker: bool,
}

/// A page of versions.
#[derive(Debug, Clone)]
pub struct VersionListing {
    /// The versions and delete markers, by key, the latest first.
    pub versions: Vec<ListedVersion>,
    /// The common prefixes, in order.
    pub prefixes: Vec<String>,
    /// Whether more follow.
    pub truncated: bool,
    /// The key, or common prefix, after which the next page begins.
    pub next_key_marker: Option<String>,
    /// The version after which the next page begins, unless a common prefix came last.
    pub next_version_marker: Option<String>,
    /// How many there could be.
    pub max_keys: u32,
    /// The owner of all objects.
    pub owner: AccountId,
}

impl Objects {
    /// A page of a bucket's objects, after a marker.
    ///
    /// # Errors
    /// NoSuchBucket, AccessDenied, InvalidArgument for a negative `max_keys`.
    pub async fn list_objects(&self, ctx: &Ctx, list: &ListObjects) -> Result<Listing> {
        let max_keys = max_keys(list.max_keys)?;
        let (prefix, delimiter) = (list.prefix.as_str(), some(list.delimiter.as_deref()));
        let row = self.may_list(ctx, &list.bucket, "s3:ListBucket", (prefix, delimiter, max_keys)).await?;
        self.page(&row, prefix, delimiter, list.marker.as_deref(), max_keys).await
    }

    /// A page of a bucket's objects, after a token.
    ///
    /// # Errors
    /// NoSuchBucket, AccessDenied, InvalidArgument for a negative `max_keys` or a token that is none.
    pub async fn list_objects_v2(&self, ctx: &Ctx, list: &ListObjectsV2) -> Result<Listing> {
        let max_keys = max_keys(list.max_keys)?;
        let (prefix, delimiter) = (list.prefix.as_str(), some(list.delimiter.as_deref()));
        let row = self.may_list(ctx, &list.bucket, "s3:ListBucket", (prefix, delimiter, max_keys)).await?;
        let marker = match &list.token {
            Some(token) if !token.is_empty() => Some(read_token(token)?),
            _ => list.start_after.clone(),
        };
        self.page(&row, prefix, delimiter, marker.as_deref(), max_keys).await
    }

    /// A page of a bucket's versions and delete markers.
    ///
    /// # Errors
    /// NoSuchBucket, AccessDenied, InvalidArgument for a negative `max_keys` or a version marker without a key.
    pub async fn list_object_versions(&self, ctx: &Ctx, list: &ListVersions) -> Result<VersionListing> {
        let max_keys = max_keys(list.max_keys)?;
        let (prefix, delimiter) = (list.prefix.as_str(), some(list.delimiter.as_deref()));
        let row = self.may_list(ctx, &list.bucket, "s3:ListBucketVersions", (prefix, delimiter, max_keys)).await?;
        let (key, version) = (some(list.key_marker.as_deref()), some(list.version_marker.as_deref()));
        if version.is_some() && key.is_none() {
            return Err(Error::invalid_argument("A version-id marker cannot be specified without a key marker."));
        }
        let mut fold = Fold::new(prefix, delimiter, max_keys);
        let found = store::versions(self.store(), &row.bucket.name, &mut fold, key, version).await?;
        let truncated = fold.is_truncated();
        let (next_key_marker, next_version_marker) = match fold.last().filter(|_| truncated) {
            Some(last) => {
                let version = found.last().filter(|version| version.object.key == last);
                (Some(last.to_owned()), version.map(|version| version.version_id.clone()))
            }
            None => (None, None),
        };
        Ok(VersionListing {
            versions: found,
            prefixes: fold.into_prefixes(),
            truncated,
            next_key_marker,
            next_version_marker,
            max_keys,
            owner: row.bucket.owner,
        })
    }

    async fn page(
        &self,
        row: &BucketRow,
        prefix: &str,
        delimiter: Option<&str>,
        marker: Option<&str>,
        max_keys: u32,
    ) -> Result<Listing> {
        let mut fold = Fold::new(prefix, delimiter, max_keys);
        let entries = store::current(self.store(), &row.bucket.name, &mut fold, marker).await?;
        let truncated = fold.is_truncated();
        let next_marker = fold.last().filter(|_| truncated).map(str::to_owned);
        Ok(Listing {
            entries,
            next_token: next_marker.as_deref().map(write_token),
            next_marker,
            prefixes: fold.into_prefixes(),
            truncated,
            max_keys,
            owner: row.bucket.owner.clone(),
        })
    }

    /// The bucket, for a caller who may list it so.
    pub(crate) async fn may_list(
        &self,
        ctx: &Ctx,
        bucket: &BucketRef,
        action: &str,
        (prefix, delimiter, max_keys): (&str, Option<&str>, u32),
    ) -> Result<BucketRow> {
        let row = self.known_bucket(ctx, bucket, action).await?;
        let ask = with_listing(self.ask_bucket(ctx, &row, action)?, prefix, delimiter, max_keys);
        self.identity().permit(ctx, &ask, Access::Read).await?;
        self.check_owner(&row, bucket)?;
        Ok(row)
    }
}

/// Without the empty text, which is as good as none.
pub(crate) fn some(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}

/// # Errors
/// InvalidArgument, for a negative number or one beyond 32 bits.
pub(crate) fn max_keys(asked: Option<i64>) -> Result<u32> {
    match asked {
        None => Ok(MOST),
        Some(number) if (0..=i64::from(i32::MAX)).contains(&number) => {
            Ok(u32::try_from(number).unwrap_or(MOST).min(MOST))
        }
        Some(_) => Err(Error::invalid_argument("Argument maxKeys must be an integer between 0 and 2147483647")),
    }
}

fn write_token(marker: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("o1:{marker}"))
}

fn read_token(token: &str) -> Result<String> {
    let read = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let marker = read.and_then(|text| text.strip_prefix("o1:").map(str::to_owned));
    marker.ok_or_else(|| Error::invalid_argument("The continuation token provided is incorrect"))
}
