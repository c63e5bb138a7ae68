//! What a model's folder says of the model.

use std::path::Path;

use inference::{Error, ModelFiles};
use serde::Deserialize;

use crate::encoder::Pooling;
use crate::files::{model_file_error, read_json, read_optional_json};
use crate::gemm::LANES;

/// The panel that sizes must divide into, on every kind of machine.
const SIZE_STEP: usize = 2 * LANES;

/// An encoder's configuration, checked: it can be computed here.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Config {
    /// The name that it gives itself.
    pub(crate) name: String,
    /// Numbers in a token's state, and in a text's vector.
    pub(crate) hidden: usize,
    /// Numbers in the wide part of the feed-forward network.
    pub(crate) wide: usize,
    /// Layers.
    pub(crate) layers: usize,
    /// Attention heads.
    pub(crate) heads: usize,
    /// Tokens in the vocabulary.
    pub(crate) vocabulary: usize,
    /// Positions that have an embedding.
    pub(crate) positions: usize,
    /// Segments that have an embedding.
    pub(crate) segments: usize,
    /// What normalisation adds to the variance.
    pub(crate) epsilon: f32,
    /// The most tokens that are read of a text.
    pub(crate) max_tokens: usize,
    /// How states become one vector.
    pub(crate) pooling: Pooling,
}

/// `config.json`.
#[derive(Deserialize)]
struct ModelJson {
    #[serde(default)]
    architectures: Vec<String>,
    #[serde(default, rename = "_name_or_path")]
    name: String,
    hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    vocab_size: usize,
    max_position_embeddings: usize,
    #[serde(default = "two")]
    type_vocab_size: usize,
    #[serde(default = "epsilon")]
    layer_norm_eps: f32,
    #[serde(default = "gelu")]
    hidden_act: String,
    #[serde(default = "absolute")]
    position_embedding_type: String,
}

fn two() -> usize {
    2
}

fn epsilon() -> f32 {
    1e-12
}

fn gelu() -> String {
    "gelu".to_owned()
}

fn absolute() -> String {
    "absolute".to_owned()
}

/// `1_Pooling/config.json` of sentence-transformers.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
#[derive(Default)]
struct PoolingJson {
    pooling_mode_cls_token: bool,
    pooling_mode_mean_tokens: bool,
    pooling_mode_max_tokens: bool,
    pooling_mode_mean_sqrt_len_tokens: bool,
    pooling_mode_weightedmean_tokens: bool,
    pooling_mode_lasttoken: bool,
    #[serde(rename = "word_embedding_dimension")]
    _word_embedding_dimension: Option<usize>,
    #[serde(rename = "include_prompt")]
    _include_prompt: Option<bool>,
}

/// `sentence_bert_config.json` of sentence-transformers.
#[derive(Deserialize)]
struct SentenceJson {
    max_seq_length: Option<usize>,
}

impl Config {
    /// Reads and checks the configuration of a model.
    pub(crate) fn read(files: &ModelFiles) -> Result<Self, Error> {
        let path = files.dir.join("config.json");
        let model: ModelJson = read_json(&path)?;
        check(&model).map_err(|reason| {
            model_file_error(&path, reason, "supported are BERT encoders (`BertModel`) such as all-MiniLM-L6-v2")
        })?;
        let sentence: Option<SentenceJson> = read_optional_json(&files.dir.join("sentence_bert_config.json"))?;
        let limit = sentence.and_then(|sentence| sentence.max_seq_length).unwrap_or(model.max_position_embeddings);
        Ok(Self {
            name: if model.name.is_empty() { "bert".to_owned() } else { model.name },
            hidden: model.hidden_size,
            wide: model.intermediate_size,
            layers: model.num_hidden_layers,
            heads: model.num_attention_heads,
            vocabulary: model.vocab_size,
            positions: model.max_position_embeddings,
            segments: model.type_vocab_size,
            epsilon: model.layer_norm_eps,
            max_tokens: limit.min(model.max_position_embeddings).max(3),
            pooling: read_pooling(&files.dir.join("1_Pooling/config.json"))?,
        })
    }
}

/// Says why a model cannot be computed.
fn check(model: &ModelJson) -> Result<(), String> {
    let is_bert = |name: &String| name.starts_with("Bert");
    if !model.architectures.iter().any(is_bert) {
        return Err(format!("the architecture {:?} is not supported", model.architectures));
    }
    if model.hidden_act != "gelu" {
        return Err(format!("the activation `{}` is not supported, only `gelu`", model.hidden_act));
    }
    if model.position_embedding_type != "absolute" {
        let kind = &model.position_embedding_type;
        return Err(format!("position embeddings of the type `{kind}` are not supported, only `absolute`"));
    }
    let sizes = [
        ("hidden_size", model.hidden_size),
        ("intermediate_size", model.intermediate_size),
        ("hidden_size / num_attention_heads", model.hidden_size.checked_div(model.num_attention_heads).unwrap_or(0)),
    ];
    for (name, size) in sizes {
        if size == 0 || size % SIZE_STEP != 0 || size > 1 << 16 {
            return Err(format!("`{name}` is {size}, not a multiple of {SIZE_STEP} up to 65536"));
        }
    }
    if !model.hidden_size.is_multiple_of(model.num_attention_heads) {
        return Err("`hidden_size` is not a multiple of `num_attention_heads`".to_owned());
    }
    if !(1..=1 << 16).contains(&model.max_position_embeddings) || model.max_position_embeddings < 3 {
        return Err(format!("`max_position_embeddings` is {}", model.max_position_embeddings));
    }
    if model.num_hidden_layers > 1000 || model.type_vocab_size == 0 || !model.layer_norm_eps.is_finite() {
        return Err("`num_hidden_layers`, `type_vocab_size` or `layer_norm_eps` is out of range".to_owned());
    }
    Ok(())
}

/// Reads how states are pooled; without the file it is the mean, the default of sentence-transformers.
fn read_pooling(path: &Path) -> Result<Pooling, Error> {
    let Some(json) = read_optional_json::<PoolingJson>(path)? else {
        return Ok(Pooling::Mean);
    };
    let others = json.pooling_mode_max_tokens
        || json.pooling_mode_mean_sqrt_len_tokens
        || json.pooling_mode_weightedmean_tokens
        || json.pooling_mode_lasttoken;
    match (json.pooling_mode_mean_tokens, json.pooling_mode_cls_token, others) {
        (true, false, false) => Ok(Pooling::Mean),
        (false, true, false) => Ok(Pooling::First),
        _ => Err(model_file_error(path, "this pooling is not supported", "supported are the mean and the first token")),
    }
}
