//! `craton kb list`, `show` and `documents`.

use anyhow::Result;
use http::Method;
use serde_json::json;

use super::{aws, documents, sync};
use crate::args::Format;
use crate::client::Client;
use crate::fields::text;
use crate::output;

pub(super) async fn list(client: &Client, format: Format) -> Result<()> {
    let bases = aws::bases(client).await?;
    if format == Format::Json {
        return output::json(&json!({ "items": bases }));
    }
    let rows: Vec<[String; 4]> =
        bases.iter().map(|base| ["knowledgeBaseId", "name", "status", "updatedAt"].map(|of| text(base, of))).collect();
    output::line(output::table(["ID", "NAME", "STATUS", "UPDATED"], &rows))
}

pub(super) async fn one(client: &Client, base: &str, format: Format) -> Result<()> {
    let id = aws::find(client, base).await?;
    let base = aws::bedrock(client, Method::GET, &aws::path(&id), None).await?["knowledgeBase"].take();
    let mut sources = Vec::new();
    for source in aws::sources(client, &id).await? {
        let name = text(&source, "dataSourceId");
        let sync = aws::latest_sync(client, &id, &name).await?;
        sources.push(json!({ "dataSource": source, "latestSync": sync }));
    }
    if format == Format::Json {
        return output::json(&json!({ "knowledgeBase": base, "dataSources": sources }));
    }
    let model = &base["knowledgeBaseConfiguration"]["vectorKnowledgeBaseConfiguration"];
    for (title, value) in [
        ("name", text(&base, "name")),
        ("id", id),
        ("status", text(&base, "status")),
        ("model", text(model, "embeddingModelArn")),
        ("role", text(&base, "roleArn")),
    ] {
        output::line(format!("{title:<10} {value}"))?;
    }
    for one in &sources {
        let (source, latest) = (&one["dataSource"], &one["latestSync"]);
        let told = if latest.is_null() { "never synced".to_owned() } else { sync::told(latest) };
        output::line(format!("{:<10} {} {}: {told}", "source", text(source, "name"), text(source, "dataSourceId")))?;
    }
    Ok(())
}

pub(super) async fn documents_of(client: &Client, base: &str, failed: bool, format: Format) -> Result<()> {
    let id = aws::find(client, base).await?;
    let mut found = Vec::new();
    for source in aws::sources(client, &id).await? {
        found.extend(aws::documents(client, &id, &text(&source, "dataSourceId")).await?);
    }
    if failed {
        found.retain(|document| text(document, "status").contains("FAILED"));
    }
    documents::tell(&found, format)
}
