//! Kills a program that answers a batch at drawn writes, and looks at what is left each time.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use base::PageRequest;
use futures::StreamExt as _;
use models::{BatchFilter, BatchJob, BatchStatus};
use objects::{BucketRef, GetObject, ListObjectsV2, ObjectRef};
use serde_json::{Value, json};
use store::crash::{Ending, Harness, Workload};
use store::params;

#[path = "support/deployment.rs"]
mod deployment;

use deployment::{BUCKET, Deployment};

/// Deaths in one life of a folder.
const KILLS: usize = 4;
/// Records of each of the two files.
const RECORDS: usize = 30;

/// A deployment that is ready to answer the batch.
fn ready() -> &'static tempfile::TempDir {
    static READY: OnceLock<tempfile::TempDir> = OnceLock::new();
    READY.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        block_on(async {
            let deployment = Deployment::open(dir.path()).await.unwrap();
            let file = |name: &str| ((*name).to_owned(), lines(name).into_bytes());
            deployment.prepare([file("a.jsonl"), file("b.jsonl")]).await.unwrap();
            deployment.pull_tiny(dir.path()).await.unwrap();
            deployment.store.close().await;
        });
        dir
    })
}

fn prompt(file: &str, number: usize) -> String {
    format!("{file} {}", (number * 7) % RECORDS)
}

/// A file's records; the last one is broken.
fn lines(file: &str) -> String {
    let record = |number| json!({"recordId": format!("r{number}"), "modelInput": {"prompt": prompt(file, number), "maxTokens": 4}});
    (0..RECORDS).map(|number| record(number).to_string() + "\n").collect::<String>() + "broken"
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap().block_on(future)
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => copy(&entry.path(), &to)?,
            false => _ = fs::copy(entry.path(), to)?,
        }
    }
    Ok(())
}

struct Server {
    dir: tempfile::TempDir,
    deaths: usize,
    /// Deaths after which some and not all records were kept.
    midway: usize,
    /// The prompts of the records that were kept when it was looked at last.
    kept: BTreeSet<String>,
}

impl Workload for Server {
    fn reset(&mut self, _round: usize) -> io::Result<()> {
        self.dir = tempfile::tempdir()?;
        self.kept.clear();
        copy(ready().path(), self.dir.path())
    }

    fn command(&mut self) -> Command {
        // Examples are built beside the tests: `target/debug/examples/` next to `target/debug/deps/`.
        let test = std::env::current_exe().unwrap();
        let child = test.parent().unwrap().parent().unwrap().join("examples/batch_crash_child");
        let mut command = Command::new(child);
        command.arg(self.dir.path());
        command
    }

    fn check(&mut self, ending: &Ending) -> Result<(), String> {
        let answered = fs::read_to_string(self.dir.path().join("answered")).unwrap_or_default();
        if let Some(again) = answered.lines().find(|prompt| self.kept.contains(*prompt)) {
            return Err(format!("`{again}` was kept and was asked again"));
        }
        fs::write(self.dir.path().join("answered"), "").unwrap();
        let found = block_on(look(self.dir.path()))?;
        if let Ending::Killed { .. } = ending {
            self.deaths += 1;
            self.midway += usize::from((1..2 * RECORDS).contains(&found.kept.len()));
            self.kept.extend(found.kept);
            return Ok(());
        }
        match found.job {
            Some(job) if job.status == BatchStatus::Completed => {
                let counts = job.counts;
                let whole = (counts.records, counts.succeeded, counts.failed)
                    == (2 * RECORDS as u64 + 2, 2 * RECORDS as u64, 2);
                if whole { Ok(()) } else { Err(format!("{counts:?}")) }
            }
            job => Err(format!("the batch has ended as {job:?}")),
        }
    }
}

struct Found {
    job: Option<BatchJob>,
    /// The prompts of the records that are kept.
    kept: BTreeSet<String>,
}

/// What is left. Every result that there is is whole, and there is a manifest only of a batch that has all of them.
async fn look(dir: &Path) -> Result<Found, String> {
    let failed = |error: base::Error| format!("{error:?}");
    let deployment = Deployment::open(dir).await.map_err(failed)?;
    let page = PageRequest { limit: 10, after: None };
    let jobs = deployment.models.batches(&deployment.ctx, &BatchFilter::default(), &page).await.map_err(failed)?.items;
    let sql = "SELECT file, line FROM model_batch_records";
    let rows = deployment.store.read(|tx| async move { tx.fetch_all(sql, params![]).await }).await.map_err(failed)?;
    let place = |row: &store::Row| (row.int("file").unwrap(), row.int("line").unwrap() as usize);
    let kept = rows.iter().map(place).filter(|(_, line)| *line < RECORDS);
    let kept = kept.map(|(file, line)| prompt(["a.jsonl", "b.jsonl"][file as usize], line)).collect();
    let results = results(&deployment).await;
    deployment.store.close().await;
    if jobs.len() > 1 {
        return Err(format!("{jobs:?}"));
    }
    let job = jobs.into_iter().next();
    for (key, text) in &results {
        whole(key, text)?;
    }
    let manifest = results.iter().any(|(key, _)| key.ends_with("/manifest.json.out"));
    let completed = job.as_ref().is_some_and(|job| job.status == BatchStatus::Completed);
    if (manifest && results.len() != 3) || (completed && !manifest) {
        return Err(format!("{results:?} of {job:?}"));
    }
    Ok(Found { job, kept })
}

async fn results(deployment: &Deployment) -> Vec<(String, String)> {
    let ask = ListObjectsV2 {
        bucket: BucketRef::new(BUCKET),
        prefix: "out/".to_owned(),
        delimiter: None,
        start_after: None,
        token: None,
        max_keys: None,
    };
    let mut results = Vec::new();
    for object in deployment.objects.list_objects_v2(&deployment.ctx, &ask).await.unwrap().entries {
        let get = GetObject::new(ObjectRef::new(BUCKET, &object.key));
        let body = deployment.objects.get_object(&deployment.ctx, &get).await.unwrap().body;
        let pieces: Vec<_> = body.collect().await;
        let bytes: Vec<u8> = pieces.into_iter().flat_map(|piece| piece.unwrap().to_vec()).collect();
        results.push((object.key, String::from_utf8(bytes).unwrap()));
    }
    results
}

/// The results are those of every record, in order.
fn whole(key: &str, text: &str) -> Result<(), String> {
    let wrong = || Err(format!("{key}: {text}"));
    let values: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    if key.ends_with("manifest.json.out") {
        return if values[0]["processedRecordCount"] == 2 * RECORDS + 2 { Ok(()) } else { wrong() };
    }
    let in_order = values.iter().zip(0..RECORDS).all(|(value, number)| {
        value["recordId"] == format!("r{number}").as_str() && value["modelOutput"]["text"].is_string()
    });
    if values.len() == RECORDS + 1 && in_order && values[RECORDS]["error"]["errorCode"] == 400 {
        Ok(())
    } else {
        wrong()
    }
}

fn kill(seed: u64) {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Server { dir, deaths: 0, midway: 0, kept: BTreeSet::new() };
    let harness = Harness { seed, rounds: 14, kills: KILLS, time_limit: Duration::from_secs(60) };
    if let Err(failure) = harness.run(&mut server) {
        panic!("{failure}");
    }
    assert!(server.deaths >= 20, "only {} deaths", server.deaths);
    assert!(server.midway >= 2, "only {} deaths in the midst of the records", server.midway);
}

/// Three seeds with up to 56 deaths each.
#[test]
fn a_batch_that_is_killed_at_any_write_is_completed_and_asks_nothing_again() {
    kill(1);
}

#[test]
fn a_batch_that_is_killed_at_any_write_is_completed_and_asks_nothing_again_2() {
    kill(5);
}

#[test]
fn a_batch_that_is_killed_at_any_write_is_completed_and_asks_nothing_again_3() {
    kill(9);
}
