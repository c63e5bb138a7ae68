//! Who is next of those that wait for what all share.
//!
//! Requests of a higher priority come first, but one of a lower priority that was passed over [`PATIENCE`] times. Within a
//! priority tenants take turns by what they have used: each has a clock that its requests' costs move on, and the one whose
//! clock is furthest behind is next (start-time fair queueing, Goyal, Vin and Cheng 1996). A tenant that comes back begins at
//! the clock of the one that was served last, so nobody saves up turns. Within a tenant the oldest request is next.

use std::collections::{BTreeMap, VecDeque};

use crate::generation::{Priority, Tenant};

/// How often a request of a lower priority may be passed over.
const PATIENCE: u32 = 16;
/// Tenants that may have full queues at the same time.
const TENANTS: usize = 8;

/// Where a request stands among those that wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Whose it is.
    pub tenant: Tenant,
    /// How soon it is to be served.
    pub priority: Priority,
    /// What it is expected to cost: tokens, or whatever else all requests of the queue are measured in.
    pub cost: u64,
    /// When it came: a number of [`FairQueue::ticket`].
    pub arrived: u64,
}

/// The requests that wait.
#[derive(Debug)]
pub struct FairQueue<T> {
    classes: [Class<T>; 3],
    tickets: u64,
}

/// The requests of one priority.
#[derive(Debug)]
struct Class<T> {
    tenants: BTreeMap<Tenant, Line<T>>,
    /// The clock of the tenant that was served last.
    clock: u64,
    /// How often a higher priority was preferred.
    passed_over: u32,
}

/// The requests of a tenant, the oldest one first.
#[derive(Debug)]
struct Line<T> {
    waiting: VecDeque<(Place, T)>,
    clock: u64,
}

impl<T> Default for FairQueue<T> {
    fn default() -> Self {
        let class = || Class { tenants: BTreeMap::new(), clock: 0, passed_over: 0 };
        Self { classes: [class(), class(), class()], tickets: 0 }
    }
}

impl<T> FairQueue<T> {
    /// The number of a request that comes now. One that waits again keeps its own.
    pub fn ticket(&mut self) -> u64 {
        self.tickets += 1;
        self.tickets
    }

    /// Lets a request wait.
    pub fn push(&mut self, place: Place, item: T) {
        let class = &mut self.classes[place.priority as usize];
        let clock = class.clock;
        let line = class.tenants.entry(place.tenant).or_insert(Line { waiting: VecDeque::new(), clock });
        if line.waiting.is_empty() {
            line.clock = line.clock.max(clock);
        }
        let at = line.waiting.partition_point(|(other, _)| other.arrived <= place.arrived);
        line.waiting.insert(at, (place, item));
    }

    /// Takes the request that is next.
    pub fn pop(&mut self) -> Option<T> {
        self.pop_of(|_| true)
    }

    /// Takes the request that is next of those that may go; the others are as if they did not wait.
    pub fn pop_of(&mut self, may_go: impl Fn(&T) -> bool) -> Option<T> {
        let waits = self.classes.each_ref().map(|class| class.has(&may_go));
        let highest = waits.iter().position(|waits| *waits)?;
        let impatient = (0..waits.len()).rev().find(|at| waits[*at] && self.classes[*at].passed_over >= PATIENCE);
        let chosen = impatient.unwrap_or(highest);
        for (class, _) in self.classes.iter_mut().zip(waits).skip(chosen + 1).filter(|(_, waits)| *waits) {
            class.passed_over += 1;
        }
        self.classes[chosen].passed_over = 0;
        self.classes[chosen].pop_of(&may_go)
    }

    /// Whether one more request of this tenant is too many: where `limit` of its own wait, or as many in all as some such tenants
    /// may have. Those of lower priorities are left out, as what waits in the background keeps nobody out who comes before it.
    pub fn is_full_for(&self, tenant: Tenant, priority: Priority, limit: usize) -> bool {
        let before = &self.classes[..=priority as usize];
        let theirs: usize = before.iter().map(|class| class.tenants.get(&tenant).map_or(0, Line::len)).sum();
        let all: usize = before.iter().flat_map(|class| class.tenants.values()).map(Line::len).sum();
        theirs >= limit || all >= limit.saturating_mul(TENANTS)
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.classes.iter().flat_map(|class| class.tenants.values()).map(Line::len).sum()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Those that wait, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        let lines = self.classes.iter().flat_map(|class| class.tenants.values());
        lines.flat_map(|line| &line.waiting).map(|(_, item)| item)
    }

    /// Lets only those go on waiting that `keep` says.
    pub fn retain(&mut self, mut keep: impl FnMut(&mut T) -> bool) {
        for line in self.classes.iter_mut().flat_map(|class| class.tenants.values_mut()) {
            line.waiting.retain_mut(|(_, item)| keep(item));
        }
    }

    /// Takes all that wait, in no order.
    pub fn take_all(&mut self) -> Vec<T> {
        let lines = self.classes.iter_mut().flat_map(|class| std::mem::take(&mut class.tenants).into_values());
        lines.flat_map(|line| line.waiting).map(|(_, item)| item).collect()
    }
}

impl<T> Class<T> {
    fn has(&self, may_go: &impl Fn(&T) -> bool) -> bool {
        self.tenants.values().any(|line| line.first_of(may_go).is_some())
    }

    fn pop_of(&mut self, may_go: &impl Fn(&T) -> bool) -> Option<T> {
        let clock = self.clock;
        // What a tenant used is forgotten once the others have caught up with it.
        self.tenants.retain(|_, line| !line.waiting.is_empty() || line.clock > clock);
        let lines = self.tenants.values_mut().filter_map(|line| line.first_of(may_go).map(|at| (line, at)));
        let (line, at) = lines.min_by_key(|(line, at)| (line.clock, line.waiting[*at].0.arrived))?;
        let (place, item) = line.waiting.remove(at)?;
        self.clock = clock.max(line.clock);
        // One that costs nothing would leave its tenant the next for ever.
        line.clock += place.cost.max(1);
        Some(item)
    }
}

impl<T> Line<T> {
    fn len(&self) -> usize {
        self.waiting.len()
    }

    fn first_of(&self, may_go: &impl Fn(&T) -> bool) -> Option<usize> {
        self.waiting.iter().position(|(_, item)| may_go(item))
    }
}

/// What a request is expected to cost that reads `read` tokens and writes at most `limit`: a written token costs several read
/// ones, and few answers use up their limit.
#[must_use]
pub fn expected_cost(read: usize, limit: usize) -> u64 {
    const EXPECTED: usize = 128;
    const WRITTEN: usize = 4;
    (read + limit.min(EXPECTED) * WRITTEN) as u64
}

const _: () = assert!(Priority::High as usize == 0 && Priority::Normal as usize == 1 && Priority::Low as usize == 2);

#[cfg(test)]
#[path = "fair_tests.rs"]
mod tests;
