use std::collections::BTreeMap;

use futures::executor::block_on;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::samples::{Kept, Memory, SMALL, Sample, Sizes, examined, halved, read_gguf};
use crate::{Accepted, Folder, Plain, Quantization};

fn accepted(source: &Memory) -> Accepted {
    let examination = examined(source);
    examination.accepted.unwrap_or_else(|| panic!("{:?}", examination.report))
}

fn text(value: &[u8]) -> &str {
    std::str::from_utf8(&value[12..]).unwrap()
}

fn number(value: &[u8]) -> u32 {
    u32::from_le_bytes(value[4..8].try_into().unwrap())
}

#[test]
fn metadata_is_what_llama_cpps_converter_writes() {
    let mut sample = Sample::new("LlamaForCausalLM", SMALL, "BF16");
    sample.config["head_dim"] = 16.into();
    let (said, _) = read_gguf(&halved(&sample.files()));
    for (key, expected) in [
        ("general.architecture", "llama"),
        ("general.type", "model"),
        ("general.name", "sample"),
        ("tokenizer.ggml.model", "gpt2"),
        ("tokenizer.ggml.pre", "smollm"),
        ("tokenizer.chat_template", crate::samples::TEMPLATE),
    ] {
        assert_eq!(text(&said[key]), expected, "{key}");
    }
    for (key, expected) in [
        ("general.file_type", 1),
        ("general.quantization_version", 2),
        ("llama.block_count", 2),
        ("llama.context_length", 512),
        ("llama.embedding_length", 64),
        ("llama.feed_forward_length", 96),
        ("llama.attention.head_count", 4),
        ("llama.attention.head_count_kv", 2),
        ("llama.attention.key_length", 16),
        ("llama.attention.value_length", 16),
        ("llama.rope.dimension_count", 16),
        ("llama.rope.freq_base", 10_000_f32.to_bits()),
        ("llama.attention.layer_norm_rms_epsilon", 1e-5_f32.to_bits()),
        ("llama.vocab_size", 265),
        ("tokenizer.ggml.bos_token_id", 1),
        ("tokenizer.ggml.eos_token_id", 2),
        ("tokenizer.ggml.unknown_token_id", 0),
    ] {
        assert_eq!(number(&said[key]), expected, "{key}");
    }
    assert_eq!(said["tokenizer.ggml.add_bos_token"][4], 0);
}

#[test]
fn mistrals_are_llamas_and_qwens_are_their_own() {
    let said = |class| read_gguf(&halved(&Sample::new(class, SMALL, "F16").files())).0;
    assert_eq!(text(&said("MistralForCausalLM")["general.architecture"]), "llama");
    let qwen = said("Qwen2ForCausalLM");
    assert_eq!(text(&qwen["general.architecture"]), "qwen2");
    assert!(!qwen.contains_key("qwen2.rope.dimension_count"));
    assert!(!qwen.contains_key("qwen2.attention.key_length"));
}

#[test]
fn vectors_are_kept_in_single_precision_and_matrices_in_half() {
    let sample = Sample::new("Qwen2ForCausalLM", SMALL, "BF16");
    let (_, tensors) = read_gguf(&halved(&sample.files()));
    assert_eq!(tensors.len(), sample.tensors.len());
    for (name, tensor) in tensors {
        assert_eq!(tensor.kind, u32::from(tensor.shape.len() == 2), "{name}");
    }
}

/// The file that has the very numbers of the checkpoint.
fn exact(source: &Memory) -> Vec<u8> {
    block_on(crate::samples::write(&accepted(source).exact("sample"), source, &Plain))
}

#[test]
fn an_exact_model_has_the_numbers_of_the_checkpoint_bit_for_bit() {
    for (dtype, file_type) in [("F16", 1), ("BF16", 0), ("F32", 0)] {
        let mut sample = Sample::new("Qwen2ForCausalLM", SMALL, dtype);
        if dtype == "F32" {
            // More than half precision holds, and less than it tells from nothing.
            let bytes = &mut sample.tensor("model.layers.0.mlp.down_proj.weight").bytes;
            bytes[..4].copy_from_slice(&1e30_f32.to_le_bytes());
            bytes[4..8].copy_from_slice(&(-1e-30_f32).to_le_bytes());
        }
        let (said, tensors) = read_gguf(&exact(&sample.files()));
        assert_eq!(number(&said["general.file_type"]), file_type, "{dtype}");
        for (target, source) in [
            ("token_embd.weight", "model.embed_tokens.weight"),
            ("output.weight", "lm_head.weight"),
            ("blk.0.attn_q.weight", "model.layers.0.self_attn.q_proj.weight"),
            ("blk.0.attn_q.bias", "model.layers.0.self_attn.q_proj.bias"),
            ("blk.1.ffn_down.weight", "model.layers.1.mlp.down_proj.weight"),
            ("blk.0.ffn_down.weight", "model.layers.0.mlp.down_proj.weight"),
            ("blk.1.attn_norm.weight", "model.layers.1.input_layernorm.weight"),
        ] {
            let (stored, tensor) =
                (&tensors[target], sample.tensors.iter().find(|tensor| tensor.name == source).unwrap());
            let halved = dtype == "F16" && stored.shape.len() == 2;
            assert_eq!(stored.kind, u32::from(halved), "{dtype} {target}");
            let expected: Vec<u8> = match dtype {
                "BF16" => tensor.bytes.chunks_exact(2).flat_map(|bytes| [0, 0, bytes[0], bytes[1]]).collect(),
                "F16" if !halved => {
                    let single = |bytes: &[u8]| half::f16::from_le_bytes([bytes[0], bytes[1]]).to_f32().to_le_bytes();
                    tensor.bytes.chunks_exact(2).flat_map(single).collect()
                }
                _ => tensor.bytes.clone(),
            };
            assert!(stored.bytes == expected, "{dtype} {target}");
        }
    }
}

#[test]
fn an_exact_model_differs_from_a_halved_one_in_the_weights_alone() {
    let sample = Sample::new("LlamaForCausalLM", SMALL, "F16").files();
    assert!(exact(&sample) == halved(&sample), "half precision is exact");
    let sample = Sample::new("LlamaForCausalLM", SMALL, "BF16").files();
    let (mut said, _) = read_gguf(&exact(&sample));
    let (mut expected, _) = read_gguf(&halved(&sample));
    assert_ne!(said.remove("general.file_type"), expected.remove("general.file_type"));
    assert_eq!(said, expected);
}

#[test]
fn quantizations_are_found_by_their_names() {
    for quantization in Quantization::ALL {
        assert_eq!(Quantization::from_name(quantization.name()), Some(quantization));
    }
    assert_eq!(Quantization::ALL.map(Quantization::name), ["F16", "Q8_0", "Q4_K_M"]);
    assert_eq!((Quantization::from_name("f16"), Quantization::from_name("")), (None, None));
    assert_eq!(Quantization::default(), Quantization::F16);
}

#[test]
fn matrices_keep_their_rows_and_shapes_are_written_fastest_first() {
    let sample = Sample::new("LlamaForCausalLM", SMALL, "F16");
    let (_, tensors) = read_gguf(&halved(&sample.files()));
    for (target, source) in [
        ("token_embd.weight", "model.embed_tokens.weight"),
        ("output.weight", "lm_head.weight"),
        ("blk.1.attn_v.weight", "model.layers.1.self_attn.v_proj.weight"),
        ("blk.0.attn_output.weight", "model.layers.0.self_attn.o_proj.weight"),
        ("blk.0.ffn_gate.weight", "model.layers.0.mlp.gate_proj.weight"),
        ("blk.0.ffn_up.weight", "model.layers.0.mlp.up_proj.weight"),
        ("blk.1.ffn_down.weight", "model.layers.1.mlp.down_proj.weight"),
    ] {
        let tensor = sample.tensors.iter().find(|tensor| tensor.name == source).unwrap();
        assert!(tensors[target].bytes == tensor.bytes, "{target}");
        assert_eq!(tensors[target].shape, tensor.shape.iter().rev().copied().collect::<Vec<_>>());
    }
}

#[test]
fn the_result_does_not_depend_on_how_the_weights_are_sharded_or_where_they_lie() {
    let sample = Sample::new("LlamaForCausalLM", SMALL, "BF16");
    let (_, whole) = read_gguf(&halved(&sample.files()));
    for shards in [1, 3, 7] {
        assert_eq!(read_gguf(&halved(&sample.sharded(shards))).1, whole, "{shards}");
    }
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in sample.sharded(2).0 {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    let folder = Folder(folder.path().to_owned());
    let file = crate::samples::converted(&folder, Quantization::F16, &Plain);
    assert_eq!(read_gguf(&file).1, whole);
}

#[test]
fn blocks_end_with_rows_and_heads_however_large_these_are() {
    // A head of the queries has 2 MiB in BF16, more than any block; an embedding has many blocks.
    let sizes = Sizes { hidden: 2048, inner: 96, layers: 1, heads: 4, kv_heads: 1 };
    let sample = Sample::new("LlamaForCausalLM", sizes, "F32");
    let file = crate::samples::converted(&sample.files(), Quantization::Q8_0, &Plain);
    let (_, tensors) = read_gguf(&file);
    let source = sample.tensors.iter().find(|t| t.name == "model.layers.0.self_attn.q_proj.weight").unwrap();
    let mut rows = Vec::new();
    interleave(&source.bytes, 512, 2048 * 4, &mut rows);
    let values: Vec<f32> = rows.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
    let mut expected = Vec::new();
    Plain.quantize(Format::Q8_0, &values, 2048, &mut expected).unwrap();
    assert!(tensors["blk.0.attn_q.weight"].bytes == expected);
}

#[test]
fn weights_that_are_no_numbers_or_too_large_name_their_tensor() {
    let failed = |dtype, change: fn(&mut [u8])| {
        let mut sample = Sample::new("LlamaForCausalLM", SMALL, dtype);
        change(&mut sample.tensor("model.layers.1.mlp.gate_proj.weight").bytes);
        let source = sample.files();
        let plan = accepted(&source).plan("sample", Quantization::F16);
        let mut progress = |_| ControlFlow::Continue(());
        match block_on(plan.write(&source, &mut Kept::default(), &Plain, &mut progress)) {
            Err(Error::Refused(finding)) => finding,
            other => panic!("{other:?}"),
        }
    };
    let finding = failed("F16", |bytes| bytes[101] = 0x7c);
    assert!(finding.problem.contains("`model.layers.1.mlp.gate_proj.weight` holds infinity"), "{finding}");
    assert_eq!(finding.file.as_deref(), Some("model.safetensors"));
    let finding = failed("F32", |bytes| bytes[..4].copy_from_slice(&1e5_f32.to_le_bytes()));
    assert!(finding.problem.contains("holds 100000, and half precision ends at 65504"), "{finding}");
    assert!(finding.fix.contains("Q8_0"));
}

#[test]
fn writing_ends_when_the_progress_says_so() {
    let source = Sample::new("LlamaForCausalLM", SMALL, "F16").files();
    let plan = accepted(&source).plan("sample", Quantization::F16);
    let mut kept = Kept::default();
    let mut reports = 0;
    let mut progress = |_| {
        reports += 1;
        if reports == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let outcome = block_on(plan.write(&source, &mut kept, &Plain, &mut progress));
    assert_eq!(outcome, Err(Error::Cancelled));
    assert_eq!(reports, 3);
    assert!((kept.0.len() as u64) < plan.bytes());
}

#[test]
fn a_source_that_gives_fewer_bytes_than_it_said_fails() {
    let mut source = Sample::new("LlamaForCausalLM", SMALL, "F16").files();
    let plan = accepted(&source).plan("sample", Quantization::F16);
    let weights = source.0.get_mut("model.safetensors").unwrap();
    weights.truncate(weights.len() - 10);
    let mut progress = |_| ControlFlow::Continue(());
    let outcome = block_on(plan.write(&source, &mut Kept::default(), &Plain, &mut progress));
    let Err(Error::Source { file, error }) = outcome else { panic!("{outcome:?}") };
    assert_eq!((file.as_str(), error.kind), ("model.safetensors", base::ErrorKind::Conflict));
}

#[test]
fn a_full_disk_ends_the_writing() {
    struct Full(usize);
    #[async_trait]
    impl Sink for Full {
        async fn write(&mut self, bytes: Bytes) -> base::Result<()> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or_else(|| base::Error::unavailable("The disk is full."))?;
            Ok(())
        }
    }
    let source = Sample::new("LlamaForCausalLM", SMALL, "F16").files();
    let plan = accepted(&source).plan("sample", Quantization::F16);
    let mut progress = |_| ControlFlow::Continue(());
    let outcome = block_on(plan.write(&source, &mut Full(40_000), &Plain, &mut progress));
    assert!(matches!(outcome, Err(Error::Sink(_))), "{outcome:?}");
}

#[test]
fn low_frequencies_of_llama_3_1_are_divided() {
    let mut sample = Sample::new("LlamaForCausalLM", SMALL, "F16");
    sample.config["rope_theta"] = 500_000.0.into();
    sample.config["head_dim"] = 16.into();
    sample.config["rope_scaling"] = json!({"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
        "high_freq_factor": 4.0, "original_max_position_embeddings": 8192});
    let (said, tensors) = read_gguf(&halved(&sample.files()));
    assert!(!said.contains_key("llama.rope.scaling.type"));
    let stored = &tensors["rope_freqs.weight"];
    assert_eq!((stored.kind, stored.shape.as_slice()), (0, [8].as_slice()));
    let factors: Vec<f32> = stored.bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
    // In double precision by the formula of the reference implementation.
    for (pair, factor) in factors.iter().enumerate() {
        let wavelength = std::f64::consts::TAU * 500_000_f64.powf(2.0 * pair as f64 / 16.0);
        let smooth = (8192.0 / wavelength - 1.0) / 3.0;
        let expected = match wavelength {
            short if short < 2048.0 => 1.0,
            long if long > 8192.0 => 8.0,
            _ => 1.0 / ((1.0 - smooth) / 8.0 + smooth),
        };
        assert!((f64::from(*factor) - expected).abs() < 1e-4 * expected, "{pair}: {factor} {expected}");
    }
    assert!(factors.iter().any(|factor| *factor > 1.0 && *factor < 8.0), "{factors:?}");
}

#[test]
fn other_position_scalings_are_named() {
    let said = |scaling| {
        let mut sample = Sample::new("Qwen2ForCausalLM", SMALL, "F16");
        sample.config["rope_scaling"] = scaling;
        read_gguf(&halved(&sample.files())).0
    };
    let linear = said(json!({"type": "linear", "factor": 4.0}));
    assert_eq!(text(&linear["qwen2.rope.scaling.type"]), "linear");
    assert_eq!(number(&linear["qwen2.rope.scaling.factor"]), 4_f32.to_bits());
    let yarn = said(json!({"rope_type": "yarn", "factor": 2.0, "original_max_position_embeddings": 256}));
    assert_eq!(text(&yarn["qwen2.rope.scaling.type"]), "yarn");
    assert_eq!(number(&yarn["qwen2.rope.scaling.original_context_length"]), 256);
}

#[test]
fn the_size_has_two_digits_at_least() {
    let labels = [
        (134_515_008, "135M"),
        (1_235_814_400, "1.2B"),
        (8_030_261_248, "8.0B"),
        (70_553_706_496, "71B"),
        (4_000, "4.0K"),
    ];
    for (parameters, label) in labels {
        assert_eq!(size_label(parameters), label);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn every_number_of_the_source_is_in_the_result_where_it_belongs(
        heads in 1_u64..4, groups in 1_u64..3, half in 1_u64..5, inner in 1_u64..40, layers in 1_u64..3,
        shards in 1_usize..4, dtype in prop::sample::select(vec!["F16", "BF16", "F32"]),
    ) {
        let sizes = Sizes { hidden: heads * groups * half * 2, inner, layers, heads: heads * groups, kv_heads: heads };
        let sample = Sample::new("LlamaForCausalLM", sizes, dtype);
        let (_, tensors) = read_gguf(&halved(&sample.sharded(shards)));
        let single = |bytes: &[u8], dtype: &str| -> Vec<f32> {
            match dtype {
                "F32" => bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect(),
                "F16" => bytes.chunks_exact(2).map(|b| half::f16::from_le_bytes(b.try_into().unwrap()).to_f32()).collect(),
                _ => bytes.chunks_exact(2).map(|b| half::bf16::from_le_bytes(b.try_into().unwrap()).to_f32()).collect(),
            }
        };
        let renamed: BTreeMap<&str, (&str, bool)> = BTreeMap::from([
            ("model.embed_tokens.weight", ("token_embd.weight", false)),
            ("model.layers.0.self_attn.q_proj.weight", ("blk.0.attn_q.weight", true)),
            ("model.layers.0.self_attn.k_proj.weight", ("blk.0.attn_k.weight", true)),
            ("model.layers.0.mlp.down_proj.weight", ("blk.0.ffn_down.weight", false)),
            ("model.layers.0.input_layernorm.weight", ("blk.0.attn_norm.weight", false)),
        ]);
        for (source, (target, reordered)) in renamed {
            let tensor = sample.tensors.iter().find(|tensor| tensor.name == source).unwrap();
            let stored = &tensors[target];
            let got = single(&stored.bytes, if stored.kind == 0 { "F32" } else { "F16" });
            let width = tensor.shape.get(1).map_or(1, |width| *width as usize);
            let rows = 2 * half as usize;
            for (at, number) in single(&tensor.bytes, dtype).into_iter().enumerate() {
                let (row, column) = (at / width, at % width);
                let (head, within) = (row / rows, row % rows);
                let moved = head * rows + 2 * (within % (rows / 2)) + within / (rows / 2);
                let there = if reordered { moved * width + column } else { at };
                let expected = if stored.kind == 0 { number } else { half::f16::from_f32(number).to_f32() };
                prop_assert_eq!(got[there], expected, "{} {}", source, at);
            }
        }
    }
}
