//! `craton kb remove`.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use http::Method;
use serde_json::{Value, json};

use super::aws;
use super::documents::{self, Accepted, Placed, TOGETHER};
use crate::args::Format;
use crate::client::Client;
use crate::fields::text;
use crate::output;

pub(super) async fn run(
    client: &Client,
    (base, names): (&str, &[String]),
    (source, wait): (Option<&str>, bool),
    format: Format,
    here: &str,
) -> Result<()> {
    let id = aws::find(client, base).await?;
    let mut of_source: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for Placed { source, identifier } in documents::placed(client, (&id, base), (names, source), here).await? {
        of_source.entry(source).or_default().push(identifier);
    }
    let from_bucket = of_source.values().flatten().any(|identifier| identifier["dataSourceType"] == "S3");
    let mut accepted = Accepted::default();
    for (source, identifiers) in of_source {
        let path = format!("{}/documents/deleteDocuments", aws::source_path(&id, &source));
        for part in identifiers.chunks(TOGETHER) {
            let input = json!({ "documentIdentifiers": part });
            if let Err(error) = accepted.send(client, (Method::POST, &path), &input, part.len()).await {
                return Err(accepted.broken_off(error, (names.len(), "are being taken out"), format));
            }
        }
    }
    let mut details = accepted.details;
    if wait {
        details = documents::settled(client, (&id, base), details, here).await?;
    }
    documents::tell(&details, format)?;
    if from_bucket {
        output::note("the objects stay in their bucket: the next sync reads them in again");
    }
    let failed = details.iter().filter(|detail| text(detail, "status").contains("FAILED")).count();
    ensure!(failed == 0, "{failed} of {} documents could not be taken out", details.len());
    if wait {
        let is_gone = |detail: &&Value| matches!(text(detail, "status").as_str(), "NOT_FOUND" | "IGNORED");
        let stay = details.len() - details.iter().filter(is_gone).count();
        ensure!(stay == 0, "{stay} of {} documents are there still, or again", details.len());
    }
    Ok(())
}
