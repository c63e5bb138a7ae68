//! The process that renders a template apart from the server: its end of the pipes.
//!
//! A line of JSON in, a line of JSON out. The first line brings the template; each later one the variables of a
//! rendering. The process has little memory and little time for each line, and ends with its input.

use std::io::{self, BufRead, Write};
use std::process::ExitCode;

use base::Timestamp;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::jinja::{Jinja, Refusal};

/// Bytes of memory of the process's own.
pub(super) const MEMORY: u64 = 512 << 20;
/// Bytes of address space, the program's files included.
const ADDRESSES: u64 = 4 << 30;
/// Seconds of computing for one line.
pub(super) const SECONDS: u64 = 10;
/// Bytes of the stack: macros and nested values may be deep.
const STACK: usize = 32 << 20;

/// What a worker is asked to do.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Request {
    /// To read this template.
    Source(String),
    /// To render it.
    Render {
        /// The variables.
        variables: Value,
        /// The time, in milliseconds.
        now: i64,
    },
}

/// What it answers.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Reply {
    /// The template was read.
    Ready,
    /// What the template wrote.
    Text(String),
    /// The template is malformed or refuses.
    Refused(String),
    /// It asks for too much.
    Exceeded(String),
    /// This process could do nothing with the request.
    Failed(String),
}

/// The exit status of a process that a template made panic.
pub(super) const PANICKED: u8 = 101;

/// Renders what standard input asks for until that ends. The program that [`isolate`](super::isolate) names calls this
/// and nothing else.
pub fn serve() -> ExitCode {
    let run = || -> io::Result<()> {
        limit(Resource::Core, 0)?;
        limit(Resource::Data, MEMORY)?;
        limit(Resource::As, ADDRESSES)?;
        answer_all(&mut io::stdin().lock(), &mut io::stdout().lock())
    };
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(run);
    match thread.map(std::thread::JoinHandle::join) {
        Ok(Ok(Ok(()))) => ExitCode::SUCCESS,
        Ok(Err(_)) => ExitCode::from(PANICKED),
        Ok(Ok(Err(_))) | Err(_) => ExitCode::FAILURE,
    }
}

fn answer_all(requests: &mut impl BufRead, replies: &mut impl Write) -> io::Result<()> {
    let mut template = None;
    let mut line = String::new();
    while requests.read_line(&mut line)? > 0 {
        allow_seconds()?;
        let reply = match serde_json::from_str(&line) {
            Ok(request) => answer(&mut template, request),
            Err(error) => Reply::Failed(format!("the conversation could not be read: {error}")),
        };
        serde_json::to_writer(&mut *replies, &reply)?;
        replies.write_all(b"\n")?;
        replies.flush()?;
        line.clear();
    }
    Ok(())
}

fn answer(template: &mut Option<Jinja>, request: Request) -> Reply {
    let reply = match (request, template.as_ref()) {
        (Request::Source(source), _) => Jinja::new(&source).map(|read| {
            *template = Some(read);
            Reply::Ready
        }),
        (Request::Render { variables, now }, Some(template)) => {
            template.render(&variables, Timestamp(now)).map(Reply::Text)
        }
        (Request::Render { .. }, None) => Err(Refusal::Unavailable("there is no template".to_owned())),
    };
    reply.unwrap_or_else(|refusal| match refusal {
        Refusal::Refused(reason) => Reply::Refused(reason),
        Refusal::Exceeded(reason) => Reply::Exceeded(reason),
        Refusal::Unavailable(reason) => Reply::Failed(reason),
    })
}

fn limit(resource: Resource, most: u64) -> io::Result<()> {
    let least = |limit: Option<u64>| Some(limit.map_or(most, |limit| limit.min(most)));
    let present = getrlimit(resource);
    Ok(setrlimit(resource, Rlimit { current: least(present.current), maximum: least(present.maximum) })?)
}

/// The process is killed when it computes for longer, should nobody be left who waits for it.
fn allow_seconds() -> io::Result<()> {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime).tv_sec;
    let present = getrlimit(Resource::Cpu);
    let current = Some(u64::try_from(used).unwrap_or_default() + SECONDS + 1);
    Ok(setrlimit(Resource::Cpu, Rlimit { current, maximum: present.maximum })?)
}
