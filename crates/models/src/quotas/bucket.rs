//! A bucket that holds a minute's worth and fills steadily. Pure, and exact: it counts in parts of 60,000, of which a
//! limit of one a minute brings one a millisecond.

use base::Timestamp;

/// Parts of one.
const PARTS: i64 = 60_000;

/// A bucket as of a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bucket {
    limit: u32,
    /// In parts; below nothing where more was taken than there was.
    level: i64,
    at: Timestamp,
}

impl Bucket {
    /// A full one that fills by `limit` a minute, which is at least 1.
    pub(super) fn full(limit: u32, at: Timestamp) -> Self {
        Self { limit: limit.max(1), level: i64::from(limit.max(1)) * PARTS, at }
    }

    /// The same at another moment; a clock that goes back fills nothing.
    pub(super) fn at(self, now: Timestamp) -> Self {
        let millis = now.0.saturating_sub(self.at.0).max(0);
        let level = self.level.saturating_add(millis.saturating_mul(self.limit.into()));
        Self { level: level.min(i64::from(self.limit) * PARTS), at: now, ..self }
    }

    /// The same with another limit: what was taken stays taken.
    pub(super) fn limited(self, limit: u32) -> Self {
        let limit = limit.max(1);
        let more = (i64::from(limit) - i64::from(self.limit)) * PARTS;
        Self { limit, level: self.level.saturating_add(more).min(i64::from(limit) * PARTS), ..self }
    }

    /// What it holds, in whole ones rounded down; below nothing where more was taken than there was.
    pub(super) fn left(self) -> i64 {
        self.level.div_euclid(PARTS)
    }

    /// The same with so many less.
    pub(super) fn without(self, number: u64) -> Self {
        let parts = i64::try_from(number).unwrap_or(i64::MAX).saturating_mul(PARTS);
        Self { level: self.level.saturating_sub(parts), ..self }
    }

    /// The milliseconds until it holds so many, which are no more than the limit; none where it does.
    pub(super) fn wait_for(self, number: u32) -> Option<u64> {
        let missing = i64::from(number.min(self.limit)) * PARTS - self.level;
        // Positive, and so is the limit.
        (missing > 0).then(|| (missing as u64).div_ceil(self.limit.into()))
    }

    pub(super) fn is_full(self) -> bool {
        self.level == i64::from(self.limit) * PARTS
    }
}
