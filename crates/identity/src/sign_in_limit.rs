//! Limits how often a wrong secret may be tried.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use base::Timestamp;

/// Failures are counted over this long, in milliseconds.
const WINDOW: i64 = 15 * 60 * 1000;
/// Failures per access key id and source address in a window. Counted per address, so that a stranger who fails with
/// somebody's key id does not keep its owner out; secrets are too long to be found from many addresses.
pub(crate) const FAILURES_PER_KEY: u32 = 5;
/// Failures per source address in a window.
pub(crate) const FAILURES_PER_ADDRESS: u32 = 20;
/// The most keys and addresses remembered.
const CAPACITY: usize = 10_000;

/// Failed sign-ins per source address and access key id, known or not, and per source address. Kept in memory only.
pub(crate) struct SignInLimit {
    failures: Mutex<HashMap<Subject, Failures>>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Subject {
    Key(String, IpAddr),
    Address(IpAddr),
}

#[derive(Clone, Copy)]
struct Failures {
    count: u32,
    since: Timestamp,
}

impl SignInLimit {
    pub(crate) fn new() -> Self {
        Self { failures: Mutex::new(HashMap::new()) }
    }

    /// Begins an attempt and counts it as failed, so that attempts side by side cannot pass the limit together.
    ///
    /// # Errors
    /// The seconds to wait, where the key or the address has failed too often; such an attempt is not counted.
    pub(crate) fn begin(&self, key: &str, address: IpAddr, now: Timestamp) -> Result<(), i64> {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let limits = [(subject_of_key(key, address), FAILURES_PER_KEY), (subject_of(address), FAILURES_PER_ADDRESS)];
        let wait = limits.iter().filter_map(|(subject, limit)| {
            let failed = failures.get(subject).filter(|failed| failed.is_current(now) && failed.count >= *limit)?;
            Some((failed.since.as_millis() + WINDOW - now.as_millis() + 999) / 1000)
        });
        if let Some(seconds) = wait.max() {
            return Err(seconds);
        }
        for (subject, _) in limits {
            make_room(&mut failures, now);
            let failed = failures.entry(subject).or_insert(Failures { count: 0, since: now });
            if !failed.is_current(now) {
                *failed = Failures { count: 0, since: now };
            }
            failed.count += 1;
        }
        Ok(())
    }

    /// Ends an attempt that succeeded: the key's failures are forgotten, the address gets this attempt back.
    pub(crate) fn succeed(&self, key: &str, address: IpAddr) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.remove(&subject_of_key(key, address));
        if let Some(failed) = failures.get_mut(&subject_of(address)) {
            failed.count = failed.count.saturating_sub(1);
        }
    }
}

impl Failures {
    fn is_current(&self, now: Timestamp) -> bool {
        now.as_millis().saturating_sub(self.since.as_millis()) < WINDOW
    }
}

/// No access key id is longer than 128 characters, so longer ones may share a count.
fn subject_of_key(key: &str, address: IpAddr) -> Subject {
    Subject::Key(key.chars().take(128).collect(), network(address))
}

fn subject_of(address: IpAddr) -> Subject {
    Subject::Address(network(address))
}

/// One IPv6 network of 64 bits counts as one address: it belongs to one customer.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// Forgets windows that ended; where that is not enough, the older half of the rest, so that it is seldom needed.
fn make_room(failures: &mut HashMap<Subject, Failures>, now: Timestamp) {
    if failures.len() < CAPACITY {
        return;
    }
    failures.retain(|_, failed| failed.is_current(now));
    if failures.len() >= CAPACITY {
        let mut ages: Vec<Timestamp> = failures.values().map(|failed| failed.since).collect();
        let (_, median, _) = ages.select_nth_unstable(CAPACITY / 2);
        failures.retain(|_, failed| failed.since > *median);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn a_key_is_limited_from_one_address_until_the_window_ends() {
        let limit = SignInLimit::new();
        for _ in 0..FAILURES_PER_KEY {
            assert_eq!(limit.begin("AKIA", address(1), Timestamp(0)), Ok(()));
        }
        assert_eq!(limit.begin("AKIA", address(1), Timestamp(1)), Err(900));
        assert_eq!(limit.begin("AKIB", address(1), Timestamp(1)), Ok(()));
        assert_eq!(limit.begin("AKIA", address(1), Timestamp(WINDOW - 1)), Err(1));
        assert_eq!(limit.begin("AKIA", address(1), Timestamp(WINDOW)), Ok(()));
    }

    #[test]
    fn a_strangers_failures_do_not_keep_the_owner_out() {
        let limit = SignInLimit::new();
        for _ in 0..=FAILURES_PER_KEY {
            let _ = limit.begin("AKIA", address(1), Timestamp(0));
        }
        assert!(limit.begin("AKIA", address(1), Timestamp(1)).is_err());
        assert_eq!(limit.begin("AKIA", address(2), Timestamp(1)), Ok(()));
    }

    #[test]
    fn an_address_is_limited_over_all_keys() {
        let limit = SignInLimit::new();
        for i in 0..FAILURES_PER_ADDRESS {
            assert_eq!(limit.begin(&format!("K{i}"), address(1), Timestamp(0)), Ok(()));
        }
        assert!(limit.begin("other", address(1), Timestamp(0)).is_err());
        assert!(limit.begin("other", address(2), Timestamp(0)).is_ok());
    }

    #[test]
    fn addresses_of_one_ipv6_network_count_together() {
        let one: IpAddr = "2001:db8::1".parse().unwrap();
        let two: IpAddr = "2001:db8::2:1".parse().unwrap();
        let other: IpAddr = "2001:db8:0:1::1".parse().unwrap();
        assert!(subject_of(one) == subject_of(two) && subject_of(one) != subject_of(other));
    }

    #[test]
    fn success_forgets_the_failures_of_the_key_alone() {
        let limit = SignInLimit::new();
        for _ in 0..4 {
            limit.begin("AKIA", address(1), Timestamp(0)).unwrap();
        }
        limit.begin("AKIA", address(1), Timestamp(0)).unwrap();
        limit.succeed("AKIA", address(1));
        assert!(limit.begin("AKIA", address(1), Timestamp(0)).is_ok());
        let failures = limit.failures.lock().unwrap();
        assert_eq!(failures[&subject_of(address(1))].count, 5);
    }

    #[test]
    fn the_memory_of_failures_is_bounded() {
        let limit = SignInLimit::new();
        for i in 0..u32::try_from(CAPACITY).unwrap() + 10 {
            limit.begin(&format!("K{i}"), IpAddr::from(i.to_be_bytes()), Timestamp(i64::from(i))).unwrap();
            assert!(limit.failures.lock().unwrap().len() <= CAPACITY);
        }
        let latest = format!("K{}", CAPACITY + 9);
        let last = IpAddr::from((u32::try_from(CAPACITY).unwrap() + 9).to_be_bytes());
        assert!(limit.failures.lock().unwrap().contains_key(&subject_of_key(&latest, last)));
    }
}
