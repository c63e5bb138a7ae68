//! Cores that a replica computes on.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::backend::{Backend, Open};
use crate::{Error, Result};

/// Cores have numbers below this.
const MOST: u32 = 1024;

/// Some cores of the machine, by the operating system's numbers; at least one. Written as `0-3,8`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CoreSet(BTreeSet<u32>);

impl CoreSet {
    /// These cores; none where there are none, or one has a number of 1024 or more.
    #[must_use]
    pub fn of(cores: impl IntoIterator<Item = u32>) -> Option<Self> {
        let cores: BTreeSet<u32> = cores.into_iter().collect();
        (cores.last().is_some_and(|last| *last < MOST)).then_some(Self(cores))
    }

    /// How many there are: at least 1.
    #[must_use]
    pub fn count(&self) -> u32 {
        // Below `MOST`.
        self.0.len() as u32
    }

    /// The cores that the calling thread may run on; none where the system does not tell.
    #[cfg(target_os = "linux")]
    #[must_use]
    pub fn available() -> Option<Self> {
        let set = rustix::thread::sched_getaffinity(None).ok()?;
        Self::of((0..MOST).filter(|core| set.is_set(*core as usize)))
    }

    /// The cores that the calling thread may run on; none where the system does not tell.
    #[cfg(not(target_os = "linux"))]
    #[must_use]
    pub fn available() -> Option<Self> {
        None
    }

    /// So many sets of neighbours that have all cores together, of about one size; none where there are fewer cores.
    #[must_use]
    pub fn split(&self, parts: u32) -> Option<Vec<Self>> {
        let (count, cores) = (self.count(), self.iter().collect::<Vec<u32>>());
        let start = |part: u32| (u64::from(part) * u64::from(count) / u64::from(parts.max(1))) as usize;
        (1..=count).contains(&parts).then(|| {
            (0..parts).filter_map(|part| Self::of(cores[start(part)..start(part + 1)].iter().copied())).collect()
        })
    }

    /// The first core of another set that this one does not have.
    #[must_use]
    pub fn lacks(&self, other: &Self) -> Option<u32> {
        other.0.difference(&self.0).next().copied()
    }

    /// Their numbers, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter().copied()
    }

    /// The first core that both have.
    pub(crate) fn common(&self, other: &Self) -> Option<u32> {
        self.0.intersection(&other.0).next().copied()
    }
}

impl FromStr for CoreSet {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refused = || Error::Request { reason: format!("`{text}` is no set of cores: write it as `0-3,8`") };
        let mut cores = BTreeSet::new();
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let number = |text: &str| text.trim().parse::<u32>().ok().filter(|core| *core < MOST).ok_or_else(refused);
            let (first, last) = (number(first)?, number(last)?);
            if first > last {
                return Err(refused());
            }
            cores.extend(first..=last);
        }
        Self::of(cores).ok_or_else(refused)
    }
}

impl fmt::Display for CoreSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.iter().peekable();
        let mut separator = "";
        while let Some(first) = rest.next() {
            let mut last = first;
            while let Some(next) = rest.next_if_eq(&(last + 1)) {
                last = next;
            }
            match first == last {
                true => write!(f, "{separator}{first}")?,
                false => write!(f, "{separator}{first}-{last}")?,
            }
            separator = ",";
        }
        Ok(())
    }
}

/// Opens a backend on a core set: the thread that opens it, and those that it starts, run there from then on.
pub struct Pinned<O> {
    cores: Option<CoreSet>,
    open: O,
}

impl<O> Pinned<O> {
    /// Opens as `open` does, on these cores where there are some.
    pub const fn new(cores: Option<CoreSet>, open: O) -> Self {
        Self { cores, open }
    }
}

impl<O: Open> Open for Pinned<O> {
    fn open(&mut self, drive: &mut dyn FnMut(&mut dyn Backend)) -> Result<()> {
        if let Some(cores) = &self.cores {
            pin(cores)?;
        }
        self.open.open(drive)
    }
}

/// Lets the calling thread, and those that it starts from now on, run on these cores alone.
#[cfg(target_os = "linux")]
fn pin(cores: &CoreSet) -> Result<()> {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    let refused = |reason: String| Error::Engine { reason: format!("cores `{cores}` cannot be used: {reason}") };
    let mut set = CpuSet::new();
    cores.iter().for_each(|core| set.set(core as usize));
    sched_setaffinity(None, &set).map_err(|error| refused(error.to_string()))?;
    // The kernel passes over cores that there are not.
    let used = sched_getaffinity(None).map_err(|error| refused(error.to_string()))?;
    match cores.iter().find(|core| !used.is_set(*core as usize)) {
        Some(core) => Err(refused(format!("there is no core {core}"))),
        None => Ok(()),
    }
}

#[cfg(not(target_os = "linux"))]
fn pin(cores: &CoreSet) -> Result<()> {
    let reason = format!("cores `{cores}` cannot be used: only Linux lets a program choose its cores");
    Err(Error::Engine { reason })
}

#[cfg(test)]
mod tests;
