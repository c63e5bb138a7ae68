//! Kills rotations of the root key at drawn writes and looks at what is left each time.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use base::{Secret, SystemClock, SystemRandom};
use identity::{Defaults, Identity, RootKey};
use store::Store;
use store::crash::{Ending, Harness, Workload};

const KINDS: usize = 4;

struct Rotations {
    dir: tempfile::TempDir,
    /// The kind of key that opened at the last check.
    opened: usize,
    killed_at: Vec<String>,
}

impl Workload for Rotations {
    fn reset(&mut self, _round: usize) -> io::Result<()> {
        self.dir = tempfile::tempdir()?;
        self.opened = 0;
        Ok(())
    }

    fn command(&mut self) -> Command {
        let mut command = Command::new(child());
        command.arg(self.dir.path());
        command
    }

    fn check(&mut self, ending: &Ending) -> Result<(), String> {
        if let Ending::Killed { name, .. } = ending {
            self.killed_at.push(name.clone());
        }
        let Ok(started) = std::fs::read_to_string(self.dir.path().join("started")) else { return Ok(()) };
        let opening = runtime().block_on(self.opening(&started))?;
        let next = (self.opened + 1) % KINDS;
        let right = if *ending == Ending::Finished { vec![next] } else { vec![self.opened, next] };
        match opening[..] {
            [kind] if right.contains(&kind) => self.opened = kind,
            _ => return Err(format!("after {} the keys {opening:?} open, not one of {right:?}", self.opened)),
        }
        let staged = format!("key-{}.next", self.opened);
        if self.dir.path().join(&staged).exists() {
            return Err(format!("`{staged}` is there although its key was in use"));
        }
        Ok(())
    }
}

impl Rotations {
    /// The kinds of key that open the deployment, with the secret of the administrator readable in it.
    async fn opening(&self, started: &str) -> Result<Vec<usize>, String> {
        let (id, secret) = started.split_once(' ').unwrap();
        let store =
            Store::open_sqlite(&self.dir.path().join("craton.db")).await.map_err(|error| format!("{error:?}"))?;
        let mut opening = Vec::new();
        for kind in 0..KINDS {
            let root_key = root_key(self.dir.path(), kind).map_err(|error| format!("{error:?}"))?;
            let defaults = Defaults { region: "us-east-1".parse().unwrap() };
            let opened =
                Identity::open(store.clone(), root_key, Arc::new(SystemClock), Arc::new(SystemRandom), defaults).await;
            let Ok(identity) = opened else { continue };
            let key = identity.signing_key(id).await.map_err(|error| format!("{error:?}"))?;
            if key.is_none_or(|key| key.secret.reveal() != secret) {
                return Err("the administrator's secret was lost".to_owned());
            }
            opening.push(kind);
        }
        store.close().await;
        Ok(opening)
    }
}

fn root_key(dir: &Path, kind: usize) -> base::Result<RootKey> {
    match kind {
        0 | 1 => RootKey::load_or_create(dir.join(format!("key-{kind}"))),
        2 => RootKey::from_passphrase(Secret::new("correct horse battery".to_owned())),
        _ => RootKey::from_command("echo AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", Duration::from_secs(60)),
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Examples are built beside the tests: `target/debug/examples/` next to `target/debug/deps/`.
fn child() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().unwrap().parent().unwrap().join("examples/rotation_crash_child")
}

#[test]
fn a_rotation_that_dies_leaves_the_old_key_or_the_new_one() {
    let mut rotations = Rotations { dir: tempfile::tempdir().unwrap(), opened: 0, killed_at: Vec::new() };
    let harness = Harness { seed: 31, rounds: 20, kills: 6, time_limit: Duration::from_secs(60) };
    harness.run(&mut rotations).unwrap();
    assert!(rotations.killed_at.len() >= 60, "only {} deaths", rotations.killed_at.len());
    for name in [
        "identity.root_key.stage.before",
        "identity.root_key.stage.after",
        "store.commit.before",
        "store.commit.after",
        "identity.root_key.promote.before",
        "identity.root_key.promote.after",
    ] {
        assert!(rotations.killed_at.iter().any(|at| at == name), "never died at {name}: {:?}", rotations.killed_at);
    }
}
