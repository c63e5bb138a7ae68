use std::future::{pending, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base::{Error, ErrorKind, FixedClock, Result, Timestamp};
use tokio::sync::oneshot;

use super::key_set;
use crate::sts::web_identity::issuer_keys::{AT_ONCE, FAILED, IssuerKeys, KEPT, READ_AGAIN};
use crate::sts::web_identity::keys::Keys;

struct Kept {
    keys: IssuerKeys,
    clock: Arc<FixedClock>,
    reads: AtomicUsize,
}

impl Kept {
    fn new() -> Self {
        let clock = Arc::new(FixedClock::new(Timestamp(1_000_000)));
        Self { keys: IssuerKeys::new(clock.clone()), clock, reads: AtomicUsize::new(0) }
    }

    async fn get<F>(&self, issuer: &str, oldest: i64, answer: F) -> Result<Arc<Keys>>
    where
        F: Future<Output = Result<Keys>> + Send + 'static,
    {
        let read = || {
            self.reads.fetch_add(1, Ordering::Relaxed);
            answer
        };
        self.keys.get(issuer, oldest, read).await
    }

    /// Asks and leaves at once.
    async fn ask_and_leave(&self, issuer: &str, answer: impl Future<Output = Result<Keys>> + Send + 'static) {
        tokio::select! {
            biased;
            _ = self.get(issuer, KEPT, answer) => panic!("the issuer does not answer yet"),
            () = ready(()) => {}
        }
    }

    fn reads(&self) -> usize {
        self.reads.load(Ordering::Relaxed)
    }
}

async fn answer() -> Result<Keys> {
    Ok(key_set(&[]))
}

async fn failure() -> Result<Keys> {
    Err(Error::invalid("no answer").with_code("IDPCommunicationError"))
}

async fn answer_after(told: oneshot::Receiver<()>) -> Result<Keys> {
    told.await.unwrap();
    answer().await
}

#[tokio::test]
async fn keys_are_kept_and_read_again_for_what_they_did_not_sign() {
    let kept = Kept::new();
    kept.get("one", KEPT, answer()).await.unwrap();
    kept.clock.advance(READ_AGAIN - 1);
    kept.get("one", KEPT, answer()).await.unwrap();
    kept.get("one", READ_AGAIN, answer()).await.unwrap();
    assert_eq!(kept.reads(), 1);
    kept.clock.advance(1);
    kept.get("one", KEPT, answer()).await.unwrap();
    assert_eq!(kept.reads(), 1);
    kept.get("one", READ_AGAIN, answer()).await.unwrap();
    assert_eq!(kept.reads(), 2);
    kept.clock.advance(KEPT);
    kept.get("one", KEPT, answer()).await.unwrap();
    kept.get("other", KEPT, answer()).await.unwrap();
    assert_eq!(kept.reads(), 4);
}

#[tokio::test]
async fn an_issuer_that_failed_is_left_alone_for_some_seconds() {
    let kept = Kept::new();
    for oldest in [KEPT, READ_AGAIN, KEPT] {
        let error = kept.get("one", oldest, failure()).await.unwrap_err();
        assert_eq!(error.code, Some("IDPCommunicationError"));
    }
    assert_eq!(kept.reads(), 1);
    kept.clock.advance(FAILED);
    kept.get("one", KEPT, answer()).await.unwrap();
    assert_eq!(kept.reads(), 2);
}

#[tokio::test]
async fn an_issuer_is_asked_once_for_all_who_wait() {
    let kept = Kept::new();
    let (tell, told) = oneshot::channel();
    let (one, two, three, ()) = tokio::join!(
        kept.get("one", KEPT, answer_after(told)),
        kept.get("one", KEPT, answer()),
        kept.get("one", READ_AGAIN, answer()),
        async { tell.send(()).unwrap() },
    );
    assert!(Arc::ptr_eq(&one.unwrap(), &two.unwrap()) && three.is_ok());
    assert_eq!(kept.reads(), 1);
}

#[tokio::test]
async fn an_issuer_is_asked_once_though_those_who_wait_leave() {
    let kept = Kept::new();
    let (tell, told) = oneshot::channel();
    kept.ask_and_leave("one", answer_after(told)).await;
    kept.ask_and_leave("one", answer()).await;
    tell.send(()).unwrap();
    kept.get("one", KEPT, answer()).await.unwrap();
    assert_eq!(kept.reads(), 1);
}

#[tokio::test]
async fn so_many_issuers_are_asked_at_the_same_time() {
    let kept = Kept::new();
    let (tell, told) = oneshot::channel();
    kept.ask_and_leave("0", answer_after(told)).await;
    for i in 1..AT_ONCE {
        kept.ask_and_leave(&i.to_string(), pending()).await;
    }
    let error = kept.get("other", KEPT, answer()).await.unwrap_err();
    assert_eq!((error.kind, kept.reads()), (ErrorKind::Throttled, AT_ONCE));
    tell.send(()).unwrap();
    kept.get("0", KEPT, answer()).await.unwrap();
    kept.get("other", KEPT, answer()).await.unwrap();
}
