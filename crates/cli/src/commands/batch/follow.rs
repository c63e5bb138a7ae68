//! Following a batch to its end.

use std::io::IsTerminal as _;
use std::time::Duration;

use anyhow::{Result, bail};
use http::Method;
use serde_json::{Value, json};

use crate::client::Client;
use crate::commands::{jobs, segment};
use crate::fields::text;
use crate::output;

const POLL: Duration = Duration::from_millis(300);

/// Follows a job with a progress bar in records on standard error, where that is a terminal, and lines for its statuses
/// elsewhere. Returns it when it has ended, however that is. Ctrl-C ends the following, not the job.
pub(super) async fn to_the_end(client: &Client, job: &str, title: &str, here: &str) -> Result<Value> {
    let path = format!("/batches/{}", segment(job));
    let (bar, mut told) = (jobs::bar(title), String::new());
    let interrupted = tokio::signal::ctrl_c();
    tokio::pin!(interrupted);
    loop {
        let batch = client.craton(Method::GET, &path, None).await?;
        if !batch["endedAt"].is_null() {
            bar.finish_and_clear();
            return Ok(batch);
        }
        jobs::show(&bar, title, &progress(&batch));
        let status = text(&batch, "status");
        if status != told && !std::io::stderr().is_terminal() {
            output::note(&format!("{title}: {status}"));
        }
        told = status;
        tokio::select! {
            () = tokio::time::sleep(POLL) => {}
            _ = &mut interrupted => {
                bar.finish_and_clear();
                bail!(
                    "not followed to its end: the batch goes on\nhint: come back with `craton batch status {job} --wait{here}`, \
                     or end it with `craton batch stop {job}{here}`"
                );
            }
        }
    }
}

/// How far a batch is, as jobs tell it.
fn progress(batch: &Value) -> Value {
    let total = batch["totalRecordCount"].as_u64().filter(|total| *total > 0);
    json!({
        "done": batch["processedRecordCount"].as_u64().unwrap_or(0),
        "total": total,
        "unit": "records",
        "message": text(batch, "status"),
    })
}
