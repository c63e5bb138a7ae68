//! Turns to embed: as many callers as there are cores share an embedder's threads, the others wait for one of them to be done.
//!
//! Who is next stands in [`inference::fair`]. A list of texts takes many turns, each for a part of it, and so is no longer in
//! anybody's way than one part takes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use inference::fair::{FairQueue, Place};
use inference::{EngineStatus, Error, Result, Serving};
use tokio::sync::oneshot;

/// How long a turn is taken to last before one has ended.
const USUAL: Duration = Duration::from_secs(1);

/// The turns of one model.
pub(super) struct Turns {
    /// How many there are at the same time.
    most: usize,
    /// The requests of one tenant that may wait.
    capacity: usize,
    state: Mutex<State>,
}

struct State {
    taken: usize,
    waiting: FairQueue<oneshot::Sender<Turn>>,
    /// The mean time that a turn lasts.
    service: Option<Duration>,
}

/// A turn, which is another's when this is dropped.
pub(crate) struct Turn {
    turns: Arc<Turns>,
    /// None of one that nobody received.
    began: Option<Instant>,
}

impl Turns {
    /// So many turns at the same time, for which as many requests of each tenant may wait as the capacity says.
    pub(super) fn new(most: usize, capacity: usize) -> Arc<Self> {
        let state = State { taken: 0, waiting: FairQueue::default(), service: None };
        Arc::new(Self { most: most.max(1), capacity, state: Mutex::new(state) })
    }

    /// Waits for a turn that costs so much: bytes of text.
    ///
    /// # Errors
    /// QueueFull at once, where as many of the tenant wait as may; DeadlineExceeded.
    pub(super) async fn take(self: &Arc<Self>, serving: Serving, cost: u64) -> Result<Turn> {
        come(self.ask(serving, cost)?, serving).await
    }

    /// Who has turns, and who waits.
    pub(super) fn status(&self) -> EngineStatus {
        let state = self.lock();
        EngineStatus {
            active: state.taken as u32,
            queued: state.waiting.iter().filter(|sender| !sender.is_closed()).count() as u32,
            ..EngineStatus::default()
        }
    }

    /// Where the turn comes, at once where one is free.
    fn ask(self: &Arc<Self>, serving: Serving, cost: u64) -> Result<oneshot::Receiver<Turn>> {
        let mut state = self.lock();
        let is_free = state.taken < self.most;
        let is_full =
            |state: &State| !is_free && state.waiting.is_full_for(serving.tenant, serving.priority, self.capacity);
        if is_full(&state) {
            state.waiting.retain(|sender| !sender.is_closed());
        }
        if is_full(&state) {
            let queued = state.waiting.len();
            let rounds = (queued / self.most).max(1) as u32;
            let mean = state.service.unwrap_or(USUAL);
            return Err(Error::QueueFull { queued, retry_after: Some(mean * rounds) });
        }
        let receiver = state.wait(serving, cost);
        let next = if is_free { state.waiting.pop() } else { None };
        state.taken += usize::from(next.is_some());
        drop(state);
        self.give(next);
        Ok(receiver)
    }

    /// Gives a turn that ended after so long to who is next.
    fn pass_on(self: &Arc<Self>, lasted: Option<Duration>) {
        let mut state = self.lock();
        if let Some(lasted) = lasted {
            state.service = Some(state.service.map_or(lasted, |mean| (mean * 7 + lasted) / 8));
        }
        state.waiting.retain(|sender| !sender.is_closed());
        let next = state.waiting.pop();
        state.taken -= usize::from(next.is_none());
        drop(state);
        self.give(next);
    }

    fn give(self: &Arc<Self>, to: Option<oneshot::Sender<Turn>>) {
        if let Some(to) = to {
            // Of one who left at that moment it comes back, and is passed on by being dropped.
            if let Err(mut turn) = to.send(Turn { turns: Arc::clone(self), began: Some(Instant::now()) }) {
                turn.began = None;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn wait(&mut self, serving: Serving, cost: u64) -> oneshot::Receiver<Turn> {
        let (sender, receiver) = oneshot::channel();
        let place = Place { tenant: serving.tenant, priority: serving.priority, cost, arrived: self.waiting.ticket() };
        self.waiting.push(place, sender);
        receiver
    }
}

impl Turn {
    /// Lets whoever is next have the turn, and waits for another one. A request that has begun is refused by no full queue.
    ///
    /// # Errors
    /// DeadlineExceeded.
    pub(super) async fn again(self, serving: Serving, cost: u64) -> Result<Self> {
        let receiver = self.turns.lock().wait(serving, cost);
        drop(self);
        come(receiver, serving).await
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.pass_on(self.began.map(|began| began.elapsed()));
    }
}

/// The turn, when it comes.
async fn come(receiver: oneshot::Receiver<Turn>, serving: Serving) -> Result<Turn> {
    let turn = async { receiver.await.map_err(|_| Error::Stopped) };
    match serving.deadline {
        None => turn.await,
        Some(deadline) => tokio::time::timeout_at(deadline.into(), turn).await.map_err(|_| Error::DeadlineExceeded)?,
    }
}

#[cfg(test)]
#[path = "turns_tests.rs"]
mod tests;
