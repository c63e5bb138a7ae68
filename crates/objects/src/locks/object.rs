//! Retention and legal holds of versions.

use identity::{Access, Ctx};

use super::{ObjectLock, Retention, RetentionMode, is_governed, no_lock, past, protected};
use crate::asks::with_lock;
use crate::error::{Code, Error, Result};
use crate::open::Objects;
use crate::versions::{self, FoundObject, ObjectRef};

impl Objects {
    /// Sets until when a version is retained; `None` ends its retention. With `bypass`, a caller who may bypass
    /// governance can shorten, end or change a retention that governs; what complies can only be prolonged.
    ///
    /// # Errors
    /// AccessDenied, also where the retention that stands forbids it; InvalidRequest, where the bucket has no object
    /// lock; InvalidArgument, for a date that is past; NoSuchBucket, NoSuchKey, NoSuchVersion, MethodNotAllowed.
    pub async fn put_retention(
        &self,
        ctx: &Ctx,
        object: &ObjectRef,
        retention: Option<Retention>,
        bypass: bool,
    ) -> Result<()> {
        let lock = ObjectLock { retention, legal_hold: None };
        let found = self.lockable(ctx, object, "s3:PutObjectRetention", &lock).await?;
        let now = ctx.now();
        if retention.is_some_and(|retention| !retention.holds(now)) {
            return Err(past());
        }
        let present = found.row.content.lock;
        let bypass = bypass && self.may_bypass(ctx, &found, &present).await?;
        check_change(present.retention.filter(|present| present.holds(now)), retention, bypass)?;
        self.set_lock(&found, &ObjectLock { retention, ..present }).await
    }

    /// Until when a version is retained.
    ///
    /// # Errors
    /// NoSuchObjectLockConfiguration; InvalidRequest, where the bucket has no object lock; NoSuchBucket, NoSuchKey,
    /// NoSuchVersion, MethodNotAllowed, AccessDenied.
    pub async fn retention(&self, ctx: &Ctx, object: &ObjectRef) -> Result<Retention> {
        let found = self.object(ctx, object, ["s3:GetObjectRetention"; 2], Access::Read).await?;
        found.bucket.lock()?.ok_or_else(no_lock)?;
        found.row.content.lock.retention.ok_or_else(none)
    }

    /// Holds a version, or lets it go.
    ///
    /// # Errors
    /// InvalidRequest, where the bucket has no object lock; NoSuchBucket, NoSuchKey, NoSuchVersion, MethodNotAllowed,
    /// AccessDenied.
    pub async fn put_legal_hold(&self, ctx: &Ctx, object: &ObjectRef, hold: bool) -> Result<()> {
        let lock = ObjectLock { retention: None, legal_hold: Some(hold) };
        let found = self.lockable(ctx, object, "s3:PutObjectLegalHold", &lock).await?;
        let present = found.row.content.lock;
        self.set_lock(&found, &ObjectLock { legal_hold: Some(hold), ..present }).await
    }

    /// Whether a version is held.
    ///
    /// # Errors
    /// NoSuchObjectLockConfiguration, where that was never said; InvalidRequest, where the bucket has no object lock;
    /// NoSuchBucket, NoSuchKey, NoSuchVersion, MethodNotAllowed, AccessDenied.
    pub async fn legal_hold(&self, ctx: &Ctx, object: &ObjectRef) -> Result<bool> {
        let found = self.object(ctx, object, ["s3:GetObjectLegalHold"; 2], Access::Read).await?;
        found.bucket.lock()?.ok_or_else(no_lock)?;
        found.row.content.lock.legal_hold.ok_or_else(none)
    }

    /// What a reader of the object may see of what protects it.
    pub(crate) async fn shown_lock(&self, ctx: &Ctx, found: &FoundObject) -> Result<ObjectLock> {
        let mut lock = found.row.content.lock;
        if lock.retention.is_some() && !self.may(ctx, found, "s3:GetObjectRetention").await? {
            lock.retention = None;
        }
        if lock.legal_hold.is_some() && !self.may(ctx, found, "s3:GetObjectLegalHold").await? {
            lock.legal_hold = None;
        }
        Ok(lock)
    }

    /// Whether the caller may bypass the governance that protects the version; nothing is asked where none does.
    pub(crate) async fn may_bypass(&self, ctx: &Ctx, found: &FoundObject, lock: &ObjectLock) -> Result<bool> {
        if !is_governed(lock, ctx.now()) {
            return Ok(false);
        }
        let ask = self.ask_object(ctx, &found.bucket, "s3:BypassGovernanceRetention", &found.row.key)?;
        self.identity().permit(ctx, &ask, Access::Write).await?;
        Ok(true)
    }

    async fn may(&self, ctx: &Ctx, found: &FoundObject, action: &str) -> Result<bool> {
        let ask = self.ask_object(ctx, &found.bucket, action, &found.row.key)?;
        Ok(self.identity().decide(ctx, &ask).await?.allowed())
    }

    /// The version, for a caller who may set `lock` under `action`.
    async fn lockable(
        &self,
        ctx: &Ctx,
        object: &ObjectRef,
        action: &'static str,
        lock: &ObjectLock,
    ) -> Result<FoundObject> {
        let found = self.object_with(ctx, object, [action; 2], Access::Write, |ask| with_lock(ask, lock, ctx)).await?;
        found.bucket.lock()?.ok_or_else(no_lock)?;
        Ok(found)
    }

    async fn set_lock(&self, found: &FoundObject, lock: &ObjectLock) -> Result<()> {
        let FoundObject { bucket, row, .. } = found;
        // The version may be gone, or protected otherwise, since it was looked at.
        if !versions::store::set_lock(self.store(), &bucket.bucket.name, row, lock).await? {
            return Err(Error::new(Code::ConditionalRequestConflict, "The object was changed meanwhile."));
        }
        Ok(())
    }
}

/// Whether a retention that `holds` may become `new`.
fn check_change(holds: Option<Retention>, new: Option<Retention>, bypass: bool) -> Result<()> {
    let Some(holds) = holds else { return Ok(()) };
    let prolongs = new.is_some_and(|new| new.mode == holds.mode && new.until_ms >= holds.until_ms);
    let bypassed = bypass && holds.mode == RetentionMode::Governance;
    if prolongs || bypassed { Ok(()) } else { Err(protected()) }
}

fn none() -> Error {
    Error::new(Code::NoSuchObjectLockConfiguration, "The specified object does not have a ObjectLock configuration")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retention_is_only_prolonged_unless_governance_is_bypassed() {
        let governed = |until_ms| Some(Retention { mode: RetentionMode::Governance, until_ms });
        let complies = |until_ms| Some(Retention { mode: RetentionMode::Compliance, until_ms });
        // (what holds, what it shall become, without bypass, with it)
        let table = [
            (None, governed(1), true, true),
            (governed(5), governed(5), true, true),
            (governed(5), governed(9), true, true),
            (governed(5), governed(4), false, true),
            (governed(5), complies(9), false, true),
            (governed(5), None, false, true),
            (complies(5), complies(9), true, true),
            (complies(5), complies(4), false, false),
            (complies(5), governed(9), false, false),
            (complies(5), None, false, false),
        ];
        for (index, (holds, new, plain, bypassing)) in table.into_iter().enumerate() {
            assert_eq!(check_change(holds, new, false).is_ok(), plain, "row {index}");
            assert_eq!(check_change(holds, new, true).is_ok(), bypassing, "row {index}");
        }
    }
}
