//! The thread that owns the backend.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use super::Model;
use super::gather::Gathering;
use super::job::Job;
use super::meters::Meters;
use super::queue::{Errand, Shared, Taken};
use super::sequence::Step;
use super::slots::Slots;
use crate::backend::{Backend, Input, Open};
use crate::engine::Batching;
use crate::prefix::PrefixCache;
use crate::{Error, Result};

/// How long after it could not be opened again that is tried once more, the first time.
pub(super) const REST: Duration = Duration::from_secs(1);
/// The longest time between two trials.
const LONGEST_REST: Duration = Duration::from_secs(60);

/// Tokens, bytes and time at once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    /// The tokens of a prompt that are read in one step.
    pub(super) chunk: usize,
    /// Those of a deterministic request.
    pub(super) grain: usize,
    /// The bytes for what prompts begin with.
    pub(super) cache: u64,
    /// The first of [`REST`].
    pub(super) rest: Duration,
}

/// Opens the backend and serves until the scheduler stops. Reports the first opening's outcome to `opened`.
///
/// A panic of the backend fails the requests that run; the backend is dropped and opened again for the next ones. Where it
/// cannot be opened again, as memory is short, requests are refused until it can: that is tried after [`REST`], and then ever
/// less often.
pub(super) fn run(
    model: &Model,
    shared: &Shared,
    sizes: Sizes,
    batching: Batching,
    mut open: impl Open,
    opened: &SyncSender<Result<()>>,
) {
    let mut worker = Worker::new(model, shared, sizes);
    worker.gathering = gathering(batching, model.info.parallel);
    worker.slots.together = worker.gathering.is_some();
    let (mut ever_served, mut rest) = (false, sizes.rest);
    loop {
        let mut served = false;
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            open.open(&mut |backend| {
                served = true;
                // The receiver waits only for the first opening.
                let _ = opened.try_send(Ok(()));
                shared.go_on();
                worker.slots.open(backend.layout());
                worker.serve(backend);
            })
        }));
        let error = match outcome {
            Ok(Ok(())) => Error::Stopped,
            Ok(Err(error)) => error,
            Err(panic) => Error::Engine { reason: format!("the engine panicked: {}", message(panic.as_ref())) },
        };
        worker.fail_all(&error);
        ever_served |= served;
        if !ever_served || matches!(error, Error::Stopped) {
            let _ = opened.try_send(Err(error.clone()));
            return shared.close(error);
        }
        if served {
            tracing::error!(model = model.info.name, %error, "the engine failed and is opened again");
            rest = sizes.rest;
            continue;
        }
        tracing::error!(model = model.info.name, %error, seconds = rest.as_secs(), "the engine cannot be opened again; it is tried later");
        // It holds memory that opening needs, and nobody could have it forgotten meanwhile.
        worker.slots.kept = PrefixCache::new(sizes.cache);
        if !shared.rest(&error, rest) {
            return;
        }
        rest = (rest * 2).min(LONGEST_REST);
    }
}

fn message(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message")
}

fn gathering(batching: Batching, parallel: u32) -> Option<Gathering> {
    match batching {
        Batching::Continuous => None,
        Batching::Static { size, wait, .. } => Some(Gathering { size: size.clamp(1, parallel.max(1)) as usize, wait }),
    }
}

/// What is done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Separate,
    Shared,
}

pub(super) struct Worker<'a> {
    pub(super) model: &'a Model,
    shared: &'a Shared,
    pub(super) chunk: usize,
    pub(super) grain: usize,
    pub(super) slots: Slots,
    /// Requests that wait for another to read what they begin with.
    waiting: Vec<Job>,
    /// How batches are gathered, where they are static.
    gathering: Option<Gathering>,
    /// Kept to be refilled.
    pub(super) batch: Vec<Input>,
    /// Whether the last step of separate slots read a prompt.
    pub(super) prefilled: bool,
    last: Turn,
    pub(super) meters: Meters,
}

impl<'a> Worker<'a> {
    fn new(model: &'a Model, shared: &'a Shared, sizes: Sizes) -> Self {
        Self {
            model,
            shared,
            chunk: sizes.chunk,
            grain: sizes.grain,
            slots: Slots::new(sizes.grain, sizes.cache),
            waiting: Vec::new(),
            gathering: None,
            batch: Vec::new(),
            prefilled: false,
            last: Turn::Shared,
            meters: Meters::new(&model.info.name),
        }
    }

    /// Serves until the scheduler stops.
    fn serve(&mut self, backend: &mut dyn Backend) {
        while let Some((jobs, errands)) = self.take() {
            for errand in errands {
                self.run(backend, errand);
            }
            self.waiting.extend(jobs);
            self.dismiss(backend);
            for job in std::mem::take(&mut self.waiting) {
                self.place(backend, job);
            }
            match self.turn() {
                Some(Turn::Separate) => self.step_separate(backend),
                Some(Turn::Shared) => self.step_shared(backend),
                None => {}
            }
        }
    }

    fn run(&mut self, backend: &mut dyn Backend, errand: Errand) {
        match errand {
            Errand::Forget(tenant) => self.slots.forget(backend, tenant),
            Errand::Remember(prefixes) => prefixes.into_iter().for_each(|prefix| self.slots.remember(prefix)),
            Errand::Tell(sender) => {
                // The one who asked may be gone.
                let _ = sender.send(self.slots.used(backend));
            }
        }
        self.note_kept();
    }

    fn note_kept(&self) {
        let (bytes, entries) = (self.slots.kept.bytes(), self.slots.kept.entries());
        self.shared.note(|status| (status.cache_bytes, status.cache_entries) = (bytes, entries as u64));
    }

    /// The kinds of slots take turns where both have work.
    fn turn(&mut self) -> Option<Turn> {
        let works = |shared: bool| {
            let slots = self.slots.all.iter().enumerate();
            slots.filter(|(at, _)| self.slots.is_shared(*at) == shared).any(|(_, slot)| slot.running.is_some())
        };
        let turn = match (works(false), works(true)) {
            (false, false) => return None,
            (true, false) => Turn::Separate,
            (false, true) => Turn::Shared,
            (true, true) if self.last == Turn::Shared => Turn::Separate,
            (true, true) => Turn::Shared,
        };
        self.last = turn;
        Some(turn)
    }

    fn take(&mut self) -> Option<Taken> {
        let active = self.slots.running() + self.waiting.len();
        if let Some(gathering) = self.gathering {
            return self.shared.gather(gathering, active == 0);
        }
        let free = (self.slots.layout.separate as usize).saturating_sub(active);
        let jobs = self.shared.take(free, active == 0);
        self.meters.active.set((active + jobs.as_ref().map_or(0, |(jobs, _)| jobs.len())) as f64);
        self.meters.queued.set(self.shared.queued() as f64);
        jobs
    }

    /// Puts a request into a slot, or lets it wait for what another one is reading.
    fn place(&mut self, backend: &mut dyn Backend, job: Job) {
        if self.slots.will_help(&job) {
            return self.waiting.push(job);
        }
        let submitted = job.submitted;
        match self.slots.place(backend, job) {
            Ok(index) => {
                let sequence = self.slots.all[index].running.as_ref();
                let (cached, prompt) = sequence.map_or((0, 0), |s| (s.cached, s.job.tokens.len()));
                if let Some(sequence) = sequence {
                    self.meters.queue.record(sequence.taken - submitted);
                }
                self.meters.prompt_tokens.increment((prompt - cached) as u64);
                self.meters.cached_tokens.increment(cached as u64);
                self.shared.note(|status| {
                    status.prompt_tokens += prompt as u64;
                    status.cached_tokens += cached as u64;
                });
                self.note_kept();
            }
            Err(refused) => {
                let (mut job, error) = *refused;
                job.answer_with(error);
                self.shared.release(submitted.elapsed());
            }
        }
    }

    /// Ends requests whose reader left or whose time is over.
    fn dismiss(&mut self, backend: &mut dyn Backend) {
        let now = Instant::now();
        let before = self.waiting.len();
        self.waiting.retain_mut(|job| !job.is_over(now));
        (self.waiting.len()..before).for_each(|_| self.shared.release(Duration::ZERO));
        for index in 0..self.slots.all.len() {
            if self.slots.all[index].running.as_mut().is_some_and(|sequence| sequence.job.is_over(now)) {
                self.end(backend, index);
            }
        }
    }

    /// Takes the ended request out of its slot.
    pub(super) fn end(&mut self, backend: &mut dyn Backend, index: usize) {
        if let Some(sequence) = self.slots.end(backend, index) {
            self.shared.release(sequence.taken.elapsed());
        }
    }

    /// Notes a batch: how many tokens it had, and how many it could have had.
    pub(super) fn note_batch(&self, rows: usize, sequences: usize) {
        self.shared.note(|status| {
            status.batches += 1;
            status.batch_tokens += rows as u64;
            status.batch_sequences += sequences as u64;
        });
    }

    /// Chooses the slot's next token from the batch's `at`-th logits, or scores with them.
    pub(super) fn advance(&mut self, backend: &mut dyn Backend, index: usize, at: usize) {
        let logits = match backend.logits(at) {
            Ok(logits) => logits,
            Err(error) => return self.fail(backend, index, &error),
        };
        let slot = &mut self.slots.all[index];
        let Some(sequence) = &mut slot.running else { return };
        sequence.is_read = true;
        let before = sequence.written();
        let step = sequence.advance(logits, self.model.vocabulary.as_ref());
        let written = u64::from(sequence.written() - before);
        self.meters.completion_tokens.increment(written);
        self.shared.note(|status| status.generated_tokens += written);
        match step {
            Step::Continues { since, first: true } => self.meters.first_token.record(since),
            Step::Continues { since, first: false } => self.meters.next_token.record(since),
            Step::Finished => self.end(backend, index),
        }
    }

    /// Takes logits for a score; `take` says which.
    pub(super) fn score(
        &mut self,
        backend: &mut dyn Backend,
        (index, at): (usize, usize),
        take: impl FnOnce(&mut super::sequence::Sequence, &[f32]) -> Result<()>,
    ) {
        let logits = backend.logits(at);
        let Some(sequence) = &mut self.slots.all[index].running else { return };
        if let Err(error) = logits.and_then(|logits| take(sequence, logits)) {
            self.fail(backend, index, &error);
        }
    }

    /// Ends a scored request that has all its readings.
    pub(super) fn finish_scored(&mut self, backend: &mut dyn Backend, index: usize) {
        if self.slots.all[index].running.as_mut().is_some_and(super::sequence::Sequence::finish_scored) {
            self.end(backend, index);
        }
    }

    /// Notes that the slot's tokens up to `end` were read, and keeps them where the request asks for it.
    pub(super) fn note_read(&mut self, backend: &mut dyn Backend, index: usize, end: usize) {
        let slot = &mut self.slots.all[index];
        let Some(sequence) = &slot.running else { return };
        let start = slot.tokens.len();
        slot.tokens.extend_from_slice(&sequence.job.tokens[start..end]);
        let aligned = slot.exact == start && end - start == self.grain && !sequence.echoes();
        if aligned && !self.slots.is_shared(index) {
            self.slots.all[index].exact = end;
        }
        let Some(sequence) = &self.slots.all[index].running else { return };
        if !sequence.job.cache_points.contains(&end) {
            return;
        }
        match self.slots.keep_now(backend, index) {
            Ok(()) => {
                if let Some(sequence) = &mut self.slots.all[index].running {
                    sequence.kept = end.saturating_sub(sequence.cached);
                }
            }
            Err(error) => tracing::debug!(%error, "a prefix is not kept"),
        }
    }

    /// Ends the slot's request with an error and forgets what its cache holds.
    pub(super) fn fail(&mut self, backend: &mut dyn Backend, index: usize, error: &Error) {
        if let Some(mut sequence) = self.slots.all[index].running.take() {
            sequence.job.answer_with(error.clone());
            self.shared.release(sequence.taken.elapsed());
        }
        if let Err(error) = self.slots.clear(backend, index) {
            tracing::warn!(%error, "a failed sequence could not be cleared");
        }
    }

    /// Ends all running requests with an error; their caches are gone with the backend.
    fn fail_all(&mut self, error: &Error) {
        for mut job in std::mem::take(&mut self.waiting) {
            job.answer_with(error.clone());
            self.shared.release(Duration::ZERO);
        }
        for slot in &mut self.slots.all {
            if let Some(mut sequence) = slot.running.take() {
                sequence.job.answer_with(error.clone());
                self.shared.release(sequence.taken.elapsed());
            }
        }
    }
}
