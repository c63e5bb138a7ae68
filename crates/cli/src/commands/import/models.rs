//! `craton import models` and `delete`.

use std::io::IsTerminal as _;

use anyhow::{Context as _, Result, bail};
use http::Method;
use serde_json::{Value, json};

use super::{bedrock, count, described, listing, size};
use crate::args::Format;
use crate::client::Client;
use crate::commands::segment;
use crate::fields::{items, text};
use crate::output;

pub(super) async fn list(client: &Client, format: Format) -> Result<()> {
    let listed = listing(client, "/imported-models", "", "modelSummaries").await?;
    if format == Format::Json {
        return output::json(&listed);
    }
    let row =
        |model: &Value| ["modelName", "modelArchitecture", "creationTime", "modelArn"].map(|name| text(model, name));
    let rows: Vec<[String; 4]> = items(&listed).iter().map(row).collect();
    output::line(output::table(["NAME", "ARCHITECTURE", "CREATED", "ARN"], &rows))
}

pub(super) async fn show(client: &Client, model: &str, format: Format) -> Result<()> {
    let model = client.craton(Method::GET, &format!("/imported-models/{}", segment(model)), None).await?;
    if format == Format::Json { output::json(&model) } else { output::line(card(&model)) }
}

/// An imported model for people.
pub(super) fn card(model: &Value) -> String {
    let card = &model["card"];
    let tags = model["tags"].as_object().into_iter().flatten();
    let tags: Vec<String> = tags.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
    let source = match size(&card["sourceBytes"]) {
        bytes if bytes.is_empty() => text(card, "dtype"),
        bytes => format!("{} ({bytes})", text(card, "dtype")),
    };
    let trial = &card["trial"];
    let mut lines = vec![
        ("name", text(model, "modelName")),
        ("arn", text(model, "modelArn")),
        ("architecture", text(model, "architecture")),
        ("chats", if model["instruct"] == true { "yes" } else { "no, it continues texts" }.to_owned()),
        ("parameters", count(&card["parameters"])),
        ("layers", card["layers"].as_u64().map(|n| n.to_string()).unwrap_or_default()),
        ("context", card["contextLength"].as_u64().map(|n| format!("{n} tokens")).unwrap_or_default()),
        ("vocabulary", card["vocabulary"].as_u64().map(|n| format!("{n} tokens")).unwrap_or_default()),
        ("imported from", source),
        ("kept as", text(card, "quantization")),
        ("size", size(&model["bytes"])),
        ("key", model["kmsKeyArn"].as_str().unwrap_or("Craton's own").to_owned()),
        ("in memory", if model["loaded"] == true { "yes" } else { "no, it loads on first use" }.to_owned()),
        ("quality", quality(&card["quality"])),
        ("asked", text(trial, "prompt")),
        ("answered", text(trial, "answer").replace('\n', " ")),
    ];
    let warnings = card["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str);
    lines.extend(warnings.map(|warning| ("warning", warning.to_owned())));
    lines.extend([
        ("tags", tags.join(", ")),
        ("from", text(model, "s3Uri")),
        ("role", text(model, "roleArn")),
        ("job", text(model, "jobName")),
        ("created", text(model, "createdAt")),
    ]);
    described(&lines)
}

/// How well a model reads the fixed text, and what the import changed, in one line.
pub(super) fn quality(quality: &Value) -> String {
    let Some(perplexity) = quality["perplexity"].as_f64() else { return String::new() };
    let tokens = quality["tokens"].as_u64().unwrap_or_default();
    let reads = format!("perplexity {perplexity:.2} on `{}` ({tokens} tokens)", text(quality, "text"));
    if let Some(exact) = quality["exact"]["perplexity"].as_f64() {
        let agreement = quality["exact"]["agreement"].as_f64().unwrap_or_default() * 100.0;
        let format = text(&quality["exact"], "format");
        let labels = &quality["exact"]["comparison"]["labelAgreement"];
        let labels = match (labels["share"].as_f64(), labels["of"].as_u64()) {
            (Some(share), Some(of)) if of > 0 => format!(", the same label for {:.1} % of {of}", share * 100.0),
            _ => String::new(),
        };
        let bound = if quality["bound"].is_object() { "; within its bound" } else { "" };
        return format!(
            "{reads}; {exact:.2} before the import ({format}), the same next token for {agreement:.1} %{labels}{bound}"
        );
    }
    match quality["unmeasured"].as_str() {
        Some(why) => format!("{reads}; not compared with the weights before the import: {why}"),
        None => reads,
    }
}

pub(super) async fn delete(client: &Client, model: &str, yes: bool, format: Format) -> Result<()> {
    if !yes {
        confirm(model)?;
    }
    bedrock(client, Method::DELETE, &format!("/imported-models/{}", segment(model)), &[], None).await?;
    if format == Format::Json {
        return output::json(&json!({ "deleted": model }));
    }
    output::line(format!("deleted {model}"))
}

/// # Errors
/// The answer is not yes, or there is nobody to ask.
fn confirm(model: &str) -> Result<()> {
    if !std::io::stdin().is_terminal() {
        bail!("the imported model `{model}` and its bytes would be gone for good\nhint: say --yes");
    }
    output::piece(&format!("Delete the imported model {model} and its bytes for good? [y/N] "))?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).context("cannot read the terminal")?;
    if !matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
        bail!("nothing was deleted");
    }
    Ok(())
}
