//! The program that `tests/import_crash.rs` kills: imports a model and ends when the import has ended.
//!
//! `import_crash_child FOLDER`

use std::path::PathBuf;

use base::{Error, Result};
use futures::StreamExt as _;

#[path = "../tests/support/deployment.rs"]
mod deployment;

use deployment::Deployment;

#[tokio::main]
async fn main() -> Result<()> {
    let dir = PathBuf::from(std::env::args_os().nth(1).ok_or_else(|| Error::invalid("no folder given"))?);
    let deployment = Deployment::open(&dir).await?;
    let running = deployment.jobs.start(2);
    let job = deployment.import().await?;
    let account = deployment.ctx.account().clone();
    if let Some(work) = &job.work {
        deployment.jobs.watch(&account, work).for_each(|_| async {}).await;
    }
    // What has ended without having told is noted.
    deployment.models.import_job(&deployment.ctx, &job.id).await?;
    running.stop().await;
    deployment.store.close().await;
    Ok(())
}
