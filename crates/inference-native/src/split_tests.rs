//! Models that are cut for several GPUs compute what they compute whole.

use std::path::Path;
use std::sync::Arc;

use checkpoint::Quantization;
use inference::backend::{Care, Input, Open as _};
use inference::{CHUNK, LoadOptions, Loader as _, ModelFiles, Split};

use crate::NativeLoader;
use crate::backend::{NativeContext, Shape};
use crate::gguf::Gguf;
use crate::llama::{self, Model};
use crate::sample::{SMALL, Sample, converted};

/// The logits after each of some tokens.
fn logits(file: &Path, options: &LoadOptions) -> Vec<Vec<f32>> {
    let files = ModelFiles { dir: file.parent().unwrap().to_owned(), main: file.to_owned() };
    let facts = NativeLoader::default().inspect(&files).unwrap();
    let shape = Shape::new(&facts, options, (0, CHUNK, Gguf::open(file).unwrap().rows_alike()));
    let model = Arc::new(Model::load(file, options).unwrap());
    let tokens = 0..24;
    let batch: Vec<Input> = tokens
        .clone()
        .map(|at| Input { sequence: 0, position: at, token: 5 + at * 7, logits: true, also: (0, 0) })
        .collect();
    let mut read = Vec::new();
    let mut context = NativeContext::new(model, shape);
    let opened = context.open(&mut |backend| {
        backend.decode(&batch, Care::Exact).unwrap();
        read = tokens.clone().map(|at| backend.logits(at as usize).unwrap().to_vec()).collect();
    });
    opened.unwrap();
    read
}

/// Two ways to compute round otherwise: by how much two vectors may differ, for the length of one of them.
const ROUNDING: f32 = 0.02;

fn distance(one: &[f32], other: &[f32]) -> f32 {
    let length = one.iter().map(|x| x * x).sum::<f32>().sqrt();
    one.iter().zip(other).map(|(a, b)| (a - b) * (a - b)).sum::<f32>().sqrt() / length.max(f32::MIN_POSITIVE)
}

#[test]
fn a_model_that_is_split_over_gpus_has_the_logits_of_the_whole_one() {
    let seen = llama::gpus();
    if seen < 2 {
        tracing::warn!("skipped: this needs two GPUs, and this build sees {seen}");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("model.gguf");
    let source = Sample::new("LlamaForCausalLM", SMALL, "F16").files();
    std::fs::write(&file, converted(&source, Quantization::F16, &crate::NativeQuantizer)).unwrap();
    let whole = LoadOptions {
        parallel: 1,
        context_per_sequence: 256,
        gpu_layers: u32::MAX,
        split: Split::None,
        ..LoadOptions::default()
    };
    let expected = logits(&file, &whole);
    assert_eq!(expected.len(), 24);
    for split in [Split::Layer, Split::Row] {
        for tensor_split in [Vec::new(), vec![3.0, 1.0]] {
            let options = LoadOptions { split, tensor_split, ..whole.clone() };
            for (at, (one, other)) in expected.iter().zip(logits(&file, &options)).enumerate() {
                let far = distance(one, &other);
                assert!(far < ROUNDING, "{split}, {:?}, token {at}: {far}", options.tensor_split);
            }
        }
    }
}

#[test]
fn the_whole_model_has_the_same_logits_twice() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("model.gguf");
    let source = Sample::new("LlamaForCausalLM", SMALL, "F16").files();
    std::fs::write(&file, converted(&source, Quantization::F16, &crate::NativeQuantizer)).unwrap();
    let options = LoadOptions { parallel: 1, context_per_sequence: 256, ..LoadOptions::default() };
    let (one, other) = (logits(&file, &options), logits(&file, &options));
    assert_eq!(one, other);
    assert!(one.iter().all(|row| row.iter().any(|logit| *logit != 0.0)));
}
