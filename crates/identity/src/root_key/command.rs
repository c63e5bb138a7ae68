//! A root key that another program gives.

use std::io::{self, Read as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use base::{Error, Result};
use zeroize::Zeroizing;

use crate::cipher::CipherKey;

/// The most bytes that are read of what the command prints.
const LONGEST: u64 = 4096;
const POLL: Duration = Duration::from_millis(5);

/// Runs `command` in a shell. What it says on standard error goes where this process's goes.
pub(super) fn run(command: &str, limit: Duration) -> Result<CipherKey> {
    let failed = |why: String| {
        Error::unavailable(format!("The command `{command}` gives no root key: {why}."))
            .with_hint("Run it by hand: it must print 32 bytes, in hexadecimal or base64 or as they are, and succeed.")
    };
    let mut child = Command::new("sh")
        .args(["-c", command])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    let printed = output(&mut child, limit).map_err(|error| failed(error.to_string()))?;
    super::parse(&printed).ok_or_else(|| failed("it prints something else".to_owned()))
}

/// What `child` prints before it ends, successfully and in time.
fn output(child: &mut Child, limit: Duration) -> io::Result<Zeroizing<Vec<u8>>> {
    let deadline = Instant::now() + limit;
    let (send, receive) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        std::thread::spawn(move || {
            let mut bytes = Zeroizing::new(Vec::new());
            let read = stdout.take(LONGEST).read_to_end(&mut bytes).map(|_| bytes);
            // Nobody listens once the time is over.
            let _ = send.send(read);
        });
    }
    let printed = receive.recv_timeout(limit).map_err(|_| end(child))??;
    loop {
        match child.try_wait()? {
            Some(status) if status.success() => return Ok(printed),
            Some(status) => return Err(io::Error::other(format!("it ended with {status}"))),
            None if Instant::now() >= deadline => return Err(end(child)),
            None => std::thread::sleep(POLL),
        }
    }
}

/// Ends the command and what it started.
fn end(child: &mut Child) -> io::Error {
    let group = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
    if let Some(group) = group {
        // Gone already is as good.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.wait();
    io::ErrorKind::TimedOut.into()
}
