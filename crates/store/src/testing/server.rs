//! The PostgreSQL server that test processes share.
//!
//! Its directory holds two lock files. `start` is held while somebody starts the server. `users` is held, shared, by
//! every test process for as long as it lives: the kernel releases it however the process dies. A watcher (a shell
//! loop) takes `users` for itself once nobody has held it for a few looks, stops the server, removes its files and ends.
//! A test's own server has a directory, a lock and a watcher of its own.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use base::{Error, Result};

/// Where Debian, Fedora and Homebrew put the newest server; `PATH` otherwise.
const BINARIES: &[&str] = &["/usr/lib/postgresql", "/usr/pgsql", "/opt/homebrew/opt/postgresql"];

/// The server's user and database.
const USER: &str = "craton";

/// The address of the server, started if it does not run. Blocks until it answers.
pub(super) fn url() -> Result<String> {
    static LEASE: OnceLock<File> = OnceLock::new();
    let server = Server::locate()?;
    let lease = server.lock_file("users").and_then(|file| file.lock_shared().map(|()| file)).map_err(failed)?;
    // A second lease of this process is dropped; the first is kept until the process ends.
    let _ = LEASE.set(lease);
    let start = server.lock_file("start").map_err(failed)?;
    start.lock().map_err(failed)?;
    if !server.answers() {
        server.start()?;
    }
    Ok(server.address())
}

/// A PostgreSQL server of one test, which may stop and start it. It is stopped and removed with the value.
#[derive(Debug)]
pub struct OwnServer {
    server: Server,
    /// `users`, held for as long as the value or, where it is killed, the process lives.
    _lease: File,
}

impl OwnServer {
    /// Makes an empty server and starts it; none, where `CRATON_TEST_POSTGRES=skip` leaves PostgreSQL out.
    ///
    /// # Errors
    /// Where PostgreSQL is not installed, or does not start.
    pub fn start() -> Result<Option<Self>> {
        if std::env::var("CRATON_TEST_POSTGRES").is_ok_and(|choice| choice == "skip") {
            return Ok(None);
        }
        Self::start_of(Server::locate()?).map(Some)
    }

    /// The same, of the PostgreSQL whose `initdb` and `pg_ctl` are in a folder.
    ///
    /// # Errors
    /// Where it does not start.
    pub fn start_in(bin: PathBuf) -> Result<Self> {
        Self::start_of(Server::of(bin)?)
    }

    fn start_of(mut server: Server) -> Result<Self> {
        server.dir = std::env::temp_dir().join(format!("craton-test-postgres-{}", super::unique()));
        std::fs::create_dir_all(&server.dir).map_err(failed)?;
        let lease = server.lock_file("users").and_then(|file| file.lock_shared().map(|()| file)).map_err(failed)?;
        let own = Self { server, _lease: lease };
        let Server { dir, .. } = &own.server;
        own.server.watch(&dir.join("data"), dir)?;
        own.server.make()?;
        own.server.launch("")?;
        Ok(own)
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.address()
    }

    /// Stops it as a crash would: connections break, and what was committed is kept.
    ///
    /// # Errors
    /// Where it does not stop.
    pub fn crash(&self) -> Result<()> {
        self.server.kill()
    }

    /// Starts it again, and returns when it answers.
    ///
    /// # Errors
    /// Where it does not start.
    pub fn start_again(&self) -> Result<()> {
        self.server.launch("")
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        // It may be stopped already; the files are in the temporary folder.
        let _ = self.server.kill();
        let _ = std::fs::remove_dir_all(&self.server.dir);
    }
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::unavailable(format!("The PostgreSQL server for tests cannot be started: {error}.")).with_hint(
        "Install it (`apt-get install postgresql`), name a running one in `CRATON_TEST_POSTGRES_URL`, or set `CRATON_TEST_POSTGRES=skip`.",
    )
}

#[derive(Debug)]
struct Server {
    dir: PathBuf,
    bin: PathBuf,
    /// PostgreSQL refuses to run as root: then its commands run as the user that its package made.
    as_postgres: bool,
}

impl Server {
    fn locate() -> Result<Self> {
        Self::of(binaries().ok_or_else(|| failed("`initdb` and `pg_ctl` are not installed"))?)
    }

    fn of(bin: PathBuf) -> Result<Self> {
        let user = rustix::process::geteuid();
        let dir = std::env::temp_dir().join(format!("craton-test-postgres-{}", user.as_raw()));
        std::fs::create_dir_all(&dir).map_err(failed)?;
        Ok(Self { dir, bin, as_postgres: user.is_root() })
    }

    fn lock_file(&self, name: &str) -> io::Result<File> {
        OpenOptions::new().write(true).create(true).truncate(false).open(self.dir.join(name))
    }

    fn answers(&self) -> bool {
        UnixStream::connect(self.dir.join("socket/.s.PGSQL.5432")).is_ok()
    }

    /// Makes an empty server and starts it and its watcher. Called with `start` locked.
    fn start(&self) -> Result<()> {
        self.make()?;
        // Nothing outlives the tests, so that it may be lost.
        self.launch("-c synchronous_commit=off")?;
        self.watch(&self.dir.join("data"), &self.dir.join("socket"))
    }

    /// Makes the files of an empty server.
    fn make(&self) -> Result<()> {
        let (data, socket) = (self.dir.join("data"), self.dir.join("socket"));
        for dir in [&data, &socket] {
            // The rest of a server that was killed.
            let _ = std::fs::remove_dir_all(dir);
            let mut install = Command::new("install");
            install.args(["-d", "-m", "700"]);
            if self.as_postgres {
                install.args(["-o", "postgres"]);
            }
            run(install.arg(dir))?;
        }
        run(self
            .postgres("initdb")
            .args(["--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C"])
            .args(["-U", USER, "-D"])
            .arg(&data))
    }

    /// Starts the server of the files that are there.
    fn launch(&self, more: &str) -> Result<()> {
        let (data, log) = (self.dir.join("data"), self.dir.join("data/server.log"));
        let options = format!(
            "-c listen_addresses='' -c unix_socket_directories='{}' -c fsync=off -c full_page_writes=off \
             -c max_connections=300 {more}",
            self.dir.join("socket").display()
        );
        run(self
            .postgres("pg_ctl")
            .args(["start", "--silent", "-w", "-t", "60", "-o", &options, "-D"])
            .arg(&data)
            .arg("-l")
            .arg(&log))
    }

    /// Stops it as a crash would.
    fn kill(&self) -> Result<()> {
        let data = self.dir.join("data");
        run(self.postgres("pg_ctl").args(["stop", "--silent", "-w", "-m", "immediate", "-D"]).arg(&data))
    }

    fn address(&self) -> String {
        format!("postgres://{USER}@localhost/postgres?host={}", self.dir.join("socket").display())
    }

    /// Starts the watcher of the server in `data`, detached from this process's session and output. It removes `data` and `more`.
    fn watch(&self, data: &Path, more: &Path) -> Result<()> {
        const LOOP: &str = r#"
            free=0
            while sleep 5; do
                [ -e "$USERS" ] || exit
                if flock --nonblock --exclusive "$USERS" true; then free=$((free + 1)); else free=0; fi
                if [ "$free" -ge 3 ]; then
                    flock --nonblock --exclusive "$USERS" sh -c '"$@" stop -m immediate -D "$DATA"; rm -rf "$DATA" "$MORE"' stop "$@" && exit
                    free=0
                fi
            done"#;
        let pg_ctl = self.postgres("pg_ctl");
        let mut watcher = Command::new("setsid");
        watcher.args(["--fork", "sh", "-c", LOOP, "craton-test-postgres-watcher"]);
        watcher.arg(pg_ctl.get_program()).args(pg_ctl.get_args());
        watcher.env("USERS", self.dir.join("users")).env("DATA", data).env("MORE", more).current_dir("/");
        run(&mut watcher)
    }

    /// A command of PostgreSQL's, run by a user that it accepts.
    fn postgres(&self, program: &str) -> Command {
        let path = self.bin.join(program);
        if !self.as_postgres {
            return Command::new(path);
        }
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(path);
        command
    }
}

/// Runs a command without input or output of ours (a server that inherited a test's output would keep it open).
fn run(command: &mut Command) -> Result<()> {
    let status = command
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .map_err(failed)?;
    if status.success() { Ok(()) } else { Err(failed(format!("`{command:?}` ended with {status}"))) }
}

/// The directory with `initdb`, of the highest version.
fn binaries() -> Option<PathBuf> {
    let versioned = BINARIES.iter().filter_map(|dir| std::fs::read_dir(dir).ok()).flatten().flatten();
    let newest = versioned
        .map(|entry| entry.path())
        .filter(|path| path.join("bin/initdb").is_file())
        .max_by_key(|path| path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok()));
    let in_path = || std::env::split_paths(&std::env::var_os("PATH")?).find(|dir| dir.join("initdb").is_file());
    newest.map(|path| path.join("bin")).or_else(in_path)
}
