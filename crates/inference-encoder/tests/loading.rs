//! Loading: a tiny model in every format, and files that are damaged or of a kind that is not supported.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should fail")]

use std::fs;
use std::path::Path;

use inference::{Embeddings, Error, LoadOptions, Loaded, Loader, ModelFiles, Truncate};
use inference_encoder::EncoderLoader;
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::{Value, json};

const HIDDEN: usize = 64;
const WIDE: usize = 96;
const WORDS: [&str; 9] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "morning", "##s", "."];

/// A model's folder, written from its parts.
struct Model {
    config: Value,
    dtype: Dtype,
    drop_tensor: Option<&'static str>,
    dir: tempfile::TempDir,
}

impl Model {
    fn new() -> Self {
        let config = json!({
            "architectures": ["BertModel"], "hidden_size": HIDDEN, "intermediate_size": WIDE, "num_hidden_layers": 1,
            "num_attention_heads": 2, "vocab_size": WORDS.len(), "max_position_embeddings": 16, "type_vocab_size": 2,
            "layer_norm_eps": 1e-12, "hidden_act": "gelu",
        });
        Self { config, dtype: Dtype::F32, drop_tensor: None, dir: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    fn write(self) -> Self {
        fs::write(self.path("config.json"), self.config.to_string()).unwrap();
        fs::write(self.path("tokenizer.json"), tokenizer(&WORDS).to_string()).unwrap();
        let mut tensors = Vec::new();
        for (name, shape) in shapes().into_iter().filter(|(name, _)| Some(name.as_str()) != self.drop_tensor) {
            let count = shape.iter().product();
            let numbers = (0..count).map(|i| ((i * 7919 + name.len() * 31) % 200) as f32 / 400.0 - 0.25);
            let bytes: Vec<u8> = match self.dtype {
                Dtype::F16 => numbers.flat_map(|x| half::f16::from_f32(x).to_le_bytes()).collect(),
                Dtype::BF16 => numbers.flat_map(|x| half::bf16::from_f32(x).to_le_bytes()).collect(),
                Dtype::F32 => numbers.flat_map(f32::to_le_bytes).collect(),
                Dtype::U8 => vec![0; count],
                _ => vec![0; 8 * count],
            };
            tensors.push((name, shape, bytes));
        }
        let views = tensors
            .iter()
            .map(|(name, shape, bytes)| (name.as_str(), TensorView::new(self.dtype, shape.clone(), bytes).unwrap()));
        fs::write(self.path("model.safetensors"), safetensors::serialize(views, None).unwrap()).unwrap();
        self
    }

    /// Writes the model with every matrix that is 4-bit blocks in such files in blocks, or as the numbers that they stand for.
    fn write_blocks(self, packed: bool) -> Self {
        let model = self.write();
        let mut tensors = Vec::new();
        for (name, shape) in shapes() {
            let places = name.contains("position_embeddings") || name.contains("token_type_embeddings");
            let (count, matrix) = (shape.iter().product::<usize>(), shape.len() == 2 && !places);
            let blocks: Vec<[u8; 18]> = (0..count / 32).map(|i| block(i + name.len())).collect();
            if matrix && packed {
                tensors.push((name, Dtype::U8, vec![shape[0], shape[1] / 32 * 18], blocks.concat()));
                continue;
            }
            let numbers: Vec<f32> = match matrix {
                true => blocks.iter().flat_map(expanded).collect(),
                false => (0..count).map(|i| (i % 13) as f32 / 50.0).collect(),
            };
            tensors.push((name, Dtype::F32, shape, numbers.iter().flat_map(|x| x.to_le_bytes()).collect()));
        }
        let views = tensors
            .iter()
            .map(|(name, dtype, shape, bytes)| (name.as_str(), TensorView::new(*dtype, shape.clone(), bytes).unwrap()));
        let said = [("craton.blocks".to_owned(), "Q4_0".to_owned())].into();
        fs::write(model.path("model.safetensors"), safetensors::serialize(views, Some(said)).unwrap()).unwrap();
        model
    }

    fn load(&self) -> Result<Loaded, Error> {
        let files = ModelFiles { dir: self.dir.path().to_owned(), main: self.path("model.safetensors") };
        let loaded = EncoderLoader.load(&files, &LoadOptions { prefill_threads: 1, ..LoadOptions::default() });
        let inspected = EncoderLoader.inspect(&files);
        if let Err(inspected) = inspected {
            // What inspection refuses, loading refuses with the same error.
            assert_eq!(loaded.as_ref().err(), Some(&inspected));
        }
        loaded
    }

    fn embed(&self) -> Embeddings {
        let Loaded::Embedder(embedder) = self.load().unwrap() else { panic!("not an embedder") };
        embedder.embed(&["Good mornings.".to_owned()], Truncate::None).unwrap()
    }

    /// The file and the reason of the error that loading gives.
    #[track_caller]
    fn refusal(&self) -> (String, String) {
        match self.load().map(drop).unwrap_err() {
            Error::ModelFile { file, reason, hint } => {
                assert!(!hint.is_empty());
                let file = file.strip_prefix(self.dir.path()).unwrap_or(Path::new("?")).display().to_string();
                (file, reason)
            }
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn assert_refused(&self, file: &str, reason: &str) {
        let refusal = self.refusal();
        assert_eq!(refusal.0, file, "{}", refusal.1);
        assert!(refusal.1.contains(reason), "{:?} does not say {reason:?}", refusal.1);
    }
}

/// A block of ggml's Q4_0: a half-precision scale and 32 numbers of four bits.
fn block(seed: usize) -> [u8; 18] {
    let scale = half::f16::from_f32(0.01 + (seed % 5) as f32 / 200.0).to_le_bytes();
    std::array::from_fn(|at| if at < 2 { scale[at] } else { (seed * 31 + at * 37) as u8 })
}

/// The numbers that it stands for.
fn expanded(block: &[u8; 18]) -> Vec<f32> {
    let scale = half::f16::from_le_bytes([block[0], block[1]]).to_f32();
    let low = block[2..].iter().map(|byte| byte & 15);
    let high = block[2..].iter().map(|byte| byte >> 4);
    low.chain(high).map(|number| (f32::from(number) - 8.0) * scale).collect()
}

/// BERT's tokenizer over the words, whose first five are its special tokens.
fn tokenizer(words: &[&str]) -> Value {
    let special = |(id, word): (usize, &&str)| {
        json!({
            "id": id, "content": word, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
            "special": true,
        })
    };
    let vocabulary: serde_json::Map<String, Value> =
        words.iter().enumerate().map(|(id, word)| ((*word).to_owned(), id.into())).collect();
    json!({
        "version": "1.0", "truncation": null, "padding": null, "decoder": null,
        "added_tokens": words.iter().enumerate().take(5).map(special).collect::<Vec<Value>>(),
        "normalizer": {
            "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null,
            "lowercase": true,
        },
        "pre_tokenizer": { "type": "BertPreTokenizer" },
        "post_processor": { "type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2] },
        "model": {
            "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
            "vocab": vocabulary,
        },
    })
}

fn shapes() -> Vec<(String, Vec<usize>)> {
    let mut all: Vec<(String, Vec<usize>)> = vec![
        ("embeddings.word_embeddings.weight".into(), vec![WORDS.len(), HIDDEN]),
        ("embeddings.position_embeddings.weight".into(), vec![16, HIDDEN]),
        ("embeddings.token_type_embeddings.weight".into(), vec![2, HIDDEN]),
    ];
    let layer = "encoder.layer.0";
    let mut pair = |name: String, shape: &[usize]| {
        all.push((format!("{name}.weight"), shape.to_vec()));
        all.push((format!("{name}.bias"), vec![shape[0]]));
    };
    pair("embeddings.LayerNorm".into(), &[HIDDEN]);
    for part in ["self.query", "self.key", "self.value", "output.dense"] {
        pair(format!("{layer}.attention.{part}"), &[HIDDEN, HIDDEN]);
    }
    pair(format!("{layer}.attention.output.LayerNorm"), &[HIDDEN]);
    pair(format!("{layer}.intermediate.dense"), &[WIDE, HIDDEN]);
    pair(format!("{layer}.output.dense"), &[HIDDEN, WIDE]);
    pair(format!("{layer}.output.LayerNorm"), &[HIDDEN]);
    all
}

#[test]
fn half_precision_weights_give_nearly_the_vectors_of_single_precision() {
    let single = Model::new().write().embed();
    assert_eq!(single.token_counts, [6]);
    for dtype in [Dtype::F16, Dtype::BF16] {
        let half = Model { dtype, ..Model::new() }.write().embed();
        let cosine: f32 = single.vectors[0].iter().zip(&half.vectors[0]).map(|(a, b)| a * b).sum();
        assert!(cosine > 0.999, "{dtype:?}: {cosine}");
    }
}

#[test]
fn weights_in_blocks_of_four_bits_are_the_numbers_that_they_stand_for() {
    let blocks = Model::new().write_blocks(true);
    let numbers = Model::new().write_blocks(false);
    assert_eq!(blocks.embed(), numbers.embed(), "bit for bit");
    let facts = |model: &Model| {
        let files = ModelFiles { dir: model.dir.path().to_owned(), main: model.path("model.safetensors") };
        EncoderLoader.inspect(&files).unwrap()
    };
    let (small, large) = (facts(&blocks), facts(&numbers));
    assert_eq!((small.weights_format.as_str(), large.weights_format.as_str()), ("Q4_0", "F32"));
    assert_eq!(small.parameters, large.parameters);
    let words = (WORDS.len() * HIDDEN) as u64;
    assert_eq!(large.weights_bytes - small.weights_bytes, 4 * words - words / 32 * 18);
    // Bytes that no metadata calls blocks are none.
    let bytes = Model { dtype: Dtype::U8, ..Model::new() }.write();
    bytes.assert_refused("model.safetensors", "holds U8");
}

#[test]
fn pooling_is_what_the_folder_says() {
    let model = Model::new().write();
    let mean = model.embed();
    fs::create_dir(model.path("1_Pooling")).unwrap();
    let pooling = |text: &str| fs::write(model.path("1_Pooling/config.json"), text).unwrap();
    pooling(r#"{"word_embedding_dimension": 64, "pooling_mode_mean_tokens": true}"#);
    assert_eq!(model.embed(), mean);
    pooling(r#"{"word_embedding_dimension": 64, "pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false}"#);
    assert_ne!(model.embed(), mean);
    pooling(r#"{"pooling_mode_max_tokens": true}"#);
    model.assert_refused("1_Pooling/config.json", "this pooling is not supported");
}

#[test]
fn what_cannot_be_computed_is_refused_by_name() {
    let cases = [
        ("architectures", json!(["LlamaForCausalLM"]), "the architecture [\"LlamaForCausalLM\"] is not supported"),
        ("hidden_act", json!("relu"), "the activation `relu` is not supported"),
        ("position_embedding_type", json!("relative_key"), "`relative_key` are not supported"),
        ("hidden_size", json!(0), "`hidden_size` is 0"),
        ("num_attention_heads", json!(0), "`hidden_size / num_attention_heads` is 0"),
        ("num_attention_heads", json!(3), "`hidden_size / num_attention_heads` is 21"),
        ("max_position_embeddings", json!(1), "`max_position_embeddings` is 1"),
        ("vocab_size", json!("many"), "not understood"),
    ];
    for (key, value, reason) in cases {
        let mut model = Model::new();
        model.config[key] = value;
        model.write().assert_refused("config.json", reason);
    }
}

#[test]
fn weights_that_the_configuration_does_not_describe_are_refused() {
    let bias = "encoder.layer.0.output.dense.bias";
    let model = Model { drop_tensor: Some(bias), ..Model::new() }.write();
    model.assert_refused("model.safetensors", "it has no tensor `encoder.layer.0.output.dense.bias`");
    let mut model = Model::new();
    model.config["intermediate_size"] = json!(128);
    model.write().assert_refused("model.safetensors", "has the shape [96], expected [128]");
    let model = Model { dtype: Dtype::I64, ..Model::new() }.write();
    model.assert_refused("model.safetensors", "holds I64; supported are F32, F16, BF16 and");
}

#[test]
fn damaged_weights_are_refused() {
    let model = Model::new().write();
    let path = model.path("model.safetensors");
    let whole = fs::read(&path).unwrap();
    let mut not_finite = whole.clone();
    let end = not_finite.len();
    not_finite[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    let cases = [
        (whole[..whole.len() - 1].to_vec(), "truncated: it has"),
        (whole[..100].to_vec(), "the header's length is"),
        (whole[..5].to_vec(), "5 bytes are no safetensors file"),
        (Vec::new(), "0 bytes are no safetensors file"),
        ([whole.clone(), vec![0]].concat(), "too long: it has"),
        ([&2_u64.to_le_bytes()[..], b"[]"].concat(), "the header is not understood"),
        (vec![0xff; 4096], "the header's length is"),
        (not_finite, "holds numbers that are not finite"),
    ];
    for (bytes, reason) in cases {
        fs::write(&path, bytes).unwrap();
        model.assert_refused("model.safetensors", reason);
    }
    fs::remove_file(&path).unwrap();
    model.assert_refused("model.safetensors", "cannot be read");
}

#[test]
fn a_missing_or_damaged_tokenizer_or_configuration_is_refused() {
    let model = Model::new().write();
    fs::write(model.path("tokenizer.json"), "{}").unwrap();
    model.assert_refused("tokenizer.json", "not a tokenizer");
    let more = [&WORDS[..], &["extra"]].concat();
    fs::write(model.path("tokenizer.json"), tokenizer(&more).to_string()).unwrap();
    model.assert_refused("tokenizer.json", "it has token 9 and the model has 9 tokens");
    fs::remove_file(model.path("tokenizer.json")).unwrap();
    model.assert_refused("tokenizer.json", "not a tokenizer");
    fs::remove_file(model.path("config.json")).unwrap();
    model.assert_refused("config.json", "cannot be read");
}
