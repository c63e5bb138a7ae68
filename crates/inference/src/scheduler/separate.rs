//! A step of the sequences that have a buffer each: a chunk of one prompt, or the next token of every answer.
//!
//! The two never share a batch. While prompts wait and answers run they alternate: a running answer waits for at most
//! one chunk between two tokens, and a prompt's next chunk for at most one token. Whole prompts before any token would
//! freeze the running answers; more tokens between chunks would delay first tokens and leave batches small, where a
//! token costs most. Of the prompts the one with the fewest chunks left is next, of equals the oldest: answering in turn
//! gives the lowest mean time to the first token. One that was passed over [`PATIENCE`] times comes next regardless.

use super::slots::Slot;
use super::worker::Worker;
use crate::backend::{Backend, Care, Input};

/// How often a prompt may be passed over for shorter ones.
pub(super) const PATIENCE: u32 = 8;
/// Tokens of a prompt that are read in one step where the logits of all of them are wanted.
pub(super) const ECHOED: usize = 64;

impl Worker<'_> {
    pub(super) fn step_separate(&mut self, backend: &mut dyn Backend) {
        let separate = self.slots.layout.separate as usize;
        let is_decoding = self.slots.all[..separate].iter().any(|slot| writes(slot) || scores(slot));
        match (self.next_prompt(), is_decoding) {
            (Some(slot), false) => self.prefill(backend, slot),
            (Some(slot), true) if !self.prefilled => self.prefill(backend, slot),
            (_, true) => self.decode(backend),
            (None, false) => {}
        }
    }

    /// The slot whose prompt is read next.
    fn next_prompt(&self) -> Option<usize> {
        let separate = self.slots.layout.separate as usize;
        let reading = self.slots.all[..separate].iter().enumerate().filter_map(|(index, slot)| {
            let sequence = slot.running.as_ref().filter(|sequence| !sequence.is_read)?;
            let left = (sequence.job.tokens.len() - slot.tokens.len()).div_ceil(self.chunk);
            let chunks = if sequence.passed_over >= PATIENCE { 0 } else { left };
            Some((chunks, slot.taken, index))
        });
        reading.min().map(|(_, _, index)| index)
    }

    /// Reads one chunk of the slot's prompt, and writes the first token when it was the last one.
    fn prefill(&mut self, backend: &mut dyn Backend, index: usize) {
        self.prefilled = true;
        self.pass_over(index);
        let slot = &mut self.slots.all[index];
        let Some(sequence) = &mut slot.running else { return };
        sequence.passed_over = 0;
        let (start, echoes) = (slot.tokens.len(), sequence.echoes());
        let most = if sequence.reads_exactly() { self.grain } else { self.chunk };
        let end = piece(slot, if echoes { ECHOED } else { most });
        let slot = &self.slots.all[index];
        let Some(sequence) = &slot.running else { return };
        let last = end == sequence.job.tokens.len();
        self.batch.clear();
        self.batch.extend((start..end).map(|position| Input {
            sequence: index as u32,
            position: position as u32,
            token: sequence.job.tokens[position],
            logits: echoes || (last && position + 1 == end),
            also: (0, 0),
        }));
        if let Err(error) = backend.decode(&self.batch, Care::Exact) {
            return self.fail(backend, index, &error);
        }
        self.note_batch(end - start, 1);
        let length = sequence_length(slot);
        if echoes {
            for position in (start..end).filter(|position| position + 1 < length) {
                self.score(backend, (index, position - start), |sequence, logits| sequence.echo(logits, position + 1));
            }
        }
        self.note_read(backend, index, end);
        if last {
            self.advance(backend, index, end - start - 1);
            self.finish_scored(backend, index);
        }
    }

    fn pass_over(&mut self, index: usize) {
        for (_, slot) in self.slots.all.iter_mut().enumerate().filter(|(other, _)| *other != index) {
            if let Some(waiting) = slot.running.as_mut().filter(|sequence| !sequence.is_read) {
                waiting.passed_over += 1;
            }
        }
    }

    /// Lets every running answer go on by what it wrote, or scores one continuation.
    fn decode(&mut self, backend: &mut dyn Backend) {
        self.prefilled = false;
        let separate = self.slots.layout.separate as usize;
        if let Some(index) = self.slots.all[..separate].iter().position(scores) {
            self.score_next(backend, index);
        }
        let writing: Vec<usize> = (0..separate).filter(|index| writes(&self.slots.all[*index])).collect();
        let exact = writing.iter().any(|index| is_deterministic(&self.slots.all[*index]));
        if !exact {
            return self.write(backend, &writing, Care::Fast);
        }
        // What is read in several tokens at once is read alone, so that it is the same whatever runs beside it.
        let (single, several): (Vec<usize>, Vec<usize>) =
            writing.iter().partition(|index| pending(&self.slots.all[**index]) == 1);
        several.into_iter().for_each(|index| self.write(backend, &[index], Care::Exact));
        self.write(backend, &single, Care::Exact);
    }

    fn write(&mut self, backend: &mut dyn Backend, writing: &[usize], care: Care) {
        let mut left = self.chunk;
        self.batch.clear();
        for (at, index) in writing.iter().enumerate() {
            // Each of the others gets one token at least.
            let most = left.saturating_sub(writing.len() - at - 1).max(1);
            left -= self.add_written(*index, most).min(left);
        }
        if self.batch.is_empty() {
            return;
        }
        self.read_written(backend, writing, care);
    }

    /// Adds at most so many written tokens of the slot to the batch; how many.
    pub(super) fn add_written(&mut self, index: usize, most: usize) -> usize {
        let slot = &self.slots.all[index];
        let Some(sequence) = &slot.running else { return 0 };
        let all = sequence.pending.len();
        let count = all.min(most);
        let start = slot.tokens.len();
        let inputs = sequence.pending.iter().take(count).enumerate().map(|(at, token)| Input {
            sequence: index as u32,
            position: (start + at) as u32,
            token: *token,
            logits: at + 1 == all,
            also: (0, 0),
        });
        self.batch.extend(inputs);
        count
    }

    fn read_written(&mut self, backend: &mut dyn Backend, writing: &[usize], care: Care) {
        let outcome = backend.decode(&self.batch, care);
        self.note_batch(self.batch.len(), writing.len());
        for index in writing {
            match &outcome {
                Ok(()) => self.take_written(backend, *index),
                Err(error) => self.fail(backend, *index, error),
            }
        }
    }

    /// The slot's tokens of the batch were read: chooses the next one where all were.
    pub(super) fn take_written(&mut self, backend: &mut dyn Backend, index: usize) {
        let mut last = None;
        let slot = &mut self.slots.all[index];
        for (at, input) in self.batch.iter().enumerate().filter(|(_, input)| input.sequence as usize == index) {
            slot.tokens.push(input.token);
            if let Some(sequence) = &mut slot.running {
                sequence.pending.pop_front();
            }
            last = Some(at).filter(|_| input.logits);
        }
        if let Some(at) = last {
            self.advance(backend, index, at);
        }
    }

    /// Reads one continuation after the slot's prompt, and forgets it again.
    fn score_next(&mut self, backend: &mut dyn Backend, index: usize) {
        let slot = &mut self.slots.all[index];
        let prompt = slot.tokens.len();
        let Some(sequence) = &mut slot.running else { return };
        let Some(at) = sequence.take_scored() else { return };
        let tokens = &sequence.continuations()[at];
        let read = &tokens[..tokens.len() - 1];
        self.batch.clear();
        self.batch.extend(read.iter().enumerate().map(|(at, token)| Input {
            sequence: index as u32,
            position: (prompt + at) as u32,
            token: *token,
            logits: true,
            also: (0, 0),
        }));
        if !self.batch.is_empty() {
            let outcome = backend.decode(&self.batch, Care::Exact);
            self.note_batch(self.batch.len(), 1);
            for row in 0..self.batch.len() {
                if outcome.is_ok() {
                    self.score(backend, (index, row), |sequence, logits| sequence.score(logits, at, row + 1));
                }
            }
            let outcome = outcome.and_then(|()| backend.truncate(index as u32, prompt as u32));
            match outcome {
                Ok(true) => {}
                Ok(false) => {
                    let error = crate::Error::Request {
                        reason: "a model with a recurrent state cannot score several tokens after one prompt"
                            .to_owned(),
                    };
                    return self.fail(backend, index, &error);
                }
                Err(error) => return self.fail(backend, index, &error),
            }
        }
        self.finish_scored(backend, index);
    }
}

/// Where the next piece of the slot's prompt ends, of at most so many tokens: at a cache point or a chunk's end.
pub(super) fn piece(slot: &Slot, most: usize) -> usize {
    let Some(sequence) = &slot.running else { return slot.tokens.len() };
    let start = slot.tokens.len();
    let end = (start + most).min(sequence.job.tokens.len());
    let point = sequence.job.cache_points.iter().copied().find(|point| *point > start);
    point.map_or(end, |point| point.min(end))
}

fn sequence_length(slot: &Slot) -> usize {
    slot.running.as_ref().map_or(0, |sequence| sequence.job.tokens.len())
}

pub(super) fn writes(slot: &Slot) -> bool {
    pending(slot) > 0
}

fn pending(slot: &Slot) -> usize {
    slot.running.as_ref().map_or(0, |sequence| sequence.pending.len())
}

pub(super) fn scores(slot: &Slot) -> bool {
    let running = slot.running.as_ref();
    running.is_some_and(|sequence| sequence.is_read && sequence.next_scored().is_some())
}

fn is_deterministic(slot: &Slot) -> bool {
    slot.running.as_ref().is_some_and(|sequence| sequence.job.serving.deterministic)
}
