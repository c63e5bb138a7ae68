//! `craton embed`: texts into vectors.

use std::io::BufRead as _;

use anyhow::{Context as _, Result, bail};
use http::Method;
use serde_json::{Value, json};

use super::segment;
use crate::args::{Embed, Format};
use crate::client::Client;
use crate::output;

/// The texts that one request of the OpenAI API may have.
const BATCH: usize = 2048;
/// The texts that one request with Cohere's body may have, and the characters of each.
const COHERE_BATCH: usize = 96;
const COHERE_CHARACTERS: usize = 2048;

pub(super) async fn run(client: &Client, args: Embed, format: Format) -> Result<()> {
    let texts = if args.texts.is_empty() { lines()? } else { args.texts.clone() };
    if texts.is_empty() {
        bail!("there is nothing to embed\nhint: give texts as arguments, or one a line on standard input");
    }
    let default = if args.truncate { "cohere.embed-english-v3" } else { "amazon.titan-embed-text-v2:0" };
    let model = args.model.as_deref().unwrap_or(default);
    let mut vectors = Vec::with_capacity(texts.len());
    for batch in texts.chunks(if args.truncate { COHERE_BATCH } else { BATCH }) {
        let more = if args.truncate {
            truncated(client, model, batch).await?
        } else {
            whole(client, model, batch, &args).await?
        };
        if more.len() != batch.len() {
            bail!("the server's answer has {} vectors for {} texts", more.len(), batch.len());
        }
        vectors.extend(more);
    }
    if format == Format::Json {
        return output::json(&json!({ "model": model, "embeddings": vectors }));
    }
    for (text, vector) in texts.iter().zip(&vectors) {
        let vector = vector.as_array().map_or(&[][..], Vec::as_slice);
        let first: Vec<String> = vector.iter().take(4).filter_map(Value::as_f64).map(|x| format!("{x:.4}")).collect();
        output::line(format!("[{}, …] {} numbers  {text}", first.join(", "), vector.len()))?;
    }
    Ok(())
}

/// The vectors of texts, none of which may be longer than the model reads.
async fn whole(client: &Client, model: &str, texts: &[String], args: &Embed) -> Result<Vec<Value>> {
    let mut request = json!({ "model": model, "input": texts, "encoding_format": "float" });
    if let Some(dimensions) = args.dimensions {
        request["dimensions"] = dimensions.into();
    }
    if let Some(priority) = args.priority {
        request["priority"] = priority.name().into();
    }
    let response = client.send("craton", Method::POST, "/v1/embeddings", serde_json::to_vec(&request)?).await?;
    let mut answer: Value = response.json().await.context("the server's answer is not JSON")?;
    let items = answer["data"].as_array_mut().map(std::mem::take).unwrap_or_default();
    Ok(items.into_iter().map(|mut item| item["embedding"].take()).collect())
}

/// The vectors of the beginnings of texts, as far as the model reads them: of the bodies for `InvokeModel` only Cohere's asks
/// for that, which Cohere's ids and local names take.
async fn truncated(client: &Client, model: &str, texts: &[String]) -> Result<Vec<Value>> {
    if model.contains("amazon.titan") {
        bail!(
            "`{model}` refuses texts that are too long\nhint: name a Cohere id or a local model, or leave --truncate out"
        );
    }
    let texts: Vec<&str> = texts.iter().map(|text| beginning(text)).collect();
    let request = json!({ "texts": texts, "input_type": "search_document", "truncate": "END" });
    let path = format!("/model/{}/invoke", segment(model));
    let response = client.send("bedrock", Method::POST, &path, serde_json::to_vec(&request)?).await?;
    let mut answer: Value = response.json().await.context("the server's answer is not JSON")?;
    Ok(answer["embeddings"].as_array_mut().map(std::mem::take).unwrap_or_default())
}

/// What of a text Cohere's body may have: about eight characters for each token that the default model reads.
fn beginning(text: &str) -> &str {
    text.char_indices().nth(COHERE_CHARACTERS).map_or(text, |(end, _)| &text[..end])
}

fn lines() -> Result<Vec<String>> {
    let lines: Result<Vec<String>, _> = std::io::stdin().lock().lines().collect();
    Ok(lines.context("cannot read standard input")?.into_iter().filter(|line| !line.trim().is_empty()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_length_and_a_priority_are_asked_for() {
        let (client, asked) = crate::fake::server(&[(200, r#"{"data":[{"embedding":[0.5,0.25]}]}"#)]);
        let priority = Some(crate::chat_args::Priority::Low);
        let texts = vec!["Hi".to_owned()];
        let args = Embed { model: Some("m".to_owned()), truncate: false, dimensions: Some(256), priority, texts };
        run(&client, args, Format::Text).await.unwrap();
        let wanted = json!({
            "model": "m", "input": ["Hi"], "encoding_format": "float", "dimensions": 256, "priority": "low",
        });
        assert_eq!(asked.join().unwrap()[0].json(), wanted);
    }

    #[test]
    fn texts_are_cut_between_characters() {
        let long = "ä".repeat(3000);
        assert_eq!(beginning(&long).chars().count(), COHERE_CHARACTERS);
        assert_eq!(beginning("short"), "short");
    }
}
