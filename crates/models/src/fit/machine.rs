//! What this machine can do: measured when it is first asked for, and kept until the machine is another one.

use std::time::Instant;

use base::{Error, Result};
use inference::{AttentionRate, ByThreads, Heads, Rate, Speeds};
use serde::{Deserialize, Serialize};

use super::core::Machine;
use super::store;
use crate::Models;
use crate::tune::{machine_kind, measure_bandwidth};

/// A machine whose memory has become so much faster or slower is another one.
const MOST_CHANGE: f64 = 1.5;
/// Figures that were measured by another method are measured again. To be counted up with what changes them.
const METHOD: u32 = 1;

/// What a machine was measured to do, as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Measured {
    /// Bytes a second that all cores move together.
    bandwidth: f64,
    step_seconds: ByThreads,
    rates: Vec<Rate>,
    attention: Vec<MeasuredAttention>,
}

/// What this process measured last.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Latest {
    bandwidth: f64,
    /// When it began to measure all anew, if it ever did.
    anew: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct MeasuredAttention {
    heads: Heads,
    in_one_pass: AttentionRate,
    in_steps: AttentionRate,
}

impl Models {
    /// What this machine does with weights of these formats and such heads; what is not known yet is measured, one
    /// caller after another, and all of it where it is asked for `anew`. Takes some seconds the first time.
    pub(super) async fn machine(&self, formats: Vec<String>, heads: Heads, anew: bool) -> Result<Machine> {
        let models = self.clone();
        let anew = anew.then(Instant::now);
        // Whoever asked may leave: what is being measured goes on to its end, and nothing is measured beside it.
        let measuring = tokio::spawn(async move { models.machine_alone(&formats, heads, anew).await });
        measuring.await.map_err(Error::internal)?
    }

    /// The same, with the time at which a new measurement was asked for: one that began after it will do.
    async fn machine_alone(&self, formats: &[String], heads: Heads, anew: Option<Instant>) -> Result<Machine> {
        let mut latest = self.inner.measuring.lock().await;
        let before = latest.and_then(|latest| latest.anew);
        let anew = anew.is_some_and(|asked| before.is_none_or(|began| began < asked));
        let options = self.inner.loaded.options().clone();
        let (writing, reading) = (threads_of(options.decode_threads), threads_of(options.prefill_threads));
        // Threads and engine make another machine of it.
        let kind = format!(
            "{}, {writing} and {reading} threads, {} layers on GPUs, {}, method {METHOD}",
            machine_kind(),
            options.gpu_layers,
            env!("CARGO_PKG_VERSION")
        );
        let kept = store::measured(&self.inner.store, &kind).await?;
        let began = Instant::now();
        // A machine of the same kind may have become another one since it was measured, as where a virtual one moved.
        let bandwidth = match *latest {
            Some(latest) if !anew => latest.bandwidth,
            _ => {
                let bandwidth =
                    tokio::task::spawn_blocking(|| measure_bandwidth().bandwidth).await.map_err(Error::internal)?;
                *latest = Some(Latest { bandwidth, anew: before });
                bandwidth
            }
        };
        let known = kept.filter(|kept| !anew && kept.is_of(bandwidth));
        let lacking: Vec<String> = {
            let has = |format: &String| known.as_ref().is_some_and(|known| known.has(format));
            formats.iter().filter(|format| !has(format)).cloned().collect()
        };
        let lacks = !lacking.is_empty() || known.as_ref().is_none_or(|known| known.attention(heads).is_none());
        let loader = self.inner.loaded.loader();
        let measured = tokio::task::spawn_blocking(move || {
            let mut measured = known.unwrap_or_else(|| Measured::of(bandwidth));
            if lacks {
                measured.add(&lacking, heads, loader.speeds(&lacking, heads, &options));
            }
            measured
        });
        let measured = measured.await.map_err(Error::internal)?;
        if lacks {
            store::keep(&self.inner.store, &kind, &measured, self.inner.clock.now()).await?;
        }
        if anew {
            *latest = Some(Latest { bandwidth, anew: Some(began) });
        }
        Ok(measured.machine(heads))
    }
}

/// The threads that answers are written with.
fn threads_of(asked: u32) -> u32 {
    let cores = std::thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(1));
    if asked == 0 { cores } else { asked.min(cores) }
}

impl Measured {
    fn of(bandwidth: f64) -> Self {
        Self { bandwidth, step_seconds: ByThreads::default(), rates: Vec::new(), attention: Vec::new() }
    }

    /// Whether a machine of this bandwidth may be the one that was measured; other work makes some difference.
    fn is_of(&self, bandwidth: f64) -> bool {
        (1.0 / MOST_CHANGE..=MOST_CHANGE).contains(&(bandwidth / self.bandwidth.max(1.0)))
    }

    fn attention(&self, heads: Heads) -> Option<&MeasuredAttention> {
        self.attention.iter().find(|attention| attention.heads == heads)
    }

    fn has(&self, format: &str) -> bool {
        self.rates.iter().any(|rate| rate.format == format)
    }

    /// Adds what was measured of these formats and of such heads. What the engine does not tell of is not asked for
    /// again: it has rates of 0, which stand for what the bandwidth allows.
    fn add(&mut self, asked: &[String], heads: Heads, speeds: Speeds) {
        if speeds.step_seconds.one > 0.0 {
            self.step_seconds = speeds.step_seconds;
        }
        // A restless machine tells nothing at times, and what it told before stays.
        let known = |now: f64, before: f64| if now > 0.0 { now } else { before };
        let known = |now: AttentionRate, before: AttentionRate| AttentionRate {
            alone_per_second: ByThreads {
                one: known(now.alone_per_second.one, before.alone_per_second.one),
                all: known(now.alone_per_second.all, before.alone_per_second.all),
            },
            together_per_second: known(now.together_per_second, before.together_per_second),
        };
        let before = self.attention(heads);
        let of = |attention: fn(&MeasuredAttention) -> AttentionRate| before.map(attention).unwrap_or_default();
        let attention = MeasuredAttention {
            heads,
            in_one_pass: known(speeds.in_one_pass, of(|its| its.in_one_pass)),
            in_steps: known(speeds.in_steps, of(|its| its.in_steps)),
        };
        self.attention.retain(|attention| attention.heads != heads);
        self.attention.push(attention);
        for format in asked {
            let found = speeds.rates.iter().find(|rate| rate.format == *format);
            self.rates.push(Rate { format: format.clone(), ..found.cloned().unwrap_or_default() });
        }
    }

    /// As a model with such heads meets it.
    fn machine(&self, heads: Heads) -> Machine {
        let known = self.rates.iter().filter(|rate| rate.bytes_per_second.one > 0.0 && rate.numbers_per_second > 0.0);
        let attention = self.attention(heads);
        Machine {
            bandwidth: self.bandwidth,
            step_seconds: self.step_seconds,
            rates: known.cloned().collect(),
            in_one_pass: attention.map(|its| its.in_one_pass).unwrap_or_default(),
            in_steps: attention.map(|its| its.in_steps).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Deployment;

    #[tokio::test]
    async fn who_waited_for_a_new_measurement_takes_the_one_that_began_meanwhile() {
        let deployment = Deployment::start().await;
        let models = &deployment.models;
        let (formats, heads) = (["F16".to_owned()], Heads { size: 64, sharing: 3 });
        let began = async || models.inner.measuring.lock().await.unwrap().anew;
        let asked = Instant::now();
        models.machine_alone(&formats, heads, None).await.unwrap();
        assert_eq!(began().await, None, "the first is no new one");
        models.machine_alone(&formats, heads, Some(asked)).await.unwrap();
        let first = began().await;
        assert!(first.is_some());
        models.machine_alone(&formats, heads, Some(asked)).await.unwrap();
        models.machine_alone(&formats, heads, None).await.unwrap();
        assert_eq!(began().await, first, "nothing was measured again");
        models.machine_alone(&formats, heads, Some(Instant::now())).await.unwrap();
        assert!(began().await > first);
    }

    #[test]
    fn a_machine_whose_memory_is_much_faster_or_slower_is_another_one() {
        let measured = Measured::of(20.0e9);
        assert!(measured.is_of(20.0e9) && measured.is_of(15.0e9) && measured.is_of(29.0e9));
        assert!(!measured.is_of(12.0e9) && !measured.is_of(31.0e9));
    }
}
