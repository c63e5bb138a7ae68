use super::*;

/// Lets requests wait, each with a tenant, a priority and a cost, named by their numbers.
fn queue(requests: &[(u128, Priority, u64)]) -> FairQueue<usize> {
    let mut queue = FairQueue::default();
    for (number, (tenant, priority, cost)) in requests.iter().enumerate() {
        push(&mut queue, (*tenant, *priority, *cost), number);
    }
    queue
}

fn push(queue: &mut FairQueue<usize>, (tenant, priority, cost): (u128, Priority, u64), number: usize) {
    let arrived = queue.ticket();
    queue.push(Place { tenant: Tenant::of(tenant), priority, cost, arrived }, number);
}

fn drained(mut queue: FairQueue<usize>) -> Vec<usize> {
    std::iter::from_fn(|| queue.pop()).collect()
}

#[test]
fn tenants_take_turns_by_what_their_requests_cost() {
    let greedy = (1, Priority::Normal, 30);
    let modest = (2, Priority::Normal, 10);
    assert_eq!(drained(queue(&[greedy, greedy, greedy, modest, modest, modest, modest])), [0, 3, 4, 5, 1, 6, 2]);
}

#[test]
fn higher_priorities_come_first_but_before_one_that_was_passed_over_often_enough() {
    let mut queue = queue(&[(1, Priority::Low, 1)]);
    for number in 1..40 {
        push(&mut queue, (2, Priority::High, 1), number);
    }
    let order = drained(queue);
    assert_eq!(order.iter().position(|number| *number == 0), Some(16), "{order:?}");
}

#[test]
fn a_tenant_that_was_away_has_saved_up_no_turns() {
    let mut queue = queue(&[(1, Priority::Normal, 1)]);
    assert_eq!(queue.pop(), Some(0));
    for number in 1..=10 {
        push(&mut queue, (2, Priority::Normal, 5), number);
    }
    for number in 1..=8 {
        assert_eq!(queue.pop(), Some(number));
    }
    for number in 11..=14 {
        push(&mut queue, (1, Priority::Normal, 5), number);
    }
    let order = drained(queue);
    assert_eq!(order[..4], [11, 9, 12, 10], "{order:?}");
}

#[test]
fn those_that_may_not_go_are_passed_by_and_keep_their_places() {
    let mut queue = queue(&[(1, Priority::High, 1), (1, Priority::Normal, 1), (2, Priority::Normal, 1)]);
    assert_eq!(queue.pop_of(|number| *number == 2), Some(2));
    assert_eq!(queue.pop_of(|number| *number > 5), None);
    assert_eq!(drained(queue), [0, 1]);
}

#[test]
fn one_that_waits_again_comes_before_those_that_came_after_it() {
    let mut queue = FairQueue::default();
    let place = |arrived| Place { tenant: Tenant::of(1), priority: Priority::Normal, cost: 1, arrived };
    let (first, second) = (queue.ticket(), queue.ticket());
    queue.push(place(second), "second");
    queue.push(place(first), "first");
    assert_eq!((queue.pop(), queue.pop(), queue.pop()), (Some("first"), Some("second"), None));
}

#[test]
fn a_tenant_fills_its_own_queue_and_background_work_nobody_s() {
    let (normal, low) = ((1, Priority::Normal, 1), (1, Priority::Low, 1));
    let queue = queue(&[normal, low, low, low]);
    let full = |tenant, priority| queue.is_full_for(Tenant::of(tenant), priority, 2);
    assert!(!full(1, Priority::Normal) && full(1, Priority::Low) && !full(2, Priority::Low));
    assert!(queue.is_full_for(Tenant::of(1), Priority::Normal, 1));
}

#[test]
fn no_more_wait_in_all_than_some_tenants_full_queues_hold() {
    let requests: Vec<(u128, Priority, u64)> =
        (0..TENANTS as u128).map(|tenant| (tenant, Priority::Normal, 1)).collect();
    let queue = queue(&requests);
    assert!(queue.is_full_for(Tenant::of(99), Priority::Normal, 1));
    assert!(!queue.is_full_for(Tenant::of(99), Priority::Normal, 2));
    assert!(!queue.is_full_for(Tenant::of(99), Priority::High, 1), "what comes behind is not counted");
}

#[test]
fn what_costs_nothing_takes_turns_too() {
    let mut queue = queue(&[(1, Priority::Normal, 10), (2, Priority::Normal, 0)]);
    assert_eq!(queue.pop(), Some(0));
    push(&mut queue, (1, Priority::Normal, 10), 2);
    let mut passed = 0;
    while queue.pop() != Some(2) {
        passed += 1;
        push(&mut queue, (2, Priority::Normal, 0), 2 + passed);
    }
    assert_eq!(passed, 10);
}

#[test]
fn what_others_wait_for_in_the_background_keeps_nobody_out_before_it() {
    let requests: Vec<(u128, Priority, u64)> =
        (0..TENANTS as u128 * 2).map(|tenant| (tenant, Priority::Low, 1)).collect();
    let queue = queue(&requests);
    assert!(
        !queue.is_full_for(Tenant::of(99), Priority::High, 1) && queue.is_full_for(Tenant::of(99), Priority::Low, 1)
    );
}
