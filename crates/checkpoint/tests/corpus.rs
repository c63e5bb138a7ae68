//! The inputs that the fuzz targets of checkpoints begin with, and those that once broke something, as ordinary tests.

#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

#[path = "../../../fuzz/src/safetensors.rs"]
mod safetensors;
#[path = "../../../fuzz/src/tokenizers.rs"]
mod tokenizers;

use std::path::Path;

fn inputs(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    std::fs::read_dir(folder).unwrap().map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
}

#[test]
fn what_is_kept_for_the_fuzzers_does_no_harm() {
    for (target, inputs) in [("safetensors", inputs("safetensors")), ("tokenizers", inputs("tokenizers"))] {
        assert!(inputs.len() >= 8, "{target}: {}", inputs.len());
    }
    inputs("safetensors").iter().for_each(|input| safetensors::run(input));
    inputs("tokenizers").iter().for_each(|input| tokenizers::run(input));
}
