//! How the number of a variant's replicas follows its load.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How long requests must have waited before a replica is added.
const PRESSED: Duration = Duration::from_secs(3);
/// How long replicas must have been too many before they are taken away, unless something else was asked for.
const IDLE: Duration = Duration::from_secs(300);

/// The bounds within which a variant is scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scaling {
    /// The fewest replicas; with 0 the model leaves the memory when nobody asks, and the next request brings it back.
    pub least: u32,
    /// The most.
    pub most: u32,
    /// The most replicas that are taken away at once; none: no limit.
    pub step: Option<u32>,
    /// How long replicas must have been too many before they are taken away, in seconds; none: 300.
    pub cooldown_seconds: Option<u32>,
}

/// What a variant is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Load {
    /// Replicas.
    pub(crate) replicas: u32,
    /// Requests that each of them answers side by side.
    pub(crate) slots: u32,
    /// Requests that are being answered.
    pub(crate) running: u32,
    /// Requests that wait.
    pub(crate) queued: u32,
}

/// Since when a variant has had too few replicas, or too many. Times are those of one steady clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Pressure {
    too_few: Option<Duration>,
    too_many: Option<Duration>,
}

/// What follows from a load at the time `now`: the pressure from now on, and the number of replicas to have, where it is
/// another one.
pub(crate) fn step(scaling: Scaling, pressure: Pressure, load: Load, now: Duration) -> (Pressure, Option<u32>) {
    let most = scaling.most.max(1);
    let wanted = wanted(load).clamp(scaling.least.min(most), most);
    let lasted = |since: Option<Duration>| now.saturating_sub(since.unwrap_or(now));
    match wanted.cmp(&load.replicas) {
        std::cmp::Ordering::Equal => (Pressure::default(), None),
        // Nothing answers at all: the first request brings it back by itself.
        std::cmp::Ordering::Greater if load.replicas == 0 => (Pressure::default(), None),
        std::cmp::Ordering::Greater => {
            let since = pressure.too_few.unwrap_or(now);
            let is_due = lasted(Some(since)) >= PRESSED || load.replicas < scaling.least;
            match is_due {
                true => (Pressure::default(), Some(wanted)),
                false => (Pressure { too_few: Some(since), too_many: None }, None),
            }
        }
        std::cmp::Ordering::Less => {
            let since = pressure.too_many.unwrap_or(now);
            let cooldown = scaling.cooldown_seconds.map_or(IDLE, |seconds| Duration::from_secs(seconds.into()));
            if lasted(Some(since)) < cooldown && load.replicas <= most {
                return (Pressure { too_few: None, too_many: Some(since) }, None);
            }
            let step = scaling.step.unwrap_or(u32::MAX).max(1);
            (Pressure::default(), Some(wanted.max(load.replicas.saturating_sub(step))))
        }
    }
}

/// The replicas that the requests need: as many as answer them all at once, and one more while some wait that could be
/// answered by those that there are.
fn wanted(load: Load) -> u32 {
    let needed = load.running.saturating_add(load.queued).div_ceil(load.slots.max(1));
    if load.queued > 0 { needed.max(load.replicas.saturating_add(1)) } else { needed }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCALING: Scaling = Scaling { least: 0, most: 4, step: None, cooldown_seconds: None };

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn load(replicas: u32, running: u32, queued: u32) -> Load {
        Load { replicas, slots: 8, running, queued }
    }

    /// What is decided when a load lasts, second by second, until something is.
    fn lasting(scaling: Scaling, load: Load) -> Option<(u64, u32)> {
        let mut pressure = Pressure::default();
        for second in 0..2_000 {
            let (next, decided) = step(scaling, pressure, load, at(second));
            if let Some(replicas) = decided {
                return Some((second, replicas));
            }
            pressure = next;
        }
        None
    }

    #[test]
    fn replicas_are_added_when_requests_have_waited_for_some_seconds() {
        assert_eq!(lasting(SCALING, load(1, 8, 1)), Some((3, 2)));
        assert_eq!(lasting(SCALING, load(1, 8, 24)), Some((3, 4)));
        assert_eq!(lasting(SCALING, load(2, 16, 99)), Some((3, 4)), "no more than may be");
        assert_eq!(lasting(SCALING, load(4, 32, 99)), None);
    }

    #[test]
    fn a_queue_that_goes_away_is_forgotten() {
        let (pressure, decided) = step(SCALING, Pressure::default(), load(1, 8, 4), at(10));
        assert_eq!(decided, None);
        let (pressure, decided) = step(SCALING, pressure, load(1, 8, 0), at(12));
        assert_eq!((pressure, decided), (Pressure::default(), None));
        assert_eq!(step(SCALING, pressure, load(1, 8, 4), at(14)).1, None);
    }

    #[test]
    fn what_is_idle_leaves_after_the_cooldown_down_to_the_least() {
        assert_eq!(lasting(SCALING, load(3, 0, 0)), Some((300, 0)));
        assert_eq!(lasting(SCALING, load(3, 9, 0)), Some((300, 2)));
        assert_eq!(lasting(Scaling { least: 1, ..SCALING }, load(3, 0, 0)), Some((300, 1)));
        let slow = Scaling { step: Some(1), cooldown_seconds: Some(600), ..SCALING };
        assert_eq!(lasting(slow, load(3, 0, 0)), Some((600, 2)));
    }

    #[test]
    fn bounds_that_are_broken_are_kept_at_once() {
        assert_eq!(lasting(Scaling { least: 2, ..SCALING }, load(1, 0, 0)), Some((0, 2)));
        assert_eq!(lasting(SCALING, load(6, 48, 0)), Some((0, 4)));
    }

    #[test]
    fn what_is_at_zero_waits_for_the_request_that_brings_it_back() {
        assert_eq!(lasting(SCALING, load(0, 0, 0)), None);
        assert_eq!(lasting(SCALING, load(0, 0, 3)), None);
    }
}
