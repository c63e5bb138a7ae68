use super::*;

const AT_ONCE: Duration = Duration::ZERO;
const LONG: Duration = Duration::from_secs(60);

/// Waits until so many wait.
fn until_waiting(pool: &Pool<u32>, count: usize) {
    while pool.lock().waiting.len() != count {
        std::thread::yield_now();
    }
}

#[test]
fn all_templates_together_have_so_many_processes_at_work_and_one_has_fewer() {
    let pool = Pool::<u32>::new();
    let mut turns: Vec<_> = (0..MOST_BUSY_OF_ONE).map(|_| pool.turn(1, AT_ONCE).unwrap()).collect();
    assert!(pool.turn(1, AT_ONCE).is_none(), "it has all that it may have");
    turns.extend((MOST_BUSY_OF_ONE..MOST_BUSY).map(|at| pool.turn(at as u64, AT_ONCE).unwrap()));
    assert!(pool.turn(100, AT_ONCE).is_none(), "all are at work");
    turns.pop();
    turns.push(pool.turn(100, AT_ONCE).unwrap());
    drop(turns);
    assert!(pool.lock().busy.is_empty() && pool.lock().waiting.is_empty());
}

#[test]
fn who_comes_first_goes_first_past_those_whose_template_has_its_share() {
    let pool = Pool::<u32>::new();
    let mut of_one: Vec<_> = (0..MOST_BUSY_OF_ONE).map(|_| pool.turn(1, AT_ONCE).unwrap()).collect();
    let mut others: Vec<_> = (MOST_BUSY_OF_ONE..MOST_BUSY).map(|_| pool.turn(2, AT_ONCE).unwrap()).collect();
    let order = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for (at, template) in [1, 3, 4].into_iter().enumerate() {
            let (pool, order) = (&pool, &order);
            scope.spawn(move || {
                let turn = pool.turn(template, LONG).unwrap();
                order.lock().unwrap().push(template);
                drop(turn);
            });
            until_waiting(pool, at + 1);
        }
        // The first template has its share still, so the second in the row goes, and then the third.
        drop(others.pop());
        until_waiting(&pool, 1);
        while order.lock().unwrap().len() < 2 {
            std::thread::yield_now();
        }
        drop(of_one.pop());
    });
    assert_eq!(order.lock().unwrap()[2], 1);
    assert_eq!(pool.lock().busy.len(), MOST_BUSY - 2);
}

#[test]
fn few_processes_stay_idle_and_the_oldest_leave_first() {
    let pool = Pool::<u32>::new();
    assert_eq!((pool.keep(1, 10), pool.keep(1, 11), pool.keep(1, 12)), (None, None, Some(10)));
    assert_eq!((pool.idle(1), pool.idle(1), pool.idle(1)), (Some(12), Some(11), None));
    for at in 0..MOST_IDLE {
        assert_eq!(pool.keep(at as u64, at as u32), None);
    }
    assert_eq!(pool.keep(100, 100), Some(0));
    assert_eq!((pool.forget(100), pool.forget(100)), (vec![100], vec![]));
    assert_eq!(pool.idle(7), Some(7));
}
