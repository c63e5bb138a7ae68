//! `craton embed`: texts into vectors.

use std::io::BufRead as _;

use anyhow::{Context as _, Result, bail};
use http::Method;
use serde_json::{Value, json};

use crate::args::{Embed, Format};
use crate::client::Client;
use crate::output;

pub(super) async fn run(client: &Client, args: Embed, format: Format) -> Result<()> {
    let texts = if args.texts.is_empty() { lines()? } else { args.texts };
    if texts.is_empty() {
        bail!("there is nothing to embed\nhint: give texts as arguments, or one a line on standard input");
    }
    let request = json!({ "model": args.model, "input": texts, "encoding_format": "float" });
    let response = client.send("craton", Method::POST, "/v1/embeddings", serde_json::to_vec(&request)?).await?;
    let answer: Value = response.json().await.context("the server's answer is not JSON")?;
    let items = answer["data"].as_array().map_or(&[][..], Vec::as_slice);
    if format == Format::Json {
        let vectors: Vec<&Value> = items.iter().map(|item| &item["embedding"]).collect();
        return output::json(&json!({ "model": args.model, "embeddings": vectors }));
    }
    for (text, item) in texts.iter().zip(items) {
        let vector = item["embedding"].as_array().map_or(&[][..], Vec::as_slice);
        let first: Vec<String> = vector.iter().take(4).filter_map(Value::as_f64).map(|x| format!("{x:.4}")).collect();
        output::line(format!("[{}, …] {} numbers  {text}", first.join(", "), vector.len()))?;
    }
    Ok(())
}

fn lines() -> Result<Vec<String>> {
    let lines: Result<Vec<String>, _> = std::io::stdin().lock().lines().collect();
    Ok(lines.context("cannot read standard input")?.into_iter().filter(|line| !line.trim().is_empty()).collect())
}
