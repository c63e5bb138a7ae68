//! The program that `tests/crash.rs` kills: submits four jobs of three steps and runs them to the end. A step appends a
//! line to a log and then saves its checkpoint.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::{Error, PageRequest, Result, SystemClock, SystemRandom};
use futures::StreamExt as _;
use jobs::{JobContext, Jobs, NewJob, Owner, Progress};
use serde_json::{Value, json};
use store::Store;

const JOBS: usize = 4;
const STEPS: u64 = 3;

#[tokio::main]
async fn main() -> Result<()> {
    let dir = PathBuf::from(std::env::args_os().nth(1).ok_or_else(|| Error::invalid("no directory given"))?);
    let store = Store::open_sqlite(&dir.join("craton.db")).await?;
    let jobs = Jobs::open(store, Arc::new(SystemClock), Arc::new(SystemRandom)).await?;
    let log = Arc::new(dir.join("log"));
    jobs.register("steps", Arc::new(move |job: JobContext| steps(job, Arc::clone(&log))));
    let running = jobs.start(2);
    let owner = Owner {
        account: "123456789012".parse()?,
        region: "us-east-1".parse()?,
        principal_arn: "arn:aws:iam::123456789012:user/admin".to_owned(),
        principal_id: None,
    };
    let page = PageRequest { limit: 10, after: None };
    while jobs.list(&owner.account, &page).await?.items.len() < JOBS {
        let owner = owner.clone();
        jobs.submit(NewJob { kind: "steps", owner, input: json!({}), dedup_key: None, max_attempts: 50, run_at: None })
            .await?;
    }
    for job in jobs.list(&owner.account, &page).await?.items {
        jobs.watch(&owner.account, &job.id).for_each(|_| async {}).await;
    }
    running.stop().await;
    Ok(())
}

async fn steps(job: JobContext, log: Arc<PathBuf>) -> Result<Value> {
    let done = job.checkpoint().and_then(|checkpoint| checkpoint.as_u64()).unwrap_or(0);
    for step in done..STEPS {
        append(&log, &format!("{} {step}\n", job.id())).map_err(Error::internal)?;
        job.save_checkpoint(json!(step + 1)).await?;
        let progress =
            Progress { done: step + 1, total: Some(STEPS), unit: "steps".to_owned(), message: "stepping".to_owned() };
        job.progress(progress).await;
    }
    Ok(json!({ "steps": STEPS }))
}

fn append(log: &Path, line: &str) -> std::io::Result<()> {
    OpenOptions::new().append(true).create(true).open(log)?.write_all(line.as_bytes())
}
