//! Crash points: numbered places around every durable write where a test can kill the process.
//!
//! Code calls [`point`] before and after each commit, fsync and rename. A process that was started with
//! `CRATON_CRASH_AT=N` kills itself with SIGKILL at the N-th point it reaches; one that was started with
//! `CRATON_CRASH_TRACE=FILE` appends each point's name to that file as a line. Without either a point costs one relaxed
//! load. SIGKILL loses no page cache, so this proves the order of writes and the recovery, not the fsyncs themselves.

mod harness;

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

pub use harness::{Ending, Failure, Harness, Workload};

/// The variable that says at which point to die.
pub const CRASH_AT: &str = "CRATON_CRASH_AT";

/// The variable that names the file which receives the points' names.
pub const CRASH_TRACE: &str = "CRATON_CRASH_TRACE";

/// A place next to a durable write. `name` tells which: `store.commit.before`.
#[inline]
pub fn point(name: &str) {
    if POSSIBLE.load(Ordering::Relaxed) {
        reached(name);
    }
}

/// False once it is known that this process neither crashes nor traces.
static POSSIBLE: AtomicBool = AtomicBool::new(true);
static PLAN: OnceLock<Option<Plan>> = OnceLock::new();

#[derive(Debug)]
struct Plan {
    /// 0: never.
    crash_at: u64,
    reached: AtomicU64,
    trace: Option<File>,
}

#[cold]
fn reached(name: &str) {
    let Some(plan) = PLAN.get_or_init(read_plan) else {
        POSSIBLE.store(false, Ordering::Relaxed);
        return;
    };
    let count = plan.reached.fetch_add(1, Ordering::SeqCst) + 1;
    if let Some(mut trace) = plan.trace.as_ref() {
        // One write call, so that lines of several threads do not mix; a lost line only weakens the test that reads it.
        let _ = trace.write_all(format!("{name}\n").as_bytes());
    }
    if count == plan.crash_at {
        die();
    }
}

fn read_plan() -> Option<Plan> {
    let crash_at = std::env::var(CRASH_AT).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    let trace =
        std::env::var_os(CRASH_TRACE).and_then(|path| OpenOptions::new().append(true).create(true).open(path).ok());
    (crash_at > 0 || trace.is_some()).then(|| Plan { crash_at, reached: AtomicU64::new(0), trace })
}

/// Dies as by power cut: no destructor, no exit handler, no flush.
fn die() -> ! {
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    // The signal is on its way; should it not be, dying otherwise is as good.
    std::process::abort()
}
