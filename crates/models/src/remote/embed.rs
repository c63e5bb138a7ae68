//! Embeddings of an upstream.

use base::Error;
use serde::Deserialize;
use serde_json::json;

use super::{Client, Failure, MAX_ANSWER, Upstream, garbled};

#[derive(Deserialize)]
struct Answer {
    data: Vec<Item>,
    #[serde(default)]
    usage: Usage,
}

#[derive(Deserialize)]
struct Item {
    index: usize,
    embedding: Vec<f32>,
}

#[derive(Deserialize, Default)]
struct Usage {
    #[serde(default)]
    prompt_tokens: u32,
}

impl Client {
    /// Embeds texts: the vectors in order, and each text's tokens. The dialect tells only the tokens of all texts
    /// together; they are given to the texts by their length, so that the sum is right.
    pub(crate) async fn embed(
        &self,
        upstream: Upstream,
        texts: &[String],
    ) -> Result<(Vec<Vec<f32>>, Vec<u32>), Failure> {
        let body = json!({ "model": upstream.model, "input": texts, "encoding_format": "float" });
        let response = self.post(&upstream, "embeddings", &body).await?;
        let answer = self.read(&upstream, response, MAX_ANSWER).await.map_err(Failure::member)?;
        let mut answer: Answer = serde_json::from_slice(&answer).map_err(|e| Failure::member(garbled(&upstream, e)))?;
        answer.data.sort_by_key(|item| item.index);
        let in_order = answer.data.iter().enumerate().all(|(at, item)| item.index == at && !item.embedding.is_empty());
        if answer.data.len() != texts.len() || !in_order {
            let (has, wants) = (answer.data.len(), texts.len());
            return Err(Failure::member(Error::unavailable(format!(
                "The upstream `{}` gave {has} vectors for {wants} texts.",
                upstream.base_url
            ))));
        }
        let counts = share(answer.usage.prompt_tokens, texts);
        Ok((answer.data.into_iter().map(|item| item.embedding).collect(), counts))
    }
}

/// Splits `total` over the texts by their length in bytes; the parts sum to it.
fn share(total: u32, texts: &[String]) -> Vec<u32> {
    let all: u64 = texts.iter().map(|text| text.len() as u64).sum::<u64>().max(1);
    let (mut before, mut given) = (0_u64, 0_u32);
    let mut counts = Vec::with_capacity(texts.len());
    for text in texts {
        before += text.len() as u64;
        let upto = u32::try_from(u64::from(total) * before / all).unwrap_or(total);
        counts.push(upto - given);
        given = upto;
    }
    counts
}
