//! `craton import`: checkpoints of Hugging Face's layout become models of the account's own.

mod checks;
mod create;
pub(crate) mod doctor;
mod follow;
mod job;
mod models;
mod policies;

#[cfg(test)]
mod tests;

pub(super) use create::job_name;

use anyhow::{Context as _, Result};
use http::Method;
use serde_json::{Value, json};

use crate::args::Global;
use crate::client::Client;
use crate::import_args::Import;

/// Runs a command of an import that asks the server.
pub(super) async fn run(client: &Client, command: Import, global: &Global) -> Result<()> {
    let (format, here) = (global.output, &*here(global));
    match command {
        Import::Create(args) => create::run(client, &args, format, here).await,
        Import::Status { job, watch } => job::status(client, &job, watch, format, here).await,
        Import::List { status } => job::list(client, status, format).await,
        Import::Cancel { job } => job::cancel(client, &job, format).await,
        Import::Doctor(args) => doctor::in_a_bucket(client, &args, format, here).await,
        Import::Policies(args) => policies::run(client, &args, format).await,
        Import::Models { model: None } => models::list(client, format).await,
        Import::Models { model: Some(model) } => models::show(client, &model, format).await,
        Import::Delete { model, yes } => models::delete(client, &model, yes, format).await,
    }
}

/// What a further command on the same account is typed with.
pub(super) fn here(global: &Global) -> String {
    global.account.as_ref().map(|account| format!(" --account {account}")).unwrap_or_default()
}

/// Calls an operation of Bedrock's and returns its JSON; `Null` where the answer has no body.
pub(super) async fn bedrock(
    client: &Client,
    method: Method,
    path: &str,
    headers: &[(&'static str, &str)],
    body: Option<&Value>,
) -> Result<Value> {
    let bytes = body.map(serde_json::to_vec).transpose()?.unwrap_or_default();
    let response = client.send_with("bedrock", method, path, headers, bytes).await?;
    let text = response.bytes().await?;
    if text.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(&text).context("the server's answer is not JSON")
}

/// Every summary of a listing of Bedrock's, page by page, as `items`.
pub(super) async fn listing(client: &Client, path: &str, query: &str, member: &str) -> Result<Value> {
    let (mut items, mut page) = (Vec::new(), format!("{path}?maxResults=100{query}"));
    loop {
        let mut answer = bedrock(client, Method::GET, &page, &[], None).await?;
        if let Value::Array(more) = answer[member].take() {
            items.extend(more);
        }
        let Some(token) = answer["nextToken"].as_str() else {
            return Ok(json!({ "items": items }));
        };
        page = format!("{path}?maxResults=100{query}&nextToken={}", super::segment(token));
    }
}

/// Lines of a title and a value, those without a value left out.
pub(super) fn described(lines: &[(&str, String)]) -> String {
    let known: Vec<_> = lines.iter().filter(|(_, value)| !value.is_empty() && value != "-").collect();
    let width = known.iter().map(|(title, _)| title.chars().count()).max().unwrap_or_default();
    let line = |(title, value): &&(&str, String)| format!("{title:<width$}  {value}").trim_end().to_owned();
    known.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A count for people, `134.5 million`; empty for 0 and where there is none.
fn count(value: &Value) -> String {
    let count = value.as_u64().unwrap_or_default();
    for (unit, size) in [("billion", 1_000_000_000), ("million", 1_000_000)] {
        if count >= size {
            return format!("{}.{} {unit}", count / size, count % size * 10 / size);
        }
    }
    if count == 0 { String::new() } else { count.to_string() }
}

/// Bytes for people; empty for 0 and where there are none.
fn size(value: &Value) -> String {
    value.as_u64().filter(|bytes| *bytes > 0).map(crate::output::bytes).unwrap_or_default()
}
