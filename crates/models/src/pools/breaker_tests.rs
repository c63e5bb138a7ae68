use proptest::prelude::*;

use super::*;

const SETTINGS: Settings = Settings { threshold: 3, first_pause: 1_000, longest_pause: 8_000 };

fn fail(breaker: &mut Breaker, now: i64) {
    let permit = breaker.admit(now).unwrap();
    breaker.failed(permit, now);
}

fn opened() -> Breaker {
    let mut breaker = Breaker::new(SETTINGS);
    (0..3).for_each(|_| fail(&mut breaker, 0));
    assert_eq!(breaker.circuit(), Circuit::Open);
    breaker
}

#[test]
fn failures_in_succession_open_it_and_a_success_between_them_does_not() {
    let mut breaker = Breaker::new(SETTINGS);
    for _ in 0..10 {
        fail(&mut breaker, 0);
        fail(&mut breaker, 0);
        let permit = breaker.admit(0).unwrap();
        breaker.succeeded(permit);
    }
    assert_eq!(breaker.circuit(), Circuit::Closed);
    assert_eq!(opened().admit(999), None);
}

#[test]
fn after_the_pause_one_request_tries_and_its_success_closes_it() {
    let mut breaker = opened();
    let trial = breaker.admit(1_000).unwrap();
    assert_eq!((breaker.circuit(), breaker.admit(1_000), breaker.pause_left(1_000)), (Circuit::HalfOpen, None, None));
    breaker.answered(&trial);
    assert_eq!(breaker.circuit(), Circuit::Closed);
    breaker.succeeded(trial);
    (0..3).for_each(|_| fail(&mut breaker, 2_000));
    assert_eq!(breaker.pause_left(2_000), Some(1_000), "the pauses begin anew after a complete answer");
}

#[test]
fn pauses_grow_until_the_longest() {
    let (mut breaker, mut now, mut pauses) = (opened(), 0, Vec::new());
    for _ in 0..6 {
        let pause = breaker.pause_left(now).unwrap();
        pauses.push(pause);
        now += pause;
        fail(&mut breaker, now);
    }
    assert_eq!(pauses, [1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
}

#[test]
fn a_member_that_always_dies_after_its_first_token_waits_longer_each_time() {
    let mut breaker = opened();
    let trial = breaker.admit(1_000).unwrap();
    breaker.answered(&trial);
    breaker.failed(trial, 1_000);
    fail(&mut breaker, 1_000);
    fail(&mut breaker, 1_000);
    assert_eq!(breaker.pause_left(1_000), Some(2_000));
}

#[test]
fn what_requests_from_before_the_opening_tell_changes_nothing() {
    let mut breaker = Breaker::new(SETTINGS);
    let (early, late) = (breaker.admit(0).unwrap(), breaker.admit(0).unwrap());
    (0..3).for_each(|_| fail(&mut breaker, 0));
    breaker.succeeded(early);
    assert_eq!(breaker.circuit(), Circuit::Open);
    let trial = breaker.admit(1_000).unwrap();
    breaker.failed(late, 1_000);
    assert_eq!(breaker.circuit(), Circuit::HalfOpen);
    breaker.succeeded(trial);
    assert_eq!(breaker.circuit(), Circuit::Closed);
}

#[test]
fn a_trial_whose_caller_left_makes_room_for_another() {
    let mut breaker = opened();
    let trial = breaker.admit(1_000).unwrap();
    breaker.abandoned(trial, 1_000);
    assert_eq!(breaker.circuit(), Circuit::Open);
    assert!(breaker.admit(1_000).is_some());
}

#[test]
fn a_member_that_is_back_is_tried_at_once() {
    let mut breaker = opened();
    breaker.hasten(10);
    assert!(breaker.admit(10).is_some());
    let mut closed = Breaker::new(SETTINGS);
    closed.hasten(10);
    assert_eq!(closed.circuit(), Circuit::Closed);
}

#[test]
fn a_clock_that_goes_back_does_not_prolong_a_pause() {
    assert!(opened().admits(-1));
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Wait(i64),
    Ask,
    Begin(usize),
    Succeed(usize),
    Fail(usize),
    Leave(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0_i64..5_000).prop_map(Step::Wait),
        Just(Step::Ask),
        Just(Step::Ask),
        (0_usize..8).prop_map(Step::Begin),
        (0_usize..8).prop_map(Step::Succeed),
        (0_usize..8).prop_map(Step::Fail),
        (0_usize..8).prop_map(Step::Leave),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_it_keeps_its_promises(steps in prop::collection::vec(step(), 0..200)) {
        let (mut breaker, mut now) = (Breaker::new(SETTINGS), 0);
        let mut open: Vec<Permit> = Vec::new();
        for step in steps {
            let before = breaker.circuit();
            match step {
                Step::Wait(millis) => now += millis,
                Step::Ask => {
                    let left = breaker.pause_left(now);
                    let admitted = breaker.admit(now);
                    prop_assert_eq!(admitted.is_some(), left == Some(0), "only where nothing is left of the pause");
                    prop_assert!(before != Circuit::HalfOpen || admitted.is_none(), "one trial at a time");
                    prop_assert!(before != Circuit::Open || admitted.is_none() || breaker.circuit() == Circuit::HalfOpen);
                    open.extend(admitted);
                }
                Step::Begin(at) => {
                    if let Some(permit) = open.get(at) { breaker.answered(permit); }
                }
                Step::Succeed(at) if at < open.len() => {
                    breaker.succeeded(open.remove(at));
                    prop_assert!(before != Circuit::Open || breaker.circuit() == Circuit::Open, "only a trial closes it");
                }
                Step::Fail(at) if at < open.len() => breaker.failed(open.remove(at), now),
                Step::Leave(at) if at < open.len() => breaker.abandoned(open.remove(at), now),
                Step::Succeed(_) | Step::Fail(_) | Step::Leave(_) => {}
            }
            prop_assert!(breaker.pause_left(now).is_none_or(|left| left <= SETTINGS.longest_pause), "pauses have an end");
            // Whatever the state, a member is not given up for ever: once all requests are over and the longest pause
            // has passed, it is asked again.
            let mut later = breaker.clone();
            if open.is_empty() && later.circuit() != Circuit::HalfOpen {
                prop_assert!(later.admit(now + SETTINGS.longest_pause).is_some());
            }
            prop_assert!(breaker.circuit() != Circuit::HalfOpen || !open.is_empty(), "a trial belongs to a request");
        }
    }
}
