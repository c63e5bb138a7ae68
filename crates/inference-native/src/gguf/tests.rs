use std::io::Cursor;

use super::*;

/// A small valid file: one F32 tensor of 64 × 2, as `llama` with three tokens.
fn file() -> Vec<u8> {
    file_of("llama")
}

fn file_of(architecture: &str) -> Vec<u8> {
    let mut bytes = b"GGUF".to_vec();
    let text = |bytes: &mut Vec<u8>, text: &str| {
        bytes.extend((text.len() as u64).to_le_bytes());
        bytes.extend(text.as_bytes());
    };
    bytes.extend(3_u32.to_le_bytes());
    bytes.extend(1_u64.to_le_bytes());
    bytes.extend(7_u64.to_le_bytes());
    text(&mut bytes, "general.architecture");
    bytes.extend(8_u32.to_le_bytes());
    text(&mut bytes, architecture);
    for (key, value) in [
        ("context_length", 512_u32),
        ("embedding_length", 64),
        ("block_count", 2),
        ("attention.head_count", 4),
        ("attention.head_count_kv", 1),
    ] {
        text(&mut bytes, &format!("{architecture}.{key}"));
        bytes.extend(4_u32.to_le_bytes());
        bytes.extend(value.to_le_bytes());
    }
    text(&mut bytes, "tokenizer.ggml.tokens");
    bytes.extend(9_u32.to_le_bytes());
    bytes.extend(8_u32.to_le_bytes());
    bytes.extend(3_u64.to_le_bytes());
    ["a", "b", "c"].iter().for_each(|token| text(&mut bytes, token));
    text(&mut bytes, "output.weight");
    bytes.extend(2_u32.to_le_bytes());
    bytes.extend(64_u64.to_le_bytes());
    bytes.extend(2_u64.to_le_bytes());
    bytes.extend(0_u32.to_le_bytes());
    bytes.extend(0_u64.to_le_bytes());
    bytes.resize(bytes.len().next_multiple_of(32) + 64 * 2 * 4, 0);
    bytes
}

fn read(bytes: &[u8]) -> Result<Gguf> {
    let length = bytes.len() as u64;
    Reader::new(Cursor::new(bytes), length).header().map_err(|fault| fault.name(Path::new("model.gguf")))
}

fn reason(bytes: &[u8]) -> String {
    match read(bytes) {
        Err(Error::ModelFile { reason, hint, .. }) => {
            assert!(!hint.is_empty());
            reason
        }
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn facts_are_read_from_the_header() {
    let facts = read(&file()).unwrap().facts(Path::new("dir/tiny.gguf")).unwrap();
    assert_eq!(
        (facts.name.as_str(), facts.architecture.as_str(), facts.weights_format.as_str()),
        ("tiny", "llama", "F32")
    );
    assert_eq!((facts.parameters, facts.context_length, facts.vocabulary), (128, 512, 3));
    assert_eq!(facts.weights_bytes, 512);
    // Two layers, one head of keys and values of 16 numbers of two bytes each.
    assert_eq!(facts.cache_bytes_per_token, 2 * (16 + 16) * 2);
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let whole = file();
    for length in 0..whole.len() {
        let reason = reason(&whole[..length]);
        assert!(
            reason.contains("truncated") || reason.contains("not a GGUF file") || reason.contains("do not fit"),
            "{length}: {reason}"
        );
    }
}

#[test]
fn no_damaged_byte_makes_reading_panic() {
    let whole = file();
    for at in 0..whole.len() - 512 {
        for flip in [0x01, 0x80, 0xff] {
            let mut damaged = whole.clone();
            damaged[at] ^= flip;
            let _ = read(&damaged).and_then(|header| header.facts(Path::new("x.gguf")));
        }
    }
}

#[test]
fn other_files_are_refused_by_name() {
    assert_eq!(reason(b"PK\x03\x04 a zip archive"), "it is not a GGUF file");
    assert_eq!(reason(b"lmgg an old one"), "it is in a format older than GGUF");
    let mut future = file();
    future[4] = 9;
    assert!(reason(&future).contains("version is 9"));
}

#[test]
fn what_one_token_is_multiplied_with_is_told() {
    let mut gguf = read(&file()).unwrap();
    for (key, number) in [("llama.expert_count", 8), ("llama.expert_used_count", 2)] {
        gguf.metadata.insert(key.to_owned(), Value::Unsigned(number));
    }
    let mut tensor = |name: &str, shape: &[u64]| gguf.tensors.push(Tensor::new(name.to_owned(), shape, 0, 0).unwrap());
    tensor("blk.0.attn_q.weight", &[64, 32]);
    tensor("blk.0.ffn_up_exps.weight", &[64, 16, 8]);
    tensor("blk.0.attn_norm.weight", &[64]);
    let shape = gguf.shape("llama", 64);
    let numbers = |matrices: &inference::Matrices| (matrices.numbers, matrices.bytes, matrices.activations);
    // The output has 64 columns and 2 rows; of 8 experts, 2 are read.
    assert_eq!(numbers(&shape.output), (128, 512, 66));
    assert_eq!(numbers(&shape.matrices[0]), (2048 + 2048, 4 * 4096, 64 + 32 + 2 * (64 + 16)));
    assert_eq!(shape.matrices.len(), 1);
}

#[test]
fn rows_of_floats_and_k_quants_are_not_all_multiplied_alike() {
    let mut gguf = read(&file()).unwrap();
    assert_eq!(gguf.rows_alike(), 1);
    for (format, alike) in
        [("Q4_1", usize::MAX), ("Q8_0", usize::MAX), ("IQ4_NL", usize::MAX), ("Q4_K", 7), ("IQ4_XS", 7)]
    {
        gguf.tensors[0].format = format;
        assert_eq!(gguf.rows_alike(), alike, "{format}");
    }
    gguf.tensors[0].is_matrix = false;
    assert_eq!(gguf.rows_alike(), usize::MAX);
}

#[test]
fn a_model_that_embeds_is_refused_as_it_cannot_be_loaded() {
    use inference::{Loader as _, ModelFiles};

    let dir = tempfile::tempdir().unwrap();
    let main = dir.path().join("model.gguf");
    std::fs::write(&main, file_of("bert")).unwrap();
    let refusal = crate::NativeLoader::default().inspect(&ModelFiles { dir: dir.path().to_owned(), main });
    let Err(Error::ModelFile { reason, hint, .. }) = refusal else { panic!("{refusal:?}") };
    assert!(reason.contains("`bert` embeds text") && hint.contains("safetensors"), "{reason}, {hint}");
}
