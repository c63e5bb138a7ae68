//! Static batches: requests of one shape that begin together.
//!
//! Requests are sorted into buckets by the length of their prompts, each twice as long as the one before. A bucket is due when it
//! is full, or when its oldest request has waited long enough. Of those that are due, the one with the oldest request makes the
//! next batch, so that none waits for ever beside others that are always full. It runs until all of it is done; so every step of
//! it has about the same shape, and how full the steps are says what that costs.

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
    // Those that the batch would take.
    let of = |places: &Vec<usize>| places.iter().copied().take(gathering.size).collect::<Vec<_>>();
    let oldest = |places: &Vec<usize>| of(places).into_iter().map(|place| jobs[place].1).min();
    let left = |places: &Vec<usize>| {
        let over = oldest(places)? + gathering.wait;
        over.checked_duration_since(now).filter(|left| !left.is_zero())
    };
    let buckets: Vec<Vec<usize>> = buckets.into_iter().map(|(_, places)| places).collect();
    let is_due = |places: &&Vec<usize>| places.len() >= gathering.size || left(places).is_none();
    if let Some(places) = buckets.iter().filter(is_due).min_by_key(|places| oldest(places)) {
        return Next::Begin(of(places));
    }
    buckets.iter().filter_map(left).min().map_or(Next::Idle, Next::Wait)
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
    fn a_bucket_whose_time_is_over_begins_before_a_full_one_that_came_later() {
        assert_eq!(chosen(&[(10, 5), (10, 6), (10, 7), (500, 0)], 50), Next::Begin(vec![3]));
        assert_eq!(chosen(&[(10, 5), (10, 6), (10, 7), (500, 0)], 49), Next::Begin(vec![0, 1, 2]));
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
