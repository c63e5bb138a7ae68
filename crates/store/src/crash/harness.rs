//! The seeded driver of crash tests.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::{CRASH_AT, CRASH_TRACE};

/// A program under test, and what must hold after each of its deaths.
pub trait Workload {
    /// Makes an empty place (data directory …) for a new round; `round` counts from 0.
    ///
    /// # Errors
    /// Anything that stops the test.
    fn reset(&mut self, round: usize) -> io::Result<()>;

    /// The program, to be started on the place as it is now. The harness adds the variables that make it crash.
    fn command(&mut self) -> Command;

    /// Gives the running program work, for one that does not end by itself; returns when it died or has been told to end.
    fn drive(&mut self, child: &mut Child) {
        let _ = child;
    }

    /// Looks at what the program left behind.
    ///
    /// # Errors
    /// The violated invariant in words.
    fn check(&mut self, ending: &Ending) -> Result<(), String>;
}

/// How one run of the program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// It was killed at the `number`-th point of that run.
    Killed {
        /// Counts from 1.
        number: u64,
        /// The point's name.
        name: String,
    },
    /// It ended by itself, successfully.
    Finished,
}

/// Runs a [`Workload`] many times, killing it at points drawn from a seed.
#[derive(Debug, Clone)]
pub struct Harness {
    /// Which points: the same seed draws the same ones.
    pub seed: u64,
    /// How many times to begin on an empty place.
    pub rounds: usize,
    /// How often to kill within a round, before the program may finish.
    pub kills: usize,
    /// How long one run may take before the test fails.
    pub time_limit: Duration,
}

/// Why a crash test failed, with what is needed to see it again.
#[derive(Debug)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// The round, from 0.
    pub round: usize,
    /// The round's endings so far, the last being the one that failed.
    pub endings: Vec<Ending>,
    /// What was violated.
    pub reason: String,
}

impl Harness {
    /// Learns from one undisturbed run how many points there are, then runs `rounds` rounds, each with `kills` deaths
    /// at drawn points and one run to the end; checks the invariants after every run.
    ///
    /// # Errors
    /// The first violated invariant, hang or unexpected exit.
    pub fn run(&self, workload: &mut dyn Workload) -> Result<(), Failure> {
        let mut draw = Draw(self.seed);
        let trace = TraceFile::new();
        let mut round = Round { harness: self, workload, trace: &trace, number: 0, endings: Vec::new() };
        round.begin(0)?;
        round.once(None)?;
        let points = trace.lines().len() as u64;
        if points == 0 {
            return Err(round.failed("the undisturbed run reached no crash point"));
        }
        for number in 1..=self.rounds {
            round.begin(number)?;
            for _ in 0..self.kills {
                round.once(Some(1 + draw.next() % points))?;
            }
            round.once(None)?;
        }
        Ok(())
    }
}

struct Round<'a> {
    harness: &'a Harness,
    workload: &'a mut dyn Workload,
    trace: &'a TraceFile,
    number: usize,
    endings: Vec<Ending>,
}

impl Round<'_> {
    fn begin(&mut self, number: usize) -> Result<(), Failure> {
        self.number = number;
        self.endings.clear();
        self.workload.reset(number).map_err(|error| self.failed(error))
    }

    /// Runs the program once, to be killed at point `crash_at` if it gets there, and checks.
    fn once(&mut self, crash_at: Option<u64>) -> Result<(), Failure> {
        self.trace.clear();
        let mut command = self.workload.command();
        command.env(CRASH_TRACE, &self.trace.0).env_remove(CRASH_AT);
        if let Some(number) = crash_at {
            command.env(CRASH_AT, number.to_string());
        }
        let mut child = command.spawn().map_err(|error| self.failed(error))?;
        self.workload.drive(&mut child);
        let status = self.wait(child)?;
        let ending = self.ending(status, crash_at)?;
        self.endings.push(ending.clone());
        self.workload.check(&ending).map_err(|reason| self.failed(reason))
    }

    fn wait(&self, mut child: Child) -> Result<ExitStatus, Failure> {
        let start = Instant::now();
        loop {
            match child.try_wait() {
                Ok(Some(status)) => return Ok(status),
                Ok(None) if start.elapsed() > self.harness.time_limit => {
                    // Failing either way; a child that cannot be killed is gone already.
                    let _ = child.kill();
                    let _ = child.wait();
                    return Err(self.failed(format!("the program still ran after {:?}", self.harness.time_limit)));
                }
                Ok(None) => std::thread::sleep(Duration::from_millis(2)),
                Err(error) => return Err(self.failed(error)),
            }
        }
    }

    fn ending(&self, status: ExitStatus, crash_at: Option<u64>) -> Result<Ending, Failure> {
        use std::os::unix::process::ExitStatusExt as _;
        const SIGKILL: i32 = 9;
        match (status.signal(), crash_at) {
            (None, _) if status.success() => Ok(Ending::Finished),
            (Some(SIGKILL), Some(number)) => {
                let names = self.trace.lines();
                let name = names.get(number as usize - 1).cloned().unwrap_or_default();
                Ok(Ending::Killed { number, name })
            }
            _ => Err(self.failed(format!("the program ended by itself with {status}"))),
        }
    }

    fn failed(&self, reason: impl fmt::Display) -> Failure {
        Failure {
            seed: self.harness.seed,
            round: self.number,
            endings: self.endings.clone(),
            reason: reason.to_string(),
        }
    }
}

/// The file that the program appends its points to; removed in the end.
struct TraceFile(PathBuf);

impl TraceFile {
    /// Of its own for each harness that runs, in this process or another.
    fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Self(std::env::temp_dir().join(format!("craton-crash-trace-{}-{count}", std::process::id())))
    }

    fn clear(&self) {
        // Absent is as good as empty.
        let _ = fs::remove_file(&self.0);
    }

    fn lines(&self) -> Vec<String> {
        fs::read_to_string(Path::new(&self.0)).unwrap_or_default().lines().map(str::to_owned).collect()
    }
}

impl Drop for TraceFile {
    fn drop(&mut self) {
        self.clear();
    }
}

/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {}, round {}, after {:?}: {}", self.seed, self.round, self.endings, self.reason)
    }
}

impl std::error::Error for Failure {}
