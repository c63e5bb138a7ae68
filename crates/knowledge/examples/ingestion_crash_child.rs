//! The program that `tests/crash.rs` kills: synchronises a bucket, hands documents in and removes some, and ends when all of that
//! has ended.
//!
//! `ingestion_crash_child FOLDER [WINDOW]`: documents are written in windows of so many.

use std::path::PathBuf;
use std::time::Duration;

use base::{Error, PageRequest, Result};
use futures::StreamExt as _;
use knowledge::{DocumentStatus, Origin};
use store::Store;

#[path = "../tests/support/deployment.rs"]
mod deployment;

use deployment::{Deployment, Setting};

/// How often it looks whether what was handed in is dealt with.
const LOOK: Duration = Duration::from_millis(5);

#[tokio::main]
async fn main() -> Result<()> {
    let dir = PathBuf::from(std::env::args_os().nth(1).ok_or_else(|| Error::invalid("no folder given"))?);
    let window = std::env::args().nth(2).map(|window| window.parse::<usize>().map_err(Error::internal)).transpose()?;
    let store = Store::open_sqlite(&dir.join("craton.db")).await?;
    let at = Deployment::open_with(&dir, store, Setting { window, ..Setting::default() }).await?;
    let running = at.jobs.start(2);
    let base = at.base().await?;
    let source = at.source(&base, None).await?;
    // However often it is asked for, it is one.
    let once = Some("once");
    let asked = (None, once.map(str::to_owned));
    let job = at.knowledge.start_ingestion(&at.ctx, &base.id, &source.id, asked).await?;
    let notes = at.source_of(&base, Origin::Custom, None).await?;
    at.knowledge.ingest_documents(&at.ctx, &base.id, &notes.id, deployment::handed_in("new"), None).await?;
    at.knowledge.delete_documents(&at.ctx, &base.id, &notes.id, deployment::withdrawn(), once).await?;
    if let Some(work) = &job.work {
        at.jobs.watch(at.ctx.account(), work).for_each(|_| async {}).await;
    }
    // What has ended without having told is noted.
    at.knowledge.ingestion_job(&at.ctx, &base.id, &source.id, &job.id).await?;
    let page = PageRequest { limit: 100, after: None };
    loop {
        let documents = at.knowledge.list_documents(&at.ctx, &base.id, &notes.id, &page).await?.items;
        let is_open =
            |status| matches!(status, DocumentStatus::Starting | DocumentStatus::InProgress | DocumentStatus::Deleting);
        if !documents.iter().any(|document| is_open(document.status)) {
            break;
        }
        tokio::time::sleep(LOOK).await;
    }
    running.stop().await;
    at.store.close().await;
    Ok(())
}
