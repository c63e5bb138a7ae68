//! `craton eval compare --pairwise`: a judge chooses between the answers of two jobs, in both orders.

use anyhow::Result;
use http::Method;
use serde_json::{Value, json};

use super::{path_of, text};
use crate::args::Format;
use crate::client::Client;
use crate::commands::{jobs, segment};
use crate::output;

/// Starts the comparison, follows it to its end and prints what came of it.
pub(super) async fn run(client: &Client, (first, second): (&str, &str), judge: &str, format: Format) -> Result<()> {
    // An ARN's last part is the id.
    let second = second.rsplit('/').next().unwrap_or(second);
    let path = format!("{}/pairwise/{}", path_of(first), segment(second));
    let answer = client.craton(Method::POST, &path, Some(&json!({"judge": judge}))).await?;
    for warning in answer["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        output::note(warning);
    }
    let broken_off = "the verdicts so far are kept: the same command goes on from them";
    jobs::follow(client, &answer["job"], "comparing", broken_off).await?;
    let path = format!("/pairwise-comparisons/{}", segment(answer["comparisonId"].as_str().unwrap_or_default()));
    match format {
        Format::Json => output::json(&client.craton(Method::GET, &path, None).await?["result"]),
        Format::Text => output::line(text(client, &format!("{path}?format=text")).await?.trim_end()),
    }
}
