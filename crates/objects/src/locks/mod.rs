//! Object lock: versions that cannot be removed for a time, or until a hold is lifted (S3 User Guide, "Locking objects").

mod bucket;
mod object;

use base::Timestamp;
use identity::Ctx;
use serde::{Deserialize, Serialize};

use crate::buckets::store::{BucketRow, json};
use crate::error::{Code, Error, Result};

/// Milliseconds in a day.
const DAY: i64 = 24 * 60 * 60 * 1000;
/// The longest default retention, in days: 100 years.
const MOST_DAYS: u32 = 36_500;

/// How firmly a version is retained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RetentionMode {
    /// Whoever may bypass governance can remove it.
    Governance,
    /// Nobody can remove it.
    Compliance,
}

impl RetentionMode {
    /// S3's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Governance => "GOVERNANCE",
            Self::Compliance => "COMPLIANCE",
        }
    }

    /// The mode of that name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        [Self::Governance, Self::Compliance].into_iter().find(|mode| mode.as_str() == name)
    }
}

/// Until when a version is retained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// How firmly.
    pub mode: RetentionMode,
    /// Until when, in milliseconds since 1970.
    pub until_ms: i64,
}

impl Retention {
    /// Until when.
    #[must_use]
    pub fn until(&self) -> Timestamp {
        Timestamp(self.until_ms)
    }

    fn holds(&self, now: Timestamp) -> bool {
        self.until() > now
    }
}

/// What protects a version.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectLock {
    /// Until when it is retained.
    pub retention: Option<Retention>,
    /// Whether it is held; `None` where that was never said.
    pub legal_hold: Option<bool>,
}

impl ObjectLock {
    /// Whether nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// How long new versions of a bucket are retained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Period {
    /// Days.
    Days(u32),
    /// Years of 365 days.
    Years(u32),
}

/// The retention of new versions whose upload says none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefaultRetention {
    /// How firmly.
    pub mode: RetentionMode,
    /// How long.
    pub period: Period,
}

/// The object lock of a bucket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockConfiguration {
    /// The retention of new versions.
    pub default: Option<DefaultRetention>,
}

impl LockConfiguration {
    /// # Errors
    /// InvalidRetentionPeriod, for a period of nothing or of more than 100 years.
    fn check(&self) -> Result<()> {
        let days = match self.default.map(|default| default.period) {
            None => return Ok(()),
            Some(Period::Days(days)) => days,
            Some(Period::Years(years)) => years.saturating_mul(365),
        };
        let message = match days {
            0 => "Default retention period must be a positive integer value.",
            days if days > MOST_DAYS => "Default retention period too large.",
            _ => return Ok(()),
        };
        Err(Error::new(Code::InvalidRetentionPeriod, message))
    }

    /// Until when a version is retained that is made at `now`.
    fn retention(&self, now: Timestamp) -> Option<Retention> {
        let default = self.default?;
        let days = match default.period {
            Period::Days(days) => i64::from(days),
            Period::Years(years) => i64::from(years) * 365,
        };
        Some(Retention { mode: default.mode, until_ms: now.as_millis() + days * DAY })
    }
}

impl BucketRow {
    /// The bucket's object lock; `None` where it has none.
    pub(crate) fn lock(&self) -> Result<Option<LockConfiguration>> {
        Ok(self.settings.object_lock.as_deref().map(|text| json("object_lock", text)).transpose()?)
    }

    /// # Errors
    /// InvalidRequest, where the bucket has no object lock and one is asked for; InvalidArgument, where the retention is
    /// over already.
    pub(crate) fn check_lock(&self, ctx: &Ctx, asked: &ObjectLock) -> Result<()> {
        if asked.is_empty() {
            return Ok(());
        }
        if self.lock()?.is_none() {
            return Err(no_lock());
        }
        match &asked.retention {
            Some(retention) if !retention.holds(ctx.now()) => Err(past()),
            _ => Ok(()),
        }
    }

    /// What protects a version that is made at `now` and whose upload asks for `asked`.
    pub(crate) fn new_lock(&self, asked: ObjectLock, now: Timestamp) -> base::Result<ObjectLock> {
        let lock: Option<LockConfiguration> =
            self.settings.object_lock.as_deref().map(|text| json("object_lock", text)).transpose()?;
        let default = lock.and_then(|lock| lock.retention(now));
        Ok(ObjectLock { retention: asked.retention.or(default), ..asked })
    }
}

/// # Errors
/// AccessDenied, where the version is protected; `bypass` overrides governance.
pub(crate) fn check_removal(lock: &ObjectLock, now: Timestamp, bypass: bool) -> Result<()> {
    let held = lock.legal_hold == Some(true);
    let retained = lock
        .retention
        .is_some_and(|retention| retention.holds(now) && !(bypass && retention.mode == RetentionMode::Governance));
    if held || retained { Err(protected()) } else { Ok(()) }
}

/// Whether removing the version, or loosening its retention, needs the permission to bypass governance.
pub(crate) fn is_governed(lock: &ObjectLock, now: Timestamp) -> bool {
    lock.retention.is_some_and(|retention| retention.holds(now) && retention.mode == RetentionMode::Governance)
}

fn protected() -> Error {
    Error::new(Code::AccessDenied, "Access Denied because object protected by object lock.")
}

fn past() -> Error {
    Error::invalid_argument("The retain until date must be in the future!")
}

fn no_lock() -> Error {
    Error::new(Code::InvalidRequest, "Bucket is missing Object Lock Configuration")
}
