//! ListParts and ListMultipartUploads.

use identity::{Access, Ctx};

use super::{PartInfo, UploadInfo, UploadRef, store};
use crate::buckets::BucketRef;
use crate::error::{Error, Result};
use crate::listing::{Fold, max_keys, some};
use crate::open::Objects;

/// Which parts are asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct ListParts {
    /// How many at most; 1,000 by default and at most.
    pub max: Option<i64>,
    /// The number after which they begin.
    pub after: Option<u32>,
}

/// A page of an upload's parts.
#[derive(Debug, Clone)]
pub struct PartListing {
    /// The upload.
    pub upload: UploadInfo,
    /// The parts, by number.
    pub parts: Vec<PartInfo>,
    /// Whether more follow.
    pub truncated: bool,
    /// The last number, where there are parts.
    pub next_after: Option<u32>,
    /// How many there could be.
    pub max: u32,
}

/// Which uploads are asked for.
#[derive(Debug, Clone)]
pub struct ListUploads {
    /// Of which bucket.
    pub bucket: BucketRef,
    /// Only keys that begin with it.
    pub prefix: String,
    /// Keys that have it after the prefix are listed together, as one common prefix.
    pub delimiter: Option<String>,
    /// The key, or common prefix, after which the page begins.
    pub key_marker: Option<String>,
    /// The upload of `key_marker` after which the page begins.
    pub upload_marker: Option<String>,
    /// How many uploads and common prefixes at most; 1,000 by default and at most.
    pub max: Option<i64>,
}

/// A page of a bucket's uploads.
#[derive(Debug, Clone)]
pub struct UploadListing {
    /// The uploads, by key, then in the order in which they were begun.
    pub uploads: Vec<UploadInfo>,
    /// The common prefixes, in order.
    pub prefixes: Vec<String>,
    /// Whether more follow.
    pub truncated: bool,
    /// The key, or common prefix, after which the next page begins.
    pub next_key_marker: Option<String>,
    /// The upload after which the next page begins, unless a common prefix came last.
    pub next_upload_marker: Option<String>,
    /// How many there could be.
    pub max: u32,
}

impl Objects {
    /// A page of an upload's parts.
    ///
    /// # Errors
    /// NoSuchUpload, NoSuchBucket, AccessDenied, InvalidArgument for a negative `max`.
    pub async fn list_parts(&self, ctx: &Ctx, upload: &UploadRef, ask: ListParts) -> Result<PartListing> {
        let max = max_keys(ask.max)
            .map_err(|_| Error::invalid_argument("Argument max-parts must be an integer between 0 and 2147483647"))?;
        let (row, found) = self.upload(ctx, upload, "s3:ListMultipartUploadParts", Access::Read).await?;
        let mut parts = store::list(self.store(), &found.id, ask.after.unwrap_or(0), i64::from(max) + 1).await?;
        let truncated = parts.len() > max as usize && max > 0;
        parts.truncate(max as usize);
        let algorithm = found.algorithm;
        Ok(PartListing {
            upload: found.info(row.bucket.owner),
            next_after: parts.last().map(|part| part.number),
            parts: parts.into_iter().map(|part| part.info(algorithm)).collect(),
            truncated,
            max,
        })
    }

    /// A page of a bucket's multipart uploads that go on.
    ///
    /// # Errors
    /// NoSuchBucket, AccessDenied, InvalidArgument for a negative `max`.
    pub async fn list_multipart_uploads(&self, ctx: &Ctx, list: &ListUploads) -> Result<UploadListing> {
        let max = max_keys(list.max)
            .map_err(|_| Error::invalid_argument("Argument max-uploads must be an integer between 0 and 2147483647"))?;
        let row = self.bucket(ctx, &list.bucket, "s3:ListBucketMultipartUploads", Access::Read).await?;
        let mut fold = Fold::new(&list.prefix, some(list.delimiter.as_deref()), max);
        let (key, upload) = (some(list.key_marker.as_deref()), some(list.upload_marker.as_deref()));
        let found = store::uploads(self.store(), &row.bucket.name, &mut fold, key, upload).await?;
        let truncated = fold.is_truncated();
        let last = fold.last().filter(|_| truncated).map(str::to_owned);
        let next_upload_marker =
            found.last().filter(|upload| last.as_ref() == Some(&upload.key)).map(|upload| upload.id.clone());
        Ok(UploadListing {
            uploads: found.into_iter().map(|upload| upload.info(row.bucket.owner.clone())).collect(),
            prefixes: fold.into_prefixes(),
            truncated,
            next_key_marker: last,
            next_upload_marker,
            max,
        })
    }
}
