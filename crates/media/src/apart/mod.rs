//! Files are read in processes apart.
//!
//! A reader of a stranger's bytes may loop, or ask for memory until there is none. Only the operating system ends that
//! for certain, so a program that reads files calls [`isolate`] first, and each file is read by a process of its own
//! program that calls [`serve`]: it has 1 GiB of memory, the file's time, no environment, and can open nothing.

mod worker;

use std::borrow::Cow;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Error, Extracted, Limits, Result};
use worker::Worker;
pub use worker::serve;

/// Processes at work at the most; fewer where there are fewer cores.
const MOST_BUSY: usize = 8;
/// Processes that wait for the next file.
const MOST_IDLE: usize = 4;
/// How long a process may take longer than the file's time before it is ended: it mostly stops by itself.
const GRACE: Duration = Duration::from_millis(500);

static PROCESSES: OnceLock<Processes> = OnceLock::new();

/// A program that calls [`serve`] when it is started with the arguments.
#[derive(Debug, Clone)]
pub struct Program {
    /// The executable.
    pub path: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

/// Reads all files from now on in processes of this program. The first call counts.
pub fn isolate(program: Program) {
    let _ = PROCESSES.set(Processes::new(program));
}

pub(crate) fn processes() -> Option<&'static Processes> {
    PROCESSES.get()
}

/// A file that a process is to read. Its bytes follow.
#[derive(Debug, Serialize, Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    declared_type: Option<Cow<'a, str>>,
    bytes: u64,
    text_bytes: usize,
    time: Duration,
    pages: usize,
    expanded_bytes: u64,
}

impl Request<'_> {
    fn limits(&self) -> Limits {
        Limits {
            bytes: self.bytes,
            text_bytes: self.text_bytes,
            time: self.time,
            pages: self.pages,
            expanded_bytes: self.expanded_bytes,
        }
    }
}

/// The processes of a program, started as they are needed.
pub(crate) struct Processes {
    program: Program,
    most_busy: usize,
    state: Mutex<State>,
    /// Told when a process has come to its end of work.
    freed: Condvar,
}

#[derive(Default)]
struct State {
    busy: usize,
    idle: Vec<Worker>,
}

impl Processes {
    pub(crate) fn new(program: Program) -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let most_busy = cores.clamp(2, MOST_BUSY);
        Self { program, most_busy, state: Mutex::default(), freed: Condvar::new() }
    }

    /// Reads a file when a process is free. The file's time begins then.
    pub(crate) fn extract(
        &self,
        name: &str,
        declared_type: Option<&str>,
        bytes: &[u8],
        limits: &Limits,
    ) -> Result<Extracted> {
        let request = Request {
            name: name.into(),
            declared_type: declared_type.map(Cow::from),
            bytes: bytes.len() as u64,
            text_bytes: limits.text_bytes,
            time: limits.time,
            pages: limits.pages,
            expanded_bytes: limits.expanded_bytes,
        };
        let _turn = self.turn();
        let extracted = match self.idle().map(|worker| self.ask(worker, &request, bytes)) {
            // One that waited may have been ended from outside before it was asked.
            None | Some(Err(Error::Unavailable { .. })) => {
                self.ask(Worker::start(&self.program)?, &request, bytes)??
            }
            Some(answer) => answer??,
        };
        match extracted.is_sound() && extracted.text.len() <= limits.text_bytes {
            true => Ok(extracted),
            false => Err(unavailable("answered with a text that is none")),
        }
    }

    fn turn(&self) -> Turn<'_> {
        let mut state = self.lock();
        while state.busy >= self.most_busy {
            state = self.freed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.busy += 1;
        Turn(self)
    }

    /// What a process says of a file. One that gives no answer is of no more use, and ends here.
    fn ask(&self, mut worker: Worker, request: &Request<'_>, bytes: &[u8]) -> Result<Result<Extracted>> {
        let answer = worker.ask(request, bytes, request.time + GRACE)?;
        self.keep(worker);
        Ok(answer)
    }

    fn idle(&self) -> Option<Worker> {
        self.lock().idle.pop()
    }

    fn keep(&self, worker: Worker) {
        let mut state = self.lock();
        if state.idle.len() < MOST_IDLE {
            state.idle.push(worker);
        } else {
            drop(state);
            drop(worker);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to one process at work.
struct Turn<'a>(&'a Processes);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.lock().busy -= 1;
        self.0.freed.notify_one();
    }
}

fn unavailable(reason: impl Into<String>) -> Error {
    Error::Unavailable { reason: reason.into() }
}

#[cfg(test)]
mod tests;
