//! The one-way channel of an answer: the worker never waits, a slow reader finds its text joined.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::generation::Event;
use crate::{Error, Result};

/// Makes the two ends.
pub(crate) fn channel() -> (Sender, Receiver) {
    let shared = Arc::new(Shared::default());
    (Sender { shared: shared.clone() }, Receiver { shared })
}

/// The worker's end. Dropping it before [`Event::Finished`] or an error ends the stream with [`Error::Stopped`].
#[derive(Debug)]
pub(crate) struct Sender {
    shared: Arc<Shared>,
}

impl Sender {
    /// Adds an event; text is joined to text that still waits.
    pub(crate) fn send(&self, event: Result<Event>) {
        let mut state = self.shared.lock();
        if state.ended {
            return;
        }
        state.ended = matches!(event, Ok(Event::Finished(_)) | Err(_));
        if let Some(event) = join(state.events.back_mut(), event) {
            state.events.push_back(event);
        }
        if let Some(waker) = state.waker.take() {
            drop(state);
            waker.wake();
        }
    }

    /// Whether the reader is gone.
    pub(crate) fn is_closed(&self) -> bool {
        self.shared.closed.load(Ordering::Relaxed)
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.send(Err(Error::Stopped));
    }
}

/// Joins text to waiting text; returns the event where it must stand alone.
fn join(last: Option<&mut Result<Event>>, event: Result<Event>) -> Option<Result<Event>> {
    match (last, event) {
        (Some(Ok(Event::Text { text, tokens })), Ok(Event::Text { text: more, tokens: their })) => {
            text.push_str(&more);
            tokens.extend(their);
            None
        }
        (_, event) => Some(event),
    }
}

/// The reader's end. Dropping it closes the channel, which the worker sees before its next step.
#[derive(Debug)]
pub(crate) struct Receiver {
    shared: Arc<Shared>,
}

impl Receiver {
    /// The next event; `None` after the last one.
    pub(crate) fn poll(&self, context: &mut Context<'_>) -> Poll<Option<Result<Event>>> {
        let mut state = self.shared.lock();
        match state.events.pop_front() {
            Some(event) => Poll::Ready(Some(event)),
            None if state.ended => Poll::Ready(None),
            None => {
                state.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Relaxed);
    }
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    closed: AtomicBool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Default)]
struct State {
    events: VecDeque<Result<Event>>,
    ended: bool,
    waker: Option<Waker>,
}
