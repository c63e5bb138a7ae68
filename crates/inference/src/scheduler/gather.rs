//! Static batches: requests of one shape that begin together.
//!
//! Requests are sorted into buckets by the length of their prompts, each twice as long as the one before. A bucket is due when it
//! is full, or when its oldest request has waited long enough. Of all requests in buckets that are due, the one that is next by
//! priority and fairness ([`crate::fair`]) begins, and those of its bucket that are next after it fill the batch. What does not
//! fit waits beside what comes later and has no claim to the following batch. A bucket that was due and passed over
//! [`PATIENCE`] times is the next one, so that none waits for ever beside buckets whose requests always come first. A batch runs
//! until all of it is done; so every step of it has about the same shape, and how full the steps are says what that costs.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::fair::FairQueue;

/// Prompts up to this length share the first bucket.
const SHORTEST: usize = 32;

/// How often a bucket that is due may be passed over.
const PATIENCE: u32 = 16;

/// How often each bucket that is due was passed over, by the longest prompt that it takes.
pub(super) type PassedOver = BTreeMap<usize, u32>;

/// What makes a batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gathering {
    pub(super) size: usize,
    pub(super) wait: Duration,
}

/// What to do about the requests that wait.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next<T> {
    /// These make a batch, and wait no more.
    Begin(Vec<T>),
    /// There may be one so much later.
    Wait(Duration),
    /// There is none.
    Idle,
}

/// The requests of one bucket.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    count: usize,
    oldest: Instant,
}

impl Bucket {
    /// What is left of the time that its oldest request waits for others; none where it is due.
    fn left(&self, gathering: Gathering, now: Instant) -> Option<Duration> {
        let left = (self.oldest + gathering.wait).checked_duration_since(now).filter(|left| !left.is_zero());
        left.filter(|_| self.count < gathering.size)
    }
}

/// Takes a batch out of the requests that wait, where one is due. `of` tells the length of a request's prompt, and since when
/// it waits.
pub(super) fn next<T>(
    waiting: &mut FairQueue<T>,
    passed_over: &mut PassedOver,
    of: impl Fn(&T) -> (usize, Instant),
    gathering: Gathering,
    now: Instant,
) -> Next<T> {
    let shape = |request: &T| of(request).0.max(SHORTEST).next_power_of_two();
    let mut buckets: BTreeMap<usize, Bucket> = BTreeMap::new();
    for request in waiting.iter() {
        let submitted = of(request).1;
        let bucket = buckets.entry(shape(request)).or_insert(Bucket { count: 0, oldest: submitted });
        *bucket = Bucket { count: bucket.count + 1, oldest: bucket.oldest.min(submitted) };
    }
    let left = |shape: usize| buckets.get(&shape).and_then(|bucket| bucket.left(gathering, now));
    let due: Vec<usize> = buckets.keys().copied().filter(|shape| left(*shape).is_none()).collect();
    passed_over.retain(|shape, _| due.contains(shape));
    let impatient = passed_over.iter().max_by_key(|(_, times)| **times).filter(|(_, times)| **times >= PATIENCE);
    let impatient = impatient.map(|(shape, _)| *shape);
    let may_begin = |shape: usize| impatient.map_or_else(|| due.contains(&shape), |one| shape == one);
    let Some(first) = waiting.pop_of(|request| may_begin(shape(request))) else {
        return buckets.keys().filter_map(|shape| left(*shape)).min().map_or(Next::Idle, Next::Wait);
    };
    let own = shape(&first);
    for other in due.into_iter().filter(|other| *other != own) {
        *passed_over.entry(other).or_default() += 1;
    }
    passed_over.remove(&own);
    let rest = std::iter::from_fn(|| waiting.pop_of(|request| shape(request) == own));
    Next::Begin(std::iter::once(first).chain(rest.take(gathering.size - 1)).collect())
}

#[cfg(test)]
#[path = "gather_tests.rs"]
mod tests;
