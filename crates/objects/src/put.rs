//! PutObject.

use identity::{Access, Ctx};

use ::store::crash::point;
use base::Timestamp;

use crate::asks::{Writes, with_lock, with_writes};
use crate::blobs::{Ingested, NewBlob, ingest_object};
use crate::body::Body;
use crate::buckets::BucketRef;
use crate::buckets::settings::no_acls;
use crate::buckets::store::BucketRow;
use crate::checksums::{Checksum, ChecksumAlgorithm, Checksums, decode_md5};
use crate::conditions::WriteConditions;
use crate::customer_keys::CustomerKey;
use crate::encryption::{Encryption, Envelope, Sealed};
use crate::error::{Code, Error, Result};
use crate::events::About;
use crate::keys;
use crate::locks::ObjectLock;
use crate::open::Objects;
use crate::tags::{self, Pairs};
use crate::versions::store::{Content, Inserted, NewVersion};
use crate::versions::{self, Headers, shown_version};

/// The most that one request may bring: 5 GiB.
pub(crate) const MOST_AT_ONCE: u64 = 5 * 1024 * 1024 * 1024;

/// An object to be put.
#[derive(Debug, Clone)]
pub struct PutObject {
    /// Where.
    pub bucket: BucketRef,
    /// Under which key.
    pub key: String,
    /// System metadata.
    pub headers: Headers,
    /// User metadata; names in lower case, without `x-amz-meta-`.
    pub metadata: Pairs,
    /// Tags.
    pub tags: Pairs,
    /// `x-amz-storage-class`
    pub storage_class: Option<String>,
    /// How to encrypt; `None` for the bucket's default.
    pub encryption: Option<Encryption>,
    /// The key of the client's own to encrypt with; not together with `encryption`.
    pub customer_key: Option<CustomerKey>,
    /// What protects the object from removal.
    pub lock: ObjectLock,
    /// `Content-MD5`
    pub content_md5: Option<String>,
    /// The checksums in the request's headers.
    pub checksums: Checksums,
    /// The checksum to compute and keep; what is given, also in trailers, must be of it.
    pub algorithm: Option<ChecksumAlgorithm>,
    /// `If-Match`
    pub if_match: Option<String>,
    /// `If-None-Match`
    pub if_none_match: Option<String>,
    /// Whether an access control list was given that S3 refuses on owner-enforced buckets.
    pub acl: bool,
}

impl PutObject {
    /// The object `key` in `bucket`, with nothing said of it.
    pub fn new(bucket: impl Into<String>, key: impl Into<String>) -> Self {
        Self {
            bucket: BucketRef::new(bucket),
            key: key.into(),
            headers: Headers::default(),
            metadata: Pairs::new(),
            tags: Pairs::new(),
            storage_class: None,
            encryption: None,
            customer_key: None,
            lock: ObjectLock::default(),
            content_md5: None,
            checksums: Checksums::default(),
            algorithm: None,
            if_match: None,
            if_none_match: None,
            acl: false,
        }
    }

    pub(crate) fn conditions(&self) -> WriteConditions<'_> {
        WriteConditions { if_match: self.if_match.as_deref(), if_none_match: self.if_none_match.as_deref() }
    }

    pub(crate) fn content(&self) -> Result<Content> {
        Ok(Content {
            storage_class: keys::storage_class(self.storage_class.as_deref())?,
            headers: self.headers.clone(),
            metadata: self.metadata.clone(),
            tags: self.tags.clone(),
            lock: self.lock,
        })
    }

    /// # Errors
    /// Those of a request that breaks a rule, as far as it can be told before its body.
    pub(crate) fn check(&self) -> Result<Option<ChecksumAlgorithm>> {
        keys::check_metadata(&self.metadata)?;
        tags::check_object(&self.tags)?;
        if let Some(text) = &self.content_md5 {
            decode_md5(text)?;
        }
        self.conditions().check_form()?;
        agreed(self.algorithm, &self.checksums)
    }
}

/// An object that was put.
#[derive(Debug, Clone)]
pub struct Put {
    /// Its ETag, without quotes.
    pub etag: String,
    /// Its version, where the bucket keeps versions.
    pub version_id: Option<String>,
    /// Its checksum.
    pub checksum: Option<Checksum>,
    /// How it is encrypted.
    pub sealed: Sealed,
    /// Its size.
    pub size: u64,
    /// When it was written.
    pub modified: Timestamp,
}

/// What is committed as a version.
pub(crate) struct Commit<'a> {
    pub(crate) row: &'a BucketRow,
    pub(crate) key: &'a str,
    pub(crate) ingested: Ingested,
    pub(crate) envelope: Envelope,
    pub(crate) content: Content,
    pub(crate) checksum: Option<Checksum>,
    pub(crate) conditions: WriteConditions<'a>,
    pub(crate) event: &'static str,
}

impl Objects {
    /// Puts an object. When this returns it is durable; when it fails, nothing of it is there.
    ///
    /// # Errors
    /// NoSuchBucket, AccessDenied; BadDigest, InvalidDigest, IncompleteBody, EntityTooLarge; PreconditionFailed,
    /// NoSuchKey for an `If-Match` of an absent object; KeyTooLongError, MetadataTooLarge, InvalidTag,
    /// InvalidStorageClass; InvalidRequest, where a lock is asked for and the bucket has none;
    /// AccessControlListNotSupported; ServiceUnavailable where there is no space left; those of
    /// KMS.
    pub async fn put_object(&self, ctx: &Ctx, put: PutObject, mut body: Body) -> Result<Put> {
        keys::check(&put.key)?;
        let row = self.may_put(ctx, &put, None).await?;
        // What an object is uploaded without, S3 adds.
        let algorithm = put.check()?.or(Some(ChecksumAlgorithm::Crc64Nvme));
        let content = put.content()?;
        row.check_lock(ctx, &put.lock)?;
        if put.conditions().if_match.is_some() || put.conditions().if_none_match.is_some() {
            // Refused before the bytes are sent where that can be told; the commit decides.
            let latest = versions::store::read(self.store(), &row.bucket.name, &put.key, None).await?;
            put.conditions().check(&put.key, latest.as_ref().filter(|row| !row.marker))?;
        }
        let (key, envelope) =
            self.new_data_key(ctx, &row, &put.key, put.encryption.as_ref(), put.customer_key.as_ref()).await?;
        let ingested = ingest_object(self.blobs(), self.random(), &key, &mut body, MOST_AT_ONCE, algorithm).await?;
        verify(&ingested, put.content_md5.as_deref(), &put.checksums, &mut body)?;
        let checksum = ingested.digests.stored();
        let conditions = put.conditions();
        let event = "ObjectCreated:Put";
        let commit = Commit { row: &row, key: &put.key, ingested, envelope, content, checksum, conditions, event };
        self.commit_version(ctx, commit).await
    }

    /// The bucket, for a caller who may put the object; `copy_source` is what it is copied from.
    pub(crate) async fn may_put(&self, ctx: &Ctx, put: &PutObject, copy_source: Option<&str>) -> Result<BucketRow> {
        let row = self.known_bucket(ctx, &put.bucket, "s3:PutObject").await?;
        let writes = Writes {
            tags: &put.tags,
            encryption: put.encryption.as_ref(),
            storage_class: put.storage_class.as_deref(),
            copy_source,
            if_match: put.if_match.as_deref(),
            if_none_match: put.if_none_match.as_deref(),
            lock: put.lock,
        };
        self.permit_write(ctx, &row, &put.key, &writes).await?;
        self.check_owner(&row, &put.bucket)?;
        if put.acl {
            return Err(no_acls());
        }
        Ok(row)
    }

    /// Whether the caller may write the object, and its tags and what protects it where it has some.
    pub(crate) async fn permit_write(&self, ctx: &Ctx, row: &BucketRow, key: &str, writes: &Writes<'_>) -> Result<()> {
        let actions = [
            ("s3:PutObject", true),
            ("s3:PutObjectTagging", !writes.tags.is_empty()),
            ("s3:PutObjectRetention", writes.lock.retention.is_some()),
            ("s3:PutObjectLegalHold", writes.lock.legal_hold.is_some()),
        ];
        for (action, _) in actions.into_iter().filter(|(_, needed)| *needed) {
            let ask = with_lock(with_writes(self.ask_object(ctx, row, action, key)?, writes), &writes.lock, ctx);
            self.identity().permit(ctx, &ask, Access::Write).await?;
        }
        Ok(())
    }

    /// Makes what was taken in the latest version of its key.
    pub(crate) async fn commit_version(&self, ctx: &Ctx, commit: Commit<'_>) -> Result<Put> {
        let Commit { row, key, ingested, envelope, content, checksum, conditions, event } = commit;
        let Ingested { mut blob, inline, size, digests } = ingested;
        let etag = digests.etag();
        let version = self.new_version();
        let (id, inline) = match inline {
            Some(inline) => (inline.id, Some(inline.sealed)),
            None => (self.new_object_id(), None),
        };
        let modified = self.now();
        let blob_id = blob.as_ref().map(|blob| blob.id().to_owned());
        let new = NewVersion {
            bucket: &row.bucket,
            key,
            version: &version,
            id: &id,
            size,
            etag: &etag,
            modified,
            blob: blob_id.as_deref(),
            inline: inline.as_deref(),
            parts: None,
            envelope: Some(&envelope),
            content: &content,
            checksum: checksum.as_ref(),
        };
        let new = &new;
        point("objects.put.commit.before");
        blob.iter_mut().for_each(NewBlob::settle);
        let inserted = versions::store::transact(self.store(), |tx| async move {
            versions::store::insert(&tx, new, |latest| conditions.check(key, latest)).await
        })
        .await;
        blob.iter_mut().for_each(|blob| blob.conclude(&inserted));
        let inserted = inserted??;
        point("objects.put.commit.after");
        let Inserted { versioning, version } = inserted;
        let version_id = shown_version(versioning, &version);
        let about = About { key, version_id: version_id.as_deref(), size, etag: &etag };
        self.tell(ctx, event, &row.bucket, &about);
        self.nudge();
        Ok(Put { etag, version_id, checksum, sealed: envelope.sealed, size, modified })
    }

    /// A version's id, as AWS's are: 32 characters that say nothing.
    pub(crate) fn new_version(&self) -> String {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._";
        self.random().text(alphabet, 32)
    }

    pub(crate) fn new_object_id(&self) -> String {
        self.random().uuid()
    }
}

/// The one algorithm that a request names, or gives a value of.
///
/// # Errors
/// InvalidRequest, where they contradict each other or a value is not of its form.
pub(crate) fn agreed(named: Option<ChecksumAlgorithm>, given: &Checksums) -> Result<Option<ChecksumAlgorithm>> {
    match (named, given.check()?) {
        (Some(named), Some(given)) if named != given => {
            Err(Error::new(Code::InvalidRequest, "Value for x-amz-sdk-checksum-algorithm header is invalid.")
                .with_hint(format!("It says {named}, and a value of {given} is given.")))
        }
        (named, given) => Ok(given.or(named)),
    }
}

/// Compares what arrived with what the request and its trailers say.
///
/// # Errors
/// BadDigest, InvalidRequest.
pub(crate) fn verify(ingested: &Ingested, md5: Option<&str>, given: &Checksums, body: &mut Body) -> Result<()> {
    ingested.digests.verify(md5, given)?;
    let trailing = body.trailing()?;
    trailing.check()?;
    ingested.digests.verify(None, &trailing)
}
