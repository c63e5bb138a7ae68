//! UploadPart and UploadPartCopy.

use ::store::crash::point;
use base::Timestamp;
use futures::StreamExt as _;
use identity::{Access, Ctx};

use super::UploadRef;
use super::store::{self, NewPart, UploadRow};
use crate::blobs::{Ingested, NewBlob, ingest};
use crate::body::Body;
use crate::buckets::store::BucketRow;
use crate::checksums::{Checksum, ChecksumAlgorithm, Checksums, decode_md5};
use crate::conditions::Conditions;
use crate::customer_keys::CustomerKey;
use crate::encryption::Sealed;
use crate::error::{Code, Error, Result};
use crate::open::Objects;
use crate::put::{MOST_AT_ONCE, agreed, verify};
use crate::ranges::ByteRange;
use crate::seal::DataKey;
use crate::versions::{ObjectRef, shown_version};

/// Which part of which upload a request is about.
#[derive(Debug, Clone)]
pub struct PartRef {
    /// The upload.
    pub upload: UploadRef,
    /// The part's number: 1 to 10,000.
    pub number: u32,
}

/// What is said of a part's bytes.
#[derive(Debug, Clone, Default)]
pub struct PartChecks {
    /// `Content-MD5`
    pub content_md5: Option<String>,
    /// The checksums in the request's headers.
    pub checksums: Checksums,
    /// The checksum that comes in a trailer, or is to be computed.
    pub algorithm: Option<ChecksumAlgorithm>,
    /// The key of the client's own that the upload was begun with.
    pub customer_key: Option<CustomerKey>,
}

/// A part that was uploaded.
#[derive(Debug, Clone)]
pub struct UploadedPart {
    /// Its ETag, without quotes.
    pub etag: String,
    /// Its checksum.
    pub checksum: Option<Checksum>,
    /// How it is encrypted.
    pub sealed: Sealed,
}

/// What a part is copied from.
#[derive(Debug, Clone)]
pub struct CopyPart {
    /// The object.
    pub source: ObjectRef,
    /// Which of its bytes; all of them by default.
    pub range: Option<ByteRange>,
    /// Under which conditions.
    pub conditions: Conditions,
    /// The key of the client's own that the source was written with.
    pub source_key: Option<CustomerKey>,
    /// The one that the upload was begun with.
    pub customer_key: Option<CustomerKey>,
}

/// A part that was copied.
#[derive(Debug, Clone)]
pub struct CopiedPart {
    /// The part.
    pub part: UploadedPart,
    /// When.
    pub modified: Timestamp,
    /// The source's version, where its bucket keeps versions.
    pub source_version: Option<String>,
}

impl Objects {
    /// Takes in a part; one that has the number already is replaced.
    ///
    /// # Errors
    /// NoSuchUpload, NoSuchBucket, AccessDenied; InvalidArgument for a number out of range; BadDigest, InvalidDigest,
    /// IncompleteBody, EntityTooLarge; InvalidRequest where the checksum is of another algorithm than the upload's;
    /// ServiceUnavailable where there is no space left; those of KMS.
    pub async fn upload_part(
        &self,
        ctx: &Ctx,
        part: &PartRef,
        checks: PartChecks,
        mut body: Body,
    ) -> Result<UploadedPart> {
        check_number(part.number)?;
        let (row, upload) = self.upload(ctx, &part.upload, "s3:PutObject", Access::Write).await?;
        if let Some(text) = &checks.content_md5 {
            decode_md5(text)?;
        }
        let algorithm = part_algorithm(&upload, agreed(checks.algorithm, &checks.checksums)?)?;
        let key = self.upload_key(ctx, &row, &upload, checks.customer_key.as_ref()).await?;
        let ingested = ingest(self.blobs(), self.random(), &key, &mut body, MOST_AT_ONCE, algorithm).await?;
        verify(&ingested, checks.content_md5.as_deref(), &checks.checksums, &mut body)?;
        Ok(self.commit_part(&row, &upload, part.number, ingested).await?.0)
    }

    /// Takes in a part out of an object that is here already.
    ///
    /// # Errors
    /// Those of [`Objects::upload_part`] and [`Objects::get_object`]; InvalidRange for a range beyond the source's end;
    /// PreconditionFailed.
    pub async fn upload_part_copy(&self, ctx: &Ctx, part: &PartRef, copy: &CopyPart) -> Result<CopiedPart> {
        check_number(part.number)?;
        let (row, upload) = self.upload(ctx, &part.upload, "s3:PutObject", Access::Write).await?;
        let found = self.object(ctx, &copy.source, ["s3:GetObject", "s3:GetObjectVersion"], Access::Read).await?;
        copy.conditions.check_source(&found.row.etag, found.row.modified)?;
        let size = found.row.size;
        let (from, to) = match copy.range {
            None => (0, size),
            Some(ByteRange::FromTo(first, last)) if first <= last && last < size => (first, last + 1),
            Some(ByteRange::FromTo(..)) => {
                return Err(Error::new(
                    Code::InvalidRange,
                    format!("Range specified is not valid for source object of size: {size}"),
                ));
            }
            Some(_) => {
                return Err(Error::invalid_argument(
                    "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the \
                     zero-based offsets of the first and last bytes to copy",
                ));
            }
        };
        let stream = self.open_body(ctx, &found, from, to, copy.source_key.as_ref()).await?;
        let stream = stream.map(|piece| piece.map_err(std::io::Error::other)).boxed();
        let mut body = Body { stream, length: Some(to - from), trailers: None };
        let key = self.upload_key(ctx, &row, &upload, copy.customer_key.as_ref()).await?;
        let algorithm = part_algorithm(&upload, None)?;
        let ingested = ingest(self.blobs(), self.random(), &key, &mut body, MOST_AT_ONCE, algorithm).await?;
        let (part, modified) = self.commit_part(&row, &upload, part.number, ingested).await?;
        let source_version = shown_version(found.bucket.versioning, &found.row.version);
        Ok(CopiedPart { part, modified, source_version })
    }

    /// The data key of the object that the upload will be.
    ///
    /// # Errors
    /// InvalidRequest, where the request brings no key of the client's own, or another one than the upload was begun
    /// with; those of KMS.
    async fn upload_key(
        &self,
        ctx: &Ctx,
        row: &BucketRow,
        upload: &UploadRow,
        customer: Option<&CustomerKey>,
    ) -> Result<DataKey> {
        let own = upload.envelope.sealed == Sealed::Customer;
        if own && customer.is_none() {
            return Err(Error::new(
                Code::InvalidRequest,
                "The multipart upload initiate requested encryption. Subsequent part requests must include the \
                 appropriate encryption parameters.",
            ));
        }
        let key = self.data_key(ctx, &row.bucket, &upload.key, &upload.envelope, customer).await;
        key.map_err(|error| match error.code {
            Code::AccessDenied if own => Error::new(
                Code::InvalidRequest,
                "The provided encryption parameters did not match the ones used originally.",
            ),
            _ => error,
        })
    }

    async fn commit_part(
        &self,
        row: &BucketRow,
        upload: &UploadRow,
        number: u32,
        ingested: Ingested,
    ) -> Result<(UploadedPart, Timestamp)> {
        let Ingested { mut blob, size, digests, inline: _ } = ingested;
        let (etag, checksum, modified) = (digests.etag(), digests.stored(), self.now());
        // A checksum of another algorithm than the upload's was checked; only the upload's own is kept.
        let kept = checksum.as_ref().filter(|checksum| upload.algorithm.is_none_or(|own| own == checksum.algorithm));
        let blob_id = blob.as_ref().map(|blob| blob.id().to_owned());
        let part = NewPart {
            owner: &upload.id,
            number,
            size,
            etag: &etag,
            checksum: kept.filter(|_| upload.algorithm.is_some()).map(|checksum| checksum.value.as_str()),
            blob: blob_id.as_deref(),
            modified,
        };
        point("objects.part.commit.before");
        blob.iter_mut().for_each(NewBlob::settle);
        let put = store::put_part(self.store(), &row.bucket.name, &part).await;
        let put = put.map(|there| if there { Ok(()) } else { Err(Error::no_such_upload()) });
        blob.iter_mut().for_each(|blob| blob.conclude(&put));
        put??;
        point("objects.part.commit.after");
        self.nudge();
        Ok((UploadedPart { etag, checksum, sealed: upload.envelope.sealed.clone() }, modified))
    }
}

fn check_number(number: u32) -> Result<()> {
    if (1..=10_000).contains(&number) {
        return Ok(());
    }
    Err(Error::invalid_argument("Part number must be an integer between 1 and 10000, inclusive"))
}

/// What a part's checksum is computed with: that of the upload, which a request cannot change.
fn part_algorithm(upload: &UploadRow, asked: Option<ChecksumAlgorithm>) -> Result<Option<ChecksumAlgorithm>> {
    match (upload.algorithm, asked) {
        (Some(own), Some(asked)) if own != asked => Err(Error::new(
            Code::InvalidRequest,
            format!(
                "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
                own.as_str().to_lowercase(),
                asked.as_str().to_lowercase()
            ),
        )),
        (own, asked) => Ok(own.or(asked)),
    }
}
