//! The requests that wait, and what the worker tells of itself. Who is next of them stands in [`crate::fair`].

use std::sync::mpsc::SyncSender;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::gather::{self, Gathering, Next, PassedOver};
use super::job::Job;
use crate::engine::EngineStatus;
use crate::fair::{FairQueue, Place};
use crate::generation::Tenant;
use crate::kept::KeptPrefix;
use crate::{Error, Result};

/// What the worker does before the next requests begin, in the order in which it is asked to.
pub(super) enum Errand {
    /// Forget what was read for a tenant.
    Forget(Tenant),
    /// Keep what was kept before.
    Remember(Vec<KeptPrefix>),
    /// Tell what was used again.
    Tell(SyncSender<Vec<KeptPrefix>>),
}

/// What the worker takes: requests, and errands that come first.
pub(super) type Taken = (Vec<Job>, Vec<Errand>);

/// What callers and the worker share.
pub(super) struct Shared {
    /// The requests of one tenant that may wait.
    capacity: usize,
    parallel: u32,
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    waiting: FairQueue<Job>,
    /// Of static batches.
    passed_over: PassedOver,
    /// Why no more requests are taken.
    closed: Option<Error>,
    /// Why none is taken until the engine is opened again.
    resting: Option<Error>,
    errands: Vec<Errand>,
    status: EngineStatus,
    /// The mean time that a request holds its place.
    service: Option<Duration>,
}

impl Shared {
    pub(super) fn new(capacity: usize, parallel: u32) -> Self {
        Self { capacity, parallel, state: Mutex::default(), wake: Condvar::new() }
    }

    /// Adds a request. As many of a tenant may wait as the capacity says, beside those that sequences are free for.
    pub(super) fn push(&self, job: Job) -> Result<()> {
        let mut state = self.lock();
        if let Some(error) = state.closed.as_ref().or(state.resting.as_ref()) {
            return Err(error.clone());
        }
        let free = self.parallel.saturating_sub(state.status.active) as usize;
        let limit = self.capacity + free;
        let (tenant, priority) = (job.serving.tenant, job.serving.priority);
        let is_full = |state: &State| state.waiting.is_full_for(tenant, priority, limit);
        if is_full(&state) {
            state.drop_those_over(Instant::now());
        }
        if is_full(&state) {
            let queued = state.waiting.len();
            let rounds = (queued / self.parallel.max(1) as usize).max(1) as u32;
            return Err(Error::QueueFull { queued, retry_after: state.service.map(|mean| mean * rounds) });
        }
        let arrived = state.waiting.ticket();
        state.waiting.push(Place { tenant, priority, cost: job.cost(), arrived }, job);
        drop(state);
        self.wake.notify_one();
        Ok(())
    }

    /// Gives the worker an errand, unless it has stopped.
    pub(super) fn send(&self, errand: Errand) {
        let mut state = self.lock();
        if state.closed.is_none() && state.resting.is_none() {
            state.errands.push(errand);
            drop(state);
            self.wake.notify_one();
        }
    }

    /// Takes at most `free` requests, and the errands. With `idle`, waits until there is one of either.
    /// `None` when the worker must stop.
    pub(super) fn take(&self, free: usize, idle: bool) -> Option<Taken> {
        let mut state = self.lock();
        loop {
            if state.closed.is_some() {
                return None;
            }
            state.drop_those_over(Instant::now());
            let jobs: Vec<Job> = std::iter::from_fn(|| state.waiting.pop()).take(free).collect();
            if !jobs.is_empty() || !idle || !state.errands.is_empty() {
                state.status.active += jobs.len() as u32;
                return Some((jobs, std::mem::take(&mut state.errands)));
            }
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes a batch of requests of one shape, and the errands. With `idle`, waits until there is either;
    /// without, a batch is running and no other begins. `None` when the worker must stop.
    pub(super) fn gather(&self, gathering: Gathering, idle: bool) -> Option<Taken> {
        let mut state = self.lock();
        loop {
            if state.closed.is_some() {
                return None;
            }
            state.drop_those_over(Instant::now());
            let errands = std::mem::take(&mut state.errands);
            if !idle || !errands.is_empty() {
                return Some((Vec::new(), errands));
            }
            let State { waiting, passed_over, .. } = &mut *state;
            match gather::next(waiting, passed_over, Job::shape, gathering, Instant::now()) {
                Next::Begin(jobs) => {
                    state.status.active += jobs.len() as u32;
                    return Some((jobs, errands));
                }
                Next::Wait(time) => {
                    state = self.wake.wait_timeout(state, time).unwrap_or_else(PoisonError::into_inner).0;
                }
                Next::Idle => state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    /// Notes that a running request ended, which held its place for so long.
    pub(super) fn release(&self, held: Duration) {
        let mut state = self.lock();
        state.status.active = state.status.active.saturating_sub(1);
        state.service = Some(state.service.map_or(held, |mean| (mean * 7 + held) / 8));
    }

    /// Changes what the worker tells of itself.
    pub(super) fn note(&self, change: impl FnOnce(&mut EngineStatus)) {
        change(&mut self.lock().status);
    }

    /// Tells the worker to stop.
    pub(super) fn stop(&self) {
        self.close(Error::Stopped);
        self.wake.notify_all();
    }

    /// Takes no more requests and ends the waiting ones.
    pub(super) fn close(&self, error: Error) {
        let mut state = self.lock();
        let error = state.closed.get_or_insert(error).clone();
        state.end_all(&error);
    }

    /// Ends the waiting requests, and refuses others for so long. Whether the worker goes on then, or must stop. Nothing may be
    /// kept of prompts meanwhile: errands to forget it are dropped.
    pub(super) fn rest(&self, error: &Error, time: Duration) -> bool {
        let mut state = self.lock();
        state.resting = Some(error.clone());
        state.end_all(error);
        let goes_on = |state: &mut State| state.closed.is_none();
        let waited = self.wake.wait_timeout_while(state, time, goes_on).unwrap_or_else(PoisonError::into_inner);
        waited.0.closed.is_none()
    }

    /// Takes requests again.
    pub(super) fn go_on(&self) {
        self.lock().resting = None;
    }

    pub(super) fn queued(&self) -> usize {
        self.lock().waiting.len()
    }

    pub(super) fn status(&self) -> EngineStatus {
        let state = self.lock();
        EngineStatus { queued: state.waiting.len() as u32, ..state.status }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn end_all(&mut self, error: &Error) {
        // Whoever waits for one hears that nobody does it.
        self.errands.clear();
        for mut job in self.waiting.take_all() {
            job.answer_with(error.clone());
        }
    }

    fn drop_those_over(&mut self, now: Instant) {
        self.waiting.retain(|job| !job.is_over(now));
    }
}
