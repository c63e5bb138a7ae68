//! Documents by themselves: which data source has one, sending many, where several stand, and waiting for that.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Error, Result, bail};
use http::Method;
use serde_json::{Value, json};

use super::aws;
use crate::args::Format;
use crate::client::Client;
use crate::fields::text;
use crate::output;

/// The most documents of a request: Bedrock's.
pub(super) const TOGETHER: usize = 10;
const POLL: Duration = Duration::from_millis(300);

/// What a document is called.
pub(super) fn name(document: &Value) -> String {
    let identifier = &document["identifier"];
    let uri = identifier["s3"]["uri"].as_str().or_else(|| identifier["custom"]["id"].as_str());
    uri.unwrap_or("-").to_owned()
}

/// What a data source with a bucket, or one that is handed its documents, calls a document.
fn identifier(custom: bool, name: &str) -> Value {
    match custom {
        true => json!({ "dataSourceType": "CUSTOM", "custom": { "id": name } }),
        false => json!({ "dataSourceType": "S3", "s3": { "uri": name } }),
    }
}

/// A document, and the data source that has it.
pub(super) struct Placed {
    pub(super) source: String,
    pub(super) identifier: Value,
}

/// Finds documents by their names, in the data source that is named, or in whichever has each.
///
/// # Errors
/// There is none of the name, or there are several.
pub(super) async fn placed(
    client: &Client,
    (id, base): (&str, &str),
    (names, wanted): (&[String], Option<&str>),
    here: &str,
) -> Result<Vec<Placed>> {
    let mut found: Vec<Vec<Placed>> = names.iter().map(|_| Vec::new()).collect();
    for source in aws::sources_called(client, (id, base), wanted, here).await? {
        let custom = aws::is_custom(client, id, &source).await?;
        let asked: Vec<usize> = (0..names.len()).filter(|at| custom || names[*at].starts_with("s3://")).collect();
        let identifiers: Vec<Value> = asked.iter().map(|at| identifier(custom, &names[*at])).collect();
        let details = details(client, (id, &source), &identifiers).await?;
        for ((at, identifier), detail) in asked.into_iter().zip(identifiers).zip(details) {
            if detail["status"] != "NOT_FOUND" {
                found[at].push(Placed { source: source.clone(), identifier });
            }
        }
    }
    let one = |(mut found, name): (Vec<Placed>, &String)| match (found.pop(), found.is_empty()) {
        (Some(one), true) => Ok(one),
        (None, _) => {
            bail!("there is no document `{name}` in `{base}`\nhint: `craton kb documents {base}{here}` shows them")
        }
        (Some(_), false) => bail!("several data sources have a document `{name}`\nhint: name one with --source"),
    };
    found.into_iter().zip(names).map(one).collect()
}

/// What was accepted of documents that are sent in several requests.
#[derive(Default)]
pub(super) struct Accepted {
    /// What was answered of them.
    pub(super) details: Vec<Value>,
    count: usize,
}

impl Accepted {
    /// Sends a request that is about so many documents, and keeps what is answered.
    pub(super) async fn send(
        &mut self,
        client: &Client,
        (method, path): (Method, &str),
        input: &Value,
        count: usize,
    ) -> Result<()> {
        let mut answer = aws::bedrock(client, method, path, Some(input)).await?;
        if let Value::Array(more) = answer["documentDetails"].take() {
            self.details.extend(more);
        }
        self.count += count;
        Ok(())
    }

    /// The error after which nothing more is sent. What was accepted before is printed, and counted in it; `done` says what
    /// became of them, of `all` documents.
    pub(super) fn broken_off(&self, error: Error, (all, done): (usize, &str), format: Format) -> Error {
        if self.count == 0 {
            return error;
        }
        // Where that cannot be printed, the error says how many they are.
        drop(tell(&self.details, format));
        error.context(format!("{} of {all} documents {done}", self.count))
    }
}

/// Where documents of a data source stand, in the same order.
async fn details(client: &Client, (id, source): (&str, &str), identifiers: &[Value]) -> Result<Vec<Value>> {
    let path = format!("{}/documents/getDocuments", aws::source_path(id, source));
    let mut all = Vec::with_capacity(identifiers.len());
    for part in identifiers.chunks(TOGETHER) {
        let mut answer =
            aws::bedrock(client, Method::POST, &path, Some(&json!({ "documentIdentifiers": part }))).await?;
        match answer["documentDetails"].take() {
            Value::Array(details) if details.len() == part.len() => all.extend(details),
            _ => bail!("the server's answer does not tell where each document stands"),
        }
    }
    Ok(all)
}

/// Waits until nothing of these documents is under way, and tells where each stands then. Ctrl-C ends the waiting alone.
pub(super) async fn settled(
    client: &Client,
    (id, base): (&str, &str),
    details_now: Vec<Value>,
    here: &str,
) -> Result<Vec<Value>> {
    let interrupted = tokio::signal::ctrl_c();
    tokio::pin!(interrupted);
    let mut details_now = details_now;
    loop {
        let mut under_way: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (at, detail) in details_now.iter().enumerate().filter(|(_, detail)| is_under_way(detail)) {
            under_way.entry(text(detail, "dataSourceId")).or_default().push(at);
        }
        for (source, places) in under_way {
            let asked: Vec<Value> = places.iter().map(|at| details_now[*at]["identifier"].clone()).collect();
            let found = details(client, (id, &source), &asked).await?;
            places.into_iter().zip(found).for_each(|(at, detail)| details_now[at] = detail);
        }
        if !details_now.iter().any(is_under_way) {
            return Ok(details_now);
        }
        tokio::select! {
            () = tokio::time::sleep(POLL) => {}
            _ = &mut interrupted => bail!(
                "not waited for: the work on the documents goes on\nhint: `craton kb documents {base}{here}` tells how it ends"
            ),
        }
    }
}

fn is_under_way(detail: &Value) -> bool {
    let status = text(detail, "status");
    matches!(status.as_str(), "STARTING" | "PENDING" | "IN_PROGRESS" | "DELETING" | "DELETE_IN_PROGRESS")
}

/// Prints where documents stand.
pub(super) fn tell(documents: &[Value], format: Format) -> Result<()> {
    if format == Format::Json {
        return output::json(&json!({ "items": documents }));
    }
    let row =
        |one: &Value| [text(one, "status"), name(one), one["statusReason"].as_str().unwrap_or_default().to_owned()];
    let rows: Vec<[String; 3]> = documents.iter().map(row).collect();
    output::line(output::table(["STATUS", "DOCUMENT", "REASON"], &rows))
}
