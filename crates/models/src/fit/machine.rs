//! What this machine can do: measured when it is first asked for, and kept until the machine is another one.

use base::{Error, Result};
use inference::{AttentionRate, Rate, Speeds};
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
    attention: Vec<MeasuredAttention>,
}

/// Multiplications a second with heads of a size.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct MeasuredAttention {
    head_size: u32,
    alone_in_one_pass: f64,
    together_in_one_pass: f64,
    alone_in_steps: f64,
    together_in_steps: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct MeasuredRate {
    format: String,
    bytes_per_second: f64,
    numbers_per_second: f64,
}

impl Models {
    /// What this machine does with weights of these formats and heads of such a size; what is not known yet is measured, one
    /// caller after another, and all of it where it is asked for `anew`. Takes some seconds the first time.
    pub(super) async fn machine(&self, formats: Vec<String>, head_size: u32, anew: bool) -> Result<Machine> {
        let models = self.clone();
        // Whoever asked may leave: what is being measured goes on to its end, and nothing is measured beside it.
        let measuring = tokio::spawn(async move { models.machine_alone(&formats, head_size, anew).await });
        measuring.await.map_err(Error::internal)?
    }

    async fn machine_alone(&self, formats: &[String], head_size: u32, anew: bool) -> Result<Machine> {
        let mut compared = self.inner.measuring.lock().await;
        let options = self.inner.loaded.options().clone();
        let (writing, reading) = (threads_of(options.decode_threads), threads_of(options.prefill_threads));
        // Threads and engine make another machine of it.
        let kind = format!(
            "{}, {writing} and {reading} threads, {} layers on GPUs, {}",
            machine_kind(),
            options.gpu_layers,
            env!("CARGO_PKG_VERSION")
        );
        let kept = store::measured(&self.inner.store, &kind).await?;
        // A machine of the same kind may have become another one since it was measured, as where a virtual one moved.
        let bandwidth = match *compared {
            Some(bandwidth) if !anew => bandwidth,
            _ => tokio::task::spawn_blocking(|| measure_bandwidth().bandwidth).await.map_err(Error::internal)?,
        };
        *compared = Some(bandwidth);
        let known = kept.filter(|kept| !anew && kept.is_of(bandwidth));
        let lacking: Vec<String> = {
            let has = |format: &String| known.as_ref().is_some_and(|known| known.has(format));
            formats.iter().filter(|format| !has(format)).cloned().collect()
        };
        let lacks = !lacking.is_empty() || known.as_ref().is_none_or(|known| known.attention(head_size).is_none());
        let loader = self.inner.loaded.loader();
        let measured = tokio::task::spawn_blocking(move || {
            let mut measured = known.unwrap_or_else(|| Measured::of(bandwidth));
            if lacks {
                measured.add(&lacking, head_size, loader.speeds(&lacking, head_size, &options));
            }
            measured
        });
        let measured = measured.await.map_err(Error::internal)?;
        if lacks {
            store::keep(&self.inner.store, &kind, &measured, self.inner.clock.now()).await?;
        }
        Ok(measured.machine(head_size))
    }
}

/// The threads that answers are written with.
fn threads_of(asked: u32) -> u32 {
    let cores = std::thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(1));
    if asked == 0 { cores } else { asked.min(cores) }
}

impl Measured {
    fn of(bandwidth: f64) -> Self {
        Self { bandwidth, step_seconds: 0.0, rates: Vec::new(), attention: Vec::new() }
    }

    /// Whether a machine of this bandwidth may be the one that was measured; other work makes some difference.
    fn is_of(&self, bandwidth: f64) -> bool {
        (1.0 / MOST_CHANGE..=MOST_CHANGE).contains(&(bandwidth / self.bandwidth.max(1.0)))
    }

    fn attention(&self, head_size: u32) -> Option<&MeasuredAttention> {
        self.attention.iter().find(|attention| attention.head_size == head_size)
    }

    fn has(&self, format: &str) -> bool {
        self.rates.iter().any(|rate| rate.format == format)
    }

    /// Adds what was measured of these formats and of heads of such a size. What the engine does not tell of is not asked for
    /// again: it has rates of 0, which stand for what the bandwidth allows.
    fn add(&mut self, asked: &[String], head_size: u32, speeds: Speeds) {
        if speeds.step_seconds > 0.0 {
            self.step_seconds = speeds.step_seconds;
        }
        let before = self.attention(head_size).copied();
        // A restless machine tells nothing at times, and what it told before stays.
        let known = |now: f64, then: fn(&MeasuredAttention) -> f64| match now > 0.0 {
            true => now,
            false => before.as_ref().map_or(0.0, then),
        };
        let attention = MeasuredAttention {
            head_size,
            alone_in_one_pass: known(speeds.in_one_pass.alone_per_second, |its| its.alone_in_one_pass),
            together_in_one_pass: known(speeds.in_one_pass.together_per_second, |its| its.together_in_one_pass),
            alone_in_steps: known(speeds.in_steps.alone_per_second, |its| its.alone_in_steps),
            together_in_steps: known(speeds.in_steps.together_per_second, |its| its.together_in_steps),
        };
        self.attention.retain(|attention| attention.head_size != head_size);
        self.attention.push(attention);
        for format in asked {
            let found = speeds.rates.iter().find(|rate| rate.format == *format);
            let (bytes, numbers) = found.map_or((0.0, 0.0), |rate| (rate.bytes_per_second, rate.numbers_per_second));
            let rate = MeasuredRate { format: format.clone(), bytes_per_second: bytes, numbers_per_second: numbers };
            self.rates.push(rate);
        }
    }

    /// As a model with heads of such a size meets it.
    fn machine(&self, head_size: u32) -> Machine {
        let known = self.rates.iter().filter(|rate| rate.bytes_per_second > 0.0 && rate.numbers_per_second > 0.0);
        let rate = |rate: &MeasuredRate| Rate {
            format: rate.format.clone(),
            bytes_per_second: rate.bytes_per_second,
            numbers_per_second: rate.numbers_per_second,
        };
        let attention = |of: fn(&MeasuredAttention) -> (f64, f64)| {
            let (alone_per_second, together_per_second) = self.attention(head_size).map_or((0.0, 0.0), of);
            AttentionRate { alone_per_second, together_per_second }
        };
        Machine {
            bandwidth: self.bandwidth,
            step_seconds: self.step_seconds,
            rates: known.map(rate).collect(),
            in_one_pass: attention(|its| (its.alone_in_one_pass, its.together_in_one_pass)),
            in_steps: attention(|its| (its.alone_in_steps, its.together_in_steps)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_whose_memory_is_much_faster_or_slower_is_another_one() {
        let measured = Measured::of(20.0e9);
        assert!(measured.is_of(20.0e9) && measured.is_of(15.0e9) && measured.is_of(29.0e9));
        assert!(!measured.is_of(12.0e9) && !measured.is_of(31.0e9));
    }
}
