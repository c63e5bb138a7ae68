//! A bucket's settings: public access, versioning, encryption, tags, ownership.

use identity::{Access, Ctx};
use serde::{Deserialize, Serialize};

use super::store::{self, BucketRow, Setting, json};
use super::{BucketRef, Versioning};
use crate::encryption::{DefaultEncryption, Encryption};
use crate::error::{Code, Error, Result};
use crate::open::Objects;
use crate::tags::{self, Pairs};
use crate::versions::ObjectRef;

/// What a bucket refuses to make public (S3 User Guide, "Blocking public access").
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicAccessBlock {
    /// Public access control lists are refused; there are none anyway.
    pub block_public_acls: bool,
    /// Public access control lists are ignored; there are none anyway.
    pub ignore_public_acls: bool,
    /// Public bucket policies are refused.
    pub block_public_policy: bool,
    /// A public bucket policy gives access to the owner's account and to services only.
    pub restrict_public_buckets: bool,
}

impl PublicAccessBlock {
    /// What new buckets have.
    pub const ALL: Self = Self {
        block_public_acls: true,
        ignore_public_acls: true,
        block_public_policy: true,
        restrict_public_buckets: true,
    };
}

/// Who owns a bucket or object, which is all that its access control list says: `FULL_CONTROL` for the owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AclOwner {
    /// The owner.
    pub account: base::AccountId,
}

impl BucketRow {
    /// The public access block; all off where it was removed.
    pub(crate) fn public_access(&self) -> Result<PublicAccessBlock> {
        match &self.settings.public_access {
            Some(text) => Ok(json("public_access", text)?),
            None => Ok(PublicAccessBlock::default()),
        }
    }

    /// How objects are encrypted whose upload does not say.
    pub(crate) fn default_encryption(&self) -> Result<DefaultEncryption> {
        match &self.settings.encryption {
            Some(text) => Ok(json("encryption", text)?),
            None => Ok(DefaultEncryption { encryption: Encryption::S3 }),
        }
    }

    pub(crate) fn tags(&self) -> Result<Pairs> {
        match &self.settings.tags {
            Some(text) => Ok(json("tags", text)?),
            None => Ok(Pairs::new()),
        }
    }
}

impl Objects {
    /// Sets the public access block.
    ///
    /// # Errors
    /// NoSuchBucket, AccessDenied.
    pub async fn put_public_access_block(&self, ctx: &Ctx, bucket: &BucketRef, block: PublicAccessBlock) -> Result<()> {
        let row = self.bucket(ctx, bucket, "s3:PutBucketPublicAccessBlock", Access::Write).await?;
        store::set(self.store(), &row.bucket.name, Setting::PublicAccess, Some(&to_json(&block)?)).await
    }

    /// The public access block.
    ///
    /// # Errors
    /// NoSuchPublicAccessBlockConfiguration, NoSuchBucket, AccessDenied.
    pub async fn public_access_block(&self, ctx: &Ctx, bucket: &BucketRef) -> Result<PublicAccessBlock> {
        let row = self.bucket(ctx, bucket, "s3:GetBucketPublicAccessBlock", Access::Read).await?;
        if row.settings.public_access.is_none() {
            return Err(Error::new(
                Code::NoSuchPublicAccessBlockConfiguration,
                "The public access block configuration was not found",
            ));
        }
        row.public_access()
    }

    /// Removes the public access block: nothing is blocked any more.
    ///
    /// # Errors
    /// NoSuchBucket, AccessDenied.
    pub async fn delete_public_access_block(&self, ctx: &Ctx, bucket: &BucketRef) -> Result<()> {
        let row = self.bucket(ctx, bucket, "s3:PutBucketPublicAccessBlock", Access::Write).await?;
        store::set(self.store(), &row.bucket.name, Setting::PublicAccess, None).await
    }

    /// Has the bucket keep versions, or no longer.
    ///
    /// # Errors
    /// MalformedXML, for [`Versioning::Unversioned`], to which no bucket returns; InvalidBucketState, where object lock
    /// needs the versions; NoSuchBucket, AccessDenied.
    pub async fn put_bucket_versioning(&self, ctx: &Ctx, bucket: &BucketRef, versioning: Versioning) -> Result<()> {
        let row = self.bucket(ctx, bucket, "s3:PutBucketVersioning", Access::Write).await?;
        if versioning == Versioning::Unversioned {
            return Err(malformed_xml());
        }
        store::set_versioning(self.store(), &row.bucket, versioning).await
    }

    /// Whether the bucket keeps versions.
    ///
    /// # Errors
    /// NoSuchBucket, AccessDenied.
    pub async fn bucket_versioning(&self, ctx: &Ctx, bucket: &BucketRef) -> Result<Versioning> {
        Ok(self.bucket(ctx, bucket, "s3:GetBucketVersioning", Access::Read).await?.versioning)
    }

    /// Sets how objects are encrypted whose upload does not say.
    ///
    /// # Errors
    /// NoSuchBucket, AccessDenied.
    pub async fn put_bucket_encryption(&self, ctx: &Ctx, bucket: &BucketRef, default: DefaultEncryption) -> Result<()> {
        let row = self.bucket(ctx, bucket, "s3:PutEncryptionConfiguration", Access::Write).await?;
        store::set(self.store(), &row.bucket.name, Setting::Encryption, Some(&to_json(&default)?)).await
    }

    /// How objects are encrypted whose upload does not say: with SSE-S3 unless something else was set.
    ///
    /// # Errors
    /// NoSuchBucket, AccessDenied.
    pub async fn bucket_encryption(&self, ctx: &Ctx, bucket: &BucketRef) -> Result<DefaultEncryption> {
        self.bucket(ctx, bucket, "s3:GetEncryptionConfiguration", Access::Read).await?.default_encryption()
    }

    /// Has objects encrypted with SSE-S3 again.
    ///
    /// # Errors
    /// NoSuchBucket, AccessDenied.
    pub async fn delete_bucket_encryption(&self, ctx: &Ctx, bucket: &BucketRef) -> Result<()> {
        let row = self.bucket(ctx, bucket, "s3:PutEncryptionConfiguration", Access::Write).await?;
        store::set(self.store(), &row.bucket.name, Setting::Encryption, None).await
    }

    /// Replaces the bucket's tags.
    ///
    /// # Errors
    /// InvalidTag, NoSuchBucket, AccessDenied.
    pub async fn put_bucket_tagging(&self, ctx: &Ctx, bucket: &BucketRef, tags: Pairs) -> Result<()> {
        let row = self.known_bucket(ctx, bucket, "s3:PutBucketTagging").await?;
        let ask = self.ask_bucket(ctx, &row, "s3:PutBucketTagging")?.request_tags(&tags);
        self.identity().permit(ctx, &ask, Access::Write).await?;
        self.check_owner(&row, bucket)?;
        tags::check_bucket(&tags)?;
        store::set(self.store(), &row.bucket.name, Setting::Tags, Some(&to_json(&tags)?)).await
    }

    /// The bucket's tags.
    ///
    /// # Errors
    /// NoSuchTagSet, NoSuchBucket, AccessDenied.
    pub async fn bucket_tagging(&self, ctx: &Ctx, bucket: &BucketRef) -> Result<Pairs> {
        let tags = self.bucket(ctx, bucket, "s3:GetBucketTagging", Access::Read).await?.tags()?;
        if tags.is_empty() { Err(Error::new(Code::NoSuchTagSet, "The TagSet does not exist")) } else { Ok(tags) }
    }

    /// Removes the bucket's tags.
    ///
    /// # Errors
    /// NoSuchBucket, AccessDenied.
    pub async fn delete_bucket_tagging(&self, ctx: &Ctx, bucket: &BucketRef) -> Result<()> {
        let row = self.bucket(ctx, bucket, "s3:PutBucketTagging", Access::Write).await?;
        store::set(self.store(), &row.bucket.name, Setting::Tags, None).await
    }

    /// Sets the ownership controls, which can only be `BucketOwnerEnforced`.
    ///
    /// # Errors
    /// NotImplemented, for rules with access control lists; MalformedXML, NoSuchBucket, AccessDenied.
    pub async fn put_ownership_controls(&self, ctx: &Ctx, bucket: &BucketRef, ownership: &str) -> Result<()> {
        let row = self.bucket(ctx, bucket, "s3:PutBucketOwnershipControls", Access::Write).await?;
        check_ownership(Some(ownership))?;
        store::set(self.store(), &row.bucket.name, Setting::Ownership, Some(ownership)).await
    }

    /// The ownership controls.
    ///
    /// # Errors
    /// OwnershipControlsNotFoundError, NoSuchBucket, AccessDenied.
    pub async fn ownership_controls(&self, ctx: &Ctx, bucket: &BucketRef) -> Result<String> {
        let row = self.bucket(ctx, bucket, "s3:GetBucketOwnershipControls", Access::Read).await?;
        row.settings.ownership.ok_or_else(|| {
            Error::new(Code::OwnershipControlsNotFoundError, "The bucket ownership controls were not found")
        })
    }

    /// Removes the ownership controls; there are no access control lists all the same.
    ///
    /// # Errors
    /// NoSuchBucket, AccessDenied.
    pub async fn delete_ownership_controls(&self, ctx: &Ctx, bucket: &BucketRef) -> Result<()> {
        let row = self.bucket(ctx, bucket, "s3:PutBucketOwnershipControls", Access::Write).await?;
        store::set(self.store(), &row.bucket.name, Setting::Ownership, None).await
    }

    /// The one grant that a bucket's access control list has.
    ///
    /// # Errors
    /// NoSuchBucket, AccessDenied.
    pub async fn bucket_acl(&self, ctx: &Ctx, bucket: &BucketRef) -> Result<AclOwner> {
        let row = self.bucket(ctx, bucket, "s3:GetBucketAcl", Access::Read).await?;
        Ok(AclOwner { account: row.bucket.owner })
    }

    /// Access control lists cannot be set.
    ///
    /// # Errors
    /// Always: AccessControlListNotSupported, or AccessDenied, NoSuchBucket.
    pub async fn put_bucket_acl(&self, ctx: &Ctx, bucket: &BucketRef) -> Result<()> {
        self.bucket(ctx, bucket, "s3:PutBucketAcl", Access::Write).await?;
        Err(no_acls())
    }

    /// The one grant that an object's access control list has.
    ///
    /// # Errors
    /// NoSuchKey, NoSuchVersion, NoSuchBucket, AccessDenied.
    pub async fn object_acl(&self, ctx: &Ctx, object: &ObjectRef) -> Result<AclOwner> {
        let found = self.object(ctx, object, ["s3:GetObjectAcl", "s3:GetObjectVersionAcl"], Access::Read).await?;
        Ok(AclOwner { account: found.bucket.bucket.owner })
    }

    /// Access control lists cannot be set.
    ///
    /// # Errors
    /// Always: AccessControlListNotSupported, or AccessDenied, NoSuchBucket, NoSuchKey.
    pub async fn put_object_acl(&self, ctx: &Ctx, object: &ObjectRef) -> Result<()> {
        self.object(ctx, object, ["s3:PutObjectAcl", "s3:PutObjectVersionAcl"], Access::Write).await?;
        Err(no_acls())
    }
}

pub(crate) fn no_acls() -> Error {
    Error::new(Code::AccessControlListNotSupported, "The bucket does not allow ACLs")
        .with_hint("Grant access with a bucket policy; buckets belong to their owner alone (BucketOwnerEnforced).")
}

pub(crate) fn check_ownership(ownership: Option<&str>) -> Result<()> {
    match ownership {
        None | Some("BucketOwnerEnforced") => Ok(()),
        Some("BucketOwnerPreferred" | "ObjectWriter") => {
            Err(Error::not_implemented("Object ownership with access control lists")
                .with_hint("Buckets are `BucketOwnerEnforced`."))
        }
        Some(_) => Err(malformed_xml()),
    }
}

pub(crate) fn malformed_xml() -> Error {
    Error::new(
        Code::MalformedXML,
        "The XML you provided was not well-formed or did not validate against our published schema",
    )
}

pub(crate) fn to_json<T: Serialize>(value: &T) -> Result<String> {
    Ok(serde_json::to_string(value).map_err(base::Error::internal)?)
}
