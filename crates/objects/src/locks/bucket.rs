//! The object lock of buckets.

use identity::{Access, Ctx};

use super::LockConfiguration;
use crate::buckets::settings::to_json;
use crate::buckets::store::{self, Setting};
use crate::buckets::{BucketRef, Versioning};
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
        if row.versioning != Versioning::Enabled {
            return Err(Error::new(
                Code::InvalidBucketState,
                "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
            ));
        }
        store::set(self.store(), &row.bucket.name, Setting::ObjectLock, Some(&to_json(&lock)?)).await
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
