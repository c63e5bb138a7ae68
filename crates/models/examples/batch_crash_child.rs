//! The program that `tests/batch_crash.rs` kills: answers a batch and ends when the batch has ended.
//!
//! `batch_crash_child FOLDER`

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use base::{Error, Result};
use futures::StreamExt as _;

#[path = "../tests/support/deployment.rs"]
mod deployment;

use deployment::Deployment;
use deployment::dialect::{After, TestDialect};

#[tokio::main]
async fn main() -> Result<()> {
    let dir = PathBuf::from(std::env::args_os().nth(1).ok_or_else(|| Error::invalid("no folder given"))?);
    let answered = OpenOptions::new().create(true).append(true).open(dir.join("answered")).map_err(Error::internal)?;
    let note: After = Arc::new(move |prompt: &str| {
        // A line that is lost only weakens the test.
        drop((&answered).write_all(format!("{prompt}\n").as_bytes()));
    });
    let dialect = TestDialect { after: Mutex::new(Some(note)), ..TestDialect::default() };
    let deployment = Deployment::open_with(&dir, dialect).await?;
    let running = deployment.jobs.start(2);
    let job = deployment.batch().await?;
    let account = deployment.ctx.account().clone();
    if let Some(work) = &job.work {
        deployment.jobs.watch(&account, work).for_each(|_| async {}).await;
    }
    // What has ended without having told is noted.
    deployment.models.batch(&deployment.ctx, &job.id).await?;
    running.stop().await;
    deployment.store.close().await;
    Ok(())
}
