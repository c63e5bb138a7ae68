//! What the machine can do: its cores, and how fast they read memory.

use std::collections::BTreeMap;
use std::path::Path;

use inference::{CoreSet, memory_bandwidth};
use serde::{Deserialize, Serialize};

use super::space::Cores;

/// Elements of eight bytes in each of the three arrays that are read, at least, where there is memory for them.
const LEAST_ELEMENTS: u64 = 8 << 20;
/// How many times as large as the last caches together each array is (STREAM's own rule).
const TIMES_THE_CACHES: u64 = 4;
/// Where the system tells of its processors.
const PROCESSORS: &str = "/sys/devices/system/cpu";

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

/// What machines have in common that profiles are of use to: the processor, its cores and the memory. Several machines may
/// share a database.
pub(crate) fn kind() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = text.lines().filter_map(|line| line.split_once(':')).find(|(name, _)| name.trim() == "model name");
    let processor = field.map_or(std::env::consts::ARCH, |(_, value)| value.trim());
    // What the kernel takes for itself differs a little from start to start.
    let gib = memory("MemTotal:").unwrap_or(0).div_ceil(1 << 30);
    format!("{processor}, {} cores, {gib} GiB", cores())
}

/// Measures the machine. Blocks for up to some seconds.
pub(crate) fn measure() -> MachineFacts {
    let (cores, memory_bytes) = (cores(), memory("MemTotal:"));
    let elements = elements(last_caches(Path::new(PROCESSORS)), free_memory());
    let speed = |threads| memory_bandwidth(threads, elements);
    MachineFacts { cores, memory_bytes, core_bandwidth: speed(1), bandwidth: speed(cores as usize) }
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

fn memory(which: &str) -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(which))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib * 1024)
}

/// The memory that is free, as far as a control group lets this process have it.
fn free_memory() -> Option<u64> {
    let number = |name: &str| {
        let text = std::fs::read_to_string(Path::new("/sys/fs/cgroup").join(name)).ok()?;
        text.trim().parse::<u64>().ok()
    };
    let left = number("memory.max").map(|most| most.saturating_sub(number("memory.current").unwrap_or(0)));
    memory("MemAvailable:").into_iter().chain(left).min()
}

/// Elements of each array: too many for the caches, while all three take at most a quarter of the free memory.
fn elements(caches: u64, free: Option<u64>) -> usize {
    let wanted = LEAST_ELEMENTS.max(caches.saturating_mul(TIMES_THE_CACHES).div_ceil(8));
    let most = free.map_or(LEAST_ELEMENTS, |free| free / 4 / 3 / 8);
    usize::try_from(wanted.min(most).max(1)).unwrap_or(usize::MAX)
}

/// The bytes of all caches of the last level together, each counted once; 0 where the system does not tell.
fn last_caches(processors: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(processors) else { return 0 };
    let caches = entries.flatten().filter_map(|entry| last_cache(&entry.path().join("cache")));
    caches.collect::<BTreeMap<String, u64>>().values().sum()
}

/// The processors that share the last cache of one of them, and its bytes.
fn last_cache(dir: &Path) -> Option<(String, u64)> {
    let read = |cache: &Path, name: &str| std::fs::read_to_string(cache.join(name)).ok();
    let caches = std::fs::read_dir(dir).ok()?.flatten().map(|entry| entry.path());
    let levels = caches.filter_map(|cache| Some((read(&cache, "level")?.trim().parse::<u32>().ok()?, cache)));
    let (_, last) = levels.max()?;
    Some((read(&last, "shared_cpu_list")?, bytes_of(read(&last, "size")?.trim())?))
}

/// Reads `32768K`.
fn bytes_of(size: &str) -> Option<u64> {
    let (number, factor) = match (size.strip_suffix('K'), size.strip_suffix('M')) {
        (Some(number), _) => (number, 1 << 10),
        (None, Some(number)) => (number, 1 << 20),
        (None, None) => (size, 1),
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_core_has_its_part_of_the_memory() {
        let facts = MachineFacts { cores: 3, memory_bytes: Some(10), core_bandwidth: 1.0, bandwidth: 1.0 };
        assert_eq!(
            (facts.memory_per_core(), MachineFacts { memory_bytes: None, ..facts }.memory_per_core()),
            (Some(3), None)
        );
        assert!(shared_out().set.is_none_or(|set| set.count() >= shared_out().count));
        assert!(cores() > 0 && memory("MemTotal:").is_none_or(|bytes| bytes > 1 << 20));
    }

    #[test]
    fn the_arrays_are_too_large_for_the_caches_and_leave_memory_to_others() {
        let (mib, gib) = (1_u64 << 20, 1_u64 << 30);
        assert_eq!(elements(0, Some(64 * gib)) as u64 * 8, 64 * mib);
        assert_eq!(elements(96 * mib, Some(64 * gib)) as u64 * 8, 384 * mib);
        assert!(elements(96 * mib, Some(gib)) as u64 * 8 * 3 <= gib / 4);
        assert_eq!(elements(96 * mib, None) as u64, LEAST_ELEMENTS);
    }

    #[test]
    fn each_cache_of_the_last_level_counts_once() {
        let dir = tempfile::tempdir().unwrap();
        for (cpu, shared) in [("cpu0", "0-1"), ("cpu1", "0-1"), ("cpu2", "2-3")] {
            for (index, level, size) in [("index0", "1", "32K"), ("index3", "3", "16M")] {
                let cache = dir.path().join(cpu).join("cache").join(index);
                std::fs::create_dir_all(&cache).unwrap();
                for (name, text) in [("level", level), ("size", size), ("shared_cpu_list", shared)] {
                    std::fs::write(cache.join(name), format!("{text}\n")).unwrap();
                }
            }
        }
        assert_eq!((last_caches(dir.path()), last_caches(&dir.path().join("none"))), (32 << 20, 0));
    }
}
