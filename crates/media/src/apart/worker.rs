//! A process that reads files: both ends of its pipes.
//!
//! A line of JSON and the file's bytes in, a line of JSON out, until the input ends.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};

use super::{Program, Request, unavailable};
use crate::{Error, Extracted, Result, extract_here};

/// Bytes of memory of the process's own.
const MEMORY: u64 = 1 << 30;
/// Bytes of address space, the program's files included.
const ADDRESSES: u64 = 6 << 30;
/// Bytes of the stack: what is read may be nested deeply.
const STACK: usize = 64 << 20;
/// The standard input, output and error, and nothing else: no file and no connection can be opened.
const DESCRIPTORS: u64 = 3;
/// Bytes of an answer beside its text: its blocks.
const LONGEST_ANSWER: u64 = 256 << 20;

/// A process. Dropping it ends it.
pub(super) struct Worker {
    child: Child,
    requests: ChildStdin,
    replies: BufReader<ChildStdout>,
}

impl Worker {
    pub(super) fn start(program: &Program) -> Result<Self> {
        let failed = |error: io::Error| {
            tracing::error!(program = %program.path.display(), %error, "no process to read files could be started");
            unavailable("could not be started")
        };
        let mut child = Command::new(&program.path)
            .args(&program.arguments)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(failed)?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (requests, replies) = pipes.ok_or_else(|| failed(io::ErrorKind::BrokenPipe.into()))?;
        Ok(Self { child, requests, replies: BufReader::new(replies) })
    }

    #[cfg(test)]
    pub(super) fn end(&mut self) {
        self.child.kill().expect("it is alive");
    }

    /// Asks and waits; what the process says of the file, or why it says nothing. Then it is of no more use.
    pub(super) fn ask(&mut self, request: &Request<'_>, bytes: &[u8], patience: Duration) -> Result<Result<Extracted>> {
        let process = Pid::from_child(&self.child);
        let (done, working) = channel::<()>();
        std::thread::scope(|scope| {
            // It has not been waited for, so the id is still its own.
            let watch = move || {
                let late = working.recv_timeout(patience) == Err(RecvTimeoutError::Timeout);
                late && kill_process(process, Signal::KILL).is_ok()
            };
            let watch = std::thread::Builder::new().name("file".to_owned()).spawn_scoped(scope, watch);
            let watch = watch.map_err(|error| unavailable(format!("cannot be watched: {error}")))?;
            let answer = self.exchange(request, bytes);
            drop(done);
            let late = watch.join().unwrap_or(false);
            match answer {
                Ok(answer) => Ok(answer),
                Err(_) if late => Err(Error::TooSlow { seconds: request.time.as_secs() }),
                Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(unavailable(error.to_string())),
                Err(_) => Err(self.gone(request)),
            }
        })
    }

    fn exchange(&mut self, request: &Request<'_>, bytes: &[u8]) -> io::Result<Result<Extracted>> {
        let invalid = |reason: String| io::Error::new(io::ErrorKind::InvalidData, reason);
        let mut line = serde_json::to_vec(request)?;
        line.push(b'\n');
        self.requests.write_all(&line)?;
        self.requests.write_all(bytes)?;
        self.requests.flush()?;
        let longest = LONGEST_ANSWER + 2 * request.text_bytes as u64;
        let mut answer = Vec::new();
        self.replies.by_ref().take(longest).read_until(b'\n', &mut answer)?;
        match answer.last() {
            Some(b'\n') => serde_json::from_slice(&answer)
                .map_err(|error| invalid(format!("gave an answer that cannot be read: {error}"))),
            _ if answer.len() as u64 == longest => Ok(Err(Error::TooMuchText { limit: request.text_bytes })),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// Why the process is no more. It has closed its pipes, and its status stands since it began to end.
    fn gone(&mut self, request: &Request<'_>) -> Error {
        let _ = self.child.kill();
        match self.child.wait() {
            Ok(status) => cause(status, request),
            Err(error) => unavailable(format!("is gone: {error}")),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What ended a process in the midst of its work: a limit that the file has reached, or somebody else.
fn cause(status: ExitStatus, request: &Request<'_>) -> Error {
    match status.signal().and_then(Signal::from_named_raw) {
        // So ends what gets no memory, or overflows its stack.
        Some(Signal::ABORT | Signal::SEGV) => Error::TooMuchMemory { limit: MEMORY },
        Some(Signal::XCPU) => Error::TooSlow { seconds: request.time.as_secs() },
        _ => {
            tracing::warn!(%status, "a process that reads files was ended");
            unavailable("was ended")
        }
    }
}

/// Reads the files that standard input brings until that ends. The program that [`isolate`](super::isolate) names calls
/// this and nothing else.
pub fn serve() -> ExitCode {
    let run = || -> io::Result<()> {
        limit(Resource::Core, 0)?;
        limit(Resource::Fsize, 0)?;
        limit(Resource::Nofile, DESCRIPTORS)?;
        limit(Resource::Data, MEMORY)?;
        limit(Resource::As, ADDRESSES)?;
        answer_all(&mut BufReader::new(io::stdin()), &mut io::stdout().lock())
    };
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(run);
    match thread.map(std::thread::JoinHandle::join) {
        Ok(Ok(Ok(()))) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn answer_all(requests: &mut impl BufRead, replies: &mut impl Write) -> io::Result<()> {
    let mut line = String::new();
    while requests.read_line(&mut line)? > 0 {
        let request: Request<'_> = serde_json::from_str(&line)?;
        allow(request.time)?;
        let mut bytes = Vec::new();
        requests.by_ref().take(request.bytes).read_to_end(&mut bytes)?;
        let answer = extract_here(&request.name, request.declared_type.as_deref(), &bytes, &request.limits());
        serde_json::to_writer(&mut *replies, &answer)?;
        replies.write_all(b"\n")?;
        replies.flush()?;
        line.clear();
    }
    Ok(())
}

fn limit(resource: Resource, most: u64) -> io::Result<()> {
    let least = |limit: Option<u64>| Some(limit.map_or(most, |limit| limit.min(most)));
    let present = getrlimit(resource);
    Ok(setrlimit(resource, Rlimit { current: least(present.current), maximum: least(present.maximum) })?)
}

/// The process is ended when it computes for longer, should nobody be left who watches it.
fn allow(time: Duration) -> io::Result<()> {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime).tv_sec;
    let present = getrlimit(Resource::Cpu);
    let current = Some(u64::try_from(used).unwrap_or_default() + time.as_secs() + 2);
    Ok(setrlimit(Resource::Cpu, Rlimit { current, maximum: present.maximum })?)
}
