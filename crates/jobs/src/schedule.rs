//! Jobs that come again and again.

mod store;

use std::str::FromStr as _;
use std::time::Duration;

use base::{AccountId, Error, Result, Timestamp};
use croner::Cron;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::{JobId, Jobs, Owner};

/// When a schedule is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Every {
    /// Each time this much has passed, at least a second; first after this much.
    Interval(Duration),
    /// At the times that a cron expression of five fields (minute, hour, day, month, weekday) names, in UTC.
    Cron(String),
}

/// A schedule to be made or changed.
#[derive(Debug, Clone, PartialEq)]
pub struct NewSchedule {
    /// Names the schedule within the account.
    pub name: String,
    /// Whose it is, and whose its jobs are.
    pub owner: Owner,
    /// The jobs' kind.
    pub kind: &'static str,
    /// The jobs' input.
    pub input: Value,
    /// The jobs' greatest number of attempts.
    pub max_attempts: u32,
    /// When.
    pub every: Every,
}

/// A schedule as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// Names the schedule within the account.
    pub name: String,
    /// Whose it is.
    pub owner: Owner,
    /// The jobs' kind.
    pub kind: String,
    /// The jobs' input.
    pub input: Value,
    /// The jobs' greatest number of attempts.
    pub max_attempts: u32,
    /// When.
    pub every: Every,
    /// When the next job is made.
    pub next_at: Timestamp,
}

impl Jobs {
    /// Makes the schedule, or changes the one of that name; its next time stays where `every` is the same. Runs that
    /// were missed while no server ran are run once. A run does not begin while the one before is open.
    ///
    /// # Errors
    /// Invalid, where `every` names no future time.
    pub async fn schedule(&self, new: NewSchedule) -> Result<()> {
        let now = self.inner().clock.now();
        let first = new.every.next(now, now)?;
        store::upsert(&self.inner().store, &new, first).await?;
        self.inner().wake();
        Ok(())
    }

    /// The account's schedules, by name.
    ///
    /// # Errors
    /// As [`::store::Store::read`].
    pub async fn schedules(&self, account: &AccountId) -> Result<Vec<Schedule>> {
        store::list(&self.inner().store, account).await
    }

    /// Ends a schedule. Its jobs stay.
    ///
    /// # Errors
    /// NotFound, where the account has no such schedule.
    pub async fn unschedule(&self, account: &AccountId, name: &str) -> Result<()> {
        store::delete(&self.inner().store, account, name).await
    }

    /// Makes the jobs of all schedules that are due.
    pub(crate) async fn run_schedules(&self) -> Result<()> {
        let now = self.inner().clock.now();
        for schedule in store::due(&self.inner().store, now).await? {
            let id = JobId::new(now, self.inner().random.as_ref());
            let next_at = schedule.every.next(schedule.next_at, now)?;
            store::fire(&self.inner().store, &schedule, &id, next_at, now).await?;
        }
        Ok(())
    }
}

impl Every {
    /// The first time after `now`, for a schedule that was due (or made) at `from`.
    fn next(&self, from: Timestamp, now: Timestamp) -> Result<Timestamp> {
        match self {
            Self::Interval(interval) => next_interval(*interval, from, now),
            Self::Cron(expression) => next_cron(expression, now),
        }
    }

    /// As it is stored: `ms:60000`, `cron:0 3 * * *`.
    fn to_text(&self) -> String {
        match self {
            Self::Interval(interval) => format!("ms:{}", interval.as_millis()),
            Self::Cron(expression) => format!("cron:{expression}"),
        }
    }

    fn from_text(text: &str) -> Result<Self> {
        match text.split_once(':') {
            Some(("ms", millis)) => millis.parse().ok().map(|millis| Self::Interval(Duration::from_millis(millis))),
            Some(("cron", expression)) => Some(Self::Cron(expression.to_owned())),
            _ => None,
        }
        .ok_or_else(|| Error::internal(format!("stored schedule `{text}`")))
    }
}

/// Keeps the rhythm of `from`, skipping what was missed.
fn next_interval(interval: Duration, from: Timestamp, now: Timestamp) -> Result<Timestamp> {
    let millis = i64::try_from(interval.as_millis()).ok().filter(|millis| *millis >= 1_000);
    let millis = millis.ok_or_else(|| {
        Error::invalid(format!("The interval of {interval:?} cannot be kept.")).with_hint("Use one second or more.")
    })?;
    let missed = (now.as_millis() - from.as_millis()).max(0) / millis;
    Ok(Timestamp(from.as_millis().saturating_add((missed + 1).saturating_mul(millis))))
}

fn next_cron(expression: &str, now: Timestamp) -> Result<Timestamp> {
    let invalid = |reason: String| {
        Error::invalid(format!("The cron expression `{expression}` is not valid: {reason}."))
            .with_hint("It has five fields: minute, hour, day of month, month, day of week.")
    };
    let cron = Cron::from_str(expression).map_err(|error| invalid(error.to_string()))?;
    let start = jiff::Timestamp::from_millisecond(now.as_millis()).map_err(Error::internal)?.to_zoned(TimeZone::UTC);
    let next = cron.find_next_occurrence(&start, false).map_err(|error| invalid(error.to_string()))?;
    Ok(Timestamp(next.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests;
