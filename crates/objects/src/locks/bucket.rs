//! The object lock of buckets.

use identity::{Access, Ctx};

use super::LockConfiguration;
use crate::buckets::BucketRef;
use crate::buckets::settings::to_json;
use crate::buckets::store;
use crate::error::{Code, Error, Result};
use crate::open::Objects;

impl Objects {
    /// Sets the bucket's object lock, which no request takes away again.
    ///
    /// # Errors
    /// InvalidBucketState, where the bucket keeps no versions; InvalidRetentionPeriod; NoSuchBucket, AccessDenied.
    pub async fn put_lock_configuration(&self, ctx: &Ctx, bucket: &BucketRef, lock: LockConfiguration) -> Result<()> {
        let row = self.bucket(ctx, bucket, "s3:PutBucketObjectLockConfiguration", Access::Write).await?;
        lock.check()?;
        store::set_object_lock(self.store(), &row.bucket, &to_json(&lock)?).await
    }

    /// The bucket's object lock.
    ///
    /// # Errors
    /// ObjectLockConfigurationNotFoundError, NoSuchBucket, AccessDenied.
    pub async fn lock_configuration(&self, ctx: &Ctx, bucket: &BucketRef) -> Result<LockConfiguration> {
        let row = self.bucket(ctx, bucket, "s3:GetBucketObjectLockConfiguration", Access::Read).await?;
        row.lock()?.ok_or_else(|| {
            Error::new(
                Code::ObjectLockConfigurationNotFoundError,
                "Object Lock configuration does not exist for this bucket",
            )
        })
    }
}
