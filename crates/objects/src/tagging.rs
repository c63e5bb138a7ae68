//! Tags of objects.

use identity::{Access, Ctx};

use crate::asks::{by_version, with_existing_tags, with_request_tags, with_version};
use crate::error::{Error, Result};
use crate::events::About;
use crate::keys;
use crate::open::Objects;
use crate::tags::{self, Pairs};
use crate::versions::{self, FoundObject, ObjectRef, shown_version};

/// An object's tags.
#[derive(Debug, Clone)]
pub struct Tagging {
    /// The tags.
    pub tags: Pairs,
    /// The version that has them, where the bucket keeps versions.
    pub version_id: Option<String>,
}

impl Objects {
    /// Replaces an object's tags; gives its version, where the bucket keeps versions.
    ///
    /// # Errors
    /// InvalidTag, NoSuchBucket, NoSuchKey, NoSuchVersion, MethodNotAllowed, AccessDenied.
    pub async fn put_object_tagging(&self, ctx: &Ctx, object: &ObjectRef, tags: Pairs) -> Result<Option<String>> {
        keys::check(&object.key)?;
        let version = object.version.as_deref();
        keys::check_version(version)?;
        let action = by_version(["s3:PutObjectTagging", "s3:PutObjectVersionTagging"], version);
        let row = self.known_bucket(ctx, &object.bucket, action).await?;
        let present = versions::store::read(self.store(), &row.bucket.name, &object.key, version).await?;
        let mut ask = with_version(self.ask_object(ctx, &row, action, &object.key)?, version);
        ask = with_request_tags(ask, &tags);
        if let Some(present) = &present {
            ask = with_existing_tags(ask, &present.content.tags);
        }
        self.identity().permit(ctx, &ask, Access::Write).await?;
        self.check_owner(&row, &object.bucket)?;
        tags::check_object(&tags)?;
        match present {
            Some(present) if !present.marker => {
                let found = FoundObject { bucket: row, row: present, _lease: self.blobs().leases.take(None) };
                self.set_tags(ctx, &found, &tags, "ObjectTagging:Put").await
            }
            present => Err(self.absence(ctx, &row, object, present).await?),
        }
    }

    /// An object's tags.
    ///
    /// # Errors
    /// NoSuchBucket, NoSuchKey, NoSuchVersion, MethodNotAllowed, AccessDenied.
    pub async fn object_tagging(&self, ctx: &Ctx, object: &ObjectRef) -> Result<Tagging> {
        let actions = ["s3:GetObjectTagging", "s3:GetObjectVersionTagging"];
        let found = self.object(ctx, object, actions, Access::Read).await?;
        let version_id = shown_version(found.bucket.versioning, &found.row.version);
        Ok(Tagging { tags: found.row.content.tags, version_id })
    }

    /// Removes an object's tags; gives its version, where the bucket keeps versions.
    ///
    /// # Errors
    /// NoSuchBucket, NoSuchKey, NoSuchVersion, MethodNotAllowed, AccessDenied.
    pub async fn delete_object_tagging(&self, ctx: &Ctx, object: &ObjectRef) -> Result<Option<String>> {
        let actions = ["s3:DeleteObjectTagging", "s3:DeleteObjectVersionTagging"];
        let found = self.object(ctx, object, actions, Access::Write).await?;
        self.set_tags(ctx, &found, &Pairs::new(), "ObjectTagging:Delete").await
    }

    async fn set_tags(
        &self,
        ctx: &Ctx,
        found: &FoundObject,
        tags: &Pairs,
        event: &'static str,
    ) -> Result<Option<String>> {
        let FoundObject { bucket, row, .. } = found;
        if !versions::store::set_tags(self.store(), &bucket.bucket.name, row, tags).await? {
            return Err(Error::no_such_key(&row.key));
        }
        let version_id = shown_version(bucket.versioning, &row.version);
        let about = About { key: &row.key, version_id: version_id.as_deref(), size: row.size, etag: &row.etag };
        self.tell(ctx, event, &bucket.bucket, &about);
        Ok(version_id)
    }
}
