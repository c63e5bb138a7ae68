use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

#[test]
fn results_come_in_the_order_of_the_inputs() {
    let workers = Workers::<()>::start(3).unwrap();
    let results = workers.map((0..100).collect(), |x: i32, ()| x * x).unwrap();
    assert_eq!(results, (0..100).map(|x| x * x).collect::<Vec<_>>());
    assert!(workers.map(Vec::new(), |x: i32, ()| x).unwrap().is_empty());
}

#[test]
fn a_panic_is_an_error_of_its_call_alone() {
    let workers = Workers::<Vec<u8>>::start(1).unwrap();
    let panics = |x: i32, buffer: &mut Vec<u8>| {
        buffer.push(1);
        assert!(x != 1, "a task that fails on purpose");
        buffer.len()
    };
    assert!(matches!(workers.map(vec![0, 1, 2], panics), Err(Error::Engine { .. })));
    // The buffers, which the panic may have left half written, were made anew: only task 2 used them since.
    assert_eq!(workers.map(vec![3], panics).unwrap(), [2]);
}

#[test]
fn calls_take_turns_task_by_task() {
    let queue = Queue::<Vec<u8>>::new();
    let task = |number: u8| -> Task<Vec<u8>> { Box::new(move |ran: &mut Vec<u8>| ran.push(number)) };
    queue.push([10, 11, 12].map(task).into());
    queue.push([20].map(task).into());
    queue.push([30, 31].map(task).into());
    queue.lock().closed = true;
    let mut ran = Vec::new();
    while let Some(task) = queue.next() {
        task(&mut ran);
    }
    assert_eq!(ran, [10, 20, 30, 11, 31, 12]);
}

#[test]
fn many_callers_never_compute_on_more_threads_than_there_are() {
    let workers = Workers::<()>::start(2).unwrap();
    let running = Arc::new(AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let running = Arc::clone(&running);
                let seen = workers.map(vec![(); 50], move |(), ()| {
                    let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                    std::thread::yield_now();
                    running.fetch_sub(1, Ordering::SeqCst);
                    now
                });
                assert!(seen.unwrap().into_iter().all(|now| now <= 2));
            });
        }
    });
}
