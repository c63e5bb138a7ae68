//! The program that `tests/crash.rs` kills: synchronises a bucket and ends when that has ended.
//!
//! `ingestion_crash_child FOLDER`

use std::path::PathBuf;

use base::{Error, Result};
use futures::StreamExt as _;

#[path = "../tests/support/deployment.rs"]
mod deployment;

use deployment::Deployment;

#[tokio::main]
async fn main() -> Result<()> {
    let dir = PathBuf::from(std::env::args_os().nth(1).ok_or_else(|| Error::invalid("no folder given"))?);
    let at = Deployment::open(&dir).await?;
    let running = at.jobs.start(2);
    let base = at.base().await?;
    let source = at.source(&base, None).await?;
    // However often it is asked for, it is one.
    let once = (None, Some("once".to_owned()));
    let job = at.knowledge.start_ingestion(&at.ctx, &base.id, &source.id, once).await?;
    if let Some(work) = &job.work {
        at.jobs.watch(at.ctx.account(), work).for_each(|_| async {}).await;
    }
    // What has ended without having told is noted.
    at.knowledge.ingestion_job(&at.ctx, &base.id, &source.id, &job.id).await?;
    running.stop().await;
    at.store.close().await;
    Ok(())
}
