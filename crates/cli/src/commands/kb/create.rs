//! `craton kb create`.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use clap::ValueEnum as _;
use http::Method;
use serde_json::{Value, json};

use super::{aws, sync};
use crate::args::Format;
use crate::client::Client;
use crate::fields::text;
use crate::kb_args::{Chunking, Create, Cut};
use crate::output;

const POLL: Duration = Duration::from_millis(200);
/// The tokens of a chunk, of a larger one, and of one for a page, where nothing else is said.
const TOKENS: u32 = 300;
const PARENT: u32 = 1_500;
const PAGE: u32 = 8_192;
/// How much of a chunk the next one repeats, in percent.
const OVERLAP: u32 = 20;
/// Above which percentile of all distances the subject changes.
const PERCENTILE: u32 = 95;

pub(super) async fn run(client: &Client, args: &Create, format: Format, here: &str) -> Result<()> {
    let place = args.from.as_deref().map(bucket).transpose()?;
    let chunking = chunking(&args.cut)?;
    let role = match &args.role_arn {
        Some(arn) => arn.clone(),
        None => aws::role(client, place.map(|(bucket, _)| bucket)).await?,
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
    let source = aws::make_source(client, &id, &args.name, (place, chunking)).await?;
    let synced = match place.is_none() || args.no_sync {
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
        let (name, how) = (&args.name, if place.is_some() { "sync" } else { "add" });
        let files = if place.is_some() { "" } else { " FILE…" };
        output::note(&format!("nothing is read in yet: `craton kb {how} {name}{files}{here}` does it"));
        return Ok(());
    }
    sync::tell(&synced, (&args.name, here))?;
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

/// Bedrock's `chunkingConfiguration`; none, where documents are cut as it does by default.
///
/// # Errors
/// An option that the way of cutting has no use for, or that leaves nothing new in a chunk.
pub(super) fn chunking(cut: &Cut) -> Result<Option<Value>> {
    check_options(cut)?;
    let tokens = cut.chunk_tokens.unwrap_or(TOKENS);
    Ok(Some(match cut.chunking {
        Chunking::Default => return Ok(None),
        Chunking::None => json!({ "chunkingStrategy": "NONE" }),
        Chunking::Fixed => {
            let overlap = cut.chunk_overlap.unwrap_or(OVERLAP);
            ensure!(overlap < 100, "an overlap of `{overlap}` % leaves nothing new\nhint: give 1 to 99");
            fixed(tokens, overlap)
        }
        // Chunks do not cross pages.
        Chunking::Page => fixed(cut.chunk_tokens.unwrap_or(PAGE), 1),
        Chunking::Hierarchical => {
            let parent = cut.parent_tokens.unwrap_or(PARENT);
            let overlap = cut.chunk_overlap.unwrap_or((tokens * OVERLAP / 100).max(1));
            ensure!(
                tokens < parent,
                "chunks of `{tokens}` tokens are no parts of larger ones of `{parent}`\nhint: give --chunk-tokens fewer than --parent-tokens"
            );
            ensure!(
                overlap < tokens,
                "an overlap of `{overlap}` tokens leaves nothing new in chunks of `{tokens}`\nhint: give a smaller --chunk-overlap"
            );
            json!({
                "chunkingStrategy": "HIERARCHICAL",
                "hierarchicalChunkingConfiguration": {
                    "levelConfigurations": [{ "maxTokens": parent }, { "maxTokens": tokens }],
                    "overlapTokens": overlap,
                },
            })
        }
        Chunking::Semantic => json!({
            "chunkingStrategy": "SEMANTIC",
            "semanticChunkingConfiguration": {
                "maxTokens": tokens,
                "bufferSize": cut.buffer_sentences.unwrap_or(0),
                "breakpointPercentileThreshold": cut.breakpoint_percentile.unwrap_or(PERCENTILE),
            },
        }),
    }))
}

/// # Errors
/// An option that the way of cutting has no use for.
fn check_options(cut: &Cut) -> Result<()> {
    use Chunking::{Fixed, Hierarchical, Page, Semantic};
    let options = [
        ("--chunk-tokens", cut.chunk_tokens, &[Fixed, Hierarchical, Semantic, Page][..]),
        ("--chunk-overlap", cut.chunk_overlap, &[Fixed, Hierarchical]),
        ("--parent-tokens", cut.parent_tokens, &[Hierarchical]),
        ("--buffer-sentences", cut.buffer_sentences, &[Semantic]),
        ("--breakpoint-percentile", cut.breakpoint_percentile, &[Semantic]),
    ];
    let name = |way: Chunking| way.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned());
    for (option, given, ways) in options {
        if given.is_some() && !ways.contains(&cut.chunking) {
            let ways: Vec<String> = ways.iter().map(|way| format!("`--chunking {}`", name(*way))).collect();
            let (way, ways) = (name(cut.chunking), ways.join(", "));
            bail!("`{option}` does not go with `--chunking {way}`\nhint: it goes with {ways}");
        }
    }
    Ok(())
}

fn fixed(tokens: u32, overlap: u32) -> Value {
    json!({
        "chunkingStrategy": "FIXED_SIZE",
        "fixedSizeChunkingConfiguration": { "maxTokens": tokens, "overlapPercentage": overlap },
    })
}

/// The bucket and the prefix of an S3 URI.
fn bucket(uri: &str) -> Result<(&str, &str)> {
    let path = uri.strip_prefix("s3://").filter(|path| !path.is_empty());
    let path = path.with_context(|| format!("`{uri}` is no place in a bucket\nhint: write s3://BUCKET/PREFIX"))?;
    Ok(path.split_once('/').unwrap_or((path, "")))
}
