//! What follows an attempt: pure decisions, carried out by `store`.

use base::{Error, ErrorKind, Result, Timestamp};
use serde_json::Value;

use crate::JobError;
use crate::context::PutOff;

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
        /// Whether this attempt counts.
        counts: bool,
        /// Whether the jobs of its lane wait as long.
        busy: bool,
    },
    /// Back into the queue as if this attempt had not been: the server stops.
    Release,
}

/// How far a job has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) checkpoint: Option<String>,
    /// The most that was ever done.
    pub(crate) done: i64,
}

impl Position {
    /// Whether an attempt that began at `start` and ended here came further than all before it. One that did does not
    /// count: a job may be broken off as often as it likes as long as it gets on.
    pub(crate) fn is_beyond(&self, start: &Self) -> bool {
        self.checkpoint != start.checkpoint || self.done > start.done
    }
}

/// What is known when an attempt has ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Circumstances {
    /// Of this attempt; counts from 1.
    pub(crate) attempt: u32,
    pub(crate) max_attempts: u32,
    pub(crate) cancel_requested: bool,
    /// The attempt came further than those before it.
    pub(crate) advanced: bool,
    /// The handler gave the job back.
    pub(crate) put_off: Option<PutOff>,
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
        Err(error) if retryable(error.kind) && (is_free(known) || known.attempt < known.max_attempts) => {
            let pause = match known.put_off {
                Some(put_off) => i64::try_from(put_off.pause.as_millis()).unwrap_or(i64::MAX),
                None => pause_ms(known.attempt, known.jitter),
            };
            let at = Timestamp(known.now.as_millis().saturating_add(pause));
            let busy = known.put_off.is_some_and(|put_off| put_off.lane);
            Next::Retry { at, error: error.into(), counts: !is_free(known), busy }
        }
        Err(error) => Next::Fail(error.into()),
    }
}

/// Whether a failed attempt does not count.
const fn is_free(known: &Circumstances) -> bool {
    known.advanced || known.put_off.is_some()
}

/// After the lease of a running job lapsed: `None` where it is to be taken again.
pub(crate) fn after_lapse(attempt: u32, max_attempts: u32, cancel_requested: bool, advanced: bool) -> Option<Next> {
    if cancel_requested {
        return Some(Next::Cancel);
    }
    (attempt >= max_attempts && !advanced).then(|| {
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
    use std::time::Duration;

    use super::*;

    fn at(checkpoint: Option<&str>, done: i64) -> Position {
        Position { checkpoint: checkpoint.map(str::to_owned), done }
    }

    #[test]
    fn who_did_more_or_saved_something_else_came_further() {
        assert!(at(None, 1).is_beyond(&at(None, 0)));
        assert!(at(Some("b"), 0).is_beyond(&at(Some("a"), 5)));
        assert!(!at(Some("a"), 5).is_beyond(&at(Some("a"), 5)));
        assert!(!at(Some("a"), 4).is_beyond(&at(Some("a"), 5)));
    }

    #[test]
    fn an_attempt_that_came_further_does_not_count() {
        let known = |attempt, advanced| Circumstances {
            attempt,
            max_attempts: 3,
            cancel_requested: false,
            advanced,
            put_off: None,
            stopping: false,
            now: Timestamp(0),
            jitter: 0,
        };
        let after = |known: Circumstances| after_attempt(Err(Error::unavailable("x")), &known);
        assert!(matches!(after(known(3, true)), Next::Retry { counts: false, .. }));
        assert!(matches!(after(known(2, false)), Next::Retry { counts: true, busy: false, .. }));
        assert!(matches!(after(known(3, false)), Next::Fail(_)));
        let lasting = after_attempt(Err(Error::invalid("x")), &known(1, true));
        assert!(matches!(lasting, Next::Fail(_)), "what cannot succeed is not tried again");

        assert_eq!(after_lapse(3, 3, false, true), None);
        assert_eq!(after_lapse(2, 3, false, false), None);
        assert!(matches!(after_lapse(3, 3, false, false), Some(Next::Fail(_))));
        assert_eq!(after_lapse(3, 3, true, true), Some(Next::Cancel));
    }

    #[test]
    fn what_is_put_off_begins_again_then_and_does_not_count() {
        let known = Circumstances {
            attempt: 3,
            max_attempts: 3,
            cancel_requested: false,
            advanced: false,
            put_off: Some(PutOff { pause: Duration::from_secs(30), lane: true }),
            stopping: false,
            now: Timestamp(5),
            jitter: 7,
        };
        let passing = after_attempt(Err(Error::throttled("x")), &known);
        assert!(matches!(passing, Next::Retry { at: Timestamp(30_005), counts: false, busy: true, .. }), "{passing:?}");
        assert!(matches!(after_attempt(Err(Error::invalid("x")), &known), Next::Fail(_)));
        assert!(matches!(after_attempt(Ok(Value::Null), &known), Next::Succeed(_)));
    }

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
