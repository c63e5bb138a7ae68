//! Which continuations are read, and when enough of them are.
//!
//! Every token that is read makes a continuation less likely, so what was read of one is a bound for the whole. Where only
//! the likeliest is wanted, the first tokens of all of them, which the prompt's last token foretells, put them into an
//! order; they are read in it, twice as many in each step as in the one before, until one of those that were read is
//! likelier than the next one's first token.

use std::collections::VecDeque;

use super::job::Scored;
use crate::reading::Reading;

/// The continuations of a request that are still to be read.
#[derive(Debug, Default)]
pub(super) struct Ranking {
    /// In the order in which they are read.
    unread: VecDeque<usize>,
    /// How many of them may be read before it is looked again whether that is needed.
    allowed: usize,
    /// How many are allowed next time.
    next_allowed: usize,
    /// Whether it is known which there are to read.
    is_known: bool,
}

impl Ranking {
    /// All of them, or none until [`Ranking::begin`] where only the likeliest is wanted.
    pub(super) fn new(scored: &Scored) -> Self {
        let count = scored.continuations.len();
        match scored.best_by {
            None => Self { unread: (0..count).collect(), allowed: count, next_allowed: 0, is_known: true },
            Some(_) => Self { next_allowed: 1, ..Self::default() },
        }
    }

    /// The next one to read, if one may be read now.
    pub(super) fn next(&self) -> Option<usize> {
        self.unread.front().copied().filter(|_| self.allowed > 0)
    }

    /// Takes it.
    pub(super) fn take(&mut self) -> Option<usize> {
        let next = self.next()?;
        self.unread.pop_front();
        self.allowed -= 1;
        Some(next)
    }

    /// Puts them into the order of their first tokens, where only the likeliest is wanted.
    pub(super) fn begin(&mut self, scored: &Scored, readings: &[Vec<Reading>]) {
        let Some(lengths) = &scored.best_by else { return };
        let mut order: Vec<usize> = (0..readings.len()).collect();
        let bound = |at: usize| value(&readings[at], lengths[at]);
        order.sort_by(|one, other| bound(*other).total_cmp(&bound(*one)));
        self.unread = order.into();
        self.is_known = true;
    }

    /// Whether enough was read; else more may be read. It is asked when all that was taken has been read.
    pub(super) fn is_over(&mut self, scored: &Scored, readings: &[Vec<Reading>]) -> bool {
        if !self.is_known {
            return false;
        }
        let Some(lengths) = &scored.best_by else {
            return readings.iter().zip(&scored.continuations).all(|(readings, tokens)| readings.len() == tokens.len());
        };
        let Some(next) = self.unread.front().filter(|_| self.allowed == 0) else { return self.unread.is_empty() };
        let whole = (0..readings.len()).filter(|at| readings[*at].len() == scored.continuations[*at].len());
        let best = whole.map(|at| value(&readings[at], lengths[at])).fold(f64::NEG_INFINITY, f64::max);
        // One that is as likely as the best so far is read too: it may be the earlier one.
        if value(&readings[*next], lengths[*next]) < best {
            return true;
        }
        self.allowed = self.next_allowed;
        self.next_allowed *= 2;
        false
    }
}

/// What continuations are compared by: of one that was not read to its end the most that it can be.
fn value(readings: &[Reading], length: f64) -> f64 {
    readings.iter().map(|reading| f64::from(reading.logprob)).sum::<f64>() / length
}
