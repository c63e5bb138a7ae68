//! The requests that wait, and what the worker tells of itself.
//!
//! **Who is next.** Requests of a higher priority come first, but one of a lower priority that was passed over
//! [`PATIENCE`] times. Within a priority tenants take turns by what they have used: each has a clock that its requests'
//! tokens move on, and the one whose clock is furthest behind is next (start-time fair queueing, Goyal, Vin and Cheng
//! 1996). A tenant that comes back begins at the clock of the one that was served last, so nobody saves up turns.

use std::collections::{BTreeMap, VecDeque};
use std::sync::mpsc::SyncSender;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::gather::{self, Gathering, Next};
use super::job::Job;
use crate::engine::EngineStatus;
use crate::generation::{Priority, Tenant};
use crate::kept::KeptPrefix;
use crate::{Error, Result};

/// How often a request of a lower priority may be passed over.
const PATIENCE: u32 = 16;
/// Tenants that may have full queues at the same time.
const TENANTS: usize = 8;

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
    classes: [Class; 3],
    /// Requests that wait for others of their shape, in the order in which they come.
    gathered: Vec<Job>,
    /// Why no more requests are taken.
    closed: Option<Error>,
    /// Why none is taken until the engine is opened again.
    resting: Option<Error>,
    errands: Vec<Errand>,
    status: EngineStatus,
    /// The mean time that a request holds its place.
    service: Option<Duration>,
}

/// The requests of one priority.
#[derive(Default)]
struct Class {
    tenants: BTreeMap<Tenant, Line>,
    /// The clock of the tenant that was served last.
    clock: u64,
    /// How often a higher priority was preferred.
    passed_over: u32,
}

/// The requests of a tenant.
#[derive(Default)]
struct Line {
    jobs: VecDeque<Job>,
    clock: u64,
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
        let is_full = |state: &State| {
            let tenant = job.serving.tenant;
            // What waits in the background keeps nobody out who comes before it.
            let class = job.serving.priority as usize;
            let before = |other: &&Job| other.serving.tenant == tenant && other.serving.priority as usize <= class;
            let gathered = state.gathered.iter().filter(before).count();
            let lines: usize = state.classes[..=class].iter().map(|class| class.waiting_of(tenant)).sum();
            let theirs = lines + gathered;
            theirs >= limit || state.waiting() >= limit.saturating_mul(TENANTS)
        };
        if is_full(&state) {
            state.drop_those_over(Instant::now());
        }
        if is_full(&state) {
            let queued = state.waiting();
            let rounds = (queued / self.parallel.max(1) as usize).max(1) as u32;
            return Err(Error::QueueFull { queued, retry_after: state.service.map(|mean| mean * rounds) });
        }
        state.classes[job.serving.priority as usize].push(job);
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
            let jobs: Vec<Job> = std::iter::from_fn(|| state.next()).take(free).collect();
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
            while let Some(job) = state.next() {
                state.gathered.push(job);
            }
            match gather::next(&state.gathered, gathering, Instant::now()) {
                Next::Begin(places) => {
                    let all = std::mem::take(&mut state.gathered).into_iter().enumerate();
                    let (begin, stay): (Vec<_>, Vec<_>) = all.partition(|(place, _)| places.contains(place));
                    state.gathered = stay.into_iter().map(|(_, job)| job).collect();
                    state.status.active += begin.len() as u32;
                    return Some((begin.into_iter().map(|(_, job)| job).collect(), errands));
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
        self.lock().waiting()
    }

    pub(super) fn status(&self) -> EngineStatus {
        let state = self.lock();
        EngineStatus { queued: state.waiting() as u32, ..state.status }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn waiting(&self) -> usize {
        let lines = self.classes.iter().flat_map(|class| class.tenants.values());
        lines.map(|line| line.jobs.len()).sum::<usize>() + self.gathered.len()
    }

    fn end_all(&mut self, error: &Error) {
        // Whoever waits for one hears that nobody does it.
        self.errands.clear();
        for job in &mut std::mem::take(&mut self.gathered) {
            job.answer_with(error.clone());
        }
        for class in &mut self.classes {
            for mut job in std::mem::take(&mut class.tenants).into_values().flat_map(|line| line.jobs) {
                job.answer_with(error.clone());
            }
        }
    }

    fn drop_those_over(&mut self, now: Instant) {
        self.gathered.retain_mut(|job| !job.is_over(now));
        for class in &mut self.classes {
            class.tenants.values_mut().for_each(|line| line.jobs.retain_mut(|job| !job.is_over(now)));
        }
    }

    fn next(&mut self) -> Option<Job> {
        let waits = |class: &Class| class.tenants.values().any(|line| !line.jobs.is_empty());
        let highest = self.classes.iter().position(waits)?;
        let impatient = self.classes.iter().rposition(|class| class.passed_over >= PATIENCE && waits(class));
        let chosen = impatient.unwrap_or(highest);
        for class in self.classes.iter_mut().skip(chosen + 1).filter(|class| waits(class)) {
            class.passed_over += 1;
        }
        self.classes[chosen].passed_over = 0;
        self.classes[chosen].next()
    }
}

impl Class {
    fn waiting_of(&self, tenant: Tenant) -> usize {
        self.tenants.get(&tenant).map_or(0, |line| line.jobs.len())
    }

    fn push(&mut self, job: Job) {
        let clock = self.clock;
        let line = self.tenants.entry(job.serving.tenant).or_default();
        if line.jobs.is_empty() {
            line.clock = line.clock.max(clock);
        }
        line.jobs.push_back(job);
    }

    fn next(&mut self) -> Option<Job> {
        let clock = self.clock;
        // What a tenant used is forgotten once the others have caught up with it.
        self.tenants.retain(|_, line| !line.jobs.is_empty() || line.clock > clock);
        let waiting = self.tenants.values_mut().filter(|line| !line.jobs.is_empty());
        let oldest = |line: &Line| line.jobs.front().map(|job| job.submitted);
        let line = waiting.min_by_key(|line| (line.clock, oldest(line)))?;
        let job = line.jobs.pop_front()?;
        self.clock = line.clock;
        line.clock += job.cost();
        Some(job)
    }
}

const _: () = assert!(Priority::High as usize == 0 && Priority::Normal as usize == 1 && Priority::Low as usize == 2);
