//! A step of the sequences that share a buffer: written tokens, pieces of prompts and continuations in one batch.
//!
//! A token that several sequences begin with is read, kept and multiplied with once. So a batch may mix all of it: each
//! weight is fetched once for the lot. A continuation is read in a scratch sequence that shares the prompt's tokens, in
//! the very batch that reads the prompt's last piece.

use super::separate::{ECHOED, piece, scores, writes};
use super::worker::Worker;
use crate::backend::{Backend, Care, Input};

/// Logits of the batch that are wanted for a score.
struct Want {
    /// The row of the batch.
    row: usize,
    slot: usize,
    what: What,
}

enum What {
    /// The logits before the prompt's token at this place.
    Prompt(usize),
    /// The logits after the prompt.
    First,
    /// Those before the token at this place of a continuation.
    Continuation(usize, usize),
}

/// A batch that is being put together.
struct Plan {
    left: usize,
    /// Slots whose written tokens are in it.
    written: Vec<usize>,
    /// Slots whose prompts are read in it, and to where.
    read: Vec<(usize, usize)>,
    wants: Vec<Want>,
    /// Scratch sequences in use.
    scratch: u32,
}

impl Worker<'_> {
    pub(super) fn step_shared(&mut self, backend: &mut dyn Backend) {
        let mut plan = Plan { left: self.chunk, written: Vec::new(), read: Vec::new(), wants: Vec::new(), scratch: 0 };
        self.batch.clear();
        let outcome = self.fill(backend, &mut plan);
        let outcome = outcome.and_then(|()| match self.batch.is_empty() {
            true => Ok(()),
            false => backend.decode(&self.batch, Care::Fast),
        });
        let mut slots: Vec<usize> = plan.wants.iter().map(|want| want.slot).collect();
        slots.extend(plan.written.iter().copied().chain(plan.read.iter().map(|(slot, _)| *slot)));
        slots.sort_unstable();
        slots.dedup();
        if !self.batch.is_empty() {
            self.note_batch(self.batch.len(), slots.len());
        }
        match outcome {
            Ok(()) => self.take_results(backend, &plan),
            Err(error) => {
                slots.into_iter().for_each(|index| self.fail(backend, index, &error));
            }
        }
        self.clear_scratch(backend, plan.scratch);
    }

    fn clear_scratch(&mut self, backend: &mut dyn Backend, used: u32) {
        let first = self.scratch(0);
        for sequence in first..first + used {
            if let Err(error) = backend.truncate(sequence, 0) {
                tracing::warn!(%error, "a scratch sequence could not be cleared");
            }
        }
    }

    fn scratch(&self, at: u32) -> u32 {
        self.slots.layout.separate + self.slots.layout.shared + at
    }

    fn fill(&mut self, backend: &mut dyn Backend, plan: &mut Plan) -> crate::Result<()> {
        let shared = self.slots.layout.separate as usize..self.slots.all.len();
        for index in shared.clone().filter(|index| writes(&self.slots.all[*index])).collect::<Vec<_>>() {
            if plan.left > 0 {
                plan.left -= self.add_written(index, plan.left);
                plan.written.push(index);
            }
        }
        for index in shared.clone().filter(|index| scores(&self.slots.all[*index])).collect::<Vec<_>>() {
            self.add_continuations(backend, plan, index, None)?;
        }
        let mut reading: Vec<usize> = shared.filter(|index| self.is_reading(*index)).collect();
        // The shortest first, so that most of them are read soonest.
        reading.sort_by_key(|index| (self.left_to_read(*index), self.slots.all[*index].taken));
        for index in reading {
            if plan.left > 0 {
                self.add_prompt(backend, plan, index)?;
            }
        }
        Ok(())
    }

    fn is_reading(&self, index: usize) -> bool {
        self.slots.all[index].running.as_ref().is_some_and(|sequence| !sequence.is_read)
    }

    fn left_to_read(&self, index: usize) -> usize {
        let slot = &self.slots.all[index];
        slot.running.as_ref().map_or(0, |sequence| sequence.job.tokens.len() - slot.tokens.len())
    }

    /// Adds the next piece of the slot's prompt, and its continuations where it is the last one.
    fn add_prompt(&mut self, backend: &mut dyn Backend, plan: &mut Plan, index: usize) -> crate::Result<()> {
        let slot = &self.slots.all[index];
        let Some(sequence) = &slot.running else { return Ok(()) };
        let echoes = sequence.echoes();
        let start = slot.tokens.len();
        let end = piece(slot, if echoes { plan.left.min(ECHOED) } else { plan.left });
        let last = end == sequence.job.tokens.len();
        let first_row = self.batch.len();
        self.batch.extend((start..end).map(|position| Input {
            sequence: index as u32,
            position: position as u32,
            token: sequence.job.tokens[position],
            logits: echoes || (last && position + 1 == end),
            also: (0, 0),
        }));
        plan.left -= end - start;
        plan.read.push((index, end));
        if echoes {
            let length = sequence.job.tokens.len();
            let wanted = (start..end).filter(|position| position + 1 < length);
            let want =
                |position| Want { row: first_row + position - start, slot: index, what: What::Prompt(position + 1) };
            plan.wants.extend(wanted.map(want));
        }
        if last {
            plan.wants.push(Want { row: self.batch.len() - 1, slot: index, what: What::First });
            self.add_continuations(backend, plan, index, Some(first_row..self.batch.len()))?;
        }
        Ok(())
    }

    /// Adds as many of the slot's continuations as there is room for, each in a scratch sequence that shares the prompt:
    /// what the slot holds, and the rows of this batch that are the prompt's end.
    fn add_continuations(
        &mut self,
        backend: &mut dyn Backend,
        plan: &mut Plan,
        index: usize,
        end: Option<std::ops::Range<usize>>,
    ) -> crate::Result<()> {
        let slot = &mut self.slots.all[index];
        let held = slot.tokens.len();
        let Some(sequence) = &mut slot.running else { return Ok(()) };
        let prompt = sequence.job.tokens.len();
        let first = plan.scratch;
        while let Some(continuation) = sequence.next_scored() {
            let tokens = &sequence.continuations()[continuation];
            let rows = tokens.len() - 1;
            if rows > 0 && (rows > plan.left || plan.scratch == self.slots.layout.scratch) {
                break;
            }
            if rows > 0 {
                let scratch = self.slots.layout.separate + self.slots.layout.shared + plan.scratch;
                // Named before it is tried, so that a failure ends this request too.
                plan.wants.push(Want { row: self.batch.len(), slot: index, what: What::Continuation(continuation, 1) });
                backend.share(index as u32, scratch, held as u32)?;
                for (at, token) in tokens[..rows].iter().enumerate() {
                    if at > 0 {
                        let what = What::Continuation(continuation, at + 1);
                        plan.wants.push(Want { row: self.batch.len(), slot: index, what });
                    }
                    let position = (prompt + at) as u32;
                    let input = Input { sequence: scratch, position, token: *token, logits: true, also: (0, 0) };
                    self.batch.push(input);
                }
                plan.left -= rows;
                plan.scratch += 1;
            }
            sequence.take_scored();
        }
        let also = (self.scratch(first), plan.scratch - first);
        if also.1 > 0
            && let Some(rows) = end
        {
            self.batch[rows].iter_mut().for_each(|input| input.also = also);
        }
        Ok(())
    }

    fn take_results(&mut self, backend: &mut dyn Backend, plan: &Plan) {
        for (index, end) in &plan.read {
            self.note_read(backend, *index, *end);
        }
        for index in &plan.written {
            self.take_written(backend, *index);
        }
        for want in &plan.wants {
            match want.what {
                What::First => self.advance(backend, want.slot, want.row),
                What::Prompt(at) => {
                    self.score(backend, (want.slot, want.row), |sequence, logits| sequence.echo(logits, at));
                }
                What::Continuation(continuation, at) => {
                    let take = |sequence: &mut super::sequence::Sequence, logits: &[f32]| {
                        sequence.score(logits, continuation, at)
                    };
                    self.score(backend, (want.slot, want.row), take);
                }
            }
        }
        for index in self.slots.layout.separate as usize..self.slots.all.len() {
            self.finish_scored(backend, index);
        }
    }
}
