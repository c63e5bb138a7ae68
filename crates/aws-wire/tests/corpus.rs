//! The inputs that the fuzz target of signatures begins with, and those that once broke something, as an ordinary test.

#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

#[path = "../../../fuzz/src/signatures.rs"]
mod signatures;

use std::path::Path;

#[test]
fn what_is_kept_for_the_fuzzer_does_no_harm() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/signatures");
    let inputs: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect();
    assert!(inputs.len() >= 10, "{}", inputs.len());
    inputs.iter().for_each(|input| signatures::run(input));
}
