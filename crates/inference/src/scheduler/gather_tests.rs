use super::*;
use crate::fair::Place;
use crate::generation::{Priority, Tenant};

const GATHERING: Gathering = Gathering { size: 3, wait: Duration::from_millis(50) };

/// A request's number, the length of its prompt, and when it came.
type Request = (usize, usize, Instant);

/// Requests, each with its tenant, its priority, the length of its prompt and the millisecond in which it came.
struct Waiting {
    start: Instant,
    queue: FairQueue<Request>,
    passed_over: PassedOver,
    count: usize,
}

impl Waiting {
    fn new() -> Self {
        Self { start: Instant::now(), queue: FairQueue::default(), passed_over: PassedOver::new(), count: 0 }
    }

    fn come(&mut self, tenant: u128, priority: Priority, length: usize, arrived: u64) {
        let place = Place { tenant: Tenant::of(tenant), priority, cost: length as u64, arrived };
        let submitted = self.start + Duration::from_millis(arrived);
        self.queue.push(place, (self.count, length, submitted));
        self.count += 1;
    }

    fn next(&mut self, now: u64) -> Next<usize> {
        let now = self.start + Duration::from_millis(now);
        match next(
            &mut self.queue,
            &mut self.passed_over,
            |(_, length, submitted)| (*length, *submitted),
            GATHERING,
            now,
        ) {
            Next::Begin(batch) => Next::Begin(batch.into_iter().map(|(number, ..)| number).collect()),
            Next::Wait(time) => Next::Wait(time),
            Next::Idle => Next::Idle,
        }
    }
}

fn chosen(jobs: &[(usize, u64)], now: u64) -> Next<usize> {
    let mut waiting = Waiting::new();
    for (length, submitted) in jobs {
        waiting.come(1, Priority::Normal, *length, *submitted);
    }
    waiting.next(now)
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

#[test]
fn what_a_batch_left_behind_waits_behind_what_comes_later_with_a_higher_priority() {
    let mut waiting = Waiting::new();
    for at in 0..5 {
        waiting.come(1, Priority::Normal, 10, at);
    }
    assert_eq!(waiting.next(10), Next::Begin(vec![0, 1, 2]));
    waiting.come(1, Priority::High, 12, 11);
    waiting.come(1, Priority::Low, 12, 12);
    assert_eq!(waiting.next(20), Next::Begin(vec![5, 3, 4]), "the urgent one, then what was left");
    assert_eq!(waiting.next(20), Next::Wait(Duration::from_millis(42)));
    assert_eq!(waiting.next(62), Next::Begin(vec![6]));
}

#[test]
fn what_a_batch_left_behind_of_one_tenant_waits_behind_others_who_used_less() {
    let mut waiting = Waiting::new();
    for at in 0..8 {
        waiting.come(1, Priority::Normal, 10, at);
    }
    assert_eq!(waiting.next(10), Next::Begin(vec![0, 1, 2]));
    for at in 11..14 {
        waiting.come(2, Priority::Normal, 10, at);
    }
    assert_eq!(waiting.next(20), Next::Begin(vec![8, 3, 9]), "the other tenant's first, then turn by turn");
    assert_eq!(waiting.next(20), Next::Begin(vec![4, 10, 5]));
}

#[test]
fn an_urgent_bucket_that_is_due_begins_before_older_ones_of_other_lengths() {
    let mut waiting = Waiting::new();
    for at in 0..3 {
        waiting.come(1, Priority::Normal, 10, at);
    }
    for at in 3..6 {
        waiting.come(2, Priority::High, 300, at);
    }
    assert_eq!(waiting.next(6), Next::Begin(vec![3, 4, 5]));
    assert_eq!(waiting.next(6), Next::Begin(vec![0, 1, 2]));
}

#[test]
fn background_requests_get_their_turn_beside_urgent_ones_that_never_end() {
    let mut waiting = Waiting::new();
    waiting.come(1, Priority::Low, 500, 0);
    let mut batches = 0;
    loop {
        for _ in 0..3 {
            waiting.come(2, Priority::High, 10, 100);
        }
        batches += 1;
        if waiting.next(100) == Next::Begin(vec![0]) {
            break;
        }
        assert!(batches < 30, "it was passed over for ever");
    }
    assert!(batches > 6, "{batches}");
}

/// After how many batches the request with this number begins, where each batch is filled by `come`.
fn batches_until(waiting: &mut Waiting, number: usize, mut come: impl FnMut(&mut Waiting, u64)) -> u32 {
    for at in 0..100 {
        let now = 100 + u64::from(at);
        come(waiting, now);
        match waiting.next(now) {
            Next::Begin(batch) if batch.contains(&number) => return at,
            Next::Begin(_) => {}
            other => panic!("{other:?}"),
        }
    }
    panic!("it waits for ever")
}

#[test]
fn a_tenants_long_prompt_begins_beside_short_ones_of_its_own_and_others() {
    let mut waiting = Waiting::new();
    waiting.come(1, Priority::Normal, 500, 0);
    let passed = batches_until(&mut waiting, 0, |waiting, now| {
        waiting.come(2, Priority::Normal, 10, now);
        waiting.come(1, Priority::Normal, 10, now);
        waiting.come(1, Priority::Normal, 10, now);
    });
    assert!(passed <= PATIENCE, "{passed}");
}

#[test]
fn a_long_prompt_in_the_background_begins_beside_short_ones_that_fill_batches() {
    let mut waiting = Waiting::new();
    waiting.come(1, Priority::Low, 500, 0);
    let passed = batches_until(&mut waiting, 0, |waiting, now| {
        waiting.come(2, Priority::Normal, 10, now);
        waiting.come(1, Priority::Low, 10, now);
        waiting.come(1, Priority::Low, 10, now);
    });
    assert_eq!(passed, PATIENCE);
}
