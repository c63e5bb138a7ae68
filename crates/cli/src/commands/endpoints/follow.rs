//! Following an endpoint until its state is final.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::Value;

use super::aws;
use crate::client::Client;
use crate::commands::jobs;
use crate::fields::text;
use crate::output;

const POLL: Duration = Duration::from_millis(300);
/// The server looks again at what failed after some seconds, and after five minutes at the latest.
const LONGEST_MENDING: Duration = Duration::from_secs(330);

/// Follows an endpoint until it is in service, with `instances` where that is asked for, and gives it. Tells its states on
/// standard error. Ctrl-C ends the following, not the endpoint.
///
/// # Errors
/// The endpoint failed, or it is gone.
pub(super) async fn to_the_end(client: &Client, name: &str, instances: Option<u32>) -> Result<Value> {
    let (bar, mut told) = (jobs::bar(name), String::new());
    let interrupted = tokio::signal::ctrl_c();
    tokio::pin!(interrupted);
    loop {
        let endpoint = aws::describe(client, name).await?;
        let status = text(&endpoint, "EndpointStatus");
        if is_final(&endpoint, instances) {
            bar.finish_and_clear();
            return if status == "Failed" { Err(failure(&endpoint)) } else { Ok(endpoint) };
        }
        bar.set_message(format!("{name}: {status}"));
        bar.tick();
        if status != told && !std::io::stderr().is_terminal() {
            output::note(&format!("{name}: {status}"));
        }
        told = status;
        tokio::select! {
            () = tokio::time::sleep(POLL) => {}
            _ = &mut interrupted => {
                bar.finish_and_clear();
                bail!("not followed to its end: the endpoint goes on\nhint: come back with `craton endpoints show {name} --wait`");
            }
        }
    }
}

/// Follows an endpoint that failed and is made ready by itself now, until it is in service.
///
/// # Errors
/// It fails again, for another reason, or is not made ready within some minutes.
pub(super) async fn until_mended(client: &Client, name: &str) -> Result<Value> {
    let before = text(&aws::describe(client, name).await?, "FailureReason");
    let begun = Instant::now();
    loop {
        let endpoint = aws::describe(client, name).await?;
        match endpoint["EndpointStatus"].as_str() {
            Some("Failed") if text(&endpoint, "FailureReason") != before || begun.elapsed() > LONGEST_MENDING => {
                return Err(failure(&endpoint));
            }
            Some("Failed") => tokio::time::sleep(POLL).await,
            _ => return to_the_end(client, name, None).await,
        }
    }
}

fn is_final(endpoint: &Value, instances: Option<u32>) -> bool {
    match endpoint["EndpointStatus"].as_str() {
        Some("InService") => instances.is_none_or(|wanted| {
            let variants = endpoint["ProductionVariants"].as_array().map_or(&[][..], Vec::as_slice);
            variants.iter().all(|one| one["CurrentInstanceCount"].as_u64() == Some(u64::from(wanted)))
        }),
        Some("Creating" | "Updating" | "SystemUpdating" | "RollingBack" | "Deleting") => false,
        _ => true,
    }
}

/// Why an endpoint failed.
fn failure(endpoint: &Value) -> anyhow::Error {
    match endpoint["FailureReason"].as_str() {
        Some(reason) => anyhow::anyhow!("the endpoint failed: {reason}"),
        None => anyhow::anyhow!("the endpoint failed"),
    }
}
