use inference::Priority;
use proptest::prelude::*;

use super::*;
use crate::remote::Upstream;

fn member(at: usize, weight: u32, limit: u32) -> Member {
    let base_url = format!("http://m{at}/v1");
    let upstream = Upstream { base_url, model: "m".to_owned(), api_key: None };
    Member { upstream, weight, max_in_flight: limit, region: None }
}

fn state(members: &[(u32, u32)], queue: u32) -> State {
    let members: Vec<Member> = members.iter().enumerate().map(|(at, (w, l))| member(at, *w, *l)).collect();
    State::new(&members, queue, Settings { threshold: 1, first_pause: 1_000, longest_pause: 1_000 })
}

/// A request of an account; all cost the same.
fn asking(state: &mut State, tenant: u128, priority: Priority) -> Asking {
    let serving = Serving { tenant: Tenant::of(tenant), priority, ..Serving::default() };
    Asking { ticket: state.ticket(), serving, cost: 10 }
}

fn ask(state: &mut State, excluded: &[usize]) -> Ask {
    let asking = asking(state, 0, Priority::Normal);
    state.ask(0, &asking, &excluded.iter().copied().collect(), true)
}

/// One that waits.
fn waits(state: &mut State, tenant: u128, priority: Priority) -> oneshot::Receiver<Result<Turn, Refusal>> {
    let asking = asking(state, tenant, priority);
    match state.ask(0, &asking, &BTreeSet::new(), true) {
        Ask::Wait(receiver) => receiver,
        Ask::Turn(_) => panic!("it has a turn"),
        Ask::Refused(refusal) => panic!("{refusal:?}"),
    }
}

fn failing(why: &str) -> Outcome {
    Outcome::Failed(Told { own: None, public: why.to_owned() })
}

fn turn(asked: Ask) -> Turn {
    match asked {
        Ask::Turn(turn) => turn,
        Ask::Wait(_) => panic!("it waits"),
        Ask::Refused(refusal) => panic!("{refusal:?}"),
    }
}

#[test]
fn requests_go_to_the_least_loaded_by_weight() {
    let mut state = state(&[(1, 100), (3, 100)], 0);
    for _ in 0..40 {
        turn(ask(&mut state, &[]));
    }
    let counts: Vec<u32> = state.status(Tenant::default()).iter().map(|member| member.in_flight).collect();
    assert_eq!(counts, [10, 30]);
}

#[test]
fn among_equals_the_one_that_began_sooner_is_asked() {
    let mut state = state(&[(1, 9), (1, 9)], 0);
    for (member, millis) in [(0, 90), (1, 10)] {
        let turn = turn(ask(&mut state, &[]));
        assert_eq!(turn.member, member, "each is tried once");
        state.answered(&turn, Duration::from_millis(millis));
        state.release(turn, Outcome::Answered, 0);
    }
    assert_eq!(turn(ask(&mut state, &[])).member, 1);
}

#[test]
fn a_member_that_checks_cannot_reach_is_asked_last() {
    let mut state = state(&[(1, 1), (1, 1)], 0);
    state.checked(0, Err("down".to_owned()), 0);
    assert_eq!(turn(ask(&mut state, &[])).member, 1);
    assert_eq!(turn(ask(&mut state, &[])).member, 0);
}

#[test]
fn a_member_that_is_seen_to_be_back_is_tried_before_its_pause_is_over() {
    let mut state = state(&[(1, 1)], 0);
    let failed = turn(ask(&mut state, &[]));
    state.release(failed, failing("gone"), 0);
    assert!(matches!(ask(&mut state, &[]), Ask::Refused(Refusal::Nobody { rest: None })));
    state.checked(0, Err("gone".to_owned()), 0);
    state.checked(0, Ok(()), 0);
    turn(ask(&mut state, &[]));
}

#[test]
fn a_member_that_asks_for_a_rest_gets_it() {
    let mut state = state(&[(1, 1)], 0);
    let busy = turn(ask(&mut state, &[]));
    state.release(busy, Outcome::Busy(Some(Duration::from_secs(2))), 0);
    assert!(matches!(ask(&mut state, &[]), Ask::Refused(Refusal::Nobody { rest: Some(2_000) })));
    assert_eq!(state.shortest_pause(500), Some(1_500));
    let later = asking(&mut state, 0, Priority::Normal);
    turn(state.ask(2_000, &later, &BTreeSet::new(), true));
    assert_eq!(state.status(Tenant::default())[0].failures, 0, "to be busy is no failure");
}

#[test]
fn those_who_wait_are_served_in_their_order_and_a_retry_keeps_its_place() {
    let mut state = state(&[(1, 1)], 2);
    let early = asking(&mut state, 0, Priority::Normal);
    let held = turn(ask(&mut state, &[]));
    let Ask::Wait(mut second) = ask(&mut state, &[]) else { panic!() };
    let Ask::Wait(mut first) = state.ask(0, &early, &BTreeSet::new(), false) else { panic!() };
    assert!(matches!(ask(&mut state, &[]), Ask::Refused(Refusal::Full)), "the queue holds two");
    state.release(held, Outcome::Answered, 0);
    let turn = first.try_recv().unwrap().unwrap();
    assert!(second.try_recv().is_err());
    state.release(turn, Outcome::Answered, 0);
    assert!(second.try_recv().unwrap().is_ok());
}

#[test]
fn one_who_comes_later_does_not_overtake_those_who_wait_for_the_same_member() {
    let mut state = state(&[(1, 1), (1, 1)], 9);
    let held = [turn(ask(&mut state, &[])), turn(ask(&mut state, &[]))];
    // Waits for member 0 alone: member 1 failed it.
    let Ask::Wait(mut picky) = ask(&mut state, &[1]) else { panic!() };
    let [zero, one] = held;
    state.release(one, Outcome::Answered, 0);
    assert_eq!(turn(ask(&mut state, &[])).member, 1, "nobody waits for that one");
    state.release(zero, Outcome::Answered, 0);
    assert_eq!(picky.try_recv().unwrap().unwrap().member, 0);
}

#[test]
fn those_who_wait_are_told_when_nobody_answers_any_more() {
    let mut state = state(&[(1, 1)], 9);
    let held = turn(ask(&mut state, &[]));
    let Ask::Wait(mut waiting) = ask(&mut state, &[]) else { panic!() };
    state.release(held, failing("gone"), 0);
    assert_eq!(waiting.try_recv().unwrap().unwrap_err(), Refusal::Nobody { rest: None });
    assert_eq!(state.queued(), 0);
}

#[test]
fn accounts_that_wait_take_turns_and_background_work_comes_last() {
    let mut state = state(&[(1, 1)], 9);
    let mut held = turn(ask(&mut state, &[]));
    let mut waiting = vec![
        ("background", waits(&mut state, 3, Priority::Low)),
        ("bulk 1", waits(&mut state, 1, Priority::Normal)),
        ("bulk 2", waits(&mut state, 1, Priority::Normal)),
        ("bulk 3", waits(&mut state, 1, Priority::Normal)),
        ("other", waits(&mut state, 2, Priority::Normal)),
        ("urgent", waits(&mut state, 1, Priority::High)),
    ];
    let mut order = Vec::new();
    while !waiting.is_empty() {
        state.release(held, Outcome::Answered, 0);
        let mut receivers = waiting.iter_mut().map(|(_, receiver)| receiver).enumerate();
        let given = receivers.find_map(|(at, receiver)| Some((at, receiver.try_recv().ok()?.unwrap())));
        let (at, next) = given.expect("somebody is next");
        held = next;
        order.push(waiting.remove(at).0);
    }
    assert_eq!(order, ["urgent", "bulk 1", "other", "bulk 2", "bulk 3", "background"]);
}

#[test]
fn an_account_fills_its_own_queue_alone() {
    let mut state = state(&[(1, 1)], 2);
    let _held = turn(ask(&mut state, &[]));
    let _theirs = [waits(&mut state, 1, Priority::Normal), waits(&mut state, 1, Priority::Normal)];
    let more = asking(&mut state, 1, Priority::Normal);
    assert!(matches!(state.ask(0, &more, &BTreeSet::new(), true), Ask::Refused(Refusal::Full)));
    let _other = waits(&mut state, 2, Priority::Normal);
    assert_eq!(state.queued(), 3);
}

#[test]
fn one_who_is_refused_for_a_full_queue_is_told_how_long_those_before_it_take() {
    let mut state = state(&[(1, 2)], 4);
    assert_eq!(state.wait_for_room(0), USUAL, "nothing was answered yet");
    let first = turn(ask(&mut state, &[]));
    state.release(first, Outcome::Answered, 3_000);
    assert_eq!(state.wait_for_room(3_000), Duration::from_secs(3));
    let left = turn(ask(&mut state, &[]));
    state.release(left, Outcome::Left, 90_000);
    assert_eq!(state.wait_for_room(90_000), Duration::from_secs(3), "who leaves says nothing of how long answers take");
    let refused = turn(ask(&mut state, &[]));
    state.release(refused, Outcome::Refused, 0);
    assert_eq!(state.wait_for_room(90_000), Duration::from_secs(3), "nor does what is refused at once");
    let [one, _other] = [turn(ask(&mut state, &[])), turn(ask(&mut state, &[]))];
    let mut waiting: Vec<_> = (0..4).map(|_| waits(&mut state, 0, Priority::Normal)).collect();
    assert!(matches!(ask(&mut state, &[]), Ask::Refused(Refusal::Full)));
    assert_eq!(state.wait_for_room(3_000), Duration::from_secs(6), "four wait for two places");
    waiting.pop();
    state.release(one, Outcome::Answered, 11_000);
    assert_eq!(state.wait_for_room(11_000), Duration::from_secs(4), "the mean follows what is answered");
}

#[test]
fn a_member_that_refuses_what_was_wrong_itself_is_a_member_that_answers() {
    let settings = Settings { threshold: 2, first_pause: 1_000, longest_pause: 1_000 };
    let mut state = State::new(&[member(0, 1, 1)], 0, settings);
    for outcome in [failing("gone"), Outcome::Refused, failing("gone")] {
        let turn = turn(ask(&mut state, &[]));
        state.release(turn, outcome, 0);
    }
    turn(ask(&mut state, &[]));
    assert_eq!((state.wait_for_room(0), state.status(Tenant::default())[0].failures), (USUAL, 2));
}

#[test]
fn what_a_member_said_to_one_account_is_told_to_no_other() {
    let mut state = state(&[(1, 1)], 0);
    let failed = turn(ask(&mut state, &[]));
    let (own, other) = (Tenant::of(1), Tenant::of(2));
    let told = Told { own: Some((own, "500: cannot read `my secret`".to_owned())), public: "500".to_owned() };
    state.release(failed, Outcome::Failed(told), 0);
    let said = |tenant| state.status(tenant)[0].last_error.clone().unwrap();
    assert_eq!((said(own).as_str(), said(other).as_str()), ("500: cannot read `my secret`", "500"));
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Ask(usize),
    End(usize, usize),
    Drop(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0_usize..4).prop_map(Step::Ask),
        (0_usize..20, 0_usize..5).prop_map(|(at, how)| Step::End(at, how)),
        (0_usize..20).prop_map(Step::Drop),
    ]
}

proptest! {
    #[test]
    fn no_turn_is_lost_or_given_twice(steps in prop::collection::vec(step(), 0..150)) {
        let (mut state, mut now) = (state(&[(1, 2), (2, 3)], 4), 0_i64);
        let (mut turns, mut waiting) = (Vec::<Turn>::new(), Vec::new());
        for step in steps {
            now += 400;
            match step {
                Step::Ask(excluded) => {
                    let asking = asking(&mut state, excluded as u128, Priority::Normal);
                    let excluded = if excluded < 2 { BTreeSet::from([excluded]) } else { BTreeSet::new() };
                    match state.ask(now, &asking, &excluded, true) {
                        Ask::Turn(turn) => turns.push(turn),
                        Ask::Wait(receiver) => waiting.push((asking.ticket, receiver)),
                        Ask::Refused(_) => {}
                    }
                }
                Step::End(at, how) if at < turns.len() => {
                    let outcome = match how {
                        0 => failing(""),
                        1 => Outcome::Busy(Some(Duration::from_millis(900))),
                        2 => Outcome::Left,
                        3 => Outcome::Refused,
                        _ => Outcome::Answered,
                    };
                    state.release(turns.swap_remove(at), outcome, now);
                }
                Step::Drop(at) if at < waiting.len() => {
                    let (ticket, _) = waiting.swap_remove(at);
                    state.leave(ticket);
                }
                Step::End(..) | Step::Drop(_) => {}
            }
            waiting.retain_mut(|(_, receiver)| match receiver.try_recv() {
                Ok(given) => { turns.extend(given.ok()); false }
                Err(_) => true,
            });
            prop_assert_eq!(state.queued(), waiting.len());
            for (at, member) in state.status(Tenant::default()).iter().enumerate() {
                let held = turns.iter().filter(|turn| turn.member == at).count();
                prop_assert_eq!(member.in_flight as usize, held);
                prop_assert!(member.in_flight <= [2, 3][at]);
            }
        }
        for turn in std::mem::take(&mut turns) {
            state.release(turn, Outcome::Answered, now);
        }
        // Whoever waited has been given something by now, or is when those end.
        while !waiting.is_empty() {
            let before = waiting.len();
            waiting.retain_mut(|(_, receiver)| match receiver.try_recv() {
                Ok(given) => { turns.extend(given.ok()); false }
                Err(_) => true,
            });
            for turn in std::mem::take(&mut turns) {
                state.release(turn, Outcome::Answered, now);
            }
            prop_assert!(waiting.len() < before, "somebody is forgotten");
        }
    }
}
