//! An embedder of hashes.

use std::ops::Range;

use super::mix;
use crate::engine::{Embedder, EmbedderInfo, Embeddings, Truncate};
use crate::{Error, Result};

/// Embeds by hashing words: equal texts have equal vectors, texts that share words are near. A token is a word.
#[derive(Debug)]
pub struct FakeEmbedder {
    info: EmbedderInfo,
}

impl FakeEmbedder {
    /// An embedder of vectors of this length, at least 1.
    pub fn new(dimensions: u32) -> Self {
        let name = "fake".to_owned();
        Self { info: EmbedderInfo { name, dimensions: dimensions.max(1), max_tokens: 512, memory_bytes: 1 << 20 } }
    }

    fn vector(&self, words: &[String]) -> Vec<f32> {
        let mut vector = vec![0.0_f32; self.info.dimensions as usize];
        // The constant keeps a text without words from having no direction.
        vector[0] = 0.01;
        for word in words {
            let seed = word.bytes().fold(0, |state, byte| mix(state ^ u64::from(byte)));
            for (at, value) in (0_u64..).zip(&mut vector) {
                *value += (mix(seed ^ at) >> 40) as f32 / (1 << 23) as f32 - 1.0;
            }
        }
        let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
        vector.iter_mut().for_each(|value| *value /= length);
        vector
    }
}

impl Embedder for FakeEmbedder {
    fn info(&self) -> &EmbedderInfo {
        &self.info
    }

    fn embed(&self, texts: &[String], truncate: Truncate) -> Result<Embeddings> {
        let limit = self.info.max_tokens as usize;
        let mut embeddings = Embeddings::default();
        for (index, text) in texts.iter().enumerate() {
            let words = words(text);
            let kept = match truncate {
                _ if words.len() <= limit => words.as_slice(),
                Truncate::None => return Err(Error::InputTooLong { index, tokens: words.len(), limit }),
                Truncate::Start => &words[words.len() - limit..],
                Truncate::End => &words[..limit],
            };
            embeddings.vectors.push(self.vector(kept));
            embeddings.token_counts.push(kept.len() as u32);
        }
        Ok(embeddings)
    }

    fn count(&self, text: &str) -> Result<u32> {
        Ok(words(text).len() as u32)
    }

    fn spans(&self, text: &str) -> Result<Vec<Range<usize>>> {
        let words = text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
        let start = |word: &str| word.as_ptr() as usize - text.as_ptr() as usize;
        Ok(words.map(|word| start(word)..start(word) + word.len()).collect())
    }
}

fn words(text: &str) -> Vec<String> {
    let words = text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}
