//! A deterministic engine without a model, for tests and for a server that is told to use it. Never a fallback.

use crate::Result;
use crate::engine::{Embedder, EmbedderInfo, Embeddings, Facts, LoadOptions, Loaded, Loader, ModelFiles, Truncate};

/// Loads a fake generator or embedder for any file.
#[derive(Debug, Clone, Copy, Default)]
pub struct FakeLoader;

impl Loader for FakeLoader {
    fn inspect(&self, _files: &ModelFiles) -> Result<Facts> {
        todo!()
    }

    fn load(&self, _files: &ModelFiles, _options: &LoadOptions) -> Result<Loaded> {
        todo!()
    }
}

/// Embeds by hashing words: equal texts have equal vectors, texts that share words are near.
#[derive(Debug)]
pub struct FakeEmbedder {
    info: EmbedderInfo,
}

impl FakeEmbedder {
    /// An embedder of vectors of this length.
    pub fn new(dimensions: u32) -> Self {
        Self { info: EmbedderInfo { name: "fake".to_owned(), dimensions, max_tokens: 512, memory_bytes: 1 << 20 } }
    }
}

impl Embedder for FakeEmbedder {
    fn info(&self) -> &EmbedderInfo {
        &self.info
    }

    fn embed(&self, _texts: &[String], _truncate: Truncate) -> Result<Embeddings> {
        todo!()
    }

    fn count(&self, _text: &str) -> Result<u32> {
        todo!()
    }
}
