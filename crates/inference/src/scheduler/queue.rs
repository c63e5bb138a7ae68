//! The requests that wait, and what the worker tells of itself.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::mailbox::Sender;
use crate::constraint::Follower;
use crate::engine::EngineStatus;
use crate::generation::StopReason;
use crate::loops::LoopState;
use crate::sampling::Sampler;
use crate::text::Assembler;
use crate::{Error, Result, Token};

/// A request that was checked and prepared on its caller's thread.
pub(super) struct Job {
    pub(super) tokens: Vec<Token>,
    pub(super) limit: u32,
    /// Why the answer ends when the limit is reached.
    pub(super) limit_reason: StopReason,
    pub(super) sampler: Sampler,
    pub(super) follower: Option<Follower>,
    pub(super) assembler: Assembler,
    pub(super) loops: Option<LoopState>,
    pub(super) logprobs: Option<u8>,
    pub(super) deadline: Option<Instant>,
    pub(super) sender: Sender,
    pub(super) submitted: Instant,
}

impl Job {
    /// Whether nobody waits for it any more; tells the reader where its time is over.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        let late = self.deadline.is_some_and(|deadline| deadline <= now);
        if late {
            self.sender.send(Err(Error::DeadlineExceeded));
        }
        late || self.sender.is_closed()
    }
}

/// What callers and the worker share.
pub(super) struct Shared {
    capacity: usize,
    parallel: u32,
    state: Mutex<State>,
    wake: Condvar,
    active: AtomicU32,
    generated: AtomicU64,
}

struct State {
    waiting: VecDeque<Job>,
    /// Why no more requests are taken.
    closed: Option<Error>,
}

impl Shared {
    pub(super) fn new(capacity: usize, parallel: u32) -> Self {
        Self {
            capacity,
            parallel,
            state: Mutex::new(State { waiting: VecDeque::new(), closed: None }),
            wake: Condvar::new(),
            active: AtomicU32::new(0),
            generated: AtomicU64::new(0),
        }
    }

    /// Adds a request. As many may wait as the capacity says, beside those that sequences are free for.
    pub(super) fn push(&self, job: Job) -> Result<()> {
        let mut state = self.lock();
        if let Some(error) = &state.closed {
            return Err(error.clone());
        }
        let free = self.parallel.saturating_sub(self.active.load(Ordering::Relaxed)) as usize;
        if state.waiting.len() >= self.capacity + free {
            let now = Instant::now();
            state.waiting.retain(|job| !job.is_over(now));
        }
        if state.waiting.len() >= self.capacity + free {
            return Err(Error::QueueFull { queued: state.waiting.len() });
        }
        state.waiting.push_back(job);
        drop(state);
        self.wake.notify_one();
        Ok(())
    }

    /// Takes at most `free` requests. With `idle`, waits until there is one. `None` when the worker must stop.
    pub(super) fn take(&self, free: usize, idle: bool) -> Option<Vec<Job>> {
        let mut state = self.lock();
        loop {
            if state.closed.is_some() {
                return None;
            }
            let now = Instant::now();
            state.waiting.retain(|job| !job.is_over(now));
            let count = free.min(state.waiting.len());
            if count > 0 || !idle {
                let jobs: Vec<Job> = state.waiting.drain(..count).collect();
                self.active.fetch_add(count as u32, Ordering::Relaxed);
                return Some(jobs);
            }
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Notes that a running request ended.
    pub(super) fn release(&self) {
        self.active.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn count_generated(&self, tokens: u64) {
        self.generated.fetch_add(tokens, Ordering::Relaxed);
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
        for job in state.waiting.drain(..) {
            job.sender.send(Err(error.clone()));
        }
    }

    pub(super) fn queued(&self) -> usize {
        self.lock().waiting.len()
    }

    pub(super) fn status(&self) -> EngineStatus {
        EngineStatus {
            active: self.active.load(Ordering::Relaxed),
            queued: self.queued() as u32,
            generated_tokens: self.generated.load(Ordering::Relaxed),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
