//! Multipart uploads.

mod complete;
mod list;
mod parts;
pub(crate) mod store;

use base::{AccountId, Timestamp};
use identity::{Access, Ctx};

use crate::asks::Writes;
use crate::buckets::BucketRef;
use crate::buckets::settings::no_acls;
use crate::buckets::store::BucketRow;
use crate::checksums::{Checksum, ChecksumAlgorithm, ChecksumType};
use crate::customer_keys::CustomerKey;
use crate::encryption::{Encryption, Sealed};
use crate::error::{Code, Error, Result};
use crate::keys;
use crate::locks::ObjectLock;
use crate::open::Objects;
use crate::tags::{self, Pairs};
use crate::versions::Headers;
use crate::versions::store::Content;
pub use complete::{CompletePart, CompleteUpload};
pub use list::{ListParts, ListUploads, PartListing, UploadListing};
pub use parts::{CopiedPart, CopyPart, PartChecks, PartRef, UploadedPart};
use store::UploadRow;

/// A multipart upload to be begun.
#[derive(Debug, Clone)]
pub struct NewUpload {
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
    /// The key of the client's own to encrypt with; every part brings it, too.
    pub customer_key: Option<CustomerKey>,
    /// What protects the object from removal.
    pub lock: ObjectLock,
    /// What every part's checksum is computed with.
    pub algorithm: Option<ChecksumAlgorithm>,
    /// What the object's checksum will be of.
    pub checksum_type: Option<ChecksumType>,
    /// Whether an access control list was given that S3 refuses on owner-enforced buckets.
    pub acl: bool,
}

impl NewUpload {
    /// An upload of `key` in `bucket`, with nothing said of it.
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
            algorithm: None,
            checksum_type: None,
            acl: false,
        }
    }
}

/// A multipart upload that was begun.
#[derive(Debug, Clone)]
pub struct Upload {
    /// Its id.
    pub id: String,
    /// Its key.
    pub key: String,
    /// How the object will be encrypted.
    pub sealed: Sealed,
    /// What every part's checksum is computed with.
    pub algorithm: Option<ChecksumAlgorithm>,
    /// What the object's checksum will be of.
    pub checksum_type: Option<ChecksumType>,
}

/// Which multipart upload a request is about.
#[derive(Debug, Clone)]
pub struct UploadRef {
    /// Its bucket.
    pub bucket: BucketRef,
    /// Its key.
    pub key: String,
    /// Its id.
    pub upload_id: String,
}

/// A multipart upload in a listing.
#[derive(Debug, Clone)]
pub struct UploadInfo {
    /// Its id.
    pub id: String,
    /// Its key.
    pub key: String,
    /// When it was begun.
    pub initiated: Timestamp,
    /// The ARN of the one who began it.
    pub initiator_arn: String,
    /// The bucket's owner.
    pub owner: AccountId,
    /// The object's storage class.
    pub storage_class: String,
    /// What every part's checksum is computed with.
    pub algorithm: Option<ChecksumAlgorithm>,
    /// What the object's checksum will be of.
    pub checksum_type: Option<ChecksumType>,
}

/// A part of an upload or an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartInfo {
    /// Its number.
    pub number: u32,
    /// Its size in bytes.
    pub size: u64,
    /// Its ETag, without quotes.
    pub etag: String,
    /// When it was uploaded.
    pub modified: Timestamp,
    /// Its checksum, if it has one.
    pub checksum: Option<Checksum>,
}

impl Objects {
    /// Begins a multipart upload.
    ///
    /// # Errors
    /// NoSuchBucket, AccessDenied, KeyTooLongError, MetadataTooLarge, InvalidTag, InvalidStorageClass, InvalidRequest
    /// for a checksum type that the algorithm does not have, AccessControlListNotSupported; those of KMS.
    pub async fn create_multipart_upload(&self, ctx: &Ctx, new: NewUpload) -> Result<Upload> {
        keys::check(&new.key)?;
        let row = self.known_bucket(ctx, &new.bucket, "s3:PutObject").await?;
        let writes = Writes {
            tags: &new.tags,
            encryption: new.encryption.as_ref(),
            storage_class: new.storage_class.as_deref(),
            lock: new.lock,
            ..Writes::default()
        };
        self.permit_write(ctx, &row, &new.key, &writes).await?;
        self.check_owner(&row, &new.bucket)?;
        if new.acl {
            return Err(no_acls());
        }
        keys::check_metadata(&new.metadata)?;
        tags::check_object(&new.tags)?;
        let checksum_type = checksum_type(new.algorithm, new.checksum_type)?;
        let content = Content {
            storage_class: keys::storage_class(new.storage_class.as_deref())?,
            headers: new.headers,
            metadata: new.metadata,
            tags: new.tags,
            lock: new.lock,
        };
        row.check_lock(ctx, &new.lock)?;
        let (_, envelope) =
            self.new_data_key(ctx, &row, &new.key, new.encryption.as_ref(), new.customer_key.as_ref()).await?;
        let upload = UploadRow {
            id: self.new_upload_id(),
            bucket: row.bucket.name.clone(),
            key: new.key,
            initiated: self.now(),
            initiator: ctx.principal().arn(),
            envelope,
            content,
            algorithm: new.algorithm,
            checksum_type,
        };
        store::insert_upload(self.store(), &row.bucket, &upload).await??;
        let UploadRow { id, key, envelope, algorithm, checksum_type, .. } = upload;
        Ok(Upload { id, key, sealed: envelope.sealed, algorithm, checksum_type })
    }

    /// Ends a multipart upload; its parts are removed.
    ///
    /// # Errors
    /// NoSuchUpload, NoSuchBucket, AccessDenied.
    pub async fn abort_multipart_upload(&self, ctx: &Ctx, upload: &UploadRef) -> Result<()> {
        let (row, _) = self.upload(ctx, upload, "s3:AbortMultipartUpload", Access::Write).await?;
        if !store::abort(self.store(), &row.bucket.name, &upload.key, &upload.upload_id, self.now()).await? {
            return Err(Error::no_such_upload());
        }
        self.nudge();
        Ok(())
    }

    /// The upload and its bucket, for a caller who may do `action` to the object.
    async fn upload(
        &self,
        ctx: &Ctx,
        upload: &UploadRef,
        action: &str,
        access: Access,
    ) -> Result<(BucketRow, UploadRow)> {
        keys::check(&upload.key)?;
        let row = self.known_bucket(ctx, &upload.bucket, action).await?;
        let ask = self.ask_object(ctx, &row, action, &upload.key)?;
        self.identity().permit(ctx, &ask, access).await?;
        self.check_owner(&row, &upload.bucket)?;
        let found = store::read_upload(self.store(), &row.bucket.name, &upload.key, &upload.upload_id).await?;
        Ok((row, found.ok_or_else(Error::no_such_upload)?))
    }

    /// An upload's id: sorts by the time at which it was begun.
    fn new_upload_id(&self) -> String {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        format!("{:012x}.{}", self.now().as_millis().max(0), self.random().text(alphabet, 51))
    }
}

/// What the object's checksum will be of.
fn checksum_type(algorithm: Option<ChecksumAlgorithm>, asked: Option<ChecksumType>) -> Result<Option<ChecksumType>> {
    match (algorithm, asked) {
        (None, None) => Ok(None),
        (Some(algorithm), None) => Ok(Some(algorithm.default_type())),
        (Some(algorithm), Some(kind)) if algorithm.allows(kind) => Ok(Some(kind)),
        (Some(algorithm), Some(kind)) => Err(Error::new(
            Code::InvalidRequest,
            format!(
                "The {} checksum type cannot be used with the {} checksum algorithm.",
                kind.as_str(),
                algorithm.as_str().to_lowercase()
            ),
        )),
        (None, Some(_)) => Err(Error::new(
            Code::InvalidRequest,
            "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
        )),
    }
}
