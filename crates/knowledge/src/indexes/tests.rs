use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::join_all;
use tokio::net::TcpListener;

use super::*;

#[tokio::test]
async fn whoever_waits_for_a_database_that_is_away_waits_for_one_try() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let tries = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&tries);
    // Every connection is broken at once.
    tokio::spawn(async move {
        while let Ok(connection) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            drop(connection);
        }
    });
    let shared = &Shared::new(Secret::new(format!("postgres://craton@127.0.0.1:{port}/craton")));
    let open = |name: usize| async move {
        let opened = shared.index(&name.to_string(), Schema::text(Language::Any, None)).await;
        assert_eq!(opened.err().unwrap().kind, base::ErrorKind::Unavailable);
    };
    join_all((0..20).map(open)).await;
    // As one who waited behind them.
    open(20).await;
    let first = tries.load(Ordering::SeqCst);
    assert!((1..5).contains(&first), "{first} tries");
    // Later it is tried anew.
    shared.away.lock().unwrap().as_mut().unwrap().0 -= AWAY;
    open(21).await;
    assert!(tries.load(Ordering::SeqCst) > first);
}
