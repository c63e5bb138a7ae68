//! A hub with one model, which it gives away as slowly as a test wants.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

/// Gives the bytes of its file up to a limit, and the rest when the limit is raised. Its threads end with the process.
pub(crate) struct Hub {
    pub(crate) url: String,
    gate: Arc<(Mutex<usize>, Condvar)>,
}

impl Hub {
    /// What to pull from it.
    pub(crate) const SOURCE: &str = "hf:tests/slow/slow.gguf";
    /// The name of the model that a pull makes.
    pub(crate) const MODEL: &str = "slow";

    /// A hub whose file has this many bytes, of which it gives none yet.
    pub(crate) fn new(bytes: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let gate = Arc::new((Mutex::new(0), Condvar::new()));
        let shared = gate.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let gate = shared.clone();
                std::thread::spawn(move || answer(stream.unwrap(), bytes, &gate));
            }
        });
        Self { url, gate }
    }

    /// Gives the file up to `bytes` from now on.
    pub(crate) fn give(&self, bytes: usize) {
        *self.gate.0.lock().unwrap() = bytes;
        self.gate.1.notify_all();
    }
}

/// Answers one request; the connection ends with the answer. A requester that has left is noticed at the next write.
fn answer(mut stream: TcpStream, bytes: usize, (given, raised): &(Mutex<usize>, Condvar)) {
    let head = read_head(&mut stream);
    if head.starts_with("get /api/models/") {
        let listing = r#"{"siblings": [{"rfilename": "slow.gguf"}]}"#;
        // Nobody is there to be told.
        let _ = write!(
            stream,
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{listing}",
            listing.len()
        );
        return;
    }
    let from = head.lines().find_map(|line| line.strip_prefix("range: bytes=")?.strip_suffix('-')?.parse().ok());
    let status = from.map_or_else(
        || "200 OK".to_owned(),
        |from: usize| format!("206 Partial Content\r\ncontent-range: bytes {from}-{}/{bytes}", bytes - 1),
    );
    let mut at = from.unwrap_or(0);
    let length = bytes - at;
    let written =
        write!(stream, "HTTP/1.1 {status}\r\ncontent-length: {length}\r\netag: \"one\"\r\nconnection: close\r\n\r\n");
    if written.is_err() || head.starts_with("head ") {
        return;
    }
    while at < bytes {
        let mut limit = given.lock().unwrap();
        while *limit <= at {
            limit = raised.wait(limit).unwrap();
        }
        let until = (*limit).min(bytes);
        drop(limit);
        if stream.write_all(&vec![7; until - at]).is_err() {
            return;
        }
        at = until;
    }
}

/// The request's head, in lower case.
fn read_head(stream: &mut TcpStream) -> String {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
        head.push(byte[0]);
    }
    String::from_utf8_lossy(&head).to_ascii_lowercase()
}
