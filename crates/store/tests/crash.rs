//! The crash harness, tried on a small program that writes rows and files.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::io;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use store::crash::{Ending, Harness, Workload};
use store::{Store, params};

struct Entries {
    dir: tempfile::TempDir,
    /// The rows seen at the last check: they never become fewer.
    rows: i64,
    killed_at: Vec<String>,
    /// Invariant that the program does not keep, to see that the harness finds it.
    demand_no_partial_file: bool,
}

impl Entries {
    fn new(demand_no_partial_file: bool) -> Self {
        Self { dir: tempfile::tempdir().unwrap(), rows: 0, killed_at: Vec::new(), demand_no_partial_file }
    }

    fn rows(&self) -> i64 {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let store = Store::open_sqlite(&self.dir.path().join("craton.db")).await.unwrap();
            // A death before the migration leaves no table.
            let rows = store
                .read(|tx| async move { tx.fetch_one("SELECT COUNT(*) AS n FROM entries", params![]).await?.int("n") })
                .await
                .unwrap_or(0);
            store.close().await;
            rows
        })
    }
}

impl Workload for Entries {
    fn reset(&mut self, _round: usize) -> io::Result<()> {
        self.dir = tempfile::tempdir()?;
        self.rows = 0;
        Ok(())
    }

    fn command(&mut self) -> Command {
        let mut command = Command::new(child());
        command.arg(self.dir.path());
        command
    }

    fn check(&mut self, ending: &Ending) -> Result<(), String> {
        let rows = self.rows();
        if rows < self.rows {
            return Err(format!("{} rows became {rows}", self.rows));
        }
        for number in 1..=rows {
            let text = std::fs::read_to_string(self.dir.path().join(number.to_string()));
            if text.ok() != Some(format!("entry {number}")) {
                return Err(format!("row {number} has no whole file"));
            }
        }
        if self.demand_no_partial_file && self.dir.path().join("partial").exists() {
            return Err("a partial file is there".to_owned());
        }
        match ending {
            Ending::Finished if rows != 6 => return Err(format!("finished with {rows} rows")),
            Ending::Finished => {}
            Ending::Killed { name, .. } => self.killed_at.push(name.clone()),
        }
        self.rows = rows;
        Ok(())
    }
}

/// Examples are built beside the tests: `target/debug/examples/` next to `target/debug/deps/`.
fn child() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().unwrap().parent().unwrap().join("examples/store_crash_child")
}

fn harness(seed: u64, rounds: usize) -> Harness {
    Harness { seed, rounds, kills: 2, time_limit: Duration::from_secs(60) }
}

#[test]
fn rows_and_files_survive_death_at_any_write() {
    let mut entries = Entries::new(false);
    harness(7, 12).run(&mut entries).unwrap();
    for name in ["file.rename.before", "store.commit.before", "store.commit.after"] {
        assert!(entries.killed_at.iter().any(|at| at == name), "never died at {name}: {:?}", entries.killed_at);
    }
}

#[test]
fn the_same_seed_dies_at_the_same_points() {
    let deaths = |seed| {
        let mut entries = Entries::new(false);
        harness(seed, 3).run(&mut entries).unwrap();
        entries.killed_at
    };
    let first = deaths(1);
    assert_eq!(first, deaths(1));
    assert_ne!(first, deaths(3));
}

#[test]
fn a_violated_invariant_is_reported_with_its_seed() {
    let failure = harness(7, 12).run(&mut Entries::new(true)).unwrap_err();
    assert_eq!((failure.seed, failure.reason.as_str()), (7, "a partial file is there"));
    assert!(matches!(failure.endings.last(), Some(Ending::Killed { name, .. }) if name == "file.rename.before"));
}
