//! A server of OpenAI's dialect that answers as it is told.

#![allow(dead_code, unreachable_pub)]

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What the server says to a request.
pub enum Said {
    /// A text, of whose tokens nothing is told.
    Text(String),
    /// The tokens of a text, each with what might have been in its place, itself included, and how probable each was.
    Tokens(Vec<(&'static str, Vec<(&'static str, f64)>)>),
    /// No success: the status, and why.
    Status(u16, &'static str),
    /// Nothing, for as long as it is waited for.
    Nothing,
    /// Nothing: the connection is closed.
    Close,
}

/// The server. It ends with the test's runtime.
pub struct Upstream {
    /// What `/chat/completions` is appended to.
    pub url: String,
    /// What it was asked: the bodies.
    pub asked: Arc<Mutex<Vec<Value>>>,
}

impl Upstream {
    pub async fn start(answer: impl Fn(&Value) -> Said + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (answer, seen) = (Arc::new(answer), Arc::clone(&asked));
        tokio::spawn(async move {
            loop {
                let (mut socket, _) = listener.accept().await.unwrap();
                let (answer, seen) = (Arc::clone(&answer), Arc::clone(&seen));
                tokio::spawn(async move {
                    let Some(body) = read(&mut socket).await else { return };
                    let said = answer(&body);
                    seen.lock().unwrap().push(body);
                    if matches!(said, Said::Close) {
                        return;
                    }
                    if let Some(response) = response(&said) {
                        // Who left does not read it.
                        drop(socket.write_all(response.as_bytes()).await);
                    }
                    // Until the client has gone.
                    let mut rest = [0; 64];
                    while socket.read(&mut rest).await.is_ok_and(|count| count > 0) {}
                });
            }
        });
        Self { url, asked }
    }
}

/// The body of a request; none where the client has gone, or asks for something else than an answer.
async fn read(socket: &mut TcpStream) -> Option<Value> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        let count = socket.read(&mut buffer).await.ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&buffer[..count]);
    };
    let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
    let length: usize = head.split("content-length: ").nth(1)?.split("\r\n").next()?.parse().ok()?;
    while bytes.len() < end + length {
        let count = socket.read(&mut buffer).await.ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&buffer[..count]);
    }
    serde_json::from_slice(&bytes[end..]).ok()
}

fn response(said: &Said) -> Option<String> {
    let (status, body) = match said {
        Said::Nothing | Said::Close => return None,
        Said::Status(status, why) => (*status, json!({"error": {"message": why}}).to_string()),
        Said::Text(text) => (200, events(text, &Value::Null)),
        Said::Tokens(tokens) => {
            let text: String = tokens.iter().map(|(token, _)| *token).collect();
            let one = |token: &str, probability: f64| json!({"token": token, "bytes": token.as_bytes(), "logprob": probability.ln()});
            let content = tokens.iter().map(|(token, top)| {
                let own = top.iter().find(|(other, _)| other == token).map_or(1.0, |(_, probability)| *probability);
                let mut told = one(token, own);
                told["top_logprobs"] = top.iter().map(|(token, probability)| one(token, *probability)).collect();
                told
            });
            (200, events(&text, &json!({"content": content.collect::<Vec<_>>()})))
        }
    };
    Some(format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len()))
}

fn events(text: &str, logprobs: &Value) -> String {
    let usage = json!({"prompt_tokens": 100, "completion_tokens": 5});
    [
        json!({"choices": [{"index": 0, "delta": {"content": text}, "logprobs": logprobs, "finish_reason": null}]}),
        json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}),
        json!({"choices": [], "usage": usage}),
    ]
    .iter()
    .map(|chunk| format!("data: {chunk}\n\n"))
    .chain(["data: [DONE]\n\n".to_owned()])
    .collect()
}
