//! `craton jobs`, and the progress bar of any job.

use std::time::Duration;

use anyhow::{Result, bail};
use http::Method;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use super::segment;
use crate::args::{Format, Jobs};
use crate::client::Client;
use crate::fields::{items, text};
use crate::output;

const POLL: Duration = Duration::from_millis(200);

pub(super) async fn run(client: &Client, command: Jobs, format: Format) -> Result<()> {
    match command {
        Jobs::List => {
            let jobs = client.listing("/jobs").await?;
            if format == Format::Json {
                return output::json(&jobs);
            }
            let row = |job: &Value| ["id", "kind", "state", "createdAt"].map(|name| text(job, name));
            let rows: Vec<[String; 4]> = items(&jobs).iter().map(row).collect();
            output::line(output::table(["ID", "KIND", "STATE", "CREATED"], &rows))
        }
        Jobs::Show { id } => {
            let job = client.craton(Method::GET, &format!("/jobs/{}", segment(&id)), None).await?;
            if format == Format::Json { output::json(&job) } else { describe(&job) }
        }
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

fn describe(job: &Value) -> Result<()> {
    let (progress, error) = (&job["progress"], &job["error"]);
    let output = &job["output"];
    let lines = [
        ("id", text(job, "id")),
        ("kind", text(job, "kind")),
        ("state", text(job, "state")),
        ("attempts", job["attempt"].as_u64().unwrap_or_default().to_string()),
        ("progress", amount(progress).unwrap_or_default()),
        ("doing", if job["endedAt"].is_null() { text(progress, "message") } else { String::new() }),
        ("error", text(error, "message")),
        ("hint", text(error, "hint")),
        ("output", if output.is_null() { String::new() } else { output.to_string() }),
        ("created", text(job, "createdAt")),
        ("started", text(job, "startedAt")),
        ("ended", text(job, "endedAt")),
    ];
    for (title, value) in lines.iter().filter(|(_, value)| !value.is_empty() && value != "-") {
        output::line(format!("{title:<9} {value}"))?;
    }
    Ok(())
}

/// How far a job is: `12.0 MB of 98.3 MB`.
pub(super) fn amount(progress: &Value) -> Option<String> {
    let done = progress["done"].as_u64()?;
    let count = |n: u64| match progress["unit"].as_str() {
        Some("bytes") => output::bytes(n),
        unit => format!("{n} {}", unit.unwrap_or_default()).trim_end().to_owned(),
    };
    Some(match progress["total"].as_u64() {
        Some(total) => format!("{} of {}", count(done), count(total)),
        None => count(done),
    })
}

/// Follows a job to its end with a progress bar on standard error (where that is a terminal) and returns it.
/// Ctrl-C cancels the job; `broken_off` says what that means.
pub(super) async fn follow(client: &Client, job: &Value, title: &str, broken_off: &str) -> Result<Value> {
    let path = format!("/jobs/{}", segment(&text(job, "id")));
    let bar = bar(title);
    let interrupted = tokio::signal::ctrl_c();
    tokio::pin!(interrupted);
    loop {
        let job = client.craton(Method::GET, &path, None).await?;
        show(&bar, title, &job["progress"]);
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
                bail!("cancelled\nhint: {broken_off}");
            }
        }
    }
}

/// Why a job has failed.
pub(super) fn failure(job: &Value) -> anyhow::Error {
    let message = job.pointer("/error/message").and_then(Value::as_str);
    match (message, job.pointer("/error/hint").and_then(Value::as_str)) {
        (Some(message), Some(hint)) => anyhow::anyhow!("{message}\nhint: {hint}"),
        (Some(message), None) => anyhow::anyhow!("{message}"),
        (None, _) => anyhow::anyhow!("the job was {}", text(job, "state")),
    }
}

/// A bar before anything is known of the job.
pub(super) fn bar(title: &str) -> ProgressBar {
    let bar = ProgressBar::new_spinner().with_message(title.to_owned());
    bar.set_style(style(UNKNOWN));
    bar
}

/// Where the total is not known, a bar that only counts.
const UNKNOWN: &str = "{spinner} {bytes} {msg}";
/// What is done stands last: there it may be cut off where the terminal ends.
const KNOWN: &str = "[{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {eta} {msg}";

/// What is counted one by one.
const COUNTED: &str = "[{bar:30}] {pos}/{len} {eta} {msg}";

fn style(template: &str) -> ProgressStyle {
    // The templates are constant and valid; a default bar would do otherwise.
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.progress_chars("=> ")
}

/// Shows how far a job is.
pub(super) fn show(bar: &ProgressBar, title: &str, progress: &Value) {
    match progress["total"].as_u64() {
        Some(total) if bar.length() != Some(total) => {
            let bytes = matches!(progress["unit"].as_str(), Some("bytes") | None);
            bar.set_style(style(if bytes { KNOWN } else { COUNTED }));
            bar.set_length(total);
        }
        None if bar.length().is_some() => {
            bar.unset_length();
            bar.set_style(style(UNKNOWN));
        }
        _ => {}
    }
    bar.set_message(message(title, progress));
    bar.set_position(progress["done"].as_u64().unwrap_or_default());
    bar.tick();
}

/// What is done, for a terminal.
fn message(title: &str, progress: &Value) -> String {
    match progress["message"].as_str().filter(|message| !message.is_empty()) {
        Some(message) => output::shown(&format!("{title}: {message}"), true).into_owned(),
        None => title.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_bar_without_a_total_only_counts() {
        let bar = bar("made");
        bar.set_draw_target(indicatif::ProgressDrawTarget::hidden());
        show(&bar, "made", &json!({ "done": 5, "total": null, "unit": "bytes", "message": "asking the hub" }));
        assert_eq!((bar.length(), bar.position(), bar.message().as_str()), (None, 5, "made: asking the hub"));
        show(&bar, "made", &json!({ "done": 7, "total": 9, "unit": "bytes", "message": "verifying\u{1b}[2J" }));
        assert_eq!((bar.length(), bar.position(), bar.message().as_str()), (Some(9), 7, "made: verifying[2J"));
        show(&bar, "made", &json!({ "done": 0, "total": null, "unit": "bytes", "message": "" }));
        assert_eq!((bar.length(), bar.message().as_str()), (None, "made"));
    }

    #[test]
    fn amounts_have_units() {
        assert_eq!(amount(&json!({ "done": 5, "total": 98_362_432, "unit": "bytes" })).unwrap(), "5 B of 98.3 MB");
        assert_eq!(amount(&json!({ "done": 5, "total": null, "unit": "documents" })).unwrap(), "5 documents");
        assert_eq!(amount(&json!(null)), None);
    }
}
