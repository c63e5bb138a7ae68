use super::*;

/// Runs batches of one token on a machine where `cost` tells the milliseconds of a batch by threads; the threads used.
fn run(threads: &mut Threads, batches: usize, cost: impl Fn(u32) -> u64) -> Vec<u32> {
    (0..batches)
        .map(|_| {
            let chosen = threads.choose(1);
            threads.note(1, Duration::from_millis(cost(chosen)));
            chosen
        })
        .collect()
}

/// The part of the time that was lost against the best number of threads.
fn lost(used: &[u32], cost: impl Fn(u32) -> u64) -> f64 {
    let best = used.iter().map(|threads| cost(*threads)).min().unwrap() * used.len() as u64;
    used.iter().map(|threads| cost(*threads)).sum::<u64>() as f64 / best as f64 - 1.0
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
        assert!(lost(&used, idle) < 0.03, "{}", lost(&used, idle));
    }
    assert_eq!(run(&mut Threads::from_one_to(12), 200, idle).last(), Some(&12));
}

#[test]
fn one_thread_is_kept_where_more_wait_for_each_other() {
    let used = run(&mut Threads::from_one_to(8), 1000, busy);
    assert!(lost(&used, busy) < 0.03, "{}", lost(&used, busy));
    assert_eq!(run(&mut Threads::down_from(8), 200, busy).last(), Some(&1));
}

#[test]
fn the_choice_follows_the_machine() {
    let mut threads = Threads::from_one_to(2);
    run(&mut threads, 500, idle);
    let used = run(&mut threads, 10, busy);
    assert!(used.iter().filter(|used| **used == 2).count() <= 2, "the first slow batch is answered: {used:?}");
    assert_eq!(run(&mut threads, 2000, idle).last(), Some(&2));
}

#[test]
fn sizes_are_chosen_for_apart() {
    let mut threads = Threads::from_one_to(2);
    for _ in 0..100 {
        let (one, many) = (threads.choose(1), threads.choose(8));
        threads.note(1, Duration::from_millis(if one == 1 { 10 } else { 30 }));
        threads.note(8, Duration::from_millis(if many == 1 { 60 } else { 30 }));
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
        threads.note(1, limit);
    }
    assert_eq!(used, [16, 8, 4, 2]);
    assert_eq!(threads.choose(1), 1);
}

#[test]
fn a_single_thread_is_left_alone() {
    assert!(run(&mut Threads::from_one_to(1), 100, |_| 10).iter().all(|used| *used == 1));
    assert_eq!(Threads::down_from(0).choose(5), 1);
}
