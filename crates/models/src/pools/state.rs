//! The members of a pool, who of them takes the next request, and those that wait for one of them to be free.

use std::collections::BTreeSet;
use std::time::Duration;

use inference::fair::{FairQueue, Place};
use inference::{Serving, Tenant};
use tokio::sync::oneshot;

use super::breaker::{Breaker, Circuit, Permit, Settings};
use super::{Member, MemberStatus};

/// How much a new time to the first token counts in their running mean.
const NEWEST: f64 = 0.2;
/// How long a member's place is taken to be held before one was given back.
const USUAL: Duration = Duration::from_secs(1);

/// What is known of a member.
#[derive(Debug)]
pub(super) struct MemberState {
    weight: u32,
    limit: u32,
    breaker: Breaker,
    /// What the last health check or request said; none before the first.
    healthy: Option<bool>,
    in_flight: u32,
    requests: u64,
    failures: u64,
    /// The running mean of the times to the first token, in milliseconds.
    first_token: Option<f64>,
    /// Until when it asked to be left alone.
    rests_until: Option<i64>,
    last_error: Option<Told>,
}

/// Why a member failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    /// Whose request it failed, and the error of that, which may repeat what the request said; none of a health check.
    pub(super) own: Option<(Tenant, String)>,
    /// What everybody may know.
    pub(super) public: String,
}

impl Told {
    fn to(&self, tenant: Tenant) -> &str {
        match &self.own {
            Some((own, words)) if *own == tenant => words,
            _ => &self.public,
        }
    }
}

/// A request that asks for a turn, perhaps for the second time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asking {
    /// Its place among its account's, which it keeps however often it is sent.
    pub(super) ticket: u64,
    pub(super) serving: Serving,
    /// What it is expected to cost, in tokens.
    pub(super) cost: u64,
}

/// How a request to a member ended.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Answered completely.
    Answered,
    /// Refused for what it was itself, which says nothing of how long answers take.
    Refused,
    /// The member failed.
    Failed(Told),
    /// The member has too much to do, and says when to come again if it does.
    Busy(Option<Duration>),
    /// The caller left.
    Left,
}

impl Outcome {
    pub(super) fn as_str(&self) -> &'static str {
        match self {
            // The request is at fault, not the member.
            Self::Answered | Self::Refused => "answered",
            Self::Failed(_) => "failed",
            Self::Busy(_) => "busy",
            Self::Left => "left",
        }
    }
}

/// A member to send a request to.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) member: usize,
    pub(super) permit: Permit,
    /// When it was given, in milliseconds.
    began: i64,
}

/// Why no member takes a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// All that answer have as many requests as they may, and as many wait as may.
    Full,
    /// None answers now. `rest` is what is left, in milliseconds, of the shortest rest that a member asked for.
    Nobody { rest: Option<i64> },
}

/// One who waits for a member.
struct Waiter {
    ticket: u64,
    excluded: BTreeSet<usize>,
    sender: oneshot::Sender<Result<Turn, Refusal>>,
}

/// The state of a pool.
pub(super) struct State {
    pub(super) members: Vec<MemberState>,
    /// The requests of one account that may wait.
    max_queue: usize,
    waiters: FairQueue<Waiter>,
    /// The mean time for which an answer holds its place at a member.
    service: Option<Duration>,
    last_use: i64,
    checking: bool,
}

/// What a look for a member came to.
enum Choice {
    Member(usize),
    Full,
    Nobody(Option<i64>),
}

/// What a request for a turn came to.
pub(super) enum Ask {
    Turn(Turn),
    Wait(oneshot::Receiver<Result<Turn, Refusal>>),
    Refused(Refusal),
}

impl State {
    pub(super) fn new(members: &[Member], max_queue: u32, settings: Settings) -> Self {
        let members = members.iter().map(|member| MemberState {
            weight: member.weight.max(1),
            limit: member.max_in_flight.max(1),
            breaker: Breaker::new(settings),
            healthy: None,
            in_flight: 0,
            requests: 0,
            failures: 0,
            first_token: None,
            rests_until: None,
            last_error: None,
        });
        Self {
            members: members.collect(),
            max_queue: max_queue as usize,
            waiters: FairQueue::default(),
            service: None,
            last_use: 0,
            checking: false,
        }
    }

    /// The ticket of a request that arrives now.
    pub(super) fn ticket(&mut self) -> u64 {
        self.waiters.ticket()
    }

    /// A member that is not `excluded`, at once or after a wait. Only a `first` attempt is refused for a full queue.
    pub(super) fn ask(&mut self, now: i64, asking: &Asking, excluded: &BTreeSet<usize>, first: bool) -> Ask {
        let Serving { tenant, priority, .. } = asking.serving;
        let choice = choose(&self.members, now, excluded);
        match choice {
            Choice::Nobody(rest) => return Ask::Refused(Refusal::Nobody { rest }),
            Choice::Full if first && self.waiters.is_full_for(tenant, priority, self.max_queue) => {
                return Ask::Refused(Refusal::Full);
            }
            Choice::Full | Choice::Member(_) => {}
        }
        let (sender, mut receiver) = oneshot::channel();
        // What is tried again was counted before.
        let cost = if first { asking.cost } else { 0 };
        let place = Place { tenant, priority, cost, arrived: asking.ticket };
        self.waiters.push(place, Waiter { ticket: asking.ticket, excluded: excluded.clone(), sender });
        // It is this one's turn, or that of another who waits for the same member.
        if let Choice::Member(_) = choice {
            self.grant(now);
        }
        match receiver.try_recv() {
            Ok(Ok(turn)) => Ask::Turn(turn),
            Ok(Err(refusal)) => Ask::Refused(refusal),
            Err(_) => Ask::Wait(receiver),
        }
    }

    /// Forgets one who waits no more.
    pub(super) fn leave(&mut self, ticket: u64) {
        self.waiters.retain(|waiter| waiter.ticket != ticket);
    }

    /// How many wait.
    pub(super) fn queued(&self) -> usize {
        self.waiters.len()
    }

    /// When one who is refused for a full queue may come again: after as many answers' time as there are rounds in which those
    /// that wait now get a place.
    pub(super) fn wait_for_room(&self, now: i64) -> Duration {
        let asked = self.members.iter().filter(|member| member.rest_left(now).is_none() && member.breaker.admits(now));
        let places: usize = asked.map(|member| member.limit as usize).sum();
        let rounds = (self.waiters.len() / places.max(1)).max(1) as u32;
        self.service.unwrap_or(USUAL).saturating_mul(rounds)
    }

    fn take(&mut self, at: usize, now: i64) -> Option<Turn> {
        let member = self.members.get_mut(at)?;
        let permit = member.breaker.admit(now)?;
        member.in_flight += 1;
        member.requests += 1;
        Some(Turn { member: at, permit, began: now })
    }

    /// A member has begun to answer.
    pub(super) fn answered(&mut self, turn: &Turn, after: Duration) {
        let Some(member) = self.members.get_mut(turn.member) else { return };
        member.breaker.answered(&turn.permit);
        member.healthy = Some(true);
        let millis = after.as_secs_f64() * 1000.0;
        member.first_token = Some(member.first_token.map_or(millis, |mean| mean + NEWEST * (millis - mean)));
    }

    /// A request is over; who waits may go.
    pub(super) fn release(&mut self, turn: Turn, outcome: Outcome, now: i64) {
        self.end(turn, outcome, now);
        self.grant(now);
    }

    fn end(&mut self, turn: Turn, outcome: Outcome, now: i64) {
        let Some(member) = self.members.get_mut(turn.member) else { return };
        member.in_flight -= 1;
        match outcome {
            Outcome::Answered => {
                let held = Duration::from_millis(now.saturating_sub(turn.began).max(0).unsigned_abs());
                self.service = Some(self.service.map_or(held, |mean| (mean * 7 + held) / 8));
                member.breaker.succeeded(turn.permit);
            }
            Outcome::Refused => member.breaker.succeeded(turn.permit),
            Outcome::Left => member.breaker.abandoned(turn.permit, now),
            Outcome::Failed(why) => {
                member.failures += 1;
                member.last_error = Some(why);
                member.breaker.failed(turn.permit, now);
            }
            // It answers, though not this: what it says ends a trial and is no failure.
            Outcome::Busy(after) => {
                member.breaker.answered(&turn.permit);
                if let Some(after) = after {
                    let rest = i64::try_from(after.as_millis()).unwrap_or(i64::MAX);
                    member.rests_until = Some(now.saturating_add(rest));
                }
            }
        }
    }

    /// Gives those who wait what is free, in their turn.
    fn grant(&mut self, now: i64) {
        self.waiters.retain(|waiter| !waiter.sender.is_closed());
        loop {
            let members = &self.members;
            let may_go = |waiter: &Waiter| !matches!(choose(members, now, &waiter.excluded), Choice::Full);
            let Some(Waiter { excluded, sender, .. }) = self.waiters.pop_of(may_go) else { return };
            let given = match choose(members, now, &excluded) {
                Choice::Member(at) => self.take(at, now).ok_or(Refusal::Nobody { rest: None }),
                Choice::Nobody(rest) => Err(Refusal::Nobody { rest }),
                Choice::Full => Err(Refusal::Full),
            };
            if let Err(Ok(turn)) = sender.send(given) {
                self.end(turn, Outcome::Left, now);
            }
        }
    }

    /// What a health check found.
    pub(super) fn checked(&mut self, at: usize, found: Result<(), String>, now: i64) {
        let Some(member) = self.members.get_mut(at) else { return };
        if found.is_ok() && member.healthy == Some(false) {
            member.breaker.hasten(now);
        }
        member.healthy = Some(found.is_ok());
        if let Err(public) = found {
            member.last_error = Some(Told { own: None, public });
        }
        self.grant(now);
    }

    /// Notes a use at `now`; true where the health checks are to begin.
    pub(super) fn touch(&mut self, now: i64) -> bool {
        self.last_use = now;
        !std::mem::replace(&mut self.checking, true)
    }

    /// Whether the health checks end: nothing is going on and nothing was for `idle` milliseconds.
    pub(super) fn is_idle(&mut self, now: i64, idle: i64) -> bool {
        let busy = self.members.iter().any(|member| member.in_flight > 0) || now - self.last_use < idle;
        self.checking = busy;
        !busy
    }

    /// What is left, in milliseconds, of the shortest pause after which a member may be asked.
    pub(super) fn shortest_pause(&self, now: i64) -> Option<i64> {
        self.members.iter().filter_map(|m| Some(m.breaker.pause_left(now)?.max(m.rest_left(now).unwrap_or(0)))).min()
    }

    /// What the members are doing, with as much of their errors as this tenant may know.
    pub(super) fn status(&self, tenant: Tenant) -> Vec<MemberStatus> {
        self.members.iter().map(|member| member.status(tenant)).collect()
    }

    /// The requests that a member is answering.
    pub(super) fn in_flight(&self, at: usize) -> u32 {
        self.members.get(at).map_or(0, |member| member.in_flight)
    }
}

/// The least loaded of those that may be asked.
fn choose(members: &[MemberState], now: i64, excluded: &BTreeSet<usize>) -> Choice {
    let mut best: Option<(usize, &MemberState)> = None;
    let (mut some_admit, mut rest) = (false, None);
    for (at, member) in members.iter().enumerate().filter(|(at, _)| !excluded.contains(at)) {
        if let Some(left) = member.rest_left(now) {
            rest = Some(rest.map_or(left, |other: i64| other.min(left)));
            continue;
        }
        if !member.breaker.admits(now) {
            continue;
        }
        some_admit = true;
        if member.in_flight < member.limit && best.is_none_or(|(_, other)| member.comes_before(other)) {
            best = Some((at, member));
        }
    }
    match best {
        Some((at, _)) => Choice::Member(at),
        None if some_admit => Choice::Full,
        None => Choice::Nobody(rest),
    }
}

impl MemberState {
    fn rest_left(&self, now: i64) -> Option<i64> {
        self.rests_until.map(|until| until - now).filter(|left| *left > 0)
    }

    /// Those that health checks cannot reach come last; then the load decides, then the time to the first token.
    fn comes_before(&self, other: &Self) -> bool {
        let down = |member: &Self| member.healthy == Some(false);
        let load = |one: &Self, another: &Self| u64::from(one.in_flight) * u64::from(another.weight);
        let time = |member: &Self| member.first_token.unwrap_or(0.0);
        let order = down(self).cmp(&down(other)).then(load(self, other).cmp(&load(other, self)));
        order.then(time(self).total_cmp(&time(other))).is_lt()
    }

    fn status(&self, tenant: Tenant) -> MemberStatus {
        let circuit = self.breaker.circuit();
        MemberStatus {
            healthy: if circuit == Circuit::Closed { self.healthy } else { Some(false) },
            circuit,
            in_flight: self.in_flight,
            requests: self.requests,
            failures: self.failures,
            first_token_millis: self.first_token,
            last_error: self.last_error.as_ref().map(|told| told.to(tenant).to_owned()),
        }
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
