//! Processes that render a template apart from the server: our end of the pipes.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use base::Timestamp;
use rustix::process::Signal;
use serde_json::Value;

use super::jinja::{Refusal, check_length};
use super::pool::{Pool, Template};
use super::worker::{MEMORY, PANICKED, Reply, Request, SECONDS};

/// Bytes of an answer.
const LONGEST_ANSWER: u64 = 64 << 20;

static PROGRAM: OnceLock<Program> = OnceLock::new();
/// The processes of all templates.
static POOL: Pool<Worker> = Pool::new();
static TEMPLATES: AtomicU64 = AtomicU64::new(0);

/// A program that calls [`serve`](super::serve) when it is started with the arguments.
#[derive(Debug, Clone)]
pub struct Program {
    /// The executable.
    pub path: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

/// Renders the templates of all models that are loaded from now on in processes of this program. The first call counts.
pub fn isolate(program: Program) {
    let _ = PROGRAM.set(program);
}

pub(super) fn program() -> Option<&'static Program> {
    PROGRAM.get()
}

/// The processes of one template, started as they are needed.
pub(super) struct Workers {
    program: Program,
    source: String,
    /// How long one answer may take, and how long to wait for a process to be free.
    patience: Duration,
    template: Template,
    pool: &'static Pool<Worker>,
}

impl Workers {
    /// Starts the first process with the template.
    pub(super) fn new(program: &Program, source: &str) -> Result<Self, Refusal> {
        Self::patient(program, source, Duration::from_secs(SECONDS))
    }

    pub(super) fn patient(program: &Program, source: &str, patience: Duration) -> Result<Self, Refusal> {
        check_length(source)?;
        let template = TEMPLATES.fetch_add(1, Ordering::Relaxed);
        let workers = Self { program: program.clone(), source: source.to_owned(), patience, template, pool: &POOL };
        workers.with_worker(|_| Ok(()))?;
        Ok(workers)
    }

    /// Renders with the variables at a time.
    pub(super) fn render(&self, variables: Value, now: Timestamp) -> Result<String, Refusal> {
        let request = Request::Render { variables, now: now.as_millis() };
        match self.with_worker(|worker| worker.ask(&request, self.patience))? {
            Reply::Text(text) => Ok(text),
            other => Err(unexpected(other)),
        }
    }

    /// Works with a process when it is this template's turn. After an error the process is of no more use.
    fn with_worker<T>(&self, work: impl FnOnce(&mut Worker) -> Result<T, Refusal>) -> Result<T, Refusal> {
        let busy = || Refusal::Unavailable("other conversations keep all processes busy".to_owned());
        let _turn = self.pool.turn(self.template, self.patience).ok_or_else(busy)?;
        let mut worker = self.idle().map_or_else(|| self.start(), Ok)?;
        let outcome = work(&mut worker)?;
        drop(self.pool.keep(self.template, worker));
        Ok(outcome)
    }

    /// A process that has the template already. One may have been ended from outside since.
    fn idle(&self) -> Option<Worker> {
        let mut idle = std::iter::from_fn(|| self.pool.idle(self.template));
        idle.find_map(|mut worker| matches!(worker.child.try_wait(), Ok(None)).then_some(worker))
    }

    fn start(&self) -> Result<Worker, Refusal> {
        let mut worker = Worker::start(&self.program)?;
        match worker.ask(&Request::Source(self.source.clone()), self.patience)? {
            Reply::Ready => Ok(worker),
            other => Err(unexpected(other)),
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        drop(self.pool.forget(self.template));
    }
}

fn unexpected(reply: Reply) -> Refusal {
    match reply {
        Reply::Refused(reason) => Refusal::Refused(reason),
        Reply::Exceeded(reason) => Refusal::Exceeded(reason),
        Reply::Failed(reason) => Refusal::Unavailable(reason),
        Reply::Ready | Reply::Text(_) => Refusal::Unavailable("its process answered something else".to_owned()),
    }
}

/// A process. Dropping it ends it.
struct Worker {
    child: Child,
    requests: ChildStdin,
    /// Lines; none for one that is too long, after which nothing comes.
    replies: Receiver<Option<Vec<u8>>>,
}

impl Worker {
    fn start(program: &Program) -> Result<Self, Refusal> {
        let failed = |error: std::io::Error| {
            tracing::error!(program = %program.path.display(), %error, "no process for a chat template could be started");
            Refusal::Unavailable("the process that renders it could not be started".to_owned())
        };
        let mut child = Command::new(&program.path)
            .args(&program.arguments)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(failed)?;
        let (sender, replies) = sync_channel(1);
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (requests, output) = pipes.ok_or_else(|| failed(std::io::ErrorKind::BrokenPipe.into()))?;
        let worker = Self { child, requests, replies };
        let read = move || {
            let mut output = BufReader::new(output);
            loop {
                let mut line = Vec::new();
                let read = output.by_ref().take(LONGEST_ANSWER).read_until(b'\n', &mut line);
                let line = match (read, line.pop()) {
                    (Ok(_), Some(b'\n')) => Some(line),
                    (Ok(read), _) if read as u64 == LONGEST_ANSWER => None,
                    _ => return,
                };
                let over = line.is_none();
                if sender.send(line).is_err() || over {
                    return;
                }
            }
        };
        std::thread::Builder::new().name("template".to_owned()).spawn(read).map_err(failed)?;
        Ok(worker)
    }

    /// Asks and waits. After an error the process is of no more use.
    fn ask(&mut self, request: &Request, patience: Duration) -> Result<Reply, Refusal> {
        let mut line = serde_json::to_vec(request).map_err(|error| Refusal::Unavailable(error.to_string()))?;
        line.push(b'\n');
        if self.requests.write_all(&line).and_then(|()| self.requests.flush()).is_err() {
            return Err(self.gone());
        }
        match self.replies.recv_timeout(patience) {
            Ok(Some(reply)) => serde_json::from_slice(&reply)
                .map_err(|error| Refusal::Unavailable(format!("its process's answer could not be read: {error}"))),
            Ok(None) => {
                let mib = LONGEST_ANSWER >> 20;
                Err(Refusal::Exceeded(format!("it writes more than the {mib} MiB that a template may write")))
            }
            Err(RecvTimeoutError::Disconnected) => Err(self.gone()),
            Err(RecvTimeoutError::Timeout) => Err(too_long(patience.as_secs_f32())),
        }
    }

    /// Why the process is no more. It has closed its pipes, and its status stands since it began to end.
    fn gone(&mut self) -> Refusal {
        let _ = self.child.kill();
        match self.child.wait() {
            Ok(status) => cause(status),
            Err(error) => Refusal::Unavailable(format!("its process is gone: {error}")),
        }
    }
}

/// What ended a process in the midst of its work: a limit that the template has reached, or somebody else.
fn cause(status: ExitStatus) -> Refusal {
    let signal = status.signal().and_then(Signal::from_named_raw);
    match signal {
        // So ends what gets no memory, or overflows its stack.
        Some(Signal::ABORT | Signal::SEGV) => {
            let mib = MEMORY >> 20;
            Refusal::Exceeded(format!("it takes more than the {mib} MiB of memory that a template may take"))
        }
        Some(Signal::XCPU) => too_long(SECONDS as f32),
        _ if status.code() == Some(PANICKED.into()) => {
            Refusal::Exceeded("it does what its renderer cannot do".to_owned())
        }
        _ => {
            tracing::warn!(%status, "a process of a chat template was ended");
            Refusal::Unavailable("its process was ended".to_owned())
        }
    }
}

fn too_long(seconds: f32) -> Refusal {
    Refusal::Exceeded(format!("it takes longer than the {seconds} s that a template may take"))
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests;
