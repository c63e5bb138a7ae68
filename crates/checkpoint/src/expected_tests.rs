use serde_json::json;

use super::*;
use crate::samples::{SMALL, Sample, examined};

fn config(class: &str, change: impl FnOnce(&mut serde_json::Value)) -> Config {
    let mut sample = Sample::new(class, SMALL, "F16");
    change(&mut sample.config);
    let mut report = Report::default();
    Config::read(sample.config.to_string().as_bytes(), &mut report).unwrap()
}

fn names(class: &str, change: impl FnOnce(&mut serde_json::Value)) -> Vec<String> {
    expected(&config(class, change)).into_iter().map(|expected| expected.target).collect()
}

#[test]
fn biases_are_expected_where_the_architecture_has_them() {
    let biases = |names: &[String]| -> Vec<String> {
        names.iter().filter(|name| name.starts_with("blk.0.") && name.ends_with(".bias")).cloned().collect()
    };
    assert_eq!(biases(&names("MistralForCausalLM", |config| config["attention_bias"] = true.into())), [""; 0]);
    let attention = ["blk.0.attn_q.bias", "blk.0.attn_k.bias", "blk.0.attn_v.bias"];
    assert_eq!(biases(&names("Qwen2ForCausalLM", |_| {})), attention);
    let all = biases(&names("LlamaForCausalLM", |config| {
        config["attention_bias"] = true.into();
        config["mlp_bias"] = true.into();
    }));
    let mlp = ["blk.0.attn_output.bias", "blk.0.ffn_gate.bias", "blk.0.ffn_up.bias", "blk.0.ffn_down.bias"];
    assert_eq!(all, attention.into_iter().chain(mlp).collect::<Vec<_>>());
}

#[test]
fn queries_may_be_wider_than_the_hidden_state() {
    let config = config("MistralForCausalLM", |config| config["head_dim"] = json!(32));
    let expected = expected(&config);
    let shape = |name: &str| expected.iter().find(|tensor| tensor.target == name).unwrap().shape.clone();
    assert_eq!(shape("blk.0.attn_q.weight"), [128, 64]);
    assert_eq!(shape("blk.0.attn_k.weight"), [64, 64]);
    assert_eq!(shape("blk.0.attn_output.weight"), [64, 128]);
}

#[test]
fn only_llamas_heads_are_put_into_another_order() {
    let reordered = |class: &str| -> Vec<String> {
        let expected = expected(&config(class, |_| {})).into_iter();
        expected.filter(|e| e.interleaved.is_some() && e.target.starts_with("blk.1.")).map(|e| e.target).collect()
    };
    assert_eq!(reordered("LlamaForCausalLM"), ["blk.1.attn_q.weight", "blk.1.attn_k.weight"]);
    assert_eq!(reordered("MistralForCausalLM").len(), 2);
    assert_eq!(reordered("Qwen2ForCausalLM").len(), 0);
}

#[test]
fn tensors_that_contradict_the_configuration_are_named() {
    type Case = (&'static str, fn(&mut Sample), &'static [&'static str]);
    let cases: [Case; 6] = [
        (
            "missing",
            |s| s.tensors.retain(|t| t.name != "model.layers.1.mlp.up_proj.weight"),
            &["tensor `model.layers.1.mlp.up_proj.weight` is missing"],
        ),
        ("untied", |s| s.tensors.retain(|t| t.name != "lm_head.weight"), &["`lm_head.weight` is missing", "tie_word"]),
        (
            "extra",
            |s| s.config["num_hidden_layers"] = 1.into(),
            &["model.layers.1.", "is no part of a LlamaForCausalLM"],
        ),
        ("heads", |s| s.config["num_key_value_heads"] = 4.into(), &["k_proj.weight", "[32, 64]", "promises [64, 64]"]),
        ("vocabulary", |s| s.config["vocab_size"] = 300.into(), &["model.embed_tokens.weight", "promises [300, 64]"]),
        (
            "integers",
            |s| {
                let tensor = s.tensor("model.norm.weight");
                tensor.dtype = "I32";
                tensor.bytes.resize(256, 0);
            },
            &["tensor `model.norm.weight` has the element type I32", "Save the model in BF16"],
        ),
    ];
    for (case, change, expected) in cases {
        let mut sample = Sample::new("LlamaForCausalLM", SMALL, "F16");
        change(&mut sample);
        let examination = examined(&sample.files());
        assert!(examination.accepted.is_none(), "{case}");
        let found = examination.report.errors().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        expected.iter().for_each(|text| assert!(found.contains(text), "{case}: {text} in {found}"));
    }
}

#[test]
fn many_findings_of_one_kind_are_counted() {
    let mut sample = Sample::new("LlamaForCausalLM", SMALL, "F16");
    sample.config["num_hidden_layers"] = 9.into();
    let report = examined(&sample.files()).report;
    assert!(report.findings.len() <= SHOWN + 1, "{report:?}");
    assert!(report.findings.last().unwrap().problem.contains("more tensors do not fit"), "{report:?}");
}

#[test]
fn tied_models_do_not_need_the_output_matrix_and_do_not_read_one() {
    for has_one in [false, true] {
        let mut sample = Sample::new("LlamaForCausalLM", SMALL, "F16");
        sample.config["tie_word_embeddings"] = true.into();
        if !has_one {
            sample.tensors.retain(|tensor| tensor.name != "lm_head.weight");
        }
        let (_, tensors) = crate::samples::read_gguf(&crate::samples::halved(&sample.files()));
        assert!(!tensors.contains_key("output.weight"));
    }
}
