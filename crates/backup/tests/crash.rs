//! Kills a program that makes and restores backups at drawn writes, and looks at what is left each time.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::io;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use store::crash::{Ending, Harness, Workload};
use store::{Store, params};

struct Runs {
    dir: tempfile::TempDir,
    killed_at: Vec<String>,
}

impl Workload for Runs {
    fn reset(&mut self, _round: usize) -> io::Result<()> {
        self.dir = tempfile::tempdir()?;
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
        let names: Vec<String> = std::fs::read_dir(self.dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        // What has its name is whole, and has what was acknowledged before it was asked for.
        for number in names.iter().filter_map(|name| name.strip_prefix("backup-")) {
            let manifest = backup::verify(&self.dir.path().join(format!("backup-{number}")));
            manifest.map_err(|error| format!("backup {number}: {error}"))?;
        }
        for number in names.iter().filter_map(|name| name.strip_prefix("restored-")) {
            let users = users(&self.dir.path().join(format!("restored-{number}/craton.db")))?;
            if users != number.parse::<i64>().unwrap() {
                return Err(format!("{users} users were restored, not {number}"));
            }
        }
        let last = names.iter().filter_map(|name| name.strip_prefix("acknowledged-")?.parse::<u32>().ok()).max();
        if let (Ending::Finished, Some(last)) = (ending, last) {
            if !names.contains(&format!("restored-{last}")) {
                return Err(format!("the run ended and restored nothing: {names:?}"));
            }
            // The next run removes what was left of the backup; a restore that died is the operator's to remove.
            if names.iter().any(|name| name.ends_with(".craton-partial")) {
                return Err(format!("something half-made is left: {names:?}"));
            }
        }
        Ok(())
    }
}

fn users(database: &std::path::Path) -> Result<i64, String> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let store = Store::open_sqlite(database).await.map_err(|error| error.to_string())?;
        let count = store
            .read(
                |tx| async move { tx.fetch_one("SELECT COUNT(*) AS n FROM identity_users", params![]).await?.int("n") },
            )
            .await;
        store.close().await;
        count.map_err(|error| error.to_string())
    })
}

/// Examples are built beside the tests: `target/debug/examples/` next to `target/debug/deps/`.
fn child() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().unwrap().parent().unwrap().join("examples/backup_crash_child")
}

#[test]
fn a_backup_or_a_restore_that_dies_leaves_a_whole_one_or_none() {
    let mut runs = Runs { dir: tempfile::tempdir().unwrap(), killed_at: Vec::new() };
    let harness = Harness { seed: 5, rounds: 10, kills: 3, time_limit: Duration::from_secs(100) };
    harness.run(&mut runs).unwrap();
    assert!(runs.killed_at.len() >= 20, "only {} deaths", runs.killed_at.len());
}
