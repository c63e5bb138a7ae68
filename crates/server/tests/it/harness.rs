//! A real server in folders of its own, and a small client that signs.

mod client;
mod events;
mod hub;
mod upstream;

use std::fs::{self, File};
use std::future::Future;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

pub(crate) use client::{Client, Key, Reply, conversation};
pub(crate) use events::{Event, EventStream};
pub(crate) use hub::Hub;
pub(crate) use upstream::Upstream;

/// How long anything may take before a test fails: far more than it ever takes.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(10);

/// The administrator's account and key in every test that does not say otherwise.
pub(crate) const ACCOUNT: &str = "123456789012";
pub(crate) const KEY_ID: &str = "AKIACRATONTESTSROOT2";
pub(crate) const SECRET: &str = "Tests/only+secret/of/the/administrator00";

/// A model id of AWS that a built-in alias gives to the chat model of every [`Home`].
pub(crate) const CLAUDE: &str = "anthropic.claude-3-haiku-20240307-v1:0";

/// Calls `probe` until it gives something.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut probe: impl FnMut() -> F) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = probe().await {
            return found;
        }
        assert!(start.elapsed() < DEADLINE, "still waiting for this: {what}");
        tokio::time::sleep(PAUSE).await;
    }
}

/// The folders of a deployment: data, models, logs. Servers come and go in it.
pub(crate) struct Home {
    root: TempDir,
}

/// What a command said.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Home {
    /// A home whose library holds the two models that the built-in aliases point at. The fake engine opens neither file.
    pub(crate) fn new() -> Self {
        let home = Self { root: tempfile::tempdir().unwrap() };
        home.install("smollm2-135m-instruct", "model.gguf");
        home.install("all-minilm-l6-v2", "model.safetensors");
        home
    }

    pub(crate) fn path(&self) -> &Path {
        self.root.path()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    pub(crate) fn models(&self) -> PathBuf {
        self.path().join("models")
    }

    fn install(&self, name: &str, main: &str) {
        self.install_file(name, main, format!("nothing reads {name}").as_bytes());
    }

    /// Lays a model of one file down as a finished pull leaves it: a blob, whose path is returned, and a manifest.
    pub(crate) fn install_file(&self, name: &str, main: &str, contents: &[u8]) -> PathBuf {
        let sha256: String = Sha256::digest(contents).iter().map(|byte| format!("{byte:02x}")).collect();
        let manifest = json!({
            "name": name, "source": name, "provider": "tests", "licence": "Apache-2.0", "licence_url": "", "main": main,
            "files": [{ "name": main, "sha256": sha256, "bytes": contents.len() }],
            "facts": {
                "title": name, "embeds": main.ends_with(".safetensors"), "parameters": 1, "context_length": 8192,
                "memory_bytes": 1 << 20,
            },
            "trust": "pinned", "pulled_at": 0,
        });
        for folder in ["blobs", "manifests"] {
            fs::create_dir_all(self.models().join(folder)).unwrap();
        }
        let blob = self.models().join("blobs").join(format!("sha256-{sha256}"));
        fs::write(&blob, contents).unwrap();
        fs::write(self.models().join("manifests").join(format!("{name}.json")), manifest.to_string()).unwrap();
        blob
    }

    /// The program, in an environment that holds nothing of the caller's.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_craton"));
        command.args(args).current_dir(self.path()).stdin(Stdio::null()).env_clear();
        command.env("HOME", self.path()).env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("CRATON_DATA_DIR", self.data()).env("CRATON_MODELS_DIR", self.models());
        command
    }

    /// `craton up` on a free port with the fake engine, the tests' administrator and `args`.
    pub(crate) fn up(&self, args: &[&str]) -> Command {
        let mut command = self.command(&["up"]);
        if !args.contains(&"--engine") {
            command.args(["--engine", "fake"]);
        }
        if !args.contains(&"--listen") {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        command.args(args).env("CRATON_ROOT_ACCOUNT_ID", ACCOUNT);
        command.env("CRATON_ROOT_ACCESS_KEY_ID", KEY_ID).env("CRATON_ROOT_SECRET_ACCESS_KEY", SECRET);
        command
    }

    /// A server that is ready.
    pub(crate) async fn start(&self) -> Server {
        self.start_with(&[]).await
    }

    /// A server with more arguments for `craton up`.
    pub(crate) async fn start_with(&self, args: &[&str]) -> Server {
        self.launch(self.up(args)).await
    }

    /// The server that `command` starts, once it is ready.
    pub(crate) async fn launch(&self, mut command: Command) -> Server {
        let log = self.path().join(format!("server-{}.log", fs::read_dir(self.path()).unwrap().count()));
        let child = command.stderr(File::create(&log).unwrap()).stdout(Stdio::null()).spawn().unwrap();
        let mut running = Running { child, log };
        match self.ready(&mut running.child).await {
            Some(client) => Server { running, client },
            None => panic!("the server did not start:\n{}", running.log()),
        }
    }

    /// A client of the server that `child` runs in this home, once that is ready; `None` where it ended first.
    pub(crate) async fn ready(&self, child: &mut Child) -> Option<Client> {
        let start = Instant::now();
        loop {
            // The file of a server that was killed is still there.
            let endpoint = self.endpoint().filter(|endpoint| endpoint["processId"].as_u64() == Some(child.id().into()));
            if let Some(client) = endpoint.map(|endpoint| Client::new(&endpoint))
                && client.is_ready().await
            {
                return Some(client);
            }
            if child.try_wait().unwrap().is_some() {
                return None;
            }
            assert!(start.elapsed() < DEADLINE, "the server does not get ready");
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// What `endpoint.json` says, where there is one.
    pub(crate) fn endpoint(&self) -> Option<Value> {
        serde_json::from_slice(&fs::read(self.data().join("endpoint.json")).ok()?).ok()
    }

    /// The administrator's kept key.
    pub(crate) fn kept(&self, account: &str) -> Key {
        let path = self.data().join("credentials").join(format!("{account}.json"));
        let kept: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        Key::new(kept["accessKeyId"].as_str().unwrap(), kept["secretAccessKey"].as_str().unwrap())
    }

    /// Runs a command of the program to its end.
    pub(crate) fn craton(&self, args: &[&str]) -> Session {
        Session::of(self.command(args))
    }

    /// Runs `craton up` with `args`, which must be refused, and returns what it says of that.
    pub(crate) async fn refused(&self, args: &[&str]) -> String {
        self.refusal(self.up(args)).await
    }

    /// Runs a `craton up` that must be refused with an `error:` and a `hint:` line.
    pub(crate) async fn refusal(&self, mut command: Command) -> String {
        let path = self.path().join("refused.log");
        let child = command.stdout(Stdio::null()).stderr(File::create(&path).unwrap()).spawn().unwrap();
        let mut running = Running { child, log: path };
        let status = running.wait().await;
        let said = running.log();
        assert_eq!(status.code(), Some(1), "{status}: {said}");
        let lines: Vec<&str> =
            said.lines().filter(|line| line.starts_with("error: ") || line.starts_with("hint: ")).collect();
        assert!(lines.first().is_some_and(|line| line.starts_with("error: ")), "no error line: {said}");
        assert!(lines.last().is_some_and(|line| line.starts_with("hint: ")), "no hint line: {said}");
        lines.join("\n")
    }
}

impl Session {
    /// Runs `command` to its end.
    pub(crate) fn of(mut command: Command) -> Self {
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { status: output.status, stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// The output of a command that must have succeeded.
    pub(crate) fn ok(self) -> String {
        assert!(self.status.success(), "{self:?}");
        self.stdout
    }

    /// The output of a command that must have succeeded, as JSON.
    pub(crate) fn json(self) -> Value {
        serde_json::from_str(&self.ok()).unwrap()
    }
}

/// The server's process; it dies with this value.
pub(crate) struct Running {
    child: Child,
    log: PathBuf,
}

impl Running {
    /// What the process logged so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// Tells the process to stop.
    pub(crate) fn terminate(&self) {
        terminate(&self.child);
    }

    /// Waits for the process's own end.
    pub(crate) async fn wait(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < DEADLINE, "the server still runs:\n{}", self.log());
            // The connections of the test's client are served meanwhile: ending them takes an answer of theirs.
            tokio::time::sleep(PAUSE).await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends SIGTERM.
pub(crate) fn terminate(child: &Child) {
    // A process that has ended and was not waited for still takes signals.
    kill_process(Pid::from_child(child), Signal::TERM).unwrap();
}

/// A running server and a client of it.
pub(crate) struct Server {
    pub(crate) running: Running,
    client: Client,
}

impl std::ops::Deref for Server {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Server {
    pub(crate) fn log(&self) -> String {
        self.running.log()
    }

    /// Tells the server to stop and waits until it has.
    pub(crate) async fn stop(mut self) -> ExitStatus {
        self.running.terminate();
        self.running.wait().await
    }

    /// Waits until the server that was told to stop says that it is not ready.
    pub(crate) async fn stops(&self) {
        // A connection that was kept may be closed under the request.
        let status = async || Some(self.http().get(self.url("/readyz")).send().await.ok()?.status().as_u16());
        eventually("the server stops", async || (status().await == Some(503)).then_some(())).await;
    }

    /// Whether nothing accepts connections on the port any more.
    pub(crate) fn is_closed(&self) -> bool {
        TcpStream::connect(self.address()).is_err()
    }

    /// A connection of bytes.
    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address()).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream
    }

    /// Sends bytes over a connection of their own, and nothing more, and reads the head of the answer.
    pub(crate) fn raw(&self, request: &[u8]) -> String {
        let mut stream = self.connect();
        stream.write_all(request).unwrap();
        head(&mut stream)
    }
}

/// The head of the next answer, or what there is of it.
pub(crate) fn head(stream: &mut TcpStream) -> String {
    let (mut answer, mut byte) = (Vec::new(), [0]);
    while !answer.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(0) | Err(_) => break,
            Ok(_) => answer.push(byte[0]),
        }
    }
    String::from_utf8_lossy(&answer).into_owned()
}
