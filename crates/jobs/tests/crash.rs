//! Kills a program that runs jobs at drawn writes and looks at what is left each time.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use store::crash::{Ending, Harness, Workload};
use store::{Row, Store, params};

/// What is known of one job.
#[derive(Debug, Clone, Default, PartialEq)]
struct Seen {
    state: String,
    attempt: i64,
    checkpoint: i64,
    /// The steps that its handler began, in order.
    steps: Vec<i64>,
}

struct Server {
    dir: tempfile::TempDir,
    /// As of the last check.
    seen: BTreeMap<String, Seen>,
    deaths: usize,
}

impl Workload for Server {
    fn reset(&mut self, _round: usize) -> io::Result<()> {
        self.dir = tempfile::tempdir()?;
        self.seen.clear();
        Ok(())
    }

    fn command(&mut self) -> Command {
        let mut command = Command::new(child());
        command.arg(self.dir.path());
        command
    }

    fn check(&mut self, ending: &Ending) -> Result<(), String> {
        let now = self.look()?;
        for (id, before) in &self.seen {
            let after = now.get(id).ok_or_else(|| format!("the job {id} was lost"))?;
            if before.state == "succeeded" && before != after {
                return Err(format!("the job {id} went on after its success: {before:?} became {after:?}"));
            }
            if after.checkpoint < before.checkpoint || after.attempt < before.attempt {
                return Err(format!("the job {id} went back: {before:?} became {after:?}"));
            }
        }
        for (id, job) in &now {
            if !job.steps.is_sorted() || job.steps.last().is_some_and(|last| *last > job.checkpoint) {
                return Err(format!("the job {id} did steps out of order: {job:?}"));
            }
            if job.checkpoint > job.steps.last().map_or(0, |last| last + 1) {
                return Err(format!("the job {id} saved a step that it did not do: {job:?}"));
            }
        }
        match ending {
            Ending::Finished
                if now.len() != 4 || now.values().any(|job| job.state != "succeeded" || job.checkpoint != 3) =>
            {
                return Err(format!("not everything was done: {now:?}"));
            }
            Ending::Finished => {}
            Ending::Killed { .. } => self.deaths += 1,
        }
        self.seen = now;
        Ok(())
    }
}

impl Server {
    fn look(&self) -> Result<BTreeMap<String, Seen>, String> {
        let rows = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            let store =
                Store::open_sqlite(&self.dir.path().join("craton.db")).await.map_err(|error| format!("{error:?}"))?;
            // A death before the migration leaves no table.
            let rows = store.read(|tx| async move { tx.fetch_all("SELECT * FROM jobs", params![]).await }).await;
            store.close().await;
            Ok::<_, String>(rows.unwrap_or_default())
        })?;
        let log = std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default();
        rows.iter().map(|row| seen(row, &log)).collect()
    }
}

fn seen(row: &Row, log: &str) -> Result<(String, Seen), String> {
    let id = row.text("id").unwrap();
    if let (Some(done), Some(total)) = (row.opt_int("progress_done").unwrap(), row.opt_int("progress_total").unwrap())
        && !(0..=total).contains(&done)
    {
        return Err(format!("the job {id} has done {done} of {total}"));
    }
    let steps = log.lines().filter_map(|line| line.strip_prefix(&id)?.trim().parse().ok()).collect();
    let seen = Seen {
        state: row.text("state").unwrap(),
        attempt: row.int("attempt").unwrap(),
        checkpoint: row.opt_text("checkpoint").unwrap().map_or(0, |text| text.parse().unwrap()),
        steps,
    };
    Ok((id, seen))
}

/// Examples are built beside the tests: `target/debug/examples/` next to `target/debug/deps/`.
fn child() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().unwrap().parent().unwrap().join("examples/jobs_crash_child")
}

#[test]
fn no_job_is_lost_or_done_twice_however_often_the_server_dies() {
    let mut server = Server { dir: tempfile::tempdir().unwrap(), seen: BTreeMap::new(), deaths: 0 };
    let harness = Harness { seed: 11, rounds: 10, kills: 3, time_limit: Duration::from_secs(60) };
    harness.run(&mut server).unwrap();
    assert!(server.deaths >= 20, "only {} deaths", server.deaths);
}
