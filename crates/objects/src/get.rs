//! GetObject, HeadObject, GetObjectAttributes.

use std::future;

use base::Result as BaseResult;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt as _};
use identity::{Access, Ctx};

use crate::blobs::{Segment, read};
use crate::conditions::Conditions;
use crate::customer_keys::CustomerKey;
use crate::error::{Code, Error, Result};
use crate::locks::ObjectLock;
use crate::multipart::PartInfo;
use crate::multipart::store as parts;
use crate::open::Objects;
use crate::ranges::{ByteRange, ContentRange};
use crate::seal::open_range;
use crate::versions::{FoundObject, ObjectInfo, ObjectRef};

/// What is asked for of an object.
#[derive(Debug, Clone)]
pub struct GetObject {
    /// Which object.
    pub object: ObjectRef,
    /// Which of its bytes; not together with `part`.
    pub range: Option<ByteRange>,
    /// Which of the parts that it was uploaded in.
    pub part: Option<u32>,
    /// Under which conditions.
    pub conditions: Conditions,
    /// The key of the client's own that the object was written with.
    pub customer_key: Option<CustomerKey>,
}

impl GetObject {
    /// The whole object.
    #[must_use]
    pub fn new(object: ObjectRef) -> Self {
        Self { object, range: None, part: None, conditions: Conditions::default(), customer_key: None }
    }
}

/// An object that is read.
pub struct Got {
    /// What is known of it.
    pub object: ObjectInfo,
    /// What protects it, as far as the caller may see that.
    pub lock: ObjectLock,
    /// Which of its bytes `body` has, where these are not all.
    pub range: Option<ContentRange>,
    /// How many bytes `body` has.
    pub length: u64,
    /// The bytes; each piece is authentic. Empty for HeadObject.
    pub body: BoxStream<'static, BaseResult<Bytes>>,
}

/// Which parts `GetObjectAttributes` gives.
#[derive(Debug, Clone, Copy, Default)]
pub struct PartsAsk {
    /// How many at most; 1,000 by default.
    pub max: Option<u32>,
    /// The number after which they begin.
    pub after: Option<u32>,
}

/// An object's attributes.
#[derive(Debug, Clone)]
pub struct Attributes {
    /// What is known of it.
    pub object: ObjectInfo,
    /// The parts that it was uploaded in, by number.
    pub parts: Vec<PartInfo>,
    /// Whether more parts follow.
    pub truncated: bool,
}

impl Objects {
    /// Reads an object, or some of its bytes. The bytes that are sent are those of the version that was the latest when
    /// the call began, whatever happens to it meanwhile.
    ///
    /// # Errors
    /// NoSuchBucket, NoSuchKey, NoSuchVersion, MethodNotAllowed for a delete marker's version, AccessDenied,
    /// InvalidRange, InvalidPartNumber, NotModified, PreconditionFailed; those of KMS.
    pub async fn get_object(&self, ctx: &Ctx, get: &GetObject) -> Result<Got> {
        let found = self.object(ctx, &get.object, ["s3:GetObject", "s3:GetObjectVersion"], Access::Read).await?;
        let range = self.check_get(get, &found).await?;
        let size = found.row.size;
        let (from, to) = range.map_or((0, size), |range| (range.first, range.last + 1));
        let body = self.open_body(ctx, &found, from, to, get.customer_key.as_ref()).await?;
        let object = found.row.info(found.bucket.versioning);
        let lock = self.shown_lock(ctx, &found).await?;
        Ok(Got { object, lock, range, length: to - from, body })
    }

    /// What [`Objects::get_object`] answers, without the bytes.
    ///
    /// # Errors
    /// As [`Objects::get_object`].
    pub async fn head_object(&self, ctx: &Ctx, get: &GetObject) -> Result<Got> {
        let found = self.object(ctx, &get.object, ["s3:GetObject", "s3:GetObjectVersion"], Access::Read).await?;
        let row = &found.row;
        self.check_customer_key(&found.bucket.bucket, &row.key, &row.envelope, get.customer_key.as_ref())?;
        let range = self.check_get(get, &found).await?;
        let length = range.map_or(found.row.size, ContentRange::length);
        let object = found.row.info(found.bucket.versioning);
        let lock = self.shown_lock(ctx, &found).await?;
        Ok(Got { object, lock, range, length, body: stream::empty().boxed() })
    }

    /// What is known of an object, for a caller who may do to it the first of `actions`, or the second where the
    /// request names a version: for reading settings that objects here do not have.
    ///
    /// # Errors
    /// NoSuchBucket, NoSuchKey, NoSuchVersion, MethodNotAllowed, AccessDenied.
    pub async fn object_for(&self, ctx: &Ctx, object: &ObjectRef, actions: [&'static str; 2]) -> Result<ObjectInfo> {
        let found = self.object(ctx, object, actions, Access::Read).await?;
        Ok(found.row.info(found.bucket.versioning))
    }

    /// An object's attributes, and the parts that it was uploaded in.
    ///
    /// # Errors
    /// NoSuchBucket, NoSuchKey, NoSuchVersion, MethodNotAllowed, AccessDenied; InvalidRequest, where a key of the client's
    /// own is missing or is not needed.
    pub async fn get_object_attributes(
        &self,
        ctx: &Ctx,
        object: &ObjectRef,
        ask: PartsAsk,
        customer: Option<&CustomerKey>,
    ) -> Result<Attributes> {
        // The operation needs both permissions (S3 API Reference, "GetObjectAttributes").
        self.object(ctx, object, ["s3:GetObjectAttributes", "s3:GetObjectVersionAttributes"], Access::Read).await?;
        let found = self.object(ctx, object, ["s3:GetObject", "s3:GetObjectVersion"], Access::Read).await?;
        let row = &found.row;
        self.check_customer_key(&found.bucket.bucket, &row.key, &row.envelope, customer)?;
        let max = ask.max.unwrap_or(1_000).min(1_000);
        let mut list = Vec::new();
        if found.row.parts.is_some() {
            let after = ask.after.unwrap_or(0);
            list = parts::list(self.store(), &found.row.id, after, i64::from(max) + 1).await?;
        }
        let truncated = list.len() > max as usize;
        list.truncate(max as usize);
        let algorithm = found.row.checksum.as_ref().map(|checksum| checksum.algorithm);
        let list = list.into_iter().map(|part| part.info(algorithm)).collect();
        Ok(Attributes { object: found.row.info(found.bucket.versioning), parts: list, truncated })
    }

    /// Checks the conditions; gives the bytes that are asked for, where these are not all.
    async fn check_get(&self, get: &GetObject, found: &FoundObject) -> Result<Option<ContentRange>> {
        let row = &found.row;
        get.conditions.check(&row.etag, row.modified)?;
        match (get.range, get.part) {
            (Some(_), Some(_)) => {
                Err(Error::new(Code::InvalidRequest, "Cannot specify both Range header and partNumber query parameter"))
            }
            (Some(range), None) => range.of(row.size).map(Some),
            (None, Some(number)) => self.part_range(found, number).await,
            (None, None) => Ok(None),
        }
    }

    /// The bytes of a part; an object that was put at once is its own first part.
    async fn part_range(&self, found: &FoundObject, number: u32) -> Result<Option<ContentRange>> {
        let row = &found.row;
        let invalid = || Error::new(Code::InvalidPartNumber, "The requested partnumber is not satisfiable");
        if !(1..=10_000).contains(&number) {
            return Err(Error::invalid_argument("Part number must be an integer between 1 and 10000, inclusive"));
        }
        let (start, size) = match row.parts {
            None if number == 1 => (0, row.size),
            None => return Err(invalid()),
            Some(_) => {
                let part = parts::part(self.store(), &row.id, number).await?.ok_or_else(invalid)?;
                (part.start, part.size)
            }
        };
        if size == 0 {
            return Ok(None);
        }
        Ok(Some(ContentRange { first: start, last: start + size - 1, size: row.size }))
    }

    /// The object's bytes `from..to`.
    pub(crate) async fn open_body(
        &self,
        ctx: &Ctx,
        found: &FoundObject,
        from: u64,
        to: u64,
        customer: Option<&CustomerKey>,
    ) -> Result<BoxStream<'static, BaseResult<Bytes>>> {
        let row = &found.row;
        // Who may not use the key may not read the object, though it be empty.
        let key = self.data_key(ctx, &found.bucket.bucket, &row.key, &row.envelope, customer).await?;
        if from >= to {
            return Ok(stream::empty().boxed());
        }
        if let Some(sealed) = &row.inline {
            let bytes = open_range(&key.cipher(&row.id)?, row.size, from, to, sealed.clone())?;
            return Ok(stream::once(future::ready(Ok(Bytes::from(bytes)))).boxed());
        }
        let blobs = self.blobs();
        let (segments, lease) = match (&row.blob, row.parts) {
            (Some(blob), _) => {
                let segment = Segment { blob: blob.clone(), size: row.size, from, to };
                (vec![segment], blobs.leases.take([blob.clone()]))
            }
            (None, _) => {
                let _gate = blobs.leases.enter().await;
                let segments = parts::segments(self.store(), &row.id, from, to).await?;
                let covered: u64 = segments.iter().map(|segment| segment.to - segment.from).sum();
                if covered != to - from {
                    // Replaced between the two reads: whoever asks again gets the present version.
                    return Err(Error::from(
                        base::Error::unavailable("The object was replaced while it was read.").with_hint("Try again."),
                    ));
                }
                let lease = blobs.leases.take(segments.iter().map(|segment| segment.blob.clone()));
                (segments, lease)
            }
        };
        Ok(read(std::sync::Arc::clone(blobs), key, segments, lease))
    }
}
