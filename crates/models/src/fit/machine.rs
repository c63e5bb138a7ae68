//! What this machine can do: measured when it is first asked for, and kept until the machine is another one.

use base::{Error, Result};
use inference::{Rate, Speeds};
use serde::{Deserialize, Serialize};

use super::core::Machine;
use super::store;
use crate::Models;
use crate::tune::{machine_kind, measure_bandwidth};

/// A machine whose memory has become so much faster or slower is another one.
const MOST_CHANGE: f64 = 1.5;

/// What a machine was measured to do, as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Measured {
    /// Bytes a second that all cores move together.
    bandwidth: f64,
    step_seconds: f64,
    rates: Vec<MeasuredRate>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct MeasuredRate {
    format: String,
    bytes_per_second: f64,
    numbers_per_second: f64,
}

impl Models {
    /// What this machine does with weights of these formats; what is not known yet is measured, one caller after another.
    /// Takes up to some seconds the first time.
    pub(super) async fn machine(&self, formats: &[String]) -> Result<Machine> {
        let mut compared = self.inner.measuring.lock().await;
        let threads = threads_of(self.inner.loaded.options().decode_threads);
        // Threads and engine make another machine of it.
        let kind = format!("{}, {threads} threads, {}", machine_kind(), env!("CARGO_PKG_VERSION"));
        let kept = store::measured(&self.inner.store, &kind).await?;
        // A machine of the same kind may have become another one since it was measured, as where a virtual one moved.
        let bandwidth = match *compared {
            Some(bandwidth) => bandwidth,
            None => tokio::task::spawn_blocking(|| measure_bandwidth().bandwidth).await.map_err(Error::internal)?,
        };
        *compared = Some(bandwidth);
        let known = kept.filter(|kept| kept.is_of(bandwidth));
        let is_new = known.is_none();
        let lacking: Vec<String> = {
            let has = |format: &String| known.as_ref().is_some_and(|known| known.has(format));
            formats.iter().filter(|format| !has(format)).cloned().collect()
        };
        let loader = self.inner.loaded.loader();
        let asked = lacking.clone();
        let measured = tokio::task::spawn_blocking(move || {
            let mut measured = known.unwrap_or(Measured { bandwidth, step_seconds: 0.0, rates: Vec::new() });
            if !asked.is_empty() {
                measured.add(&asked, loader.speeds(&asked, threads));
            }
            measured
        });
        let measured = measured.await.map_err(Error::internal)?;
        if is_new || !lacking.is_empty() {
            store::keep(&self.inner.store, &kind, &measured, self.inner.clock.now()).await?;
        }
        Ok(measured.machine())
    }
}

/// The threads that answers are written with.
fn threads_of(asked: u32) -> u32 {
    let cores = std::thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(1));
    if asked == 0 { cores } else { asked.min(cores) }
}

impl Measured {
    /// Whether a machine of this bandwidth may be the one that was measured; other work makes some difference.
    fn is_of(&self, bandwidth: f64) -> bool {
        (1.0 / MOST_CHANGE..=MOST_CHANGE).contains(&(bandwidth / self.bandwidth.max(1.0)))
    }

    fn has(&self, format: &str) -> bool {
        self.rates.iter().any(|rate| rate.format == format)
    }

    /// Adds what was measured of these formats. One that the engine does not tell of is not asked for again: it has the
    /// rates of 0, which stand for what the bandwidth allows.
    fn add(&mut self, asked: &[String], speeds: Speeds) {
        if speeds.step_seconds > 0.0 {
            self.step_seconds = speeds.step_seconds;
        }
        for format in asked {
            let found = speeds.rates.iter().find(|rate| rate.format == *format);
            let (bytes, numbers) = found.map_or((0.0, 0.0), |rate| (rate.bytes_per_second, rate.numbers_per_second));
            let rate = MeasuredRate { format: format.clone(), bytes_per_second: bytes, numbers_per_second: numbers };
            self.rates.push(rate);
        }
    }

    fn machine(&self) -> Machine {
        let known = self.rates.iter().filter(|rate| rate.bytes_per_second > 0.0 && rate.numbers_per_second > 0.0);
        let rate = |rate: &MeasuredRate| Rate {
            format: rate.format.clone(),
            bytes_per_second: rate.bytes_per_second,
            numbers_per_second: rate.numbers_per_second,
        };
        Machine { bandwidth: self.bandwidth, step_seconds: self.step_seconds, rates: known.map(rate).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_whose_memory_is_much_faster_or_slower_is_another_one() {
        let measured = Measured { bandwidth: 20.0e9, step_seconds: 0.0, rates: Vec::new() };
        assert!(measured.is_of(20.0e9) && measured.is_of(15.0e9) && measured.is_of(29.0e9));
        assert!(!measured.is_of(12.0e9) && !measured.is_of(31.0e9));
    }
}
