//! Static batches: requests of one shape that begin together.
//!
//! Requests are sorted into buckets by the length of their prompts, each twice as long as the one before. The fullest
//! bucket that is full, or else the one whose oldest request has waited long enough, makes the next batch. It runs until
//! all of it is done; so every step of it has about the same shape, and how full the steps are says what that costs.

use std::time::{Duration, Instant};

use super::job::Job;

/// Prompts up to this length share the first bucket.
const SHORTEST: usize = 32;

/// What makes a batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gathering {
    pub(super) size: usize,
    pub(super) wait: Duration,
}

/// What to do about the requests that wait.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The requests at these places make a batch.
    Begin(Vec<usize>),
    /// There may be one so much later.
    Wait(Duration),
    /// There is none.
    Idle,
}

/// Looks for a batch among requests, the ones to be served first at the beginning.
pub(super) fn next(jobs: &[Job], gathering: Gathering, now: Instant) -> Next {
    let lengths: Vec<(usize, Instant)> = jobs.iter().map(|job| (job.tokens.len(), job.submitted)).collect();
    choose(&lengths, gathering, now)
}

fn choose(jobs: &[(usize, Instant)], gathering: Gathering, now: Instant) -> Next {
    let mut buckets: Vec<(usize, Vec<usize>)> = Vec::new();
    for (place, (length, _)) in jobs.iter().enumerate() {
        let shape = length.max(&SHORTEST).next_power_of_two();
        match buckets.iter_mut().find(|(bucket, _)| *bucket == shape) {
            Some((_, places)) => places.push(place),
            None => buckets.push((shape, vec![place])),
        }
    }
    let oldest = |places: &[usize]| places.iter().map(|place| jobs[*place].1).min();
    let begin = |places: &[usize]| Next::Begin(places.iter().copied().take(gathering.size).collect());
    // Of equals the one whose first request is to be served first.
    let full = buckets.iter().rev().filter(|(_, places)| places.len() >= gathering.size);
    if let Some((_, places)) = full.max_by_key(|(_, places)| places.len()) {
        return begin(places);
    }
    let first = buckets.iter().filter_map(|(_, places)| Some((oldest(places)?, places))).min_by_key(|(at, _)| *at);
    let Some((at, places)) = first else { return Next::Idle };
    match (at + gathering.wait).checked_duration_since(now).filter(|left| !left.is_zero()) {
        None => begin(places),
        Some(left) => Next::Wait(left),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GATHERING: Gathering = Gathering { size: 3, wait: Duration::from_millis(50) };

    fn chosen(jobs: &[(usize, u64)], now: u64) -> Next {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let jobs: Vec<(usize, Instant)> = jobs.iter().map(|(length, submitted)| (*length, at(*submitted))).collect();
        choose(&jobs, GATHERING, at(now))
    }

    #[test]
    fn a_full_bucket_begins_at_once_and_takes_no_more_than_its_size() {
        assert_eq!(chosen(&[(10, 0), (500, 1), (20, 2), (32, 3), (31, 4)], 5), Next::Begin(vec![0, 2, 3]));
    }

    #[test]
    fn prompts_of_other_lengths_are_another_batch() {
        assert_eq!(chosen(&[(33, 0), (64, 0), (65, 0)], 1), Next::Wait(Duration::from_millis(49)));
        assert_eq!(chosen(&[(33, 0), (64, 0), (48, 0)], 1), Next::Begin(vec![0, 1, 2]));
    }

    #[test]
    fn the_bucket_of_the_oldest_request_begins_when_its_time_is_over() {
        assert_eq!(chosen(&[(100, 10), (10, 0), (100, 20)], 49), Next::Wait(Duration::from_millis(1)));
        assert_eq!(chosen(&[(100, 10), (10, 0), (100, 20)], 50), Next::Begin(vec![1]));
        assert_eq!(chosen(&[(100, 10), (100, 20)], 60), Next::Begin(vec![0, 1]));
        assert_eq!(chosen(&[], 60), Next::Idle);
    }
}
