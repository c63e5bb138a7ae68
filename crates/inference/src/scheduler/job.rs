//! A request that was checked and prepared on its caller's thread.

use std::time::Instant;

use futures::channel::oneshot;

use super::mailbox::Sender;
use crate::constraint::Follower;
use crate::fair::expected_cost;
use crate::generation::{Serving, StopReason};
use crate::loops::LoopState;
use crate::sampling::Sampler;
use crate::scoring::Scores;
use crate::text::Assembler;
use crate::{Error, Result, Token};

/// A request.
pub(super) struct Job {
    /// The prompt; never empty.
    pub(super) tokens: Vec<Token>,
    pub(super) serving: Serving,
    /// After how many tokens its beginning is kept; ordered.
    pub(super) cache_points: Vec<usize>,
    pub(super) submitted: Instant,
    pub(super) work: Work,
}

/// What is done once the prompt was read.
pub(super) enum Work {
    Write(Box<Writing>),
    Score(Scored),
}

/// An answer to be written.
pub(super) struct Writing {
    pub(super) limit: u32,
    /// Why the answer ends when the limit is reached.
    pub(super) limit_reason: StopReason,
    pub(super) sampler: Sampler,
    pub(super) follower: Option<Follower>,
    pub(super) assembler: Assembler,
    pub(super) loops: Option<LoopState>,
    pub(super) logprobs: Option<u8>,
    pub(super) sender: Sender,
}

/// Continuations to be scored.
pub(super) struct Scored {
    /// None is empty.
    pub(super) continuations: Vec<Vec<Token>>,
    pub(super) echo: bool,
    /// How many of the likeliest tokens are told beside each of an echoed prompt's.
    pub(super) top: u8,
    /// By what log probabilities are divided, where only the likeliest continuation is wanted.
    pub(super) best_by: Option<Vec<f64>>,
    /// Taken when it is answered.
    pub(super) sender: Option<oneshot::Sender<Result<Scores>>>,
}

impl Job {
    /// Whether nobody waits for it any more; tells the reader where its time is over.
    pub(super) fn is_over(&mut self, now: Instant) -> bool {
        let late = self.serving.deadline.is_some_and(|deadline| deadline <= now);
        if late {
            self.answer_with(Error::DeadlineExceeded);
        }
        late || match &self.work {
            Work::Write(writing) => writing.sender.is_closed(),
            Work::Score(scored) => scored.sender.as_ref().is_none_or(oneshot::Sender::is_canceled),
        }
    }

    /// Ends it with an error; the first one counts.
    pub(super) fn answer_with(&mut self, error: Error) {
        match &mut self.work {
            Work::Write(writing) => writing.sender.send(Err(error)),
            Work::Score(scored) => scored.answer(Err(error)),
        }
    }

    /// What decides which batch it may stand in: the length of its prompt, and since when it waits.
    pub(super) fn shape(&self) -> (usize, Instant) {
        (self.tokens.len(), self.submitted)
    }

    /// The most tokens that it adds to its prompt's in the cache.
    pub(super) fn room(&self) -> usize {
        match &self.work {
            Work::Write(writing) => writing.limit as usize,
            Work::Score(scored) => scored.continuations.iter().map(Vec::len).max().unwrap_or(0),
        }
    }

    /// What it is expected to cost, in tokens.
    pub(super) fn cost(&self) -> u64 {
        match &self.work {
            Work::Write(writing) => expected_cost(self.tokens.len(), writing.limit as usize),
            Work::Score(scored) => {
                let read = self.tokens.len() + scored.continuations.iter().map(Vec::len).sum::<usize>();
                expected_cost(read, 0)
            }
        }
    }
}

impl Scored {
    pub(super) fn answer(&mut self, scores: Result<Scores>) {
        if let Some(sender) = self.sender.take() {
            // A reader that left is told nothing.
            let _ = sender.send(scores);
        }
    }
}

impl Drop for Scored {
    fn drop(&mut self) {
        self.answer(Err(Error::Stopped));
    }
}
