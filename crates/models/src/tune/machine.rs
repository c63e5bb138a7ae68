//! What the machine can do: its cores, and how fast they read memory.
//!
//! The speed is that of the triad `a[i] = b[i] + s * c[i]` of STREAM (J. D. McCalpin, Memory bandwidth and machine balance
//! in current high performance computers, 1995), over arrays too large for most caches, counted as STREAM counts: 24 bytes
//! an element.

use std::sync::Barrier;
use std::time::Instant;

use inference::CoreSet;
use serde::{Deserialize, Serialize};

use super::space::Cores;

/// Elements of each of the three arrays.
const SIZES: [usize; 3] = [2 << 20, 4 << 20, 8 << 20];
/// How often each size is read; the best counts.
const REPEATS: usize = 4;

/// Facts of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MachineFacts {
    /// The cores that this process may use.
    pub cores: u32,
    /// The machine's memory, where it can be told.
    pub memory_bytes: Option<u64>,
    /// Bytes a second that one core alone moves.
    pub core_bandwidth: f64,
    /// Bytes a second that all cores move together.
    pub bandwidth: f64,
}

impl MachineFacts {
    /// The memory for each core, where the machine's can be told.
    #[must_use]
    pub fn memory_per_core(&self) -> Option<u64> {
        self.memory_bytes.map(|bytes| bytes / u64::from(self.cores.max(1)))
    }
}

/// Measures the machine. Blocks for up to some seconds.
pub(super) fn measure() -> MachineFacts {
    let cores = cores();
    MachineFacts { cores, memory_bytes: memory(), core_bandwidth: fastest(1), bandwidth: fastest(cores as usize) }
}

/// The cores that this process may use.
pub(super) fn cores() -> u32 {
    std::thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(u32::MAX))
}

/// How many cores there are to share out, and which: fewer than the thread's own set where a control group allows less time.
pub(super) fn shared_out() -> Cores {
    let set = CoreSet::available();
    let count = cores().min(set.as_ref().map_or(u32::MAX, CoreSet::count));
    Cores { count, set }
}

fn memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib * 1024)
}

fn fastest(threads: usize) -> f64 {
    SIZES.iter().map(|elements| triad(threads, *elements)).fold(0.0, f64::max)
}

/// The best of some triads, in bytes a second.
fn triad(threads: usize, elements: usize) -> f64 {
    let share = elements.div_ceil(threads);
    let start = Barrier::new(threads);
    let times: Vec<[f64; REPEATS]> = std::thread::scope(|scope| {
        let run = || {
            let (mut a, b, c) = (vec![0.0_f64; share], vec![1.0_f64; share], vec![2.0_f64; share]);
            std::array::from_fn(|repeat| {
                start.wait();
                let started = Instant::now();
                let factor = 3.0 + repeat as f64;
                for ((a, b), c) in a.iter_mut().zip(&b).zip(&c) {
                    *a = *b + factor * *c;
                }
                let seconds = started.elapsed().as_secs_f64();
                std::hint::black_box(&mut a);
                seconds
            })
        };
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    // A repeat is over when its slowest thread is.
    let slowest = |repeat: usize| times.iter().map(|times| times[repeat]).fold(0.0, f64::max);
    let best = (0..REPEATS).map(slowest).fold(f64::INFINITY, f64::min);
    (3 * 8 * share * threads) as f64 / best.max(1e-9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_moves_at_some_speed_by_one_and_by_many() {
        let facts = MachineFacts { cores: 3, memory_bytes: Some(10), core_bandwidth: 1.0, bandwidth: 1.0 };
        assert_eq!(
            (facts.memory_per_core(), MachineFacts { memory_bytes: None, ..facts }.memory_per_core()),
            (Some(3), None)
        );
        assert!(shared_out().set.is_none_or(|set| set.count() >= shared_out().count));
        assert!(triad(1, 10_000) > 0.0 && triad(3, 10_000).is_finite());
        assert!(cores() > 0 && memory().is_none_or(|bytes| bytes > 1 << 20));
    }
}
