//! The latest requests, for the console: a ring in memory that holds no bodies and no secrets.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use base::{AccountId, Timestamp};

use crate::answered::Told;

/// The requests that are kept.
const CAPACITY: usize = 1000;

/// What is kept of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) request_id: String,
    pub(crate) account: AccountId,
    /// When it came.
    pub(crate) time: Timestamp,
    pub(crate) service: &'static str,
    pub(crate) operation: &'static str,
    /// The HTTP status.
    pub(crate) status: u16,
    pub(crate) error_code: Option<String>,
    /// Until the answer was complete.
    pub(crate) duration_ms: u64,
    /// The caller's ARN.
    pub(crate) principal: String,
    /// The model that answered.
    pub(crate) served_by: Option<String>,
    /// What the model answered, where one did.
    pub(crate) answered: Option<Told>,
}

/// The ring.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    entries: Mutex<VecDeque<Entry>>,
}

impl Recent {
    /// Keeps `entry`, in place of the oldest where the ring is full.
    pub(crate) fn push(&self, entry: Entry) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() == CAPACITY {
            entries.pop_front();
        }
        entries.push_back(entry);
    }

    /// The latest requests of `account`, newest first.
    pub(crate) fn of(&self, account: &AccountId, limit: usize) -> Vec<Entry> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.iter().rev().filter(|entry| entry.account == *account).take(limit).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(account: &str, n: usize) -> Entry {
        Entry {
            request_id: n.to_string(),
            account: account.parse().unwrap(),
            time: Timestamp(0),
            service: "sts",
            operation: "GetCallerIdentity",
            status: 200,
            error_code: None,
            duration_ms: 1,
            principal: "p".into(),
            served_by: None,
            answered: None,
        }
    }

    #[test]
    fn the_newest_of_the_account_come_first_and_the_oldest_are_dropped() {
        let recent = Recent::default();
        for n in 0..CAPACITY + 10 {
            recent.push(entry(if n % 2 == 0 { "111111111111" } else { "222222222222" }, n));
        }
        let mine = recent.of(&"111111111111".parse().unwrap(), CAPACITY);
        assert_eq!(mine.len(), CAPACITY / 2);
        assert_eq!(mine[0].request_id, (CAPACITY + 8).to_string());
        assert_eq!(recent.of(&"222222222222".parse().unwrap(), 3).len(), 3);
    }
}
