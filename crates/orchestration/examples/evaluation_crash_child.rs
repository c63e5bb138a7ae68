//! The program that `tests/crash.rs` kills: does an evaluation, or compares two pair by pair, and ends when that has ended.
//!
//! `evaluation_crash_child FOLDER evaluate|compare`

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use base::{Error, Result};

#[path = "../tests/support/deployment.rs"]
mod deployment;
#[path = "../tests/support/noting.rs"]
mod noting;

use deployment::{Deployment, own};
use noting::{Note, NotingLoader};

#[tokio::main]
async fn main() -> Result<()> {
    let dir = PathBuf::from(std::env::args_os().nth(1).ok_or_else(|| Error::invalid("no folder given"))?);
    let asked = OpenOptions::new().create(true).append(true).open(dir.join("asked")).map_err(Error::internal)?;
    let note: Note = Arc::new(move |prompt: &str| {
        // A line that is lost only weakens the test.
        drop((&asked).write_all(format!("{}\n", prompt.replace('\n', " ")).as_bytes()));
    });
    let deployment = Deployment::open(&dir, Arc::new(NotingLoader(note)), 2).await?;
    let running = deployment.jobs.start(1);
    match std::env::args().nth(2).as_deref() {
        Some("evaluate") => {
            let metrics = ["Builtin.Correctness", "Builtin.Completeness", "Craton.TokenF1"];
            let job = deployment.evaluate("once", own(), &metrics).await?;
            deployment.ended(&job).await?;
        }
        Some("compare") => drop(deployment.compare_pairs("first", "second").await?),
        _ => return Err(Error::invalid("it is not said what to do")),
    }
    running.stop().await;
    deployment.store.close().await;
    Ok(())
}
