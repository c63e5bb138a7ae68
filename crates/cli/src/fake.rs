//! A server for tests of commands: it answers what it was told to, one request after the other.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::thread::JoinHandle;

use crate::client::Client;
use crate::connection::{Connection, Credentials};

/// What was asked.
#[derive(Debug)]
pub(crate) struct Asked {
    /// The request's line.
    pub(crate) line: String,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// A client of a server that gives these statuses and bodies, each on a connection of its own; and what it was asked for,
/// once it has given them all.
pub(crate) fn server(answers: &[(u16, &'static str)]) -> (Client, JoinHandle<Vec<Asked>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answers = answers.to_vec();
    let asked = std::thread::spawn(move || answers.into_iter().map(|answer| one(&listener, answer)).collect());
    let credentials = Credentials {
        account_id: String::new(),
        access_key_id: "AKIAIOSFODNN7EXAMPLE".into(),
        secret_access_key: "secret".into(),
        session_token: None,
    };
    let region = "us-east-1".to_owned();
    let connection = Connection { url, region, certificate: None, credentials, is_of_data_folder: true };
    (Client::new(connection).unwrap(), asked)
}

fn one(listener: &TcpListener, (status, body): (u16, &str)) -> Asked {
    let (mut stream, _) = listener.accept().unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let lines = reader.by_ref().lines().map(Result::unwrap).take_while(|line| !line.is_empty());
    let mut lines: Vec<String> = lines.collect();
    let line = lines.remove(0);
    let header =
        |line: &String| line.split_once(": ").map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
    let headers: Vec<_> = lines.iter().filter_map(header).collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let mut sent = vec![0; length.map_or(0, |(_, value)| value.parse().unwrap())];
    reader.read_exact(&mut sent).unwrap();
    let length = body.len();
    write!(stream, "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}").unwrap();
    Asked { line, headers, body: String::from_utf8(sent).unwrap() }
}
