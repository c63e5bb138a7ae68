use super::*;

/// Runs batches of one token on a machine where `cost` tells the milliseconds of a batch by threads, each given up at its
/// limit and computed anew; the threads that were used, one for each time that a batch was begun, and the milliseconds.
fn timed(threads: &mut Threads, batches: usize, cost: impl Fn(u32) -> u64) -> (Vec<u32>, f64) {
    let (mut used, mut seconds) = (Vec::new(), 0.0);
    for _ in 0..batches {
        let mut ended = false;
        while !ended {
            let (chosen, limit) = (threads.choose(1), threads.limit(1));
            let whole = Duration::from_millis(cost(chosen));
            ended = limit.is_none_or(|limit| whole <= limit);
            let took = if ended { whole } else { limit.unwrap_or(whole) };
            threads.note(1, took, !ended);
            used.push(chosen);
            seconds += took.as_secs_f64();
        }
    }
    (used, seconds * 1000.0)
}

fn run(threads: &mut Threads, batches: usize, cost: impl Fn(u32) -> u64) -> Vec<u32> {
    timed(threads, batches, cost).0
}

/// The part of the time of so many batches that was lost against the best number of threads.
fn lost(mut threads: Threads, batches: usize, cost: impl Fn(u32) -> u64) -> f64 {
    let (used, took) = timed(&mut threads, batches, &cost);
    let best = used.iter().map(|threads| cost(*threads)).min().unwrap();
    took / (best * batches as u64) as f64 - 1.0
}

fn idle(threads: u32) -> u64 {
    48 / u64::from(threads)
}

fn busy(threads: u32) -> u64 {
    if threads == 1 { 48 } else { 300 * u64::from(threads) }
}

#[test]
fn idle_cores_are_all_used_from_the_first_tokens_on() {
    for mut threads in [Threads::from_one_to(2), Threads::down_from(2)] {
        let used = run(&mut threads, 1000, idle);
        assert!(used[4..20].iter().filter(|used| **used == 2).count() >= 13, "{used:?}");
    }
    for threads in [Threads::from_one_to(2), Threads::down_from(2)] {
        assert!(lost(threads, 1000, idle) < 0.03);
    }
    assert_eq!(run(&mut Threads::from_one_to(12), 200, idle).last(), Some(&12));
}

#[test]
fn one_thread_is_kept_where_more_wait_for_each_other() {
    assert!(lost(Threads::from_one_to(8), 1000, busy) < 0.03);
    assert_eq!(run(&mut Threads::down_from(8), 200, busy).last(), Some(&1));
}

#[test]
fn the_choice_follows_the_machine() {
    let mut threads = Threads::from_one_to(2);
    run(&mut threads, 500, idle);
    let used = run(&mut threads, 8, busy);
    assert!(used.iter().filter(|used| **used == 2).count() <= 2, "the first slow batch is answered: {used:?}");
    assert_eq!(run(&mut threads, 2000, idle).last(), Some(&2));
}

#[test]
fn long_batches_get_the_cores_back_soon_after_other_programs_leave_them() {
    let long = |threads| 2000 / u64::from(threads);
    let mut threads = Threads::down_from(2);
    run(&mut threads, 50, long);
    assert_eq!(run(&mut threads, 50, |threads| if threads == 1 { 2000 } else { 9000 }).last(), Some(&1));
    let used = run(&mut threads, 80, long);
    assert!(used[45..].iter().filter(|used| **used == 2).count() >= 33, "{used:?}");
}

#[test]
fn sizes_are_chosen_for_apart() {
    let mut threads = Threads::from_one_to(2);
    for _ in 0..100 {
        let (one, many) = (threads.choose(1), threads.choose(8));
        threads.note(1, Duration::from_millis(if one == 1 { 10 } else { 30 }), false);
        threads.note(8, Duration::from_millis(if many == 1 { 60 } else { 30 }), false);
    }
    let after = [threads.choose(1), threads.choose(8), threads.choose(7), threads.choose(9)];
    assert_eq!(after, [1, 2, 2, 1]);
}

#[test]
fn a_batch_that_is_given_up_is_computed_by_fewer_threads_until_it_ends() {
    let mut threads = Threads::from_one_to(16);
    run(&mut threads, 500, |threads| 160 / u64::from(threads));
    let mut used = Vec::new();
    // From now on every batch needs a second, but with one thread.
    while let Some(limit) = threads.limit(1) {
        used.push(threads.choose(1));
        assert!(limit < Duration::from_millis(200), "{limit:?} at {used:?}");
        threads.note(1, limit, true);
    }
    assert_eq!(used, [16, 8, 4, 2]);
    assert_eq!(threads.choose(1), 1);
}

#[test]
fn a_single_thread_is_left_alone() {
    assert!(run(&mut Threads::from_one_to(1), 100, |_| 10).iter().all(|used| *used == 1));
    assert_eq!(Threads::down_from(0).choose(5), 1);
}
