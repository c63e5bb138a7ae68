//! How many processes render templates at the same time, over all templates.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Processes at work.
pub(super) const MOST_BUSY: usize = 8;
/// Of them, those of one template.
pub(super) const MOST_BUSY_OF_ONE: usize = 4;
/// Processes that wait for their templates' next conversations.
pub(super) const MOST_IDLE: usize = 8;
/// Of them, those of one template.
pub(super) const MOST_IDLE_OF_ONE: usize = 2;

/// A template's number.
pub(super) type Template = u64;

/// The processes `W` of all templates. Who comes first goes first, past those whose template has all that it may have.
pub(super) struct Pool<W> {
    state: Mutex<State<W>>,
    /// Told when somebody's turn may have come.
    changed: Condvar,
}

struct State<W> {
    /// The templates of the processes at work.
    busy: Vec<Template>,
    /// Tickets and the templates that they are for, the oldest first.
    waiting: VecDeque<(u64, Template)>,
    tickets: u64,
    /// The one that has waited the longest first.
    idle: VecDeque<(Template, W)>,
}

/// The right to one process at work.
pub(super) struct Turn<'a, W> {
    pool: &'a Pool<W>,
    template: Template,
}

impl<W> Pool<W> {
    pub(super) const fn new() -> Self {
        let state = State { busy: Vec::new(), waiting: VecDeque::new(), tickets: 0, idle: VecDeque::new() };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Waits for the turn of a template; none where it has not come after that long.
    pub(super) fn turn(&self, template: Template, patience: Duration) -> Option<Turn<'_, W>> {
        let until = Instant::now() + patience;
        let mut state = self.lock();
        let ticket = state.tickets;
        state.tickets += 1;
        state.waiting.push_back((ticket, template));
        let mut came = state.may_go(ticket);
        while !came {
            let rest = until.saturating_duration_since(Instant::now());
            if rest.is_zero() {
                break;
            }
            state = self.changed.wait_timeout(state, rest).unwrap_or_else(PoisonError::into_inner).0;
            came = state.may_go(ticket);
        }
        state.waiting.retain(|(waiting, _)| *waiting != ticket);
        if came {
            state.busy.push(template);
        }
        drop(state);
        // Who stood behind may be next.
        self.changed.notify_all();
        came.then(|| Turn { pool: self, template })
    }

    /// An idle process of the template.
    pub(super) fn idle(&self, template: Template) -> Option<W> {
        let mut state = self.lock();
        let at = state.idle.iter().rposition(|(of, _)| *of == template)?;
        state.idle.remove(at).map(|(_, process)| process)
    }

    /// Keeps a process for the template's next conversation. Gives back one that is too many.
    pub(super) fn keep(&self, template: Template, process: W) -> Option<W> {
        let mut state = self.lock();
        state.idle.push_back((template, process));
        let of_one = state.idle.iter().filter(|(of, _)| *of == template).count();
        let too_many = match of_one > MOST_IDLE_OF_ONE {
            true => state.idle.iter().position(|(of, _)| *of == template),
            false => (state.idle.len() > MOST_IDLE).then_some(0),
        };
        too_many.and_then(|at| state.idle.remove(at)).map(|(_, process)| process)
    }

    /// The processes that nobody will need again.
    pub(super) fn forget(&self, template: Template) -> Vec<W> {
        let mut state = self.lock();
        let (its, others) = std::mem::take(&mut state.idle).into_iter().partition(|(of, _)| *of == template);
        state.idle = others;
        let its: VecDeque<(Template, W)> = its;
        its.into_iter().map(|(_, process)| process).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State<W>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W> State<W> {
    fn may_go(&self, ticket: u64) -> bool {
        let of = |template: Template| self.busy.iter().filter(|busy| **busy == template).count();
        let mut able = self.waiting.iter().filter(|(_, template)| of(*template) < MOST_BUSY_OF_ONE);
        self.busy.len() < MOST_BUSY && able.next().is_some_and(|(first, _)| *first == ticket)
    }
}

impl<W> Drop for Turn<'_, W> {
    fn drop(&mut self) {
        let mut state = self.pool.lock();
        if let Some(at) = state.busy.iter().position(|busy| *busy == self.template) {
            state.busy.swap_remove(at);
        }
        drop(state);
        self.pool.changed.notify_all();
    }
}

#[cfg(test)]
#[path = "pool/tests.rs"]
mod tests;
