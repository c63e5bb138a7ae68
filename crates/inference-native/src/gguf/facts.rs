//! What a GGUF header says of its model.

use std::collections::HashMap;
use std::path::Path;

use inference::{Facts, ModelKind, Result};

use super::{Gguf, HINT, Value};
use crate::refused;

/// Architectures that embed text.
const EMBEDDERS: [&str; 8] = [
    "bert",
    "modern-bert",
    "nomic-bert",
    "nomic-bert-moe",
    "neo-bert",
    "jina-bert-v2",
    "jina-bert-v3",
    "gemma-embedding",
];
/// Bytes of a cached number: llama.cpp's cache holds half-precision floats.
const CACHED_NUMBER: u64 = 2;

impl Gguf {
    /// The model's facts; an error where the header lacks what every model has.
    pub(crate) fn facts(&self, path: &Path) -> Result<Facts> {
        let missing = |key: &str| refused(path, format!("it is not a model: it has no `{key}`"), HINT);
        let architecture = self.string("general.architecture").ok_or_else(|| missing("general.architecture"))?;
        let number = |key: &str| {
            let key = format!("{architecture}.{key}");
            self.number(&key).and_then(|number| u32::try_from(number).ok()).ok_or_else(|| missing(&key))
        };
        if self.tensors.is_empty() {
            return Err(refused(path, "it holds no weights", HINT));
        }
        let vocabulary = match self.metadata.get("tokenizer.ggml.tokens") {
            Some(Value::Array(_, count)) => u32::try_from(*count).unwrap_or(u32::MAX),
            _ => return Err(missing("tokenizer.ggml.tokens")),
        };
        let stem = || path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let kind = match EMBEDDERS.contains(&architecture) {
            true => ModelKind::Embedder,
            false => ModelKind::Generator,
        };
        let weights_bytes: u64 = self.tensors.iter().map(|tensor| tensor.bytes).sum();
        let dimensions = number("embedding_length")?;
        Ok(Facts {
            kind,
            name: self.string("general.name").map_or_else(stem, str::to_owned),
            architecture: architecture.to_owned(),
            parameters: self.tensors.iter().map(|tensor| tensor.elements).sum(),
            context_length: number("context_length")?,
            vocabulary,
            dimensions,
            weights_bytes,
            cache_bytes_per_token: self.cache_bytes(architecture, number("block_count")?, dimensions),
            working_bytes: inference::working_bytes(vocabulary.into(), dimensions.into()),
            weights_format: self.commonest_format().to_owned(),
            has_chat_template: self.chat_template().is_some(),
            licence: self.string("general.license").map(str::to_owned),
            shape: self.shape(architecture, dimensions),
            prompting: self.prompting(),
        })
    }

    /// How many rows llama.cpp multiplies with each of the model's matrices by the same code as one, so that they round alike:
    /// one where a matrix holds floats (`llamafile_sgemm` begins with two), seven where one holds K or IQ quants
    /// (`ggml_tiled_min_batch` begins with eight), any number of the others.
    pub(crate) fn rows_alike(&self) -> usize {
        let alike = |format: &str| match format {
            "F32" | "F16" | "BF16" => 1,
            "IQ4_NL" => usize::MAX,
            quants if quants.ends_with("_K") || quants.starts_with("IQ") => 7,
            _ => usize::MAX,
        };
        let matrices = self.tensors.iter().filter(|tensor| tensor.is_matrix);
        matrices.map(|tensor| alike(tensor.format)).min().unwrap_or(usize::MAX)
    }

    /// Bytes of keys and values of one token in all layers.
    fn cache_bytes(&self, architecture: &str, layers: u32, dimensions: u32) -> u64 {
        let number = |key: &str| self.number(&format!("{architecture}.attention.{key}"));
        let heads = number("head_count").unwrap_or(1).max(1);
        let width = u64::from(dimensions) / heads;
        let per_head = number("key_length").unwrap_or(width) + number("value_length").unwrap_or(width);
        let key = format!("{architecture}.attention.head_count_kv");
        let cached_heads = match self.metadata.get(&key) {
            Some(Value::Array(heads, _)) => heads.iter().filter_map(Value::unsigned).sum(),
            Some(value) => value.unsigned().unwrap_or(heads) * u64::from(layers),
            None => heads * u64::from(layers),
        };
        cached_heads.saturating_mul(per_head).saturating_mul(CACHED_NUMBER)
    }

    /// The element type that holds the most bytes.
    fn commonest_format(&self) -> &'static str {
        let mut bytes: HashMap<&'static str, u64> = HashMap::new();
        for tensor in &self.tensors {
            *bytes.entry(tensor.format).or_default() += tensor.bytes;
        }
        bytes.into_iter().max_by_key(|(format, bytes)| (*bytes, *format)).map_or("", |(format, _)| format)
    }
}
