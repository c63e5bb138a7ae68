//! An OpenAI-compatible upstream whose answers last as long as a test wants.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use super::eventually;

/// What an upstream says before it waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// The head and a first word.
    Begins,
    /// Nothing at all.
    Silent,
}

#[derive(Debug, Default)]
struct State {
    asked: usize,
    left: usize,
    released: bool,
}

type Gate = (Mutex<State>, Condvar);

/// Holds every request until [`Upstream::release`]. Its threads end with the process.
pub(crate) struct Upstream {
    pub(crate) url: String,
    gate: Arc<Gate>,
}

impl Upstream {
    /// One that streams a word, `held`, and the rest when it is released.
    pub(crate) fn holding() -> Self {
        Self::serve(Manner::Begins)
    }

    /// One that says nothing before it is released.
    pub(crate) fn silent() -> Self {
        Self::serve(Manner::Silent)
    }

    fn serve(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let gate = Arc::new(Gate::default());
        let shared = gate.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let gate = shared.clone();
                std::thread::spawn(move || answer(stream.unwrap(), manner, &gate));
            }
        });
        Self { url, gate }
    }

    /// Lets every answer end, those of later requests too.
    pub(crate) fn release(&self) {
        self.state().released = true;
        self.gate.1.notify_all();
    }

    /// Waits until a request is being held.
    pub(crate) async fn asked(&self) {
        eventually("the upstream is asked", async || (self.state().asked > 0).then_some(())).await;
    }

    /// Waits until a requester has left before its answer was complete.
    pub(crate) async fn left(&self) {
        eventually("the upstream's requester leaves", async || (self.state().left > 0).then_some(())).await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.gate.0.lock().unwrap()
    }
}

/// Answers one request; the connection ends with the answer.
fn answer(mut stream: TcpStream, manner: Manner, (state, changed): &Gate) {
    read_request(&mut stream);
    if manner == Manner::Begins {
        let chunk = r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":"held "}}]}"#;
        if write!(stream, "{HEAD}data: {chunk}\n\n").is_err() {
            return;
        }
    }
    state.lock().unwrap().asked += 1;
    stream.set_nonblocking(true).unwrap();
    let mut held = state.lock().unwrap();
    while !held.released {
        // The requester sends nothing more, so that anything to read is its end.
        if !matches!(stream.peek(&mut [0]), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock) {
            held.left += 1;
            return;
        }
        held = changed.wait_timeout(held, Duration::from_millis(10)).unwrap().0;
    }
    drop(held);
    stream.set_nonblocking(false).unwrap();
    let head = if manner == Manner::Silent { HEAD } else { "" };
    let last = r#"{"choices":[{"index":0,"delta":{"content":"released"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#;
    // The requester may have left.
    let _ = write!(stream, "{head}data: {last}\n\ndata: [DONE]\n\n");
}

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";

fn read_request(stream: &mut TcpStream) {
    let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&request).to_ascii_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
            let length: usize = length.map_or(0, |length| length.trim().parse().unwrap());
            if body.len() >= length {
                return;
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(count) => request.extend_from_slice(&buffer[..count]),
        }
    }
}
