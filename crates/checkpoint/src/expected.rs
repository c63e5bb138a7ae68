//! The tensors that a configuration promises, what they are called in GGUF, and whether they are there.

use std::collections::HashMap;

use crate::config::Config;
use crate::config::FILE as CONFIG;
use crate::finding::{Finding, Report};
use crate::safetensors::{Dtype, Located};

/// A tensor that the architecture has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Expected {
    /// Its name in the checkpoint.
    pub(crate) source: String,
    /// Its name in GGUF.
    pub(crate) target: String,
    /// The slowest dimension first.
    pub(crate) shape: Vec<u64>,
    /// Rows of a head, where the rows of each head are put into another order.
    pub(crate) interleaved: Option<u64>,
    pub(crate) role: Role,
}

/// What a tensor is for, as far as its format depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Embedding,
    Output,
    /// A layer's matrix of values.
    Value(u64),
    /// A layer's matrix back to the hidden size.
    Down(u64),
    Matrix,
    Vector,
}

/// All tensors of the model, layer after layer.
pub(crate) fn expected(config: &Config) -> Vec<Expected> {
    let (hidden, vocabulary) = (config.hidden, config.vocabulary);
    let one = |source: &str, target: &str, shape: &[u64], role| Expected {
        source: source.to_owned(),
        target: target.to_owned(),
        shape: shape.to_vec(),
        interleaved: None,
        role,
    };
    let mut all = vec![one("model.embed_tokens.weight", "token_embd.weight", &[vocabulary, hidden], Role::Embedding)];
    for layer in 0..config.layers {
        all.extend(layer_tensors(config, layer));
    }
    all.push(one("model.norm.weight", "output_norm.weight", &[hidden], Role::Vector));
    if !config.tied {
        all.push(one("lm_head.weight", "output.weight", &[vocabulary, hidden], Role::Output));
    }
    all
}

fn layer_tensors(config: &Config, layer: u64) -> Vec<Expected> {
    let (hidden, inner) = (config.hidden, config.intermediate);
    let (queries, keys) = (config.query_width(), config.kv_width());
    let interleaved = (config.architecture.gguf() == "llama").then_some(config.head_dim);
    let mut all = Vec::new();
    let mut add = |source: &str, target: &str, shape: Vec<u64>, interleaved, role| {
        all.push(Expected {
            source: format!("model.layers.{layer}.{source}"),
            target: format!("blk.{layer}.{target}"),
            shape,
            interleaved,
            role,
        });
    };
    add("input_layernorm.weight", "attn_norm.weight", vec![hidden], None, Role::Vector);
    let attention = [
        ("q_proj", "attn_q", queries, interleaved, Role::Matrix),
        ("k_proj", "attn_k", keys, interleaved, Role::Matrix),
        ("v_proj", "attn_v", keys, None, Role::Value(layer)),
    ];
    for (source, target, width, interleaved, role) in attention {
        let (source, target) = (format!("self_attn.{source}"), target);
        add(&format!("{source}.weight"), &format!("{target}.weight"), vec![width, hidden], interleaved, role);
        if config.qkv_bias {
            add(&format!("{source}.bias"), &format!("{target}.bias"), vec![width], interleaved, Role::Vector);
        }
    }
    add("self_attn.o_proj.weight", "attn_output.weight", vec![hidden, queries], None, Role::Matrix);
    if config.output_bias {
        add("self_attn.o_proj.bias", "attn_output.bias", vec![hidden], None, Role::Vector);
    }
    add("post_attention_layernorm.weight", "ffn_norm.weight", vec![hidden], None, Role::Vector);
    let mlp = [
        ("mlp.gate_proj", "ffn_gate", [inner, hidden], Role::Matrix),
        ("mlp.up_proj", "ffn_up", [inner, hidden], Role::Matrix),
        ("mlp.down_proj", "ffn_down", [hidden, inner], Role::Down(layer)),
    ];
    for (source, target, shape, role) in mlp {
        add(&format!("{source}.weight"), &format!("{target}.weight"), shape.to_vec(), None, role);
        if config.mlp_bias {
            add(&format!("{source}.bias"), &format!("{target}.bias"), vec![shape[0]], None, Role::Vector);
        }
    }
    all
}

/// More findings of one kind say only how many there are.
const SHOWN: usize = 8;
const FIX_TENSORS: &str = "Upload the config.json and the weights of one and the same model.";

/// Pairs what is there with what is expected, in the order of the files' bytes. Findings say what is missing, too
/// much, or of another shape or type.
pub(crate) fn pair(config: &Config, located: Vec<Located>, report: &mut Report) -> Vec<(Located, Expected)> {
    let mut expected: HashMap<String, Expected> =
        expected(config).into_iter().map(|expected| (expected.source.clone(), expected)).collect();
    let (mut pairs, mut findings) = (Vec::new(), Vec::new());
    for tensor in located {
        match expected.remove(&tensor.entry.name) {
            Some(expected) => {
                findings.extend(check(&tensor, &expected));
                pairs.push((tensor, expected));
            }
            None if tensor.entry.name.ends_with(".rotary_emb.inv_freq") => {}
            None if tensor.entry.name == "lm_head.weight" && config.tied => {
                let problem =
                    "`lm_head.weight` is not read: `tie_word_embeddings` says that the embeddings take its place";
                report.add(Finding::note(tensor.file, problem, "Nothing needs to be done."));
            }
            None => {
                let problem = format!("tensor `{}` is no part of a {}", tensor.entry.name, config.architecture.class());
                findings.push(Finding::error(tensor.file, problem, FIX_TENSORS));
            }
        }
    }
    let mut missing: Vec<String> = expected.into_keys().collect();
    missing.sort_unstable();
    findings.extend(missing.iter().map(|name| {
        let fix = match name.as_str() {
            "lm_head.weight" => {
                "Upload all weights; if the embeddings take its place, set `tie_word_embeddings` to true."
            }
            _ => FIX_TENSORS,
        };
        Finding::error(CONFIG, format!("tensor `{name}` is missing: config.json promises it"), fix)
    }));
    let more = findings.len().saturating_sub(SHOWN);
    findings.into_iter().take(SHOWN).for_each(|finding| report.add(finding));
    if more > 0 {
        report.add(Finding::error(CONFIG, format!("{more} more tensors do not fit"), FIX_TENSORS));
    }
    pairs
}

fn check(tensor: &Located, expected: &Expected) -> Option<Finding> {
    let entry = &tensor.entry;
    if entry.shape != expected.shape {
        let problem = format!(
            "tensor `{}` has the shape {:?}, and config.json promises {:?}",
            entry.name, entry.shape, expected.shape
        );
        return Some(Finding::error(&tensor.file, problem, FIX_TENSORS));
    }
    match entry.dtype {
        Dtype::BF16 | Dtype::F16 | Dtype::F32 => None,
        other => {
            let problem = format!("tensor `{}` has the element type {other}", entry.name);
            Some(Finding::error(&tensor.file, problem, "Save the model in BF16, F16 or F32."))
        }
    }
}

#[cfg(test)]
#[path = "expected_tests.rs"]
mod tests;
