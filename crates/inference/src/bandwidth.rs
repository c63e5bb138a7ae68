//! How fast cores read memory.
//!
//! The speed is that of the triad `a[i] = b[i] + s * c[i]` of STREAM (J. D. McCalpin, Memory bandwidth and machine balance
//! in current high performance computers, 1995), counted as STREAM counts: 24 bytes an element. It is here, and not where it
//! is asked for, because this crate is optimised in every build.

use std::sync::Barrier;
use std::time::Instant;

/// How often the arrays are read; the best counts.
const REPEATS: usize = 4;

/// The speed of the best of some triads over arrays of so many elements of eight bytes, shared out among `threads`, in bytes
/// a second. Blocks for as long as that takes. The arrays must be larger than the caches, or the speed is that of these.
#[must_use]
pub fn memory_bandwidth(threads: usize, elements: usize) -> f64 {
    let threads = threads.max(1);
    let share = elements.div_ceil(threads);
    let start = Barrier::new(threads);
    let times: Vec<[f64; REPEATS]> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(|| triads(share, &start))).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    // A repeat is over when its slowest thread is.
    let slowest = |repeat: usize| times.iter().map(|times| times[repeat]).fold(0.0, f64::max);
    let best = (0..REPEATS).map(slowest).fold(f64::INFINITY, f64::min);
    (3 * 8 * share * threads) as f64 / best.max(1e-9)
}

/// The seconds of each repeat.
fn triads(share: usize, start: &Barrier) -> [f64; REPEATS] {
    let (mut a, b, c) = (vec![0.0_f64; share], vec![1.0_f64; share], vec![2.0_f64; share]);
    std::array::from_fn(|repeat| {
        start.wait();
        let started = Instant::now();
        triad(&mut a, &b, &c, 3.0 + repeat as f64);
        std::hint::black_box(&mut a);
        started.elapsed().as_secs_f64()
    })
}

#[inline(never)]
fn triad(a: &mut [f64], b: &[f64], c: &[f64], factor: f64) {
    for ((a, b), c) in a.iter_mut().zip(b).zip(c) {
        *a = *b + factor * *c;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_moves_at_some_speed_by_one_and_by_many() {
        assert!(memory_bandwidth(1, 10_000) > 0.0 && memory_bandwidth(3, 10_000).is_finite());
        assert!(memory_bandwidth(0, 10) > 0.0);
    }

    #[test]
    fn a_triad_adds_a_multiple_to_each_element() {
        let mut a = [0.0; 2];
        triad(&mut a, &[1.0, 2.0], &[10.0, 20.0], 3.0);
        assert_eq!(a, [31.0, 62.0]);
    }
}
