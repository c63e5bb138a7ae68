//! What a tuning found: every candidate with what it measured, those that none beats in everything, and the chosen one.

use base::{Error, Result, Timestamp};
use serde::{Deserialize, Serialize};

use super::machine::MachineFacts;
use super::profile::TunedSettings;
use super::search::{Cost, Pace, Turn, middle_cost, replaces};
use crate::quality::Share;

/// What the answers must keep to. At least one is set.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Slo {
    /// The longest time in which half of the requests are answered, in milliseconds.
    pub p50_ms: Option<f64>,
    /// The longest time in which 95 of 100 requests are answered.
    pub p95_ms: Option<f64>,
    /// The longest time in which 95 of 100 requests have their first token.
    pub first_token_p95_ms: Option<f64>,
}

impl Slo {
    /// Reads `p95=300ms,p50=0.1s,first-token=80ms`.
    ///
    /// # Errors
    /// Invalid.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = || {
            Error::invalid(format!("`{text}` is no objective."))
                .with_hint("Objectives are `p95=300ms`, `p50=0.1s` and `first-token=80ms`, with commas between them.")
        };
        let mut slo = Self::default();
        for part in text.split(',') {
            let (name, time) = part.trim().split_once('=').ok_or_else(wrong)?;
            let (number, factor) = match (time.strip_suffix("ms"), time.strip_suffix('s')) {
                (Some(number), _) => (number, 1.0),
                (None, Some(number)) => (number, 1e3),
                (None, None) => return Err(wrong()),
            };
            let millis = number.trim().parse::<f64>().map_err(|_| wrong())? * factor;
            if !(millis.is_finite() && millis > 0.0) {
                return Err(wrong());
            }
            let slot = match name.trim() {
                "p50" => &mut slo.p50_ms,
                "p95" => &mut slo.p95_ms,
                "first-token" => &mut slo.first_token_p95_ms,
                _ => return Err(wrong()),
            };
            *slot = Some(millis);
        }
        Ok(slo)
    }

    /// The largest ratio of what was measured to what may be.
    fn miss(&self, measured: &Measurement) -> f64 {
        let pairs = [
            (self.p50_ms, Some(measured.p50_ms)),
            (self.p95_ms, Some(measured.p95_ms)),
            // Where there are no tokens, the whole answer is the first.
            (self.first_token_p95_ms, measured.first_token_p95_ms.or(Some(measured.p95_ms))),
        ];
        pairs.into_iter().filter_map(|(may, was)| Some(was? / may?)).fold(0.0, f64::max)
    }
}

/// What a candidate did in one turn.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Measurement {
    /// How long it was measured, to the last answer.
    pub seconds: f64,
    /// How long the warm-up took before that; none where it was not told.
    #[serde(default)]
    pub warming_seconds: Option<f64>,
    /// The requests that were answered.
    pub requests: u64,
    /// Requests a second.
    pub throughput: f64,
    /// The time in which half of them were answered, in milliseconds.
    pub p50_ms: f64,
    /// The time in which 95 of 100 were answered.
    pub p95_ms: f64,
    /// The time in which half of them had their first token; none where no tokens are written.
    pub first_token_p50_ms: Option<f64>,
    /// The time in which 95 of 100 had it.
    pub first_token_p95_ms: Option<f64>,
    /// Tokens a second: those that were written or scored; those of the texts where they are embedded.
    pub tokens_per_second: f64,
    /// The memory that the model took, in bytes.
    pub memory_bytes: u64,
    /// The bytes of weights that were read a second: each batch reads all of them; none for embedders.
    pub weights_bytes_per_second: Option<f64>,
    /// The mean number of requests that were computed together; none for embedders, and where nothing was computed.
    #[serde(default)]
    pub occupancy: Option<f64>,
    /// Whether other requests were served meanwhile.
    pub under_load: bool,
}

/// The smallest value that at least such a share of the values does not exceed (nearest rank).
pub(super) fn percentile(values: &[f64], share: f64) -> Option<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let rank = (share * values.len() as f64).ceil() as usize;
    values.get(rank.max(1) - 1).copied()
}

/// What became of a turn, as it is kept while a tuning goes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Taken {
    pub(super) turn: Turn,
    /// What was measured, or why it could not be.
    pub(super) outcome: std::result::Result<Measurement, String>,
}

impl Taken {
    pub(super) fn cost(&self, slo: &Slo) -> Cost {
        match &self.outcome {
            Ok(measured) => Cost { miss: slo.miss(measured), throughput: measured.throughput },
            Err(_) => Cost { miss: f64::INFINITY, throughput: 0.0 },
        }
    }

    /// What it took beside its time; nothing where an earlier version measured it, whose search goes on as it began.
    pub(super) fn pace(&self) -> Pace {
        let measured = self.outcome.as_ref().ok();
        let pace = |one: &Measurement| Some(Pace { warming: one.warming_seconds?, request: one.p50_ms / 1e3 });
        measured.and_then(pace).unwrap_or_default()
    }
}

/// A candidate in a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TuningPoint {
    /// How the model was loaded.
    pub settings: TunedSettings,
    /// The last round that it was measured in, from 1.
    pub round: u32,
    /// What it did in that round: the middle of its passes; none where it failed.
    pub measured: Option<Measurement>,
    /// The least and the greatest throughput of its passes.
    pub throughput_range: (f64, f64),
    /// Why it failed.
    pub failed: Option<String>,
    /// Whether it meets the objective.
    pub meets: bool,
    /// Whether no other has more throughput, less latency and less memory.
    pub pareto: bool,
    /// Seconds of the machine for 1,000 requests.
    pub seconds_per_1000: Option<f64>,
    /// Their price, where the machine's is known.
    pub price_per_1000: Option<f64>,
}

/// The chosen profile's throughput as a multiple of the default's: each pass of the last round against the default's
/// turn in it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Gain {
    /// The middle.
    pub median: f64,
    /// The least.
    pub low: f64,
    /// The greatest.
    pub high: f64,
}

/// Weights that candidates were loaded with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TriedWeights {
    /// The model of the library that has them.
    pub model: String,
    /// The file's name there.
    pub file: String,
    /// Its SHA-256.
    pub sha256: String,
    /// The element type of most of the weights.
    pub format: String,
    /// Their bytes.
    pub bytes: u64,
    /// How often the quantization gave the same label as the tuned model, as its report says; none for the model's own.
    pub labels: Option<Share>,
}

/// What a tuning found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TuningReport {
    /// The tuning's job.
    pub job: String,
    /// The model.
    pub model: String,
    /// The workload's name.
    pub workload: String,
    /// The objective.
    pub slo: Slo,
    /// The clients that asked at once.
    pub clients: u32,
    /// How long was to be measured, in minutes.
    pub minutes: f64,
    /// Rounds of the search.
    pub rounds: u32,
    /// The price of the machine by the hour, in the caller's own money.
    pub price_per_hour: Option<f64>,
    /// The machine.
    pub machine: MachineFacts,
    /// The bytes of the model's own weights, which each token reads.
    pub weights_bytes: u64,
    /// The weights that took part, the model's own first.
    #[serde(default)]
    pub weights: Vec<TriedWeights>,
    /// What was measured; the default is the first.
    pub points: Vec<TuningPoint>,
    /// The number of the chosen one.
    pub chosen: usize,
    /// Whether the chosen one meets the objective.
    pub met: bool,
    /// What it gains over the default; none where it is that.
    pub gain: Option<Gain>,
    /// Whether other requests were served while it was measured.
    pub under_load: bool,
    /// When it ended, in milliseconds since 1970.
    pub(super) at: i64,
}

impl TuningReport {
    /// When it ended.
    #[must_use]
    pub fn ended_at(&self) -> Timestamp {
        Timestamp(self.at)
    }

    /// Tokens a second of one request at most: each reads all weights once, which memory delivers no faster.
    #[must_use]
    pub fn decode_ceiling(&self) -> f64 {
        self.machine.bandwidth / self.weights_bytes.max(1) as f64
    }

    /// The same where one core reads the weights.
    #[must_use]
    pub fn core_decode_ceiling(&self) -> f64 {
        self.machine.core_bandwidth / self.weights_bytes.max(1) as f64
    }

    /// The weights that a point was loaded with; none in reports of old.
    #[must_use]
    pub fn weights_of(&self, settings: &TunedSettings) -> Option<&TriedWeights> {
        let name = settings.weights.as_ref().unwrap_or(&self.model);
        self.weights.iter().find(|weights| weights.model == *name)
    }

    /// Tokens a second at most with a point's weights, as many requests at once as it had: together they read the weights
    /// once for a token of each.
    #[must_use]
    pub fn ceiling(&self, point: &TuningPoint) -> Option<f64> {
        let bytes = self.weights_of(&point.settings).map_or(self.weights_bytes, |weights| weights.bytes);
        let together = point.measured.as_ref()?.occupancy?;
        Some(self.machine.bandwidth / bytes.max(1) as f64 * together)
    }

    /// The share of the memory's speed that a measurement used for the weights, from 0 to 1; more where caches help.
    #[must_use]
    pub fn bandwidth_share(&self, measured: &Measurement) -> Option<f64> {
        measured.weights_bytes_per_second.map(|bytes| bytes / self.machine.bandwidth.max(1.0))
    }

    /// The chosen profile.
    pub(super) fn chosen_settings(&self) -> Option<&TunedSettings> {
        Some(self.chosen)
            .filter(|chosen| *chosen != 0)
            .and_then(|chosen| self.points.get(chosen))
            .map(|one| &one.settings)
    }
}

/// What was measured, and the candidates that came into the last round, the default first.
pub(super) struct Findings<'a> {
    /// The number of what the model is loaded with now: of its profile, or of the default.
    pub(super) present: usize,
    pub(super) candidates: &'a [TunedSettings],
    pub(super) taken: &'a [Taken],
    pub(super) last: &'a [usize],
}

impl Findings<'_> {
    /// Fills the report in.
    pub(super) fn report(&self, mut report: TuningReport) -> TuningReport {
        let price = report.price_per_hour;
        report.points = (0..self.candidates.len()).map(|candidate| self.point(candidate, &report.slo, price)).collect();
        let fronts = pareto(&report.points);
        for (point, front) in report.points.iter_mut().zip(fronts) {
            point.pareto = front;
        }
        report.chosen = self.choose(&report.slo);
        report.met = report.points.get(report.chosen).is_some_and(|point| point.meets);
        report.gain = (report.chosen != 0).then(|| self.gain(report.chosen)).flatten();
        report.under_load = self.taken.iter().any(|taken| taken.outcome.as_ref().is_ok_and(|one| one.under_load));
        report
    }

    /// The turns of a candidate in the last round that it was in, in order.
    fn turns(&self, candidate: usize) -> Vec<&Taken> {
        let its = || self.taken.iter().filter(|taken| taken.turn.candidate == candidate);
        let last = its().map(|taken| taken.turn.round).max();
        its().filter(|taken| Some(taken.turn.round) == last).collect()
    }

    fn point(&self, candidate: usize, slo: &Slo, price: Option<f64>) -> TuningPoint {
        let turns = self.turns(candidate);
        let measured: Vec<&Measurement> = turns.iter().filter_map(|taken| taken.outcome.as_ref().ok()).collect();
        let failed = turns.iter().find_map(|taken| taken.outcome.as_ref().err()).cloned();
        let middle = middle(&measured).filter(|_| failed.is_none());
        let throughputs = || measured.iter().map(|one| one.throughput);
        let seconds = middle.map(|one| 1000.0 / one.throughput.max(1e-9));
        TuningPoint {
            settings: self.candidates[candidate].clone(),
            round: turns.first().map_or(0, |taken| taken.turn.round + 1),
            throughput_range: (
                if measured.is_empty() { 0.0 } else { throughputs().fold(f64::INFINITY, f64::min) },
                throughputs().fold(0.0, f64::max),
            ),
            meets: middle.is_some_and(|one| slo.miss(&one) <= 1.0),
            measured: middle,
            failed,
            pareto: false,
            seconds_per_1000: seconds,
            price_per_1000: seconds.zip(price).map(|(seconds, price)| seconds * price / 3600.0),
        }
    }

    /// The best of the last ones that may replace what is used now.
    fn choose(&self, slo: &Slo) -> usize {
        let costs = |candidate| self.turns(candidate).iter().map(|taken| taken.cost(slo)).collect::<Vec<Cost>>();
        let present = costs(self.present);
        let mut better: Vec<(Cost, usize)> = self
            .last
            .iter()
            .filter(|candidate| **candidate != self.present && replaces(&costs(**candidate), &present))
            .filter_map(|candidate| Some((middle_cost(costs(*candidate))?, *candidate)))
            .collect();
        better.sort_by(|(mine, _), (its, _)| mine.compare(its));
        better.first().map_or(self.present, |(_, candidate)| *candidate)
    }

    fn gain(&self, candidate: usize) -> Option<Gain> {
        let throughput = |taken: &&Taken| taken.outcome.as_ref().ok().map(|one| one.throughput);
        let (mine, defaults) = (self.turns(candidate), self.turns(0));
        let ratio = |(mine, its): (&&Taken, &&Taken)| Some(throughput(mine)? / throughput(its)?.max(1e-9));
        let mut ratios: Vec<f64> = mine.iter().zip(&defaults).filter_map(ratio).collect();
        ratios.sort_by(f64::total_cmp);
        Some(Gain { median: *ratios.get(ratios.len() / 2)?, low: *ratios.first()?, high: *ratios.last()? })
    }
}

/// Each figure's own middle; times and requests together.
fn middle(measured: &[&Measurement]) -> Option<Measurement> {
    let of = |figure: &dyn Fn(&Measurement) -> Option<f64>| {
        let values: Vec<f64> = measured.iter().filter_map(|one| figure(one)).collect();
        percentile(&values, 0.5)
    };
    Some(Measurement {
        seconds: measured.iter().map(|one| one.seconds).sum(),
        warming_seconds: of(&|one| one.warming_seconds),
        requests: measured.iter().map(|one| one.requests).sum(),
        throughput: of(&|one| Some(one.throughput))?,
        p50_ms: of(&|one| Some(one.p50_ms))?,
        p95_ms: of(&|one| Some(one.p95_ms))?,
        first_token_p50_ms: of(&|one| one.first_token_p50_ms),
        first_token_p95_ms: of(&|one| one.first_token_p95_ms),
        tokens_per_second: of(&|one| Some(one.tokens_per_second))?,
        memory_bytes: measured.iter().map(|one| one.memory_bytes).max()?,
        weights_bytes_per_second: of(&|one| one.weights_bytes_per_second),
        occupancy: of(&|one| one.occupancy),
        under_load: measured.iter().any(|one| one.under_load),
    })
}

/// Which points no other dominates: at least as good in all of throughput, p95 and memory, and better in one.
fn pareto(points: &[TuningPoint]) -> Vec<bool> {
    let dominates = |a: &Measurement, b: &Measurement| {
        let as_good = a.throughput >= b.throughput && a.p95_ms <= b.p95_ms && a.memory_bytes <= b.memory_bytes;
        as_good && (a.throughput > b.throughput || a.p95_ms < b.p95_ms || a.memory_bytes < b.memory_bytes)
    };
    let beaten = |mine: &Measurement| points.iter().filter_map(|it| it.measured.as_ref()).any(|it| dominates(it, mine));
    points.iter().map(|point| point.measured.as_ref().is_some_and(|mine| !beaten(mine))).collect()
}
