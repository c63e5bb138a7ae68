//! The search: successive halving (K. Jamieson, A. Talwalkar, Non-stochastic best arm identification and hyperparameter
//! optimization, AISTATS 2016). Many candidates are measured for a short time, the better half for twice as long, and so on.
//!
//! Pure: what is to be measured next follows from what was measured before, so a search that was broken off goes on from
//! its measurements alone. The first candidate is the default, and the second may be the model's present profile: these stay
//! to the end, whatever they measured before.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

/// How often each of the last candidates is measured, in turn, so that a slow moment of the machine hits all of them.
pub(super) const LAST_PASSES: u32 = 3;
/// The candidates that come into the last round beside those that stay.
const FINALISTS: usize = 2;
/// The most candidates.
const MOST: usize = 64;
/// The shortest time that a candidate is worth measuring for, in seconds.
const SHORTEST: f64 = 2.0;
/// How many times as long as was asked for a search may be expected to take; one that would take longer has fewer candidates.
const MOST_OVER: f64 = 1.5;
/// How many times as fast as what is used now a candidate is at least, in the middle of the passes, to take its place.
pub(super) const LEAST_GAIN: f64 = 1.03;

/// How good a candidate is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cost {
    /// How far it misses the objective, as the largest ratio of what was measured to what may be: at most 1 where it
    /// meets it, infinite where it failed.
    pub(super) miss: f64,
    /// Requests a second.
    pub(super) throughput: f64,
}

impl Cost {
    /// Whether it meets the objective.
    pub(super) fn meets(&self) -> bool {
        self.miss <= 1.0
    }

    /// The better one first: those that meet the objective by throughput, the others by how far they miss it.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        match (self.meets(), other.meets()) {
            (true, true) => other.throughput.total_cmp(&self.throughput),
            (false, false) => self.miss.total_cmp(&other.miss),
            (mine, _) => {
                if mine {
                    Ordering::Less
                } else {
                    Ordering::Greater
                }
            }
        }
    }
}

/// What a measurement takes beside the time that it is given, as the first one showed. Nothing, where that is not known.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Pace {
    /// The seconds of the warm-up, which are a part of the time.
    pub(super) warming: f64,
    /// The seconds of a request.
    pub(super) request: f64,
}

impl Pace {
    /// The seconds that a measurement of `seconds` is expected to take. What was asked in time is answered to its end, which
    /// is half a request later on average; and every client asks once after the warm-up, however late that is.
    fn expected(self, seconds: f64) -> f64 {
        (seconds + self.request / 2.0).max(self.warming + self.request)
    }
}

/// A measurement's place in the search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Turn {
    /// The round, from 0.
    pub(super) round: u32,
    /// The pass within it, from 0.
    pub(super) pass: u32,
    /// The candidate's number.
    pub(super) candidate: usize,
}

/// What comes next.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    /// A candidate is to be measured for so many seconds.
    Measure(Turn, f64),
    /// These are the last candidates, the best first but for those that stay, which come before.
    Done(Vec<usize>),
}

/// A search of so many candidates in so much time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Search {
    candidates: usize,
    seconds: f64,
    /// How many of the first candidates come into the last round, whatever they measure: at least the default.
    staying: usize,
    /// The seconds of the measurement of the default that showed that fewer can be measured: the first round is that alone,
    /// as all others have another time.
    probe: Option<f64>,
}

impl Search {
    /// A search of the first of `found` candidates, as many as the time is enough for; the default stays to the end.
    #[cfg(test)]
    pub(super) fn new(found: usize, seconds: f64) -> Self {
        Self::with_staying(found, seconds, 1)
    }

    /// The same, where the first `staying` candidates stay to the end.
    pub(super) fn with_staying(found: usize, seconds: f64, staying: usize) -> Self {
        let enough = |n: usize| seconds / f64::from(rounds(n, staying)) / n as f64 >= SHORTEST;
        let mut most = 2;
        while most * 2 <= MOST && enough(most * 2) {
            most *= 2;
        }
        let candidates = found.min(most);
        Self { candidates, seconds, staying: staying.min(candidates), probe: None }
    }

    /// The same search at the pace that its first measurement showed: of fewer candidates where it would take more than
    /// [`MOST_OVER`] times its time or a later measurement would be warming up alone, but of one at least beside those that
    /// stay.
    pub(super) fn at(self, pace: Pace) -> Self {
        let least = (self.staying + 1).min(self.candidates);
        let mut search = self;
        let takes_too_long = |search: &Self| {
            let first = usize::from(search.probe.is_some());
            let warms_only = search.times().skip(first).any(|seconds| seconds < pace.warming);
            warms_only || search.left(0, pace) > MOST_OVER * self.seconds
        };
        while search.candidates > least && takes_too_long(&search) {
            let candidates = search.candidates.div_ceil(2).max(least);
            search = Self { candidates, probe: self.times().next(), ..self };
        }
        search
    }

    /// The candidates that take part.
    pub(super) fn candidates(&self) -> usize {
        self.candidates
    }

    /// How many rounds there are.
    pub(super) fn rounds(&self) -> u32 {
        self.first() + rounds(self.candidates, self.staying)
    }

    /// All measurements, if none fails.
    pub(super) fn measurements(&self) -> u64 {
        self.times().count() as u64
    }

    /// The seconds that are expected of what is left after so many measurements.
    pub(super) fn left(&self, measured: usize, pace: Pace) -> f64 {
        self.times().skip(measured).map(|seconds| pace.expected(seconds)).sum()
    }

    /// What is to be measured after `measured`, or what came of it.
    pub(super) fn next(&self, measured: &[(Turn, Cost)]) -> Step {
        let mut alive: Vec<usize> = (0..self.candidates).collect();
        for round in self.first()..self.rounds() {
            let seconds = self.time(round);
            for pass in 0..self.passes(round) {
                for candidate in &alive {
                    let turn = Turn { round, pass, candidate: *candidate };
                    if !measured.iter().any(|(done, _)| *done == turn) {
                        return Step::Measure(turn, seconds);
                    }
                }
            }
            alive.sort_by(|a, b| cost(measured, round, *a).compare(&cost(measured, round, *b)).then(a.cmp(b)));
            if round + 1 < self.rounds() {
                alive.retain(|candidate| *candidate >= self.staying);
                alive.truncate(self.size(round + 1).saturating_sub(self.staying));
                alive.splice(0..0, 0..self.staying);
            }
        }
        alive.retain(|candidate| *candidate >= self.staying);
        alive.splice(0..0, 0..self.staying);
        Step::Done(alive)
    }

    /// The round in which all candidates are measured.
    fn first(&self) -> u32 {
        u32::from(self.probe.is_some())
    }

    /// The seconds of each measurement, in order.
    fn times(&self) -> impl Iterator<Item = f64> + '_ {
        let of_round =
            move |round| std::iter::repeat_n(self.time(round), self.size(round) * self.passes(round) as usize);
        self.probe.into_iter().chain((self.first()..self.rounds()).flat_map(of_round))
    }

    /// The seconds of each measurement of a round in which all candidates are measured, or a later one: the rounds have
    /// equal parts of the time.
    fn time(&self, round: u32) -> f64 {
        let share = self.seconds / f64::from(self.rounds() - self.first());
        share / self.size(round) as f64 / f64::from(self.passes(round))
    }

    fn passes(&self, round: u32) -> u32 {
        if round + 1 == self.rounds() { LAST_PASSES } else { 1 }
    }

    /// The candidates of a round, those that stay with them.
    fn size(&self, round: u32) -> usize {
        let halvings = round - self.first();
        let halved = self.candidates.div_ceil(1 << halvings.min(31));
        if halvings == 0 { self.candidates } else { halved.max(FINALISTS + self.staying).min(self.candidates) }
    }
}

/// Rounds until the finalists are left.
fn rounds(candidates: usize, staying: usize) -> u32 {
    let mut rounds = 1;
    while candidates.div_ceil(1 << (rounds - 1)) > FINALISTS + staying {
        rounds += 1;
    }
    rounds
}

/// What a candidate cost in a round: the middle of its passes.
fn cost(measured: &[(Turn, Cost)], round: u32, candidate: usize) -> Cost {
    let its = measured.iter().filter(|(turn, _)| turn.round == round && turn.candidate == candidate);
    let middle = middle_cost(its.map(|(_, cost)| *cost).collect());
    middle.unwrap_or(Cost { miss: f64::INFINITY, throughput: 0.0 })
}

/// The middle of some costs.
pub(super) fn middle_cost(mut costs: Vec<Cost>) -> Option<Cost> {
    costs.sort_by(Cost::compare);
    costs.get(costs.len() / 2).copied()
}

/// Whether a candidate takes the place of what is used now, after the last round. Where both meet the objective it was faster
/// in every pass, and in the middle of them by [`LEAST_GAIN`]; a tie, and noise, keep what is.
pub(super) fn replaces(candidate: &[Cost], present: &[Cost]) -> bool {
    let meets =
        |costs: &[Cost]| !costs.is_empty() && costs.iter().filter(|cost| cost.meets()).count() * 2 > costs.len();
    match (meets(candidate), meets(present)) {
        (false, _) => false,
        (true, false) => true,
        (true, true) => {
            let mut ratios: Vec<f64> =
                candidate.iter().zip(present).map(|(mine, its)| mine.throughput / its.throughput.max(1e-9)).collect();
            ratios.sort_by(f64::total_cmp);
            candidate.len() == present.len()
                && ratios.first().is_some_and(|least| *least > 1.0)
                && ratios.get(ratios.len() / 2).is_some_and(|middle| *middle >= LEAST_GAIN)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Runs a search to its end. Returns all measurements, with their seconds, and the last candidates.
    fn run(search: Search, cost: impl Fn(Turn) -> Cost) -> (Vec<(Turn, Cost)>, Vec<f64>, Vec<usize>) {
        let (mut measured, mut seconds) = (Vec::new(), Vec::new());
        loop {
            match search.next(&measured) {
                Step::Measure(turn, time) => {
                    measured.push((turn, cost(turn)));
                    seconds.push(time);
                }
                Step::Done(last) => return (measured, seconds, last),
            }
        }
    }

    fn meets(throughput: f64) -> Cost {
        Cost { miss: 0.5, throughput }
    }

    #[test]
    fn the_present_profile_stays_to_the_end_whatever_it_measures() {
        let search = Search::with_staying(32, 600.0, 2);
        let (measured, _, last) = run(search, |turn| meets(turn.candidate as f64));
        assert_eq!((last, measured.len() as u64), (vec![0, 1, 31, 30], search.measurements()));
        let two = Search::with_staying(1, 600.0, 2);
        assert_eq!(run(two, |_| meets(1.0)).2, [0]);
    }

    #[test]
    fn those_that_meet_the_objective_come_first_and_then_the_fastest() {
        let slow = Cost { miss: 1.0, throughput: 1.0 };
        let late = Cost { miss: 1.1, throughput: 100.0 };
        assert_eq!(slow.compare(&late), Ordering::Less);
        assert_eq!(late.compare(&slow), Ordering::Greater);
        assert_eq!(slow.compare(&meets(2.0)), Ordering::Greater);
        assert_eq!(late.compare(&Cost { miss: 9.0, throughput: 200.0 }), Ordering::Less);
    }

    #[test]
    fn a_minute_is_enough_for_few_and_an_hour_for_many() {
        assert_eq!(Search::new(1000, 60.0).candidates(), 8);
        assert_eq!(Search::new(1000, 300.0).candidates(), 16);
        assert_eq!(Search::new(1000, 3600.0).candidates(), MOST);
        assert_eq!(Search::new(1000, 0.1).candidates(), 2);
        assert_eq!(Search::new(1, 60.0).candidates(), 1);
    }

    #[test]
    fn where_measurements_take_long_there_are_fewer_and_the_time_is_kept() {
        let asked = Search::new(1000, 60.0);
        let quick = Pace { warming: 0.3, request: 0.5 };
        assert_eq!((asked.at(Pace::default()), asked.at(quick)), (asked, asked));
        assert!((asked.left(0, Pace::default()) - 60.0).abs() < 1e-9);
        // Eight would take 109 seconds: 8 x 4.8 (2.5 are not enough to ask once), 4 x 6.9, and 3 x 3 x 4.8.
        let slow = Pace { warming: 1.0, request: 3.8 };
        assert!((asked.left(0, slow) - 109.2).abs() < 1e-6, "{}", asked.left(0, slow));
        let fewer = asked.at(slow);
        assert_eq!((fewer.candidates(), fewer.rounds(), fewer.measurements()), (4, 3, 14));
        assert!(fewer.left(0, slow) <= 90.0 && fewer.left(1, slow) < fewer.left(0, slow));
        assert_eq!(fewer.left(14, slow), 0.0);
        // One is always compared with what stays, however long that takes.
        let slowest = Pace { warming: 60.0, request: 60.0 };
        assert_eq!(asked.at(slowest).candidates(), 2);
        assert_eq!(Search::with_staying(1000, 60.0, 2).at(slowest).candidates(), 3);
        assert_eq!(Search::new(1, 60.0).at(slowest).candidates(), 1);
    }

    #[test]
    fn only_what_is_faster_in_every_pass_replaces_a_default_that_meets_the_objective() {
        let late = Cost { miss: 2.0, throughput: 50.0 };
        assert!(replaces(&[meets(3.0), meets(3.1), meets(3.0)], &[meets(2.0), meets(3.0), meets(2.5)]));
        assert!(!replaces(&[meets(9.0), meets(9.0), meets(2.5)], &[meets(2.0), meets(3.0), meets(2.5)]));
        assert!(!replaces(&[meets(2.0); 3], &[meets(2.0); 3]), "a tie keeps the default");
        assert!(!replaces(&[meets(2.02); 3], &[meets(2.0); 3]), "so does a hair's breadth");
        assert!(replaces(&[meets(1.0); 3], &[late; 3]), "the objective comes before speed");
        assert!(!replaces(&[late; 3], &[meets(1.0); 3]));
        assert!(!replaces(&[late; 3], &[Cost { miss: 3.0, throughput: 1.0 }; 3]), "none meets it: the default stays");
        assert!(!replaces(&[], &[late; 3]));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn the_best_of_steady_candidates_is_found_in_the_time_that_is_given(
            throughputs in proptest::collection::vec(1.0_f64..1000.0, 1..100),
            seconds in 1.0_f64..4000.0,
        ) {
            let search = Search::new(throughputs.len(), seconds);
            let (measured, times, last) = run(search, |turn| meets(throughputs[turn.candidate]));
            let total: f64 = times.iter().sum();
            prop_assert!((total - seconds).abs() < 1e-6 * seconds, "{total} of {seconds}");
            prop_assert_eq!(measured.len() as u64, search.measurements());
            prop_assert_eq!(last[0], 0);
            let best = (0..search.candidates()).max_by(|a, b| throughputs[*a].total_cmp(&throughputs[*b])).unwrap();
            prop_assert!(best == 0 || last[1] == best, "{best}: {last:?}");
            // The last round measures the default as often and as long as anyone.
            let round = search.rounds() - 1;
            for candidate in &last {
                let mine: Vec<f64> = measured.iter().zip(&times)
                    .filter(|((turn, _), _)| turn.round == round && turn.candidate == *candidate)
                    .map(|(_, time)| *time).collect();
                prop_assert_eq!(mine.len(), LAST_PASSES as usize);
                prop_assert!(mine.iter().all(|time| *time == mine[0]));
            }
        }

        #[test]
        fn at_any_pace_all_have_the_same_time_in_a_round_and_the_default_is_measured_to_the_end(
            found in 1_usize..100, seconds in 1.0_f64..4000.0, staying in 1_usize..3,
            warming in 0.0_f64..30.0, request in 0.0_f64..60.0,
        ) {
            let pace = Pace { warming, request };
            let asked = Search::with_staying(found, seconds, staying);
            let (mut measured, mut times) = (Vec::new(), Vec::new());
            let last = loop {
                // What the first measurement showed is known from then on.
                let search = if measured.is_empty() { asked } else { asked.at(pace) };
                match search.next(&measured) {
                    Step::Measure(turn, time) => {
                        measured.push((turn, meets(turn.candidate as f64)));
                        times.push(time);
                    }
                    Step::Done(last) => break last,
                }
            };
            let search = asked.at(pace);
            prop_assert_eq!(measured.len() as u64, search.measurements());
            let expected: f64 = times.iter().map(|time| pace.expected(*time)).sum();
            prop_assert!((expected - search.left(0, pace)).abs() < 1e-6 * expected.max(1.0));
            let least = (staying + 1).min(asked.candidates());
            prop_assert!(search.candidates() <= least || expected <= MOST_OVER * seconds * (1.0 + 1e-9));
            for round in 0..search.rounds() {
                let its: Vec<(usize, f64)> = measured.iter().zip(&times)
                    .filter(|((turn, _), _)| turn.round == round)
                    .map(|((turn, _), time)| (turn.candidate, *time)).collect();
                prop_assert!(its.iter().all(|(_, time)| *time == its[0].1));
                let often = |candidate: usize| its.iter().filter(|(its, _)| *its == candidate).count();
                let passes = if round + 1 == search.rounds() { LAST_PASSES as usize } else { 1 };
                prop_assert!(its.iter().all(|(candidate, _)| often(*candidate) == passes));
                prop_assert_eq!(often(0), passes);
            }
            prop_assert_eq!(last[0], 0);
        }

        #[test]
        fn a_search_that_was_broken_off_anywhere_ends_as_one_that_was_not(
            seed in any::<u64>(), found in 1_usize..80, seconds in 1.0_f64..2000.0, cut in 0.0_f64..1.0,
        ) {
            let noisy = |turn: Turn| {
                let mut state = seed ^ (turn.candidate as u64) << 20 ^ u64::from(turn.round * 8 + turn.pass);
                state = state.wrapping_mul(0x9e37_79b9_7f4a_7c15);
                state ^= state >> 29;
                Cost { miss: (state % 200) as f64 / 100.0, throughput: (state >> 40) as f64 }
            };
            let search = Search::new(found, seconds);
            let (measured, _, last) = run(search, noisy);
            let kept = (measured.len() as f64 * cut) as usize;
            let mut resumed = measured[..kept].to_vec();
            let end = loop {
                match search.next(&resumed) {
                    Step::Measure(turn, _) => resumed.push((turn, noisy(turn))),
                    Step::Done(last) => break last,
                }
            };
            prop_assert_eq!(end, last);
            prop_assert_eq!(resumed, measured);
        }
    }
}
