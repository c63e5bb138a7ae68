//! `craton kb create`.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use http::Method;
use serde_json::{Value, json};

use super::{aws, sync};
use crate::args::Format;
use crate::client::Client;
use crate::fields::text;
use crate::kb_args::{Chunking, Create};
use crate::output;

const POLL: Duration = Duration::from_millis(200);

pub(super) async fn run(client: &Client, args: &Create, format: Format, here: &str) -> Result<()> {
    let (bucket, prefix) = bucket(&args.from)?;
    let role = match &args.role_arn {
        Some(arn) => arn.clone(),
        None => aws::role(client, bucket).await?,
    };
    let mut input = json!({
        "name": args.name,
        "roleArn": role,
        "knowledgeBaseConfiguration": {
            "type": "VECTOR",
            "vectorKnowledgeBaseConfiguration": { "embeddingModelArn": client.model_arn(&args.embedding_model) },
        },
    });
    if let Some(description) = &args.description {
        input["description"] = description.as_str().into();
    }
    let made = aws::bedrock(client, Method::PUT, "/knowledgebases/", Some(&input)).await?;
    let id = text(&made["knowledgeBase"], "knowledgeBaseId");
    active(client, &id).await?;
    let source = source(client, &id, args, (bucket, prefix)).await?;
    let synced = match args.no_sync {
        true => Value::Null,
        false => sync::one(client, (&id, &args.name), &source, here).await?,
    };
    if format == Format::Json {
        return output::json(
            &json!({ "knowledgeBaseId": id, "dataSourceId": source, "roleArn": role, "sync": synced }),
        );
    }
    output::line(format!("{id}  {}", args.name))?;
    if synced.is_null() {
        output::note(&format!("nothing is read in yet: `craton kb sync {}{here}` does it", args.name));
        return Ok(());
    }
    output::line(sync::told(&synced))?;
    sync::check(&synced)
}

/// Waits until a knowledge base may be used.
async fn active(client: &Client, id: &str) -> Result<()> {
    loop {
        let base = aws::bedrock(client, Method::GET, &aws::path(id), None).await?;
        match base["knowledgeBase"]["status"].as_str() {
            Some("CREATING") => tokio::time::sleep(POLL).await,
            Some("FAILED") => {
                bail!("the knowledge base `{id}` could not be made: {}", base["knowledgeBase"]["failureReasons"])
            }
            _ => return Ok(()),
        }
    }
}

async fn source(client: &Client, id: &str, args: &Create, (bucket, prefix): (&str, &str)) -> Result<String> {
    let mut s3 = json!({ "bucketArn": format!("arn:aws:s3:::{bucket}") });
    if !prefix.is_empty() {
        s3["inclusionPrefixes"] = json!([prefix]);
    }
    let mut input = json!({
        "name": args.name,
        "dataSourceConfiguration": { "type": "S3", "s3Configuration": s3 },
    });
    if let Some(chunking) = chunking(args.chunking) {
        input["vectorIngestionConfiguration"] = json!({ "chunkingConfiguration": chunking });
    }
    let path = format!("{}/datasources/", aws::path(id));
    let made = aws::bedrock(client, Method::PUT, &path, Some(&input)).await?;
    Ok(text(&made["dataSource"], "dataSourceId"))
}

fn chunking(how: Chunking) -> Option<Value> {
    Some(match how {
        Chunking::Default => return None,
        Chunking::None => json!({ "chunkingStrategy": "NONE" }),
        Chunking::Fixed => json!({
            "chunkingStrategy": "FIXED_SIZE",
            "fixedSizeChunkingConfiguration": { "maxTokens": 300, "overlapPercentage": 20 },
        }),
        Chunking::Hierarchical => json!({
            "chunkingStrategy": "HIERARCHICAL",
            "hierarchicalChunkingConfiguration": {
                "levelConfigurations": [{ "maxTokens": 1500 }, { "maxTokens": 300 }],
                "overlapTokens": 60,
            },
        }),
        Chunking::Semantic => json!({
            "chunkingStrategy": "SEMANTIC",
            "semanticChunkingConfiguration": { "maxTokens": 300, "bufferSize": 0, "breakpointPercentileThreshold": 95 },
        }),
    })
}

/// The bucket and the prefix of an S3 URI.
fn bucket(uri: &str) -> Result<(&str, &str)> {
    let path = uri.strip_prefix("s3://").filter(|path| !path.is_empty());
    let path = path.with_context(|| format!("`{uri}` is no place in a bucket\nhint: write s3://BUCKET/PREFIX"))?;
    Ok(path.split_once('/').unwrap_or((path, "")))
}
