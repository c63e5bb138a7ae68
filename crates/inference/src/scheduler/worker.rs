//! The thread that owns the backend.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::SyncSender;
use std::time::Instant;

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

use super::Model;
use super::queue::{Job, Shared};
use super::sequence::{Sequence, Step};
use crate::backend::{Backend, Input, Open};
use crate::{Error, Result, Token};

/// How often a prompt may be passed over for shorter ones.
pub(super) const PATIENCE: u32 = 8;

/// Opens the backend and serves until the scheduler stops. Reports the first opening's outcome to `opened`.
///
/// A panic of the backend fails the requests that run; the backend is dropped and opened again for the next ones.
pub(super) fn run(model: &Model, shared: &Shared, chunk: u32, mut open: impl Open, opened: &SyncSender<Result<()>>) {
    let mut worker = Worker::new(model, shared, chunk as usize);
    loop {
        let mut served = false;
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            open.open(&mut |backend| {
                served = true;
                // The receiver waits only for the first opening.
                let _ = opened.try_send(Ok(()));
                worker.serve(backend);
            })
        }));
        let error = match outcome {
            Ok(Ok(())) => Error::Stopped,
            Ok(Err(error)) => error,
            Err(panic) => Error::Engine { reason: format!("the engine panicked: {}", message(panic.as_ref())) },
        };
        worker.fail_all(&error);
        if served && matches!(error, Error::Engine { .. }) {
            tracing::error!(model = model.info.name, %error, "the engine failed and is opened again");
            continue;
        }
        let _ = opened.try_send(Err(error.clone()));
        return shared.close(error);
    }
}

fn message(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message")
}

struct Worker<'a> {
    model: &'a Model,
    shared: &'a Shared,
    chunk: usize,
    slots: Vec<Slot>,
    /// Kept to be refilled.
    batch: Vec<Input>,
    /// Whether the last step read a prompt.
    prefilled: bool,
    meters: Meters,
}

/// A sequence of the backend.
#[derive(Default)]
struct Slot {
    running: Option<Sequence>,
    /// The tokens of whole chunks in the cache: what a later prompt may begin with.
    chunks: Vec<Token>,
    /// When the slot was last taken, counted in requests.
    taken: u64,
}

impl<'a> Worker<'a> {
    fn new(model: &'a Model, shared: &'a Shared, chunk: usize) -> Self {
        let slots = (0..model.info.parallel.max(1)).map(|_| Slot::default()).collect();
        let meters = Meters::new(&model.info.name);
        Self { model, shared, chunk, slots, batch: Vec::new(), prefilled: false, meters }
    }

    /// Serves until the scheduler stops.
    fn serve(&mut self, backend: &mut dyn Backend) {
        while let Some(jobs) = self.take() {
            for job in jobs {
                self.place(backend, job);
            }
            self.dismiss();
            match (self.next_prompt(), self.is_decoding()) {
                (Some(slot), false) => self.prefill(backend, slot),
                (Some(slot), true) if !self.prefilled => self.prefill(backend, slot),
                (_, true) => self.decode(backend),
                (None, false) => {}
            }
        }
    }

    fn take(&mut self) -> Option<Vec<Job>> {
        let free = self.slots.iter().filter(|slot| slot.running.is_none()).count();
        let idle = free == self.slots.len();
        let jobs = self.shared.take(free, idle);
        self.meters.active.set((self.slots.len() - free + jobs.as_ref().map_or(0, Vec::len)) as f64);
        self.meters.queued.set(self.shared.queued() as f64);
        jobs
    }

    /// Puts a request into the free slot whose cache helps it most, of equals the lowest: backends compute
    /// neighbouring sequences together.
    fn place(&mut self, backend: &mut dyn Backend, job: Job) {
        let turn = self.slots.iter().map(|slot| slot.taken).max().unwrap_or(0) + 1;
        let useful = |slot: &Slot| useful(&slot.chunks, &job.tokens, self.chunk);
        let free = self.slots.iter().enumerate().filter(|(_, slot)| slot.running.is_none());
        let best = free.max_by_key(|(index, slot)| (useful(slot), std::cmp::Reverse(*index)));
        let Some((index, cached)) = best.map(|(index, slot)| (index, useful(slot))) else {
            // Not reached: no more requests are taken than slots are free.
            self.shared.release();
            return job.sender.send(Err(Error::Engine { reason: "no sequence is free".to_owned() }));
        };
        let slot = &mut self.slots[index];
        slot.taken = turn;
        let cached = match backend.truncate(index as u32, cached as u32) {
            Ok(true) => cached,
            Ok(false) => 0,
            Err(error) => {
                self.shared.release();
                return job.sender.send(Err(error));
            }
        };
        slot.chunks.truncate(cached);
        self.meters.prompt_tokens.increment((job.tokens.len() - cached) as u64);
        self.meters.cached_tokens.increment(cached as u64);
        slot.running = Some(Sequence::new(job, cached, Instant::now()));
    }

    /// Ends requests whose reader left or whose time is over.
    fn dismiss(&mut self) {
        let now = Instant::now();
        for slot in &mut self.slots {
            if slot.running.as_ref().is_some_and(|sequence| sequence.job.is_over(now)) {
                slot.running = None;
                self.shared.release();
            }
        }
    }

    /// The slot whose prompt is read next.
    fn next_prompt(&self) -> Option<usize> {
        let reading = self.slots.iter().enumerate().filter_map(|(index, slot)| {
            let sequence = slot.running.as_ref().filter(|sequence| sequence.next.is_none())?;
            let impatient = sequence.passed_over >= PATIENCE;
            let chunks = if impatient { 0 } else { sequence.chunks_left(self.chunk) };
            Some((chunks, slot.taken, index))
        });
        reading.min().map(|(_, _, index)| index)
    }

    fn is_decoding(&self) -> bool {
        self.slots.iter().flat_map(|slot| &slot.running).any(|sequence| sequence.next.is_some())
    }

    /// Reads one chunk of the slot's prompt, and writes the first token when it was the last one.
    fn prefill(&mut self, backend: &mut dyn Backend, index: usize) {
        self.prefilled = true;
        for (_, slot) in self.slots.iter_mut().enumerate().filter(|(other, _)| *other != index) {
            if let Some(waiting) = slot.running.as_mut().filter(|sequence| sequence.next.is_none()) {
                waiting.passed_over += 1;
            }
        }
        let slot = &mut self.slots[index];
        let Some(sequence) = &mut slot.running else { return };
        sequence.passed_over = 0;
        let start = sequence.position;
        let end = (start + self.chunk).min(sequence.job.tokens.len());
        let last = end == sequence.job.tokens.len();
        self.batch.clear();
        self.batch.extend((start..end).map(|position| Input {
            sequence: index as u32,
            position: position as u32,
            token: sequence.job.tokens[position],
            logits: last && position + 1 == end,
        }));
        if let Err(error) = backend.decode(&self.batch) {
            return self.fail(backend, index, &error);
        }
        sequence.position = end;
        if end - start == self.chunk {
            slot.chunks.extend_from_slice(&sequence.job.tokens[start..end]);
        }
        if last {
            self.advance(backend, index, end - start - 1);
        }
    }

    /// Writes one token of every running answer.
    fn decode(&mut self, backend: &mut dyn Backend) {
        self.prefilled = false;
        self.batch.clear();
        for (index, slot) in self.slots.iter().enumerate() {
            let Some(sequence) = &slot.running else { continue };
            let Some(token) = sequence.next else { continue };
            self.batch.push(Input { sequence: index as u32, position: sequence.position as u32, token, logits: true });
        }
        let outcome = backend.decode(&self.batch);
        for at in 0..self.batch.len() {
            let index = self.batch[at].sequence as usize;
            match &outcome {
                Ok(()) => {
                    if let Some(sequence) = &mut self.slots[index].running {
                        sequence.position += 1;
                    }
                    self.advance(backend, index, at);
                }
                Err(error) => self.fail(backend, index, error),
            }
        }
    }

    /// Chooses the slot's next token from the batch's `at`-th logits.
    fn advance(&mut self, backend: &mut dyn Backend, index: usize, at: usize) {
        let logits = match backend.logits(at) {
            Ok(logits) => logits,
            Err(error) => return self.fail(backend, index, &error),
        };
        let slot = &mut self.slots[index];
        let Some(sequence) = &mut slot.running else { return };
        let before = sequence.written();
        let step = sequence.advance(logits, self.model.vocabulary.as_ref());
        let written = u64::from(sequence.written() - before);
        self.meters.completion_tokens.increment(written);
        self.shared.count_generated(written);
        match step {
            Step::Continues { since, first: true } => self.meters.first_token.record(since),
            Step::Continues { since, first: false } => self.meters.next_token.record(since),
            Step::Finished => {
                slot.running = None;
                self.shared.release();
            }
        }
    }

    /// Ends the slot's request with an error and forgets what its cache holds.
    fn fail(&mut self, backend: &mut dyn Backend, index: usize, error: &Error) {
        let slot = &mut self.slots[index];
        slot.chunks.clear();
        if let Some(sequence) = slot.running.take() {
            sequence.fail(error.clone());
            self.shared.release();
        }
        if let Err(error) = backend.truncate(index as u32, 0) {
            tracing::warn!(%error, "a failed sequence could not be cleared");
        }
    }

    /// Ends all running requests with an error; their caches are gone with the backend.
    fn fail_all(&mut self, error: &Error) {
        for slot in &mut self.slots {
            slot.chunks.clear();
            if let Some(sequence) = slot.running.take() {
                sequence.fail(error.clone());
                self.shared.release();
            }
        }
    }
}

/// How many tokens of the prompt are read already: whole chunks, and never the last token, whose logits are needed.
fn useful(chunks: &[Token], prompt: &[Token], chunk: usize) -> usize {
    let common = chunks.iter().zip(prompt).take_while(|(cached, token)| cached == token).count();
    common.min(prompt.len() - 1) / chunk * chunk
}

struct Meters {
    prompt_tokens: Counter,
    cached_tokens: Counter,
    completion_tokens: Counter,
    active: Gauge,
    queued: Gauge,
    first_token: Histogram,
    next_token: Histogram,
}

impl Meters {
    fn new(model: &str) -> Self {
        let model = model.to_owned();
        Self {
            prompt_tokens: counter!("craton_inference_prompt_tokens_total", "model" => model.clone()),
            cached_tokens: counter!("craton_inference_cached_tokens_total", "model" => model.clone()),
            completion_tokens: counter!("craton_inference_completion_tokens_total", "model" => model.clone()),
            active: gauge!("craton_inference_active_sequences", "model" => model.clone()),
            queued: gauge!("craton_inference_queued_requests", "model" => model.clone()),
            first_token: histogram!("craton_inference_first_token_seconds", "model" => model.clone()),
            next_token: histogram!("craton_inference_next_token_seconds", "model" => model),
        }
    }
}
