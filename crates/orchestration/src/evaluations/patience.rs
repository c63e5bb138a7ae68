//! Patience with models and knowledge bases that fail for a while: how long to wait before they are asked again. A job that is
//! cancelled meanwhile does not wait any longer, as its whole work ends.

use std::time::Duration;

use base::{Error, ErrorKind};

/// The pause after the first failure, where nothing speaks for another one; each further one is twice as long.
pub const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(60);
/// The most pauses: about five minutes together.
const MOST: u32 = 10;
/// The most pauses where time ran out: it may be this request that takes too long.
const MOST_TIMEOUTS: u32 = 2;

/// How often one request was put off.
#[derive(Debug)]
pub(super) struct Patience {
    /// The pause after the first failure.
    first: Duration,
    pauses: u32,
}

impl Patience {
    /// With a request that did not fail yet.
    pub(super) fn new(first: Duration) -> Self {
        Self { first, pauses: 0 }
    }

    /// How long to wait before the request that failed so is sent again; none where that is of no use, or was tried for long.
    pub(super) fn after(&mut self, error: &Error) -> Option<Duration> {
        let most = match error.kind {
            ErrorKind::Throttled | ErrorKind::Unavailable => MOST,
            ErrorKind::Timeout => MOST_TIMEOUTS,
            _ => 0,
        };
        if self.pauses >= most {
            return None;
        }
        self.pauses += 1;
        Some(self.first.saturating_mul(1 << (self.pauses - 1).min(16)).min(LONGEST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pauses(kind: ErrorKind) -> Vec<u64> {
        let mut patience = Patience::new(FIRST_PAUSE);
        let error = Error::new(kind, "failed");
        std::iter::from_fn(|| patience.after(&error)).map(|pause| pause.as_secs()).collect()
    }

    #[test]
    fn a_fault_that_passes_is_waited_for() {
        assert_eq!(pauses(ErrorKind::Unavailable), [1, 2, 4, 8, 16, 32, 60, 60, 60, 60]);
        assert_eq!(pauses(ErrorKind::Throttled), pauses(ErrorKind::Unavailable));
    }

    #[test]
    fn what_may_be_the_requests_own_is_given_up_soon() {
        assert_eq!(pauses(ErrorKind::Timeout), [1, 2]);
        assert!(pauses(ErrorKind::Internal).is_empty() && pauses(ErrorKind::Invalid).is_empty());
    }
}
