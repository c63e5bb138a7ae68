//! What follows an attempt: pure decisions, carried out by `store`.

use base::{Error, ErrorKind, Result, Timestamp};
use serde_json::Value;

use crate::JobError;

/// The pause before the second attempt; each further pause is twice as long.
const FIRST_PAUSE_MS: u64 = 1_000;

/// The longest pause between attempts.
const LONGEST_PAUSE_MS: u64 = 300_000;

/// What becomes of a job.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Next {
    Succeed(Value),
    Fail(JobError),
    Cancel,
    /// Back into the queue until `at`.
    Retry {
        at: Timestamp,
        error: JobError,
    },
    /// Back into the queue as if this attempt had not been: the server stops.
    Release,
}

/// What is known when an attempt has ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Circumstances {
    /// Of this attempt; counts from 1.
    pub(crate) attempt: u32,
    pub(crate) max_attempts: u32,
    pub(crate) cancel_requested: bool,
    /// The server stops.
    pub(crate) stopping: bool,
    pub(crate) now: Timestamp,
    /// Random, for the pause.
    pub(crate) jitter: u64,
}

/// After the handler returned `result`.
pub(crate) fn after_attempt(result: Result<Value>, known: &Circumstances) -> Next {
    match result {
        _ if known.cancel_requested => Next::Cancel,
        Ok(output) => Next::Succeed(output),
        Err(_) if known.stopping => Next::Release,
        Err(error) if retryable(error.kind) && known.attempt < known.max_attempts => {
            let pause = pause_ms(known.attempt, known.jitter);
            Next::Retry { at: Timestamp(known.now.as_millis().saturating_add(pause)), error: error.into() }
        }
        Err(error) => Next::Fail(error.into()),
    }
}

/// After the lease of a running job lapsed: `None` where it is to be taken again.
pub(crate) fn after_lapse(attempt: u32, max_attempts: u32, cancel_requested: bool) -> Option<Next> {
    if cancel_requested {
        return Some(Next::Cancel);
    }
    (attempt >= max_attempts).then(|| {
        let error =
            Error::new(ErrorKind::Internal, format!("The server stopped during attempt {attempt}, the last one."))
                .with_hint("Start the job again; if it stops the server every time, look at the server's log.");
        Next::Fail(error.into())
    })
}

/// May the same attempt succeed later?
fn retryable(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Throttled | ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Internal)
}

/// Doubles with each attempt; shortened by up to half, so that jobs which failed together do not come back together.
fn pause_ms(attempt: u32, jitter: u64) -> i64 {
    let longest = FIRST_PAUSE_MS.saturating_mul(1 << attempt.saturating_sub(1).min(16)).min(LONGEST_PAUSE_MS);
    let pause = longest / 2 + jitter % (longest / 2 + 1);
    i64::try_from(pause).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_five_minutes_and_differ_by_the_jitter() {
        let range = |attempt| (pause_ms(attempt, 0), (0..5_000).map(|j| pause_ms(attempt, j * 31)).max().unwrap());
        assert_eq!(range(1), (500, 1_000));
        assert_eq!(range(2), (1_000, 2_000));
        assert_eq!(pause_ms(4, 0), 4_000);
        assert_eq!(pause_ms(30, 0), 150_000);
        assert_eq!(pause_ms(u32::MAX, 150_000), 300_000);
    }
}
