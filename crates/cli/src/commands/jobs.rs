//! `craton jobs`, and the progress bar of any job.

use std::time::Duration;

use anyhow::{Result, bail};
use http::Method;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use super::segment;
use crate::args::{Format, Jobs};
use crate::client::Client;
use crate::output;

const POLL: Duration = Duration::from_millis(200);

pub(super) async fn run(client: &Client, command: Jobs, format: Format) -> Result<()> {
    match command {
        Jobs::List => {
            let answer = client.craton(Method::GET, "/jobs", None).await?;
            if format == Format::Json {
                return output::json(&answer);
            }
            let jobs = answer["items"].as_array().map_or(&[][..], Vec::as_slice);
            let rows: Vec<[String; 4]> =
                jobs.iter().map(|job| ["id", "kind", "state", "createdAt"].map(|name| text(job, name))).collect();
            output::line(output::table(["ID", "KIND", "STATE", "CREATED"], &rows))
        }
        Jobs::Show { id } => output::json(&client.craton(Method::GET, &format!("/jobs/{}", segment(&id)), None).await?),
        Jobs::Cancel { id } => {
            let job = client.craton(Method::POST, &format!("/jobs/{}/cancel", segment(&id)), None).await?;
            if format == Format::Json {
                output::json(&job)
            } else {
                output::line(format!("{} {}", text(&job, "state"), id))
            }
        }
    }
}

/// Follows a job to its end with a progress bar on standard error (where that is a terminal) and returns it.
/// Ctrl-C cancels the job.
pub(super) async fn follow(client: &Client, job: &Value, title: &str) -> Result<Value> {
    let path = format!("/jobs/{}", segment(&text(job, "id")));
    let bar = bar(title);
    let interrupted = tokio::signal::ctrl_c();
    tokio::pin!(interrupted);
    loop {
        let job = client.craton(Method::GET, &path, None).await?;
        show(&bar, &job["progress"]);
        match job["state"].as_str() {
            Some("succeeded") => {
                bar.finish_and_clear();
                return Ok(job);
            }
            Some("failed" | "cancelled") => {
                bar.abandon();
                return Err(failure(&job));
            }
            _ => {}
        }
        tokio::select! {
            () = tokio::time::sleep(POLL) => {}
            _ = &mut interrupted => {
                client.craton(Method::POST, &format!("{path}/cancel"), None).await?;
                bar.abandon();
                bail!("cancelled\nhint: the same command goes on where this one stopped");
            }
        }
    }
}

fn failure(job: &Value) -> anyhow::Error {
    let message = job.pointer("/error/message").and_then(Value::as_str);
    match (message, job.pointer("/error/hint").and_then(Value::as_str)) {
        (Some(message), Some(hint)) => anyhow::anyhow!("{message}\nhint: {hint}"),
        (Some(message), None) => anyhow::anyhow!("{message}"),
        (None, _) => anyhow::anyhow!("the job was {}", text(job, "state")),
    }
}

fn bar(title: &str) -> ProgressBar {
    let bar = ProgressBar::new(0).with_message(title.to_owned());
    let template = "{msg} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {eta}";
    // The template is constant and valid; a default bar would do otherwise.
    bar.set_style(
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "),
    );
    bar
}

fn show(bar: &ProgressBar, progress: &Value) {
    if let Some(total) = progress["total"].as_u64() {
        bar.set_length(total);
    }
    bar.set_position(progress["done"].as_u64().unwrap_or_default());
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or("-").to_owned()
}
