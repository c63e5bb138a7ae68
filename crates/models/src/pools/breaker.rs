//! When a member of a pool is left alone: a circuit breaker as a pure state machine. Times are milliseconds.

/// What lets requests through to a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Circuit {
    /// Every request may go.
    Closed,
    /// None may go until a pause is over.
    Open,
    /// One request is trying whether the member answers again.
    HalfOpen,
}

impl Circuit {
    /// `closed`, `open` or `half-open`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
        }
    }
}

/// When a breaker opens and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Settings {
    /// So many failures in succession open it.
    pub(crate) threshold: u32,
    /// The first pause. Each opening without a complete answer in between doubles it.
    pub(crate) first_pause: i64,
    /// The longest pause.
    pub(crate) longest_pause: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { threshold: 3, first_pause: 1_000, longest_pause: 60_000 }
    }
}

/// One request's leave to go to the member; what became of it is told once.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Permit {
    /// Counts the openings and trials: what a request from before the last one tells changes nothing.
    period: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed,
    Open { since: i64, pause: i64 },
    Trying,
}

/// The breaker of one member.
#[derive(Debug, Clone)]
pub(crate) struct Breaker {
    settings: Settings,
    state: State,
    period: u64,
    /// In succession, while closed.
    failures: u32,
    /// Since the last complete answer.
    openings: u32,
}

impl Breaker {
    /// A closed one.
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings, state: State::Closed, period: 0, failures: 0, openings: 0 }
    }

    /// What it lets through.
    pub(crate) fn circuit(&self) -> Circuit {
        match self.state {
            State::Closed => Circuit::Closed,
            State::Open { .. } => Circuit::Open,
            State::Trying => Circuit::HalfOpen,
        }
    }

    /// Whether a request may go at `now`.
    pub(crate) fn admits(&self, now: i64) -> bool {
        self.pause_left(now) == Some(0)
    }

    /// How long requests must wait at `now`; none while it is not known, as a trial decides it. A clock that went back
    /// to before the opening ends the pause.
    pub(crate) fn pause_left(&self, now: i64) -> Option<i64> {
        match self.state {
            State::Closed => Some(0),
            State::Open { since, .. } if now < since => Some(0),
            State::Open { since, pause } => Some((pause - (now - since)).max(0)),
            State::Trying => None,
        }
    }

    /// Lets a request go, where one may.
    pub(crate) fn admit(&mut self, now: i64) -> Option<Permit> {
        if !self.admits(now) {
            return None;
        }
        if matches!(self.state, State::Open { .. }) {
            self.state = State::Trying;
            self.period += 1;
        }
        Some(Permit { period: self.period })
    }

    /// The request has begun to be answered: a trial has succeeded.
    pub(crate) fn answered(&mut self, permit: &Permit) {
        if permit.period == self.period && self.state == State::Trying {
            self.state = State::Closed;
        }
    }

    /// The request was answered completely.
    pub(crate) fn succeeded(&mut self, permit: Permit) {
        if permit.period == self.period {
            self.state = State::Closed;
            (self.failures, self.openings) = (0, 0);
        }
    }

    /// The member failed the request.
    pub(crate) fn failed(&mut self, permit: Permit, now: i64) {
        if permit.period != self.period {
            return;
        }
        match self.state {
            State::Trying => self.open(now),
            State::Closed => {
                self.failures += 1;
                if self.failures >= self.settings.threshold {
                    self.open(now);
                }
            }
            State::Open { .. } => {}
        }
    }

    /// Nothing was learnt, as the request's caller left: after a trial, another may follow at once.
    pub(crate) fn abandoned(&mut self, permit: Permit, now: i64) {
        if permit.period == self.period && self.state == State::Trying {
            self.state = State::Open { since: now, pause: 0 };
        }
    }

    /// The member was seen to be back: a trial may follow at once.
    pub(crate) fn hasten(&mut self, now: i64) {
        if let State::Open { .. } = self.state {
            self.state = State::Open { since: now, pause: 0 };
        }
    }

    fn open(&mut self, now: i64) {
        let doublings = self.openings.min(30);
        let pause = self.settings.first_pause.saturating_mul(1 << doublings).min(self.settings.longest_pause);
        self.state = State::Open { since: now, pause };
        self.period += 1;
        self.openings = self.openings.saturating_add(1);
        self.failures = 0;
    }
}

#[cfg(test)]
#[path = "breaker_tests.rs"]
mod tests;
