//! What a job is.

use std::fmt;
use std::str::FromStr;

use base::{AccountId, Error, ErrorKind, Random, Region, Timestamp};
use serde_json::Value;

/// A job's id: a UUID of version 7 (RFC 9562), so ids are ordered by the time at which they were made.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobId(String);

impl JobId {
    /// A new id.
    pub(crate) fn new(now: Timestamp, random: &dyn Random) -> Self {
        let millis = now.as_millis() as u64 & 0xffff_ffff_ffff;
        let (high, low) = (random.next_u64() & 0xfff, random.next_u64());
        let variant = 0x8000 | (low >> 48) & 0x3fff;
        Self(format!(
            "{:08x}-{:04x}-7{high:03x}-{variant:04x}-{:012x}",
            millis >> 16,
            millis & 0xffff,
            low & 0xffff_ffff_ffff
        ))
    }

    /// The id's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn from_row(text: String) -> Self {
        Self(text)
    }
}

impl FromStr for JobId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        // The shape is that of a request id.
        match text.parse::<base::RequestId>() {
            Ok(_) => Ok(Self(text.to_ascii_lowercase())),
            Err(_) => Err(Error::invalid(format!("`{text}` is not a job id.")).with_hint("Job ids are UUIDs.")),
        }
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whose job it is: enough to rebuild the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The account that the job belongs to; nobody else sees it.
    pub account: AccountId,
    /// The region that the job was asked for in.
    pub region: Region,
    /// The ARN of the principal that asked for it.
    pub principal_arn: String,
    /// The principal's unique id, which no other gets when the name is given again; `None` where an older version made
    /// the job.
    pub principal_id: Option<String>,
}

/// A job to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    /// The kind: chooses the handler.
    pub kind: &'static str,
    /// Whose it is.
    pub owner: Owner,
    /// What the handler gets. Kept as it is: no secrets.
    pub input: Value,
    /// While a job of the same account, kind and key is queued or running, that one is returned instead of a new one.
    pub dedup_key: Option<String>,
    /// How often the handler is started at most, at least 1. Counts the attempts that ended with the process's death,
    /// and leaves out those that saved another checkpoint than they began with or did more than any before them.
    pub max_attempts: u32,
    /// Not before this time.
    pub run_at: Option<Timestamp>,
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Waits for its time, for the jobs it needs, or for a worker; perhaps between two attempts.
    Queued,
    /// A worker has it.
    Running,
    /// Ended: `output` is there.
    Succeeded,
    /// Ended: `error` says why.
    Failed,
    /// Ended because somebody asked for it.
    Cancelled,
}

impl State {
    /// `queued`, `running`, `succeeded`, `failed`, `cancelled`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Will the job never change again?
    #[must_use]
    pub fn is_end(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }

    pub(crate) fn from_row(text: &str) -> Result<Self, Error> {
        [Self::Queued, Self::Running, Self::Succeeded, Self::Failed, Self::Cancelled]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| Error::internal(format!("job state `{text}`")))
    }
}

/// How far a job has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Units done, at most `total`.
    pub done: u64,
    /// Units in all, where known.
    pub total: Option<u64>,
    /// What is counted: `bytes`, `documents` …
    pub unit: String,
    /// What is being done, for people.
    pub message: String,
}

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobError {
    /// The kind of the handler's error.
    pub kind: ErrorKind,
    /// What failed.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl From<Error> for JobError {
    /// Leaves the private detail behind.
    fn from(error: Error) -> Self {
        Self { kind: error.kind, message: error.message, hint: error.hint }
    }
}

/// A job as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// The id.
    pub id: JobId,
    /// The kind.
    pub kind: String,
    /// Whose it is.
    pub owner: Owner,
    /// Where it stands.
    pub state: State,
    /// What the handler gets.
    pub input: Value,
    /// How often the handler was started, without the attempts that do not count.
    pub attempt: u32,
    /// How often it is started at most.
    pub max_attempts: u32,
    /// How far it has come, once the handler told.
    pub progress: Option<Progress>,
    /// The last failed attempt's error, until an attempt succeeds.
    pub error: Option<JobError>,
    /// The handler's output, where it succeeded.
    pub output: Option<Value>,
    /// Was it asked to end? A running job then ends as `Cancelled` when its handler returns.
    pub cancel_requested: bool,
    /// When it may run (again).
    pub run_at: Timestamp,
    /// When it was made.
    pub created: Timestamp,
    /// When its first attempt began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
}
