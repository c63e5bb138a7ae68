//! Following an import job to its end.

use std::io::IsTerminal as _;
use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use http::Method;
use indicatif::ProgressBar;
use serde_json::Value;

use crate::client::Client;
use crate::commands::{jobs, segment};
use crate::fields::text;
use crate::output;

const POLL: Duration = Duration::from_millis(300);
/// How often a job whose work has ended is asked for its outcome, which is written a moment later.
const LAST_LOOKS: u32 = 30;

/// Follows a job with a progress bar in bytes on standard error, where that is a terminal, and lines for its stages
/// elsewhere. Returns it when it has ended, however that is. Ctrl-C ends the following, not the job.
pub(super) async fn to_the_end(client: &Client, job: &str, title: &str, here: &str) -> Result<Value> {
    let path = format!("/imports/{}", segment(job));
    let mut view = View::new(title);
    let interrupted = tokio::signal::ctrl_c();
    tokio::pin!(interrupted);
    loop {
        let import = client.craton(Method::GET, &path, None).await?;
        if import["status"] != "InProgress" {
            view.bar.finish_and_clear();
            return Ok(import);
        }
        if let Some(work) = import["workId"].as_str() {
            let work = client.craton(Method::GET, &format!("/jobs/{}", segment(work)), None).await?;
            view.show(&work)?;
        }
        tokio::select! {
            () = tokio::time::sleep(POLL) => {}
            _ = &mut interrupted => {
                view.bar.finish_and_clear();
                bail!(
                    "not followed to its end: the import goes on\nhint: come back with `craton import status {job} --watch{here}`, \
                     or end it with `craton import cancel {job}{here}`"
                );
            }
        }
    }
}

/// What is shown of a job while it works.
struct View<'a> {
    bar: ProgressBar,
    title: &'a str,
    stage: String,
    looks: u32,
}

impl<'a> View<'a> {
    fn new(title: &'a str) -> Self {
        Self { bar: jobs::bar(title), title, stage: String::new(), looks: 0 }
    }

    /// # Errors
    /// The work has ended, and the import has no outcome.
    fn show(&mut self, work: &Value) -> Result<()> {
        jobs::show(&self.bar, self.title, &work["progress"]);
        let stage = text(&work["progress"], "message");
        if stage != "-" && stage != self.stage && !std::io::stderr().is_terminal() {
            output::note(&format!("{}: {stage}", self.title));
        }
        self.stage = stage;
        if matches!(work["state"].as_str(), Some("succeeded" | "failed" | "cancelled")) {
            self.looks += 1;
        }
        if self.looks < LAST_LOOKS { Ok(()) } else { Err(jobs::failure(work)) }
    }
}

/// # Errors
/// The job has failed; why is the error.
pub(super) fn completed(import: &Value, here: &str) -> Result<()> {
    if import["status"] != "Failed" {
        return Ok(());
    }
    let why = import["failureMessage"].as_str().unwrap_or("the import failed and does not say why");
    let hint = format!("`craton import status {}{here}` shows the job", text(import, "jobName"));
    Err(anyhow!("{why}\nhint: {hint}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn work_that_ended_is_not_followed_for_ever() {
        let mut view = View::new("m");
        let runs = json!({ "state": "running", "progress": { "done": 1, "total": 2, "unit": "bytes", "message": "importing" } });
        (0..=LAST_LOOKS).for_each(|_| view.show(&runs).unwrap());
        assert_eq!((view.bar.position(), view.bar.length()), (1, Some(2)));
        let ended = json!({ "state": "cancelled", "progress": null, "error": null });
        (1..LAST_LOOKS).for_each(|_| view.show(&ended).unwrap());
        assert_eq!(view.show(&ended).unwrap_err().to_string(), "the job was cancelled");
    }

    #[test]
    fn a_job_without_a_reason_has_failed_too() {
        let told = |import| completed(&import, "").map_err(|error| error.to_string());
        assert!(
            told(json!({ "status": "Failed", "failureMessage": null, "jobName": "j" }))
                .unwrap_err()
                .contains("status j")
        );
        assert_eq!(told(json!({ "status": "Completed" })), Ok(()));
    }
}
