use std::future::Future;
use std::pin::Pin;

use futures::FutureExt as _;
use inference::{Priority, Tenant};

use super::*;

type Taking = Pin<Box<dyn Future<Output = Result<Turn>>>>;

fn serving(tenant: u128, priority: Priority) -> Serving {
    Serving { tenant: Tenant::of(tenant), priority, ..Serving::default() }
}

/// Asks for a turn and does not wait for it.
fn ask(turns: &Arc<Turns>, serving: Serving, cost: u64) -> Taking {
    let turns = Arc::clone(turns);
    let mut taking: Taking = Box::pin(async move { turns.take(serving, cost).await });
    assert!(taking.as_mut().now_or_never().is_none(), "it waits");
    taking
}

/// The turn, where it has come; who asked for it has it then.
fn came(taking: &mut Taking) -> Option<Turn> {
    taking.as_mut().now_or_never().map(Result::unwrap)
}

#[tokio::test]
async fn accounts_take_turns_and_background_work_comes_last() {
    let turns = Turns::new(1, 64);
    let mut turn = Some(turns.take(serving(1, Priority::Normal), 1).await.unwrap());
    let mut waiting: Vec<(&str, Taking)> = Vec::new();
    for (name, tenant, priority) in [
        ("batch", 3, Priority::Low),
        ("bulk 1", 1, Priority::Normal),
        ("bulk 2", 1, Priority::Normal),
        ("bulk 3", 1, Priority::Normal),
        ("other", 2, Priority::Normal),
        ("urgent", 1, Priority::High),
    ] {
        waiting.push((name, ask(&turns, serving(tenant, priority), 100)));
    }
    let mut order = Vec::new();
    while !waiting.is_empty() {
        drop(turn.take());
        let next = waiting.iter_mut().enumerate().find_map(|(at, (_, taking))| came(taking).map(|turn| (at, turn)));
        let (at, next) = next.expect("the turn goes on");
        turn = Some(next);
        order.push(waiting.remove(at).0);
    }
    assert_eq!(order, ["urgent", "other", "bulk 1", "bulk 2", "bulk 3", "batch"]);
}

#[tokio::test]
async fn an_account_fills_its_own_queue_alone_and_is_told_when_to_come_again() {
    let turns = Turns::new(1, 1);
    let turn = turns.take(serving(1, Priority::Normal), 1).await.unwrap();
    let waiting = ask(&turns, serving(1, Priority::Normal), 1);
    let refused = turns.take(serving(1, Priority::Normal), 1).await.err().unwrap();
    assert_eq!(refused, Error::QueueFull { queued: 1, retry_after: Some(USUAL) });
    let other = ask(&turns, serving(2, Priority::Normal), 1);
    let status = turns.status();
    assert_eq!((status.active, status.queued), (1, 2));
    drop(waiting);
    let again = ask(&turns, serving(1, Priority::Normal), 1);
    drop((turn, other, again));
    let status = turns.status();
    assert_eq!((status.active, status.queued), (0, 0), "who left has no turn");
}

#[tokio::test]
async fn a_long_list_lets_others_in_between_and_is_refused_by_no_full_queue() {
    let turns = Turns::new(1, 1);
    let long = serving(1, Priority::Normal);
    let turn = turns.take(long, 1_000).await.unwrap();
    let mut same = ask(&turns, long, 10);
    let mut other = ask(&turns, serving(2, Priority::Normal), 10);
    let mut again: Taking = Box::pin(turn.again(long, 1_000));
    assert!(again.as_mut().now_or_never().is_none());
    let first = came(&mut other).expect("the other account's, which used less");
    drop(first);
    let second = came(&mut same).expect("the account's own that came before the list's rest");
    drop(second);
    drop(came(&mut again).expect("the rest of the list"));
}

#[tokio::test]
async fn a_turn_that_was_given_to_one_who_left_goes_on() {
    let turns = Turns::new(1, 8);
    let turn = turns.take(serving(1, Priority::Normal), 1).await.unwrap();
    let leaves = ask(&turns, serving(1, Priority::Normal), 1);
    let mut stays = ask(&turns, serving(1, Priority::Normal), 1);
    drop(turn);
    // It was given the turn and has not looked.
    drop(leaves);
    assert!(came(&mut stays).is_some());
}

#[tokio::test]
async fn a_deadline_ends_the_wait() {
    let turns = Turns::new(1, 8);
    let _turn = turns.take(serving(1, Priority::Normal), 1).await.unwrap();
    let late = Serving { deadline: Some(Instant::now()), ..serving(2, Priority::Normal) };
    assert_eq!(turns.take(late, 1).await.err().unwrap(), Error::DeadlineExceeded);
    assert_eq!(turns.status().queued, 0);
}
