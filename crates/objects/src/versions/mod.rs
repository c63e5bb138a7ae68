//! The versions of objects.

pub(crate) mod store;

use base::Timestamp;
use identity::{Access, Ask, Ctx};
use serde::{Deserialize, Serialize};

use crate::asks::{by_version, with_existing_tags, with_version};
use crate::buckets::store::BucketRow;
use crate::buckets::{BucketRef, Versioning};
use crate::checksums::Checksum;
use crate::encryption::Sealed;
use crate::error::{Code, Error, ErrorFacts, Result};
use crate::keys;
use crate::open::Objects;
use crate::tags::Pairs;
use store::VersionRow;

/// The version that objects have which were put while their bucket kept no versions.
pub(crate) const NULL: &str = "null";

/// Which object a request is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectRef {
    /// Its bucket.
    pub bucket: BucketRef,
    /// Its key.
    pub key: String,
    /// Its version; `None` for the latest.
    pub version: Option<String>,
}

impl ObjectRef {
    /// The latest version of `key` in `bucket`.
    pub fn new(bucket: impl Into<String>, key: impl Into<String>) -> Self {
        Self { bucket: BucketRef::new(bucket), key: key.into(), version: None }
    }
}

/// The system metadata that is kept as it came.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Headers {
    /// `Content-Type`
    pub content_type: Option<String>,
    /// `Cache-Control`
    pub cache_control: Option<String>,
    /// `Content-Disposition`
    pub content_disposition: Option<String>,
    /// `Content-Encoding`
    pub content_encoding: Option<String>,
    /// `Content-Language`
    pub content_language: Option<String>,
    /// `Expires`
    pub expires: Option<String>,
    /// `x-amz-website-redirect-location`
    pub website_redirect: Option<String>,
}

/// What is known of an object.
#[derive(Debug, Clone)]
pub struct ObjectInfo {
    /// Its key.
    pub key: String,
    /// Its version; `None` where the bucket never kept versions.
    pub version_id: Option<String>,
    /// Its size in bytes.
    pub size: u64,
    /// Its ETag, without quotes.
    pub etag: String,
    /// When it was written.
    pub modified: Timestamp,
    /// Its system metadata.
    pub headers: Headers,
    /// Its user metadata; names in lower case, without `x-amz-meta-`.
    pub metadata: Pairs,
    /// How many tags it has.
    pub tag_count: usize,
    /// Its storage class.
    pub storage_class: String,
    /// How it is encrypted.
    pub sealed: Sealed,
    /// Its checksum, if it has one.
    pub checksum: Option<Checksum>,
    /// In how many parts it was uploaded, if it was.
    pub parts: Option<u32>,
}

/// An object that was found, with its bucket.
pub(crate) struct FoundObject {
    pub(crate) bucket: BucketRow,
    pub(crate) row: VersionRow,
    /// Keeps the object's blob from being removed. Those of its parts are leased when they are known.
    pub(crate) _lease: crate::blobs::Lease,
}

impl VersionRow {
    pub(crate) fn info(&self, versioning: Versioning) -> ObjectInfo {
        ObjectInfo {
            key: self.key.clone(),
            version_id: shown_version(versioning, &self.version),
            size: self.size,
            etag: self.etag.clone(),
            modified: self.modified,
            headers: self.content.headers.clone(),
            metadata: self.content.metadata.clone(),
            tag_count: self.content.tags.len(),
            storage_class: self.content.storage_class.clone(),
            sealed: self.envelope.sealed.clone(),
            checksum: self.checksum.clone(),
            parts: self.parts,
        }
    }
}

/// The version as answers give it: not at all where the bucket never kept versions.
pub(crate) fn shown_version(versioning: Versioning, version: &str) -> Option<String> {
    (versioning != Versioning::Unversioned).then(|| version.to_owned())
}

impl Objects {
    /// The object, for a caller who may do to it the first of `actions`, or the second where the request names a
    /// version. Who may not list the bucket does not learn that an object is absent.
    pub(crate) async fn object(
        &self,
        ctx: &Ctx,
        object: &ObjectRef,
        actions: [&'static str; 2],
        access: Access,
    ) -> Result<FoundObject> {
        self.object_with(ctx, object, actions, access, |ask| ask).await
    }

    /// As [`Objects::object`], with more said in the question.
    pub(crate) async fn object_with(
        &self,
        ctx: &Ctx,
        object: &ObjectRef,
        actions: [&'static str; 2],
        access: Access,
        more: impl FnOnce(Ask) -> Ask,
    ) -> Result<FoundObject> {
        keys::check(&object.key)?;
        let version = object.version.as_deref();
        keys::check_version(version)?;
        let action = by_version(actions, version);
        let bucket = self.known_bucket(ctx, &object.bucket, action).await?;
        let (found, lease) = {
            let _gate = self.blobs().leases.enter().await;
            let found = store::read(self.store(), &bucket.bucket.name, &object.key, version).await?;
            let blob = found.as_ref().and_then(|row| row.blob.clone());
            (found, self.blobs().leases.take(blob))
        };
        let mut ask = with_version(self.ask_object(ctx, &bucket, action, &object.key)?, version);
        if let Some(row) = &found {
            ask = with_existing_tags(ask, &row.content.tags);
        }
        self.identity().permit(ctx, &more(ask), access).await?;
        self.check_owner(&bucket, &object.bucket)?;
        match found {
            Some(row) if !row.marker => Ok(FoundObject { bucket, row, _lease: lease }),
            found => Err(self.absence(ctx, &bucket, object, found).await?),
        }
    }

    /// The refusal of a request for an object that is not there, or for a delete marker.
    pub(crate) async fn absence(
        &self,
        ctx: &Ctx,
        bucket: &BucketRow,
        object: &ObjectRef,
        found: Option<VersionRow>,
    ) -> Result<Error> {
        let ask = self.ask_bucket(ctx, bucket, "s3:ListBucket")?.key("s3:prefix", &object.key);
        let verdict = self.identity().decide(ctx, &ask).await?;
        if let Some(denial) = verdict.denial() {
            // AWS does not say that the key is absent; that the denied action is ListBucket helps to find the mistake.
            return Ok(denial.into());
        }
        let marker = found.map(|row| ErrorFacts {
            delete_marker: true,
            version_id: shown_version(bucket.versioning, &row.version),
            modified: Some(row.modified),
            ..ErrorFacts::default()
        });
        let error = match (&object.version, &marker) {
            (Some(_), Some(_)) => {
                Error::new(Code::MethodNotAllowed, "The specified method is not allowed against this resource.")
            }
            (Some(_), None) => Error::no_such_version(),
            (None, _) => Error::no_such_key(&object.key),
        };
        Ok(match marker {
            Some(facts) => error.with_facts(facts),
            None => error,
        })
    }
}
